//! DHCPv6 leases.

use std::net::Ipv6Addr;

use database::{LeaseConnection, Wanted};
use libdhcpsrv::lease::{INFINITE, LeaseKind, LeaseState, LeaseType, SubnetId};
use libdhcpsrv::lease6::{Lease6, OwnedClientKey6, V6};

use crate::tables::{ALL, Tables, database, open6};

const NOW: i64 = 1_700_000_000;

fn address(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)
}

fn lease(last: u16) -> Lease6 {
    Lease6 {
        address: address(last),
        duid: vec![0, 3, 0, 1, last as u8],
        // Too large for a number with a sign.
        iaid: 0xffff_fff0,
        valid_lifetime: 3600,
        preferred_lifetime: 1800,
        cltt: NOW,
        subnet_id: SubnetId(7),
        fqdn_rev: true,
        hostname: format!("host-{last}").into_bytes(),
        ..Lease6::default()
    }
}

fn prefix(last: u16) -> Lease6 {
    let address = Ipv6Addr::new(0x2001, 0xdb8, 1, last << 8, 0, 0, 0, 0);
    Lease6 { address, prefix_len: 56, lease_type: LeaseType::Pd, ..lease(last) }
}

fn with_hardware(last: u16) -> Lease6 {
    // A type that is too large for the column.
    Lease6 { hw: vec![2, 0, 0, 0, 0, 9], hw_type: 0xfff0, hw_source: 4, ..lease(last) }
}

fn get(connection: &mut dyn LeaseConnection<V6>, addresses: &[Ipv6Addr]) -> Vec<Lease6> {
    let mut found = Vec::new();
    connection.get(addresses, &mut |lease| found.push(lease)).unwrap();
    found.sort_by_key(|lease| lease.address);
    found
}

fn insert(connection: &mut dyn LeaseConnection<V6>, leases: &[Lease6]) {
    let made = connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(made, vec![true; leases.len()]);
}

#[test]
fn leases_are_inserted_once_and_read_back_in_every_version() {
    for tables in ALL {
        let database = database(tables);
        let mut connection = open6(&database);
        let declined = Lease6 { duid: vec![0], state: LeaseState::Declined, ..lease(4) };
        let odd = Lease6 { address: "::1.2.3.4".parse().unwrap(), ..lease(5) };
        let endless = Lease6 { valid_lifetime: INFINITE, ..lease(6) };
        let all = [odd, lease(1), with_hardware(2), declined, endless, prefix(3)];
        let mut shuffled: Vec<_> = all.iter().collect();
        shuffled.reverse();
        assert_eq!(connection.insert(&shuffled).unwrap(), [true; 6], "{tables:?}");
        let again = [&lease(9), &prefix(3), &lease(1)];
        assert_eq!(connection.insert(&again).unwrap(), [true, false, false]);
        let addresses: Vec<_> = all.iter().map(|lease| lease.address).collect();
        assert_eq!(get(&mut *connection, &addresses), all, "{tables:?}");
        let row = "SELECT host(address::inet), hwtype, hwaddr_source, hwaddr, iaid FROM lease6 \
                   WHERE hostname IN ('host-1', 'host-2') ORDER BY address";
        let expected = "2001:db8::1\t0\t0\t\\x\t-16\n2001:db8::2\t-16\t4\t\\x020000000009\t-16";
        assert_eq!(database.sql(row).trim(), expected);
    }
}

