//! A provider that knows its keys and keeps who asked waiting when told to.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Condvar, Mutex},
};

use crate::support::{
    process::PATIENCE,
    provider::{ScriptedProvider, answer},
};

/// Speaks xAI's route, and refuses every key but those that are good.
pub struct Provider {
    scripted: ScriptedProvider,
    state: Arc<State>,
}

impl Deref for Provider {
    type Target = ScriptedProvider;

    fn deref(&self) -> &ScriptedProvider {
        &self.scripted
    }
}

#[derive(Default)]
struct State {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    good: Vec<String>,
    /// How often each key was used.
    used: BTreeMap<String, usize>,
    is_held: bool,
}

impl Provider {
    /// One that takes these keys.
    pub fn taking(keys: &[&str]) -> Self {
        let state = Arc::<State>::default();
        let shared = state.clone();
        let scripted = ScriptedProvider::start(move |request| Some(shared.answer(request.key())));
        let provider = Self { scripted, state };
        provider.take(keys);
        provider
    }

    /// From here on these keys are good and no others.
    pub fn take(&self, keys: &[&str]) {
        self.state.inner.lock().unwrap().good = keys.iter().map(|key| (*key).to_owned()).collect();
    }

    /// How often `key` was used so far.
    pub fn used(&self, key: &str) -> usize {
        self.state.inner.lock().unwrap().used.get(key).copied().unwrap_or(0)
    }

    /// Whether it answers nobody.
    pub fn hold(&self, is_held: bool) {
        self.state.inner.lock().unwrap().is_held = is_held;
        self.state.changed.notify_all();
    }
}

impl State {
    fn answer(&self, key: &str) -> String {
        let mut inner = self.inner.lock().unwrap();
        let count = inner.used.entry(key.to_owned()).or_default();
        *count += 1;
        // Backwards: a key itself is never handed out.
        let backwards: String = key.chars().rev().collect();
        let token = format!("{{\"value\":\"token-{backwards}-{count:08}\"}}");
        let held = self.changed.wait_timeout_while(inner, PATIENCE, |inner| inner.is_held);
        let is_good = held.unwrap().0.good.iter().any(|good| good == key);
        if is_good { answer(200, "", &token) } else { answer(401, "", "{}") }
    }
}
