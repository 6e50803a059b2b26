//! What decides about leases: configuration objects, the lease store and its journal rows, the allocation engine.
//!
//! No sockets, files, clocks or threads: time and randomness are arguments, effects are values.

pub mod alloc4;
pub mod alloc6;
pub mod classes;
pub mod config;
pub mod config4;
pub mod config6;
pub mod deliveries;
pub mod engine;
pub mod explain;
pub mod extended_info;
pub mod free;
pub mod gate;
pub mod hosts;
pub mod intake;
pub mod lease;
pub mod lease4;
pub mod lease6;
pub mod links;
pub mod loggers;
pub mod messages;
pub mod names;
pub mod offers;
pub mod remote;
pub mod server;
pub mod session;
pub mod tally;
