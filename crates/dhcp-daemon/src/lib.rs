//! The daemon around a DHCP server: command line, configuration file, lease database, workers, timers, signals.
//!
//! It knows leases, sockets and files, and no protocol: what it must know of a server is its [`Daemon`]. A server's
//! `main` consists of that and of a call of [`run`].
//!
//! Parts: `command_line` and `config_file` read what the administrator says, `start` serves or checks accordingly,
//! `control` is the event loop of the main thread, `service` what it keeps running (workers, sockets, the
//! configuration in force), `packets` the server in a worker thread, `lease_database` opens the leases, `maintenance`
//! is what is done by the clock, `explain` a server that tells what it would do.
//!
//! # Recipe for a server
//! 1. The library has the packet server ([`DhcpServer`](libdhcpsrv::server::DhcpServer)), the configuration in force,
//!    and the messages.
//! 2. `main.rs` has a type without contents that names the daemon, `#[derive(Clone, Copy, Debug)] struct Dhcp4;`,
//!    and says with two traits what the daemon needs:
//!    [`DaemonMessages`] names the messages that Kea has once for each server, [`Daemon`] the types, the names and
//!    the few steps that depend on the protocol.
//! 3. What a server needs from outside of its configuration, such as a DUID that is kept in a file, it gets in
//!    [`Daemon::prepare`], before anything is changed, and is handed to [`Daemon::install`].
//! 4. `fn main() -> ExitCode { dhcp_daemon::run::<Dhcp4>() }`

pub mod messages;

mod command_line;
mod config_file;
mod control;
mod daemon;
mod explain;
mod lease_database;
mod leases;
mod maintenance;
mod packets;
mod service;
mod sql;
mod start;

pub use daemon::{
    Daemon, DaemonMessages, Ingredients, Profile, SUBNETS_LOGGED, Settings, Surroundings,
};
pub use sql::SqlLeases;
pub use start::run;
