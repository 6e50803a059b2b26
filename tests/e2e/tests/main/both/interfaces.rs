//! Either server follows its interfaces for life: late, replaced, renamed and stacked ones are
//! served within 2 s.

use e2e::net::{CLIENT_MAC, SERVER_MAC};
use e2e::prelude::*;

/// The promise: served this long after an interface has come up.
pub(crate) const PROMISE: Duration = Duration::from_secs(2);

/// Waits until a new client on `cli0` is served and checks that it did not take too long since
/// `up`.
#[track_caller]
pub(crate) fn served_since(net: &Net, up: Instant) -> EitherPeer {
    let mut peer = EitherPeer::new(net);
    peer.until_served(PROMISE.saturating_sub(up.elapsed()));
    peer
}

/// The two ways to name the interface `srv0`.
fn by_name_and_star(family: Family, net: &Net) -> [Config; 2] {
    [&["srv0"], &["*"]].map(|names| Config::of(family, net.path()).interfaces(names))
}

/// Starts a server before its interface exists, then plugs the cable.
fn late_interface(family: Family, name: &str) {
    let net = Net::unplugged_of(family);
    let config = Config::of(family, net.path()).interfaces(&[name]);
    let mut server = Server::start(&net, &config);
    net.plug();
    let mut peer = served_since(&net, Instant::now());
    peer.acquire();
    assert!(server.process.status().is_none());
}

pub(crate) fn interface_that_appears_after_the_start_is_served_by_name(family: Family) {
    late_interface(family, "srv0");
}

pub(crate) fn interface_that_appears_after_the_start_is_served_by_star(family: Family) {
    late_interface(family, "*");
}

pub(crate) fn interface_that_appears_after_the_start_is_served_by_name_and_address(family: Family) {
    late_interface(family, &format!("srv0/{}", Net::server_address(family)));
}

pub(crate) fn interface_that_is_deleted_and_made_again_is_served(family: Family) {
    for which in 0..2 {
        let net = Net::pair_of(family);
        let _server = Server::start(&net, &by_name_and_star(family, &net)[which]);
        let first = EitherPeer::new(&net).acquire();
        net.server.ip("link del srv0");
        net.plug();
        let mut peer = served_since(&net, Instant::now());
        assert_eq!(peer.acquire(), first);
    }
}

pub(crate) fn interface_that_goes_down_and_up_is_served(family: Family) {
    let net = Net::pair_of(family);
    let _server = Server::start(&net, &Config::of(family, net.path()));
    EitherPeer::new(&net).acquire();
    net.server.ip("link set srv0 down");
    net.server.ip("link set srv0 up");
    net.wait_plugged();
    served_since(&net, Instant::now()).acquire();
}

pub(crate) fn interface_that_is_down_at_the_start_is_served_once_up(family: Family) {
    let net = Net::unplugged_of(family);
    net.server.cable("srv0", &net.client, "cli0");
    net.client.up("cli0", CLIENT_MAC);
    net.server.address("srv0", net.server_prefix());
    let _server = Server::start(&net, &Config::of(family, net.path()));
    net.server.up("srv0", SERVER_MAC);
    net.wait_plugged();
    served_since(&net, Instant::now()).acquire();
}

/// Takes the interface down, renames it and brings it up again.
fn rename(net: &Net, from: &str, to: &str) {
    net.server.ip(&format!("link set {from} down"));
    net.server.ip(&format!("link set {from} name {to}"));
    net.server.ip(&format!("link set {to} up"));
    net.server.wait_running(to);
}

pub(crate) fn renamed_interface_is_served_by_star(family: Family) {
    let net = Net::pair_of(family);
    let config = Config::of(family, net.path()).on_interface("uplink7").interfaces(&["*"]);
    let _server = Server::start(&net, &config);
    rename(&net, "srv0", "uplink7");
    served_since(&net, Instant::now()).acquire();
}

pub(crate) fn interface_renamed_to_the_configured_name_is_served(family: Family) {
    let net = Net::unplugged_of(family);
    net.server.cable("eth9", &net.client, "cli0");
    net.client.up("cli0", CLIENT_MAC);
    net.server.address("eth9", net.server_prefix());
    net.server.up("eth9", SERVER_MAC);
    net.server.wait_running("eth9");
    let _server = Server::start(&net, &Config::of(family, net.path()));
    let mut peer = EitherPeer::new(&net);
    assert!(!peer.is_served_within(Duration::from_millis(300)), "not configured yet");
    rename(&net, "eth9", "srv0");
    served_since(&net, Instant::now()).acquire();
}

pub(crate) fn bridge_built_on_top_of_the_interface_is_served_once_per_query(family: Family) {
    for names in [["br0"], ["*"]] {
        let net = Net::pair_of(family);
        let config = Config::of(family, net.path()).on_interface("br0").interfaces(&names);
        let _server = Server::start(&net, &config);
        net.server.ip("link add br0 type bridge");
        net.server.ip(&format!("addr del {} dev srv0", net.server_prefix()));
        net.server.ip("link set srv0 master br0");
        net.server.ip(&format!("link set br0 address {}", e2e::net::mac_text(SERVER_MAC)));
        net.server.address("br0", net.server_prefix());
        net.server.ip("link set br0 up");
        net.server.wait_running("br0");
        let mut peer = served_since(&net, Instant::now());
        assert_eq!(peer.offers_within(Duration::from_millis(300)), 1, "one query, one answer");
    }
}

pub(crate) fn macvlan_on_top_of_the_interface_is_served(family: Family) {
    let net = Net::pair_of(family);
    net.server.ip(&format!("addr del {} dev srv0", net.server_prefix()));
    let _server = Server::start(&net, &Config::of(family, net.path()).on_interface("mv0"));
    net.server.ip("link add link srv0 name mv0 type macvlan mode bridge");
    net.server.address("mv0", net.server_prefix());
    net.server.ip("link set mv0 up");
    net.server.wait_running("mv0");
    let mut peer = EitherPeer::new(&net);
    peer.until_served(PROMISE);
    peer.acquire();
}
