//! Client classes: which queries are dropped or refused, which subnets and pools serve whom, what members get.

use std::net::Ipv4Addr;

use libdhcp::v4::{MessageType, code};
use stats::Packet4;

use crate::stand::{Query, Stand, discover, query, renewing, selecting};

/// The client with this number is in class `a` if it sends vendor class "a", and so on.
const TESTS: &str = r#"{ "name": "a", "test": "option[60].text == 'a'" },
    { "name": "b", "test": "option[60].text == 'b'" }"#;
const NO_SUBNET: &str = "no subnet is configured for the client's link";
const EXHAUSTED: &str = "no address is free in the subnet's pools";
const NOT_SERVED: &str = "the requested address is in a pool that does not serve the client";

/// Classes, further members of the global scope, a subnet of two pools, with members of it and of each pool.
fn small(classes: &str, global: &str, subnet: &str, [one, two]: [&str; 2]) -> String {
    format!(
        r#""valid-lifetime": 4000, {global} "client-classes": [ {classes} ],
        "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24", {subnet} "pools": [
            {{ {one} "pool": "192.0.2.10 - 192.0.2.11" }}, {{ {two} "pool": "192.0.2.20 - 192.0.2.21" }} ] }} ]"#
    )
}

fn host(client: u8, members: &str) -> String {
    format!(r#""reservations": [ {{ "hw-address": "02:00:00:00:00:{client:02x}", {members} }} ],"#)
}

fn of_vendor(client: u8, vendor: &[u8]) -> Query {
    discover(client).option(code::VENDOR_CLASS_IDENTIFIER, vendor)
}

fn last(stand: &mut Stand, query: &Query) -> u8 {
    stand.answer(query).address().octets()[3]
}

#[test]
fn queries_in_class_drop_are_dropped_at_every_stage() {
    let test = r#"{ "name": "DROP", "test": "option[60].text == 'bad'" }"#;
    let late = r#"{ "name": "DROP", "test": "member('UNKNOWN')" }"#;
    let by_class = r#"{ "name": "x" }, { "name": "DROP", "test": "member('x')" }"#;
    let bad = host(9, r#""client-classes": [ "DROP" ]"#);
    let x = host(9, r#""client-classes": [ "x" ]"#);
    let early = format!(r#""early-global-reservations-lookup": true, {bad}"#);
    let (now, after) =
        ("it is in class DROP", "it is in class DROP after its reservation was looked for");
    let early_reason = "it is in class DROP because of its global reservation";
    for (classes, global, subnet, query, expected, id) in [
        (test, "", "", of_vendor(9, b"bad"), Some(now), "DHCP4_PACKET_DROP_0010"),
        (
            test,
            "",
            "",
            of_vendor(9, b"bad").kind(MessageType::Release),
            Some(now),
            "DHCP4_PACKET_DROP_0010",
        ),
        (test, "", "", of_vendor(9, b"good"), None, ""),
        (late, "", "", discover(9), Some(after), "DHCP4_PACKET_DROP_0013"),
        (late, "", &*host(9, r#""hostname": "n""#), discover(9), None, ""),
        ("", "", &*bad, discover(9), Some(after), "DHCP4_PACKET_DROP_0013"),
        ("", "", &*bad, discover(1), None, ""),
        (by_class, "", &*x, discover(9), Some(after), "DHCP4_PACKET_DROP_0013"),
        ("", &*early, "", discover(9), Some(early_reason), "DHCP4_PACKET_DROP_0014"),
        (
            "",
            &*early,
            "",
            discover(9).kind(MessageType::Decline),
            Some(early_reason),
            "DHCP4_PACKET_DROP_0014",
        ),
        ("", &*early, "", discover(1), None, ""),
    ] {
        let mut stand = Stand::new(&small(classes, global, subnet, [""; 2]));
        let reaction = stand.ask(&query);
        let Some(expected) = expected else {
            assert_eq!(reaction.answers.len(), 1, "{classes} {subnet} {reaction:?}");
            continue;
        };
        assert!(reaction.answers.is_empty(), "{classes} {subnet}");
        assert_eq!(reaction.reason("DHCP4_QUERY_DROPPED"), expected);
        assert!(reaction.log.iter().any(|line| line.id == id), "{id}: {:?}", reaction.log);
        assert_eq!(stand.counted(Packet4::AdminFiltered), 1);
    }
}

#[test]
fn clients_in_class_reject_get_no_lease() {
    let classes = r#"{ "name": "REJECT", "test": "not member('KNOWN')" }"#;
    let subnet = host(9, r#""hostname": "n""#);
    let mut stand = Stand::new(&small(classes, "", &subnet, [""; 2]));
    let reason = "the client is in class REJECT";
    assert_eq!(stand.drop_reason(&discover(1)), reason);
    assert_eq!(stand.nak_reason(&selecting(1, [192, 0, 2, 10])), reason);
    assert_eq!(stand.nak_reason(&renewing(1, [192, 0, 2, 10])), reason);
    assert!(stand.store.is_empty());
    stand.bind(&discover(9));
}

#[test]
fn subnets_are_selected_among_those_that_serve() {
    let only = |class: &str| format!(r#""client-classes": [ "{class}" ],"#);
    // Two subnets that fit alike, by relay, interface or address; the first one for members of `a`.
    for (name, how, query) in [
        (
            "relay",
            r#""relay": { "ip-addresses": [ "172.16.0.1" ] },"#,
            discover(1).relayed([172, 16, 0, 1]),
        ),
        ("interface", r#""interface": "lan","#, discover(1)),
        ("network", "", discover(1).relayed([10, 0, 1, 1])),
    ] {
        for level in ["subnet", "network"] {
            let (subnet, network) = match level {
                "subnet" => (only("a"), String::new()),
                _ => (String::new(), only("a")),
            };
            let members = format!(
                r#""client-classes": [ {TESTS} ],
                "subnet4": [ {{ "id": 2, "subnet": "10.0.0.0/16", {how} "pools": [ {{ "pool": "10.0.2.0/24" }} ] }} ],
                "shared-networks": [ {{ "name": "n", {network} "subnet4": [
                    {{ "id": 1, "subnet": "10.0.1.0/24", {how} {subnet} "pools": [ {{ "pool": "10.0.1.0/24" }} ] }} ] }} ]"#
            );
            // The subnet of the network lies behind the other, so that must be for the rest.
            let members =
                members.replacen(r#""id": 2,"#, r#""id": 2, "client-classes": [ "b" ],"#, 1);
            let mut stand = Stand::new(&members);
            let third = |stand: &mut Stand, vendor: &[u8]| {
                let query = query.clone().option(code::VENDOR_CLASS_IDENTIFIER, vendor);
                stand.ask(&query).answers.first().map(|answer| answer.address().octets()[2])
            };
            let found = [&b"a"[..], b"b", b"c"].map(|vendor| third(&mut stand, vendor));
            assert_eq!(found, [Some(1), Some(2), None], "{name} {level}");
        }
    }
    let members = small(TESTS, "", &only("a"), [""; 2])
        .replace("192.0.2.0/24\"", "192.0.2.0/24\", \"interface\": \"lan\"");
    assert_eq!(Stand::new(&members).drop_reason(&of_vendor(1, b"b")), NO_SUBNET);
}

#[test]
fn pools_serve_whom_they_are_for() {
    let (known, a) = (r#""client-classes": [ "KNOWN" ],"#, r#""client-class": "a","#);
    let nine = host(9, r#""hostname": "n""#);
    let mut stand = Stand::new(&small(TESTS, "", &nine, [known, ""]));
    assert_eq!(stand.bind(&discover(9)).octets()[3], 10);
    assert_eq!(stand.bind(&discover(1)).octets()[3], 20);
    assert_eq!(stand.nak_reason(&selecting(1, [192, 0, 2, 11])), NOT_SERVED);
    assert_eq!(last(&mut stand, &discover(2).requested([192, 0, 2, 11].into())), 21);
    let mut stand = Stand::new(&small(TESTS, "", "", [a, a]));
    assert_eq!(stand.drop_reason(&of_vendor(1, b"b")), EXHAUSTED);
    assert_eq!(last(&mut stand, &of_vendor(1, b"a")), 10);
    // Vendor classes have names of their own.
    let vendor = r#""client-classes": [ "VENDOR_CLASS_c" ],"#;
    let mut stand = Stand::new(&small(TESTS, "", "", [vendor, ""]));
    assert_eq!([b"c", b"b"].map(|vendor| last(&mut stand, &of_vendor(1, vendor))), [10, 20]);
}

#[test]
fn a_lease_in_a_pool_that_no_longer_serves_is_not_kept() {
    let mut stand = Stand::new(&small(TESTS, "", "", [""; 2]));
    let address = stand.bind(&discover(1)).octets();
    assert_eq!(address[3], 10);
    stand.reconfigure(&small(TESTS, "", "", [r#""client-class": "a","#, ""]));
    assert_eq!(stand.nak_reason(&renewing(1, address)), NOT_SERVED);
    assert_eq!(last(&mut stand, &query(MessageType::Request, 1)), 20);
    assert_eq!(stand.store.len(), 1, "the old one has ended");
    // What is reserved may be anywhere.
    let reserved = host(1, r#""ip-address": "192.0.2.11""#);
    stand.reconfigure(&small(TESTS, "", &reserved, [r#""client-class": "a","#, ""]));
    assert_eq!(stand.bind(&discover(1)).octets()[3], 11);
}

#[test]
fn classes_of_the_host_count_before_the_pool_is_chosen() {
    let classes = r#"{ "name": "gold" }, { "name": "not-gold", "test": "not member('gold')" }"#;
    let pools = [r#""client-class": "not-gold","#, r#""client-class": "gold","#];
    let gold = host(9, r#""client-classes": [ "gold" ]"#);
    let global = r#""reservations-global": true, "reservations-in-subnet": false,"#;
    for (global, subnet) in [("", &*gold), (&*[global, &gold].concat(), "")] {
        let mut stand = Stand::new(&small(classes, global, subnet, pools));
        assert_eq!(stand.bind(&discover(9)).octets()[3], 20, "and no longer in the other class");
        assert_eq!(stand.bind(&discover(1)).octets()[3], 10);
    }
}

/// In a shared network another subnet with another host may be chosen.
#[test]
fn classes_of_a_host_in_a_shared_network_count_when_its_subnet_is_chosen() {
    let network = |pool: &str, host: &str, global: &str| {
        format!(
            r#"{global} "client-classes": [ {{ "name": "gold",
                "option-data": [ {{ "name": "domain-name", "data": "gold" }} ] }} ],
            "shared-networks": [ {{ "name": "n", "subnet4": [
                {{ "id": 1, "subnet": "192.0.2.0/24", {host} "pools": [
                    {{ {pool} "pool": "192.0.2.10 - 192.0.2.11" }}, {{ "pool": "192.0.2.20 - 192.0.2.21" }} ] }},
                {{ "id": 2, "subnet": "10.0.0.0/24", "pools": [ {{ "pool": "10.0.0.10/32" }} ] }} ] }} ]"#
        )
    };
    let gold = host(9, r#""client-classes": [ "gold" ]"#);
    let pool = r#""client-class": "gold","#;
    let name = Some(&b"gold"[..]);
    let offer = Stand::new(&network(pool, &gold, "")).answer(&discover(9));
    assert_eq!((offer.address().octets()[3], offer.option(code::DOMAIN_NAME)), (20, name));
    let global = format!(r#""reservations-global": true, {gold}"#);
    let offer = Stand::new(&network(pool, "", &global)).answer(&discover(9));
    assert_eq!((offer.address().octets()[3], offer.option(code::DOMAIN_NAME)), (10, name));
    let mut stand = Stand::new(&network("", &gold, ""));
    let offer = stand.answer(&discover(9).requested([10, 0, 0, 10].into()));
    assert_eq!(offer.address().octets(), [10, 0, 0, 10]);
    assert_eq!(offer.option(code::DOMAIN_NAME), None, "it has no host there");
    let offer = stand.answer(&discover(1));
    assert_eq!(offer.option(code::DOMAIN_NAME), None);
}

#[test]
fn global_reservations_looked_for_early_guide_the_selection() {
    let members = |early: bool| {
        format!(
            r#""early-global-reservations-lookup": {early}, {}
            "client-classes": [ {{ "name": "gold" }}, {{ "name": "late", "test": "member('KNOWN')" }} ],
            "subnet4": [
                {{ "id": 1, "subnet": "10.0.1.0/24", "interface": "lan", "client-classes": [ "late" ],
                   "pools": [ {{ "pool": "10.0.1.0/24" }} ] }},
                {{ "id": 2, "subnet": "10.0.2.0/24", "interface": "lan", "pools": [ {{ "pool": "10.0.2.0/24" }} ] }} ]"#,
            host(9, r#""client-classes": [ "gold" ], "hostname": "n""#)
        )
    };
    let subnet =
        |early, client| Stand::new(&members(early)).answer(&discover(client)).address().octets()[2];
    assert_eq!((subnet(true, 9), subnet(true, 1)), (1, 2));
    assert_eq!(subnet(false, 9), 2);
}

#[test]
fn members_get_options_fields_and_times() {
    let classes = r#"{ "name": "b", "test": "option[60].text == 'b'" },
        { "name": "a", "test": "substring(option[60].text, 0, 1) == 'a'", "valid-lifetime": 600,
          "min-valid-lifetime": 500, "max-valid-lifetime": 700, "next-server": "192.0.2.61", "boot-file-name": "a.img",
          "option-data": [ { "name": "domain-name", "data": "a" }, { "name": "ntp-servers", "data": "192.0.2.61" },
                           { "name": "time-servers", "data": "192.0.2.61", "always-send": true },
                           { "name": "dhcp-server-identifier", "data": "192.0.2.66" } ] },
        { "name": "ab", "test": "option[60].text == 'ab'", "valid-lifetime": 900, "next-server": "192.0.2.62",
          "server-hostname": "ab", "boot-file-name": "ab.img",
          "option-data": [ { "name": "domain-name", "data": "ab" }, { "name": "log-servers", "data": "192.0.2.62" } ] }"#;
    let global = r#""option-data": [ { "name": "domain-name", "data": "global" } ],"#;
    let subnet = format!(
        r#""next-server": "192.0.2.60", "server-hostname": "subnet", "boot-file-name": "subnet.img",
        "option-data": [ {{ "name": "ntp-servers", "data": "192.0.2.60" }} ], {}"#,
        host(9, r#""boot-file-name": "host.img", "hostname": "n""#)
    );
    let mut stand = Stand::new(&small(classes, global, &subnet, [""; 2]));
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    for (client, vendor, name, life, next, sname, file) in [
        (1, &b"c"[..], "global", 4000, 60, "subnet", "subnet.img"),
        (1, b"a", "a", 600, 61, "subnet", "a.img"),
        (1, b"ab", "a", 600, 61, "ab", "a.img"),
        (9, b"ab", "a", 600, 61, "ab", "host.img"),
    ] {
        let offer = stand.answer(&of_vendor(client, vendor).wants(&[15, 42, 7]));
        let found = (
            text(offer.option(code::DOMAIN_NAME).unwrap_or_default()),
            offer.number(code::LEASE_TIME),
            offer.message.header.siaddr.octets()[3],
            text(&offer.sname),
            text(&offer.file),
        );
        assert_eq!(found, (name.into(), Some(life), next, sname.into(), file.into()), "{vendor:?}");
        assert_eq!(offer.option(42), Some(&[192, 0, 2, 60][..]), "the subnet comes first");
        let is_a = vendor[0] == b'a';
        assert_eq!((offer.option(4).is_some(), offer.option(7).is_some()), (is_a, vendor == b"ab"));
        assert_eq!(offer.option(code::SERVER_IDENTIFIER).unwrap()[3], if is_a { 66 } else { 1 });
    }
    let wish = |seconds: u32| of_vendor(1, b"a").option(code::LEASE_TIME, &seconds.to_be_bytes());
    let times =
        [100, 650, 9999].map(|seconds| stand.answer(&wish(seconds)).number(code::LEASE_TIME));
    assert_eq!(times, [500, 650, 700].map(Some));
    let request = of_vendor(1, b"a").kind(MessageType::Request).server([192, 0, 2, 66].into());
    assert_eq!(stand.answer(&request.requested([192, 0, 2, 10].into())).kind(), MessageType::Ack);
    let inform = stand.answer(&of_vendor(1, b"a").kind(MessageType::Inform).ciaddr([192, 0, 2, 9]));
    assert_eq!(
        (inform.option(code::DOMAIN_NAME), inform.file.as_slice()),
        (Some(&b"a"[..]), &b"a.img"[..])
    );
}

#[test]
fn offers_to_members_may_be_stored() {
    let classes = r#"{ "name": "a", "test": "option[60].text == 'a'", "offer-lifetime": 30 },
        { "name": "b", "test": "option[60].text == 'b'", "offer-lifetime": 0 }"#;
    for (outer, vendor, stored) in [
        ("", b"a", 30),
        ("", b"c", 0),
        (r#""offer-lifetime": 60,"#, b"c", 60),
        (r#""offer-lifetime": 60,"#, b"b", 0),
    ] {
        let mut stand = Stand::new(&small(classes, outer, "", [""; 2]));
        let offer = stand.answer(&of_vendor(1, vendor));
        assert_eq!(offer.number(code::LEASE_TIME), Some(4000));
        let lease = stand.store.lease(offer.address()).map_or(0, |lease| lease.valid_lifetime);
        assert_eq!(lease, stored, "{outer} {vendor:?}");
    }
}

#[test]
fn additional_classes_are_evaluated_once_the_address_is_known() {
    let class = |name: &str, rest: &str| {
        format!(
            r#"{{ "name": "{name}", "only-in-additional-list": true {rest},
                "option-data": [ {{ "name": "domain-name", "data": "{name}" }},
                                 {{ "name": "{}", "data": "192.0.2.6" }} ] }}"#,
            match name {
                "pool" => "ntp-servers",
                "subnet" => "log-servers",
                _ => "lpr-servers",
            }
        )
    };
    let no = r#", "test": "option[60].text == 'never'""#;
    let yes = r#", "test": "member('pool')""#;
    let classes = [class("pool", ""), class("subnet", yes), class("network", "")].join(", ");
    let list = |name: &str| format!(r#""evaluate-additional-classes": [ "{name}" ],"#);
    let members = |classes: &str| {
        format!(
            r#""client-classes": [ {classes} ], "shared-networks": [ {{ "name": "n", {} "subnet4": [
            {{ "id": 1, "subnet": "192.0.2.0/24", {} "pools": [
                {{ {} "pool": "192.0.2.10/32" }}, {{ "pool": "192.0.2.11/32" }} ] }} ] }} ]"#,
            list("network"),
            list("subnet"),
            list("pool")
        )
    };
    let mut stand = Stand::new(&members(&classes));
    let codes = [42, 7, 9];
    let found = |stand: &mut Stand, client: u8| {
        let answer = stand.answer(&discover(client).wants(&codes));
        let name =
            answer.option(code::DOMAIN_NAME).map(|name| String::from_utf8_lossy(name).into_owned());
        (name, codes.map(|code| answer.option(code).is_some()))
    };
    assert_eq!(found(&mut stand, 1), (Some("pool".into()), [true, true, true]));
    stand.bind(&discover(1));
    // The other pool asks for nothing, so the test of the subnet's class fails.
    assert_eq!(found(&mut stand, 2), (Some("network".into()), [false, false, true]));
    let classes = [class("pool", no), class("subnet", yes), class("network", no)].join(", ");
    let mut stand = Stand::new(&members(&classes));
    assert_eq!(found(&mut stand, 1), (None, [false, false, false]));
}

#[test]
fn options_may_be_for_members_alone() {
    let global = r#""option-data": [
        { "name": "domain-name", "data": "for-b", "client-classes": [ "b" ] },
        { "name": "domain-name", "data": "for-a", "client-classes": [ "a" ] },
        { "name": "domain-name", "data": "for-all" } ],"#;
    let mut stand = Stand::new(&small(TESTS, global, "", [""; 2]));
    let name = |stand: &mut Stand, vendor: &[u8]| {
        let offer = stand.answer(&of_vendor(1, vendor));
        String::from_utf8_lossy(offer.option(code::DOMAIN_NAME).unwrap()).into_owned()
    };
    assert_eq!(
        [&b"a"[..], b"b", b"c"].map(|vendor| name(&mut stand, vendor)),
        ["for-a", "for-b", "for-all"]
    );
}

#[test]
fn classes_are_logged_once_the_answer_is_decided() {
    let mut stand = Stand::new(&small(TESTS, "", "", [""; 2]));
    let log = stand.ask(&of_vendor(1, b"a")).log;
    let line = log.iter().find(|line| line.id == "DHCP4_CLASSES_ASSIGNED").expect("it is logged");
    assert!(line.text.contains("ALL, a, UNKNOWN"), "{}", line.text);
}

#[test]
fn a_configuration_without_classes_forgets_those_before() {
    let drop = r#"{ "name": "DROP", "test": "option[60].exists" }"#;
    let mut stand = Stand::new(&small(drop, "", "", [""; 2]));
    stand.drop_reason(&of_vendor(1, b"a"));
    stand.reconfigure(&small("", "", "", [""; 2]));
    assert_eq!(stand.answer(&of_vendor(1, b"a")).address(), Ipv4Addr::new(192, 0, 2, 10));
}

#[test]
fn a_test_without_a_result_is_logged_and_does_no_harm() {
    let classes = r#"{ "name": "DROP", "test": "uint8totext(option[60].hex) == '1'" },
        { "name": "late", "test": "member('KNOWN') or uint8totext(option[60].hex) == '1'" }"#;
    let mut stand = Stand::new(&small(classes, "", "", [""; 2]));
    let reaction = stand.ask(&of_vendor(1, b"long"));
    assert_eq!(reaction.answers.len(), 1);
    let errors = reaction.log.iter().filter(|line| line.id == "DHCPSRV_EVAL_ERROR");
    assert_eq!(errors.count(), 2, "{:?}", reaction.log);
    assert_eq!(stand.drop_reason(&of_vendor(1, &[1])), "it is in class DROP");
}
