//! Queries through relays, written by hand: which subnet, what is echoed, how deep.

use e2e::frame6::SERVER_PORT;
use e2e::prelude::*;

use super::served;

/// A server with subnets 2001:db8:1::/64 to 2001:db8:6::/64: 1 by interface, 2 and 3 by their
/// prefix, 4 by interface-id, 5 by the address of its relay, 6 by its prefix again.
fn relayed(more: &str) -> (Net, Server, Peer6) {
    served(|config| {
        let subnets = (1..=6).map(|id| {
            let by = match id {
                1 => "\"interface\": \"srv0\",",
                4 => "\"interface-id\": \"port 7\",",
                5 => "\"relay\": { \"ip-addresses\": [ \"2001:db8:55::1\" ] },",
                _ => "",
            };
            let (prefix, pool) = (format!("2001:db8:{id}::/64"), format!("2001:db8:{id}::100/120"));
            e2e::config::pool_subnet(id, &prefix, &pool, by)
        });
        let config = config.subnets(subnets.collect());
        if more.is_empty() { config } else { config.global(more) }
    })
}

/// The link-address of a relay in a subnet.
fn link(id: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, id, 0, 0, 0, 0, 1)
}

/// The relay's header around a client's message.
fn hop(link: Ipv6Addr) -> Hop {
    Hop::new(0, link, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x77))
}

/// The subnet from which an answer gives an address.
#[track_caller]
fn subnet_of(reply: &Reply6) -> u16 {
    reply.dhcp.na(1).only().address.segments()[2]
}

#[test]
fn relayed_answer_retraces_the_way_and_returns_the_interface_id_alone() {
    let (_net, server, mut peer) = relayed("");
    let near = hop(link(2)).with(opt6::INTERFACE_ID, *b"ge-0/0/1").with(37, [0, 0, 0, 9, 1, 2]);
    let far = Hop::new(1, Ipv6Addr::UNSPECIFIED, link(0x77)).with(38, *b"subscriber");
    let hops = [far, near];
    let solicit = peer.solicit();
    let advertise = peer.ask_relayed(&solicit, &hops).expect("an answer");
    let request = peer.follow(Kind6::Request, &advertise.dhcp);
    let reply = peer.ask_relayed(&request, &hops).expect("an answer");
    for answer in [&advertise, &reply] {
        assert_eq!(answer.hops.len(), 2);
        for (sent, returned) in hops.iter().zip(&answer.hops) {
            assert_eq!(returned.kind, Kind6::RelayRepl as u8);
            assert_eq!(returned.count, sent.count);
            assert_eq!((returned.link, returned.peer), (sent.link, sent.peer));
        }
        assert_eq!(answer.hops[0].options, []);
        assert_eq!(answer.hops[1].options, [(opt6::INTERFACE_ID, b"ge-0/0/1".to_vec())]);
        assert_eq!(answer.frame.destination, peer.source());
        assert_eq!(answer.frame.destination_port, SERVER_PORT);
        assert_eq!(subnet_of(answer), 2);
    }
    let row = server.leases().lease6(reply.dhcp.na(1).only().address).expect("recorded");
    assert_eq!(row["subnet_id"], "2");
}

#[test]
fn subnet_is_chosen_by_interface_id_relay_address_or_link_address() {
    let (_net, _server, mut peer) = relayed("");
    let ask = |peer: &mut Peer6, hops: &[Hop]| {
        let solicit = peer.solicit();
        subnet_of(&peer.ask_relayed(&solicit, hops).expect("an answer"))
    };
    assert_eq!(ask(&mut peer, &[hop(link(2))]), 2);
    assert_eq!(ask(&mut peer, &[hop(link(3))]), 3);
    assert_eq!(ask(&mut peer, &[hop(link(0x55))]), 5, "the relay's address");
    let by_id = hop(link(2)).with(opt6::INTERFACE_ID, *b"port 7");
    assert_eq!(ask(&mut peer, &[by_id]), 4, "the interface-id wins");
    let other_id = hop(link(2)).with(opt6::INTERFACE_ID, *b"port 8");
    assert_eq!(ask(&mut peer, &[other_id]), 2, "an unknown interface-id does not matter");
    // Of several relays the one nearest the client counts that has a usable address.
    let far = |address| Hop::new(1, address, link(9));
    assert_eq!(ask(&mut peer, &[far(link(3)), hop(link(2))]), 2);
    assert_eq!(ask(&mut peer, &[far(link(3)), hop(Ipv6Addr::UNSPECIFIED)]), 3);
    // Without any the query is treated as one from the link itself.
    assert_eq!(ask(&mut peer, &[hop(Ipv6Addr::UNSPECIFIED)]), 1);
}

#[test]
fn relay_of_no_subnet_is_told_that_there_is_no_address() {
    let (_net, _server, mut peer) = relayed("");
    let solicit = peer.solicit();
    let answer = peer.ask_relayed(&solicit, &[hop(link(0x99))]).expect("an answer");
    assert_eq!(answer.dhcp.na(1).status(), Some(status::NO_ADDRS_AVAIL));
}

/// A chain of relays of that length, the nearest to the client in subnet 2.
fn chain(length: u8) -> Vec<Hop> {
    let far = |count| Hop::new(count, Ipv6Addr::UNSPECIFIED, link(9));
    (1..length).rev().map(far).chain([hop(link(2))]).collect()
}

