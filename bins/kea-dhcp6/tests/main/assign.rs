//! SOLICIT, REQUEST and rapid commit: who is advertised and given what.

use libdhcp::v6::{MessageType, code};
use libdhcpsrv::lease::LeaseState;

use crate::stand::{DUID, SMALL, Stand, ia_address, query, solicit, to_server};

const RAPID: &str = r#""valid-lifetime": 4000, "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64",
    "interface": "lan", "rapid-commit": true, "pools": [ { "pool": "2001:db8:1::/120" } ] } ]"#;

#[test]
fn advertise_proposes_and_stores_nothing() {
    let mut stand = Stand::new(SMALL);
    let answer = stand.answer(&solicit(1).na(7, &[]));
    assert_eq!(answer.kind(), MessageType::Advertise);
    assert_eq!(answer.associations(), ["IA_NA 7 1000/2000 2001:db8:1::10 3000/4000"]);
    assert_eq!(answer.option(code::SERVERID).as_deref(), Some(DUID));
    assert_eq!(answer.way(), "[fe80::ff:fe00:1]:546 through 0");
    assert_eq!((answer.entry.hold, stand.store.len()), (0, 0));
}

#[test]
fn advertised_address_is_advertised_again_and_given_by_request() {
    let mut stand = Stand::new(SMALL);
    let first = stand.answer(&solicit(1).na(7, &[]));
    assert_eq!(stand.answer(&solicit(2).na(7, &[])).given(), ["2001:db8:1::11"]);
    assert_eq!(stand.answer(&solicit(1).na(7, &[])).given(), first.given());
    let request = to_server(MessageType::Request, 1).na(7, &["2001:db8:1::10"]);
    let reply = stand.answer(&request);
    assert_eq!(reply.associations(), ["IA_NA 7 1000/2000 2001:db8:1::10 3000/4000"]);
    assert!(reply.entry.hold > 0, "a REPLY waits for its row");
    let lease = stand.store.lease("2001:db8:1::10".parse().unwrap()).unwrap();
    assert_eq!((lease.iaid, lease.valid_lifetime, lease.preferred_lifetime), (7, 4000, 3000));
    assert_eq!((lease.state, lease.subnet_id.0), (LeaseState::Default, 1));
    assert_eq!(lease.hw, [2, 0, 0, 0, 0, 1], "out of the DUID");
}

#[test]
fn every_association_gets_its_own() {
    let mut stand = Stand::new(SMALL);
    let message = solicit(1).na(1, &[]).pd(1, &[]).na(2, &[]).ta(9).pd(2, &[]);
    let expected = [
        "IA_NA 1 1000/2000 2001:db8:1::10 3000/4000",
        "IA_PD 1 1000/2000 2001:db8:f000::/56 3000/4000",
        "IA_NA 2 1000/2000 2001:db8:1::11 3000/4000",
        "IA_PD 2 1000/2000 2001:db8:f000:100::/56 3000/4000",
    ];
    assert_eq!(stand.answer(&message).associations(), expected);
    let request = message.kind(MessageType::Request).server(DUID);
    assert_eq!(stand.answer(&request).given().len(), 4);
    assert_eq!(stand.store.len(), 4);
    assert_eq!(stand.answer(&request).given().len(), 4, "the same again");
    assert_eq!(stand.store.len(), 4);
}

#[test]
fn what_is_promised_to_one_association_is_not_promised_to_the_next() {
    let one = SMALL.replace("2001:db8:1::12", "2001:db8:1::10");
    let mut stand = Stand::new(&one);
    let both = solicit(1).na(1, &["2001:db8:1::10"]).na(2, &["2001:db8:1::10"]);
    let expected = ["IA_NA 1 1000/2000 2001:db8:1::10 3000/4000", "IA_NA 2 0/0 status 2"];
    assert_eq!(stand.answer(&both).associations(), expected);
}

