//! From settings to [`Live`] and to what lives on: what each section alone cannot know is checked
//! here.

mod access;
mod keeps;
mod providers;
mod tokens;

use super::Live;
use crate::{
    base::clock::Clock,
    metrics::Metrics,
    policy::Policy,
    settings::{self, Problems, Settings, Tree},
};

/// What an [`App`](super::App) is made of.
pub struct Ingredients<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// Where their values came from, for messages.
    pub tree: &'a Tree,
    /// The environment, for `env:` references.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The clock.
    pub clock: Clock,
    /// Where the providers count.
    pub metrics: Metrics,
    /// Whether the providers are stand-ins.
    pub sandbox: bool,
    /// What was there before: what is the same in it goes on, with all that it has learnt.
    pub previous: Option<&'a Live>,
}

impl Ingredients<'_> {
    /// Builds as much as can be built, adding to `problems` what cannot.
    pub fn live(&self, problems: &mut Problems) -> Live {
        let (mut providers, keys) = self.providers(problems);
        self.refuse_keys_in_the_open(&keys, problems);
        let tokens = self.tokens(&providers, problems);
        self.pools(&tokens, &mut providers, problems);
        if !self.settings.tokens.contains_key(&self.settings.session.token) {
            let message =
                no_such("token type", &self.settings.session.token, self.settings.tokens.keys());
            self.problem(problems, "session.token", message);
        }
        // Where a key could not be read there is a problem already; where a file could not, it may be
        // the one that says where the keys are.
        let is_known = problems.concern_below("providers") || problems.are_general();
        if keys.is_empty() && !is_known {
            problems.add_general(self.no_keys());
        }
        self.check_grants(problems);
        Live {
            session: self.settings.session.token.as_str().into(),
            callers: self.callers(problems),
            server: self.settings.server.clone(),
            origins: self.settings.origins.clone(),
            policy: Policy::new(self.settings.grants.clone()),
            limits: self.settings.limits.clone(),
            sandbox: self.sandbox,
            tokens,
            providers,
        }
    }

    /// A setting that is already known to be wrong is not complained about twice.
    fn problem(&self, problems: &mut Problems, key: &str, message: impl Into<String>) {
        if !problems.concern(key) {
            problems.add(self.tree, key, message);
        }
    }
}

/// That `given` is none of `known`, and which of them is most like it. It does not repeat `given`.
fn no_such<T: AsRef<str>>(what: &str, given: &str, known: impl Iterator<Item = T>) -> String {
    let known: Vec<String> = known.map(|name| name.as_ref().to_owned()).collect();
    let list = known.join(", ");
    let pairs = known.into_iter().map(|name| (name.clone(), name));
    if list.is_empty() {
        return format!("is no {what}; there are none");
    }
    match settings::nearest(given, pairs) {
        Some(like) => format!("is no {what}; did you mean {like}? There are: {list}"),
        None => format!("is no {what}; there are: {list}"),
    }
}
