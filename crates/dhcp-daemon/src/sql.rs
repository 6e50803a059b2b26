//! Leases in a database that is spoken to in SQL: opening it, looking at it, telling what happens to it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use database::host_service::{HostOpener, HostService};
use database::service::{LeaseService, Opener, Post, Survey};
use database::{Counted, DbError, Fault, HostConnection, LeaseConnection, LinkEvent};
use libdhcpsrv::config::{OnFail, Reconnect, SqlAccess, SqlDatabase, SqlKind};
use libdhcpsrv::free::PoolSet;
use libdhcpsrv::hosts::HostKind;
use libdhcpsrv::lease::{Counts, LeaseKind, StoredLeases};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;
use libdhcpsrv::loggers::DHCPSRV;
use libdhcpsrv::remote::Hints;
use util::Now;

use crate::Daemon;
use crate::messages::*;

/// Leases that can be kept in databases, and the hosts that get them.
pub trait SqlLeases: HostKind {
    /// Opens a connection to the leases in a database.
    ///
    /// # Errors
    /// [`DbError`].
    fn connect(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<Self>>, DbError>;

    /// Opens a connection to the hosts in a database.
    ///
    /// # Errors
    /// [`DbError`].
    fn connect_hosts(access: &SqlAccess) -> Result<Box<dyn HostConnection<Self>>, DbError>;
}

macro_rules! sql_leases {
    ($kind:ty, $leases:ident, $hosts:ident) => {
        impl SqlLeases for $kind {
            fn connect(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<Self>>, DbError> {
                match access.kind {
                    #[cfg(feature = "mysql")]
                    SqlKind::Mysql => db_mysql::$leases(access),
                    #[cfg(feature = "postgresql")]
                    SqlKind::Postgresql => db_pgsql::$leases(access),
                    #[allow(unreachable_patterns, reason = "depends on the features")]
                    kind => Err(not_built(kind)),
                }
            }

            fn connect_hosts(access: &SqlAccess) -> Result<Box<dyn HostConnection<Self>>, DbError> {
                match access.kind {
                    #[cfg(feature = "mysql")]
                    SqlKind::Mysql => db_mysql::$hosts(access),
                    #[cfg(feature = "postgresql")]
                    SqlKind::Postgresql => db_pgsql::$hosts(access),
                    #[allow(unreachable_patterns, reason = "depends on the features")]
                    kind => Err(not_built(kind)),
                }
            }
        }
    };
}

sql_leases!(V4, open_leases4, open_hosts4);
sql_leases!(V6, open_leases6, open_hosts6);

/// The error of a kind of databases that the program was built without.
#[allow(dead_code, reason = "depends on the features")]
fn not_built(kind: SqlKind) -> DbError {
    DbError::new(Fault::Refused, "", format!("this program was built without support of {kind}"))
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SqlError {
    /// It cannot be opened or read.
    #[error("{access}: {source}")]
    Database {
        /// The database.
        access: String,
        /// What went wrong.
        source: DbError,
    },
    /// A signal ends the process while it waits for the database.
    #[error("the start was interrupted while waiting for the database")]
    Interrupted,
    /// The system refuses a thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

/// What the main thread lends to whoever has to wait.
pub(crate) struct Patience<'a> {
    /// Waits; returns whether a signal asks to end instead.
    pub(crate) wait: &'a mut dyn FnMut(Duration) -> bool,
    /// Wakes the main thread.
    pub(crate) wake: Arc<dyn Fn() + Send + Sync>,
    /// Whether `retry-on-startup` counts. A server that runs has something better to do than to wait for a database that
    /// another configuration names, perhaps wrongly.
    pub(crate) is_start: bool,
}

impl Patience<'_> {
    /// Does something that may take long in a thread of its own, so that signals are heard meanwhile. Interrupted, it goes
    /// on by itself and its result is lost.
    pub(crate) fn aside<R: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, SqlError> {
        self.aside_until(None, work)?.ok_or(SqlError::Interrupted)
    }

    /// The same; nothing comes of it if it takes longer than until then.
    fn aside_until<R: Send + 'static>(
        &mut self,
        until: Option<Instant>,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<Option<R>, SqlError> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("database".to_owned());
        thread.spawn(move || {
            // Nobody listens when it was interrupted.
            let _ = sender.send(work());
        })?;
        let mut pause = Duration::ZERO;
        loop {
            match receiver.recv_timeout(pause) {
                Ok(result) => return Ok(Some(result)),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(SqlError::Interrupted);
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(None);
            }
            if (self.wait)(pause) {
                return Err(SqlError::Interrupted);
            }
            pause = PATIENT_STEP;
        }
    }
}

/// Time between two looks at work that is done aside.
const PATIENT_STEP: Duration = Duration::from_millis(5);

/// Longest time for which workers stand still because leases are counted.
const RECOUNT_MAX: Duration = Duration::from_secs(1);
/// A count that has taken so long is not begun again while they stand still.
const QUICK: Duration = Duration::from_millis(500);

/// The number of leases while workers went on, and the connection for counting again.
pub(crate) struct Count<K: LeaseKind> {
    connection: Box<dyn LeaseConnection<K>>,
    counts: Vec<Counted>,
    took: Duration,
}

/// An open lease database.
pub(crate) struct SqlDatabaseInUse<K: LeaseKind> {
    settings: SqlDatabase,
    service: LeaseService<K>,
}

impl<K: SqlLeases> SqlDatabaseInUse<K> {
    /// Opens a database, looks at what it holds, and starts its threads.
    pub(crate) fn open(
        settings: &SqlDatabase,
        now: Now,
        patience: &mut Patience<'_>,
    ) -> Result<(Self, Survey<K>), SqlError> {
        let mut first = connect::<K>(settings, patience)?;
        let looked = patience.aside(move || {
            let survey = Survey::make(&mut *first, now.wall_s);
            survey.map(|survey| (first, survey))
        })?;
        let (first, survey) = looked.map_err(|error| failed(settings, error))?;
        let access = settings.access.clone();
        let opener: Opener<K> = Arc::new(move || K::connect(&access));
        let wake = patience.wake.clone();
        let wake: Box<dyn Fn() + Send + Sync> = Box::new(move || wake());
        let reconnect = settings.reconnect;
        let service = LeaseService::start(
            opener,
            changes_max(settings.access.kind),
            first,
            reconnect,
            now.wall_s,
            wake,
        )?;
        Ok((Self { settings: settings.clone(), service }, survey))
    }

