//! The messages of the generator, without the product's codec, so that a mistake there is not mirrored here.
//!
//! The generator knows one exchange, in the words of DHCPv4: DISCOVER, OFFER, REQUEST, ACK. DHCPv6 calls them SOLICIT,
//! ADVERTISE, REQUEST, REPLY. What both have in common is here; [`v4`] and [`v6`] write and read the bytes.

pub(crate) mod v4;
pub(crate) mod v6;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::net::{self, CLIENT_PORT, SERVER_PORT};
use crate::spec::Family;
use crate::sys::Datagram;

/// Longest server identifier that is understood; that of our peers has 14 bytes.
const SERVER_ID_MAX: usize = 31;

/// How queries reach the server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Link {
    /// To all servers on the server's own link.
    Direct,
    /// Through relays: relay `i` has the address `first + i * stride`.
    Relay {
        /// Address of the first relay.
        first: u128,
        /// Distance of the addresses.
        stride: u128,
        /// Number of relays.
        count: u32,
    },
}

impl Link {
    /// The relay of a client; clients are spread over the relays by a hash of their number.
    pub(crate) fn relay(self, client: u64) -> Option<u128> {
        let Self::Relay { first, stride, count } = self else { return None };
        let hash = client.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let relay = (hash * u64::from(count)) >> 32;
        Some(first + u128::from(relay) * stride)
    }
}

/// What the clients of DHCPv6 ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    /// An address.
    Address,
    /// An address and a prefix.
    Both,
    /// A prefix.
    Prefix,
}

impl Ask {
    /// Whether an address is asked for.
    pub(crate) fn address(self) -> bool {
        self != Self::Prefix
    }

    /// Whether a prefix is asked for.
    pub(crate) fn prefix(self) -> bool {
        self != Self::Address
    }
}

/// What a client is offered or holds; 0 stands for nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Lease {
    /// An address; that of DHCPv4 in the low 32 bits.
    pub(crate) address: u128,
    /// First address of a prefix.
    pub(crate) prefix: u128,
    /// Length of the prefix.
    pub(crate) prefix_len: u8,
}

impl Lease {
    /// An address alone.
    pub(crate) fn of_address(address: impl Into<u128>) -> Self {
        Self { address: address.into(), ..Self::default() }
    }

    /// The addresses that nobody else may have.
    pub(crate) fn claims(self) -> impl Iterator<Item = u128> {
        [self.address, self.prefix].into_iter().filter(|&number| number != 0)
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return out.write_str("nothing");
        }
        match u32::try_from(self.address) {
            Ok(0) => {}
            Ok(address) => write!(out, "{}", Ipv4Addr::from(address))?,
            Err(_) => write!(out, "{}", Ipv6Addr::from(self.address))?,
        }
        if self.prefix_len == 0 {
            return Ok(());
        }
        let separator = if self.address == 0 { "" } else { " and " };
        write!(out, "{separator}{}/{}", Ipv6Addr::from(self.prefix), self.prefix_len)
    }
}

/// Identifier of a server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ServerId {
    bytes: [u8; SERVER_ID_MAX],
    len: u8,
}

impl ServerId {
    /// Takes an identifier; `None` when it is empty or too long.
    pub(crate) fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; SERVER_ID_MAX];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        (!from.is_empty()).then_some(Self { bytes, len: from.len() as u8 })
    }

    /// The bytes of the identifier.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What a query is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Query {
    /// First message of an exchange.
    Discover,
    /// Extends what the client holds.
    Renew {
        /// What the client holds.
        lease: Lease,
        /// The server that gave it.
        server: ServerId,
    },
    /// Gives back what the client holds.
    Release {
        /// What the client holds.
        lease: Lease,
        /// The server that gave it.
        server: ServerId,
    },
    /// REQUEST for what was offered.
    Select {
        /// What was offered.
        lease: Lease,
        /// The server that offered it.
        server: ServerId,
    },
}

/// What a reply says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// ACK; REPLY without an error.
    Ack,
    /// NAK; any answer of DHCPv6 with an error.
    Nak,
    /// OFFER; ADVERTISE without an error.
    Offer,
    /// Another type of message, by its number.
    Other(u8),
}

/// The fields of a reply that are checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reply {
    pub(crate) kind: Kind,
    pub(crate) xid: u32,
    pub(crate) mac: [u8; 6],
    pub(crate) lease: Lease,
    pub(crate) server: Option<ServerId>,
}

