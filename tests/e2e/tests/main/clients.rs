//! Clients of other projects get, keep and give back their leases, directly and through relays.

use e2e::clients::{Kind, Options};
use e2e::net::SERVER;
use e2e::prelude::*;
use e2e::relay::{one_relay, relay_chain};

/// The life of a lease as one client lives it: bound, renewed, rebound, found again, released,
/// taken anew.
fn life_of_a_lease(kind: Kind) {
    let net = Net::pair();
    let config = Config::new(net.path()).times(30, 2, 4);
    let server = Server::start(&net, &config);
    let mut sniffer = RawPort::<Reply>::open(&net.server, "srv0");
    let mut client = Client::start(&net.client, "cli0", net.path(), kind);
    let address = client.wait_address(wait::secs(15));
    assert!(server.leases().lease(address).is_some());

    let renewing = |seen: &Reply| {
        seen.dhcp.op == 1
            && seen.dhcp.ciaddr == address
            && seen.frame.destination == SERVER
            && seen.dhcp.kind() == Some(Message::Request)
    };
    sniffer.drain();
    client.renew();
    sniffer.wait_for("a renewal", wait::secs(10), renewing);
    server.wait_log_count("DHCP4_LEASE_ALLOC", 2, wait::secs(3));

    // The server's address is silent to ARP, a broadcast gets through: the client must come to
    // rebinding by itself. (A blackhole route does not stop a socket that is bound to its
    // interface.)
    let silence = "/proc/sys/net/ipv4/conf/srv0/arp_ignore";
    net.server.shell(&format!("echo 8 > {silence}"));
    net.client.ip("neigh flush dev cli0");
    sniffer.drain();
    let granted = server.log().matches("DHCP4_LEASE_ALLOC").count();
    if kind == Kind::Udhcpc {
        client.renew();
    }
    sniffer.wait_for("a rebinding", wait::secs(25), |seen| {
        seen.dhcp.op == 1
            && seen.dhcp.ciaddr == address
            && seen.frame.destination == Ipv4Addr::BROADCAST
    });
    server.wait_log_count("DHCP4_LEASE_ALLOC", granted + 1, wait::secs(3));
    net.server.shell(&format!("echo 0 > {silence}"));

    client.power_off();
    let mut again = Options::from(kind);
    again.request = Some(address);
    let mut client = Client::start(&net.client, "cli0", net.path(), again);
    assert_eq!(
        client.wait_address(wait::secs(15)),
        address,
        "a returning client keeps its address"
    );

    sniffer.drain();
    client.release();
    sniffer.wait_for("a release", wait::secs(5), |seen| seen.dhcp.kind() == Some(Message::Release));
    wait::until(wait::secs(3), "the lease is given back", || given_back(&server, address));

    let mut client = Client::start(&net.client, "cli0", net.path(), kind);
    let address = client.wait_address(wait::secs(15));
    assert!(!given_back(&server, address));
}

/// True when no client holds the address: deleted, or kept in the state "released".
fn given_back(server: &Server, address: Ipv4Addr) -> bool {
    server.leases().lease(address).is_none_or(|row| row["state"] == "3" || row["state"] == "2")
}

#[test]
fn dhclient_acquires_renews_rebinds_releases_and_reacquires() {
    life_of_a_lease(Kind::Dhclient);
}

#[test]
fn dhcpcd_acquires_renews_rebinds_releases_and_reacquires() {
    life_of_a_lease(Kind::Dhcpcd);
}

#[test]
fn networkd_acquires_renews_rebinds_releases_and_reacquires() {
    life_of_a_lease(Kind::Networkd);
}

#[test]
fn udhcpc_acquires_renews_rebinds_releases_and_reacquires() {
    life_of_a_lease(Kind::Udhcpc);
}

#[test]
fn dhclient_declines_an_address_in_use_and_gets_another() {
    let net = Net::pair();
    let server = Server::start(&net, &Config::new(net.path()));
    let options = Options { declines: 1, ..Kind::Dhclient.into() };
    let mut client = Client::start(&net.client, "cli0", net.path(), options);
    let address = client.wait_address(wait::secs(40));
    let declined =
        client.events().lines().find_map(|line| line.strip_prefix("INUSE ")?.parse().ok());
    let declined: Ipv4Addr = declined.expect("the script met the address");
    assert_ne!(address, declined);
    let row = server.leases().lease(declined).expect("a declined address stays recorded");
    assert_eq!(row["state"], "1");
    assert_eq!(row["client_id"], "");
    assert_eq!(row["valid_lifetime"], "86400");
    server.wait_log_count("DHCP4_DECLINE_LEASE", 1, wait::secs(5));
}

