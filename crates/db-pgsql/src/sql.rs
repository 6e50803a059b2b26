//! The texts of the statements, made of the columns that a table has.
//!
//! They are written so that there is one sensible way to run them, whatever the server believes of the table: it plans a
//! statement once, perhaps while the table is empty, and keeps the plan for a table of a million rows. Rows are found in
//! a sub-select of their own for each element (`LATERAL`, with a `LIMIT` or an `OFFSET`, which cannot be dissolved into
//! a join), through an index because [`settings`] forbid to read the whole table. Changes reach the rows that were
//! found by their place (`ctid`); their conditions are no equations that another index could serve. Rows that another
//! transaction holds are passed over, and count as not changed: they must not keep the rest of the batch waiting.

use crate::column::Column;
use crate::table::LeaseTable;

/// What sessions for leases set.
pub(crate) fn settings() -> Vec<(&'static str, String)> {
    let off = ["enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"];
    let mut settings: Vec<_> = off.iter().map(|name| (*name, "off".to_owned())).collect();
    settings.push(("plan_cache_mode", "force_generic_plan".to_owned()));
    settings.push(("max_parallel_workers_per_gather", "0".to_owned()));
    settings
}

fn list<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
    items.into_iter().map(write).collect::<Vec<_>>().join(", ")
}

/// `unnest` of parameters from `$first` on, each a column.
fn arrays<L>(first: usize, columns: &[&Column<L>]) -> String {
    let types = columns.iter().enumerate();
    list(types, |(at, column)| format!("${}::{}", first + at, column.kind.array()))
}

fn stored<L>(column: &Column<L>) -> String {
    column.stored.map_or_else(|| format!("w.{}", column.name), str::to_owned)
}

/// Leases of addresses.
pub(crate) fn get<T: LeaseTable>(table: &T) -> String {
    let array = table.columns().first().map_or("int8[]", |address| address.kind.array());
    format!("SELECT {} FROM {} l WHERE l.address = ANY($1::{array})", table.selected(), T::NAME)
}

/// `find` and `get` at once; the rows of the latter have -1 in place of an index. Parameters: those of `find`, addresses.
pub(crate) fn look<T: LeaseTable>(table: &T) -> String {
    let array = table.columns().first().map_or("int8[]", |address| address.kind.array());
    format!(
        "{} UNION ALL SELECT -1, {} FROM {} l WHERE l.address = ANY(${}::{array})",
        table.find(),
        table.selected(),
        T::NAME,
        T::FIND_PARAMETERS + 1,
    )
}

/// Parameters: all columns.
pub(crate) fn insert<T: LeaseTable>(table: &T) -> String {
    let all: Vec<_> = table.columns().iter().collect();
    let names = list(&all, |column| column.name.to_owned());
    format!(
        "INSERT INTO {} ({names}) SELECT {} FROM unnest({}) AS w({names}) \
         ON CONFLICT (address) DO NOTHING RETURNING address",
        T::NAME,
        list(&all, |column| stored(column)),
        arrays(1, &all),
    )
}

/// Columns that a change is conditional on.
pub(crate) fn compared<L>(columns: &[Column<L>]) -> impl Iterator<Item = &Column<L>> {
    columns.iter().filter(|column| column.same.is_some())
}

/// Columns that a change sets.
pub(crate) fn changed<L>(columns: &[Column<L>]) -> impl Iterator<Item = &Column<L>> {
    columns.iter().skip(1)
}

/// The rows of addresses that nobody holds, as `w`, with the columns `old_...` and, if they are `set`, the new ones.
fn found<T: LeaseTable>(table: &T, with_new: bool) -> String {
    let columns = table.columns();
    let mut all: Vec<_> = columns.iter().take(1).chain(compared(columns)).collect();
    let mut names: Vec<_> = columns.iter().take(1).map(|column| column.name.to_owned()).collect();
    names.extend(compared(columns).map(|column| format!("old_{}", column.name)));
    if with_new {
        all.extend(changed(columns));
        names.extend(changed(columns).map(|column| column.name.to_owned()));
    }
    format!(
        "(SELECT u.*, f.place FROM unnest({}) WITH ORDINALITY AS u({}, n) \
         CROSS JOIN LATERAL (SELECT ctid AS place FROM {} WHERE address = u.address LIMIT 1 \
         FOR UPDATE SKIP LOCKED) f OFFSET 0) w",
        arrays(1, &all),
        names.join(", "),
        T::NAME,
    )
}

fn unchanged<T: LeaseTable>(table: &T) -> String {
    let conditions = compared(table.columns()).filter_map(|column| column.same);
    conditions.collect::<Vec<_>>().join(" AND ")
}

