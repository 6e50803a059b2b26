//! The DHCPv6 messages of the generator: SOLICIT, REQUEST, RENEW and RELEASE of a client that is known by its hardware
//! address (DUID-LL), alone or in the RELAY-FORW of one relay; ADVERTISE and REPLY, read by looking at what is checked.

use super::{Ask, Kind, Lease, Link, Query, Reply, ServerId, mac};

const SOLICIT: u8 = 1;
const ADVERTISE: u8 = 2;
const REQUEST: u8 = 3;
const RENEW: u8 = 5;
const REPLY: u8 = 7;
const RELEASE: u8 = 8;
const RELAY_FORW: u8 = 12;
const RELAY_REPL: u8 = 13;

const CLIENT_ID: u16 = 1;
const SERVER_ID: u16 = 2;
const IA_NA: u16 = 3;
const IA_ADDRESS: u16 = 5;
const REQUESTED_OPTIONS: u16 = 6;
const ELAPSED_TIME: u16 = 8;
const RELAY_MESSAGE: u16 = 9;
const STATUS: u16 = 13;
const IA_PD: u16 = 25;
const IA_PREFIX: u16 = 26;

/// Header of relay messages.
const RELAY_LEN: usize = 34;
/// Header of the messages of clients and servers.
const HEADER_LEN: usize = 4;
/// Number, T1 and T2 of an association.
const IA_LEN: usize = 12;
/// DUID-LL of an Ethernet address, up to the address.
const DUID_LL: [u8; 4] = [0, 3, 0, 1];
/// Options that are asked for: name servers and search list.
const WANTED: [u8; 4] = [0, 23, 0, 24];
/// Identifier of the null server.
const NULL_SERVER: [u8; 10] = [0, 3, 0, 1, 2, 0, 0x5e, 0, 0, 1];
/// Longest identifier of a client that the null server takes.
const CLIENT_DUID_MAX: usize = 32;
/// Times and lifetimes that the null server gives.
const NULL_TIMES: [u8; 8] = [0, 0, 0x61, 0xa8, 0, 0, 0x9c, 0x40];

/// Longest message that is written.
const MESSAGE_LEN_MAX: usize = 320;

/// A message in the making.
pub(crate) struct Message {
    bytes: [u8; MESSAGE_LEN_MAX],
    len: usize,
}

impl Message {
    fn new() -> Self {
        Self { bytes: [0; MESSAGE_LEN_MAX], len: 0 }
    }

    /// What has been written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Writes an option whose body `inside` writes.
    fn option(&mut self, code: u16, inside: impl FnOnce(&mut Self)) {
        self.put(&code.to_be_bytes());
        let at = self.len;
        self.put(&[0; 2]);
        inside(self);
        let len = (self.len - at - 2) as u16;
        self.bytes[at..at + 2].copy_from_slice(&len.to_be_bytes());
    }

    fn plain(&mut self, code: u16, body: &[u8]) {
        self.option(code, |message| message.put(body));
    }
}

/// Builds a query.
pub(super) fn query(link: Link, ask: Ask, client: u64, xid: u32, query: &Query) -> Message {
    let mut message = Message::new();
    match link.relay(client) {
        None => put_query(&mut message, ask, client, xid, query),
        Some(relay) => {
            message.put(&[RELAY_FORW, 0]);
            message.put(&relay.to_be_bytes());
            let [a, b, c, d, e, f] = mac(client);
            message.put(&[0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
            message.option(RELAY_MESSAGE, |inner| put_query(inner, ask, client, xid, query));
        }
    }
    message
}

fn put_query(message: &mut Message, ask: Ask, client: u64, xid: u32, query: &Query) {
    let (kind, lease, server) = match query {
        Query::Discover => (SOLICIT, Lease::default(), None),
        Query::Renew { lease, server } => (RENEW, *lease, Some(server)),
        Query::Release { lease, server } => (RELEASE, *lease, Some(server)),
        Query::Select { lease, server } => (REQUEST, *lease, Some(server)),
    };
    let [_, a, b, c] = xid.to_be_bytes();
    message.put(&[kind, a, b, c]);
    message.option(CLIENT_ID, |duid| {
        duid.put(&DUID_LL);
        duid.put(&mac(client));
    });
    if let Some(server) = server {
        message.plain(SERVER_ID, server.bytes());
    }
    put_associations(message, ask, &lease, [0; 8]);
    message.plain(ELAPSED_TIME, &[0; 2]);
    message.plain(REQUESTED_OPTIONS, &WANTED);
}

/// Writes the associations with what of `lease` belongs there.
fn put_associations(message: &mut Message, ask: Ask, lease: &Lease, times: [u8; 8]) {
    if ask.address() {
        message.option(IA_NA, |ia| {
            ia.put(&1_u32.to_be_bytes());
            ia.put(&times);
            if lease.address != 0 {
                ia.option(IA_ADDRESS, |entry| {
                    entry.put(&lease.address.to_be_bytes());
                    entry.put(&times);
                });
            }
        });
    }
    if ask.prefix() {
        message.option(IA_PD, |ia| {
            ia.put(&1_u32.to_be_bytes());
            ia.put(&times);
            if lease.prefix_len != 0 {
                ia.option(IA_PREFIX, |entry| {
                    entry.put(&times);
                    entry.put(&[lease.prefix_len]);
                    entry.put(&lease.prefix.to_be_bytes());
                });
            }
        });
    }
}

/// Iterator over options: code and body. It ends at the first one that is cut off.
#[derive(Clone)]
struct Options<'a>(&'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[a, b, c, d], rest) = self.0.split_first_chunk()?;
        let (body, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
        self.0 = rest;
        Some((u16::from_be_bytes([a, b]), body))
    }
}

