//! A scripted DHCPv6 client on a raw port: it says exactly what a test tells it and returns what
//! came back.

use std::net::Ipv6Addr;
use std::time::Duration;

use crate::dhcp6::{Dhcp6, Hop, Kind6, decode, opt6};
use crate::frame6::{Frame6, SERVER_PORT};
use crate::net::{CLIENT_MAC, Ns, SERVER_MAC, link_local};
use crate::peer::{ANSWER, GRACE};
use crate::raw::{RawPort, Received};

/// A DHCPv6 message that arrived, with the relay headers and the frame around it.
#[derive(Clone, Debug)]
pub struct Reply6 {
    /// The message.
    pub dhcp: Dhcp6,
    /// Relay headers, outermost first.
    pub hops: Vec<Hop>,
    /// Its frame. The checksum of a datagram that never leaves the machine is not filled in by the
    /// kernel, so it tells nothing.
    pub frame: Frame6,
}

impl Received for Reply6 {
    fn read(bytes: &[u8]) -> Option<Self> {
        let frame = Frame6::decode(bytes)?;
        let (hops, dhcp) = decode(&frame.payload)?;
        Some(Self { dhcp, hops, frame })
    }

    fn answers(&self, xid: u32) -> bool {
        self.dhcp.xid == xid && (self.dhcp.is(Kind6::Advertise) || self.dhcp.is(Kind6::Reply))
    }
}

/// A client with a DUID, speaking through a port.
#[derive(Debug)]
pub struct Peer6 {
    /// The port, open to direct use.
    pub port: RawPort<Reply6>,
    /// The hardware address of the client's interface.
    pub mac: [u8; 6],
    /// The server's hardware address, for unicast frames.
    pub server_mac: [u8; 6],
    /// The client's identifier.
    pub duid: Vec<u8>,
}

impl Peer6 {
    /// A client on interface `cli0`.
    pub fn new(ns: &Ns) -> Self {
        Self::on(ns, "cli0", CLIENT_MAC)
    }

    /// A client on an interface with that hardware address.
    pub fn on(ns: &Ns, interface: &str, mac: [u8; 6]) -> Self {
        let port = RawPort::open(ns, interface);
        Self { port, mac, server_mac: SERVER_MAC, duid: client_duid(mac) }
    }

    /// Becomes another client on the same interface.
    pub fn become_client(&mut self, number: u8) {
        self.duid = client_duid([2, 0, 0, 0, 1, number]);
    }

    /// The link-local address of the client's interface.
    pub fn source(&self) -> Ipv6Addr {
        link_local(self.mac)
    }

    /// A query of this client.
    pub fn query(&self, kind: Kind6) -> Dhcp6 {
        Dhcp6::new(kind).with(opt6::CLIENT_ID, self.duid.clone()).with(opt6::ELAPSED, [0, 0])
    }

    /// A SOLICIT for one address (IAID 1).
    pub fn solicit(&self) -> Dhcp6 {
        self.query(Kind6::Solicit).with_na(1, &[])
    }

    /// A SOLICIT for an address and a prefix, both with IAID 1.
    pub fn solicit_both(&self) -> Dhcp6 {
        self.solicit().with_pd(1, &[])
    }

    /// Multicasts bytes in place of a message.
    pub fn tell_bytes(&mut self, payload: Vec<u8>) {
        let frame = Frame6::multicast(self.mac, self.source(), payload);
        self.port.send_bytes(&frame.encode(), 1);
    }

    /// Multicasts a query that has no answer, or whose answer is fetched later.
    pub fn tell(&mut self, query: &Dhcp6) {
        self.tell_bytes(query.encode());
    }

    /// Multicasts a query and returns the answer, if one came.
    pub fn ask(&mut self, query: &Dhcp6) -> Option<Reply6> {
        self.ask_within(query, ANSWER)
    }

    /// Multicasts a query and returns the answer, if one came within `limit`.
    pub fn ask_within(&mut self, query: &Dhcp6, limit: Duration) -> Option<Reply6> {
        self.tell(query);
        self.port.reply(query.xid, limit)
    }

    /// Multicasts a query and returns the REPLY to it.
    #[track_caller]
    pub fn reply_to(&mut self, query: &Dhcp6) -> Dhcp6 {
        let reply = self.ask(query).unwrap_or_else(|| panic!("no answer to {query:?}"));
        assert!(reply.dhcp.is(Kind6::Reply), "{reply:?}");
        reply.dhcp
    }

