//! Host reservations: whom they are for, what their hosts get, and what becomes of the addresses.

use std::net::Ipv4Addr;

use libdhcp::v4::{MessageType, code};
use libdhcpsrv::lease4::LeaseState;
use stats::{Lease4, Place};

use crate::stand::{Query, Stand, discover, query, rebooting, renewing, selecting};

/// In the pool of three addresses.
const INSIDE: [u8; 4] = [192, 0, 2, 11];
/// In the subnet and in no pool.
const OUTSIDE: [u8; 4] = [192, 0, 2, 200];

/// A subnet with three addresses and these reservations; further members of the subnet and of the global scope.
fn reserving(reservations: &str, subnet: &str, global: &str) -> String {
    format!(
        r#""valid-lifetime": 4000, {global} "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24", {subnet}
            "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.12" }} ],
            "reservations": [ {reservations} ] }} ]"#
    )
}

/// A reservation of an address for the client with this number.
fn host(client: u8, address: [u8; 4]) -> String {
    let address = Ipv4Addr::from(address);
    format!(r#"{{ "hw-address": "02:00:00:00:00:{client:02x}", "ip-address": "{address}" }}"#)
}

fn with(reservations: &str) -> Stand {
    Stand::new(&reserving(reservations, "", ""))
}

fn conflicts(stand: &Stand) -> i64 {
    stand.counters.value(Place::subnet(0), Lease4::ReservationConflicts)
}

/// Who has the lease of an address.
fn holder(stand: &Stand, address: [u8; 4]) -> Option<u8> {
    stand.store.lease(address.into()).and_then(|lease| lease.hw.last().copied())
}

#[test]
fn reserved_addresses_are_for_their_hosts_in_and_outside_the_pools() {
    for address in [INSIDE, OUTSIDE] {
        let mut stand = with(&host(9, address));
        assert_eq!(stand.bind(&discover(9)).octets(), address);
        assert_eq!(stand.answer(&renewing(9, address)).kind(), MessageType::Ack);
        assert_eq!(stand.answer(&rebooting(9, address)).kind(), MessageType::Ack);
        let lease = stand.store.lease(address.into()).unwrap();
        assert_eq!(lease.pool_id, 0);
        // What the client asks for does not count.
        let offer = stand.answer(&discover(9).requested([192, 0, 2, 10].into()));
        assert_eq!(offer.address().octets(), address);
        // A client of the server before comes with its old address.
        let query = query(MessageType::Request, 9);
        assert_eq!(stand.answer(&query).address().octets(), address);
    }
}

#[test]
fn reserved_addresses_are_never_given_to_others() {
    let mut stand = with(&[host(9, INSIDE), host(8, OUTSIDE)].join(", "));
    let given: Vec<u8> = (1..=2).map(|client| stand.bind(&discover(client)).octets()[3]).collect();
    assert_eq!(given, [10, 12]);
    assert_eq!(stand.drop_reason(&discover(3)), "no address is free in the subnet's pools");
    for address in [INSIDE, OUTSIDE] {
        let reason = "the requested address is reserved for another client";
        assert_eq!(stand.nak_reason(&selecting(3, address)), reason);
        assert_eq!(stand.nak_reason(&renewing(3, address)), reason);
        let offered = stand.ask(&discover(1).requested(address.into()));
        assert_eq!(offered.answers[0].address(), Ipv4Addr::new(192, 0, 2, 10));
    }
    // Leases come and go, the reservation stays.
    stand.bind(&discover(9));
    stand.ask(&query(MessageType::Release, 9).ciaddr(INSIDE));
    assert_eq!(holder(&stand, INSIDE), None);
    assert_eq!(stand.drop_reason(&discover(3)), "no address is free in the subnet's pools");
}

#[test]
fn modes_decide_what_is_reserved() {
    // Rules, where the reservation is, whether the host gets it, whether another client may have it.
    let both =
        |inside: &str, outside: &str| [(INSIDE, inside.to_owned()), (OUTSIDE, outside.to_owned())];
    for (rules, cells) in [
        ("", both("reserved", "reserved")),
        (r#""reservation-mode": "all","#, both("reserved", "reserved")),
        (r#""reservation-mode": "out-of-pool","#, both("dynamic", "reserved")),
        (r#""reservation-mode": "disabled","#, both("dynamic", "void")),
        (r#""reservation-mode": "off","#, both("dynamic", "void")),
        (r#""reservation-mode": "global","#, both("dynamic", "void")),
        (r#""reservations-in-subnet": false,"#, both("dynamic", "void")),
        (r#""reservations-out-of-pool": true,"#, both("dynamic", "reserved")),
        (
            r#""reservations-in-subnet": false, "reservations-out-of-pool": true,"#,
            both("dynamic", "void"),
        ),
    ] {
        for (address, expected) in cells {
            let members = reserving(&host(9, address), rules, "");
            let mut stand = Stand::new(&members);
            let others = stand.ask(&selecting(1, address)).answers[0].kind();
            let hosts = Stand::new(&members).answer(&discover(9)).address();
            let found = match (hosts == Ipv4Addr::from(address), others) {
                (true, MessageType::Nak) => "reserved",
                (false, MessageType::Ack) => "dynamic",
                (false, MessageType::Nak) => "void",
                _ => "both",
            };
            assert_eq!(found, expected, "{rules} {address:?}");
            // Inherited it means the same.
            let mut stand = Stand::new(&reserving(&host(9, address), "", rules));
            assert_eq!(stand.answer(&discover(9)).address(), hosts, "{rules}");
        }
    }
}

#[test]
fn clients_are_known_by_every_identifier_in_the_order_of_the_configuration() {
    let duid = [0xff, 1, 2, 3, 4, 0, 3, 0, 1, 9, 9];
    let agent = [2, 1, 7, 1, 4, b'p', b'o', b'r', b't'];
    let full = |client: u8| {
        discover(client)
            .client_id(&duid)
            .option(code::RELAY_AGENT_INFORMATION, &agent)
            .relayed([192, 0, 2, 1])
    };
    let hosts = r#"{ "hw-address": "2:0:0:0:0:9", "ip-address": "192.0.2.101" },
        { "duid": "0x000300010909", "ip-address": "192.0.2.102" },
        { "circuit-id": "'port'", "ip-address": "192.0.2.103" },
        { "client-id": "FF:01:02:03:04:00:03:00:01:09:09", "ip-address": "192.0.2.104" },
        { "flex-id": "09", "ip-address": "192.0.2.105" }"#;
    for (order, last) in [
        (r#"[ "hw-address" ]"#, 101),
        (r#"[ "duid", "hw-address" ]"#, 102),
        (r#"[ "circuit-id", "duid", "hw-address" ]"#, 103),
        (r#"[ "flex-id", "client-id", "duid" ]"#, 104),
        (r#"[ "auto" ]"#, 101),
        (r#"[ "flex-id" ]"#, 10),
    ] {
        let order = format!("\"host-reservation-identifiers\": {order},");
        let mut stand = Stand::new(&reserving(hosts, "", &order));
        assert_eq!(stand.answer(&full(9)).address().octets()[3], last, "{order}");
    }
    let mut stand = with(hosts);
    assert_eq!(stand.answer(&full(1)).address().octets()[3], 102, "the next identifier counts");
    let circuit = discover(1).option(code::RELAY_AGENT_INFORMATION, &agent);
    assert_eq!(stand.answer(&circuit.relayed([192, 0, 2, 1])).address().octets()[3], 103);
    // Leases may not be found by client identifiers, hosts are.
    let mut stand = Stand::new(&reserving(hosts, r#""match-client-id": false,"#, ""));
    assert_eq!(stand.answer(&discover(1).client_id(&duid)).address().octets()[3], 102);
}

#[test]
fn reservations_of_another_subnet_do_not_count() {
    let mut stand = Stand::new(
        r#""subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
            "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ] },
          { "id": 2, "subnet": "10.0.0.0/24", "pools": [ { "pool": "10.0.0.10 - 10.0.0.12" } ],
            "reservations": [ { "hw-address": "02:00:00:00:00:09", "ip-address": "10.0.0.11" } ] } ]"#,
    );
    assert_eq!(stand.answer(&discover(9)).address(), Ipv4Addr::new(192, 0, 2, 10));
    let relayed = |client| discover(client).relayed([10, 0, 0, 1]);
    assert_eq!(stand.answer(&relayed(9)).address(), Ipv4Addr::new(10, 0, 0, 11));
    stand.bind(&relayed(1));
    assert_eq!(stand.bind(&relayed(2)), Ipv4Addr::new(10, 0, 0, 12));
}

#[test]
fn global_reservations_count_where_the_subnet_says_so() {
    let global = |address: &str| {
        format!(
            r#""reservations": [ {{ "hw-address": "02:00:00:00:00:09", {address}
            "boot-file-name": "global" }} ],"#
        )
    };
    let inside = global(r#""ip-address": "192.0.2.11","#);
    let on = r#""reservations-global": true,"#;
    let mut stand = Stand::new(&reserving("", on, &inside));
    let offer = stand.answer(&discover(9));
    assert_eq!((offer.address().octets(), offer.file.as_slice()), (INSIDE, &b"global"[..]));
    stand.bind(&discover(1));
    assert_eq!(stand.bind(&discover(2)).octets()[3], 12, "nobody else gets it");
    let mut stand = Stand::new(&reserving("", "", &inside));
    let offer = stand.answer(&discover(9));
    assert_eq!((offer.address().octets()[3], offer.file.as_slice()), (10, &b""[..]));
    // An address that does not belong to the link is of no use there, but the rest is.
    let elsewhere = global(r#""ip-address": "10.0.0.7","#);
    let mut stand = Stand::new(&reserving("", on, &elsewhere));
    let offer = stand.answer(&discover(9));
    assert_eq!((offer.address().octets()[3], offer.file.as_slice()), (10, &b"global"[..]));
    // The subnet's own reservation wins as a whole.
    let own = r#"{ "hw-address": "02:00:00:00:00:09", "hostname": "own" }"#;
    let mut stand = Stand::new(&reserving(own, on, &inside));
    let offer = stand.answer(&discover(9));
    assert_eq!((offer.address().octets()[3], offer.file.as_slice()), (10, &b""[..]));
}

/// A reservation for B of what A has leased, and the whole dance until B has it.
#[test]
fn a_lease_in_the_way_of_a_reservation_is_moved_by_and_by() {
    let mut stand = with("");
    let a = stand.bind(&discover(1)).octets();
    assert_eq!(a, [192, 0, 2, 10]);
    stand.reconfigure(&reserving(&host(2, a), "", ""));
    // B gets another address for now, and the operator is told.
    let reaction = stand.ask(&discover(2));
    assert_eq!(reaction.answers[0].address().octets(), INSIDE);
    let warned = |log: &[kea_log::Captured]| {
        log.iter().any(|line| line.id == "ALLOC_ENGINE_V4_DISCOVER_ADDRESS_CONFLICT")
    };
    assert!(warned(&reaction.log));
    let in_use = "the address reserved for the client is leased to another client";
    assert_eq!(stand.nak_reason(&selecting(2, a)), in_use);
    assert_eq!(stand.bind(&discover(2)).octets(), INSIDE);
    assert_eq!(stand.answer(&renewing(2, INSIDE)).kind(), MessageType::Ack);
    assert_eq!(conflicts(&stand), 3);
    // A is refused; its lease is kept until it comes back for another address.
    let reserved = "the requested address is reserved for another client";
    assert_eq!(stand.nak_reason(&renewing(1, a)), reserved);
    assert_eq!(holder(&stand, a), Some(1));
    assert_eq!(stand.bind(&discover(1)).octets(), [192, 0, 2, 12]);
    assert_eq!(holder(&stand, a), None);
    // B must move now.
    let elsewhere = "another address is reserved for the client";
    assert_eq!(stand.nak_reason(&renewing(2, INSIDE)), elsewhere);
    assert_eq!(stand.nak_reason(&rebooting(2, INSIDE)), elsewhere);
    let reaction = stand.ask(&discover(2).requested(INSIDE.into()));
    assert_eq!(reaction.answers[0].address().octets(), a);
    assert!(!warned(&reaction.log));
    assert_eq!(stand.bind(&discover(2)).octets(), a);
    assert_eq!((holder(&stand, a), holder(&stand, INSIDE)), (Some(2), None));
    assert_eq!(conflicts(&stand), 3);
}

#[test]
fn an_expired_or_released_lease_is_not_in_the_way() {
    for gone in ["expired", "released"] {
        for address in [INSIDE, OUTSIDE] {
            let mut stand = with(&host(1, address));
            stand.bind(&discover(1));
            stand.reconfigure(&reserving(&host(2, address), "", ""));
            match gone {
                "expired" => stand.pass(4002),
                _ => drop(stand.ask(&query(MessageType::Release, 1).ciaddr(address))),
            }
            assert_eq!(stand.bind(&discover(2)).octets(), address, "{gone}");
            let reserved = "the requested address is reserved for another client";
            assert_eq!(stand.nak_reason(&selecting(1, address)), reserved, "{gone}");
        }
    }
}

#[test]
fn a_declined_address_is_not_given_to_its_host_until_probation_ends() {
    let mut stand = with(&host(9, INSIDE));
    stand.bind(&discover(9));
    stand.ask(&query(MessageType::Decline, 9).requested(INSIDE.into()));
    assert_eq!(stand.store.lease(INSIDE.into()).unwrap().state, LeaseState::Declined);
    assert_eq!(stand.bind(&discover(9)).octets()[3], 10);
    assert_eq!(conflicts(&stand), 1);
    stand.pass(86_401);
    assert_eq!(stand.bind(&discover(9)).octets(), INSIDE);
}

#[test]
fn a_host_without_a_free_address_goes_away_empty_handed() {
    let mut stand = with(&host(1, OUTSIDE));
    stand.bind(&discover(1));
    for client in 2..=4 {
        stand.bind(&discover(client));
    }
    stand.reconfigure(&reserving(&host(9, OUTSIDE), "", ""));
    let reason =
        "the address reserved for the client is leased to another client, and no other is free";
    assert_eq!(stand.drop_reason(&discover(9)), reason);
    assert_eq!(conflicts(&stand), 1);
}

#[test]
fn reservations_that_come_and_go_take_their_hosts_along() {
    let mut stand = with("");
    let dynamic = stand.bind(&discover(1)).octets();
    stand.reconfigure(&reserving(&host(1, OUTSIDE), "", ""));
    assert_eq!(
        stand.nak_reason(&renewing(1, dynamic)),
        "another address is reserved for the client"
    );
    assert_eq!(stand.bind(&discover(1)).octets(), OUTSIDE);
    assert_eq!(stand.store.len(), 1, "the old lease has ended");
    stand.reconfigure(&reserving("", "", ""));
    let outside = "the requested address is in no pool of the subnet";
    assert_eq!(stand.nak_reason(&renewing(1, OUTSIDE)), outside);
    assert_eq!(stand.bind(&discover(1)).octets()[3], 10);
    assert_eq!(stand.store.len(), 1);
    // Inside the pool nothing has to move when a reservation goes.
    stand.reconfigure(&reserving(&host(1, INSIDE), "", ""));
    stand.bind(&discover(1));
    stand.reconfigure(&reserving("", "", ""));
    assert_eq!(stand.answer(&renewing(1, INSIDE)).kind(), MessageType::Ack);
}

#[test]
fn several_hosts_may_share_an_address_where_that_is_allowed() {
    let hosts = [host(1, OUTSIDE), host(2, OUTSIDE)].join(", ");
    let mut stand = Stand::new(&reserving(&hosts, "", r#""ip-reservations-unique": false,"#));
    assert_eq!(stand.bind(&discover(1)).octets(), OUTSIDE);
    assert_eq!(stand.bind(&discover(2)).octets()[3], 10, "it is in use");
    stand.ask(&query(MessageType::Release, 1).ciaddr(OUTSIDE));
    assert_eq!(stand.bind(&discover(2)).octets(), OUTSIDE);
    assert_eq!(
        stand.nak_reason(&selecting(3, OUTSIDE)),
        "the requested address is reserved for another client"
    );
}

#[test]
fn fields_and_options_of_the_host_come_first() {
    let reservation = r#"{ "hw-address": "02:00:00:00:00:09", "next-server": "192.0.2.99",
        "server-hostname": "host", "boot-file-name": "host.img",
        "option-data": [ { "name": "routers", "data": "192.0.2.91" },
                         { "name": "ntp-servers", "data": "192.0.2.92", "always-send": true },
                         { "name": "domain-name", "csv-format": false, "never-send": true } ] }"#;
    let subnet = r#""next-server": "192.0.2.50", "server-hostname": "subnet",
        "option-data": [ { "name": "routers", "data": "192.0.2.51" },
                         { "name": "log-servers", "data": "192.0.2.52", "always-send": true } ],"#;
    let global = r#""boot-file-name": "global.img",
        "option-data": [ { "name": "domain-name", "data": "example.org" },
                         { "name": "domain-name-servers", "data": "192.0.2.53" } ],"#;
    let mut stand = Stand::new(&reserving(reservation, subnet, global));
    insta::assert_snapshot!("host_fields_and_options", stand.answer(&discover(9)).text());
    let inform = query(MessageType::Inform, 9).ciaddr(OUTSIDE).unicast(OUTSIDE);
    let ack = stand.answer(&inform);
    assert_eq!(ack.option(code::ROUTERS), Some(&[192, 0, 2, 91][..]));
    assert_eq!(ack.file, b"host.img");
    let other = stand.answer(&discover(1));
    assert_eq!(
        (other.sname.as_slice(), other.file.as_slice()),
        (&b"subnet"[..], &b"global.img"[..])
    );
    assert_eq!(other.option(code::ROUTERS), Some(&[192, 0, 2, 51][..]));
}

#[test]
fn a_host_may_have_a_server_identifier_of_its_own() {
    let reservation = r#"{ "hw-address": "02:00:00:00:00:09", "ip-address": "192.0.2.200",
        "option-data": [ { "name": "dhcp-server-identifier", "data": "192.0.2.77" } ] }"#;
    let mut stand = with(reservation);
    let offer = stand.answer(&discover(9));
    assert_eq!(offer.option(code::SERVER_IDENTIFIER), Some(&[192, 0, 2, 77][..]));
    let request = query(MessageType::Request, 9).server([192, 0, 2, 77].into());
    assert_eq!(stand.answer(&request.requested(OUTSIDE.into())).kind(), MessageType::Ack);
}

#[test]
fn the_reserved_name_goes_with_the_lease_and_to_the_client() {
    let mut stand = with(r#"{ "hw-address": "02:00:00:00:00:09", "hostname": "Alpha.example" }"#);
    let name = |stand: &mut Stand, query: Query| {
        stand.answer(&query).option(code::HOST_NAME).map(<[u8]>::to_vec)
    };
    let reserved = Some(b"alpha.example".to_vec());
    assert_eq!(name(&mut stand, discover(9)), reserved, "it need not be asked for");
    assert_eq!(name(&mut stand, discover(9).wants(&[12])), reserved);
    assert_eq!(name(&mut stand, discover(9).option(code::HOST_NAME, b"mine")), reserved);
    let fqdn = [0, 0, 0, b'x'];
    assert_eq!(name(&mut stand, discover(9).wants(&[12]).option(code::CLIENT_FQDN, &fqdn)), None);
    let address = stand.bind(&discover(9).option(code::HOST_NAME, b"mine"));
    assert_eq!(stand.store.lease(address).unwrap().hostname, b"alpha.example");
    assert_eq!(name(&mut stand, discover(1).wants(&[12])), None);
}
