//! A scripted DHCP client on a raw port: it says exactly what a test tells it and returns what came
//! back.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::dhcp::{Dhcp, Kind, opt};
use crate::frame::Frame;
use crate::net::{CLIENT_MAC, Ns, SERVER, SERVER_MAC};
use crate::raw::{RawPort, Reply};

/// How long an answer may take.
pub(crate) const ANSWER: Duration = Duration::from_secs(3);
/// How long after the answer to a later query an unwanted answer may still come.
pub(crate) const GRACE: Duration = Duration::from_millis(150);

/// A client with a hardware address, speaking through a port.
#[derive(Debug)]
pub struct Peer {
    /// The port, open to direct use.
    pub port: RawPort,
    /// The client's hardware address.
    pub mac: [u8; 6],
    /// The server's hardware address, for unicast frames.
    pub server_mac: [u8; 6],
    /// The client's identifier, when it sends one.
    pub client_id: Option<Vec<u8>>,
}

impl Peer {
    /// A client on interface `cli0` with the interface's own address.
    pub fn new(ns: &Ns) -> Self {
        Self {
            port: RawPort::open(ns, "cli0"),
            mac: CLIENT_MAC,
            server_mac: SERVER_MAC,
            client_id: None,
        }
    }

    /// Becomes another client with the same port.
    pub fn become_client(&mut self, number: u8) {
        self.mac = [2, 0, 0, 0, 1, number];
    }

    /// A query of this client.
    pub fn query(&self, kind: Kind) -> Dhcp {
        let query = Dhcp::query(kind, self.mac);
        match &self.client_id {
            Some(id) => query.with(opt::CLIENT_ID, id.clone()),
            None => query,
        }
    }

    /// Broadcasts a query and returns the answer, if one came.
    pub fn ask(&mut self, query: &Dhcp) -> Option<Reply> {
        self.ask_within(query, ANSWER)
    }

    /// Broadcasts a query and returns the answer, if one came within `limit`.
    pub fn ask_within(&mut self, query: &Dhcp, limit: Duration) -> Option<Reply> {
        self.tell(query);
        self.port.reply(query.xid, limit)
    }

    /// Broadcasts a query that has no answer, or whose answer is fetched later.
    pub fn tell(&mut self, query: &Dhcp) {
        self.port.send(&Frame::broadcast(self.mac, query.encode()));
    }

    /// Sends a query to the server's address from `source`.
    pub fn tell_unicast(&mut self, query: &Dhcp, source: Ipv4Addr, destination: Ipv4Addr) {
        let frame = Frame::broadcast(self.mac, query.encode());
        self.port.send(&frame.unicast(self.server_mac, source, destination));
    }

    /// Sends a query from `source` to the server's address and returns the answer.
    pub fn ask_unicast(&mut self, query: &Dhcp, source: Ipv4Addr) -> Option<Reply> {
        self.tell_unicast(query, source, SERVER);
        self.port.reply(query.xid, ANSWER)
    }

    /// Sends a query as a relay at `giaddr` to a server address and returns the answer.
    pub fn ask_as_relay(
        &mut self,
        query: &Dhcp,
        source: Ipv4Addr,
        server: Ipv4Addr,
    ) -> Option<Reply> {
        self.tell_as_relay(query, source, server);
        self.port.reply(query.xid, ANSWER)
    }

    /// Sends a query from the port of a relay.
    pub fn tell_as_relay(&mut self, query: &Dhcp, source: Ipv4Addr, server: Ipv4Addr) {
        let mut frame = Frame::broadcast(crate::net::CLIENT_MAC, query.encode());
        frame.source_port = 67;
        self.port.send(&frame.unicast(self.server_mac, source, server));
    }

    /// Gets an offer.
    #[track_caller]
    pub fn discover(&mut self) -> Reply {
        let query = self.query(Kind::Discover);
        let offer = self.ask(&query).expect("an offer");
        assert_eq!(offer.dhcp.kind(), Some(Kind::Offer));
        offer
    }

    /// The request that accepts an offer.
    pub fn request_for(&self, offer: &Dhcp) -> Dhcp {
        let server = offer.option_address(opt::SERVER_ID).expect("an offer names its server");
        self.query(Kind::Request)
            .with_address(opt::REQUESTED, offer.yiaddr)
            .with_address(opt::SERVER_ID, server)
    }

    /// Gets a lease by the whole exchange and returns the ACK.
    #[track_caller]
    pub fn acquire(&mut self) -> Reply {
        let offer = self.discover();
        let request = self.request_for(&offer.dhcp);
        let ack = self.ask(&request).expect("an answer to the request");
        assert_eq!(ack.dhcp.kind(), Some(Kind::Ack));
        assert_eq!(ack.dhcp.yiaddr, offer.dhcp.yiaddr);
        ack
    }

    /// Gets no offer within the time that the server needs for another client's whole exchange.
    #[track_caller]
    pub fn expect_silence(&mut self, query: &Dhcp) {
        self.tell(query);
        self.expect_no_answer_to(query.xid);
    }

    /// Asserts that the server works and has not answered the query `xid` sent before.
    #[track_caller]
    pub fn expect_no_answer_to(&mut self, xid: u32) {
        let sentinel = Dhcp::query(Kind::Discover, [2, 0, 0, 0, 0xee, 0xee]);
        self.tell(&sentinel);
        let mut answered = false;
        let mut limit = ANSWER;
        while let Some(reply) = self.port.next(limit) {
            assert!(
                reply.dhcp.op != 2 || reply.dhcp.xid != xid,
                "unwanted answer {:?}",
                reply.dhcp
            );
            if reply.dhcp.op == 2 && reply.dhcp.xid == sentinel.xid {
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
            let query = self.query(Kind::Discover);
            if self.ask_within(&query, Duration::from_millis(100)).is_some() {
                return start.elapsed();
            }
        }
        panic!("no answer within {limit:?}");
    }
}
