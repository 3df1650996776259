//! From one value of the settings to one of ours. Values from the environment are always text.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use config::{Value, ValueKind};
use ipnet::{IpNet, Ipv4Net};

use crate::base::secret::SecretRef;

/// Longer is a slip of the pen.
const MAX_DURATION: Duration = Duration::from_secs(24 * 3600);

/// A type that a setting can have. An error says what was expected.
pub(super) trait FromSetting: Sized {
    fn from_setting(value: &Value) -> Result<Self, String>;
}

impl FromSetting for String {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text) => Ok(text.clone()),
            _ => Err("expected text in quotes".to_owned()),
        }
    }
}

impl FromSetting for bool {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::Boolean(flag) => Ok(*flag),
            ValueKind::String(text) if text == "true" => Ok(true),
            ValueKind::String(text) if text == "false" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        }
    }
}

impl FromSetting for SocketAddr {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = || "expected an IP address and a port such as \"127.0.0.1:8081\"".to_owned();
        String::from_setting(value).map_err(|_| expected())?.parse().map_err(|_| expected())
    }
}

/// A listener that can be `"off"`.
impl FromSetting for Option<SocketAddr> {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text) if text == "off" => Ok(None),
            _ => SocketAddr::from_setting(value)
                .map(Some)
                .map_err(|expected| format!("{expected}, or \"off\"")),
        }
    }
}

impl FromSetting for Duration {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected =
            || "expected a duration such as \"500ms\", \"5s\", \"15m\" or \"1h\"".to_owned();
        let text = String::from_setting(value).map_err(|_| expected())?;
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let millis = match &text[digits.len()..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(expected()),
        };
        let number: u32 = digits.parse().map_err(|_| expected())?;
        let duration = Self::from_millis(u64::from(number) * millis);
        if duration > MAX_DURATION {
            Err("must be at most \"24h\"".to_owned())
        } else {
            Ok(duration)
        }
    }
}

/// A deadline: a duration in which something can happen.
pub(super) struct Deadline(pub(super) Duration);

impl FromSetting for Deadline {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match Duration::from_setting(value)? {
            Duration::ZERO => Err("must be longer than nothing".to_owned()),
            duration => Ok(Self(duration)),
        }
    }
}

impl FromSetting for SecretRef {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let text = String::from_setting(value).unwrap_or_default();
        text.parse().map_err(|error: crate::base::secret::NotAReference| error.to_string())
    }
}

/// A whole number within these bounds.
pub(super) fn whole(value: &Value, least: u32, most: u32) -> Result<u32, String> {
    let number = match &value.kind {
        ValueKind::I64(number) => u32::try_from(*number).ok(),
        // `parse` would take a sign.
        ValueKind::String(text) if !text.starts_with('+') => text.parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
}

/// A list; in the environment with commas.
impl<T: FromSetting> FromSetting for Vec<T> {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::Array(items) => items.iter().map(T::from_setting).collect(),
            ValueKind::String(text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| T::from_setting(&Value::new(None, item)))
                .collect(),
            _ => Err("expected a list in brackets".to_owned()),
        }
    }
}

/// A network of IPv4 addresses that is written in IPv6 (`::ffff:10.0.0.0/104`) is one of IPv4.
fn canonical(net: IpNet) -> IpNet {
    match (net, net.addr().to_canonical()) {
        (IpNet::V6(mapped), IpAddr::V4(address)) if mapped.prefix_len() >= 96 => {
            Ipv4Net::new(address, mapped.prefix_len() - 96).map_or(net, IpNet::V4)
        }
        _ => net,
    }
}

/// One value or a list of them, as text: what a claim can be compared with.
pub(super) struct OneOrMore(pub(super) Vec<String>);

