//! `"dhcp-socket-type": "udp"`: direct clients are answered too, by broadcast; and the start is told when sockets
//! are open.

use std::fs;

use e2e::prelude::*;
use e2e::server::START;

fn udp(net: &Net) -> Config {
    Config { socket_type: "udp", ..Config::new(net.path()) }
}

#[test]
fn direct_client_is_answered_by_broadcast_in_udp_mode() {
    for workers in [1, 3] {
        let net = Net::pair();
        let config = udp(&net).global(&format!(
            "\"multi-threading\": {{ \"enable-multi-threading\": true, \"thread-pool-size\": {workers} }}"
        ));
        let server = Server::start(&net, &config);
        let mut peer = Peer::new(&net.client);
        for number in 0..8 {
            peer.become_client(number);
            let offer = peer.discover();
            assert_eq!(offer.frame.destination, Ipv4Addr::BROADCAST);
            let ack = peer.ask(&peer.request_for(&offer.dhcp)).expect("an answer");
            assert_eq!(ack.dhcp.kind(), Some(Message::Ack));
            assert_eq!(ack.frame.source, e2e::net::SERVER);
            assert!(server.leases().lease(ack.dhcp.yiaddr).is_some());
        }
    }
}

#[test]
fn dhclient_gets_and_renews_a_lease_in_udp_mode() {
    let net = Net::pair();
    let server = Server::start(&net, &udp(&net).times(30, 2, 20));
    let mut client = Client::start(&net.client, "cli0", net.path(), Kind::Dhclient);
    let address = client.wait_address(wait::secs(15));
    assert!(server.leases().lease(address).is_some());
    // A renewal goes to the server's own address and is answered to the client's.
    server.wait_log_count("DHCP4_LEASE_ALLOC", 2, wait::secs(10));
}

#[test]
fn start_is_told_when_the_sockets_are_open() {
    for socket_type in ["raw", "udp"] {
        let net = Net::pair();
        let config = Config { socket_type, ..Config::new(net.path()) };
        let mut peer = Peer::new(&net.client);
        let mut server = Server::spawn(&net.server, net.path(), &config);
        server.wait_log("DHCP4_STARTED", START);
        // The first query is answered, none has to be repeated.
        assert!(peer.ask(&peer.query(Message::Discover)).is_some(), "{socket_type}");
        let log = server.log();
        let opened = log.find("DHCPSRV_SOCKET_OPENED").expect("the socket is named");
        assert!(opened < log.find("DHCP4_STARTED").expect("it has started"), "{log}");
    }
}

#[test]
fn reload_as_soon_as_the_pid_file_is_there_does_not_end_the_start() {
    let net = Net::pair();
    let mut server = Server::spawn(&net.server, net.path(), &Config::new(net.path()));
    wait::until(START, "the pid file", || {
        fs::read_to_string(&server.files.pid).is_ok_and(|text| text.ends_with('\n'))
    });
    server.process.signal("HUP");
    server.wait_log("dynamic server reconfiguration succeeded with file", START);
    Peer::new(&net.client).acquire();
}
