//! Reconfigurations that touch the lease database or the number of workers: all or nothing.

use std::fs;

use e2e::prelude::*;

const SUCCESS: &str = "dynamic server reconfiguration succeeded with file";

fn workers(count: u32) -> String {
    format!(
        "\"multi-threading\": {{ \"enable-multi-threading\": true, \"thread-pool-size\": {count} }}"
    )
}

#[test]
fn settings_of_the_same_lease_file_change_while_a_clean_up_runs() {
    let net = Net::pair();
    let config = Config::new(net.path());
    let mut server = Server::start(&net, &config);
    let mut peer = Peer::new(&net.client);
    let address = peer.acquire().dhcp.yiaddr;
    let files = LeaseFiles::new(&net.path().join("leases4.csv"));
    fs::write(files.path(".pid"), format!("{}\n", std::process::id())).expect("written");
    let mut other = config.lease_database("\"durability\": \"kernel\"");
    // Another spelling of the same name.
    other.lease_file = Some(
        net.path().join("../").join(net.path().file_name().expect("a name")).join("leases4.csv"),
    );
    server.reload(&other);
    server.wait_log(SUCCESS, wait::secs(5));
    assert_eq!(peer.discover().dhcp.yiaddr, address);
    peer.become_client(9);
    let second = peer.acquire().dhcp.yiaddr;
    assert!(files.lease(address).is_some() && files.lease(second).is_some());
}

#[test]
fn unusable_lease_file_leaves_everything_as_it_was() {
    let net = Net::pair();
    let config = Config::new(net.path());
    let mut server = Server::start(&net, &config);
    let mut peer = Peer::new(&net.client);
    let address = peer.acquire().dhcp.yiaddr;
    let mut other = config.clone().global(&workers(3));
    other.valid = 111;
    other.lease_file = Some("/proc/version/leases4.csv".into());
    server.reload(&other);
    server.wait_log("Failed to apply configuration", wait::secs(5));
    let offer = peer.discover().dhcp;
    assert_eq!((offer.yiaddr, offer.option_u32(opt::LEASE_TIME)), (address, Some(3600)));
    peer.become_client(9);
    let second = peer.acquire().dhcp.yiaddr;
    assert!(server.leases().lease(second).is_some());
}

#[test]
fn other_lease_file_and_number_of_workers_take_effect() {
    let net = Net::pair();
    let mut config = Config::new(net.path());
    let server = Server::start(&net, &config);
    let mut peer = Peer::new(&net.client);
    let address = peer.acquire().dhcp.yiaddr;
    for (round, count) in [3, 1, 2].into_iter().enumerate() {
        config.global = vec![workers(count)];
        server.reload(&config);
        server.wait_log_count(SUCCESS, round + 1, wait::secs(5));
        assert_eq!(peer.acquire().dhcp.yiaddr, address);
    }
    config.lease_file = Some(net.path().join("other.csv"));
    server.reload(&config);
    server.wait_log_count(SUCCESS, 4, wait::secs(5));
    let offer = peer.acquire().dhcp.yiaddr;
    let other = LeaseFiles::new(&net.path().join("other.csv"));
    assert!(other.lease(offer).is_some());
    assert!(server.stop().success());
}
