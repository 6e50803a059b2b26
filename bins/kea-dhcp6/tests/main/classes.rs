//! Client classes: who is dropped, refused and served, by which subnet and pool, with which options and times.

use libdhcp::v6::{MessageType, code};
use stats::Packet6;

use crate::stand::{DUID, Query, Stand, duid, ia_address, query, solicit, to_server};

/// An option by which clients of these scenarios say what they are.
const KIND: u16 = 1234;

/// Two pools of addresses and two of prefixes on the server's link, the second ones for `gold` clients; further members of
/// the global scope and of the subnet, and the classes besides `gold`.
fn classes(more: &str, subnet: &str, global: &str) -> String {
    format!(
        r#""option-def": [ {{ "name": "kind", "code": 1234, "type": "string" }} ],
        "client-classes": [ {{ "name": "gold", "test": "option[kind].text == 'gold'" }} {more} ],
        "cache-threshold": 0, "preferred-lifetime": 3000, "valid-lifetime": 4000, {global}
        "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan", {subnet}
            "pools": [ {{ "pool": "2001:db8:1::10/128" }},
                       {{ "pool": "2001:db8:1::20 - 2001:db8:1::2f", "client-classes": [ "gold" ] }} ],
            "pd-pools": [ {{ "prefix": "2001:db8:f000::", "prefix-len": 56, "delegated-len": 56 }},
                          {{ "prefix": "2001:db8:f100::", "prefix-len": 48, "delegated-len": 56,
                             "client-classes": [ "gold" ] }} ] }} ]"#
    )
}

