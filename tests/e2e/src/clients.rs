//! Real DHCP clients of other projects, run inside a namespace without touching the machine's own
//! settings.
//!
//! Each client reports its events through a script written for it, which sets the address and
//! default route and notes one line per event (`BOUND 192.0.2.100`). The daemons that insist on
//! fixed folders get private mounts.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::clients6::{self, Wants6};
use crate::net::Ns;
use crate::process::{Running, installed, run, run_any, signal};
use crate::wait;

/// The clients known here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The client of the WIDE project, which speaks DHCPv6 alone.
    Dhcp6c,
    /// ISC dhclient.
    Dhclient,
    /// Roy Marples' dhcpcd.
    Dhcpcd,
    /// Dibbler's client, which speaks DHCPv6 alone.
    Dibbler,
    /// The client inside systemd-networkd.
    Networkd,
    /// The client of busybox.
    Udhcpc,
}

impl Kind {
    /// The program's file.
    fn program(self) -> &'static str {
        match self {
            Self::Dhcp6c => "/usr/sbin/dhcp6c",
            Self::Dibbler => "/usr/sbin/dibbler-client",
            Self::Dhclient => "/usr/sbin/dhclient",
            Self::Dhcpcd => "/usr/sbin/dhcpcd",
            Self::Networkd => "/lib/systemd/systemd-networkd",
            Self::Udhcpc => "/usr/sbin/udhcpc",
        }
    }
}

/// How a client is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The client.
    pub kind: Kind,
    /// Asks for this address first (udhcpc has no memory of its own).
    pub request: Option<Ipv4Addr>,
    /// Number of granted addresses that the client finds in use and declines (dhclient).
    pub declines: u32,
    /// Probes the address with ARP before using it (udhcpc).
    pub probe: bool,
    /// Sets the broadcast flag (udhcpc, networkd).
    pub broadcast: bool,
    /// Speaks DHCPv6 in place of DHCPv4 and asks for this.
    pub v6: Option<Wants6>,
}

impl From<Kind> for Options {
    fn from(kind: Kind) -> Self {
        Self { kind, request: None, declines: 0, probe: false, broadcast: false, v6: None }
    }
}

/// A running client.
#[derive(Debug)]
pub struct Client<'n> {
    ns: &'n Ns,
    options: Options,
    interface: String,
    folder: PathBuf,
    process: Running,
}

impl<'n> Client<'n> {
    /// Starts a client on an interface; its state is kept in a folder below `parent` and found
    /// again by a later start.
    #[track_caller]
    pub fn start(ns: &'n Ns, interface: &str, parent: &Path, options: impl Into<Options>) -> Self {
        let options = options.into();
        let folder = parent.join(format!("{:?}-{interface}", options.kind).to_lowercase());
        fs::create_dir_all(&folder).expect("client folder");
        readable(&folder, 0o755);
        assert!(installed(options.kind.program()), "{} is not installed", options.kind.program());
        let mut command = match options.v6 {
            Some(wants) => clients6::command(ns, interface, &folder, options.kind, wants),
            None => command4(ns, interface, &folder, &options),
        };
        // What an earlier start has left would be taken for news.
        for name in ["events", "log"] {
            let _ = fs::remove_file(folder.join(name));
        }
        let process = Running::start(&mut command, &folder.join("log"));
        Self { ns, options, interface: interface.to_owned(), folder, process }
    }

    /// Waits until the interface has an address.
    #[track_caller]
    pub fn wait_address(&mut self, limit: Duration) -> Ipv4Addr {
        let found = wait::within(limit, || self.address().is_some());
        assert!(found.is_some(), "no address within {limit:?}:\n{}", self.process.text());
        self.address().expect("the loop above saw it")
    }

