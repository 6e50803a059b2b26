//! Tests of the test support, with real servers.

mod server;
