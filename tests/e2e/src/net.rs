//! Network namespaces, links and addresses that exist as long as a test.
//!
//! Each test owns its namespaces under unique names, so tests run side by side with equal interface
//! names inside. Deleting a namespace deletes its links; processes left inside are ours by
//! construction and are killed first.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::family::Family;
use crate::process::{run, run_any, signal};
use crate::wait;

/// Counter that makes the names of namespaces unique within this process.
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// The address of the server in the standard topologies.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The global IPv6 address of the server in the standard topologies.
pub const SERVER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
/// The link-layer address of the server's interface in the standard topologies.
pub const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// The link-layer address of the client's interface in the standard topologies.
pub const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// One network namespace.
#[derive(Debug)]
pub struct Ns {
    name: String,
}

impl Ns {
    /// Makes an empty namespace with loopback up and IPv6 off.
    pub fn new(role: &str) -> Self {
        Self::with_settings(
            role,
            "echo 1 > ipv6/conf/all/disable_ipv6; echo 1 > ipv6/conf/default/disable_ipv6; \
             echo 0 > ipv4/conf/all/rp_filter; echo 0 > ipv4/conf/default/rp_filter",
        )
    }

    /// Makes an empty namespace with loopback up and IPv6 on; interfaces made in it get their
    /// link-local address from the link-layer address and use it without asking the link (RFC 4862
    /// section 5.4) first.
    pub fn new6(role: &str) -> Self {
        Self::with_settings(
            role,
            "for scope in all default; do cd /proc/sys/net/ipv6/conf/$scope; \
             echo 0 > disable_ipv6; echo 0 > accept_dad; echo 0 > accept_ra; \
             echo 0 > router_solicitations; echo 0 > addr_gen_mode; done",
        )
    }

    /// Makes a namespace for a family.
    pub fn of(family: Family, role: &str) -> Self {
        match family {
            Family::V4 => Self::new(role),
            Family::V6 => Self::new6(role),
        }
    }

    /// Makes a namespace and runs the commands in its `/proc/sys/net`.
    fn with_settings(role: &str, commands: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("e2e-{}-{number}-{role}", std::process::id());
        run(&["ip", "netns", "add", &name]);
        let ns = Self { name };
        ns.shell(&format!("ip link set lo up; cd /proc/sys/net; {commands}; true"));
        ns
    }

