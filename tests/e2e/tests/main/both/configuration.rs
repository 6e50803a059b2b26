//! Configuration files of either server: checked with `-t`, read at start, read again on SIGHUP.

use std::fs;

use e2e::prelude::*;
use e2e::server::{check_text, run_program};

/// A text about `kea-dhcp4`, and what stands in its place for `kea-dhcp6`.
const TRANSLATION: [(&str, &str); 7] = [
    ("Dhcp4", "Dhcp6"),
    ("subnet4", "subnet6"),
    ("192.0.2.0/24", "2001:db8::/64"),
    ("192.0.2.0/33", "2001:db8::/129"),
    ("192.0.2.1 - 192.0.2.9", "2001:db8::1 - 2001:db8::9"),
    ("11.0.0.1 - 11.0.0.9", "2001:db9::1 - 2001:db9::9"),
    ("10.0.0.0/8", "2001:db8:1::/64"),
];

/// The same text for another family.
fn translated(family: Family, text: &str) -> String {
    match family {
        Family::V4 => text.to_owned(),
        Family::V6 => {
            TRANSLATION.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        }
    }
}

/// Checks a text written for `kea-dhcp4` with `-t`.
fn check(family: Family, text: &str) -> (bool, String) {
    check_text(family, &translated(family, text))
}

/// A configuration with these members in `Dhcp4`, each on its line, the first on line 3.
fn with_members(members: &[&str]) -> String {
    format!("{{\n\"Dhcp4\": {{\n{}\n}}\n}}\n", members.join(",\n"))
}

pub(crate) fn good_file_passes_the_check(family: Family) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = Config::of(family, folder.path()).on_interface("lo").interfaces(&["*"]);
    let config = config.times(3600, 900, 1800);
    let (good, text) = check_text(family, &config.json());
    assert!(good, "{text}");
}

pub(crate) fn every_comment_style_and_include_are_read(family: Family) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let included = folder.path().join("subnets.json");
    let subnet = pool_subnet(1, "192.0.2.0/24", "192.0.2.1 - 192.0.2.9", "");
    fs::write(&included, translated(family, &subnet)).expect("written");
    let text = format!(
        "# a shell comment\n{{ \"Dhcp4\": {{ // to the end of the line\n  # indented\n\
         \"valid-lifetime\": 600, /* over\n two lines */\n\
         \"interfaces-config\": {{ \"interfaces\": [ ] }},\n\
         \"lease-database\": {{ \"type\": \"memfile\", \"persist\": false }},\n\
         \"subnet4\": [ <?include \"{}\"?> ]\n}} }}\n",
        included.display()
    );
    let (good, said) = check(family, &text);
    assert!(good, "{said}");
}

pub(crate) fn syntax_error_is_reported_with_its_place(family: Family) {
    let (good, text) =
        check(family, "{\n\"Dhcp4\": {\n\"valid-lifetime\": 600\n\"renew-timer\": 5\n}\n}\n");
    assert!(!good);
    assert!(text.contains("kea.conf:4"), "{text}");
}

pub(crate) fn all_errors_of_a_file_are_reported_in_one_run_with_their_places(family: Family) {
    let (good, text) = check(
        family,
        &with_members(&[
            "\"interfaces-config\": { \"interfaces\": [ ] }",
            "\"valid-lifetyme\": 600",
            "\"renew-timer\": \"soon\"",
            "\"rebind-timer\": -1",
            "\"lease-database\": { \"type\": \"memfile\", \"persist\": 7 }",
            "\"subnet4\": [ { \"id\": 1, \"subnet\": \"192.0.2.0/33\" },\n  { \"id\": 2, \"subnet\": \"10.0.0.0/8\", \
         \"pools\": [ { \"pool\": \"11.0.0.1 - 11.0.0.9\" } ] } ]",
        ]),
    );
    assert!(!good);
    for line in [4, 5, 6, 7, 8, 9] {
        assert!(
            text.contains(&format!("kea.conf:{line}:")),
            "line {line} is not reported:\n{text}"
        );
    }
    assert!(text.contains("valid-lifetime"), "did you mean:\n{text}");
}

