//! REQUEST in its four states, and every reason for a NAK.

use std::net::Ipv4Addr;

use libdhcp::v4::{MessageType, code};
use libdhcpsrv::lease4::LeaseState;

use crate::stand::{
    BEGIN_S, SERVER, SMALL, Stand, discover, query, rebooting, renewing, selecting,
};

const A: [u8; 4] = [192, 0, 2, 10];
const B: [u8; 4] = [192, 0, 2, 11];

#[test]
fn selecting_is_acknowledged_after_its_row() {
    let mut stand = Stand::new(SMALL);
    let ack = stand.answer(&selecting(1, A));
    assert!(ack.entry.hold > 0 && ack.entry.hold <= stand.queue.appended());
    let lease = stand.store.lease(A.into()).unwrap();
    assert_eq!((lease.cltt, lease.valid_lifetime), (BEGIN_S + 1, 4000));
    assert_eq!((lease.hw.as_slice(), lease.hw_type), (&[2, 0, 0, 0, 0, 1][..], 1));
    insta::assert_snapshot!(ack.text());
}

#[test]
fn request_for_another_server_is_left_alone() {
    let mut stand = Stand::new(SMALL);
    let foreign = query(MessageType::Request, 1).server([192, 0, 2, 99].into()).requested(A.into());
    assert_eq!(
        stand.drop_reason(&foreign),
        "the server identifier (option 54) names another server"
    );
    assert!(stand.store.is_empty());
    let mut stand = Stand::new(&format!(
        "\"compatibility\": {{ \"ignore-dhcp-server-identifier\": true }}, {SMALL}"
    ));
    assert_eq!(stand.answer(&foreign).kind(), MessageType::Ack);
}

#[test]
fn a_relay_that_overrides_the_identifier_stands_for_the_server() {
    let mut stand = Stand::new(SMALL);
    let relay = [192, 0, 2, 9];
    let request = |named: [u8; 4]| {
        let agent = [code::RAI_SERVER_ID_OVERRIDE, 4, 192, 0, 2, 9];
        let request = query(MessageType::Request, 1).requested(A.into()).relayed(relay);
        request.server(named.into()).option(code::RELAY_AGENT_INFORMATION, &agent)
    };
    assert_eq!(
        stand.drop_reason(&request([192, 0, 2, 99])),
        "the server identifier (option 54) names another server"
    );
    assert_eq!(stand.answer(&request(relay)).kind(), MessageType::Ack);
}

#[test]
fn any_address_of_the_server_names_it() {
    let mut stand = Stand::new(SMALL);
    let request = query(MessageType::Request, 1).server(crate::stand::OTHER_ADDRESS);
    assert_eq!(stand.answer(&request.requested(A.into())).kind(), MessageType::Ack);
}

#[test]
fn refusals_say_why() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&discover(1));
    let taken = "the requested address is leased to another client";
    let outside = "the requested address is in no pool of the subnet";
    let cases = [
        (selecting(2, A), taken),
        (renewing(2, A), taken),
        (selecting(2, [192, 0, 2, 99]), outside),
        (selecting(1, [192, 0, 2, 99]), outside),
        (rebooting(1, B), "the client's lease is on another address"),
        (renewing(1, A).relayed([10, 9, 9, 9]), "no subnet is configured for this client"),
    ];
    for (request, reason) in cases {
        assert_eq!(stand.nak_reason(&request), reason);
    }
    assert_eq!(stand.store.len(), 1);
}

#[test]
fn nak_carries_nothing_but_the_essential() {
    let mut stand = Stand::new(&format!("\"next-server\": \"192.0.2.5\", {SMALL}"));
    stand.bind(&discover(1));
    let request = selecting(2, A).client_id(b"id").wants(&[1, 3, 51, 6]);
    insta::assert_snapshot!(stand.answer(&request).text());
}

//= RFC 2131 section 4.3.2
#[test]
fn relayed_nak_is_to_be_broadcast_by_the_relay() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&discover(1));
    let nak = stand.answer(&selecting(2, A).relayed([192, 0, 2, 3]));
    assert_eq!(nak.way(), "192.0.2.3:67 routed");
    assert!(nak.is_broadcast_flagged());
    let nak = stand.answer(&renewing(2, A));
    assert_eq!(nak.way(), "255.255.255.255:68 as a broadcast");
}

#[test]
fn unknown_client_that_reboots_is_left_to_other_servers() {
    let mut stand = Stand::new(SMALL);
    let reason = "the client asks for an old address but has no lease here";
    assert_eq!(stand.drop_reason(&rebooting(1, A)), reason);
    assert_eq!(stand.drop_reason(&rebooting(1, [10, 0, 0, 1])), reason);
    let mut master = Stand::new(&format!("\"authoritative\": true, {SMALL}"));
    assert_eq!(master.nak_reason(&rebooting(1, A)), "the client has no lease here");
}

#[test]
fn client_that_reboots_gets_its_lease_confirmed() {
    let mut stand = Stand::new(SMALL);
    let address = stand.bind(&discover(1));
    stand.pass(2000);
    let ack = stand.answer(&rebooting(1, address.octets()));
    assert_eq!((ack.kind(), ack.address()), (MessageType::Ack, address));
    assert_eq!(stand.store.lease(address).unwrap().cltt, stand.now.wall_s);
}

#[test]
fn renewal_goes_to_the_client_and_repeats_its_address() {
    let mut stand = Stand::new(SMALL);
    let address = stand.bind(&discover(1));
    stand.pass(2000);
    let ack = stand.answer(&renewing(1, address.octets()));
    assert_eq!((ack.address(), ack.message.header.ciaddr), (address, address));
    assert_eq!(ack.way(), "192.0.2.10:68 routed");
    assert_eq!(stand.store.lease(address).unwrap().cltt, stand.now.wall_s);
    let rebinding =
        query(MessageType::Request, 1).ciaddr(address.octets()).source(address.octets());
    assert_eq!(stand.answer(&rebinding).way(), "192.0.2.10:68 routed");
}

