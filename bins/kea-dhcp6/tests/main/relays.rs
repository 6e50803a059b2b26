//! Relays: what goes back through them, how many there may be, and what they supply.

use libdhcp::v6::{MessageType, RELAYS_MAX, code};
use libdhcpsrv::server::DhcpServer;
use stats::Packet6;

use crate::stand::{SMALL, Stand, option, solicit};

const LINK: &str = "2001:db8:1::1";

#[test]
fn answers_go_back_the_way_the_query_came() {
    let mut stand = Stand::new(SMALL);
    let query = solicit(1)
        .na(1, &[])
        .relayed(LINK, &[(code::INTERFACE_ID, b"port 7"), (code::REMOTE_ID, &[0, 0, 0, 9, 1])])
        .relayed("::", &[(code::INTERFACE_ID, b"trunk")]);
    let answer = stand.answer(&query);
    assert_eq!(answer.way(), "[2001:db8:ff::2]:547 through 2");
    assert_eq!(answer.given(), ["2001:db8:1::10"]);
    // The outer relay's answer: its own interface-id, and in it that of the inner one.
    let payload = &answer.payload;
    assert_eq!(payload[..2], [MessageType::RelayRepl as u8, 1]);
    let outer = option(code::INTERFACE_ID, b"trunk");
    assert_eq!(payload[34..34 + outer.len()], outer);
    let inner = &payload[34 + outer.len() + 4..];
    assert_eq!(inner[..2], [MessageType::RelayRepl as u8, 0]);
    assert_eq!(inner[2..18], LINK.parse::<std::net::Ipv6Addr>().unwrap().octets());
    let own = option(code::INTERFACE_ID, b"port 7");
    assert_eq!(inner[34..34 + own.len()], own);
    assert_eq!(inner[34 + own.len()..][..2], code::RELAY_MSG.to_be_bytes(), "nothing else");
}

#[test]
fn a_relay_may_ask_for_its_own_port() {
    let mut stand = Stand::new(SMALL);
    let query = solicit(1).na(1, &[]).relayed(LINK, &[(code::RELAY_SOURCE_PORT, &[0, 0])]);
    let payload = query.payload();
    let mut inbound = query.inbound(&payload);
    inbound.source.set_port(1547);
    let now = stand.now;
    stand.server.receive(inbound, now, &mut stand.replies);
    let answers = stand.take_answers();
    assert_eq!(answers[0].way(), "[2001:db8:ff::2]:1547 through 1");
}

#[test]
fn thirty_two_relays_are_answered_and_one_more_is_not() {
    let mut stand = Stand::new(SMALL);
    let mut query = solicit(1).na(1, &[]).relayed(LINK, &[]);
    for _ in 1..RELAYS_MAX {
        query = query.relayed("::", &[]);
    }
    assert_eq!(stand.answer(&query).way(), "[2001:db8:ff::2]:547 through 32");
    let reason = stand.drop_reason(&query.relayed("::", &[]));
    assert!(reason.contains("too many relays"), "{reason}");
    assert_eq!(stand.counted(Packet6::ParseFailed), 1);
}

#[test]
fn options_that_relays_supply_are_added_from_the_client_outward() {
    let members = format!("\"relay-supplied-options\": [ \"70\" ], {SMALL}");
    let mut stand = Stand::new(&members);
    let near = [option(65, b"near"), option(70, b"seventy"), option(71, b"not allowed")].concat();
    let far = option(65, b"far");
    let query = solicit(1)
        .na(1, &[])
        .relayed(LINK, &[(code::RSOO, &near)])
        .relayed("::", &[(code::RSOO, &far)]);
    let answer = stand.answer(&query);
    assert_eq!(answer.option(65).as_deref(), Some(&b"near"[..]));
    assert_eq!(answer.option(70).as_deref(), Some(&b"seventy"[..]));
    assert_eq!(answer.option(71), None);
}

#[test]
fn the_server_s_own_options_come_before_those_of_relays() {
    let options =
        r#""option-data": [ { "name": "erp-local-domain-name", "data": "example.org." } ], "#;
    let mut stand = Stand::new(&format!("{options}{SMALL}"));
    let supplied = option(65, b"relay");
    let query = solicit(1).na(1, &[]).wants(&[65]).relayed(LINK, &[(code::RSOO, &supplied)]);
    let domain = b"\x07example\x03org\x00";
    assert_eq!(stand.answer(&query).option(65).as_deref(), Some(&domain[..]));
}

#[test]
fn hardware_address_is_found_where_mac_sources_allows() {
    let far = option(code::CLIENT_LINKLAYER_ADDR, &[0, 6, 9, 9, 9, 9, 9, 9]);
    for (sources, expected) in [
        (r#""rfc6939""#, Some((6, 8, vec![9; 6]))),
        (r#""duid""#, Some((1, 4, vec![2, 0, 0, 0, 0, 1]))),
        (r#""ipv6-link-local""#, Some((1, 2, vec![0, 0, 0, 0, 0, 1]))),
        (r#""remote-id""#, Some((1, 16, vec![5; 6]))),
        (r#""subscriber-id""#, None),
        (r#""raw""#, None),
        (r#""raw", "subscriber-id", "duid""#, Some((1, 4, vec![2, 0, 0, 0, 0, 1]))),
        (r#""any""#, Some((6, 8, vec![9; 6]))),
    ] {
        let mut stand = Stand::new(&format!("\"mac-sources\": [ {sources} ], {SMALL}"));
        let query = solicit(1).na(1, &[]).from("fe80::200:ff:fe00:1").relayed(
            LINK,
            &[
                (code::CLIENT_LINKLAYER_ADDR, &far[4..]),
                (code::REMOTE_ID, &[0, 0, 0, 9, 5, 5, 5, 5, 5, 5]),
            ],
        );
        stand.bind(&query);
        let lease = stand.store.lease("2001:db8:1::10".parse().unwrap()).unwrap();
        let found = (!lease.hw.is_empty()).then_some((lease.hw_type, lease.hw_source, lease.hw));
        assert_eq!(found, expected, "{sources}");
    }
}

#[test]
fn cable_modems_are_known_by_what_their_vendor_says() {
    let modem = [&4491_u32.to_be_bytes()[..], &option(36, &[7; 6])].concat();
    let cmts = [&4491_u32.to_be_bytes()[..], &option(1026, &[8; 6])].concat();
    for (source, expected) in [("docsis-modem", (128, [7; 6])), ("docsis-cmts", (64, [8; 6]))] {
        let mut stand = Stand::new(&format!("\"mac-sources\": [ \"{source}\" ], {SMALL}"));
        let query = solicit(1)
            .na(1, &[])
            .option(code::VENDOR_OPTS, &modem)
            .relayed(LINK, &[(code::VENDOR_OPTS, &cmts)]);
        stand.bind(&query);
        let lease = stand.store.lease("2001:db8:1::10".parse().unwrap()).unwrap();
        assert_eq!((lease.hw_source, lease.hw), (expected.0, expected.1.to_vec()), "{source}");
    }
}