#[test]
fn associations_are_found_by_type_client_and_number() {
    for tables in ALL {
        let database = database(tables);
        let mut connection = open6(&database);
        let second = Lease6 { duid: lease(1).duid, ..lease(2) };
        let other_iaid = Lease6 { duid: lease(1).duid, iaid: 5, ..lease(3) };
        let other_subnet = Lease6 { duid: lease(1).duid, subnet_id: SubnetId(8), ..lease(4) };
        let declined = Lease6 { duid: vec![0], state: LeaseState::Declined, ..lease(5) };
        insert(
            &mut *connection,
            &[lease(1), second, other_iaid, other_subnet, declined, prefix(1)],
        );
        let wanted = |lease_type, duid: &[u8], iaid, subnet| Wanted {
            client: OwnedClientKey6 { lease_type, duid: duid.to_vec(), iaid },
            subnet: SubnetId(subnet),
        };
        let (duid, iaid) = (lease(1).duid, lease(1).iaid);
        let asked = [
            wanted(LeaseType::Na, &duid, iaid, 7),
            wanted(LeaseType::Pd, &duid, iaid, 7),
            wanted(LeaseType::Na, &duid, 5, 7),
            wanted(LeaseType::Na, &duid, iaid, 8),
            wanted(LeaseType::Ta, &duid, iaid, 7),
            wanted(LeaseType::Na, &[0], iaid, 7),
            wanted(LeaseType::Na, &[], iaid, 7),
        ];
        let mut found = Vec::new();
        connection.find(&asked, &mut |at, lease| found.push((at, lease.address))).unwrap();
        found.sort_unstable();
        let expected = [
            (0, address(1)),
            (0, address(2)),
            (1, prefix(1).address),
            (2, address(3)),
            (3, address(4)),
        ];
        assert_eq!(found, expected, "{tables:?}");
    }
}

fn variants(base: &Lease6, tables: Tables) -> Vec<(&'static str, Lease6)> {
    let mut variants = vec![
        ("duid", Lease6 { duid: vec![7, 7], ..base.clone() }),
        ("no duid", Lease6 { duid: vec![0], ..base.clone() }),
        ("valid_lifetime", Lease6 { valid_lifetime: 3599, cltt: NOW + 1, ..base.clone() }),
        ("cltt", Lease6 { cltt: NOW + 1, ..base.clone() }),
        ("subnet_id", Lease6 { subnet_id: SubnetId(8), ..base.clone() }),
        ("pref_lifetime", Lease6 { preferred_lifetime: 1, ..base.clone() }),
        ("lease_type", Lease6 { lease_type: LeaseType::Ta, prefix_len: 128, ..base.clone() }),
        ("iaid", Lease6 { iaid: 1, ..base.clone() }),
        ("fqdn_fwd", Lease6 { fqdn_fwd: true, ..base.clone() }),
        ("fqdn_rev", Lease6 { fqdn_rev: false, ..base.clone() }),
        ("hwaddr", Lease6 { hw: vec![3; 6], ..base.clone() }),
        ("state", Lease6 { state: LeaseState::ExpiredReclaimed, ..base.clone() }),
    ];
    if base.lease_type == LeaseType::Pd {
        variants.push(("prefix_len", Lease6 { prefix_len: 57, ..base.clone() }));
    }
    if !base.hw.is_empty() {
        variants.push(("hwtype", Lease6 { hw_type: 1, ..base.clone() }));
        variants.push(("hwaddr_source", Lease6 { hw_source: 8, ..base.clone() }));
    }
    if tables == Tables::Newest {
        variants.push(("pool_id", Lease6 { pool_id: 3, ..base.clone() }));
    }
    variants
}

#[test]
fn a_lease_that_is_another_one_by_now_is_neither_changed_nor_deleted() {
    for tables in ALL {
        let database = database(tables);
        let mut connection = open6(&database);
        for base in [lease(1), with_hardware(2), prefix(3)] {
            insert(&mut *connection, std::slice::from_ref(&base));
            let new = Lease6 { cltt: NOW + 1000, ..base.clone() };
            for (column, other) in variants(&base, tables) {
                assert_eq!(connection.update(&[(&other, &new)]).unwrap(), [false], "{column}");
                assert_eq!(connection.delete(&[&other]).unwrap(), [false], "{column}");
                assert_eq!(connection.update(&[(&base, &other)]).unwrap(), [true], "{column}");
                assert_eq!(
                    get(&mut *connection, &[base.address]),
                    std::slice::from_ref(&other),
                    "{column}"
                );
                assert_eq!(connection.update(&[(&base, &new)]).unwrap(), [false], "{column}");
                assert_eq!(connection.update(&[(&other, &base)]).unwrap(), [true], "{column}");
            }
            assert_eq!(connection.update(&[(&base, &new)]).unwrap(), [true]);
            assert_eq!(connection.delete(&[&base]).unwrap(), [false]);
            assert_eq!(connection.delete(&[&new]).unwrap(), [true]);
        }
    }
}

