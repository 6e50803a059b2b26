//! The queue between those who change leases and the one who writes them down.
//!
//! Workers append complete rows (bytes with their line end); the journal's I/O side takes everything that has
//! gathered, writes it, makes it durable when the configuration asks for that, and publishes the position up to
//! which rows are safe. A reply that carries a position leaves when the committed position has reached it.
//!
//! Positions count bytes appended since the queue was made. Rows of one address are in the order in which the
//! address changed, because they are appended under the lock of its shard. The queue is bounded: when storage
//! has failed for so long that `limit` bytes wait, [`JournalQueue::append`] refuses and the server must not
//! acknowledge anything. This type does no I/O; `process` does, and the simulator does it on a simulated disk.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Position in the journal: bytes appended so far. 0 is before the first row.
pub type JournalPosition = u64;

/// The reason why no row can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Storage has failed and the rows that wait fill the queue.
    #[error("the lease journal cannot be written and its queue is full")]
    Full,
    /// Storage has failed; rows still wait to be written.
    #[error("the lease journal cannot be written")]
    Stalled,
}

#[derive(Debug, Default)]
struct Pending {
    rows: Vec<u8>,
    appended: JournalPosition,
}

/// Rows that wait to be written, shared by all workers and the journal's I/O side.
#[derive(Debug)]
pub struct JournalQueue {
    pending: Mutex<Pending>,
    /// All rows below this position are stored as the configuration promises.
    committed: AtomicU64,
    /// Copy of `Pending::appended` that can be read without the lock.
    appended: AtomicU64,
    stalled: AtomicBool,
    limit: usize,
}

impl JournalQueue {
    /// Makes an empty queue that holds at most `limit` bytes of unwritten rows.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            pending: Mutex::new(Pending::default()),
            committed: AtomicU64::new(0),
            appended: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            limit,
        }
    }

    /// Appends one or more complete rows and returns the position that their durability is known by.
    ///
    /// # Errors
    /// [`JournalError::Full`] when the queue has reached its limit; nothing was appended.
    pub fn append(&self, rows: &[u8]) -> Result<JournalPosition, JournalError> {
        let mut pending = self.lock();
        if pending.rows.len() + rows.len() > self.limit {
            return Err(JournalError::Full);
        }
        pending.rows.extend_from_slice(rows);
        pending.appended += rows.len() as u64;
        self.appended.store(pending.appended, Ordering::Release);
        Ok(pending.appended)
    }

    /// Whether a change may be made now: storage works and there is room.
    ///
    /// # Errors
    /// [`JournalError::Stalled`] while the I/O side reports a failure.
    pub fn admit(&self) -> Result<(), JournalError> {
        if self.stalled.load(Ordering::Relaxed) { Err(JournalError::Stalled) } else { Ok(()) }
    }

    /// Moves all waiting rows behind what `into` holds and returns the position after the last of them.
    pub fn take(&self, into: &mut Vec<u8>) -> JournalPosition {
        let mut pending = self.lock();
        if into.is_empty() {
            std::mem::swap(into, &mut pending.rows);
        } else {
            into.extend_from_slice(&pending.rows);
            pending.rows.clear();
        }
        pending.appended
    }

    /// Publishes that all rows up to `position` are stored, and that storage works.
    pub fn commit(&self, position: JournalPosition) {
        self.stalled.store(false, Ordering::Relaxed);
        self.committed.fetch_max(position, Ordering::Release);
    }

    /// Reports that storage fails: no change is admitted until the next [`JournalQueue::commit`].
    pub fn stall(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }

    /// Position up to which rows are stored as promised.
    #[must_use]
    pub fn committed(&self) -> JournalPosition {
        self.committed.load(Ordering::Acquire)
    }

    /// Position after the last appended row.
    #[must_use]
    pub fn appended(&self) -> JournalPosition {
        self.appended.load(Ordering::Acquire)
    }

    /// Whether rows have been appended that nobody has committed.
    #[must_use]
    pub fn has_uncommitted(&self) -> bool {
        self.appended() > self.committed()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pending> {
        // A panic cannot leave a half-written row behind, so a poisoned lock is still consistent.
        self.pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_in_order_and_committed_by_position() {
        let queue = JournalQueue::new(64);
        let first = queue.append(b"a\n").unwrap();
        let second = queue.append(b"bc\n").unwrap();
        assert!(first < second && queue.has_uncommitted());
        let mut taken = Vec::new();
        assert_eq!(queue.take(&mut taken), second);
        assert_eq!(taken, b"a\nbc\n");
        queue.commit(second);
        assert_eq!(queue.committed(), second);
        assert!(!queue.has_uncommitted());
    }

    #[test]
    fn a_full_queue_refuses_and_keeps_what_it_has() {
        let queue = JournalQueue::new(4);
        queue.append(b"abc\n").unwrap();
        assert_eq!(queue.append(b"d\n"), Err(JournalError::Full));
        let mut taken = Vec::new();
        queue.take(&mut taken);
        assert_eq!(taken, b"abc\n");
    }

    #[test]
    fn a_stall_ends_with_the_next_commit() {
        let queue = JournalQueue::new(64);
        queue.stall();
        assert_eq!(queue.admit(), Err(JournalError::Stalled));
        queue.commit(0);
        assert_eq!(queue.admit(), Ok(()));
    }
}
