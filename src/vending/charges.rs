//! Which limits a token is counted under.

use std::net::IpAddr;

use super::Ask;
use crate::{
    app::Live,
    caller::{Caller, limit_key},
    limit::{Charge, Limiter},
    settings::{Limit, NamedLimits, Via},
};

/// Every request of an address.
pub(super) fn address(live: &Live, limiter: &Limiter, client: IpAddr) -> Charge {
    limiter.charge("address", live.limits.address, &[&limit_key(client)])
}

/// Wrong credentials from an address.
pub(super) fn failed_authentication(live: &Live, limiter: &Limiter, client: IpAddr) -> Charge {
    let limit = live.limits.failed_authentication;
    limiter.charge("failed_authentication", limit, &[&limit_key(client)])
}

/// A token of the type `ask.name`, granted under the limits of the name `named`.
pub(super) fn token(live: &Live, limiter: &Limiter, ask: &Ask, named: Option<&str>) -> Vec<Charge> {
    let limits = &live.limits;
    let own = named.and_then(|name| limits.named.get(name));
    let own = |part: fn(&NamedLimits) -> Option<Limit>| own.and_then(part);
    let address = limit_key(ask.client);
    let token_type = ask.name.as_bytes();
    let caller = identity(&ask.caller, &address);
    let of_type = [caller.as_slice(), &[token_type]].concat();
    let each = own(|it| it.caller).unwrap_or(limits.caller);
    let each_of_type = own(|it| it.caller_token).unwrap_or(limits.caller_token);
    let mut charges = vec![
        limiter.charge("caller", each, &caller),
        limiter.charge("caller_token", each_of_type, &of_type),
        limiter.charge("token", limits.token, &[token_type]),
    ];
    if let (Some(name), Some(limit)) = (named, own(|it| it.together)) {
        charges.push(limiter.charge("together", limit, &[name.as_bytes()]));
    }
    charges
}

/// What a caller is counted by. Whoever shares a publishable key with all the world, or is not known
/// at all, is counted by address.
fn identity<'a>(caller: &'a Caller, address: &'a [u8]) -> Vec<&'a [u8]> {
    let mut parts = vec![caller.via.name().as_bytes(), caller.id.as_bytes()];
    parts.extend(caller.issuer.as_ref().map(|issuer| issuer.as_bytes()));
    if matches!(caller.via, Via::PublishableKey | Via::Anonymous) {
        parts.push(address);
    }
    parts
}
