//! Lines of JSON: what `tracing-subscriber` writes, byte for byte, in less time.
//!
//! Each request has a line, so this is part of what a token costs. A test compares the two.

use std::fmt::{self, Write};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{self, Format, Writer},
    },
    registry::LookupSpan,
};

use crate::base::clock::{Clock, Timestamp};

/// Formats events.
#[derive(Debug)]
pub(super) struct Json {
    clock: Clock,
    /// For events within a span, which only whoever looks for a fault has shown.
    within: Format<format::Json>,
}

impl Json {
    pub(super) fn new(clock: Clock) -> Self {
        let within =
            tracing_subscriber::fmt::format().json().flatten_event(true).with_span_list(false);
        Self { clock, within }
    }
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.parent().is_some() || context.lookup_current().is_some() {
            return self.within.format_event(context, line, event);
        }
        let about = event.metadata();
        line.write_str("{\"timestamp\":\"")?;
        line.write_str(Timestamp::from(self.clock.now()).micros())?;
        line.write_str("Z\",\"level\":\"")?;
        line.write_str(about.level().as_str())?;
        line.write_char('"')?;
        let mut fields = Fields { line: &mut line, result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
        line.write_str(",\"target\":\"")?;
        Escaped(&mut line).write_str(about.target())?;
        line.write_str("\"}\n")
    }
}

/// Writes each field behind what is there already.
struct Fields<'a, 'b> {
    line: &'a mut Writer<'b>,
    result: fmt::Result,
}

impl<'b> Fields<'_, 'b> {
    fn put(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'b>) -> fmt::Result) {
        let put = || {
            self.line.write_str(",\"")?;
            Escaped(self.line).write_str(field.name())?;
            self.line.write_str("\":")?;
            value(self.line)
        };
        if self.result.is_ok() {
            self.result = put();
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // The longest number has 24 bytes.
        let mut text = [0; 32];
        let mut rest = text.as_mut_slice();
        let written = serde_json::to_writer(&mut rest, &value);
        let left = rest.len();
        let text = written.ok().and_then(|()| str::from_utf8(&text[..32 - left]).ok());
        self.put(field, |line| line.write_str(text.unwrap_or("null")));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, |line| line.write_str(itoa::Buffer::new().format(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, |line| line.write_str(itoa::Buffer::new().format(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, |line| line.write_str(if value { "true" } else { "false" }));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, |line| {
            line.write_char('"')?;
            Escaped(line).write_str(value)?;
            line.write_char('"')
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, |line| {
            line.write_char('"')?;
            write!(Escaped(line), "{value:?}")?;
            line.write_char('"')
        });
    }
}

/// Escapes what JSON does not allow within a string.
struct Escaped<'a, 'b>(&'a mut Writer<'b>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        let special = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
        // Mostly there is none, and this looks at many at once.
        if !text.bytes().fold(false, |any, byte| any | special(byte)) {
            return self.0.write_str(text);
        }
        while let Some(at) = text.bytes().position(special) {
            self.0.write_str(&text[..at])?;
            match text.as_bytes()[at] {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                b'\r' => self.0.write_str("\\r")?,
                b'\t' => self.0.write_str("\\t")?,
                0x08 => self.0.write_str("\\b")?,
                0x0c => self.0.write_str("\\f")?,
                other => write!(self.0, "\\u{other:04x}")?,
            }
            text = &text[at + 1..];
        }
        self.0.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{
        fmt::{format::JsonFields, layer},
        layer::SubscriberExt as _,
        registry,
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Out {
        /// The lines without their times, whose length must be that of all.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let begins = "{\"timestamp\":\"2026-07-28T12:00:00.000000Z\"";
            text.lines().map(|line| line[begins.len()..].to_owned()).collect()
        }
    }

    /// The lines that both write of the same events.
    fn both(events: fn()) -> (Vec<String>, Vec<String>) {
        let (ours, theirs) = (Out::default(), Out::default());
        let (our, their) = (ours.clone(), theirs.clone());
        let json = Json::new(Clock::fixed(1_785_240_000));
        let lean = layer().fmt_fields(JsonFields::new()).event_format(json);
        let full = layer().json().flatten_event(true).with_span_list(false);
        let both = registry()
            .with(lean.with_writer(move || our.clone()))
            .with(full.with_writer(move || their.clone()));
        tracing::subscriber::with_default(both, events);
        (ours.lines(), theirs.lines())
    }

    fn numbers() {
        for number in [0.0, -0.0, 1.0, 0.1 + 0.2, 182.411, 1e300, f64::MIN_POSITIVE, f64::MAX] {
            tracing::info!(number, negative = -number, "number");
        }
        tracing::info!(nan = f64::NAN, infinite = f64::INFINITY);
        tracing::info!(i = i64::MIN, u = u64::MAX, large = u128::MAX, small = i128::MIN, is = true);
        tracing::info!(small = 7_u8, single = 0.1_f32, none = None::<u64>, some = Some(3));
    }

    fn texts() {
        let every: String = (0..0x100).filter_map(char::from_u32).collect();
        tracing::warn!(every, shown = %every, debug = ?every, "{every}");
        tracing::error!(path = %std::path::Path::new("/a\"b").display(), "ü 😀 \u{2028}");
        let error: &(dyn std::error::Error + 'static) = &io::Error::other("a \"cause\"\n");
        tracing::error!(error, bytes = b"\xff\"".as_slice(), empty = "", list = ?["a", "b"]);
        tracing::info!(r#type = "t", "odd \"name\"" = 1, a.b.c = 2, "named");
        tracing::info!(target: "a\"target", "");
        tracing::debug!("debug");
        tracing::trace!({ only = 1 });
    }

    fn spans() {
        let span = tracing::info_span!("request", request_id = "id-\"1", n = 3);
        tracing::info!(parent: &span, "as a child");
        let _inside = span.enter();
        tracing::info!(field = 1, "inside");
    }

    #[test]
    fn it_is_what_the_library_writes() {
        for events in [numbers, texts, spans] {
            let (ours, theirs) = both(events);
            assert!(ours.len() > 1);
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn the_time_comes_first() {
        let out = Out::default();
        let writer = out.clone();
        let json = Json::new(Clock::fixed(1_785_240_000));
        let lines = layer().fmt_fields(JsonFields::new()).event_format(json);
        let lines = registry().with(lines.with_writer(move || writer.clone()));
        tracing::subscriber::with_default(lines, || tracing::info!("here"));
        let line = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert!(
            line.starts_with("{\"timestamp\":\"2026-07-28T12:00:00.000000Z\",\"level\":\"INFO\",")
        );
    }
}
