//! The lease file of either server: every known form loads, damage is tolerated and reported,
//! nothing is lost.

use std::fs;

use e2e::leases::wall_clock;
use e2e::net::CLIENT_MAC;
use e2e::prelude::*;
use e2e::server::START;

use super::{
    address, columns_of_today, header_1_1, holder, lease_files, row_1_1, row_until, subnet,
};

/// A row of the 1.1 form: the standard client holds the address with that number for an hour from
/// now.
fn row(family: Family, number: u8) -> String {
    row_1_1(address(family, number), CLIENT_MAC, 3600)
}

/// A row whose address and times are none.
fn corrupt(family: Family) -> String {
    let good = row(family, 77);
    good.replacen("192.0.2.177", "192.0.2.300", 1).replacen("db8:1:", "db8:xyz:", 1)
}

/// The text of a file in today's form.
fn today(family: Family, rows: &[String]) -> String {
    let (columns, values) = columns_of_today(family);
    let rows: String = rows.iter().map(|row| format!("{row}{values}\n")).collect();
    format!("{}{columns}\n{rows}", header_1_1(family))
}

/// Starts a server on a lease file with this text.
fn started_on(family: Family, text: &str) -> (Net, Server, EitherPeer) {
    let net = Net::pair_of(family);
    let config = Config::of(net.family, net.path());
    fs::write(lease_files(&net).path(""), text).expect("lease file is written");
    let server = Server::start_with_lfc(&net, &config);
    let peer = EitherPeer::new(&net);
    (net, server, peer)
}

pub(crate) fn lease_file_of_kea_1_1_is_loaded_and_rewritten_in_todays_form(family: Family) {
    let text = format!("{}\n{}\n", header_1_1(family), row(family, 50));
    let (_net, server, mut peer) = started_on(family, &text);
    assert_eq!(peer.acquire(), address(family, 50));
    let upgraded = |suffix: &str| {
        server
            .leases()
            .text(suffix)
            .lines()
            .next()
            .is_some_and(|header| header.contains("user_context"))
    };
    wait::until(wait::secs(10), "the file is rewritten", || upgraded("") || upgraded(".2"));
    wait::until(wait::secs(10), "the clean-up ends", || !server.leases().exists(".1"));
    assert!(server.leases().current_any().contains_key(&address(family, 50)));
}

pub(crate) fn lease_file_of_today_is_loaded(family: Family) {
    let text = today(family, &[row(family, 50)]);
    let (_net, _server, mut peer) = started_on(family, &text);
    assert_eq!(peer.acquire(), address(family, 50));
}

pub(crate) fn last_row_of_an_address_wins_and_lifetime_0_deletes(family: Family) {
    let held = row(family, 50);
    let deleted = row_1_1(address(family, 50), CLIENT_MAC, 0);
    let rows = [held, row(family, 60), deleted];
    let text = format!("{}\n{}\n", header_1_1(family), rows.join("\n"));
    let (_net, _server, mut peer) = started_on(family, &text);
    assert_eq!(peer.acquire(), address(family, 60));
}

pub(crate) fn torn_last_row_is_tolerated_and_never_joined_with_a_new_one(family: Family) {
    let text = today(family, &[row(family, 50)]);
    let text = format!("{text}{},02:00:00", address(family, 51));
    let (net, server, mut peer) = started_on(family, &text);
    assert_eq!(peer.acquire(), address(family, 50));
    peer.become_client(3);
    let new = peer.acquire();
    let current = server.leases().current_any();
    let row = current.get(&new).expect("a row of its own");
    assert!(holder(family, row).ends_with("02:00:00:00:01:03"), "{row:?}");
    server.kill();
    let _server = Server::start(&net, &Config::of(net.family, net.path()));
    assert_eq!(peer.acquire(), new);
}

pub(crate) fn corrupt_row_is_skipped_and_reported_with_its_line_number(family: Family) {
    let text = today(family, &[row(family, 50), corrupt(family)]);
    let (_net, server, mut peer) = started_on(family, &text);
    assert_eq!(peer.acquire(), address(family, 50));
    let log = server.log();
    assert!(
        log.contains(".csv:3") || log.contains("line 3") || log.contains("row 3"),
        "no line number in the log:\n{log}"
    );
}

pub(crate) fn more_corrupt_rows_than_allowed_stop_the_start(family: Family) {
    let net = Net::pair_of(family);
    let text = today(family, &[(); 3].map(|()| corrupt(family)));
    fs::write(lease_files(&net).path(""), text).expect("written");
    let config = Config::of(net.family, net.path()).lease_database("\"max-row-errors\": 2");
    let mut server = Server::spawn(&net.server, net.path(), &config);
    assert_eq!(server.process.wait_end(START).code(), Some(1));
}

pub(crate) fn file_with_a_foreign_header_stops_the_start(family: Family) {
    let net = Net::pair_of(family);
    let text = "name,street,town\nx,y,z\n";
    fs::write(lease_files(&net).path(""), text).expect("written");
    let mut server = Server::spawn(&net.server, net.path(), &Config::of(net.family, net.path()));
    assert_eq!(server.process.wait_end(START).code(), Some(1));
    assert_eq!(server.leases().text(""), text, "and stays as it was");
}

pub(crate) fn nothing_is_written_without_persistence(family: Family) {
    let net = Net::pair_of(family);
    let mut config = Config::of(net.family, net.path());
    config.lease_file = None;
    let _server = Server::start(&net, &config);
    EitherPeer::new(&net).acquire();
    let files = fs::read_dir(net.path()).expect("the folder").flatten();
    let csv = files.filter(|entry| entry.path().to_string_lossy().contains(".csv")).count();
    assert_eq!(csv, 0);
}

pub(crate) fn expired_leases_in_the_file_do_not_block_their_addresses(family: Family) {
    let net = Net::pair_of(family);
    let past = wall_clock() - 10;
    let row = row_until(address(family, 0), [2, 0, 0, 0, 9, 9], 3600, past);
    fs::write(lease_files(&net).path(""), today(family, &[row])).expect("written");
    let mut config = Config::of(net.family, net.path());
    config.subnets = vec![subnet(family, 0, 0)];
    let _server = Server::start(&net, &config);
    assert_eq!(EitherPeer::new(&net).acquire(), address(family, 0));
}
