//! Lines into something that may take only a part of them.

use std::{
    borrow::Cow,
    io::{self, ErrorKind},
    thread,
    time::Duration,
};

/// Where bytes go.
pub(super) trait Target: Send + 'static {
    /// Takes bytes, perhaps not all of them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Follows what became of the place, such as a file that was renamed. Some: it goes on somewhere
    /// else, which ends in the middle of a line (true) or not.
    fn renew(&mut self) -> io::Result<Option<bool>> {
        Ok(None)
    }

    /// Whether what was written can no longer be read by anyone, such as in a file that was deleted.
    fn is_gone(&self) -> bool {
        false
    }
}

/// A target that holds whole lines, as far as anyone can see to that.
#[derive(Debug)]
pub(super) struct Output<T> {
    target: T,
    /// What was written last ends in the middle of a line.
    torn: bool,
}

/// How far a write came that failed.
#[derive(Debug)]
pub(super) struct Cut {
    /// So many bytes were written.
    pub(super) written: usize,
    pub(super) error: io::Error,
}

impl<T: Target> Output<T> {
    /// `torn`: whether `target` ends in the middle of a line.
    pub(super) fn new(target: T, torn: bool) -> Self {
        Self { target, torn }
    }

    /// Writes `lines`, in one go unless the target takes less; once more if it was deleted meanwhile.
    pub(super) fn put(&mut self, lines: &[u8]) -> Result<(), Cut> {
        self.put_once(lines)?;
        if self.target.is_gone() { self.put_once(lines) } else { Ok(()) }
    }

    fn put_once(&mut self, lines: &[u8]) -> Result<(), Cut> {
        match self.target.renew() {
            Ok(Some(torn)) => self.torn = torn,
            Ok(None) => (),
            Err(error) => return Err(Cut { written: 0, error }),
        }
        // Ends what a full disk left of a line, so that no line of ours becomes part of it.
        let extra = usize::from(self.torn);
        let ended = if self.torn { Cow::Owned([b"\n", lines].concat()) } else { lines.into() };
        let (written, result) = self.write(&ended);
        if let Some(last) = written.checked_sub(1) {
            self.torn = ended[last] != b'\n';
        }
        result.map_err(|error| Cut { written: written.saturating_sub(extra), error })
    }

    fn write(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        while written < bytes.len() {
            match self.target.write(&bytes[written..]) {
                Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
                Ok(more) => written += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                // Standard output may be shared with a program that made it so.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A disk with so many bytes left.
    #[derive(Default)]
    struct Disk {
        left: usize,
        holds: Vec<u8>,
        blocked: bool,
        torn_after_renewal: Option<bool>,
        gone: Cell<usize>,
    }

    impl Target for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.blocked = !self.blocked;
            if self.blocked {
                return Err(ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(self.left);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.left -= taken;
            self.holds.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn renew(&mut self) -> io::Result<Option<bool>> {
            Ok(self.torn_after_renewal.take())
        }

        fn is_gone(&self) -> bool {
            self.gone.replace(self.gone.get().saturating_sub(1)) > 0
        }
    }

    fn put(output: &mut Output<Disk>, text: &str) -> Option<usize> {
        output.put(text.as_bytes()).err().map(|cut| cut.written)
    }

    #[test]
    fn half_a_line_does_not_merge_with_the_next() {
        let mut output = Output::new(Disk { left: 6, ..Disk::default() }, false);
        assert_eq!(put(&mut output, "one\ntwo\n"), Some(6));
        assert_eq!(put(&mut output, "two\n"), Some(0));
        output.target.left = 3;
        assert_eq!(put(&mut output, "two\n"), Some(2), "the extra line end is not counted");
        output.target.left = 100;
        assert_eq!(put(&mut output, "two\n"), None);
        assert_eq!(put(&mut output, "three\n"), None);
        assert_eq!(output.target.holds, b"one\ntw\ntw\ntwo\nthree\n");
    }

    #[test]
    fn what_ends_torn_is_ended_first() {
        let mut output = Output::new(Disk { left: 100, ..Disk::default() }, true);
        put(&mut output, "one\n");
        output.target.torn_after_renewal = Some(true);
        put(&mut output, "two\n");
        assert_eq!(output.target.holds, b"\none\n\ntwo\n");
    }

    #[test]
    fn what_was_written_to_a_deleted_file_is_written_again_once() {
        let disk = Disk { left: 100, gone: Cell::new(7), ..Disk::default() };
        let mut output = Output::new(disk, false);
        assert_eq!(put(&mut output, "one\n"), None);
        assert_eq!(output.target.holds, b"one\none\n");
    }
}
