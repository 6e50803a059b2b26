//! Figures and pools of a server at rest, and that nothing in the store overlaps.

use std::collections::BTreeMap;

use libdhcpsrv::config6::{Pool6, PoolKind};
use libdhcpsrv::free::PoolIndex;
use libdhcpsrv::lease::{LeaseState, LeaseType};
use stats::{Lease6, Place};
use util::Now;

use super::V6;
use crate::checks::{Mark, mark_of};
use crate::host::Host;
use crate::spans::Span;

/// Units of a pool that are looked at one by one.
const UNITS_MAX: u128 = 4096;

/// Figures of leases equal a recount of the store: addresses, prefixes and declined ones, by subnet and pool.
pub(super) fn counters(host: &Host<V6>) {
    let config = &host.runtime.config;
    let mut expected: BTreeMap<(u32, Option<usize>), [i64; 3]> = BTreeMap::new();
    for ((subnet_id, lease_type, pool_id, state), leases) in host.store.recount() {
        let Some(subnet) = config.subnets.iter().position(|subnet| subnet.id == subnet_id.0) else {
            continue;
        };
        let own = &config.subnets[subnet];
        let (pools, before, figure) = match lease_type {
            LeaseType::Pd => (config.pd_pools_of(own), own.pools.len(), 1),
            _ => (config.pools_of(own), 0, 0),
        };
        let nth = pools.iter().position(|pool| pool.id == pool_id).map(|nth| before + nth);
        let declined = state == LeaseState::Declined;
        let counts = declined || state == LeaseState::Default;
        for place in [Some(None), nth.map(Some)].into_iter().flatten() {
            let figures = expected.entry((subnet as u32, place)).or_default();
            figures[figure] += leases as i64 * i64::from(counts);
            figures[2] += leases as i64 * i64::from(declined);
        }
    }
    for (subnet, own) in config.subnets.iter().enumerate() {
        let subnet = subnet as u32;
        let pools = own.pools.len() + own.pd_pools.len();
        for nth in std::iter::once(None).chain((0..pools).map(Some)) {
            let pool = nth.and_then(|nth| host.counters.pool_slot(subnet, nth));
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
                let counted = host.counters.value(place, figure);
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

/// Every unit of every pool is marked if and only if a lease holds some of it; no two leases hold the same.
pub(super) fn pools(host: &Host<V6>, now: Now, wall_max: i64) {
    let mut leases = Vec::new();
    for lease in host.store.select(|_| true) {
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
    for (pool, index) in host.runtime.config.pools.iter().zip(0..) {
        units(host, pool, PoolIndex(index), &leases);
    }
}

/// The units of one pool against the leases.
fn units(host: &Host<V6>, pool: &Pool6, index: PoolIndex, leases: &[Lease]) {
    let pools = &host.runtime.pools;
    let shift = 128 - u32::from(pool.unit_len);
    let unit_of = |address: u128| (address - pool.first) >> shift;
    // How each unit that a lease touches must be marked.
    let mut marks: BTreeMap<u128, Mark> = BTreeMap::new();
    for lease in leases.iter().filter(|lease| lease.mark != Mark::Free) {
        let (first, last) = (lease.span.first.max(pool.first), lease.span.last().min(pool.end()));
        if first > last {
            continue;
        }
        for unit in unit_of(first)..=unit_of(last) {
            let mark = marks.entry(unit).or_insert(Mark::Either);
            *mark = if lease.mark == Mark::Held { Mark::Held } else { *mark };
        }
    }
    let is_held = |unit: u128| {
        let address = pool.first + (unit << shift);
        pools.is_held(address.into(), pool.unit_len)
    };
    let mut held = 0;
    for (&unit, &mark) in &marks {
        let is_held = is_held(unit);
        held += u64::from(is_held);
        let at = Span { first: pool.first + (unit << shift), len: pool.unit_len };
        assert!(is_held || mark == Mark::Either, "{at} is leased but free");
    }
    let units = pool.last_index() + 1;
    for unit in (0..units).take(UNITS_MAX as usize).filter(|unit| !marks.contains_key(unit)) {
        let at = Span { first: pool.first + (unit << shift), len: pool.unit_len };
        assert!(!is_held(unit), "{at} has leaked");
    }
    let free = u64::try_from(units).unwrap_or(u64::MAX) - held;
    let is_pd = pool.kind == PoolKind::Pd;
    assert_eq!(pools.free_count(index), free, "free units of pool {index:?}, prefixes: {is_pd}");
}