/// The message of a client or server, taken out of a relay message of this type, if it is in one.
fn unwrapped(message: &[u8], relay_type: u8) -> Option<&[u8]> {
    if *message.first()? != relay_type {
        return Some(message);
    }
    let mut options = Options(message.get(RELAY_LEN..)?);
    options.find(|(code, _)| *code == RELAY_MESSAGE).map(|(_, body)| body)
}

/// Reads a reply; `None` when it is not a DHCP reply.
pub(super) fn reply(message: &[u8]) -> Option<Reply> {
    let message = unwrapped(message, RELAY_REPL)?;
    let (&[kind, a, b, c], options) = message.split_first_chunk::<HEADER_LEN>()?;
    let kind = match kind {
        ADVERTISE => Kind::Offer,
        REPLY => Kind::Ack,
        SOLICIT | REQUEST | RENEW | RELEASE | RELAY_FORW => return None,
        other => Kind::Other(other),
    };
    let xid = u32::from_be_bytes([0, a, b, c]);
    let mut reply = Reply { kind, xid, mac: [0; 6], lease: Lease::default(), server: None };
    let mut failed = false;
    for (code, body) in Options(options) {
        match code {
            CLIENT_ID => {
                let address = body.strip_prefix(&DUID_LL);
                reply.mac = address.and_then(|mac| mac.try_into().ok()).unwrap_or_default();
            }
            SERVER_ID => reply.server = ServerId::new(body),
            IA_NA | IA_PD => failed |= !read_association(body, &mut reply.lease)?,
            STATUS => failed |= is_error(body),
            _ => {}
        }
    }
    if failed {
        reply.kind = Kind::Nak;
    }
    Some(reply)
}

/// Notes what an association has; false when its status is an error.
fn read_association(body: &[u8], lease: &mut Lease) -> Option<bool> {
    let mut fine = true;
    for (code, body) in Options(body.get(IA_LEN..)?) {
        match code {
            // What has no lifetime is taken away.
            IA_ADDRESS if body.get(20..24)? != [0; 4] => {
                lease.address = number(body, 0)?;
            }
            IA_PREFIX if body.get(4..8)? != [0; 4] => {
                lease.prefix_len = *body.get(8)?;
                lease.prefix = number(body, 9)?;
            }
            STATUS => fine &= !is_error(body),
            _ => {}
        }
    }
    Some(fine)
}

fn is_error(status: &[u8]) -> bool {
    status.get(..2) != Some(&[0, 0])
}

fn number(body: &[u8], at: usize) -> Option<u128> {
    Some(u128::from_be_bytes(*body.get(at..)?.first_chunk()?))
}

