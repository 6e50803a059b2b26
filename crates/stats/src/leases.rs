//! Figures of subnets and pools, shared by all workers.
//!
//! A table is made for each configuration; subnets are addressed by their place in it, which the configuration
//! stores with the subnet. A change is one relaxed addition for the subnet and one for the pool. Figures of the whole
//! server are the sum over the subnets, so there is no cell that all workers fight for.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use util::Now;

use crate::rows::Table;

/// A subnet that a table is to be made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetRow {
    /// Its id, which is part of the names.
    pub id: u32,
    /// The ids of its pools, in the order of the configuration; pools with the same id are counted together.
    pub pool_ids: Vec<u32>,
    /// The ids of its pools of prefixes; they are counted apart from the others.
    pub pd_pool_ids: Vec<u32>,
}

/// What a pool holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolKind {
    Addresses,
    Prefixes,
}

impl PoolKind {
    /// The word in the names of its statistics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Addresses => "pool",
            Self::Prefixes => "pd-pool",
        }
    }

    /// Whether such a pool has the figure.
    pub(crate) fn has<L: Table>(self, figure: L) -> bool {
        let places = figure.row().places;
        match self {
            Self::Addresses => places.pool,
            Self::Prefixes => places.pd_pool,
        }
    }
}

/// Place of a pool's figures in a [`LeaseCounters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolSlot(u32);

/// Which subnet, and which of its pools, an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Place of the subnet in the list that the table was made from.
    pub subnet: u32,
    /// The pool, unless the address lies in none.
    pub pool: Option<PoolSlot>,
}

impl Place {
    /// Returns the place of a subnet outside its pools.
    #[must_use]
    pub const fn subnet(subnet: u32) -> Self {
        Self { subnet, pool: None }
    }
}

/// The figures of all subnets and pools of one configuration.
#[derive(Debug)]
pub struct LeaseCounters<L: Table> {
    pub(crate) subnets: Vec<SubnetFigures<L>>,
    pub(crate) pools: Vec<PoolFigures<L>>,
    /// Subnet id and place, by id.
    by_id: Vec<(u32, u32)>,
}

#[derive(Debug)]
pub(crate) struct SubnetFigures<L: Table> {
    pub(crate) id: u32,
    pub(crate) figures: Figures<L>,
    /// Slots of the pools in the order of the configuration.
    slots: Vec<PoolSlot>,
}

#[derive(Debug)]
pub(crate) struct PoolFigures<L: Table> {
    pub(crate) subnet_id: u32,
    pub(crate) kind: PoolKind,
    pub(crate) id: u32,
    pub(crate) figures: Figures<L>,
}

/// One value for each row.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Figures<L: Table> {
    cells: L::PerRow<Figure>,
    /// A bit for each row that was removed; it is back when its value is not 0.
    removed: AtomicU32,
}

#[derive(Debug)]
pub(crate) struct Figure {
    value: AtomicI64,
    changed_at_s: AtomicI64,
}

const _: () = assert!(
    crate::Lease4::COUNT <= 32 && crate::Lease6::COUNT <= 32,
    "rows must fit the bits of `removed`"
);

impl<L: Table> LeaseCounters<L> {
    /// Makes a table with all figures 0.
    #[must_use]
    pub fn new(rows: &[SubnetRow], now: Now) -> Self {
        let mut pools: Vec<PoolFigures<L>> = Vec::new();
        let mut subnets = Vec::with_capacity(rows.len());
        for row in rows {
            let first = pools.len();
            let addresses = row.pool_ids.iter().map(|id| (PoolKind::Addresses, id));
            let prefixes = row.pd_pool_ids.iter().map(|id| (PoolKind::Prefixes, id));
            let slots = addresses.chain(prefixes).map(|(kind, id)| {
                let is_same = |pool: &PoolFigures<L>| pool.id == *id && pool.kind == kind;
                let known = pools.iter().skip(first).position(is_same);
                let slot = known.map_or(pools.len(), |nth| first + nth);
                if slot == pools.len() {
                    pools.push(PoolFigures {
                        subnet_id: row.id,
                        kind,
                        id: *id,
                        figures: Figures::new(now),
                    });
                }
                PoolSlot(u32::try_from(slot).unwrap_or(u32::MAX))
            });
            let slots = slots.collect();
            subnets.push(SubnetFigures { id: row.id, figures: Figures::new(now), slots });
        }
        let mut by_id: Vec<_> = rows.iter().map(|row| row.id).zip(0..).collect();
        by_id.sort_unstable();
        Self { subnets, pools, by_id }
    }

