//! INFORM: parameters without a lease, and where the answer goes.

use libdhcp::v4::{MessageType, code};

use crate::stand::{Query, SERVER, SMALL, Stand, query};

const CLIENT: [u8; 4] = [192, 0, 2, 77];
const RELAY: [u8; 4] = [192, 0, 2, 3];

fn inform() -> Query {
    query(MessageType::Inform, 1)
}

#[test]
fn inform_is_answered_without_a_lease() {
    let mut stand = Stand::new(&format!(
        "\"renew-timer\": 100, \"rebind-timer\": 200, \"next-server\": \"192.0.2.5\", \
         \"option-data\": [ {{ \"name\": \"routers\", \"data\": \"192.0.2.254\" }} ], {SMALL}"
    ));
    let ack = stand.answer(&inform().ciaddr(CLIENT).unicast(CLIENT).wants(&[1, 3, 51, 58]));
    insta::assert_snapshot!(ack.text());
    assert!(stand.store.is_empty());
}

#[test]
fn answers_to_inform_go_to_the_client_itself() {
    let mut stand = Stand::new(SMALL);
    let cases = [
        (inform().ciaddr(CLIENT).unicast(CLIENT), "192.0.2.77:68 routed"),
        (inform().ciaddr(CLIENT).relayed(RELAY), "192.0.2.77:68 routed"),
        (inform().source(CLIENT), "192.0.2.77:68 routed"),
        (inform().relayed(RELAY).broadcast_flag(), "192.0.2.3:67 routed"),
        (inform().relayed(RELAY), "192.0.2.3:67 routed"),
    ];
    for (query, way) in cases {
        assert_eq!(stand.answer(&query).way(), way, "{query:?}");
    }
}

#[test]
fn relay_fields_stay_only_when_the_answer_goes_through_it() {
    let mut stand = Stand::new(SMALL);
    let information = [1, 2, b'p', b'1'];
    let relayed = inform().relayed(RELAY).option(code::RELAY_AGENT_INFORMATION, &information);
    let through = stand.answer(&relayed);
    assert!(through.message.header.flags & 0x8000 != 0, "the relay does not know the client");
    assert_eq!(through.option(code::RELAY_AGENT_INFORMATION), Some(&information[..]));
    assert_eq!((through.message.header.giaddr, through.message.header.hops), (RELAY.into(), 1));
    let around = stand.answer(&relayed.ciaddr(CLIENT));
    assert_eq!(around.option(code::RELAY_AGENT_INFORMATION), None);
    assert!(around.message.header.giaddr.is_unspecified());
    assert_eq!(around.message.header.hops, 0);
}

#[test]
fn inform_of_an_unknown_link_gets_the_basic_data_when_it_was_sent_to_us() {
    let options = "\"option-data\": [ { \"name\": \"routers\", \"data\": \"192.0.2.254\" } ]";
    let mut stand = Stand::new(&format!("{options}, {SMALL}"));
    let far = [10, 0, 0, 7];
    let ack = stand.answer(&inform().ciaddr(far).unicast(far).wants(&[3]));
    assert_eq!(ack.codes, [code::MESSAGE_TYPE, code::SERVER_IDENTIFIER]);
}

#[test]
fn inform_has_rules_of_its_own() {
    let mut stand = Stand::new(SMALL);
    assert_eq!(stand.drop_reason(&inform()), "the client has no address to answer to");
    let to_us = stand.answer(&inform().ciaddr(CLIENT).unicast(CLIENT).server(SERVER));
    assert_eq!(to_us.kind(), MessageType::Ack, "it need not name the server, but may");
}