impl FromSetting for OneOrMore {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let text = |value: &Value| match &value.kind {
            ValueKind::String(text) => Ok(text.clone()),
            ValueKind::Boolean(_) | ValueKind::I64(_) => Ok(value.to_string()),
            _ => Err("expected a text, a number, true or false, or a list of them".to_owned()),
        };
        match &value.kind {
            ValueKind::Array(items) => items.iter().map(text).collect::<Result<_, _>>().map(Self),
            _ => Ok(Self(vec![text(value)?])),
        }
    }
}

/// Networks, each `10.0.0.0/8` or a single address.
impl FromSetting for IpNet {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = || "expected networks such as \"10.0.0.0/8\" or \"192.0.2.7\"".to_owned();
        let text = String::from_setting(value).map_err(|_| expected())?;
        let single = text.parse().map(|address: IpAddr| address.to_canonical().into());
        let net: Self = single.or_else(|_| text.parse()).map_err(|_| expected())?;
        let net = canonical(net);
        // No network of proxies has so many addresses; who names one believes everyone.
        let narrowest = if net.addr().is_ipv4() { 8 } else { 16 };
        if net.prefix_len() < narrowest {
            return Err("would believe everyone who claims to be a proxy; name the proxies' own \
                        networks"
                .to_owned());
        }
        Ok(net)
    }
}

/// The keys whose values refer to secrets, and may hold one by mistake.
const SECRETS: [&str; 4] = [".api_keys", ".secret", ".hash_key", ".client_key"];

/// The value as TOML would write it, or a mask where it may hold a secret by mistake.
pub(super) fn render(key: &str, value: &Value) -> String {
    let is_secret = SECRETS.iter().any(|name| key.ends_with(name));
    match &value.kind {
        ValueKind::String(text) if is_secret && text.parse::<SecretRef>().is_err() => {
            "***".to_owned()
        }
        // What is behind the question mark of a URL may be a secret, too.
        ValueKind::String(text) if key.ends_with("url") && text.contains('?') => {
            format!("\"{}?***\"", text.split('?').next().unwrap_or_default())
        }
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| render(key, item)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromSetting>(kind: impl Into<ValueKind>) -> Result<T, String> {
        T::from_setting(&Value::new(None, kind))
    }

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        let millis = |text: &str| read::<Duration>(text).map(|duration| duration.as_millis());
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("5s"), Ok(5_000));
        assert_eq!(millis("15m"), Ok(900_000));
        assert_eq!(millis("1h"), Ok(3_600_000));
        for odd in
            ["", "5", "s", "-5s", "1.5s", "5 s", "5S", "5d", "99999999999s", "25h", "\u{663}s"]
        {
            assert!(millis(odd).is_err(), "{odd} was taken");
        }
        assert!(read::<Duration>(5_i64).is_err());
    }

    #[test]
    fn what_the_environment_says_as_text_is_understood() {
        assert_eq!(read::<bool>("true"), Ok(true));
        assert_eq!(read::<bool>(false), Ok(false));
        assert!(read::<bool>("yes").is_err() && read::<bool>(1_i64).is_err());
        assert_eq!(read::<Vec<String>>("a, b,"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read::<Option<SocketAddr>>("off"), Ok(None));
        assert!(read::<SocketAddr>("localhost:1").is_err());
    }

    #[test]
    fn a_network_of_ipv4_is_one_however_it_is_written() {
        let net = |text: &str| read::<IpNet>(text).map(|net| net.to_string());
        for (written, meant) in [
            ("::ffff:172.16.0.0/108", "172.16.0.0/12"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("fd00::/16", "fd00::/16"),
        ] {
            assert_eq!(net(written).as_deref(), Ok(meant));
        }
        assert!(net("::ffff:0:0/96").is_err(), "that is all of IPv4");
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_masked() {
        let shown = |key: &str, text: &str| render(key, &Value::new(None, text));
        assert_eq!(shown("providers.xai.api_keys", "sk_canary"), "***");
        assert_eq!(shown("providers.xai.api_keys", "env:KEY"), "\"env:KEY\"");
    }
}
