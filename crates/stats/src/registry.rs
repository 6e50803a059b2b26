//! All statistics of one server: the reading side.
//!
//! Readers add up what workers count and put names to it. Resetting cannot touch the cells of a worker, so the
//! sum at the time of the reset is remembered and subtracted from then on. A removed statistic disappears until its
//! value changes, and then starts from 0. Figures of subnets live as long as their configuration; those of the whole
//! server survive it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use util::Now;

use crate::leases::{Figures, LeaseCounters, PoolKind, SubnetRow};
use crate::rows::{Kind, Table};
use crate::worker::{Cells, WorkerCounters};

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// Full name, such as `subnet[7].assigned-addresses`.
    pub name: String,
    /// The value.
    pub value: i64,
    /// Wall clock of the last change, in seconds.
    pub changed_at_s: i64,
}

/// The statistics of a server, shared between its control thread and its workers: those of packets and of leases.
#[derive(Debug)]
pub struct Statistics<P: Table, L: Table> {
    inner: Mutex<Inner<P, L>>,
}

#[derive(Debug)]
struct Inner<P: Table, L: Table> {
    workers: Vec<Arc<Cells<P>>>,
    /// Counts of workers that have ended.
    retired: P::PerRow<u64>,
    packets: P::PerRow<Origin>,
    leases: Arc<LeaseCounters<L>>,
    /// For figures of the whole server: minus what former configurations have counted.
    globals: L::PerRow<Origin>,
}

/// From where a sum is counted.
#[derive(Clone, Copy, Debug)]
struct Origin {
    /// The sum that counts as 0.
    zero: i64,
    is_removed: bool,
    set_at_s: i64,
}

/// What a name refers to.
enum Target<'a, P: Table, L: Table> {
    Figure(&'a Figures<L>, L, IsPool),
    Global(L),
    Packet(P),
}

type IsPool = bool;

impl Origin {
    fn visible(self, (sum, changed_at_s): (i64, i64)) -> Option<(i64, i64)> {
        let value = sum - self.zero;
        let at_s = self.set_at_s.max(changed_at_s);
        (!self.is_removed || value != 0).then_some((value, at_s))
    }
}

impl<P: Table, L: Table> Statistics<P, L> {
    /// Makes the statistics of a server that has neither workers nor subnets yet.
    #[must_use]
    pub fn new(now: Now) -> Self {
        let origin = Origin { zero: 0, is_removed: false, set_at_s: now.wall_s };
        Self {
            inner: Mutex::new(Inner {
                workers: Vec::new(),
                retired: P::per_row(|_| 0),
                packets: P::per_row(|_| origin),
                leases: Arc::new(LeaseCounters::new(&[], now)),
                globals: L::per_row(|_| origin),
            }),
        }
    }

    /// Makes the counters of one more worker; what it has counted stays when it ends.
    #[must_use]
    pub fn worker(&self, now: Now) -> WorkerCounters<P> {
        let mut inner = self.lock();
        inner.retire_workers();
        let cells = Arc::new(Cells::new());
        inner.workers.push(Arc::clone(&cells));
        WorkerCounters::new(cells, now)
    }

    /// Replaces the figures of subnets by a table for a new configuration, all 0; to be called while no worker
    /// counts in the old table. Totals, assigned and declined addresses are then set by a recount.
    pub fn install(&self, rows: &[SubnetRow], now: Now) -> Arc<LeaseCounters<L>> {
        let table = Arc::new(LeaseCounters::new(rows, now));
        let mut inner = self.lock();
        let Inner { leases, globals, .. } = &mut *inner;
        for (origin, figure) in globals.as_mut().iter_mut().zip(L::ALL) {
            // Events of the past stay counted; how many there are now is a matter of the new table.
            origin.zero = match figure.row().kind {
                Kind::Counter => origin.zero - leases.sum(*figure).0,
                Kind::Gauge => 0,
            };
        }
        *leases = Arc::clone(&table);
        table
    }

    /// Returns the table of the present configuration.
    #[must_use]
    pub fn leases(&self) -> Arc<LeaseCounters<L>> {
        Arc::clone(&self.lock().leases)
    }

    /// Returns one statistic.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Observation> {
        let inner = self.lock();
        let (value, changed_at_s) = inner.read(&inner.target(name)?)?;
        Some(Observation { name: name.to_owned(), value, changed_at_s })
    }

    /// Returns all statistics, sorted by name.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Observation> {
        let inner = self.lock();
        let mut all = Vec::new();
        let mut push = |name: String, read: Option<(i64, i64)>| {
            all.extend(read.map(|(value, changed_at_s)| Observation { name, value, changed_at_s }));
        };
        for packet in P::ALL {
            push(packet.row().name.to_owned(), inner.read(&Target::Packet(*packet)));
        }
        for figure in L::ALL {
            let row = figure.row();
            if row.places.global {
                push(row.name.to_owned(), inner.read(&Target::Global(*figure)));
            }
            for subnet in &inner.leases.subnets {
                let name = format!("subnet[{}].{}", subnet.id, row.name);
                push(name, subnet.figures.read_visible(*figure));
            }
            for pool in inner.leases.pools.iter().filter(|pool| pool.kind.has(*figure)) {
                let (subnet, word) = (pool.subnet_id, pool.kind.word());
                let name = format!("subnet[{subnet}].{word}[{}].{}", pool.id, row.name);
                push(name, pool.figures.read_visible(*figure));
            }
        }
        all.sort_unstable();
        all
    }

    /// Sets one statistic to 0; false when there is none of this name.
    pub fn reset(&self, name: &str, now: Now) -> bool {
        self.lock().change(name, Change::Reset(now))
    }

    /// Removes one statistic until it changes; false when there is none of this name.
    pub fn remove(&self, name: &str) -> bool {
        self.lock().change(name, Change::Remove)
    }

    /// Sets all statistics to 0.
    pub fn reset_all(&self, now: Now) {
        self.change_all(Change::Reset(now));
    }

    /// Removes all statistics until they change.
    pub fn remove_all(&self) {
        self.change_all(Change::Remove);
    }

    fn change_all(&self, change: Change) {
        let names: Vec<_> = self.snapshot().into_iter().map(|one| one.name).collect();
        let mut inner = self.lock();
        for name in names {
            inner.change(&name, change);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<P, L>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy)]
