//! How leases are changed.
//!
//! A compare-and-set locks the rows by a `SELECT ... FOR UPDATE`, compares them here, and writes those that are as they
//! should be with one `INSERT ... ON DUPLICATE KEY UPDATE` of several rows, whose keys exist and are locked: exact, and half
//! the work of a join with a derived table. Rows are locked in the order of their keys; those that somebody else holds
//! are passed over where the server can do that, and count as other ones than they should be.
//!
//! MariaDB gets the rows as parameters of a statement for one row; other servers get statements for several rows.
//!
//! `INSERT` says nothing but that some key exists; then it is asked which, and the others are inserted. A row that the
//! server does not take for any other reason is found by halving, reported, and counted as not made: it must not keep
//! the others of its batch from being stored.
//!
//! What is several statements is one transaction: one wait for the disk.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Instant;

use database::{DbError, Fault};
use kea_log::RateLimiter;
use libdhcpsrv::lease::{AddressOf, INFINITE, LeaseKind};
use mysql::Value;

use crate::family::Family;
use crate::leases::{LOGGER, Leases};
use crate::messages::MYSQL_LEASE_UNFIT;
use crate::session::{repeated, size_around, size_within};
use crate::value::time;

/// Number of the error that says that a key exists.
const DUPLICATE: &str = "1062/";

/// Bytes of rows that are sent at once, as far as these are several: far less than any server takes in a packet, because
/// what was cut in two would not be made as a whole.
const BULK_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a row beside its texts and bytes.
const ROW_BYTES: usize = 256;

/// What clients can cause again and again does not fill the log: so many lines at once, then one in a second.
static UNFIT: RateLimiter = RateLimiter::new(20, 1_000_000_000);
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

fn report_unfit(address: impl Display, table: &'static str, reason: &dyn Display) {
    let now_ns = u64::try_from(BEGINNING.elapsed().as_nanos()).unwrap_or(u64::MAX);
    kea_log::log_limited!(UNFIT, now_ns, LOGGER, MYSQL_LEASE_UNFIT, address, table, reason);
}

/// Name of the statement that makes rows; the other one changes them.
const INSERT: &str = "insert";
pub(crate) const UPDATE: &str = "update";

/// A row to be written.
#[derive(Clone)]
pub(crate) struct Stored<K: LeaseKind> {
    /// Its index in what the caller gave.
    at: usize,
    address: AddressOf<K>,
    values: Vec<Value>,
}

impl<K: LeaseKind> Stored<K> {
    /// Bytes that it takes to send it, about.
    fn bytes(&self) -> usize {
        let long = self.values.iter().map(|value| match value {
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        });
        ROW_BYTES + long.sum::<usize>()
    }
}

impl<K: Family> Leases<K> {
    /// Which of the addresses have rows, readable or not.
    fn present(&mut self, addresses: &[AddressOf<K>]) -> Result<Vec<AddressOf<K>>, DbError> {
        let size = size_around(addresses.len());
        let values = self.keys(addresses, size);
        let sql = || {
            let marks = repeated("?", size);
            let table = K::TABLE;
            format!("SELECT address FROM {table} WHERE address IN ({marks})")
        };
        let mut present = Vec::new();
        let Self { session, table, .. } = self;
        session.run("present", size, sql, values, &mut |row| {
            present.extend(row.first().and_then(|key| K::address_of(table, key)));
        })?;
        Ok(present)
    }

