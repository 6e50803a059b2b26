//! What the server answers, and where it sends the answer, message by message.

use e2e::frame::BROADCAST;
use e2e::net::{CLIENT_MAC, SERVER, SERVER_MAC};
use e2e::prelude::*;

/// A server on the standard pair, and a client beside it.
fn served(config: impl FnOnce(Config) -> Config) -> (Net, Server, Peer) {
    let net = Net::pair();
    let server = Server::start(&net, &config(Config::new(net.path())));
    let peer = Peer::new(&net.client);
    (net, server, peer)
}

#[test]
fn offer_and_ack_carry_times_netmask_server_id_and_right_checksums() {
    let (_net, server, mut peer) = served(|config| config.times(4000, 1000, 2000));
    let offer = peer.discover();
    assert!(server.leases().current().is_empty(), "an offer stores nothing");
    let request = peer.request_for(&offer.dhcp);
    let ack = peer.ask(&request).expect("an answer to the request");
    for reply in [&offer, &ack] {
        assert_eq!(reply.dhcp.option_address(opt::SERVER_ID), Some(SERVER));
        assert_eq!(reply.dhcp.option_u32(opt::LEASE_TIME), Some(4000));
        assert_eq!(reply.dhcp.option_u32(opt::T1), Some(1000));
        assert_eq!(reply.dhcp.option_u32(opt::T2), Some(2000));
        assert_eq!(reply.dhcp.option(opt::NETMASK), Some(&[255, 255, 255, 0][..]));
        assert_eq!(reply.dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 100));
        assert_eq!((reply.frame.source_port, reply.frame.destination_port), (67, 68));
        assert_eq!(reply.frame.source, SERVER);
        assert_eq!(reply.frame.eth_source, SERVER_MAC);
        assert!(reply.checksums_hold);
    }
    let row = server.leases().lease(ack.dhcp.yiaddr).expect("the lease is in the file");
    assert_eq!(row["hwaddr"], "02:00:00:00:00:02");
    assert_eq!(row["valid_lifetime"], "4000");
    assert_eq!(row["subnet_id"], "1");
    assert_eq!(row["state"], "0");
    server.wait_log_count(
        "lease 192.0.2.100 has been allocated for 4000 seconds",
        1,
        wait::secs(5),
    );
}

#[test]
fn answer_goes_by_unicast_unless_the_broadcast_flag_is_set() {
    let (_net, _server, mut peer) = served(|config| config);
    let offer = peer.discover();
    assert_eq!(offer.frame.eth_destination, CLIENT_MAC);
    assert_eq!(offer.frame.destination, offer.dhcp.yiaddr);
    let query = peer.query(Message::Discover).broadcast();
    let offer = peer.ask(&query).expect("an offer");
    assert_eq!(offer.frame.destination, Ipv4Addr::BROADCAST);
    assert!([BROADCAST, CLIENT_MAC].contains(&offer.frame.eth_destination));
    assert_eq!(offer.dhcp.flags, 0x8000);
}

#[test]
fn client_id_is_echoed_unless_configured_otherwise() {
    for (echo, expected) in [(true, Some(&[1, 9, 9][..])), (false, None)] {
        let (_net, server, mut peer) =
            served(|config| config.global(&format!("\"echo-client-id\": {echo}")));
        peer.client_id = Some(vec![1, 9, 9]);
        let ack = peer.acquire();
        assert_eq!(ack.dhcp.option(opt::CLIENT_ID), expected);
        let row = server.leases().lease(ack.dhcp.yiaddr).expect("recorded");
        assert_eq!(row["client_id"], "01:09:09");
    }
}

#[test]
fn client_is_known_by_client_id_unless_match_client_id_is_off() {
    for (matching, same) in [(true, false), (false, true)] {
        let (_net, _server, mut peer) =
            served(|config| config.global(&format!("\"match-client-id\": {matching}")));
        peer.client_id = Some(vec![1, 1, 1]);
        let first = peer.acquire().dhcp.yiaddr;
        peer.client_id = Some(vec![1, 1, 2]);
        assert_eq!(peer.acquire().dhcp.yiaddr == first, same);
    }
}

