//! Prefix delegation: pools of several lengths, hints, excluded prefixes, huge pools, changed lengths.

use libdhcp::v6::{MessageType, code};
use libdhcpsrv::lease::ReclaimLimits;

use crate::stand::{DUID, SMALL, Stand, ia_prefix, solicit, to_server};

const LENGTHS: &str = r#""cache-threshold": 0, "valid-lifetime": 4000, "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64",
    "interface": "lan", "pd-pools": [
        { "prefix": "2001:db8:a000::", "prefix-len": 40, "delegated-len": 60 },
        { "prefix": "2001:db8:b000::", "prefix-len": 40, "delegated-len": 56 },
        { "prefix": "2001:db8:c000::", "prefix-len": 40, "delegated-len": 48 } ] } ]"#;

fn pool(prefix: &str, prefix_len: u8, delegated_len: u8) -> String {
    format!(
        r#""valid-lifetime": 4000, "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan",
        "pd-pools": [ {{ "prefix": "{prefix}", "prefix-len": {prefix_len}, "delegated-len": {delegated_len} }} ] }} ]"#
    )
}

#[test]
fn length_hints_choose_the_pool() {
    let mut stand = Stand::new(LENGTHS);
    let mut given = |client, hint: &str| {
        let message = solicit(client).pd_with(1, &ia_prefix(hint, 0, 0));
        stand.bind(&message).given()
    };
    assert_eq!(given(1, "::/56"), ["2001:db8:b000::/56"]);
    assert_eq!(given(2, "::/60"), ["2001:db8:a000::/60"]);
    assert_eq!(given(3, "::/50"), ["2001:db8:c000::/48"], "a larger one before a smaller one");
    assert_eq!(given(4, "::/40"), ["2001:db8:a000:10::/60"], "smaller when there is no other");
    assert_eq!(given(5, "::/0"), ["2001:db8:a000:20::/60"], "no length is no wish");
}

#[test]
fn prefix_hints_are_honoured_when_they_are_a_unit_of_a_pool() {
    let mut stand = Stand::new(LENGTHS);
    let mut given = |client, hint: &str| {
        let message = solicit(client).pd_with(1, &ia_prefix(hint, 0, 0));
        stand.bind(&message).given()
    };
    assert_eq!(given(1, "2001:db8:b0ab:cd00::/56"), ["2001:db8:b0ab:cd00::/56"]);
    assert_eq!(given(2, "2001:db8:b0ab:cd00::/56"), ["2001:db8:b000::/56"], "taken");
    assert_eq!(given(3, "2001:db8:b0ab:ce00::/60"), ["2001:db8:a000::/60"], "wrong length");
    assert_eq!(given(4, "2001:db8:b0ab:ce01::/56"), ["2001:db8:b000:100::/56"], "host bits");
    assert_eq!(given(5, "2001:db9::/56"), ["2001:db8:b000:200::/56"], "in no pool");
}

#[test]
fn enormous_pools_cost_nothing() {
    let mut stand = Stand::new(&pool("2001:db8::", 32, 80));
    assert_eq!(stand.bind(&solicit(1).pd(1, &[])).given(), ["2001:db8::/80"]);
    let far = solicit(2).pd(1, &["2001:db8:ffff:ffff:ffff::/80"]);
    assert_eq!(stand.bind(&far).given(), ["2001:db8:ffff:ffff:ffff::/80"]);
    assert_eq!(stand.bind(&solicit(3).pd(1, &[])).given(), ["2001:db8:0:0:1::/80"]);
    let mut whole = Stand::new(&pool("2000::", 3, 128));
    assert_eq!(whole.bind(&solicit(1).pd(1, &[])).given(), ["2000::/128"]);
}

#[test]
fn a_pool_of_one_prefix_is_exhausted_by_one_client() {
    let mut stand = Stand::new(&pool("2001:db8:f::", 56, 56));
    assert_eq!(stand.bind(&solicit(1).pd(1, &[])).given(), ["2001:db8:f::/56"]);
    assert_eq!(stand.answer(&solicit(2).pd(1, &[])).associations(), ["IA_PD 1 0/0 status 6"]);
    let release = to_server(MessageType::Release, 1).pd(1, &["2001:db8:f::/56"]);
    assert_eq!(stand.answer(&release).status(), Some(0));
    assert_eq!(stand.bind(&solicit(2).pd(1, &[])).given(), ["2001:db8:f::/56"]);
}

