//! Leases that clients hold, for renewals and releases: a bag of bounded size.
//!
//! When the bag is full, a new lease takes the place of one drawn at random, so the bag stays a fair sample of all
//! clients, however long the run.

use util::Entropy;

/// Most leases that are remembered.
pub const HOLDERS_MAX: usize = 1 << 16;

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

/// The bag.
#[derive(Debug)]
pub struct Holders<L> {
    all: Vec<Holder<L>>,
    max: usize,
}

impl<L: Copy> Holders<L> {
    /// An empty bag with room for `max` leases, reserved at once.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { all: Vec::with_capacity(max), max }
    }

    /// Puts a lease in.
    pub fn put(&mut self, holder: Holder<L>, entropy: &mut impl Entropy) {
        if self.all.len() < self.max {
            self.all.push(holder);
        } else if let Some(old) = self.all.get_mut(entropy.below(self.max as u64) as usize) {
            *old = holder;
        }
    }

    /// Takes a lease drawn at random out; who renews it puts it back when the answer has come.
    pub fn take(&mut self, entropy: &mut impl Entropy) -> Option<Holder<L>> {
        if self.all.is_empty() {
            return None;
        }
        let at = entropy.below(self.all.len() as u64) as usize;
        Some(self.all.swap_remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::{Holder, Holders};
    use util::SplitMix;

    #[test]
    fn bag_is_bounded_and_gives_every_lease_once() {
        let mut entropy = SplitMix::new(1);
        let mut holders = Holders::new(10);
        assert!(holders.take(&mut entropy).is_none());
        for client in 0..10 {
            holders.put(Holder { client, relay: 0, lease: () }, &mut entropy);
        }
        let mut taken: Vec<_> =
            std::iter::from_fn(|| holders.take(&mut entropy)).map(|holder| holder.client).collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..10).collect::<Vec<_>>());
        for client in 0..1000 {
            holders.put(Holder { client, relay: 0, lease: () }, &mut entropy);
        }
        let rest = std::iter::from_fn(|| holders.take(&mut entropy));
        let rest: Vec<_> = rest.map(|holder| holder.client).collect();
        assert!(rest.len() == 10 && rest.iter().any(|client| *client > 100), "{rest:?}");
    }
}
