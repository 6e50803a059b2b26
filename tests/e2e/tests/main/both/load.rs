//! Kea's own load generator as a peer of either server, and many clients at once.

use std::collections::HashMap;

use e2e::load::{Load, Seen};
use e2e::perfdhcp::Report;
use e2e::prelude::*;

use super::{as_relay, holder, roomy};

/// A server with room for many clients that says little.
pub(crate) fn busy(family: Family) -> (Net, Server, std::net::IpAddr) {
    let net = Net::pair_of(family);
    let relay = as_relay(&net);
    let config = Config { severity: ("WARN", 0), ..roomy(&net) };
    let server = Server::spawn(&net.server, net.path(), &config);
    EitherPeer::new(&net).until_served(e2e::server::START);
    (net, server, relay)
}

pub(crate) fn perfdhcp_avalanche_of_clients_is_served(family: Family) {
    let (net, server, _) = busy(family);
    let report = Report::of(&net, &["--scenario", "avalanche", "-R", "400"]);
    assert_eq!(server.leases().current_any().len(), 400, "{}", report.text);
}

pub(crate) fn every_acknowledgement_under_load_is_stored_and_unique(family: Family) {
    let (net, server, relay) = busy(family);
    let load = Load::start(&net.client, relay, Net::server_address(family), 0, 128);
    load.wait_seen(2000, wait::secs(20));
    let seen: Vec<Seen<std::net::IpAddr>> = load.stop();
    let stored = server.leases().current_any();
    let mut clients = HashMap::new();
    for seen in seen {
        assert!(holder(family, &stored[&seen.address]).ends_with(&seen.mac_text()));
        let other = clients.insert(seen.address, seen.client);
        assert!(other.is_none_or(|other| other == seen.client), "{} was given twice", seen.address);
    }
}
