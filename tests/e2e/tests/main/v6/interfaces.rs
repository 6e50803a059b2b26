//! The server follows its interfaces for life: late, replaced, renamed, moved and stacked ones are
//! served within 2 s, also where the link-local address is late.

use e2e::net::{CLIENT_MAC, SERVER_MAC, link_local};
use e2e::prelude::*;

use crate::main::both::interfaces::{PROMISE, served_since};

crate::main::both::claims! { V6, interfaces:
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

/// A cable whose server end is up but has no link-local address.
fn without_link_local() -> Net {
    let net = Net::unplugged6();
    net.server.cable("srv0", &net.client, "cli0");
    net.client.up("cli0", CLIENT_MAC);
    // Mode 1: no address is made of the link-layer address.
    net.server.shell("echo 1 > /proc/sys/net/ipv6/conf/srv0/addr_gen_mode");
    net.server.up("srv0", SERVER_MAC);
    net.server.wait_running("srv0");
    net.client.wait_link_local("cli0");
    net
}

#[test]
fn interface_that_gets_its_link_local_address_after_the_start_is_served() {
    for names in [["srv0"], ["*"]] {
        let net = without_link_local();
        let _server = Server::start(&net, &Config::new6(net.path()).interfaces(&names));
        let mut peer = EitherPeer::new(&net);
        assert!(!peer.is_served_within(Duration::from_millis(200)), "no address to answer from");
        net.server.address("srv0", &format!("{}/64", link_local(SERVER_MAC)));
        net.wait_plugged();
        served_since(&net, Instant::now()).acquire();
    }
}

#[test]
fn link_local_address_that_is_still_tentative_is_used_once_it_is_not() {
    let net = Net::unplugged6();
    net.server.cable("srv0", &net.client, "cli0");
    net.client.up("cli0", CLIENT_MAC);
    net.server.duplicate_detection("srv0", true);
    net.server.up("srv0", SERVER_MAC);
    net.server.wait_running("srv0");
    let mut server = Server::start(&net, &Config::new6(net.path()));
    net.server.wait_link_local("srv0");
    served_since(&net, Instant::now()).acquire();
    assert!(server.process.status().is_none());
}

#[test]
fn link_local_address_that_somebody_else_has_does_not_end_the_server() {
    let net = Net::unplugged6();
    net.server.cable("srv0", &net.client, "cli0");
    net.client.up("cli0", CLIENT_MAC);
    net.server.duplicate_detection("srv0", true);
    net.client.address("cli0", &format!("{}/64", link_local(SERVER_MAC)));
    net.server.up("srv0", SERVER_MAC);
    net.server.wait_running("srv0");
    wait::until(wait::secs(5), "the duplicate is found", || {
        net.server.ip("-6 -o addr show srv0 scope link").contains("dadfailed")
    });
    let mut server = Server::start(&net, &Config::new6(net.path()));
    net.client.ip(&format!("addr del {}/64 dev cli0", link_local(SERVER_MAC)));
    net.server.ip("link set srv0 down");
    net.server.ip("link set srv0 up");
    net.wait_plugged();
    served_since(&net, Instant::now()).acquire();
    assert!(server.process.status().is_none());
}

#[test]
fn changed_link_local_address_is_used() {
    let net = Net::pair6();
    let _server = Server::start(&net, &Config::new6(net.path()));
    Peer6::new(&net.client).acquire();
    let new: Ipv6Addr = "fe80::5".parse().expect("an address");
    net.server.ip(&format!("addr del {}/64 dev srv0", link_local(SERVER_MAC)));
    net.server.address("srv0", "fe80::5/64");
    let mut peer = Peer6::new(&net.client);
    wait::until(PROMISE, "the answers come from the new address", || {
        let solicit = peer.solicit();
        let answer = peer.ask_within(&solicit, Duration::from_millis(100));
        answer.is_some_and(|answer| answer.frame.source == new)
    });
}

#[test]
fn two_interfaces_serve_their_own_subnets() {
    let net = Net::pair6();
    let second = Ns::new6("c2");
    let mac = [2, 0, 0, 0, 2, 2];
    net.server.cable("srv1", &second, "cli0");
    second.up("cli0", mac);
    net.server.up("srv1", [2, 0, 0, 0, 2, 1]);
    net.server.wait_link_local("srv1");
    second.wait_link_local("cli0");
    let mut config = Config::new6(net.path()).interfaces(&["*"]);
    config.subnets.push(e2e::config::pool_subnet(
        2,
        "2001:db8:2::/64",
        "2001:db8:2::100 - 2001:db8:2::1ff",
        "\"interface\": \"srv1\",",
    ));
    let _server = Server::start(&net, &config);
    let third_word = |peer: &mut Peer6| peer.acquire().na(1).only().address.segments()[2];
    assert_eq!(third_word(&mut Peer6::new(&net.client)), 1);
    assert_eq!(third_word(&mut Peer6::on(&second, "cli0", mac)), 2);
}
