//! Host reservations: whom they are for, what their hosts get, and what becomes of addresses and prefixes.

use libdhcp::v6::{MessageType, code};

use crate::stand::{Stand, query, solicit, to_server};

/// Option 31.
const SNTP_SERVERS: u16 = 31;
const INSIDE: &str = "2001:db8:1::11";
const OUTSIDE: &str = "2001:db8:1::cafe";
const PREFIX_INSIDE: &str = "2001:db8:f000:100::/56";
const PREFIX_OUTSIDE: &str = "2001:db8:aaaa::/48";

/// A subnet with three addresses and four prefixes, these reservations, and further members of the subnet and of the
/// global scope.
fn reserving(reservations: &str, subnet: &str, global: &str) -> String {
    format!(
        r#""cache-threshold": 0, "preferred-lifetime": 3000, "valid-lifetime": 4000, "renew-timer": 1000, "rebind-timer": 2000, {global}
        "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan", {subnet}
            "pools": [ {{ "pool": "2001:db8:1::10 - 2001:db8:1::12" }} ],
            "pd-pools": [ {{ "prefix": "2001:db8:f000::", "prefix-len": 54, "delegated-len": 56 }} ],
            "reservations": [ {reservations} ] }} ]"#
    )
}

/// A reservation for the client with this number.
fn host(client: u8, members: &str) -> String {
    format!(r#"{{ "duid": "00:03:00:01:02:00:00:00:00:{client:02x}", {members} }}"#)
}

fn addresses(client: u8, addresses: &[&str]) -> String {
    host(client, &format!("\"ip-addresses\": {addresses:?}"))
}

fn prefixes(client: u8, prefixes: &[&str]) -> String {
    host(client, &format!("\"prefixes\": {prefixes:?}"))
}

fn with(reservations: &str) -> Stand {
    Stand::new(&reserving(reservations, "", ""))
}

#[test]
fn reserved_resources_are_for_their_hosts_in_and_outside_the_pools() {
    for (address, prefix) in [(INSIDE, PREFIX_INSIDE), (OUTSIDE, PREFIX_OUTSIDE)] {
        let members =
            format!("\"ip-addresses\": [ \"{address}\" ], \"prefixes\": [ \"{prefix}\" ]");
        let mut stand = with(&host(9, &members));
        let asked = || solicit(9).na(1, &["2001:db8:1::10"]).pd(2, &["2001:db8:f000::/56"]);
        assert_eq!(stand.answer(&asked()).given(), [address, prefix], "whatever it asks for");
        assert_eq!(stand.bind(&asked()).given(), [address, prefix]);
        let renew = to_server(MessageType::Renew, 9).na(1, &[address]).pd(2, &[prefix]);
        assert_eq!(stand.answer(&renew).given(), [address, prefix]);
        let rebind = query(MessageType::Rebind, 9).na(1, &[address]).pd(2, &[prefix]);
        assert_eq!(stand.answer(&rebind).given(), [address, prefix]);
        assert_eq!(stand.store.len(), 2);
    }
}

#[test]
fn reserved_resources_are_never_given_to_others() {
    let reservations = [
        addresses(9, &[INSIDE, OUTSIDE]),
        prefixes(8, &[PREFIX_INSIDE, PREFIX_OUTSIDE]),
        prefixes(7, &["2001:db8:f000:240::/60"]),
    ];
    let mut stand = with(&reservations.join(", "));
    let wishes = |client| {
        solicit(client)
            .na(1, &[INSIDE])
            .na(2, &[OUTSIDE])
            .pd(3, &[PREFIX_INSIDE])
            .pd(4, &["2001:db8:f000:200::/56"])
    };
    let expected =
        ["2001:db8:1::10", "2001:db8:1::12", "2001:db8:f000::/56", "2001:db8:f000:300::/56"];
    assert_eq!(stand.answer(&wishes(1)).given(), expected);
    assert_eq!(stand.bind(&wishes(1)).given(), expected);
    let nothing = ["IA_NA 1 0/0 status 2", "IA_PD 2 0/0 status 6"];
    assert_eq!(stand.answer(&solicit(2).na(1, &[]).pd(2, &[])).associations(), nothing);
    // Leases come and go, the reservations stay.
    assert_eq!(stand.bind(&solicit(7).pd(1, &[])).given(), ["2001:db8:f000:240::/60"]);
    stand.bind(&solicit(9).na(1, &[]));
    stand.answer(&to_server(MessageType::Release, 9).na(1, &[INSIDE]));
    stand.answer(&to_server(MessageType::Release, 7).pd(1, &["2001:db8:f000:240::/60"]));
    assert_eq!(stand.answer(&solicit(2).na(1, &[]).pd(2, &[])).associations(), nothing);
}

#[test]
fn modes_decide_what_is_reserved() {
    for (rules, inside, outside) in [
        ("", "reserved", "reserved"),
        (r#""reservation-mode": "all","#, "reserved", "reserved"),
        (r#""reservation-mode": "out-of-pool","#, "dynamic", "reserved"),
        (r#""reservations-out-of-pool": true,"#, "dynamic", "reserved"),
        (r#""reservation-mode": "disabled","#, "dynamic", "void"),
        (r#""reservation-mode": "global","#, "dynamic", "void"),
        (r#""reservations-in-subnet": false,"#, "dynamic", "void"),
    ] {
        let cells = [
            (addresses(9, &[INSIDE]), INSIDE, inside),
            (addresses(9, &[OUTSIDE]), OUTSIDE, outside),
            (prefixes(9, &[PREFIX_INSIDE]), PREFIX_INSIDE, inside),
            (prefixes(9, &[PREFIX_OUTSIDE]), PREFIX_OUTSIDE, outside),
        ];
        for (reservation, resource, expected) in cells {
            let given = |client, wish: &[&str]| {
                let mut stand = Stand::new(&reserving(&reservation, rules, ""));
                let message = to_server(MessageType::Request, client);
                let message = match resource.contains('/') {
                    true => message.pd(1, wish),
                    false => message.na(1, wish),
                };
                stand.answer(&message).given().contains(&resource.to_owned())
            };
            let found = match (given(9, &[]), given(1, &[resource])) {
                (true, false) => "reserved",
                (false, true) => "dynamic",
                (false, false) => "void",
                (true, true) => "both",
            };
            assert_eq!(found, expected, "{rules} {resource}");
        }
    }
}

#[test]
fn several_associations_get_one_reserved_thing_each() {
    let members = format!(
        "\"ip-addresses\": [ \"{INSIDE}\", \"{OUTSIDE}\" ],
         \"prefixes\": [ \"{PREFIX_OUTSIDE}\", \"{PREFIX_INSIDE}\" ]"
    );
    let mut stand = with(&host(9, &members));
    let all = || solicit(9).na(1, &[]).pd(1, &[]).na(2, &[]).pd(2, &[]).na(3, &[]).pd(3, &[]);
    let expected =
        [INSIDE, PREFIX_OUTSIDE, OUTSIDE, PREFIX_INSIDE, "2001:db8:1::10", "2001:db8:f000::/56"];
    assert_eq!(stand.answer(&all()).given(), expected);
    assert_eq!(stand.bind(&all()).given(), expected);
    // In another order each keeps its own.
    let renew = to_server(MessageType::Renew, 9).na(3, &[]).na(2, &[]).na(1, &[]);
    assert_eq!(stand.answer(&renew).given(), ["2001:db8:1::10", OUTSIDE, INSIDE]);
    assert_eq!(stand.bind(&all()).given(), expected);
    assert_eq!(stand.store.len(), 6);
}

#[test]
fn clients_are_known_by_duid_or_hardware_address_in_the_order_of_the_configuration() {
    let hosts = r#"{ "hw-address": "00:00:00:00:00:09", "ip-addresses": [ "2001:db8:1::a" ] },
        { "duid": "'client'", "ip-addresses": [ "2001:db8:1::b" ] },
        { "flex-id": "'client'", "ip-addresses": [ "2001:db8:1::c" ] }"#;
    let client = || solicit(9).client(Some(b"client")).from("fe80::200:ff:fe00:9");
    for (order, expected) in [
        ("", "2001:db8:1::a"),
        (r#""host-reservation-identifiers": [ "duid", "hw-address" ],"#, "2001:db8:1::b"),
        (r#""host-reservation-identifiers": [ "flex-id", "duid" ],"#, "2001:db8:1::b"),
        (r#""host-reservation-identifiers": [ "auto" ],"#, "2001:db8:1::a"),
        (r#""host-reservation-identifiers": [ "flex-id" ],"#, "2001:db8:1::10"),
        (r#""mac-sources": [ "rfc6939", "duid" ],"#, "2001:db8:1::b"),
    ] {
        let mut stand = Stand::new(&reserving(hosts, "", order));
        assert_eq!(stand.answer(&client().na(1, &[])).given(), [expected], "{order}");
    }
    let mac: &[u8] = &[0, 1, 0, 0, 0, 0, 0, 9];
    let relayed = solicit(1).client(Some(b"xyz")).na(1, &[]);
    let relayed = relayed.relayed("2001:db8:1::1", &[(code::CLIENT_LINKLAYER_ADDR, mac)]);
    assert_eq!(with(hosts).answer(&relayed).given(), ["2001:db8:1::a"]);
}

#[test]
fn global_reservations_count_where_the_subnet_says_so() {
    let global = format!(
        "\"reservations\": [ {} ],",
        host(
            9,
            &format!(
                "\"ip-addresses\": [ \"2001:db8:9::1\", \"{INSIDE}\" ], \"prefixes\": [ \"{PREFIX_INSIDE}\" ]"
            )
        )
    );
    let on = r#""reservations-global": true,"#;
    let mut stand = Stand::new(&reserving("", on, &global));
    let asked = || solicit(9).na(1, &[]).pd(2, &[]);
    assert_eq!(stand.answer(&asked()).given(), [INSIDE, PREFIX_INSIDE], "what belongs to the link");
    let others =
        stand.answer(&to_server(MessageType::Request, 1).na(1, &[INSIDE]).pd(2, &[PREFIX_INSIDE]));
    assert_eq!(others.given(), ["2001:db8:1::10", "2001:db8:f000::/56"]);
    let mut stand = Stand::new(&reserving("", "", &global));
    assert_eq!(stand.answer(&asked()).given(), ["2001:db8:1::10", "2001:db8:f000::/56"]);
    let mut stand = Stand::new(&reserving(&addresses(9, &[OUTSIDE]), on, &global));
    assert_eq!(
        stand.answer(&asked()).given(),
        [OUTSIDE, "2001:db8:f000::/56"],
        "its own wins as a whole"
    );
}

/// A reservation for B of what A has leased, and the whole dance until B has it.
#[test]
fn a_lease_in_the_way_of_a_reservation_is_moved_by_and_by() {
    let mut stand = with("");
    let a = ["2001:db8:1::10", "2001:db8:f000::/56"];
    assert_eq!(stand.bind(&solicit(1).na(1, &[]).pd(2, &[])).given(), a);
    let members = format!("\"ip-addresses\": [ \"{}\" ], \"prefixes\": [ \"{}\" ]", a[0], a[1]);
    stand.reconfigure(&reserving(&host(2, &members), "", ""));
    let b = [INSIDE, PREFIX_INSIDE];
    assert_eq!(stand.bind(&solicit(2).na(1, &[]).pd(2, &[])).given(), b, "for now");
    let renew = |client: u8, held: [&str; 2]| {
        to_server(MessageType::Renew, client).na(1, &[held[0]]).pd(2, &[held[1]])
    };
    assert_eq!(stand.answer(&renew(2, b)).given(), b, "A has it still");
    let reaction = stand.ask(&renew(1, a));
    let expected = [
        "IA_NA 1 1000/2000 2001:db8:1::10 0/0 2001:db8:1::12 3000/4000",
        "IA_PD 2 1000/2000 2001:db8:f000::/56 0/0 2001:db8:f000:200::/56 3000/4000",
    ];
    assert_eq!(reaction.answers[0].associations(), expected);
    for id in ["ALLOC_ENGINE_V6_REVOKED_ADDR_LEASE", "ALLOC_ENGINE_V6_REVOKED_PREFIX_LEASE"] {
        assert!(reaction.log.iter().any(|line| line.id == id), "{id}");
    }
    let reaction = stand.ask(&renew(2, b));
    let expected = [
        "IA_NA 1 1000/2000 2001:db8:1::10 3000/4000 2001:db8:1::11 0/0",
        "IA_PD 2 1000/2000 2001:db8:f000::/56 3000/4000 2001:db8:f000:100::/56 0/0",
    ];
    assert_eq!(reaction.answers[0].associations(), expected);
    for id in ["ALLOC_ENGINE_V6_HR_ADDR_GRANTED", "ALLOC_ENGINE_V6_HR_PREFIX_GRANTED"] {
        assert!(reaction.log.iter().any(|line| line.id == id), "{id}");
    }
    assert_eq!(stand.store.len(), 4);
}

#[test]
fn an_expired_or_declined_lease_in_the_way() {
    let mut stand = with(&addresses(1, &[OUTSIDE]));
    stand.bind(&solicit(1).na(1, &[]));
    stand.reconfigure(&reserving(&addresses(2, &[OUTSIDE]), "", ""));
    stand.pass(4002);
    assert_eq!(stand.bind(&solicit(2).na(1, &[])).given(), [OUTSIDE], "an expired one is not");
    stand.answer(&to_server(MessageType::Decline, 2).na(1, &[OUTSIDE]));
    assert_eq!(stand.bind(&solicit(2).na(1, &[])).given(), ["2001:db8:1::10"]);
    stand.pass(86_401);
    assert_eq!(stand.bind(&solicit(2).na(1, &[])).given(), [OUTSIDE], "when probation is over");
}

#[test]
fn reservations_that_come_and_go_take_their_hosts_along() {
    let mut stand = with("");
    stand.bind(&solicit(1).na(1, &[]));
    stand.reconfigure(&reserving(&addresses(1, &[OUTSIDE]), "", ""));
    let renew = |held: &str| to_server(MessageType::Renew, 1).na(1, &[held]);
    let expected = ["IA_NA 1 1000/2000 2001:db8:1::cafe 3000/4000 2001:db8:1::10 0/0"];
    assert_eq!(stand.answer(&renew("2001:db8:1::10")).associations(), expected);
    stand.reconfigure(&reserving("", "", ""));
    let expected = ["IA_NA 1 1000/2000 2001:db8:1::cafe 0/0 2001:db8:1::10 3000/4000"];
    assert_eq!(stand.answer(&renew(OUTSIDE)).associations(), expected);
    // A second reserved address does not push out the first.
    stand.reconfigure(&reserving(&addresses(1, &[OUTSIDE, "2001:db8:1::10"]), "", ""));
    assert_eq!(stand.answer(&renew("2001:db8:1::10")).given(), ["2001:db8:1::10"]);
    assert_eq!(stand.store.len(), 1);
}

#[test]
fn an_association_without_a_reservation_left_keeps_what_it_has() {
    let mut stand = with("");
    stand.bind(&solicit(1).na(1, &[]).na(2, &[]));
    stand.reconfigure(&reserving(&addresses(1, &[OUTSIDE]), "", ""));
    let renew = to_server(MessageType::Renew, 1).na(1, &[]).na(2, &[INSIDE]);
    let expected = [
        "IA_NA 1 1000/2000 2001:db8:1::cafe 3000/4000 2001:db8:1::10 0/0",
        "IA_NA 2 1000/2000 2001:db8:1::11 3000/4000",
    ];
    assert_eq!(stand.answer(&renew).associations(), expected);
}

#[test]
fn options_and_names_of_the_host_come_first() {
    let members = r#""hostname": "alpha.example", "ip-addresses": [ "2001:db8:1::cafe" ],
        "option-data": [ { "name": "dns-servers", "data": "2001:db8::9" },
                         { "name": "sntp-servers", "data": "2001:db8::8", "always-send": true } ]"#;
    let subnet = r#""option-data": [ { "name": "dns-servers", "data": "2001:db8::1" },
        { "name": "domain-search", "data": "example.org" } ],"#;
    let mut stand = Stand::new(&reserving(&host(9, members), subnet, ""));
    let asked =
        |client| solicit(client).na(1, &[]).wants(&[code::DNS_SERVERS, code::DOMAIN_SEARCH]);
    let address = |last: u16| {
        let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last);
        Some(address.octets().to_vec())
    };
    let reply = stand.bind(&asked(9));
    assert_eq!(reply.option(code::DNS_SERVERS), address(9));
    assert_eq!(reply.option(SNTP_SERVERS), address(8));
    assert!(reply.option(code::DOMAIN_SEARCH).is_some());
    let lease = stand.store.lease(OUTSIDE.parse().unwrap()).unwrap();
    assert_eq!(lease.hostname, b"alpha.example");
    let other = stand.bind(&asked(1));
    assert_eq!(other.option(code::DNS_SERVERS), address(1));
    assert_eq!(other.option(SNTP_SERVERS), None);
    let stateless = query(MessageType::InformationRequest, 9).wants(&[code::DNS_SERVERS]);
    assert_eq!(stand.answer(&stateless).option(code::DNS_SERVERS), address(9));
}

#[test]
fn a_reserved_prefix_has_its_own_excluded_part() {
    let members = format!(
        "\"prefixes\": [ \"{PREFIX_OUTSIDE}\", \"{PREFIX_INSIDE}\" ],
         \"excluded-prefixes\": [ \"2001:db8:aaaa:ff::/64\", \"\" ]"
    );
    let mut stand = with(&host(9, &members));
    let expected = [
        "IA_PD 1 1000/2000 2001:db8:aaaa::/48 3000/4000 without 2001:db8:aaaa:ff::/64",
        "IA_PD 2 1000/2000 2001:db8:f000:100::/56 3000/4000",
    ];
    let solicit = solicit(9).pd(1, &[]).pd(2, &[]).wants(&[code::PD_EXCLUDE]);
    assert_eq!(stand.bind(&solicit).associations(), expected);
}

#[test]
fn several_hosts_may_share_an_address_where_that_is_allowed() {
    let hosts = [addresses(1, &[OUTSIDE]), addresses(2, &[OUTSIDE])].join(", ");
    let mut stand = Stand::new(&reserving(&hosts, "", r#""ip-reservations-unique": false,"#));
    assert_eq!(stand.bind(&solicit(1).na(1, &[])).given(), [OUTSIDE]);
    assert_eq!(stand.bind(&solicit(2).na(1, &[])).given(), ["2001:db8:1::10"], "it is in use");
    stand.answer(&to_server(MessageType::Release, 1).na(1, &[OUTSIDE]));
    assert_eq!(stand.bind(&solicit(2).na(1, &[])).given(), [OUTSIDE]);
}
