//! DHCPv6 packets: view, typed access and writer.
//!
//! [`View`] reads a message with the relay messages around it, [`Writer`] writes one with the relay
//! messages it needs. Layout and rules: RFC 8415, 6422 (options from relays), 6603 (excluded
//! prefixes), 6939 (link-layer address from the relay), 8357 (source port of relays).

use std::net::Ipv6Addr;

mod access;
pub mod code;
mod ia;
mod label;
mod message_type;
mod options;
mod relay;
mod spans;
mod status_code;
mod vendor;
mod view;
mod writer;

pub use access::{OptionError, RequestedOptions};
pub use ia::{
    Ia, IaAddress, IaAddresses, IaError, IaKind, IaPrefix, IaPrefixes, Ias, encode_excluded_prefix,
};
pub use label::ClientLabel;
pub use message_type::MessageType;
pub use options::Options;
pub use relay::{Relay, Relays};
pub use spans::{OptionSpans, SpanTable};
pub use status_code::StatusCode;
pub use vendor::{Tuples, VendorClass, VendorOptions};
pub use view::{MalformedError, View};
pub use writer::{IaTimes, Lifetimes, RelayHeader, WriteError, Writer};

/// Bytes before the options of a message between client and server.
pub const HEADER_LEN: usize = 4;
/// Bytes before the options of a relay message.
pub const RELAY_HEADER_LEN: usize = 34;
/// Relay messages that may lie around a client's message (RFC 8415 section 7.6 has 8).
pub const RELAYS_MAX: usize = 32;
/// UDP port of servers and relays.
pub const SERVER_PORT: u16 = 547;
/// UDP port of clients.
pub const CLIENT_PORT: u16 = 546;
/// Group of all servers and relays on a link.
pub const ALL_RELAY_AGENTS_AND_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// Group of all servers of a site.
pub const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 1, 3);
/// A lifetime, T1 or T2 without end.
pub const INFINITY: u32 = u32::MAX;

#[cfg(test)]
mod tests;
