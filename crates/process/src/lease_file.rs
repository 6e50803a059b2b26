//! The lease journal on a real disk.
//!
//! Rows wait in a [`JournalQueue`]; [`LeaseJournal::drain`] writes what has gathered and, in durable mode, makes it
//! durable, then publishes the position. Nothing is forgotten before that: rows of a failed write stay in memory
//! and are written again, over the torn remains of the failure, so that the file never holds half a row between
//! two whole ones. While storage fails the queue is marked as stalled and the server acknowledges nothing.
//!
//! Clean-up follows Kea's protocol: [`LeaseJournal::rotate`] moves the file aside (`F` to `F.1`) for `kea-lfc`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use util::journal::JournalQueue;

/// What a call of [`LeaseJournal::drain`] found.
#[derive(Debug)]
pub enum Drained {
    /// Nothing was waiting.
    Idle,
    /// Everything that was waiting is stored as promised.
    Stored {
        /// Bytes of rows.
        bytes: usize,
        /// Whether the call before had failed.
        recovered: bool,
    },
    /// Storage failed; the rows are kept for the next call.
    Failed {
        /// The system's reason.
        error: io::Error,
        /// Whether the call before had succeeded.
        first: bool,
    },
}

/// The state of the journal file behind its lock.
#[derive(Debug)]
struct State {
    file: File,
    /// Length of the part of the file that is stored as promised.
    stored_len: u64,
    /// Rows taken from the queue and not yet stored.
    in_flight: Vec<u8>,
    failing: bool,
    /// Whether rows are made durable, not just handed to the kernel.
    durable: bool,
}

/// An open lease journal.
#[derive(Debug)]
pub struct LeaseJournal {
    queue: Arc<JournalQueue>,
    path: PathBuf,
    header: &'static [u8],
    state: Mutex<State>,
}

impl LeaseJournal {
    /// Opens `path` for appending behind its first `valid_len` bytes, or makes it with `header`.
    ///
    /// `valid_len` is where the last complete row ends; a torn row behind it is cut off.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn open(
        queue: Arc<JournalQueue>,
        path: &Path,
        header: &'static [u8],
        durable: bool,
        valid_len: Option<u64>,
    ) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        let stored_len = match valid_len {
            Some(len) if len > 0 => {
                file.set_len(len)?;
                len
            }
            _ => begin(&file, header)?,
        };
        file.sync_all()?;
        sync_folder(path)?;
        let state = State { file, stored_len, in_flight: Vec::new(), failing: false, durable };
        Ok(Self { queue, path: path.to_owned(), header, state: Mutex::new(state) })
    }

    /// The queue that this journal writes.
    #[must_use]
    pub fn queue(&self) -> &Arc<JournalQueue> {
        &self.queue
    }

    /// The current file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Changes what is promised about rows from now on: durable, or just handed to the kernel.
    pub fn set_durable(&self, durable: bool) {
        self.state.lock().durable = durable;
    }

    /// Writes everything that waits.
    pub fn drain(&self) -> Drained {
        let mut state = self.state.lock();
        self.drain_locked(&mut state)
    }

    /// Moves the journal aside for a clean-up: `F` becomes `F.1` and a fresh `F` begins.
    ///
    /// Returns whether that was done; it is not when an earlier clean-up has not finished (`F.1` or `F.completed`
    /// exists), which `kea-lfc` must then complete first.
    ///
    /// # Errors
    /// Whatever the file system says; the journal continues in the file that it has.
    pub fn rotate(&self) -> io::Result<bool> {
        let copy = suffixed(&self.path, ".1");
        if copy.try_exists()? || suffixed(&self.path, ".completed").try_exists()? {
            return Ok(false);
        }
        let mut state = self.state.lock();
        if let Drained::Failed { error, .. } = self.drain_locked(&mut state) {
            return Err(error);
        }
        fs::rename(&self.path, &copy)?;
        let fresh = OpenOptions::new().write(true).create(true).truncate(true).open(&self.path);
        let fresh = fresh.and_then(|file| begin(&file, self.header).map(|len| (file, len)));
        match fresh {
            Ok((file, len)) => {
                state.file = file;
                state.stored_len = len;
                state.file.sync_all()?;
                sync_folder(&self.path)?;
                Ok(true)
            }
            Err(error) => {
                // The open descriptor still is the old file: give it its name back and go on with it.
                fs::rename(&copy, &self.path)?;
                Err(error)
            }
        }
    }

    fn drain_locked(&self, state: &mut State) -> Drained {
        let position = self.queue.take(&mut state.in_flight);
        if state.in_flight.is_empty() {
            if state.failing {
                // Nothing is left to store: the failure was of a rotation or an empty retry.
                state.failing = false;
                self.queue.commit(position);
            }
            return Drained::Idle;
        }
        match store(state) {
            Ok(bytes) => {
                self.queue.commit(position);
                let recovered = std::mem::take(&mut state.failing);
                Drained::Stored { bytes, recovered }
            }
            Err(error) => {
                self.queue.stall();
                let first = !std::mem::replace(&mut state.failing, true);
                Drained::Failed { error, first }
            }
        }
    }
}

