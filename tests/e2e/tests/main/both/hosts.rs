//! Host reservations: who gets what is reserved, and what a reload makes of it.

use super::*;

/// The standard subnet with these reservations: numbers of clients, and addresses.
fn reserving(net: &Net, hosts: &[(u8, IpAddr)]) -> Config {
    let family = net.family;
    let hosts = hosts.iter().map(|(client, address)| {
        let mac = e2e::net::mac_text(client_mac(*client));
        match family {
            Family::V4 => format!("{{ \"hw-address\": \"{mac}\", \"ip-address\": \"{address}\" }}"),
            Family::V6 => format!(
                "{{ \"duid\": \"00:03:00:01:{mac}\", \"ip-addresses\": [ \"{address}\" ] }}"
            ),
        }
    });
    let hosts = hosts.collect::<Vec<_>>().join(", ");
    let more = format!("\"reservations\": [ {hosts} ],");
    let pool = format!("{} - {}", address(family, 0), address(family, 9));
    let subnet = match family {
        Family::V4 => pool_subnet(1, "192.0.2.0/24", &pool, &more),
        Family::V6 => pool_subnet6(1, "2001:db8:1::/64", &pool, &more),
    };
    Config::of(family, net.path()).subnets(vec![subnet])
}

fn reload(server: &mut Server, config: &Config, times: usize) {
    server.reload(config);
    let done = "dynamic server reconfiguration succeeded with file";
    server.wait_log_count(done, times, wait::secs(5));
}

pub(crate) fn reserved_addresses_go_to_their_hosts_and_to_nobody_else(family: Family) {
    let net = Net::pair_of(family);
    let (inside, outside) = (address(family, 3), address(family, 99));
    let server = Server::start(&net, &reserving(&net, &[(7, inside), (8, outside)]));
    let mut peer = EitherPeer::new(&net);
    for client in 20..29 {
        peer.become_client(client);
        let given = peer.acquire();
        assert!(given != inside && given != outside, "{given}");
    }
    peer.become_client(29);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "the pool is full");
    for (client, address) in [(7, inside), (8, outside)] {
        peer.become_client(client);
        assert_eq!(peer.acquire(), address);
        let leases = server.leases().current_any();
        let mac = e2e::net::mac_text(client_mac(client));
        assert!(holder(family, &leases[&address]).ends_with(&mac));
    }
}

pub(crate) fn a_reload_adds_and_removes_reservations(family: Family) {
    let net = Net::pair_of(family);
    let mut server = Server::start(&net, &reserving(&net, &[]));
    let mut peer = EitherPeer::new(&net);
    peer.become_client(7);
    let dynamic = peer.acquire();
    let reserved = address(family, 99);
    reload(&mut server, &reserving(&net, &[(7, reserved)]), 1);
    assert_eq!(peer.acquire(), reserved);
    assert!(!server.leases().current_any().contains_key(&dynamic), "its old lease has ended");
    reload(&mut server, &reserving(&net, &[]), 2);
    assert_ne!(peer.acquire(), reserved);
    peer.become_client(8);
    peer.acquire();
    assert_eq!(server.leases().current_any().len(), 2);
}

pub(crate) fn a_host_whose_address_is_leased_gets_another_until_it_is_free(family: Family) {
    let net = Net::pair_of(family);
    let mut server = Server::start(&net, &reserving(&net, &[]));
    let mut peer = EitherPeer::new(&net);
    peer.become_client(6);
    let contested = peer.acquire();
    reload(&mut server, &reserving(&net, &[(7, contested)]), 1);
    peer.become_client(7);
    assert_ne!(peer.acquire(), contested);
    if family == Family::V4 {
        server.wait_log("ALLOC_ENGINE_V4_DISCOVER_ADDRESS_CONFLICT", wait::secs(2));
    }
    peer.become_client(6);
    assert_ne!(peer.acquire(), contested, "the client before has to leave");
    peer.become_client(7);
    assert_eq!(peer.acquire(), contested);
}