    /// The address of the interface.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.ns.first_address(&self.interface)
    }

    /// Waits until the interface has a global IPv6 address.
    #[track_caller]
    pub fn wait_address6(&mut self, limit: Duration) -> Ipv6Addr {
        let address = || self.ns.first_address6(&self.interface);
        let found = wait::within(limit, || address().is_some());
        assert!(found.is_some(), "no address within {limit:?}:\n{}", self.process.text());
        address().expect("the loop above saw it")
    }

    /// Waits until the client has a delegated prefix; its first address and length.
    #[track_caller]
    pub fn wait_prefix(&mut self, limit: Duration) -> (Ipv6Addr, u8) {
        let prefix =
            || clients6::prefix(self.ns, self.options.kind, &self.events(), &self.process.text());
        let found = wait::within(limit, || prefix().is_some());
        assert!(found.is_some(), "no prefix within {limit:?}:\n{}", self.process.text());
        prefix().expect("the loop above saw it")
    }

    /// The events noted by the script.
    pub fn events(&self) -> String {
        fs::read_to_string(self.folder.join("events")).unwrap_or_default()
    }

    /// Asks for a renewal where the client can be asked; the others renew when T1 has passed.
    pub fn renew(&self) {
        if self.options.kind == Kind::Udhcpc {
            self.process.signal("USR1");
        }
    }

    /// Gives the address back and ends the client.
    #[track_caller]
    pub fn release(mut self) {
        match self.options.kind {
            Kind::Dhclient => {
                // Both would have the port, and the answer might come to the one that does not wait for it.
                self.process.kill();
                let flags = self.options.v6.map_or(&["-4"][..], Wants6::dhclient_flags);
                let mut command = dhclient(self.ns, &self.interface, &self.folder, flags);
                command.arg("-r");
                Running::start(&mut command, &self.folder.join("log")).wait_end(wait::secs(10));
            }
            Kind::Dhcpcd => {
                // It loses a signal that arrives while it waits for its script: tell it again.
                wait::until(wait::secs(10), "dhcpcd ends", || {
                    if self.process.status().is_none() {
                        self.process.signal("ALRM");
                    }
                    wait::within(wait::secs(1), || self.process.status().is_some()).is_some()
                });
            }
            Kind::Dibbler => {
                // It may miss a signal that arrives while it works on an answer: tell it again.
                wait::until(wait::secs(10), "dibbler ends", || {
                    if self.process.status().is_none() {
                        self.process.signal("TERM");
                    }
                    wait::within(wait::secs(2), || self.process.status().is_some()).is_some()
                });
            }
            Kind::Dhcp6c | Kind::Networkd => self.process.signal("TERM"),
            Kind::Udhcpc => {
                self.process.signal("USR2");
                self.process.wait_text("entering released state", wait::secs(5));
                self.process.kill();
            }
        }
        self.process.wait_end(wait::secs(10));
        self.clear();
    }

    /// Kills the client and takes its address off the interface, as a power failure would.
    pub fn power_off(mut self) {
        self.wait_remembered();
        self.process.kill();
        // Nor may its helpers and its script linger and act in the next one's place.
        wait::within(wait::secs(3), || {
            let pids = run(&["ip", "netns", "pids", self.ns.name()]);
            let helpers = pids.split_whitespace().filter(|pid| {
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                name.starts_with("dhcpcd") || ["script", "ip"].contains(&name.trim_end())
            });
            let helpers: Vec<u32> = helpers.filter_map(|pid| pid.parse().ok()).collect();
            for pid in &helpers {
                signal(*pid, "KILL");
            }
            helpers.is_empty()
        });
        self.clear();
    }

    /// Waits for a moment between two writes of a client's memory: these write the file anew at
    /// every exchange, in place, and a real power failure would spoil it more often than a test can
    /// bear. With a T1 of two seconds a write is neither just past nor near; with a long one there
    /// is none to wait for.
    fn wait_remembered(&self) {
        let memory = match (self.options.kind, self.options.v6) {
            (Kind::Dhcpcd, Some(_)) => format!("state/{}.lease6", self.interface),
            (Kind::Dibbler, _) => "state/client-AddrMgr.xml".to_owned(),
            _ => return,
        };
        let between = Duration::from_millis(300)..Duration::from_millis(1500);
        wait::within(wait::secs(3), || {
            let written = fs::metadata(self.folder.join(&memory)).and_then(|data| data.modified());
            let age = written.ok().and_then(|written| written.elapsed().ok());
            age.is_some_and(|age| between.contains(&age))
        });
    }

    /// All output of the client.
    pub fn log(&self) -> String {
        self.process.text()
    }

    fn clear(&self) {
        if self.options.v6.is_some() {
            // A flush of nothing ends with a status of its own.
            let words = ["ip", "-n", self.ns.name(), "-6", "addr", "flush", "dev"];
            run_any(&[&words[..], &[self.interface.as_str(), "scope", "global"]].concat());
        } else {
            self.ns.ip(&format!("addr flush dev {}", self.interface));
        }
    }
}

/// The command that starts a client of IPv4.
fn command4(ns: &Ns, interface: &str, folder: &Path, options: &Options) -> Command {
    write_script(folder, options.declines);
    match options.kind {
        Kind::Dhclient => dhclient(ns, interface, folder, &["-4"]),
        Kind::Dhcpcd => dhcpcd(ns, interface, folder, "-4", "option routers\nnoarp\n"),
        Kind::Networkd => {
            let broadcast = if options.broadcast { "yes" } else { "no" };
            let text = format!(
                "[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n[DHCPv4]\n\
                 ClientIdentifier=mac\nSendRelease=yes\nUseDNS=no\nRequestBroadcast={broadcast}\n"
            );
            networkd(ns, interface, folder, &text)
        }
        Kind::Udhcpc => udhcpc(ns, interface, folder, options),
        Kind::Dhcp6c | Kind::Dibbler => panic!("{:?} knows no IPv4", options.kind),
    }
}

/// Sets the permissions of a file.
pub(crate) fn readable(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions are set");
}

