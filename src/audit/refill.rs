//! The record of a token that is minted before anyone asks for it: an intent, and then either the
//! record of who got it, or one that says that nobody will.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use tokio::time::Instant as Deadline;
use uuid::Uuid;

use super::{
    INTENT_PATIENCE, Inner, Unrecorded,
    event::{Event, Made, millis, rfc3339},
    hex,
};

/// How long a record waits for room that no answer waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is written of a mint ahead. Dropped before it was handed over, it is written that nobody got the
/// token.
#[must_use = "a refill that is dropped is recorded as discarded"]
#[derive(Debug)]
pub struct Refill(Option<Open>);

#[derive(Debug)]
struct Open {
    audit: Arc<Inner>,
    begun: Instant,
    event: Event,
}

impl Refill {
    pub(super) fn nowhere() -> Self {
        Self(None)
    }

    pub(super) async fn begin(
        audit: Arc<Inner>,
        token_type: &str,
        provider: &str,
        ttl: u32,
    ) -> Result<Self, Unrecorded> {
        let mut event = Event {
            event: "discard",
            mint_id: Some(Uuid::now_v7().to_string()),
            token_type: Some(token_type.to_owned()),
            provider: Some(provider.to_owned()),
            ttl: Some(ttl),
            ..Event::default()
        };
        let deadline = Deadline::now() + INTENT_PATIENCE;
        let intent = event.intent("refill", audit.clock.now());
        audit.sink.write_intent(intent, deadline).await?;
        event.minted = Made::Unknown;
        Ok(Self(Some(Open { audit, begun: Instant::now(), event })))
    }

    /// What was minted, when, and the end of its life, in Unix seconds. Only a hash of the token is
    /// kept.
    pub fn minted(&mut self, token: &str, minted_at: u64, expires_at: u64) {
        let Some(Open { event, .. }) = &mut self.0 else { return };
        event.minted = Made::Yes;
        event.token_sha256 = Some(hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref()));
        event.minted_at = Some(minted_at);
        event.expires_at = Some(expires_at);
    }

    /// It is certain that the provider made no token.
    pub fn minted_nothing(&mut self) {
        if let Some(Open { event, .. }) = &mut self.0 {
            event.minted = Made::No;
        }
    }

    /// Writes that nobody gets the token, and why.
    pub async fn discard(mut self, why: &'static str) {
        let Some(open) = self.0.take() else { return };
        let deadline = Deadline::now() + PATIENCE;
        let audit = Arc::clone(&open.audit);
        match audit.sink.room(deadline).await {
            Some(room) => audit.sink.write_settled(room, open.close(why)),
            None => audit.sink.write_some_time(open.close(why)),
        }
    }

    /// What is known of it, for the record of who gets it.
    pub(super) fn hand_over(mut self) -> Option<Event> {
        self.0.take().map(|open| open.event)
    }
}

impl Drop for Refill {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else { return };
        let audit = Arc::clone(&open.audit);
        audit.sink.write_some_time(open.close("lost"));
    }
}

impl Open {
    fn close(self, outcome: &'static str) -> Event {
        let Self { audit, begun, mut event } = self;
        event.time = rfc3339(audit.clock.now());
        event.duration_ms = millis(begun.elapsed());
        event.outcome = outcome;
        event
    }
}
