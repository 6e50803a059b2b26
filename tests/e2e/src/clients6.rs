//! What the clients of [`crate::clients`] need to speak DHCPv6: command lines, configuration files
//! and the script.
//!
//! The script sets addresses for the client that leaves it to its script, waits for the end of
//! duplicate address detection and refuses an address that somebody else has; it notes each
//! address and prefix (`BOUND6 2001:db8::7`, `PREFIX 2001:db8::/56`).

use std::fs;
use std::net::Ipv6Addr;
use std::path::Path;
use std::process::Command;

use crate::clients::{Kind, dhclient, dhcpcd, networkd, readable};
use crate::net::Ns;
use crate::process::run_any;

/// What a client asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wants6 {
    /// An address.
    Address,
    /// An address and a prefix.
    Both,
    /// A prefix.
    Prefix,
    /// A temporary address (dhclient).
    Temporary,
}

impl Wants6 {
    /// True when an address is asked for.
    pub fn address(self) -> bool {
        matches!(self, Self::Address | Self::Both)
    }

    /// True when a prefix is asked for.
    pub fn prefix(self) -> bool {
        matches!(self, Self::Prefix | Self::Both)
    }

    pub(crate) fn dhclient_flags(self) -> &'static [&'static str] {
        match self {
            Self::Address => &["-6", "-N"],
            Self::Both => &["-6", "-N", "-P"],
            Self::Prefix => &["-6", "-P"],
            Self::Temporary => &["-6", "-T"],
        }
    }
}

/// The command that starts a client.
pub(crate) fn command(
    ns: &Ns,
    interface: &str,
    folder: &Path,
    kind: Kind,
    wants: Wants6,
) -> Command {
    write_script(folder);
    match kind {
        Kind::Dhcp6c => dhcp6c(ns, interface, folder, wants),
        Kind::Dhclient => dhclient(ns, interface, folder, wants.dhclient_flags()),
        Kind::Dhcpcd => {
            let address = if wants.address() { "ia_na 1\n" } else { "" };
            let prefix = if wants.prefix() { "ia_pd 2\n" } else { "" };
            let text =
                format!("ipv6only\nnoipv6rs\nduid\ninterface {interface}\n{address}{prefix}");
            dhcpcd(ns, interface, folder, "-6", &text)
        }
        Kind::Dibbler => dibbler(ns, interface, folder, wants),
        Kind::Networkd => {
            let yes_no = |wanted| if wanted { "yes" } else { "no" };
            let text = format!(
                "[Network]\nDHCP=ipv6\nLinkLocalAddressing=ipv6\nIPv6AcceptRA=no\n[DHCPv6]\n\
                 WithoutRA=solicit\nDUIDType=link-layer\nUseDNS=no\nUseAddress={}\n\
                 UseDelegatedPrefix={}\n",
                yes_no(wants.address()),
                yes_no(wants.prefix())
            );
            networkd(ns, interface, folder, &text)
        }
        Kind::Udhcpc => panic!("busybox has another client for IPv6"),
    }
}

/// The prefix that a client has been delegated, by its own account.
pub(crate) fn prefix(ns: &Ns, kind: Kind, events: &str, log: &str) -> Option<(Ipv6Addr, u8)> {
    let text = match kind {
        // It tells its script nothing; it numbers another interface from the prefix.
        Kind::Dhcp6c => {
            let [a, b, c, d, ..] = ns.first_address6("lan0")?.segments();
            format!("{}/56", Ipv6Addr::new(a, b, c, d & 0xff00, 0, 0, 0, 0))
        }
        Kind::Networkd => last_after(log, "received delegated prefix ")?,
        _ => last_after(events, "PREFIX ")?,
    };
    let (address, length) = text.split_once('/')?;
    Some((address.parse().ok()?, length.parse().ok()?))
}

/// The word after the last occurrence of a label.
fn last_after(text: &str, label: &str) -> Option<String> {
    let (_, after) = text.rsplit_once(label)?;
    after.split_whitespace().next().map(str::to_owned)
}

