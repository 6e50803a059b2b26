//! Host reservations.

use e2e::prelude::*;

use super::{address, served};

crate::main::both::claims! { V6, hosts:
    reserved_addresses_go_to_their_hosts_and_to_nobody_else
    a_reload_adds_and_removes_reservations
    a_host_whose_address_is_leased_gets_another_until_it_is_free
}

#[test]
fn a_host_gets_its_prefix_and_its_options() {
    let (_net, server, mut peer) = served(|config| {
        let host = "\"reservations\": [ { \"hw-address\": \"02:00:00:00:01:07\", \
            \"ip-addresses\": [ \"2001:db8:1::cafe\" ], \"prefixes\": [ \"2001:db8:aaaa::/48\" ], \
            \"hostname\": \"alpha.example\", \
            \"option-data\": [ { \"name\": \"dns-servers\", \"data\": \"2001:db8::53\" } ] } ],";
        let more = format!("{}{host}", pd_pool(e2e::config::PD_POOL6, 56));
        config.subnets(vec![pool_subnet6(1, "2001:db8:1::/64", e2e::config::POOL6, &more)])
    });
    // Known by the hardware address in its DUID.
    peer.become_client(7);
    let solicit = peer.solicit_both().with_oro(&[opt6::DNS]);
    let reply = peer.acquire_by(&solicit);
    assert_eq!(reply.na(1).only().address, address(0xcafe));
    let delegated = reply.pd(1).only();
    let prefix: Ipv6Addr = "2001:db8:aaaa::".parse().expect("an address");
    assert_eq!((delegated.address, delegated.length), (prefix, 48));
    let advertise = peer.advertised(&solicit);
    let dns: Ipv6Addr = "2001:db8::53".parse().expect("an address");
    assert_eq!(advertise.option(opt6::DNS), Some(&dns.octets()[..]));
    let row = server.leases().lease6(address(0xcafe)).expect("a lease");
    assert_eq!(row["hostname"], "alpha.example");
}
