//! Host reservations.

use e2e::prelude::*;

super::both::claims! { V4, hosts:
    reserved_addresses_go_to_their_hosts_and_to_nobody_else
    a_reload_adds_and_removes_reservations
    a_host_whose_address_is_leased_gets_another_until_it_is_free
}

#[test]
fn options_and_boot_fields_of_the_host_come_first() {
    let net = Net::pair();
    let host = "\"reservations\": [ { \"hw-address\": \"02:00:00:00:01:07\", \
        \"next-server\": \"192.0.2.9\", \"boot-file-name\": \"host.img\", \"option-data\": [ \
        { \"name\": \"domain-name-servers\", \"data\": \"192.0.2.53\" } ] } ], \
        \"boot-file-name\": \"subnet.img\", \"option-data\": [ \
        { \"name\": \"domain-name-servers\", \"data\": \"192.0.2.54\" } ],";
    let subnet = pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.199", host);
    let _server = Server::start(&net, &Config::new(net.path()).subnets(vec![subnet]));
    let mut peer = Peer::new(&net.client);
    for (client, dns, siaddr) in
        [(7, [192, 0, 2, 53], [192, 0, 2, 9]), (8, [192, 0, 2, 54], [0; 4])]
    {
        peer.become_client(client);
        let ack = peer.acquire().dhcp;
        assert_eq!(ack.option(opt::DNS), Some(&dns[..]));
        assert_eq!(ack.siaddr, Ipv4Addr::from(siaddr));
    }
}
