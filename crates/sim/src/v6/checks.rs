//! Figures and pools of a server at rest, and that nothing in the store overlaps.

use std::collections::BTreeMap;

use kea_dhcp6::runtime::Runtime6;
use libdhcpsrv::config6::{Pool6, PoolKind};
use libdhcpsrv::free::PoolIndex;
use libdhcpsrv::lease::Counts;
use libdhcpsrv::lease::{LeaseState, LeaseType};
use libdhcpsrv::lease6::Lease6 as Lease6Row;
use stats::{Lease6, LeaseCounters6, Place};
use util::Now;

use crate::checks::{Mark, mark_of};
use crate::spans::Span;

/// Units of a pool that are looked at one by one.
const UNITS_MAX: usize = 256;

/// Figures of leases equal a recount of the store: addresses, prefixes and declined ones, by subnet and pool.
pub(super) fn counters(runtime: &Runtime6, counters: &LeaseCounters6, counts: &Counts) {
    let config = &runtime.config;
    let mut expected: BTreeMap<(u32, Option<usize>), [i64; 3]> = BTreeMap::new();
    for ((subnet_id, lease_type, pool_id, state), leases) in counts {
        let Some(subnet) = config.subnets.iter().position(|subnet| subnet.id == subnet_id.0) else {
            continue;
        };
        let own = &config.subnets[subnet];
        let (pools, before, figure) = match lease_type {
            LeaseType::Pd => (config.pd_pools_of(own), own.pools.len(), 1),
            _ => (config.pools_of(own), 0, 0),
        };
        let nth = pools.iter().position(|pool| pool.id == *pool_id).map(|nth| before + nth);
        let declined = *state == LeaseState::Declined;
        let is_counted = declined || *state == LeaseState::Default;
        for place in [Some(None), nth.map(Some)].into_iter().flatten() {
            let figures = expected.entry((subnet as u32, place)).or_default();
            figures[figure] += *leases as i64 * i64::from(is_counted);
            figures[2] += *leases as i64 * i64::from(declined);
        }
    }
    for (subnet, own) in config.subnets.iter().enumerate() {
        let subnet = subnet as u32;
        let pools = own.pools.len() + own.pd_pools.len();
        for nth in std::iter::once(None).chain((0..pools).map(Some)) {
            let pool = nth.and_then(|nth| counters.pool_slot(subnet, nth));
            let place = Place { subnet, pool };
            let expected = expected.get(&(subnet, nth)).copied().unwrap_or_default();
            let figures = [Lease6::AssignedNas, Lease6::AssignedPds, Lease6::DeclinedAddresses];
            // Pools have the figures of their kind only.
            let kinds = match nth {
                None => [true; 3],
                Some(nth) if nth < own.pools.len() => [true, false, true],
                Some(_) => [false, true, false],
            };
            for ((figure, expected), _) in
                figures.into_iter().zip(expected).zip(kinds).filter(|(_, exists)| *exists)
            {
                let counted = counters.value(place, figure);
                assert_eq!(counted, expected, "{figure:?} of subnet {subnet}, pool {nth:?}");
            }
        }
    }
}

/// What the store says that a lease holds.
#[derive(Clone, Copy, Debug)]
struct Lease {
    span: Span,
    mark: Mark,
}

/// Every unit of every pool is marked if a lease holds some of it, and in an exact pool only then; no two leases hold the
/// same.
pub(super) fn pools(
    runtime: &Runtime6,
    stored: &[Lease6Row],
    now: Now,
    wall_max: i64,
    is_exact: &dyn Fn(PoolIndex) -> bool,
) {
    let mut leases = Vec::new();
    for lease in stored {
        let span = Span::new(lease.address, lease.prefix_len);
        let ends = lease.cltt + i64::from(lease.valid_lifetime);
        let mark = mark_of(Some(ends).filter(|_| lease.state.holds_address()), now, wall_max);
        leases.push(Lease { span, mark });
    }
    // They are in the order of addresses, and prefixes are nested or apart.
    let mut before: Option<Span> = None;
    for lease in leases.iter().filter(|lease| lease.mark == Mark::Held) {
        let overlapping = before.filter(|before| before.overlaps(lease.span));
        assert!(overlapping.is_none(), "{overlapping:?} and {} are both leased", lease.span);
        before = Some(lease.span);
    }
    for (pool, index) in runtime.config.pools.iter().zip(0..) {
        let index = PoolIndex(index);
        units(runtime, pool, index, &leases, is_exact(index));
    }
}

/// The units of one pool against the leases.
fn units(runtime: &Runtime6, pool: &Pool6, index: PoolIndex, leases: &[Lease], is_exact: bool) {
    let pools = &runtime.pools;
    let shift = 128 - u32::from(pool.unit_len);
    let unit_of = |address: u128| (address - pool.first) >> shift;
    let span_of = |unit: u128| Span { first: pool.first + (unit << shift), len: pool.unit_len };
    let is_held = |unit: u128| pools.is_held(span_of(unit).address(), pool.unit_len);
    let touched = |lease: &Lease| {
        let (first, last) = (lease.span.first.max(pool.first), lease.span.last().min(pool.end()));
        (first <= last).then(|| (unit_of(first), unit_of(last)))
    };
    let of = |mark: Mark| leases.iter().filter(move |lease| lease.mark == mark);
    let mut held = Runs::default();
    for (first, last) in of(Mark::Held).filter_map(touched) {
        let is_marked = is_held(first) && is_held(last) && is_held(first.midpoint(last));
        assert!(is_marked, "{} is leased but free", span_of(first));
        held.add(first, last);
    }
    // What may be marked is marked as a whole.
    for (first, last) in of(Mark::Either).filter_map(touched) {
        if held.gap(first).is_some_and(|gap| gap <= last && is_held(gap)) {
            held.add(first, last);
        }
    }
    if !is_exact {
        return;
    }
    let units = pool.last_index() + 1;
    let mut unit = 0;
    for _ in 0..UNITS_MAX {
        let Some(gap) = held.gap(unit).filter(|&gap| gap < units) else { break };
        assert!(!is_held(gap), "{} has leaked", span_of(gap));
        unit = gap + 1;
    }
    let free = u64::try_from(units).unwrap_or(u64::MAX) - held.len();
    let is_pd = pool.kind == PoolKind::Pd;
    assert_eq!(pools.free_count(index), free, "free units of pool {index:?}, prefixes: {is_pd}");
}

/// Numbers in runs: last ones by first ones, with gaps between.
#[derive(Debug, Default)]
struct Runs(BTreeMap<u128, u128>);

impl Runs {
    fn add(&mut self, mut first: u128, mut last: u128) {
        while let Some((&start, &end)) = self.0.range(..=last + 1).next_back() {
            if end + 1 < first {
                break;
            }
            self.0.remove(&start);
            (first, last) = (first.min(start), last.max(end));
        }
        self.0.insert(first, last);
    }

    /// The first number at or behind `from` that is in no run.
    fn gap(&self, from: u128) -> Option<u128> {
        match self.0.range(..=from).next_back() {
            Some((_, &end)) if end >= from => end.checked_add(1),
            _ => Some(from),
        }
    }

    fn len(&self) -> u64 {
        let lengths = self.0.iter().map(|(&first, &last)| last - first + 1);
        u64::try_from(lengths.sum::<u128>()).unwrap_or(u64::MAX)
    }
}
