//! What the tables of a database are like: read once when it is opened.
//!
//! A table is judged by its columns and not by one version number: tables of Kea 1.1 (no user contexts, no numbers of
//! pools), of later ones, and of versions that are not known yet can be used as long as the columns are there that
//! are needed. What exists in addition decides what is read and written.

use database::{DbError, Fault, SchemaVersion};
use libdhcpsrv::lease::LeaseState;
use mysql::Conn;
use mysql::prelude::Queryable;

use crate::connection::db_error;

/// How IPv6 addresses are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressForm {
    /// As text.
    Text,
    /// As 16 bytes.
    Binary,
}

/// What characters a column of texts takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// All of Unicode.
    Full,
    /// Those of at most three bytes in UTF-8.
    ThreeBytes,
    /// Nothing is certain but ASCII.
    Ascii,
}

/// A column of a table.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    data_type: String,
    charset: String,
    len_max: u64,
}

/// A table of leases.
#[derive(Debug)]
pub(crate) struct Table {
    /// The version of all tables together.
    pub(crate) version: SchemaVersion,
    /// The last second that a column of type TIMESTAMP can hold.
    pub(crate) time_max: i64,
    columns: Vec<Column>,
    /// First column and name of each index.
    indexes: Vec<(String, String)>,
    /// States that a row can have.
    states: Vec<u64>,
    /// Origins of hardware addresses that a row can name.
    hw_sources: Vec<u64>,
    /// Whether foreign keys have to be looked at: rows of other tables depend on rows of this one, or these on others than
    /// states, types and sources.
    pub(crate) is_referenced: bool,
}

const OPEN: &str = "open";

/// How many foreign keys refer to a table, or lead from it to others than those that say what a row may hold.
const REFERENCES: &str = "SELECT COUNT(*) FROM information_schema.referential_constraints \
                          WHERE (unique_constraint_schema = DATABASE() AND referenced_table_name = ?) \
                          OR (constraint_schema = DATABASE() AND table_name = ? \
                          AND referenced_table_name NOT IN \
                          ('lease_state', 'lease6_types', 'lease_hwaddr_source'))";

/// Whether columns of type TIMESTAMP go beyond 2038: those of MariaDB from 11.5 on, with 64 bits. MySQL knows later times
/// as well, but its columns cannot hold them.
const IS_WIDE: &str = "SELECT VERSION() LIKE '%MariaDB%' \
                       AND COALESCE(UNIX_TIMESTAMP('2100-01-01 00:00:00'), 0) > 4000000000";

impl Table {
    /// Looks at the table `table`, which must have the columns `needed`.
    pub(crate) fn read(
        connection: &mut Conn,
        table: &'static str,
        needed: &[&str],
    ) -> Result<Self, DbError> {
        let failed = |error: mysql::Error| no_tables(db_error(&error, OPEN));
        let version = connection
            .query_first_opt("SELECT version, minor FROM schema_version")
            .map_err(failed)?;
        let (major, minor): (u32, u32) = version.and_then(Result::ok).ok_or_else(|| {
            DbError::new(
                Fault::Schema,
                OPEN,
                "the table 'schema_version' tells no version: run 'kea-admin db-init mysql'",
            )
        })?;
        let version = SchemaVersion { major, minor };
        let columns: Vec<Column> = connection
            .exec_map(
                "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR), \
                 COALESCE(CAST(character_set_name AS CHAR), ''), \
                 COALESCE(character_maximum_length, 0) \
                 FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = ?",
                (table,),
                |(name, data_type, charset, len_max): (String, String, String, u64)| Column {
                    name: name.to_ascii_lowercase(),
                    data_type: data_type.to_ascii_lowercase(),
                    charset: charset.to_ascii_lowercase(),
                    len_max,
                },
            )
            .map_err(failed)?;
        let indexes = connection
            .exec(
                "SELECT CAST(column_name AS CHAR), CAST(index_name AS CHAR) \
                 FROM information_schema.statistics \
                 WHERE table_schema = DATABASE() AND table_name = ? AND seq_in_index = 1 \
                 AND column_name IS NOT NULL ORDER BY index_name",
                (table,),
            )
            .map_err(failed)?;
        let states = connection.query("SELECT state FROM lease_state").map_err(failed)?;
        let hw_sources =
            connection.query("SELECT hwaddr_source FROM lease_hwaddr_source").map_err(failed)?;
        let references: Option<u64> =
            connection.exec_first(REFERENCES, (table, table)).map_err(failed)?;
        let is_referenced = references != Some(0);
        let is_wide: Option<bool> = connection.query_first(IS_WIDE).map_err(failed)?;
        let time_max = if is_wide == Some(true) { 0xffff_ffff } else { 0x7fff_ffff };
        let read = Self { version, time_max, columns, indexes, states, hw_sources, is_referenced };
        match needed.iter().find(|name| !read.has(name)) {
            Some(missing) => Err(DbError::new(
                Fault::Schema,
                OPEN,
                format!(
                    "the table '{table}' of schema version {version} has no column '{missing}': \
                     run 'kea-admin db-upgrade mysql'"
                ),
            )),
            None => Ok(read),
        }
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether there is such a column.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.column(name).is_some()
    }

    /// How many bytes, or characters, a column can hold.
    pub(crate) fn len_max(&self, name: &str) -> usize {
        let len_max = self.column(name).map_or(0, |column| column.len_max);
        usize::try_from(len_max).unwrap_or(usize::MAX)
    }

    /// What characters a column can hold.
    pub(crate) fn charset(&self, name: &str) -> Charset {
        match self.column(name).map(|column| column.charset.as_str()) {
            Some("utf8mb4") => Charset::Full,
            Some("utf8" | "utf8mb3") => Charset::ThreeBytes,
            _ => Charset::Ascii,
        }
    }

    /// How the column `address` keeps IPv6 addresses.
    pub(crate) fn address_form(&self) -> AddressForm {
        match self.column("address").map(|column| column.data_type.as_str()) {
            Some("binary" | "varbinary") => AddressForm::Binary,
            _ => AddressForm::Text,
        }
    }

    /// `FORCE INDEX` for a look-up by a column, if there is an index that begins with it: the server's guess is
    /// wrong while a table grows quickly.
    pub(crate) fn hint(&self, column: &str) -> String {
        let is_plain = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let mut names = self.indexes.iter().filter(|(first, _)| first == column);
        match names.find(|(_, name)| is_plain(name)) {
            Some((_, name)) => format!("FORCE INDEX ({name})"),
            None => String::new(),
        }
    }

    /// Whether an index begins with a column.
    pub(crate) fn has_index(&self, column: &str) -> bool {
        self.indexes.iter().any(|(first, _)| first == column)
    }

    /// Whether rows can have the state.
    pub(crate) fn has_state(&self, state: u64) -> bool {
        self.states.contains(&state)
    }

    /// The state that a row has in place of one that it cannot have: tables of Kea before 3.0 do not know that a lease
    /// was given back.
    pub(crate) fn stored_state(&self, state: LeaseState) -> LeaseState {
        match state {
            LeaseState::Released if !self.has_state(state as u64) => LeaseState::ExpiredReclaimed,
            state => state,
        }
    }

    /// Whether rows can name the origin of a hardware address.
    pub(crate) fn has_hw_source(&self, source: u32) -> bool {
        self.hw_sources.contains(&source.into())
    }
}

/// Says what to do where there are no tables at all.
fn no_tables(mut error: DbError) -> DbError {
    if error.fault == Fault::Schema {
        error.reason.push_str(": run 'kea-admin db-init mysql' or 'kea-admin db-upgrade mysql'");
    }
    error
}
