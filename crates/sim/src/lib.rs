//! A deterministic simulator around the real DHCP servers.
//!
//! [`run`] builds a little world from one seed: clients with their state machines, relays and a network that loses,
//! duplicates, delays and reorders, a clock that jumps, a disk that fills up and tears the last write of a crash, and
//! in the middle the real [`Server4`](kea_dhcp4::server::Server4)s or [`Server6`](kea_dhcp6::server::Server6)s of
//! several workers over one real lease store, gate and journal queue. There are no threads and no sockets; every choice
//! is drawn from the seed, so the same seed gives the same [`Report`], and a failure is repeated by its seed.
//!
//! What must hold is checked all the time, by a referee that knows only the packets and the store: nothing belongs to
//! two clients at once, every acknowledged lease survives a crash, counters equal a recount, no pool leaks an address
//! or a prefix, nothing stays parked or inside the gate. A violation panics with the seed.
//!
//! Parts: `world` is the loop over events with clients and network, `service` and `misfortune` are what it does with
//! and to the server; `host` is the computer with the server and what the daemon's threads do, `disk` its lease files,
//! `late` a store that answers late, `checks` the invariants of a server at rest. What depends on the protocol is a
//! `family`: `v4` and `v6` have the clients, packets, configurations and the referee's rules.

mod checks;
mod clock;
mod disk;
mod family;
mod host;
mod late;
mod misfortune;
mod report;
mod scenario;
mod service;
mod shared;
mod spans;
mod uses;
mod v4;
mod v6;
mod world;

pub use report::Report;
pub use scenario::Scenario;

/// The protocol that is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// DHCPv4.
    V4,
    /// DHCPv6.
    V6,
}

/// Simulates one world to its end.
///
/// # Panics
/// When an invariant is violated; the message names the seed.
#[must_use]
pub fn run(protocol: Protocol, seed: u64, scenario: &Scenario) -> Report {
    match protocol {
        Protocol::V4 => world::World::<v4::V4>::new(seed, *scenario).run(),
        Protocol::V6 => world::World::<v6::V6>::new(seed, *scenario).run(),
    }
}