    /// Looks at what is not free now; it is not counted.
    pub(crate) fn survey(
        &self,
        now: Now,
        patience: &mut Patience<'_>,
    ) -> Result<Survey<K>, SqlError> {
        self.look(patience, move |mut connection| {
            let mut held = Vec::new();
            connection.held(now.wall_s, &mut |first, last| held.push((first, last)))?;
            Ok(Survey { held, counts: Vec::new() })
        })
    }

    /// Counts what it holds.
    pub(crate) fn count(&self, patience: &mut Patience<'_>) -> Result<Count<K>, SqlError> {
        self.look(patience, |mut connection| {
            let begin = Instant::now();
            let counts = connection.count()?;
            Ok(Count { connection, counts, took: begin.elapsed() })
        })
    }

    /// Counts once more, while nobody changes anything, unless that takes too long or fails: nobody is served meanwhile.
    pub(crate) fn recount(
        &self,
        found: Survey<K>,
        count: Count<K>,
        patience: &mut Patience<'_>,
    ) -> Survey<K> {
        let Count { mut connection, counts, took } = count;
        let recounted = if took < QUICK {
            let until = Instant::now() + RECOUNT_MAX;
            patience.aside_until(Some(until), move || connection.count().ok()).ok().flatten()
        } else {
            None
        };
        let counts = recounted.flatten().unwrap_or_else(|| {
            kea_log::log!(DHCPSRV, DHCPSRV_SQL_COUNT_OLD, &self.settings.access);
            counts
        });
        Survey { counts, ..found }
    }

    /// Looks at something over a connection of its own.
    fn look<R: Send + 'static>(
        &self,
        patience: &mut Patience<'_>,
        look: impl FnOnce(Box<dyn LeaseConnection<K>>) -> Result<R, DbError> + Send + 'static,
    ) -> Result<R, SqlError> {
        let access = self.settings.access.clone();
        let looked = patience.aside(move || look(K::connect(&access)?))?;
        looked.map_err(|error| failed(&self.settings, error))
    }

    /// Whether settings ask for this very database.
    pub(crate) fn is_meant_by(&self, settings: &SqlDatabase) -> bool {
        self.settings == *settings
    }

    pub(crate) fn service(&self) -> &LeaseService<K> {
        &self.service
    }

    /// A worker's access.
    pub(crate) fn post(&self, wake: database::Wake) -> Post<K> {
        self.service.post(wake)
    }

