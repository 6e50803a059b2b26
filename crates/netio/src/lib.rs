//! Packets in and out: interfaces, sockets, kernel filters and batched I/O.
//!
//! This crate knows datagrams, not DHCP: the only thing it reads in a payload is what tells clients
//! apart, by a kernel program that picks the worker. It decides nothing, logs nothing and keeps no
//! thread.
//!
//! * [`interfaces`] is the table of the system's interfaces and a netlink monitor that keeps it
//!   true.
//! * [`plan`] says which sockets ought to exist for a configuration and a table.
//! * [`transport`] owns the sockets of one worker, IPv4 or IPv6 as the plan is, makes them agree with the plan again
//!   whenever the table changes, and moves datagrams between them and [`util::link`].
//! * [`client`] is the one socket of a program that asks servers.
//!
//! All unsafe code is in `sys`.

pub mod client;
pub mod interfaces;
pub mod plan;
pub mod transport;

mod filter;
mod frame;
mod gso;
mod sys;

pub use client::{ClientEndpoint, ClientSocket, Sent};
pub use interfaces::{Interface, InterfaceTable, Ipv4Network, Ipv6Network, Monitor};
pub use plan::{
    Endpoint, Family, InterfaceSpec, InterfaceSpecError, Plan, PlanError, PlanProblem, Socket,
    SocketKind, desired,
};
pub use transport::{
    BATCH, Event, Malformed, MalformedCounts, ReceiveReport, SendReport, SocketToken, Taker,
    Transport,
};
