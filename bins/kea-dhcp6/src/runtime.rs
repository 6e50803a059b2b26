//! What a configuration becomes when it is in force: compiled values, free addresses and prefixes, lease counters,
//! the server's identifier.

use std::net::Ipv6Addr;
use std::sync::Arc;

use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::config6::{Config6, PoolKind};
use libdhcpsrv::free::{PoolRange6, PoolSet6};
use libdhcpsrv::lease::{Delta, Deltas, LeaseState, LeaseType, Stored, SubnetId};
use libdhcpsrv::lease6::LeaseStore6;
use stats::{Lease6, LeaseCounters6, Place, PoolSlot, SubnetRow};
use util::Now;

/// Offset of the link-address in a relay message.
const LINK_ADDRESS: usize = 2;
/// First byte of a relay message.
const RELAY_FORW: u8 = 12;
/// Subnets from which on their data do not stay in the caches by themselves.
const FETCH_FROM: usize = 64;

/// A configuration in force, shared by all workers.
#[derive(Debug)]
pub struct Runtime6 {
    /// The compiled configuration.
    pub config: Config6,
    /// The pools and what is free in them.
    pub pools: Arc<PoolSet6>,
    /// Our own identifier.
    pub server_duid: Box<[u8]>,
    /// Codes sent unasked, by subnet; empty when there are none at all.
    always_send: Vec<Box<[u16]>>,
    /// The same for clients of no subnet.
    always_send_global: Box<[u16]>,
    /// Lease figures of the subnets, in the order of the configuration.
    counters: Arc<LeaseCounters6>,
    /// Where the figures of each pool are, in the order of the configuration: one step away from the pool.
    pool_slots: Vec<Option<PoolSlot>>,
}

impl Runtime6 {
    /// Prepares a configuration with the lease figures made from its [`subnet_rows`]; pools and figures are still
    /// those of an empty store.
    #[must_use]
    pub fn new(config: Config6, server_duid: Box<[u8]>, counters: Arc<LeaseCounters6>) -> Self {
        let ranges = config.pools.iter().map(|pool| PoolRange6 {
            first: Ipv6Addr::from(pool.first),
            last: Ipv6Addr::from(pool.end()),
            unit_len: pool.unit_len,
        });
        let ranges: Vec<PoolRange6> = ranges.collect();
        let subnets = config.subnets.iter().map(|subnet| {
            let pools = subnet.pools.start..subnet.pd_pools.end;
            (pools, SubnetId(subnet.id), subnet.reservations)
        });
        let pools = Arc::new(config.hosts.make_pools(&ranges, subnets));
        let always_send_global: Box<[u16]> = config.options.always_send_codes().collect();
        let mut always_send: Vec<Box<[u16]>> = config
            .subnets
            .iter()
            .map(|subnet| {
                let own = subnet.options.always_send_codes();
                let mut codes: Vec<u16> = own.chain(always_send_global.iter().copied()).collect();
                codes.sort_unstable();
                codes.dedup();
                codes.into()
            })
            .collect();
        if always_send.iter().all(|codes| codes.is_empty()) {
            always_send = Vec::new();
        }
        let mut pool_slots = vec![None; config.pools.len()];
        for (subnet, place) in config.subnets.iter().zip(0..) {
            let pools = subnet.pools.clone().chain(subnet.pd_pools.clone());
            for (nth, pool) in pools.enumerate() {
                if let Some(slot) = pool_slots.get_mut(pool as usize) {
                    *slot = counters.pool_slot(place, nth);
                }
            }
        }
        Self { config, pools, server_duid, always_send, always_send_global, counters, pool_slots }
    }

    /// Codes that are sent unasked to clients of a subnet.
    #[must_use]
    pub fn always_send(&self, subnet: Option<SubnetIndex>) -> &[u16] {
        match subnet {
            Some(index) => self.always_send.get(index.0 as usize).map_or(&[], |codes| codes),
            None => &self.always_send_global,
        }
    }

    /// Reads a little of everything that an exchange through the relay of this packet will need.
    ///
    /// With thousands of subnets hardly any of it is in the processor's caches. The reads for the packets of a batch do
    /// not depend on each other, so memory delivers them together; met during processing, each is waited for.
    /// The packet has not been checked: whatever it holds, this has no effect but time.
    pub fn fetch(&self, payload: &[u8]) {
        let is_relayed = payload.first() == Some(&RELAY_FORW);
        if !is_relayed || self.config.subnets.len() < FETCH_FROM {
            return;
        }
        let link = payload.get(LINK_ADDRESS..).and_then(|rest| rest.first_chunk::<16>());
        let Some(link) = link.map(|link| Ipv6Addr::from(*link)) else { return };
        let Some(index) = self.config.by_address.find(link) else { return };
        let subnet = self.config.subnet(index);
        let pool = subnet.pools.start;
        let slot = self.pool_slots.get(pool as usize).copied().flatten();
        let assigned = Lease6::AssignedNas;
        let read = [
            u64::from(subnet.options.contains(0)),
            u64::from(subnet.rapid_commit),
            u64::from(subnet.timers.valid_lifetime),
            self.pools.free_count(libdhcpsrv::free::PoolIndex(pool)),
            self.config.pools.get(pool as usize).map_or(0, |pool| pool.first as u64),
            self.counters.value(Place::subnet(index.0), assigned) as u64,
            self.counters.value(Place { subnet: index.0, pool: slot }, assigned) as u64,
        ];
        std::hint::black_box(read);
    }

