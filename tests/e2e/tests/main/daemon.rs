//! The daemon as an administrator meets it: command line, pid file, signals, log.

use e2e::prelude::*;

super::both::claims! { V4, daemon:
    version_flags_print_and_succeed
    wrong_command_lines_fail_with_usage
    bad_configuration_ends_the_start_with_status_1
    term_and_int_end_the_server_in_good_order
    pid_file_names_the_process_and_refuses_a_second_start
    stale_pid_file_is_replaced
    log_goes_to_its_file_in_kea_s_line_format_by_severity
    debug_flag_overrides_the_configured_severity
    severity_warn_silences_information
}

#[test]
fn refused_query_is_explained_with_client_and_interface() {
    let net = Net::pair();
    let mut config = Config::new(net.path());
    config.subnets = vec![pool_subnet(1, "10.9.0.0/24", "10.9.0.100 - 10.9.0.199", "")];
    let server = Server::start(&net, &config);
    let mut peer = Peer::new(&net.client);
    let query = peer.query(Message::Discover);
    peer.tell(&query);
    wait::until(wait::secs(3), "one INFO line about the query", || {
        server.log().lines().any(|line| {
            line.contains(" INFO ") && line.contains("02:00:00:00:00:02") && line.contains("srv0")
        })
    });
    // Many of them must not fill the disk.
    let before = server.log().lines().count();
    for _ in 0..2000 {
        let query = peer.query(Message::Discover);
        peer.tell(&query);
    }
    let probe = Dhcp::query(Message::Request, peer.mac).from_address(Ipv4Addr::new(192, 0, 2, 5));
    peer.ask_within(&probe, Duration::from_millis(500));
    let lines = server.log().lines().count() - before;
    assert!(lines < 500, "{lines} lines for 2000 refused queries");
}
