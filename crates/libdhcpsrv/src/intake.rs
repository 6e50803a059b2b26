//! What the servers of all workers share, and the packets of one worker that cannot be finished at once: those that
//! wait for a store, and those that wait for another packet of their client.
//!
//! Each worker has an [`Intake`]. An exchange whose store answers later is parked with a copy of its datagram, the
//! configuration that it began under, and the answers it has had; a packet whose client has another one in progress is
//! deferred to the end of the batch, and if that still waits then, and is parked here, until it is done; several have their
//! turn in the order in which they came. All of it is bounded: what does not fit is refused, and the server drops the
//! packet. The client of the packet in progress is noted, so that it can be let go even when processing panics.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::HashMap;
use foldhash::fast::FixedState;
use util::Now;
use util::link::Inbound;

use crate::deliveries::Passage;
use crate::gate::{ClientGate, Entered};
use crate::hosts::{HostKind, LearnedHosts};
use crate::lease::LeaseKind;
use crate::links::Links;
use crate::session::{Memo, Store, Ticket};

/// Exchanges that may wait for a store at the same time, per worker.
pub const PARKED_MAX: usize = 4096;
/// Seconds after which an exchange that waits is given up.
pub const WAIT_MAX_S: u32 = 180;
/// Packets that may wait for another one of the same client, per worker and batch.
pub const DEFERRED_MAX: usize = 64;
/// Packets that may wait for an exchange of their client that waits for a store, per worker.
pub const BEHIND_MAX: usize = 256;
/// The same of one client.
pub const BEHIND_ONE_MAX: usize = 4;
/// Memos whose memory is kept, and answers of the largest of them.
const SPARE_MAX: usize = 512;
pub(crate) const SPARE_ANSWERS_MAX: usize = 16;

/// What the workers of one daemon have in common.
#[derive(Clone)]
pub struct Shared<K: LeaseKind> {
    /// The lease store.
    pub store: Arc<dyn Store<K>>,
    /// Clients whose packets are in progress.
    pub gate: Arc<ClientGate>,
    /// Hasher of client identities, seeded once per process because clients choose what is hashed.
    pub hasher: FixedState,
}

impl<K: LeaseKind> Shared<K> {
    /// Puts a store behind a gate of its own; `seed` is the secret of the hasher.
    #[must_use]
    pub fn new(store: Arc<dyn Store<K>>, seed: u64) -> Self {
        Self { store, gate: Arc::default(), hasher: FixedState::with_seed(seed) }
    }
}

impl<K: LeaseKind> std::fmt::Debug for Shared<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has been dealt with.
    Done,
    /// It waits for the answer to this question.
    Waiting(Ticket),
    /// It waits for another packet of the same client: until the end of the batch, or until an exchange is done.
    Deferred,
}

/// A datagram that outlives its receive buffer.
#[derive(Debug)]
pub struct Kept {
    payload: Box<[u8]>,
    input: Inbound<'static>,
}

impl Kept {
    /// Copies a datagram.
    #[cold]
    #[must_use]
    pub fn new(input: &Inbound<'_>) -> Self {
        Self { payload: input.payload.into(), input: Inbound { payload: &[], ..*input } }
    }

    /// The datagram.
    #[must_use]
    pub fn input(&self) -> Inbound<'_> {
        Inbound { payload: &self.payload, ..self.input }
    }
}

/// A query by its client and its number: a repetition has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryKey {
    /// Hash of who the client is, as for the gate.
    pub client: u64,
    /// What the client calls it, and its type.
    pub number: u64,
}

/// A packet that waits for an exchange of its client.
#[derive(Debug)]
struct Behind {
    key: QueryKey,
    datagram: Kept,
}

/// An exchange that waits for its store; `R` is a configuration in force.
#[derive(Debug)]
pub struct ParkedExchange<K: HostKind, R> {
    /// The query.
    pub datagram: Kept,
    /// What it is known by.
    pub key: QueryKey,
    /// The configuration that it began under.
    pub runtime: Arc<R>,
    /// The interfaces as they were then: run again, it must come to the same decisions.
    pub links: Arc<Links>,
    /// Its client's place in the gate.
    pub entered: Entered,
    /// The answers that it has had.
    pub memo: Memo<K>,
    /// What it has learned about hosts.
    pub learned: LearnedHosts<K>,
    /// Which query it is through which relay.
    pub passage: Option<Passage>,
    /// When it began to wait, for the first of its answers.
    pub since_s: u32,
}

/// The packets of one worker that are not finished.
#[derive(Debug)]
pub struct Intake<K: HostKind, R> {
    /// Boxed, because they are taken out and put back for each answer.
    parked: HashMap<Ticket, Box<ParkedExchange<K, R>>>,
    /// The exchanges that are parked, by their clients.
    inside: HashMap<u64, QueryKey>,
    /// Memory of memos that is used again.
    spare: Vec<Memo<K>>,
    deferred: VecDeque<Kept>,
    /// In the order in which they came.
    behind: Vec<Behind>,
    in_progress: Option<Entered>,
}

