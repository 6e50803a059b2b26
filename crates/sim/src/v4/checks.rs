//! Figures and pools of a server at rest.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use kea_dhcp4::runtime::Runtime4;
use libdhcpsrv::free::PoolIndex;
use libdhcpsrv::lease::Counts;
use libdhcpsrv::lease4::{self, LeaseState};
use stats::{Lease4, LeaseCounters4, Place};
use util::Now;

use crate::checks::{Mark, mark_of};

/// Figures of leases equal a recount of the store.
pub(super) fn counters(runtime: &Runtime4, counters: &LeaseCounters4, counts: &Counts) {
    let config = &runtime.config;
    let mut expected: BTreeMap<(u32, Option<usize>), [i64; 2]> = BTreeMap::new();
    for ((subnet_id, _, pool_id, state), leases) in counts {
        let Some(subnet) = config.subnets.iter().position(|subnet| subnet.id == subnet_id.0) else {
            continue;
        };
        let pools = config.pools_of(&config.subnets[subnet]);
        let nth = pools.iter().position(|pool| pool.id == *pool_id);
        let declined = *state == LeaseState::Declined;
        let is_counted = declined || *state == LeaseState::Default;
        let places = [Some(None), nth.map(Some)];
        for place in places.into_iter().flatten() {
            let figures = expected.entry((subnet as u32, place)).or_default();
            figures[0] += *leases as i64 * i64::from(is_counted);
            figures[1] += *leases as i64 * i64::from(declined);
        }
    }
    for (subnet, nth) in (0..config.subnets.len()).flat_map(|subnet| {
        let pools = config.pools_of(&config.subnets[subnet]).len();
        std::iter::once(None).chain((0..pools).map(Some)).map(move |nth| (subnet as u32, nth))
    }) {
        let pool = nth.and_then(|nth| counters.pool_slot(subnet, nth));
        let place = Place { subnet, pool };
        let [assigned, declined] = expected.get(&(subnet, nth)).copied().unwrap_or_default();
        let counted = counters.value(place, Lease4::AssignedAddresses);
        assert_eq!(counted, assigned, "assigned addresses of subnet {subnet}, pool {nth:?}");
        let counted = counters.value(place, Lease4::DeclinedAddresses);
        assert_eq!(counted, declined, "declined addresses of subnet {subnet}, pool {nth:?}");
    }
}

/// Every address of every pool is marked if a lease holds it, and in an exact pool only then; what is reserved is not free
/// either.
pub(super) fn pools(
    runtime: &Runtime4,
    lease_of: &dyn Fn(Ipv4Addr) -> Option<lease4::Lease4>,
    now: Now,
    wall_max: i64,
    is_exact: &dyn Fn(PoolIndex) -> bool,
) {
    for (index, pool) in runtime.config.pools.iter().enumerate() {
        let mut free = 0;
        for address in (pool.first..=pool.last).map(Ipv4Addr::from) {
            let held = runtime.pools.is_held(address);
            let index = PoolIndex(index as u32);
            free += u64::from(!held && !runtime.pools.is_reserved(index, address));
            let lease = lease_of(address);
            let holding = lease.as_ref().filter(|lease| lease.state.holds_address());
            let ends = holding.map(|lease| lease.cltt + i64::from(lease.valid_lifetime));
            match mark_of(ends, now, wall_max) {
                Mark::Held => assert!(held, "{address} is leased but free"),
                Mark::Free => {
                    assert!(!held || !is_exact(index), "{address} has leaked: {lease:?}");
                }
                Mark::Either => {}
            }
        }
        let counted = runtime.pools.free_count(PoolIndex(index as u32));
        assert_eq!(counted, free, "free addresses of pool {index}");
    }
}
