//! Shared networks: clients of one link are served in several subnets.

use std::net::Ipv4Addr;

use libdhcp::v4::{MessageType, code};
use stats::{Lease4, Place};

use crate::stand::{Query, Stand, discover, query, rebooting, renewing, selecting};

const ELSEWHERE: &str = "the client's lease is on another address";
const UNKNOWN: &str = "the client asks for an old address but has no lease here";

/// A link with three subnets of two addresses each, and a subnet beside it. Further members of the first three subnets,
/// of the network and of the global scope.
fn link([one, two, three]: [&str; 3], network: &str, global: &str) -> String {
    format!(
        r#""valid-lifetime": 4000, {global}
        "subnet4": [ {{ "id": 9, "subnet": "10.0.9.0/24", "pools": [ {{ "pool": "10.0.9.10 - 10.0.9.11" }} ] }} ],
        "shared-networks": [ {{ "name": "link", {network} "subnet4": [
            {{ "id": 1, "subnet": "192.0.2.0/24", {one} "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.11" }} ] }},
            {{ "id": 2, "subnet": "10.0.2.0/25", {two} "pools": [ {{ "pool": "10.0.2.10 - 10.0.2.11" }} ] }},
            {{ "id": 3, "subnet": "10.0.3.0/24", {three} "pools": [ {{ "pool": "10.0.3.10 - 10.0.3.11" }} ] }} ] }} ]"#
    )
}

fn plain() -> Stand {
    Stand::new(&link([""; 3], "", ""))
}

fn relayed(client: u8, subnet: u8) -> Query {
    discover(client).relayed([10, 0, subnet, 1])
}

fn assigned(stand: &Stand) -> [i64; 4] {
    // Subnets of networks lie behind the others.
    [1, 2, 3, 0]
        .map(|subnet| stand.counters.value(Place::subnet(subnet), Lease4::AssignedAddresses))
}

/// The last two bytes of the address that a query is answered with.
fn short(stand: &mut Stand, query: &Query) -> [u8; 2] {
    let octets = stand.answer(query).address().octets();
    [octets[2], octets[3]]
}

#[test]
fn subnets_are_used_up_one_after_the_other_from_the_selected_one_on() {
    let mut stand = plain();
    let got: Vec<_> = (1..=6).map(|client| stand.bind(&discover(client)).octets()).collect();
    let got: Vec<_> = got.iter().map(|octets| [octets[2], octets[3]]).collect();
    assert_eq!(got, [[2, 10], [2, 11], [2, 10], [2, 11], [3, 10], [3, 11]]);
    assert_eq!(assigned(&stand), [2, 2, 2, 0]);
    assert_eq!(stand.drop_reason(&discover(7)), "no address is free in the subnet's pools");
    let mut stand = plain();
    let got: Vec<_> =
        (1..=5).map(|client| stand.bind(&relayed(client, 2)).octets()[..3].to_vec()).collect();
    let two = [10, 0, 2].to_vec();
    let three = [10, 0, 3].to_vec();
    assert_eq!(got, [two.clone(), two, three.clone(), three, [192, 0, 2].to_vec()]);
}

#[test]
fn values_are_those_of_the_subnet_of_the_address() {
    let two = r#""valid-lifetime": 2000, "renew-timer": 100, "next-server": "10.0.2.5",
        "option-data": [ { "name": "routers", "data": "10.0.2.1" } ],"#;
    let one = r#""option-data": [ { "name": "routers", "data": "192.0.2.1" } ],"#;
    let mut stand = Stand::new(&link([one, two, ""], "", ""));
    stand.bind(&discover(1));
    stand.bind(&discover(2));
    let offer = stand.answer(&discover(3));
    assert_eq!(offer.address(), Ipv4Addr::new(10, 0, 2, 10));
    assert_eq!(offer.option(code::SUBNET_MASK), Some(&[255, 255, 255, 128][..]));
    assert_eq!(offer.option(code::ROUTERS), Some(&[10, 0, 2, 1][..]));
    assert_eq!(
        (offer.number(code::LEASE_TIME), offer.number(code::RENEWAL_TIME)),
        (Some(2000), Some(100))
    );
    assert_eq!(offer.message.header.siaddr, Ipv4Addr::new(10, 0, 2, 5));
    let ack = stand.answer(&selecting(3, [10, 0, 2, 10]));
    assert_eq!(ack.option(code::ROUTERS), Some(&[10, 0, 2, 1][..]));
    assert_eq!(stand.store.lease(ack.address()).unwrap().subnet_id.0, 2);
}

