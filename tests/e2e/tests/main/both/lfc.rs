//! Lease file clean-up of either server: the files appear and vanish as Kea's do, and a crash at any step loses
//! nothing.

use std::fs;

use e2e::prelude::*;
use e2e::server::START;

use super::{address, client_mac, header_1_1, holder, lease_files, row_1_1};

/// The text of a lease file: for each lease the number of its address, of its client and the
/// lifetime, for an hour from now; lifetime 0 deletes.
fn text(family: Family, rows: &[(u8, u8, u32)]) -> String {
    let row = |&(number, client, lifetime): &(u8, u8, u32)| {
        row_1_1(address(family, number), client_mac(client), lifetime) + "\n"
    };
    format!("{}\n{}", header_1_1(family), rows.iter().map(row).collect::<String>())
}

/// Starts a server whose clean-up runs every so many seconds.
fn start(net: &Net, interval: u32) -> Server {
    let config =
        Config::of(net.family, net.path()).lease_database(&format!("\"lfc-interval\": {interval}"));
    Server::start_with_lfc(net, &config)
}

pub(crate) fn clean_up_compacts_the_rows_and_leaves_only_the_result(family: Family) {
    let net = Net::pair_of(family);
    let server = start(&net, 1);
    let mut peer = EitherPeer::new(&net);
    let given = peer.acquire();
    for _ in 0..20 {
        assert_eq!(peer.acquire(), given);
    }
    let files = server.leases();
    wait::until(wait::secs(10), "all rows are in the compacted file", || {
        files.exists(".2") && files.rows("").is_empty() && !files.exists(".1")
    });
    wait::until(wait::secs(5), "the files of the run are gone", || {
        [".1", ".completed", ".output", ".pid"].iter().all(|suffix| !files.exists(suffix))
    });
    assert_eq!(files.rows(".2").len(), 1);
    assert!(files.current_any().contains_key(&given));
    server.kill();
    let server = start(&net, 0);
    assert_eq!(peer.acquire(), given);
    drop(server);
}

pub(crate) fn leases_granted_during_many_clean_ups_all_survive(family: Family) {
    let net = Net::pair_of(family);
    let server = start(&net, 1);
    let mut peer = EitherPeer::new(&net);
    let mut held = Vec::new();
    let begin = Instant::now();
    let mut number = 0;
    while begin.elapsed() < wait::secs(4) && number < 90 {
        peer.become_client(number);
        held.push((number, peer.acquire()));
        number += 1;
        std::thread::sleep(Duration::from_millis(30));
    }
    server.kill();
    // A run that was cut off is finished by nobody: the files must serve as they are.
    let pid = lease_files(&net);
    wait::until(wait::secs(10), "the clean-up in progress ends", || !pid.exists(".pid"));
    let server = start(&net, 0);
    let current = server.leases().current_any();
    for (number, address) in held {
        let row = current.get(&address).unwrap_or_else(|| panic!("{address} is lost"));
        let mac = e2e::net::mac_text(client_mac(number));
        assert!(holder(family, row).ends_with(&mac), "{row:?}");
    }
}

pub(crate) fn previous_and_copied_file_are_loaded_in_order(family: Family) {
    let net = Net::pair_of(family);
    let files = lease_files(&net);
    fs::write(files.path(".2"), text(family, &[(10, 1, 3600), (20, 2, 3600)])).unwrap();
    fs::write(files.path(".1"), text(family, &[(10, 1, 0), (30, 3, 3600)])).unwrap();
    fs::write(files.path(""), text(family, &[(40, 4, 3600)])).unwrap();
    let server = start(&net, 0);
    let mut peer = EitherPeer::new(&net);
    for (client, last) in [(2, 20), (3, 30), (4, 40)] {
        peer.become_client(client);
        assert_eq!(peer.acquire(), address(family, last));
    }
    peer.become_client(1);
    assert_ne!(peer.acquire(), address(family, 10), "deleted in the copy");
    drop(server);
}

pub(crate) fn completed_file_takes_the_place_of_its_sources(family: Family) {
    let net = Net::pair_of(family);
    let files = lease_files(&net);
    fs::write(files.path(".2"), text(family, &[(10, 1, 3600)])).unwrap();
    fs::write(files.path(".1"), text(family, &[(10, 1, 0)])).unwrap();
    fs::write(files.path(".completed"), text(family, &[(20, 2, 3600)])).unwrap();
    fs::write(files.path(""), text(family, &[(40, 4, 3600)])).unwrap();
    let server = start(&net, 1);
    let mut peer = EitherPeer::new(&net);
    for (client, last) in [(2, 20), (4, 40)] {
        peer.become_client(client);
        assert_eq!(peer.acquire(), address(family, last));
    }
    wait::until(wait::secs(10), "the earlier run is finished", || {
        files.exists(".2") && !files.exists(".completed") && !files.exists(".1")
    });
    assert!(files.current_any().contains_key(&address(family, 20)));
    assert!(!files.current_any().contains_key(&address(family, 10)));
    drop(server);
}

pub(crate) fn half_written_output_of_a_crashed_clean_up_is_ignored(family: Family) {
    let net = Net::pair_of(family);
    let files = lease_files(&net);
    fs::write(files.path(".1"), text(family, &[(30, 3, 3600)])).unwrap();
    fs::write(files.path(".output"), text(family, &[(50, 5, 3600)])).unwrap();
    fs::write(files.path(".pid"), "4194304\n").unwrap();
    let server = start(&net, 1);
    let mut peer = EitherPeer::new(&net);
    peer.become_client(3);
    assert_eq!(peer.acquire(), address(family, 30));
    wait::until(wait::secs(10), "the run is done again", || {
        files.exists(".2") && !files.exists(".1")
    });
    assert!(files.current_any().contains_key(&address(family, 30)));
    assert!(!files.current_any().contains_key(&address(family, 50)));
    drop(server);
}

pub(crate) fn server_does_not_start_while_a_clean_up_runs(family: Family) {
    let net = Net::pair_of(family);
    let files = lease_files(&net);
    fs::write(files.path(".pid"), format!("{}\n", std::process::id())).unwrap();
    let mut server = Server::spawn(&net.server, net.path(), &Config::of(net.family, net.path()));
    assert_eq!(server.process.wait_end(START).code(), Some(1));
    assert!(server.log().contains("clean"), "the log says why");
}
