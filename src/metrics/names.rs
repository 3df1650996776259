//! The names that labels may have.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use super::Metrics;

/// A name. All labels of the same name share it, so that none is made for what is counted.
pub(super) type Name = Arc<str>;

/// Stands for every name that is not in the settings.
static NONE: LazyLock<Name> = LazyLock::new(|| "none".into());

/// A set of names. It only grows: a counter that went away would look like a restart.
#[derive(Debug)]
pub(super) struct Names(RwLock<BTreeSet<Name>>);

impl Names {
    pub(super) fn new<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self(RwLock::new(names.into_iter().map(name).collect()))
    }

    pub(super) fn add<T: Into<String>>(&self, names: impl IntoIterator<Item = T>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(names.into_iter().map(name));
    }

    pub(super) fn all(&self) -> BTreeSet<Name> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `name`, or what stands for every other.
    pub(super) fn known(&self, name: Option<&str>) -> Name {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        name.and_then(|name| known.get(name)).unwrap_or(&NONE).clone()
    }
}

fn name(text: impl Into<String>) -> Name {
    Name::from(text.into())
}

impl Metrics {
    /// Counts for these names, too. Those that are known stay.
    pub fn know<T: Into<String>, P: Into<String>>(
        &self,
        token_types: impl IntoIterator<Item = T>,
        providers: impl IntoIterator<Item = P>,
    ) {
        self.0.token_types.add(token_types);
        self.0.provider_names.add(providers);
        self.0.begin_at_zero();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_later_are_counted_and_those_before_them_stay() {
        let metrics = Metrics::new(["scribe"], ["xai"]);
        let has = |line: &str| {
            let text = metrics.render();
            assert!(text.lines().any(|it| it == line), "no {line} in {text}");
        };
        metrics.decided(Some("late"), "vended");
        has("valetkey_decisions_total{token_type=\"none\",outcome=\"vended\"} 1");
        metrics.decided(Some("scribe"), "vended");
        metrics.know(["late"], ["other"]);
        has("valetkey_decisions_total{token_type=\"late\",outcome=\"vended\"} 0");
        has("valetkey_decisions_total{token_type=\"scribe\",outcome=\"vended\"} 1");
        has("valetkey_mint_seconds_count{provider=\"other\"} 0");
        metrics.decided(Some("late"), "vended");
        metrics.decided(Some("scribe"), "vended");
        has("valetkey_decisions_total{token_type=\"late\",outcome=\"vended\"} 1");
        has("valetkey_decisions_total{token_type=\"scribe\",outcome=\"vended\"} 2");
    }
}
