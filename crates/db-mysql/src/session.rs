//! A connection with the statements that are prepared on it.
//!
//! Statements are prepared for some numbers of elements ([`SIZES`]). A list is cut into pieces; the last piece is filled up
//! by repeating its last element where that changes nothing, and cut further where it would. So each statement is parsed
//! once. The driver's own cache of statements is switched off: it would close those that are kept here.
//!
//! MariaDB takes the parameters of any number of rows with one statement for one row.

use std::collections::HashMap;

use database::{DbError, Fault};
use mysql::prelude::Queryable;
use mysql::{Conn, Params, Row, Statement, Value};

use crate::connection::{STALE, db_error};

/// For how many elements statements are prepared, descending.
const SIZES: [usize; 16] = [256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];
/// How often a statement is tried that would have to be prepared anew.
const TRIES_MAX: u32 = 10;
/// Number of the error that says that a statement cannot be run for many rows at once.
const NOT_IN_BULK: u16 = 1295;

/// A connection and its statements.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Conn,
    statements: HashMap<(&'static str, usize), Statement>,
    /// Whether [`Session::begin`] was called.
    in_transaction: bool,
    /// Whether the triggers look into user contexts.
    counts_classes: bool,
    /// How long the server waits for the next statement of a transaction: a peer that has vanished must not keep its
    /// locks.
    guard: Guard,
    /// Whether what others hold is waited for.
    is_patient: bool,
    /// Whether the parameters of many rows can be sent at once.
    has_bulk: bool,
}

/// What ends a transaction in which nothing happens any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guard {
    /// The server does, or nothing.
    None,
    /// `wait_timeout` is short while a transaction is open.
    Wait,
}

/// Seconds after which a transaction is given up in which nothing happens.
const IDLE_TRANSACTION_S: u32 = 10;
/// Seconds after which a session is ended in which nothing happens: as many as possible.
const IDLE_SESSION_S: u32 = 2_147_483;

impl Session {
    pub(crate) fn new(mut connection: Conn) -> Result<Self, DbError> {
        let (statements, guard) = (HashMap::new(), Guard::None);
        let has_bulk = has_bulk(&mut connection)?;
        Ok(Self {
            connection,
            statements,
            in_transaction: false,
            counts_classes: true,
            guard,
            is_patient: true,
            has_bulk,
        })
    }

    /// Lets it be as with a server that takes one row of parameters at a time.
    #[cfg(test)]
    pub(crate) fn forgo_bulk(&mut self) {
        self.has_bulk = false;
    }

    /// Whether [`Session::run_bulk`] is one statement.
    pub(crate) const fn has_bulk(&self) -> bool {
        self.has_bulk
    }

    /// Waits for a second for what others hold, and lets others not wait for what this session holds when it is dead.
    pub(crate) fn be_short(&mut self) -> Result<(), DbError> {
        self.plain("open", "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1")?;
        // MariaDB has a word for it.
        let idle = format!("SET SESSION idle_transaction_timeout = {IDLE_TRANSACTION_S}");
        match self.plain("open", &idle) {
            Err(error) if error.is_lost() => return Err(error),
            Err(_) => self.guard = Guard::Wait,
            Ok(()) => {}
        }
        Ok(())
    }

    /// Says whether what others hold is waited for. MySQL waits for a second at least.
    pub(crate) fn set_patient(&mut self, is_patient: bool) -> Result<(), DbError> {
        let seconds = u8::from(is_patient);
        let wait = format!("SET SESSION innodb_lock_wait_timeout = {seconds}");
        match self.plain("patience", &wait) {
            Err(error) if error.is_lost() => return Err(error),
            _ => self.is_patient = is_patient,
        }
        Ok(())
    }

    /// What [`Session::set_patient`] has said.
    pub(crate) const fn is_patient(&self) -> bool {
        self.is_patient
    }

