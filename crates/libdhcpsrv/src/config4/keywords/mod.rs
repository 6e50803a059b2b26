//! The keyword tables of `Dhcp4`: one row per key, one table per map.
//!
//! Reading, checking, `config-get` and the manual are driven by these rows. A key that is accepted
//! without doing anything says so in its description, which then begins with "No effect". Keys of
//! which only some values can be honoured today are listed again in [`RESTRICTIONS`]. What is
//! derived from several keys or refers to other parts of the file is checked by the readers.

mod global;
mod logging;
mod manual;
mod network;
mod parts;
mod restrictions;

use cc::Scope;

pub use global::GLOBAL;
pub use logging::{LOGGER, LOGGING, OUTPUT};
pub use manual::manual;
pub use network::{OPTION_DATA, OPTION_DEF, POOL, RELAY, SUBNET};
pub use parts::{
    COMPATIBILITY, DHCP_DDNS, EXPIRED_LEASES, INTERFACES, LEASE_DATABASE, MULTI_THREADING,
    SANITY_CHECKS,
};
pub(super) use restrictions::refuse_unsupported;
pub use restrictions::{RESTRICTIONS, Restriction};

/// All tables in the order of the manual, each with the path of its maps in the file.
pub const SCOPES: &[(&str, &Scope)] = &[
    ("Dhcp4", &GLOBAL),
    ("Dhcp4/interfaces-config", &INTERFACES),
    ("Dhcp4/lease-database", &LEASE_DATABASE),
    ("Dhcp4/expired-leases-processing", &EXPIRED_LEASES),
    ("Dhcp4/multi-threading", &MULTI_THREADING),
    ("Dhcp4/subnet4[]", &SUBNET),
    ("Dhcp4/subnet4[]/pools[]", &POOL),
    ("Dhcp4/subnet4[]/relay", &RELAY),
    ("Dhcp4/option-def[]", &OPTION_DEF),
    ("option-data[]", &OPTION_DATA),
    ("Dhcp4/compatibility", &COMPATIBILITY),
    ("Dhcp4/sanity-checks", &SANITY_CHECKS),
    ("Dhcp4/dhcp-ddns", &DHCP_DDNS),
    ("Logging", &LOGGING),
    ("loggers[]", &LOGGER),
    ("loggers[]/output_options[]", &OUTPUT),
];
