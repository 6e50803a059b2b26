//! Two network namespaces joined by a veth pair: one for the server, one for the generator.
//!
//! Names carry the process id, so that runs do not meet; what an interrupted run left behind is removed at the next
//! start. Addresses: server 10.0.0.1/8 and fd00:1::1/64, generator 10.0.0.2/8 and fd00:1::2/64; 100.64.0.0/10 and
//! fd00:2::/48 are local to the generator and hold the relay addresses of runs with many subnets. Neighbour entries are
//! fixed and addresses are valid at once: no ARP and no neighbour discovery in the measurement.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::thread;

use socket2::{Domain, Protocol, Socket, Type};

use crate::spec::Family;
use crate::{sys, wire};

/// Address of the server.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Address of the generator and of the only relay.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The same of IPv6.
pub(crate) const SERVER6: Ipv6Addr = Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 1);
/// The same of IPv6.
pub(crate) const CLIENT6: Ipv6Addr = Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 2);
/// The group of all DHCPv6 servers and relays on a link.
pub(crate) const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// Ports of servers and relays, by family.
pub(crate) const SERVER_PORT: [u16; 2] = [67, 547];
/// Ports of clients, by family.
pub(crate) const CLIENT_PORT: [u16; 2] = [68, 546];
/// Interface of the server.
pub(crate) const SERVER_IF: &str = "bs0";
const CLIENT_IF: &str = "bc0";
const SERVER_MAC: &str = "02:00:5e:00:00:01";
const CLIENT_MAC: &str = "02:00:5e:00:00:02";
const SERVER_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5eff, 0xfe00, 1);
const CLIENT_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5eff, 0xfe00, 2);
const SOCKET_BUFFER: usize = 16 << 20;

/// The namespaces; removed when dropped.
#[derive(Debug)]
pub(crate) struct Net {
    /// Namespace of the server.
    pub(crate) server: String,
    client: String,
}

impl Net {
    /// Creates namespaces, interfaces, addresses and routes.
    pub(crate) fn create() -> Result<Self, String> {
        remove_leftovers();
        let id = std::process::id();
        let net = Self { server: format!("bench-s-{id}"), client: format!("bench-c-{id}") };
        let (s, c) = (net.server.as_str(), net.client.as_str());
        ip(&["netns", "add", s])?;
        ip(&["netns", "add", c])?;
        let pair = ["link", "add", SERVER_IF, "netns", s, "type", "veth", "peer", "name"];
        ip(&[pair.as_slice(), &[CLIENT_IF, "netns", c]].concat())?;
        let sides = [
            (s, SERVER_IF, SERVER_MAC, SERVER, CLIENT, CLIENT_MAC),
            (c, CLIENT_IF, CLIENT_MAC, CLIENT, SERVER, SERVER_MAC),
        ];
        for (namespace, interface, mac, own, peer, peer_mac) in sides {
            let own = format!("{own}/8");
            ip(&["-n", namespace, "link", "set", "lo", "up"])?;
            ip(&["-n", namespace, "link", "set", interface, "address", mac])?;
            // The link-local address is set below, where it is valid at once.
            ip(&["-n", namespace, "link", "set", interface, "addrgenmode", "none"])?;
            ip(&["-n", namespace, "link", "set", interface, "up"])?;
            ip(&["-n", namespace, "addr", "add", &own, "brd", "+", "dev", interface])?;
            fix_neighbour(namespace, interface, peer.into(), peer_mac)?;
        }
        let sides = [
            (s, SERVER_IF, [SERVER6, SERVER_LINK_LOCAL], [CLIENT6, CLIENT_LINK_LOCAL], CLIENT_MAC),
            (c, CLIENT_IF, [CLIENT6, CLIENT_LINK_LOCAL], [SERVER6, SERVER_LINK_LOCAL], SERVER_MAC),
        ];
        for (namespace, interface, own, peers, peer_mac) in sides {
            for (own, peer) in own.into_iter().zip(peers) {
                let own = format!("{own}/64");
                ip(&["-n", namespace, "addr", "add", &own, "dev", interface, "nodad"])?;
                fix_neighbour(namespace, interface, peer.into(), peer_mac)?;
            }
        }
        let relays: [(&str, IpAddr); 2] =
            [("100.64.0.0/10", CLIENT.into()), ("fd00:2::/48", CLIENT6.into())];
        for (block, relay) in relays {
            ip(&["-n", s, "route", "add", block, "via", &relay.to_string()])?;
            ip(&["-n", c, "route", "add", "local", block, "dev", "lo"])?;
        }
        Ok(net)
    }

    /// A socket of the generator: the port of relays, or that of clients on the server's link.
    pub(crate) fn client_socket(&self, family: Family, direct: bool) -> io::Result<Socket> {
        let namespace = File::open(format!("/run/netns/{}", self.client))?;
        let open = move || -> io::Result<Socket> {
            sys::enter_namespace(&namespace)?;
            let socket = udp_socket(family, wire::query_port(family, direct), |socket| {
                socket.set_reuse_address(true)?;
                sys::force_buffers(socket, SOCKET_BUFFER)?;
                if direct {
                    socket.bind_device(Some(CLIENT_IF.as_bytes()))?;
                }
                if family == Family::V6 {
                    // Relays have addresses that no interface has.
                    socket.set_freebind_v6(true)?;
                }
                Ok(())
            })?;
            Ok(socket)
        };
        // A thread of its own enters the namespace; the socket stays there when the thread has ended.
        let opened = thread::scope(|scope| scope.spawn(open).join());
        opened.unwrap_or_else(|_| Err(io::Error::other("the thread that opens the socket failed")))
    }

    /// A command that runs inside the server's namespace.
    pub(crate) fn server_command(&self) -> Command {
        command_in(&self.server)
    }

    /// A command that runs inside the generator's namespace.
    pub(crate) fn client_command(&self) -> Command {
        command_in(&self.client)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for namespace in [&self.server, &self.client] {
            let _ = ip(&["netns", "del", namespace]);
        }
    }
}

/// A UDP socket on a port of all addresses; `prepare` sets what must be set before.
pub(crate) fn udp_socket(
    family: Family,
    port: u16,
    prepare: impl FnOnce(&Socket) -> io::Result<()>,
) -> io::Result<Socket> {
    let (domain, address): (_, IpAddr) = match family {
        Family::V4 => (Domain::IPV4, Ipv4Addr::UNSPECIFIED.into()),
        Family::V6 => (Domain::IPV6, Ipv6Addr::UNSPECIFIED.into()),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    match family {
        Family::V4 => socket.set_broadcast(true)?,
        Family::V6 => socket.set_only_v6(true)?,
    }
    prepare(&socket)?;
    socket.bind(&SocketAddr::new(address, port).into())?;
    Ok(socket)
}

fn fix_neighbour(
    namespace: &str,
    interface: &str,
    peer: IpAddr,
    peer_mac: &str,
) -> Result<(), String> {
    let peer = peer.to_string();
    let entry = [peer.as_str(), "lladdr", peer_mac, "dev", interface, "nud", "permanent"];
    ip(&[["-n", namespace, "neigh", "replace"].as_slice(), &entry].concat())
}

fn command_in(namespace: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]);
    command
}

fn ip(words: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(words).output();
    let output = output.map_err(|error| format!("ip cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("`ip {}` failed (root is needed): {}", words.join(" "), text.trim()))
}

/// Removes namespaces whose process is gone.
fn remove_leftovers() {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix("bench-s-").or_else(|| name.strip_prefix("bench-c-"));
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            let _ = ip(&["netns", "del", &name]);
        }
    }
}
