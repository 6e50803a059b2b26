//! The DHCPv4 messages of the generator: built by patching a template, read by looking at what is checked.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Kind, Lease, Link, Query, Reply, ServerId, mac};

/// DHCPDISCOVER.
const DISCOVER: u8 = 1;
/// DHCPOFFER.
const OFFER: u8 = 2;
/// DHCPREQUEST.
const REQUEST: u8 = 3;
/// DHCPACK.
const ACK: u8 = 5;
/// DHCPNAK.
const NAK: u8 = 6;
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

/// Vendor class identifier, as most clients send one; a class of [`crate::policy`] asks for it.
const VENDOR: [u8; 11] = *b"\x3c\x09bench 1.0";

/// Builds a query.
pub(super) fn query(link: Link, client: u64, xid: u32, query: &Query) -> [u8; QUERY_LEN] {
    let mut message = [0; QUERY_LEN];
    let relayed = matches!(link, Link::Relay { .. });
    message[..4].copy_from_slice(&[1, 1, 6, u8::from(relayed)]);
    message[4..8].copy_from_slice(&xid.to_be_bytes());
    if !relayed {
        message[10] = 0x80;
    }
    let giaddr = link.relay(client).unwrap_or(0) as u32;
    message[24..28].copy_from_slice(&giaddr.to_be_bytes());
    message[28..34].copy_from_slice(&mac(client));
    message[236..240].copy_from_slice(&COOKIE);
    let mut at = OPTIONS;
    let mut put = |bytes: &[u8]| {
        message[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    let (kind, held) = match query {
        Query::Discover => (DISCOVER, 0),
        Query::Renew { lease, .. } => (REQUEST, lease.address as u32),
        Query::Release { lease, .. } => (RELEASE, lease.address as u32),
        Query::Select { .. } => (REQUEST, 0),
    };
    put(&[MESSAGE_TYPE, 1, kind]);
    if let Query::Select { server, .. } | Query::Release { server, .. } = query {
        put(&[SERVER_ID, server.bytes().len() as u8]);
        put(server.bytes());
    }
    if let Query::Select { lease, .. } = query {
        put(&[REQUESTED_ADDRESS, 4]);
        put(&(lease.address as u32).to_be_bytes());
    }
    put(&VENDOR);
    put(&WANTED);
    put(&[END]);
    message[12..16].copy_from_slice(&held.to_be_bytes());
    message
}

/// Reads a reply; `None` when it is not a DHCP reply.
pub(super) fn reply(message: &[u8]) -> Option<Reply> {
    if message.first() != Some(&2) || message.get(236..240)? != COOKIE {
        return None;
    }
    let mut reply = Reply {
        kind: Kind::Other(0),
        xid: number(message, 4)?,
        mac: message.get(28..34)?.try_into().ok()?,
        lease: Lease::of_address(number(message, 16)?),
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
                    MESSAGE_TYPE => reply.kind = kind_of(*message.get(at + 2)?),
                    SERVER_ID if len == 4 => {
                        reply.server = ServerId::new(message.get(at + 2..at + 6)?);
                    }
                    _ => {}
                }
                at += 2 + len;
            }
        }
    }
    Some(reply)
}

fn kind_of(message_type: u8) -> Kind {
    match message_type {
        ACK => Kind::Ack,
        NAK => Kind::Nak,
        OFFER => Kind::Offer,
        other => Kind::Other(other),
    }
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
    use super::{Kind, Lease, Link, Query, Reply, ServerId, echo, mac, query, reply};
    use std::net::Ipv4Addr;

    const RELAY: Link = Link::Relay { first: 0x0a00_0002, stride: 256, count: 1 };

    #[test]
    fn echoed_queries_are_read_as_replies() {
        let address = Ipv4Addr::new(10, 0, 0, 1);
        let server = ServerId::new(&address.octets());
        let lease = Lease::of_address(0x0a00_0007_u32);
        let select = Query::Select { lease, server: server.expect("it fits") };
        for (sent, kind) in [(Query::Discover, Kind::Offer), (select, Kind::Ack)] {
            let mut message = query(RELAY, 7, 0x1234_5678, &sent);
            assert_eq!(reply(&message), None, "a query is no reply");
            let (len, to) = echo(&mut message, address).expect("a query is echoed");
            assert_eq!((len, to.to_string().as_str()), (300, "10.0.0.2:67"));
            let expected = Reply { kind, xid: 0x1234_5678, mac: mac(7), lease, server };
            assert_eq!(reply(&message), Some(expected));
        }
    }

    #[test]
    fn truncated_replies_are_refused() {
        let mut message = query(RELAY, 7, 1, &Query::Discover);
        echo(&mut message, Ipv4Addr::LOCALHOST);
        for len in 0..241 {
            let kind = reply(&message[..len]).map_or(Kind::Other(0), |reply| reply.kind);
            assert_eq!(kind, Kind::Other(0));
        }
    }
}
