//! The record of one request, or of a token that is minted before anyone asks for it: begun first,
//! filled in as facts arrive, written on every way out.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use tokio::time::Instant as Deadline;
use uuid::Uuid;

use super::{
    ABANDONED, INTENT_PATIENCE, Inner, PATIENCE, Unrecorded, address,
    event::{Caller, Event, Made, Millis, Sha256, Time},
    line::Text,
};

/// How long a record waits for room that no answer waits for.
const REFILL_PATIENCE: Duration = Duration::from_secs(2);

/// A record that is being filled in. It is written when it is finished, or with the outcome
/// `abandoned` when it is dropped: the client hung up, or the handler panicked.
#[must_use = "a record that is dropped says \"abandoned\""]
#[derive(Debug)]
pub struct Record(Option<Open>);

/// What is written of a mint ahead. Dropped before it was handed over, it is written that nobody got the
/// token.
#[must_use = "a refill that is dropped is recorded as discarded"]
#[derive(Debug)]
pub struct Refill(Record);

#[derive(Debug)]
struct Open {
    audit: Arc<Inner>,
    begun: Instant,
    /// What the line of its intent is called.
    intent: &'static str,
    /// What a record says that is dropped.
    dropped: &'static str,
    /// It moves from hand to hand.
    event: Box<Event>,
}

impl Record {
    pub(super) fn begin(
        audit: Option<&Arc<Inner>>,
        request_id: &str,
        route: &'static str,
        address: IpAddr,
    ) -> Self {
        Self(audit.map(|audit| {
            let event = Event {
                event: "vend",
                request_id: Some(Text(request_id.to_owned())),
                route: Some(route),
                address: Some(address::text(address, audit.address)),
                minted: Some(Made::No),
                ..Event::default()
            };
            Open::new(audit, "mint", ABANDONED, event)
        }))
    }

    /// The page's origin, as the browser gave it.
    pub fn origin(&mut self, origin: &str) {
        self.fill(|event| event.origin = Some(Text(origin.to_owned())));
    }

    /// Who asks, how that is known (`key`, `jwt` and so on), and by whose word, if that is to be told.
    pub fn caller(&mut self, via: &'static str, id: Arc<str>, issuer: Option<Arc<str>>) {
        self.fill(|event| {
            event.caller = Some(Caller { id: Text(id), via, issuer: issuer.map(Text) })
        });
    }

    /// Why it was refused, such as which check failed. It is for operators, and never holds a secret.
    pub fn reason(&mut self, reason: impl Into<String>) {
        self.fill(|event| event.reason = Some(Text(reason.into())));
    }

    /// What is asked for, and from whom it would come.
    pub fn token_type(&mut self, name: &Arc<str>, provider: &Arc<str>) {
        self.fill(|event| {
            event.token_type = Some(Text(Arc::clone(name)));
            event.provider = Some(Text(Arc::clone(provider)));
        });
    }

    /// The lifetime that was granted, in seconds.
    pub fn granted(&mut self, ttl: u32) {
        self.fill(|event| event.ttl = Some(ttl));
    }

    /// The limits in observe mode that would have refused.
    pub fn observed(&mut self, limits: Vec<&'static str>) {
        self.fill(|event| event.observed = limits);
    }

    /// Writes that the provider is about to be asked. From here on it is unknown whether there is a
    /// token, until [`Self::minted`] or [`Self::minted_nothing`] say more: whatever becomes of this
    /// process, the token is not lost count of.
    ///
    /// # Errors
    /// When the sink did not take it within 500 ms. The provider must then not be asked.
    pub async fn intend(&mut self) -> Result<(), Unrecorded> {
        match &mut self.0 {
            Some(open) => open.intend().await,
            None => Ok(()),
        }
    }

    /// It is certain that the provider made no token.
    pub fn minted_nothing(&mut self) {
        self.fill(|event| event.minted = Some(Made::No));
    }

    /// What was minted, and the end of its life in Unix seconds. Only a hash of the token is kept.
    pub fn minted(&mut self, token: &str, expires_at: u64) {
        self.fill(|event| {
            event.minted = Some(Made::Yes);
            event.token_sha256 = Some(sha256(token));
            event.expires_at = Some(expires_at);
        });
    }

    /// It is a token that was minted ahead: what was written of that goes on in this record.
    pub fn pooled(&mut self, refill: Refill) {
        let Refill(mut refill) = refill;
        let Some(Open { event: minted, .. }) = refill.0.take() else { return };
        self.fill(|event| {
            event.pooled = true;
            event.mint_id = minted.mint_id;
            event.minted = minted.minted;
            event.minted_at = minted.minted_at;
            event.expires_at = minted.expires_at;
            event.token_sha256 = minted.token_sha256;
        });
    }

