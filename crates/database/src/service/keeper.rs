//! What is done by the clock, over a connection of its own: the ends of lifetimes, reclamation, looking at everything
//! once more when the pools seem to be used up.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use libdhcpsrv::lease::{LeaseKind, ReclaimLimits};
use libdhcpsrv::remote::range_of;
use parking_lot::{Condvar, Mutex};
use util::Now;

use super::Shared;
use crate::keeping::{self, ReclaimedLease, Watch};
use crate::line::Carrier;
use crate::{DbError, Fault, LeaseConnection, LinkEvent};

/// Time between two looks at what has ended.
const TICK: Duration = Duration::from_secs(1);
/// Pause after a connection could not be made.
const PAUSE: Duration = Duration::from_secs(1);
/// Leases that are reclaimed in one transaction.
const PIECE: usize = 500;

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
            } else if error.fault != Fault::Retry {
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
        let mut leases = Vec::new();
        let mut is_more = false;
        let result = loop {
            let left = limit - leases.len();
            if left == 0 || (!time_max.is_zero() && begin.elapsed() >= time_max) {
                is_more = true;
                break Ok(());
            }
            match self.reclaim_some(left.min(PIECE), limits.remove) {
                Ok((0, some)) | Ok((_, some)) if some.is_empty() => break Ok(()),
                Ok((found, some)) => {
                    let is_last = found < left.min(PIECE);
                    leases.extend(some);
                    if is_last {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
            if self.shared.is_stopping() {
                break Ok(());
            }
        };
        if is_more {
            is_more = self.has_expired()?;
        }
        let took = begin.elapsed();
        self.shared.carrier.keeper.kept.lock().push(Kept::Reclaimed { leases, is_more, took });
        (self.shared.wake_owner)();
        result
    }

    fn has_expired(&mut self) -> Result<bool, DbError> {
        let Some(connection) = &mut self.connection else { return Ok(false) };
        Ok(!connection.expired(wall_s(), 1)?.is_empty())
    }

    /// Reclaims some leases in one transaction; returns how many had expired, and those that nobody changed meanwhile.
    fn reclaim_some(
        &mut self,
        limit: usize,
        remove: bool,
    ) -> Result<(usize, Vec<ReclaimedLease<K>>), DbError> {
        let Some(connection) = &mut self.connection else { return Ok((0, Vec::new())) };
        let (found, leases) = keeping::reclaim(&mut **connection, wall_s(), limit, remove)?;
        for reclaimed in &leases {
            // The next look at what has ended may come too late for it: its row may be gone by then.
            let (first, last) = range_of::<K>(&reclaimed.lease);
            self.shared.carrier.hints.ended(first, last);
        }
        Ok((found, leases))
    }

    fn flush(&mut self, hold_s: u32, limit: usize) -> Result<(), DbError> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let before_s = wall_s().saturating_sub(hold_s.into());
        let count = connection.delete_reclaimed(before_s, limit)?;
        self.shared.carrier.keeper.kept.lock().push(Kept::Flushed(count));
        (self.shared.wake_owner)();
        Ok(())
    }
}