enum Change {
    Remove,
    Reset(Now),
}

impl<P: Table, L: Table> Inner<P, L> {
    /// Folds the counts of workers that have ended, so that restarts of workers do not pile up.
    fn retire_workers(&mut self) {
        let retired = &mut self.retired;
        self.workers.retain(|cells| {
            let is_in_use = Arc::strong_count(cells) > 1;
            if !is_in_use {
                for (sum, packet) in retired.as_mut().iter_mut().zip(P::ALL) {
                    *sum = sum.wrapping_add(cells.read(*packet).0);
                }
            }
            is_in_use
        });
    }

    fn change(&mut self, name: &str, change: Change) -> bool {
        let leases = Arc::clone(&self.leases);
        let Some(target) = find_target(&leases, name) else { return false };
        if self.read(&target).is_none() {
            return false;
        }
        match target {
            Target::Packet(packet) => {
                let sum = self.packet_sum(packet).0;
                change_origin(self.packets.as_mut().get_mut(packet.index()), sum, change);
            }
            Target::Global(figure) => {
                change_origin(
                    self.globals.as_mut().get_mut(figure.index()),
                    leases.sum(figure).0,
                    change,
                );
            }
            Target::Figure(figures, figure, is_pool) => {
                let before = match change {
                    Change::Remove => figures.remove(figure),
                    Change::Reset(now) => figures.set(figure, 0, now),
                };
                // The sum over the subnets has become smaller, the server's own figure must not.
                if let Some(origin) =
                    self.globals.as_mut().get_mut(figure.index()).filter(|_| !is_pool)
                {
                    origin.zero -= before;
                }
            }
        }
        true
    }

    fn target<'a>(&'a self, name: &str) -> Option<Target<'a, P, L>> {
        find_target(&self.leases, name)
    }

    fn read(&self, target: &Target<'_, P, L>) -> Option<(i64, i64)> {
        match target {
            Target::Packet(packet) => {
                self.packets.as_ref().get(packet.index())?.visible(self.packet_sum(*packet))
            }
            Target::Global(figure) => {
                self.globals.as_ref().get(figure.index())?.visible(self.leases.sum(*figure))
            }
            Target::Figure(figures, figure, _) => figures.read_visible(*figure),
        }
    }

    fn packet_sum(&self, packet: P) -> (i64, i64) {
        let retired = self.retired.as_ref().get(packet.index()).copied().unwrap_or(0);
        let (sum, latest) = self.workers.iter().fold((retired, 0), |(sum, latest), cells| {
            let (value, at_s) = cells.read(packet);
            (sum.wrapping_add(value), latest.max(at_s))
        });
        (i64::try_from(sum).unwrap_or(i64::MAX), latest)
    }
}

fn change_origin(origin: Option<&mut Origin>, sum: i64, change: Change) {
    let Some(origin) = origin else { return };
    origin.zero = sum;
    match change {
        Change::Remove => origin.is_removed = true,
        Change::Reset(now) => {
            origin.is_removed = false;
            origin.set_at_s = now.wall_s;
        }
    }
}

fn find_target<'a, P: Table, L: Table>(
    leases: &'a LeaseCounters<L>,
    name: &str,
) -> Option<Target<'a, P, L>> {
    let Some((subnet_id, rest)) = bracketed(name, "subnet[") else {
        let packet = P::find(name).map(Target::Packet);
        let global = || L::find(name).filter(|figure| figure.row().places.global);
        return packet.or_else(|| global().map(Target::Global));
    };
    for (kind, word) in [(PoolKind::Addresses, "pool["), (PoolKind::Prefixes, "pd-pool[")] {
        if let Some((pool_id, rest)) = bracketed(rest, word) {
            let figure = L::find(rest).filter(|figure| kind.has(*figure))?;
            let pool = leases.pool_by_id(subnet_id, kind, pool_id)?;
            return Some(Target::Figure(&pool.figures, figure, true));
        }
    }
    let subnet = leases.subnets.get(leases.subnet_by_id(subnet_id)? as usize)?;
    Some(Target::Figure(&subnet.figures, L::find(rest)?, false))
}

/// Splits `subnet[7].rest` into 7 and `rest`; numbers are written as Kea writes them, without extra zeros.
fn bracketed<'n>(name: &'n str, prefix: &str) -> Option<(u32, &'n str)> {
    let (digits, rest) = name.strip_prefix(prefix)?.split_once("].")?;
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits).then_some((number, rest))
}

#[cfg(test)]
mod tests;
