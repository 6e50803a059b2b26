//! DHCPv4 packets: view, typed access, builder and edit layer.
//!
//! [`View`] reads, [`Builder`] with [`OptionSink`] writes, [`Message`] is the owned form for the
//! rare case that a packet is changed piece by piece. Layout and rules: RFC 2131 section 2, RFC
//! 2132, RFC 3396.

mod access;
mod builder;
pub mod code;
mod label;
mod message;
mod message_type;
mod relay;
mod sink;
mod spans;
mod vendor;
mod view;

pub use access::OptionError;
pub use builder::{BuildError, Builder, reply_size_max};
pub use label::ClientLabel;
pub use message::{Header, Message};
pub use message_type::MessageType;
pub use relay::{RelayAgentInformation, SubOptions};
pub use sink::{OptionSink, Weight};
pub use spans::{Fragments, SpanTable};
pub use vendor::{VendorBlock, VendorBlocks};
pub use view::{MalformedError, View};

/// Bytes of the fixed header, up to and including `file`.
pub const HEADER_LEN: usize = 236;
/// Where the options start: header and magic cookie.
pub const OPTIONS_OFFSET: usize = 240;
/// The magic cookie of RFC 2132 section 2.
pub const MAGIC_COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// `op` of a message from a client.
pub const BOOTREQUEST: u8 = 1;
/// `op` of a message from a server.
pub const BOOTREPLY: u8 = 2;
/// The broadcast bit of `flags`.
pub const FLAG_BROADCAST: u16 = 0x8000;
/// UDP port of servers and relays.
pub const SERVER_PORT: u16 = 67;
/// UDP port of clients.
pub const CLIENT_PORT: u16 = 68;

#[cfg(test)]
mod tests;
