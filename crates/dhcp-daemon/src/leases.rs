//! The leases in use, wherever they are kept: in a file or in a database.

use std::path::Path;
use std::sync::Arc;

use database::service::Survey;
use libdhcpsrv::config::LeaseDatabase;
use libdhcpsrv::lease::{LeaseStore, StoredLeases};
use libdhcpsrv::session::Store;
use process::journal_service::JournalService;
use util::Now;

use crate::lease_database::{self, Checks, Database, OpenError};
use crate::packets::Access;
use crate::service::random_seed;
use crate::sql::{Count, Patience, SqlDatabaseInUse, SqlError};
use crate::{Daemon, Settings};

/// Why the leases cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeasesError {
    /// The file.
    #[error(transparent)]
    File(#[from] OpenError),
    /// The database.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// Leases that are open.
pub(crate) enum Leases<D: Daemon> {
    /// In memory, and in a file.
    File(Database<D::Leases>),
    /// In a database.
    Sql(Box<SqlDatabaseInUse<D::Leases>>),
}

/// What a database was found to hold; nothing need be known of a file, which is all in memory.
pub(crate) type Found<D> = Option<Survey<<D as Daemon>::Leases>>;

impl<D: Daemon> Leases<D> {
    /// Opens the leases of a configuration; `file` is its lease file.
    pub(crate) fn open(
        config: &D::Config,
        file: &Path,
        now: Now,
        patience: &mut Patience<'_>,
    ) -> Result<(Self, Found<D>), LeasesError> {
        let settings = D::settings(config);
        if let Some(sql) = &settings.lease_database.sql {
            let (database, survey) = SqlDatabaseInUse::open(sql, now, patience)?;
            return Ok((Self::Sql(Box::new(database)), Some(survey)));
        }
        let checks =
            Checks { judge: &D::lease_judge(config), extended_info: settings.extended_info_checks };
        let seed = random_seed();
        let database = lease_database::open(settings.lease_database, file, seed, &checks)?;
        Ok((Self::File(database), None))
    }

    /// Whether settings ask for these very leases, so that it can go on with them as they are; `file` is their lease
    /// file.
    pub(crate) fn are_meant_by(&self, settings: &LeaseDatabase, file: &Path) -> bool {
        match (self, &settings.sql) {
            (Self::File(database), None) => database.is_meant_by(settings, file),
            (Self::Sql(database), Some(sql)) => database.is_meant_by(sql),
            _ => false,
        }
    }

    /// Goes on with other settings that mean these leases.
    pub(crate) fn set_settings(&self, settings: &LeaseDatabase) {
        if let Self::File(database) = self {
            database.set_settings(settings);
        }
    }

    /// Looks at what is there now, without counting.
    pub(crate) fn survey(
        &self,
        now: Now,
        patience: &mut Patience<'_>,
    ) -> Result<Found<D>, LeasesError> {
        Ok(match self {
            Self::File(_) => None,
            Self::Sql(database) => Some(database.survey(now, patience)?),
        })
    }

    /// Counts, while workers go on.
    pub(crate) fn count(
        &self,
        patience: &mut Patience<'_>,
    ) -> Result<Option<Count<D::Leases>>, LeasesError> {
        Ok(match self {
            Self::File(_) => None,
            Self::Sql(database) => Some(database.count(patience)?),
        })
    }

    /// Counts once more, while nobody changes anything.
    pub(crate) fn recount(
        &self,
        found: Found<D>,
        count: Option<Count<D::Leases>>,
        patience: &mut Patience<'_>,
    ) -> Found<D> {
        match (self, found, count) {
            (Self::Sql(database), Some(found), Some(count)) => {
                Some(database.recount(found, count, patience))
            }
            (_, found, _) => found,
        }
    }

    /// Lets workers pass queries over, or take them again.
    pub(crate) fn set_closed(&self, is_closed: bool) {
        if let Self::Sql(database) = self {
            database.service().set_closed(is_closed);
        }
    }

    /// Lets `with` see what is stored.
    pub(crate) fn stored<R>(
        &self,
        found: Found<D>,
        with: impl FnOnce(&dyn StoredLeases<D::Leases>) -> R,
    ) -> R {
        match self {
            Self::File(database) => with(&*database.store),
            Self::Sql(database) => {
                let survey = found.unwrap_or(Survey { held: Vec::new(), counts: Vec::new() });
                with(&database.stored(survey))
            }
        }
    }

    /// What a worker's server asks, and how its questions get there.
    pub(crate) fn access(&self) -> (Arc<dyn Store<D::Leases>>, Option<Access<D>>) {
        match self {
            Self::File(database) => (database.store.clone(), None),
            Self::Sql(database) => {
                let access = Access::<D>::new(|wake| database.post(wake));
                (access.post.store().clone(), Some(access))
            }
        }
    }

    /// The journal of a file.
    pub(crate) fn journal(&self) -> Option<&Arc<JournalService>> {
        match self {
            Self::File(database) => database.journal.as_ref(),
            Self::Sql(_) => None,
        }
    }

    /// The leases in memory.
    pub(crate) fn in_memory(&self) -> Option<&LeaseStore<D::Leases>> {
        match self {
            Self::File(database) => Some(&database.store),
            Self::Sql(_) => None,
        }
    }
}

/// Whether leases are kept in the lease file.
pub(crate) fn uses_file(settings: &Settings<'_>) -> bool {
    settings.lease_database.sql.is_none() && settings.lease_database.persist
}
