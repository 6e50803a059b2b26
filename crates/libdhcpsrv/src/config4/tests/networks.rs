//! `shared-networks`: what subnets inherit from them, and what must agree.

use std::net::Ipv4Addr;

use super::{good, read_members};
use crate::config::LeaseRules;
use crate::config4::{NetworkIndex, SubnetIndex};
use crate::names::{NameBuffer, Naming};

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

/// Each key with the values of the global scope, a shared network and a subnet in it, and what becomes of it.
type Inherited = (&'static str, [&'static str; 3], fn(&LeaseRules) -> String);

const INHERITED: &[Inherited] = &[
    ("allocator", ["\"flq\"", "\"random\"", "\"iterative\""], |rules| {
        format!("\"{}\"", rules.allocator.name())
    }),
    ("cache-threshold", ["0.5", "0.25", "0.75"], |rules| json(rules.cache.threshold)),
    ("cache-max-age", ["10", "20", "30"], |rules| json(rules.cache.max_age)),
    ("offer-lifetime", ["10", "20", "30"], |rules| rules.offer_lifetime.to_string()),
    ("store-extended-info", ["false", "true", "false"], |rules| {
        rules.stores_extended_info.to_string()
    }),
    ("adaptive-lease-time-threshold", ["0.5", "0.25", "0.75"], |rules| {
        json(rules.adaptive_threshold)
    }),
    ("ddns-generated-prefix", ["\"g\"", "\"n\"", "\"s\""], |rules| {
        format!("\"{}\"", rules.names.generated_prefix)
    }),
    ("ddns-qualifying-suffix", ["\"g\"", "\"n\"", "\"s\""], |rules| {
        format!("\"{}\"", rules.names.qualifying_suffix)
    }),
    ("ddns-replace-client-name", ["\"always\"", "\"when-present\"", "\"never\""], |rules| {
        let naming = |given| rules.names.of_client(given, &mut NameBuffer::new());
        let text = match (naming(Some(b"a")), naming(None)) {
            (Naming::Generated, Naming::Generated) => "always",
            (Naming::Generated, Naming::Nothing) => "when-present",
            _ => "never",
        };
        format!("\"{text}\"")
    }),
    // Each of the letters goes in one scope.
    ("hostname-char-set", ["\"g\"", "\"n\"", "\"s\""], |rules| {
        let name = cleaned(rules, b"gns");
        let gone = ["g", "n", "s"].into_iter().find(|letter| !name.contains(letter));
        format!("\"{}\"", gone.unwrap_or_default())
    }),
    ("hostname-char-replacement", ["\"g\"", "\"n\"", "\"s\""], |rules| {
        format!("\"{}\"", cleaned(rules, b"_"))
    }),
];

fn json<T: ToString>(value: Option<T>) -> String {
    value.map_or("null".into(), |value| value.to_string())
}

fn cleaned(rules: &LeaseRules, name: &[u8]) -> String {
    let mut out = NameBuffer::new();
    rules.names.of_client(Some(name), &mut out);
    String::from_utf8(out.to_vec()).expect("letters")
}

#[test]
fn each_rule_about_leases_is_inherited_from_the_network() {
    for (key, [global, network, own], found) in INHERITED {
        let config = good(&format!(
            r#""{key}": {global},
            "subnet4": [ {{ "id": 1, "subnet": "10.1.0.0/16" }} ],
            "shared-networks": [
                {{ "name": "silent", "subnet4": [ {{ "id": 2, "subnet": "10.2.0.0/16" }} ] }},
                {{ "name": "says", "{key}": {network}, "subnet4": [
                    {{ "id": 3, "subnet": "10.3.0.0/16" }},
                    {{ "id": 4, "subnet": "10.4.0.0/16", "{key}": {own} }} ] }} ]"#
        ));
        let all = config.subnets.iter().map(|subnet| found(&subnet.lease_rules));
        assert_eq!(all.collect::<Vec<_>>(), [*global, *global, *network, *own], "{key}");
    }
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
