//! The referee: who holds which address, judged from packets alone.
//!
//! A hold begins when the server decides on an ACK and counts from then on; when the ACK has left the server, it also
//! has to survive crashes. It ends when its time is over (by the latest wall clock ever shown), when its client
//! releases or declines it, or when its client is granted another address of the link.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::Range;

use libdhcpsrv::config4::Config4;
use libdhcpsrv::lease4::{LeaseState, LeaseStore4};

use super::packets::Identity;

/// What a client was granted.
#[derive(Clone, Debug)]
struct Hold {
    identity: Identity,
    /// Last second of the lease.
    ends: i64,
    /// Last second that the client has been told.
    told: Option<i64>,
    /// Whether the client has asked for another address, which may have been stored already.
    is_leaving: bool,
}

/// What was granted to whom.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    holds: BTreeMap<Ipv4Addr, Hold>,
    /// Declined addresses and the last second of their quarantine.
    declined: BTreeMap<Ipv4Addr, i64>,
}

impl Oracle {
    /// The server has decided to grant an address until a second of the wall clock.
    pub(crate) fn granted(
        &mut self,
        config: &Config4,
        identity: &Identity,
        address: Ipv4Addr,
        ends: i64,
        wall_max: i64,
    ) {
        let matches = matches_client_id(config, address);
        if let Some(&until) = self.declined.get(&address) {
            assert!(until < wall_max, "{address} was granted during its quarantine");
            self.declined.remove(&address);
        }
        let told = match self.holds.get(&address) {
            Some(hold) if hold.identity.is_same(identity, matches) => hold.told,
            Some(hold) => {
                assert!(
                    hold.ends < wall_max || hold.is_leaving,
                    "{address} was granted to {identity:?} while {:?} holds it until {} ({wall_max})",
                    hold.identity,
                    hold.ends
                );
                None
            }
            None => None,
        };
        if self.holds.get(&address).is_none_or(|hold| hold.identity != *identity) {
            let link = link_of(config, address);
            self.holds.retain(|&other, hold| {
                other == address
                    || !hold.identity.is_same(identity, matches)
                    || link_of(config, other) != link
            });
        }
        // When the clock was set back, a renewal ends earlier than the lease before.
        let told = told.filter(|&told| told >= wall_max).map(|told| told.min(ends));
        self.holds
            .insert(address, Hold { identity: identity.clone(), ends, told, is_leaving: false });
    }

    /// The ACK for this hold has left the server.
    pub(crate) fn told(&mut self, identity: &Identity, address: Ipv4Addr, ends: i64) {
        if let Some(hold) = self.holds.get_mut(&address).filter(|hold| hold.identity == *identity) {
            hold.told = Some(ends.min(hold.ends));
        }
    }

    /// A client has asked for another address than it has, of a store that may carry that out long before the server
    /// knows: a crash may bring either state back.
    pub(crate) fn asked(&mut self, config: &Config4, identity: &Identity, address: Ipv4Addr) {
        for (&other, hold) in &mut self.holds {
            if other != address && hold.identity.is_same(identity, matches_client_id(config, other))
            {
                hold.told = None;
                hold.is_leaving = true;
            }
        }
    }

    /// A RELEASE or DECLINE has reached the server.
    pub(crate) fn given_up(&mut self, config: &Config4, identity: &Identity, address: Ipv4Addr) {
        let matches = matches_client_id(config, address);
        if self.holds.get(&address).is_some_and(|hold| hold.identity.is_same(identity, matches)) {
            self.holds.remove(&address);
        }
    }

    /// The server has put an address into quarantine.
    pub(crate) fn declined(&mut self, address: Ipv4Addr, until: i64) {
        self.declined.insert(address, until);
    }

    /// The server has crashed and come back: everything that was told must be there. Returns how many were looked for.
    /// `ends_may_differ` when a renewal that nobody knows of yet may have been stored, by a twin or a clock set back.
    pub(crate) fn recovered(
        &mut self,
        config: &Config4,
        store: &LeaseStore4,
        ends_may_differ: bool,
        wall_max: i64,
    ) -> u64 {
        let mut count = 0;
        self.holds.retain(|&address, hold| {
            let Some(told) = hold.told.filter(|&told| told >= wall_max) else { return false };
            let Some(lease) = store.lease(address) else {
                panic!("the lease of {address}, told to {:?}, is lost", hold.identity);
            };
            let matches = matches_client_id(config, address);
            let owner = Identity::of(&lease);
            let ends = lease.cltt + i64::from(lease.valid_lifetime);
            assert!(
                owner.is_same(&hold.identity, matches) && lease.state == LeaseState::Default,
                "{address}, told to {:?}, came back as {owner:?} {:?}",
                hold.identity,
                lease.state
            );
            assert!(
                ends >= told || ends_may_differ,
                "{address} came back until {ends}, but {told} was told"
            );
            hold.ends = hold.ends.min(ends);
            count += 1;
            true
        });
        let kept = |address: Ipv4Addr| {
            store.lease(address).is_some_and(|lease| lease.state == LeaseState::Declined)
        };
        self.declined.retain(|&address, _| kept(address));
        count
    }
}

/// The subnets of the link that an address belongs to.
pub(crate) fn link_of(config: &Config4, address: Ipv4Addr) -> Range<u32> {
    let Some(index) = config.by_address.find(address) else { return 0..0 };
    match config.network_of(config.subnet(index)) {
        Some(network) => network.subnets.clone(),
        None => index.0..index.0 + 1,
    }
}

/// Whether client identifiers count in the subnet of an address.
pub(crate) fn matches_client_id(config: &Config4, address: Ipv4Addr) -> bool {
    let subnet = config.by_address.find(address);
    subnet.is_none_or(|index| config.subnet(index).match_client_id)
}
