//! Time passing over leases: expiry, reclamation, decline probation.

use e2e::net::SERVER;
use e2e::prelude::*;

/// A server with one address to give, leases of two seconds and reclamation every second.
fn one_address(more: &str) -> (Net, Server, Peer) {
    let net = Net::pair();
    let mut config = Config::new(net.path());
    config.valid = 2;
    config.subnets = vec![pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.100", "")];
    let config = config.global(more).global(
        "\"expired-leases-processing\": { \"reclaim-timer-wait-time\": 1, \
         \"flush-reclaimed-timer-wait-time\": 1, \"hold-reclaimed-time\": 1 }",
    );
    let server = Server::start(&net, &config);
    let peer = Peer::new(&net.client);
    (net, server, peer)
}

/// The only address.
const ONLY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);

#[test]
fn expired_lease_is_reclaimed_and_then_removed() {
    let (_net, server, mut peer) = one_address("\"decline-probation-period\": 3");
    peer.acquire();
    wait::until(wait::secs(8), "the lease is reclaimed", || {
        server
            .leases()
            .rows("")
            .iter()
            .any(|row| row["state"] == "2" || row["valid_lifetime"] == "0")
    });
    wait::until(wait::secs(8), "the lease is removed", || server.leases().lease(ONLY).is_none());
}

#[test]
fn active_lease_is_not_given_to_another_client_and_an_expired_one_is() {
    let (_net, _server, mut peer) = one_address("\"decline-probation-period\": 3");
    peer.acquire();
    peer.become_client(8);
    let query = peer.query(Message::Discover);
    assert!(peer.ask_within(&query, Duration::from_millis(300)).is_none());
    let waited = peer.until_served(wait::secs(6));
    assert!(waited > Duration::from_secs(1), "two seconds have not passed yet");
    assert_eq!(peer.acquire().dhcp.yiaddr, ONLY);
}

#[test]
fn declined_address_comes_back_after_its_probation() {
    let (_net, server, mut peer) = one_address("\"decline-probation-period\": 3");
    peer.acquire();
    let decline = peer
        .query(Message::Decline)
        .with_address(opt::REQUESTED, ONLY)
        .with_address(opt::SERVER_ID, SERVER);
    peer.tell(&decline);
    wait::until(wait::secs(2), "the address is declined", || {
        server.leases().lease(ONLY).is_some_and(|row| row["state"] == "1")
    });
    let row = server.leases().lease(ONLY).expect("recorded");
    assert_eq!((row["hwaddr"].as_str(), row["client_id"].as_str()), ("", ""));
    assert_eq!(row["valid_lifetime"], "3");
    let declined = Instant::now();
    peer.become_client(8);
    peer.until_served(wait::secs(8));
    assert!(declined.elapsed() > Duration::from_secs(2), "probation is over too early");
    assert_eq!(peer.acquire().dhcp.yiaddr, ONLY);
}

#[test]
fn declined_address_stays_declined_over_a_restart() {
    let net = Net::pair();
    let mut config = Config::new(net.path());
    config.subnets = vec![pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.101", "")];
    let server = Server::start(&net, &config);
    let mut peer = Peer::new(&net.client);
    let address = peer.acquire().dhcp.yiaddr;
    let decline = peer
        .query(Message::Decline)
        .with_address(opt::REQUESTED, address)
        .with_address(opt::SERVER_ID, SERVER);
    peer.tell(&decline);
    wait::until(wait::secs(2), "the address is declined", || {
        server.leases().lease(address).is_some_and(|row| row["state"] == "1")
    });
    server.kill();
    let _server = Server::start(&net, &config);
    assert_ne!(peer.acquire().dhcp.yiaddr, address);
    peer.become_client(8);
    let query = peer.query(Message::Discover);
    assert!(peer.ask_within(&query, Duration::from_millis(300)).is_none(), "both are held");
}

#[test]
fn released_address_is_free_for_another_client_at_once() {
    let (_net, _server, mut peer) = one_address("\"decline-probation-period\": 3");
    peer.acquire();
    let release = peer.query(Message::Release).from_address(ONLY);
    let release = release.with_address(opt::SERVER_ID, SERVER);
    peer.tell_unicast(&release, ONLY, SERVER);
    let released = Instant::now();
    peer.become_client(8);
    peer.until_served(wait::secs(1));
    assert!(released.elapsed() < Duration::from_secs(1));
    assert_eq!(peer.acquire().dhcp.yiaddr, ONLY);
}
