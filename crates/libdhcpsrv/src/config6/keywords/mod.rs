//! The keyword tables of `Dhcp6`: one row per key, one table per map.
//!
//! Those that `Dhcp4` has as well are in [`crate::config::keywords`].

mod classes;
mod global;
mod network;
mod parts;

use cc::Scope;
use libdhcp::Universe;
use libdhcp::definition::DHCP4;
use libdhcp::v6::code;

use crate::config::keywords::{
    self, DHCP_DDNS, EXPIRED_LEASES, HOSTS_DATABASE, LEASE_DATABASE, LOGGER, LOGGING,
    MULTI_THREADING, OUTPUT, RELAY, SANITY_CHECKS,
};
use crate::config::{OptionRules, Server};
use crate::hosts::IdentifierKind;

pub use classes::CLASS;
pub use global::GLOBAL;
pub use network::{NETWORK, OPTION_DATA, OPTION_DEF, PD_POOL, POOL, RESERVATION, SUBNET};
pub use parts::{COMPATIBILITY, INTERFACES, SERVER_ID};

/// All tables in the order of the manual, each with the path of its maps in the file.
pub const SCOPES: &[(&str, &Scope)] = &[
    ("Dhcp6", &GLOBAL),
    ("Dhcp6/interfaces-config", &INTERFACES),
    ("Dhcp6/server-id", &SERVER_ID),
    ("Dhcp6/lease-database", &LEASE_DATABASE),
    ("Dhcp6/hosts-database", &HOSTS_DATABASE),
    ("Dhcp6/expired-leases-processing", &EXPIRED_LEASES),
    ("Dhcp6/multi-threading", &MULTI_THREADING),
    ("Dhcp6/shared-networks[]", &NETWORK),
    ("Dhcp6/client-classes[]", &CLASS),
    ("Dhcp6/subnet6[]", &SUBNET),
    ("Dhcp6/subnet6[]/pools[]", &POOL),
    ("Dhcp6/subnet6[]/pd-pools[]", &PD_POOL),
    ("Dhcp6/subnet6[]/relay", &RELAY),
    ("reservations[]", &RESERVATION),
    ("Dhcp6/option-def[]", &OPTION_DEF),
    ("option-data[]", &OPTION_DATA),
    ("Dhcp6/compatibility", &COMPATIBILITY),
    ("Dhcp6/sanity-checks", &SANITY_CHECKS),
    ("Dhcp6/dhcp-ddns", &DHCP_DDNS),
    ("Logging", &LOGGING),
    ("loggers[]", &LOGGER),
    ("loggers[]/output_options[]", &OUTPUT),
];

/// The whole reference as Markdown.
#[must_use]
pub fn manual() -> String {
    keywords::manual(&SERVER)
}

/// `kea-dhcp6` as the parts see it that both servers have.
pub static SERVER: Server = Server {
    entry: "Dhcp6",
    program: "kea-dhcp6",
    others: &["Control-agent", "Dhcp4", "DhcpDdns", "Netconf", "Logging"],
    scopes: SCOPES,
    global: &GLOBAL,
    interfaces: &INTERFACES,
    compatibility: &COMPATIBILITY,
    network: &NETWORK,
    class: &CLASS,
    subnet: &SUBNET,
    types: &[(&LEASE_DATABASE, "memfile"), (&SERVER_ID, "LLT")],
    reservation: &RESERVATION,
    host_identifiers: &[IdentifierKind::HwAddress, IdentifierKind::Duid, IdentifierKind::FlexId],
    options: OptionRules {
        universe: Universe::V6,
        foreign_space: DHCP4,
        foreign: "DHCPv4",
        definition: &OPTION_DEF,
        data: &OPTION_DATA,
        servers_own: SERVERS_OWN,
    },
    introduction: INTRODUCTION,
};

/// Options that the server alone decides about, with the way to influence them.
const SERVERS_OWN: &[(u16, &str)] = &[
    (code::CLIENTID, "it is returned as the client sent it"),
    (code::SERVERID, "use 'server-id'"),
    (code::IA_NA, "it follows from the leases"),
    (code::IA_TA, "it follows from the leases"),
    (code::IAADDR, "it follows from the leases"),
    (code::ORO, "it is for clients"),
    (code::ELAPSED_TIME, "it is for clients"),
    (code::RELAY_MSG, "it is for the server"),
    (code::STATUS_CODE, "it is for the server"),
    (code::RAPID_COMMIT, "use 'rapid-commit'"),
    (code::INTERFACE_ID, "it is returned as the relay sent it"),
    (code::IA_PD, "it follows from the leases"),
    (code::IAPREFIX, "it follows from the leases"),
    (code::PD_EXCLUDE, "use 'excluded-prefix' of a pool"),
];

const INTRODUCTION: &str = "\
# Configuration of kea-dhcp6

This file is written from the keyword tables of the server:
`cargo run -p libdhcpsrv --example configuration_manual -- 6 > doc/configuration6.md`.

The configuration is one JSON map. `Dhcp6` is mandatory; the entries of other daemons are ignored,
and `Logging`, the old place of `loggers`, is understood. Comments (`#`, `//`, `/* */`), includes
(`<?include \"file\"?>`) and a comma before a closing bracket are allowed. Keys that are not listed
here are errors, except where the table says so. All errors of a file are reported at once, each
with file, line and column. [Examples](examples/README.md) for common devices are complete files.

A subnet takes from `Dhcp6` what it does not say itself, key by key: one that sets only its
`valid-lifetime` must keep it within the `min-valid-lifetime` and `max-valid-lifetime` of `Dhcp6`.
4294967295 seconds are infinity. The preferred lifetimes are five eighths of the valid ones where
nothing is said about them.

Two pools of one subnet must not share addresses. Pools of different subnets may, unless a client
could get an address or a prefix within the prefix of another: what they share must be given out in
the same length.
";
