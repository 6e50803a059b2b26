//! Lease file clean-up: the files appear and vanish as Kea's do, and a crash at any step loses
//! nothing.

use std::fs;

use e2e::leases::wall_clock;
use e2e::prelude::*;
use e2e::server::START;

/// The header that every release since 1.8 reads.
const HEADER: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,\
    fqdn_fwd,fqdn_rev,hostname,state,user_context";

/// A lease of a client (`02:00:00:00:01:NN`) for an hour; lifetime 0 deletes.
fn row(last: u8, client: u8, lifetime: u32) -> String {
    let expire = wall_clock() + 3600;
    format!("192.0.2.{last},02:00:00:00:01:{client:02x},,{lifetime},{expire},1,0,0,,0,\n")
}

/// Starts a server whose clean-up runs every so many seconds.
fn start(net: &Net, interval: u32) -> Server {
    let config = Config::new(net.path()).lease_database(&format!("\"lfc-interval\": {interval}"));
    Server::start_with_lfc(net, &config)
}

#[test]
fn clean_up_compacts_the_rows_and_leaves_only_the_result() {
    let net = Net::pair();
    let server = start(&net, 1);
    let mut peer = Peer::new(&net.client);
    let ack = peer.acquire();
    let again = peer.request_for(&ack.dhcp);
    for _ in 0..20 {
        peer.ask(&again).expect("an answer");
    }
    let files = server.leases();
    wait::until(wait::secs(10), "all rows are in the compacted file", || {
        files.exists(".2") && files.rows("").is_empty() && !files.exists(".1")
    });
    wait::until(wait::secs(5), "the files of the run are gone", || {
        [".1", ".completed", ".output", ".pid"].iter().all(|suffix| !files.exists(suffix))
    });
    assert_eq!(files.rows(".2").len(), 1);
    assert!(files.lease(ack.dhcp.yiaddr).is_some());
    server.kill();
    let server = start(&net, 0);
    assert_eq!(peer.acquire().dhcp.yiaddr, ack.dhcp.yiaddr);
    drop(server);
}

#[test]
fn leases_granted_during_many_clean_ups_all_survive() {
    let net = Net::pair();
    let server = start(&net, 1);
    let mut peer = Peer::new(&net.client);
    let mut held = Vec::new();
    let begin = Instant::now();
    let mut number = 0;
    while begin.elapsed() < wait::secs(4) && number < 90 {
        peer.become_client(number);
        held.push((number, peer.acquire().dhcp.yiaddr));
        number += 1;
        std::thread::sleep(Duration::from_millis(30));
    }
    server.kill();
    // A run that was cut off is finished by nobody: the files must serve as they are.
    let pid = LeaseFiles::new(&net.path().join("leases4.csv"));
    wait::until(wait::secs(10), "the clean-up in progress ends", || !pid.exists(".pid"));
    let server = start(&net, 0);
    let current = server.leases().current();
    for (number, address) in held {
        let row = current.get(&address).unwrap_or_else(|| panic!("{address} is lost"));
        assert_eq!(row["hwaddr"], format!("02:00:00:00:01:{number:02x}"));
    }
}

#[test]
fn previous_and_copied_file_are_loaded_in_order() {
    let net = Net::pair();
    let files = LeaseFiles::new(&net.path().join("leases4.csv"));
    fs::write(files.path(".2"), format!("{HEADER}\n{}{}", row(110, 1, 3600), row(120, 2, 3600)))
        .unwrap();
    fs::write(files.path(".1"), format!("{HEADER}\n{}{}", row(110, 1, 0), row(130, 3, 3600)))
        .unwrap();
    fs::write(files.path(""), format!("{HEADER}\n{}", row(140, 4, 3600))).unwrap();
    let server = start(&net, 0);
    let mut peer = Peer::new(&net.client);
    for (client, last) in [(2, 120), (3, 130), (4, 140)] {
        peer.become_client(client);
        assert_eq!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, last));
    }
    peer.become_client(1);
    assert_ne!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 110), "deleted in the copy");
    drop(server);
}

#[test]
fn completed_file_takes_the_place_of_its_sources() {
    let net = Net::pair();
    let files = LeaseFiles::new(&net.path().join("leases4.csv"));
    fs::write(files.path(".2"), format!("{HEADER}\n{}", row(110, 1, 3600))).unwrap();
    fs::write(files.path(".1"), format!("{HEADER}\n{}", row(110, 1, 0))).unwrap();
    fs::write(files.path(".completed"), format!("{HEADER}\n{}", row(120, 2, 3600))).unwrap();
    fs::write(files.path(""), format!("{HEADER}\n{}", row(140, 4, 3600))).unwrap();
    let server = start(&net, 1);
    let mut peer = Peer::new(&net.client);
    for (client, last) in [(2, 120), (4, 140)] {
        peer.become_client(client);
        assert_eq!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, last));
    }
    wait::until(wait::secs(10), "the earlier run is finished", || {
        files.exists(".2") && !files.exists(".completed") && !files.exists(".1")
    });
    assert!(files.lease(Ipv4Addr::new(192, 0, 2, 120)).is_some());
    assert!(files.lease(Ipv4Addr::new(192, 0, 2, 110)).is_none());
    drop(server);
}

#[test]
fn half_written_output_of_a_crashed_clean_up_is_ignored() {
    let net = Net::pair();
    let files = LeaseFiles::new(&net.path().join("leases4.csv"));
    fs::write(files.path(".1"), format!("{HEADER}\n{}", row(130, 3, 3600))).unwrap();
    fs::write(files.path(".output"), format!("{HEADER}\n{}", row(150, 5, 3600))).unwrap();
    fs::write(files.path(".pid"), "4194304\n").unwrap();
    let server = start(&net, 1);
    let mut peer = Peer::new(&net.client);
    peer.become_client(3);
    assert_eq!(peer.acquire().dhcp.yiaddr, Ipv4Addr::new(192, 0, 2, 130));
    wait::until(wait::secs(10), "the run is done again", || {
        files.exists(".2") && !files.exists(".1")
    });
    assert!(files.lease(Ipv4Addr::new(192, 0, 2, 130)).is_some());
    assert!(files.lease(Ipv4Addr::new(192, 0, 2, 150)).is_none());
    drop(server);
}

#[test]
fn server_does_not_start_while_a_clean_up_runs() {
    let net = Net::pair();
    let files = LeaseFiles::new(&net.path().join("leases4.csv"));
    fs::write(files.path(".pid"), format!("{}\n", std::process::id())).unwrap();
    let mut server = Server::spawn(&net.server, net.path(), &Config::new(net.path()));
    assert_eq!(server.process.wait_end(START).code(), Some(1));
    assert!(server.log().contains("clean"), "the log says why");
}
