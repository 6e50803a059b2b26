//! The standard sub-options of DHCPv6 spaces.

use super::sub_row as row;
use crate::definition::DataType::{
    Binary, Fqdn, Int32, Ipv4Address, Ipv6Address, Ipv6Prefix, Psid, Record, String, Uint8, Uint16,
};
use crate::definition::OptionDefinition;

/// Options of CableLabs (enterprise 4491) in option 17.
pub(super) static VENDOR_4491: [OptionDefinition; 10] = [
    row(1, "oro", Uint16).array().served(),
    row(2, "device-type", String),
    row(10, "vendor-type", String),
    row(32, "tftp-servers", Ipv6Address).array(),
    row(33, "config-file", String),
    row(34, "syslog-servers", Ipv6Address).array(),
    row(36, "device-id", Binary),
    row(37, "time-servers", Ipv6Address).array(),
    row(38, "time-offset", Int32),
    row(1026, "cmts-cm-mac", Binary),
];

/// Options of ISC (enterprise 2495), which the servers of both families exchange (RFC 7341).
pub(super) static VENDOR_2495: [OptionDefinition; 3] = [
    row(60000, "4o6-interface", String),
    row(60001, "4o6-source-address", Ipv6Address),
    row(60002, "4o6-source-port", Uint16),
];

/// Options that relays may supply (66, RFC 6422).
pub(super) static RSOO: [OptionDefinition; 1] = [row(65, "erp-local-domain-name", Fqdn)];

/// Sub-options of the NTP server option (56, RFC 5908).
pub(super) static NTP_SERVER: [OptionDefinition; 3] = [
    row(1, "ntp-server-address", Ipv6Address),
    row(2, "ntp-server-multicast", Ipv6Address),
    row(3, "ntp-server-fqdn", Fqdn),
];

/// Options of a MAP-E container (94, RFC 7598).
pub(super) static S46_MAPE: [OptionDefinition; 2] = [s46_rule(), s46_br()];

/// Options of a MAP-T container (95, RFC 7598).
pub(super) static S46_MAPT: [OptionDefinition; 2] = [s46_rule(), row(91, "s46-dmr", Ipv6Prefix)];

/// Options of a lightweight 4over6 container (96, RFC 7598).
pub(super) static S46_LW: [OptionDefinition; 2] = [
    s46_br(),
    row(92, "s46-v4v6bind", Record)
        .of(&[Ipv4Address, Ipv6Prefix])
        .encapsulating("s46-v4v6bind-options"),
];

/// Options of a mapping rule or an address binding (RFC 7598).
pub(super) static S46_PORTS: [OptionDefinition; 1] =
    [row(93, "s46-portparams", Record).of(&[Uint8, Psid])];

const fn s46_rule() -> OptionDefinition {
    row(89, "s46-rule", Record)
        .of(&[Uint8, Uint8, Uint8, Ipv4Address, Ipv6Prefix])
        .encapsulating("s46-rule-options")
}

const fn s46_br() -> OptionDefinition {
    row(90, "s46-br", Ipv6Address)
}
