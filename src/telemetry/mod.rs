//! The log: on standard error, pretty for people and JSON for machines.
//!
//! Only `tracing` events are logged, not records of the `log` crate: WebSocket libraries write
//! whole messages there, tokens included.

mod json;
mod lines;

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{
    Layer as _,
    fmt::{self, format::JsonFields},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use json::Json;
use lines::{End, Lines};

use crate::{
    base::clock::Clock,
    settings::{Format, Log},
};

/// A log in operation; when dropped it writes what is still waiting.
#[must_use = "the log ends when this is dropped"]
#[derive(Debug)]
pub struct Telemetry(#[expect(dead_code, reason = "held until the end")] End);

/// From here on a panic is a line in the log and not what Rust prints, and `count` is told of it. Who
/// met it is answered by whoever catches it.
///
/// Of what a panic says only a fixed text is shown: one that was put together could hold a secret.
/// This must itself not panic: that would end the process.
pub fn watch_panics(count: impl Fn() + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| {
        count();
        let says = panic.payload().downcast_ref::<&'static str>().copied();
        let at = panic.location().map(tracing::field::display);
        tracing::error!(at, says, "panicked: this is a defect, please report it");
    }));
}

/// Starts logging as `settings` say. Does nothing when the process logs already.
pub fn start(settings: &Log) -> Telemetry {
    let json = match settings.format {
        Format::Json => true,
        Format::Pretty => false,
        Format::Auto => !io::stderr().is_terminal(),
    };
    let (lines, end) = Lines::to(io::stderr());
    let layer = fmt::layer().with_writer(lines);
    let layer = if json {
        layer.fmt_fields(JsonFields::new()).event_format(Json::new(Clock::system())).boxed()
    } else {
        layer.with_target(false).with_ansi(io::stderr().is_terminal()).boxed()
    };
    let filtered = layer.with_filter(settings.filter.clone());
    let _ = tracing_subscriber::registry().with(filtered).try_init();
    Telemetry(end)
}
