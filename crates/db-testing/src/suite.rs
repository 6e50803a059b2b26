//! What every [`LeaseConnection`] must do: one suite for all databases, and for the table in memory.
//!
//! [`run`] takes a [`Place`], a table and the way to it, and runs each check on the emptied table. It goes on behind a
//! check that fails, and panics in the end with all of them. The checks follow the words of the trait's contract; where
//! databases may differ ([`Limits`]), the place tells.

mod changes;
mod kind;
mod model;
mod place;
mod races;
mod reads;
mod times;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};

use database::LeaseConnection;
use libdhcpsrv::lease::{AddressOf, LeaseKind, LeaseState};

pub use kind::{Column, Common, Finds, Ranged, SuiteKind};
pub use place::{InMemory, InServer};

/// A table of leases and the way to it.
pub trait Place<K: LeaseKind> {
    /// Opens a connection.
    fn open(&mut self) -> Box<dyn LeaseConnection<K>>;

    /// Deletes all rows, readable or not.
    fn clear(&mut self);

    /// Makes the row of an address one that no server would have written.
    fn spoil(&mut self, address: AddressOf<K>);

    /// Changes all columns that are absent to empty, or the reverse, where the table knows the difference.
    fn set_empty(&mut self, is_null: bool);

    /// What it can hold.
    fn limits(&self) -> Limits;
}

/// What a table can hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Whether there is a column `pool_id`.
    pub has_pool_id: bool,
    /// Whether there is a column `user_context`.
    pub has_user_context: bool,
    /// The longest client identifier or DUID.
    pub identifier_len_max: usize,
    /// Whether every byte can stand in a host name. Where not, a lease is stored without the host name or is refused.
    pub has_any_hostname: bool,
    /// Whether it knows the states released and registered. Where not, a released lease is kept as a reclaimed one, and a
    /// registered one not at all.
    pub has_all_states: bool,
    /// The last second that a lifetime may end at. A longer one is refused.
    pub expire_max: i64,
    /// Whether a change of rows that others hold is made without these, rather than not at all.
    pub passes_over_held: bool,
}

impl Limits {
    /// The limits of the product itself.
    pub const NONE: Self = Self {
        has_pool_id: true,
        has_user_context: true,
        identifier_len_max: usize::MAX,
        has_any_hostname: true,
        has_all_states: true,
        expire_max: i64::MAX,
        passes_over_held: false,
    };
}

impl Limits {
    /// The states that a lease can be in.
    fn states(&self) -> &'static [LeaseState] {
        const ALL: [LeaseState; 5] = [
            LeaseState::Default,
            LeaseState::Declined,
            LeaseState::ExpiredReclaimed,
            LeaseState::Released,
            LeaseState::Registered,
        ];
        if self.has_all_states { &ALL } else { &ALL[..3] }
    }
}

/// One check: an empty table and a name that is its claim.
type Check<K> = (&'static str, fn(&mut dyn Place<K>));

/// Runs all checks.
///
/// # Panics
/// With the names of those that fail.
pub fn run<K: SuiteKind>(place: &mut dyn Place<K>) {
    run_some(place, "");
}

/// Runs the checks whose name contains a word.
///
/// # Panics
/// With the names of those that fail, or if there is none of that name.
pub fn run_some<K: SuiteKind>(place: &mut dyn Place<K>, word: &str) {
    let all = [
        reads::checks(),
        changes::checks(),
        races::checks(),
        times::checks(),
        values::checks(),
        model::checks(),
    ]
    .concat();
    let chosen: Vec<Check<K>> = all.into_iter().filter(|(name, _)| name.contains(word)).collect();
    assert!(!chosen.is_empty(), "there is no check with '{word}' in its name");
    let failed: Vec<&str> = chosen
        .iter()
        .filter(|(name, check)| {
            let result = catch_unwind(AssertUnwindSafe(|| {
                place.clear();
                check(place);
            }));
            if result.is_err() {
                eprintln!("--- {}: check '{name}' has failed", K::NAME);
            }
            result.is_err()
        })
        .map(|(name, _)| *name)
        .collect();
    let count = chosen.len();
    assert!(
        failed.is_empty(),
        "{}: {} of {count} checks failed:\n  {}",
        K::NAME,
        failed.len(),
        failed.join("\n  ")
    );
}

/// A moment that leases of the checks are given at.
const NOW: i64 = 1_800_000_000;

/// Stores leases, all of them.
#[track_caller]
fn store<K: SuiteKind>(connection: &mut dyn LeaseConnection<K>, leases: &[K::Lease]) {
    let made = connection.insert(&leases.iter().collect::<Vec<_>>()).expect("leases are stored");
    assert_eq!(made, vec![true; leases.len()], "all leases are new");
}

/// Everything in the table, by pages, in the order of addresses as numbers.
#[track_caller]
fn all<K: SuiteKind>(connection: &mut dyn LeaseConnection<K>) -> Vec<K::Lease> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (leases, next) = connection.page(after, 500).expect("a page is read");
        found.extend(leases);
        if next.is_none() {
            break;
        }
        assert_ne!(next, after, "a walk goes on");
        after = next;
    }
    found.sort_by_key(K::number);
    found
}

/// The leases of addresses, in the order of addresses as numbers.
#[track_caller]
fn get<K: SuiteKind>(
    connection: &mut dyn LeaseConnection<K>,
    addresses: &[AddressOf<K>],
) -> Vec<K::Lease> {
    let mut found = Vec::new();
    connection.get(addresses, &mut |lease| found.push(lease)).expect("leases are read");
    found.sort_by_key(K::number);
    found
}

/// The lease of an address.
#[track_caller]
fn get_one<K: SuiteKind>(
    connection: &mut dyn LeaseConnection<K>,
    lease: &K::Lease,
) -> Option<K::Lease> {
    get(connection, &[K::address(lease)]).pop()
}

/// Changes one lease.
#[track_caller]
fn update<K: SuiteKind>(
    connection: &mut dyn LeaseConnection<K>,
    old: &K::Lease,
    new: &K::Lease,
) -> bool {
    let made = connection.update(&[(old, new)]).expect("a change is tried");
    assert_eq!(made.len(), 1);
    made[0]
}