    /// Returns where the figures of a subnet's `nth` pool are, pools of prefixes behind the others; to be asked when the
    /// configuration is made.
    #[must_use]
    pub fn pool_slot(&self, subnet: u32, nth: usize) -> Option<PoolSlot> {
        self.subnets.get(subnet as usize)?.slots.get(nth).copied()
    }

    /// Returns the place of a subnet by its id.
    #[must_use]
    pub fn subnet_by_id(&self, id: u32) -> Option<u32> {
        let nth = self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.by_id.get(nth).map(|(_, place)| *place)
    }

    /// Changes a figure of a subnet and, where it exists there, of the pool.
    #[inline]
    pub fn add(&self, place: Place, figure: L, change: i64, now: Now) {
        for figures in self.figures(place, figure) {
            figures.add(figure, change, now);
        }
    }

    /// Sets a figure of a subnet, or of a pool if one is given, as the result of a count.
    pub fn set(&self, place: Place, figure: L, value: i64, now: Now) {
        if let Some(figures) = self.figures(place, figure).last() {
            figures.set(figure, value, now);
        }
    }

    /// Returns a figure of a subnet, or of a pool if one is given.
    #[must_use]
    pub fn value(&self, place: Place, figure: L) -> i64 {
        self.figures(place, figure).last().map_or(0, |figures| figures.read(figure).0)
    }

    /// Returns the sum over all subnets and the time of the last change.
    pub(crate) fn sum(&self, figure: L) -> (i64, i64) {
        self.subnets.iter().fold((0, 0), |(sum, latest), subnet| {
            let (value, at_s) = subnet.figures.read(figure);
            (sum + value, latest.max(at_s))
        })
    }

    /// Finds the slot of a pool by ids.
    pub(crate) fn pool_by_id(
        &self,
        subnet_id: u32,
        kind: PoolKind,
        pool_id: u32,
    ) -> Option<&PoolFigures<L>> {
        let subnet = self.subnets.get(self.subnet_by_id(subnet_id)? as usize)?;
        subnet
            .slots
            .iter()
            .filter_map(|slot| self.pools.get(slot.0 as usize))
            .find(|pool| pool.id == pool_id && pool.kind == kind)
    }

    fn figures(&self, place: Place, figure: L) -> impl Iterator<Item = &Figures<L>> {
        let subnet = self.subnets.get(place.subnet as usize).map(|subnet| &subnet.figures);
        let pool = place.pool.and_then(|slot| self.pools.get(slot.0 as usize));
        let pool = pool.filter(|pool| pool.kind.has(figure));
        subnet.into_iter().chain(pool.map(|pool| &pool.figures))
    }
}

impl<L: Table> Figures<L> {
    fn new(now: Now) -> Self {
        let cells = L::per_row(|_| Figure {
            value: AtomicI64::new(0),
            changed_at_s: AtomicI64::new(now.wall_s),
        });
        Self { cells, removed: AtomicU32::new(0) }
    }

    #[inline]
    fn add(&self, figure: L, change: i64, now: Now) {
        let cell = &self.cells.as_ref()[figure.index()];
        cell.value.fetch_add(change, Ordering::Relaxed);
        cell.changed_at_s.store(now.wall_s, Ordering::Relaxed);
    }

    /// Sets the value and returns the one before.
    pub(crate) fn set(&self, figure: L, value: i64, now: Now) -> i64 {
        let cell = &self.cells.as_ref()[figure.index()];
        self.removed.fetch_and(!bit(figure), Ordering::Relaxed);
        cell.changed_at_s.store(now.wall_s, Ordering::Relaxed);
        cell.value.swap(value, Ordering::Relaxed)
    }

    /// Hides the figure until it changes and returns its value.
    pub(crate) fn remove(&self, figure: L) -> i64 {
        self.removed.fetch_or(bit(figure), Ordering::Relaxed);
        self.cells.as_ref()[figure.index()].value.swap(0, Ordering::Relaxed)
    }

    /// Returns value and time of change.
    pub(crate) fn read(&self, figure: L) -> (i64, i64) {
        let cell = &self.cells.as_ref()[figure.index()];
        (cell.value.load(Ordering::Relaxed), cell.changed_at_s.load(Ordering::Relaxed))
    }

