//! `allocator`: which free address a client gets.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use libdhcp::v4::MessageType;

use crate::stand::{Stand, discover, query};

fn members(allocator: &str, pools: &str) -> String {
    format!(
        r#""allocator": "{allocator}", "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ {pools} ] }} ]"#
    )
}

const TWO_POOLS: &str =
    r#"{ "pool": "192.0.2.10 - 192.0.2.12" }, { "pool": "192.0.2.100 - 192.0.2.102" }"#;
const WIDE: &str = r#"{ "pool": "192.0.2.2 - 192.0.2.254" }"#;

#[test]
fn random_addresses_are_scattered_and_none_is_left_over() {
    let mut stand = Stand::new(&members("random", WIDE));
    let given: Vec<Ipv4Addr> = (1..=253).map(|client| stand.bind(&discover(client))).collect();
    let distinct: BTreeSet<_> = given.iter().collect();
    assert_eq!(distinct.len(), 253);
    let neighbours = given.windows(2).filter(|pair| u32::from(pair[0]) + 1 == u32::from(pair[1]));
    assert!(neighbours.count() < 60, "{given:?}");
    assert_eq!(stand.drop_reason(&discover(254)), "no address is free in the subnet's pools");
}

#[test]
fn chance_spreads_clients_over_the_pools_until_all_are_full() {
    for allocator in ["random", "flq"] {
        let mut stand = Stand::new(&members(allocator, TWO_POOLS));
        let given: Vec<u8> =
            (1..=6).map(|client| stand.bind(&discover(client)).octets()[3]).collect();
        let distinct: BTreeSet<_> = given.iter().copied().collect();
        assert_eq!(distinct, BTreeSet::from([10, 11, 12, 100, 101, 102]), "{allocator}");
        assert!(given[..3] != [10, 11, 12] || given[3..] != [100, 101, 102], "{given:?}");
    }
}

#[test]
fn a_queue_gives_what_was_left_last_of_all() {
    let mut stand = Stand::new(&members("flq", r#"{ "pool": "192.0.2.10 - 192.0.2.14" }"#));
    let left = stand.bind(&discover(1));
    let release = query(MessageType::Release, 1).ciaddr(left.octets()).server(crate::stand::SERVER);
    assert!(stand.ask(&release).answers.is_empty());
    let others: Vec<Ipv4Addr> = (2..=5).map(|client| stand.bind(&discover(client))).collect();
    assert!(!others.contains(&left), "{others:?}");
    assert_eq!(stand.bind(&discover(6)), left);
}

#[test]
fn a_subnet_has_an_allocator_of_its_own() {
    let pools = members("random", WIDE);
    let own = pools.replace("\"id\": 1", "\"id\": 1, \"allocator\": \"iterative\"");
    let mut stand = Stand::new(&own);
    let given: Vec<u8> = (1..=3).map(|client| stand.bind(&discover(client)).octets()[3]).collect();
    assert_eq!(given, [2, 3, 4]);
}
