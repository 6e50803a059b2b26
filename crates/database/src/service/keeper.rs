//! What is done by the clock, over a connection of its own: the ends of lifetimes, reclamation, looking at everything
//! once more when the pools seem to be used up.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use libdhcpsrv::lease::{LeaseKind, ReclaimLimits};
use libdhcpsrv::remote::range_of;
use parking_lot::{Condvar, Mutex};
use util::Now;

use super::Shared;
use crate::keeping::{self, ReclaimedLease, Watch};
use crate::line::Carrier;
use crate::{DbError, Fault, LeaseConnection, LinkEvent, refusals};

/// Time between two looks at what has ended.
const TICK: Duration = Duration::from_secs(1);
/// Pause after a connection could not be made.
const PAUSE: Duration = Duration::from_secs(1);
/// Leases that are reclaimed or deleted in one transaction. What it has changed keeps those who change the same rows
/// from being answered, and all that Kea's triggers count in the same row: it must not take long.
const PIECE: usize = 256;
/// Pause between two transactions while workers wait for answers.
const BREATH: Duration = Duration::from_millis(2);
/// How long the leases of a transaction are reclaimed that has met rows of others; what is left then is left.
const IMPATIENCE_MAX: Duration = Duration::from_secs(2);

/// What the keeper has done.
#[derive(Clone, Debug)]
pub enum Kept<K: LeaseKind> {
    /// A run of reclamation.
    Reclaimed {
        /// What was reclaimed.
        leases: Vec<ReclaimedLease<K>>,
        /// Whether there was more than the limits allow.
        is_more: bool,
        /// How long it took.
        took: Duration,
    },
    /// Reclaimed leases were deleted.
    Flushed(u64),
}

/// Orders to the keeper, and what came of them.
#[derive(Debug)]
pub(super) struct Desk<K: LeaseKind> {
    orders: Mutex<Orders>,
    bell: Condvar,
    kept: Mutex<Vec<Kept<K>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    reclaim: Option<(ReclaimLimits, Duration)>,
    flush: Option<(u32, usize)>,
}

impl<K: LeaseKind> Default for Desk<K> {
    fn default() -> Self {
        Self { orders: Mutex::default(), bell: Condvar::new(), kept: Mutex::default() }
    }
}

impl<K: LeaseKind> Desk<K> {
    pub(super) fn order_reclaim(&self, limits: ReclaimLimits, time_max: Duration) {
        self.orders.lock().reclaim = Some((limits, time_max));
        self.bell.notify_all();
    }

    pub(super) fn order_flush(&self, hold_s: u32, limit: usize) {
        self.orders.lock().flush = Some((hold_s, limit));
        self.bell.notify_all();
    }

    pub(super) fn take_kept(&self) -> Vec<Kept<K>> {
        std::mem::take(&mut self.kept.lock())
    }

    /// Wakes the keeper.
    pub(super) fn ring(&self) {
        drop(self.orders.lock());
        self.bell.notify_all();
    }
}

/// The state of the thread.
struct Keeper<'s, K: LeaseKind> {
    shared: &'s Shared<K>,
    connection: Option<Box<dyn LeaseConnection<K>>>,
    began: Instant,
    watch: Watch,
}

/// Works until the service stops; lifetimes that ended before `now_s` are known.
pub(super) fn run<K: LeaseKind>(shared: &Shared<K>, now_s: i64) {
    let watch = Watch::new(Now { mono_ns: 0, wall_s: now_s });
    let mut keeper = Keeper { shared, connection: None, began: Instant::now(), watch };
    let desk = &shared.carrier.keeper;
    let mut next_tick = Instant::now() + TICK;
    loop {
        let mut orders = desk.orders.lock();
        while orders.reclaim.is_none() && orders.flush.is_none() && !shared.is_stopping() {
            if desk.bell.wait_until(&mut orders, next_tick).timed_out() {
                break;
            }
        }
        if shared.is_stopping() {
            return;
        }
        let todo = std::mem::take(&mut *orders);
        drop(orders);
        if let Err(error) = keeper.work(todo, Instant::now() >= next_tick) {
            let is_lost = error.is_lost() || error.fault == Fault::Refused;
            if is_lost {
                // The threads that carry requests tell of a database that is away.
                keeper.connection = None;
            } else if !matches!(error.fault, Fault::Retry | Fault::Locked) {
                shared.tell(LinkEvent::Refused(error));
            }
            next_tick = Instant::now() + PAUSE;
            continue;
        }
        if Instant::now() >= next_tick {
            next_tick = Instant::now() + TICK;
        }
    }
}

/// The wall clock in seconds since the epoch.
fn wall_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

