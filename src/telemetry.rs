//! The log: on standard error, pretty for people and JSON for machines.
//!
//! Only `tracing` events are logged, not records of the `log` crate: WebSocket libraries write
//! whole messages there, tokens included.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{
    Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::settings::{Format, Log};

/// Starts logging as `settings` say. Does nothing when the process logs already.
pub fn start(settings: &Log) {
    let json = match settings.format {
        Format::Json => true,
        Format::Pretty => false,
        Format::Auto => !io::stderr().is_terminal(),
    };
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).with_span_list(false).boxed()
    } else {
        lines.with_target(false).with_ansi(io::stderr().is_terminal()).boxed()
    };
    let _ =
        tracing_subscriber::registry().with(lines.with_filter(settings.filter.clone())).try_init();
}
