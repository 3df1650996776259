//! The latest requests the stand-ins got, with credentials masked.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::http::request::Parts;
use serde::Serialize;

use super::{clock, fault::Fault, lock::lock, mask, query::Query, route::Provider, tokens::Tokens};

/// Requests kept; the oldest go first.
const CAPACITY: usize = 1_000;

/// Bytes kept of a mint's body.
const BODY_LIMIT: usize = 4 * 1024;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// When it came, in Unix milliseconds.
    at: u64,
    provider: Option<&'static str>,
    route: Option<&'static str>,
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    /// The body of a mint, cut to 4 KiB.
    body: Option<String>,
    /// What was answered; none while (or for ever, if) there is no answer.
    status: Option<u16>,
    /// The fault that was applied, in its text form.
    fault: Option<String>,
    /// Whether a token was made, even if the answer never arrived.
    minted: bool,
}

impl Entry {
    /// An entry for the request with `parts`, its answer still to come.
    pub(crate) fn new(
        tokens: &Tokens,
        parts: &Parts,
        provider: Option<Provider>,
        route: Option<&'static str>,
    ) -> Self {
        let names = parts.headers.keys();
        let headers = names
            .map(|name| (name.to_string(), mask::header(tokens, &parts.headers, name.as_str())));
        Self {
            at: unix_milliseconds(),
            provider: provider.map(Provider::name),
            route,
            method: mask::scrub(tokens, parts.method.as_str()),
            path: mask::scrub(tokens, parts.uri.path()),
            query: mask::query(tokens, &Query::of(&parts.uri)).collect(),
            headers: headers.collect(),
            body: None,
            status: None,
            fault: None,
            minted: false,
        }
    }
}

/// A handle on an entry, to complete it as the request goes on.
#[derive(Clone)]
pub(crate) struct Record(Arc<Mutex<Entry>>);

impl Record {
    pub(crate) fn fault(&self, fault: &Fault) {
        lock(&self.0).fault = Some(fault.to_string());
    }

    pub(crate) fn body(&self, tokens: &Tokens, body: &[u8]) {
        if body.is_empty() {
            return;
        }
        // Masked before it is cut, or a key at the edge would be too short to be recognised.
        let mut text = mask::scrub(tokens, &String::from_utf8_lossy(body));
        text.truncate(text.floor_char_boundary(BODY_LIMIT));
        lock(&self.0).body = Some(text);
    }

    pub(crate) fn minted(&self) {
        lock(&self.0).minted = true;
    }

    pub(crate) fn status(&self, status: u16) {
        lock(&self.0).status = Some(status);
    }
}

/// The ring of entries.
#[derive(Default)]
pub(crate) struct History(Mutex<VecDeque<Record>>);

impl History {
    /// Keeps `entry`, and forgets the oldest if there are too many.
    pub(crate) fn add(&self, entry: Entry) -> Record {
        let record = Record(Arc::new(Mutex::new(entry)));
        let mut records = lock(&self.0);
        if records.len() == CAPACITY {
            records.pop_front();
        }
        records.push_back(record.clone());
        record
    }

    /// All entries, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        lock(&self.0).iter().map(|record| lock(&record.0).clone()).collect()
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}

fn unix_milliseconds() -> u64 {
    u64::try_from(clock::unix().as_millis()).unwrap_or(u64::MAX)
}