/// Writes the script that the client runs at events; variables of dhclient, dhcpcd and udhcpc are
/// understood.
fn write_script(folder: &Path, declines: u32) {
    let path = folder.join("script");
    let text = format!(
        r#"#!/bin/sh
here={}
reason=${{reason:-$1}}
address=${{new_ip_address:-$ip}}
mask=${{new_subnet_mask:-$subnet}}
gateway=${{new_routers:-$router}}
case $reason in
BOUND|RENEW|REBIND|REBOOT|bound|renew)
    count=$(cat $here/declined 2>/dev/null || echo 0)
    if [ "$count" -lt {declines} ]; then
        echo $((count + 1)) > $here/declined
        echo "INUSE $address" >> $here/events
        exit 1
    fi
    ip addr replace $address/$mask dev $interface
    for g in $gateway; do ip route replace default via $g dev $interface; done ;;
EXPIRE|FAIL|RELEASE|STOP|NAK|deconfig|nak)
    ip -4 addr flush dev $interface ;;
esac
echo "$reason $address" >> $here/events
exit 0
"#,
        folder.display()
    );
    // A client that ends may be about to start the former one, which cannot be written then.
    let new = folder.join("script.new");
    fs::write(&new, text).expect("script is written");
    readable(&new, 0o755);
    fs::rename(&new, &path).expect("script is replaced");
}

pub(crate) fn dhclient(ns: &Ns, interface: &str, folder: &Path, flags: &[&str]) -> Command {
    // A copy escapes the profile that confines the installed program to the machine's own folders.
    let program = folder.join("dhclient");
    if !program.exists() {
        // Copied by another process: a descriptor open for writing here might leak into a fork and
        // block its start.
        let copy = program.to_str().expect("a path in UTF-8");
        run(&["cp", Kind::Dhclient.program(), copy]);
    }
    let config = folder.join("dhclient.conf");
    let text = "timeout 20; retry 1; reboot 3; select-timeout 0; initial-interval 4;\n\
                backoff-cutoff 4; initial-delay 0; request subnet-mask, routers;\n";
    fs::write(&config, text).expect("dhclient.conf is written");
    let mut command = ns.command(program);
    command.arg("-d").args(flags).arg("-cf").arg(config);
    command.arg("-sf").arg(folder.join("script")).arg("-lf").arg(folder.join("leases"));
    command.arg("-pf").arg(folder.join("pid")).arg(interface);
    command
}

pub(crate) fn dhcpcd(ns: &Ns, interface: &str, folder: &Path, flag: &str, text: &str) -> Command {
    let state = folder.join("state");
    fs::create_dir_all(&state).expect("state folder");
    readable(&state, 0o755);
    let config = folder.join("dhcpcd.conf");
    fs::write(&config, text).expect("dhcpcd.conf is written");
    let start = format!(
        "mount -t tmpfs none /run && mount --bind {} /mnt && mount -t tmpfs none /var/lib && \
         mkdir /var/lib/dhcpcd && mount --bind /mnt /var/lib/dhcpcd && \
         exec dhcpcd {flag} -B -d -f {} -c {} {interface}",
        state.display(),
        config.display(),
        folder.join("script").display(),
    );
    // Its folders are fixed; the mounts are seen by this client alone.
    let mut command = ns.command("unshare");
    command.args(["-m", "sh", "-c", &start]);
    command
}

pub(crate) fn networkd(ns: &Ns, interface: &str, folder: &Path, text: &str) -> Command {
    let etc = folder.join("network");
    fs::create_dir_all(&etc).expect("network folder");
    readable(&etc, 0o755);
    let text = format!("[Match]\nName={interface}\n{text}");
    fs::write(etc.join("10-test.network"), text).expect("network file is written");
    readable(&etc.join("10-test.network"), 0o644);
    // With a read-only /sys it does not wait for udev, which knows nothing of this namespace.
    let start = format!(
        "mount -t sysfs -o ro none /sys && mount --bind {} /etc/systemd/network && \
         mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && \
         mkdir -p /run/systemd/netif/leases /run/systemd/netif/links /run/systemd/netif/lldp && \
         chown -R systemd-network: /run/systemd/netif && exec {}",
        etc.display(),
        Kind::Networkd.program(),
    );
    let mut command = ns.command("unshare");
    command.args(["-m", "sh", "-c", &start]);
    command.env("SYSTEMD_LOG_TARGET", "console").env("SYSTEMD_LOG_LEVEL", "debug");
    command
}

fn udhcpc(ns: &Ns, interface: &str, folder: &Path, options: &Options) -> Command {
    let mut command = ns.command(options.kind.program());
    command.args(["-f", "-t", "30", "-T", "1", "-A", "1", "-O", "router", "-i", interface]);
    command.arg("-s").arg(folder.join("script"));
    if let Some(address) = options.request {
        command.arg("-r").arg(address.to_string());
    }
    if options.probe {
        command.arg("-a500");
    }
    if options.broadcast {
        command.arg("-B");
    }
    command
}