    /// Sends a query to an address of the server.
    pub fn tell_unicast(&mut self, query: &Dhcp6, source: Ipv6Addr, destination: Ipv6Addr) {
        let frame = Frame6::multicast(self.mac, source, query.encode());
        self.port.send_bytes(&frame.unicast(self.server_mac, destination).encode(), 1);
    }

    /// Multicasts a query within relay headers (outermost first) as a relay does.
    pub fn tell_relayed(&mut self, query: &Dhcp6, hops: &[Hop]) {
        let payload = query.encode_relayed(hops);
        let mut frame = Frame6::multicast(self.mac, self.source(), payload);
        frame.source_port = SERVER_PORT;
        self.port.send_bytes(&frame.encode(), 1);
    }

    /// As [`Peer6::tell_relayed`]; returns the answer, if one came.
    pub fn ask_relayed(&mut self, query: &Dhcp6, hops: &[Hop]) -> Option<Reply6> {
        self.tell_relayed(query, hops);
        self.port.reply(query.xid, ANSWER)
    }

    /// The message of another type that repeats all IAs of an answer and names its server.
    pub fn follow(&self, kind: Kind6, answer: &Dhcp6) -> Dhcp6 {
        let server = answer.option(opt6::SERVER_ID).expect("an answer names its server");
        let mut query = self.query(kind);
        if ![Kind6::Confirm, Kind6::Rebind].contains(&kind) {
            query = query.with(opt6::SERVER_ID, server);
        }
        let ias = answer.options.iter();
        query
            .options
            .extend(ias.filter(|(code, _)| [opt6::IA_NA, opt6::IA_PD].contains(code)).cloned());
        query
    }

    /// Gets an ADVERTISE.
    #[track_caller]
    pub fn advertised(&mut self, solicit: &Dhcp6) -> Dhcp6 {
        let answer = self.ask(solicit).unwrap_or_else(|| panic!("no answer to {solicit:?}"));
        assert!(answer.dhcp.is(Kind6::Advertise), "{answer:?}");
        answer.dhcp
    }

    /// Gets what a SOLICIT asks for by the whole exchange and returns the REPLY.
    #[track_caller]
    pub fn acquire_by(&mut self, solicit: &Dhcp6) -> Dhcp6 {
        let advertised = self.advertised(solicit);
        let request = self.follow(Kind6::Request, &advertised);
        self.reply_to(&request)
    }

    /// Gets one address (IAID 1) by the whole exchange and returns the REPLY.
    #[track_caller]
    pub fn acquire(&mut self) -> Dhcp6 {
        let solicit = self.solicit();
        self.acquire_by(&solicit)
    }

    /// Gets an address and a prefix (IAID 1) by the whole exchange and returns the REPLY.
    #[track_caller]
    pub fn acquire_both(&mut self) -> Dhcp6 {
        let solicit = self.solicit_both();
        self.acquire_by(&solicit)
    }

    /// Multicasts a query and asserts that it stays without answer.
    #[track_caller]
    pub fn expect_silence(&mut self, query: &Dhcp6) {
        self.tell(query);
        self.expect_no_answer_to(query.xid);
    }

    /// Asserts that the server works and has not answered the query `xid` sent before.
    #[track_caller]
    pub fn expect_no_answer_to(&mut self, xid: u32) {
        let sentinel = Dhcp6::new(Kind6::Solicit)
            .with(opt6::CLIENT_ID, client_duid([2, 0, 0, 0, 0xee, 0xee]))
            .with_na(1, &[]);
        self.tell(&sentinel);
        let mut answered = false;
        let mut limit = ANSWER;
        while let Some(reply) = self.port.next(limit) {
            assert!(!reply.answers(xid), "unwanted answer {:?}", reply.dhcp);
            if reply.answers(sentinel.xid) {
                answered = true;
                limit = GRACE;
            }
        }
        assert!(answered, "the server answers nothing any more");
    }

    /// Asks again and again until the server answers; returns the time it took.
    #[track_caller]
    pub fn until_served(&mut self, limit: Duration) -> Duration {
        let start = std::time::Instant::now();
        while start.elapsed() < limit {
            let query = self.solicit();
            if self.ask_within(&query, Duration::from_millis(100)).is_some() {
                return start.elapsed();
            }
        }
        panic!("no answer within {limit:?}");
    }
}

/// The DUID-LL of a hardware address (RFC 8415 section 11.4).
pub fn client_duid(mac: [u8; 6]) -> Vec<u8> {
    [&[0, 3, 0, 1][..], &mac].concat()
}

/// A DUID or another string of bytes as lease files write it.
pub fn colons(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}