#[test]
fn thirty_two_relays_are_answered_and_more_are_dropped() {
    let (_net, _server, mut peer) = relayed("");
    for length in [1, 2, 8, 31, 32] {
        let hops = chain(length);
        let solicit = peer.solicit();
        let answer = peer.ask_relayed(&solicit, &hops);
        let answer = answer.unwrap_or_else(|| panic!("no answer through {length} relays"));
        let counts = |hops: &[Hop]| hops.iter().map(|hop| hop.count).collect::<Vec<_>>();
        assert_eq!(counts(&answer.hops), counts(&hops));
        assert_eq!(subnet_of(&answer), 2);
    }
    for length in [33, 34, 40] {
        let solicit = peer.solicit();
        peer.tell_relayed(&solicit, &chain(length));
        peer.expect_no_answer_to(solicit.xid);
    }
}

#[test]
fn options_of_the_relay_are_passed_on_where_allowed() {
    let (_net, _server, mut peer) = relayed(
        "\"relay-supplied-options\": [ \"65\", \"2222\", \"23\" ], \
         \"option-data\": [ { \"name\": \"dns-servers\", \"data\": \"2001:db8::53\" } ]",
    );
    let rsoo = |options: &[(u16, Vec<u8>)]| e2e::dhcp6::encode_options(options);
    let erp = b"\x03far\x00".to_vec();
    let supplied = [
        (opt6::ERP, b"\x04near\x00".to_vec()),
        (2222, vec![1, 2, 3]),
        (3333, vec![4]),
        (opt6::DNS, link(9).octets().to_vec()),
    ];
    let near = hop(link(2)).with(opt6::RSOO, rsoo(&supplied));
    let far = Hop::new(1, Ipv6Addr::UNSPECIFIED, link(9));
    let far = far.with(opt6::RSOO, rsoo(&[(opt6::ERP, erp.clone()), (2222, vec![9])]));
    let solicit = peer.solicit().with_oro(&[opt6::DNS]);
    let answer = peer.ask_relayed(&solicit, &[far.clone(), near]).expect("an answer").dhcp;
    assert_eq!(answer.option(opt6::ERP), Some(&b"\x04near\x00"[..]), "the nearest relay wins");
    assert_eq!(answer.option(2222), Some(&[1, 2, 3][..]));
    assert_eq!(answer.option(3333), None, "not allowed");
    let configured: Ipv6Addr = "2001:db8::53".parse().expect("an address");
    assert_eq!(answer.option(opt6::DNS), Some(&configured.octets()[..]), "the server's own wins");
    let answer = peer.ask_relayed(&peer.solicit(), &[far, hop(link(2))]).expect("an answer").dhcp;
    assert_eq!(answer.option(opt6::ERP), Some(&erp[..]));
}

#[test]
fn erp_domain_of_the_relay_is_passed_on_by_default() {
    let (_net, _server, mut peer) = relayed("");
    let domain = b"\x03erp\x00".to_vec();
    let data = e2e::dhcp6::encode_options(&[(opt6::ERP, domain.clone()), (2222, vec![1])]);
    let solicit = peer.solicit();
    let answer = peer.ask_relayed(&solicit, &[hop(link(2)).with(opt6::RSOO, data)]);
    let answer = answer.expect("an answer").dhcp;
    assert_eq!(answer.option(opt6::ERP), Some(&domain[..]));
    assert_eq!(answer.option(2222), None);
}

#[test]
fn link_layer_address_from_the_relay_is_stored_with_the_lease() {
    let (_net, server, mut peer) = relayed("\"mac-sources\": [ \"client-link-addr-option\" ]");
    let near = hop(link(2)).with(opt6::LINK_LAYER, [0, 1, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee]);
    let solicit = peer.solicit();
    let advertise = peer.ask_relayed(&solicit, std::slice::from_ref(&near)).expect("an answer");
    let request = peer.follow(Kind6::Request, &advertise.dhcp);
    let reply = peer.ask_relayed(&request, &[near]).expect("an answer");
    let row = server.leases().lease6(reply.dhcp.na(1).only().address).expect("recorded");
    assert_eq!(row["hwaddr"], "02:aa:bb:cc:dd:ee");
    assert!(peer.acquire().na(1).only().valid > 0);
}

#[test]
fn client_that_moves_to_another_subnet_is_served_there() {
    let (_net, _server, mut peer) = relayed("");
    let through = |peer: &mut Peer6, query: &Dhcp6, id| {
        peer.ask_relayed(query, &[hop(link(id))]).expect("an answer")
    };
    let solicit = peer.solicit();
    let advertise = through(&mut peer, &solicit, 2);
    let request = peer.follow(Kind6::Request, &advertise.dhcp);
    let held = through(&mut peer, &request, 2).dhcp;
    let confirm = peer.follow(Kind6::Confirm, &held);
    assert_eq!(through(&mut peer, &confirm, 2).dhcp.status(), Some(status::SUCCESS));
    assert_eq!(through(&mut peer, &confirm, 3).dhcp.status(), Some(status::NOT_ON_LINK));
    let old = held.na(1).only().address;
    let solicit = peer.query(Kind6::Solicit).with_na(1, &[old]);
    let advertise = through(&mut peer, &solicit, 3);
    assert_eq!(subnet_of(&advertise), 3);
    let request = peer.follow(Kind6::Request, &advertise.dhcp);
    assert_eq!(subnet_of(&through(&mut peer, &request, 3)), 3);
}
