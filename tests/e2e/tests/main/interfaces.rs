//! The server follows its interfaces for life: late, replaced, renamed, moved and stacked ones are
//! served within 2 s.

use e2e::net::{CLIENT_MAC, SERVER_MAC};
use e2e::prelude::*;
use e2e::server::START;

/// The promise: served this long after an interface has come up.
const PROMISE: Duration = Duration::from_secs(2);

/// Waits until a new client on `cli0` is served and checks that it did not take too long since
/// `up`.
#[track_caller]
fn served_since(net: &Net, up: Instant) -> Peer {
    let mut peer = Peer::new(&net.client);
    peer.until_served(PROMISE.saturating_sub(up.elapsed()));
    peer
}

/// Starts a server before its interface exists, then plugs the cable.
fn late_interface(names: &[&str]) {
    let net = Net::unplugged();
    let config = Config::new(net.path()).interfaces(names);
    let mut server = Server::start(&net, &config);
    net.plug();
    let mut peer = served_since(&net, Instant::now());
    peer.acquire();
    assert!(server.process.status().is_none());
}

#[test]
fn interface_that_appears_after_the_start_is_served_by_name() {
    late_interface(&["srv0"]);
}

#[test]
fn interface_that_appears_after_the_start_is_served_by_star() {
    late_interface(&["*"]);
}

#[test]
fn interface_that_appears_after_the_start_is_served_by_name_and_address() {
    late_interface(&["srv0/192.0.2.1"]);
}

#[test]
fn interface_that_gets_its_address_after_the_start_is_served() {
    for names in [["srv0"], ["*"]] {
        let net = Net::unplugged();
        net.server.cable("srv0", &net.client, "cli0");
        net.client.up("cli0", CLIENT_MAC);
        net.server.up("srv0", SERVER_MAC);
        net.server.wait_running("srv0");
        let _server = Server::start(&net, &Config::new(net.path()).interfaces(&names));
        net.server.address("srv0", "192.0.2.1/24");
        served_since(&net, Instant::now());
    }
}

#[test]
fn interface_that_is_deleted_and_made_again_is_served() {
    for names in [["srv0"], ["*"]] {
        let net = Net::pair();
        let _server = Server::start(&net, &Config::new(net.path()).interfaces(&names));
        let first = Peer::new(&net.client).acquire().dhcp.yiaddr;
        net.server.ip("link del srv0");
        net.plug();
        let mut peer = served_since(&net, Instant::now());
        assert_eq!(peer.acquire().dhcp.yiaddr, first);
    }
}

#[test]
fn changed_address_of_an_interface_is_used() {
    for names in [["srv0"], ["*"]] {
        let net = Net::pair();
        let _server = Server::start(&net, &Config::new(net.path()).interfaces(&names));
        Peer::new(&net.client).acquire();
        net.server.ip("addr del 192.0.2.1/24 dev srv0");
        net.server.address("srv0", "192.0.2.3/24");
        let changed = Instant::now();
        let mut peer = served_since(&net, changed);
        let new = Ipv4Addr::new(192, 0, 2, 3);
        wait::until(PROMISE, "the answers carry the new address", || {
            peer.discover().dhcp.option_address(opt::SERVER_ID) == Some(new)
        });
        assert_eq!(peer.acquire().frame.source, new);
    }
}

#[test]
fn interface_that_goes_down_and_up_is_served() {
    let net = Net::pair();
    let _server = Server::start(&net, &Config::new(net.path()));
    Peer::new(&net.client).acquire();
    net.server.ip("link set srv0 down");
    net.server.ip("link set srv0 up");
    net.server.wait_running("srv0");
    served_since(&net, Instant::now()).acquire();
}

#[test]
fn interface_that_is_down_at_the_start_is_served_once_up() {
    let net = Net::unplugged();
    net.server.cable("srv0", &net.client, "cli0");
    net.client.up("cli0", CLIENT_MAC);
    net.server.address("srv0", "192.0.2.1/24");
    let _server = Server::start(&net, &Config::new(net.path()));
    net.server.up("srv0", SERVER_MAC);
    net.server.wait_running("srv0");
    served_since(&net, Instant::now()).acquire();
}

#[test]
fn renamed_interface_is_served_by_star() {
    let net = Net::pair();
    let _server = Server::start(&net, &Config::new(net.path()).interfaces(&["*"]));
    net.server.ip("link set srv0 down");
    net.server.ip("link set srv0 name uplink7");
    net.server.ip("link set uplink7 up");
    net.server.wait_running("uplink7");
    served_since(&net, Instant::now()).acquire();
}

#[test]
fn interface_renamed_to_the_configured_name_is_served() {
    let net = Net::unplugged();
    net.server.cable("eth9", &net.client, "cli0");
    net.client.up("cli0", CLIENT_MAC);
    net.server.address("eth9", "192.0.2.1/24");
    net.server.up("eth9", SERVER_MAC);
    net.server.wait_running("eth9");
    let _server = Server::start(&net, &Config::new(net.path()).interfaces(&["srv0"]));
    let mut peer = Peer::new(&net.client);
    let query = peer.query(Message::Discover);
    assert!(peer.ask_within(&query, Duration::from_millis(300)).is_none(), "not configured yet");
    net.server.ip("link set eth9 down");
    net.server.ip("link set eth9 name srv0");
    net.server.ip("link set srv0 up");
    net.server.wait_running("srv0");
    served_since(&net, Instant::now()).acquire();
}

