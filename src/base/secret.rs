//! References to secrets, and the secrets they lead to.
//!
//! Settings hold references only (`env:NAME`, `file:/path`), so that a key can never be printed
//! with the settings. A [`Secret`] has no useful `Debug` and no `Display`.

use std::{
    fmt,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};

/// The longest secret that is read, in bytes. Real keys have about a hundred.
const MAX_LENGTH: u64 = 4096;

/// The longest PEM file that is read, in bytes. All the roots of a system have 200 KiB.
const MAX_PEM: u64 = 1024 * 1024;

/// A secret value, wiped from memory when dropped.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes `text` as the secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself. Every call of this is a place to look at twice.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// In constant time, as far as the length goes.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.expose().as_bytes(), other.expose().as_bytes()).is_ok()
    }
}

/// Where a secret is to be found.
#[derive(Clone, Debug)]
pub enum SecretRef {
    /// The environment variable of this name, or else the file that `<name>_FILE` names.
    Env(String),
    /// The contents of this file, without trailing line ends.
    File(PathBuf),
    /// A secret that the program itself made. No text parses to this.
    Given(Secret),
}

/// Why a reference led to no usable secret. Names the place, never the content.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Both ways of giving the secret are in use.
    #[error("both {0} and {0}_FILE are set; unset one of them")]
    Ambiguous(String),
    /// The file cannot be read.
    #[error("{place} cannot be read: {source}")]
    Unreadable {
        /// The file, or the variable that names it.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is something, but it cannot be a key.
    #[error("the secret in {place} is unusable: {why}")]
    Unusable {
        /// The variable or the file.
        place: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl SecretRef {
    /// The file that the secret is in, if it is in one.
    pub fn file(&self, env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        match self {
            Self::Given(_) => None,
            Self::File(path) => Some(path.clone()),
            Self::Env(name) => env(&format!("{name}_FILE")).map(PathBuf::from),
        }
    }

    /// Reads the secret. `None`: the environment does not have it, so what needs it is off.
    ///
    /// # Errors
    /// When the reference leads somewhere, but not to a usable secret.
    pub fn resolve(
        &self,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Secret>, SecretError> {
        match self {
            Self::Given(secret) => Ok(Some(secret.clone())),
            Self::File(path) => read_file(path, format!("the file {}", path.display())).map(Some),
            Self::Env(name) => match (env(name), env(&format!("{name}_FILE"))) {
                (Some(_), Some(_)) => Err(SecretError::Ambiguous(name.clone())),
                (Some(text), None) => usable(name, &text).map(Some),
                // The path is not repeated: it may be the key itself, set in the wrong variable.
                (None, Some(path)) => {
                    read_file(Path::new(&path), format!("the file that {name}_FILE names"))
                        .map(Some)
                }
                (None, None) => Ok(None),
            },
        }
    }
}

/// The text of a PEM file: certificates, or a private key. Unlike other secrets it has line ends.
///
/// # Errors
/// When there is no such text.
pub fn read_pem(path: &Path) -> Result<Secret, SecretError> {
    let place = format!("the file {}", path.display());
    let text = read_text(path, MAX_PEM, &place)?;
    let why = if text.expose().trim().is_empty() {
        "it is empty"
    } else if text.expose().len() as u64 > MAX_PEM {
        "it is longer than 1 MiB"
    } else {
        return Ok(text);
    };
    Err(SecretError::Unusable { place, why })
}

fn read_file(path: &Path, place: String) -> Result<Secret, SecretError> {
    usable(&place, read_text(path, MAX_LENGTH, &place)?.expose())
}

/// One byte more than `most` at most, so that it can be told.
fn read_text(path: &Path, most: u64, place: &str) -> Result<Secret, SecretError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Secret::new(text)),
        Err(source) => Err(SecretError::Unreadable { place: place.to_owned(), source }),
    }
}

/// A key travels in a header, so anything but visible ASCII is a mistake in pasting it.
fn usable(place: &str, text: &str) -> Result<Secret, SecretError> {
    let text = text.trim_end_matches(['\r', '\n']);
    let why = if text.is_empty() {
        "it is empty"
    } else if text.len() as u64 > MAX_LENGTH {
        "it is longer than 4096 bytes"
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        "it holds blanks, line ends or characters outside ASCII"
    } else {
        return Ok(Secret::new(text));
    };
    Err(SecretError::Unusable { place: place.to_owned(), why })
}

/// The error of a text that is no reference. It does not repeat the text, which may be a key.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected a reference such as \"env:XAI_API_KEY\" or \"file:/run/secrets/xai\"; \
     the secret itself does not belong in the settings"
)]
pub struct NotAReference;

impl FromStr for SecretRef {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        match text.split_once(':') {
            Some(("env", name)) if is_variable_name(name) => Ok(Self::Env(name.to_owned())),
            // A key has no slash, and must not be taken for a file's name and then be shown as such.
            Some(("file", path)) if path.contains('/') => Ok(Self::File(PathBuf::from(path))),
            _ => Err(NotAReference),
        }
    }
}

/// Upper case only: keys are in lower case, and must not be taken for a name and then be shown.
fn is_variable_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_uppercase()) && name.bytes().all(allowed)
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Given(_) => f.write_str("(built in)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned())
    }

    #[test]
    fn reads_the_variable_or_the_file_it_names() {
        let path = std::env::temp_dir().join(format!("valetkey-secret-{}", std::process::id()));
        std::fs::write(&path, "from-file\r\n").unwrap();
        let reference: SecretRef = "env:KEY".parse().unwrap();
        let direct = reference.resolve(env(&[("KEY", "direct")])).unwrap().unwrap();
        assert_eq!(direct.expose(), "direct");
        let name = path.display().to_string();
        let by_file = reference.resolve(|key| (key == "KEY_FILE").then(|| name.clone()));
        assert_eq!(by_file.unwrap().unwrap().expose(), "from-file");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_absent_variable_is_no_error() {
        assert!("env:KEY".parse::<SecretRef>().unwrap().resolve(env(&[])).unwrap().is_none());
    }

    #[test]
    fn errors_name_the_place_and_never_the_content() {
        let reference: SecretRef = "env:KEY".parse().unwrap();
        let both = reference.resolve(env(&[("KEY", "canary"), ("KEY_FILE", "/x")])).unwrap_err();
        assert_eq!(both.to_string(), "both KEY and KEY_FILE are set; unset one of them");
        let blank = reference.resolve(env(&[("KEY", "can ary")])).unwrap_err().to_string();
        assert!(blank.contains("the secret in KEY is unusable") && !blank.contains("ary"));
        let missing = "file:/no/such".parse::<SecretRef>().unwrap().resolve(env(&[])).unwrap_err();
        assert!(missing.to_string().starts_with("the file /no/such cannot be read"));
        let key_for_a_path = reference.resolve(env(&[("KEY_FILE", "canary")])).unwrap_err();
        assert!(key_for_a_path.to_string().starts_with("the file that KEY_FILE names cannot"));
        for pasted in ["sk_canary", "env:sk_canary", "env:xai-CANARY", "file:sk_canary", "env:"] {
            let error = pasted.parse::<SecretRef>().unwrap_err().to_string();
            assert!(!error.to_lowercase().contains("canary"), "{error}");
        }
    }

    #[test]
    fn nothing_shows_it_not_even_a_panic() {
        let secret = Secret::new("xai-canary");
        let reference = SecretRef::Given(secret.clone());
        let panic = std::panic::catch_unwind(|| panic!("{secret:?} {reference:?} {reference}"));
        assert!(!panic.unwrap_err().downcast_ref::<String>().unwrap().contains("canary"));
    }
}
