//! Secrets, told apart from those before and no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    hash::{BuildHasher as _, RandomState},
    io::Read as _,
    sync::LazyLock,
};

use crate::{base::secret::SecretRef, settings::Settings};

/// The most that is read of a file, in bytes. A set of certificates has some ten thousand.
const MAX_LENGTH: u64 = 1024 * 1024;

/// Says nothing outside of this process.
static HASHING: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What the references in the settings lead to, by the key of their setting, hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Vec<u64>>);

impl Secrets {
    /// Those that `settings` refer to.
    pub fn of(settings: &Settings, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (key, reference) in settings.references() {
            found.entry(key).or_default().push(HASHING.hash_one(content(&reference, env)));
        }
        Self(found)
    }

    /// The settings that refer to other secrets than in `before`.
    pub(super) fn changes(&self, before: &Self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.0.keys().chain(before.0.keys()).collect();
        let keys = keys.into_iter().filter(|key| self.0.get(*key) != before.0.get(*key));
        keys.cloned().collect()
    }
}

/// What is there. A pipe can be read only once, and not here.
fn content(reference: &SecretRef, env: &dyn Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
    let Some(path) = reference.file(env) else {
        return Some(reference.resolve(env).ok()??.expose().as_bytes().to_vec());
    };
    let mut content = Vec::new();
    if path.metadata().ok()?.is_file() {
        File::open(path).ok()?.take(MAX_LENGTH).read_to_end(&mut content).ok()?;
    }
    Some(content.trim_ascii_end().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layers, Problems};

    #[test]
    fn a_secret_is_told_apart_by_what_it_is_and_not_by_where() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let settings = |reference: String| {
            let name = "VALETKEY__PROVIDERS__XAI__API_KEYS".to_owned();
            let layers = Layers { environment: [(name, reference)].into(), ..Layers::default() };
            let mut problems = Problems::default();
            Settings::read(&layers.merge(&mut problems), &mut problems)
        };
        let of = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            Secrets::of(&settings(format!("file:{path}")), &|_| None)
        };
        let before = of("canary");
        assert_eq!(of("canary\n"), before);
        assert_eq!(of("canary2").changes(&before), ["providers.xai.api_keys"]);
        assert_eq!(of("").changes(&before), ["providers.xai.api_keys"]);
        let env = |name: &str| (name == "KEY").then(|| "canary".to_owned());
        assert_eq!(Secrets::of(&settings("env:KEY".to_owned()), &env), before);
        assert!(!format!("{before:?}").contains("canary"));
    }
}
