//! Configuration files: checked with `-t`, read at start, read again on SIGHUP.

use e2e::prelude::*;

super::both::claims! { V4, configuration:
    good_file_passes_the_check
    every_comment_style_and_include_are_read
    syntax_error_is_reported_with_its_place
    all_errors_of_a_file_are_reported_in_one_run_with_their_places
    unknown_keyword_in_any_scope_is_an_error_with_its_place
    missing_file_and_missing_section_fail_the_check
    sections_of_other_daemons_and_old_logging_are_accepted
    features_of_later_releases_load_when_empty
    reload_takes_a_good_file_and_keeps_the_leases
    reload_of_a_bad_file_keeps_the_old_configuration_serving
}

#[test]
fn reload_changes_subnets_and_interfaces() {
    let net = Net::pair();
    let second = Ns::new("c2");
    net.server.cable("srv1", &second, "cli0");
    net.server.address("srv1", "198.51.100.1/24");
    second.up("cli0", [2, 0, 0, 0, 2, 2]);
    net.server.up("srv1", [2, 0, 0, 0, 2, 1]);
    net.server.wait_running("srv1");
    let config = Config::new(net.path());
    let mut server = Server::start(&net, &config);
    let mut peer = Peer::new(&second);
    let query = peer.query(Message::Discover);
    assert!(peer.ask_within(&query, Duration::from_millis(300)).is_none());
    let pool = "198.51.100.100 - 198.51.100.199";
    let subnets = vec![pool_subnet(2, "198.51.100.0/24", pool, "")];
    server.reload(&config.interfaces(&["srv1"]).subnets(subnets));
    server.wait_log("dynamic server reconfiguration succeeded with file", wait::secs(5));
    peer.until_served(wait::secs(2));
    let mut first = Peer::new(&net.client);
    let query = first.query(Message::Discover);
    assert!(first.ask_within(&query, Duration::from_millis(300)).is_none());
}

#[test]
fn reload_loses_no_exchange_in_progress() {
    let net = Net::pair();
    let mut config = Config::new(net.path());
    let server = Server::start(&net, &config);
    let mut peer = Peer::new(&net.client);
    for round in 0..10u8 {
        peer.become_client(round);
        let offer = peer.discover();
        config.valid += 1;
        server.reload(&config);
        let request = peer.request_for(&offer.dhcp);
        let ack = peer.ask(&request).expect("an answer although the server reloads");
        assert_eq!(ack.dhcp.kind(), Some(Message::Ack));
    }
}