#[test]
fn client_keeps_its_address_by_client_id_when_its_hardware_changes() {
    let (_net, _server, mut peer) = served(|config| config);
    peer.client_id = Some(b"\0laptop".to_vec());
    let first = peer.acquire().dhcp.yiaddr;
    peer.become_client(77);
    assert_eq!(peer.acquire().dhcp.yiaddr, first);
}

#[test]
fn renewing_by_unicast_keeps_ciaddr_and_extends_the_lease() {
    let (net, server, mut peer) = served(|config| config);
    let address = peer.acquire().dhcp.yiaddr;
    net.client.address("cli0", &format!("{address}/24"));
    let query = peer.query(Message::Request).from_address(address);
    let ack = peer.ask_unicast(&query, address).expect("an answer");
    assert_eq!(ack.dhcp.kind(), Some(Message::Ack));
    assert_eq!((ack.dhcp.ciaddr, ack.dhcp.yiaddr), (address, address));
    assert_eq!(ack.frame.destination, address);
    assert_eq!(server.leases().rows("").len(), 2);
}

#[test]
fn rebinding_by_broadcast_is_answered_to_ciaddr() {
    let (net, _server, mut peer) = served(|config| config);
    let address = peer.acquire().dhcp.yiaddr;
    net.client.address("cli0", &format!("{address}/24"));
    let query = peer.query(Message::Request).from_address(address);
    let ack = peer.ask(&query).expect("an answer");
    assert_eq!(ack.dhcp.kind(), Some(Message::Ack));
    assert_eq!(ack.frame.destination, address);
}

#[test]
fn init_reboot_is_acknowledged_refused_or_ignored_by_what_is_known() {
    let (_net, _server, mut peer) = served(|config| config);
    let address = peer.acquire().dhcp.yiaddr;
    let right = peer.query(Message::Request).with_address(opt::REQUESTED, address);
    assert_eq!(peer.ask(&right).expect("an answer").dhcp.kind(), Some(Message::Ack));

    let wrong =
        peer.query(Message::Request).with_address(opt::REQUESTED, Ipv4Addr::new(192, 0, 2, 180));
    let nak = peer.ask(&wrong).expect("an answer");
    assert_eq!(nak.dhcp.kind(), Some(Message::Nak));
    assert_eq!(nak.frame.destination, Ipv4Addr::BROADCAST);
    assert_eq!(nak.dhcp.yiaddr, Ipv4Addr::UNSPECIFIED);
    assert_eq!(nak.dhcp.option_address(opt::SERVER_ID), Some(SERVER));
    assert_eq!(nak.dhcp.option(opt::LEASE_TIME), None);

    peer.become_client(5);
    let unknown = peer.query(Message::Request).with_address(opt::REQUESTED, address);
    peer.expect_silence(&unknown);
}

#[test]
fn authoritative_server_refuses_an_unknown_client_at_reboot() {
    let (_net, _server, mut peer) = served(|config| config.global("\"authoritative\": true"));
    let query =
        peer.query(Message::Request).with_address(opt::REQUESTED, Ipv4Addr::new(192, 0, 2, 180));
    assert_eq!(peer.ask(&query).expect("an answer").dhcp.kind(), Some(Message::Nak));
}

#[test]
fn request_for_another_server_is_ignored() {
    let (_net, server, mut peer) = served(|config| config);
    let query = peer
        .query(Message::Request)
        .with_address(opt::REQUESTED, Ipv4Addr::new(192, 0, 2, 100))
        .with_address(opt::SERVER_ID, Ipv4Addr::new(192, 0, 2, 9));
    peer.expect_silence(&query);
    assert!(server.leases().current().is_empty());
}

