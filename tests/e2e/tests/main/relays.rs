//! Queries through relays: which subnet, what is echoed, where the answer goes.

use e2e::net::{SERVER, SERVER_MAC};
use e2e::prelude::*;
use e2e::relay::Relay;

/// The relay's own address on the server's link.
const RELAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// A server with three subnets beside its own, and a relay (raw frames) that it reaches through
/// 192.0.2.2.
fn relayed(config: impl FnOnce(Config) -> Config) -> (Net, Server, Peer) {
    let net = Net::pair();
    net.client.address("cli0", "192.0.2.2/24");
    net.server.ip("route add 10.0.0.0/8 via 192.0.2.2");
    let subnets = (1..=3).map(|id| {
        let pool = format!("10.{id}.0.100 - 10.{id}.0.199");
        pool_subnet(id, &format!("10.{id}.0.0/24"), &pool, "")
    });
    let own = pool_subnet(9, "192.0.2.0/24", "192.0.2.100 - 192.0.2.199", "");
    let subnets = subnets.chain([own]).collect();
    let server = Server::start(&net, &config(Config::new(net.path()).subnets(subnets)));
    let peer = Peer::new(&net.client);
    (net, server, peer)
}

/// The address of the relay in subnet `id`.
fn giaddr(id: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, id, 0, 1)
}

#[test]
fn relayed_answer_goes_to_giaddr_port_67_with_option_82_last() {
    let (_net, server, mut peer) = relayed(|config| config);
    let information = [1, 3, b'a', b'b', b'c', 2, 2, 0xff, 0x00];
    let query = peer
        .query(Message::Discover)
        .relayed(giaddr(2))
        .with(opt::RELAY, information)
        .with(opt::PRL, [opt::ROUTERS]);
    let offer = peer.ask_as_relay(&query, RELAY, SERVER).expect("an offer");
    assert_eq!(offer.frame.destination, giaddr(2));
    assert_eq!(offer.frame.destination_port, 67);
    assert_eq!(offer.dhcp.giaddr, giaddr(2));
    assert_eq!(offer.dhcp.hops, 1);
    assert_eq!(offer.dhcp.yiaddr.octets()[..2], [10, 2]);
    assert_eq!(offer.dhcp.options.last(), Some(&(opt::RELAY, information.to_vec())));
    let request = peer.request_for(&offer.dhcp).relayed(giaddr(2)).with(opt::RELAY, information);
    let ack = peer.ask_as_relay(&request, RELAY, SERVER).expect("an answer");
    assert_eq!(ack.dhcp.kind(), Some(Message::Ack));
    assert_eq!(server.leases().lease(ack.dhcp.yiaddr).expect("recorded")["subnet_id"], "2");
}

#[test]
fn link_selection_wins_over_giaddr() {
    let (_net, _server, mut peer) = relayed(|config| config);
    let query =
        peer.query(Message::Discover).relayed(giaddr(1)).with(opt::RELAY, [5, 4, 10, 3, 0, 0]);
    let offer = peer.ask_as_relay(&query, RELAY, SERVER).expect("an offer");
    assert_eq!(offer.dhcp.yiaddr.octets()[..2], [10, 3]);
    assert_eq!(offer.frame.destination, giaddr(1));
    let nowhere =
        peer.query(Message::Discover).relayed(giaddr(1)).with(opt::RELAY, [5, 4, 172, 16, 0, 0]);
    assert!(peer.ask_as_relay(&nowhere, RELAY, SERVER).is_none(), "no fall back to giaddr");
}

#[test]
fn subnet_selection_wins_over_giaddr_and_is_echoed() {
    let (_net, _server, mut peer) = relayed(|config| config);
    let query =
        peer.query(Message::Discover).relayed(giaddr(1)).with(opt::SUBNET_SELECTION, [10, 2, 0, 0]);
    let offer = peer.ask_as_relay(&query, RELAY, SERVER).expect("an offer");
    assert_eq!(offer.dhcp.yiaddr.octets()[..2], [10, 2]);
    assert_eq!(offer.dhcp.option(opt::SUBNET_SELECTION), Some(&[10, 2, 0, 0][..]));
}

