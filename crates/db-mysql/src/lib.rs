//! Leases and hosts in MySQL and MariaDB.

mod connection;

pub use connection::{connect, db_error};
