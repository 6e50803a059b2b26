//! The DHCPv4 messages of the generator: built by patching a template, read by looking at what is checked.
//!
//! Written without the product's codec, so that a mistake there is not mirrored here.

use std::net::{Ipv4Addr, SocketAddrV4};

/// DHCPDISCOVER.
const DISCOVER: u8 = 1;
/// DHCPOFFER.
pub(crate) const OFFER: u8 = 2;
/// DHCPREQUEST.
const REQUEST: u8 = 3;
/// DHCPACK.
pub(crate) const ACK: u8 = 5;
/// DHCPNAK.
pub(crate) const NAK: u8 = 6;
/// DHCPRELEASE.
const RELEASE: u8 = 7;

/// Length of every query: what BOOTP relays expect at least.
const QUERY_LEN: usize = 300;
/// Where the options begin.
const OPTIONS: usize = 240;

const MESSAGE_TYPE: u8 = 53;
const SERVER_ID: u8 = 54;
const REQUESTED_ADDRESS: u8 = 50;
const END: u8 = 255;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Parameter request list: what common clients ask for.
const WANTED: [u8; 9] = [55, 7, 1, 28, 2, 3, 15, 6, 12];

/// How queries reach the server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Link {
    /// Broadcast on the server's own link.
    Direct,
    /// Through relays: relay `i` has the address `first + i * stride`.
    Relay {
        /// Address of the first relay.
        first: Ipv4Addr,
        /// Distance of the addresses.
        stride: u32,
        /// Number of relays.
        count: u32,
    },
}

impl Link {
    /// The relay address of a client; clients are spread over the relays by a hash of their number.
    fn giaddr(self, client: u64) -> Ipv4Addr {
        match self {
            Self::Direct => Ipv4Addr::UNSPECIFIED,
            Self::Relay { first, stride, count } => {
                let hash = client.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                let relay = (hash * u64::from(count)) >> 32;
                Ipv4Addr::from(u32::from(first) + relay as u32 * stride)
            }
        }
    }

    /// Where queries are sent.
    pub(crate) fn destination(self, server: Ipv4Addr) -> SocketAddrV4 {
        match self {
            Self::Direct => SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
            Self::Relay { .. } => SocketAddrV4::new(server, 67),
        }
    }
}

/// Hardware address of a client.
pub(crate) fn mac(client: u64) -> [u8; 6] {
    let [.., a, b, c, d, e] = client.to_be_bytes();
    [2, a, b, c, d, e]
}

/// What a query is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Query {
    /// First message of an exchange.
    Discover,
    /// REQUEST in the RENEWING state.
    Renew {
        /// The address held.
        address: u32,
    },
    /// Gives an address back; there is no answer.
    Release {
        /// The address held.
        address: u32,
        /// The server that gave it.
        server: u32,
    },
    /// REQUEST in the SELECTING state.
    Select {
        /// The address offered.
        address: u32,
        /// The server that offered it.
        server: u32,
    },
}

