//! Group commit: whoever needs rows to be stored writes down everything that waits.
//!
//! A worker calls [`JournalService::drain`] after it has processed what its sockets held. The first one writes and
//! syncs the rows of all workers; those that come meanwhile wait for the file and then do the same for what has
//! gathered since, or find that nothing is left to do. No other thread is involved: while a worker waits for the
//! disk, packets gather in its sockets, which makes the next group larger exactly when storage is slow.

use crate::lease_file::{Drained, LeaseJournal};

/// What the owner of the journal wants to hear.
pub trait JournalEvents: Send + Sync {
    /// Storage failed, having worked before.
    fn failed(&self, error: &std::io::Error);
    /// Storage works again.
    fn recovered(&self);
}

/// The journal of a running daemon.
pub struct JournalService {
    journal: LeaseJournal,
    events: Box<dyn JournalEvents>,
}

impl std::fmt::Debug for JournalService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalService").field("journal", &self.journal).finish_non_exhaustive()
    }
}

impl JournalService {
    /// Takes an open journal.
    #[must_use]
    pub fn new(journal: LeaseJournal, events: Box<dyn JournalEvents>) -> Self {
        Self { journal, events }
    }

    /// The journal itself.
    #[must_use]
    pub fn journal(&self) -> &LeaseJournal {
        &self.journal
    }

    /// Stores what waits, as the journal promises; returns whether storage works.
    pub fn drain(&self) -> bool {
        self.tell(self.journal.drain())
    }

    /// Stores what waits and moves the journal aside for a clean-up, as [`LeaseJournal::rotate`] says.
    ///
    /// # Errors
    /// Whatever the file system says; the journal continues in the file that it has.
    pub fn rotate(&self) -> std::io::Result<bool> {
        if !self.drain() {
            return Err(std::io::Error::other("leases cannot be stored"));
        }
        self.journal.rotate()
    }

    /// Passes on what a drain found; returns whether storage works.
    fn tell(&self, drained: Drained) -> bool {
        match drained {
            Drained::Idle => true,
            Drained::Stored { recovered, .. } => {
                if recovered {
                    self.events.recovered();
                }
                true
            }
            Drained::Failed { error, first } => {
                if first {
                    self.events.failed(&error);
                }
                false
            }
        }
    }
}
