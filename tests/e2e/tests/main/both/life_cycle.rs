//! Time passing over leases of either server: expiry, reclamation, decline probation.

use e2e::prelude::*;

use super::{address, holder, subnet};

/// A server with one address to give, leases of two seconds and reclamation every second.
fn one_address(family: Family) -> (Net, Server, EitherPeer) {
    let net = Net::pair_of(family);
    let mut config = Config::of(family, net.path()).times(2, 1, 2);
    config.subnets = vec![subnet(family, 0, 0)];
    let config = config.global("\"decline-probation-period\": 3").global(
        "\"expired-leases-processing\": { \"reclaim-timer-wait-time\": 1, \
         \"flush-reclaimed-timer-wait-time\": 1, \"hold-reclaimed-time\": 1 }",
    );
    let server = Server::start(&net, &config);
    let peer = EitherPeer::new(&net);
    (net, server, peer)
}

/// Waits until an address is declined.
#[track_caller]
fn wait_declined(server: &Server, address: std::net::IpAddr) {
    wait::until(wait::secs(2), "the address is declined", || {
        server.leases().current_any().get(&address).is_some_and(|row| row["state"] == "1")
    });
}

pub(crate) fn expired_lease_is_reclaimed_and_then_removed(family: Family) {
    let (_net, server, mut peer) = one_address(family);
    let only = peer.acquire();
    wait::until(wait::secs(8), "the lease is reclaimed", || {
        server
            .leases()
            .rows("")
            .iter()
            .any(|row| row["state"] == "2" || row["valid_lifetime"] == "0")
    });
    wait::until(wait::secs(8), "the lease is removed", || {
        !server.leases().current_any().contains_key(&only)
    });
}

pub(crate) fn active_lease_is_not_given_to_another_client_and_an_expired_one_is(family: Family) {
    let (_net, _server, mut peer) = one_address(family);
    let only = peer.acquire();
    peer.become_client(8);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)));
    let waited = peer.until_offered_an_address(wait::secs(6));
    assert!(waited > Duration::from_secs(1), "two seconds have not passed yet");
    assert_eq!(peer.acquire(), only);
}

pub(crate) fn declined_address_comes_back_after_its_probation(family: Family) {
    let (_net, server, mut peer) = one_address(family);
    let only = peer.acquire();
    peer.decline();
    wait_declined(&server, only);
    let current = server.leases().current_any();
    let row = current.get(&only).expect("recorded");
    match family {
        Family::V4 => assert_eq!((holder(family, row), row["client_id"].as_str()), ("", "")),
        Family::V6 => assert_eq!(holder(family, row), "00"),
    }
    assert_eq!(row["valid_lifetime"], "3");
    let declined = Instant::now();
    peer.become_client(8);
    peer.until_offered_an_address(wait::secs(8));
    assert!(declined.elapsed() > Duration::from_secs(2), "probation is over too early");
    assert_eq!(peer.acquire(), only);
}

pub(crate) fn declined_address_stays_declined_over_a_restart(family: Family) {
    let net = Net::pair_of(family);
    let mut config = Config::of(family, net.path());
    config.subnets = vec![subnet(family, 0, 1)];
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let declined = peer.acquire();
    peer.decline();
    wait_declined(&server, declined);
    server.kill();
    let _server = Server::start(&net, &config);
    assert_ne!(peer.acquire(), declined);
    peer.become_client(8);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "both are held");
}

pub(crate) fn released_address_is_free_for_another_client_at_once(family: Family) {
    let (_net, _server, mut peer) = one_address(family);
    assert_eq!(peer.acquire(), address(family, 0));
    peer.release();
    let released = Instant::now();
    peer.become_client(8);
    peer.until_offered_an_address(wait::secs(1));
    assert!(released.elapsed() < Duration::from_secs(1));
    assert_eq!(peer.acquire(), address(family, 0));
}