    /// Whether the server understands a statement and lets us run it.
    pub(crate) fn can(&mut self, sql: &str) -> Result<bool, DbError> {
        match self.connection.prep(sql).map_err(|error| db_error(&error, "open")) {
            Ok(_) => Ok(true),
            Err(error) if error.is_lost() => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Whether a transaction is open.
    pub(crate) const fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Begins a transaction.
    pub(crate) fn begin(&mut self) -> Result<(), DbError> {
        match self.guard {
            Guard::None => self.plain("begin", "START TRANSACTION")?,
            Guard::Wait => self.plain(
                "begin",
                &format!("START TRANSACTION; SET SESSION wait_timeout = {IDLE_TRANSACTION_S}"),
            )?,
        }
        self.in_transaction = true;
        Ok(())
    }

    /// Ends a transaction.
    pub(crate) fn commit(&mut self) -> Result<(), DbError> {
        self.in_transaction = false;
        self.end("commit", "COMMIT")
    }

    /// Undoes a transaction.
    pub(crate) fn roll_back(&mut self) -> Result<(), DbError> {
        self.in_transaction = false;
        self.end("rollback", "ROLLBACK").map_err(|rollback| {
            // Nobody knows what is open now.
            DbError { fault: Fault::Lost, ..rollback }
        })
    }

    /// Runs a statement that ends a transaction.
    fn end(&mut self, name: &'static str, sql: &str) -> Result<(), DbError> {
        if self.guard == Guard::None {
            return self.plain(name, sql);
        }
        let relax = format!("SET SESSION wait_timeout = {IDLE_SESSION_S}");
        let ended = self.plain(name, &format!("{sql}; {relax}"));
        if ended.as_ref().is_err_and(|error| !error.is_lost()) {
            // What stands behind a statement that fails is not looked at.
            self.plain(name, &relax)?;
        }
        ended
    }

    /// Passes a result on; after an error an open transaction is undone.
    pub(crate) fn settle<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        if let Err(error) = &result
            && std::mem::take(&mut self.in_transaction)
            && !error.is_lost()
        {
            self.roll_back()?;
        }
        result
    }

    /// Says whether user contexts come or go with the changes that follow.
    ///
    /// The triggers of Kea's tables from version 14 on count leases by the classes that a user context names; parsing
    /// contexts that are not there is a quarter of what inserting a lease costs. They ask a variable of the session
    /// whether the server knows JSON, so where there are no contexts it is told that it does not.
    pub(crate) fn count_classes(&mut self, has_contexts: bool) -> Result<(), DbError> {
        if self.counts_classes != has_contexts {
            let answer = if has_contexts { "NULL" } else { "0" };
            self.plain("prepare", &format!("SET @json_supported = {answer}"))?;
            self.counts_classes = has_contexts;
        }
        Ok(())
    }

    /// Runs a statement without parameters.
    pub(crate) fn plain(&mut self, name: &'static str, sql: &str) -> Result<(), DbError> {
        self.connection.query_drop(sql).map_err(|error| db_error(&error, name))
    }

    /// Runs the statement `name` for `size` elements, made by `sql` when it is first used, and hands over what it
    /// returns. Returns how many rows were changed.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        size: usize,
        sql: impl FnOnce() -> String,
        values: Vec<Value>,
        each: &mut dyn FnMut(Vec<Value>),
    ) -> Result<u64, DbError> {
        let failed = |error: mysql::Error| db_error(&error, name);
        let statement = self.prepared(name, size, sql)?;
        let params = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
        let result = self.connection.exec_iter(&statement, params).map_err(failed)?;
        let changed = result.affected_rows();
        for row in result {
            each(cells(row.map_err(failed)?));
        }
        Ok(changed)
    }

    /// Runs the statement `name`, made by `sql` when it is first used, for all these rows of parameters: all or none.
    pub(crate) fn run_bulk(
        &mut self,
        name: &'static str,
        sql: impl FnOnce() -> String,
        rows: impl Iterator<Item = Vec<Value>> + Clone,
    ) -> Result<(), DbError> {
        let statement = self.prepared(name, BULK, sql)?;
        let mut tries = 1;
        loop {
            match self.connection.exec_batch(&statement, rows.clone()) {
                // The server prepares it anew by itself, but gives up soon when it is short of room for definitions.
                Err(mysql::Error::MySqlError(error))
                    if error.code == STALE && tries < TRIES_MAX =>
                {
                    tries += 1;
                }
                done => return done.map_err(|error| db_error(&error, name)),
            }
        }
    }

    fn prepared(
        &mut self,
        name: &'static str,
        size: usize,
        sql: impl FnOnce() -> String,
    ) -> Result<Statement, DbError> {
        if let Some(statement) = self.statements.get(&(name, size)) {
            return Ok(statement.clone());
        }
        let statement = self.connection.prep(sql()).map_err(|error| db_error(&error, name))?;
        self.statements.insert((name, size), statement.clone());
        Ok(statement)
    }
}

/// In the place of a size: the statement is for one row, of which there are many.
const BULK: usize = usize::MAX;

