//! Leases and hosts in PostgreSQL.
//!
//! [`connect`] makes a connection, which prepares and runs statements for whoever knows the tables.

mod connection;
mod error;
mod tls;
mod value;

pub use connection::{Client, Parameter, Statement, connect};
pub use tokio_postgres::types::ToSql;
pub use tokio_postgres::{Row, SimpleQueryMessage};
pub use value::{Bytes, Int, Text, Time};
