//! The threads between the workers of a server and its lease database.
//!
//! Workers hand over what they have asked in a pass ([`Post`]); a thread with a connection takes everything that has
//! gathered while it was busy, of all workers, and carries it out as sets (`batch`). Nothing waits for more to come:
//! with little to do a question goes at once, under load batches grow by themselves. Reads and changes have a connection
//! each, so that nobody who reads waits for the disk under somebody else's change; a third one joins in when more is
//! waiting than they can carry (`link`).
//!
//! When a connection is lost another one is made at once, and what was under way is carried out once more. When that
//! fails the exchanges end without an answer, and clients ask again. What then happens is up to `on-fail`; the owner
//! hears of it through [`LeaseService::take_events`].
//!
//! What is done by the clock (the ends of lifetimes, reclamation) has a thread and a connection of its own (`keeper`).

mod batch;
mod keeper;
mod link;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libdhcpsrv::config::{OnFail, Reconnect};
use libdhcpsrv::lease::{LeaseKind, ReclaimLimits};
use libdhcpsrv::remote::{Ask, Hints, RemoteStore, Reply, Request};
use parking_lot::{Condvar, Mutex};

use crate::{Counted, DbError, LeaseConnection};

pub use keeper::{Kept, ReclaimedLease};

/// Makes a connection.
pub type Opener<K> = Arc<dyn Fn() -> Result<Box<dyn LeaseConnection<K>>, DbError> + Send + Sync>;

/// Requests of one batch.
const BATCH_MAX: usize = 1024;
/// Connections that carry requests: one for reads, one for changes, one that helps both.
const LINKS: usize = 3;
/// Requests of one sort that must wait before the helping connection joins in.
const JOIN_FROM: usize = 192;
/// How long the end of the threads is waited for, and how often it is looked for.
const STOP_MAX: Duration = Duration::from_secs(2);
const STOP_POLL: Duration = Duration::from_millis(2);

/// What happened to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// It is gone; whether it is tried again is up to the configuration.
    Lost(DbError),
    /// A try to connect has failed: number of the try.
    Failed(u32, DbError),
    /// It is there again.
    Recovered,
    /// All tries have failed: the server is to end.
    GaveUp(u32),
    /// A request was refused for what it said, or in conflict with others for too long.
    Refused(DbError),
}

/// A request and where its reply goes.
struct Job<K: LeaseKind> {
    mailbox: Arc<Mailbox<K>>,
    request: Request<K>,
    /// Whether a connection was lost under it before.
    was_lost: bool,
}

/// Where the replies for one worker gather.
struct Mailbox<K: LeaseKind> {
    replies: Mutex<Vec<Reply<K>>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// What all threads share.
struct Shared<K: LeaseKind> {
    opener: Opener<K>,
    reconnect: Reconnect,
    hints: Arc<Hints<K>>,
    /// Reads, and changes.
    queues: Mutex<[VecDeque<Job<K>>; 2]>,
    /// Wakes each connection.
    ready: [Condvar; LINKS],
    events: Mutex<Vec<LinkEvent>>,
    /// Called when there are events or results for the owner.
    wake_owner: Box<dyn Fn() + Send + Sync>,
    is_stopping: AtomicBool,
    /// How many of the connections that count are lost.
    lost: AtomicUsize,
    keeper: keeper::Desk<K>,
    /// Requests and batches so far.
    carried: [AtomicU64; 2],
}

/// What a database holds, as far as the pools and figures must know it.
#[derive(Debug)]
pub struct Survey<K: LeaseKind> {
    /// First and last address of what is not free.
    pub held: Vec<(K::Number, K::Number)>,
    /// Number of leases by subnet, type, pool and state.
    pub counts: Vec<Counted>,
}

impl<K: LeaseKind> Survey<K> {
    /// Looks at a whole database.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn make(connection: &mut dyn LeaseConnection<K>, now_s: i64) -> Result<Self, DbError> {
        let mut held = Vec::new();
        connection.held(now_s, &mut |first, last| held.push((first, last)))?;
        Ok(Self { held, counts: connection.count()? })
    }
}

/// The threads of a lease database; they end when it is dropped.
pub struct LeaseService<K: LeaseKind> {
    shared: Arc<Shared<K>>,
    threads: Vec<JoinHandle<()>>,
}

impl<K: LeaseKind> std::fmt::Debug for LeaseService<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaseService").finish_non_exhaustive()
    }
}