/// Whether the parameters of many rows go to the server at once. The driver knows and does not tell; where it does not
/// send them so it runs a statement for each row. What shows it is a statement that no server runs for many rows.
fn has_bulk(connection: &mut Conn) -> Result<bool, DbError> {
    let failed = |error: mysql::Error| db_error(&error, "open");
    let statement = match connection.prep("DO ?") {
        Ok(statement) => statement,
        Err(mysql::Error::MySqlError(_)) => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    let tried = connection.exec_batch(&statement, [(1,), (2,)]);
    connection.close(statement).map_err(failed)?;
    match tried {
        Ok(()) => Ok(false),
        Err(mysql::Error::MySqlError(error)) => Ok(error.code == NOT_IN_BULK),
        Err(error) => Err(failed(error)),
    }
}

fn cells(row: Row) -> Vec<Value> {
    row.unwrap_raw().into_iter().map(|value| value.unwrap_or(Value::NULL)).collect()
}

/// The largest prepared size that is not larger than `len`, which is not 0.
pub(crate) fn size_within(len: usize) -> usize {
    SIZES.into_iter().find(|size| *size <= len).unwrap_or(1)
}

/// The smallest prepared size that holds `len` elements, at most the largest one.
pub(crate) fn size_around(len: usize) -> usize {
    SIZES.into_iter().rev().find(|size| *size >= len).unwrap_or(SIZES[0])
}

/// `item` so many times, with commas.
pub(crate) fn repeated(item: &str, count: usize) -> String {
    vec![item; count].join(",")
}

#[cfg(test)]
mod tests {
    use db_testing::{Durability, Server};
    use libdhcpsrv::config::SqlKind;

    use super::*;
    use crate::connection::connect;
    use crate::value::number;

    /// The way that is taken where the server has no limit for transactions.
    #[test]
    fn sessions_wait_shortly_within_transactions_alone() {
        let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
        let mut session = Session::new(connect(&database.access()).unwrap()).unwrap();
        session.be_short().unwrap();
        assert_eq!(session.guard, Guard::None, "MariaDB has a limit for transactions");
        let mut set = Vec::new();
        let sql = || "SELECT @@SESSION.idle_transaction_timeout".to_owned();
        session.run("idle", 1, sql, Vec::new(), &mut |row| set = row).unwrap();
        assert_eq!(number(&set[0]), Some(IDLE_TRANSACTION_S.into()));
        session.guard = Guard::Wait;
        let mut count = 0;
        let mut wait = |session: &mut Session| {
            let mut found = Vec::new();
            count += 1;
            let sql = || "SELECT CAST(@@SESSION.wait_timeout AS UNSIGNED)".to_owned();
            session.run("wait", count, sql, Vec::new(), &mut |row| found = row).unwrap();
            found.first().and_then(number)
        };
        let (short, long) = (IDLE_TRANSACTION_S.into(), IDLE_SESSION_S.into());
        assert_eq!(wait(&mut session), Some(long));
        session.begin().unwrap();
        assert_eq!(wait(&mut session), Some(short));
        session.commit().unwrap();
        assert_eq!(wait(&mut session), Some(long));
        session.begin().unwrap();
        let failed = Err::<(), _>(DbError::new(Fault::Statement, "test", "it was to fail"));
        assert!(session.settle(failed).is_err());
        assert_eq!(wait(&mut session), Some(long));
        assert!(!session.can("SELECT FROM nowhere").unwrap());
        assert!(session.can("SELECT 1").unwrap());
        assert!(session.has_bulk(), "MariaDB takes many rows at once");
    }

    /// What a server says that drops the definitions of tables again and again, here by a trigger.
    #[test]
    fn statements_that_would_have_to_be_prepared_anew_are_tried_again() {
        let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
        let mut session = Session::new(connect(&database.access()).unwrap()).unwrap();
        session.plain("make", "CREATE TABLE numbers (number INT)").unwrap();
        let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON numbers FOR EACH ROW BEGIN \
            SET @refusals = @refusals - 1; \
            IF @refusals >= 0 THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1615; END IF; END";
        session.plain("make", refuse).unwrap();
        let mut insert = |refusals: u32| {
            session.plain("set", &format!("SET @refusals = {refusals}")).unwrap();
            let rows = (1..4).map(|number| vec![Value::Int(number)]);
            let sql = || "INSERT INTO numbers VALUES (?)".to_owned();
            session.run_bulk("insert", sql, rows).map_err(|error| error.fault)
        };
        assert_eq!(insert(0), Ok(()));
        assert_eq!(insert(TRIES_MAX - 1), Ok(()));
        assert_eq!(insert(TRIES_MAX), Err(Fault::Retry), "not for ever");
        let mut count = None;
        let sql = || "SELECT COUNT(*) FROM numbers".to_owned();
        session.run("count", 1, sql, Vec::new(), &mut |row| count = number(&row[0])).unwrap();
        assert_eq!(count, Some(6), "all rows or none");
    }

    #[test]
    fn sizes_fit() {
        for len in [1, 2, 4, 5, 16, 63, 64, 255, 256, 1000] {
            assert!(size_within(len) <= len);
            assert!(size_around(len) >= len.min(SIZES[0]));
        }
        assert_eq!(size_within(63), 48);
        assert_eq!(size_around(65), 96);
        assert_eq!(size_around(5), 6);
        assert_eq!(repeated("?", 3), "?,?,?");
    }
}