#[test]
fn udhcpc_declines_an_address_that_answers_arp() {
    let net = Net::pair();
    net.server.address("srv0", "192.0.2.100/24");
    let config = Config::new(net.path()).interfaces(&["srv0/192.0.2.1"]);
    let server = Server::start(&net, &config);
    let options = Options { probe: true, ..Kind::Udhcpc.into() };
    let mut client = Client::start(&net.client, "cli0", net.path(), options);
    let address = client.wait_address(wait::secs(40));
    assert_ne!(address, Ipv4Addr::new(192, 0, 2, 100));
    let row = server.leases().lease(Ipv4Addr::new(192, 0, 2, 100)).expect("recorded");
    assert_eq!(row["state"], "1");
}

#[test]
fn clients_that_ask_for_broadcast_answers_are_served() {
    for kind in [Kind::Udhcpc, Kind::Networkd] {
        let net = Net::pair();
        let _server = Server::start(&net, &Config::new(net.path()));
        let options = Options { broadcast: true, ..kind.into() };
        Client::start(&net.client, "cli0", net.path(), options).wait_address(wait::secs(15));
    }
}

/// The life of a lease behind a relay: bound through it, renewed by unicast, given back.
fn life_behind_a_relay(kind: Kind) {
    let (net, _relay) = one_relay();
    let options = "\"option-data\": [ { \"name\": \"routers\", \"data\": \"192.0.2.254\" } ],";
    let subnet = pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.199", options);
    let config = Config::new(net.path()).times(30, 2, 4).subnets(vec![subnet]);
    let server = Server::start(&net, &config);
    let mut client = Client::start(&net.client, "cli0", net.path(), kind);
    let address = client.wait_address(wait::secs(15));
    client.renew();
    server.wait_log_count("DHCP4_LEASE_ALLOC", 2, wait::secs(10));
    client.power_off();
    let again = Options { request: Some(address), ..kind.into() };
    let mut client = Client::start(&net.client, "cli0", net.path(), again);
    assert_eq!(client.wait_address(wait::secs(15)), address);
    client.release();
    wait::until(wait::secs(3), "the lease is given back", || given_back(&server, address));
}

#[test]
fn dhclient_is_served_through_a_relay() {
    life_behind_a_relay(Kind::Dhclient);
}

#[test]
fn dhcpcd_is_served_through_a_relay() {
    life_behind_a_relay(Kind::Dhcpcd);
}

#[test]
fn networkd_is_served_through_a_relay() {
    life_behind_a_relay(Kind::Networkd);
}

#[test]
fn udhcpc_is_served_through_a_relay() {
    life_behind_a_relay(Kind::Udhcpc);
}

#[test]
fn client_behind_two_relays_in_a_row_is_served_from_the_subnet_of_the_first() {
    let (net, _relays) = relay_chain();
    let options = "\"option-data\": [ { \"name\": \"routers\", \"data\": \"192.0.2.254\" } ],";
    let far = pool_subnet(2, "10.1.0.0/24", "10.1.0.100 - 10.1.0.199", "");
    let near = pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.199", options);
    let server = Server::start(&net, &Config::new(net.path()).subnets(vec![far, near]));
    let mut client = Client::start(&net.client, "cli0", net.path(), Kind::Udhcpc);
    let address = client.wait_address(wait::secs(15));
    assert_eq!(address.octets()[..3], [192, 0, 2]);
    client.renew();
    server.wait_log_count("DHCP4_LEASE_ALLOC", 2, wait::secs(5));
    client.release();
    wait::until(wait::secs(3), "the lease is given back", || given_back(&server, address));
}

#[test]
fn returning_client_keeps_its_address_after_a_server_restart() {
    for kind in [Kind::Dhclient, Kind::Udhcpc] {
        let net = Net::pair();
        let config = Config::new(net.path());
        let server = Server::start(&net, &config);
        let mut other = Peer::new(&net.client);
        other.become_client(7);
        other.acquire();
        let mut client = Client::start(&net.client, "cli0", net.path(), kind);
        let address = client.wait_address(wait::secs(15));
        client.power_off();
        assert!(server.stop().success());
        let server = Server::start(&net, &config);
        // udhcpc is told nothing of its earlier address; the server must remember.
        let mut client = Client::start(&net.client, "cli0", net.path(), kind);
        assert_eq!(client.wait_address(wait::secs(15)), address);
        client.power_off();
        server.kill();
        let _server = Server::start(&net, &config);
        let mut client = Client::start(&net.client, "cli0", net.path(), kind);
        assert_eq!(client.wait_address(wait::secs(15)), address);
    }
}