#[test]
fn exhausted_pools_are_told_inside_the_association() {
    let mut stand = Stand::new(SMALL);
    for client in 1..=3 {
        assert_eq!(stand.bind(&solicit(client).na(1, &[])).given().len(), 1);
    }
    let reaction = stand.ask(&solicit(4).na(1, &[]).pd(1, &[]));
    let expected = ["IA_NA 1 0/0 status 2", "IA_PD 1 1000/2000 2001:db8:f000::/56 3000/4000"];
    assert_eq!(reaction.answers[0].associations(), expected);
    assert!(reaction.log.iter().any(|line| line.id == "ALLOC_ENGINE_V6_ALLOC_FAIL"));
    let request = to_server(MessageType::Request, 4).na(1, &[]);
    assert_eq!(stand.answer(&request).associations(), ["IA_NA 1 0/0 status 2"]);
}

#[test]
fn a_client_on_an_unknown_link_is_told_so() {
    let mut stand = Stand::new(&SMALL.replace("\"lan\"", "\"other\""));
    let expected = ["IA_NA 1 0/0 status 2", "IA_PD 2 0/0 status 6"];
    for message in [solicit(1), to_server(MessageType::Request, 1)] {
        assert_eq!(stand.answer(&message.na(1, &[]).pd(2, &[])).associations(), expected);
    }
    assert!(stand.store.is_empty());
}

#[test]
fn hints_are_honoured_when_they_can_be() {
    let mut stand = Stand::new(SMALL);
    let wish = |client, address| solicit(client).na(1, &[address]);
    assert_eq!(stand.bind(&wish(1, "2001:db8:1::12")).given(), ["2001:db8:1::12"]);
    assert_eq!(stand.bind(&wish(2, "2001:db8:1::12")).given(), ["2001:db8:1::10"], "taken");
    assert_eq!(stand.bind(&wish(3, "2001:db8:9::1")).given(), ["2001:db8:1::11"], "elsewhere");
}

#[test]
fn wished_lifetimes_count_within_the_limits() {
    let limits = r#""min-valid-lifetime": 2000, "max-valid-lifetime": 6000, "min-preferred-lifetime": 1500,
        "max-preferred-lifetime": 3500, "#;
    let mut stand = Stand::new(&format!("{limits}{SMALL}"));
    let wish = |client, preferred, valid| {
        solicit(client).na_with(1, &ia_address("2001:db8:1::10", preferred, valid))
    };
    let times = |answer: crate::stand::Answer| {
        answer.associations()[0].rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(times(stand.answer(&wish(1, 0, 0))), "3000/4000");
    assert_eq!(times(stand.answer(&wish(1, 2500, 5000))), "2500/5000");
    assert_eq!(times(stand.answer(&wish(1, 1, 1))), "1500/2000");
    assert_eq!(times(stand.answer(&wish(1, u32::MAX, u32::MAX))), "3500/6000");
}

#[test]
fn rapid_commit_needs_both_sides() {
    let mut stand = Stand::new(RAPID);
    let wish = solicit(1).na(1, &[]).option(code::RAPID_COMMIT, &[]);
    let reply = stand.answer(&wish);
    assert_eq!((reply.kind(), stand.store.len()), (MessageType::Reply, 1));
    assert_eq!(reply.option(code::RAPID_COMMIT).as_deref(), Some(&[][..]));
    assert_eq!(stand.answer(&solicit(2).na(1, &[])).kind(), MessageType::Advertise);
    stand.reconfigure(SMALL);
    let advertise = stand.answer(&wish);
    assert_eq!(advertise.kind(), MessageType::Advertise);
    assert_eq!(advertise.option(code::RAPID_COMMIT), None);
}

#[test]
fn temporary_addresses_are_passed_over() {
    let mut stand = Stand::new(SMALL);
    let answer = stand.answer(&solicit(1).ta(3));
    assert_eq!((answer.kind(), answer.associations().len()), (MessageType::Advertise, 0));
}

#[test]
fn a_client_returns_to_its_lease_even_when_it_has_expired() {
    let mut stand = Stand::new(SMALL);
    let query = query(MessageType::Solicit, 1).na(1, &[]);
    let before = stand.bind(&query).given();
    stand.pass(10_000);
    assert_eq!(stand.answer(&solicit(2).na(1, &[])).given(), ["2001:db8:1::11"]);
    assert_eq!(stand.answer(&query).given(), before);
}
