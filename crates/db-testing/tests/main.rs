//! Tests with real servers: of the test support, and of what both databases must do alike.

mod databases;
mod hosts;
mod server;
