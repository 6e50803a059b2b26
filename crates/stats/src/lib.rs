//! Statistics: tables of names, counters of workers, figures of subnets, and their reading by name.
//!
//! Counting is cheap and happens in the packet path: [`WorkerCounters`] for packets, [`LeaseCounters`] for leases.
//! Reading, resetting and removing happen in the control thread through [`Statistics`], which names things as Kea
//! does: `pkt4-received`, `subnet[7].assigned-addresses`, `subnet[7].pd-pool[0].total-pds`.
//!
//! All values are integers, and only the latest value is kept, with the time of its last change. Differences to Kea:
//! packet statistics exist from the start, not from the first packet on, as in today's releases; the misnamed
//! `declined-reclaimed-addresses` of 1.1 does not exist. Nothing here reads a clock or does I/O.

mod leases;
mod registry;
mod rows;
mod worker;

pub use leases::{LeaseCounters, Place, PoolSlot, SubnetRow};
pub use registry::{Observation, Statistics};
pub use rows::{Kind, Lease4, Lease6, Packet4, Packet6, Places, Row, Table};
pub use worker::WorkerCounters;

/// Statistics of a DHCPv4 server.
pub type Statistics4 = Statistics<Packet4, Lease4>;
/// Figures of the subnets of a DHCPv4 server.
pub type LeaseCounters4 = LeaseCounters<Lease4>;
/// Counters of a worker of a DHCPv4 server.
pub type WorkerCounters4 = WorkerCounters<Packet4>;
/// Statistics of a DHCPv6 server.
pub type Statistics6 = Statistics<Packet6, Lease6>;
/// Figures of the subnets of a DHCPv6 server.
pub type LeaseCounters6 = LeaseCounters<Lease6>;
/// Counters of a worker of a DHCPv6 server.
pub type WorkerCounters6 = WorkerCounters<Packet6>;