#[test]
fn rows_with_null_can_be_changed_and_others_are_passed_over() {
    let database = database(Tables::Debian);
    let mut connection = open6(&database);
    database.sql(&format!(
        "INSERT INTO lease6 (address, duid, valid_lifetime, expire, subnet_id, lease_type, iaid, \
         prefix_len, state, hwtype) VALUES \
         ('2001:db8::1', NULL, 60, to_timestamp({NOW} + 60), 7, 0, 5, NULL, 0, 1), \
         ('2001:db8::2', '\\x01', 60, to_timestamp({NOW} + 60), 7, 0, 5, 64, 0, 1), \
         ('2001:DB8:0::3', '\\x01', 60, now(), 7, 0, 5, 128, 0, 1), \
         ('no address', '\\x01', 60, now(), 7, 0, 5, 128, 0, 1), \
         ('2001:db8::5', '\\x01', 60, now(), 7, 0, NULL, 128, 0, 1), \
         ('2001:db8::6', decode(repeat('01', 200), 'hex'), 60, now(), 7, 0, 5, 128, 0, 1)"
    ));
    let found = get(&mut *connection, &[1, 2, 5, 6].map(address));
    let (taken, found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|lease| *lease == V6::taken(lease.address));
    assert_eq!(taken.len(), 3, "what cannot be read is there");
    assert_eq!(found.iter().map(|lease| lease.address).collect::<Vec<_>>(), [address(2)]);
    // The type of an address that is not there says nothing.
    assert_eq!((found[0].prefix_len, found[0].hw_type), (128, 0));
    assert_eq!(connection.update(&[(&found[0], &lease(2))]).unwrap(), [true]);
    assert_eq!(get(&mut *connection, &[address(2)]), [lease(2)]);
    for limit in [1, 2, 3, 10] {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let (leases, next) = connection.page(after, limit).unwrap();
            all.extend(leases.into_iter().map(|lease| lease.address));
            after = next;
            if after.is_none() {
                break;
            }
        }
        all.sort_unstable();
        assert_eq!(all, [address(2), address(3)], "{limit}");
    }
}

#[test]
fn the_ranges_of_prefixes_are_told() {
    for tables in ALL {
        let database = database(tables);
        let mut connection = open6(&database);
        let over = Lease6 { cltt: NOW - 5000, ..prefix(2) };
        let endless = Lease6 { valid_lifetime: INFINITE, cltt: 0, ..lease(3) };
        insert(&mut *connection, &[lease(1), prefix(1), over.clone(), endless]);
        let mut held = Vec::new();
        connection.held(NOW, &mut |first, last| held.push((first, last))).unwrap();
        held.sort_unstable();
        let number = |address: Ipv6Addr| u128::from(address);
        let first = number(prefix(1).address);
        let expected = [
            (number(address(1)), number(address(1))),
            (number(address(3)), number(address(3))),
            (first, first + (1_u128 << 72) - 1),
        ];
        assert_eq!(held, expected, "{tables:?}");
        let mut ended = Vec::new();
        connection.ended(NOW - 3600, NOW, &mut |first, last| ended.push((first, last))).unwrap();
        let first = number(over.address);
        assert_eq!(ended, [(first, first + (1_u128 << 72) - 1)]);
        let expired = connection.expired(NOW, 0, 10).unwrap().leases;
        assert_eq!(expired, std::slice::from_ref(&over));
        let reclaimed = Lease6 { state: LeaseState::ExpiredReclaimed, ..over.clone() };
        assert_eq!(connection.update(&[(&over, &reclaimed)]).unwrap(), [true]);
        assert_eq!(connection.delete_reclaimed(NOW, 10).unwrap(), 1);
        let counted = connection.count().unwrap();
        let of = |lease_type| {
            counted.iter().filter(|one| one.lease_type == lease_type).map(|one| one.count).sum()
        };
        assert_eq!((of(LeaseType::Na), of(LeaseType::Pd)), (2_u64, 1_u64));
    }
}
