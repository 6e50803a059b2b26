//! Configured options: who gets them, from which scope, and the vendors' own.

use libdhcp::v6::{MessageType, code};

use crate::stand::{SMALL, Stand, option, query, solicit, to_server};

/// Option 31.
const SNTP_SERVERS: u16 = 31;

const OPTIONS: &str = r#""option-def": [ { "name": "colour", "code": 1234, "type": "string" } ],
    "option-data": [
        { "name": "dns-servers", "data": "2001:db8::53" },
        { "name": "domain-search", "data": "example.org" },
        { "name": "preference", "data": "7" },
        { "name": "colour", "data": "blue" },
        { "code": 4321, "csv-format": false, "data": "0102" },
        { "name": "sntp-servers", "data": "2001:db8::123", "always-send": true },
        { "code": 32, "space": "vendor-4491", "csv-format": false, "data": "20010db8000000000000000000000069" },
        { "code": 33, "space": "vendor-4491", "csv-format": false, "data": "636f6e66", "always-send": true },
        { "code": 1025, "space": "vendor-4491", "csv-format": false, "data": "07" },
        { "code": 1, "space": "vendor-9", "csv-format": false, "data": "ff" } ],
    "valid-lifetime": 4000, "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan",
        "pools": [ { "pool": "2001:db8:1::/64" } ],
        "option-data": [ { "name": "dns-servers", "data": "2001:db8:1::53" },
                         { "name": "domain-search", "never-send": true } ] } ]"#;

fn vendor(enterprise: u32, wanted: &[u16]) -> Vec<u8> {
    let wanted: Vec<u8> = wanted.iter().flat_map(|code| code.to_be_bytes()).collect();
    [&enterprise.to_be_bytes()[..], &option(1, &wanted)].concat()
}

#[test]
fn options_follow_the_request_and_the_nearest_scope() {
    let mut stand = Stand::new(OPTIONS);
    let wants = [code::DNS_SERVERS, code::PREFERENCE, 1234, 4321, 4322, code::DNS_SERVERS];
    let answer = stand.answer(&solicit(1).na(1, &[]).wants(&wants));
    let dns: std::net::Ipv6Addr = "2001:db8:1::53".parse().unwrap();
    assert_eq!(answer.option(code::DNS_SERVERS).unwrap(), dns.octets());
    assert_eq!(answer.option(code::PREFERENCE).as_deref(), Some(&[7][..]));
    assert_eq!(answer.option(1234).as_deref(), Some(&b"blue"[..]));
    assert_eq!(answer.option(4321).as_deref(), Some(&[1, 2][..]));
    let codes = answer.codes();
    assert_eq!(codes.iter().filter(|&&code| code == code::DNS_SERVERS).count(), 1, "once");
    assert!(!codes.contains(&4322));
}

#[test]
fn without_a_request_only_what_is_always_sent_comes() {
    let mut stand = Stand::new(OPTIONS);
    let answer = stand.answer(&solicit(1).na(1, &[]));
    assert_eq!(answer.codes(), [code::CLIENTID, code::SERVERID, code::IA_NA, SNTP_SERVERS]);
}

#[test]
fn an_option_that_is_never_sent_hides_the_outer_one() {
    let mut stand = Stand::new(OPTIONS);
    let ask = query(MessageType::InformationRequest, 1).wants(&[code::DOMAIN_SEARCH]);
    assert_eq!(stand.answer(&ask).option(code::DOMAIN_SEARCH), None);
}

/// The members of `Dhcp6` with options of both scopes.
fn scoped(global: &str, of_subnet: &str) -> String {
    format!(
        r#""option-data": [ {global} ], "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan",
            "pools": [ {{ "pool": "2001:db8:1::/64" }} ], "option-data": [ {of_subnet} ] }} ]"#
    )
}

#[test]
fn never_and_always_count_in_every_scope() {
    let global = r#"{ "name": "dns-servers", "data": "2001:db8::1", "never-send": true },
        { "name": "preference", "data": "1", "always-send": true },
        { "code": 2, "space": "vendor-9", "data": "02", "never-send": true },
        { "code": 3, "space": "vendor-9", "data": "03", "always-send": true }"#;
    let of_subnet = r#"{ "name": "dns-servers", "data": "2001:db8::2", "always-send": true },
        { "name": "preference", "data": "2" },
        { "code": 2, "space": "vendor-9", "data": "22" },
        { "code": 3, "space": "vendor-9", "data": "33" },
        { "name": "sntp-servers", "data": "2001:db8::3", "client-classes": [ "gold" ] }"#;
    let mut stand = Stand::new(&scoped(global, of_subnet));
    let wants = [code::DNS_SERVERS, SNTP_SERVERS];
    let ask = solicit(1).na(1, &[]).wants(&wants).option(code::VENDOR_OPTS, &vendor(9, &[2]));
    let answer = stand.answer(&ask);
    let expected = [code::CLIENTID, code::SERVERID, code::IA_NA, code::PREFERENCE, 17];
    assert_eq!(answer.codes(), expected);
    assert_eq!(answer.option(code::PREFERENCE).as_deref(), Some(&[2][..]), "the nearest value");
    let expected = [&9_u32.to_be_bytes()[..], &option(3, &[0x33])].concat();
    assert_eq!(answer.option(code::VENDOR_OPTS), Some(expected));
}

