//! Who holds which address or prefix: finds one that two clients were given.

use std::collections::HashMap;

/// Holders that there is room for from the start, so that the table does not grow during a measurement.
const ROOM: usize = 1 << 20;

/// The client that holds each address; prefixes are known by their first address.
pub(crate) struct Owners {
    clients: HashMap<u128, u64>,
}

impl Owners {
    /// Nobody holds anything.
    pub(crate) fn new() -> Self {
        Self { clients: HashMap::with_capacity(ROOM) }
    }

    /// Notes that `client` holds `address`; returns another client that holds it as well.
    pub(crate) fn claim(&mut self, address: u128, client: u64) -> Option<u64> {
        self.clients.insert(address, client).filter(|&before| before != client)
    }

    /// Notes that `address` is free.
    pub(crate) fn give_back(&mut self, address: u128) {
        self.clients.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::Owners;

    #[test]
    fn second_owner_is_reported() {
        let mut owners = Owners::new();
        assert_eq!(owners.claim(0x0a00_0001, 0), None);
        assert_eq!(owners.claim(0x0a00_0001, 0), None, "the owner may come again");
        assert_eq!(owners.claim(0x0a00_0001, 9), Some(0));
        owners.give_back(0x0a00_0001);
        assert_eq!(owners.claim(0x0a00_0001, 3), None);
    }
}
