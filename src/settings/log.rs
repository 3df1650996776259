//! `[log]`

use config::Value;
use tracing::level_filters::LevelFilter;

use super::{section::Section, value::FromSetting, words::words};

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// For people or for machines.
    pub format: Format,
    /// Levels, by module if need be: `info,valetkey::provider=debug`.
    pub filter: Filter,
}

words! {
    /// How a log line looks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Format {
        /// Pretty on a terminal, JSON otherwise.
        Auto = "auto",
        /// For people.
        Pretty = "pretty",
        /// A JSON object a line.
        Json = "json",
    }
}

/// Which events are logged.
pub(super) type Filter = tracing_subscriber::filter::Targets;

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            format: section.get("format", Format::Auto),
            filter: section.get("filter", Filter::new()),
        }
    }
}

impl FromSetting for Filter {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = || {
            "expected error, warn, info, debug or trace, or a list such as \
             \"info,valetkey::provider=debug\""
                .to_owned()
        };
        let text = String::from_setting(value).map_err(|_| expected())?;
        // A bare word that is no level would be taken for a module's name and log nothing at all.
        let is_level = |word: &str| word.trim().parse::<LevelFilter>().is_ok();
        if text.split(',').any(|part| !part.contains('=') && !is_level(part)) {
            return Err(expected());
        }
        text.parse().map_err(|_| expected())
    }
}