    /// Stores rows, new ones or such that exist and are locked, and says in `made` which were.
    pub(crate) fn write(
        &mut self,
        name: &'static str,
        rows: &[Stored<K>],
        made: &mut [bool],
    ) -> Result<(), DbError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(self.piece_len(name, rest));
            self.write_piece(name, piece, made)?;
            rest = behind;
        }
        Ok(())
    }

    /// How many of some rows one statement writes.
    fn piece_len(&self, name: &'static str, rows: &[Stored<K>]) -> usize {
        if self.session.has_bulk() {
            let mut bytes = 0;
            let fitting = rows.iter().take_while(|row| {
                bytes += row.bytes();
                bytes <= BULK_BYTES_MAX
            });
            return fitting.count().clamp(1, rows.len());
        }
        let size = if name == INSERT { size_within(rows.len()) } else { size_around(rows.len()) };
        size.min(rows.len())
    }

    fn write_piece(
        &mut self,
        name: &'static str,
        rows: &[Stored<K>],
        made: &mut [bool],
    ) -> Result<(), DbError> {
        match self.run_write(name, rows) {
            Ok(()) => {
                rows.iter().for_each(|row| mark(made, row.at, true));
                Ok(())
            }
            Err(error) if error.fault == Fault::Statement => {
                self.take_apart(name, rows, made, error)
            }
            Err(error) => Err(error),
        }
    }

    /// One statement that stores rows, all or none.
    fn run_write(&mut self, name: &'static str, rows: &[Stored<K>]) -> Result<(), DbError> {
        let Self { session, names, row, assignments, .. } = self;
        let sql = |size: usize| {
            let (table, all) = (K::TABLE, repeated(row, size));
            let insert = format!("INSERT INTO {table} ({names}) VALUES {all}");
            match name {
                INSERT => insert,
                _ => format!("{insert} ON DUPLICATE KEY UPDATE {assignments}"),
            }
        };
        if session.has_bulk() {
            let rows = rows.iter().map(|row| row.values.clone());
            return session.run_bulk(name, || sql(1), rows);
        }
        // To change a row once more to the same changes nothing.
        let size = if name == INSERT { rows.len() } else { size_around(rows.len()) };
        let last = rows.iter().rev().cycle().take(size - rows.len());
        let values = rows.iter().chain(last).flat_map(|row| row.values.iter().cloned()).collect();
        session.run(name, size, || sql(size), values, &mut |_| {}).map(drop)
    }

    /// Stores those of some rows that the server takes, which has refused to take them together.
    fn take_apart(
        &mut self,
        name: &'static str,
        rows: &[Stored<K>],
        made: &mut [bool],
        error: DbError,
    ) -> Result<(), DbError> {
        let is_duplicate = error.code.starts_with(DUPLICATE);
        if let [row] = rows {
            if !is_duplicate {
                report_unfit(row.address, K::TABLE, &error);
            }
            return Ok(());
        }
        if is_duplicate {
            let addresses: Vec<_> = rows.iter().map(|row| row.address).collect();
            let present = self.present(&addresses)?;
            if !present.is_empty() {
                let is_absent = |row: &&Stored<K>| !present.contains(&row.address);
                let absent: Vec<_> = rows.iter().filter(is_absent).cloned().collect();
                return self.write(name, &absent, made);
            }
        }
        let (left, right) = rows.split_at(rows.len() / 2);
        self.write(name, left, made)?;
        self.write(name, right, made)
    }

    /// The values of leases in the order of their keys; what does not fit is reported and left out.
    pub(crate) fn stored<'a>(
        &self,
        leases: impl Iterator<Item = (usize, &'a K::Lease)>,
    ) -> Vec<Stored<K>>
    where
        K::Lease: 'a,
    {
        let mut rows = Vec::new();
        for (at, lease) in leases {
            let address = K::address(lease);
            let fits = K::fits_hostname(&self.table, lease);
            match fits.and_then(|()| K::store(&self.table, lease)) {
                Ok(values) => rows.push(Stored { at, address, values }),
                Err(reason) => {
                    report_unfit(address, K::TABLE, &reason);
                }
            }
        }
        rows.sort_by_key(|row| row.address);
        rows
    }

    /// Runs `change` with the leases locked that still are as they were: it gets their indices. In a transaction of
    /// its own unless there is one.
    pub(crate) fn compared<T>(
        &mut self,
        old: &[&K::Lease],
        has_new_context: bool,
        change: impl FnOnce(&mut Self, &[usize]) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.whole(|this| {
            let same = this.compare(old, has_new_context)?;
            change(this, &same)
        })
    }

    /// Does something in one transaction: in that which is open, or in one of its own.
    pub(crate) fn whole<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let is_alone = !self.session.in_transaction();
        if is_alone {
            self.session.begin()?;
        }
        let done = work(self);
        let done = self.session.settle(done)?;
        if is_alone {
            self.session.commit()?;
        }
        Ok(done)
    }

    /// Inserts rows, in one transaction, and says in `made` which were.
    pub(crate) fn insert_rows(
        &mut self,
        rows: &[Stored<K>],
        made: &mut [bool],
    ) -> Result<(), DbError> {
        if rows.is_empty() {
            return Ok(());
        }
        // One statement is a transaction. It is tried alone if it may be one.
        if self.piece_len(INSERT, rows) == rows.len() && !self.session.in_transaction() {
            let result = self.run_write(INSERT, rows);
            match self.session.settle(result) {
                Ok(()) => {
                    rows.iter().for_each(|row| mark(made, row.at, true));
                    return Ok(());
                }
                Err(error) if error.fault != Fault::Statement => return Err(error),
                Err(error) if rows.len() == 1 => return self.take_apart(INSERT, rows, made, error),
                Err(_) => {}
            }
        }
        self.whole(|this| this.write(INSERT, rows, made))
    }

    /// How rows are locked that are to be changed: those that somebody holds are passed over where the server can.
    fn lock_clause(&self) -> &'static str {
        // MariaDB cannot pass over rows and not wait at all, both at once (error 1180).
        if self.skips_locked && self.session.is_patient() {
            "FOR UPDATE SKIP LOCKED"
        } else {
            "FOR UPDATE"
        }
    }

    /// Deletes what was reclaimed or released and ended before a moment.
    pub(crate) fn delete_over(&mut self, before_s: i64, limit: usize) -> Result<u64, DbError> {
        let moment = Value::Int(time(before_s, self.table.time_max));
        let condition = |states: &str| {
            format!(
                "expire < FROM_UNIXTIME(?) AND {states} AND valid_lifetime <> {INFINITE} \
                 ORDER BY expire LIMIT ?"
            )
        };
        self.session.count_classes(true)?;
        if !(self.skips_locked && self.session.is_patient()) {
            let condition = condition("state IN (2,3)");
            let sql = || format!("DELETE FROM {} WHERE {condition}", K::TABLE);
            let values = vec![moment, Value::UInt(limit as u64)];
            return self.session.run("delete reclaimed", 1, sql, values, &mut |_| {});
        }
        // In the order of an index, because all that is read is locked; each statement has a name.
        let hint = self.table.hint("expire");
        let searches: &[(&'static str, &str)] = match hint.is_empty() {
            false => &[("find reclaimed", "state IN (2,3)")],
            true => &[("find reclaimed", "state = 2"), ("find released", "state = 3")],
        };
        // Nobody who holds an old row keeps the others from being deleted.
        self.whole(|this| {
            let clause = this.lock_clause();
            let mut keys = Vec::new();
            for (name, states) in searches {
                let sql = || {
                    let (table, condition) = (K::TABLE, condition(states));
                    format!("SELECT address FROM {table} {hint} WHERE {condition} {clause}")
                };
                let values = vec![moment.clone(), Value::UInt((limit - keys.len()) as u64)];
                this.session.run(name, 1, sql, values, &mut |row| {
                    keys.extend(row.into_iter().next());
                })?;
            }
            this.delete_keys(keys)
        })
    }

    /// Locks rows, in the order of their keys, and says which are as `old` says.
    fn compare(&mut self, old: &[&K::Lease], has_new_context: bool) -> Result<Vec<usize>, DbError> {
        let expected: HashMap<_, _> =
            old.iter().enumerate().map(|(at, lease)| (K::address(lease), (at, *lease))).collect();
        let mut addresses: Vec<_> = expected.keys().copied().collect();
        addresses.sort_unstable();
        let mut same = Vec::with_capacity(addresses.len());
        let mut has_context = has_new_context;
        let clause = self.lock_clause();
        let name = if self.session.is_patient() { "lock" } else { "lock at once" };
        let mut found = Vec::with_capacity(addresses.len());
        self.get_rows(name, clause, &addresses, &mut |lease| found.push(lease))?;
        for lease in found {
            if let Some((at, expected)) = expected.get(&K::address(&lease))
                && (K::is_same(expected, &lease) || self.is_stored_as(expected, &lease))
            {
                same.push(*at);
                has_context |= K::has_context(&lease);
            }
        }
        self.session.count_classes(has_context)?;
        Ok(same)
    }

    /// Whether a row is what the table makes of a lease, which may be a little different from it.
    fn is_stored_as(&self, lease: &K::Lease, row: &K::Lease) -> bool {
        let stored = K::store(&self.table, lease).ok();
        let loaded = stored.and_then(|row| K::load(&self.table, row).ok());
        loaded.is_some_and(|loaded| K::is_same(&loaded, row))
    }

    pub(crate) fn delete_rows(&mut self, addresses: &[AddressOf<K>]) -> Result<(), DbError> {
        for piece in addresses.chunks(size_around(usize::MAX)) {
            let keys = self.keys(piece, 0);
            self.delete_keys(keys)?;
        }
        Ok(())
    }

    /// Deletes the rows of keys; returns how many there were.
    fn delete_keys(&mut self, keys: Vec<Value>) -> Result<u64, DbError> {
        let mut deleted = 0;
        for piece in keys.chunks(size_around(usize::MAX)) {
            let size = size_around(piece.len());
            let mut values = piece.to_vec();
            if let Some(last) = piece.last() {
                values.resize(size.max(values.len()), last.clone());
            }
            let sql = || {
                let marks = repeated("?", size);
                format!("DELETE FROM {} WHERE address IN ({marks})", K::TABLE)
            };
            deleted += self.session.run("delete", size, sql, values, &mut |_| {})?;
        }
        Ok(deleted)
    }
}