/// Writes the rows in flight behind the stored part.
fn store(state: &mut State) -> io::Result<usize> {
    if state.failing {
        // After an error the kernel may have dropped dirty pages or kept half a row: begin anew where it was good.
        state.file.set_len(state.stored_len)?;
    }
    let written = state.file.write_all_at(&state.in_flight, state.stored_len);
    let result = written.and_then(|()| if state.durable { state.file.sync_data() } else { Ok(()) });
    if let Err(error) = result {
        // Best effort now, so that a crash leaves no torn row; done again before the next attempt anyway.
        let _ = state.file.set_len(state.stored_len);
        return Err(error);
    }
    let bytes = state.in_flight.len();
    state.stored_len += bytes as u64;
    state.in_flight.clear();
    Ok(bytes)
}

/// Empties a file and writes its header; returns the length.
fn begin(file: &File, header: &[u8]) -> io::Result<u64> {
    file.set_len(0)?;
    file.write_all_at(header, 0)?;
    Ok(header.len() as u64)
}

/// Makes the names in a file's folder durable.
///
/// # Errors
/// Whatever the file system says.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// `path` with `suffix` appended to its name (`F` to `F.1`).
#[must_use]
pub fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"address\n";

    fn journal(path: &Path) -> LeaseJournal {
        let queue = Arc::new(JournalQueue::new(1 << 20));
        LeaseJournal::open(queue, path, HEADER, true, None).unwrap()
    }

    #[test]
    fn rows_are_in_the_file_when_their_position_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leases.csv");
        let journal = journal(&path);
        let position = journal.queue().append(b"192.0.2.1\n").unwrap();
        assert!(journal.queue().committed() < position);
        assert!(matches!(journal.drain(), Drained::Stored { bytes: 10, recovered: false }));
        assert_eq!(journal.queue().committed(), position);
        assert_eq!(fs::read(&path).unwrap(), b"address\n192.0.2.1\n");
        assert!(matches!(journal.drain(), Drained::Idle));
    }

    #[test]
    fn torn_tail_is_cut_off_at_opening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leases.csv");
        fs::write(&path, b"address\n192.0.2.1\n192.0").unwrap();
        let queue = Arc::new(JournalQueue::new(1 << 20));
        let journal = LeaseJournal::open(queue, &path, HEADER, true, Some(18)).unwrap();
        journal.queue().append(b"192.0.2.2\n").unwrap();
        journal.drain();
        assert_eq!(fs::read(&path).unwrap(), b"address\n192.0.2.1\n192.0.2.2\n");
    }

    #[test]
    fn failed_rows_stall_the_queue_and_are_written_when_storage_returns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leases.csv");
        let journal = journal(&path);
        let good = {
            let mut state = journal.state.lock();
            let read_only = File::open(&path).unwrap();
            std::mem::replace(&mut state.file, read_only)
        };
        let position = journal.queue().append(b"192.0.2.1\n").unwrap();
        assert!(matches!(journal.drain(), Drained::Failed { first: true, .. }));
        assert!(journal.queue().admit().is_err() && journal.queue().committed() < position);
        journal.queue().append(b"192.0.2.2\n").unwrap();
        assert!(matches!(journal.drain(), Drained::Failed { first: false, .. }));
        journal.state.lock().file = good;
        assert!(matches!(journal.drain(), Drained::Stored { bytes: 20, recovered: true }));
        assert!(journal.queue().admit().is_ok());
        assert_eq!(fs::read(&path).unwrap(), b"address\n192.0.2.1\n192.0.2.2\n");
    }

    #[test]
    fn rotation_waits_for_an_unfinished_clean_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leases.csv");
        let journal = journal(&path);
        journal.queue().append(b"192.0.2.1\n").unwrap();
        assert!(journal.rotate().unwrap());
        assert_eq!(fs::read(suffixed(&path, ".1")).unwrap(), b"address\n192.0.2.1\n");
        assert_eq!(fs::read(&path).unwrap(), HEADER);
        assert!(!journal.rotate().unwrap());
        journal.queue().append(b"192.0.2.3\n").unwrap();
        journal.drain();
        assert_eq!(fs::read(&path).unwrap(), b"address\n192.0.2.3\n");
    }
}
