//! Support for tests of databases; no part of the product.
//!
//! [`Server`] is a MariaDB or PostgreSQL of one's own, from Debian's packages: in a folder that vanishes, at a port that
//! is free, with users that need their passwords. It can be killed, started again and paused, and tells what it costs.
//! Nothing of it outlives the test's process, however that ends.
//!
//! Everything here panics with a reason when it cannot do its work, as tests want it.

mod access;
mod folder;
mod keeper;
mod mysql;
mod pgsql;
mod processes;
mod server;
pub mod suite;

pub use access::{Database, Schema};
pub use libdhcpsrv::config::SqlKind;
pub use server::{Durability, Server, Settings};
