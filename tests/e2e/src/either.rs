//! A scripted client of either family, for claims about both servers.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::dhcp::{Kind, opt};
use crate::dhcp6::{Dhcp6, Kind6};
use crate::family::Family;
use crate::net::{Net, Ns, SERVER};
use crate::peer::Peer;
use crate::peer6::Peer6;

/// A [`Peer`] or a [`Peer6`], and what it has been given last.
#[derive(Debug)]
pub enum EitherPeer {
    /// Speaks DHCPv4.
    V4(Peer, Option<Ipv4Addr>),
    /// Speaks DHCPv6.
    V6(Peer6, Option<Dhcp6>),
}

impl EitherPeer {
    /// A client on the interface `cli0` of the client's namespace.
    pub fn new(net: &Net) -> Self {
        Self::on(&net.client, net.family)
    }

    /// A client on the interface `cli0` of a namespace.
    pub fn on(ns: &Ns, family: Family) -> Self {
        match family {
            Family::V4 => Self::V4(Peer::new(ns), None),
            Family::V6 => Self::V6(Peer6::new(ns), None),
        }
    }

    /// Becomes another client with the same port.
    pub fn become_client(&mut self, number: u8) {
        match self {
            Self::V4(peer, _) => peer.become_client(number),
            Self::V6(peer, _) => peer.become_client(number),
        }
    }

    /// Gets an address by the whole exchange.
    #[track_caller]
    pub fn acquire(&mut self) -> IpAddr {
        match self {
            Self::V4(peer, held) => held.insert(peer.acquire().dhcp.yiaddr).to_owned().into(),
            Self::V6(peer, held) => {
                // What the client has to give up comes along, with lifetimes of 0.
                let given = held.insert(peer.acquire()).na(1).bindings();
                let given: Vec<_> = given.into_iter().filter(|entry| entry.valid > 0).collect();
                assert_eq!(given.len(), 1, "not one address: {given:?}");
                given[0].address.into()
            }
        }
    }

    /// Gives back what was acquired last.
    #[track_caller]
    pub fn release(&mut self) {
        match self {
            Self::V4(peer, held) => {
                let held = held.expect("something to give back");
                let release = peer.query(Kind::Release).from_address(held);
                let release = release.with_address(opt::SERVER_ID, SERVER);
                peer.tell_unicast(&release, held, SERVER);
            }
            Self::V6(peer, held) => {
                let held = held.as_ref().expect("something to give back");
                peer.tell(&peer.follow(Kind6::Release, held));
            }
        }
    }

    /// Says that somebody else uses the address that was acquired last.
    #[track_caller]
    pub fn decline(&mut self) {
        match self {
            Self::V4(peer, held) => {
                let decline = peer
                    .query(Kind::Decline)
                    .with_address(opt::REQUESTED, held.expect("an address to decline"))
                    .with_address(opt::SERVER_ID, SERVER);
                peer.tell(&decline);
            }
            Self::V6(peer, held) => {
                let held = held.as_ref().expect("an address to decline");
                peer.tell(&peer.follow(Kind6::Decline, held));
            }
        }
    }

    /// The valid lifetime that the client is offered.
    #[track_caller]
    pub fn offered_lifetime(&mut self) -> Option<u32> {
        match self {
            Self::V4(peer, _) => peer.discover().dhcp.option_u32(opt::LEASE_TIME),
            Self::V6(peer, _) => {
                let solicit = peer.solicit();
                Some(peer.advertised(&solicit).na(1).only().valid)
            }
        }
    }

    /// True when the server answers within `limit`.
    pub fn is_served_within(&mut self, limit: Duration) -> bool {
        match self {
            Self::V4(peer, _) => {
                let query = peer.query(Kind::Discover);
                peer.ask_within(&query, limit).is_some()
            }
            Self::V6(peer, _) => {
                let query = peer.solicit();
                peer.ask_within(&query, limit).is_some()
            }
        }
    }

    /// The number of offers that one query for an address brings within `limit`.
    pub fn offers_within(&mut self, limit: Duration) -> usize {
        let end = std::time::Instant::now() + limit;
        let left = || end.saturating_duration_since(std::time::Instant::now());
        match self {
            Self::V4(peer, _) => {
                let query = peer.query(Kind::Discover);
                peer.tell(&query);
                std::iter::from_fn(|| peer.port.reply(query.xid, left())).count()
            }
            Self::V6(peer, _) => {
                let query = peer.solicit();
                peer.tell(&query);
                std::iter::from_fn(|| peer.port.reply(query.xid, left())).count()
            }
        }
    }

    /// Asks for an address and does not wait for the answer.
    pub fn ask_in_vain(&mut self) {
        match self {
            Self::V4(peer, _) => {
                let query = peer.query(Kind::Discover);
                peer.tell(&query);
            }
            Self::V6(peer, _) => {
                let query = peer.solicit();
                peer.tell(&query);
            }
        }
    }

    /// True when the server offers an address within `limit`; a server of DHCPv6 says so when it has
    /// none, one of DHCPv4 is silent.
    pub fn is_offered_an_address(&mut self, limit: Duration) -> bool {
        match self {
            Self::V4(..) => self.is_served_within(limit),
            Self::V6(peer, _) => {
                let solicit = peer.solicit();
                let answer = peer.ask_within(&solicit, limit);
                answer.is_some_and(|answer| !answer.dhcp.na(1).bindings().is_empty())
            }
        }
    }

    /// Asks again and again until the server offers an address; returns the time it took.
    #[track_caller]
    pub fn until_offered_an_address(&mut self, limit: Duration) -> Duration {
        crate::wait::until(limit, "an address is offered", || {
            self.is_offered_an_address(Duration::from_millis(100))
        })
    }

    /// Asks again and again until the server answers; returns the time it took.
    #[track_caller]
    pub fn until_served(&mut self, limit: Duration) -> Duration {
        match self {
            Self::V4(peer, _) => peer.until_served(limit),
            Self::V6(peer, _) => peer.until_served(limit),
        }
    }
}
