//! `[[auth.keys]]`

use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use config::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::settings::{origins::Origin, section::Section, value::FromSetting};

/// A caller's key, by its hash.
#[derive(Clone, Debug)]
pub struct CallerKey {
    /// The name that its caller is known by.
    pub id: String,
    /// The SHA-256 of the key.
    pub sha256: [u8; 32],
    /// Whether it may sit in a page.
    pub publishable: bool,
    /// From when on it is no longer good.
    pub expires: Option<SystemTime>,
    /// The origins that it is good from; `None` for everywhere.
    pub origins: Option<Vec<Origin>>,
    /// Whether it is good at all.
    pub enabled: bool,
}

impl CallerKey {
    pub(in crate::settings) fn read(section: &mut Section<'_>) -> Self {
        let id = section.get("id", KeyId(String::new())).0;
        let sha256 = section.get("sha256", Sha256([0; 32])).0;
        let publishable = section.optional("publishable").unwrap_or(false);
        let expires = section.optional("expires").map(|it: Moment| it.0);
        let origins: Option<Vec<Origin>> = section.optional("origins");
        let enabled = section.optional("enabled").unwrap_or(true);
        if origins.as_ref().is_some_and(|origins| origins.contains(&Origin::Any)) {
            section.problem("origins", "name the origins; \"*\" would be all of them");
        }
        if publishable && origins.as_ref().is_none_or(Vec::is_empty) {
            section.problem(
                "origins",
                "a publishable key can be read by everyone who sees the page, so it needs the \
                 origins of the pages that may use it",
            );
        }
        Self { id, sha256, publishable, expires, origins, enabled }
    }
}

/// The name of a caller key's caller, for the log, the audit and the limits.
#[derive(Clone, Debug)]
pub struct KeyId(pub String);

impl FromSetting for KeyId {
    fn from_setting(value: &Value) -> Result<Self, String> {
        String::from_setting(value).unwrap_or_default().parse()
    }
}

impl FromStr for KeyId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !looks_like_a_key(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected a name of letters, digits, -, _, . and @, 64 at most; not the key itself"
                .to_owned())
        }
    }
}

fn looks_like_a_key(text: &str) -> bool {
    text.starts_with("vk_") || text.starts_with("vkp_")
}

struct Sha256([u8; 32]);

impl FromSetting for Sha256 {
    /// The error does not repeat the text: it may be the key itself.
    fn from_setting(value: &Value) -> Result<Self, String> {
        let text = String::from_setting(value).unwrap_or_default();
        let mut bytes = [0; 32];
        let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex {
            return Err("expected the 64 hexadecimal digits that valetkey keygen prints, and not \
                        the key itself"
                .to_owned());
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap_or_default();
        }
        Ok(Self(bytes))
    }
}

/// A point in time.
struct Moment(SystemTime);

impl FromSetting for Moment {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = || {
            "expected a time such as \"2027-01-31T00:00:00Z\", or a day: \"2027-01-31\"".to_owned()
        };
        let text = value.clone().into_string().map_err(|_| expected())?;
        let text = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text };
        let moment = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| expected())?;
        let seconds = u64::try_from(moment.unix_timestamp()).map_err(|_| expected())?;
        Ok(Self(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromSetting>(text: &str) -> Result<T, String> {
        T::from_setting(&Value::new(None, text))
    }

    #[test]
    fn a_key_in_place_of_its_name_or_hash_is_refused_and_not_repeated() {
        for pasted in ["vk_canary", "vkp_canary"] {
            assert!(!read::<KeyId>(pasted).err().unwrap().contains("canary"));
            assert!(!read::<Sha256>(pasted).err().unwrap().contains("canary"));
        }
        assert!(read::<KeyId>("backend-1@eu").is_ok() && read::<KeyId>("").is_err());
        assert_eq!(read::<Sha256>(&"0f".repeat(32)).unwrap().0, [15; 32]);
        assert!(read::<Sha256>(&"\u{e9}".repeat(32)).is_err());
    }

    #[test]
    fn a_key_expires_at_a_time_or_at_the_beginning_of_a_day() {
        let unix = |text| {
            let moment = read::<Moment>(text).map(|it| it.0);
            moment.map(|it| it.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
        };
        assert_eq!(unix("2027-01-31"), unix("2027-01-31T00:00:00Z"));
        assert_eq!(unix("1970-01-01T01:00:01+01:00"), Ok(1));
        for odd in ["", "2027", "31.01.2027", "2027-13-01", "1969-01-01", "tomorrow"] {
            assert!(unix(odd).is_err(), "{odd} was taken");
        }
    }
}
