//! Why a command is not done.

use std::io;
use std::path::{Path, PathBuf};

use database::DbError;
use libdhcpsrv::lease::load::LoadError;

/// Exit code of a command that left rows out.
pub(crate) const ROWS_LEFT_OUT: u8 = 3;

/// Why a command is not done. Its text names no password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The user said no.
    #[error("{0} aborted by user.")]
    Aborted(String),
    /// A database.
    #[error("{what}: {error}")]
    Database {
        /// What was being done.
        what: String,
        /// The reason.
        error: DbError,
    },
    /// There are leases in the way.
    #[error(
        "{count} addresses of the leases exist already (the first one is {first}); nothing was written. \
         --existing skip, newer or replace says what to do with them"
    )]
    Existing {
        /// How many.
        count: u64,
        /// One of them.
        first: String,
    },
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// A file holds something else than leases.
    #[error("{}: {error}", path.display())]
    Leases {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: LoadError,
    },
    /// Kea's script cannot do this either.
    #[error("NOT IMPLEMENTED")]
    NotImplemented,
    /// A database that should be empty is not.
    #[error(
        "Expected empty database {name}. Aborting, the following tables are present:\n        {tables}"
    )]
    NotEmpty {
        /// Its name.
        name: String,
        /// What is in it.
        tables: String,
        /// The exit code.
        code: u8,
    },
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NotEmpty { code, .. } => *code,
            _ => 1,
        }
    }

    /// For failures of a database while `what` was done.
    pub(crate) fn database(what: impl Into<String>) -> impl FnOnce(DbError) -> Self {
        let what = what.into();
        move |error| Self::Database { what, error }
    }

    /// For failures of a file.
    pub(crate) fn file(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |error| Self::File { path: path.to_owned(), error }
    }
}
