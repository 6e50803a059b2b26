//! Tests of the table of hosts, and a model of it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::free::{PickFrom, PoolIndex, PoolRange, PoolRange6};

const SUBNET: SubnetId = SubnetId(7);
const BOTH: Places = Places { subnet: Some(SUBNET), global: true };

fn id(kind: IdentifierKind, bytes: &[u8]) -> Identifier<'_> {
    Identifier { kind, bytes }
}

fn address(last: u8) -> Resource<Ipv4Addr> {
    let address = Ipv4Addr::new(192, 0, 2, last);
    Resource { address, prefix_len: 32, is_prefix: false, excluded: None }
}

fn add(
    builder: &mut HostsBuilder<V4>,
    subnet: SubnetId,
    identifier: Identifier<'_>,
    resources: &[Resource<Ipv4Addr>],
) {
    let extras = Extras::default();
    builder.add(NewHost { subnet, identifier, resources, hostname: b"name", extras });
}

#[test]
fn hosts_are_found_by_the_first_identifier_of_the_first_place() {
    use IdentifierKind::{CircuitId, Duid, HwAddress};
    let mut builder = HostsBuilder::default();
    add(&mut builder, GLOBAL, id(HwAddress, b"a"), &[]);
    add(&mut builder, SUBNET, id(Duid, b"a"), &[address(1)]);
    add(&mut builder, SubnetId(8), id(CircuitId, b"a"), &[address(1)]);
    let hosts: Hosts4 = builder.build();
    let client = [id(HwAddress, b"a"), id(Duid, b"a"), id(CircuitId, b"a")];
    assert_eq!(hosts.find(BOTH, &client), Some(HostId(1)), "the subnet comes first");
    let global = Places { subnet: None, global: true };
    assert_eq!(hosts.find(global, &client), Some(HostId(0)));
    let nowhere = Places { subnet: None, global: false };
    assert_eq!((hosts.find(nowhere, &client), hosts.find(BOTH, &[])), (None, None));
    assert_eq!(hosts.find(BOTH, &[id(Duid, b"ab")]), None);
    let host = hosts.get(HostId(1)).unwrap();
    assert_eq!((host.identifier, host.hostname), (client[1], &b"name"[..]));
    assert_eq!((host.resources, host.is_global()), (&[address(1)][..], false));
    assert!(hosts.get(HostId(3)).is_none());
}

#[test]
fn addresses_are_reserved_for_all_their_holders() {
    use IdentifierKind::HwAddress;
    let mut builder = HostsBuilder::default();
    for byte in 0..4 {
        add(&mut builder, SUBNET, id(HwAddress, &[byte]), &[address(1)]);
    }
    add(&mut builder, GLOBAL, id(HwAddress, &[9]), &[address(2)]);
    let hosts: Hosts4 = builder.build();
    let holders: Vec<_> = hosts.holders(SUBNET, address(1).address, 32).collect();
    assert_eq!(holders, [0, 1, 2, 3].map(HostId));
    let holder =
        |last, byte: u8| hosts.holder(BOTH, address(last).address, 32, &[id(HwAddress, &[byte])]);
    assert_eq!(
        [holder(1, 3), holder(1, 9), holder(2, 9), holder(2, 0)],
        [Holder::Client, Holder::Other, Holder::Client, Holder::Other,]
    );
    assert_eq!(holder(3, 0), Holder::Nobody);
    assert_eq!(hosts.holder(BOTH, address(1).address, 31, &[]), Holder::Nobody);
}

#[test]
fn no_hosts_are_no_trouble() {
    let hosts = Hosts6::default();
    assert!(hosts.is_empty() && hosts.iter().next().is_none());
    assert_eq!(hosts.holder(BOTH, Ipv6Addr::LOCALHOST, 128, &[]), Holder::Nobody);
    assert_eq!(hosts.find(BOTH, &[id(IdentifierKind::Duid, b"x")]), None);
}

#[test]
fn the_longest_texts_are_kept_and_longer_ones_cut() {
    let long = [7; 300];
    let mut builder = HostsBuilder::default();
    let identifier = id(IdentifierKind::CircuitId, &long);
    let extras = Extras::default();
    builder.add(NewHost { subnet: SUBNET, identifier, resources: &[], hostname: &long, extras });
    let hosts: Hosts4 = builder.build();
    let host = hosts.get(HostId(0)).unwrap();
    assert_eq!((host.identifier.bytes.len(), host.hostname.len()), (255, 255));
    assert_eq!(hosts.find(BOTH, &[host.identifier]), Some(HostId(0)));
}

/// A table with one host in the subnet and a global one.
fn pools_of(rules: ReservationRules) -> PoolSet4 {
    let mut builder = HostsBuilder::default();
    add(&mut builder, SUBNET, id(IdentifierKind::Duid, b"a"), &[address(11), address(200)]);
    add(&mut builder, GLOBAL, id(IdentifierKind::Duid, b"b"), &[address(12)]);
    add(&mut builder, SubnetId(8), id(IdentifierKind::Duid, b"c"), &[address(13)]);
    let hosts: Hosts4 = builder.build();
    let range = PoolRange {
        first: Ipv4Addr::new(192, 0, 2, 10),
        last: Ipv4Addr::new(192, 0, 2, 13),
        skips_edges: false,
    };
    hosts.make_pools(&[range], [(0..1, SUBNET, rules)].into_iter())
}

use crate::free::PoolSet4;

