//! Kea's own load generator as a peer, and many clients at once.

use e2e::family::Family;
use e2e::perfdhcp::{Report, sum};

use super::both::load::busy;

super::both::claims! { V4, load:
    perfdhcp_avalanche_of_clients_is_served
    every_acknowledgement_under_load_is_stored_and_unique
}

#[test]
fn perfdhcp_exchanges_and_renews_without_a_drop() {
    let (net, server, _) = busy(Family::V4);
    let report = Report::of(&net, &["-r", "100", "-n", "300", "-R", "100", "-f", "30"]);
    assert_eq!(report.code, Some(0), "{}", report.text);
    assert_eq!(report.sum("drops"), 0, "{}", report.text);
    assert!(report.sum("received packets") > 600, "{}", report.text);
    assert!(report.text.contains("(renewal)"), "{}", report.text);
    assert_eq!(server.leases().current().len(), 100);
}

#[test]
fn perfdhcp_releases_leases() {
    let (net, server, _) = busy(Family::V4);
    let report = Report::of(&net, &["-r", "100", "-n", "300", "-R", "100", "-F", "50"]).text;
    // It counts every release as a drop, for a release has no answer.
    let (before, releases) = report.split_once("RELEASE***").expect("a section on releases");
    assert_eq!(sum(before, "drops"), 0, "{report}");
    assert!(sum(releases, "sent packets") > 50, "{report}");
    let given_back = server.leases().rows("");
    assert!(given_back.iter().any(|row| row["valid_lifetime"] == "0" || row["state"] == "3"));
}
