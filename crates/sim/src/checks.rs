//! The invariants that are checked on the whole server at rest: counters, pools, gate, parked exchanges.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use libdhcpsrv::free::PoolIndex;
use libdhcpsrv::lease4::LeaseState;
use stats::{Lease4, Place};
use util::Now;

use crate::host::Host;

/// Time by which an address may become free too late after the clock was set back.
const PATIENCE_S: i64 = 60;

/// Checks all of it. A tick of expiry must have been made for `now`.
pub(crate) fn whole(host: &Host, now: Now, wall_max: i64) {
    if host.is_idle() {
        for worker in &host.workers {
            assert_eq!(worker.server.parked_len(), 0, "an exchange stays parked for ever");
        }
        assert_eq!(host.shared.gate.in_progress(), 0, "a client stays inside the gate");
        counters(host);
    }
    pools(host, now, wall_max);
}

/// Figures of leases equal a recount of the store.
fn counters(host: &Host) {
    let config = &host.runtime.config;
    let mut expected: BTreeMap<(u32, Option<usize>), [i64; 2]> = BTreeMap::new();
    for ((subnet_id, _, pool_id, state), leases) in host.store.recount() {
        let Some(subnet) = config.subnets.iter().position(|subnet| subnet.id == subnet_id.0) else {
            continue;
        };
        let pools = config.pools_of(&config.subnets[subnet]);
        let nth = pools.iter().position(|pool| pool.id == pool_id);
        let declined = state == LeaseState::Declined;
        let counts = declined || state == LeaseState::Default;
        let places = [Some(None), nth.map(Some)];
        for place in places.into_iter().flatten() {
            let figures = expected.entry((subnet as u32, place)).or_default();
            figures[0] += leases as i64 * i64::from(counts);
            figures[1] += leases as i64 * i64::from(declined);
        }
    }
    for (subnet, nth) in (0..config.subnets.len()).flat_map(|subnet| {
        let pools = config.pools_of(&config.subnets[subnet]).len();
        std::iter::once(None).chain((0..pools).map(Some)).map(move |nth| (subnet as u32, nth))
    }) {
        let pool = nth.and_then(|nth| host.counters.pool_slot(subnet, nth));
        let place = Place { subnet, pool };
        let [assigned, declined] = expected.get(&(subnet, nth)).copied().unwrap_or_default();
        let counted = host.counters.value(place, Lease4::AssignedAddresses);
        assert_eq!(counted, assigned, "assigned addresses of subnet {subnet}, pool {nth:?}");
        let counted = host.counters.value(place, Lease4::DeclinedAddresses);
        assert_eq!(counted, declined, "declined addresses of subnet {subnet}, pool {nth:?}");
    }
}

/// Every address of every pool is marked if and only if a lease holds it.
fn pools(host: &Host, now: Now, wall_max: i64) {
    let Host { runtime, store, .. } = host;
    for (index, pool) in runtime.config.pools.iter().enumerate() {
        let mut free = 0;
        for address in (pool.first..=pool.last).map(Ipv4Addr::from) {
            let held = runtime.pools.is_held(address);
            free += u64::from(!held);
            let lease = store.lease(address);
            let ends = lease.as_ref().map(|lease| lease.cltt + i64::from(lease.valid_lifetime));
            let holds = lease.as_ref().is_some_and(|lease| lease.state.holds_address());
            match ends.filter(|_| holds) {
                // Expiry may have been noticed before the clock went back.
                Some(ends) if ends >= wall_max => assert!(held, "{address} is leased but free"),
                Some(ends) if ends >= now.wall_s => {}
                // A clock that went back a little is waited for.
                Some(ends) if ends + PATIENCE_S >= now.wall_s && now.wall_s < wall_max => {}
                Some(_) => assert!(!held, "{address} has expired but is not free"),
                None => assert!(!held, "{address} has leaked: {lease:?}"),
            }
        }
        let counted = runtime.pools.free_count(PoolIndex(index as u32));
        assert_eq!(counted, free, "free addresses of pool {index}");
    }
}