/// Parameters: address, compared columns, changed columns. Returns the ordinal numbers of elements, from 1.
pub(crate) fn update<T: LeaseTable>(table: &T, extra: &str) -> String {
    format!(
        "UPDATE {} AS l SET {}{extra} FROM {} WHERE l.ctid = w.place AND {} RETURNING w.n",
        T::NAME,
        list(changed(table.columns()), |column| format!("{} = {}", column.name, stored(column))),
        found(table, true),
        unchanged(table),
    )
}

/// Parameters: address, compared columns. Returns the ordinal numbers of elements, from 1.
pub(crate) fn delete<T: LeaseTable>(table: &T) -> String {
    format!(
        "DELETE FROM {} AS l USING {} WHERE l.ctid = w.place AND {} RETURNING w.n",
        T::NAME,
        found(table, false),
        unchanged(table),
    )
}

/// Parameters: the moment, how many, and how many of these are passed over.
pub(crate) fn expired<T: LeaseTable>(table: &T) -> String {
    format!(
        "SELECT l.* FROM unnest('{{0,1,4}}'::int8[]) AS s(state) CROSS JOIN LATERAL (\
         SELECT {} FROM {} l WHERE l.state = s.state AND l.expire < $1::timestamptz \
         AND l.valid_lifetime IS DISTINCT FROM 4294967295 ORDER BY l.expire, l.address LIMIT $2::int8) l \
         ORDER BY l.expire, l.address LIMIT $2::int8 - $3::int8 OFFSET $3::int8",
        table.selected(),
        T::NAME,
    )
}

/// Parameters: the moment, how many. Rows that others hold are left to them.
pub(crate) fn delete_reclaimed<T: LeaseTable>() -> String {
    let name = T::NAME;
    format!(
        "DELETE FROM {name} AS l WHERE l.ctid = ANY(ARRAY(\
         SELECT d.ctid FROM unnest('{{2,3}}'::int8[]) AS s(state) CROSS JOIN LATERAL (\
         SELECT ctid FROM {name} WHERE state = s.state AND expire < $1::timestamptz \
         AND valid_lifetime IS DISTINCT FROM 4294967295 ORDER BY expire LIMIT $2::int8 FOR UPDATE SKIP LOCKED) d LIMIT $2::int8)) \
         AND coalesce(l.state, 0) IN (2, 3) AND coalesce(l.expire < $1::timestamptz, false) \
         AND l.valid_lifetime IS DISTINCT FROM 4294967295"
    )
}

/// Parameters: from when on, and before when.
pub(crate) fn ended<T: LeaseTable>(table: &T) -> String {
    format!(
        "SELECT l.* FROM unnest('{{0,1,2,3,4}}'::int8[]) AS s(state) CROSS JOIN LATERAL (\
         SELECT {} FROM {} l WHERE l.state = s.state AND l.expire >= $1::timestamptz \
         AND l.expire < $2::timestamptz AND l.valid_lifetime IS DISTINCT FROM 4294967295 OFFSET 0) l",
        table.covered(),
        T::NAME,
    )
}

/// Parameter: the moment. What cannot be told to be free is not: nobody can have the address of a row without a state.
pub(crate) fn held<T: LeaseTable>(table: &T) -> String {
    format!(
        "SELECT {} FROM {} l WHERE NOT coalesce(l.state IN (2, 3) \
         OR (l.expire < $1::timestamptz AND l.valid_lifetime <> 4294967295), false)",
        table.covered(),
        T::NAME,
    )
}

/// Subnet, type, pool, state and number of leases.
pub(crate) fn count<T: LeaseTable>(table: &T) -> String {
    let has_pool = table.columns().iter().any(|column| column.name == "pool_id");
    let pool = if has_pool { "coalesce(l.pool_id, 0)::int8" } else { "0::int8" };
    format!(
        "SELECT l.subnet_id::int8, {}::int8, {pool}, l.state::int8, count(*) FROM {} l \
         GROUP BY 1, 2, 3, 4",
        table.lease_type(),
        T::NAME,
    )
}

/// Parameters: the address behind which it begins (not for the first page), how many.
pub(crate) fn page<T: LeaseTable>(table: &T, is_first: bool) -> String {
    let array = table.columns().first().map_or("int8[]", |address| address.kind.array());
    let element = array.trim_end_matches("[]");
    let (condition, limit) = if is_first {
        (String::new(), "$1")
    } else {
        (format!("WHERE l.address > $1::{element} "), "$2")
    };
    format!(
        "SELECT {} FROM {} l {condition}ORDER BY l.address LIMIT {limit}::int8",
        table.selected(),
        T::NAME,
    )
}
