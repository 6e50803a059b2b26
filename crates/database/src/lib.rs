//! Databases as the servers use them, whichever they are: what a connection can do, what can go wrong, and the threads
//! that carry questions to it in batches.
//!
//! [`LeaseConnection`] is the seam, and [`HostConnection`] that for hosts. The crates `db-mysql` and `db-pgsql` speak SQL
//! behind it, and a table in memory does in tests. A connection is blocking and belongs to one thread. It answers *sets*: many questions of one kind in
//! one statement, because a statement costs more than what it asks for.

mod error;
pub mod host;
pub mod host_service;
pub mod keeping;
mod lease;
mod line;
mod mailbox;
pub mod messages;
mod pace;
mod refusals;
pub mod requests;
mod row;
pub mod service;
#[cfg(any(test, feature = "simulated"))]
pub mod simulated;

pub use error::{DbError, Fault};
pub use host::HostConnection;
pub use lease::{Counted, Expired, LeaseConnection, Page, SchemaVersion, Wanted};
pub use line::LinkEvent;
pub use mailbox::Wake;
pub use row::{Row4, Row6, RowFault};
