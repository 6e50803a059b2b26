//! What a connection to a database does with hosts, and what is the same whichever database it is.
//!
//! [`HostConnection`] is the seam. Behind it a statement yields rows of a host with one of its options and one of its
//! reservations each; [`HostColumns`] says which columns are read, as far as the tables have them, and [`HostAssembly`] makes
//! hosts of the rows. Options stay as they are written: only a configuration can tell what they mean.

mod assembly;
mod columns;
#[cfg(test)]
mod tests;

pub use assembly::{Cell, FaultLog, HostAssembly, Rows};
pub use columns::{Column, HostColumns, HostFamily};

use libdhcpsrv::hosts::{HostQuery, RawHost};
use libdhcpsrv::lease::LeaseKind;

use crate::{DbError, SchemaVersion};

/// Queries that are carried out together.
pub const HOST_QUERIES_MAX: usize = 64;

/// One connection to tables of hosts. Blocking; used by one thread at a time.
///
/// Contract:
/// - Nothing is written, locked or created: a user who may only read is enough, and views are as good as tables.
/// - A host that no server would have written is reported in the log and passed over; of a host of which a part cannot be
///   used the rest is told. Each fault is reported once.
/// - Whatever comes from clients is bound to parameters, never part of the text of a statement.
/// - After an error with [`DbError::is_lost`] the connection is useless.
pub trait HostConnection<K: LeaseKind>: Send {
    /// Answers up to [`HOST_QUERIES_MAX`] queries, by one statement for each sort of them if they are few. `each` gets the
    /// index of a query and a host that it asks for; a host that several ask for comes for each of them.
    ///
    /// # Errors
    /// [`DbError`].
    fn hosts(
        &mut self,
        queries: &[&HostQuery<K>],
        each: &mut dyn FnMut(usize, RawHost<K>),
    ) -> Result<(), DbError>;

    /// The version of the tables; 0.0 where nothing tells it.
    fn schema_version(&self) -> SchemaVersion;
}

/// Tells hosts to all the queries that ask for them.
pub fn tell<K: LeaseKind>(
    queries: &[&HostQuery<K>],
    hosts: Vec<RawHost<K>>,
    each: &mut dyn FnMut(usize, RawHost<K>),
) {
    for host in hosts {
        for (number, _) in queries.iter().enumerate().filter(|(_, query)| query.asks_for(&host)) {
            each(number, host.clone());
        }
    }
}