impl<K: LeaseKind> Keeper<'_, K> {
    fn work(&mut self, orders: Orders, ticks: bool) -> Result<(), DbError> {
        if self.connection.is_none() {
            self.connection = Some(self.shared.carrier.connect()?);
        }
        if ticks {
            self.tick()?;
        }
        if let Some((limits, time_max)) = orders.reclaim {
            self.reclaim(limits, time_max)?;
        }
        if let Some((hold_s, limit)) = orders.flush {
            self.flush(hold_s, limit)?;
        }
        Ok(())
    }

    /// Notices lifetimes that have ended, whoever gave them.
    fn tick(&mut self) -> Result<(), DbError> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let now = Now { mono_ns: self.began.elapsed().as_nanos() as u64, wall_s: wall_s() };
        self.watch.tick(&mut **connection, &self.shared.carrier.hints, now).map(|_| ())
    }

    fn reclaim(&mut self, limits: ReclaimLimits, time_max: Duration) -> Result<(), DbError> {
        let begin = Instant::now();
        let limit = if limits.leases_max == 0 { usize::MAX } else { limits.leases_max as usize };
        let piece = self.shared.carrier.changes_max.map_or(PIECE, |few| few.min(PIECE));
        let mut leases = Vec::new();
        // Rows at the front that stay as they are, because they cannot be read or changed: they must not hide others.
        let mut skip = 0;
        let mut is_more = false;
        let mut result = loop {
            let left = limit - leases.len();
            if left == 0 || (!time_max.is_zero() && begin.elapsed() >= time_max) {
                is_more = true;
                break Ok(());
            }
            match self.reclaim_some(skip, left.min(piece), limits.remove) {
                Ok((rows, some)) => {
                    skip += rows - some.len().min(rows);
                    leases.extend(some);
                    if rows < left.min(piece) {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
            if self.shared.is_stopping() {
                break Ok(());
            }
            self.breathe();
        };
        if is_more {
            match self.has_expired(skip) {
                Ok(has_expired) => is_more = has_expired,
                // What was reclaimed is told all the same.
                Err(error) => result = Err(error),
            }
        }
        let took = begin.elapsed();
        self.shared.carrier.keeper.kept.lock().push(Kept::Reclaimed { leases, is_more, took });
        (self.shared.wake_owner)();
        result
    }

    fn has_expired(&mut self, skip: usize) -> Result<bool, DbError> {
        let Some(connection) = &mut self.connection else { return Ok(false) };
        Ok(connection.expired(wall_s(), skip, 1)?.rows > 0)
    }

    /// Reclaims some leases; returns how many rows had expired, and those that nobody changed meanwhile.
    fn reclaim_some(
        &mut self,
        skip: usize,
        limit: usize,
        remove: bool,
    ) -> Result<(usize, Vec<ReclaimedLease<K>>), DbError> {
        let Some(connection) = &mut self.connection else { return Ok((0, Vec::new())) };
        let expired = connection.expired(wall_s(), skip, limit)?;
        let mut reclaimed = Vec::with_capacity(expired.leases.len());
        let tell = |error| refusals::tell(&|event| self.shared.tell(event), error);
        let run = Run { remove, tell: &tell };
        match run.reclaim(&mut **connection, &expired.leases, None, &mut reclaimed) {
            // The transactions before the one that failed count.
            Err(error) if reclaimed.is_empty() => Err(error),
            _ => {
                for one in &reclaimed {
                    // The next look at what has ended may come too late for it: its row may be gone by then.
                    let (first, last) = range_of::<K>(&one.lease);
                    self.shared.carrier.hints.ended(first, last);
                }
                Ok((expired.rows, reclaimed))
            }
        }
    }

    fn flush(&mut self, hold_s: u32, limit: usize) -> Result<(), DbError> {
        let before_s = wall_s().saturating_sub(hold_s.into());
        let (mut left, mut count) = (limit, 0);
        let result = loop {
            let Some(connection) = &mut self.connection else { break Ok(()) };
            let piece = left.min(PIECE);
            let deleted = match connection.delete_reclaimed(before_s, piece) {
                Ok(deleted) => deleted,
                Err(error) => break Err(error),
            };
            count += deleted;
            left -= piece;
            if deleted < piece as u64 || left == 0 || self.shared.is_stopping() {
                break Ok(());
            }
            self.breathe();
        };
        // What was deleted before something failed is told all the same.
        if result.is_ok() || count > 0 {
            self.shared.carrier.keeper.kept.lock().push(Kept::Flushed(count));
            (self.shared.wake_owner)();
        }
        result
    }

    /// Lets those go first who wait for an answer.
    fn breathe(&self) {
        if self.shared.carrier.outstanding.load(Ordering::Relaxed) > 0 {
            thread::sleep(BREATH);
        }
    }
}

/// How leases are reclaimed.
struct Run<'r> {
    /// Whether they are all deleted.
    remove: bool,
    /// Gets what the database refuses.
    tell: &'r dyn Fn(DbError),
}

impl Run<'_> {
    /// Reclaims leases in one transaction, or in halves where that is refused, down to the lease that is in the way;
    /// `until` when, if rows of others are not waited for any more.
    fn reclaim<K: LeaseKind>(
        &self,
        connection: &mut dyn LeaseConnection<K>,
        leases: &[K::Lease],
        until: Option<Instant>,
        reclaimed: &mut Vec<ReclaimedLease<K>>,
    ) -> Result<(), DbError> {
        if leases.is_empty() || until.is_some_and(|until| Instant::now() >= until) {
            return Ok(());
        }
        let error = match keeping::reclaim_leases(connection, leases, self.remove) {
            Ok(some) => {
                reclaimed.extend(some);
                return Ok(());
            }
            Err(error) => error,
        };
        let is_alone = leases.len() == 1;
        let (left, right) = leases.split_at(leases.len() / 2);
        match error.fault {
            Fault::Locked if until.is_none() && !is_alone => {
                connection.set_patient(false)?;
                let until = Some(Instant::now() + IMPATIENCE_MAX);
                let halves = self
                    .reclaim(connection, left, until, reclaimed)
                    .and_then(|()| self.reclaim(connection, right, until, reclaimed));
                // Whatever went wrong, the connection is used on.
                halves.and(connection.set_patient(true))
            }
            Fault::Statement | Fault::Retry | Fault::Locked if !is_alone => {
                self.reclaim(connection, left, until, reclaimed)?;
                self.reclaim(connection, right, until, reclaimed)
            }
            // It is left as it is, and looked at again in the next run.
            Fault::Statement => {
                (self.tell)(error);
                Ok(())
            }
            Fault::Retry | Fault::Locked => Ok(()),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use libdhcpsrv::config::{OnFail, Reconnect};
    use libdhcpsrv::lease::LeaseState;
    use libdhcpsrv::lease4::{Lease4, V4};

    use super::*;
    use crate::service::tests::kept;
    use crate::service::{LeaseService, Opener};
    use crate::simulated::Table;

    fn over(number: u32, state: LeaseState) -> Lease4 {
        Lease4 {
            address: Ipv4Addr::from(0x0a00_0000 + number),
            hw: vec![2; 6],
            valid_lifetime: 100,
            cltt: wall_s() - 1000,
            state,
            ..Lease4::default()
        }
    }

    fn start(table: &Table<V4>, changes_max: Option<usize>) -> LeaseService<V4> {
        let table = table.clone();
        let opener: Opener<V4> = Arc::new(move || Ok(Box::new(table.connect()?)));
        let first = opener().unwrap();
        let on_fail = OnFail::ServeRetryExit;
        let reconnect = Reconnect { tries_max: 1, wait_ms: 1, on_fail, on_startup: false };
        LeaseService::start(opener, changes_max, first, reconnect, wall_s(), Box::new(|| ()))
            .unwrap()
    }

    #[test]
    fn transactions_are_small() {
        for (changes_max, expected) in [(Some(64), 4), (None, 1)] {
            let table = Table::default();
            (0..200).for_each(|number| table.put(over(number, LeaseState::Default)));
            let service = start(&table, changes_max);
            let limits = ReclaimLimits { leases_max: 0, remove: false };
            service.reclaim(limits, Duration::ZERO);
            let Kept::Reclaimed { leases, is_more, .. } = kept(&service) else { panic!() };
            assert_eq!((leases.len(), is_more), (200, false));
            assert_eq!(table.commits(), expected);
        }
    }

    #[test]
    fn reclaimed_leases_are_deleted_in_pieces_up_to_the_limit() {
        let table = Table::default();
        (0..1000).for_each(|number| table.put(over(number, LeaseState::ExpiredReclaimed)));
        let service = start(&table, None);
        service.flush_reclaimed(0, 300);
        assert!(matches!(kept(&service), Kept::Flushed(300)));
        assert_eq!((table.leases().len(), table.commits()), (700, 2));
        service.flush_reclaimed(0, 50_000);
        assert!(matches!(kept(&service), Kept::Flushed(700)));
        assert_eq!((table.leases().len(), table.commits()), (0, 5));
        service.flush_reclaimed(0, 50_000);
        assert!(matches!(kept(&service), Kept::Flushed(0)));
    }

    #[test]
    fn connection_waits_for_others_again_whatever_went_wrong_meanwhile() {
        for fault in [Fault::Statement, Fault::Schema] {
            let table = Table::<V4>::default();
            let leases: Vec<Lease4> =
                (0..4).map(|number| over(number, LeaseState::Default)).collect();
            leases.iter().for_each(|lease| table.put(lease.clone()));
            let mut holder = table.connect().unwrap();
            holder.begin().unwrap();
            holder.update(&[(&leases[0], &leases[0])]).unwrap();
            table.poison_with(leases[2].address, fault);
            let mut connection = table.connect().unwrap();
            let (run, mut reclaimed) = (Run { remove: false, tell: &|_| () }, Vec::new());
            let result = run.reclaim(&mut connection, &leases, None, &mut reclaimed);
            assert_eq!(result.is_ok(), fault == Fault::Statement);
            assert!(connection.is_patient());
        }
    }
}
