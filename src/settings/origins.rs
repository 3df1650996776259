//! `[origins]`

use std::str::FromStr;

use config::Value;
use url::{Origin as WebOrigin, Url};

use super::{section::Section, value::FromSetting};

/// From where a page may ask.
#[derive(Clone, Debug)]
pub struct Origins {
    /// The origins whose pages may ask and read the answers.
    pub allowed: Vec<Origin>,
    /// Whether they may do so with cookies.
    pub credentials: bool,
}

/// A web origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `*`
    Any,
    /// `https://app.example`, as a browser sends it.
    Exact(String),
}

impl Origins {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let allowed: Vec<Origin> = section.get("allowed", Vec::new());
        let credentials = section.get("credentials", false);
        if credentials && allowed.contains(&Origin::Any) {
            section.problem(
                "credentials",
                "with \"*\" in origins.allowed every page could ask in the name of whoever looks \
                 at it; name the origins, or leave credentials off",
            );
        }
        Self { allowed, credentials }
    }
}

impl FromSetting for Origin {
    fn from_setting(value: &Value) -> Result<Self, String> {
        String::from_setting(value)?.parse()
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let expected = || {
            "expected origins such as \"https://app.example\" or \"http://localhost:5173\": \
             scheme, host and port, without a path or a slash at the end"
                .to_owned()
        };
        let origin = Url::parse(text).map_err(|_| expected())?.origin();
        match origin {
            // An asterisk amid a host would match nothing.
            WebOrigin::Tuple(..) if origin.ascii_serialization() == text && !text.contains('*') => {
                Ok(Self::Exact(text.to_owned()))
            }
            _ => Err(expected()),
        }
    }
}