    /// Counts what changes of leases have done to the figures; most are of the subnet `likely`.
    pub fn count<'s>(
        &self,
        changes: impl Iterator<Item = &'s Stored>,
        likely: Option<SubnetIndex>,
        now: Now,
    ) {
        for stored in changes {
            self.count_steps(&stored.deltas, likely, now);
        }
    }

    /// Counts the steps of one change.
    pub fn count_deltas(&self, deltas: &Deltas, now: Now) {
        self.count_steps(deltas, None, now);
    }

    fn count_steps(&self, deltas: &Deltas, likely: Option<SubnetIndex>, now: Now) {
        let mut assigned = 0;
        let mut last = None;
        for delta in deltas.iter() {
            let Some(place) = self.place(&delta, likely) else { continue };
            let by = i64::from(delta.by);
            match delta.state {
                LeaseState::Default => assigned += by,
                LeaseState::Declined => {
                    assigned += by;
                    self.counters.add(place, Lease6::DeclinedAddresses, by, now);
                }
                _ => continue,
            }
            // A lease that is kept back counts as assigned, so the steps of a decline cancel out.
            self.counters.add(place, figures(delta.lease_type).assigned, by, now);
            last = Some((place, delta.lease_type));
        }
        if let Some((place, lease_type)) = last.filter(|_| assigned > 0) {
            self.counters.add(place, figures(lease_type).cumulative, assigned, now);
        }
    }

    /// Counts one event of a subnet.
    pub fn count_event(&self, subnet: SubnetId, figure: Lease6, now: Now) {
        if let Some(subnet) = self.counters.subnet_by_id(subnet.0) {
            self.counters.add(Place::subnet(subnet), figure, 1, now);
        }
    }

    /// Sets totals from the pools and the other figures from what is stored.
    pub fn recount(&self, store: &LeaseStore6, now: Now) {
        for (subnet, place) in self.config.subnets.iter().zip(0..) {
            let pools = subnet.pools.clone().chain(subnet.pd_pools.clone());
            for index in pools {
                let Some(pool) = self.config.pools.get(index as usize) else { continue };
                let slot = self.pool_slots.get(index as usize).copied().flatten();
                let place = Place { subnet: place, pool: slot };
                // As in Kea, what is too large for the figure counts as the largest one.
                let units = i64::try_from(pool.last_index()).unwrap_or(i64::MAX).saturating_add(1);
                let total = match pool.kind {
                    PoolKind::Na => Lease6::TotalNas,
                    PoolKind::Pd => Lease6::TotalPds,
                };
                let room = i64::MAX - self.counters.value(Place::subnet(place.subnet), total);
                self.counters.add(place, total, units.min(room), now);
            }
        }
        for ((subnet_id, lease_type, pool_id, state), leases) in store.recount() {
            let delta = Delta { subnet_id, lease_type, pool_id, state, by: 1 };
            let Some(place) = self.place(&delta, None) else { continue };
            let leases = leases as i64;
            match state {
                LeaseState::Default => {
                    self.counters.add(place, figures(lease_type).assigned, leases, now);
                }
                LeaseState::Declined => {
                    self.counters.add(place, figures(lease_type).assigned, leases, now);
                    self.counters.add(place, Lease6::DeclinedAddresses, leases, now);
                }
                _ => {}
            }
        }
    }

    /// Where the figures of a step are kept.
    fn place(&self, delta: &Delta, likely: Option<SubnetIndex>) -> Option<Place> {
        let id = delta.subnet_id.0;
        let is_at = |index: &SubnetIndex| {
            self.config.subnets.get(index.0 as usize).is_some_and(|subnet| subnet.id == id)
        };
        let subnet = match likely.filter(is_at) {
            Some(index) => index.0,
            None => self.counters.subnet_by_id(id)?,
        };
        let subnet_of = self.config.subnets.get(subnet as usize)?;
        let (pools, first) = match delta.lease_type {
            LeaseType::Pd => (self.config.pd_pools_of(subnet_of), subnet_of.pd_pools.start),
            _ => (self.config.pools_of(subnet_of), subnet_of.pools.start),
        };
        let nth = pools.iter().position(|pool| pool.id == delta.pool_id);
        let slot = nth.and_then(|nth| self.pool_slots.get(first as usize + nth));
        Some(Place { subnet, pool: slot.copied().flatten() })
    }
}

/// The figures of one type of leases.
struct FiguresOf {
    assigned: Lease6,
    cumulative: Lease6,
}

const fn figures(lease_type: LeaseType) -> FiguresOf {
    match lease_type {
        LeaseType::Pd => {
            FiguresOf { assigned: Lease6::AssignedPds, cumulative: Lease6::CumulativeAssignedPds }
        }
        LeaseType::Na | LeaseType::Ta => {
            FiguresOf { assigned: Lease6::AssignedNas, cumulative: Lease6::CumulativeAssignedNas }
        }
    }
}

/// The subnets and pools that lease figures are kept for.
#[must_use]
pub fn subnet_rows(config: &Config6) -> Vec<SubnetRow> {
    let rows = config.subnets.iter().map(|subnet| SubnetRow {
        id: subnet.id,
        pool_ids: config.pools_of(subnet).iter().map(|pool| pool.id).collect(),
        pd_pool_ids: config.pd_pools_of(subnet).iter().map(|pool| pool.id).collect(),
    });
    rows.collect()
}