    /// How long the provider took.
    pub fn upstream(&mut self, took: Duration) {
        self.fill(|event| event.upstream_ms = Some(Millis(took)));
    }

    /// Writes it. `outcome` is `vended` or the code of a problem.
    ///
    /// # Errors
    /// When the sink did not take it within 100 ms. The answer must then be the problem
    /// `audit_unavailable`, whatever it would have been: that is what the record says, if it can be
    /// written later.
    pub async fn finish(mut self, outcome: &'static str) -> Result<(), Unrecorded> {
        let Some(open) = &self.0 else { return Ok(()) };
        let (audit, deadline) = (Arc::clone(&open.audit), Deadline::now() + PATIENCE);
        // Until there is room the record stays here, so that it is written if this is dropped.
        let share = match open.event.is_of_stranger() {
            true => Some(audit.sink.share_of_strangers(deadline).await),
            false => None,
        };
        let is_crowded = matches!(share, Some(None));
        let room = if is_crowded { None } else { audit.sink.room(deadline).await };
        let Some((_, event)) = self.close(outcome) else { return Ok(()) };
        match room {
            Some(room) => return audit.sink.write(room, event, deadline).await,
            None if is_crowded => audit.sink.lose(),
            None => audit.sink.write_unavailable(event),
        }
        Err(Unrecorded)
    }

    fn fill(&mut self, fact: impl FnOnce(&mut Event)) {
        if let Some(open) = &mut self.0 {
            fact(&mut open.event);
        }
    }

    /// Nothing is written of it hereafter.
    fn close(&mut self, outcome: &'static str) -> Option<(Arc<Inner>, Box<Event>)> {
        let Open { audit, begun, mut event, .. } = self.0.take()?;
        event.time = Time(audit.clock.now());
        event.duration_ms = Some(Millis(begun.elapsed()));
        event.outcome = Some(outcome);
        Some((audit, event))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let dropped = self.0.as_ref().map_or(ABANDONED, |open| open.dropped);
        if let Some((audit, event)) = self.close(dropped) {
            audit.sink.write_some_time(&event);
        }
    }
}

impl Refill {
    pub(super) async fn begin(
        audit: Option<&Arc<Inner>>,
        token_type: &Arc<str>,
        provider: &Arc<str>,
        ttl: u32,
    ) -> Result<Self, Unrecorded> {
        let Some(audit) = audit else { return Ok(Self(Record(None))) };
        let event = Event {
            event: "discard",
            token_type: Some(Text(Arc::clone(token_type))),
            provider: Some(Text(Arc::clone(provider))),
            ttl: Some(ttl),
            ..Event::default()
        };
        let mut open = Open::new(audit, "refill", "lost", event);
        open.intend().await?;
        Ok(Self(Record(Some(open))))
    }

    /// What was minted, when, and the end of its life, in Unix seconds. Only a hash of the token is
    /// kept.
    pub fn minted(&mut self, token: &str, minted_at: u64, expires_at: u64) {
        self.0.minted(token, expires_at);
        self.0.fill(|event| event.minted_at = Some(minted_at));
    }

    /// It is certain that the provider made no token.
    pub fn minted_nothing(&mut self) {
        self.0.minted_nothing();
    }

    /// Writes that nobody gets the token, and why.
    pub async fn discard(mut self, why: &'static str) {
        let Some(open) = &mut self.0.0 else { return };
        open.dropped = why;
        let audit = Arc::clone(&open.audit);
        let room = audit.sink.room(Deadline::now() + REFILL_PATIENCE).await;
        if let Some((_, event)) = self.0.close(why) {
            audit.sink.write_settled(room, &event);
        }
    }

    /// The same, with what happened. It is for operators, and must not hold a secret.
    pub async fn discard_because(mut self, why: &'static str, reason: String) {
        self.0.reason(reason);
        self.discard(why).await;
    }
}

impl Open {
    fn new(audit: &Arc<Inner>, intent: &'static str, dropped: &'static str, event: Event) -> Self {
        let (audit, begun) = (Arc::clone(audit), Instant::now());
        Self { audit, begun, intent, dropped, event: Box::new(event) }
    }

    async fn intend(&mut self) -> Result<(), Unrecorded> {
        let deadline = Deadline::now() + INTENT_PATIENCE;
        // Not the request's id: callers may choose that.
        self.event.mint_id = Some(Uuid::now_v7());
        let intent = self.event.intent(self.intent, self.audit.clock.now()).line();
        self.audit.sink.write_intent(intent, deadline).await?;
        self.event.minted = Some(Made::Unknown);
        Ok(())
    }
}

fn sha256(text: &str) -> Sha256 {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    // It has that length; no line is ever without a hash for it.
    Sha256(hash.as_ref().try_into().unwrap_or_default())
}
