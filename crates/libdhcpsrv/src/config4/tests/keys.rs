//! Every row of every table, and the manual that is written from them.

use super::read_file;
use crate::config::keywords::RESTRICTIONS;
use crate::config::testing::Rows;
use crate::config4::keywords::{SERVER, manual};
use crate::config6;

/// The files with one key each.
const ROWS: Rows = Rows {
    server: &SERVER,
    subnet: "10.0.0.0/8",
    values: VALUES,
    option: "boot-size",
    findings: |source| read_file(source).1,
};

/// Values of strings and lists that have a form.
const VALUES: &[(&str, &str)] = &[
    ("circuit-id", "\"01\""),
    ("client-id", "\"01:02\""),
    ("duid", "\"01\""),
    ("flex-id", "\"01\""),
    ("hw-address", "\"01\""),
    ("adaptive-lease-time-threshold", "1.0"),
    ("cache-threshold", "0"),
    ("code", "222"),
    ("data", "\"7\""),
    ("ddns-qualifying-suffix", "\"\""),
    ("ddns-replace-client-name", "\"never\""),
    ("hostname-char-replacement", "\"\""),
    ("encapsulate", "\"inner\""),
    ("hostname-char-set", "\"\""),
    ("interfaces", "[ \"eth0\" ]"),
    ("host-reservation-identifiers", "[ \"duid\" ]"),
    ("ip-address", "\"192.0.2.1\""),
    ("ip-addresses", "[ \"192.0.2.1\" ]"),
    ("max-valid-lifetime", "9000"),
    ("next-server", "\"192.0.2.1\""),
    ("pool", "\"10.0.0.1 - 10.0.0.2\""),
    ("record-types", "\"\""),
    ("replace-client-name", "false"),
    ("sender-ip", "\"127.0.0.1\""),
    ("server-ip", "\"::1\""),
    ("severity", "\"INFO\""),
    ("space", "\"dhcp4\""),
    ("template-test", "\"option[1].hex\""),
    ("test", "\"option[1].exists\""),
    ("subnet", "\"10.0.0.0/8\""),
    ("t1-percent", "0.4"),
    ("t2-percent", "0.8"),
];

#[test]
fn every_keyword_is_accepted_with_a_minimal_value() {
    ROWS.every_keyword_is_accepted_with_a_minimal_value();
}

#[test]
fn what_is_not_supported_yet_is_refused_when_filled() {
    ROWS.what_is_not_supported_yet_is_refused_when_filled();
}

#[test]
fn tables_have_no_row_twice_and_restrictions_name_rows() {
    ROWS.tables_have_no_row_twice();
    for row in RESTRICTIONS {
        let mut scopes = SERVER.scopes.iter().chain(config6::keywords::SCOPES);
        assert!(scopes.any(|(_, scope)| scope.keyword(row.keyword).is_some()), "{}", row.keyword);
    }
}

#[test]
fn the_manual_is_current() {
    let written = include_str!("../../../../../doc/configuration.md");
    assert!(
        manual() == written,
        "write it anew: cargo run -p libdhcpsrv --example configuration_manual"
    );
}
