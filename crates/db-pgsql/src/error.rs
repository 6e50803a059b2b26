//! What a failure of PostgreSQL means.
//!
//! Texts of the server are passed on: they name users, tables and keys, never a password. Details are passed on where they
//! tell a key; others repeat whole rows. What the library says of itself is passed on too; it never shows what it was
//! configured with.

use std::error::Error as _;
use std::io;

use database::{DbError, Fault};

/// What is kept of a server's message.
const REASON_LEN_MAX: usize = 300;
/// A row that is missing elsewhere, a row that is there already: the details are the key.
const TELL_KEYS: [&str; 2] = ["23503", "23505"];

/// A connection that is gone.
pub(crate) fn lost(statement: &'static str, reason: impl Into<String>) -> DbError {
    DbError::new(Fault::Lost, statement, reason)
}

/// Tells a failure of the library or of the server.
pub(crate) fn db_error(statement: &'static str, error: &tokio_postgres::Error) -> DbError {
    let Some(told) = error.as_db_error() else {
        let (fault, reason) = other(error);
        return DbError::new(fault, statement, reason);
    };
    let code = told.code().code();
    let is_fatal = matches!(told.severity(), "FATAL" | "PANIC");
    let mut reason = told.message().to_owned();
    if let Some(detail) = told.detail().filter(|_| TELL_KEYS.contains(&code)) {
        reason = format!("{reason} ({detail})");
    }
    let reason = printable(&reason);
    DbError { code: code.to_owned(), ..DbError::new(fault(code, is_fatal), statement, reason) }
}

/// A text of somebody else's as it may stand in a log.
fn printable(text: &str) -> String {
    text.chars().filter(|each| !each.is_control()).take(REASON_LEN_MAX).collect()
}

/// What helps against an SQLSTATE.
fn fault(code: &str, is_fatal: bool) -> Fault {
    match code {
        "25006" => Fault::ReadOnly,
        // No such database; no right to a table or a column.
        "3D000" | "42501" => Fault::Refused,
        // Serialization, deadlock.
        "40001" | "40P01" => Fault::Retry,
        "55P03" => Fault::Locked,
        // A table, a column, a function, an operator, a type is missing or another one.
        "42P01" | "42703" | "42704" | "42804" | "42846" | "42883" | "3F000" => Fault::Schema,
        // Shutdowns, crashes, start in progress, sessions that waited for too long.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => Fault::Lost,
        // Too many connections. A statement that took too long, or was ended by somebody: the server is not well.
        "53300" | "57014" => Fault::Lost,
        // The session is not what we believe: statements have vanished, or tables were altered under them.
        "26000" | "0A000" => Fault::Lost,
        _ => match code.get(..2) {
            Some("08") => Fault::Lost,
            Some("28") => Fault::Refused,
            _ if is_fatal => Fault::Lost,
            _ => Fault::Statement,
        },
    }
}

/// A failure that the server did not report.
fn other(error: &tokio_postgres::Error) -> (Fault, String) {
    let cause = error.source();
    let reason = match cause {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    let reason = shorten(reason);
    // The library tells kinds of failures by their texts alone.
    let text = error.to_string();
    let is = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let io = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    let fault = match io.map(io::Error::kind) {
        // What TLS finds wrong with a certificate comes as invalid data.
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
            if is(&["error performing TLS"]) =>
        {
            Fault::Refused
        }
        _ if is(&["error serializing", "error encoding"]) => Fault::Statement,
        Some(_) => Fault::Lost,
        None if is(&["authentication", "invalid configuration", "error performing TLS"]) => {
            Fault::Refused
        }
        None if is(&["error deserializing", "invalid column", "query returned", "expected"]) => {
            Fault::Schema
        }
        None => Fault::Lost,
    };
    (fault, reason)
}

/// Takes out what is said twice.
fn shorten(reason: String) -> String {
    match reason.split_once(": ") {
        Some((first, rest)) if rest.starts_with(first) => rest.to_owned(),
        _ => reason,
    }
}
