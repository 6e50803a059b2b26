//! What a worker has found not to be there a moment ago: that a client has no lease, and that an address has none.
//!
//! Only a client that takes an offer of this server is answered by it: one that confirms a lease may have got that from another
//! server, which had picked the same address. A client that asks for what it was just offered costs one look at the database instead of two: the look that came
//! before the offer still counts for the request. Nothing depends on its being true: the lease is inserted only where
//! there is no row. A client has one fact, which its next question uses up, whatever it asks for: so whoever meets a conflict
//! reads anew, and nothing that has been given meanwhile is overlooked.

use std::collections::VecDeque;

use foldhash::HashMap;
use util::Now;

use crate::lease::{LeaseKind, SubnetId};

/// Facts that are kept; the oldest one makes room.
const KEPT: usize = 1 << 13;
/// Time for which a fact counts: clients ask for what they are offered within a few seconds.
const LIFETIME_NS: u64 = 5_000_000_000;

/// Facts by client: the last one of each.
#[derive(Debug)]
pub(super) struct Absent<K: LeaseKind> {
    facts: HashMap<K::OwnedKey, Fact<K>>,
    /// Clients in the order of their facts, each with the number of its fact.
    order: VecDeque<(K::OwnedKey, u64)>,
    last: u64,
}

#[derive(Debug)]
struct Fact<K: LeaseKind> {
    number: u64,
    address: K::Number,
    subnet: SubnetId,
    at_ns: u64,
}

impl<K: LeaseKind> Default for Absent<K> {
    fn default() -> Self {
        Self { facts: HashMap::default(), order: VecDeque::new(), last: 0 }
    }
}

impl<K: LeaseKind> Absent<K> {
    /// Takes note that a client has no lease in a subnet, and that nobody has one on an address.
    pub(super) fn note(
        &mut self,
        client: K::OwnedKey,
        subnet: SubnetId,
        address: K::Number,
        now: Now,
    ) {
        if self.order.len() >= KEPT
            && let Some((oldest, number)) = self.order.pop_front()
            && self.facts.get(&oldest).is_some_and(|fact| fact.number == number)
        {
            self.facts.remove(&oldest);
        }
        self.last += 1;
        let fact = Fact { number: self.last, address, subnet, at_ns: now.mono_ns };
        self.facts.insert(client.clone(), fact);
        self.order.push_back((client, self.last));
    }

    /// Forgets what is known of a client.
    pub(super) fn forget(&mut self, client: &K::OwnedKey) {
        self.facts.remove(client);
    }

    /// Uses up what is known of a client; returns whether it is this, and still counts.
    pub(super) fn take(
        &mut self,
        client: &K::OwnedKey,
        subnet: SubnetId,
        address: K::Number,
        now: Now,
    ) -> bool {
        self.facts.remove(client).is_some_and(|fact| {
            fact.address == address
                && fact.subnet == subnet
                && now.mono_ns.saturating_sub(fact.at_ns) <= LIFETIME_NS
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease4::{OwnedClientKey, V4};

    const SUBNET: SubnetId = SubnetId(1);

    fn client(number: u8) -> OwnedClientKey {
        OwnedClientKey { hw_type: 1, hw: vec![number; 6], client_id: Vec::new() }
    }

    #[test]
    fn fact_counts_once_for_its_client_and_for_a_while() {
        let now = Now::from_secs;
        let mut absent = Absent::<V4>::default();
        absent.note(client(1), SUBNET, 7, now(10));
        assert!(absent.take(&client(1), SUBNET, 7, now(15)));
        assert!(!absent.take(&client(1), SUBNET, 7, now(15)), "it was used");
        absent.note(client(1), SUBNET, 7, now(10));
        assert!(!absent.take(&client(1), SUBNET, 8, now(10)));
        assert!(!absent.take(&client(1), SUBNET, 7, now(10)), "it has asked for something else");
        for (other, subnet, at) in
            [(client(2), SUBNET, 10), (client(1), SubnetId(2), 10), (client(1), SUBNET, 16)]
        {
            absent.note(client(1), SUBNET, 7, now(10));
            assert!(!absent.take(&other, subnet, 7, now(at)), "{other:?} {subnet:?} {at}");
        }
        absent.note(client(1), SUBNET, 7, now(10));
        absent.note(client(1), SUBNET, 8, now(11));
        assert!(absent.take(&client(1), SUBNET, 8, now(11)), "the last one counts");
    }

    #[test]
    fn oldest_facts_make_room() {
        let mut absent = Absent::<V4>::default();
        let now = Now::from_secs(1);
        let client = |number: usize| OwnedClientKey {
            hw: (number as u32).to_be_bytes().to_vec(),
            ..OwnedClientKey::default()
        };
        for number in 0..KEPT + 1 {
            absent.note(client(number), SUBNET, 7, now);
        }
        assert!(!absent.take(&client(0), SUBNET, 7, now));
        assert!(absent.take(&client(1), SUBNET, 7, now));
        for _ in 0..3 * KEPT {
            absent.note(client(2), SUBNET, 7, now);
        }
        assert!(absent.take(&client(2), SUBNET, 7, now), "made room for by itself");
        assert!(absent.order.len() <= KEPT && absent.facts.len() <= KEPT);
    }
}
