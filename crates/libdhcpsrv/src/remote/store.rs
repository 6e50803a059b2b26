//! Questions become requests, replies become answers.

use std::sync::Arc;

use parking_lot::Mutex;
use util::Now;

use super::absent::Absent;
use super::hints::{Hints, is_holding};
use super::seen::Seen;
use crate::extended_info;
use crate::lease::{
    AddressOf, CommitError, Contents, Delta, Deltas, Expect, LeaseKind, LeaseState, Ownership,
    Stored, SubnetId, is_same,
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
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K: LeaseKind> {
    next: u64,
    outgoing: Vec<Request<K>>,
    seen: Seen<K>,
    absent: Absent<K>,
}

impl<K: LeaseKind> RemoteStore<K> {
    /// Makes the store of one worker.
    #[must_use]
    pub fn new(hints: Arc<Hints<K>>) -> Self {
        let state = State {
            next: 1,
            outgoing: Vec::new(),
            seen: Seen::default(),
            absent: Absent::default(),
        };
        Self { hints, state: Mutex::new(state) }
    }

    /// Takes the questions that have been asked since the last call.
    pub fn take_requests(&self, into: &mut Vec<Request<K>>) {
        into.append(&mut self.state.lock().outgoing);
    }

    /// Makes an answer of what the database said; none if it failed.
    pub fn settle(&self, reply: Reply<K>, now: Now) -> Option<Answer<K>> {
        let State { seen, absent, .. } = &mut *self.state.lock();
        let hints = &*self.hints;
        Some(match (reply.ask, reply.told) {
            (_, Told::Failed) => return None,
            (
                Ask::Find { client: owned, subnet, nth, requested },
                Told::Found { own, requested: at },
            ) => {
                let client = K::key(&owned);
                let own = own_leases::<K>(&client, subnet, own);
                let more = K::HAS_SEVERAL && own.len() > nth as usize + 1;
                let own = own.into_iter().nth(nth as usize);
                let own = own.map(|lease| look::<K>(seen, hints, lease, &client, now));
                let requested = match (requested, at) {
                    (Some(_), Some(at)) => Some(look::<K>(seen, hints, at, &client, now)),
                    (Some(address), None) => {
                        hints.learn_absence(address.into());
                        if own.is_none() && nth == 0 {
                            absent.note(owned, subnet, address.into(), now);
                        }
                        None
                    }
                    (None, _) => None,
                };
                Answer::Found { own, more, requested }
            }
            (Ask::Get { client, address }, Told::Got(lease)) => {
                let client = K::key(&client);
                if lease.is_none() {
                    hints.learn_absence(address.into());
                }
                Answer::Got(lease.map(|lease| look::<K>(seen, hints, lease, &client, now)))
            }
            (Ask::Change { old, new, replaces }, Told::Changed { made, replaced }) => {
                if !made {
                    return Some(Answer::Done(Err(CommitError::Conflict)));
                }
                let mut deltas = Deltas::default();
                if let Some(old) = &old {
                    let old = K::contents_of(old);
                    deltas.push(delta(&old, -1));
                    let (first, last) = K::range(old.address, &old.own);
                    if new.is_none() || K::HAS_PREFIXES {
                        hints.ended(first, last);
                    }
                }
                if let Some(other) = replaces.as_ref().filter(|_| replaced) {
                    let other = K::contents_of(other);
                    deltas.push(delta(&other, -1));
                    let (first, last) = K::range(other.address, &other.own);
                    hints.ended(first, last);
                }
                if let Some(new) = &new {
                    let new = K::contents_of(new);
                    deltas.push(delta(&new, 1));
                    hints.learn(&new, now.wall_s);
                }
                Answer::Done(Ok(Stored { position: 0, deltas, replaced }))
            }
            // A reply that does not fit is a defect of whoever brought it: the exchange ends.
            _ => return None,
        })
    }

    /// What was read of a lease, if it still is known.
    fn change(&self, change: &K::Change<'_>, now: Now) -> Result<Ask<K>, CommitError> {
        let terms = K::terms(change);
        let new = K::contents(change, now.wall_s);
        let state = self.state.lock();
        let old = match terms.expect {
            Expect::Absent => None,
            Expect::Unchanged(version) => {
                let old = state.seen.get(version).ok_or(CommitError::Conflict)?;
                let is_it = K::address(old).into() == new.address;
                Some(old).filter(|_| is_it).ok_or(CommitError::Conflict)?.into()
            }
        };
        let old_contents = old.map(K::contents_of);
        if K::HAS_PREFIXES && new.state.holds_address() {
            let (first, last) = K::range(new.address, &new.own);
            let is_own = old_contents.as_ref().is_some_and(|old| {
                is_holding(old, now.wall_s) && K::range(old.address, &old.own) == (first, last)
            });
            if !is_own && self.hints.is_held(first, last) {
                return Err(CommitError::Conflict);
            }
        }
        let context =
            old_contents.as_ref().and_then(|old| merged_context(old, &new, terms.keeps_context));
        let user_context = context.as_deref().unwrap_or(new.user_context);
        let new = Contents { user_context, ..new };
        let replaces = terms.replaces.filter(|&other| other != new.address);
        let replaces = replaces.and_then(|other| {
            let other = state.seen.latest(other)?;
            K::has_same_owner(&new, &K::contents_of(other)).then(|| other.clone())
        });
        let mut lease = K::Lease::default();
        K::copy_to(&new, &mut lease);
        Ok(Ask::Change { old: old.cloned(), new: Some(lease), replaces })
    }

    /// Whether a change would alter nothing of what was read but its time.
    fn is_same(&self, change: &K::Change<'_>) -> bool {
        let (new, terms) = (K::contents(change, 0), K::terms(change));
        let Expect::Unchanged(version) = terms.expect else { return false };
        let state = self.state.lock();
        let Some(old) = state.seen.get(version).map(K::contents_of) else { return false };
        let context = merged_context(&old, &new, terms.keeps_context);
        let user_context = context.as_deref().unwrap_or(new.user_context);
        old.address == new.address && is_same(&Contents { user_context, ..new }, &old)
    }

    fn deletion(&self, address: AddressOf<K>, expect: Expect) -> Result<Ask<K>, CommitError> {
        let Expect::Unchanged(version) = expect else { return Err(CommitError::Conflict) };
        let state = self.state.lock();
        let old = state.seen.get(version).filter(|old| K::address(old) == address);
        let old = Some(old.ok_or(CommitError::Conflict)?.clone());
        Ok(Ask::Change { old, new: None, replaces: None })
    }

    fn send(&self, ask: Ask<K>) -> Submitted<K> {
        let mut state = self.state.lock();
        let ticket = Ticket(state.next);
        state.next += 1;
        state.outgoing.push(Request { ticket, ask });
        Submitted::Waiting(ticket)
    }
}

impl<K: LeaseKind> Store<K> for RemoteStore<K> {
    fn submit(&self, question: &Question<'_, K>, now: Now) -> Submitted<K> {
        let ask = match question {
            Question::Find { client, subnet, nth, requested } => {
                let client = K::own_key(client);
                // Whatever it asks for uses up what was known of it.
                self.state.lock().absent.forget(&client);
                Ok(Ask::Find { client, subnet: *subnet, nth: *nth, requested: *requested })
            }
            Question::Get { client, address } => {
                Ok(Ask::Get { client: K::own_key(client), address: *address })
            }
            Question::Compare(change) => {
                return Submitted::Ready(Answer::Same(self.is_same(change).then_some(0)));
            }
            Question::Commit(change) => self.change(change, now),
            Question::Delete { address, expect } => self.deletion(*address, *expect),
        };
        match ask {
            Ok(ask) => self.send(ask),
            Err(error) => Submitted::Ready(Answer::Done(Err(error))),
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn note_exhausted(&self) {
        self.hints.note_exhausted();
    }

    fn take_absence(
        &self,
        client: &K::Key<'_>,
        subnet: SubnetId,
        address: AddressOf<K>,
        now: Now,
    ) -> bool {
        let client = K::own_key(client);
        self.state.lock().absent.take(&client, subnet, address.into(), now)
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
) -> K::View {
    let contents = K::contents_of(&lease);
    hints.learn(&contents, now.wall_s);
    let is_held = is_holding(&contents, now.wall_s);
    let owner = K::ownership(client, &contents);
    let version = seen.insert(lease.clone());
    K::view(&K::contents_of(&lease), owner, is_held, version)
}

/// The user context of a lease that its owner keeps or has declined, with the new one merged into it.
fn merged_context<K: LeaseKind>(
    old: &Contents<'_, K>,
    new: &Contents<'_, K>,
    keeps_context: bool,
) -> Option<Vec<u8>> {
    let is_its_own = || new.state == LeaseState::Declined || K::has_same_owner(new, old);
    let is_kept = keeps_context && !old.user_context.is_empty() && is_its_own();
    is_kept.then(|| extended_info::merge(old.user_context, new.user_context))
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
    let mut deltas = Deltas::default();
    for (lease, by) in [(old, -1), (new, 1)] {
        if let Some(lease) = lease {
            deltas.push(delta(&K::contents_of(lease), by));
        }
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
