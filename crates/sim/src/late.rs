//! A lease store that keeps its callers waiting.
//!
//! It answers some questions at once and gives a ticket for the others, as a database would. The world later lets it
//! carry such a question out, and later still delivers the answer, so that other exchanges come between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libdhcpsrv::lease::{AddressOf, Expect, LeaseStore, SubnetId};
use libdhcpsrv::session::{Answer, Question, Store, Submitted, Ticket};
use util::{Entropy, Now, SplitMix};

use crate::family::Family;

/// The store; answers come from the real one behind it.
#[derive(Debug)]
pub(crate) struct LateStore<F: Family> {
    inner: Arc<LeaseStore<F::Leases>>,
    percent: u64,
    state: Mutex<State<F>>,
}

#[derive(Debug)]
struct State<F: Family> {
    rng: SplitMix,
    next: u64,
    waiting: BTreeMap<u64, Kept<F>>,
    executed: BTreeMap<u64, Answer<F::Leases>>,
    /// Tickets given since the world last asked.
    given: Vec<Ticket>,
}

/// A question that outlives the packet it came from.
#[derive(Debug)]
enum Kept<F: Family> {
    Find { client: F::OwnKey, subnet: SubnetId, nth: u32, requested: Option<AddressOf<F::Leases>> },
    Get { client: F::OwnKey, address: AddressOf<F::Leases> },
    Commit(F::OwnChange),
    Compare(F::OwnChange),
    Delete { address: AddressOf<F::Leases>, expect: Expect },
}

impl<F: Family> LateStore<F> {
    pub(crate) fn new(inner: Arc<LeaseStore<F::Leases>>, percent: u64, seed: u64) -> Self {
        let state = State {
            rng: SplitMix::new(seed),
            next: 1,
            waiting: BTreeMap::new(),
            executed: BTreeMap::new(),
            given: Vec::new(),
        };
        Self { inner, percent, state: Mutex::new(state) }
    }

    /// The tickets given since the last call.
    pub(crate) fn take_given(&self) -> Vec<Ticket> {
        std::mem::take(&mut self.lock().given)
    }

    /// Carries a question out; its answer waits for delivery.
    pub(crate) fn execute(&self, ticket: Ticket, now: Now) {
        let Some(kept) = self.lock().waiting.remove(&ticket.0) else { return };
        let question = match &kept {
            Kept::Find { client, subnet, nth, requested } => {
                let client = F::key(client);
                Question::Find { client, subnet: *subnet, nth: *nth, requested: *requested }
            }
            Kept::Get { client, address } => {
                Question::Get { client: F::key(client), address: *address }
            }
            Kept::Commit(change) => Question::Commit(F::change(change)),
            Kept::Compare(change) => Question::Compare(F::change(change)),
            Kept::Delete { address, expect } => {
                Question::Delete { address: *address, expect: *expect }
            }
        };
        if let Submitted::Ready(answer) = self.inner.submit(&question, now) {
            self.lock().executed.insert(ticket.0, answer);
        }
    }

    /// Takes the answer to a question that has been carried out.
    pub(crate) fn answer(&self, ticket: Ticket) -> Option<Answer<F::Leases>> {
        self.lock().executed.remove(&ticket.0)
    }

    /// Tickets of all questions that have been carried out and not been delivered.
    pub(crate) fn executed(&self) -> Vec<Ticket> {
        self.lock().executed.keys().map(|&ticket| Ticket(ticket)).collect()
    }

    /// Whether nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty() && state.executed.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Family> Store<F::Leases> for LateStore<F> {
    fn submit(&self, question: &Question<'_, F::Leases>, now: Now) -> Submitted<F::Leases> {
        let mut state = self.lock();
        if state.rng.below(100) >= self.percent {
            return self.inner.submit(question, now);
        }
        let ticket = Ticket(state.next);
        state.next += 1;
        state.waiting.insert(ticket.0, Kept::new(question));
        state.given.push(ticket);
        Submitted::Waiting(ticket)
    }
}

impl<F: Family> Kept<F> {
    fn new(question: &Question<'_, F::Leases>) -> Self {
        match question {
            Question::Find { client, subnet, nth, requested } => Self::Find {
                client: F::own_key(client),
                subnet: *subnet,
                nth: *nth,
                requested: *requested,
            },
            Question::Get { client, address } => {
                Self::Get { client: F::own_key(client), address: *address }
            }
            Question::Commit(change) => Self::Commit(F::own_change(change)),
            Question::Compare(change) => Self::Compare(F::own_change(change)),
            Question::Delete { address, expect } => {
                Self::Delete { address: *address, expect: *expect }
            }
        }
    }
}