impl<K: LeaseKind> LeaseService<K> {
    /// Starts the threads. `first` is a connection that is open already; `wake_owner` is called when there is something
    /// for [`Self::take_events`] or [`Self::take_kept`].
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        opener: Opener<K>,
        first: Box<dyn LeaseConnection<K>>,
        reconnect: Reconnect,
        now_s: i64,
        wake_owner: Box<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            opener,
            reconnect,
            hints: Arc::default(),
            queues: Mutex::new([VecDeque::new(), VecDeque::new()]),
            ready: std::array::from_fn(|_| Condvar::new()),
            events: Mutex::default(),
            wake_owner,
            is_stopping: AtomicBool::new(false),
            lost: AtomicUsize::new(0),
            keeper: keeper::Desk::default(),
            carried: [AtomicU64::new(0), AtomicU64::new(0)],
        });
        let mut service = Self { shared: shared.clone(), threads: Vec::new() };
        let mut first = Some(first);
        for number in 0..LINKS {
            let (shared, first) = (shared.clone(), first.take());
            let thread = thread::Builder::new().name(format!("leases-{number}"));
            service.threads.push(thread.spawn(move || link::run(&shared, number, first))?);
        }
        let keeper = thread::Builder::new().name("lease-keeper".to_owned());
        service.threads.push(keeper.spawn(move || keeper::run(&shared, now_s))?);
        Ok(service)
    }

    /// Makes a worker's access; `wake` is called whenever there are replies for it.
    #[must_use]
    pub fn post(&self, wake: Box<dyn Fn() + Send + Sync>) -> Post<K> {
        Post {
            shared: self.shared.clone(),
            mailbox: Arc::new(Mailbox { replies: Mutex::default(), wake }),
            store: Arc::new(RemoteStore::new(self.shared.hints.clone())),
            buffer: Vec::new(),
        }
    }

    /// The marks of the pools.
    #[must_use]
    pub fn hints(&self) -> &Arc<Hints<K>> {
        &self.shared.hints
    }

    /// Whether the database can be reached, as far as is known.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.is_up()
    }

    /// What has happened since the last call.
    #[must_use]
    pub fn take_events(&self) -> Vec<LinkEvent> {
        std::mem::take(&mut self.shared.events.lock())
    }

    /// Lets the keeper reclaim what has expired; the result comes through [`Self::take_kept`]. A run that has been
    /// ordered already and has not begun is replaced.
    pub fn reclaim(&self, limits: ReclaimLimits, time_max: Duration) {
        self.shared.keeper.order_reclaim(limits, time_max);
    }

    /// Lets the keeper delete reclaimed leases that expired more than `hold_s` seconds ago.
    pub fn flush_reclaimed(&self, hold_s: u32, limit: usize) {
        self.shared.keeper.order_flush(hold_s, limit);
    }

    /// What the keeper has done since the last call.
    #[must_use]
    pub fn take_kept(&self) -> Vec<Kept<K>> {
        self.shared.keeper.take_kept()
    }

    /// Requests and batches so far.
    #[must_use]
    pub fn carried(&self) -> [u64; 2] {
        [0, 1].map(|which: usize| self.shared.carried[which].load(Ordering::Relaxed))
    }
}

impl<K: LeaseKind> Drop for LeaseService<K> {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        drop(self.shared.queues.lock());
        for bell in &self.shared.ready {
            bell.notify_all();
        }
        self.shared.keeper.ring();
        // One that waits for a database that has stopped to answer cannot be woken. It is left alone then, holds nothing
        // that others need, and ends when its wait does.
        let deadline = Instant::now() + STOP_MAX;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && Instant::now() < deadline {
                thread::sleep(STOP_POLL);
            }
            if thread.is_finished() {
                // A panic of the thread has been reported by its hook.
                let _ = thread.join();
            }
        }
    }
}

/// One worker's access to the lease database.
pub struct Post<K: LeaseKind> {
    shared: Arc<Shared<K>>,
    mailbox: Arc<Mailbox<K>>,
    store: Arc<RemoteStore<K>>,
    buffer: Vec<Request<K>>,
}

impl<K: LeaseKind> std::fmt::Debug for Post<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").finish_non_exhaustive()
    }
}

impl<K: LeaseKind> Post<K> {
    /// The store that the worker's server asks.
    #[must_use]
    pub fn store(&self) -> &Arc<RemoteStore<K>> {
        &self.store
    }

    /// Hands over what has been asked since the last call.
    pub fn hand_over(&mut self) {
        self.store.take_requests(&mut self.buffer);
        if self.buffer.is_empty() {
            return;
        }
        let mut queues = self.shared.queues.lock();
        for request in self.buffer.drain(..) {
            let sort = usize::from(matches!(request.ask, Ask::Change { .. }));
            queues[sort].push_back(Job { mailbox: self.mailbox.clone(), request, was_lost: false });
        }
        let lens = [queues[0].len(), queues[1].len()];
        drop(queues);
        for (len, bell) in lens.into_iter().zip(&self.shared.ready) {
            if len > 0 {
                bell.notify_one();
            }
            if len >= JOIN_FROM {
                self.shared.ready[link::HELPER].notify_one();
            }
        }
    }

    /// Takes the replies that have come.
    pub fn collect(&mut self, into: &mut Vec<Reply<K>>) {
        into.append(&mut self.mailbox.replies.lock());
    }

    /// Whether queries are to be passed over: the database is away, and `on-fail` says not to serve meanwhile.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.reconnect.on_fail == OnFail::StopRetryExit && !self.shared.is_up()
    }
}

impl<K: LeaseKind> Shared<K> {
    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Whether the connections that count are there.
    fn is_up(&self) -> bool {
        self.lost.load(Ordering::Relaxed) == 0
    }

    fn tell(&self, event: LinkEvent) {
        self.events.lock().push(event);
        (self.wake_owner)();
    }
}
