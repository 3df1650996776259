//! The limits that replicas share: counts in Redis, spent by one atomic script.
//!
//! The user it needs there is in `config/redis-users.acl`: without a password, so nobody can log in
//! before one is set. It takes Redis 6.2 or later, or Valkey; tested with Redis 7.0.
//!
//! Nothing that identifies anyone goes there: a key is an HMAC. All keys share one hash tag, so
//! that one script may touch all of them in a cluster too.

mod link;
mod reason;

use std::{fmt, time::Duration};

use aws_lc_rs::hmac;
use redis::{Client, IntoConnectionInfo as _, RedisResult, Script, ScriptInvocation};

use super::{
    charge::{Charge, Outcome, Receipt, StoreState},
    gcra::Bucket,
    quota::Window,
    tally::{Measure, Tally, Weighed, outcome, receipts},
};
use crate::base::{hex::Hex, secret::Secret};
use link::Link;

/// The shortest key that identities are hashed with.
const KEY_BYTES: usize = 32;

/// What all keys begin with.
const PREFIX: &str = "valetkey:{limits}:";

/// How long Redis may take to answer, before what memory says stands.
const PATIENCE: Duration = Duration::from_millis(25);

/// The counts in Redis.
pub(super) struct Shared {
    hashing: hmac::Key,
    script: Script,
    link: Link,
}

impl Shared {
    /// Takes the URL of a Redis. Does not need it to be there.
    pub(super) fn new(url: &Secret, hash_key: &Secret) -> Result<Self, String> {
        if hash_key.expose().len() < KEY_BYTES {
            return Err(format!("needs a hash key of at least {KEY_BYTES} bytes"));
        }
        // The crate's own error may repeat the URL.
        let client = client(url.expose()).map_err(|_| {
            "expected the URL of a Redis, such as redis://host:6379 or rediss://user:password@host"
                .to_owned()
        })?;
        let script = Script::new(include_str!("script.lua"));
        let link = Link::new(client, script.clone());
        let hashing = hmac::Key::new(hmac::HMAC_SHA256, hash_key.expose().as_bytes());
        Ok(Self { hashing, script, link })
    }

    /// The hash of a subject among replicas.
    pub(super) fn hash(&self, scope: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.hashing);
        for part in std::iter::once(scope.as_bytes()).chain(parts.iter().copied()) {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&context.sign().as_ref()[..16]);
        hash
    }

    /// Spends all charges or none; those of `already` are not among what can be given back.
    /// `None`: Redis does not say.
    pub(super) async fn spend(&self, already: &[Charge], charges: &[Charge]) -> Option<Outcome> {
        let is_on = |charge: &&Charge| charge.limit.is_on();
        let kept = already.iter().filter(is_on).count();
        let charges: Vec<&Charge> = already.iter().chain(charges).filter(is_on).collect();
        if charges.is_empty() {
            return Some(outcome(&[], 0, Vec::new()));
        }
        let mut call = self.script.prepare_invoke();
        call.arg("spend");
        for charge in &charges {
            add(&mut call, charge)?;
        }
        let reply = self.link.call(&call).await?;
        let (weighed, mut outcome, now) = read(&charges, &reply)?;
        if let Ok(spent) = &mut outcome.result {
            spent.shared = receipts(&weighed, now).skip(kept).flatten().collect();
        }
        Some(outcome)
    }

    /// Takes back what was spent there, as far as Redis can be reached.
    pub(super) async fn give_back(&self, receipts: &[Receipt]) {
        let mut call = self.script.prepare_invoke();
        call.arg("give_back");
        for receipt in receipts {
            if add(&mut call, &receipt.charge).is_some() {
                call.arg(receipt.at).arg(receipt.window);
            }
        }
        if !receipts.is_empty() {
            self.link.call(&call).await;
        }
    }

    pub(super) fn state(&self) -> StoreState {
        self.link.state()
    }
}

impl fmt::Debug for Shared {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({:?})", self.state())
    }
}

fn client(url: &str) -> RedisResult<Client> {
    let address = url.into_connection_info()?;
    // Our user in Redis need not be allowed to name its library.
    let settings = address.redis_settings().clone().set_skip_set_lib_name();
    Client::open(address.set_redis_settings(settings))
}

/// Adds a charge to a call, as `script.lua` takes it. `None`: it was hashed for this process only.
fn add(call: &mut ScriptInvocation<'_>, charge: &Charge) -> Option<()> {
    let key = format!("{PREFIX}{}:{}", charge.policy, Hex(&charge.subject.shared?));
    let Measure { pace, allowance } = charge.limit.into();
    call.key(key).arg(u8::from(charge.is_enforced()));
    call.arg(pace.map_or(0, |it| it.interval)).arg(pace.map_or(0, |it| it.capacity));
    call.arg(allowance.map_or(0, |it| it.count)).arg(allowance.map_or(0, |it| it.per));
    Some(())
}

/// Reads what the script says: the counts that it met, what came of it, and when. `None`: that makes
/// no sense.
fn read<'a>(charges: &[&'a Charge], reply: &[u64]) -> Option<(Vec<Weighed<'a>>, Outcome, u64)> {
    // A script's numbers are doubles; beyond those that are exact, none is one of ours.
    if reply.iter().any(|number| *number >= 1 << 53) {
        return None;
    }
    let [now, spent, counts @ ..] = reply else { return None };
    let (counts, rest) = counts.as_chunks::<4>();
    if counts.len() != charges.len() || !rest.is_empty() {
        return None;
    }
    let weigh = |(charge, counts): (&&'a Charge, &[u64; 4])| {
        let [tat, low, end, count] = *counts;
        let before = Tally { bucket: Bucket { tat, low }, window: Window { end, count } };
        Weighed::new(charge, before, *now)
    };
    let weighed: Vec<Weighed<'_>> = charges.iter().zip(counts).map(weigh).collect();
    let outcome = outcome(&weighed, *now, Vec::new());
    // The script and we follow the same rules.
    (outcome.result.is_ok() == (*spent == 1)).then_some((weighed, outcome, *now))
}

#[cfg(test)]
mod agreement;

#[cfg(test)]
#[path = "../../../tests/it/support/redis.rs"]
#[expect(dead_code, unreachable_pub, reason = "what the integration tests use besides")]
mod redis_server;
