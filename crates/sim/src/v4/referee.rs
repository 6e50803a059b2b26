//! What the DHCPv4 referee makes of queries, replies and what clients say.

use std::net::Ipv4Addr;

use libdhcp::v4::MessageType;
use libdhcpsrv::config4::{Config4, Pool4, SubnetIndex};
use libdhcpsrv::hosts::{Holder, Identifier, IdentifierKind, Places};
use libdhcpsrv::lease4::{LeaseState, SubnetId};

use super::V4;
use super::client::{Client, How, Note};
use super::configuration::is_member;
use super::oracle::{link_of, matches_client_id};
use super::packets::{Identity, Read};
use crate::clock::Clock;
use crate::family::Scene;
use crate::host::Host;
use crate::report::Report;
use crate::scenario::Scenario;

impl V4 {
    pub(super) fn note(
        &mut self,
        clients: &[Client],
        client: usize,
        note: Note,
        (scenario, clock): (&Scenario, &Clock),
        report: &mut Report,
    ) {
        match note {
            Note::Bound { address, until, how } => {
                report.bound += 1;
                match how {
                    How::Renewed => report.renewals += 1,
                    How::Rebooted => report.reboots += 1,
                    How::Selected => {}
                }
                // When the wall clock jumps, leases end in the eyes of the server while clients go on, so then there
                // is nothing to check; and one of two clients with the same identity may release what the other uses.
                let jumps = scenario.clock_jump_rate > 0;
                let is_shared = clients[client].is_shared;
                let may_share = |other: usize| jumps || is_shared || clients[other].is_shared;
                self.in_use.begin(client, address.into(), (clock.mono_ns, until), may_share);
            }
            Note::Lost(address) => self.in_use.end(client, address.into()),
            Note::Released => report.releases += 1,
            Note::Declined => report.declines += 1,
        }
    }

    /// The server has made a reply: what it says must agree with the store.
    pub(super) fn judge(&mut self, scene: &Scene<'_, V4>, read: &Read, hold: u64) {
        let Scene { host, clients, scenario, clock } = scene;
        let config = &host.runtime.config;
        let wall_max = clock.wall_max;
        if read.kind == MessageType::Nak {
            return self.refused(scene, read);
        }
        if !read.grants() {
            return assert_eq!(hold, 0, "a reply without a lease waits for the journal");
        }
        assert!(hold > 0, "an ACK does not wait for its lease");
        let lifetime = i64::from(read.lifetime.unwrap_or(0));
        let lease = host.store.lease(read.yiaddr);
        let ends = clock.now().wall_s + lifetime;
        let Some(lease) = lease.filter(|lease| lease.state == LeaseState::Default) else {
            // Only a late answer can be overtaken by the end of its own lease.
            return assert!(host.late.is_some(), "ACK without a lease");
        };
        let stored = lease.cltt + i64::from(lease.valid_lifetime);
        let owner = Identity::of(&lease);
        let matches = matches_client_id(config, read.yiaddr);
        if !owner.is_same(&read.identity, matches) {
            // The same, when the clock has jumped over the whole lease meanwhile, or a twin has moved on with it.
            let jumps = scenario.clock_jump_rate > 0;
            let overtaken =
                host.late.is_some() && (jumps || self.is_shared(clients, &read.identity));
            return assert!(overtaken, "{read:?} for a lease of {owner:?}");
        }
        let is_exact = host.late.is_none();
        assert!(stored == ends || !is_exact, "{} ends at {stored}, not {ends}", read.yiaddr);
        // A late answer may have been decided under another configuration.
        let is_foreign = is_reserved_for_others(config, &read.identity, read.yiaddr);
        assert!(!is_exact || !is_foreign, "{read:?} is reserved for others");
        let is_served = is_served(config, &read.identity, read.yiaddr);
        assert!(!is_exact || is_served, "{read:?} is for members of a class");
        self.oracle.granted(config, &read.identity, read.yiaddr, stored, wall_max);
        self.granted.insert(hold, stored);
    }

    fn is_shared(&self, all: &[Client], identity: &Identity) -> bool {
        let clients = self.by_hw.get(&identity.hw).map(Vec::as_slice).unwrap_or_default();
        clients.iter().any(|&client| all[client].is_shared)
    }

