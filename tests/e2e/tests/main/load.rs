//! Kea's own load generator as a peer, and many clients at once.

use e2e::load::Load;
use e2e::net::SERVER;
use e2e::prelude::*;
use e2e::process::Running;

/// A server with room for many clients behind the relay address 192.0.2.2.
pub(super) fn roomy() -> (Net, Server) {
    let net = Net::pair();
    net.client.address("cli0", "192.0.2.2/24");
    let mut config = Config::new(net.path());
    config.severity = ("WARN", 0);
    config.subnets = vec![pool_subnet(
        1,
        "192.0.0.0/14",
        "192.1.0.0 - 192.3.255.255",
        "\"relay\": { \"ip-addresses\": [ \"192.0.2.2\" ] },",
    )];
    let server = Server::spawn(&net.server, net.path(), &config);
    Peer::new(&net.client).until_served(e2e::server::START);
    (net, server)
}

/// Runs Debian's perfdhcp to its end; returns exit code and report.
fn perfdhcp(net: &Net, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = net.client.command("/usr/sbin/perfdhcp");
    // Answers to the last queries may take a while on a busy machine.
    command.args(["-4", "-d", "5", "-W", "1000000"]).args(arguments).args([
        "-l",
        "192.0.2.2",
        "192.0.2.1",
    ]);
    let mut process = Running::start(&mut command, &net.path().join("perfdhcp.log"));
    let status = process.wait_end(wait::secs(60));
    (status.code(), process.text())
}

/// The sum of the values after a label, over all sections of a report.
pub(super) fn sum(text: &str, label: &str) -> u32 {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix(label));
    lines.filter_map(|rest| rest.trim_start_matches(':').trim().parse::<u32>().ok()).sum()
}

#[test]
fn perfdhcp_exchanges_and_renews_without_a_drop() {
    let (net, server) = roomy();
    let (code, report) = perfdhcp(&net, &["-r", "100", "-n", "300", "-R", "100", "-f", "30"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(sum(&report, "drops"), 0, "{report}");
    assert!(sum(&report, "received packets") > 600, "{report}");
    assert!(report.contains("(renewal)"), "{report}");
    assert_eq!(server.leases().current().len(), 100);
}

#[test]
fn perfdhcp_releases_leases() {
    let (net, server) = roomy();
    let (_, report) = perfdhcp(&net, &["-r", "100", "-n", "300", "-R", "100", "-F", "50"]);
    // It counts every release as a drop, for a release has no answer.
    let (before, releases) = report.split_once("RELEASE***").expect("a section on releases");
    assert_eq!(sum(before, "drops"), 0, "{report}");
    assert!(sum(releases, "sent packets") > 50, "{report}");
    let given_back = server.leases().rows("");
    assert!(given_back.iter().any(|row| row["valid_lifetime"] == "0" || row["state"] == "3"));
}

#[test]
fn perfdhcp_avalanche_of_clients_is_served() {
    let (net, server) = roomy();
    let (_, report) = perfdhcp(&net, &["--scenario", "avalanche", "-R", "400"]);
    assert_eq!(server.leases().current().len(), 400, "{report}");
}

#[test]
fn every_acknowledgement_under_load_is_stored_and_unique() {
    let (net, server) = roomy();
    let load = Load::start(&net.client, Ipv4Addr::new(192, 0, 2, 2), SERVER, 0, 128);
    load.wait_seen(2000, wait::secs(20));
    let seen = load.stop();
    let stored = server.leases().current();
    let mut clients = std::collections::HashMap::new();
    for seen in seen {
        assert_eq!(stored[&seen.address]["hwaddr"], seen.mac_text());
        let other = clients.insert(seen.address, seen.client);
        assert!(other.is_none_or(|other| other == seen.client), "{} was given twice", seen.address);
    }
}
