//! The loggers of both servers.

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
/// Evaluation of expressions.
pub static EVAL: Logger = Logger::new("eval");
/// General messages of `kea-dhcp4`.
pub static DHCP4: Logger = Logger::new("dhcp4");
/// General messages of `kea-dhcp6`.
pub static DHCP6: Logger = Logger::new("dhcp6");
