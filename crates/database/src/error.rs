//! What can go wrong with a database.

use std::fmt;

/// What kind of failure it is: what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is gone or cannot be made: another one may work.
    Lost,
    /// The database does not let anybody write at the moment (a standby, a read-only replica): another connection may
    /// lead to another server.
    ReadOnly,
    /// Two transactions were in each other's way, and this one was undone: it may be tried again at once.
    Retry,
    /// Somebody holds a row, and was waited for as long as is bearable. What is about other rows may be tried again at
    /// once, this not.
    Locked,
    /// The server refuses the user, the password or the database: somebody has to change something.
    Refused,
    /// The tables are not what is needed: somebody has to change something.
    Schema,
    /// The statement failed because of what it said: it will fail again.
    Statement,
}

/// A failure of a database. Its text names no password and no value but `key`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DbError {
    /// What kind of failure it is.
    pub fault: Fault,
    /// The statement, by name; empty while connecting.
    pub statement: &'static str,
    /// What the statement was about, an address for example; empty for nothing in particular.
    pub key: String,
    /// The SQLSTATE or the number of the error, as the server tells; may be empty.
    pub code: String,
    /// The reason.
    pub reason: String,
}

impl DbError {
    /// A failure that no server has reported.
    #[must_use]
    pub fn new(fault: Fault, statement: &'static str, reason: impl Into<String>) -> Self {
        Self { fault, statement, key: String::new(), code: String::new(), reason: reason.into() }
    }

    /// Whether another connection may help.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.fault, Fault::Lost | Fault::ReadOnly)
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.statement.is_empty() {
            write!(f, "{}", self.statement)?;
            if !self.key.is_empty() {
                write!(f, " of {}", self.key)?;
            }
            f.write_str(": ")?;
        }
        if !self.code.is_empty() {
            write!(f, "[{}] ", self.code)?;
        }
        f.write_str(&self.reason)
    }
}
