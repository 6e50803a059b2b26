//! Configuration files: checked with `-t`, read at start, read again on SIGHUP.

use std::fs;

use e2e::prelude::*;
use e2e::server::run_program;

/// Checks a configuration text with `-t`; returns success and everything said.
fn check(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("kea.conf");
    fs::write(&path, text).expect("configuration is written");
    let path = path.to_str().expect("a path in UTF-8");
    let (code, out, err) = run_program(Family::V4, folder.path(), &["-t", path]);
    (code == Some(0), out + &err)
}

/// A configuration with these members in `Dhcp4`, each on its line, the first on line 3.
fn with_members(members: &[&str]) -> String {
    format!("{{\n\"Dhcp4\": {{\n{}\n}}\n}}\n", members.join(",\n"))
}

#[test]
fn good_file_passes_the_check() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = Config::new(folder.path()).interfaces(&["*"]).times(3600, 900, 1800);
    let (good, text) = check(&config.json());
    assert!(good, "{text}");
}

#[test]
fn every_comment_style_and_include_are_read() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let included = folder.path().join("subnets.json");
    fs::write(&included, pool_subnet(1, "192.0.2.0/24", "192.0.2.1 - 192.0.2.9", ""))
        .expect("written");
    let text = format!(
        "# a shell comment\n{{ \"Dhcp4\": {{ // to the end of the line\n  # indented\n\
         \"valid-lifetime\": 600, /* over\n two lines */\n\
         \"interfaces-config\": {{ \"interfaces\": [ ] }},\n\
         \"lease-database\": {{ \"type\": \"memfile\", \"persist\": false }},\n\
         \"subnet4\": [ <?include \"{}\"?> ]\n}} }}\n",
        included.display()
    );
    let (good, said) = check(&text);
    assert!(good, "{said}");
}

#[test]
fn syntax_error_is_reported_with_its_place() {
    let (good, text) =
        check("{\n\"Dhcp4\": {\n\"valid-lifetime\": 600\n\"renew-timer\": 5\n}\n}\n");
    assert!(!good);
    assert!(text.contains("kea.conf:4"), "{text}");
}

#[test]
fn all_errors_of_a_file_are_reported_in_one_run_with_their_places() {
    let (good, text) = check(&with_members(&[
        "\"interfaces-config\": { \"interfaces\": [ ] }",
        "\"valid-lifetyme\": 600",
        "\"renew-timer\": \"soon\"",
        "\"rebind-timer\": -1",
        "\"lease-database\": { \"type\": \"memfile\", \"persist\": 7 }",
        "\"subnet4\": [ { \"id\": 1, \"subnet\": \"192.0.2.0/33\" },\n  { \"id\": 2, \"subnet\": \"10.0.0.0/8\", \
         \"pools\": [ { \"pool\": \"11.0.0.1 - 11.0.0.9\" } ] } ]",
    ]));
    assert!(!good);
    for line in [4, 5, 6, 7, 8, 9] {
        assert!(
            text.contains(&format!("kea.conf:{line}:")),
            "line {line} is not reported:\n{text}"
        );
    }
    assert!(text.contains("valid-lifetime"), "did you mean:\n{text}");
}

#[test]
fn unknown_keyword_in_any_scope_is_an_error_with_its_place() {
    let subnet = "\"subnet4\": [ { \"id\": 1, \"subnet\": \"192.0.2.0/24\",\n\"poools\": [ ] } ]";
    let cases = [
        "\"interfaces-config\": {\n\"interfases\": [ ] }",
        "\"lease-database\": { \"type\": \"memfile\",\n\"lfc-intervall\": 5 }",
        "\"expired-leases-processing\": {\n\"max-reclaim-leaves\": 5 }",
        subnet,
        "\"option-data\": [ {\n\"nane\": \"routers\", \"data\": \"192.0.2.1\" } ]",
    ];
    for case in cases {
        let (good, text) = check(&with_members(&[case]));
        assert!(!good, "{case} was accepted");
        assert!(text.contains("kea.conf:4"), "{case}:\n{text}");
    }
}

#[test]
fn missing_file_and_missing_dhcp4_fail_the_check() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (code, ..) = run_program(Family::V4, folder.path(), &["-t", "/nonexistent/kea.conf"]);
    assert_ne!(code, Some(0));
    assert!(!check("{ \"Dhcp6\": { } }").0);
    assert!(!check("[ 1 ]").0);
    assert!(!check("").0);
}

#[test]
fn sections_of_other_daemons_and_old_logging_are_accepted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = Config::new(folder.path()).json();
    let body = config.trim_end().strip_suffix('}').expect("a map").to_owned();
    let text = body
        + ", \"Dhcp6\": { \"anything\": [ 1 ] }, \"DhcpDdns\": { },\n\
           \"Logging\": { \"loggers\": [ { \"name\": \"kea-dhcp6\", \"severity\": \"INFO\", \
           \"output_options\": [ { \"output\": \"stdout\" } ] } ] } }\n";
    let (good, said) = check(&text);
    assert!(good, "{said}");
}

#[test]
fn features_of_later_releases_load_when_empty() {
    let (good, text) = check(&with_members(&[
        "\"hooks-libraries\": [ ]",
        "\"client-classes\": [ ]",
        "\"reservations\": [ ]",
        "\"interfaces-config\": { \"interfaces\": [ ] }",
        "\"multi-threading\": { \"enable-multi-threading\": true, \"thread-pool-size\": 2 }",
        "\"lease-database\": { \"type\": \"memfile\", \"persist\": false }",
    ]));
    assert!(good, "{text}");
}

#[test]
fn reload_takes_a_good_file_and_keeps_the_leases() {
    let net = Net::pair();
    let mut config = Config::new(net.path());
    let mut server = Server::start(&net, &config);
    let mut peer = Peer::new(&net.client);
    let address = peer.acquire().dhcp.yiaddr;
    config.valid = 777;
    server.reload(&config);
    server.wait_log("dynamic server reconfiguration succeeded with file", wait::secs(5));
    let offer = peer.discover().dhcp;
    assert_eq!(offer.option_u32(opt::LEASE_TIME), Some(777));
    assert_eq!(offer.yiaddr, address);
}

#[test]
fn reload_of_a_bad_file_keeps_the_old_configuration_serving() {
    let net = Net::pair();
    let config = Config::new(net.path());
    let server = Server::start(&net, &config);
    let mut peer = Peer::new(&net.client);
    peer.acquire();
    let bad = [
        "{ this is no JSON".to_owned(),
        config.json().replace("\"valid-lifetime\": 3600", "\"valid-lifetime\": \"x\""),
        config.json().replace("192.0.2.199", "192.0.3.199"),
        "{ }".to_owned(),
    ];
    for (index, text) in bad.iter().enumerate() {
        server.reload_text(text);
        server.wait_log_count("DHCP4_DYNAMIC_RECONFIGURATION_FAIL", index + 1, wait::secs(5));
        let offer = peer.discover().dhcp;
        assert_eq!(offer.option_u32(opt::LEASE_TIME), Some(3600));
        peer.acquire();
    }
    let log = server.log();
    assert!(log.contains("kea.conf:1"), "the place of the error is in the log:\n{log}");
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
