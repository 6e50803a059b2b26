//! Topologies with relays between client and server, run by ISC dhcrelay.
//!
//! ```text
//! client --- 192.0.2.0/24 --- relay --- 10.0.0.0/24 --- server
//! client --- 192.0.2.0/24 --- relay --- 10.1.0.0/24 --- relay --- 10.0.0.0/24 --- server
//! client --- 2001:db8:1::/64 --- relay --- 2001:db8:ff::/64 --- server
//! client --- 2001:db8:1::/64 --- relay --- 2001:db8:2::/64 --- relay --- 2001:db8:ff::/64 --- server
//! ```

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::net::{CLIENT_MAC, Net, Ns, SERVER_MAC};
use crate::process::Running;
use crate::wait;

/// The server's address behind relays.
pub const FAR_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// The server's address behind relays of IPv6.
pub const FAR_SERVER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 1);

/// A running dhcrelay.
#[derive(Debug)]
pub struct Relay {
    /// Its process.
    pub process: Running,
}

impl Relay {
    /// Starts a relay that listens on `client_side` and `server_side` and forwards to `server`.
    #[track_caller]
    pub fn start(ns: &Ns, folder: &Path, interfaces: [&str; 2], server: Ipv4Addr) -> Self {
        let log = folder.join(format!("{}.log", ns.name()));
        let mut command = ns.command("/usr/sbin/dhcrelay");
        command.args(["-4", "-d", "--no-pid", "-a", "-m", "forward"]);
        command.args(["-i", interfaces[0], "-i", interfaces[1]]).arg(server.to_string());
        let mut process = Running::start(&mut command, &log);
        process.wait_text("Sending on   Socket/fallback", wait::secs(10));
        Self { process }
    }

    /// Starts a relay of IPv6 that listens on the interface `lower` and forwards through the
    /// interface `upper` to `server`, a server or another relay.
    #[track_caller]
    pub fn start6(ns: &Ns, folder: &Path, lower: &str, upper: &str, server: Ipv6Addr) -> Self {
        let log = folder.join(format!("{}.log", ns.name()));
        let mut command = ns.command("/usr/sbin/dhcrelay");
        command.args(["-6", "-d", "--no-pid", "-l", lower, "-u", &format!("{server}%{upper}")]);
        let mut process = Running::start(&mut command, &log);
        for interface in [lower, upper] {
            process.wait_text(&format!("Sending on   Socket/{interface}"), wait::secs(10));
        }
        Self { process }
    }
}

/// A client behind one relay; `net.others[0]` is the relay with `rel0` to the client and `rel1` to
/// the server.
pub fn one_relay() -> (Net, Relay) {
    let mut net = Net::unplugged();
    let relay = Ns::new("r");
    net.client.cable("cli0", &relay, "rel0");
    relay.cable("rel1", &net.server, "srv0");
    net.client.up("cli0", CLIENT_MAC);
    net.server.address("srv0", "10.0.0.1/24");
    net.server.up("srv0", SERVER_MAC);
    relay.address("rel0", "192.0.2.254/24");
    relay.address("rel1", "10.0.0.2/24");
    relay.up("rel0", [2, 0, 0, 0, 0, 0xfe]);
    relay.up("rel1", [2, 0, 0, 0, 0, 0xfd]);
    relay.forward();
    net.server.wait_running("srv0");
    net.client.wait_running("cli0");
    net.server.ip("route add default via 10.0.0.2");
    let daemon = Relay::start(&relay, net.path(), ["rel0", "rel1"], FAR_SERVER);
    net.others.push(relay);
    (net, daemon)
}

