//! Leases and hosts in PostgreSQL.
//!
//! [`connect`] makes a connection, which prepares and runs statements for whoever knows the tables. [`open_leases4`] and
//! [`open_leases6`] make those to the tables of leases, [`open_hosts4`] and [`open_hosts6`] to those of hosts.
//!
//! What is stored is what Kea stores, which cannot read everything else: empty texts and identifiers and the number 0
//! rather than NULL, IAIDs as signed numbers, addresses of DHCPv6 as texts where the table is of that kind. Bytes that
//! are no text become `?`.

mod column;
mod connection;
mod error;
mod hosts;
mod lease;
mod messages;
pub mod schema;
mod sql;
mod table;
mod table4;
mod table6;
mod tls;
mod value;

pub use connection::{Client, Parameter, Statement, connect};
pub use hosts::{open_hosts4, open_hosts6};
pub use lease::{lease_statements, open_leases4, open_leases6};
pub use tokio_postgres::types::ToSql;
pub use tokio_postgres::{Row, SimpleQueryMessage};
pub use value::{Bytes, Int, Text, Time};
