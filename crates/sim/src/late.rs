//! A lease store that keeps its callers waiting.
//!
//! It answers some questions at once and gives a ticket for the others, as a database would. The world later lets it
//! carry such a question out, and later still delivers the answer, so that other exchanges come between.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libdhcpsrv::lease4::{Change4, ClientKey, Expect, LeaseStore4, SubnetId, V4};
use libdhcpsrv::session::{Answer4, Question4, Store, Submitted, Ticket};
use util::{Entropy, Now, SplitMix};

/// The store; answers come from the real one behind it.
#[derive(Debug)]
pub(crate) struct LateStore {
    inner: Arc<LeaseStore4>,
    percent: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rng: SplitMix,
    next: u64,
    waiting: BTreeMap<u64, Kept>,
    executed: BTreeMap<u64, Answer4>,
    /// Tickets given since the world last asked.
    given: Vec<Ticket>,
}

/// A question that outlives the packet it came from.
#[derive(Debug)]
struct Kept {
    hw_type: u8,
    hw: Vec<u8>,
    client_id: Option<Vec<u8>>,
    asked: Asked,
}

#[derive(Debug)]
enum Asked {
    Find { subnet: SubnetId, nth: u32, requested: Option<Ipv4Addr> },
    Get { address: Ipv4Addr },
    Commit { change: Change4<'static>, hostname: Vec<u8>, user_context: Vec<u8> },
    Delete { address: Ipv4Addr, expect: Expect },
}

impl LateStore {
    pub(crate) fn new(inner: Arc<LeaseStore4>, percent: u64, seed: u64) -> Self {
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
        let client =
            ClientKey { hw_type: kept.hw_type, hw: &kept.hw, client_id: kept.client_id.as_deref() };
        let question = match &kept.asked {
            Asked::Find { subnet, nth, requested } => {
                Question4::Find { client, subnet: *subnet, nth: *nth, requested: *requested }
            }
            Asked::Get { address } => Question4::Get { client, address: *address },
            Asked::Commit { change, hostname, user_context } => {
                Question4::Commit(Change4 { client, hostname, user_context, ..*change })
            }
            Asked::Delete { address, expect } => {
                Question4::Delete { address: *address, expect: *expect }
            }
        };
        if let Submitted::Ready(answer) = self.inner.submit(&question, now) {
            self.lock().executed.insert(ticket.0, answer);
        }
    }

    /// Takes the answer to a question that has been carried out.
    pub(crate) fn answer(&self, ticket: Ticket) -> Option<Answer4> {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store<V4> for LateStore {
    fn submit(&self, question: &Question4<'_>, now: Now) -> Submitted<V4> {
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

impl Kept {
    fn new(question: &Question4<'_>) -> Self {
        let (client, asked) = match *question {
            Question4::Find { client, subnet, nth, requested } => {
                (client, Asked::Find { subnet, nth, requested })
            }
            Question4::Get { client, address } => (client, Asked::Get { address }),
            Question4::Commit(change) => {
                let (hostname, user_context) =
                    (change.hostname.to_vec(), change.user_context.to_vec());
                let bare = Change4 {
                    client: ClientKey::default(),
                    hostname: &[],
                    user_context: &[],
                    address: change.address,
                    subnet_id: change.subnet_id,
                    pool_id: change.pool_id,
                    pool: change.pool,
                    valid_lifetime: change.valid_lifetime,
                    state: change.state,
                    fqdn_fwd: change.fqdn_fwd,
                    fqdn_rev: change.fqdn_rev,
                    expect: change.expect,
                    replaces: change.replaces,
                };
                (change.client, Asked::Commit { change: bare, hostname, user_context })
            }
            Question4::Delete { address, expect } => {
                (ClientKey::default(), Asked::Delete { address, expect })
            }
        };
        Self {
            hw_type: client.hw_type,
            hw: client.hw.to_vec(),
            client_id: client.client_id.map(<[u8]>::to_vec),
            asked,
        }
    }
}