#[test]
fn request_for_an_address_of_another_client_is_refused() {
    let (_net, server, mut peer) = served(|config| config);
    let taken = peer.acquire().dhcp.yiaddr;
    peer.become_client(9);
    let request = |peer: &Peer, address| {
        let query = peer.query(Message::Request).with_address(opt::REQUESTED, address);
        query.with_address(opt::SERVER_ID, SERVER)
    };
    let query = request(&peer, taken);
    assert_eq!(peer.ask(&query).expect("an answer").dhcp.kind(), Some(Message::Nak));
    assert_eq!(server.leases().lease(taken).expect("kept")["hwaddr"], "02:00:00:00:00:02");
    // Outside the pools: Kea 1.1 refuses, later releases keep silent; none may grant it.
    let query = request(&peer, Ipv4Addr::new(192, 0, 2, 20));
    let answer = peer.ask_within(&query, Duration::from_millis(500));
    assert!(answer.is_none_or(|reply| reply.dhcp.kind() == Some(Message::Nak)));
    assert_eq!(server.leases().current().len(), 1);
}

#[test]
fn requested_address_is_offered_when_it_is_free() {
    let (_net, _server, mut peer) = served(|config| config);
    let wanted = Ipv4Addr::new(192, 0, 2, 150);
    let query = peer.query(Message::Discover).with_address(opt::REQUESTED, wanted);
    assert_eq!(peer.ask(&query).expect("an offer").dhcp.yiaddr, wanted);
}

#[test]
fn inform_is_answered_to_its_sender_without_a_lease() {
    let options =
        "\"option-data\": [ { \"name\": \"domain-name-servers\", \"data\": \"192.0.2.53\" } ],";
    let (net, server, mut peer) = served(|config| {
        let pool = "192.0.2.100 - 192.0.2.199";
        config.times(4000, 1000, 2000).subnets(vec![pool_subnet(1, "192.0.2.0/24", pool, options)])
    });
    let own = Ipv4Addr::new(192, 0, 2, 30);
    net.client.address("cli0", "192.0.2.30/24");
    let query = peer.query(Message::Inform).from_address(own).with(opt::PRL, [opt::DNS]);
    let ack = peer.ask(&query).expect("an answer");
    assert_eq!(ack.dhcp.kind(), Some(Message::Ack));
    assert_eq!(ack.frame.destination, own);
    assert_eq!(ack.dhcp.yiaddr, Ipv4Addr::UNSPECIFIED);
    assert_eq!(ack.dhcp.option(opt::DNS), Some(&[192, 0, 2, 53][..]));
    for absent in [opt::LEASE_TIME, opt::T1, opt::T2] {
        assert_eq!(ack.dhcp.option(absent), None);
    }
    assert!(server.leases().current().is_empty());
}

#[test]
fn inform_without_any_address_is_ignored() {
    let (_net, _server, mut peer) = served(|config| config);
    let query = peer.query(Message::Inform);
    peer.expect_silence(&query);
}

#[test]
fn release_by_its_owner_frees_the_address_and_by_a_stranger_does_not() {
    let (_net, server, mut peer) = served(|config| config);
    let address = peer.acquire().dhcp.yiaddr;
    let held =
        |server: &Server| server.leases().lease(address).is_some_and(|row| row["state"] == "0");
    let mut stranger = peer.query(Message::Release).from_address(address);
    stranger.chaddr[5] = 0x99;
    let stranger = stranger.with_address(opt::SERVER_ID, SERVER);
    peer.tell_unicast(&stranger, address, SERVER);
    peer.expect_no_answer_to(stranger.xid);
    assert!(held(&server));
    let release = peer.query(Message::Release).from_address(address);
    let release = release.with_address(opt::SERVER_ID, SERVER);
    peer.tell_unicast(&release, address, SERVER);
    peer.expect_no_answer_to(release.xid);
    wait::until(wait::secs(3), "the lease is given back", || !held(&server));
}

