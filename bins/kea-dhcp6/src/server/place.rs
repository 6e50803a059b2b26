//! Where a client got what it got: what the options of its answer are taken from.
//!
//! The associations of a message may get something from several subnets of a shared network; the last one counts. Kea:
//! `Dhcpv6Srv::buildCfgOptionList`, `evaluateAdditionalClasses`.

use std::net::Ipv6Addr;

use arrayvec::ArrayVec;
use eval::ClassId;
use libdhcp::OptionSet6;
use libdhcpsrv::alloc6::Candidate6;
use libdhcpsrv::classes::ClassPolicy;
use libdhcpsrv::config::{PoolExtras, SharedNetwork};
use libdhcpsrv::config6::{Config6, Subnet6};
use libdhcpsrv::hosts::{Host6, HostView};
use libdhcpsrv::lease6::V6;

use crate::draft::Draft;
use crate::runtime::Runtime6;

/// Pools that one answer can have options of.
pub(super) const POOLS_MAX: usize = 16;
/// Lists of additional classes: of the pools, the subnet and the shared network.
const LISTS_MAX: usize = POOLS_MAX + 2;

/// The place of a client; nowhere, until it is found.
#[derive(Default)]
pub(super) struct Place<'a> {
    /// Its host, if there is a reservation for it.
    pub(super) host: Option<Host6<'a>>,
    /// What the pools have of which it got something, in the order of addresses.
    pub(super) extras: ArrayVec<&'a PoolExtras<OptionSet6>, POOLS_MAX>,
    pub(super) subnet: Option<&'a Subnet6>,
    /// The shared network of the subnet.
    pub(super) network: Option<&'a SharedNetwork<OptionSet6>>,
}

impl<'a> Place<'a> {
    /// Finds the place of a client that gets what the draft says. It is filled in where it stands, because it is long.
    pub(super) fn find(
        &mut self,
        draft: &Draft,
        candidates: &[Candidate6],
        runtime: &'a Runtime6,
        hosts: HostView<'a, V6>,
    ) {
        let config = &runtime.config;
        let candidate = candidates.get(draft.candidate);
        let subnet = candidate.map(|candidate| config.subnet(candidate.subnet));
        let id = draft.host.or(candidate.and_then(|candidate| candidate.host));
        self.host = id.and_then(|id| hosts.get(id));
        self.subnet = subnet;
        self.network = subnet.and_then(|subnet| config.network_of(subnet));
        if let Some(subnet) = subnet.filter(|_| runtime.has_pool_extras) {
            self.find_extras(draft, subnet, config);
        }
    }

    fn find_extras(&mut self, draft: &Draft, subnet: &'a Subnet6, config: &'a Config6) {
        let mut found: ArrayVec<(Ipv6Addr, _), POOLS_MAX> = ArrayVec::new();
        for entry in draft.given().filter(|entry| entry.candidate == Some(draft.candidate)) {
            let address = entry.resource.address;
            let mut pools = match entry.resource.prefix_len {
                128 => config.pools_of(subnet).iter(),
                _ => config.pd_pools_of(subnet).iter(),
            };
            let pool = pools.find(|pool| pool.contains(address));
            if let Some(extras) = pool.and_then(|pool| pool.extras.as_deref()) {
                let _ = found.try_push((address, extras));
            }
        }
        found.sort_unstable_by_key(|(address, _)| *address);
        self.extras.extend(found.into_iter().map(|(_, extras)| extras));
    }

    /// The lists of classes that are evaluated now, in the order in which they count.
    pub(super) fn additional(&self) -> ArrayVec<&'a [ClassId], LISTS_MAX> {
        let pools = self.extras.iter().map(|extras| extras.classes.as_deref());
        let subnet = self.subnet.map(|subnet| subnet.classes.as_deref());
        let network = self.network.map(|network| network.classes.as_deref());
        pools.chain(subnet).chain(network).map(ClassPolicy::additional).collect()
    }
}
