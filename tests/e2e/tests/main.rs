//! End-to-end tests: a whole `kea-dhcp4` or `kea-dhcp6` in network namespaces, with real clients and raw frames.
//!
//! They need root and the programs that `scripts/test` installs. One test: `cargo test -p e2e
//! --test main NAME`.

mod main {
    mod both;
    mod clients;
    mod configuration;
    mod crash;
    mod daemon;
    mod databases;
    mod databases_hosts;
    mod databases_race;
    mod disk;
    mod durability;
    mod hostile;
    mod hosts;
    mod interfaces;
    mod keactrl;
    mod lease_file;
    mod lfc;
    mod life_cycle;
    mod load;
    mod perfdhcp;
    mod protocol;
    mod relays;
    mod reload_storage;
    mod udp_sockets;
    mod verdicts;

    mod v6 {
        mod clients;
        mod common;
        mod configuration;
        mod crash;
        mod daemon;
        mod durability;
        mod hostile;
        mod hosts;
        mod interfaces;
        mod lease_file;
        mod lfc;
        mod life_cycle;
        mod load;
        mod options;
        mod protocol;
        mod relays;
        mod server_id;

        use common::{address, all_given_back, outside, prefix, served};
    }
}
