//! Questions to databases of hosts: what one worker waits for.
//!
//! Nothing here speaks to a database. A question that neither the configuration nor what is remembered can answer becomes
//! a [`HostRequest`]; the worker hands those on after each pass and brings back a [`HostReply`] for each, which may lead
//! to a request to the next database. When all is known the exchange runs again, asks again and is answered at once.
//!
//! ```text
//! submit --> configuration, this exchange, cache: known --> Ready
//!        `-> request --> reply: a host, or none in the last database --> known --> the exchange runs again
//!                   ^---------- none, and there is another database
//! ```
//!
//! A request asks about all identifiers of a client at once, and about all places where it may have a host. About
//! reserved IPv4 addresses it asks by aligned blocks of 64, because whoever looks for a free one goes on to the next.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use kea_log::RateLimiter;
use util::Now;

use super::cache::{CacheFigures, CacheLimits, Fact, HostCache, StoredHolding};
use super::pending::{Pending, key_of_block, key_of_client};
use super::{HostKind, HostTerms, Identifier, IdentifierKind, LearnedHosts, RawHost, StoredHost};
use crate::config::{HostCacheLimits, SqlDatabase};
use crate::lease::{AddressOf, LeaseKind, SubnetId};
use crate::loggers::HOSTS;
use crate::messages::{HOSTS_DATABASE_FAILED, HOSTS_DATABASE_HOST_UNUSABLE};
use crate::session::Ticket;

/// Set in the tickets of questions about hosts and of no others.
const TICKET: u64 = 1 << 63;
/// Lines about faulty hosts and failures that may come at once, and the time after which one more may.
const LINES_BURST: u32 = 20;
const LINES_INTERVAL_NS: u64 = 1_000_000_000;

/// The databases of a configuration, and what they have told to all workers a moment ago.
#[derive(Debug)]
pub struct HostDatabases<K: HostKind> {
    databases: Box<[Arc<SqlDatabase>]>,
    pub(super) cache: HostCache<K>,
}

impl<K: HostKind> HostDatabases<K> {
    /// The databases in the order in which they are asked; nothing if there are none.
    #[must_use]
    pub fn new(
        databases: impl IntoIterator<Item = Arc<SqlDatabase>>,
        limits: CacheLimits,
    ) -> Option<Self> {
        let databases: Box<[_]> = databases.into_iter().collect();
        (!databases.is_empty()).then(|| Self { databases, cache: HostCache::new(limits) })
    }

    /// Those that a configuration names; nothing if it names none.
    #[must_use]
    pub fn of_config(databases: &[SqlDatabase], cache: &HostCacheLimits) -> Option<Self> {
        let limits = CacheLimits {
            entries_max: cache.entries_max as usize,
            time_ms: cache.time_s.saturating_mul(1000),
            ..CacheLimits::default()
        };
        Self::new(databases.iter().cloned().map(Arc::new), limits)
    }

    /// The databases in the order in which they are asked.
    #[must_use]
    pub fn databases(&self) -> &[Arc<SqlDatabase>] {
        &self.databases
    }

    /// What the cache holds and has been good for.
    #[must_use]
    pub fn figures(&self) -> CacheFigures {
        self.cache.figures()
    }
}

/// An identifier that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedIdentifier {
    /// What it is.
    pub kind: IdentifierKind,
    /// Its bytes.
    pub bytes: Box<[u8]>,
}

impl OwnedIdentifier {
    /// It, lent.
    #[must_use]
    pub fn borrow(&self) -> Identifier<'_> {
        Identifier { kind: self.kind, bytes: &self.bytes }
    }
}