#[test]
fn renewal_of_a_lost_lease_is_granted_while_the_address_is_free() {
    let mut stand = Stand::new(SMALL);
    assert_eq!(stand.answer(&renewing(1, B)).address(), Ipv4Addr::from(B));
}

#[test]
fn expired_lease_can_be_taken_over() {
    let mut stand = Stand::new(SMALL);
    let address = stand.bind(&discover(1));
    stand.pass(3998);
    assert_eq!(stand.answer(&selecting(2, address.octets())).kind(), MessageType::Nak);
    stand.pass(2);
    assert_eq!(stand.answer(&selecting(2, address.octets())).kind(), MessageType::Ack);
    assert_eq!(stand.store.lease(address).unwrap().hw[5], 2);
    assert_eq!(stand.answer(&renewing(1, address.octets())).kind(), MessageType::Nak);
}

#[test]
fn client_that_moves_gives_its_former_address_up() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&discover(1));
    assert_eq!(stand.answer(&selecting(1, B)).address(), Ipv4Addr::from(B));
    assert_eq!(stand.store.lease(A.into()), None);
    assert_eq!(stand.answer(&selecting(2, A)).kind(), MessageType::Ack);
}

#[test]
fn request_without_an_address_gets_the_own_or_any() {
    let mut stand = Stand::new(SMALL);
    let request = |client| query(MessageType::Request, client).server(SERVER);
    let first = stand.answer(&request(1)).address();
    assert_eq!(stand.answer(&request(1)).address(), first);
    assert_ne!(stand.answer(&request(2)).address(), first);
    stand.answer(&request(3));
    assert_eq!(stand.nak_reason(&request(4)), "no address is free in the subnet's pools");
}

#[test]
fn client_is_known_by_its_identifier_and_else_by_its_hardware() {
    let mut stand = Stand::new(SMALL);
    let first = stand.bind(&discover(1).client_id(b"laptop"));
    let other_card = discover(2).client_id(b"laptop");
    assert_eq!(stand.bind(&other_card), first, "same identifier, another card");
    assert_eq!(stand.bind(&discover(2)), first, "same card, no identifier");
    let second = stand.bind(&discover(2).client_id(b"system two"));
    assert_eq!(second, first, "the lease has lost its identifier, so the card decides");
    let third = stand.bind(&discover(2).client_id(b"system three"));
    assert_ne!(third, first, "two systems on one machine");
}

#[test]
fn identifiers_do_not_count_where_they_are_not_matched() {
    let mut stand = Stand::new(&format!("\"match-client-id\": false, {SMALL}"));
    let first = stand.bind(&discover(1).client_id(b"one"));
    assert_eq!(stand.bind(&discover(1).client_id(b"two")), first);
    assert_ne!(stand.bind(&discover(2).client_id(b"one")), first);
    assert!(stand.store.lease(first).unwrap().client_id.is_empty());
}

#[test]
fn lifetimes_follow_wish_and_limits() {
    let members = format!("\"min-valid-lifetime\": 1000, \"max-valid-lifetime\": 8000, {SMALL}");
    let mut stand = Stand::new(&members);
    let wishes = [(None, 4000), (Some(1u32), 1000), (Some(5000), 5000), (Some(u32::MAX), 8000)];
    for (wish, lifetime) in wishes {
        let mut request = selecting(1, A);
        if let Some(wish) = wish {
            request = request.option(code::LEASE_TIME, &wish.to_be_bytes());
        }
        let ack = stand.answer(&request);
        assert_eq!(ack.number(code::LEASE_TIME), Some(lifetime));
        assert_eq!(stand.store.lease(A.into()).unwrap().valid_lifetime, lifetime);
    }
}

#[test]
fn addresses_that_another_server_may_have_given_are_denied_by_the_authority_only() {
    let foreign = |client| query(MessageType::Request, client).ciaddr([192, 0, 2, 99]);
    let mut stand = Stand::new(SMALL);
    let outside = "the requested address is in no pool of the subnet";
    let unknown = "the client asks for an old address but has no lease here";
    assert_eq!(stand.drop_reason(&foreign(1)), unknown);
    assert_eq!(stand.drop_reason(&foreign(1).unicast([192, 0, 2, 99])), unknown);
    assert_eq!(stand.nak_reason(&foreign(1).server(SERVER)), outside, "it was told by us");
    stand.answer(&selecting(1, A));
    assert_eq!(stand.drop_reason(&foreign(1)), unknown, "it has another lease here");
    let mut authority = Stand::new(&format!("\"authoritative\": true, {SMALL}"));
    assert_eq!(authority.nak_reason(&foreign(1)), outside);
}

#[test]
fn host_name_is_kept_with_the_lease() {
    let mut stand = Stand::new(SMALL);
    stand.answer(&selecting(1, A).option(code::HOST_NAME, b"Some-Host\0"));
    let lease = stand.store.lease(A.into()).unwrap();
    assert_eq!((lease.hostname.as_slice(), lease.state), (&b"some-host"[..], LeaseState::Default));
}

#[test]
fn nothing_is_acknowledged_while_storage_fails() {
    let mut stand = Stand::new(SMALL);
    stand.queue.stall();
    assert_eq!(stand.drop_reason(&selecting(1, A)), "the lease could not be stored");
    assert!(stand.store.is_empty());
    stand.queue.commit(0);
    assert_eq!(stand.answer(&selecting(1, A)).kind(), MessageType::Ack);
}
