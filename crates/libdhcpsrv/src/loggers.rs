//! The loggers that both servers have. Each server adds its own, which is named after the protocol.

use kea_log::Logger;

/// Configuration, storage, sockets.
pub static DHCPSRV: Logger = Logger::new("dhcpsrv");
/// Allocation and reclamation.
pub static ALLOC: Logger = Logger::new("alloc-engine");
/// Reservation lookups.
pub static HOSTS: Logger = Logger::new("hosts");
/// Malformed and rejected packets.
pub static BAD_PACKETS: Logger = Logger::new("bad-packets");
/// Packets received and sent.
pub static PACKETS: Logger = Logger::new("packets");
/// Leases given, released, declined.
pub static LEASES: Logger = Logger::new("leases");
