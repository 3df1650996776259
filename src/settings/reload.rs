//! `[reload]`

use std::time::Duration;

use config::Value;

use super::{section::Section, value::FromSetting};

/// How changes are noticed while the server runs.
#[derive(Clone, Debug)]
pub struct Reload {
    /// How often files are looked at; `None` for never.
    pub watch: Option<Duration>,
}

/// Looking more often costs more than anyone gains.
const MIN_WATCH: Duration = Duration::from_millis(100);

impl Reload {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self { watch: section.get("watch", Watch(None)).0 }
    }
}

struct Watch(Option<Duration>);

impl FromSetting for Watch {
    fn from_setting(value: &Value) -> Result<Self, String> {
        if matches!(String::from_setting(value).as_deref(), Ok("off")) {
            return Ok(Self(None));
        }
        let every = Duration::from_setting(value).map_err(|why| format!("{why}, or \"off\""))?;
        if every < MIN_WATCH {
            return Err("must be at least \"100ms\", or \"off\"".to_owned());
        }
        Ok(Self(Some(every)))
    }
}
