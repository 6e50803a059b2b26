//! `shared-networks`: what subnets inherit from them, and what must agree.

use super::{good, read_members};
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
