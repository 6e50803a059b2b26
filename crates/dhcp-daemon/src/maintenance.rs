//! What the daemon does by the clock: expiry, reclamation, removal of reclaimed leases, clean-up of the lease file.
//!
//! All of it runs in the main thread; the store locks one shard at a time, so workers are hardly held up.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use database::service::{Kept, LeaseService, ReclaimedLease};
use libdhcpsrv::config::ExpiredLeases;
use libdhcpsrv::lease::{LeaseStore, ReclaimLimits, Reclaimed};
use libdhcpsrv::loggers::{ALLOC, DHCPSRV};
use process::journal_service::JournalService;
use process::lease_file::suffixed;
use util::Now;

use crate::leases::Leases;
use crate::messages::*;
use crate::{Daemon, Settings};

/// Leases whose expiry is noticed in one go.
const EXPIRE_BUDGET: usize = 50_000;
/// Reclaimed leases that are removed in one go.
const FLUSH_LIMIT: usize = 50_000;

/// Timers of the daemon.
#[derive(Debug)]
pub(crate) struct Maintenance {
    next_reclaim: Instant,
    next_flush: Instant,
    next_clean_up: Option<Instant>,
    slow_cycles: u32,
    clean_up: Option<Child>,
}

/// What maintenance works on.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a, D: Daemon> {
    pub(crate) runtime: &'a D::Runtime,
    pub(crate) leases: &'a Leases<D>,
    pub(crate) lfc: &'a Path,
    pub(crate) now: Now,
}

impl<D: Daemon> Context<'_, D> {
    fn settings(&self) -> Settings<'_> {
        D::settings(D::config(self.runtime))
    }

    fn journal(&self) -> Option<&Arc<JournalService>> {
        self.leases.journal()
    }
}