    /// The name under which `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs `program` inside; the program takes the place of the launcher.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name)).arg("--").arg(program);
        command
    }

    /// Runs `ip` inside with blank-separated words and panics when it fails.
    #[track_caller]
    pub fn ip(&self, words: &str) -> String {
        let mut command = vec!["ip", "-n", &self.name];
        command.extend(words.split_whitespace());
        run(&command)
    }

    /// Runs a shell script inside and panics when it fails.
    #[track_caller]
    pub fn shell(&self, script: &str) -> String {
        let path = format!("--net=/run/netns/{}", self.name);
        run(&["nsenter", &path, "--", "sh", "-c", script])
    }

    /// Joins two namespaces by a virtual cable; both ends stay down.
    pub fn cable(&self, interface: &str, other: &Self, other_interface: &str) {
        let mut words = vec!["link", "add", interface, "type", "veth", "peer", "name"];
        words.extend([other_interface, "netns", other.name.as_str()]);
        self.ip(&words.join(" "));
    }

    /// Sets the link-layer address of an interface and brings it up.
    pub fn up(&self, interface: &str, mac: [u8; 6]) {
        self.ip(&format!("link set {interface} address {}", mac_text(mac)));
        self.ip(&format!("link set {interface} up"));
    }

    /// Waits until the kernel calls an interface running (carrier seen, both ends up).
    #[track_caller]
    pub fn wait_running(&self, interface: &str) {
        wait::until(wait::secs(5), "the interface runs", || {
            self.ip(&format!("-o link show {interface}")).contains("state UP")
        });
    }

    /// Adds an address (`192.0.2.1/24`) to an interface.
    pub fn address(&self, interface: &str, prefix: &str) {
        self.ip(&format!("addr add {prefix} dev {interface}"));
    }

    /// The first IPv4 address of an interface, if any.
    pub fn first_address(&self, interface: &str) -> Option<Ipv4Addr> {
        let output = run_any(&["ip", "-n", &self.name, "-4", "-o", "addr", "show", interface]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, after) = text.split_once("inet ")?;
        after.split(['/', ' ']).next()?.parse().ok()
    }

    /// The first IPv6 address of an interface that is neither link-local nor still being checked
    /// for a duplicate, if any.
    pub fn first_address6(&self, interface: &str) -> Option<Ipv6Addr> {
        let words = ["ip", "-n", &self.name, "-6", "-o", "addr", "show", interface];
        let output = run_any(&[&words[..], &["scope", "global", "-tentative"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, after) = text.split_once("inet6 ")?;
        after.split(['/', ' ']).next()?.parse().ok()
    }

    /// Waits until the link-local address of an interface can be used.
    #[track_caller]
    pub fn wait_link_local(&self, interface: &str) {
        wait::until(wait::secs(5), "the link-local address can be used", || {
            let text = self.ip(&format!("-6 -o addr show {interface} scope link"));
            text.contains("fe80:") && !text.contains("tentative")
        });
    }

    /// Turns the check for duplicates of new addresses (RFC 4862 section 5.4) on or off.
    pub fn duplicate_detection(&self, interface: &str, on: bool) {
        let file = format!("/proc/sys/net/ipv6/conf/{interface}/accept_dad");
        self.shell(&format!("echo {} > {file}", u8::from(on)));
    }

    /// Lets the namespace forward packets between its interfaces.
    pub fn forward(&self) {
        self.shell(
            "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
        );
    }
}

impl Drop for Ns {
    fn drop(&mut self) {
        let output = run_any(&["ip", "netns", "pids", &self.name]);
        for pid in String::from_utf8_lossy(&output.stdout).split_whitespace() {
            if let Ok(pid) = pid.parse() {
                signal(pid, "KILL");
            }
        }
        run_any(&["ip", "netns", "del", &self.name]);
    }
}

/// A server namespace and a client namespace joined by a cable (`srv0`, `cli0`), with a folder for
/// files.
#[derive(Debug)]
pub struct Net {
    /// Where the server runs; its interface is `srv0`.
    pub server: Ns,
    /// Where the client runs; its interface is `cli0`.
    pub client: Ns,
    /// Namespaces between the two, and further clients.
    pub others: Vec<Ns>,
    /// Files of the test.
    pub dir: TempDir,
    /// What the cable carries.
    pub family: Family,
}

impl Net {
    /// Two namespaces and the cable between them, up, with 192.0.2.1/24 on the server's end.
    pub fn pair() -> Self {
        Self::pair_of(Family::V4)
    }

    /// Two namespaces and the cable between them, up, with 2001:db8:1::1/64 on the server's end.
    pub fn pair6() -> Self {
        Self::pair_of(Family::V6)
    }

    /// [`Net::pair`] or [`Net::pair6`].
    pub fn pair_of(family: Family) -> Self {
        let net = Self::unplugged_of(family);
        net.plug();
        net
    }

    /// Two namespaces without any link.
    pub fn unplugged() -> Self {
        Self::unplugged_of(Family::V4)
    }

    /// Two namespaces for IPv6 without any link.
    pub fn unplugged6() -> Self {
        Self::unplugged_of(Family::V6)
    }

    /// [`Net::unplugged`] or [`Net::unplugged6`].
    pub fn unplugged_of(family: Family) -> Self {
        Self {
            server: Ns::of(family, "s"),
            client: Ns::of(family, "c"),
            others: Vec::new(),
            dir: tempfile::Builder::new().prefix("e2e-").tempdir().expect("temporary folder"),
            family,
        }
    }

    /// Makes the cable of [`Net::pair`] or [`Net::pair6`].
    pub fn plug(&self) {
        self.server.cable("srv0", &self.client, "cli0");
        self.client.up("cli0", CLIENT_MAC);
        self.server.address("srv0", self.server_prefix());
        self.server.up("srv0", SERVER_MAC);
        self.wait_plugged();
    }

    /// The address of the server in the topology of a family.
    pub fn server_address(family: Family) -> std::net::IpAddr {
        match family {
            Family::V4 => SERVER.into(),
            Family::V6 => SERVER6.into(),
        }
    }

    /// The address of the server's end with its prefix length.
    pub fn server_prefix(&self) -> &'static str {
        match self.family {
            Family::V4 => "192.0.2.1/24",
            Family::V6 => "2001:db8:1::1/64",
        }
    }

    /// Waits until both ends of the cable are ready for traffic.
    #[track_caller]
    pub fn wait_plugged(&self) {
        for (ns, interface) in [(&self.server, "srv0"), (&self.client, "cli0")] {
            ns.wait_running(interface);
            if self.family == Family::V6 {
                ns.wait_link_local(interface);
            }
        }
    }

    /// The folder of the test's files.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// The usual text form of a link-layer address.
pub fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// The link-local address that the kernel makes of a link-layer address (RFC 4291 appendix A).
pub fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}