/// Builds a query.
pub(crate) fn query(link: Link, client: u64, xid: u32, query: Query) -> [u8; QUERY_LEN] {
    let mut message = [0; QUERY_LEN];
    let relayed = matches!(link, Link::Relay { .. });
    message[..4].copy_from_slice(&[1, 1, 6, u8::from(relayed)]);
    message[4..8].copy_from_slice(&xid.to_be_bytes());
    if !relayed {
        message[10] = 0x80;
    }
    message[24..28].copy_from_slice(&link.giaddr(client).octets());
    message[28..34].copy_from_slice(&mac(client));
    message[236..240].copy_from_slice(&COOKIE);
    let mut at = OPTIONS;
    let mut put = |bytes: &[u8]| {
        message[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    let (kind, held) = match query {
        Query::Discover => (DISCOVER, 0),
        Query::Renew { address } => (REQUEST, address),
        Query::Release { address, .. } => (RELEASE, address),
        Query::Select { .. } => (REQUEST, 0),
    };
    put(&[MESSAGE_TYPE, 1, kind]);
    if let Query::Select { server, .. } | Query::Release { server, .. } = query {
        put(&[SERVER_ID, 4]);
        put(&server.to_be_bytes());
    }
    if let Query::Select { address, .. } = query {
        put(&[REQUESTED_ADDRESS, 4]);
        put(&address.to_be_bytes());
    }
    put(&WANTED);
    put(&[END]);
    message[12..16].copy_from_slice(&held.to_be_bytes());
    message
}

/// The fields of a reply that are checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reply {
    pub(crate) kind: u8,
    pub(crate) xid: u32,
    pub(crate) mac: [u8; 6],
    pub(crate) address: u32,
    pub(crate) server: Option<u32>,
}

/// Reads a reply; `None` when it is not a DHCP reply.
pub(crate) fn reply(message: &[u8]) -> Option<Reply> {
    if message.first() != Some(&2) || message.get(236..240)? != COOKIE {
        return None;
    }
    let mut reply = Reply {
        kind: 0,
        xid: number(message, 4)?,
        mac: message.get(28..34)?.try_into().ok()?,
        address: number(message, 16)?,
        server: None,
    };
    let mut at = OPTIONS;
    while let Some(&code) = message.get(at) {
        match code {
            END => break,
            0 => at += 1,
            _ => {
                let len = usize::from(*message.get(at + 1)?);
                match code {
                    MESSAGE_TYPE => reply.kind = *message.get(at + 2)?,
                    SERVER_ID if len == 4 => reply.server = number(message, at + 2),
                    _ => {}
                }
                at += 2 + len;
            }
        }
    }
    Some(reply)
}

fn number(message: &[u8], at: usize) -> Option<u32> {
    let bytes = message.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// Turns a query into the reply of a server without state, in place; returns its length and destination.
///
/// The address is a function of the hardware address. Used by the null server, which shows the cost of the path.
pub(crate) fn echo(message: &mut [u8], server: Ipv4Addr) -> Option<(usize, SocketAddrV4)> {
    if message.first() != Some(&1) || message.get(OPTIONS) != Some(&MESSAGE_TYPE) {
        return None;
    }
    let kind = match *message.get(OPTIONS + 2)? {
        DISCOVER => OFFER,
        REQUEST => ACK,
        _ => return None,
    };
    let giaddr = Ipv4Addr::from(number(message, 24)?);
    message[0] = 2;
    let address = [10, message[31], message[32], message[33]];
    message[16..20].copy_from_slice(&address);
    let [a, b, c, d] = server.octets();
    let options = [
        MESSAGE_TYPE,
        1,
        kind,
        SERVER_ID,
        4,
        a,
        b,
        c,
        d,
        51,
        4,
        0,
        0,
        14,
        16,
        1,
        4,
        255,
        0,
        0,
        0,
        END,
    ];
    message.get_mut(OPTIONS..OPTIONS + options.len())?.copy_from_slice(&options);
    let to = if giaddr.is_unspecified() {
        SocketAddrV4::new(Ipv4Addr::BROADCAST, 68)
    } else {
        SocketAddrV4::new(giaddr, 67)
    };
    Some((QUERY_LEN, to))
}

#[cfg(test)]
mod tests {
    use super::{ACK, Link, OFFER, Query, Reply, echo, mac, query, reply};
    use std::net::Ipv4Addr;

    const RELAY: Link = Link::Relay { first: Ipv4Addr::new(10, 0, 0, 2), stride: 256, count: 1 };

    #[test]
    fn echoed_queries_are_read_as_replies() {
        let server = Ipv4Addr::new(10, 0, 0, 1);
        let select = Query::Select { address: 0x0a00_0007, server: server.into() };
        for (sent, kind) in [(Query::Discover, OFFER), (select, ACK)] {
            let mut message = query(RELAY, 7, 0x1234_5678, sent);
            assert_eq!(reply(&message), None, "a query is no reply");
            let (len, to) = echo(&mut message, server).expect("a query is echoed");
            assert_eq!((len, to.to_string().as_str()), (300, "10.0.0.2:67"));
            let expected = Reply {
                kind,
                xid: 0x1234_5678,
                mac: mac(7),
                address: 0x0a00_0007,
                server: Some(server.into()),
            };
            assert_eq!(reply(&message), Some(expected));
        }
    }

    #[test]
    fn truncated_replies_are_refused() {
        let mut message = query(RELAY, 7, 1, Query::Discover);
        echo(&mut message, Ipv4Addr::LOCALHOST);
        for len in 0..241 {
            assert_eq!(reply(&message[..len]).map(|reply| reply.kind).unwrap_or(0), 0);
        }
    }

    #[test]
    fn clients_are_spread_over_all_relays() {
        let link = Link::Relay { first: Ipv4Addr::new(100, 64, 0, 1), stride: 256, count: 10 };
        let mut seen = std::collections::BTreeSet::new();
        for client in 0..1000 {
            seen.insert(link.giaddr(client));
        }
        assert_eq!(seen.len(), 10);
        assert_eq!(seen.first(), Some(&Ipv4Addr::new(100, 64, 0, 1)));
        assert_eq!(seen.last(), Some(&Ipv4Addr::new(100, 64, 9, 1)));
    }
}
