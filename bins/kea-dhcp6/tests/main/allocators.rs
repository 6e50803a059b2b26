//! `allocator` and `pd-allocator`: which free address or prefix an association gets.

use std::collections::BTreeSet;

use crate::stand::{Stand, solicit};

const HUGE: &str = r#""allocator": "random", "pd-allocator": "random", "subnet6": [ {
    "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan",
    "pools": [ { "pool": "2001:db8:1::/64" } ],
    "pd-pools": [ { "prefix": "3fff:db8::", "prefix-len": 32, "delegated-len": 96 } ] } ]"#;

#[test]
fn random_works_in_pools_of_any_size() {
    let mut stand = Stand::new(HUGE);
    let mut given = BTreeSet::new();
    for client in 1..=50 {
        let answer = stand.bind(&solicit(client).na(1, &[]).pd(2, &[]));
        given.extend(answer.given());
    }
    assert_eq!(given.len(), 100);
    // That one of fifty lies within the first two to the power of 32 is as good as impossible.
    let is_low =
        |text: &&String| text.starts_with("2001:db8:1::/") || text.starts_with("3fff:db8::/");
    assert_eq!(given.iter().find(is_low), None);
}

#[test]
fn a_queue_of_prefixes_gives_all_of_all_pools() {
    let members = r#""pd-allocator": "flq", "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan",
        "pd-pools": [
            { "prefix": "2001:db8:a000::", "prefix-len": 47, "delegated-len": 48 },
            { "prefix": "2001:db8:b000::", "prefix-len": 47, "delegated-len": 48 } ] } ]"#;
    let mut stand = Stand::new(members);
    let given: BTreeSet<String> =
        (1..=4).flat_map(|client| stand.bind(&solicit(client).pd(1, &[])).given()).collect();
    let expected =
        ["2001:db8:a000::/48", "2001:db8:a001::/48", "2001:db8:b000::/48", "2001:db8:b001::/48"];
    assert!(given.iter().eq(expected.iter()), "{given:?}");
}
