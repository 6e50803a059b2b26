use super::netlink::{Change, Ending, for_each_change};
use super::*;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(value.len() as u16 + 4).to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn message(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(body.len() as u32 + 16).to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&7u32.to_ne_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(body);
    bytes
}

fn link_body(family: u8, index: u32, flags: u32, name: &str) -> Vec<u8> {
    let mut body = vec![family, 0];
    body.extend_from_slice(&1u16.to_ne_bytes());
    body.extend_from_slice(&index.to_ne_bytes());
    body.extend_from_slice(&flags.to_ne_bytes());
    body.extend_from_slice(&[0; 4]);
    body.extend(attribute(3, &[name.as_bytes(), b"\0"].concat()));
    body.extend(attribute(1, &[2, 0, 0, 0, 0, 9]));
    body
}

fn address_body(index: u32, address: [u8; 4]) -> Vec<u8> {
    let mut body = vec![libc::AF_INET as u8, 24, 0, 0];
    body.extend_from_slice(&index.to_ne_bytes());
    body.extend(attribute(2, &address));
    body
}

fn changes(bytes: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    for_each_change(bytes, None, &mut |change| changes.push(change));
    changes
}

fn apply(table: &mut InterfaceTable, bytes: &[u8]) -> bool {
    changes(bytes).into_iter().fold(false, |is_changed, change| table.apply(change) | is_changed)
}

#[test]
fn links_and_addresses_come_and_go() {
    let mut table = InterfaceTable::default();
    let up = message(libc::RTM_NEWLINK, &link_body(0, 5, 0x41, "eth5"));
    let address = message(libc::RTM_NEWADDR, &address_body(5, [192, 0, 2, 1]));
    assert!(apply(&mut table, &[up.clone(), address.clone()].concat()));
    let interface = table.by_name("eth5").unwrap();
    assert!(interface.is_up && interface.is_running && interface.is_ethernet);
    assert_eq!(interface.link_address, Some(LinkAddress([2, 0, 0, 0, 0, 9])));
    assert_eq!(interface.ipv4[0].broadcast(), Some(Ipv4Addr::new(192, 0, 2, 255)));
    assert!(!apply(&mut table, &[up, address].concat()), "repetition is no change");

    let renamed = message(libc::RTM_NEWLINK, &link_body(0, 5, 0x41, "wan"));
    assert!(apply(&mut table, &renamed));
    assert_eq!(table.by_name("wan").unwrap().ipv4.len(), 1, "addresses survive a rename");
    assert!(apply(&mut table, &message(libc::RTM_DELADDR, &address_body(5, [192, 0, 2, 1]))));
    assert!(table.by_name("wan").unwrap().ipv4.is_empty());
    assert!(apply(&mut table, &message(libc::RTM_DELLINK, &link_body(0, 5, 0, "wan"))));
    assert!(table.interfaces().is_empty());
}

#[test]
fn an_interface_that_leaves_a_bridge_is_not_gone() {
    let mut table = InterfaceTable::default();
    apply(&mut table, &message(libc::RTM_NEWLINK, &link_body(0, 5, 0x41, "eth5")));
    let leaves = message(libc::RTM_DELLINK, &link_body(libc::AF_BRIDGE as u8, 5, 0x41, "eth5"));
    assert!(!apply(&mut table, &leaves));
    assert!(table.by_name("eth5").is_some());
}

#[test]
fn no_cut_and_no_wrong_length_panics() {
    let whole = [
        message(libc::RTM_NEWLINK, &link_body(0, 5, 0x41, "eth5")),
        message(libc::RTM_NEWADDR, &address_body(5, [192, 0, 2, 1])),
    ]
    .concat();
    for cut in 0..whole.len() {
        changes(&whole[..cut]);
        for value in [0, 1, 3, 4, 15, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[cut] = value;
            changes(&bytes);
        }
    }
}

#[test]
fn answers_to_other_requests_are_passed_over() {
    let bytes = message(3, &[]);
    assert_eq!(for_each_change(&bytes, Some(7), &mut |_| ()), Ending::Done);
    assert_eq!(for_each_change(&bytes, Some(8), &mut |_| ()), Ending::Open);
    let refused = message(2, &(-libc::EPERM).to_ne_bytes());
    assert_eq!(for_each_change(&refused, Some(7), &mut |_| ()), Ending::Refused(libc::EPERM));
}

#[test]
fn broadcast_addresses_exist_for_prefixes_with_hosts_only() {
    let of =
        |prefix_len| Ipv4Network { address: Ipv4Addr::new(10, 1, 2, 3), prefix_len }.broadcast();
    assert_eq!(of(8), Some(Ipv4Addr::new(10, 255, 255, 255)));
    assert_eq!(of(30), Some(Ipv4Addr::new(10, 1, 2, 3)));
    assert_eq!((of(31), of(32), of(255)), (None, None, None));
    assert_eq!(of(0), Some(Ipv4Addr::BROADCAST));
}
