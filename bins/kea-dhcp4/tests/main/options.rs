//! Options and fixed fields of replies: scopes, wishes, order, destination.

use libdhcp::v4::code;

use crate::stand::{SERVER, SMALL, Stand, discover, selecting};

const SCOPES: &str = r#""valid-lifetime": 4000,
    "option-data": [
        { "name": "routers", "data": "192.0.2.200" },
        { "name": "domain-name-servers", "data": "192.0.2.201, 192.0.2.202" },
        { "name": "domain-name", "data": "global.example" },
        { "name": "ntp-servers", "data": "192.0.2.203" },
        { "name": "time-servers", "data": "192.0.2.204", "always-send": true },
        { "name": "log-servers", "data": "192.0.2.205", "always-send": true },
        { "name": "swap-server", "data": "192.0.2.206" },
        { "name": "subnet-mask", "data": "255.0.0.0", "always-send": true },
        { "name": "dhcp-lease-time", "data": "7", "always-send": true } ],
    "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ],
        "option-data": [
            { "name": "domain-name", "data": "subnet.example" },
            { "name": "log-servers", "data": "0.0.0.0", "never-send": true },
            { "name": "boot-size", "data": "13" } ] } ]"#;

#[test]
fn basic_and_unconditional_options_are_sent_unasked() {
    let mut stand = Stand::new(SCOPES);
    let offer = stand.answer(&discover(1));
    assert_eq!(offer.codes, [1, 3, 4, 6, 15, 51, 53, 54]);
    assert_eq!(offer.option(code::DOMAIN_NAME), Some(&b"subnet.example"[..]));
    assert_eq!(offer.option(code::SUBNET_MASK), Some(&[255, 255, 255, 0][..]));
    assert_eq!(offer.number(code::LEASE_TIME), Some(4000));
}

#[test]
fn wished_options_come_from_the_nearest_scope_in_ascending_order() {
    let mut stand = Stand::new(SCOPES);
    let offer = stand.answer(&discover(1).wants(&[42, 13, 7, 250, 42, 16, 51, 1, 54, 0, 255]));
    assert_eq!(offer.codes, [1, 3, 4, 6, 13, 15, 16, 42, 51, 53, 54]);
    assert_eq!(offer.option(13), Some(&[0, 13][..]));
}

#[test]
fn never_and_always_count_in_every_scope() {
    let mut stand = Stand::new(
        r#""option-data": [
            { "name": "routers", "data": "192.0.2.200", "never-send": true },
            { "name": "ntp-servers", "data": "192.0.2.201", "always-send": true },
            { "name": "log-servers", "data": "192.0.2.202", "always-send": true, "never-send": true },
            { "name": "domain-name", "data": "global.example" } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ],
            "option-data": [
                { "name": "routers", "data": "192.0.2.1", "always-send": true },
                { "name": "ntp-servers", "data": "192.0.2.2", "always-send": false },
                { "name": "log-servers", "data": "192.0.2.3" },
                { "name": "domain-name", "never-send": true } ] } ]"#,
    );
    let offer = stand.answer(&discover(1).wants(&[3, 7, 15]));
    assert_eq!(offer.codes, [1, 42, 51, 53, 54]);
    assert_eq!(offer.option(42), Some(&[192, 0, 2, 2][..]), "the nearest value");
}

#[test]
fn values_for_a_class_are_not_for_others() {
    let mut stand = Stand::new(&format!(
        r#""option-data": [
            {{ "name": "domain-name", "data": "gold.example", "client-classes": [ "gold" ] }},
            {{ "name": "domain-name", "data": "all.example" }},
            {{ "name": "ntp-servers", "data": "192.0.2.9", "client-classes": [ "gold" ], "always-send": true }},
            {{ "name": "vivco-suboptions", "data": "9, 0161", "client-classes": [ "gold" ] }},
            {{ "code": 1, "space": "vendor-9", "data": "01", "client-classes": [ "gold" ], "always-send": true }} ],
        {SMALL}"#
    ));
    let query = discover(1).wants(&[code::VIVCO_SUBOPTIONS, 42]);
    let offer = stand.answer(&query.option(code::VIVSO_SUBOPTIONS, &[0, 0, 0, 9, 0]));
    assert_eq!(offer.codes, [1, 15, 51, 53, 54]);
    assert_eq!(offer.option(15), Some(&b"all.example"[..]));
}

#[test]
fn option_82_is_returned_last_and_untouched() {
    let mut stand = Stand::new(SMALL);
    let information = [1, 3, b'e', b't', b'h', 2, 2, 7, 7, 99, 1, 0];
    let relayed = discover(1)
        .option(code::RELAY_AGENT_INFORMATION, &information)
        .option(code::SUBNET_SELECTION, &[192, 0, 2, 0])
        .client_id(b"id")
        .relayed([192, 0, 2, 3]);
    let offer = stand.answer(&relayed);
    assert_eq!(offer.codes, [1, 51, 53, 54, 61, 118, 82]);
    assert_eq!(offer.option(code::RELAY_AGENT_INFORMATION), Some(&information[..]));
    assert_eq!(offer.option(code::SUBNET_SELECTION), Some(&[192, 0, 2, 0][..]));
    assert_eq!(
        (offer.message.header.giaddr, offer.message.header.hops),
        ([192, 0, 2, 3].into(), 1)
    );
    assert_eq!(offer.way(), "192.0.2.3:67 routed");
}