pub(crate) fn unknown_keyword_in_any_scope_is_an_error_with_its_place(family: Family) {
    let subnet = "\"subnet4\": [ { \"id\": 1, \"subnet\": \"192.0.2.0/24\",\n\"poools\": [ ] } ]";
    let cases = [
        "\"interfaces-config\": {\n\"interfases\": [ ] }",
        "\"lease-database\": { \"type\": \"memfile\",\n\"lfc-intervall\": 5 }",
        "\"expired-leases-processing\": {\n\"max-reclaim-leaves\": 5 }",
        subnet,
        "\"option-data\": [ {\n\"nane\": \"routers\", \"data\": \"192.0.2.1\" } ]",
    ];
    for case in cases {
        let (good, text) = check(family, &with_members(&[case]));
        assert!(!good, "{case} was accepted");
        assert!(text.contains("kea.conf:4"), "{case}:\n{text}");
    }
}

pub(crate) fn missing_file_and_missing_section_fail_the_check(family: Family) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (code, ..) = run_program(family, folder.path(), &["-t", "/nonexistent/kea.conf"]);
    assert_ne!(code, Some(0));
    assert!(!check(family, "{ \"Dhcp5\": { } }").0);
    assert!(!check(family, "[ 1 ]").0);
    assert!(!check(family, "").0);
}

pub(crate) fn sections_of_other_daemons_and_old_logging_are_accepted(family: Family) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = Config::of(family, folder.path()).json();
    let body = config.trim_end().strip_suffix('}').expect("a map").to_owned();
    let other = match family {
        Family::V4 => '6',
        Family::V6 => '4',
    };
    let text = format!(
        "{body}, \"Dhcp{other}\": {{ \"anything\": [ 1 ] }}, \"DhcpDdns\": {{ }},\n\
         \"Logging\": {{ \"loggers\": [ {{ \"name\": \"kea-dhcp{other}\", \
         \"severity\": \"INFO\", \
         \"output_options\": [ {{ \"output\": \"stdout\" }} ] }} ] }} }}\n"
    );
    let (good, said) = check_text(family, &text);
    assert!(good, "{said}");
}

pub(crate) fn features_of_later_releases_load_when_empty(family: Family) {
    let (good, text) = check(
        family,
        &with_members(&[
            "\"hooks-libraries\": [ ]",
            "\"client-classes\": [ ]",
            "\"reservations\": [ ]",
            "\"interfaces-config\": { \"interfaces\": [ ] }",
            "\"multi-threading\": { \"enable-multi-threading\": true, \"thread-pool-size\": 2 }",
            "\"lease-database\": { \"type\": \"memfile\", \"persist\": false }",
        ]),
    );
    assert!(good, "{text}");
}

pub(crate) fn reload_takes_a_good_file_and_keeps_the_leases(family: Family) {
    let net = Net::pair_of(family);
    let config = Config::of(family, net.path()).times(888, 100, 200);
    let mut server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let address = peer.acquire();
    server.reload(&config.times(777, 100, 200));
    server.wait_log("dynamic server reconfiguration succeeded with file", wait::secs(5));
    assert_eq!(peer.acquire(), address);
    peer.become_client(7);
    assert_eq!(peer.offered_lifetime(), Some(777));
}

pub(crate) fn reload_of_a_bad_file_keeps_the_old_configuration_serving(family: Family) {
    let net = Net::pair_of(family);
    let config = Config::of(family, net.path());
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    peer.acquire();
    let bad = [
        "{ this is no JSON".to_owned(),
        config.json().replace("\"valid-lifetime\": ", "\"valid-lifetime\": \"x\", \"x\": "),
        config.json().replace("192.0.2.199", "192.0.3.199").replace(":1::1ff", ":2::1ff"),
        "{ }".to_owned(),
    ];
    for (index, text) in bad.iter().enumerate() {
        server.reload_text(text);
        server.wait_log_count(
            &family.log_id("DYNAMIC_RECONFIGURATION_FAIL"),
            index + 1,
            wait::secs(5),
        );
        assert_eq!(peer.offered_lifetime(), Some(config.valid));
        peer.acquire();
    }
    let log = server.log();
    assert!(log.contains("kea.conf:1"), "the place of the error is in the log:\n{log}");
}
