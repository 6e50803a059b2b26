//! The threads between the workers of a server and its lease database.
//!
//! Workers hand over what they have asked in a pass ([`Post`]); a thread with a connection takes everything that has
//! gathered while it was busy, of all workers, and carries it out as sets (`batch`). With little to do a question goes at
//! once; under load a moment is waited for more to come, and batches grow by themselves. Reads and changes have a
//! connection each, so that nobody who reads waits for the disk under somebody else's change; a third one joins in when
//! more is waiting than they can carry (`line`).
//!
//! When a connection is lost another one is made at once, and what was under way is carried out once more. When that
//! fails the exchanges end without an answer, and clients ask again. What then happens is up to `on-fail`; the owner
//! hears of it through [`LeaseService::take_events`].
//!
//! What is done by the clock (the ends of lifetimes, reclamation) has a thread and a connection of its own (`keeper`).

mod batch;
mod keeper;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use libdhcpsrv::config::{OnFail, Reconnect};
use libdhcpsrv::lease::{LeaseKind, ReclaimLimits};
use libdhcpsrv::remote::{Ask, Hints, RemoteStore, Reply, Request, Told};
use libdhcpsrv::session::Ticket;

use crate::line::{BATCH_MAX, Carrier, JOIN_MAX, Line, Lost, join_within};
use crate::mailbox::{self, Mailbox, Wake};
use crate::pace::Pace;
use crate::{Counted, DbError, LeaseConnection, LinkEvent};

pub use keeper::Kept;

pub use crate::keeping::ReclaimedLease;

/// Makes a connection.
pub type Opener<K> = Arc<dyn Fn() -> Result<Box<dyn LeaseConnection<K>>, DbError> + Send + Sync>;

/// Sorts of requests, which have a connection each: reads and changes.
const SORTS: usize = 2;
/// The sort of changes.
const CHANGES: usize = 1;
/// Changes in one transaction where more of them do not cost more each: what was stored is told at its end, and those
/// behind it wait for that.
const CHANGES_MAX: usize = 128;
/// Time of a transaction beyond that of its changes ([`CHANGE`]) from which on the commit is what costs: then more changes
/// belong together.
const SLOW_COMMIT: Duration = Duration::from_millis(20);
/// Time that a change may take.
const CHANGE: Duration = Duration::from_micros(150);

/// A request and where its reply goes.
struct Job<K: LeaseKind> {
    mailbox: Arc<Mailbox<Reply<K>>>,
    request: Request<K>,
    /// Whether a connection was lost under it before.
    was_lost: bool,
}

/// Carries requests about leases.
struct Leases<K: LeaseKind> {
    opener: Opener<K>,
    /// Changes that are best made in one transaction, if more of them cost more each.
    changes_max: Option<usize>,
    hints: Arc<Hints<K>>,
    keeper: keeper::Desk<K>,
    /// Requests that workers have handed over and not settled.
    outstanding: AtomicUsize,
    /// Whether queries are to be passed over for the moment.
    is_closed: AtomicBool,
}

type Shared<K> = Line<Leases<K>>;

impl<K: LeaseKind> Carrier for Leases<K> {
    type Connection = Box<dyn LeaseConnection<K>>;
    type Job = Job<K>;
    type Receipt = (Arc<Mailbox<Reply<K>>>, Ticket);

    fn batch_max(&self, sort: usize, last: Option<Pace>) -> usize {
        let is_slow =
            last.is_some_and(|last| last.long > SLOW_COMMIT + CHANGE * last.jobs.min(1000) as u32);
        match self.changes_max.unwrap_or(CHANGES_MAX) {
            _ if sort != CHANGES => BATCH_MAX,
            few if is_slow => few * 4,
            few => few,
        }
    }

    /// Leases of a subnet are counted in one row, which a transaction holds to its end: a second connection for changes would
    /// wait for the first one, and the first for it, row by row. Measured with MariaDB, a batch takes seven times as long.
    fn can_help(&self, sort: usize) -> bool {
        sort != CHANGES
    }

    fn connect(&self) -> Result<Box<dyn LeaseConnection<K>>, DbError> {
        (self.opener)()
    }

    fn carry_out(
        &self,
        connection: &mut Box<dyn LeaseConnection<K>>,
        jobs: Vec<Job<K>>,
        tell: &dyn Fn(LinkEvent),
    ) -> Result<(), Lost<Job<K>>> {
        batch::carry_out(tell, &mut **connection, jobs)
    }

    fn fail(&self, jobs: Vec<Job<K>>) {
        batch::fail(jobs);
    }

    fn receipt(job: &Job<K>) -> Self::Receipt {
        (job.mailbox.clone(), job.request.ticket)
    }

    fn fail_receipts(&self, receipts: Vec<Self::Receipt>) {
        mailbox::deliver(receipts.into_iter().map(|(mailbox, ticket)| {
            let ask = Ask::Change { old: None, new: None, replaces: None };
            (mailbox, Reply { ticket, ask, told: Told::Failed })
        }));
    }

