//! Settings that there were once. Who still has one is told what became of it.

/// Each setting, with `*` for a name of the user's choice, and what became of it.
const REMOVED: [(&str, &str); 6] = [
    (
        "server.profile",
        "is gone: proxies are those in server.trusted_proxies, everyone else is a client",
    ),
    ("server.max_queued", "is gone: 128 requests wait, which is enough for a burst"),
    ("server.queue_timeout", "is gone: a request waits 50 ms at most"),
    (
        "server.reuse_port",
        "is gone: for restarts that lose nobody have the socket passed on (LISTEN_FDS), as systemd does",
    ),
    ("tokens.*.pool.idle", "is gone: a pool is filled for 5 minutes after the last request"),
    (
        "tokens.*.pool.refills",
        "is gone: a pool finds out how many mints at once keep up with its callers",
    ),
];

/// What became of the setting `key`, if there was one.
pub(super) fn fate(key: &str) -> Option<&'static str> {
    REMOVED.iter().find(|(removed, _)| matches(removed, key)).map(|(_, fate)| *fate)
}

fn matches(removed: &str, key: &str) -> bool {
    let (removed, key): (Vec<_>, Vec<_>) = (removed.split('.').collect(), key.split('.').collect());
    let is_same = |(removed, key): (&&str, &&str)| *removed == "*" || removed == key;
    removed.len() == key.len() && removed.iter().zip(&key).all(is_same)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::settings::{Layers, Problems, Settings};

    fn problems(layers: &Layers) -> String {
        let mut problems = Problems::default();
        let _ = Settings::read(&layers.merge(&mut problems), &mut problems);
        problems.to_string()
    }

    #[test]
    fn each_is_told_in_a_file_and_in_the_environment() {
        for (removed, fate) in REMOVED {
            let key = removed.replace('*', "xai_realtime");
            let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
            fs::write(file.path(), format!("{key} = 1\n")).unwrap();
            let in_file = Layers { files: vec![file.path().to_owned()], ..Layers::default() };
            let variable = format!("VALETKEY__{}", key.to_uppercase().replace('.', "__"));
            let environment = [(variable, "1".to_owned())].into();
            let in_environment = Layers { environment, ..Layers::default() };
            for layers in [in_file, in_environment] {
                let problems = problems(&layers);
                assert!(problems.contains(fate), "{key}: {problems}");
                assert!(
                    problems.contains(&key) && !problems.contains("did you mean"),
                    "{problems}"
                );
            }
        }
    }

    #[test]
    fn only_the_very_setting_is_meant() {
        assert!(fate("tokens.mine.pool.idle").is_some());
        for other in ["server", "server.profile.x", "tokens.pool.idle", "profile"] {
            assert_eq!(fate(other), None, "{other}");
        }
    }
}
