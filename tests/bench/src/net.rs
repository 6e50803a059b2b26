//! Two network namespaces joined by a veth pair: one for the server, one for the generator.
//!
//! Names carry the process id, so that runs do not meet; what an interrupted run left behind is removed at the next
//! start. Addresses: server 10.0.0.1/8, generator 10.0.0.2/8; 100.64.0.0/10 is local to the generator and holds the
//! relay addresses of runs with many subnets. Neighbour entries are fixed: no ARP in the measurement.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::process::Command;
use std::thread;

use socket2::{Domain, Protocol, Socket, Type};

use crate::sys;

/// Address of the server.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Address of the generator and of the only relay.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Interface of the server.
pub(crate) const SERVER_IF: &str = "bs0";
const CLIENT_IF: &str = "bc0";
const SERVER_MAC: &str = "02:00:5e:00:00:01";
const CLIENT_MAC: &str = "02:00:5e:00:00:02";
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
            let (own, peer) = (format!("{own}/8"), peer.to_string());
            ip(&["-n", namespace, "link", "set", "lo", "up"])?;
            ip(&["-n", namespace, "link", "set", interface, "address", mac])?;
            ip(&["-n", namespace, "link", "set", interface, "up"])?;
            ip(&["-n", namespace, "addr", "add", &own, "brd", "+", "dev", interface])?;
            let entry = [peer.as_str(), "lladdr", peer_mac, "dev", interface, "nud", "permanent"];
            ip(&[["-n", namespace, "neigh", "replace"].as_slice(), &entry].concat())?;
        }
        let relay = CLIENT.to_string();
        ip(&["-n", s, "route", "add", "100.64.0.0/10", "via", &relay])?;
        ip(&["-n", c, "route", "add", "local", "100.64.0.0/10", "dev", "lo"])?;
        Ok(net)
    }

    /// A socket of the generator: the port of relays, or that of clients on the server's link.
    pub(crate) fn client_socket(&self, direct: bool) -> io::Result<Socket> {
        let namespace = File::open(format!("/run/netns/{}", self.client))?;
        let open = move || -> io::Result<Socket> {
            sys::enter_namespace(&namespace)?;
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_reuse_address(true)?;
            sys::force_buffers(&socket, SOCKET_BUFFER)?;
            if direct {
                socket.set_broadcast(true)?;
                socket.bind_device(Some(CLIENT_IF.as_bytes()))?;
            }
            let port = if direct { 68 } else { 67 };
            socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
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
