//! Kea's own load generator as a peer, and many clients at once.

use e2e::load::Load;
use e2e::net::SERVER6;
use e2e::prelude::*;
use e2e::process::Running;

use super::served;

/// A server with room for many clients on the link.
fn roomy() -> (Net, Server) {
    let (net, server, _) = served(|config| {
        let prefixes = pd_pool("2001:db9::/32", 64);
        let unicast = format!("srv0/{SERVER6}");
        let pool = "2001:db8:1::1:0:0/96";
        let config = config.interfaces(&["srv0", &unicast]);
        config.subnets(vec![pool_subnet6(1, "2001:db8:1::/64", pool, &prefixes)])
    });
    (net, server)
}

/// Runs Debian's perfdhcp to its end; returns exit code and report.
fn perfdhcp(net: &Net, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = net.client.command("/usr/sbin/perfdhcp");
    // Answers to the last queries may take a while on a busy machine.
    command.args(["-6", "-d", "5", "-W", "1000000"]).args(arguments);
    command.args(["-l", "cli0", "all"]);
    let mut process = Running::start(&mut command, &net.path().join("perfdhcp.log"));
    let status = process.wait_end(wait::secs(60));
    (status.code(), process.text())
}

/// The sum of the values after a label, over all sections of a report.
fn sum(text: &str, label: &str) -> u32 {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix(label));
    lines.filter_map(|rest| rest.trim_start_matches(':').trim().parse::<u32>().ok()).sum()
}

/// Runs perfdhcp for addresses, prefixes or both and checks that nothing is lost.
fn without_a_drop(what: &str, per_client: usize) {
    let (net, server) = roomy();
    let arguments = ["-e", what, "-r", "100", "-n", "300", "-R", "100", "-f", "30"];
    let (code, report) = perfdhcp(&net, &arguments);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(sum(&report, "drops"), 0, "{report}");
    assert!(sum(&report, "received packets") > 600, "{report}");
    assert_eq!(server.leases().current6().len(), 100 * per_client);
}

#[test]
fn perfdhcp_takes_and_renews_addresses_without_a_drop() {
    without_a_drop("address-only", 1);
}

#[test]
fn perfdhcp_takes_and_renews_prefixes_without_a_drop() {
    without_a_drop("prefix-only", 1);
}

#[test]
fn perfdhcp_takes_and_renews_both_without_a_drop() {
    without_a_drop("address-and-prefix", 2);
}

#[test]
fn perfdhcp_releases_leases() {
    let (net, server) = roomy();
    let arguments = ["-e", "address-and-prefix", "-r", "100", "-n", "300", "-R", "100", "-F", "50"];
    let (_, report) = perfdhcp(&net, &arguments);
    assert_eq!(sum(&report, "drops"), 0, "{report}");
    let given_back = server.leases().rows("");
    assert!(given_back.iter().any(|row| row["valid_lifetime"] == "0" || row["state"] == "3"));
}

#[test]
fn perfdhcp_avalanche_of_clients_is_served() {
    let (net, server) = roomy();
    let (_, report) = perfdhcp(&net, &["--scenario", "avalanche", "-R", "400"]);
    assert_eq!(server.leases().current6().len(), 400, "{report}");
}

#[test]
fn every_reply_under_load_is_stored_and_unique() {
    let (net, server) = roomy();
    let relay = super::address(2);
    net.client.address("cli0", &format!("{relay}/64"));
    let load = Load::start(&net.client, relay, SERVER6, 0, 128);
    load.wait_seen(4000, wait::secs(20));
    let seen = load.stop();
    let stored = server.leases().current6();
    let mut clients = std::collections::HashMap::new();
    for seen in seen {
        assert_eq!(stored[&seen.address]["duid"], format!("00:03:00:01:{}", seen.mac_text()));
        let other = clients.insert(seen.address, seen.client);
        assert!(other.is_none_or(|other| other == seen.client), "{} was given twice", seen.address);
    }
}
