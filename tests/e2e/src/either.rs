//! A scripted client of either family, for claims about both servers.

use std::net::IpAddr;
use std::time::Duration;

use crate::dhcp::opt;
use crate::family::Family;
use crate::net::{Net, Ns};
use crate::peer::Peer;
use crate::peer6::Peer6;

/// A [`Peer`] or a [`Peer6`].
#[derive(Debug)]
pub enum EitherPeer {
    /// Speaks DHCPv4.
    V4(Peer),
    /// Speaks DHCPv6.
    V6(Peer6),
}

impl EitherPeer {
    /// A client on the interface `cli0` of the client's namespace.
    pub fn new(net: &Net) -> Self {
        Self::on(&net.client, net.family)
    }

    /// A client on the interface `cli0` of a namespace.
    pub fn on(ns: &Ns, family: Family) -> Self {
        match family {
            Family::V4 => Self::V4(Peer::new(ns)),
            Family::V6 => Self::V6(Peer6::new(ns)),
        }
    }

    /// Becomes another client with the same port.
    pub fn become_client(&mut self, number: u8) {
        match self {
            Self::V4(peer) => peer.become_client(number),
            Self::V6(peer) => peer.become_client(number),
        }
    }

    /// Gets an address by the whole exchange.
    #[track_caller]
    pub fn acquire(&mut self) -> IpAddr {
        match self {
            Self::V4(peer) => peer.acquire().dhcp.yiaddr.into(),
            Self::V6(peer) => peer.acquire().na(1).only().address.into(),
        }
    }

    /// The valid lifetime that the client is offered.
    #[track_caller]
    pub fn offered_lifetime(&mut self) -> Option<u32> {
        match self {
            Self::V4(peer) => peer.discover().dhcp.option_u32(opt::LEASE_TIME),
            Self::V6(peer) => {
                let solicit = peer.solicit();
                Some(peer.advertised(&solicit).na(1).only().valid)
            }
        }
    }

    /// True when the server answers within `limit`.
    pub fn is_served_within(&mut self, limit: Duration) -> bool {
        self.offers_within(limit) > 0
    }

    /// The number of offers that one query for an address brings within `limit`.
    pub fn offers_within(&mut self, limit: Duration) -> usize {
        let end = std::time::Instant::now() + limit;
        let left = || end.saturating_duration_since(std::time::Instant::now());
        match self {
            Self::V4(peer) => {
                let query = peer.query(crate::dhcp::Kind::Discover);
                peer.tell(&query);
                std::iter::from_fn(|| peer.port.reply(query.xid, left())).count()
            }
            Self::V6(peer) => {
                let query = peer.solicit();
                peer.tell(&query);
                std::iter::from_fn(|| peer.port.reply(query.xid, left())).count()
            }
        }
    }

    /// Asks again and again until the server answers; returns the time it took.
    #[track_caller]
    pub fn until_served(&mut self, limit: Duration) -> Duration {
        match self {
            Self::V4(peer) => peer.until_served(limit),
            Self::V6(peer) => peer.until_served(limit),
        }
    }
}
