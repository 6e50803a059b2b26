//! The daemon around a server: folders, pid file, threads, signals, the lease journal on disk.
//!
//! This crate touches the operating system so that the servers need not. It knows nothing of DHCP: a server is
//! a [`worker::PacketServer`] that gets datagrams and fills an outbox.

pub mod clock;
pub mod journal_service;
pub mod lease_file;
pub mod paths;
pub mod pid_file;
pub mod worker;
