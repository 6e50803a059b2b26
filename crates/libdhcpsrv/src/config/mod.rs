//! What the configurations of both servers have in common.
//!
//! Types that packet code and daemons see, and the mechanism behind them: tables of the keywords that both have
//! ([`keywords`]), readers of the parts that mean the same (`read`), what `config-get` fills in (`get`). What they
//! must know of a server is a [`Server`]; what they carry is a type parameter ([`Address`], a set of options). What a
//! subnet is, what it inherits and how packets find it is up to `config4` and `config6`.

mod address;
mod database;
pub(crate) mod get;
pub mod keywords;
mod lease_places;
mod lease_rules;
mod prefix_index;
pub(crate) mod read;
mod server;
mod shared_network;
mod subnets_by;
#[cfg(test)]
pub(crate) mod testing;
mod timers;

pub use address::{Address, Prefix, Span};
pub use database::{HostCacheLimits, OnFail, Reconnect, Secret, SqlAccess, SqlDatabase, SqlKind};
pub use lease_places::{LeasePlaces, LeaseVerdict};
pub use lease_rules::{Aged, Allocator, LeaseCache, LeaseRules, remaining};
pub use prefix_index::PrefixIndex;
pub use server::{OptionRules, Server};
pub use shared_network::{NetworkIndex, PoolExtras, SharedNetwork};
pub use subnets_by::SubnetsBy;
pub(crate) use timers::{Lifetime, TeeTimes};

/// Index of a subnet in the subnets of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubnetIndex(pub u32);

/// `lease-database`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseDatabase {
    /// The database that keeps the leases; `None` for `memfile`, to which all other fields belong.
    pub sql: Option<SqlDatabase>,
    /// `name`: path of the lease file; `None` for the default below the data directory.
    pub name: Option<String>,
    /// `persist`.
    pub persist: bool,
    /// `lfc-interval` in seconds; 0 switches the clean-up off.
    pub lfc_interval: u32,
    /// `durability`.
    pub durability: Durability,
    /// `max-row-errors`; 0 tolerates any number.
    pub max_row_errors: u32,
}

/// What an acknowledgement promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The row is on stable storage before the reply leaves.
    Disk,
    /// The row has been handed to the kernel before the reply leaves, as in Kea.
    Kernel,
}

/// `lease-checks` of `sanity-checks`: leases whose subnet id does not match their address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseChecks {
    /// They are dropped.
    Del,
    /// They get the id of the subnet their address is in.
    Fix,
    /// As `Fix`, and dropped when there is no such subnet.
    FixDel,
    /// They are not looked for.
    None,
    /// They are reported and kept.
    Warn,
}

/// `extended-info-checks` of `sanity-checks`: what leases say of relays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedInfoChecks {
    /// Old forms become today's; what has no form at all is taken out.
    Fix,
    /// It is not looked at.
    None,
    /// As `Strict`, and what is unknown or missing is not tolerated.
    Pedantic,
    /// As `Fix`, and the values are looked at.
    Strict,
}

/// `expired-leases-processing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiredLeases {
    /// Seconds between two reclamation runs; 0 for none.
    pub reclaim_timer_wait_time: u32,
    /// Seconds between two removals of reclaimed leases; 0 removes them when they are reclaimed.
    pub flush_reclaimed_timer_wait_time: u32,
    /// Seconds for which a reclaimed lease is kept.
    pub hold_reclaimed_time: u32,
    /// Leases per reclamation run; 0 for no limit.
    pub max_reclaim_leases: u32,
    /// Milliseconds per reclamation run; 0 for no limit.
    pub max_reclaim_time: u32,
    /// Runs in a row that may leave leases behind before a warning is logged.
    pub unwarned_reclaim_cycles: u32,
}

impl Default for ExpiredLeases {
    fn default() -> Self {
        Self {
            reclaim_timer_wait_time: 10,
            flush_reclaimed_timer_wait_time: 25,
            hold_reclaimed_time: 3600,
            max_reclaim_leases: 100,
            max_reclaim_time: 250,
            unwarned_reclaim_cycles: 5,
        }
    }
}
