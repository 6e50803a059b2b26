//! Harness of the end-to-end tests: namespaces, servers, real clients and raw frames.
//!
//! It drives a `kea-dhcp4` or `kea-dhcp6` binary from outside, as a network and an administrator would; it knows
//! nothing of the server's crates, so that a defect shared by a codec and its test cannot hide.
//! Everything it creates (namespaces, links, mounts, processes) is removed when the owning value is
//! dropped, also when a test panics, and only what was created here is touched.
//!
//! The server under test is the program named by the environment variable `KEA_DHCP4` or `KEA_DHCP6`, else the
//! workspace's release build, else the debug build beside the test. The tests need root, `ip` and
//! the clients that `scripts/test` installs.

pub mod clients;
pub mod clients6;
pub mod config;
pub mod dhcp;
pub mod dhcp6;
pub mod either;
pub mod family;
pub mod frame;
pub mod frame6;
pub mod leases;
pub mod load;
pub mod mutants;
pub mod net;
pub mod peer;
pub mod peer6;
pub mod perfdhcp;
pub mod process;
pub mod raw;
pub mod relay;
pub mod server;
pub mod wait;

/// The names that nearly every test uses.
pub mod prelude {
    pub use crate::clients::{Client, Kind};
    pub use crate::clients6::Wants6;
    pub use crate::config::{Config, pd_pool, pool_subnet, pool_subnet6};
    pub use crate::dhcp::{Dhcp, Kind as Message, opt};
    pub use crate::dhcp6::{Dhcp6, Hop, Ia, Kind6, opt6, status};
    pub use crate::either::EitherPeer;
    pub use crate::family::Family;
    pub use crate::frame::Frame;
    pub use crate::leases::LeaseFiles;
    pub use crate::net::{Net, Ns};
    pub use crate::peer::Peer;
    pub use crate::peer6::{Peer6, Reply6};
    pub use crate::raw::{RawPort, Received, Reply};
    pub use crate::server::Server;
    pub use crate::wait;
    pub use std::net::{Ipv4Addr, Ipv6Addr};
    pub use std::time::{Duration, Instant};
}