#[test]
fn pools_never_propose_what_is_reserved_in_their_subnet() {
    let rules =
        |global, in_subnet, out_of_pool| ReservationRules::new([global, in_subnet, out_of_pool]);
    for (rules, expected) in [
        (rules(false, true, false), vec![10, 12, 13]),
        (rules(true, true, false), vec![10, 13]),
        (rules(true, false, false), vec![10, 11, 13]),
        (rules(false, true, true), vec![10, 11, 12, 13]),
        (rules(false, false, false), vec![10, 11, 12, 13]),
    ] {
        let pools = pools_of(rules);
        let count = expected.len();
        let pick = || pools.pick(PoolIndex(0), PickFrom::Cursor).unwrap().octets()[3];
        let picked: Vec<u8> = (0..count).map(|_| pick()).collect();
        assert_eq!((picked, pools.free_count(PoolIndex(0))), (expected, count as u64), "{rules:?}");
    }
}

#[test]
fn leases_of_reserved_addresses_leave_the_reservation_behind() {
    let pools = pools_of(ReservationRules::default());
    let reserved = Ipv4Addr::new(192, 0, 2, 11);
    let numbers = (u32::from(reserved), u32::from(reserved));
    assert!(!pools.is_held(reserved) && pools.is_reserved(PoolIndex(0), reserved));
    for hint in [None, Some(PoolIndex(0))] {
        pools.hold(numbers.0, numbers.1, hint);
        assert!(pools.is_held(reserved));
        pools.unhold(numbers.0, numbers.1, hint);
        assert!(!pools.is_held(reserved));
        assert_eq!(pools.free_count(PoolIndex(0)), 3);
        let picks = (0..9).filter_map(|_| pools.pick(PoolIndex(0), PickFrom::Cursor));
        assert!(picks.into_iter().all(|picked| picked != reserved));
    }
}

#[test]
fn a_reserved_prefix_of_any_length_closes_what_it_overlaps() {
    let base = 0x2001_0db8_u128 << 96;
    for (len, at, free) in [(56, 0_u128, 3_u64), (60, 1 << 68, 3), (55, 0, 2), (48, 0, 0)] {
        let mut builder = HostsBuilder::<V6>::default();
        let address = Ipv6Addr::from(base + at);
        let resource = Resource { address, prefix_len: len, is_prefix: true, excluded: None };
        builder.add(NewHost {
            subnet: SUBNET,
            identifier: id(IdentifierKind::Duid, b"a"),
            resources: &[resource],
            hostname: &[],
            extras: Extras::default(),
        });
        let range =
            PoolRange6 { first: base.into(), last: (base + (1 << 74) - 1).into(), unit_len: 56 };
        let rules = ReservationRules::default();
        let pools = builder.build().make_pools(&[range], [(0..1, SUBNET, rules)].into_iter());
        let last = u128::from(address) | u128::MAX >> len;
        assert_eq!(pools.free_count(PoolIndex(0)), free, "{len}");
        pools.hold(address.into(), last, None);
        assert_eq!((pools.free_count(PoolIndex(0)), pools.is_held(address, len)), (free, true));
        pools.unhold(address.into(), last, None);
        assert_eq!((pools.free_count(PoolIndex(0)), pools.is_held(address, len)), (free, false));
        assert!(pools.is_range_reserved(PoolIndex(0), address.into(), address.into()));
    }
}

proptest! {
    #[test]
    fn a_table_finds_what_a_map_finds(
        entries in prop::collection::vec((0..3_u32, 0..5_usize, prop::collection::vec(0..3_u8, 1..4), 0..8_u8), 0..60),
        wanted in prop::collection::vec((0..3_u32, 0..5_usize, prop::collection::vec(0..3_u8, 1..4), 0..9_u8), 1..40),
    ) {
        let mut builder = HostsBuilder::<V4>::default();
        let mut by_identifier: BTreeMap<(u32, usize, Vec<u8>), u32> = BTreeMap::new();
        let mut by_address: BTreeMap<(u32, u8), Vec<u32>> = BTreeMap::new();
        for ((subnet, kind, bytes, last), number) in entries.iter().zip(0..) {
            let identifier = id(IdentifierKind::ALL[*kind], bytes);
            add(&mut builder, SubnetId(*subnet), identifier, &[address(*last)]);
            by_identifier.entry((*subnet, *kind, bytes.clone())).or_insert(number);
            by_address.entry((*subnet, *last)).or_default().push(number);
        }
        let hosts: Hosts4 = builder.build();
        for (subnet, kind, bytes, last) in wanted {
            let places = match subnet {
                0 => Places { subnet: None, global: true },
                other => Places { subnet: Some(SubnetId(other)), global: false },
            };
            let identifier = [id(IdentifierKind::ALL[kind], &bytes)];
            let expected = by_identifier.get(&(subnet, kind, bytes.clone())).copied().map(HostId);
            prop_assert_eq!(hosts.find(places, &identifier), expected);
            let held = by_address.get(&(subnet, last)).cloned().unwrap_or_default();
            let mut found: Vec<_> =
                hosts.holders(SubnetId(subnet), address(last).address, 32).map(|id| id.0).collect();
            found.sort_unstable();
            prop_assert_eq!(&found, &held);
            let is_own = held.iter().any(|&number| {
                let entry = &entries[number as usize];
                entry.1 == kind && entry.2 == bytes
            });
            let expected = match (held.is_empty(), is_own) {
                (true, _) => Holder::Nobody,
                (false, true) => Holder::Client,
                (false, false) => Holder::Other,
            };
            prop_assert_eq!(hosts.holder(places, address(last).address, 32, &identifier), expected);
        }
    }
}