#[test]
fn prefixes_of_another_length_never_overlap_what_is_delegated() {
    let mut stand = Stand::new(&pool("2001:db8:f000::", 44, 48));
    let held: Vec<_> =
        (1..=3).map(|client| stand.bind(&solicit(client).pd(1, &[])).given()[0].clone()).collect();
    assert_eq!(held[2], "2001:db8:f002::/48");
    // Now the pool gives out smaller prefixes, while the large ones still run.
    stand.reconfigure(&pool("2001:db8:f000::", 44, 52));
    let wish = solicit(10).pd(1, &["2001:db8:f001:1000::/52"]);
    assert_eq!(stand.bind(&wish).given(), ["2001:db8:f003::/52"]);
    for client in 11..30 {
        let given = stand.bind(&solicit(client).pd(1, &[])).given();
        let third: u32 = u32::from_str_radix(&given[0][9..13], 16).unwrap();
        assert!(third >= 0xf003, "{given:?} overlaps {held:?}");
    }
    // And back: what is small blocks what is large.
    stand.reconfigure(&pool("2001:db8:f000::", 44, 48));
    let given = stand.bind(&solicit(40).pd(1, &[])).given();
    let third = u32::from_str_radix(&given[0][9..13], 16).unwrap();
    assert!(third > 0xf003, "{given:?}");
}

/// A client comes back to a prefix that was his when another client has got a part of it meanwhile.
fn lost_prefix(stand: &mut Stand) {
    let (large, small) = (pool("2001:db8:f000::", 44, 48), pool("2001:db8:f000::", 44, 52));
    stand.reconfigure(&large);
    let wish = solicit(1).pd(1, &["2001:db8:f000::/48"]);
    assert_eq!(stand.bind(&wish).given(), ["2001:db8:f000::/48"]);
    stand.pass(4001);
    let limits = ReclaimLimits { leases_max: 0, remove: false };
    stand.store.reclaim(stand.now, limits, &mut || false, &mut |_| ()).expect("a journal");
    stand.reconfigure(&small);
    let wish = solicit(2).pd(1, &["2001:db8:f000:1000::/52"]);
    assert_eq!(stand.bind(&wish).given(), ["2001:db8:f000:1000::/52"]);
    stand.reconfigure(&large);
}

#[test]
fn a_former_prefix_is_withdrawn_when_somebody_has_a_part_of_it() {
    let mut stand = Stand::new(SMALL);
    lost_prefix(&mut stand);
    let renew = to_server(MessageType::Renew, 1).pd(1, &["2001:db8:f000::/48"]);
    let expected = "IA_PD 1 1250/2000 2001:db8:f000::/48 0/0 2001:db8:f001::/48 2500/4000";
    assert_eq!(stand.answer(&renew).associations(), [expected]);
    assert!(stand.store.lease("2001:db8:f000::".parse().unwrap()).is_none());
}

#[test]
fn a_former_prefix_is_not_offered_when_somebody_has_a_part_of_it() {
    let mut stand = Stand::new(SMALL);
    lost_prefix(&mut stand);
    let expected = ["2001:db8:f001::/48"];
    assert_eq!(stand.answer(&solicit(1).pd(1, &[])).given(), expected);
    let wish = solicit(3).pd(1, &["2001:db8:f000::/48"]);
    assert_ne!(stand.bind(&wish).given(), ["2001:db8:f000::/48"], "nor to anybody else");
}

#[test]
fn excluded_prefix_goes_with_its_prefix_to_those_who_ask() {
    let text = pool("2001:db8:f000::", 44, 48).replace(
        "\"delegated-len\": 48",
        "\"delegated-len\": 48, \"excluded-prefix\": \"2001:db8:f000:ff00::\", \"excluded-prefix-len\": 56",
    );
    let mut stand = Stand::new(&text);
    stand.bind(&solicit(1).pd(1, &[]));
    let answer = |stand: &mut Stand, wants: &[u16]| {
        let advertise = stand.answer(&solicit(2).pd(1, &[]).wants(wants));
        let [line] = advertise.associations().try_into().unwrap();
        assert!(line.contains("2001:db8:f001::/48"), "{line}");
        line
    };
    let line = answer(&mut stand, &[code::PD_EXCLUDE]);
    assert!(line.ends_with("without 2001:db8:f001:ff00::/56"), "{line}");
    let line = answer(&mut stand, &[code::DNS_SERVERS]);
    assert!(!line.contains("without"), "a router that does not know the option: {line}");
}

#[test]
fn one_association_keeps_its_prefix_beside_a_foreign_address_association() {
    let mut stand = Stand::new(LENGTHS);
    let message = solicit(1).pd(1, &[]).na(1, &[]);
    let expected = ["IA_PD 1 1250/2000 2001:db8:a000::/60 2500/4000", "IA_NA 1 0/0 status 2"];
    let reply = stand.bind(&message);
    assert_eq!(reply.associations(), expected);
    let again = stand.answer(&message.kind(MessageType::Renew).server(DUID));
    assert_eq!(again.associations(), expected);
}