    /// Like [`Figures::read`]; nothing while the figure is removed.
    pub(crate) fn read_visible(&self, figure: L) -> Option<(i64, i64)> {
        let (value, at_s) = self.read(figure);
        let is_removed = self.removed.load(Ordering::Relaxed) & bit(figure) != 0;
        (!is_removed || value != 0).then_some((value, at_s))
    }
}

fn bit<L: Table>(figure: L) -> u32 {
    1 << figure.index()
}

#[cfg(test)]
mod tests {
    use super::{LeaseCounters, Place, SubnetRow};
    use crate::{Lease4, Lease6};
    use util::Now;

    const NOW: Now = Now::from_secs(100);

    fn table() -> LeaseCounters<Lease4> {
        let rows = [
            SubnetRow { id: 70, pool_ids: vec![0, 5, 0], pd_pool_ids: Vec::new() },
            SubnetRow { id: 3, pool_ids: vec![0], pd_pool_ids: Vec::new() },
        ];
        LeaseCounters::new(&rows, NOW)
    }

    #[test]
    fn pools_with_the_same_id_share_their_figures_within_a_subnet() {
        let table = table();
        assert_eq!(table.pool_slot(0, 0), table.pool_slot(0, 2));
        assert_ne!(table.pool_slot(0, 0), table.pool_slot(0, 1));
        assert_ne!(table.pool_slot(0, 0), table.pool_slot(1, 0));
        assert_eq!(table.pool_slot(1, 1), None);
        assert_eq!(table.pool_slot(2, 0), None);
        assert_eq!(table.subnet_by_id(3), Some(1));
        assert_eq!(table.subnet_by_id(4), None);
    }

    #[test]
    fn events_count_for_subnet_and_pool() {
        let table = table();
        let pool = table.pool_slot(0, 1);
        let place = Place { subnet: 0, pool };
        table.add(place, Lease4::AssignedAddresses, 2, NOW);
        table.add(Place::subnet(0), Lease4::AssignedAddresses, 1, NOW);
        table.add(place, Lease4::LeaseReuses, 1, NOW);
        assert_eq!(table.value(Place::subnet(0), Lease4::AssignedAddresses), 3);
        assert_eq!(table.value(place, Lease4::AssignedAddresses), 2);
        assert_eq!(table.sum(Lease4::AssignedAddresses).0, 3);
        // Not a figure of pools: the subnet's is meant.
        assert_eq!(table.value(place, Lease4::LeaseReuses), 1);
    }

    #[test]
    fn recount_sets_subnet_and_pool_apart() {
        let table = table();
        let place = Place { subnet: 0, pool: table.pool_slot(0, 0) };
        table.set(Place::subnet(0), Lease4::DeclinedAddresses, 9, NOW);
        table.set(place, Lease4::DeclinedAddresses, 4, NOW);
        assert_eq!(table.value(Place::subnet(0), Lease4::DeclinedAddresses), 9);
        assert_eq!(table.value(place, Lease4::DeclinedAddresses), 4);
    }

    #[test]
    fn unknown_places_are_ignored() {
        let table = table();
        table.add(Place::subnet(2), Lease4::AssignedAddresses, 1, NOW);
        assert_eq!(table.value(Place::subnet(2), Lease4::AssignedAddresses), 0);
        assert_eq!(table.sum(Lease4::AssignedAddresses).0, 0);
    }

    #[test]
    fn pools_of_prefixes_are_counted_apart() {
        let rows = [SubnetRow { id: 1, pool_ids: vec![0], pd_pool_ids: vec![0, 7] }];
        let table = LeaseCounters::<Lease6>::new(&rows, NOW);
        let place = |nth| Place { subnet: 0, pool: table.pool_slot(0, nth) };
        table.add(place(0), Lease6::AssignedNas, 1, NOW);
        table.add(place(1), Lease6::AssignedPds, 5, NOW);
        assert_eq!(table.value(place(1), Lease6::AssignedPds), 5);
        assert_eq!(table.value(place(2), Lease6::AssignedPds), 0);
        assert_ne!(table.pool_slot(0, 0), table.pool_slot(0, 1));
        assert_eq!(table.value(Place::subnet(0), Lease6::AssignedNas), 1);
    }
}
