//! Standard output, and a file that others may rename or cut.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::{
        fd::AsFd as _,
        unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use super::output::Target;

/// Standard output without the buffer that Rust puts before it, which would keep what it cannot
/// write and so write it twice.
pub(super) fn stdout() -> io::Result<File> {
    let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    // Which of the two it is can no longer be told: Rust puts /dev/null where nothing is.
    if is_null(&file) {
        tracing::warn!(
            "the audit goes to /dev/null: standard output is closed, or leads there; give it a \
             file with audit.to = \"file:/path\""
        );
    }
    Ok(file)
}

/// Whether it is the device that forgets everything.
fn is_null(file: &File) -> bool {
    let device = |it: Metadata| it.file_type().is_char_device().then(|| it.rdev());
    let of = |it: io::Result<Metadata>| it.ok().and_then(device);
    of(file.metadata()).is_some_and(|it| Some(it) == of(fs::metadata("/dev/null")))
}

impl Target for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(self, bytes)
    }
}

/// A file that is only ever appended to, so that cutting it (`copytruncate`) leaves no hole.
pub(super) struct Appended {
    path: PathBuf,
    file: File,
    /// The file is no longer at its path, and no other could be opened there.
    strayed: bool,
}

impl Appended {
    /// Opens it, and says whether it ends in the middle of a line.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, bool)> {
        let (file, torn) = append(&path)?;
        Ok((Self { path, file, strayed: false }, torn))
    }

    fn is_in_place(&self) -> io::Result<bool> {
        let identity = |it: Metadata| (it.dev(), it.ino());
        match fs::metadata(&self.path) {
            Ok(there) => Ok(identity(there) == identity(self.file.metadata()?)),
            Err(_) => Ok(false),
        }
    }
}

impl Target for Appended {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut self.file, bytes)
    }

    fn renew(&mut self) -> io::Result<Option<bool>> {
        if self.is_in_place()? {
            return Ok(None);
        }
        match append(&self.path) {
            Ok((file, torn)) => {
                (self.file, self.strayed) = (file, false);
                Ok(Some(torn))
            }
            // The file has another name now, and records in it are still kept: whoever renamed it may
            // be about to put a new one in its place.
            Err(error) if self.file.metadata()?.nlink() > 0 => {
                if !self.strayed {
                    let path = self.path.display();
                    tracing::warn!(%path, %error, "the audit goes on in the renamed file");
                }
                self.strayed = true;
                Ok(None)
            }
            // The next write must not go to a file that is deleted.
            Err(error) => Err(error),
        }
    }

    fn is_gone(&self) -> bool {
        // Some file systems count no links: there the path decides.
        let has_no_name = self.file.metadata().is_ok_and(|file| file.nlink() == 0);
        has_no_name && !self.is_in_place().unwrap_or(false)
    }
}

fn append(path: &Path) -> io::Result<(File, bool)> {
    // Addresses and callers' names are nobody else's business.
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let about = file.metadata()?;
    // A process that was killed on a full disk left half a line.
    let torn = about.is_file() && about.len() > 0 && last_byte(path).ok() != Some(b'\n');
    Ok((file, torn))
}

fn last_byte(path: &Path) -> io::Result<u8> {
    let (mut file, mut last) = (File::open(path)?, [0]);
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_file_is_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let (_, torn) = Appended::open(path.clone()).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!torn);
    }

    #[test]
    fn only_the_null_device_is_taken_for_it() {
        assert!(is_null(&File::options().write(true).open("/dev/null").unwrap()));
        assert!(!is_null(&File::options().write(true).open("/dev/full").unwrap()));
        assert!(!is_null(&tempfile::tempfile().unwrap()));
    }

    #[test]
    fn half_a_line_from_an_earlier_life_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, "{\"time\"").unwrap();
        assert!(Appended::open(path.clone()).unwrap().1);
        fs::write(&path, "{}\n").unwrap();
        assert!(!Appended::open(path).unwrap().1);
    }

    #[test]
    fn a_renamed_file_is_followed_by_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let (mut target, _) = Appended::open(path.clone()).unwrap();
        assert_eq!(target.renew().unwrap(), None);
        fs::rename(&path, folder.path().join("audit.log.1")).unwrap();
        assert!(!target.is_gone(), "it has another name");
        assert_eq!(target.renew().unwrap(), Some(false));
        assert_eq!(target.write(b"new\n").unwrap(), 4);
        assert_eq!(fs::read(path).unwrap(), b"new\n");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_used_on_until_it_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, kept) = (folder.path().join("logs"), folder.path().join("kept"));
        fs::create_dir(&inner).unwrap();
        let (mut target, _) = Appended::open(inner.join("audit.log")).unwrap();
        fs::rename(inner.join("audit.log"), &kept).unwrap();
        fs::remove_dir(&inner).unwrap();
        assert_eq!(target.renew().unwrap(), None);
        assert!(!target.is_gone());
        fs::remove_file(&kept).unwrap();
        assert!(target.is_gone());
        assert!(target.renew().is_err());
        assert!(target.renew().is_err(), "and at once again");
    }
}
