//! Tests of the whole way from text to configuration.

mod bad;
mod good;
mod hosts;
mod keys;
mod networks;
mod pools;
mod robust;

use super::{Config6, Subnet6, read};
use crate::config::testing;

/// Reads the members of `Dhcp6`; returns the configuration and the findings.
fn read_members(members: &str) -> (Option<Config6>, String) {
    read_file(&format!("{{ \"Dhcp6\": {{ {members} }} }}"))
}

/// Reads a whole file.
fn read_file(source: &str) -> (Option<Config6>, String) {
    testing::read_file(read, source)
}

/// Reads members that must not cause a word.
fn good(members: &str) -> Config6 {
    testing::read_good(read, &format!("{{ \"Dhcp6\": {{ {members} }} }}"))
}

/// Reads one subnet with further members of its own and of the global scope.
fn one_subnet(global: &str, members: &str) -> Subnet6 {
    let global = if global.is_empty() { String::new() } else { format!("{global},") };
    good(&format!("{global} {}", subnet(members))).subnets.remove(0)
}

/// One subnet with further members.
fn subnet(members: &str) -> String {
    let members = if members.is_empty() { String::new() } else { format!(", {members}") };
    format!("\"subnet6\": [ {{ \"id\": 1, \"subnet\": \"2001:db8::/48\"{members} }} ]")
}