    fn mark_lost(job: &mut Job<K>) -> bool {
        std::mem::replace(&mut job.was_lost, true)
    }
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
    /// Starts the threads. `changes_max` is the number of changes that are best made in one transaction, where more of
    /// them cost more each; `first` is a connection that is open already; `wake_owner` is called when there is something
    /// for [`Self::take_events`] or [`Self::take_kept`].
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        opener: Opener<K>,
        changes_max: Option<usize>,
        first: Box<dyn LeaseConnection<K>>,
        reconnect: Reconnect,
        now_s: i64,
        wake_owner: Box<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let leases = Leases {
            opener,
            changes_max,
            // Of the seed nobody must know: clients choose what is hashed.
            hints: Arc::new(Hints::new(RandomState::new().hash_one(now_s))),
            keeper: keeper::Desk::default(),
            outstanding: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
        };
        let shared = Arc::new(Line::new(leases, SORTS, reconnect, wake_owner));
        let mut service = Self { shared: shared.clone(), threads: Vec::new() };
        let mut first = Some(first);
        for number in 0..=shared.helper() {
            let (shared, first) = (shared.clone(), first.take());
            let thread = thread::Builder::new().name(format!("leases-{number}"));
            service.threads.push(thread.spawn(move || shared.run(number, first))?);
        }
        let keeper = thread::Builder::new().name("lease-keeper".to_owned());
        service.threads.push(keeper.spawn(move || keeper::run(&shared, now_s))?);
        Ok(service)
    }

    /// Makes a worker's access; `wake` is called whenever there are replies for it.
    #[must_use]
    pub fn post(&self, wake: Wake) -> Post<K> {
        Post {
            shared: self.shared.clone(),
            mailbox: Mailbox::new(wake),
            store: Arc::new(RemoteStore::new(self.hints().clone())),
            buffer: Vec::new(),
            outstanding: 0,
        }
    }

    /// The marks of the pools.
    #[must_use]
    pub fn hints(&self) -> &Arc<Hints<K>> {
        &self.shared.carrier.hints
    }

    /// Whether the database can be reached, as far as is known.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.is_up()
    }

    /// Lets workers pass queries over, or take them again: so that everything that is in progress comes to its end.
    pub fn set_closed(&self, is_closed: bool) {
        self.shared.carrier.is_closed.store(is_closed, Ordering::SeqCst);
    }

    /// Whether nothing that workers have asked is without an answer that they know.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.shared.carrier.outstanding.load(Ordering::SeqCst) == 0
    }

    /// What has happened since the last call.
    #[must_use]
    pub fn take_events(&self) -> Vec<LinkEvent> {
        self.shared.take_events()
    }

    /// Lets the keeper reclaim what has expired; the result comes through [`Self::take_kept`]. A run that has been
    /// ordered already and has not begun is replaced.
    pub fn reclaim(&self, limits: ReclaimLimits, time_max: Duration) {
        self.shared.carrier.keeper.order_reclaim(limits, time_max);
    }

    /// Lets the keeper delete reclaimed leases that expired more than `hold_s` seconds ago.
    pub fn flush_reclaimed(&self, hold_s: u32, limit: usize) {
        self.shared.carrier.keeper.order_flush(hold_s, limit);
    }

    /// What the keeper has done since the last call.
    #[must_use]
    pub fn take_kept(&self) -> Vec<Kept<K>> {
        self.shared.carrier.keeper.take_kept()
    }

    /// Requests and batches so far.
    #[must_use]
    pub fn carried(&self) -> [u64; 2] {
        self.shared.carried()
    }
}

impl<K: LeaseKind> Drop for LeaseService<K> {
    fn drop(&mut self) {
        self.shared.stop();
        self.shared.carrier.keeper.ring();
        join_within(self.threads.drain(..), JOIN_MAX);
        self.shared.fail_all();
    }
}

/// One worker's access to the lease database.
pub struct Post<K: LeaseKind> {
    shared: Arc<Shared<K>>,
    mailbox: Arc<Mailbox<Reply<K>>>,
    store: Arc<RemoteStore<K>>,
    buffer: Vec<Request<K>>,
    /// Requests that it has handed over and not settled.
    outstanding: usize,
}

impl<K: LeaseKind> Drop for Post<K> {
    fn drop(&mut self) {
        self.settled(self.outstanding);
    }
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
        let outstanding = &self.shared.carrier.outstanding;
        outstanding.fetch_add(self.buffer.len(), Ordering::SeqCst);
        self.outstanding += self.buffer.len();
        self.mailbox.expect(self.buffer.len());
        let mailbox = &self.mailbox;
        self.shared.push(self.buffer.drain(..).map(|request| {
            let sort = usize::from(matches!(request.ask, Ask::Change { .. }));
            (sort, Job { mailbox: mailbox.clone(), request, was_lost: false })
        }));
    }

    /// Takes the replies that have come.
    pub fn collect(&mut self, into: &mut Vec<Reply<K>>) {
        self.mailbox.empty_into(into);
    }

    /// Says that replies have been settled, and what they have led to has been handed over.
    pub fn settled(&mut self, replies: usize) {
        let replies = replies.min(self.outstanding);
        self.outstanding -= replies;
        self.shared.carrier.outstanding.fetch_sub(replies, Ordering::SeqCst);
    }

    /// How many requests have been handed over and have no reply.
    #[must_use]
    pub fn open(&self) -> usize {
        self.mailbox.open()
    }

    /// Whether queries are to be passed over: a reconfiguration wants it, or the database is away, and `on-fail` says not to serve meanwhile.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.carrier.is_closed.load(Ordering::Relaxed)
            || (self.shared.reconnect.on_fail == OnFail::StopRetryExit && !self.shared.is_up())
    }
}