/// A host with the DUID of the client with this number.
fn host(client: u8, members: &str) -> String {
    format!(r#"{{ "duid": "00:03:00:01:02:00:00:00:00:{client:02x}", {members} }}"#)
}

fn of_kind(query: Query, kind: &str) -> Query {
    query.option(KIND, kind.as_bytes())
}

/// Each kind of message that clients send, with something to process.
fn all_kinds(client: u8) -> Vec<Query> {
    use MessageType::{
        Confirm, Decline, InformationRequest, Rebind, Release, Renew, Request, Solicit,
    };
    let to_all = [Solicit, Rebind, Confirm, InformationRequest].map(|kind| query(kind, client));
    let to_one = [Request, Renew, Release, Decline].map(|kind| to_server(kind, client));
    let with = |query: Query| query.na(1, &["2001:db8:1::10"]);
    to_all.into_iter().chain(to_one).map(with).collect()
}

#[test]
fn class_drop_silences_every_message() {
    let drop = r#", { "name": "DROP", "test": "option[kind].text == 'bad'" }"#;
    let mut stand = Stand::new(&classes(drop, "", ""));
    for query in all_kinds(1) {
        let reaction = stand.ask(&of_kind(query.clone(), "bad"));
        assert!(reaction.answers.is_empty());
        assert_eq!(reaction.reason("DHCP6_QUERY_DROPPED"), "the client is in class DROP");
        assert!(reaction.log.iter().any(|line| line.id == "DHCP6_PACKET_DROP_DROP_CLASS"));
        assert!(!reaction.log.iter().any(|line| line.id == "DHCP6_SUBNET_SELECTED"));
        stand.answer(&query);
    }
    assert_eq!(stand.counted(Packet6::AdminFiltered), 8);
    assert_eq!(stand.counted(Packet6::ReceiveDrop), 8);
}

#[test]
fn class_drop_may_depend_on_reservations() {
    let known = r#", { "name": "DROP", "test": "member('KNOWN')" }"#;
    let by_host = r#", { "name": "bad" }, { "name": "DROP", "test": "member('bad')" }"#;
    let of_bad = host(9, r#""client-classes": [ "bad" ]"#);
    let named = host(9, r#""hostname": "nine""#);
    let local = |host: &str| format!(r#""reservations": [ {host} ],"#);
    let early = r#""early-global-reservations-lookup": true, "#;
    let ids = ["DHCP6_PACKET_DROP_DROP_CLASS2", "DHCP6_PACKET_DROP_DROP_CLASS_EARLY"];
    for (more, subnet, global, id) in [
        (known, local(&named), String::new(), ids[0]),
        (by_host, local(&of_bad), String::new(), ids[0]),
        (known, r#""reservations-global": true,"#.into(), local(&named), ids[0]),
        (by_host, r#""reservations-global": true,"#.into(), local(&of_bad), ids[0]),
        (known, String::new(), early.to_owned() + &local(&named), ids[1]),
        (by_host, String::new(), early.to_owned() + &local(&of_bad), ids[1]),
    ] {
        let mut stand = Stand::new(&classes(more, &subnet, &global));
        for query in all_kinds(9) {
            let reaction = stand.ask(&query);
            assert!(reaction.answers.is_empty(), "{more} {subnet} {global}");
            assert!(reaction.log.iter().any(|line| line.id == id), "{id}: {:?}", reaction.log);
        }
        all_kinds(1).iter().for_each(|query| drop(stand.answer(query)));
    }
}

#[test]
fn subnets_are_selected_among_those_that_serve() {
    let subnet = |id: u8, members: &str| {
        format!(
            r#"{{ "id": {id}, "subnet": "2001:db8:{id}::/64", {members},
                "pools": [ {{ "pool": "2001:db8:{id}::/64" }} ] }}"#
        )
    };
    let gold = r#""client-classes": [ "gold", "silver" ]"#;
    let members = format!(
        r#""option-def": [ {{ "name": "kind", "code": 1234, "type": "string" }} ],
        "client-classes": [ {{ "name": "gold", "test": "option[kind].text == 'gold'" }},
            {{ "name": "silver" }}, {{ "name": "blue", "test": "option[kind].text == 'blue'" }} ],
        "early-global-reservations-lookup": true,
        "reservations": [ {} ],
        "subnet6": [ {}, {}, {}, {}, {}, {}, {} ],
        "shared-networks": [ {{ "name": "n", "client-classes": [ "blue" ], "interface": "lan",
            "subnet6": [ {} ] }} ]"#,
        host(7, r#""client-classes": [ "silver" ]"#),
        subnet(1, &format!(r#""interface": "lan", {gold}"#)),
        subnet(2, r#""interface": "lan", "client-classes": [ "none", "ALL" ]"#),
        subnet(3, &format!(r#""interface-id": "port", {gold}"#)),
        subnet(4, r#""interface-id": "port""#),
        subnet(5, &format!(r#""relay": {{ "ip-addresses": [ "2001:db8:aa::1" ] }}, {gold}"#)),
        subnet(6, r#""relay": { "ip-addresses": [ "2001:db8:aa::1" ] }"#),
        r#"{ "id": 7, "subnet": "2001:db8:7::/64", "client-classes": [ "gold" ],
             "pools": [ { "pool": "2001:db8:7::/64" } ] }"#,
        r#"{ "id": 8, "subnet": "2001:db8:8::/64", "pools": [ { "pool": "2001:db8:8::/64" } ] }"#,
    );
    let relayed =
        |link: &str, id: &[u8]| solicit(1).na(1, &[]).relayed(link, &[(code::INTERFACE_ID, id)]);
    for (query, gold, others) in [
        (solicit(1).na(1, &[]), "1", "2"),
        (relayed("2001:db8:bb::1", b"port"), "3", "4"),
        (relayed("2001:db8:aa::1", b""), "5", "6"),
        (relayed("2001:db8:7::1", b""), "7", ""),
    ] {
        let mut stand = Stand::new(&members);
        let mut subnet = |query: &Query| {
            let given = stand.answer(query).given();
            given.first().map_or(String::new(), |address| address[9..10].to_owned())
        };
        assert_eq!(subnet(&of_kind(query.clone(), "gold")), gold);
        assert_eq!(subnet(&query), others);
        let silver = query.client(Some(&duid(7)));
        let served_by = if gold == "7" { "" } else { gold };
        assert_eq!(subnet(&silver), served_by, "by its reservation everywhere");
    }
    let only_network = members.replacen(r#""interface": "lan""#, r#""interface": "wan""#, 2);
    let mut stand = Stand::new(&only_network);
    assert!(stand.answer(&solicit(1).na(1, &[])).given().is_empty());
    let blue = of_kind(solicit(1).na(1, &[]), "blue");
    assert!(stand.answer(&blue).given()[0].starts_with("2001:db8:8:"));
}

#[test]
fn class_reject_refuses_every_association() {
    let reject = r#", { "name": "REJECT", "test": "option[kind].text == 'bad'" }"#;
    let options = r#""option-data": [ { "name": "dns-servers", "data": "2001:db8::1" } ],"#;
    let rapid = r#""rapid-commit": true,"#;
    let mut stand = Stand::new(&classes(reject, rapid, options));
    stand.bind(&solicit(1).na(1, &[]).pd(2, &[]));
    let held = ["2001:db8:1::10"];
    let refused = ["IA_NA 1 0/0 status 2", "IA_PD 2 0/0 status 6"];
    for (query, kind) in [
        (solicit(1), MessageType::Advertise),
        (solicit(1).option(code::RAPID_COMMIT, &[]), MessageType::Reply),
        (to_server(MessageType::Request, 1), MessageType::Reply),
        (to_server(MessageType::Renew, 1), MessageType::Reply),
        (query(MessageType::Rebind, 1), MessageType::Reply),
    ] {
        let query = of_kind(query.na(1, &held).pd(2, &[]).wants(&[code::DNS_SERVERS]), "bad");
        let reaction = stand.ask(&query);
        let answer = &reaction.answers[0];
        assert_eq!(
            (answer.associations(), answer.kind()),
            (refused.map(String::from).into(), kind)
        );
        assert!(answer.option(code::DNS_SERVERS).is_some());
        assert_eq!(reaction.reason("DHCP6_QUERY_REFUSED"), "the client is in class REJECT");
        assert!(reaction.log.iter().any(|line| line.id == "DHCP6_PACKET_REJECT_CLASS"));
    }
    assert_eq!(stand.store.len(), 2, "what it has, it keeps");
}

#[test]
fn pools_serve_their_classes_alone() {
    let asked =
        |client: u8| solicit(client).na(1, &["2001:db8:1::25"]).pd(2, &["2001:db8:f100:300::/56"]);
    let usual = ["2001:db8:1::10", "2001:db8:f000::/56"];
    let golden = ["2001:db8:1::25", "2001:db8:f100:300::/56"];
    let mut stand = Stand::new(&classes("", "", ""));
    assert_eq!(stand.answer(&asked(1)).given(), usual, "whatever it asks for");
    assert_eq!(stand.answer(&of_kind(asked(1), "gold")).given(), golden);
    assert_eq!(stand.bind(&asked(1)).given(), usual);
    let nothing = ["IA_NA 1 0/0 status 2", "IA_PD 2 0/0 status 6"];
    assert_eq!(stand.answer(&asked(2)).associations(), nothing);
    assert_eq!(stand.bind(&of_kind(asked(2), "gold")).given(), golden);
    let other = of_kind(solicit(3).na(1, &[]).pd(2, &[]), "gold");
    let next = ["2001:db8:1::20", "2001:db8:f100::/56"];
    assert_eq!(stand.answer(&other).given(), next, "in the order of the file");
    // Without the class it loses what it has.
    let renew = to_server(MessageType::Renew, 2).na(1, &golden[..1]).pd(2, &golden[1..]);
    let reaction = stand.ask(&of_kind(renew.clone(), "gold"));
    assert_eq!(reaction.answers[0].given(), golden);
    let reaction = stand.ask(&renew);
    let lost = [
        "IA_NA 1 0/0 2001:db8:1::25 0/0 status 2",
        "IA_PD 2 0/0 2001:db8:f100:300::/56 0/0 status 6",
    ];
    assert_eq!(reaction.answers[0].associations(), lost);
    let withdrawn = reaction.log.iter().find(|line| line.id == "DHCP6_LEASE_WITHDRAWN");
    assert!(withdrawn.unwrap().text.contains("does not serve the client's classes"));
    assert_eq!(stand.store.len(), 2);
}

#[test]
fn what_is_reserved_in_a_pool_of_others_is_given_all_the_same() {
    let members =
        r#""ip-addresses": [ "2001:db8:1::2a" ], "prefixes": [ "2001:db8:f100:500::/56" ]"#;
    let subnet = format!(r#""reservations": [ {} ],"#, host(9, members));
    let mut stand = Stand::new(&classes("", &subnet, ""));
    let expected = ["2001:db8:1::2a", "2001:db8:f100:500::/56"];
    assert_eq!(stand.bind(&solicit(9).na(1, &[]).pd(2, &[])).given(), expected);
    let renew = to_server(MessageType::Renew, 9).na(1, &[]).pd(2, &[]);
    assert_eq!(stand.answer(&renew).given(), expected);
}

#[test]
fn classes_of_a_reservation_open_pools_and_change_other_classes() {
    let more = r#", { "name": "vip" }, { "name": "plain", "test": "not member('vip')" },
        { "name": "late", "test": "member('KNOWN') and member('vip')" }"#;
    let reservations =
        format!(r#""reservations": [ {} ],"#, host(9, r#""client-classes": [ "vip" ]"#));
    let members = classes(more, &reservations, "");
    let given = |audience: &str, client: u8| {
        let members = members.replace(r#""client-classes": [ "gold" ]"#, audience);
        let mut stand = Stand::new(&members);
        stand.answer(&solicit(client).na(1, &["2001:db8:1::25"])).given()[0].clone()
    };
    let (inside, outside) = ("2001:db8:1::25", "2001:db8:1::10");
    for (class, nine, one) in [
        ("vip", inside, outside),
        ("plain", outside, inside),
        ("late", inside, outside),
        ("KNOWN", inside, outside),
        ("UNKNOWN", outside, inside),
    ] {
        let audience = format!(r#""client-classes": [ "{class}" ]"#);
        assert_eq!(
            (given(&audience, 9).as_str(), given(&audience, 1).as_str()),
            (nine, one),
            "{class}"
        );
    }
}

#[test]
fn a_subnet_may_cease_to_serve_once_the_reservation_is_known() {
    let more = r#", { "name": "vip" }, { "name": "plain", "test": "not member('vip')" }"#;
    let subnet = |hosts: &str| {
        classes(
            more,
            &format!(r#""client-classes": [ "plain" ], "reservations": [ {hosts} ],"#),
            "",
        )
    };
    let mut stand = Stand::new(&subnet(""));
    assert_eq!(stand.bind(&solicit(9).na(1, &[])).given(), ["2001:db8:1::10"]);
    stand.reconfigure(&subnet(&host(9, r#""client-classes": [ "vip" ]"#)));
    let renew = to_server(MessageType::Renew, 9).na(1, &["2001:db8:1::10"]);
    let lost = ["IA_NA 1 0/0 2001:db8:1::10 0/0 status 2"];
    assert_eq!(stand.answer(&renew).associations(), lost);
    assert_eq!(stand.bind(&solicit(1).na(1, &[])).given(), ["2001:db8:1::10"]);
}

/// Option 24 with one name of one letter and its length.
fn search(letter: &str) -> Option<Vec<u8>> {
    Some([&[1], letter.as_bytes(), &[0]].concat())
}

#[test]
fn the_nearest_scope_decides_about_an_option() {
    let data = |letter: &str| {
        format!(r#""option-data": [ {{ "name": "domain-search", "data": "{letter}" }} ]"#)
    };
    let ask = of_kind(solicit(9).na(1, &["2001:db8:1::25"]).wants(&[code::DOMAIN_SEARCH]), "gold");
    // From the most specific scope outwards; of the classes the one that was entered first.
    for kept in 0..7 {
        let set = |nth: usize, letter: &str| match nth >= kept {
            true => data(letter),
            false => r#""option-data": []"#.to_owned(),
        };
        let members = format!(
            r#""option-def": [ {{ "name": "kind", "code": 1234, "type": "string" }} ],
            "client-classes": [ {{ "name": "gold", "test": "option[kind].text == 'gold'", {} }},
                                {{ "name": "late", "test": "member('KNOWN')", {} }} ],
            {},
            "shared-networks": [ {{ "name": "n", {}, "interface": "lan",
                "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", {},
                    "pools": [ {{ "pool": "2001:db8:1::20 - 2001:db8:1::2f", {} }} ],
                    "reservations": [ {} ] }} ] }} ]"#,
            set(4, "e"),
            set(5, "f"),
            set(6, "g"),
            set(3, "d"),
            set(2, "c"),
            set(1, "b"),
            host(9, &set(0, "a").replace("[]", r#"[ { "name": "preference", "data": "1" } ]"#)),
        );
        let mut stand = Stand::new(&members);
        let expected = search(&"abcdefg"[kept..=kept]);
        assert_eq!(stand.answer(&ask).option(code::DOMAIN_SEARCH), expected, "{kept}");
        assert_eq!(stand.bind(&ask).option(code::DOMAIN_SEARCH), expected, "{kept}");
        let stateless = of_kind(query(MessageType::InformationRequest, 9), "gold");
        let expected = search(if kept == 1 { "c" } else { &"abcdefg"[kept..=kept] });
        let answer = stand.answer(&stateless.wants(&[code::DOMAIN_SEARCH]));
        assert_eq!(answer.option(code::DOMAIN_SEARCH), expected, "nothing is given: {kept}");
    }
}

#[test]
fn every_scope_can_send_and_forbid_options() {
    let always =
        r#""option-data": [ { "name": "domain-search", "data": "x", "always-send": true } ]"#;
    let never =
        r#""option-data": [ { "name": "domain-search", "data": "y", "never-send": true } ]"#;
    let render = |scopes: [&str; 4]| {
        format!(
            r#""client-classes": [ {{ "name": "all", "test": "member('ALL')", {} }} ],
            "shared-networks": [ {{ "name": "n", {}, "interface": "lan",
                "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64",
                    "pools": [ {{ "pool": "2001:db8:1::/64", {} }} ],
                    "pd-pools": [ {{ "prefix": "2001:db8:f000::", "prefix-len": 48,
                                     "delegated-len": 56, {} }} ] }} ] }} ]"#,
            scopes[0], scopes[1], scopes[2], scopes[3]
        )
    };
    let none = r#""option-data": []"#;
    let answer = |scopes, query: Query| Stand::new(&render(scopes)).answer(&query);
    let both = || solicit(1).na(1, &[]).pd(2, &[]);
    for scope in 0..4 {
        let mut scopes = [none; 4];
        scopes[scope] = always;
        assert_eq!(answer(scopes, both()).option(code::DOMAIN_SEARCH), search("x"), "{scope}");
        scopes[(scope + 1) % 4] = never;
        assert_eq!(answer(scopes, both()).option(code::DOMAIN_SEARCH), None, "{scope}");
    }
    let of_prefix = [none, none, none, always];
    assert_eq!(answer(of_prefix, solicit(1).na(1, &[])).option(code::DOMAIN_SEARCH), None);
}

#[test]
fn additional_classes_are_evaluated_where_they_are_asked_for() {
    let class = |name: &str, test: &str| {
        format!(
            r#"{{ "name": "{name}", "only-in-additional-list": true, {test}
                "option-data": [ {{ "name": "domain-search", "data": "{name}" }} ] }}"#
        )
    };
    let render = |lists: [&str; 3]| {
        let [pool, subnet, network] =
            lists.map(|list| format!(r#""evaluate-additional-classes": [ {list} ]"#));
        format!(
            r#""option-def": [ {{ "name": "kind", "code": 1234, "type": "string" }} ],
            "client-classes": [ {}, {}, {} ],
            "shared-networks": [ {{ "name": "n", "interface": "lan", {network},
                "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", {subnet},
                    "pools": [ {{ "pool": "2001:db8:1::10/128" }},
                               {{ "pool": "2001:db8:1::20/128", {pool} }} ] }} ] }} ]"#,
            class("a", ""),
            class("b", r#""test": "option[kind].text == 'gold'","#),
            class("c", r#""test": "member('a')","#),
        )
    };
    let from = |address: &str| solicit(1).na(1, &[address]).wants(&[code::DOMAIN_SEARCH]);
    for (lists, expected) in [
        (["", "", ""], [None, None, None]),
        ([r#""a""#, "", ""], [None, Some("a"), Some("a")]),
        (["", r#""a""#, ""], [Some("a"), Some("a"), Some("a")]),
        (["", "", r#""a""#], [Some("a"), Some("a"), Some("a")]),
        ([r#""b""#, r#""a""#, ""], [Some("a"), Some("a"), Some("b")]),
        ([r#""c", "b""#, "", r#""a", "b""#], [Some("a"), Some("a"), Some("b")]),
        (["", r#""a""#, r#""c""#], [Some("a"), Some("a"), Some("a")]),
    ] {
        let queries = [
            from("2001:db8:1::10"),
            from("2001:db8:1::20"),
            of_kind(from("2001:db8:1::20"), "gold"),
        ];
        for (query, expected) in queries.iter().zip(expected) {
            let mut stand = Stand::new(&render(lists));
            let reaction = stand.ask(query);
            let found = reaction.answers[0].option(code::DOMAIN_SEARCH);
            assert_eq!(found, expected.and_then(search), "{lists:?}");
            let logged = reaction.log.iter().any(|line| line.id == "DHCP6_CLASSES_ASSIGNED");
            assert!(logged);
        }
    }
}

#[test]
fn lifetimes_of_the_first_class_that_has_some_come_before_those_of_the_subnet() {
    let render = |first: &str, second: &str| {
        let more = format!(
            r#", {{ "name": "one", "test": "member('gold')" {first} }},
               {{ "name": "two", "test": "member('gold')" {second} }}"#
        );
        classes(&more, r#""renew-timer": 1000, "rebind-timer": 2000,"#, "")
    };
    let wish = |preferred, valid| ia_address("2001:db8:1::25", preferred, valid);
    let valid = r#", "min-valid-lifetime": 600, "valid-lifetime": 700, "max-valid-lifetime": 800"#;
    let preferred = r#", "preferred-lifetime": 500"#;
    let both = r#", "valid-lifetime": 90, "preferred-lifetime": 80"#;
    for (first, second, wish, expected) in [
        ("", "", wish(0, 0), "3000/4000"),
        // What the subnet says is senseless beside the class.
        (valid, "", wish(0, 0), "437/700"),
        (valid, "", wish(0, 9000), "500/800"),
        (valid, preferred, wish(1, 1), "500/600"),
        ("", preferred, wish(0, 0), "500/4000"),
        (preferred, both, wish(0, 0), "56/90"),
        (valid, both, wish(0, 0), "80/700"),
        (both, valid, wish(0, 0), "80/90"),
    ] {
        let mut stand = Stand::new(&render(first, second));
        let query = of_kind(solicit(1).na_with(1, &wish), "gold");
        let expected = format!("2001:db8:1::25 {expected}");
        let told = |line: &str| line.ends_with(&expected);
        assert!(told(&stand.answer(&query).associations()[0]), "{first} {second} {expected}");
        let request = query.clone().kind(MessageType::Request).server(DUID);
        assert!(told(&stand.answer(&request).associations()[0]), "{first} {second} {expected}");
        let renew = query.kind(MessageType::Renew).server(DUID);
        let line = stand.answer(&renew).associations()[0].clone();
        assert!(told(&line), "{first} {second} {expected}: {line}");
    }
}

#[test]
fn preferred_lifetimes_that_nobody_gives_follow_from_the_valid_one_that_is_granted() {
    let more = r#", { "name": "week", "test": "member('gold')", "valid-lifetime": 8000, "max-valid-lifetime": 16000 }"#;
    let members = classes(more, "", "").replace(r#""preferred-lifetime": 3000,"#, "");
    let mut stand = Stand::new(&members);
    for (preferred, valid, expected) in
        [(0, 0, "5000/8000"), (0, 16000, "10000/16000"), (100, 16000, "10000/16000")]
    {
        let wish = ia_address("2001:db8:1::25", preferred, valid);
        let answer = stand.answer(&of_kind(solicit(1).na_with(1, &wish), "gold"));
        let [line] = answer.associations().try_into().expect("one association");
        assert!(line.ends_with(expected), "{line}");
    }
    let answer = stand.answer(&solicit(2).na(1, &[]));
    assert!(answer.associations()[0].ends_with("2500/4000"), "{:?}", answer.associations());
}

#[test]
fn vendor_classes_are_classes() {
    let members = classes("", "", "").replace(r#"[ "gold" ]"#, r#"[ "VENDOR_CLASS_docsis3.0" ]"#);
    let modem = [&4491_u32.to_be_bytes()[..], &[0, 1, b'x', 0, 9], b"docsis3.0"].concat();
    let mut stand = Stand::new(&members);
    let asked = || solicit(1).na(1, &["2001:db8:1::25"]);
    assert_eq!(stand.answer(&asked()).given(), ["2001:db8:1::10"]);
    let modem = asked().option(code::VENDOR_CLASS, &modem);
    assert_eq!(stand.answer(&modem).given(), ["2001:db8:1::25"]);
}

#[test]
fn an_expression_without_a_result_does_no_harm() {
    let more = r#", { "name": "odd", "test": "int8totext(option[kind].hex) == '1'",
        "option-data": [ { "name": "domain-search", "data": "x" } ] }"#;
    let mut stand = Stand::new(&classes(more, "", ""));
    let query = solicit(1).na(1, &["2001:db8:1::25"]).wants(&[code::DOMAIN_SEARCH]);
    let reaction = stand.ask(&of_kind(query, "gold"));
    assert!(reaction.log.iter().any(|line| line.id == "DHCPSRV_EVAL_ERROR"));
    assert_eq!(reaction.answers[0].given(), ["2001:db8:1::25"]);
    assert_eq!(reaction.answers[0].option(code::DOMAIN_SEARCH), None);
}

#[test]
fn a_reconfiguration_without_classes_forgets_those_of_the_query_before() {
    let mut stand = Stand::new(&classes("", "", ""));
    stand.answer(&of_kind(solicit(1).na(1, &[]), "gold"));
    stand.reconfigure(crate::stand::SMALL);
    assert_eq!(stand.answer(&solicit(1).na(1, &[])).given(), ["2001:db8:1::10"]);
}

#[test]
fn entries_of_options_can_be_for_classes() {
    let data = r#""option-data": [
        { "name": "domain-search", "data": "g", "client-classes": [ "gold" ] },
        { "name": "domain-search", "data": "o" } ],"#;
    let mut stand = Stand::new(&classes("", data, ""));
    let ask = || query(MessageType::InformationRequest, 1).wants(&[code::DOMAIN_SEARCH]);
    assert_eq!(stand.answer(&of_kind(ask(), "gold")).option(code::DOMAIN_SEARCH), search("g"));
    assert_eq!(stand.answer(&ask()).option(code::DOMAIN_SEARCH), search("o"));
}
