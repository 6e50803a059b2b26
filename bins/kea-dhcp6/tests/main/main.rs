//! Scenarios of the DHCPv6 protocol: a client sends, the server answers, time passes.
//!
//! Everything goes through the library's [`Server6`](kea_dhcp6::server::Server6) with a real configuration, store and
//! journal queue; see `stand` for the apparatus.

mod allocators;
mod assign;
mod classes;
mod confirm;
mod explain;
mod extend;
mod extended_info;
mod host_databases;
mod hostile;
mod hosts;
mod identifiers;
mod information;
mod networks;
mod options;
mod prefixes;
mod recipes;
mod relays;
mod release;
mod selection;
mod sparing;
mod stand;
mod waiting;
