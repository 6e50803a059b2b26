//! Leases in a PostgreSQL of the tests' own.

mod failures;
mod leases4;
mod leases6;
mod plans;
mod tables;