    /// What it holds, for pools and figures.
    pub(crate) fn stored(&self, survey: Survey<K>) -> Surveyed<'_, K> {
        Surveyed { hints: self.service.hints(), survey }
    }

    /// Logs what has happened to the connection; returns why the process has to end, if it has to.
    pub(crate) fn tell_events<D: Daemon>(&self) -> Option<String> {
        let mut end = None;
        for event in self.service.take_events() {
            end = tell_event::<D>(&self.settings, event).or(end);
        }
        end
    }
}

/// Logs what has happened to a connection; returns why the process has to end, if it has to.
pub(crate) fn tell_event<D: Daemon>(settings: &SqlDatabase, event: LinkEvent) -> Option<String> {
    let SqlDatabase { access, reconnect } = settings;
    match event {
        LinkEvent::Lost(error) => {
            kea_log::log!(DHCPSRV, D::DB_LOST_CONNECTION, access, error);
        }
        LinkEvent::Failed(number, error) => {
            let Reconnect { tries_max, wait_ms, .. } = reconnect;
            kea_log::log!(DHCPSRV, D::DB_ATTEMPT_FAILED, number, tries_max, access, error, wait_ms);
        }
        LinkEvent::Recovered => kea_log::log!(DHCPSRV, D::DB_SUCCEEDED, access),
        LinkEvent::GaveUp(tries) => {
            kea_log::log!(DHCPSRV, D::DB_FAILED, access, tries);
            let ends = reconnect.on_fail != OnFail::ServeRetryContinue;
            return ends.then(|| format!("the connection to {access} cannot be made again"));
        }
        LinkEvent::Refused(error) => {
            kea_log::log!(DHCPSRV, DHCPSRV_SQL_STATEMENT_FAILED, access, error);
        }
    }
    None
}

/// How many changes of leases one transaction should make.
///
/// The tables of Kea count leases by triggers, row by row. In PostgreSQL each step leaves a version of the counting row
/// behind, and the next one goes through all of the same transaction: measured 40 us per lease with 64 in a transaction,
/// 91 with 256, 146 with 1024. With fewer than 32 the transactions themselves cost as much. MariaDB changes the row in its
/// place.
fn changes_max(kind: SqlKind) -> Option<usize> {
    match kind {
        SqlKind::Mysql => None,
        SqlKind::Postgresql => Some(32),
    }
}

/// Connects to leases, as patiently as the settings say.
fn connect<K: SqlLeases>(
    settings: &SqlDatabase,
    patience: &mut Patience<'_>,
) -> Result<Box<dyn LeaseConnection<K>>, SqlError> {
    let access = &settings.access;
    match access.kind {
        SqlKind::Mysql => kea_log::log!(DHCPSRV, DHCPSRV_MYSQL_DB, access),
        SqlKind::Postgresql => kea_log::log!(DHCPSRV, DHCPSRV_PGSQL_DB, access),
    }
    let connection = patiently(settings, patience, |access| K::connect(access))?;
    kea_log::log!(DHCPSRV, DHCPSRV_SQL_SCHEMA, access, connection.schema_version());
    Ok(connection)
}

/// Connects to hosts, as patiently as the settings say.
fn connect_hosts<K: SqlLeases>(
    settings: &SqlDatabase,
    patience: &mut Patience<'_>,
) -> Result<Box<dyn HostConnection<K>>, SqlError> {
    let access = &settings.access;
    match access.kind {
        SqlKind::Mysql => kea_log::log!(DHCPSRV, DHCPSRV_MYSQL_HOST_DB, access),
        SqlKind::Postgresql => kea_log::log!(DHCPSRV, DHCPSRV_PGSQL_HOST_DB, access),
    }
    if access.read_only {
        kea_log::log!(DHCPSRV, DHCPSRV_SQL_HOST_DB_READONLY, access);
    }
    let connection = patiently(settings, patience, |access| K::connect_hosts(access))?;
    kea_log::log!(DHCPSRV, DHCPSRV_SQL_SCHEMA, access, connection.schema_version());
    Ok(connection)
}

