//! Questions become requests, replies become answers.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::Mutex;
use util::Now;

use super::hints::{Hints, is_holding};
use super::known::{Fact, Known};
use super::seen::Seen;
use crate::lease::{
    AddressOf, CommitError, Contents, Delta, Deltas, Expect, LeaseKind, LeaseState, LeaseView,
    Ownership, Stored, SubnetId, Version, is_same, merged_context,
};
use crate::session::{Answer, Question, Store, Submitted, Ticket};

/// What a database is asked.
#[derive(Clone, Debug)]
pub enum Ask<K: LeaseKind> {
    /// The leases of a client in a subnet, and that of an address.
    Find {
        /// The client.
        client: K::OwnedKey,
        /// The subnet.
        subnet: SubnetId,
        /// Which of the client's leases is meant.
        nth: u32,
        /// Another address to look at.
        requested: Option<AddressOf<K>>,
    },
    /// The lease of an address.
    Get {
        /// The client whose ownership is of interest.
        client: K::OwnedKey,
        /// The address.
        address: AddressOf<K>,
    },
    /// A change of one lease, if there still is what was read.
    Change {
        /// What was read; nothing for a new lease.
        old: Option<K::Lease>,
        /// What is to be stored; nothing to delete it.
        new: Option<K::Lease>,
        /// Another lease that ends when the change is made, if it still is this.
        replaces: Option<K::Lease>,
    },
}

/// What the database said.
#[derive(Clone, Debug)]
pub enum Told<K: LeaseKind> {
    /// To [`Ask::Find`].
    Found {
        /// Leases that may be the client's, in any order.
        own: Vec<K::Lease>,
        /// The lease of the requested address.
        requested: Option<K::Lease>,
    },
    /// To [`Ask::Get`].
    Got(Option<K::Lease>),
    /// To [`Ask::Change`].
    Changed {
        /// Whether it was made.
        made: bool,
        /// Whether the replaced lease was deleted.
        replaced: bool,
    },
    /// Nothing: the database is away, or refuses the statement.
    Failed,
}

/// A question on its way to the database.
#[derive(Debug)]
pub struct Request<K: LeaseKind> {
    /// Names it within its worker.
    pub ticket: Ticket,
    /// The question.
    pub ask: Ask<K>,
}

/// A question on its way back.
#[derive(Debug)]
pub struct Reply<K: LeaseKind> {
    /// Names it within its worker.
    pub ticket: Ticket,
    /// The question.
    pub ask: Ask<K>,
    /// What was said to it.
    pub told: Told<K>,
}

/// Leases in a database, as one worker sees them.
#[derive(Debug)]
pub struct RemoteStore<K: LeaseKind> {
    hints: Arc<Hints<K>>,
    hasher: FixedState,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K: LeaseKind> {
    next: u64,
    outgoing: Vec<Request<K>>,
    seen: Seen<K>,
    known: Known<K::Number>,
}

impl<K: LeaseKind> RemoteStore<K> {
    /// Makes the store of one worker.
    #[must_use]
    pub fn new(hints: Arc<Hints<K>>) -> Self {
        let (seen, known) = (Seen::default(), Known::default());
        let state = State { next: 1, outgoing: Vec::new(), seen, known };
        Self { hasher: FixedState::with_seed(hints.seed()), hints, state: Mutex::new(state) }
    }

    /// Takes the questions that have been asked since the last call.
    pub fn take_requests(&self, into: &mut Vec<Request<K>>) {
        into.append(&mut self.state.lock().outgoing);
    }

