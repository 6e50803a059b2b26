//! The DHCPv4 server as a library: the protocol, without sockets, files, clocks or threads.
//!
//! `main` drives one [`server::Server4`] per worker thread with real datagrams; tests and the simulator drive the
//! same type with made ones.

pub mod classes;
pub mod destination;
pub mod handlers;
pub mod hosts;
pub mod messages;
pub mod query;
pub mod reply;
pub mod runtime;
pub mod scopes;
pub mod select;
pub mod server;
pub mod vendor;
