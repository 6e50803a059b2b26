//! The back-end against a MariaDB of its own.

mod connection;
mod lease4;
mod lease6;
mod schema5;
