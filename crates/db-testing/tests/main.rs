//! Tests with real servers: of the test support, the suite over everything that keeps leases, and hosts in both databases.

mod databases;
mod hosts;
mod server;
