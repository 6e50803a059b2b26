//! Tables that the suite can run over: in memory and in a server.

use std::fmt;

use database::simulated::Table;
use database::{DbError, LeaseConnection};
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::lease::{AddressOf, LeaseKind};

use super::{Limits, Place, SuiteKind};
use crate::Database;

/// A table in memory.
#[derive(Debug)]
pub struct InMemory<K: LeaseKind>(pub Table<K>);

impl<K: LeaseKind> Place<K> for InMemory<K> {
    fn open(&mut self) -> Box<dyn LeaseConnection<K>> {
        Box::new(self.0.connect().expect("the table is up"))
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn spoil(&mut self, address: AddressOf<K>) {
        self.0.make_unreadable(address);
    }

    fn set_empty(&mut self, _: bool) {}

    fn limits(&self) -> Limits {
        Limits::NONE
    }
}

/// Opens connections to a database.
type Opener<K> = Box<dyn FnMut(&SqlAccess) -> Result<Box<dyn LeaseConnection<K>>, DbError>>;

/// A table in a server.
pub struct InServer<K: LeaseKind> {
    /// The database, with its tables.
    pub database: Database,
    /// Opens a connection.
    pub opener: Opener<K>,
    /// What it can hold.
    pub limits: Limits,
}

impl<K: LeaseKind> fmt::Debug for InServer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InServer").field("database", &self.database).finish_non_exhaustive()
    }
}

impl<K: SuiteKind> Place<K> for InServer<K> {
    fn open(&mut self) -> Box<dyn LeaseConnection<K>> {
        // A machine that runs many tests may be slow to let anybody in.
        let access = SqlAccess { connect_timeout_s: 60, ..self.database.access() };
        (self.opener)(&access).expect("the server lets us in")
    }

    fn clear(&mut self) {
        self.database.sql(&format!("DELETE FROM {}", K::TABLE));
    }

    fn spoil(&mut self, address: AddressOf<K>) {
        let address = K::literal(address);
        let spoil = format!("UPDATE {} SET subnet_id = NULL WHERE address = {address}", K::TABLE);
        self.database.sql(&spoil);
    }

    fn set_empty(&mut self, is_null: bool) {
        let change = |(column, empty): &(&str, &str)| {
            let (to, from) = match is_null {
                true => ("NULL", format!("= {empty}")),
                false => (*empty, "IS NULL".to_owned()),
            };
            format!("UPDATE {} SET {column} = {to} WHERE {column} {from};\n", K::TABLE)
        };
        self.database.sql(&K::EMPTY.iter().map(change).collect::<String>());
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
