//! What a configuration becomes when it is in force: compiled values, free addresses, lease counters.

use std::net::Ipv4Addr;
use std::sync::Arc;

use libdhcp::OptionCodes;
use libdhcpsrv::config4::{Config4, SocketType, SubnetIndex};
use libdhcpsrv::free::{PoolIndex, PoolRange, PoolSet4};
use libdhcpsrv::lease4::{Delta, Deltas, LeaseState, LeaseStore4, Stored, SubnetId};
use stats::{Lease4, LeaseCounters4, Place, PoolSlot, SubnetRow};
use util::Now;

/// Offset of the relay's address in a packet.
const GIADDR: usize = 24;
/// Subnets from which on their data do not stay in the caches by themselves.
const FETCH_FROM: usize = 64;

/// A configuration in force, shared by all workers.
#[derive(Debug)]
pub struct Runtime4 {
    /// The compiled configuration.
    pub config: Config4,
    /// The pools and what is free in them.
    pub pools: Arc<PoolSet4>,
    /// Codes sent unasked, by subnet; empty when there are none at all.
    always_send: Vec<OptionCodes>,
    /// Lease figures of the subnets, in the order of the configuration.
    counters: Arc<LeaseCounters4>,
    /// Where the figures of each pool are, in the order of the configuration: one step away from the pool.
    pool_slots: Vec<Option<PoolSlot>>,
}

impl Runtime4 {
    /// Prepares a configuration with the lease figures made from its [`subnet_rows`]; pools and figures are still
    /// those of an empty store.
    #[must_use]
    pub fn new(config: Config4, counters: Arc<LeaseCounters4>) -> Self {
        let ranges = config.pools.iter().map(|pool| PoolRange {
            first: pool.first.into(),
            last: pool.last.into(),
            skips_edges: config.exclude_first_last_24 && pool.last - pool.first >= 255,
        });
        let ranges: Vec<PoolRange> = ranges.collect();
        let subnets = config
            .subnets
            .iter()
            .map(|subnet| (subnet.pools.clone(), SubnetId(subnet.id), subnet.reservations));
        let pools = Arc::new(config.hosts.make_pools(&ranges, subnets));
        let global = config.options.always_send_codes();
        let mut always_send: Vec<_> = config
            .subnets
            .iter()
            .map(|subnet| global.union(subnet.options.always_send_codes()))
            .collect();
        if always_send.iter().all(OptionCodes::is_empty) {
            always_send = Vec::new();
        }
        let subnets = config.subnets.iter().zip(0..);
        let pool_slots = subnets
            .flat_map(|(subnet, place)| {
                let counters = &counters;
                (0..subnet.pools.len()).map(move |nth| counters.pool_slot(place, nth))
            })
            .collect();
        Self { pools, config, always_send, counters, pool_slots }
    }

    /// Codes that are sent unasked to clients of a subnet.
    #[must_use]
    pub fn always_send(&self, subnet: Option<SubnetIndex>) -> OptionCodes {
        let codes = subnet.and_then(|index| self.always_send.get(index.0 as usize));
        codes.copied().unwrap_or(OptionCodes::EMPTY)
    }

    /// Reads a little of everything that an exchange through the relay of this packet will need.
    ///
    /// With thousands of subnets hardly any of it is in the processor's caches. The reads for the packets of a batch do
    /// not depend on each other, so memory delivers them together; met during processing, each is waited for.
    /// The packet has not been checked: whatever it holds, this has no effect but time.
    pub fn fetch(&self, payload: &[u8]) {
        let giaddr = payload.get(GIADDR..).and_then(|rest| rest.first_chunk::<4>());
        let Some(giaddr) = giaddr.filter(|_| self.config.subnets.len() >= FETCH_FROM) else {
            return;
        };
        let Some(index) = self.config.by_address.find(Ipv4Addr::from(*giaddr)) else { return };
        let subnet = self.config.subnet(index);
        let pool = subnet.pools.start;
        let assigned = Lease4::AssignedAddresses;
        let slot = self.pool_slots.get(pool as usize).copied().flatten();
        let read = [
            u64::from(subnet.options.contains(0)),
            u64::from(subnet.match_client_id),
            u64::from(subnet.timers.valid_lifetime),
            self.pools.free_count(PoolIndex(pool)),
            self.config.pools.get(pool as usize).map_or(0, |pool| pool.first.into()),
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
                    self.counters.add(place, Lease4::DeclinedAddresses, by, now);
                }
                _ => continue,
            }
            // A lease that is kept back counts as assigned, so the steps of a decline cancel out.
            self.counters.add(place, Lease4::AssignedAddresses, by, now);
            last = Some(place);
        }
        if let Some(place) = last.filter(|_| assigned > 0) {
            self.counters.add(place, Lease4::CumulativeAssignedAddresses, assigned, now);
        }
    }

    /// Counts one event of a subnet.
    pub fn count_event(&self, subnet: SubnetId, figure: Lease4, now: Now) {
        if let Some(subnet) = self.counters.subnet_by_id(subnet.0) {
            self.counters.add(Place::subnet(subnet), figure, 1, now);
        }
    }

    /// Sets totals from the pools and the other figures from what is stored.
    pub fn recount(&self, store: &LeaseStore4, now: Now) {
        for (subnet, nth, pool) in self.config.subnets.iter().enumerate().flat_map(|(n, subnet)| {
            let pools = self.config.pools_of(subnet).iter().enumerate();
            pools.map(move |(nth, pool)| (n as u32, nth, pool))
        }) {
            let place = Place { subnet, pool: self.counters.pool_slot(subnet, nth) };
            let size = i64::from(pool.last - pool.first) + 1;
            self.counters.add(place, Lease4::TotalAddresses, size, now);
        }
        for ((subnet_id, lease_type, pool_id, state), leases) in store.recount() {
            let delta = Delta { subnet_id, lease_type, pool_id, state, by: 1 };
            let Some(place) = self.place(&delta, None) else { continue };
            let leases = leases as i64;
            match state {
                LeaseState::Default => {
                    self.counters.add(place, Lease4::AssignedAddresses, leases, now);
                }
                LeaseState::Declined => {
                    self.counters.add(place, Lease4::AssignedAddresses, leases, now);
                    self.counters.add(place, Lease4::DeclinedAddresses, leases, now);
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
        let likely = likely.filter(is_at);
        let subnet = match likely {
            Some(index) => index.0,
            None => self.counters.subnet_by_id(id)?,
        };
        let subnet_of = self.config.subnets.get(subnet as usize)?;
        let pools = self.config.pools_of(subnet_of);
        let nth = pools.iter().position(|pool| pool.id == delta.pool_id);
        let slot = nth.and_then(|nth| self.pool_slots.get(subnet_of.pools.start as usize + nth));
        Some(Place { subnet, pool: slot.copied().flatten() })
    }

    /// Whether a client without an address can be answered by unicast.
    #[must_use]
    pub fn direct_response(&self) -> bool {
        self.config.interfaces.socket_type == SocketType::Raw
    }
}

/// The subnets and pools that lease figures are kept for.
#[must_use]
pub fn subnet_rows(config: &Config4) -> Vec<SubnetRow> {
    let rows = config.subnets.iter().map(|subnet| SubnetRow {
        id: subnet.id,
        pool_ids: config.pools_of(subnet).iter().map(|pool| pool.id).collect(),
        pd_pool_ids: Vec::new(),
    });
    rows.collect()
}
