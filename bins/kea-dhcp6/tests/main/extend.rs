//! RENEW and REBIND: what a client keeps, loses and gets anew.

use libdhcp::v6::MessageType;

use crate::stand::{SMALL, Stand, query, solicit, to_server};

const ADDRESS: &str = "2001:db8:1::10";

#[test]
fn known_bindings_are_extended() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).na(1, &[]).pd(2, &[]));
    let begun = stand.store.lease(ADDRESS.parse().unwrap()).unwrap().cltt;
    let asked = |query: crate::stand::Query| query.na(1, &[ADDRESS]).pd(2, &["2001:db8:f000::/56"]);
    let expected = [
        "IA_NA 1 1000/2000 2001:db8:1::10 3000/4000",
        "IA_PD 2 1000/2000 2001:db8:f000::/56 3000/4000",
    ];
    let renew = stand.answer(&asked(to_server(MessageType::Renew, 1)));
    assert_eq!(renew.associations(), expected);
    assert!(renew.entry.hold > 0);
    let rebind = stand.answer(&asked(query(MessageType::Rebind, 1)));
    assert_eq!(rebind.associations(), expected);
    let renewed = stand.store.lease(ADDRESS.parse().unwrap()).unwrap().cltt;
    assert_eq!((renewed - begun, stand.store.len()), (2, 2));
}

#[test]
fn unknown_bindings_get_a_lease_and_what_is_listed_beside_it_ends() {
    let mut stand = Stand::new(SMALL);
    let renew = to_server(MessageType::Renew, 1).na(1, &["2001:db8:9::7"]);
    let expected = ["IA_NA 1 1000/2000 2001:db8:1::10 3000/4000 2001:db8:9::7 0/0"];
    assert_eq!(stand.answer(&renew).associations(), expected);
    let rebind = query(MessageType::Rebind, 2).na(1, &["2001:db8:1::12"]);
    let expected = ["IA_NA 1 1000/2000 2001:db8:1::12 3000/4000"];
    assert_eq!(stand.answer(&rebind).associations(), expected, "it is free");
}

#[test]
fn a_wish_for_a_length_is_nothing_that_could_end() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).pd(1, &[]));
    let renew = to_server(MessageType::Renew, 1).pd(1, &["2001:db8:f000::/56", "::/48"]);
    let expected = ["IA_PD 1 1000/2000 2001:db8:f000::/56 3000/4000"];
    assert_eq!(stand.answer(&renew).associations(), expected);
}

#[test]
fn an_address_of_somebody_else_is_withdrawn() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).na(1, &[]));
    let renew = to_server(MessageType::Renew, 2).na(1, &[ADDRESS]);
    let expected = ["IA_NA 1 1000/2000 2001:db8:1::11 3000/4000 2001:db8:1::10 0/0"];
    assert_eq!(stand.answer(&renew).associations(), expected);
}

#[test]
fn nothing_left_is_told_with_what_ends() {
    let mut stand = Stand::new(SMALL);
    for client in 1..=3 {
        stand.bind(&solicit(client).na(1, &[]));
    }
    let renew = to_server(MessageType::Renew, 4).na(1, &[ADDRESS, "2001:db8:1::11"]);
    let expected = ["IA_NA 1 0/0 2001:db8:1::10 0/0 2001:db8:1::11 0/0 status 2"];
    assert_eq!(stand.answer(&renew).associations(), expected);
}

#[test]
fn a_lease_outside_the_pools_is_withdrawn_and_replaced() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).na(1, &[]).pd(1, &[]));
    let moved = SMALL
        .replace("2001:db8:1::10 - 2001:db8:1::12", "2001:db8:1::20 - 2001:db8:1::22")
        .replace("\"delegated-len\": 56", "\"delegated-len\": 60");
    stand.reconfigure(&moved);
    let renew = to_server(MessageType::Renew, 1).na(1, &[ADDRESS]).pd(1, &["2001:db8:f000::/56"]);
    let expected = [
        "IA_NA 1 1000/2000 2001:db8:1::10 0/0 2001:db8:1::20 3000/4000",
        "IA_PD 1 1000/2000 2001:db8:f000::/56 0/0 2001:db8:f000::/60 3000/4000",
    ];
    assert_eq!(stand.answer(&renew).associations(), expected);
    assert_eq!(stand.store.len(), 2);
    assert!(stand.store.lease(ADDRESS.parse().unwrap()).is_none());
}

#[test]
fn on_an_unknown_link_there_is_no_binding() {
    let mut stand = Stand::new(&SMALL.replace("\"lan\"", "\"other\""));
    let renew = to_server(MessageType::Renew, 1).na(1, &[ADDRESS]).pd(2, &["2001:db8:f000::/56"]);
    let expected = ["IA_NA 1 0/0 status 3", "IA_PD 2 0/0 status 3"];
    assert_eq!(stand.answer(&renew).associations(), expected);
    let rebind = query(MessageType::Rebind, 1);
    let addresses = rebind.clone().na(1, &[ADDRESS]);
    assert_eq!(stand.answer(&addresses).associations(), ["IA_NA 1 0/0 status 3"]);
    let reason = stand.drop_reason(&rebind.pd(2, &["2001:db8:f000::/56"]));
    assert_eq!(reason, "no subnet is configured for the client's link");
}
