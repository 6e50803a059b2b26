//! Tests of the test support, with real servers, and the suite over everything that keeps leases.

mod databases;
mod server;
