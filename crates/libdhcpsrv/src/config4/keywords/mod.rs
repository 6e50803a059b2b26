//! The keyword tables of `Dhcp4`: one row per key, one table per map.
//!
//! Those that `Dhcp6` has as well are in [`crate::config::keywords`].

mod classes;
mod global;
mod network;
mod parts;

use cc::Scope;
use libdhcp::Universe;
use libdhcp::definition::DHCP6;
use libdhcp::v4::code;

use crate::config::keywords;
pub use crate::config::keywords::{
    DHCP_DDNS, EXPIRED_LEASES, HOSTS_DATABASE, LEASE_DATABASE, LOGGER, LOGGING, MULTI_THREADING,
    OUTPUT, RELAY, RESTRICTIONS, Restriction, SANITY_CHECKS,
};
use crate::config::{OptionRules, Server};
use crate::hosts::IdentifierKind;

pub use classes::CLASS;
pub use global::GLOBAL;
pub use network::{NETWORK, OPTION_DATA, OPTION_DEF, POOL, RESERVATION, SUBNET};
pub use parts::{COMPATIBILITY, INTERFACES};

/// All tables in the order of the manual, each with the path of its maps in the file.
pub const SCOPES: &[(&str, &Scope)] = &[
    ("Dhcp4", &GLOBAL),
    ("Dhcp4/interfaces-config", &INTERFACES),
    ("Dhcp4/lease-database", &LEASE_DATABASE),
    ("Dhcp4/hosts-database", &HOSTS_DATABASE),
    ("Dhcp4/expired-leases-processing", &EXPIRED_LEASES),
    ("Dhcp4/multi-threading", &MULTI_THREADING),
    ("Dhcp4/shared-networks[]", &NETWORK),
    ("Dhcp4/client-classes[]", &CLASS),
    ("Dhcp4/subnet4[]", &SUBNET),
    ("Dhcp4/subnet4[]/pools[]", &POOL),
    ("Dhcp4/subnet4[]/relay", &RELAY),
    ("reservations[]", &RESERVATION),
    ("Dhcp4/option-def[]", &OPTION_DEF),
    ("option-data[]", &OPTION_DATA),
    ("Dhcp4/compatibility", &COMPATIBILITY),
    ("Dhcp4/sanity-checks", &SANITY_CHECKS),
    ("Dhcp4/dhcp-ddns", &DHCP_DDNS),
    ("Logging", &LOGGING),
    ("loggers[]", &LOGGER),
    ("loggers[]/output_options[]", &OUTPUT),
];

/// The whole reference as Markdown.
#[must_use]
pub fn manual() -> String {
    keywords::manual(&SERVER)
}

/// `kea-dhcp4` as the parts see it that both servers have.
pub static SERVER: Server = Server {
    entry: "Dhcp4",
    program: "kea-dhcp4",
    others: &["Control-agent", "Dhcp6", "DhcpDdns", "Netconf", "Logging"],
    scopes: SCOPES,
    global: &GLOBAL,
    interfaces: &INTERFACES,
    compatibility: &COMPATIBILITY,
    network: &NETWORK,
    class: &CLASS,
    subnet: &SUBNET,
    types: &[(&LEASE_DATABASE, "memfile")],
    reservation: &RESERVATION,
    host_identifiers: &IdentifierKind::ALL,
    options: OptionRules {
        universe: Universe::V4,
        foreign_space: DHCP6,
        foreign: "DHCPv6",
        definition: &OPTION_DEF,
        data: &OPTION_DATA,
        servers_own: SERVERS_OWN,
    },
    introduction: INTRODUCTION,
};

/// Options that the server alone decides about, with the way to influence them. Option 54 is not
/// among them: a configured value is used as server identifier.
const SERVERS_OWN: &[(u16, &str)] = &[
    (code::SUBNET_MASK as u16, "it follows from the subnet"),
    (code::REQUESTED_ADDRESS as u16, "it is for clients"),
    (code::LEASE_TIME as u16, "use 'valid-lifetime'"),
    (code::OPTION_OVERLOAD as u16, "it is for the server"),
    (code::MESSAGE_TYPE as u16, "it is for the server"),
    (code::PARAMETER_REQUEST_LIST as u16, "it is for clients"),
    (code::CLIENT_IDENTIFIER as u16, "it is returned as the client sent it"),
    (code::RELAY_AGENT_INFORMATION as u16, "it is returned as the relay sent it"),
    (code::SUBNET_SELECTION as u16, "it is returned as the relay sent it"),
];

const INTRODUCTION: &str = "\
# Configuration of kea-dhcp4

This file is written from the keyword tables of the server:
`cargo run -p libdhcpsrv --example configuration_manual > doc/configuration.md`.

The configuration is one JSON map. `Dhcp4` is mandatory; the entries of other daemons are ignored,
and `Logging`, the old place of `loggers`, is understood. Comments (`#`, `//`, `/* */`), includes
(`<?include \"file\"?>`) and a comma before a closing bracket are allowed. Keys that are not listed
here are errors, except where the table says so. All errors of a file are reported at once, each
with file, line and column. [Examples](examples/README.md) for common devices are complete files.

A subnet takes from its shared network, and this from `Dhcp4`, what it does not say itself, key by key: one that sets
only its `valid-lifetime` must keep it within the `min-valid-lifetime` and `max-valid-lifetime` around it.
";
