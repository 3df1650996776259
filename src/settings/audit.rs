//! `[audit]`

use std::path::PathBuf;

use config::Value;

use super::{section::Section, value::FromSetting};

/// The record of every decision.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Where it is written.
    pub to: Sink,
    /// How much of a client's address is written.
    pub address: AddressForm,
}

/// Where a record goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Nowhere.
    Off,
    /// To standard output.
    Stdout,
    /// To the end of this file.
    File(PathBuf),
}

/// How much of a client's address is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressForm {
    /// All of it.
    Full,
    /// The network: /24 of IPv4, /48 of IPv6.
    Truncated,
}

/// A value that there was once.
const HASHED_IS_GONE: &str =
    "\"hashed\" is gone: write \"truncated\", which says no more than the network";

impl Audit {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            to: section.get("to", Sink::Stdout),
            address: section.get("address", AddressForm::Full),
        }
    }
}

impl FromSetting for Sink {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let text = String::from_setting(value).unwrap_or_default();
        match (text.as_str(), text.strip_prefix("file:")) {
            ("off", _) => Ok(Self::Off),
            ("stdout", _) => Ok(Self::Stdout),
            (_, Some(path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err("expected \"stdout\", \"file:/path\" or \"off\"".to_owned()),
        }
    }
}

impl FromSetting for AddressForm {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match String::from_setting(value).as_deref() {
            Ok("full") => Ok(Self::Full),
            Ok("truncated") => Ok(Self::Truncated),
            Ok("hashed") => Err(HASHED_IS_GONE.to_owned()),
            _ => Err("expected \"full\" or \"truncated\"".to_owned()),
        }
    }
}