/// Hardware address of a client.
pub(crate) fn mac(client: u64) -> [u8; 6] {
    let [.., a, b, c, d, e] = client.to_be_bytes();
    [2, a, b, c, d, e]
}

/// The protocol as the generator speaks it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    pub(crate) family: Family,
    pub(crate) link: Link,
    pub(crate) ask: Ask,
}

impl Wire {
    /// Bits of a transaction id.
    pub(crate) fn xid_mask(&self) -> u32 {
        match self.family {
            Family::V4 => u32::MAX,
            Family::V6 => 0x00ff_ffff,
        }
    }

    /// Writes a query with its destination.
    pub(crate) fn write(&self, client: u64, xid: u32, query: &Query, into: &mut Datagram) {
        let to = self.destination();
        match self.family {
            Family::V4 => into.set(&v4::query(self.link, client, xid, query), to, None),
            Family::V6 => {
                let message = v6::query(self.link, self.ask, client, xid, query);
                into.set(message.bytes(), to, self.source(client));
            }
        }
    }

    /// Reads a reply; `None` when it is not a DHCP reply.
    pub(crate) fn read(&self, message: &[u8]) -> Option<Reply> {
        match self.family {
            Family::V4 => v4::reply(message),
            Family::V6 => v6::reply(message),
        }
    }

    /// Whether a lease holds all that is asked for.
    pub(crate) fn is_complete(&self, lease: &Lease) -> bool {
        let (address, prefix) = match self.family {
            Family::V4 => (true, false),
            Family::V6 => (self.ask.address(), self.ask.prefix()),
        };
        (lease.address != 0) == address && (lease.prefix_len != 0) == prefix
    }

    fn destination(&self) -> SocketAddr {
        let address: IpAddr = match (self.link, self.family) {
            (Link::Direct, Family::V4) => Ipv4Addr::BROADCAST.into(),
            (Link::Direct, Family::V6) => net::ALL_SERVERS.into(),
            (Link::Relay { .. }, Family::V4) => net::SERVER.into(),
            (Link::Relay { .. }, Family::V6) => net::SERVER6.into(),
        };
        SocketAddr::new(address, SERVER_PORT[self.family as usize])
    }

    /// The address of the relay that a datagram comes from, where there are many; replies go there.
    fn source(&self, client: u64) -> Option<Ipv6Addr> {
        match self.link {
            Link::Relay { count: 2.., .. } => self.link.relay(client).map(Ipv6Addr::from),
            _ => None,
        }
    }
}

/// Port that queries come from: that of relays, or that of clients.
pub(crate) fn query_port(family: Family, direct: bool) -> u16 {
    if direct { CLIENT_PORT[family as usize] } else { SERVER_PORT[family as usize] }
}

#[cfg(test)]
mod tests {
    use super::{Lease, Link, ServerId};

    #[test]
    fn clients_are_spread_over_all_relays() {
        let link = Link::Relay { first: 0x6440_0001, stride: 256, count: 10 };
        let mut seen = std::collections::BTreeSet::new();
        for client in 0..1000 {
            seen.insert(link.relay(client).expect("a relay"));
        }
        assert_eq!(seen.len(), 10);
        assert_eq!(seen.first(), Some(&0x6440_0001));
        assert_eq!(seen.last(), Some(&0x6440_0901));
    }

    #[test]
    fn leases_are_shown_as_people_write_them() {
        assert_eq!(Lease::of_address(0x0a00_0001_u32).to_string(), "10.0.0.1");
        let address = Lease::of_address(0xfd00_u128 << 112 | 1);
        assert_eq!(address.to_string(), "fd00::1");
        let both = Lease { prefix: 0x4000 << 112, prefix_len: 64, ..address };
        assert_eq!(both.to_string(), "fd00::1 and 4000::/64");
        let prefix = Lease { address: 0, ..both };
        assert_eq!(prefix.to_string(), "4000::/64");
        assert_eq!(both.claims().count(), 2);
        assert_eq!(Lease::default().to_string(), "nothing");
    }

    #[test]
    fn identifiers_of_servers_have_a_limit() {
        assert_eq!(ServerId::new(&[]), None);
        assert_eq!(ServerId::new(&[7; 31]).expect("it fits").bytes(), [7; 31]);
        assert_eq!(ServerId::new(&[7; 32]), None);
    }
}
