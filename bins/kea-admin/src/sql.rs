//! A connection for scripts and questions, whichever the database is.
//!
//! Statements are ours or those of a script, and run as they are: values that come from elsewhere are written into them by
//! `literal` alone, as `stats-recount` does with the names of classes that contexts hold.

use database::DbError;
use db_pgsql::SimpleQueryMessage;
use libdhcpsrv::config::{SqlAccess, SqlKind};
use mysql::prelude::Queryable;

use crate::script;

/// Rows that PostgreSQL is asked for at a time.
const FETCH: &str = "FETCH FORWARD 2000 FROM leases";

/// A cell of a row, as text; none for NULL.
pub(crate) type Cell = Option<Vec<u8>>;

/// An open connection.
pub(crate) enum Session {
    /// MySQL or MariaDB.
    Mysql(Box<mysql::Conn>),
    /// PostgreSQL.
    Pgsql(Box<db_pgsql::Client>),
}

impl Session {
    /// Connects.
    pub(crate) fn open(access: &SqlAccess) -> Result<Self, DbError> {
        Ok(match access.kind {
            SqlKind::Mysql => Self::Mysql(Box::new(db_mysql::connect(access)?)),
            SqlKind::Postgresql => Self::Pgsql(Box::new(db_pgsql::connect(access)?)),
        })
    }

    /// Runs one statement and returns its rows. `name` tells it in errors.
    pub(crate) fn rows(
        &mut self,
        name: &'static str,
        sql: &str,
    ) -> Result<Vec<Vec<Cell>>, DbError> {
        match self {
            Self::Mysql(connection) => {
                let rows: Vec<mysql::Row> =
                    connection.query(sql).map_err(|error| db_mysql::db_error(&error, name))?;
                Ok(rows.into_iter().map(mysql_cells).collect())
            }
            Self::Pgsql(client) => Ok(pgsql_rows(client.simple(name, sql)?)),
        }
    }

    /// The first cell of the first row.
    pub(crate) fn text(
        &mut self,
        name: &'static str,
        sql: &str,
    ) -> Result<Option<String>, DbError> {
        let rows = self.rows(name, sql)?;
        let cell = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        Ok(cell.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Runs a statement for what it does.
    pub(crate) fn run(&mut self, name: &'static str, sql: &str) -> Result<(), DbError> {
        match self {
            Self::Mysql(connection) => {
                connection.query_drop(sql).map_err(|error| db_mysql::db_error(&error, name))
            }
            Self::Pgsql(client) => client.simple(name, sql).map(drop),
        }
    }

    /// Runs a script. MySQL has done what comes before a statement that fails; PostgreSQL has done nothing.
    pub(crate) fn script(&mut self, name: &'static str, text: &str) -> Result<(), DbError> {
        match self {
            Self::Mysql(_) => {
                script::statements(text).iter().try_for_each(|statement| self.run(name, statement))
            }
            Self::Pgsql(client) => {
                let done = client.simple(name, text).map(drop);
                if done.is_err() {
                    // The script's own transaction is still there; without a connection there is none.
                    let _ = client.simple("rollback", "ROLLBACK");
                }
                done
            }
        }
    }

    /// Shows all rows of a question one by one; together they are the state of one moment.
    pub(crate) fn each<E: From<DbError>>(
        &mut self,
        name: &'static str,
        sql: &str,
        each: &mut dyn FnMut(Vec<Cell>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Self::Mysql(_) = self {
            return self.walk(name, sql, each);
        }
        self.run(name, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        self.walk(name, sql, each)?;
        Ok(self.run(name, "COMMIT")?)
    }

    /// The same within a transaction that has been begun.
    pub(crate) fn walk<E: From<DbError>>(
        &mut self,
        name: &'static str,
        sql: &str,
        each: &mut dyn FnMut(Vec<Cell>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Mysql(connection) => {
                let told = |error| db_mysql::db_error(&error, name);
                let rows = connection.query_iter(sql).map_err(told)?;
                for row in rows {
                    each(mysql_cells(row.map_err(told)?))?;
                }
            }
            Self::Pgsql(client) => {
                // Whoever gets the rows may take his time, and so may somebody at a terminal who has stopped us.
                client.set(name, &[("idle_in_transaction_session_timeout", "0".to_owned())])?;
                client.simple(name, &format!("DECLARE leases NO SCROLL CURSOR FOR {sql}"))?;
                loop {
                    let rows = pgsql_rows(client.simple(name, FETCH)?);
                    if rows.is_empty() {
                        break;
                    }
                    rows.into_iter().try_for_each(&mut *each)?;
                }
                client.simple(name, "CLOSE leases")?;
            }
        }
        Ok(())
    }

    /// Which of the columns of a table there are, with their types.
    pub(crate) fn columns(
        &mut self,
        table: &'static str,
    ) -> Result<Vec<(String, String)>, DbError> {
        let here = match self {
            Self::Mysql(_) => "DATABASE()",
            Self::Pgsql(_) => "current_schema()",
        };
        let sql = format!(
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_schema = {here} AND table_name = '{table}'"
        );
        let text = |cell: Option<&Cell>| {
            let bytes = cell.and_then(|cell| cell.as_deref()).unwrap_or_default();
            String::from_utf8_lossy(bytes).to_lowercase()
        };
        let rows = self.rows("columns", &sql)?;
        Ok(rows.iter().map(|row| (text(row.first()), text(row.get(1)))).collect())
    }
}

fn mysql_cells(row: mysql::Row) -> Vec<Cell> {
    let cell = |value: mysql::Value| match value {
        mysql::Value::NULL => None,
        mysql::Value::Bytes(bytes) => Some(bytes),
        mysql::Value::Int(number) => Some(number.to_string().into_bytes()),
        mysql::Value::UInt(number) => Some(number.to_string().into_bytes()),
        other => Some(other.as_sql(true).into_bytes()),
    };
    row.unwrap().into_iter().map(cell).collect()
}

fn pgsql_rows(messages: Vec<SimpleQueryMessage>) -> Vec<Vec<Cell>> {
    let cells = |message| match message {
        SimpleQueryMessage::Row(row) => {
            let cell = |at| row.get(at).map(|text| text.as_bytes().to_vec());
            Some((0..row.len()).map(cell).collect())
        }
        _ => None,
    };
    messages.into_iter().filter_map(cells).collect()
}

#[cfg(test)]
mod tests {
    use db_testing::{Durability, Server};

    use super::*;

    #[test]
    fn whoever_gets_rows_may_take_his_time() {
        let server = Server::shared(SqlKind::Postgresql, Durability::Relaxed);
        let mut session = Session::open(&server.new_database().access()).unwrap();
        let each = &mut |_| Ok::<(), DbError>(());
        session.each("rows", "SELECT generate_series(1, 5000)", each).unwrap();
        let timeout = session.text("show", "SHOW idle_in_transaction_session_timeout").unwrap();
        assert_eq!(timeout.as_deref(), Some("0"));
    }
}