fn mark(made: &mut [bool], at: usize, value: bool) {
    if let Some(made) = made.get_mut(at) {
        *made = value;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use database::LeaseConnection;
    use db_testing::{Durability, Schema, Server};
    use libdhcpsrv::config::SqlKind;
    use libdhcpsrv::lease::SubnetId;
    use libdhcpsrv::lease4::{Lease4, V4};

    use super::*;

    /// The way of servers that do not take many rows of parameters at once.
    #[test]
    fn rows_of_any_number_are_written_by_several_statements() {
        let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
        database.create_schema(Schema::Debian);
        let mut leases = Leases::<V4>::open(&database.access()).unwrap();
        leases.session.forgo_bulk();
        let lease = |number: u32, valid_lifetime| Lease4 {
            address: Ipv4Addr::from(0x0a00_0000 + number),
            hw: number.to_be_bytes().to_vec(),
            subnet_id: SubnetId(1),
            cltt: 1_800_000_000,
            valid_lifetime,
            ..Lease4::default()
        };
        let old: Vec<_> = (0..163).map(|number| lease(number, 60)).collect();
        let new: Vec<_> = (0..163).map(|number| lease(number, 90)).collect();
        let first: Vec<_> = old[50..60].iter().collect();
        assert_eq!(leases.insert(&first).unwrap(), [true; 10]);
        let made = leases.insert(&old.iter().collect::<Vec<_>>()).unwrap();
        let absent: Vec<_> = (0..163).map(|number| !(50..60).contains(&number)).collect();
        assert_eq!(made, absent);
        let pairs: Vec<_> = old.iter().zip(&new).collect();
        assert_eq!(leases.update(&pairs).unwrap(), [true; 163]);
        assert_eq!(leases.update(&pairs).unwrap(), [false; 163]);
        assert_eq!(leases.page(None, 1000).unwrap().0, new);
    }
}