/// A client behind two relays in a row; the one next to the client is `net.others[0]`.
pub fn relay_chain() -> (Net, [Relay; 2]) {
    let mut net = Net::unplugged();
    let (near, far) = (Ns::new("r1"), Ns::new("r2"));
    net.client.cable("cli0", &near, "rel0");
    near.cable("rel1", &far, "rel2");
    far.cable("rel3", &net.server, "srv0");
    net.client.up("cli0", CLIENT_MAC);
    net.server.address("srv0", "10.0.0.1/24");
    net.server.up("srv0", SERVER_MAC);
    near.address("rel0", "192.0.2.254/24");
    near.address("rel1", "10.1.0.2/24");
    far.address("rel2", "10.1.0.1/24");
    far.address("rel3", "10.0.0.2/24");
    near.up("rel0", [2, 0, 0, 0, 0, 0xfe]);
    near.up("rel1", [2, 0, 0, 0, 0, 0xfd]);
    far.up("rel2", [2, 0, 0, 0, 0, 0xfc]);
    far.up("rel3", [2, 0, 0, 0, 0, 0xfb]);
    near.forward();
    far.forward();
    near.ip("route add default via 10.1.0.1");
    far.ip("route add 192.0.2.0/24 via 10.1.0.2");
    net.server.wait_running("srv0");
    net.client.wait_running("cli0");
    net.server.ip("route add default via 10.0.0.2");
    let first = Relay::start(&near, net.path(), ["rel0", "rel1"], Ipv4Addr::new(10, 1, 0, 1));
    let second = Relay::start(&far, net.path(), ["rel2", "rel3"], FAR_SERVER);
    net.others.extend([near, far]);
    (net, [first, second])
}

/// As [`one_relay`] for IPv6.
pub fn one_relay6() -> (Net, Relay) {
    let mut net = Net::unplugged6();
    let relay = Ns::new6("r");
    net.client.cable("cli0", &relay, "rel0");
    relay.cable("rel1", &net.server, "srv0");
    end(&net.client, "cli0", CLIENT_MAC, None);
    end(&relay, "rel0", [2, 0, 0, 0, 0, 0xfe], Some("2001:db8:1::fe/64"));
    end(&relay, "rel1", [2, 0, 0, 0, 0, 0xfd], Some("2001:db8:ff::2/64"));
    end(&net.server, "srv0", SERVER_MAC, Some("2001:db8:ff::1/64"));
    net.wait_plugged();
    relay.wait_link_local("rel0");
    relay.wait_link_local("rel1");
    let daemon = Relay::start6(&relay, net.path(), "rel0", "rel1", FAR_SERVER6);
    net.others.push(relay);
    (net, daemon)
}

/// As [`relay_chain`] for IPv6.
pub fn relay_chain6() -> (Net, [Relay; 2]) {
    let mut net = Net::unplugged6();
    let (near, far) = (Ns::new6("r1"), Ns::new6("r2"));
    net.client.cable("cli0", &near, "rel0");
    near.cable("rel1", &far, "rel2");
    far.cable("rel3", &net.server, "srv0");
    end(&net.client, "cli0", CLIENT_MAC, None);
    end(&near, "rel0", [2, 0, 0, 0, 0, 0xfe], Some("2001:db8:1::fe/64"));
    end(&near, "rel1", [2, 0, 0, 0, 0, 0xfd], Some("2001:db8:2::2/64"));
    end(&far, "rel2", [2, 0, 0, 0, 0, 0xfc], Some("2001:db8:2::1/64"));
    end(&far, "rel3", [2, 0, 0, 0, 0, 0xfb], Some("2001:db8:ff::2/64"));
    end(&net.server, "srv0", SERVER_MAC, Some("2001:db8:ff::1/64"));
    net.wait_plugged();
    for (ns, interface) in [(&near, "rel0"), (&near, "rel1"), (&far, "rel2"), (&far, "rel3")] {
        ns.wait_link_local(interface);
    }
    let next = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1);
    let first = Relay::start6(&near, net.path(), "rel0", "rel1", next);
    let second = Relay::start6(&far, net.path(), "rel2", "rel3", FAR_SERVER6);
    net.others.extend([near, far]);
    (net, [first, second])
}

/// Gives one end of a cable its addresses and brings it up.
fn end(ns: &Ns, interface: &str, mac: [u8; 6], address: Option<&str>) {
    if let Some(address) = address {
        ns.address(interface, address);
    }
    ns.up(interface, mac);
}
