//! The pid file: who runs with this configuration.
//!
//! Text: the decimal pid and a line end. A file that names a living process refuses a second start; a stale or empty
//! one is overwritten; a number that cannot be read is an error, because it may be somebody else's file. The creator
//! removes it at the end. As long as it runs it also holds a lock on the file, which decides between processes that
//! start at the same moment.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Looks at a file that another process has locked and not yet filled in, or is removing, and the time between two.
const ATTEMPTS: u32 = 100;
const ATTEMPT_WAIT: Duration = Duration::from_millis(10);

/// Why no pid file could be made.
#[derive(Debug, thiserror::Error)]
pub enum PidFileError {
    /// Another process runs with the same configuration file name.
    #[error("already running? PID: {pid} exists, PID file: {}", path.display())]
    AlreadyRunning {
        /// The living process.
        pid: u32,
        /// The file that names it.
        path: PathBuf,
    },
    /// The file exists and holds no number.
    #[error("PID file {} does not hold a process number; remove it when no server runs", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot write PID file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// A pid file of this process; removed when dropped.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

impl PidFile {
    /// Writes the number of this process to `path`, making its folder when needed.
    ///
    /// # Errors
    /// See [`PidFileError`].
    pub fn create(path: PathBuf) -> Result<Self, PidFileError> {
        let io_error = |source| PidFileError::Io { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io_error)?;
        }
        for _ in 0..ATTEMPTS {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = file.map_err(io_error)?;
            // A file system without locks is no reason not to serve.
            let is_locked = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
            if let Some(pid) = Self::read(&path)?
                && (is_locked || pid != std::process::id() && is_alive(pid))
            {
                return Err(PidFileError::AlreadyRunning { pid, path });
            }
            if !is_locked && is_at(&file, &path) {
                file.set_len(0).map_err(io_error)?;
                writeln!(file, "{}", std::process::id()).map_err(io_error)?;
                return Ok(Self { path, _file: file });
            }
            thread::sleep(ATTEMPT_WAIT);
        }
        Err(io_error(io::ErrorKind::ResourceBusy.into()))
    }

    /// The number in the file, or `None` when there is no file or nothing in it.
    ///
    /// # Errors
    /// [`PidFileError::Unreadable`] when the file holds no number.
    pub fn read(path: &Path) -> Result<Option<u32>, PidFileError> {
        match fs::read_to_string(path) {
            Ok(text) if text.trim().is_empty() => Ok(None),
            Ok(text) => text
                .trim()
                .parse()
                .map(Some)
                .map_err(|_| PidFileError::Unreadable { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PidFileError::Io { path: path.to_owned(), source }),
        }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Only the creator's own entry is removed; nothing can be done about a failure at this point.
        if matches!(Self::read(&self.path), Ok(Some(pid)) if pid == std::process::id()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether the open file still has that name: its owner may have removed it before we had the lock.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(file), Ok(named)) => (file.dev(), file.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Whether a process with this number exists and is not a zombie.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // "PID (NAME) STATE ...": the name may hold anything, so the state is looked for behind the last bracket.
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    !matches!(state, Some('Z' | 'X') | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_start_is_refused_while_the_first_lives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kea.kea-dhcp4.pid");
        fs::write(&path, "1\n").unwrap();
        let error = PidFile::create(path).unwrap_err();
        assert!(matches!(error, PidFileError::AlreadyRunning { pid: 1, .. }), "{error}");
    }

    #[test]
    fn stale_file_is_overwritten_and_removed_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/kea.pid");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "4194999\n").unwrap();
        let file = PidFile::create(path.clone()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn of_several_starts_at_the_same_moment_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kea.pid");
        fs::write(&path, "").unwrap();
        let starts: Vec<_> = thread::scope(|scope| {
            let threads = (0..8).map(|_| scope.spawn(|| PidFile::create(path.clone())));
            let threads: Vec<_> = threads.collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(starts.iter().filter(|start| start.is_ok()).count(), 1);
        assert!(path.exists());
        drop(starts);
        assert!(!path.exists());
        PidFile::create(path).unwrap();
    }

    #[test]
    fn garbage_is_an_error_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kea.pid");
        fs::write(&path, "not a number").unwrap();
        assert!(matches!(PidFile::create(path.clone()), Err(PidFileError::Unreadable { .. })));
        assert!(path.exists());
    }
}
