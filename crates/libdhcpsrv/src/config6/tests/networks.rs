//! `shared-networks`: what subnets inherit from them, and what must agree.

use super::{good, read_file, read_members};
use crate::config::LeaseRules;
use crate::config6::SubnetIndex;

#[test]
fn subnets_inherit_from_their_network_and_it_from_the_global_scope() {
    let config = good(
        r#""valid-lifetime": 100, "preferred-lifetime": 50,
        "subnet6": [ { "id": 9, "subnet": "2001:db8:9::/48" } ],
        "shared-networks": [
            { "name": "floor", "interface-id": "port 1", "rapid-commit": true,
              "preferred-lifetime": 60, "option-data": [ { "code": 23, "data": "2001:db8::1" } ],
              "subnet6": [
                { "id": 1, "subnet": "2001:db8:1::/48", "valid-lifetime": 300,
                  "pd-pools": [ { "prefix": "2001:db8:1:8000::", "prefix-len": 56,
                                  "delegated-len": 64, "client-classes": [ "KNOWN" ] } ] },
                { "id": 2, "subnet": "2001:db8:2::/48", "interface-id": "port 2" } ] } ]"#,
    );
    let [alone, one, two] = &config.subnets[..] else { panic!("three subnets") };
    assert_eq!((alone.id, one.id, two.id), (9, 1, 2));
    assert_eq!((alone.rapid_commit, one.rapid_commit, two.rapid_commit), (false, true, true));
    let times = |subnet: &crate::config6::Subnet6| {
        (subnet.timers.valid_lifetime, subnet.timers.preferred_lifetime)
    };
    assert_eq!((times(alone), times(one), times(two)), ((100, 50), (300, 60), (100, 60)));
    let network = config.network_of(one).expect("it has one");
    assert!(network.options.contains(23) && config.network_of(alone).is_none());
    let by_id = |id: &[u8]| config.by_interface_id.get(id);
    assert_eq!((by_id(b"port 1"), by_id(b"port 2")), (Some(SubnetIndex(1)), Some(SubnetIndex(2))));
    let pool = &config.pd_pools_of(one)[0];
    let policy = pool.extras.as_ref().and_then(|extras| extras.classes.as_ref());
    assert!(policy.is_some_and(|policy| !policy.audience.is_everybody()));
}

#[test]
fn subnets_of_a_network_have_one_mind_about_rapid_commit() {
    let file = |of_network: &str, of_subnet: &str| {
        format!(
            r#""shared-networks": [ {{ "name": "a", {of_network} "subnet6": [
                {{ "id": 1, {of_subnet} "subnet": "2001:db8:1::/48" }},
                {{ "id": 2, "subnet": "2001:db8:2::/48" }} ] }} ]"#
        )
    };
    let on = r#""rapid-commit": true, "#;
    let complaint = "the subnets of a shared network must have the same 'rapid-commit'";
    assert!(read_members(&file("", on)).1.contains(complaint));
    assert!(read_members(&file(on, on)).0.is_some());
}

/// Each key with the values of the global scope, a shared network and a subnet in it, and what becomes of it.
type Inherited = (&'static str, [&'static str; 3], fn(&LeaseRules) -> String);

const INHERITED: &[Inherited] = &[
    ("allocator", ["\"iterative\"", "\"random\"", "\"iterative\""], |rules| {
        format!("\"{}\"", rules.allocator.name())
    }),
    ("pd-allocator", ["\"flq\"", "\"random\"", "\"iterative\""], |rules| {
        format!("\"{}\"", rules.pd_allocator.name())
    }),
    ("cache-threshold", ["0.5", "0.25", "0.75"], |rules| json(rules.cache.threshold)),
    ("cache-max-age", ["10", "20", "30"], |rules| json(rules.cache.max_age)),
    ("store-extended-info", ["false", "true", "false"], |rules| {
        rules.stores_extended_info.to_string()
    }),
    ("adaptive-lease-time-threshold", ["0.5", "0.25", "0.75"], |rules| {
        json(rules.adaptive_threshold)
    }),
];

fn json<T: ToString>(value: Option<T>) -> String {
    value.map_or("null".into(), |value| value.to_string())
}

#[test]
fn each_rule_about_leases_is_inherited_from_the_network() {
    for (key, [global, network, own], found) in INHERITED {
        let config = good(&format!(
            r#""{key}": {global},
            "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/48" }} ],
            "shared-networks": [
                {{ "name": "silent", "subnet6": [ {{ "id": 2, "subnet": "2001:db8:2::/48" }} ] }},
                {{ "name": "says", "{key}": {network}, "subnet6": [
                    {{ "id": 3, "subnet": "2001:db8:3::/48" }},
                    {{ "id": 4, "subnet": "2001:db8:4::/48", "{key}": {own} }} ] }} ]"#
        ));
        let all = config.subnets.iter().map(|subnet| found(&subnet.lease_rules));
        assert_eq!(all.collect::<Vec<_>>(), [*global, *global, *network, *own], "{key}");
    }
}

#[test]
fn names_ask_for_nothing_but_must_be_right() {
    good(
        r#""ddns-qualifying-suffix": "a.", "subnet6": [ { "id": 1, "subnet": "2001:db8::/32",
        "hostname-char-set": "x", "ddns-replace-client-name": "always", "pools": [
            { "pool": "2001:db8::/64", "ddns-generated-prefix": "p", "hostname-char-set": "y" } ] } ]"#,
    );
    for (scope, key) in [("Dhcp6", 0), ("subnet", 1), ("pool", 2)] {
        let member = |number| match number == key {
            true => r#"{ "hostname-char-set": "[", "ddns-replace-client-name": "perhaps","#,
            false => "{",
        };
        let (config, findings) = read_file(&format!(
            r#"{{ "Dhcp6": {} "subnet6": [ {} "id": 1, "subnet": "2001:db8::/32", "pools": [
                {} "pool": "2001:db8::/64" }} ] }} ] }} }}"#,
            member(0),
            member(1),
            member(2)
        ));
        assert!(config.is_none() && findings.contains("no regular expression"), "{scope}");
        assert!(findings.contains("'perhaps' is unknown"), "{findings}");
    }
}
