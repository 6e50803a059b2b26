//! The thread that makes leases durable: group commit.
//!
//! Workers ring after a batch that changed leases. The thread writes and syncs everything that has gathered, which
//! takes a fraction of a millisecond; what comes meanwhile is the next group. Then it wakes the workers that wait to
//! release replies. When storage fails it tries again, five times a second, until it works or the daemon ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use parking_lot::Mutex;

use crate::lease_file::{Drained, LeaseJournal};

/// Time between two attempts while storage fails.
const RETRY: Duration = Duration::from_millis(200);

/// How the thread tells a worker that a position has been committed.
pub trait Wake: Send + Sync {
    /// Makes the worker look at the committed position.
    fn wake(&self);
}

/// What the owner of the journal wants to hear.
pub trait JournalEvents: Send + Sync {
    /// Storage failed, having worked before.
    fn failed(&self, error: &std::io::Error);
    /// Storage works again.
    fn recovered(&self);
}

/// A sleeper that waits for commits; the thread wakes it only while it says so.
pub struct Sleeper {
    waiting: AtomicBool,
    wake: Box<dyn Wake>,
}

impl std::fmt::Debug for Sleeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sleeper").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Sleeper {
    /// Makes a sleeper that is not waiting.
    #[must_use]
    pub fn new(wake: Box<dyn Wake>) -> Self {
        Self { waiting: AtomicBool::new(false), wake }
    }

    /// Says whether the worker is about to sleep with replies that wait for a commit.
    pub fn set_waiting(&self, waiting: bool) {
        self.waiting.store(waiting, Ordering::SeqCst);
    }
}

/// The journal of a running daemon.
pub struct JournalService {
    journal: LeaseJournal,
    events: Box<dyn JournalEvents>,
    sleepers: Mutex<Vec<Arc<Sleeper>>>,
    rung: AtomicBool,
    stop: AtomicBool,
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
        Self {
            journal,
            events,
            sleepers: Mutex::default(),
            rung: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        }
    }

    /// The journal itself.
    #[must_use]
    pub fn journal(&self) -> &LeaseJournal {
        &self.journal
    }

    /// Adds one to those that are woken after a commit.
    pub fn add_sleeper(&self, sleeper: Arc<Sleeper>) {
        self.sleepers.lock().push(sleeper);
    }

    /// Forgets all sleepers, when the workers are replaced.
    pub fn clear_sleepers(&self) {
        self.sleepers.lock().clear();
    }

    /// Writes what waits and tells the events; returns whether storage works.
    pub fn drain(&self) -> bool {
        match self.journal.drain() {
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

    fn wake_sleepers(&self) {
        for sleeper in self.sleepers.lock().iter() {
            if sleeper.waiting.swap(false, Ordering::SeqCst) {
                sleeper.wake.wake();
            }
        }
    }
}

/// The running thread.
#[derive(Debug)]
pub struct JournalThread {
    service: Arc<JournalService>,
    thread: Option<JoinHandle<()>>,
}

/// Rings for the thread; one per worker.
#[derive(Clone, Debug)]
pub struct Bell {
    service: Arc<JournalService>,
    thread: Thread,
}

impl Bell {
    /// Tells the thread that rows wait.
    pub fn ring(&self) {
        if !self.service.rung.swap(true, Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

impl JournalThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(service: Arc<JournalService>) -> std::io::Result<Self> {
        let shared = service.clone();
        let thread = thread::Builder::new().name("journal".into()).spawn(move || run(&shared))?;
        Ok(Self { service, thread: Some(thread) })
    }

    /// A bell for a worker; `None` after the end of the thread.
    #[must_use]
    pub fn bell(&self) -> Option<Bell> {
        let thread = self.thread.as_ref()?.thread().clone();
        Some(Bell { service: self.service.clone(), thread })
    }
}

impl Drop for JournalThread {
    fn drop(&mut self) {
        self.service.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the thread has been reported by its hook; there is nothing to add.
            let _ = thread.join();
        }
    }
}

fn run(service: &JournalService) {
    loop {
        // The flags are read before the work: what comes during it makes another round.
        service.rung.store(false, Ordering::SeqCst);
        let stopping = service.stop.load(Ordering::SeqCst);
        let works = service.drain();
        service.wake_sleepers();
        if stopping {
            return;
        }
        if !works {
            thread::park_timeout(RETRY);
        } else if !service.rung.load(Ordering::SeqCst) && !service.stop.load(Ordering::SeqCst) {
            thread::park();
        }
    }
}