/// What a database is asked.
#[derive(Clone, Debug)]
pub enum HostQuery<K: LeaseKind> {
    /// All hosts with one of these identifiers in one of these places, with everything that they have.
    Of {
        /// The places, [`super::GLOBAL`] among them perhaps; some, all different.
        subnets: Box<[SubnetId]>,
        /// The identifiers; some, all different.
        identifiers: Box<[OwnedIdentifier]>,
    },
    /// All hosts in one of these places with an address from `first` to `last`, or with a prefix that begins there. Only
    /// their identifiers and resources are of interest.
    Holders {
        /// The places.
        subnets: Box<[SubnetId]>,
        /// The first address. In DHCPv6 both are the same.
        first: AddressOf<K>,
        /// The last address.
        last: AddressOf<K>,
    },
}

impl<K: LeaseKind> HostQuery<K> {
    /// The places that it is about.
    #[must_use]
    pub fn subnets(&self) -> &[SubnetId] {
        match self {
            Self::Of { subnets, .. } | Self::Holders { subnets, .. } => subnets,
        }
    }

    /// Whether the answer has a host; what a database looks for, in a few words.
    #[must_use]
    pub fn asks_for(&self, host: &RawHost<K>) -> bool {
        self.subnets().contains(&host.subnet)
            && match self {
                Self::Of { identifiers, .. } => {
                    identifiers.iter().any(|id| id.borrow() == host.identifier())
                }
                Self::Holders { first, last, .. } => host.resources.iter().any(|own| {
                    let number: K::Number = own.address.into();
                    ((*first).into()..=(*last).into()).contains(&number)
                }),
            }
    }

    /// The same question about fewer places.
    pub(super) fn about(&self, subnets: Vec<SubnetId>) -> Self {
        let subnets = subnets.into();
        match self {
            Self::Of { identifiers, .. } => Self::Of { subnets, identifiers: identifiers.clone() },
            Self::Holders { first, last, .. } => {
                Self::Holders { subnets, first: *first, last: *last }
            }
        }
    }
}

/// A question for a database. Each one must be replied to once, if only by a failure: an exchange waits for it.
#[derive(Clone, Debug)]
pub struct HostRequest<K: LeaseKind> {
    /// What the reply must name. Differs from all tickets of questions about leases: bit 63 is set.
    pub ticket: Ticket,
    /// The database that is asked, as the configuration describes it under which the exchange began.
    pub database: Arc<SqlDatabase>,
    /// The question.
    pub query: Arc<HostQuery<K>>,
}

/// The database could not answer; the exchange is dropped, because a client may have a host that nobody knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostsUnknown;

/// The answer of a database: the hosts, in any order.
pub type HostReply<K> = Result<Vec<RawHost<K>>, HostsUnknown>;

/// Whether a ticket is that of a question about hosts.
#[must_use]
pub fn is_host_ticket(ticket: Ticket) -> bool {
    ticket.0 & TICKET != 0
}

/// The questions of one worker to databases. Used by one thread at a time.
#[derive(Debug)]
pub struct HostDesk<K: HostKind> {
    state: RefCell<State<K>>,
}

#[derive(Debug)]
struct State<K: HostKind> {
    /// Number of the next ticket.
    next: u64,
    /// Requests that have not been taken.
    requests: Vec<HostRequest<K>>,
    pending: HashMap<Ticket, Pending<K>>,
    /// Used for one key after the other.
    key: Vec<u8>,
    limiter: RateLimiter,
}

/// What a reply has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The exchange can go on.
    Known,
    /// The next database is asked.
    AskedOn,
    /// The exchange cannot go on.
    Failed,
}

impl<K: HostKind> Default for HostDesk<K> {
    fn default() -> Self {
        let state = State {
            next: 0,
            requests: Vec::new(),
            pending: HashMap::new(),
            key: Vec::new(),
            limiter: RateLimiter::new(LINES_BURST, LINES_INTERVAL_NS),
        };
        Self { state: RefCell::new(state) }
    }
}

impl<K: HostKind> HostDesk<K> {
    /// Moves the requests that have been made to `into`.
    pub fn take_requests(&mut self, into: &mut Vec<HostRequest<K>>) {
        into.append(&mut self.state.get_mut().requests);
    }

    /// Whether there are requests to be taken.
    #[must_use]
    #[inline]
    pub fn has_requests(&self) -> bool {
        !self.state.borrow().requests.is_empty()
    }

