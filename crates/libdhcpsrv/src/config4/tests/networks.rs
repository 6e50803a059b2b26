//! `shared-networks`: what subnets inherit from them, and what must agree.

use std::net::Ipv4Addr;

use super::{good, read_members};
use crate::config4::{NetworkIndex, SubnetIndex};

#[test]
fn subnets_inherit_from_their_network_and_it_from_the_global_scope() {
    let config = good(
        r#""valid-lifetime": 100, "renew-timer": 10, "authoritative": true,
        "option-data": [ { "name": "dhcp-server-identifier", "data": "10.0.0.1" } ],
        "subnet4": [ { "id": 9, "subnet": "10.9.0.0/16", "interface": "eth1" } ],
        "shared-networks": [
            { "name": "floor", "interface": "eth0", "relay": { "ip-addresses": [ "10.0.0.9" ] },
              "valid-lifetime": 200, "match-client-id": false, "boot-file-name": "boot",
              "option-data": [ { "code": 3, "data": "10.1.0.1" },
                               { "name": "dhcp-server-identifier", "data": "10.0.0.2" } ],
              "client-classes": [ "UNKNOWN" ],
              "subnet4": [
                { "id": 1, "subnet": "10.1.0.0/16", "valid-lifetime": 300,
                  "pools": [ { "pool": "10.1.0.0/24",
                               "option-data": [ { "code": 42, "data": "10.1.0.4" } ] } ] },
                { "id": 2, "subnet": "10.2.0.0/16", "relay": { "ip-address": "10.2.0.9" } } ] },
            { "name": "empty" } ]"#,
    );
    let ids: Vec<u32> = config.subnets.iter().map(|subnet| subnet.id).collect();
    assert_eq!((ids, config.networks.len()), (vec![9, 1, 2], 2));
    let [alone, one, two] = &config.subnets[..] else { panic!("three subnets") };
    assert_eq!((alone.network, one.network), (None, Some(NetworkIndex(0))));
    let network = config.network_of(two).expect("it has one");
    assert_eq!((&*network.name, &network.subnets), ("floor", &(1..3)));
    assert!(network.options.contains(3) && !one.options.contains(3));
    assert_eq!(config.networks[1].subnets, 3..3);
    let lifetimes = config.subnets.iter().map(|subnet| subnet.timers.valid_lifetime);
    assert_eq!(lifetimes.collect::<Vec<_>>(), [100, 300, 200]);
    assert_eq!((alone.match_client_id, one.match_client_id), (true, false));
    assert_eq!((&*two.boot_file_name, two.authoritative), (&b"boot"[..], true));
    let pool = &config.pools_of(one)[0];
    assert!(pool.extras.as_ref().is_some_and(|extras| extras.options.contains(42)));
    assert_eq!(config.by_relay.get(&Ipv4Addr::new(10, 0, 0, 9)), Some(SubnetIndex(1)));
    assert_eq!(config.by_relay.get(&Ipv4Addr::new(10, 2, 0, 9)), Some(SubnetIndex(2)));
    let of_link = |serves: &dyn Fn(SubnetIndex) -> bool| config.by_interface.find("eth0", serves);
    assert_eq!(of_link(&|_| true), Some(SubnetIndex(1)));
    assert_eq!(of_link(&|subnet| subnet.0 != 1), Some(SubnetIndex(2)));
    assert_eq!(of_link(&|subnet| config.serves(subnet, &eval::ClassSet::default())), None);
}

#[test]
fn what_must_agree_in_a_network_is_checked() {
    for (members, complaint) in [
        (r#"{ "subnet4": [] }"#, "'name' is missing"),
        (r#"{ "name": " " }"#, "'name' of a shared network must not be empty"),
        (r#"{ "name": "a" }, { "name": "a" }"#, "shared network 'a' is there already"),
        (
            r#"{ "name": "a", "interface": "eth0", "subnet4": [
                { "id": 1, "subnet": "10.0.0.0/8", "interface": "eth1" } ] }"#,
            "a shared network is on one interface, found 'eth1'",
        ),
        (
            r#"{ "name": "a", "subnet4": [ { "id": 1, "subnet": "10.0.0.0/8" } ] },
               { "name": "b", "subnet4": [ { "id": 2, "subnet": "10.0.0.0/8" } ] }"#,
            "subnet 10.0.0.0/8 is there already",
        ),
        (
            r#"{ "name": "a", "reservations": [] }"#,
            "unknown keyword 'reservations' in 'shared-networks'",
        ),
    ] {
        let (config, findings) = read_members(&format!("\"shared-networks\": [ {members} ]"));
        assert!(config.is_none() && findings.contains(complaint), "{members}: {findings}");
    }
}
