//! The lines on their way out: gathered in memory, and written by a thread of their own.
//!
//! Whoever logs only copies its line. The thread is woken by the first line after a rest and waits a
//! moment for more, so that under load a hundred lines cost one waking and a few writes.

use std::{
    io::{self, ErrorKind, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// The most lines that wait for a slow reader. Those that come on top are lost: a reader that stands
/// still must not make the server stand still.
const MAX_LINES: usize = 10_000;

/// The most bytes of them.
const MAX_BYTES: usize = 8 << 20;

/// How long the first line waits for others. Nobody who watches a terminal sees that.
const GATHERS: Duration = Duration::from_millis(5);

/// How long the end of the process waits for the last lines.
const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// What a pipe takes without mixing it with what others write to it (`PIPE_BUF`).
const WHOLE: usize = 4096;

/// The memory that is kept for lines to come.
const KEPT: usize = 256 << 10;

/// Takes lines, never waits for them to be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Shared>);

/// The end of the log: when it is dropped, what waits is written, within bounds.
#[derive(Debug)]
pub(super) struct End(Lines);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is a line, or the end has come.
    came: Condvar,
    /// The last line was written.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    text: Vec<u8>,
    lines: usize,
    /// The thread has nothing to do, and has to be woken.
    asleep: bool,
    /// No more lines will come.
    closing: bool,
    /// All are written.
    closed: bool,
}

impl Lines {
    /// Has them written to `out`.
    pub(super) fn to(mut out: impl Write + Send + 'static) -> (Self, End) {
        let lines = Self::default();
        let taken = lines.clone();
        let run = move || {
            let mut text = Vec::new();
            while taken.take(&mut text) {
                write(&mut out, &text);
                text.clear();
                text.shrink_to(KEPT);
            }
            taken.lock().closed = true;
            taken.0.ended.notify_all();
        };
        thread::Builder::new().name("log".to_owned()).spawn(run).expect("a thread for the log");
        (lines.clone(), End(lines))
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.lines >= MAX_LINES || waiting.text.len() + line.len() > MAX_BYTES {
            return;
        }
        waiting.text.extend_from_slice(line);
        waiting.lines += 1;
        if mem::take(&mut waiting.asleep) {
            drop(waiting);
            self.0.came.notify_one();
        }
    }

    /// Waits for lines and takes them all, into an empty `text`. False: there are no more.
    fn take(&self, text: &mut Vec<u8>) -> bool {
        let mut waiting = self.lock();
        while waiting.lines == 0 {
            if waiting.closing {
                return false;
            }
            waiting.asleep = true;
            waiting = self.0.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let gathered = self.0.came.wait_timeout_while(waiting, GATHERS, |it| !it.closing);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut waiting.text, text);
        waiting.lines = 0;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.closing = true;
        self.0.0.came.notify_one();
        drop(self.0.0.ended.wait_timeout_while(waiting, ENDS_WITHIN, |it| !it.closed));
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Lines {
    /// Takes a whole line: that is how they are given.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes whole lines, as many at once as stay whole. What is not taken is lost.
fn write(out: &mut impl Write, mut text: &[u8]) {
    while !text.is_empty() {
        let most = &text[..text.len().min(WHOLE)];
        let end = |text: &[u8]| text.iter().rposition(|byte| *byte == b'\n').map(|last| last + 1);
        // A line that is longer is written for itself.
        let line = || text.iter().position(|byte| *byte == b'\n').map(|last| last + 1);
        let (lines, rest) = text.split_at(end(most).or_else(line).unwrap_or(text.len()));
        write_all(out, lines);
        text = rest;
    }
}

fn write_all(out: &mut impl Write, mut text: &[u8]) {
    while !text.is_empty() {
        match out.write(text) {
            Ok(0) => return,
            Ok(written) => text = &text[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            // Standard error may be shared with a program that made it so.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(GATHERS),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use super::*;

    /// What was written, each write for itself. It may be told to wait.
    struct Out(mpsc::Sender<String>, Option<mpsc::Receiver<()>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
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
    fn lines_are_gathered_and_the_last_ones_written_at_the_end() {
        let (tell, told) = mpsc::channel();
        let (lines, end) = Lines::to(Out(tell, None));
        for number in 0..100 {
            (&lines).write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        drop(end);
        let writes: Vec<String> = told.try_iter().collect();
        let all: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(writes.concat(), all);
        assert!(writes.len() < 50, "{} writes", writes.len());
    }

    #[test]
    fn a_line_after_a_rest_is_written_at_once() {
        let (tell, told) = mpsc::channel();
        let (lines, _end) = Lines::to(Out(tell, None));
        for _ in 0..3 {
            lines.add(b"one\n");
            assert_eq!(told.recv_timeout(Duration::from_secs(5)).unwrap(), "one\n");
        }
    }

    #[test]
    fn a_reader_that_stands_still_holds_up_nobody() {
        let ((tell, told), (_hold, go_on)) = (mpsc::channel(), mpsc::channel());
        let (lines, end) = Lines::to(Out(tell, Some(go_on)));
        lines.add(b"one\n");
        told.recv().unwrap();
        for _ in 0..2 * MAX_LINES {
            lines.add(b"more\n");
        }
        assert_eq!(lines.lock().lines, MAX_LINES);
        let long = vec![b'x'; MAX_BYTES];
        lines.add(&long);
        assert!(lines.lock().text.len() <= MAX_BYTES);
        let begun = Instant::now();
        drop(end);
        assert!((ENDS_WITHIN..5 * ENDS_WITHIN).contains(&begun.elapsed()));
    }

    #[test]
    fn no_write_ends_within_a_line() {
        let (tell, told) = mpsc::channel();
        let line = |length: usize| "x".repeat(length - 1) + "\n";
        let text = [3_000, 1_096, 1, 4_096, 5_000, 10, 10].map(line).concat();
        write(&mut Out(tell, None), text.as_bytes());
        let lengths: Vec<usize> = told.try_iter().map(|it| it.len()).collect();
        assert_eq!(lengths, [4_096, 1, 4_096, 5_000, 20]);
    }

    #[test]
    fn what_cannot_be_written_is_given_up() {
        write(&mut std::fs::File::options().write(true).open("/dev/full").unwrap(), b"one\ntwo\n");
    }
}