#[test]
fn a_lease_is_kept_in_whatever_subnet_of_the_link_it_is() {
    let mut stand = plain();
    let address = stand.bind(&relayed(1, 3)).octets();
    assert_eq!(address, [10, 0, 3, 10]);
    assert_eq!(short(&mut stand, &discover(1)), [3, 10]);
    assert_eq!(short(&mut stand, &relayed(1, 2)), [3, 10]);
    assert_eq!(short(&mut stand, &query(MessageType::Request, 1)), [3, 10]);
    assert_eq!(stand.answer(&renewing(1, address)).kind(), MessageType::Ack);
    assert_eq!(stand.answer(&rebooting(1, address)).kind(), MessageType::Ack);
    assert_eq!(stand.nak_reason(&rebooting(1, [192, 0, 2, 10])), ELSEWHERE);
    assert_eq!(stand.drop_reason(&rebooting(2, address)), UNKNOWN);
    // Another link knows nothing of it.
    assert_eq!(short(&mut stand, &relayed(1, 9)), [9, 10]);
    assert_eq!(stand.drop_reason(&rebooting(1, address).relayed([10, 0, 9, 1])), UNKNOWN);
    assert_eq!((stand.store.len(), assigned(&stand)), (1, [0, 0, 1, 0]));
}

#[test]
fn a_client_may_move_to_another_subnet() {
    let mut stand = plain();
    stand.bind(&discover(1));
    assert_eq!(short(&mut stand, &discover(2).requested([10, 0, 3, 11].into())), [3, 11]);
    let ack = stand.answer(&selecting(1, [10, 0, 3, 11]));
    assert_eq!((ack.kind(), ack.address()), (MessageType::Ack, [10, 0, 3, 11].into()));
    assert_eq!((stand.store.len(), assigned(&stand)), (1, [0, 0, 1, 0]), "the old one has ended");
    let outside = "the requested address is in no pool of the subnet";
    assert_eq!(stand.nak_reason(&selecting(1, [10, 0, 9, 10])), outside);
    let in_use = "the requested address is leased to another client";
    assert_eq!(stand.nak_reason(&selecting(2, [10, 0, 3, 11])), in_use);
}

fn host(client: u8, members: &str) -> String {
    format!(
        r#""reservations": [ {{ "hw-address": "02:00:00:00:00:{client:02x}", "boot-file-name": "own", {members} }} ],"#
    )
}

