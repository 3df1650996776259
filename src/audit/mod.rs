//! The audit: one JSON line for every decision about a token, written before its answer leaves, and
//! one before a provider is asked, so that no token is lost count of.
//!
//! It is not the log: it goes elsewhere, its fields are a promise (`docs/audit.md`), and what cannot
//! be recorded is not vended. It knows nothing of HTTP or of why anything was decided.

mod address;
mod event;
mod health;
mod line;
mod output;
mod record;
mod sink;
mod target;
mod writer;

use std::{net::IpAddr, sync::Arc, time::Duration};

pub use record::{Record, Refill};

use sink::Sink;
use target::{Appended, stdout};

use crate::{
    base::clock::Clock,
    settings::{self, AddressForm, Sink as To},
};

/// How long an answer waits for its record. A healthy disk takes it in well under a millisecond.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a mint waits for its intent. Longer, because nothing is at stake yet and the provider takes
/// its time as well: a machine that is short of breath should not refuse for that.
const INTENT_PATIENCE: Duration = Duration::from_millis(500);

/// The most records that the writer takes at once. So many can wait for it in any case.
const MAX_BATCH: usize = 1024;

/// The outcome of a request whose record was not taken in time.
const UNAVAILABLE: &str = "audit_unavailable";

/// The outcome of a request that nobody waits for any more.
const ABANDONED: &str = "abandoned";

/// The sink did not take the record in time, so the decision must not be acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit did not take the record in time")]
pub struct Unrecorded;

/// The audit. Cheap to clone; lives as long as the process.
#[derive(Clone, Debug)]
pub struct Audit(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    sink: Sink,
    address: AddressForm,
    clock: Clock,
}

impl Audit {
    /// Opens the sink that `settings` name. `requests`:
    /// how many may end at the same moment; the record of each can wait.
    ///
    /// # Errors
    /// In words for the operator, when the sink cannot be opened.
    pub fn open(settings: &settings::Audit, requests: usize, clock: Clock) -> Result<Self, String> {
        let room = requests.max(MAX_BATCH);
        let sink = match settings.to.clone() {
            To::Off => return Ok(Self::off()),
            To::Stdout => Sink::start("stdout", room, || Ok((stdout()?, false)))?,
            To::File(path) => {
                Sink::start(&format!("file:{}", path.display()), room, || Appended::open(path))?
            }
        };
        let address = settings.address;
        Ok(Self(Some(Arc::new(Inner { sink, address, clock }))))
    }

    /// An audit in the file at `path`, for tests of those who record.
    #[cfg(test)]
    pub(crate) fn appending_to(path: &std::path::Path) -> Self {
        let to = To::File(path.to_owned());
        let settings = settings::Audit { to, address: AddressForm::Full };
        Self::open(&settings, 0, Clock::fixed(1_900_000_000)).expect("it can be opened")
    }

    /// An audit that records nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Whether the sink is known to take no records now, so that nothing need be minted in vain.
    pub fn is_stuck(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.sink.is_stuck())
    }

    /// Begins the record of a request. It is written when finished, or when dropped.
    pub fn begin(&self, request_id: &str, route: &'static str, address: IpAddr) -> Record {
        Record::begin(self.0.as_ref(), request_id, route, address)
    }

    /// Writes that a token of a type is about to be minted that nobody asked for yet.
    ///
    /// # Errors
    /// When the sink did not take it within 500 ms. The provider must then not be asked.
    pub async fn refill(
        &self,
        token_type: &Arc<str>,
        provider: &Arc<str>,
        ttl: u32,
    ) -> Result<Refill, Unrecorded> {
        Refill::begin(self.0.as_ref(), token_type, provider, ttl).await
    }

    /// Waits until everything recorded so far is written, for at most 2 s. Blocks: it is for the end
    /// of the process, when nobody is served any more.
    pub fn flush(&self) {
        if let Some(inner) = &self.0 {
            inner.sink.flush();
        }
    }
}

#[cfg(test)]
mod tests;
