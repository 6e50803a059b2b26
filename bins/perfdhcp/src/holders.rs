//! Leases that clients hold, for renewals and releases: at most one per client, and a bounded number.
//!
//! A client has the place of its number, modulo the number of places. What it is given anew takes the place of what it
//! held; with more clients than places, a client also takes the place of another one, so the newest leases stay.

use util::Entropy;

/// Most leases that are remembered.
pub const HOLDERS_MAX: usize = 1 << 16;
/// Not in the list of those that hold something.
const NONE: u32 = u32::MAX;

/// One lease with its client.
#[derive(Clone, Copy, Debug)]
pub struct Holder<L> {
    /// Number of the client.
    pub client: u32,
    /// Number that picks its relay address.
    pub relay: u32,
    /// What it holds.
    pub lease: L,
}

/// The leases.
#[derive(Debug)]
pub struct Holders<L> {
    places: Vec<Option<Holder<L>>>,
    /// Where each place is in `taken`.
    listed_at: Vec<u32>,
    /// The places that hold something, in no order.
    taken: Vec<u32>,
}

impl<L: Copy> Holders<L> {
    /// No leases; room for `max` of them is reserved at once.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { places: vec![None; max], listed_at: vec![NONE; max], taken: Vec::with_capacity(max) }
    }

    /// Puts a lease in.
    pub fn put(&mut self, holder: Holder<L>) {
        let at = holder.client as usize % self.places.len().max(1);
        let (Some(place), Some(listed_at)) = (self.places.get_mut(at), self.listed_at.get_mut(at))
        else {
            return;
        };
        *place = Some(holder);
        if *listed_at == NONE {
            *listed_at = self.taken.len() as u32;
            self.taken.push(at as u32);
        }
    }

    /// Takes a lease drawn at random out; who renews it puts it back when the answer has come.
    pub fn take(&mut self, entropy: &mut impl Entropy) -> Option<Holder<L>> {
        if self.taken.is_empty() {
            return None;
        }
        let drawn = entropy.below(self.taken.len() as u64) as usize;
        let at = self.taken.swap_remove(drawn) as usize;
        if let Some(moved) =
            self.taken.get(drawn).and_then(|at| self.listed_at.get_mut(*at as usize))
        {
            *moved = drawn as u32;
        }
        if let Some(listed_at) = self.listed_at.get_mut(at) {
            *listed_at = NONE;
        }
        self.places.get_mut(at)?.take()
    }
}

#[cfg(test)]
mod tests {
    use super::{Holder, Holders};
    use std::collections::BTreeMap;
    use util::{Entropy, SplitMix};

    fn drain(holders: &mut Holders<u32>) -> Vec<(u32, u32)> {
        let mut entropy = SplitMix::new(1);
        let all = std::iter::from_fn(|| holders.take(&mut entropy));
        let mut all: Vec<_> = all.map(|holder| (holder.client, holder.lease)).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_client_holds_one_lease_the_newest() {
        let mut holders = Holders::new(10);
        for (client, lease) in [(1, 5), (2, 6), (1, 7)] {
            holders.put(Holder { client, relay: 0, lease });
        }
        assert_eq!(drain(&mut holders), [(1, 7), (2, 6)]);
        assert!(drain(&mut holders).is_empty());
    }

    #[test]
    fn places_are_bounded() {
        let mut holders = Holders::new(10);
        for client in 0..1000 {
            holders.put(Holder { client, relay: 0, lease: client });
        }
        let rest = drain(&mut holders);
        assert!(rest.len() == 10 && rest.iter().all(|(client, _)| *client >= 990), "{rest:?}");
        let mut none = Holders::new(0);
        none.put(Holder { client: 1, relay: 0, lease: 1 });
        assert!(drain(&mut none).is_empty());
    }

    #[test]
    fn leases_are_those_of_a_map() {
        let (mut entropy, mut holders) = (SplitMix::new(5), Holders::new(64));
        let mut model = BTreeMap::new();
        for lease in 0..5000 {
            if entropy.below(3) > 0 {
                let client = entropy.below(64) as u32;
                holders.put(Holder { client, relay: 0, lease });
                model.insert(client, lease);
            } else if let Some(holder) = holders.take(&mut entropy) {
                assert_eq!(model.remove(&holder.client), Some(holder.lease));
            } else {
                assert!(model.is_empty());
            }
        }
        assert_eq!(drain(&mut holders), model.into_iter().collect::<Vec<_>>());
    }
}
