//! A deterministic simulator around the real DHCPv4 server.
//!
//! [`run`] builds a little world from one seed: clients with their state machines, relays and a network that loses,
//! duplicates, delays and reorders, a clock that jumps, a disk that fills up and tears the last write of a crash, and
//! in the middle the real [`Server4`](kea_dhcp4::server::Server4)s of several workers over one real lease store, gate
//! and journal queue. There are no threads and no sockets; every choice is drawn from the seed, so the same seed gives
//! the same [`Report`], and a failure is repeated by its seed.
//!
//! What must hold is checked all the time, by an `oracle` that knows only the packets: no address belongs to two
//! clients at once, every acknowledged lease survives a crash, counters equal a recount, no pool leaks an address,
//! nothing stays parked or inside the gate. A violation panics with the seed.
//!
//! Parts: `world` is the loop over events with clients and network, `service` and `misfortune` are what it does with
//! and to the server; `client` is a client, `host` the computer with the server and what the daemon's threads do, `disk`
//! its lease files, `late` a store that answers late, `checks` and `oracle` the invariants.

mod checks;
mod client;
mod clock;
mod configuration;
mod disk;
mod host;
mod late;
mod misfortune;
mod oracle;
mod packets;
mod report;
mod scenario;
mod service;
mod world;

pub use report::Report;
pub use scenario::Scenario;

/// Simulates one world to its end.
///
/// # Panics
/// When an invariant is violated; the message names the seed.
#[must_use]
pub fn run(seed: u64, scenario: &Scenario) -> Report {
    world::World::new(seed, *scenario).run()
}
