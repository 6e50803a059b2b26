//! The identities of simulated clients: hardware address and DUID of client number n.
//!
//! Client n has the base address plus n, as big-endian numbers of their whole length; the DUID likewise. With a list
//! of addresses client n has the n-th of them, and a DUID-LL of it (RFC 8415 section 11.4).

/// Longest DUID (RFC 8415 section 11.1, with its type).
pub const DUID_LEN_MAX: usize = 130;
/// Shortest DUID that a base may have.
pub const DUID_LEN_MIN: usize = 6;
/// Begin of a DUID-LL of an Ethernet address.
const DUID_LL: [u8; 4] = [0, 3, 0, 1];

/// A DUID on the stack.
#[derive(Clone, Copy, Debug)]
pub struct Duid {
    bytes: [u8; DUID_LEN_MAX],
    len: usize,
}

impl Duid {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn new(bytes: &[u8]) -> Self {
        let mut duid = Self { bytes: [0; DUID_LEN_MAX], len: bytes.len().min(DUID_LEN_MAX) };
        for (to, from) in duid.bytes.iter_mut().zip(bytes) {
            *to = *from;
        }
        duid
    }
}

/// The identities of all clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identities {
    /// Base of hardware addresses.
    pub mac: [u8; 6],
    /// Base of DUIDs.
    pub duid: Vec<u8>,
    /// Hardware addresses to use instead of the bases.
    pub list: Vec<[u8; 6]>,
}

impl Identities {
    /// Hardware address of a client.
    #[must_use]
    #[inline]
    pub fn mac(&self, client: u32) -> [u8; 6] {
        if let Some(mac) = self.listed(client) {
            return mac;
        }
        let mut mac = self.mac;
        add(&mut mac, client);
        mac
    }

    /// DUID of a client.
    #[must_use]
    #[inline]
    pub fn duid(&self, client: u32) -> Duid {
        if let Some([a, b, c, d, e, f]) = self.listed(client) {
            let [t0, t1, h0, h1] = DUID_LL;
            return Duid::new(&[t0, t1, h0, h1, a, b, c, d, e, f]);
        }
        let mut duid = Duid::new(&self.duid);
        let len = duid.len;
        if let Some(bytes) = duid.bytes.get_mut(..len) {
            add(bytes, client);
        }
        duid
    }

    fn listed(&self, client: u32) -> Option<[u8; 6]> {
        let at = client as usize % self.list.len().max(1);
        self.list.get(at).copied()
    }
}

/// Adds to a big-endian number of any length; what goes beyond is lost.
fn add(number: &mut [u8], value: u32) {
    let mut carry = u64::from(value);
    for byte in number.iter_mut().rev() {
        carry += u64::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
        if carry == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Identities, add};
    use proptest::prelude::*;

    fn identities(list: Vec<[u8; 6]>) -> Identities {
        Identities { mac: [0, 12, 1, 2, 3, 4], duid: vec![0, 1, 0, 1, 9, 9, 255, 255], list }
    }

    #[test]
    fn clients_count_up_from_the_base() {
        let clients = identities(Vec::new());
        assert_eq!(clients.mac(0), [0, 12, 1, 2, 3, 4]);
        assert_eq!(clients.mac(252), [0, 12, 1, 2, 4, 0]);
        assert_eq!(clients.duid(1).bytes(), [0, 1, 0, 1, 9, 10, 0, 0]);
    }

    #[test]
    fn listed_addresses_are_used_in_turn() {
        let clients = identities(vec![[1; 6], [2; 6]]);
        assert_eq!((clients.mac(1), clients.mac(2)), ([2; 6], [1; 6]));
        assert_eq!(clients.duid(1).bytes(), [0, 3, 0, 1, 2, 2, 2, 2, 2, 2]);
    }

    proptest! {
        #[test]
        fn different_clients_differ(one in any::<u32>(), two in any::<u32>()) {
            let clients = identities(Vec::new());
            prop_assert_eq!(clients.mac(one) == clients.mac(two), one == two);
            prop_assert_eq!(clients.duid(one).bytes() == clients.duid(two).bytes(), one == two);
        }

        #[test]
        fn addition_is_that_of_numbers(start in any::<u64>(), value in any::<u32>()) {
            let mut bytes = start.to_be_bytes();
            add(&mut bytes, value);
            prop_assert_eq!(u64::from_be_bytes(bytes), start.wrapping_add(u64::from(value)));
        }
    }
}
