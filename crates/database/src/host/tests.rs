//! Tests of rows that become hosts.

use std::collections::BTreeSet;

use libdhcpsrv::hosts::{HostFault, IdentifierKind, RawHost};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

use super::*;
use crate::Fault;

fn bytes(text: &str) -> Cell {
    Cell::Bytes(text.as_bytes().to_vec())
}

fn none(count: usize) -> impl Iterator<Item = Cell> {
    std::iter::repeat_n(Cell::Null, count)
}

/// The cells of a host with the client identifier `id`.
fn host(number: i64) -> Vec<Cell> {
    vec![Cell::Int(number), bytes("id"), Cell::Int(3), Cell::Int(1), Cell::Null, Cell::Null]
}

fn option(number: i64, code: i64) -> Vec<Cell> {
    let mut cells = vec![Cell::Int(number), Cell::Int(code)];
    cells.extend(none(6));
    cells
}

fn reservation(number: i64, address: &str, len: i64, kind: i64) -> Vec<Cell> {
    vec![Cell::Int(number), bytes(address), Cell::Int(len), Cell::Int(kind), Cell::Null, Cell::Null]
}

fn assemble<K: Rows>(rows: Vec<Vec<Cell>>) -> (Vec<RawHost<K>>, Vec<HostFault>) {
    let (mut assembly, mut faults) = (HostAssembly::default(), Vec::new());
    for row in rows {
        assembly.add(row, &mut |fault| faults.push(fault));
    }
    let hosts = assembly.finish(&mut |fault| faults.push(fault));
    (hosts, faults)
}

#[test]
fn the_rows_of_a_host_are_put_together_whatever_their_order() {
    let mut rows = Vec::new();
    for nth in [2, 1] {
        for resource in [(9, "2001:db8:1::", 48, 2), (4, "2001:db8::1", 128, 0)] {
            for number in [7, 3] {
                let (id, address, len, kind) = resource;
                let own = reservation(id, address, len, kind);
                rows.push([host(nth), option(number, 20 + number), own].concat());
            }
        }
    }
    let (hosts, faults) = assemble::<V6>(rows);
    assert_eq!((hosts.len(), faults), (2, Vec::new()));
    for host in hosts {
        let options: Vec<_> = host.options.iter().map(|one| (one.number, one.code)).collect();
        assert_eq!(options, [(3, 23), (7, 27)]);
        let resources: Vec<_> = host.resources.iter().map(|own| own.prefix_len).collect();
        assert_eq!((host.kind, resources), (IdentifierKind::ClientId, vec![128, 48]));
    }
}

#[test]
fn cells_that_are_missing_or_odd_cost_no_more_than_themselves() {
    let (hosts, faults) = assemble::<V4>(vec![host(1), Vec::new(), vec![Cell::Null; 30]]);
    assert_eq!((hosts.len(), faults.len()), (1, 2));
    let mut long = host(2);
    long[4] = Cell::Bytes(vec![b'x'; 256]);
    long[5] = Cell::Bytes(vec![0xff]);
    let boot = [Cell::Int(-1), Cell::Int(-1), Cell::Bytes(vec![1; 64]), Cell::Bytes(vec![1; 128])];
    let row = [long, option(5, -1), boot.to_vec()].concat();
    let (hosts, faults) = assemble::<V4>(vec![row.clone(), row]);
    let [found] = hosts.as_slice() else { panic!("{hosts:?}") };
    assert!(found.hostname.is_empty() && found.client_classes.is_empty() && found.boot.is_none());
    assert!(found.resources.is_empty());
    let host_faults: BTreeSet<&str> =
        faults.iter().filter(|fault| fault.option.is_none()).map(|fault| &*fault.reason).collect();
    assert_eq!(host_faults.len(), 6, "{faults:?}");
    assert_eq!(faults.iter().filter(|fault| fault.option == Some(5)).count(), 1);
}

#[test]
fn prefixes_and_what_is_excluded_from_them_must_fit() {
    let of = |address: &str, len, kind, excluded: &str, excluded_len| {
        let mut own = reservation(1, address, len, kind);
        own[4] = bytes(excluded);
        own[5] = Cell::Int(excluded_len);
        let (hosts, faults) = assemble::<V6>(vec![[host(1), none(8).collect(), own].concat()]);
        let excluded = hosts[0].resources.first().map(|own| own.excluded.map(|(_, len)| len));
        (excluded, faults.len())
    };
    assert_eq!(of("2001:db8::", 48, 2, "2001:db8:0:7::", 64), (Some(Some(64)), 0));
    assert_eq!(of("2001:db8::", 48, 2, "2001:db8:0:7::/64", 64), (Some(Some(64)), 0));
    assert_eq!(of("2001:db8::", 48, 2, "", 0), (Some(None), 0));
    for (excluded, len) in
        [("2001:db8::", 48), ("2001:db9::", 64), ("2001:db8::1", 64), ("x", 64), ("::", 300)]
    {
        assert_eq!(of("2001:db8::", 48, 2, excluded, len), (Some(None), 1), "{excluded}/{len}");
    }
    for (address, len, kind) in [
        ("2001:db8::1", 64, 2),
        ("2001:db8::", 129, 2),
        ("::", 0, 2),
        ("::1", 64, 0),
        ("::1", 128, 1),
        ("", 128, 0),
    ] {
        assert_eq!(of(address, len, kind, "", 0), (None, 1), "{address}/{len} {kind}");
    }
    let binary = vec![Cell::Int(1), Cell::Bytes(vec![0x20; 16]), Cell::Int(128), Cell::Int(0)];
    let (hosts, _) = assemble::<V6>(vec![[host(1), none(8).collect(), binary].concat()]);
    assert_eq!(hosts[0].resources[0].address.octets(), [0x20; 16]);
}

#[test]
fn columns_are_read_as_far_as_they_are_there() {
    let has = |table: &str, name: &str| (table, name) != ("dhcp4_options", "cancelled");
    let columns = HostColumns::new::<V4>(has, "do something").unwrap();
    let text = columns.selected(true, |column| format!("{}.{}", column.table, column.name));
    assert_eq!(text.split(", ").count(), 18);
    assert!(text.contains("o.persistent, NULL, o.client_classes, h.ipv4_address"), "{text}");
    let without = columns.selected(false, |column| format!("{}.{}", column.table, column.name));
    assert!(!without.contains("o.") && without.split(", ").count() == 18, "{without}");
    let has = |table: &str, name: &str| (table, name) != ("ipv6_reservations", "host_id");
    let error = HostColumns::new::<V6>(has, "do something").unwrap_err();
    assert_eq!(error.fault, Fault::Schema);
    assert!(error.reason.contains("'ipv6_reservations' has no column 'host_id': do something"));
    assert!(HostColumns::new::<V4>(has, "").is_ok(), "DHCPv4 does not need it");
}
