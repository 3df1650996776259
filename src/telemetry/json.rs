//! Lines of JSON: what `tracing-subscriber` writes, byte for byte, for half of what that costs. Each
//! request has one, so this is part of what a token costs.

use std::fmt;

use serde::ser::{SerializeMap as _, Serializer as _};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tracing::{Event, Subscriber};
use tracing_serde::SerdeMapVisitor;
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{self, Format, Writer},
    },
    registry::LookupSpan,
};

/// RFC 3339 in UTC with microseconds.
const RFC_3339: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// What a usual line needs.
const USUAL: usize = 512;

/// Formats events.
#[derive(Debug)]
pub(super) struct Json {
    /// For events within a span, which only whoever looks for a fault has shown.
    within_span: Format<format::Json>,
}

impl Json {
    pub(super) fn new() -> Self {
        Self { within_span: format::format().json().flatten_event(true).with_span_list(false) }
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
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.parent().is_some() || context.lookup_current().is_some() {
            return self.within_span.format_event(context, writer, event);
        }
        // In one piece: the writer checks each that it gets.
        let line = line(event).map_err(|_| fmt::Error)?;
        writer.write_str(str::from_utf8(&line).map_err(|_| fmt::Error)?)
    }
}

fn line(event: &Event<'_>) -> serde_json::Result<Vec<u8>> {
    let (mut line, metadata) = (Vec::with_capacity(USUAL), event.metadata());
    let now = OffsetDateTime::now_utc().format(RFC_3339).map_err(serde::ser::Error::custom)?;
    let mut serializer = serde_json::Serializer::new(&mut line);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("timestamp", &now)?;
    map.serialize_entry("level", metadata.level().as_str())?;
    let mut fields = SerdeMapVisitor::new(map);
    event.record(&mut fields);
    let mut map = fields.take_serializer()?;
    map.serialize_entry("target", metadata.target())?;
    map.end()?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use time::format_description::well_known::Rfc3339;
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
        /// The lines without their times, which must be of the form that both write.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let line = |line: &str| {
                let (time, rest) = line.strip_prefix("{\"timestamp\":\"").unwrap().split_at(27);
                assert!(
                    OffsetDateTime::parse(time, &Rfc3339).is_ok() && time.ends_with('Z'),
                    "{time}"
                );
                rest.to_owned()
            };
            text.lines().map(line).collect()
        }
    }

    /// The lines that both write of the same events.
    fn both(events: fn()) -> (Vec<String>, Vec<String>) {
        let (ours, theirs) = (Out::default(), Out::default());
        let (our, their) = (ours.clone(), theirs.clone());
        let lean = layer().fmt_fields(JsonFields::new()).event_format(Json::new());
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
}
