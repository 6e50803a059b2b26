//! The standard sub-options of DHCPv4 spaces.

use super::sub_row as row;
use crate::definition::DataType::{
    Binary, Boolean, Empty, Fqdn, Ipv4Address, Record, String, Uint8, Uint16, Uint32,
};
use crate::definition::OptionDefinition;

/// Sub-options of relay agent information (82).
pub(super) static AGENT: [OptionDefinition; 20] = [
    row(1, "circuit-id", Binary),
    row(2, "remote-id", Binary),
    row(4, "docsis-device-class", Uint32),
    row(5, "link-selection", Ipv4Address),
    row(6, "subscriber-id", String),
    row(7, "radius", Binary),
    row(8, "auth", Binary),
    row(9, "vendor-specific-info", Binary),
    row(10, "relay-flags", Uint8),
    row(11, "server-id-override", Ipv4Address),
    row(12, "relay-id", Binary),
    row(13, "access-techno-type", Uint16),
    row(14, "access-network-name", String),
    row(15, "access-point-name", String),
    row(16, "access-point-bssid", Binary),
    row(17, "operator-id", Uint32),
    row(18, "operator-realm", String),
    row(19, "relay-port", Empty),
    row(151, "virtual-subnet-select", Binary),
    row(152, "virtual-subnet-select-ctrl", Empty),
];

/// Sub-options of the CableLabs client configuration (122, RFC 3495 and 3634).
pub(super) static CABLELABS_CLIENT: [OptionDefinition; 10] = [
    row(1, "tsp-primary-server", Ipv4Address),
    row(2, "tsp-secondary-server", Ipv4Address),
    row(3, "tsp-provisioning-server", Record).of(&[Uint8, Binary]),
    row(4, "tsp-as-parameters", Record).of(&[Uint32, Uint32, Uint32]),
    row(5, "tsp-ap-parameters", Record).of(&[Uint32, Uint32, Uint32]),
    row(6, "tsp-realm", Fqdn),
    row(7, "tsp-use-tgt", Boolean),
    row(8, "tsp-provisioning-timer", Uint8),
    row(9, "tsp-sct", Uint16),
    row(10, "kdc-server", Ipv4Address).array(),
];

/// Options of CableLabs (enterprise 4491) in option 125.
pub(super) static VENDOR_4491: [OptionDefinition; 2] =
    [row(1, "oro", Uint8).array().served(), row(2, "tftp-servers", Ipv4Address).array()];
