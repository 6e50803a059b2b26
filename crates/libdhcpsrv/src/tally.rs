//! Lease figures of the configuration in force: which counters a change of a lease moves.
//!
//! Made with a configuration from the ids of its subnets and pools, shared by all workers. A lease that is declined
//! counts as assigned too, so that figures add up to what the pools hold back. What a figure is called differs between
//! the protocols and is told by [`Names`].

use std::ops::Range;
use std::sync::Arc;

use stats::{LeaseCounters, Place, PoolSlot, SubnetRow, Table};
use util::Now;

use crate::config::SubnetIndex;
use crate::lease::{Counts, Delta, Deltas, LeaseState, LeaseType, Stored, SubnetId};

/// The figures of one protocol.
#[derive(Debug)]
pub struct Names<F: Table> {
    /// Addresses that are declined.
    pub declined: F,
    /// What is counted of addresses.
    pub addresses: NamesOfType<F>,
    /// What is counted of delegated prefixes.
    pub prefixes: NamesOfType<F>,
}

/// The figures of one type of leases.
#[derive(Clone, Copy, Debug)]
pub struct NamesOfType<F> {
    /// What the pools hold.
    pub total: F,
    /// What is leased or declined.
    pub assigned: F,
    /// What has been leased since the start.
    pub cumulative: F,
}

impl<F: Table> Names<F> {
    const fn of(&self, lease_type: LeaseType) -> NamesOfType<F> {
        match lease_type {
            LeaseType::Pd => self.prefixes,
            LeaseType::Na | LeaseType::Ta => self.addresses,
        }
    }
}

/// A subnet with the pools that its leases may lie in.
#[derive(Clone, Debug)]
struct Subnet {
    id: u32,
    addresses: Range<u32>,
    prefixes: Range<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Pool {
    id: u32,
    slot: Option<PoolSlot>,
}

/// Lease figures by subnet and pool, in the order of a configuration.
#[derive(Debug)]
pub struct Tally<F: Table> {
    names: &'static Names<F>,
    counters: Arc<LeaseCounters<F>>,
    subnets: Vec<Subnet>,
    pools: Vec<Pool>,
}

impl<F: Table> Tally<F> {
    /// Prepares the figures of `counters`, which were made from the same `rows`.
    #[must_use]
    pub fn new(
        names: &'static Names<F>,
        rows: &[SubnetRow],
        counters: Arc<LeaseCounters<F>>,
    ) -> Self {
        let mut pools = Vec::new();
        let mut subnets = Vec::with_capacity(rows.len());
        for (row, place) in rows.iter().zip(0..) {
            let first = pools.len() as u32;
            let ids = row.pool_ids.iter().chain(&row.pd_pool_ids).enumerate();
            pools.extend(
                ids.map(|(nth, id)| Pool { id: *id, slot: counters.pool_slot(place, nth) }),
            );
            let middle = first + row.pool_ids.len() as u32;
            let (addresses, prefixes) = (first..middle, middle..pools.len() as u32);
            subnets.push(Subnet { id: row.id, addresses, prefixes });
        }
        Self { names, counters, subnets, pools }
    }

    /// Counts what changes of leases have done; most are of the subnet `likely`.
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
                    self.counters.add(place, self.names.declined, by, now);
                }
                _ => continue,
            }
            // A lease that is kept back counts as assigned, so the steps of a decline cancel out.
            let names = self.names.of(delta.lease_type);
            self.counters.add(place, names.assigned, by, now);
            last = Some((place, names.cumulative));
        }
        if let Some((place, cumulative)) = last.filter(|_| assigned > 0) {
            self.counters.add(place, cumulative, assigned, now);
        }
    }

    /// Counts one event of a subnet.
    pub fn count_event(&self, subnet: SubnetId, figure: F, now: Now) {
        if let Some(subnet) = self.counters.subnet_by_id(subnet.0) {
            self.counters.add(Place::subnet(subnet), figure, 1, now);
        }
    }

    /// Sets the total of the `nth` pool of a subnet, those of prefixes behind the others. As in Kea, what is too large for
    /// the figure counts as the largest one.
    pub fn set_size(&self, subnet: SubnetIndex, nth: usize, units: u128, now: Now) {
        let Some(own) = self.subnets.get(subnet.0 as usize) else { return };
        let index = own.addresses.start as usize + nth;
        let is_prefix = own.prefixes.contains(&(index as u32));
        let names = if is_prefix { self.names.prefixes } else { self.names.addresses };
        let slot = self.pools.get(index).and_then(|pool| pool.slot);
        let place = Place { subnet: subnet.0, pool: slot };
        let room = i64::MAX - self.counters.value(Place::subnet(subnet.0), names.total);
        let units = i64::try_from(units).unwrap_or(i64::MAX).min(room);
        self.counters.add(place, names.total, units, now);
    }

    /// Counts everything that is stored; to be called once, when all figures but the totals are 0.
    pub fn recount(&self, counts: Counts, now: Now) {
        for ((subnet_id, lease_type, pool_id, state), leases) in counts {
            let delta = Delta { subnet_id, lease_type, pool_id, state, by: 1 };
            let Some(place) = self.place(&delta, None) else { continue };
            let leases = leases as i64;
            if state == LeaseState::Declined {
                self.counters.add(place, self.names.declined, leases, now);
            }
            if matches!(state, LeaseState::Default | LeaseState::Declined) {
                self.counters.add(place, self.names.of(lease_type).assigned, leases, now);
            }
        }
    }

    /// Reads a little of what counting in a subnet will need, in order to have it in the caches.
    #[must_use]
    pub fn touch(&self, subnet: SubnetIndex) -> i64 {
        let Some(own) = self.subnets.get(subnet.0 as usize) else { return 0 };
        let slot = self.pools.get(own.addresses.start as usize).and_then(|pool| pool.slot);
        let assigned = self.names.addresses.assigned;
        let place = Place { subnet: subnet.0, pool: slot };
        let of_subnet = self.counters.value(Place::subnet(subnet.0), assigned);
        of_subnet ^ self.counters.value(place, assigned)
    }

    /// Where the figures of a step are kept.
    fn place(&self, delta: &Delta, likely: Option<SubnetIndex>) -> Option<Place> {
        let id = delta.subnet_id.0;
        let at = |index: SubnetIndex| {
            let subnet = self.subnets.get(index.0 as usize).filter(|subnet| subnet.id == id);
            subnet.map(|subnet| (index.0, subnet))
        };
        let (index, subnet) = match likely.and_then(at) {
            Some(found) => found,
            None => at(SubnetIndex(self.counters.subnet_by_id(id)?))?,
        };
        let range = match delta.lease_type {
            LeaseType::Pd => &subnet.prefixes,
            LeaseType::Na | LeaseType::Ta => &subnet.addresses,
        };
        let pools = self.pools.get(range.start as usize..range.end as usize).unwrap_or_default();
        let pool = pools.iter().find(|pool| pool.id == delta.pool_id);
        Some(Place { subnet: index, pool: pool.and_then(|pool| pool.slot) })
    }
}