    /// Makes an answer of what the database said; none if it failed.
    pub fn settle(&self, reply: Reply<K>, now: Now) -> Option<Answer<K>> {
        let State { seen, known, .. } = &mut *self.state.lock();
        let hints = &*self.hints;
        Some(match (reply.ask, reply.told) {
            (_, Told::Failed) => return None,
            (
                Ask::Find { client: owned, subnet, nth, requested },
                Told::Found { own, requested: there },
            ) => {
                let client = K::key(&owned);
                let own = own_leases::<K>(&client, subnet, own);
                let more = K::HAS_SEVERAL && own.len() > nth as usize + 1;
                let own = own.into_iter().nth(nth as usize);
                let own = own.map(|lease| look::<K>(seen, hints, lease, &client, now));
                let own_at = own.map(|(own, _)| own.address());
                let there = match (requested, there) {
                    (Some(address), _) if own_at == Some(address) => own,
                    (Some(_), Some(there)) => Some(look::<K>(seen, hints, there, &client, now)),
                    (Some(address), None) => {
                        hints.learn_absence(address.into());
                        None
                    }
                    (None, _) => None,
                };
                if nth == 0 {
                    let at = requested.map(|at| (at.into(), there.map(|(_, version)| version)));
                    let own = own.map(|(_, version)| version);
                    known.note(self.hash(&client), Fact { subnet, own, more, at }, now);
                }
                Answer::Found {
                    own: own.map(|(view, _)| view),
                    more,
                    requested: there.map(|(view, _)| view),
                }
            }
            (Ask::Get { client, address }, Told::Got(lease)) => {
                let client = K::key(&client);
                if lease.is_none() {
                    hints.learn_absence(address.into());
                }
                let there = lease.map(|lease| look::<K>(seen, hints, lease, &client, now));
                let version = there.map(|(_, version)| version);
                known.note_address(self.hash(&client), address.into(), version);
                Answer::Got(there.map(|(view, _)| view))
            }
            (Ask::Change { old, new, replaces }, Told::Changed { made, replaced }) => {
                if !made {
                    return Some(Answer::Done(Err(CommitError::Conflict)));
                }
                let replaces = replaces.filter(|_| replaced);
                let stays = new.as_ref().map(range_of::<K>);
                for gone in [&old, &replaces].into_iter().flatten() {
                    let (first, last) = range_of::<K>(gone);
                    // What is marked for the same range is learned below.
                    if stays != Some((first, last)) {
                        hints.ended(first, last);
                    }
                }
                if let Some(new) = &new {
                    hints.learn(&K::contents_of(new), now.wall_s);
                }
                let deltas = steps::<K>([old.as_ref(), replaces.as_ref()], new.as_ref());
                Answer::Done(Ok(Stored { position: 0, deltas, replaced }))
            }
            // A reply that does not fit is a defect of whoever brought it: the exchange ends.
            _ => return None,
        })
    }

    /// The question that makes a change.
    fn change(
        &self,
        state: &mut State<K>,
        change: &K::Change<'_>,
        now: Now,
    ) -> Result<Ask<K>, CommitError> {
        let terms = K::terms(change);
        let new = K::contents(change, now.wall_s);
        state.known.forget(self.hash(&K::owner(&new)));
        let State { seen, .. } = state;
        let (version, old) = match terms.expect {
            Expect::Absent => (None, None),
            Expect::Unchanged(version) => {
                let old = seen.get(version).filter(|old| K::address(old).into() == new.address);
                (Some(version), Some(K::contents_of(old.ok_or(CommitError::Conflict)?)))
            }
        };
        if K::HAS_PREFIXES && new.state.holds_address() {
            let (first, last) = K::range(new.address, &new.own);
            let is_own = old.as_ref().is_some_and(|old| {
                is_holding(old, now.wall_s) && K::range(old.address, &old.own) == (first, last)
            });
            if !is_own && self.hints.is_held(first, last) {
                return Err(CommitError::Conflict);
            }
        }
        let context = old.as_ref().and_then(|old| merged_context(old, &new, terms.keeps_context));
        let user_context = context.as_deref().unwrap_or(new.user_context);
        let new = Contents { user_context, ..new };
        let replaces = terms.replaces.filter(|&other| other != new.address);
        let replaces = replaces.and_then(|other| {
            let other = seen.latest(other)?;
            K::has_same_owner(&new, &K::contents_of(other)).then(|| other.clone())
        });
        let mut lease = K::Lease::default();
        K::copy_to(&new, &mut lease);
        // Whatever becomes of the change, this version is of no use any more.
        let old = version.and_then(|version| seen.take(version));
        Ok(Ask::Change { old, new: Some(lease), replaces })
    }