    /// A NAK must not deny a client what the store says is its own, unless for a reservation.
    fn refused(&self, scene: &Scene<'_, V4>, read: &Read) {
        let Scene { host, clock, .. } = scene;
        if host.late.is_some() {
            return;
        }
        let clients = self.by_hw.get(&read.identity.hw).map(Vec::as_slice).unwrap_or_default();
        let asking = clients.iter().map(|&client| &scene.clients[client]);
        let asking = asking.filter(|client| client.identity == read.identity);
        let Some(client) = asking.into_iter().find(|client| client.xid() == read.xid) else {
            return;
        };
        let Some(lease) = client.requested.and_then(|address| host.store.lease(address)) else {
            return;
        };
        let config = &host.runtime.config;
        let owner = Identity::of(&lease);
        let is_own = owner.is_same(&read.identity, matches_client_id(config, lease.address));
        let is_active = lease.state == LeaseState::Default
            && lease.cltt + i64::from(lease.valid_lifetime) >= clock.now().wall_s;
        let in_pool = pool_of(config, lease.address).is_some()
            && is_served(config, &read.identity, lease.address);
        let unique = clients.len() == 1;
        // Where something else is reserved, or the address for somebody else, the client has to move.
        let must_move = moves(config, &read.identity, lease.address);
        assert!(!(is_own && is_active && in_pool && unique) || must_move, "NAK for {lease:?}");
    }

    /// A query is about to be processed.
    pub(super) fn before_query(&mut self, host: &Host<V4>, read: &Read) {
        let address = match read.kind {
            MessageType::Release => read.ciaddr,
            MessageType::Decline => read.requested.unwrap_or(Ipv4Addr::UNSPECIFIED),
            MessageType::Request if host.late.is_some() => {
                let address = read.requested.unwrap_or(read.ciaddr);
                return self.oracle.asked(&host.runtime.config, &read.identity, address);
            }
            _ => return,
        };
        self.oracle.given_up(&host.runtime.config, &read.identity, address);
    }

    /// A query has been processed.
    pub(super) fn after_query(&mut self, host: &Host<V4>, read: &Read) {
        let Some(address) = read.requested.filter(|_| read.kind == MessageType::Decline) else {
            return;
        };
        if let Some(lease) = host.store.lease(address)
            && lease.state == LeaseState::Declined
        {
            let until = lease.cltt + i64::from(lease.valid_lifetime);
            self.oracle.declined(address, until);
        }
    }

    /// A reply leaves the server for good.
    pub(super) fn reply_left(&mut self, read: &Read, hold: u64, report: &mut Report) {
        match read.kind {
            MessageType::Offer => report.offers += 1,
            MessageType::Nak => report.naks += 1,
            _ if read.grants() => report.acks += 1,
            _ => report.informs += 1,
        }
        if let Some(ends) = self.granted.remove(&hold) {
            self.oracle.told(&read.identity, read.yiaddr, ends);
        }
    }
}

/// Whether an address is reserved, and not for this client.
fn is_reserved_for_others(config: &Config4, identity: &Identity, address: Ipv4Addr) -> bool {
    let Some(places) = places(config, address) else { return false };
    config.hosts.holder(places, address, 32, &[identifier(identity)]) == Holder::Other
}

/// Whether a reservation drives a client from an address.
fn moves(config: &Config4, identity: &Identity, address: Ipv4Addr) -> bool {
    let is_elsewhere = link_of(config, address).any(|index| {
        let subnet = config.subnet(SubnetIndex(index));
        let places = subnet.reservations.places(SubnetId(subnet.id));
        let host = config.hosts.find(places, &[identifier(identity)]);
        let host = host.and_then(|id| config.hosts.get(id));
        host.is_some_and(|host| host.resources[0].address != address)
    });
    is_elsewhere || is_reserved_for_others(config, identity, address)
}

/// The pool that an address lies in.
fn pool_of(config: &Config4, address: Ipv4Addr) -> Option<&Pool4> {
    let subnet = config.subnet(config.by_address.find(address)?);
    config.pools_of(subnet).iter().find(|pool| pool.contains(address))
}

/// Whether the pool of an address, if it has one, serves a client; the class is written anew here, so as not to test the
/// server's with itself.
fn is_served(config: &Config4, identity: &Identity, address: Ipv4Addr) -> bool {
    let extras = pool_of(config, address).and_then(|pool| pool.extras.as_ref());
    extras.is_none_or(|extras| extras.classes.is_none()) || is_member(&identity.hw)
}

/// Where hosts are looked for in the subnet of an address.
fn places(config: &Config4, address: Ipv4Addr) -> Option<Places> {
    let subnet = config.subnet(config.by_address.find(address)?);
    Some(subnet.reservations.places(SubnetId(subnet.id)))
}

fn identifier(identity: &Identity) -> Identifier<'_> {
    Identifier { kind: IdentifierKind::HwAddress, bytes: &identity.hw }
}
