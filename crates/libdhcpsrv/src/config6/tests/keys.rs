//! Every row of every table, and the manual that is written from them.

use super::read_file;
use crate::config::testing::Rows;
use crate::config6::keywords::{SERVER, manual};

/// The files with one key each.
const ROWS: Rows = Rows {
    server: &SERVER,
    subnet: "2001:db8::/32",
    values: VALUES,
    option: "preference",
    findings: |source| read_file(source).1,
};

/// Values of strings and lists that have a form.
const VALUES: &[(&str, &str)] = &[
    ("duid", "\"01\""),
    ("flex-id", "\"01\""),
    ("hw-address", "\"01\""),
    ("prefixes", "[ \"2001:db8:1::/64\" ]"),
    ("excluded-prefixes", "[ \"2001:db8:1::/72\" ]"),
    ("adaptive-lease-time-threshold", "1.0"),
    ("cache-threshold", "0"),
    ("code", "222"),
    ("data", "\"7\""),
    ("ddns-qualifying-suffix", "\"\""),
    ("ddns-replace-client-name", "\"never\""),
    ("hostname-char-replacement", "\"\""),
    ("delegated-len", "64"),
    ("encapsulate", "\"inner\""),
    ("excluded-prefix", "\"2001:db8::\""),
    ("hostname-char-set", "\"\""),
    ("identifier", "\"0c0102030405\""),
    ("interfaces", "[ \"eth0\" ]"),
    ("host-reservation-identifiers", "[ \"duid\" ]"),
    ("ip-address", "\"2001:db8::1\""),
    ("ip-addresses", "[ \"2001:db8::1\" ]"),
    ("mac-sources", "[ \"duid\" ]"),
    ("max-valid-lifetime", "9000"),
    ("pool", "\"2001:db8::1 - 2001:db8::2\""),
    ("prefix", "\"2001:db8::\""),
    ("prefix-len", "48"),
    ("record-types", "\"\""),
    ("relay-supplied-options", "[ \"65\" ]"),
    ("replace-client-name", "false"),
    ("sender-ip", "\"127.0.0.1\""),
    ("server-ip", "\"::1\""),
    ("severity", "\"INFO\""),
    ("space", "\"dhcp6\""),
    ("template-test", "\"option[1].hex\""),
    ("test", "\"option[1].exists\""),
    ("subnet", "\"2001:db8::/32\""),
    ("t1-percent", "0.4"),
    ("t2-percent", "0.9"),
    ("valid-lifetime", "8000"),
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
fn tables_have_no_row_twice() {
    ROWS.tables_have_no_row_twice();
}

#[test]
fn the_manual_is_current() {
    let written = include_str!("../../../../../doc/configuration6.md");
    assert!(
        manual() == written,
        "write it anew: cargo run -p libdhcpsrv --example configuration_manual -- 6"
    );
}
