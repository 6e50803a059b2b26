//! Where leases are read from.

use std::path::PathBuf;

use database::DbError;
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::lease::LeaseStore;

use crate::failure::Failure;
use crate::kind::{Kind, Shape};
use crate::lease_files;
use crate::sql::Session;

/// Leases that are handed on together.
const BATCH: usize = 1000;

/// Receives leases, some at a time.
pub(crate) type Each<'a, K> =
    dyn FnMut(Vec<<K as libdhcpsrv::lease::LeaseKind>::Lease>) -> Result<(), Failure> + 'a;

/// Where leases are.
pub(crate) enum Source<K: Kind> {
    /// In files, which have been read.
    Files {
        /// The leases.
        store: Box<LeaseStore<K>>,
        /// Rows that could not be used.
        bad: u64,
    },
    /// In a database.
    Database(SqlAccess),
}

impl<K: Kind> Source<K> {
    /// The set of files of a memfile database.
    pub(crate) fn memfile(path: &std::path::Path) -> Result<Self, Failure> {
        let loaded = lease_files::load_set(path)?;
        if loaded.last.is_none() && loaded.store.is_empty() {
            return Err(Failure::Other(format!("{}: there is no lease file", path.display())));
        }
        Ok(Self::Files { store: Box::new(loaded.store), bad: loaded.bad })
    }

    /// One file.
    pub(crate) fn file(path: PathBuf) -> Result<Self, Failure> {
        let loaded = lease_files::load(std::slice::from_ref(&path))?;
        if loaded.last.is_none() {
            return Err(Failure::Other(format!("{}: there is no such file", path.display())));
        }
        Ok(Self::Files { store: Box::new(loaded.store), bad: loaded.bad })
    }

    /// Hands all leases on, in the order of addresses. Returns how many rows could not be used, after telling which.
    pub(crate) fn each(&self, each: &mut Each<'_, K>) -> Result<u64, Failure> {
        match self {
            Self::Files { store, bad } => {
                let mut leases = store.select(|_| true).into_iter();
                loop {
                    let batch: Vec<_> = leases.by_ref().take(BATCH).collect();
                    if batch.is_empty() {
                        return Ok(*bad);
                    }
                    each(batch)?;
                }
            }
            Self::Database(access) => {
                let (mut session, shape) = open::<K>(access)?;
                read::<K>(&mut session, access, shape, each)
            }
        }
    }
}

/// Connects, and looks at the table.
pub(crate) fn open<K: Kind>(access: &SqlAccess) -> Result<(Session, Shape), Failure> {
    let mut session = Session::open(access).map_err(Failure::database(access.to_string()))?;
    let columns = session.columns(K::TABLE).map_err(Failure::database(access.to_string()))?;
    if columns.is_empty() {
        return Err(Failure::Other(format!("{access}: there is no table {}", K::TABLE)));
    }
    Ok((session, Shape::of(&columns)))
}

/// An error of the database or of whoever gets the leases.
enum Stop {
    Database(DbError),
    Receiver(Failure),
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// Reads the whole table.
pub(crate) fn read<K: Kind>(
    session: &mut Session,
    access: &SqlAccess,
    shape: Shape,
    each: &mut Each<'_, K>,
) -> Result<u64, Failure> {
    let mut bad = 0;
    let mut batch = Vec::new();
    let question = K::question(access.kind, shape);
    let walked = session.each("leases", &question, &mut |cells| {
        let key = K::key_text(&cells);
        match K::read(access.kind, cells) {
            Ok(lease) => batch.push(lease),
            Err(fault) => {
                eprintln!("{}: the row of address {key} is left out: {fault}", K::TABLE);
                bad += 1;
            }
        }
        if batch.len() >= BATCH {
            each(std::mem::take(&mut batch)).map_err(Stop::Receiver)?;
        }
        Ok(())
    });
    match walked {
        Ok(()) if batch.is_empty() => Ok(bad),
        Ok(()) => each(batch).map(|()| bad),
        Err(Stop::Receiver(failure)) => Err(failure),
        Err(Stop::Database(error)) => Err(Failure::database(access.to_string())(error)),
    }
}
