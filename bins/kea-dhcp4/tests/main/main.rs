//! Scenarios of the DHCPv4 protocol: a client sends, the server answers, time passes.
//!
//! Everything goes through the library's [`Server4`](kea_dhcp4::server::Server4) with a real configuration, store and
//! journal queue; see `stand` for the apparatus.

mod allocators;
mod classes;
mod discover;
mod explain;
mod extended_info;
mod host_databases;
mod hostile;
mod hosts;
mod inform;
mod large_files;
mod names;
mod networks;
mod options;
mod program;
mod recipes;
mod release;
mod request;
mod selection;
mod server;
mod sparing;
mod stand;
mod vendors;
mod waiting;