    /// Says whether a change would alter nothing of what was read but its time. What another exchange has read is too old to
    /// promise that: it is read once more then, which costs less than a change would.
    fn compare(seen: &Seen<K>, change: &K::Change<'_>) -> Answer<K> {
        let (new, terms) = (K::contents(change, 0), K::terms(change));
        let Expect::Unchanged(version) = terms.expect else { return Answer::Same(None) };
        let Some(old) = seen.get(version).map(K::contents_of) else { return Answer::Same(None) };
        let context = merged_context(&old, &new, terms.keeps_context);
        let user_context = context.as_deref().unwrap_or(new.user_context);
        let is_same =
            old.address == new.address && is_same(&Contents { user_context, ..new }, &old);
        match is_same && !seen.is_fresh(version) {
            true => Answer::Done(Err(CommitError::Conflict)),
            false => Answer::Same(is_same.then_some(0)),
        }
    }

    /// The question that deletes a lease.
    fn deletion(
        &self,
        State { seen, known, .. }: &mut State<K>,
        address: AddressOf<K>,
        expect: Expect,
    ) -> Result<Ask<K>, CommitError> {
        let Expect::Unchanged(version) = expect else { return Err(CommitError::Conflict) };
        let old = seen.get(version).filter(|old| K::address(old) == address);
        let owner = K::owner(&K::contents_of(old.ok_or(CommitError::Conflict)?));
        known.forget(self.hash(&owner));
        Ok(Ask::Change { old: seen.take(version), new: None, replaces: None })
    }

    fn hash(&self, client: &K::Key<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        K::hash_key(client, &mut hasher);
        hasher.finish()
    }
}

impl<K: LeaseKind> State<K> {
    /// What the last answer to a client says to a request for an address, which is decided by it once more. Nothing where
    /// the answer was about another address, or somebody else has this one: such things are looked up when they count.
    fn recall(
        &mut self,
        client: &K::Key<'_>,
        Fact { own, more, at, .. }: Fact<K::Number>,
        address: AddressOf<K>,
        now: Now,
    ) -> Option<Answer<K>> {
        let there = match (own, at) {
            (Some(own), _) => Some(own),
            (None, Some((at, there))) if at == address.into() => there,
            (None, _) => return None,
        };
        let Some(version) = there else {
            return Some(Answer::Found { own: None, more, requested: None });
        };
        let lease = self.seen.recall(version).map(K::contents_of)?;
        let view = view::<K>(&lease, client, version, now);
        let is_others = view.owner() != Ownership::Mine && is_holding(&lease, now.wall_s);
        let is_it = view.address() == address && !is_others;
        let found = Answer::Found { own: own.map(|_| view), more, requested: Some(view) };
        is_it.then_some(found)
    }

    fn send(&mut self, ask: Ask<K>) -> Submitted<K> {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.outgoing.push(Request { ticket, ask });
        Submitted::Waiting(ticket)
    }
}

impl<K: LeaseKind> Store<K> for RemoteStore<K> {
    fn submit(&self, question: &Question<'_, K>, now: Now) -> Submitted<K> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let ask = match *question {
            Question::Compare(ref change) => {
                return Submitted::Ready(Self::compare(&state.seen, change));
            }
            Question::Find { client, subnet, nth, requested } => {
                // Whatever it asks for uses up what was known of it.
                state.known.forget(self.hash(&client));
                Ok(Ask::Find { client: K::own_key(&client), subnet, nth, requested })
            }
            Question::Get { client, address } => {
                Ok(Ask::Get { client: K::own_key(&client), address })
            }
            Question::Commit(ref change) => self.change(state, change, now),
            Question::Delete { address, expect } => self.deletion(state, address, expect),
        };
        match ask {
            Ok(ask) => state.send(ask),
            Err(error) => Submitted::Ready(Answer::Done(Err(error))),
        }
    }