impl Maintenance {
    /// Sets the timers of a configuration.
    pub(crate) fn new(settings: &Settings<'_>, has_journal: bool) -> Self {
        let begin = Instant::now();
        let expired = settings.expired_leases;
        let interval = settings.lease_database.lfc_interval;
        let cleans = has_journal && interval > 0;
        if cleans {
            kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LFC_SETUP, interval);
        }
        Self {
            next_reclaim: begin + seconds(expired.reclaim_timer_wait_time),
            next_flush: begin + seconds(expired.flush_reclaimed_timer_wait_time),
            next_clean_up: cleans.then(|| begin + seconds(interval)),
            slow_cycles: 0,
            clean_up: None,
        }
    }

    /// Takes over what still runs from the maintenance of the configuration before; a clean-up that was due earlier
    /// stays so, or else frequent reconfigurations would put it off for ever.
    pub(crate) fn succeed(&mut self, former: Self) {
        if let (Some(due), Some(earlier)) = (&mut self.next_clean_up, former.next_clean_up) {
            *due = earlier.min(*due);
        }
        self.clean_up = former.clean_up;
    }

    /// Does what is due; returns the time until the next call.
    pub(crate) fn run<D: Daemon>(&mut self, context: &Context<'_, D>) -> Duration {
        let at = Instant::now();
        if context.journal().is_some_and(|service| service.journal().queue().admit().is_err()) {
            // Storage that has failed is tried again even when no client comes.
            settle(context);
        }
        if let Leases::Sql(database) = context.leases {
            self.take_note(context, database.service());
        }
        // A database has a thread that notices what expires.
        let store = context.leases.in_memory();
        let is_more = store.is_some_and(|store| store.expire_tick(context.now, EXPIRE_BUDGET).more);
        let expired = *context.settings().expired_leases;
        if expired.reclaim_timer_wait_time > 0 && at >= self.next_reclaim {
            match context.leases {
                Leases::File(database) => self.reclaim(context, &database.store, &expired),
                Leases::Sql(database) => {
                    let time_max = Duration::from_millis(expired.max_reclaim_time.into());
                    database.service().reclaim(limits(&expired), time_max);
                }
            }
            self.next_reclaim = Instant::now() + seconds(expired.reclaim_timer_wait_time);
        }
        if expired.flush_reclaimed_timer_wait_time > 0 && at >= self.next_flush {
            match context.leases {
                Leases::File(database) => flush(context, &database.store, &expired),
                Leases::Sql(database) => {
                    let hold = expired.hold_reclaimed_time;
                    database.service().flush_reclaimed(hold, FLUSH_LIMIT);
                }
            }
            self.next_flush = Instant::now() + seconds(expired.flush_reclaimed_timer_wait_time);
        }
        if self.next_clean_up.is_some_and(|due| at >= due) {
            self.start_clean_up(context);
            let interval = context.settings().lease_database.lfc_interval;
            self.next_clean_up = Some(Instant::now() + seconds(interval));
        }
        self.reap();
        if is_more { Duration::from_millis(1) } else { self.until_next(&expired) }
    }

    fn until_next(&self, expired: &ExpiredLeases) -> Duration {
        let timers = [
            Some(self.next_reclaim).filter(|_| expired.reclaim_timer_wait_time > 0),
            Some(self.next_flush).filter(|_| expired.flush_reclaimed_timer_wait_time > 0),
            self.next_clean_up,
        ];
        let now = Instant::now();
        let waits = timers.iter().flatten().map(|at| at.saturating_duration_since(now));
        // Once a second at least: that is how finely lifetimes end.
        waits.min().unwrap_or(Duration::MAX).min(Duration::from_secs(1))
    }

    /// Takes note of what the database's own thread has done.
    fn take_note<D: Daemon>(
        &mut self,
        context: &Context<'_, D>,
        service: &LeaseService<D::Leases>,
    ) {
        for kept in service.take_kept() {
            match kept {
                Kept::Reclaimed { leases, is_more, took } => {
                    let count = leases.len();
                    for ReclaimedLease { lease, deleted, deltas } in leases {
                        let reclaimed = Reclaimed { lease: &lease, deleted, deltas, position: 0 };
                        D::reclaimed(context.runtime, &reclaimed, context.now);
                    }
                    if count > 0 {
                        let took = took.as_millis();
                        kea_log::log!(ALLOC, D::LEASES_RECLAMATION_COMPLETE, count, took);
                    }
                    let expired = *context.settings().expired_leases;
                    self.judge_pace::<D>(is_more, &expired);
                }
                Kept::Flushed(0) => {}
                Kept::Flushed(count) => {
                    kea_log::log!(ALLOC, D::RECLAIMED_LEASES_DELETE, count);
                }
            }
        }
    }

    /// Counts runs in a row that have left something behind, and warns after some.
    fn judge_pace<D: Daemon>(&mut self, is_more: bool, expired: &ExpiredLeases) {
        self.slow_cycles = if is_more { self.slow_cycles + 1 } else { 0 };
        if self.slow_cycles > expired.unwarned_reclaim_cycles {
            let cycles = self.slow_cycles;
            kea_log::log!(ALLOC, D::LEASES_RECLAMATION_SLOW, cycles);
            self.slow_cycles = 0;
        }
    }

    fn reclaim<D: Daemon>(
        &mut self,
        context: &Context<'_, D>,
        store: &LeaseStore<D::Leases>,
        expired: &ExpiredLeases,
    ) {
        let begin = Instant::now();
        let time_max = Duration::from_millis(expired.max_reclaim_time.into());
        let mut is_late = || !time_max.is_zero() && begin.elapsed() >= time_max;
        let mut count = 0;
        let mut each = |reclaimed: Reclaimed<'_, D::Leases>| {
            count += 1;
            D::reclaimed(context.runtime, &reclaimed, context.now);
        };
        let left = store.reclaim(context.now, limits(expired), &mut is_late, &mut each);
        settle(context);
        if count > 0 {
            let took = begin.elapsed().as_millis();
            kea_log::log!(ALLOC, D::LEASES_RECLAMATION_COMPLETE, count, took);
        }
        // An error means that the journal refuses; its own messages say so.
        self.judge_pace::<D>(left.is_ok_and(|left| left > 0), expired);
    }

    /// Moves the journal aside and starts the clean-up program; if an earlier one has not finished, that is completed.
    fn start_clean_up<D: Daemon>(&mut self, context: &Context<'_, D>) {
        let Some(service) = context.journal() else { return };
        if self.clean_up.is_some() {
            return;
        }
        let path = service.journal().path();
        kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LFC_START);
        if let Err(error) = service.rotate() {
            let path = path.display();
            kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LFC_LEASE_FILE_RENAME_FAIL, path, error);
            return;
        }
        let mut command = Command::new(context.lfc);
        command
            .arg(D::PROFILE.clean_up_flag)
            .args([Path::new("-x"), &suffixed(path, ".2")])
            .args([Path::new("-i"), &suffixed(path, ".1")])
            .args([Path::new("-o"), &suffixed(path, ".output")])
            .args([Path::new("-f"), &suffixed(path, ".completed")])
            .args([Path::new("-p"), &suffixed(path, ".pid")])
            .args(["-c", "ignored-path"])
            .stdin(Stdio::null());
        kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LFC_EXECUTE, context.lfc.display());
        match command.spawn() {
            Ok(child) => self.clean_up = Some(child),
            Err(error) => {
                let lfc = context.lfc.display();
                kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LFC_SPAWN_FAIL, lfc, error);
            }
        }
    }

    /// Takes note of the end of the clean-up program.
    fn reap(&mut self) {
        let Some(child) = &mut self.clean_up else { return };
        match child.try_wait() {
            Ok(None) => return,
            Ok(Some(status)) if status.success() => {}
            Ok(Some(status)) => {
                kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LFC_ENDED, status);
            }
            Err(error) => {
                kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LFC_ENDED, error);
            }
        }
        self.clean_up = None;
    }
}

/// Removes leases that were reclaimed long enough ago.
fn flush<D: Daemon>(
    context: &Context<'_, D>,
    store: &LeaseStore<D::Leases>,
    expired: &ExpiredLeases,
) {
    let hold = expired.hold_reclaimed_time;
    let mut each = |reclaimed: Reclaimed<'_, D::Leases>| {
        D::removed(context.runtime, &reclaimed.deltas, context.now);
    };
    let removed = store.flush_reclaimed(context.now, hold, FLUSH_LIMIT, &mut each);
    settle(context);
    if let Ok(removed @ 1..) = removed {
        kea_log::log!(ALLOC, D::RECLAIMED_LEASES_DELETE, removed);
    }
}

/// Hands the rows of maintenance to the disk.
fn settle<D: Daemon>(context: &Context<'_, D>) {
    if let Some(service) = context.journal() {
        service.drain();
    }
}

/// What one run of reclamation may do.
fn limits(expired: &ExpiredLeases) -> ReclaimLimits {
    ReclaimLimits {
        leases_max: expired.max_reclaim_leases,
        remove: expired.flush_reclaimed_timer_wait_time == 0,
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
