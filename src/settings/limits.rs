//! `[limits]`

use std::{collections::BTreeMap, time::Duration};

use config::Value;
use url::Url;

use super::{
    section::Section,
    value::{FromSetting, whole},
    words::words,
};
use crate::base::secret::SecretRef;

/// How many tokens, and how often.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Where the counts are shared.
    pub store: Store,
    /// Requests of one client address, before authentication.
    pub address: Limit,
    /// Wrong credentials from one client address.
    pub failed_authentication: Limit,
    /// Tokens of any type for one caller.
    pub caller: Limit,
    /// Tokens of one type for one caller.
    pub caller_token: Limit,
    /// Tokens of one type for everyone together.
    pub token: Limit,
    /// Limits that a grant can name.
    pub named: BTreeMap<String, NamedLimits>,
}

/// Limits that take the place of the usual ones for the callers of a grant.
#[derive(Clone, Debug)]
pub struct NamedLimits {
    /// Tokens of any type for one caller.
    pub caller: Option<Limit>,
    /// Tokens of one type for one caller.
    pub caller_token: Option<Limit>,
    /// Tokens of any type for all callers of these limits together.
    pub together: Option<Limit>,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What becomes of a request beyond it.
    pub mode: Mode,
    /// How often.
    pub rate: Option<Rate>,
    /// How many in a longer while.
    pub quota: Option<Quota>,
}

words! {
    /// What a limit does.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Mode {
        /// Nothing.
        Off = "off",
        /// Counts, and says what it would refuse.
        Observe = "observe",
        /// Refuses.
        Enforce = "enforce",
    }
}

/// So many in a while, evenly, and so many at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least 1.
    pub count: u32,
    /// In what time.
    pub per: Duration,
    /// How many at once, at least 1.
    pub burst: u32,
}

/// So many in a while that begins with the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many, at least 1.
    pub count: u32,
    /// In what time.
    pub per: Duration,
}

/// Where counts are shared among replicas.
#[derive(Clone, Debug)]
pub enum Store {
    /// Nowhere: each process counts for itself.
    Memory,
    /// In the Redis at this URL, which has no password.
    Redis(Url),
    /// In the Redis whose URL is a secret.
    Secret(SecretRef),
}

impl Limits {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            store: section.get("store", Store::Memory),
            address: section.section("address", Limit::read),
            failed_authentication: section.section("failed_authentication", Limit::read),
            caller: section.section("caller", Limit::read),
            caller_token: section.section("caller_token", Limit::read),
            token: section.section("token", Limit::read),
            named: section.map("named", NamedLimits::read),
        }
    }
}

impl NamedLimits {
    fn read(section: &mut Section<'_>) -> Self {
        let mut limit =
            |key: &str| section.has(key).then(|| section.section(key, Limit::read_named));
        Self {
            caller: limit("caller"),
            caller_token: limit("caller_token"),
            together: limit("together"),
        }
    }
}

impl Limit {
    /// A limit of the user's own need not say what it leaves out.
    fn read(section: &mut Section<'_>) -> Self {
        let mode = section.optional("mode").unwrap_or(Mode::Enforce);
        let rate = section.optional("rate").unwrap_or(Count(None)).0;
        let burst = section.optional("burst").map(|it: Whole| it.0);
        let quota = section.optional("quota").unwrap_or(Count(None)).0;
        Self {
            mode,
            // As many at once as a rate allows in its time, unless said otherwise.
            rate: rate.map(|(count, per)| Rate { count, per, burst: burst.unwrap_or(count) }),
            quota: quota.map(|(count, per)| Quota { count, per }),
        }
    }

    /// One that takes the place of another must not do away with it unsaid.
    fn read_named(section: &mut Section<'_>) -> Self {
        let limit = Self::read(section);
        if limit.mode != Mode::Off && !limit.is_on() {
            section.problem(
                "rate",
                "give it a rate or a quota; or, for no limit at all, mode = \"off\"",
            );
        }
        limit
    }

    /// Whether it does anything.
    pub fn is_on(&self) -> bool {
        self.mode != Mode::Off && (self.rate.is_some() || self.quota.is_some())
    }
}

/// `"30/m"`, or `"off"`.
struct Count(Option<(u32, Duration)>);

impl FromSetting for Count {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = || {
            "expected so many in a while, such as \"5/s\", \"30/m\", \"100/h\" or \"200/d\", at most \
             1000000, or \"off\""
                .to_owned()
        };
        let text = String::from_setting(value).map_err(|_| expected())?;
        if text == "off" {
            return Ok(Self(None));
        }
        let (count, unit) = text.split_once('/').ok_or_else(expected)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(expected()),
        };
        let Whole(count) = Whole::from_setting(&count.into()).map_err(|_| expected())?;
        Ok(Self(Some((count, Duration::from_secs(seconds)))))
    }
}

/// A count of at least 1 and at most 1,000,000: beyond that a limit is none.
struct Whole(u32);

impl FromSetting for Whole {
    fn from_setting(value: &Value) -> Result<Self, String> {
        whole(value, 1, 1_000_000).map(Self)
    }
}

impl FromSetting for Store {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = || {
            "expected \"memory\", a URL such as \"redis://redis:6379\" or \"rediss://…\", or a \
             reference to one that holds a password: \"env:REDIS_URL\""
                .to_owned()
        };
        let text = String::from_setting(value).map_err(|_| expected())?;
        if text == "memory" {
            return Ok(Self::Memory);
        }
        if let Ok(reference) = text.parse() {
            return Ok(Self::Secret(reference));
        }
        let url = Url::parse(&text).map_err(|_| expected())?;
        match url.scheme() {
            "redis" | "rediss" if has_secret(&url) => {
                Err("holds a password; set the URL in the environment, and refer to it: \
                     \"env:REDIS_URL\""
                    .to_owned())
            }
            "redis" | "rediss" if url.has_host() => Ok(Self::Redis(url)),
            _ => Err(expected()),
        }
    }
}

/// Whether there may be a password in it: in its place, alone before the host, or in the query.
fn has_secret(url: &Url) -> bool {
    url.password().is_some() || !url.username().is_empty() || url.query().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromSetting>(text: &str) -> Result<T, String> {
        T::from_setting(&Value::new(None, text))
    }

    #[test]
    fn a_count_is_a_number_a_slash_and_a_unit() {
        let count = |text| read::<Count>(text).map(|it| it.0.map(|(n, per)| (n, per.as_secs())));
        assert_eq!(count("30/m"), Ok(Some((30, 60))));
        assert_eq!(count("200/d"), Ok(Some((200, 86_400))));
        assert_eq!(count("off"), Ok(None));
        for odd in ["", "30", "/m", "0/m", "-1/m", "+1/m", "1.5/s", "30/min", "1000001/s", "3 /m"] {
            assert!(count(odd).is_err(), "{odd} was taken");
        }
    }

    #[test]
    fn a_password_does_not_belong_in_the_settings() {
        assert!(matches!(read("memory"), Ok(Store::Memory)));
        assert!(matches!(read("rediss://redis.example:6380/1"), Ok(Store::Redis(_))));
        assert!(matches!(read("env:REDIS_URL"), Ok(Store::Secret(_))));
        for url in
            ["redis://:canary@r.example", "redis://canary@r.example", "redis://r?password=canary"]
        {
            let error = read::<Store>(url).unwrap_err();
            assert!(error.contains("password") && !error.contains("canary"));
        }
        for odd in ["", "redis:", "http://redis.example", "redis.example:6379"] {
            assert!(read::<Store>(odd).is_err(), "{odd} was taken");
        }
    }
}
