//! DISCOVER: what is offered to whom.

use std::net::Ipv4Addr;

use libdhcp::v4::{MessageType, code};

use crate::stand::{SERVER, SMALL, Stand, discover, selecting};

#[test]
fn offer_is_complete() {
    let mut stand = Stand::new(SMALL);
    insta::assert_snapshot!(stand.answer(&discover(1)).text());
}

#[test]
fn offer_stores_nothing_and_waits_for_nothing() {
    let mut stand = Stand::new(SMALL);
    let offer = stand.answer(&discover(1));
    assert_eq!((offer.entry.hold, stand.store.len(), stand.queue.appended()), (0, 0, 0));
}

#[test]
fn repeated_discover_is_offered_the_same_address() {
    let mut stand = Stand::new(SMALL);
    let first = stand.answer(&discover(1)).address();
    stand.answer(&discover(2));
    assert_eq!(stand.answer(&discover(1)).address(), first);
}

#[test]
fn clients_in_sequence_are_offered_different_addresses() {
    let mut stand = Stand::new(SMALL);
    let mut offered: Vec<_> =
        (1..=3).map(|client| stand.answer(&discover(client)).address()).collect();
    offered.sort_unstable();
    offered.dedup();
    assert_eq!(offered.len(), 3);
}

/// One byte is no client identifier (RFC 2132 section 9.14 asks for two), so these are three clients.
#[test]
fn clients_with_equal_unusable_identifiers_are_offered_different_addresses() {
    for id in [&[][..], &[0]] {
        let mut stand = Stand::new(SMALL);
        let offer =
            |stand: &mut Stand, client| stand.answer(&discover(client).client_id(id)).address();
        let (first, second) = (offer(&mut stand, 1), offer(&mut stand, 2));
        assert_ne!(first, second, "{id:?}");
    }
}

/// `match-client-id: false` exists for cloned machines, which have the same identifier.
#[test]
fn clones_are_offered_different_addresses_where_identifiers_do_not_count() {
    let mut stand = Stand::new(&format!("\"match-client-id\": false, {SMALL}"));
    let offer =
        |stand: &mut Stand, client| stand.answer(&discover(client).client_id(b"clone")).address();
    assert_ne!(offer(&mut stand, 1), offer(&mut stand, 2));
}

#[test]
fn wished_address_is_offered_when_it_is_free() {
    let mut stand = Stand::new(SMALL);
    let wish = Ipv4Addr::new(192, 0, 2, 12);
    assert_eq!(stand.answer(&discover(1).requested(wish)).address(), wish);
    assert_eq!(stand.answer(&discover(2).ciaddr(wish.octets())).address(), wish);
    assert_eq!(stand.answer(&selecting(2, wish.octets())).kind(), MessageType::Ack);
    assert_ne!(stand.answer(&discover(3).requested(wish)).address(), wish);
    let outside = Ipv4Addr::new(192, 0, 2, 99);
    assert_ne!(stand.answer(&discover(4).requested(outside)).address(), outside);
}

#[test]
fn own_lease_is_offered_again_even_when_it_has_expired() {
    let mut stand = Stand::new(SMALL);
    let address = stand.bind(&discover(1));
    let wish = Ipv4Addr::new(192, 0, 2, 12);
    assert_eq!(stand.answer(&discover(1).requested(wish)).address(), address);
    stand.pass(5000);
    assert_eq!(stand.answer(&discover(1)).address(), address);
}

#[test]
fn own_lease_outside_the_pools_is_not_offered() {
    let mut stand = Stand::new(SMALL);
    let address = stand.bind(&discover(1));
    stand.reconfigure(&SMALL.replace("192.0.2.10 - 192.0.2.12", "192.0.2.20 - 192.0.2.22"));
    assert_ne!(stand.answer(&discover(1)).address(), address);
}

#[test]
fn exhausted_pool_is_told_and_not_answered() {
    let mut stand = Stand::new(SMALL);
    for client in 1..=3 {
        stand.bind(&discover(client));
    }
    let reaction = stand.ask(&discover(4));
    assert!(reaction.answers.is_empty());
    assert_eq!(reaction.reason("DHCP4_QUERY_DROPPED"), "no address is free in the subnet's pools");
    assert!(reaction.log.iter().any(|line| line.id == "ALLOC_ENGINE_V4_ALLOC_FAIL"));
    stand.pass(4001);
    assert_eq!(stand.answer(&discover(4)).kind(), MessageType::Offer);
}

#[test]
fn discover_to_a_server_by_name_violates_the_protocol() {
    let mut stand = Stand::new(SMALL);
    let reason = stand.drop_reason(&discover(1).server(SERVER));
    assert_eq!(reason, "the message must not have a server identifier (option 54)");
    let reason = stand.drop_reason(&discover(1).server(Ipv4Addr::new(192, 0, 2, 99)));
    assert_eq!(reason, "the server identifier (option 54) names another server");
}

#[test]
fn client_must_have_an_identity() {
    let mut stand = Stand::new(SMALL);
    let nobody = discover(1).hardware(1, &[]);
    let reason = stand.drop_reason(&nobody);
    assert_eq!(reason, "the client has neither a hardware address nor an identifier");
    let offer = stand.answer(&nobody.clone().client_id(b"somebody"));
    assert_eq!(offer.kind(), MessageType::Offer);
    let mut strict = Stand::new(&format!("\"match-client-id\": false, {SMALL}"));
    strict.drop_reason(&nobody.client_id(b"somebody"));
}

//= RFC 3046 section 2.2
#[test]
fn information_of_a_switch_that_is_no_relay_goes_back() {
    let mut stand = Stand::new(SMALL);
    let information = [1, 2, b'p', b'1'];
    let offer = stand.answer(&discover(1).option(code::RELAY_AGENT_INFORMATION, &information));
    assert_eq!(offer.option(code::RELAY_AGENT_INFORMATION), Some(&information[..]));
}
