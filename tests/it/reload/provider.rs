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
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Deref for Provider {
    type Target = ScriptedProvider;

    fn deref(&self) -> &ScriptedProvider {
        &self.scripted
    }
}

#[derive(Default)]
struct State {
    good: Vec<String>,
    /// How often each key was used.
    used: BTreeMap<String, usize>,
    is_held: bool,
}

impl Provider {
    /// One that takes these keys.
    pub fn taking(keys: &[&str]) -> Self {
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let shared = state.clone();
        let scripted = ScriptedProvider::start(move |request| Some(reply(&shared, request.key())));
        let provider = Self { scripted, state };
        provider.take(keys);
        provider
    }

    /// From here on these keys are good and no others.
    pub fn take(&self, keys: &[&str]) {
        self.state.0.lock().unwrap().good = keys.iter().map(|key| (*key).to_owned()).collect();
    }

    /// How often `key` was used so far.
    pub fn used(&self, key: &str) -> usize {
        self.state.0.lock().unwrap().used.get(key).copied().unwrap_or(0)
    }

    /// Whether it answers nobody.
    pub fn hold(&self, is_held: bool) {
        self.state.0.lock().unwrap().is_held = is_held;
        self.state.1.notify_all();
    }
}

fn reply((state, changed): &(Mutex<State>, Condvar), key: &str) -> String {
    let mut inner = state.lock().unwrap();
    let count = inner.used.entry(key.to_owned()).or_default();
    *count += 1;
    // Backwards: a key itself is never handed out.
    let backwards: String = key.chars().rev().collect();
    let token = format!("{{\"value\":\"token-{backwards}-{count:08}\"}}");
    let held = changed.wait_timeout_while(inner, PATIENCE, |state| state.is_held);
    let is_good = held.unwrap().0.good.iter().any(|good| good == key);
    if is_good { answer(200, "", &token) } else { answer(401, "", "{}") }
}