    fn submit_of_offer(&self, question: &Question<'_, K>, now: Now) -> Submitted<K> {
        if let Question::Find { client, subnet, nth: 0, requested: Some(address) } = question {
            let state = &mut *self.state.lock();
            let fact = state.known.take(self.hash(client), now);
            let fact = fact.filter(|fact| fact.subnet == *subnet);
            let known = fact.and_then(|fact| state.recall(client, fact, *address, now));
            if let Some(known) = known {
                return Submitted::Ready(known);
            }
        }
        self.submit(question, now)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn note_exhausted(&self) {
        self.hints.note_exhausted();
    }
}

/// Those of some leases that are the client's in a subnet, the best first.
fn own_leases<K: LeaseKind>(
    client: &K::Key<'_>,
    subnet: SubnetId,
    mut leases: Vec<K::Lease>,
) -> Vec<K::Lease> {
    leases.retain(|lease| {
        let lease = K::contents_of(lease);
        lease.subnet_id == subnet.0 && K::ownership(client, &lease) == Ownership::Mine
    });
    if leases.len() > 1 {
        leases.sort_by_cached_key(|lease| {
            let lease = K::contents_of(lease);
            // A client that has one lease at most uses the one that it had last.
            let age = if K::HAS_SEVERAL { 0 } else { lease.cltt.wrapping_neg() };
            (K::rank(client, &lease), age, lease.address)
        });
        leases.dedup_by_key(|lease| K::address(lease));
    }
    leases
}

/// Keeps what was read, and shows it to the client.
fn look<K: LeaseKind>(
    seen: &mut Seen<K>,
    hints: &Hints<K>,
    lease: K::Lease,
    client: &K::Key<'_>,
    now: Now,
) -> (K::View, Version) {
    let (version, lease) = seen.insert(lease);
    let lease = K::contents_of(lease);
    hints.learn(&lease, now.wall_s);
    (view::<K>(&lease, client, version, now), version)
}

/// What a client is shown of a row.
fn view<K: LeaseKind>(
    lease: &Contents<'_, K>,
    client: &K::Key<'_>,
    version: Version,
    now: Now,
) -> K::View {
    K::view(lease, K::ownership(client, lease), is_holding(lease, now.wall_s), version)
}

/// One lease more or less.
fn delta<K: LeaseKind>(lease: &Contents<'_, K>, by: i8) -> Delta {
    Delta {
        subnet_id: SubnetId(lease.subnet_id),
        lease_type: K::lease_type(&lease.own),
        pool_id: lease.pool_id,
        state: lease.state,
        by,
    }
}

/// The steps by which a change of a lease alters the counts.
#[must_use]
pub fn deltas_of<K: LeaseKind>(old: Option<&K::Lease>, new: Option<&K::Lease>) -> Deltas {
    steps::<K>([old, None], new)
}

/// The steps by which leases that go and one that comes alter the counts; that comes last.
fn steps<K: LeaseKind>(gone: [Option<&K::Lease>; 2], new: Option<&K::Lease>) -> Deltas {
    let mut deltas = Deltas::default();
    let gone = gone.into_iter().flatten().map(|lease| (lease, -1));
    for (lease, by) in gone.chain(new.map(|lease| (lease, 1))) {
        deltas.push(delta(&K::contents_of(lease), by));
    }
    deltas
}

/// The same lease once it has been reclaimed, as [`crate::lease::LeaseStore::reclaim`] leaves it.
#[must_use]
pub fn reclaimed<K: LeaseKind>(lease: &K::Lease) -> K::Lease {
    let contents = Contents {
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: &[],
        state: LeaseState::ExpiredReclaimed,
        ..K::contents_of(lease)
    };
    let mut reclaimed = K::Lease::default();
    K::copy_to(&contents, &mut reclaimed);
    reclaimed
}

/// The first and the last address of a lease.
#[must_use]
pub fn range_of<K: LeaseKind>(lease: &K::Lease) -> (K::Number, K::Number) {
    let lease = K::contents_of(lease);
    K::range(lease.address, &lease.own)
}
