//! Leases and hosts in MySQL and MariaDB.
//!
//! [`connect`] makes a connection, and [`open_leases4`] and [`open_leases6`] one to a table of leases. Every statement
//! is about many leases, and whatever comes from clients is a parameter.

mod connection;
mod family;
mod hosts;
mod lease4;
mod lease6;
mod leases;
pub mod messages;
mod schema;
mod session;
mod text;
mod value;
mod write;

pub use connection::{connect, db_error};
pub use text::load_hostname;

use database::{DbError, HostConnection, LeaseConnection};
use leases::Leases;
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

/// Connects to the table `lease4`.
///
/// # Errors
/// [`DbError`]: see [`connect`]; [`database::Fault::Schema`] if the table lacks what is needed.
pub fn open_leases4(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<V4>>, DbError> {
    Ok(Box::new(Leases::<V4>::open(access)?))
}

/// Connects to the table `lease6`.
///
/// # Errors
/// [`DbError`]: see [`connect`]; [`database::Fault::Schema`] if the table lacks what is needed.
pub fn open_leases6(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<V6>>, DbError> {
    Ok(Box::new(Leases::<V6>::open(access)?))
}

/// Connects to the tables of hosts, for what they say of DHCPv4.
///
/// # Errors
/// [`DbError`]: see [`connect`]; [`database::Fault::Schema`] if the tables lack what is needed.
pub fn open_hosts4(access: &SqlAccess) -> Result<Box<dyn HostConnection<V4>>, DbError> {
    Ok(Box::new(hosts::Hosts::<V4>::open(access)?))
}

/// Connects to the tables of hosts, for what they say of DHCPv6.
///
/// # Errors
/// [`DbError`]: see [`connect`]; [`database::Fault::Schema`] if the tables lack what is needed.
pub fn open_hosts6(access: &SqlAccess) -> Result<Box<dyn HostConnection<V6>>, DbError> {
    Ok(Box::new(hosts::Hosts::<V6>::open(access)?))
}
