//! What files look like from outside: enough to tell that they are others than before.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Files, and what each looked like at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<PathBuf, Look>);

/// Where links lead to is what counts: an orchestrator swaps a link, and the file behind it is never
/// written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// It is not there, or hidden.
    Missing,
    /// It is no file: a pipe changes when it is read.
    Other,
    There {
        device: u64,
        inode: u64,
        size: u64,
        /// Seconds and nanoseconds.
        modified: (i64, i64),
        /// Changes with the permissions, too: a file that can be read again is worth a look.
        changed: (i64, i64),
    },
}

impl Look {
    fn at(path: &Path) -> Self {
        match fs::metadata(path) {
            Err(_) => Self::Missing,
            Ok(it) if !it.is_file() => Self::Other,
            Ok(it) => Self::There {
                device: it.dev(),
                inode: it.ino(),
                size: it.size(),
                modified: (it.mtime(), it.mtime_nsec()),
                changed: (it.ctime(), it.ctime_nsec()),
            },
        }
    }
}

impl Files {
    /// Looks at these too. Look before reading: what changes in between is then seen the next time.
    pub fn look_at(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            let look = Look::at(&path);
            self.0.entry(path).or_insert(look);
        }
    }

    /// The same files as they look now.
    pub fn again(&self) -> Self {
        Self(self.0.keys().map(|path| (path.clone(), Look::at(path))).collect())
    }

    /// Takes over those of `others` that are not here.
    pub(super) fn keep(&mut self, others: &Self) {
        for (path, look) in &others.0 {
            self.0.entry(path.clone()).or_insert(*look);
        }
    }

    /// The first of them that looked different `before`.
    pub(super) fn first_change(&self, before: &Self) -> Option<&Path> {
        let mut others = self.0.iter().filter(|(path, look)| before.0.get(*path) != Some(*look));
        others.next().map(|(path, _)| path.as_path())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn every_way_to_change_a_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (file, link) = (path("file"), path("link"));
        fs::write(path("one"), "one").unwrap();
        fs::write(path("two"), "one").unwrap();
        symlink(path("one"), &link).unwrap();
        let mut files = Files::default();
        files.look_at([file.clone(), link.clone()]);
        let mut sees = |what: &str, path: &Path| {
            let now = files.again();
            assert_eq!(now.first_change(&files), Some(path), "{what}");
            files = now;
            assert_eq!(files.again(), files, "{what}");
        };
        fs::write(&file, "a").unwrap();
        sees("made", &file);
        fs::write(&file, "b").unwrap();
        sees("written in place, as long as before", &file);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        sees("other permissions", &file);
        fs::write(path("new"), "b").unwrap();
        fs::rename(path("new"), &file).unwrap();
        sees("renamed over", &file);
        fs::remove_file(&file).unwrap();
        sees("removed", &file);
        symlink(path("two"), path("new")).unwrap();
        fs::rename(path("new"), &link).unwrap();
        sees("a link that leads elsewhere", &link);
        fs::write(path("two"), "two!").unwrap();
        sees("what a link leads to", &link);
        fs::remove_file(path("two")).unwrap();
        sees("a link that leads nowhere", &link);
    }

    #[test]
    fn what_was_seen_first_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("file"), folder.path().join("other"));
        let mut files = Files::default();
        files.look_at([file.clone()]);
        fs::write(&file, "x").unwrap();
        files.look_at([file.clone()]);
        assert_eq!(files.again().first_change(&files), Some(&*file));
        let mut more = Files::default();
        more.look_at([other.clone()]);
        more.keep(&files);
        assert_eq!(more.again().first_change(&more), Some(&*file));
        fs::write(&other, "x").unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(more.again().first_change(&more), Some(&*other));
    }
}
