//! What the tables of a database are like: their version, and the columns that are there.
//!
//! Versions are told, columns decide: whatever made the tables, a server can use them if they have what it needs.

use std::collections::BTreeMap;

use database::{DbError, Fault, SchemaVersion};
use tokio_postgres::types::Oid;

use crate::Client;
use crate::value::{Bytes, Int};

const STATEMENT: &str = "schema";
/// What to do about a column that is missing.
const ADVICE: &str = "run 'kea-admin db-upgrade pgsql'";

/// The columns of a table, and the names of their types.
#[derive(Clone, Debug)]
pub struct Table {
    name: &'static str,
    columns: BTreeMap<String, String>,
    /// The first columns of its indexes.
    leading: Vec<String>,
}

impl Table {
    /// Looks at a table or a view.
    ///
    /// # Errors
    /// [`DbError`]: `Schema` if there is none.
    pub fn read(client: &mut Client, name: &'static str) -> Result<Self, DbError> {
        let found = client.prepare(STATEMENT, "SELECT to_regclass($1::text)::oid")?;
        let rows = client.query(&found, &[&name])?;
        let oid: Option<Oid> = rows.first().and_then(|row| row.try_get(0).ok().flatten());
        let Some(oid) = oid else {
            return Err(fault(format!(
                "there is no table '{name}': run 'kea-admin db-init pgsql'"
            )));
        };
        let columns = client.prepare(
            STATEMENT,
            "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped",
        )?;
        let rows = client.query(&columns, &[&oid])?;
        let text = |row: &crate::Row, index: usize| {
            let value: Option<Bytes<'_>> = row.try_get(index).ok();
            value.map(|value| String::from_utf8_lossy(value.0).into_owned()).unwrap_or_default()
        };
        let columns = rows.iter().map(|row| (text(row, 0), text(row, 1))).collect();
        let leading = client.prepare(
            STATEMENT,
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a \
             ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
             WHERE i.indrelid = $1 AND i.indisvalid AND i.indpred IS NULL",
        )?;
        let leading = client.query(&leading, &[&oid])?.iter().map(|row| text(row, 0)).collect();
        Ok(Self { name, columns, leading })
    }

    /// Whether there is a column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    /// The name of a column's type as PostgreSQL has it inside (`int8`, `varchar`, `inet`, ...).
    #[must_use]
    pub fn type_of(&self, column: &str) -> Option<&str> {
        self.columns.get(column).map(String::as_str)
    }

    /// Whether an index begins with a column.
    #[must_use]
    pub fn is_indexed(&self, column: &str) -> bool {
        self.leading.iter().any(|name| name == column)
    }

    /// Asks for a column, with one of some types.
    ///
    /// # Errors
    /// [`DbError`]: `Schema`, which names the column and what to do.
    pub fn need(&self, column: &str, types: &[&str]) -> Result<(), DbError> {
        let Self { name, .. } = self;
        match self.type_of(column) {
            None => Err(fault(format!("table '{name}' has no column '{column}': {ADVICE}"))),
            Some(found) if !types.contains(&found) => Err(fault(format!(
                "column '{column}' of table '{name}' has the type '{found}', it must be '{}': {ADVICE}",
                types.join("' or '")
            ))),
            Some(_) => Ok(()),
        }
    }
}

/// The version of the tables.
///
/// # Errors
/// [`DbError`]: `Schema` if there is no table that tells it.
pub fn version(client: &mut Client) -> Result<SchemaVersion, DbError> {
    let table = Table::read(client, "schema_version")?;
    let ints = ["int2", "int4", "int8"];
    table.need("version", &ints)?;
    table.need("minor", &ints)?;
    let text =
        "SELECT version, minor FROM schema_version ORDER BY version DESC, minor DESC LIMIT 1";
    let asked = client.prepare(STATEMENT, text)?;
    let rows = client.query(&asked, &[])?;
    let number = |index: usize| {
        let value: Option<Int> = rows.first()?.try_get(index).ok()?;
        u32::try_from(value?.0).ok()
    };
    match (number(0), number(1)) {
        (Some(major), Some(minor)) => Ok(SchemaVersion { major, minor }),
        _ => Err(fault("table 'schema_version' does not tell a version".to_owned())),
    }
}

fn fault(reason: String) -> DbError {
    DbError::new(Fault::Schema, STATEMENT, reason)
}