#[test]
fn decline_by_a_stranger_changes_nothing() {
    let (_net, server, mut peer) = served(|config| config);
    let address = peer.acquire().dhcp.yiaddr;
    peer.become_client(66);
    let decline = peer
        .query(Message::Decline)
        .with_address(opt::REQUESTED, address)
        .with_address(opt::SERVER_ID, SERVER);
    peer.expect_silence(&decline);
    assert_eq!(server.leases().lease(address).expect("kept")["state"], "0");
}

#[test]
fn options_follow_the_request_list_and_subnet_before_global() {
    let (_net, _server, mut peer) = served(|config| {
        let own = "\"option-data\": [ { \"name\": \"domain-name-servers\", \
                   \"data\": \"192.0.2.53\" } ], \"next-server\": \"192.0.2.69\",";
        let pool = "192.0.2.100 - 192.0.2.199";
        config.subnets(vec![pool_subnet(1, "192.0.2.0/24", pool, own)]).global(
            "\"option-data\": [ { \"name\": \"domain-name-servers\", \"data\": \"192.0.2.54\" }, \
             { \"name\": \"routers\", \"data\": \"192.0.2.254\" }, \
             { \"code\": 42, \"csv-format\": false, \"data\": \"C0000201\" }, \
             { \"name\": \"color\", \"data\": \"7, blue\" } ], \
             \"option-def\": [ { \"name\": \"color\", \"code\": 222, \"type\": \"record\", \
             \"record-types\": \"uint16, string\" } ]",
        )
    });
    let query = peer.query(Message::Discover).with(opt::PRL, [222, opt::DNS]);
    let offer = peer.ask(&query).expect("an offer").dhcp;
    assert_eq!(offer.option(opt::DNS), Some(&[192, 0, 2, 53][..]));
    assert_eq!(offer.option(opt::ROUTERS), Some(&[192, 0, 2, 254][..]), "always sent");
    assert_eq!(offer.option(222), Some(&b"\0\x07blue"[..]));
    assert_eq!(offer.option(42), None, "not asked for");
    assert_eq!(offer.siaddr, Ipv4Addr::new(192, 0, 2, 69));
    let query = peer.query(Message::Discover).with(opt::PRL, [42]);
    assert_eq!(peer.ask(&query).expect("an offer").dhcp.option(42), Some(&[192, 0, 2, 1][..]));
}

#[test]
fn long_option_is_split_and_comes_back_together() {
    let long: String = "ab".repeat(300);
    let (_net, _server, mut peer) = served(|config| {
        config.global(&format!(
            "\"option-data\": [ {{ \"code\": 224, \"csv-format\": false, \"data\": \"{long}\" }} ]"
        ))
    });
    let query = peer.query(Message::Discover).with(opt::PRL, [224]);
    let offer = peer.ask(&query).expect("an offer").dhcp;
    let parts: Vec<_> = offer.options.iter().filter(|(code, _)| *code == 224).collect();
    assert!(parts.len() > 1, "RFC 3396 section 5");
    let joined: Vec<u8> = parts.iter().flat_map(|(_, data)| data.clone()).collect();
    assert_eq!(joined, vec![0xab; 300]);
}

#[test]
fn clients_never_share_an_address_and_an_empty_pool_is_silent() {
    let (_net, server, mut peer) = served(|config| {
        let pool = "192.0.2.100 - 192.0.2.109";
        config.subnets(vec![pool_subnet(1, "192.0.2.0/24", pool, "")])
    });
    let mut given = std::collections::BTreeSet::new();
    for number in 0..10 {
        peer.become_client(number);
        assert!(given.insert(peer.acquire().dhcp.yiaddr));
    }
    peer.become_client(10);
    let query = peer.query(Message::Discover);
    assert!(peer.ask_within(&query, Duration::from_millis(500)).is_none());
    server.wait_log_count("ALLOC_ENGINE_V4_ALLOC_FAIL", 1, wait::secs(5));
    assert_eq!(server.leases().current().len(), 10);
}
