//! Addresses that were offered a moment ago.
//!
//! An OFFER or ADVERTISE is not a lease and nothing is stored for it, but a client that repeats its query should be
//! offered the same address again (RFC 2131 section 4.3.1). Each worker remembers its last offers in a table of fixed size;
//! a newer offer may push an older one out, which costs the client nothing but another address.

/// Entries of the table; a power of two.
const ENTRIES: usize = 1 << 13;
/// Seconds for which an offer is remembered.
const MEMORY_S: u32 = 60;

#[derive(Clone, Copy, Debug)]
struct Offer<A> {
    client: u64,
    second: u32,
    address: Option<A>,
}

/// The last offers of one worker: addresses of type `A`.
#[derive(Debug)]
pub struct OfferTable<A> {
    entries: Box<[Offer<A>]>,
}

impl<A: Copy> Default for OfferTable<A> {
    fn default() -> Self {
        Self { entries: vec![Offer { client: 0, second: 0, address: None }; ENTRIES].into() }
    }
}

impl<A: Copy> OfferTable<A> {
    /// The address offered lately to the client (hash of its identity and subnet); `second` is monotonic.
    #[must_use]
    pub fn recent(&self, client: u64, second: u32) -> Option<A> {
        let offer = &self.entries[client as usize & (ENTRIES - 1)];
        let is_recent = second.wrapping_sub(offer.second) <= MEMORY_S;
        offer.address.filter(|_| offer.client == client && is_recent)
    }

    /// Remembers an offer.
    pub fn remember(&mut self, client: u64, address: A, second: u32) {
        self.entries[client as usize & (ENTRIES - 1)] =
            Offer { client, second, address: Some(address) };
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_offer_is_remembered_for_a_minute() {
        let mut offers = OfferTable::default();
        let address = Ipv4Addr::new(192, 0, 2, 7);
        offers.remember(5, address, 100);
        assert_eq!(offers.recent(5, 160), Some(address));
        assert_eq!(offers.recent(5, 161), None);
        assert_eq!(offers.recent(5 + ENTRIES as u64, 100), None);
    }
}