/// Makes the reply of a server without state; it goes back to where the query came from.
///
/// Address and prefix are functions of the client's identifier. Used by the null server, which shows the cost of the
/// path.
pub(crate) fn echo(query: &[u8]) -> Option<Message> {
    let inner = unwrapped(query, RELAY_FORW)?;
    let (&[kind, xid @ ..], options) = inner.split_first_chunk::<HEADER_LEN>()?;
    let kind = match kind {
        SOLICIT => ADVERTISE,
        REQUEST | RENEW => REPLY,
        _ => return None,
    };
    let find = |wanted| Options(options).find(|(code, _)| *code == wanted).map(|(_, body)| body);
    let duid = find(CLIENT_ID).filter(|duid| (8..=CLIENT_DUID_MAX).contains(&duid.len()))?;
    let (_, tail) = duid.split_last_chunk::<4>()?;
    let client = u128::from(u32::from_be_bytes(*tail));
    let ask = match (find(IA_NA), find(IA_PD)) {
        (Some(_), Some(_)) => Ask::Both,
        (None, Some(_)) => Ask::Prefix,
        (_, None) => Ask::Address,
    };
    let lease = Lease {
        address: 0xfd00_0001_u128 << 96 | 1 << 32 | client,
        prefix: 0x4000_u128 << 112 | client << 64,
        prefix_len: 64,
    };
    let put = |message: &mut Message| {
        message.put(&[kind]);
        message.put(&xid);
        message.plain(CLIENT_ID, duid);
        message.plain(SERVER_ID, &NULL_SERVER);
        put_associations(message, ask, &lease, NULL_TIMES);
    };
    let mut message = Message::new();
    match query.get(1..RELAY_LEN).filter(|_| query.first() == Some(&RELAY_FORW)) {
        None => put(&mut message),
        Some(header) => {
            message.put(&[RELAY_REPL]);
            message.put(header);
            message.option(RELAY_MESSAGE, put);
        }
    }
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::{Ask, Kind, Lease, Link, NULL_SERVER, Query, Reply, ServerId, echo, mac};
    use super::{query, reply};

    const RELAY: Link = Link::Relay { first: 0xfd00 << 112 | 2, stride: 1 << 64, count: 1 };

    #[test]
    fn echoed_queries_are_read_as_replies() {
        let id = ServerId::new(&NULL_SERVER).expect("it fits");
        for link in [Link::Direct, RELAY] {
            for ask in [Ask::Address, Ask::Prefix, Ask::Both] {
                let (mut sent, mut kind) = (Query::Discover, Kind::Offer);
                for _ in 0..3 {
                    let message = query(link, ask, 7, 0x0012_3456, &sent);
                    assert_eq!(reply(message.bytes()), None, "a query is no reply");
                    let answer = echo(message.bytes()).expect("it is echoed");
                    let read = reply(answer.bytes()).expect("a reply");
                    let lease = read.lease;
                    assert_eq!(lease.address != 0, ask.address());
                    assert_eq!(lease.prefix_len == 64, ask.prefix());
                    let (mac, xid, server) = (mac(7), 0x0012_3456, Some(id));
                    assert_eq!(read, Reply { kind, xid, mac, lease, server });
                    kind = Kind::Ack;
                    sent = match sent {
                        Query::Discover => Query::Select { lease, server: id },
                        _ => Query::Renew { lease, server: id },
                    };
                }
            }
        }
    }

    #[test]
    fn release_is_not_echoed() {
        let server = ServerId::new(&NULL_SERVER).expect("it fits");
        let release = Query::Release { lease: Lease::of_address(1_u128), server };
        assert!(echo(query(RELAY, Ask::Address, 7, 1, &release).bytes()).is_none());
    }

    #[test]
    fn truncated_replies_have_no_lease_and_do_no_harm() {
        let sent = query(RELAY, Ask::Both, 7, 1, &Query::Discover);
        let answer = echo(sent.bytes()).expect("it is echoed");
        for len in 0..answer.bytes().len() {
            assert_eq!(reply(&answer.bytes()[..len]), None, "the relay message is cut off");
        }
        let sent = query(Link::Direct, Ask::Address, 7, 1, &Query::Discover);
        let answer = echo(sent.bytes()).expect("it is echoed");
        for len in 0..answer.bytes().len() {
            let lease = reply(&answer.bytes()[..len]).map(|reply| reply.lease);
            assert_eq!(lease.unwrap_or_default(), Lease::default());
        }
    }

    /// An answer of type REPLY with these options.
    fn answer(options: &[&[u8]]) -> Reply {
        let message = [&[super::REPLY, 0, 0, 1], options.concat().as_slice()].concat();
        reply(&message).expect("a reply")
    }

    #[test]
    fn errors_and_withdrawn_addresses_are_seen() {
        let status = [0, 13, 0, 2, 0, 2];
        let ia = |inside: &[u8]| {
            let head = [0, 3, 0, 12 + inside.len() as u8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
            [&head, inside].concat()
        };
        assert_eq!(answer(&[&status]).kind, Kind::Nak);
        assert_eq!(answer(&[&ia(&status)]).kind, Kind::Nak);
        assert_eq!(answer(&[&[0, 13, 0, 2, 0, 0]]).kind, Kind::Ack);
        let address = |valid: u8| {
            let head = [0, 5, 0, 24, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
            [head.as_slice(), &[0, 0, 0, 1, 0, 0, 0, valid]].concat()
        };
        assert_eq!(answer(&[&ia(&address(0))]).lease, Lease::default());
        assert_eq!(answer(&[&ia(&address(5))]).lease.address, 0xfd00 << 112 | 9);
    }
}