    /// Makes a request to the first database.
    pub(super) fn ask(&self, databases: &HostDatabases<K>, query: HostQuery<K>) -> Ticket {
        let state = &mut *self.state.borrow_mut();
        let ticket = Ticket(TICKET | state.next);
        state.next = (state.next + 1) & !TICKET;
        let pending = Pending::new(query);
        if let Some(database) = databases.databases.first() {
            state.request(ticket, &pending, database);
        }
        state.pending.insert(ticket, pending);
        ticket
    }

    /// What is known of the host of a client in a place: from `learned`, or from the cache.
    pub(super) fn host_of(
        &self,
        learned: &LearnedHosts<K>,
        databases: &HostDatabases<K>,
        place: SubnetId,
        identifiers: &[Identifier<'_>],
        now: Now,
    ) -> Option<Option<Arc<StoredHost<K>>>> {
        let key = &mut self.state.borrow_mut().key;
        key_of_client(key, place, identifiers.iter().copied());
        match learned.fact(key).or_else(|| databases.cache.get(key, now))? {
            Fact::Host(host) => Some(host),
            Fact::Holdings(_) => None,
        }
    }

    /// What is known of what is reserved in the block of an address in a place.
    pub(super) fn holdings_in(
        &self,
        learned: &LearnedHosts<K>,
        databases: &HostDatabases<K>,
        place: SubnetId,
        first: AddressOf<K>,
        now: Now,
    ) -> Option<Arc<[StoredHolding<K>]>> {
        let key = &mut self.state.borrow_mut().key;
        key_of_block::<K>(key, place, first);
        match learned.fact(key).or_else(|| databases.cache.get(key, now))? {
            Fact::Holdings(holdings) => Some(holdings),
            Fact::Host(_) => None,
        }
    }

    /// Takes a reply: tells the exchange and everybody else what it has led to, or asks on.
    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        reply: HostReply<K>,
        databases: &HostDatabases<K>,
        terms: &HostTerms<'_>,
        learned: &LearnedHosts<K>,
        now: Now,
    ) -> Settled {
        let state = self.state.get_mut();
        let Some(mut pending) = state.pending.remove(&ticket) else { return Settled::Failed };
        let database = databases.databases.get(pending.database);
        let (Ok(found), Some(database)) = (reply, database) else {
            let name = database.map(|database| database.access.to_string());
            let (limiter, name) = (&mut state.limiter, name.unwrap_or_default());
            kea_log::log_limited!(*limiter, now.mono_ns, HOSTS, HOSTS_DATABASE_FAILED, name);
            return Settled::Failed;
        };
        let limiter = &mut state.limiter;
        pending.add(found, terms, &mut |fault| {
            let database = &database.access;
            kea_log::log_limited!(
                *limiter,
                now.mono_ns,
                HOSTS,
                HOSTS_DATABASE_HOST_UNUSABLE,
                database,
                fault
            );
        });
        pending.database += 1;
        let open = pending.open();
        if let Some(next) = databases.databases.get(pending.database)
            && !open.is_empty()
        {
            pending.query = Arc::new(pending.query.about(open));
            state.request(ticket, &pending, next);
            state.pending.insert(ticket, pending);
            return Settled::AskedOn;
        }
        pending.tell(&mut state.key, |key, fact| {
            databases.cache.put(key, fact.clone(), now);
            learned.learn(key, fact);
        });
        Settled::Known
    }

    /// Forgets a question whose exchange is gone.
    pub(crate) fn forget(&mut self, ticket: Ticket) {
        self.state.get_mut().pending.remove(&ticket);
    }
}

impl<K: HostKind> State<K> {
    fn request(&mut self, ticket: Ticket, pending: &Pending<K>, database: &Arc<SqlDatabase>) {
        let (database, query) = (Arc::clone(database), Arc::clone(&pending.query));
        self.requests.push(HostRequest { ticket, database, query });
    }
}