#[test]
fn reservations_of_all_subnets_count() {
    let global = |address: &str| {
        format!(
            r#""reservations": [ {{ "hw-address": "02:00:00:00:00:09", "boot-file-name": "global" {address} }} ],"#
        )
    };
    let all = r#""reservations-global": true,"#;
    let two = host(9, r#""ip-address": "10.0.2.99""#);
    let of_three = host(9, r#""hostname": "n""#);
    // What subnets 1, 2 and 3, the network and the global scope have; what the host is offered.
    for (subnets, network, outer, address, file) in [
        (["", &*two, ""], "", String::new(), [2, 99], "own"),
        (["", &*two, ""], all, global(r#", "ip-address": "10.0.3.77""#), [2, 99], "own"),
        (["", "", &*of_three], "", String::new(), [3, 10], "own"),
        (["", "", &*of_three], all, global(r#", "ip-address": "10.0.2.77""#), [3, 10], "own"),
        ([""; 3], all, global(r#", "ip-address": "10.0.3.77""#), [3, 77], "global"),
        ([""; 3], all, global(r#", "ip-address": "10.0.9.77""#), [2, 10], "global"),
        ([""; 3], all, global(""), [2, 10], "global"),
        ([""; 3], "", global(r#", "ip-address": "10.0.3.77""#), [2, 10], ""),
    ] {
        let members = link(subnets, network, &outer);
        let mut stand = Stand::new(&members);
        let offer = stand.answer(&discover(9));
        let octets = offer.address().octets();
        let found = ([octets[2], octets[3]], String::from_utf8_lossy(&offer.file).into_owned());
        assert_eq!(found, (address, file.to_owned()), "{members}");
        stand.bind(&discover(9));
        if address[1] > 11 {
            assert_eq!(
                stand.nak_reason(&selecting(1, octets)),
                "the requested address is reserved for another client"
            );
        }
    }
}

#[test]
fn a_reserved_address_must_be_moved_to_and_may_be_in_the_way() {
    let two = host(9, r#""ip-address": "10.0.2.11", "hostname": "Nine""#);
    let members = link(["", &two, ""], "", "");
    let mut stand = plain();
    stand.bind(&discover(9).option(code::HOST_NAME, b"mine"));
    stand.reconfigure(&members);
    let elsewhere = "another address is reserved for the client";
    assert_eq!(stand.nak_reason(&renewing(9, [192, 0, 2, 10])), elsewhere);
    let address = stand.bind(&discover(9).option(code::HOST_NAME, b"mine"));
    assert_eq!(address.octets(), [10, 0, 2, 11]);
    assert_eq!(stand.store.lease(address).unwrap().hostname, b"nine");
    assert_eq!(stand.store.len(), 1);
    // A stranger has it.
    let mut stand = plain();
    stand.answer(&selecting(1, [10, 0, 2, 11]));
    stand.reconfigure(&members);
    assert_eq!(short(&mut stand, &discover(9)), [2, 10]);
    let conflicts = stand.counters.value(Place::subnet(2), Lease4::ReservationConflicts);
    assert_eq!(conflicts, 1, "counted where it is reserved");
}

#[test]
fn each_subnet_matches_client_identifiers_or_not() {
    let no = r#""match-client-id": false,"#;
    let mut stand = Stand::new(&link(["", no, ""], "", ""));
    let id = |client: u8, subnet| relayed(client, subnet).client_id(b"same");
    let address = stand.bind(&id(1, 2));
    assert_eq!(address.octets()[2], 2);
    assert_ne!(stand.answer(&id(2, 2)).address(), address, "another hardware address");
    let mut stand = Stand::new(&link(["", no, ""], "", ""));
    let address = stand.bind(&id(1, 3));
    assert_eq!(stand.answer(&id(2, 2)).address(), address, "the identifier counts in subnet 3");
}

#[test]
fn pool_then_subnet_then_network_then_global_options() {
    let option = |name: &str, data: &str| format!(r#"{{ "name": "{name}", "data": "{data}" }}"#);
    let set = |options: &[String]| format!(r#""option-data": [ {} ]"#, options.join(", "));
    let names = ["routers", "domain-name-servers", "ntp-servers", "log-servers"];
    let level = |level: usize| {
        let options = names[level..].iter().map(|name| option(name, &format!("10.0.0.{level}")));
        set(&options.collect::<Vec<_>>())
    };
    let server = option("dhcp-server-identifier", "192.0.2.77");
    let members = format!(
        r#"{}, "shared-networks": [ {{ "name": "n", {}, "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24", {},
            "pools": [ {{ "pool": "192.0.2.10/32", {} }}, {{ "pool": "192.0.2.11/32", {} }} ] }} ] }} ]"#,
        level(0),
        level(1),
        level(2),
        level(3),
        set(&[server])
    );
    let mut stand = Stand::new(&members);
    let wants = |client| discover(client).wants(&[3, 6, 42, 7]);
    let offer = stand.answer(&wants(1));
    let found = [3, 6, 42, 7].map(|code| offer.option(code).map(|body| body[3]));
    assert_eq!(found, [0, 1, 2, 3].map(Some));
    stand.bind(&discover(1));
    let offer = stand.answer(&wants(2));
    assert_eq!(offer.option(7).map(|body| body[3]), Some(2), "another pool");
    assert_eq!(offer.option(code::SERVER_IDENTIFIER), Some(&[192, 0, 2, 77][..]));
    let request = query(MessageType::Request, 2).server([192, 0, 2, 77].into());
    let ack = stand.answer(&request.requested(offer.address()));
    assert_eq!(ack.kind(), MessageType::Ack, "its own name");
    let inform =
        stand.answer(&query(MessageType::Inform, 3).ciaddr([192, 0, 2, 9]).wants(&[3, 6, 42, 7]));
    let found = [3, 6, 42, 7].map(|code| inform.option(code).map(|body| body[3]));
    assert_eq!(found, [0, 1, 2, 2].map(Some), "without a pool");
}

#[test]
fn what_is_not_found_is_counted() {
    use Lease4::*;
    let figures = [
        AllocationFail,
        AllocationFailSharedNetwork,
        AllocationFailSubnet,
        AllocationFailNoPools,
        AllocationFailClasses,
    ];
    let counted = |stand: &Stand, place| figures.map(|figure| stand.counters.value(place, figure));
    let mut stand = plain();
    for client in 1..=6 {
        stand.bind(&discover(client));
    }
    stand.drop_reason(&discover(7));
    for client in 11..=12 {
        stand.bind(&relayed(client, 9));
    }
    stand.drop_reason(&relayed(7, 9));
    assert_eq!(counted(&stand, Place::subnet(1)), [1, 1, 0, 0, 1]);
    assert_eq!(counted(&stand, Place::subnet(0)), [1, 0, 1, 0, 1]);
    let mut stand = Stand::new(
        r#""client-classes": [ { "name": "a", "test": "option[60].text == 'a'" } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
            "pools": [ { "pool": "192.0.2.10/32", "client-class": "a" } ] } ]"#,
    );
    stand.drop_reason(&discover(1));
    assert_eq!(counted(&stand, Place::subnet(0)), [1, 0, 1, 1, 1]);
}
