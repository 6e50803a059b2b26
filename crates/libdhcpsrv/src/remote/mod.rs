//! Leases that are kept elsewhere, in a database that other servers may use as well.
//!
//! [`RemoteStore`] is the [`Store`](crate::session::Store) of one worker. It answers nothing but what it can know
//! alone: each question becomes a [`Request`], which somebody carries to the database in a batch with others and brings
//! back as a [`Reply`]; [`RemoteStore::settle`] makes an answer of it. There are no threads, connections or clocks here.
//!
//! Who decides: the database. A change says what was read before, column by column, and is made only if that is
//! still there, so it does not matter how old it was or who else writes. What was read is kept for a while (`seen`);
//! a view's [`Version`](crate::lease::Version) says where. What was told of a client counts once more, for the request
//! that follows an offer (`known`).
//!
//! The marks of the pools are hints here, shared by the workers ([`Hints`]): made from one look at the whole table,
//! corrected by everything that is read and changed, and by [`Hints::ended`] when lifetimes end. An address that is picked
//! by them is looked up before it is offered, see [`Store::is_shared`](crate::session::Store::is_shared).

mod hints;
mod known;
mod seen;
mod store;
#[cfg(test)]
mod tests;

pub use hints::Hints;
pub use store::{Ask, RemoteStore, Reply, Request, Told, deltas_of, range_of, reclaimed};
