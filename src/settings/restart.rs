//! What is read at the start only: what outlives the settings is made of it.

use super::Settings;

/// The settings that need a restart; of a section all that is in it. `config/default.toml` marks them.
const AT_START: [&str; 8] = [
    "server.listen",
    "server.admin_listen",
    "server.max_connections",
    "server.max_requests",
    "log",
    "limits.store",
    "audit",
    "identity.hash_key",
];

/// Whether a change of the setting `key` needs a restart.
pub fn needs_restart(key: &str) -> bool {
    let below = |section: &str| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
    AT_START.iter().any(|it| *it == key || below(it))
}

impl Settings {
    /// Takes from `started` what only a restart changes. So what is checked is what will be: that
    /// nobody needs a key any more is fine on loopback, and not while another address is still open.
    pub fn keep(&mut self, started: &Self) {
        let started = started.clone();
        self.server.listen = started.server.listen;
        self.server.admin_listen = started.server.admin_listen;
        self.server.max_connections = started.server.max_connections;
        self.server.max_requests = started.server.max_requests;
        self.log = started.log;
        self.limits.store = started.limits.store;
        self.audit = started.audit;
        self.hash_key = started.hash_key;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::settings::{Layers, Problems};

    /// What `config/default.toml` marks: the keys and sections below a comment that says so.
    fn marked() -> BTreeSet<String> {
        let (mut section, mut is_marked, mut found) = ("", false, BTreeSet::new());
        let mut was_comment = false;
        for line in
            include_str!("../../config/default.toml").lines().skip_while(|it| !it.is_empty())
        {
            if line.starts_with('#') {
                is_marked = (is_marked && was_comment) || line.contains("(restart)");
                was_comment = true;
                continue;
            }
            was_comment = false;
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
                if is_marked {
                    found.insert(section.to_owned());
                }
                is_marked = false;
            } else if let Some((key, _)) = line.split_once(" = ").filter(|_| is_marked) {
                found.insert(format!("{section}.{key}"));
            }
        }
        found
    }

    #[test]
    fn the_reference_marks_what_needs_a_restart() {
        assert_eq!(marked(), AT_START.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn a_section_needs_one_with_all_that_is_in_it() {
        assert!(needs_restart("log.filter") && needs_restart("server.listen"));
        assert!(!needs_restart("server.listener") && !needs_restart("server.body_timeout"));
        assert!(!needs_restart("logs.filter") && !needs_restart("limits.caller.rate"));
    }

    #[test]
    fn what_needs_a_restart_stays_as_it_was() {
        let read = |environment: &[(&str, &str)]| {
            let environment = environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            let layers = Layers { environment: environment.collect(), ..Layers::default() };
            let mut problems = Problems::default();
            let settings = Settings::read(&layers.merge(&mut problems), &mut problems);
            assert!(problems.is_empty(), "{problems}");
            settings
        };
        let started = read(&[]);
        let mut fresh = read(&[
            ("VALETKEY__SERVER__LISTEN", "127.0.0.1:1"),
            ("VALETKEY__SERVER__ADMIN_LISTEN", "off"),
            ("VALETKEY__SERVER__MAX_CONNECTIONS", "1"),
            ("VALETKEY__SERVER__MAX_REQUESTS", "1"),
            ("VALETKEY__LOG__FILTER", "error"),
            ("VALETKEY__LOG__FORMAT", "json"),
            ("VALETKEY__LIMITS__STORE", "redis://127.0.0.1"),
            ("VALETKEY__AUDIT__TO", "off"),
            ("VALETKEY__AUDIT__ADDRESS", "truncated"),
            ("VALETKEY__IDENTITY__HASH_KEY", "env:OTHER"),
        ]);
        assert_ne!(format!("{fresh:?}"), format!("{started:?}"));
        fresh.keep(&started);
        assert_eq!(format!("{fresh:?}"), format!("{started:?}"));
        let mut other = read(&[("VALETKEY__SERVER__BODY_TIMEOUT", "1s")]);
        other.keep(&started);
        assert_eq!(other.server.body_timeout.as_secs(), 1, "and everything else does not");
    }
}