/// Writes the script that the client runs at events; variables of dhclient, dhcpcd and dibbler are
/// understood. Status 3 makes dhclient decline the address.
fn write_script(folder: &Path) {
    let path = folder.join("script");
    let text = format!(
        r#"#!/bin/sh
here={}
reason=${{reason:-$2}}
address=${{new_ip6_address:-${{new_dhcp6_ia_na1_ia_addr1:-$ADDR1}}}}
prefix=$new_ip6_prefix
[ -z "$new_dhcp6_ia_pd1_prefix1" ] ||
    prefix=$new_dhcp6_ia_pd1_prefix1/$new_dhcp6_ia_pd1_prefix1_length
[ -z "$PREFIX1" ] || prefix=$PREFIX1/$PREFIX1LEN
case $reason in
BOUND6|RENEW6|REBIND6)
    if [ -n "$new_ip6_address" ]; then
        ip -6 addr replace $address/${{new_ip6_prefixlen:-128}} dev $interface
        while ip -6 addr show dev $interface tentative -dadfailed | grep -q "$address/"; do
            sleep 0.05
        done
        if ip -6 addr show dev $interface dadfailed | grep -q "$address/"; then
            ip -6 addr del $address/${{new_ip6_prefixlen:-128}} dev $interface
            echo "INUSE $address" >> $here/events
            exit 3
        fi
    fi ;;
EXPIRE6|RELEASE6|STOP6)
    ip -6 addr flush dev $interface scope global ;;
esac
[ -z "$address" ] || echo "$reason $address" >> $here/events
[ -z "$prefix" ] || echo "PREFIX $prefix" >> $here/events
exit 0
"#,
        folder.display()
    );
    fs::write(&path, text).expect("script is written");
    readable(&path, 0o755);
}

/// A shell command that starts a program with its fixed folders in private places: each of
/// `state` (below `/var/lib`) keeps its files in the client's folder, the others are empty.
fn in_private_folders(ns: &Ns, folder: &Path, state: &str, more: &str) -> Command {
    let kept = folder.join("state");
    fs::create_dir_all(&kept).expect("state folder");
    let start = format!(
        "mount -t tmpfs none /run && mount --bind {} /mnt && mount -t tmpfs none /var/lib && \
         mkdir /var/lib/{state} && mount --bind /mnt /var/lib/{state} && {more}",
        kept.display()
    );
    let mut command = ns.command("unshare");
    command.args(["-m", "sh", "-c", &start]);
    command
}

fn dhcp6c(ns: &Ns, interface: &str, folder: &Path, wants: Wants6) -> Command {
    let mut text = format!("interface {interface} {{\n");
    let mut associations = String::new();
    if wants.address() {
        text += "send ia-na 0;\n";
        associations += "id-assoc na 0 { };\n";
    }
    if wants.prefix() {
        text += "send ia-pd 0;\n";
        associations +=
            "id-assoc pd 0 { prefix-interface lan0 { sla-id 1; sla-len 8; ifid 1; }; };\n";
        // There already when the client has run here before.
        let words = ["ip", "-n", ns.name(), "link", "add", "lan0", "type", "veth", "peer", "lan1"];
        run_any(&words);
        ns.ip("link set lan1 up");
        ns.ip("link set lan0 up");
    }
    let config = folder.join("dhcp6c.conf");
    fs::write(&config, format!("{text}}};\n{associations}")).expect("dhcp6c.conf is written");
    let start = format!(
        "exec dhcp6c -f -D -c {} -p {} {interface}",
        config.display(),
        folder.join("pid").display()
    );
    in_private_folders(ns, folder, "dhcpv6", &start)
}

fn dibbler(ns: &Ns, interface: &str, folder: &Path, wants: Wants6) -> Command {
    let address = if wants.address() { "ia\n" } else { "" };
    let prefix = if wants.prefix() { "pd\n" } else { "" };
    let script = folder.join("script");
    let text = format!(
        "log-level 8\nscript \"{}\"\niface {interface} {{\n{address}{prefix}}}\n",
        script.display()
    );
    let etc = folder.join("etc");
    fs::create_dir_all(&etc).expect("configuration folder");
    fs::write(etc.join("client.conf"), text).expect("client.conf is written");
    let start = format!(
        "mount --bind {} /etc/dibbler && mount -t tmpfs none /var/log && mkdir /var/log/dibbler \
         /run/dibbler && exec dibbler-client run",
        etc.display()
    );
    in_private_folders(ns, folder, "dibbler", &start)
}
