//! Shared networks: several subnets on one link, any of which can serve its clients.

use libdhcp::v6::{MessageType, code};
use stats::{Lease6, Place};

use crate::stand::{Query, Stand, query, solicit, to_server};

/// Three subnets with two addresses and two prefixes each on the server's link, and one that is not; further members of
/// the network, of the second subnet, and of the global scope.
fn network(network: &str, second: &str, global: &str) -> String {
    let subnet = |id: u8, members: &str| {
        format!(
            r#"{{ "id": {id}, "subnet": "2001:db8:{id}::/64", {members}
                "pools": [ {{ "pool": "2001:db8:{id}::10 - 2001:db8:{id}::11" }} ],
                "pd-pools": [ {{ "prefix": "2001:db8:f{id}00::", "prefix-len": 55, "delegated-len": 56 }} ] }}"#
        )
    };
    format!(
        r#""cache-threshold": 0, "preferred-lifetime": 3000, "valid-lifetime": 4000, {global}
        "subnet6": [ {} ],
        "shared-networks": [ {{ "name": "floor", "interface": "lan", {network}
            "subnet6": [ {}, {}, {} ] }} ]"#,
        subnet(9, ""),
        subnet(1, ""),
        subnet(2, second),
        subnet(3, ""),
    )
}

/// A host with the DUID of the client with this number.
fn host(client: u8, members: &str) -> String {
    format!(r#"{{ "duid": "00:03:00:01:02:00:00:00:00:{client:02x}", {members} }}"#)
}

fn reserving(hosts: &str) -> String {
    format!(r#""reservations": [ {hosts} ],"#)
}

fn both(client: u8) -> Query {
    solicit(client).na(1, &[]).pd(2, &[])
}

#[test]
fn subnets_are_used_one_after_the_other() {
    let mut stand = Stand::new(&network("", "", ""));
    for (client, subnet) in [1, 1, 2, 2, 3, 3].into_iter().enumerate() {
        let given = stand.bind(&both(client as u8)).given();
        assert!(given[0].starts_with(&format!("2001:db8:{subnet}::1")), "{given:?}");
        assert!(given[1].starts_with(&format!("2001:db8:f{subnet}00:")), "{given:?}");
    }
    let reaction = stand.ask(&both(6));
    let nothing = ["IA_NA 1 0/0 status 2", "IA_PD 2 0/0 status 6"];
    assert_eq!(reaction.answers[0].associations(), nothing);
    let id = "ALLOC_ENGINE_V6_ALLOC_FAIL_SHARED_NETWORK";
    let line = reaction.log.iter().find(|line| line.id == id).unwrap();
    assert!(line.text.ends_with("no address is free in shared network floor"), "{}", line.text);
    let figures = |row, figure| stand.counters.value(Place::subnet(row), figure);
    let assigned = [0, 1, 2, 3].map(|row| figures(row, Lease6::AssignedNas));
    assert_eq!(assigned, [0, 2, 2, 2], "each is counted where it lies");
    assert_eq!([1, 2, 3].map(|row| figures(row, Lease6::AssignedPds)), [2, 2, 2]);
}

#[test]
fn what_a_client_has_in_any_subnet_it_keeps() {
    let mut stand = Stand::new(&network("", "", ""));
    let held = ["2001:db8:2::11", "2001:db8:f300::/56"];
    let ask = |query: Query| query.na(1, &held[..1]).pd(2, &held[1..]);
    assert_eq!(stand.bind(&ask(solicit(1))).given(), held, "where it wants");
    assert_eq!(stand.answer(&both(1)).given(), held, "asked for or not");
    assert_eq!(stand.bind(&both(1)).given(), held);
    for query in [
        to_server(MessageType::Request, 1),
        to_server(MessageType::Renew, 1),
        query(MessageType::Rebind, 1),
    ] {
        assert_eq!(stand.answer(&query.na(1, &[]).pd(2, &[])).given(), held);
    }
    assert_eq!(stand.store.len(), 2);
    assert_ne!(stand.bind(&ask(solicit(2))).given(), held);
    let release = ask(to_server(MessageType::Release, 1));
    assert_eq!(stand.answer(&release).status(), Some(0));
    assert_eq!(stand.bind(&ask(solicit(3))).given(), held);
    let decline = to_server(MessageType::Decline, 3).na(1, &held[..1]);
    stand.answer(&decline);
    assert_eq!(stand.store.lease(held[0].parse().unwrap()).unwrap().subnet_id.0, 2);
}

#[test]
fn offers_are_repeated_wherever_they_lie() {
    let mut stand = Stand::new(&network("", "", ""));
    (1..=2).for_each(|client| drop(stand.bind(&both(client))));
    let offered = stand.answer(&both(3)).given();
    assert_ne!(stand.answer(&both(4)).given(), offered);
    assert_eq!(stand.answer(&both(3)).given(), offered);
    // A wish that cannot be granted does not hide the offer.
    let wishing = solicit(3).na(1, &["2001:db8:1::10"]).pd(2, &["2001:db8:f100::/56"]);
    assert_eq!(stand.answer(&wishing).given(), offered);
}

#[test]
fn addresses_of_all_subnets_are_on_the_link() {
    let mut stand = Stand::new(&network("", "", ""));
    let mut status = |addresses: &[&str]| {
        stand.answer(&query(MessageType::Confirm, 1).na(1, addresses)).status()
    };
    assert_eq!(status(&["2001:db8:1::1", "2001:db8:3::1"]), Some(0));
    assert_eq!(status(&["2001:db8:1::1", "2001:db8:9::1"]), Some(4), "it is not of the network");
}

#[test]
fn subnets_that_do_not_serve_are_passed_over() {
    let gold = r#""client-classes": [ { "name": "gold", "test": "option[1234].exists" } ],"#;
    let members = network("", r#""client-classes": [ "gold" ],"#, gold);
    let mut stand = Stand::new(&members);
    (1..=2).for_each(|client| drop(stand.bind(&both(client))));
    let given = |stand: &mut Stand, query: Query| stand.bind(&query).given()[0].clone();
    assert_eq!(given(&mut stand, both(3)), "2001:db8:3::10");
    assert_eq!(given(&mut stand, both(4).option(1234, &[])), "2001:db8:2::10");
    // Without the class it has to move.
    let renew = to_server(MessageType::Renew, 4).na(1, &["2001:db8:2::10"]);
    let expected = ["IA_NA 1 1500/2400 2001:db8:2::10 0/0 2001:db8:3::11 3000/4000"];
    let reaction = stand.ask(&renew);
    assert_eq!(reaction.answers[0].associations(), expected);
    assert!(reaction.log.iter().any(|line| line.id == "DHCP6_LEASE_WITHDRAWN"));
    // A network for members only.
    let members = network(r#""client-classes": [ "gold" ],"#, "", gold);
    let mut stand = Stand::new(&members);
    assert!(stand.answer(&both(3)).given().is_empty());
    assert_eq!(stand.answer(&both(3).option(1234, &[])).given()[0], "2001:db8:1::10");
}

#[test]
fn reservations_of_all_subnets_count() {
    let members = r#""ip-addresses": [ "2001:db8:2::cafe" ], "prefixes": [ "2001:db8:aaaa::/48" ],
        "hostname": "nine.example", "option-data": [ { "name": "domain-search", "data": "h" } ]"#;
    let second = r#""option-data": [ { "name": "preference", "data": "7" } ],"#;
    let second = reserving(&host(9, members)) + second;
    let mut stand = Stand::new(&network("", &second, ""));
    let reserved = ["2001:db8:2::cafe", "2001:db8:aaaa::/48"];
    let wants = [code::DOMAIN_SEARCH, code::PREFERENCE];
    let wishing = || {
        let held = solicit(9).na(1, &["2001:db8:1::10"]).pd(2, &["2001:db8:f100::/56"]);
        held.wants(&wants)
    };
    assert_eq!(stand.answer(&wishing()).given(), reserved);
    let reply = stand.bind(&wishing());
    assert_eq!(reply.given(), reserved);
    assert_eq!(reply.option(code::DOMAIN_SEARCH), Some(vec![1, b'h', 0]), "of its host");
    assert_eq!(reply.option(code::PREFERENCE), Some(vec![7]), "of its subnet");
    let lease = stand.store.lease(reserved[0].parse().unwrap()).unwrap();
    assert_eq!((lease.hostname.as_slice(), lease.subnet_id.0), (&b"nine.example"[..], 2));
    let renew = to_server(MessageType::Renew, 9).na(1, &[]).pd(2, &[]).wants(&wants);
    let reply = stand.answer(&renew);
    assert_eq!(reply.given(), reserved);
    assert_eq!(reply.option(code::PREFERENCE), Some(vec![7]));
    let other = stand.bind(&both(1).wants(&wants));
    assert_eq!((other.option(code::DOMAIN_SEARCH), other.option(code::PREFERENCE)), (None, None));
    // What it had before it was reserved something goes.
    let mut stand = Stand::new(&network("", "", ""));
    stand.bind(&both(9));
    stand.reconfigure(&network("", &second, ""));
    let lines = stand.answer(&renew).associations();
    assert!(lines[0].contains("2001:db8:1::10 0/0"), "{lines:?}");
    assert!(lines[0].contains("2001:db8:2::cafe 3000/4000"), "{lines:?}");
    assert_eq!(stand.store.len(), 2);
}

#[test]
fn others_never_get_what_is_reserved_in_a_sibling() {
    let hosts = host(9, r#""ip-addresses": [ "2001:db8:2::10", "2001:db8:2::11" ]"#);
    let mut stand = Stand::new(&network("", &reserving(&hosts), ""));
    let given =
        |stand: &mut Stand, client| stand.bind(&solicit(client).na(1, &["2001:db8:2::10"])).given();
    let got: Vec<_> = (1..=4).flat_map(|client| given(&mut stand, client)).collect();
    assert_eq!(got, ["2001:db8:1::10", "2001:db8:1::11", "2001:db8:3::10", "2001:db8:3::11"]);
    assert!(stand.answer(&solicit(5).na(1, &[])).given().is_empty());
    assert_eq!(
        stand.bind(&solicit(9).na(1, &[]).na(2, &[])).given(),
        ["2001:db8:2::10", "2001:db8:2::11"]
    );
}

#[test]
fn a_reservation_without_addresses_leads_to_its_subnet() {
    let second = reserving(&host(9, r#""hostname": "nine""#));
    let mut stand = Stand::new(&network("", &second, ""));
    assert_eq!(stand.bind(&both(9)).given(), ["2001:db8:2::10", "2001:db8:f200::/56"]);
    let lease = stand.store.lease("2001:db8:2::10".parse().unwrap()).unwrap();
    assert_eq!(lease.hostname, b"nine");
    assert_eq!(stand.bind(&both(1)).given()[0], "2001:db8:1::10");
}

#[test]
fn global_reservations_are_given_in_the_subnet_that_they_fit() {
    let members = r#""ip-addresses": [ "2001:db8:3::cafe" ], "prefixes": [ "2001:db8:aaaa::/48" ]"#;
    let global = reserving(&host(9, members)) + r#""reservations-global": true,"#;
    let mut stand = Stand::new(&network("", "", &global));
    assert_eq!(stand.bind(&both(9)).given(), ["2001:db8:3::cafe", "2001:db8:aaaa::/48"]);
    let lease = stand.store.lease("2001:db8:3::cafe".parse().unwrap()).unwrap();
    assert_eq!(lease.subnet_id.0, 3);
    // Those of a subnet come first.
    let second = reserving(&host(9, r#""ip-addresses": [ "2001:db8:2::cafe" ]"#));
    let mut stand = Stand::new(&network("", &second, &global));
    assert_eq!(stand.bind(&both(9)).given(), ["2001:db8:2::cafe", "2001:db8:aaaa::/48"]);
}

#[test]
fn associations_of_one_message_stay_together_while_they_can() {
    let mut stand = Stand::new(&network("", "", ""));
    let asked = solicit(1).na(1, &["2001:db8:2::10"]).na(2, &[]).pd(3, &[]).na(4, &[]);
    let expected = ["2001:db8:2::10", "2001:db8:2::11", "2001:db8:f200::/56", "2001:db8:3::10"];
    assert_eq!(stand.answer(&asked).given(), expected);
    assert_eq!(stand.bind(&asked).given(), expected);
}

#[test]
fn times_and_options_are_those_of_the_subnet_where_the_lease_is() {
    let second = r#""valid-lifetime": 800, "preferred-lifetime": 700, "renew-timer": 300,
        "rebind-timer": 600, "option-data": [ { "name": "preference", "data": "2" } ],"#;
    let of_network = r#""option-data": [ { "name": "preference", "data": "9" } ],"#;
    let mut stand = Stand::new(&network(of_network, second, ""));
    let ask = |wish: &str| solicit(1).na(1, &[wish]).wants(&[code::PREFERENCE]);
    let mut told = |wish: &str| {
        let answer = stand.answer(&ask(wish));
        (answer.associations()[0].clone(), answer.option(code::PREFERENCE).unwrap()[0])
    };
    let expected = "IA_NA 1 300/600 2001:db8:2::10 700/800";
    assert_eq!(told("2001:db8:2::10"), (expected.to_owned(), 2));
    let expected = "IA_NA 1 1500/2400 2001:db8:3::10 3000/4000";
    assert_eq!(told("2001:db8:3::10"), (expected.to_owned(), 9));
}

#[test]
fn classes_of_a_reservation_in_a_network_count_for_options_alone() {
    let global = r#""client-classes": [ { "name": "vip",
            "option-data": [ { "name": "preference", "data": "3" } ] },
          { "name": "known", "test": "member('KNOWN')",
            "option-data": [ { "name": "domain-search", "data": "k" } ] } ],"#;
    let hosts = host(9, r#""ip-addresses": [ "2001:db8:2::cafe" ], "client-classes": [ "vip" ]"#);
    let second = reserving(&hosts);
    let mut stand = Stand::new(&network("", &second, global));
    let wants = [code::PREFERENCE, code::DOMAIN_SEARCH];
    let reply = stand.bind(&both(9).wants(&wants));
    assert_eq!(reply.option(code::PREFERENCE), Some(vec![3]));
    assert_eq!(reply.option(code::DOMAIN_SEARCH), Some(vec![1, b'k', 0]), "it is known anywhere");
    let other = stand.bind(&both(1).wants(&wants));
    assert_eq!((other.option(code::PREFERENCE), other.option(code::DOMAIN_SEARCH)), (None, None));
}

#[test]
fn rapid_commit_of_the_network_counts() {
    let mut stand = Stand::new(&network(r#""rapid-commit": true,"#, "", ""));
    let reply = stand.answer(&both(1).option(code::RAPID_COMMIT, &[]));
    assert_eq!((reply.kind(), stand.store.len()), (MessageType::Reply, 2));
    assert_eq!(reply.given(), ["2001:db8:1::10", "2001:db8:f100::/56"]);
}

#[test]
fn prefixes_of_the_wanted_length_are_sought_in_all_subnets_first() {
    let members = network("", "", "").replacen(
        r#"{ "prefix": "2001:db8:f200::", "prefix-len": 55, "delegated-len": 56 }"#,
        r#"{ "prefix": "2001:db8:f200::", "prefix-len": 44, "delegated-len": 48 }"#,
        1,
    );
    let mut stand = Stand::new(&members);
    for (wish, subnet, len) in [("::/48", 2, "/48"), ("::/64", 1, "/56"), ("::/52", 2, "/48")] {
        let given = stand.answer(&solicit(1).pd(subnet, &[wish])).given();
        let begin = format!("2001:db8:f{subnet}0");
        assert!(given[0].starts_with(&begin) && given[0].ends_with(len), "{wish}: {given:?}");
    }
}

#[test]
fn relays_reach_the_network_by_any_of_its_subnets() {
    for link in 1..=3 {
        let mut stand = Stand::new(&network("", "", ""));
        let relayed = both(1).relayed(&format!("2001:db8:{link}::1"), &[]);
        let given = stand.answer(&relayed).given();
        assert!(given[0].starts_with(&format!("2001:db8:{link}:")), "the selected one first");
        // The others follow.
        for client in 2..=6 {
            stand.bind(&both(client).relayed(&format!("2001:db8:{link}::1"), &[]));
        }
        assert_eq!(stand.store.len(), 10);
    }
}
