//! The record of one request: begun first, filled in as facts arrive, written on every way out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    ABANDONED, INTENT_PATIENCE, Inner, PATIENCE, Unrecorded,
    event::{Caller, Event, Made},
    refill::Refill,
    sha256,
};

/// A record that is being filled in. It is written when it is finished, or with the outcome
/// `abandoned` when it is dropped: the client hung up, or the handler panicked.
#[must_use = "a record that is dropped says \"abandoned\""]
#[derive(Debug)]
pub struct Record(Option<Open>);

#[derive(Debug)]
struct Open {
    audit: Arc<Inner>,
    begun: Instant,
    /// It moves from hand to hand.
    event: Box<Event>,
}

impl Record {
    pub(super) fn nowhere() -> Self {
        Self(None)
    }

    pub(super) fn begin(
        audit: Arc<Inner>,
        request_id: &str,
        route: &'static str,
        address: String,
    ) -> Self {
        let event = Event {
            event: "vend",
            request_id: request_id.to_owned(),
            route,
            address,
            ..Event::default()
        };
        Self(Some(Open { audit, begun: Instant::now(), event: Box::new(event) }))
    }

    /// The page's origin, as the browser gave it.
    pub fn origin(&mut self, origin: &str) {
        self.fill(|event| event.origin = Some(origin.to_owned()));
    }

    /// Who asks, how that is known (`key`, `jwt` and so on), and by whose word, if that is to be told.
    pub fn caller(&mut self, via: &'static str, id: Arc<str>, issuer: Option<Arc<str>>) {
        self.fill(|event| event.caller = Some(Caller { id, via, issuer }));
    }

    /// Why it was refused, such as which check failed. It is for operators, and never holds a secret.
    pub fn reason(&mut self, reason: impl Into<String>) {
        self.fill(|event| event.reason = Some(reason.into()));
    }

    /// What is asked for, and from whom it would come.
    pub fn token_type(&mut self, name: &Arc<str>, provider: &Arc<str>) {
        self.fill(|event| {
            event.token_type = Some(Arc::clone(name));
            event.provider = Some(Arc::clone(provider));
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
        let Some(Open { audit, event, .. }) = &mut self.0 else { return Ok(()) };
        let deadline = tokio::time::Instant::now() + INTENT_PATIENCE;
        // Not the request's id: callers may choose that.
        event.mint_id = Some(Uuid::now_v7());
        audit.sink.write_intent(event.intent("mint", audit.clock.now()), deadline).await?;
        event.minted = Made::Unknown;
        Ok(())
    }

    /// It is certain that the provider made no token.
    pub fn minted_nothing(&mut self) {
        self.fill(|event| event.minted = Made::No);
    }

    /// What was minted, and the end of its life in Unix seconds. Only a hash of the token is kept.
    pub fn minted(&mut self, token: &str, expires_at: u64) {
        self.fill(|event| {
            event.minted = Made::Yes;
            event.token_sha256 = Some(sha256(token));
            event.expires_at = Some(expires_at);
        });
    }

    /// It is a token that was minted ahead: what was written of that goes on in this record.
    pub fn pooled(&mut self, refill: Refill) {
        let Some(minted) = refill.hand_over() else { return };
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
        self.fill(|event| event.upstream = Some(took));
    }

    /// Writes it. `outcome` is `vended` or the code of a problem.
    ///
    /// # Errors
    /// When the sink did not take it within 100 ms. The answer must then be the problem
    /// `audit_unavailable`, whatever it would have been: that is what the record will say, as soon
    /// as it can be written.
    pub async fn finish(mut self, outcome: &'static str) -> Result<(), Unrecorded> {
        let Some(audit) = self.0.as_ref().map(|open| Arc::clone(&open.audit)) else {
            return Ok(());
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        // Until there is room the record stays here, so that it is written if this is dropped.
        let share = match self.is_of_stranger() {
            true => Some(audit.sink.share_of_strangers(deadline).await),
            false => None,
        };
        let is_crowded = matches!(share, Some(None));
        let room = if is_crowded { None } else { audit.sink.room(deadline).await };
        let Some(event) = self.close(outcome) else { return Ok(()) };
        match room {
            Some(room) => audit.sink.write(room, event, deadline).await,
            None if is_crowded => {
                audit.sink.lose();
                Err(Unrecorded)
            }
            None => {
                audit.sink.write_unavailable(event);
                Err(Unrecorded)
            }
        }
    }

    /// Whether it is of someone whom nobody knows.
    fn is_of_stranger(&self) -> bool {
        self.0.as_ref().is_some_and(|open| open.event.is_of_stranger())
    }

    fn fill(&mut self, fact: impl FnOnce(&mut Event)) {
        if let Some(open) = &mut self.0 {
            fact(&mut open.event);
        }
    }

    /// Nothing is written of it hereafter.
    fn close(&mut self, outcome: &'static str) -> Option<Box<Event>> {
        let Open { audit, begun, mut event } = self.0.take()?;
        event.time = audit.clock.now().into();
        event.duration = begun.elapsed();
        event.outcome = outcome;
        Some(event)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Some(audit) = self.0.as_ref().map(|open| Arc::clone(&open.audit)) else { return };
        if let Some(event) = self.close(ABANDONED) {
            audit.sink.write_some_time(event);
        }
    }
}