#[test]
fn relay_without_a_subnet_gets_no_offer_and_a_nak_for_a_request() {
    let (_net, _server, mut peer) = relayed(|config| config);
    let query = peer.query(Message::Discover).relayed(Ipv4Addr::new(10, 200, 0, 1));
    assert!(peer.ask_as_relay(&query, RELAY, SERVER).is_none());
    let request = peer
        .query(Message::Request)
        .relayed(Ipv4Addr::new(10, 200, 0, 1))
        .with_address(opt::REQUESTED, Ipv4Addr::new(10, 200, 0, 9))
        .with_address(opt::SERVER_ID, SERVER);
    let nak = peer.ask_as_relay(&request, RELAY, SERVER).expect("an answer");
    assert_eq!(nak.dhcp.kind(), Some(Message::Nak));
    assert_eq!(nak.frame.destination, Ipv4Addr::new(10, 200, 0, 1));
}

#[test]
fn relay_address_of_a_subnet_selects_it() {
    let (_net, _server, mut peer) = relayed(|mut config| {
        let relay = "\"relay\": { \"ip-addresses\": [ \"10.77.0.1\" ] },";
        config.subnets.push(pool_subnet(7, "10.7.0.0/24", "10.7.0.100 - 10.7.0.199", relay));
        config
    });
    let query = peer.query(Message::Discover).relayed(Ipv4Addr::new(10, 77, 0, 1));
    let offer = peer.ask_as_relay(&query, RELAY, SERVER).expect("an offer");
    assert_eq!(offer.dhcp.yiaddr.octets()[..2], [10, 7]);
    assert_eq!(offer.frame.destination, Ipv4Addr::new(10, 77, 0, 1));
}

#[test]
fn relayed_queries_are_served_with_udp_sockets() {
    let (_net, _server, mut peer) = relayed(|mut config| {
        config.socket_type = "udp";
        config
    });
    let query = peer.query(Message::Discover).relayed(giaddr(2));
    let offer = peer.ask_as_relay(&query, RELAY, SERVER).expect("an offer");
    assert_eq!(offer.frame.destination, giaddr(2));
}

#[test]
fn answers_leave_by_the_routing_table_where_that_is_wished() {
    let net = Net::pair();
    let far = Ns::new("far");
    net.server.cable("srv1", &far, "cli0");
    far.up("cli0", [2, 0, 0, 0, 0, 4]);
    net.server.up("srv1", [2, 0, 0, 0, 0, 3]);
    far.wait_running("cli0");
    net.server.address("srv1", "198.51.100.1/24");
    far.address("cli0", "198.51.100.2/24");
    net.server.ip("route add 10.0.0.0/8 via 198.51.100.2");
    let subnet = || pool_subnet(1, "10.1.0.0/24", "10.1.0.100 - 10.1.0.199", "");
    let mut config = Config::new(net.path()).subnets(vec![subnet()]);
    let (mut near, mut beyond) = (Peer::new(&net.client), Peer::new(&far));
    let query = near.query(Message::Discover).relayed(giaddr(1));
    let server = Server::start(&net, &config);
    assert!(near.ask_as_relay(&query, RELAY, SERVER).is_some(), "back where it came from");
    drop(server);
    config.interfaces_config.push("\"outbound-interface\": \"use-routing\"".into());
    for socket_type in ["raw", "udp"] {
        config.socket_type = socket_type;
        let _server = Server::start(&net, &config);
        near.become_client(u8::from(socket_type == "udp"));
        let query = near.query(Message::Discover).relayed(giaddr(1));
        near.tell_as_relay(&query, RELAY, SERVER);
        let offer = beyond.port.reply(query.xid, wait::secs(3)).expect("an offer");
        assert_eq!((offer.frame.source, offer.frame.destination), (SERVER, giaddr(1)));
    }
}