//= RFC 6842
#[test]
fn client_identifier_is_returned_unless_switched_off() {
    let mut stand = Stand::new(SMALL);
    let query = discover(1).client_id(b"id");
    assert_eq!(stand.answer(&query).option(code::CLIENT_IDENTIFIER), Some(&b"id"[..]));
    let mut stand = Stand::new(&format!("\"echo-client-id\": false, {SMALL}"));
    assert_eq!(stand.answer(&query).option(code::CLIENT_IDENTIFIER), None);
}

#[test]
fn timers_are_sent_when_configured_and_sensible() {
    let cases = [
        ("", None, None),
        ("\"renew-timer\": 1000, \"rebind-timer\": 2000,", Some(1000), Some(2000)),
        ("\"renew-timer\": 1000,", Some(1000), None),
        ("\"renew-timer\": 3000, \"rebind-timer\": 2000,", None, Some(2000)),
        ("\"rebind-timer\": 4000,", None, None),
        ("\"calculate-tee-times\": true,", Some(2000), Some(3500)),
        (
            "\"calculate-tee-times\": true, \"t1-percent\": 0.25, \"t2-percent\": 0.5,",
            Some(1000),
            Some(2000),
        ),
    ];
    for (timers, t1, t2) in cases {
        let ack = Stand::new(&format!("{timers} {SMALL}")).answer(&selecting(1, [192, 0, 2, 10]));
        let sent = (ack.number(code::RENEWAL_TIME), ack.number(code::REBINDING_TIME));
        assert_eq!(sent, (t1, t2), "{timers}");
    }
}

#[test]
fn fixed_fields_are_those_of_the_subnet() {
    let mut stand = Stand::new(
        r#""next-server": "192.0.2.5", "server-hostname": "boot", "boot-file-name": "/pxe",
           "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "next-server": "192.0.2.6",
                          "boot-file-name": "/own", "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ] } ]"#,
    );
    let offer = stand.answer(&discover(1));
    assert_eq!(offer.message.header.siaddr, std::net::Ipv4Addr::new(192, 0, 2, 6));
    assert_eq!((offer.sname.as_slice(), offer.file.as_slice()), (&b"boot"[..], &b"/own"[..]));
}

#[test]
fn server_identifier_is_the_address_that_was_used() {
    let mut stand = Stand::new(SMALL);
    assert_eq!(
        stand.answer(&discover(1)).option(code::SERVER_IDENTIFIER),
        Some(&SERVER.octets()[..])
    );
    let relayed = discover(1).relayed([192, 0, 2, 3]).to(crate::stand::OTHER_ADDRESS);
    let offer = stand.answer(&relayed);
    assert_eq!(offer.option(code::SERVER_IDENTIFIER), Some(&[203, 0, 113, 1][..]));
    assert_eq!(offer.entry.source, std::net::IpAddr::from([203, 0, 113, 1]));
}

#[test]
fn configured_server_identifier_is_given_and_recognised() {
    let own = r#""option-data": [ { "name": "dhcp-server-identifier", "data": "198.51.100.1" } ],"#;
    let mut stand = Stand::new(&format!("{own} {SMALL}"));
    let offer = stand.answer(&discover(1));
    assert_eq!(offer.option(code::SERVER_IDENTIFIER), Some(&[198, 51, 100, 1][..]));
    let request = crate::stand::query(libdhcp::v4::MessageType::Request, 1);
    let ack = stand.answer(&request.server([198, 51, 100, 1].into()).requested(offer.address()));
    assert_eq!(ack.kind(), libdhcp::v4::MessageType::Ack);
}

#[test]
fn broadcast_flag_and_socket_type_decide_how_a_new_client_is_reached() {
    let mut raw = Stand::new(SMALL);
    let unicast = raw.answer(&discover(1));
    assert_eq!(unicast.way(), "192.0.2.10:68 to the link address");
    assert!(!unicast.is_broadcast_flagged());
    let flagged = raw.answer(&discover(1).broadcast_flag());
    assert_eq!(flagged.way(), "255.255.255.255:68 as a broadcast");
    assert!(flagged.is_broadcast_flagged());
    let mut udp =
        Stand::new(&format!("\"interfaces-config\": {{ \"dhcp-socket-type\": \"udp\" }}, {SMALL}"));
    assert_eq!(udp.answer(&discover(1)).way(), "255.255.255.255:68 as a broadcast");
}

#[test]
fn custom_and_hexadecimal_options_are_sent() {
    let mut stand = Stand::new(&format!(
        r#""option-def": [ {{ "name": "colour", "code": 222, "type": "record", "record-types": "uint8, string" }} ],
           "option-data": [ {{ "name": "colour", "data": "5, blue" }},
                            {{ "code": 223, "csv-format": false, "data": "CAFE00" }} ], {SMALL}"#
    ));
    let offer = stand.answer(&discover(1).wants(&[222, 223]));
    assert_eq!(offer.option(222), Some(&b"\x05blue"[..]));
    assert_eq!(offer.option(223), Some(&[0xca, 0xfe, 0][..]));
}

#[test]
fn small_clients_get_what_fits() {
    let long = "x".repeat(250);
    let mut stand = Stand::new(&format!(
        r#""option-data": [ {{ "name": "domain-name", "data": "{long}" }},
                            {{ "name": "root-path", "data": "{long}" }} ], {SMALL}"#
    ));
    let query = discover(1).wants(&[15, 17]);
    assert_eq!(stand.answer(&query).codes, [1, 15, 17, 51, 53, 54]);
    let small = query.option(code::MAX_MESSAGE_SIZE, &576u16.to_be_bytes());
    assert_eq!(stand.answer(&small).codes, [1, 15, 51, 53, 54]);
}
