//! Selection of the subnet by interface, interface-id, relay, link-address and source.

use libdhcp::v6::code;

use crate::stand::{Query, Stand, solicit};

/// Subnets told apart by their pools.
const SUBNETS: &str = r#""valid-lifetime": 4000, "subnet6": [
    { "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan", "pools": [ { "pool": "2001:db8:1::/64" } ] },
    { "id": 2, "subnet": "2001:db8:2::/64", "interface-id": "port 2", "pools": [ { "pool": "2001:db8:2::/64" } ] },
    { "id": 3, "subnet": "2001:db8:3::/64", "relay": { "ip-address": "2001:db8:99::3" },
      "pools": [ { "pool": "2001:db8:3::/64" } ] },
    { "id": 4, "subnet": "2001:db8:4::/64", "pools": [ { "pool": "2001:db8:4::/64" } ] },
    { "id": 5, "subnet": "2001:db8:ff::/64", "pools": [ { "pool": "2001:db8:ff::/64" } ] } ]"#;

fn selected(query: &Query) -> Option<u16> {
    let mut stand = Stand::new(SUBNETS);
    let given = stand.answer(query).given();
    given
        .first()
        .map(|address| address.parse::<std::net::Ipv6Addr>().expect("an address").segments()[2])
}

fn ask() -> Query {
    solicit(1).na(1, &[])
}

#[test]
fn direct_clients_are_known_by_the_interface() {
    assert_eq!(selected(&ask()), Some(1));
    assert_eq!(selected(&ask().from("2001:db8:4::9")), Some(1), "the interface comes first");
    let other = SUBNETS.replace("\"lan\"", "\"other\"");
    let mut stand = Stand::new(&other);
    assert!(stand.answer(&ask()).given().is_empty(), "a link-local source says nothing");
    let given = stand.answer(&ask().from("2001:db8:4::9")).given();
    assert!(given[0].starts_with("2001:db8:4:"), "{given:?}");
}

#[test]
fn relayed_clients_are_known_by_their_relay() {
    let through = |link: &str, id: &[u8]| ask().relayed(link, &[(code::INTERFACE_ID, id)]);
    assert_eq!(selected(&through("2001:db8:4::1", b"port 2")), Some(2), "interface-id first");
    assert_eq!(selected(&through("2001:db8:4::1", b"port 3")), Some(4));
    assert_eq!(selected(&through("2001:db8:99::3", b"")), Some(3), "named relay");
    assert_eq!(selected(&through("2001:db8:98::3", b"")), None);
}

#[test]
fn the_relay_nearest_the_client_with_a_usable_link_address_counts() {
    let two = |near: &str, far: &str| ask().relayed(near, &[]).relayed(far, &[]);
    assert_eq!(selected(&two("2001:db8:4::1", "2001:db8:2::1")), Some(4));
    assert_eq!(selected(&two("::", "2001:db8:4::1")), Some(4));
    assert_eq!(selected(&two("fe80::1", "2001:db8:4::1")), Some(4));
    let far_id =
        ask().relayed("2001:db8:4::1", &[]).relayed("::", &[(code::INTERFACE_ID, b"port 2")]);
    assert_eq!(selected(&far_id), Some(4), "the interface-id of another relay says nothing");
}

#[test]
fn without_a_usable_link_address_a_relayed_client_is_treated_as_direct() {
    assert_eq!(selected(&ask().relayed("::", &[])), Some(1));
    let other = SUBNETS.replace("\"lan\"", "\"other\"");
    let mut stand = Stand::new(&other);
    let given = stand.answer(&ask().relayed("::", &[])).given();
    assert!(given[0].starts_with("2001:db8:ff:"), "by the relay's own address: {given:?}");
}