#[test]
fn client_that_moves_to_another_subnet_is_served_there() {
    let (_net, _server, mut peer) = relayed(|config| config);
    let query = peer.query(Message::Discover).relayed(giaddr(1));
    let offer = peer.ask_as_relay(&query, RELAY, SERVER).expect("an offer");
    let request = peer.request_for(&offer.dhcp).relayed(giaddr(1));
    let old = peer.ask_as_relay(&request, RELAY, SERVER).expect("an answer").dhcp.yiaddr;
    let query = peer.query(Message::Discover).relayed(giaddr(2)).with_address(opt::REQUESTED, old);
    let offer = peer.ask_as_relay(&query, RELAY, SERVER).expect("an offer");
    assert_eq!(offer.dhcp.yiaddr.octets()[..2], [10, 2]);
    let wrong = peer
        .query(Message::Request)
        .relayed(giaddr(2))
        .with_address(opt::REQUESTED, old)
        .with_address(opt::SERVER_ID, SERVER);
    // Kea 1.1 refuses, later releases keep silent; none may grant an address of another subnet.
    let answer = peer.ask_as_relay(&wrong, RELAY, SERVER);
    assert!(answer.is_none_or(|reply| reply.dhcp.kind() == Some(Message::Nak)));
    let request = peer.request_for(&offer.dhcp).relayed(giaddr(2));
    let ack = peer.ask_as_relay(&request, RELAY, SERVER).expect("an answer");
    assert_eq!(ack.dhcp.kind(), Some(Message::Ack));
}

#[test]
fn two_relays_at_one_server_serve_their_own_subnets() {
    let net = Net::unplugged();
    let bridge = Ns::new("b");
    bridge.ip("link add br0 type bridge");
    bridge.ip("link set br0 up");
    net.server.cable("srv0", &bridge, "p0");
    net.server.address("srv0", "10.0.0.1/24");
    net.server.up("srv0", SERVER_MAC);
    bridge.ip("link set p0 master br0 up");
    let sides: Vec<_> = (1..=2u8).map(|id| relay_side(&net, &bridge, id)).collect();
    net.server.wait_running("srv0");
    let subnets = (1..=2).map(|id| {
        let pool = format!("10.{id}.0.100 - 10.{id}.0.199");
        pool_subnet(id, &format!("10.{id}.0.0/24"), &pool, "")
    });
    let _server = Server::start(&net, &Config::new(net.path()).subnets(subnets.collect()));
    for (id, (_, client, _)) in (1u8..).zip(&sides) {
        let folder = net.path().join(format!("client{id}"));
        let mut client = Client::start(client, "cli0", &folder, Kind::Udhcpc);
        assert_eq!(client.wait_address(wait::secs(20)).octets()[..2], [10, id]);
    }
}

/// A client with a relay of its own, joined to the server's bridge.
fn relay_side(net: &Net, bridge: &Ns, id: u8) -> (Ns, Ns, Relay) {
    let (relay, client) = (Ns::new("r"), Ns::new("c"));
    client.cable("cli0", &relay, "rel0");
    relay.cable("rel1", bridge, &format!("p{id}"));
    bridge.ip(&format!("link set p{id} master br0 up"));
    relay.address("rel0", &format!("10.{id}.0.1/24"));
    relay.address("rel1", &format!("10.0.0.{}/24", id + 1));
    relay.up("rel0", [2, 0, 0, 1, 0, id]);
    relay.up("rel1", [2, 0, 0, 2, 0, id]);
    client.up("cli0", [2, 0, 0, 3, 0, id]);
    relay.wait_running("rel1");
    client.wait_running("cli0");
    net.server.ip(&format!("route add 10.{id}.0.0/24 via 10.0.0.{}", id + 1));
    let server = Ipv4Addr::new(10, 0, 0, 1);
    let daemon = Relay::start(&relay, net.path(), ["rel0", "rel1"], server);
    (relay, client, daemon)
}