fn patiently<C: Send + 'static>(
    SqlDatabase { access, reconnect }: &SqlDatabase,
    patience: &mut Patience<'_>,
    connect: fn(&SqlAccess) -> Result<C, DbError>,
) -> Result<C, SqlError> {
    let may_retry = reconnect.on_startup && patience.is_start;
    let tries_max = if may_retry { reconnect.tries_max } else { 0 };
    let mut tries = 0;
    loop {
        let own = access.clone();
        let error = match patience.aside(move || connect(&own))? {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        // What somebody has to change first need not be tried again and again.
        let is_hopeless = matches!(error.fault, Fault::Schema | Fault::Statement);
        if tries >= tries_max || is_hopeless {
            return Err(SqlError::Database { access: access.to_string(), source: error });
        }
        tries += 1;
        kea_log::log!(DHCPSRV, DHCPSRV_SQL_START_RETRY, access, error, tries, tries_max);
        if (patience.wait)(Duration::from_millis(reconnect.wait_ms.max(1).into())) {
            return Err(SqlError::Interrupted);
        }
    }
}

/// Opens those databases of hosts that are not in use yet.
pub(crate) fn add_hosts<K: SqlLeases>(
    service: &HostService<K>,
    databases: &[SqlDatabase],
    patience: &mut Patience<'_>,
) -> Result<(), SqlError> {
    for settings in databases {
        if service.has(settings) {
            continue;
        }
        let first = connect_hosts::<K>(settings, patience)?;
        let access = settings.access.clone();
        let opener: HostOpener<K> = Arc::new(move || K::connect_hosts(&access));
        service.add(Arc::new(settings.clone()), opener, first)?;
    }
    Ok(())
}

/// Goes through all leases of a database.
pub(crate) fn read_all<K: SqlLeases>(
    settings: &SqlDatabase,
    mut each: impl FnMut(K::Lease),
) -> Result<(), SqlError> {
    let of = |error| failed(settings, error);
    let mut connection = K::connect(&settings.access).map_err(of)?;
    let mut after = None;
    loop {
        let (leases, next) = connection.page(after, PAGE).map_err(of)?;
        leases.into_iter().for_each(&mut each);
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Leases that are read at a time.
const PAGE: usize = 10_000;

fn failed(settings: &SqlDatabase, source: DbError) -> SqlError {
    SqlError::Database { access: settings.access.to_string(), source }
}

/// A database that has been looked at.
#[derive(Debug)]
pub(crate) struct Surveyed<'a, K: LeaseKind> {
    hints: &'a Hints<K>,
    survey: Survey<K>,
}

impl<K: LeaseKind> StoredLeases<K> for Surveyed<'_, K> {
    fn adopt_pools(&self, pools: &Arc<PoolSet<K::Number>>) {
        self.hints.adopt(pools, &self.survey.held);
    }

    fn recount(&self) -> Counts {
        let mut counts = Counts::new();
        for counted in &self.survey.counts {
            let key = (counted.subnet_id, counted.lease_type, counted.pool_id, counted.state);
            *counts.entry(key).or_default() += counted.count;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn with_patience<R>(is_start: bool, work: impl FnOnce(&mut Patience<'_>) -> R) -> R {
        let mut wait = |_| false;
        work(&mut Patience { wait: &mut wait, wake: Arc::new(|| ()), is_start })
    }

    #[test]
    fn what_takes_too_long_is_not_waited_for() {
        let (keep, kept) = channel::<()>();
        let hangs = move || kept.recv().is_ok();
        let result = with_patience(false, |patience| {
            patience.aside_until(Some(Instant::now() + Duration::from_millis(20)), hangs)
        });
        assert!(matches!(result, Ok(None)));
        drop(keep);
        let result = with_patience(false, |patience| {
            patience.aside_until(Some(Instant::now() + Duration::from_secs(20)), || 7)
        });
        assert!(matches!(result, Ok(Some(7))));
    }

    #[test]
    fn database_is_tried_again_at_the_start_alone() {
        let reconnect = Reconnect {
            tries_max: 3,
            wait_ms: 1,
            on_fail: OnFail::StopRetryExit,
            on_startup: true,
        };
        let settings = SqlDatabase { access: SqlAccess::new(SqlKind::Mysql, "kea"), reconnect };
        for (is_start, waits) in [(true, 3), (false, 0)] {
            let mut count = 0;
            let mut wait = |time: Duration| {
                count += u32::from(time == Duration::from_millis(1));
                false
            };
            let mut patience = Patience { wait: &mut wait, wake: Arc::new(|| ()), is_start };
            let refuse = |_: &SqlAccess| Err(DbError::new(Fault::Lost, "", "it is down"));
            let result = patiently::<()>(&settings, &mut patience, refuse);
            assert!(matches!(result, Err(SqlError::Database { .. })));
            assert_eq!(count, waits);
        }
    }
}
