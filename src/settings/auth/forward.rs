//! `[auth.forward]`

use std::time::Duration;

use config::Value;
use http::HeaderName;
use url::Url;

use crate::settings::{
    section::Section,
    value::{Deadline, FromSetting},
};

/// An application that is asked about each caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// What to ask.
    pub url: Url,
    /// How long the answer may take.
    pub timeout: Duration,
    /// Where the answer names the caller.
    pub caller: CallerFrom,
    /// Whether the request's cookies are passed on.
    pub cookies: bool,
    /// How long a yes is remembered; nothing for not at all.
    pub cache: Duration,
}

/// Where an application's answer names the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerFrom {
    /// In this header.
    Header(HeaderName),
    /// In this field of the JSON body; the path to it, for one within another.
    Field(Vec<String>),
}

/// The longest that a yes may be remembered: so long does a logout take to matter.
const MAX_CACHE: Duration = Duration::from_secs(60);

impl Forward {
    /// `None` where nothing is to be asked.
    pub(in crate::settings) fn read(section: &mut Section<'_>) -> Option<Self> {
        let url = section.get("url", Target(None)).0;
        let timeout = section.get("timeout", Deadline(Duration::from_secs(1))).0;
        let caller = section.get("caller", CallerFrom::Field(Vec::new()));
        let cookies = section.get("cookies", true);
        let cache = section.get("cache", Duration::ZERO);
        if cache > MAX_CACHE {
            section
                .problem("cache", "must be at most \"60s\": so long does a logout take to matter");
        }
        Some(Self { url: url?, timeout, caller, cookies, cache })
    }
}

/// A URL, or `"off"`. Plain http is allowed: an application is usually on the same network.
struct Target(Option<Url>);

impl FromSetting for Target {
    /// Errors do not repeat the text: there may be a password in it.
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = || "expected a URL such as \"http://app:3000/auth\", or \"off\"".to_owned();
        let text = String::from_setting(value).map_err(|_| expected())?;
        if text == "off" {
            return Ok(Self(None));
        }
        let url = Url::parse(&text).map_err(|_| expected())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or a password".to_owned());
        }
        match url.scheme() {
            "http" | "https" => Ok(Self(Some(url))),
            _ => Err(expected()),
        }
    }
}

impl FromSetting for CallerFrom {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = || {
            "expected \"header:X-User\" or, for JSON, \"field:id\" or \"field:user.id\"".to_owned()
        };
        let text = String::from_setting(value).map_err(|_| expected())?;
        match text.split_once(':') {
            Some(("header", name)) => name.parse().map(Self::Header).map_err(|_| expected()),
            Some(("field", path)) if path.split('.').all(|part| !part.is_empty()) => {
                Ok(Self::Field(path.split('.').map(str::to_owned).collect()))
            }
            _ => Err(expected()),
        }
    }
}
