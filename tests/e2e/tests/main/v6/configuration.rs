//! Configuration files: checked with `-t`, read at start, read again on SIGHUP.

use e2e::prelude::*;
use e2e::server::check_text;

use super::served;

crate::main::both::claims! { V6, configuration:
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
fn reload_loses_no_exchange_in_progress() {
    let net = Net::pair6();
    let mut config = Config::new6(net.path());
    let server = Server::start(&net, &config);
    let mut peer = Peer6::new(&net.client);
    for round in 0..10u8 {
        peer.become_client(round);
        let solicit = peer.solicit_both();
        let advertise = peer.advertised(&solicit);
        config.valid += 1;
        server.reload(&config);
        let request = peer.follow(Kind6::Request, &advertise);
        let reply = peer.reply_to(&request);
        assert_eq!(reply.na(1).only().address, advertise.na(1).only().address);
        assert_eq!(reply.pd(1).only().address, advertise.pd(1).only().address);
    }
}

#[test]
fn reload_changes_subnets_and_pools() {
    let (_net, mut server, mut peer) = served(|config| config);
    let old = peer.acquire_both();
    let pool = "2001:db8:7::100 - 2001:db8:7::1ff";
    let prefixes = pd_pool("2001:db8:9000::/40", 60);
    let subnet = pool_subnet6(7, "2001:db8:7::/64", pool, &prefixes);
    server.reload(&Config::new6(&server.files.folder).subnets(vec![subnet]));
    server.wait_log("dynamic server reconfiguration succeeded with file", wait::secs(5));
    let confirm = peer.follow(Kind6::Confirm, &old);
    assert_eq!(peer.reply_to(&confirm).status(), Some(status::NOT_ON_LINK));
    let new = peer.acquire_both();
    assert_eq!(new.na(1).only().address.segments()[2], 7);
    assert_eq!(new.pd(1).only().length, 60);
}

#[test]
fn wrong_values_of_a_subnet_are_refused_with_their_place() {
    let subnet = |members: &str| {
        format!(
            "{{\n\"Dhcp6\": {{\n\"lease-database\": {{ \"type\": \"memfile\", \"persist\": false }},\n\
             \"subnet6\": [ {{ \"id\": 1, \"subnet\": \"2001:db8:1::/64\",\n{members} }} ]\n}}\n}}\n"
        )
    };
    let pd = |members: &str| format!("\"pd-pools\": [ {{ {members} }} ]");
    let cases = [
        "\"pools\": [ { \"pool\": \"2001:db8:2::1 - 2001:db8:2::9\" } ]".to_owned(),
        "\"pools\": [ { \"pool\": \"2001:db8:1::9 - 2001:db8:1::1\" } ]".to_owned(),
        "\"pools\": [ { \"pool\": \"192.0.2.1 - 192.0.2.9\" } ]".to_owned(),
        "\"interface\": \"lo\", \"interface-id\": \"x\"".to_owned(),
        "\"rapid-commit\": \"yes\"".to_owned(),
        "\"next-server\": \"192.0.2.1\"".to_owned(),
        pd("\"prefix\": \"2001:db8::\", \"prefix-len\": 40"),
        pd("\"prefix\": \"2001:db8::\", \"prefix-len\": 40, \"delegated-len\": 39"),
        pd("\"prefix\": \"2001:db8::\", \"prefix-len\": 129, \"delegated-len\": 129"),
        pd("\"prefix\": \"2001:db8::\", \"prefix-len\": 0, \"delegated-len\": 64"),
        pd("\"prefix\": \"2001:db8::\", \"prefix-len\": 40, \"delegated-len\": 64, \"colour\": 1"),
    ];
    for case in cases {
        let (good, text) = check_text(Family::V6, &subnet(&case));
        assert!(!good, "{case} was accepted");
        assert!(text.contains("kea.conf:"), "{case}:\n{text}");
    }
}
