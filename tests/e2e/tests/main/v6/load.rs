//! Kea's own load generator as a peer, and many clients at once.

use e2e::family::Family;
use e2e::perfdhcp::Report;

use crate::main::both::load::busy;

crate::main::both::claims! { V6, load:
    perfdhcp_avalanche_of_clients_is_served
    every_acknowledgement_under_load_is_stored_and_unique
}

/// Runs perfdhcp for addresses, prefixes or both and checks that nothing is lost.
fn without_a_drop(what: &str, per_client: usize) {
    let (net, server, _) = busy(Family::V6);
    let arguments = ["-e", what, "-r", "100", "-n", "300", "-R", "100", "-f", "30"];
    let report = Report::of(&net, &arguments);
    assert_eq!(report.code, Some(0), "{}", report.text);
    assert_eq!(report.sum("drops"), 0, "{}", report.text);
    assert!(report.sum("received packets") > 600, "{}", report.text);
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
    let (net, server, _) = busy(Family::V6);
    let arguments = ["-e", "address-and-prefix", "-r", "100", "-n", "300", "-R", "100", "-F", "50"];
    let report = Report::of(&net, &arguments);
    assert_eq!(report.sum("drops"), 0, "{}", report.text);
    let given_back = server.leases().rows("");
    assert!(given_back.iter().any(|row| row["valid_lifetime"] == "0" || row["state"] == "3"));
}
