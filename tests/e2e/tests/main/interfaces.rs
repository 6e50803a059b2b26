//! The server follows its interfaces for life: late, replaced, renamed, moved and stacked ones are
//! served within 2 s.

use e2e::net::{CLIENT_MAC, SERVER_MAC};
use e2e::prelude::*;
use e2e::server::START;

use super::both::interfaces::{PROMISE, served_since};

super::both::claims! { V4, interfaces:
    interface_that_appears_after_the_start_is_served_by_name
    interface_that_appears_after_the_start_is_served_by_star
    interface_that_appears_after_the_start_is_served_by_name_and_address
    interface_that_is_deleted_and_made_again_is_served
    interface_that_goes_down_and_up_is_served
    interface_that_is_down_at_the_start_is_served_once_up
    renamed_interface_is_served_by_star
    interface_renamed_to_the_configured_name_is_served
    bridge_built_on_top_of_the_interface_is_served_once_per_query
    macvlan_on_top_of_the_interface_is_served
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
fn changed_address_of_an_interface_is_used() {
    for names in [["srv0"], ["*"]] {
        let net = Net::pair();
        let _server = Server::start(&net, &Config::new(net.path()).interfaces(&names));
        Peer::new(&net.client).acquire();
        net.server.ip("addr del 192.0.2.1/24 dev srv0");
        net.server.address("srv0", "192.0.2.3/24");
        let changed = Instant::now();
        served_since(&net, changed);
        let mut peer = Peer::new(&net.client);
        let new = Ipv4Addr::new(192, 0, 2, 3);
        wait::until(PROMISE, "the answers carry the new address", || {
            peer.discover().dhcp.option_address(opt::SERVER_ID) == Some(new)
        });
        assert_eq!(peer.acquire().frame.source, new);
    }
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
