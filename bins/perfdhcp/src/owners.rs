//! Who holds which address: finds an address or prefix that two clients were given.
//!
//! A hash table with open addressing from 64 bits of an address's hash to a client. Two addresses are taken for one
//! with a probability of 2^-44 per pair in a full table, which is accepted for the memory it saves. The table doubles
//! up to [`ENTRIES_MAX`] entries of 12 bytes; what comes after that is not checked, and counted by the caller.

use std::net::IpAddr;

/// Most addresses that are remembered.
pub const ENTRIES_MAX: usize = 1 << 23;
const ENTRIES_FIRST: usize = 1 << 12;

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody else holds the address.
    Sole,
    /// This client holds it, too, or held it.
    Shared(u32),
    /// The table is full.
    Unknown,
}

/// The holders of addresses.
#[derive(Debug)]
pub struct Owners {
    /// Hashes of addresses; 0 for a place that was never used.
    keys: Vec<u64>,
    /// Clients plus one; 0 for an address that was given back.
    clients: Vec<u32>,
    used: usize,
    entries_max: usize,
}

impl Default for Owners {
    fn default() -> Self {
        Self::new(ENTRIES_MAX)
    }
}

impl Owners {
    /// Nobody holds anything; at most `entries_max` addresses are remembered.
    #[must_use]
    pub fn new(entries_max: usize) -> Self {
        let len = ENTRIES_FIRST.min(entries_max.next_power_of_two());
        Self { keys: vec![0; len], clients: vec![0; len], used: 0, entries_max }
    }

    /// Notes that `client` holds `address`.
    pub fn claim(&mut self, address: IpAddr, client: u32) -> Claim {
        let key = hash(address);
        let mut at = self.place(key);
        if self.keys.get(at) != Some(&key) {
            // A quarter stays free, so that searches are short.
            if (self.used + 1) * 4 > self.keys.len() * 3 {
                if self.keys.len() >= self.entries_max {
                    return Claim::Unknown;
                }
                self.grow();
                at = self.place(key);
            }
            self.used += 1;
        }
        let (Some(known), Some(owner)) = (self.keys.get_mut(at), self.clients.get_mut(at)) else {
            return Claim::Unknown;
        };
        *known = key;
        let before = std::mem::replace(owner, client.wrapping_add(1));
        if before == 0 || before == client.wrapping_add(1) {
            Claim::Sole
        } else {
            Claim::Shared(before - 1)
        }
    }

    /// Notes that `address` is free.
    pub fn give_back(&mut self, address: IpAddr) {
        let key = hash(address);
        let at = self.place(key);
        if self.keys.get(at) == Some(&key)
            && let Some(owner) = self.clients.get_mut(at)
        {
            *owner = 0;
        }
    }

    /// Where a key is, or the free place for it.
    fn place(&self, key: u64) -> usize {
        let mask = self.keys.len() - 1;
        let mut at = key as usize & mask;
        while self.keys.get(at).is_some_and(|known| *known != 0 && *known != key) {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let len = self.keys.len() * 2;
        let keys = std::mem::replace(&mut self.keys, vec![0; len]);
        let clients = std::mem::replace(&mut self.clients, vec![0; len]);
        self.used = 0;
        for (key, client) in keys.into_iter().zip(clients).filter(|(_, client)| *client != 0) {
            let at = self.place(key);
            if let (Some(to), Some(owner)) = (self.keys.get_mut(at), self.clients.get_mut(at)) {
                (*to, *owner) = (key, client);
                self.used += 1;
            }
        }
    }
}

fn hash(address: IpAddr) -> u64 {
    let bits = match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    // SplitMix's last steps, over both halves.
    let mut key = (bits as u64) ^ ((bits >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
        key = (key ^ (key >> shift)).wrapping_mul(factor);
    }
    (key ^ (key >> 31)).max(1)
}

#[cfg(test)]
mod tests {
    use super::{Claim, Owners};
    use std::net::{IpAddr, Ipv4Addr};

    fn address(n: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + n).into()
    }

    #[test]
    fn second_owner_is_reported() {
        let mut owners = Owners::default();
        assert_eq!(owners.claim(address(1), 0), Claim::Sole);
        assert_eq!(owners.claim(address(1), 0), Claim::Sole, "the owner may come again");
        assert_eq!(owners.claim(address(1), 9), Claim::Shared(0));
        owners.give_back(address(1));
        assert_eq!(owners.claim(address(1), 3), Claim::Sole);
        let prefix: IpAddr = "2001:db8::".parse().unwrap();
        assert_eq!(owners.claim(prefix, 1), Claim::Sole);
        assert_eq!(owners.claim(prefix, 2), Claim::Shared(1));
    }

    #[test]
    fn table_grows_up_to_its_limit_and_stays_right() {
        let mut owners = Owners::new(1 << 14);
        let room = (1 << 14) * 3 / 4;
        for n in 0..room {
            assert_eq!(owners.claim(address(n), n), Claim::Sole);
        }
        assert_eq!(owners.claim(address(room), 0), Claim::Unknown);
        for n in 0..room {
            assert_eq!(owners.claim(address(n), n + 1), Claim::Shared(n));
        }
    }
}