impl<K: HostKind, R> Default for Intake<K, R> {
    fn default() -> Self {
        let deferred = VecDeque::with_capacity(DEFERRED_MAX);
        Self {
            parked: HashMap::default(),
            inside: HashMap::default(),
            spare: Vec::new(),
            deferred,
            behind: Vec::new(),
            in_progress: None,
        }
    }
}

impl<K: HostKind, R> Intake<K, R> {
    /// Notes whose packet is being processed.
    pub fn begin(&mut self, entered: Entered) {
        self.in_progress = Some(entered);
    }

    /// Notes that it has been processed, or has been parked.
    pub fn end(&mut self) {
        self.in_progress = None;
    }

    /// Lets the client go whose packet could not be processed to its end.
    #[cold]
    pub fn abandon(&mut self, gate: &ClientGate) {
        if let Some(entered) = self.in_progress.take() {
            gate.leave(entered);
        }
    }

    /// Keeps an exchange until its store answers.
    #[cold]
    pub fn park(&mut self, ticket: Ticket, exchange: Box<ParkedExchange<K, R>>) -> Progress {
        self.inside.insert(exchange.key.client, exchange.key);
        self.parked.insert(ticket, exchange);
        Progress::Waiting(ticket)
    }

    /// Exchanges that have waited longer than any database may take, its time limits and those of connections included.
    #[must_use]
    pub fn overdue(&self, now: Now) -> Vec<Ticket> {
        let is_overdue =
            |one: &ParkedExchange<K, R>| now.mono_s().wrapping_sub(one.since_s) > WAIT_MAX_S;
        let overdue = self.parked.iter().filter(|(_, one)| is_overdue(one));
        overdue.map(|(ticket, _)| *ticket).collect()
    }

    /// The exchange that waits for an answer.
    #[must_use]
    pub fn parked(&self, ticket: Ticket) -> Option<&ParkedExchange<K, R>> {
        self.parked.get(&ticket).map(|exchange| &**exchange)
    }

    /// Takes out the exchange that waits for an answer.
    pub fn unpark(&mut self, ticket: Ticket) -> Option<Box<ParkedExchange<K, R>>> {
        let exchange = self.parked.remove(&ticket)?;
        self.inside.remove(&exchange.key.client);
        Some(exchange)
    }

    /// An empty memo, for whoever parks the one that he has.
    pub fn spare_memo(&mut self) -> Memo<K> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes back a memo that is of no use any more.
    pub fn retire(&mut self, mut memo: Memo<K>) {
        if self.spare.len() < SPARE_MAX && memo.is_small() {
            memo.clear();
            self.spare.push(memo);
        }
    }

    /// Lets a packet wait until the exchange of its client that is parked here is done. Returns whether it waits: not if there
    /// is none, if it repeats that or what waits already, or if there are too many.
    #[cold]
    pub fn wait_behind(&mut self, key: QueryKey, input: &Inbound<'_>) -> bool {
        let of_client = || self.behind.iter().filter(|one| one.key.client == key.client);
        let waits = self.behind.len() < BEHIND_MAX
            && self.inside.get(&key.client).is_some_and(|parked| *parked != key)
            && of_client().all(|one| one.key != key)
            && of_client().count() < BEHIND_ONE_MAX;
        if waits {
            self.behind.push(Behind { key, datagram: Kept::new(input) });
        }
        waits
    }

    /// Defers the packets whose turn it is: of each client without an exchange here the one that has waited longest.
    #[inline]
    pub fn let_next(&mut self) {
        if !self.behind.is_empty() {
            self.let_next_of_all();
        }
    }

    #[cold]
    fn let_next_of_all(&mut self) {
        let Self { behind, inside, deferred, .. } = self;
        let mut let_go = Vec::new();
        let next = behind.extract_if(.., |one| {
            let is_next =
                !inside.contains_key(&one.key.client) && !let_go.contains(&one.key.client);
            if is_next {
                let_go.push(one.key.client);
            }
            is_next
        });
        deferred.extend(next.map(|one| one.datagram));
    }

    /// Keeps a packet until the end of the batch; false when there are too many.
    #[cold]
    pub fn defer(&mut self, input: &Inbound<'_>) -> bool {
        let fits = self.deferred.len() < DEFERRED_MAX;
        if fits {
            self.deferred.push_back(Kept::new(input));
        }
        fits
    }

    /// Takes out the packet that was deferred first. One at a time: those behind it stay if its processing panics.
    #[inline]
    pub fn next_deferred(&mut self) -> Option<Kept> {
        self.deferred.pop_front()
    }

    /// Whether no further exchange may wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.parked.len() >= PARKED_MAX
    }

    /// Number of packets that wait for another one of their client that waits for a store.
    #[must_use]
    pub fn behind_len(&self) -> usize {
        self.behind.len()
    }

    /// Number of exchanges that wait for a store.
    #[must_use]
    pub fn parked_len(&self) -> usize {
        self.parked.len()
    }
}
