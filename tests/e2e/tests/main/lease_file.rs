//! The lease file: every known form loads, damage is tolerated and reported, nothing is lost.

use std::fs;

use e2e::leases::{HEADER_1_1, wall_clock};
use e2e::net::CLIENT_MAC;
use e2e::prelude::*;
use e2e::server::START;

/// Today's header.
const HEADER_TODAY: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,\
    fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id";

/// A row of the 1.1 form: the standard client holds the address for an hour from now.
fn row_1_1(address: &str) -> String {
    let mac = e2e::net::mac_text(CLIENT_MAC);
    format!("{address},{mac},,3600,{},1,0,0,,0", wall_clock() + 3600)
}

/// Starts a server on a lease file with this text.
fn started_on(text: &str) -> (Net, Server, Peer) {
    let net = Net::pair();
    let config = Config::new(net.path());
    fs::write(net.path().join("leases4.csv"), text).expect("lease file is written");
    let server = Server::start_with_lfc(&net, &config);
    let peer = Peer::new(&net.client);
    (net, server, peer)
}

#[test]
fn lease_file_of_kea_1_1_is_loaded_and_rewritten_in_todays_form() {
    let text = format!("{HEADER_1_1}\n{}\n", row_1_1("192.0.2.150"));
    let (_net, server, mut peer) = started_on(&text);
    assert_eq!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 150));
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
    assert!(server.leases().lease(Ipv4Addr::new(192, 0, 2, 150)).is_some());
}

#[test]
fn lease_file_of_today_is_loaded() {
    let text = format!("{HEADER_TODAY}\n{},,0\n", row_1_1("192.0.2.150"));
    let (_net, _server, mut peer) = started_on(&text);
    assert_eq!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 150));
}

#[test]
fn last_row_of_an_address_wins_and_lifetime_0_deletes() {
    let held = row_1_1("192.0.2.150");
    let deleted = held.replace(",3600,", ",0,");
    let text = format!("{HEADER_1_1}\n{held}\n{}\n{deleted}\n", row_1_1("192.0.2.160"));
    let (_net, _server, mut peer) = started_on(&text);
    assert_eq!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 160));
}

#[test]
fn torn_last_row_is_tolerated_and_never_joined_with_a_new_one() {
    let text = format!("{HEADER_TODAY}\n{},,0\n192.0.2.151,02:00:00", row_1_1("192.0.2.150"));
    let (net, server, mut peer) = started_on(&text);
    assert_eq!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 150));
    peer.become_client(3);
    let new = peer.acquire().dhcp.yiaddr;
    assert_eq!(
        server.leases().lease(new).expect("a row of its own")["hwaddr"],
        "02:00:00:00:01:03"
    );
    server.kill();
    let _server = Server::start(&net, &Config::new(net.path()));
    assert_eq!(peer.acquire().dhcp.yiaddr, new);
}

#[test]
fn corrupt_row_is_skipped_and_reported_with_its_line_number() {
    let good = row_1_1("192.0.2.150");
    let text = format!("{HEADER_TODAY}\n{good},,0\n192.0.2.300,zz,,x,y,1,0,0,,0,,0\n");
    let (_net, server, mut peer) = started_on(&text);
    assert_eq!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 150));
    let log = server.log();
    assert!(
        log.contains("leases4.csv:3") || log.contains("line 3") || log.contains("row 3"),
        "no line number in the log:\n{log}"
    );
}

#[test]
fn more_corrupt_rows_than_allowed_stop_the_start() {
    let net = Net::pair();
    let bad = "192.0.2.300,zz,,x,y,1,0,0,,0,,0\n".repeat(3);
    fs::write(net.path().join("leases4.csv"), format!("{HEADER_TODAY}\n{bad}")).expect("written");
    let config = Config::new(net.path()).lease_database("\"max-row-errors\": 2");
    let mut server = Server::spawn(&net.server, net.path(), &config);
    assert_eq!(server.process.wait_end(START).code(), Some(1));
}

#[test]
fn file_with_a_foreign_header_stops_the_start() {
    let net = Net::pair();
    let text = "name,street,town\nx,y,z\n";
    fs::write(net.path().join("leases4.csv"), text).expect("written");
    let mut server = Server::spawn(&net.server, net.path(), &Config::new(net.path()));
    assert_eq!(server.process.wait_end(START).code(), Some(1));
    assert_eq!(server.leases().text(""), text, "and stays as it was");
}

#[test]
fn nothing_is_written_without_persistence() {
    let net = Net::pair();
    let mut config = Config::new(net.path());
    config.lease_file = None;
    let _server = Server::start(&net, &config);
    Peer::new(&net.client).acquire();
    let files = fs::read_dir(net.path()).expect("the folder").flatten();
    let csv = files.filter(|entry| entry.path().to_string_lossy().contains(".csv")).count();
    assert_eq!(csv, 0);
}

#[test]
fn expired_leases_in_the_file_do_not_block_their_addresses() {
    let net = Net::pair();
    let past = wall_clock() - 10;
    let rows = format!("192.0.2.100,02:00:00:00:09:09,,3600,{past},1,0,0,,0,,0\n");
    fs::write(net.path().join("leases4.csv"), format!("{HEADER_TODAY}\n{rows}")).expect("written");
    let mut config = Config::new(net.path());
    config.subnets = vec![pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.100", "")];
    let _server = Server::start(&net, &config);
    assert_eq!(Peer::new(&net.client).acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 100));
}