#[test]
fn bridge_built_on_top_of_the_interface_is_served_once_per_query() {
    for names in [["br0"], ["*"]] {
        let net = Net::pair();
        let _server = Server::start(&net, &Config::new(net.path()).interfaces(&names));
        net.server.ip("link add br0 type bridge");
        net.server.ip("addr del 192.0.2.1/24 dev srv0");
        net.server.ip("link set srv0 master br0");
        net.server.ip(&format!("link set br0 address {}", e2e::net::mac_text(SERVER_MAC)));
        net.server.address("br0", "192.0.2.1/24");
        net.server.ip("link set br0 up");
        net.server.wait_running("br0");
        let mut peer = served_since(&net, Instant::now());
        let query = peer.query(Message::Discover);
        assert!(peer.ask(&query).is_some());
        let twice = peer.port.reply(query.xid, Duration::from_millis(300));
        assert!(twice.is_none(), "one query, one answer");
    }
}

#[test]
fn macvlan_on_top_of_the_interface_is_served() {
    let net = Net::pair();
    net.server.ip("addr del 192.0.2.1/24 dev srv0");
    let _server = Server::start(&net, &Config::new(net.path()).interfaces(&["mv0"]));
    net.server.ip("link add link srv0 name mv0 type macvlan mode bridge");
    net.server.address("mv0", "192.0.2.1/24");
    net.server.ip("link set mv0 up");
    net.server.wait_running("mv0");
    served_since(&net, Instant::now()).acquire();
}

#[test]
fn vlan_interface_on_top_is_served_where_the_kernel_has_them() {
    let net = Net::pair();
    let add = ["ip", "-n", net.server.name(), "link", "add", "link", "srv0", "name", "v5"];
    let add = [&add[..], &["type", "vlan", "id", "5"]].concat();
    if !e2e::process::run_any(&add).status.success() {
        eprintln!("this kernel has no VLAN interfaces; nothing was tested");
        return;
    }
    net.server.ip("addr del 192.0.2.1/24 dev srv0");
    net.server.ip("link del v5");
    let mut server = Server::start(&net, &Config::new(net.path()).interfaces(&["v5"]));
    net.server.ip("link add link srv0 name v5 type vlan id 5");
    net.server.address("v5", "192.0.2.1/24");
    net.server.ip("link set v5 up");
    net.client.ip("link add link cli0 name v5 type vlan id 5");
    net.client.ip("link set v5 up");
    let up = Instant::now();
    let mut peer = Peer::new(&net.client);
    peer.port = RawPort::open(&net.client, "v5");
    peer.until_served(PROMISE.saturating_sub(up.elapsed()));
    assert!(server.process.status().is_none());
}

#[test]
fn frame_tagged_for_another_vlan_is_not_answered() {
    let net = Net::pair();
    let _server = Server::start(&net, &Config::new(net.path()));
    let mut peer = Peer::new(&net.client);
    for tags in [vec![5], vec![4094], vec![5, 6]] {
        let query = peer.query(Message::Discover);
        let mut frame = Frame::broadcast(peer.mac, query.encode());
        frame.tags = tags;
        peer.port.send(&frame);
        peer.expect_no_answer_to(query.xid);
    }
}

#[test]
fn second_address_of_an_interface_does_not_double_the_answers() {
    let net = Net::pair();
    net.server.address("srv0", "198.51.100.1/24");
    let _server = Server::start(&net, &Config::new(net.path()));
    let mut peer = Peer::new(&net.client);
    let query = peer.query(Message::Discover);
    let offer = peer.ask(&query).expect("an offer");
    assert_eq!(offer.dhcp.option_address(opt::SERVER_ID), Some(e2e::net::SERVER));
    assert!(peer.port.reply(query.xid, START / 50).is_none(), "one query, one answer");
}

#[test]
fn two_interfaces_serve_their_own_subnets() {
    let net = Net::pair();
    let second = Ns::new("c2");
    net.server.cable("srv1", &second, "cli0");
    net.server.address("srv1", "198.51.100.1/24");
    second.up("cli0", [2, 0, 0, 0, 2, 2]);
    net.server.up("srv1", [2, 0, 0, 0, 2, 1]);
    net.server.wait_running("srv1");
    let subnets = vec![
        pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.199", ""),
        pool_subnet(2, "198.51.100.0/24", "198.51.100.100 - 198.51.100.199", ""),
    ];
    let config = Config::new(net.path()).interfaces(&["*"]).subnets(subnets);
    let _server = Server::start(&net, &config);
    assert_eq!(Peer::new(&net.client).acquire().dhcp.yiaddr.octets()[0], 192);
    let mut peer = Peer::new(&second);
    peer.mac = [2, 0, 0, 0, 2, 2];
    let ack = peer.acquire().dhcp;
    assert_eq!(ack.yiaddr.octets()[0], 198);
    assert_eq!(ack.option_address(opt::SERVER_ID), Some(Ipv4Addr::new(198, 51, 100, 1)));
}