#[test]
fn configured_options_of_several_enterprises_are_all_sent() {
    let global = r#"{ "name": "vendor-class", "data": "1, 000161" }, { "name": "vendor-class", "data": "2, 000162" },
        { "name": "vendor-opts", "data": "9" }, { "code": 3, "space": "vendor-9", "data": "03", "always-send": true },
        { "code": 4, "space": "vendor-9", "data": "04" },
        { "name": "vendor-opts", "data": "8" }, { "code": 5, "space": "vendor-8", "data": "05" }"#;
    let of_subnet = r#"{ "name": "vendor-class", "data": "2, 000163" }"#;
    let mut stand = Stand::new(&scoped(global, of_subnet));
    assert_eq!(stand.answer(&solicit(1).na(1, &[])).codes(), [1, 2, 3]);
    let answer = stand.answer(&solicit(1).na(1, &[]).wants(&[code::VENDOR_CLASS, 17]));
    let class = |number: u8, text: u8| vec![0, 0, 0, number, 0, 1, text];
    assert_eq!(answer.all(code::VENDOR_CLASS), [class(2, b'c'), class(1, b'a')]);
    // What is always sent of a vendor, or all of the scope if nothing is.
    let of = |number: u8, code| [&[0, 0, 0, number][..], &option(code, &[code as u8])].concat();
    assert_eq!(answer.all(code::VENDOR_OPTS), [of(9, 3), of(8, 5)]);
}

#[test]
fn the_server_s_own_options_cannot_be_asked_for() {
    let mut stand = Stand::new(SMALL);
    let wants = [code::CLIENTID, code::SERVERID, code::IA_NA, code::STATUS_CODE, 0, u16::MAX];
    let answer = stand.answer(&solicit(1).na(1, &[]).wants(&wants));
    assert_eq!(answer.codes(), [code::CLIENTID, code::SERVERID, code::IA_NA]);
}

#[test]
fn release_and_decline_are_answered_without_options() {
    let mut stand = Stand::new(OPTIONS);
    stand.bind(&solicit(1).na(1, &[]));
    for kind in [MessageType::Decline, MessageType::Release] {
        let ask = to_server(kind, 1).na(1, &["2001:db8:1::"]).wants(&[code::DNS_SERVERS]);
        let codes = stand.answer(&ask).codes();
        assert!(!codes.contains(&code::DNS_SERVERS) && !codes.contains(&SNTP_SERVERS));
    }
}

#[test]
fn vendors_get_what_they_ask_for_and_what_is_always_sent() {
    let mut stand = Stand::new(OPTIONS);
    let ask = |bodies: &[Vec<u8>]| {
        bodies.iter().fold(solicit(1).na(1, &[]), |ask, body| ask.option(code::VENDOR_OPTS, body))
    };
    let answer = stand.answer(&ask(&[vendor(4491, &[32, 32, 99])]));
    let body = answer.option(code::VENDOR_OPTS).expect("vendor options");
    let address: std::net::Ipv6Addr = "2001:db8::69".parse().unwrap();
    let expected =
        [&4491_u32.to_be_bytes()[..], &option(33, b"conf"), &option(32, &address.octets())]
            .concat();
    assert_eq!(body, expected);
    let answer = stand.answer(&ask(&[vendor(4491, &[1025, 1025, 33])]));
    let expected = [&4491_u32.to_be_bytes()[..], &option(33, b"conf"), &option(1025, &[7])];
    assert_eq!(answer.option(code::VENDOR_OPTS).unwrap(), expected.concat(), "once");
    let answer = stand.answer(&ask(&[vendor(9, &[2])]));
    assert_eq!(answer.option(code::VENDOR_OPTS), None, "nothing of that vendor is asked for");
    let answer = stand.answer(&ask(&[vendor(9, &[1]), vendor(4491, &[]), vendor(9, &[1])]));
    let vendors = answer.codes().iter().filter(|&&code| code == code::VENDOR_OPTS).count();
    assert_eq!(vendors, 2, "one for each vendor");
}

#[test]
fn a_vendor_class_alone_brings_what_is_always_sent() {
    let mut stand = Stand::new(OPTIONS);
    let class = [&4491_u32.to_be_bytes()[..], &[0, 9], b"docsis3.0"].concat();
    let answer = stand.answer(&solicit(1).na(1, &[]).option(code::VENDOR_CLASS, &class));
    let expected = [&4491_u32.to_be_bytes()[..], &option(33, b"conf")].concat();
    assert_eq!(answer.option(code::VENDOR_OPTS), Some(expected));
}
