//! Tests of the whole way from text to configuration.

mod bad;
mod databases;
mod good;
mod hosts;
mod keys;
mod networks;
mod robust;

use super::{Config4, read};
use crate::config::testing;
use crate::config::testing::parse;

/// Reads the members of `Dhcp4`; returns the configuration and the findings.
fn read_members(members: &str) -> (Option<Config4>, String) {
    read_file(&format!("{{ \"Dhcp4\": {{ {members} }} }}"))
}

/// Reads a whole file.
fn read_file(source: &str) -> (Option<Config4>, String) {
    testing::read_file(read, source)
}

/// Reads members that must not cause a word.
fn good(members: &str) -> Config4 {
    testing::read_good(read, &format!("{{ \"Dhcp4\": {{ {members} }} }}"))
}
