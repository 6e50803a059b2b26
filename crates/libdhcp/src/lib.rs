//! DHCP packets, options and option definitions.
//!
//! What it is: views over received bytes, builders that write into the caller's buffer, the tables
//! of option definitions and the rules that turn configuration text into option bytes. What it is
//! not: a server; it knows no leases, opens no sockets, reads no clock and keeps no state between
//! packets.
//!
//! How it works: [`v4::View`] and [`v6::View`] check a datagram once and note where each option
//! lies; nothing is copied and nothing on that path allocates. [`OptionSet`] and [`OptionSet6`] hold
//! options that were encoded when the configuration was read. [`v4::OptionSink`] collects what a
//! reply shall carry and [`v4::Builder`] writes it, sorted and no longer than the client accepts;
//! [`v6::Writer`] writes options as they come, inside the relay messages that the reply needs.
//! What definitions, option text and option sets need to know about a family is in [`Universe`].
//!
//! Follows RFC 2131, 2132, 3046, 3396, 3397, 3442, 4361, 8415 with the options built on them, and
//! the limits of Kea where the RFCs leave a choice.

mod client_id;
mod duid;
mod hardware_address;
mod hex;
mod option_codes;
mod option_set;
mod universe;

pub mod data;
pub mod definition;
pub mod option_defs;
pub mod v4;
pub mod v6;

pub use client_id::ClientId;
pub use duid::{Duid, DuidBuf, DuidError, DuidType};
pub use hardware_address::{HardwareAddress, HardwareAddressError};
pub use hex::ColonHex;
pub use option_codes::{OptionCodes, OptionCodesIter};
pub use option_set::{
    Added, CompiledOption, EncodedOption, EncodedOption6, OptionFlags, OptionSet, OptionSet6,
    OptionSetBuilder, OptionSetError, OptionSetForm, Vendors,
};
pub use universe::Universe;
