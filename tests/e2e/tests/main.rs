//! End-to-end tests: a whole `kea-dhcp4` in network namespaces, with real clients and raw frames.
//!
//! They need root and the programs that `scripts/test` installs. One test: `cargo test -p e2e --test main NAME`.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod main {
    mod clients;
}
