//! The log: on standard error, pretty for people and JSON for machines.
//!
//! Only `tracing` events are logged, not records of the `log` crate: WebSocket libraries write
//! whole messages there, tokens included.

mod json;

use std::{
    io::{self, BufWriter, IsTerminal as _, Write},
    thread,
    time::Duration,
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    Layer as _,
    fmt::{self, format::JsonFields},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::settings::{Format, Log};

use json::Json;

/// The most lines that wait for a slow reader. Those that come on top are lost: a reader that stands
/// still must not make the server stand still.
const MAX_LINES: usize = 10_000;

/// What a pipe takes without mixing it with what others write to it (`PIPE_BUF`). A buffer of that
/// size is written before a line that does not fit into it, so that lines stay whole.
const WHOLE: usize = 4096;

/// How long the thread that writes rests after it wrote all there was. What comes meanwhile costs no
/// waking and shares one write, and nobody who watches a terminal sees that.
const REST: Duration = Duration::from_millis(5);

/// A log in operation; when dropped it writes what is still waiting, within a second.
#[must_use = "the log ends when this is dropped"]
#[derive(Debug)]
pub struct Telemetry {
    lost: ErrorCounter,
    _worker: WorkerGuard,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let lost = self.lost.dropped_lines();
        if lost > 0 {
            tracing::warn!(lost, "lines of this log were lost: its reader was too slow");
        }
    }
}

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
    let (lines, telemetry) = queue(io::stderr());
    let layer = fmt::layer().with_writer(lines);
    let layer = if json {
        layer.fmt_fields(JsonFields::new()).event_format(Json::new()).boxed()
    } else {
        layer.with_target(false).with_ansi(io::stderr().is_terminal()).boxed()
    };
    let filtered = layer.with_filter(settings.filter.clone());
    let _ = tracing_subscriber::registry().with(filtered).try_init();
    telemetry
}

/// Writes lines that are whole, and rests after each batch.
struct Batches<W: Write>(BufWriter<W>);

impl<W: Write> Write for Batches<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        thread::sleep(REST);
        Ok(())
    }
}

/// Has lines written to `out` by a thread of its own, so that nobody who logs waits for that.
fn queue(out: impl Write + Send + 'static) -> (NonBlocking, Telemetry) {
    let builder = NonBlockingBuilder::default().buffered_lines_limit(MAX_LINES).thread_name("log");
    let (lines, worker) = builder.finish(Batches(BufWriter::with_capacity(WHOLE, out)));
    let lost = lines.error_counter();
    (lines, Telemetry { lost, _worker: worker })
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use super::*;

    /// What was written, each write for itself. It may be told to wait.
    struct Out(mpsc::Sender<String>, Option<mpsc::Receiver<()>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(String::from_utf8(bytes.to_vec()).unwrap());
            if let Some(go_on) = &self.1 {
                let _ = go_on.recv();
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_last_lines_are_written_at_the_end() {
        let (tell, told) = mpsc::channel();
        let (mut lines, end) = queue(Out(tell, None));
        for number in 0..100 {
            lines.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        drop(end);
        let written: String = told.try_iter().collect();
        let all: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(written, all);
    }

    #[test]
    fn a_line_after_a_rest_is_written_at_once() {
        let (tell, told) = mpsc::channel();
        let (mut lines, _end) = queue(Out(tell, None));
        for _ in 0..3 {
            lines.write_all(b"one\n").unwrap();
            assert_eq!(told.recv_timeout(Duration::from_secs(5)).unwrap(), "one\n");
        }
    }

    #[test]
    fn a_reader_that_stands_still_holds_up_nobody_and_lost_lines_are_counted() {
        let ((tell, told), (_hold, go_on)) = (mpsc::channel(), mpsc::channel());
        let (mut lines, end) = queue(Out(tell, Some(go_on)));
        lines.write_all(b"one\n").unwrap();
        told.recv().unwrap();
        for _ in 0..MAX_LINES + 7 {
            lines.write_all(b"more\n").unwrap();
        }
        assert_eq!(end.lost.dropped_lines(), 7);
        let begun = Instant::now();
        drop(end);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn no_write_ends_within_a_line() {
        let ((tell, told), (let_go, go_on)) = (mpsc::channel(), mpsc::channel());
        let (mut lines, end) = queue(Out(tell, Some(go_on)));
        // While the first is being written, the others gather.
        lines.write_all(b"\n").unwrap();
        assert_eq!(told.recv().unwrap(), "\n");
        for length in [3_000, 1_096, 1, 4_096, 5_000, 10, 10] {
            lines.write_all(("x".repeat(length - 1) + "\n").as_bytes()).unwrap();
        }
        drop(let_go);
        drop(end);
        let lengths: Vec<usize> = told.try_iter().map(|write| write.len()).collect();
        assert_eq!(lengths, [4_096, 1, 4_096, 5_000, 20]);
    }
}
