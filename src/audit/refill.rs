//! The record of a token that is minted before anyone asks for it: an intent, and then either the
//! record of who got it, or one that says that nobody will.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::Instant as Deadline;
use uuid::Uuid;

use super::{
    INTENT_PATIENCE, Inner, Unrecorded,
    event::{Event, Made},
    sha256,
};

/// How long a record waits for room that no answer waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is written of a mint ahead. Dropped before it was handed over, it is written that nobody got the
/// token.
#[must_use = "a refill that is dropped is recorded as discarded"]
#[derive(Debug)]
pub struct Refill(Option<Box<Open>>);

/// As small as can be: there are as many as tokens in a pool.
#[derive(Debug)]
struct Open {
    audit: Arc<Inner>,
    begun: Instant,
    mint_id: Uuid,
    token_type: Arc<str>,
    provider: Arc<str>,
    ttl: u32,
    minted: Made,
    token: Option<Token>,
}

#[derive(Debug)]
struct Token {
    sha256: [u8; 32],
    minted_at: u64,
    expires_at: u64,
}

impl Refill {
    pub(super) fn nowhere() -> Self {
        Self(None)
    }

    pub(super) async fn begin(
        audit: Arc<Inner>,
        token_type: &Arc<str>,
        provider: &Arc<str>,
        ttl: u32,
    ) -> Result<Self, Unrecorded> {
        let open = Box::new(Open {
            audit,
            begun: Instant::now(),
            mint_id: Uuid::now_v7(),
            token_type: Arc::clone(token_type),
            provider: Arc::clone(provider),
            ttl,
            minted: Made::Unknown,
            token: None,
        });
        let deadline = Deadline::now() + INTENT_PATIENCE;
        let intent = open.event().intent("refill", open.audit.clock.now());
        open.audit.sink.write_intent(intent, deadline).await?;
        Ok(Self(Some(open)))
    }

    /// What was minted, when, and the end of its life, in Unix seconds. Only a hash of the token is
    /// kept.
    pub fn minted(&mut self, token: &str, minted_at: u64, expires_at: u64) {
        let Some(open) = &mut self.0 else { return };
        let sha256 = sha256(token);
        open.minted = Made::Yes;
        open.token = Some(Token { sha256, minted_at, expires_at });
    }

    /// It is certain that the provider made no token.
    pub fn minted_nothing(&mut self) {
        if let Some(open) = &mut self.0 {
            open.minted = Made::No;
        }
    }

    /// Writes that nobody gets the token, and why.
    pub async fn discard(mut self, why: &'static str) {
        if let Some(open) = self.0.take() {
            open.write(open.close(why)).await;
        }
    }

    /// The same, with what happened. It is for operators, and must not hold a secret.
    pub async fn discard_because(mut self, why: &'static str, reason: String) {
        if let Some(open) = self.0.take() {
            let event = Event { reason: Some(reason), ..*open.close(why) };
            open.write(Box::new(event)).await;
        }
    }

    /// What is known of it, for the record of who gets it.
    pub(super) fn hand_over(mut self) -> Option<Event> {
        self.0.take().map(|open| open.event())
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
    fn event(&self) -> Event {
        let token = self.token.as_ref();
        Event {
            event: "discard",
            mint_id: Some(self.mint_id),
            token_type: Some(Arc::clone(&self.token_type)),
            provider: Some(Arc::clone(&self.provider)),
            ttl: Some(self.ttl),
            minted: self.minted,
            minted_at: token.map(|it| it.minted_at),
            expires_at: token.map(|it| it.expires_at),
            token_sha256: token.map(|it| it.sha256),
            ..Event::default()
        }
    }

    async fn write(&self, event: Box<Event>) {
        let sink = &self.audit.sink;
        match sink.room(Deadline::now() + PATIENCE).await {
            Some(room) => sink.write_settled(room, event),
            None => sink.write_some_time(event),
        }
    }

    fn close(&self, outcome: &'static str) -> Box<Event> {
        Box::new(Event {
            time: self.audit.clock.now().into(),
            duration: self.begun.elapsed(),
            outcome,
            ..self.event()
        })
    }
}
