//! What the servers of all workers share, and the packets of one worker that cannot be finished at once: those that
//! wait for a store, and those that wait for another packet of their client.
//!
//! Each worker has an [`Intake`]. An exchange whose store answers later is parked with a copy of its datagram, the
//! configuration that it began under, and the answers it has had; a packet whose client has another one in progress is
//! deferred to the end of the batch, and if that still waits then, until it is done; of several the newest is kept. All of
//! it is bounded: what does not fit is refused, and the server drops the packet. The client of the packet in progress is noted, so that it can be let go even when processing panics.

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
/// Clients of which a packet may wait for another one that waits for a store, per worker.
pub const BEHIND_MAX: usize = 256;

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
    /// It waits for another packet of the same client, until the end of the batch.
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
    since_s: u32,
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
    /// Memory of memos that is used again.
    spare: Vec<Memo<K>>,
    deferred: VecDeque<Kept>,
    behind: Vec<Behind>,
    in_progress: Option<Entered>,
}

impl<K: HostKind, R> Default for Intake<K, R> {
    fn default() -> Self {
        let deferred = VecDeque::with_capacity(DEFERRED_MAX);
        Self {
            parked: HashMap::default(),
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
        self.parked.remove(&ticket)
    }

    /// An empty memo, for whoever parks the one that he has.
    pub fn spare_memo(&mut self) -> Memo<K> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes back a memo that is of no use any more.
    pub fn retire(&mut self, mut memo: Memo<K>) {
        if self.spare.len() < PARKED_MAX {
            memo.clear();
            self.spare.push(memo);
        }
    }

    /// Lets a packet wait until the exchange of its client is done. Returns the older one whose place it takes, or itself
    /// if there are too many.
    #[cold]
    pub fn wait_behind(&mut self, key: QueryKey, input: &Inbound<'_>, now: Now) -> Option<Kept> {
        let (datagram, since_s) = (Kept::new(input), now.mono_s());
        let mut others = self.behind.iter_mut();
        if let Some(other) = others.find(|other| other.key.client == key.client) {
            return Some(std::mem::replace(other, Behind { key, datagram, since_s }).datagram);
        }
        if self.behind.len() >= BEHIND_MAX {
            return Some(datagram);
        }
        self.behind.push(Behind { key, datagram, since_s });
        None
    }

    /// Defers the packet that has waited for an exchange, which is done. One that only repeats it is answered already and
    /// returned.
    #[inline]
    pub fn let_next(&mut self, done: QueryKey) -> Option<Kept> {
        if self.behind.is_empty() { None } else { self.let_next_of(done) }
    }

    #[cold]
    fn let_next_of(&mut self, done: QueryKey) -> Option<Kept> {
        let place = self.behind.iter().position(|one| one.key.client == done.client)?;
        let Behind { key, datagram, .. } = self.behind.swap_remove(place);
        if key == done {
            return Some(datagram);
        }
        self.deferred.push_back(datagram);
        None
    }

    /// Defers the packets that have waited for exchanges of other workers or such as were given up, and that are over.
    #[inline]
    pub fn let_others(&mut self, gate: &ClientGate, now: Now) {
        if !self.behind.is_empty() {
            self.let_others_in(gate, now);
        }
    }

    #[cold]
    fn let_others_in(&mut self, gate: &ClientGate, now: Now) {
        let is_over = |one: &mut Behind| {
            let has_waited_s = now.mono_s().wrapping_sub(one.since_s);
            !gate.is_inside(one.key.client) || has_waited_s > WAIT_MAX_S
        };
        let over = self.behind.extract_if(.., is_over).map(|one| one.datagram);
        self.deferred.extend(over);
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
