//! The server's computer: workers, store, journal, and what the daemon's main and journal threads do.
//!
//! It mirrors the daemon without its threads: the order of steps within a batch, the release of held replies, the
//! two halves of a group commit (write, sync), maintenance, reconfiguration.

use std::collections::VecDeque;
use std::sync::Arc;

use libdhcpsrv::intake::Shared;
use libdhcpsrv::lease::{LeaseStore, ReclaimLimits, Reclaimed, StoredLeases};
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::Store;
use stats::{LeaseCounters, Statistics};
use util::journal::JournalQueue;
use util::link::Replies;
use util::{Entropy, Now, SplitMix};

use crate::disk::Disk;
use crate::family::{Datagram, Family};
use crate::late::LateStore;
use crate::report::Report;
use crate::scenario::Scenario;

/// Unwritten rows that fit the queue.
const QUEUE_BYTES_MAX: usize = 1 << 20;

/// One worker: its server and what is on the way into and out of it.
#[derive(Debug)]
pub(crate) struct Worker<F: Family> {
    pub(crate) server: F::Server,
    pub(crate) replies: Replies,
    pub(crate) inbox: VecDeque<Datagram>,
}

/// The I/O side of the journal.
#[derive(Debug, Default)]
struct Writer {
    in_flight: Vec<u8>,
    position: u64,
    is_syncing: bool,
    is_failing: bool,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Host<F: Family> {
    pub(crate) store: Arc<LeaseStore<F::Leases>>,
    pub(crate) late: Option<Arc<LateStore<F>>>,
    pub(crate) shared: Shared<F::Leases>,
    pub(crate) runtime: Arc<F::Runtime>,
    pub(crate) counters: Arc<LeaseCounters<F::Figure>>,
    pub(crate) workers: Vec<Worker<F>>,
    pub(crate) queue: Arc<JournalQueue>,
    statistics: Statistics<F::Packet, F::Figure>,
    writer: Writer,
    next_reclaim_ns: u64,
    next_flush_ns: u64,
}

impl<F: Family> Host<F> {
    /// Starts the server from what is on the disk.
    pub(crate) fn boot(
        scenario: &Scenario,
        config: F::Config,
        disk: &mut Disk<F::Leases>,
        now: Now,
        rng: &mut SplitMix,
        report: &mut Report,
    ) -> Self {
        let queue = Arc::new(JournalQueue::new(QUEUE_BYTES_MAX));
        let mut store = LeaseStore::new(rng.next_u64(), Some(queue.clone()));
        report.torn_bytes += disk.load(&mut store, now).torn_len;
        let store = Arc::new(store);
        let late = (scenario.late_percent > 0).then(|| {
            Arc::new(LateStore::new(store.clone(), scenario.late_percent, rng.next_u64()))
        });
        let seen: Arc<dyn Store<F::Leases>> = match &late {
            Some(late) => late.clone(),
            None => store.clone(),
        };
        let shared = Shared::new(seen, rng.next_u64());
        let statistics = Statistics::new(now);
        let (runtime, counters) = install::<F>(config, &statistics, &*store, now);
        let links = Arc::new(F::links());
        let workers = (0..scenario.workers)
            .map(|_| {
                let counters = statistics.worker(now);
                let mut server =
                    F::server(shared.clone(), runtime.clone(), counters, rng.next_u64());
                server.set_links(links.clone());
                Worker { server, replies: Replies::default(), inbox: VecDeque::new() }
            })
            .collect();
        Self {
            store,
            late,
            shared,
            runtime,
            counters,
            workers,
            queue,
            statistics,
            writer: Writer::default(),
            next_reclaim_ns: 0,
            next_flush_ns: 0,
        }
    }

    /// Puts another configuration in force.
    pub(crate) fn reconfigure(&mut self, config: F::Config, now: Now) {
        (self.runtime, self.counters) = install::<F>(config, &self.statistics, &*self.store, now);
        for worker in &mut self.workers {
            worker.server.set_runtime(self.runtime.clone());
        }
    }

    /// Writes the rows that wait; returns whether a sync has to follow.
    pub(crate) fn write_journal(&mut self, disk: &mut Disk<F::Leases>, rng: &mut SplitMix) -> bool {
        let writer = &mut self.writer;
        if writer.is_syncing {
            return false;
        }
        writer.position = self.queue.take(&mut writer.in_flight);
        if writer.in_flight.is_empty() {
            if std::mem::take(&mut writer.is_failing) {
                self.queue.commit(writer.position);
            }
            return false;
        }
        writer.is_syncing = disk.write(&writer.in_flight, rng);
        if !writer.is_syncing {
            writer.is_failing = true;
            self.queue.stall();
        }
        writer.is_syncing
    }

    /// Ends a sync; returns whether everything written is stable now.
    pub(crate) fn finish_sync(&mut self, disk: &mut Disk<F::Leases>) -> bool {
        let writer = &mut self.writer;
        writer.is_syncing = false;
        if !disk.sync() {
            writer.is_failing = true;
            self.queue.stall();
            return false;
        }
        writer.is_failing = false;
        writer.in_flight.clear();
        self.queue.commit(writer.position);
        true
    }

    /// Makes everything stable at once; returns whether that worked.
    pub(crate) fn settle(&mut self, disk: &mut Disk<F::Leases>, rng: &mut SplitMix) -> bool {
        if self.writer.is_syncing && !self.finish_sync(disk) {
            return false;
        }
        if self.write_journal(disk, rng) {
            return self.finish_sync(disk);
        }
        !self.writer.is_failing
    }

    /// What the daemon's main thread does each second.
    pub(crate) fn maintain(&mut self, now: Now, report: &mut Report) {
        self.store.expire_tick(now, usize::MAX);
        let expired = F::expired_leases(&self.runtime);
        let second = 1_000_000_000;
        if now.mono_ns >= self.next_reclaim_ns {
            let limits = ReclaimLimits { leases_max: expired.max_reclaim_leases, remove: false };
            let mut each = |reclaimed: Reclaimed<'_, F::Leases>| {
                report.reclaimed += 1;
                F::count(&self.runtime, &reclaimed.deltas, now);
            };
            // An error is the stalled journal; the rest is done later.
            let _ = self.store.reclaim(now, limits, &mut || false, &mut each);
            self.next_reclaim_ns =
                now.mono_ns + second * u64::from(expired.reclaim_timer_wait_time);
        }
        if now.mono_ns >= self.next_flush_ns {
            let mut each = |reclaimed: Reclaimed<'_, F::Leases>| {
                report.flushed += 1;
                F::count(&self.runtime, &reclaimed.deltas, now);
            };
            let hold = expired.hold_reclaimed_time;
            let _ = self.store.flush_reclaimed(now, hold, usize::MAX, &mut each);
            self.next_flush_ns =
                now.mono_ns + second * u64::from(expired.flush_reclaimed_timer_wait_time);
        }
    }

    /// Whether no packet and no question is in progress.
    pub(crate) fn is_idle(&self) -> bool {
        self.late.as_ref().is_none_or(|late| late.is_idle())
    }
}

/// As the daemon does: pools and figures of a configuration, filled from the store.
pub(crate) fn install<F: Family>(
    config: F::Config,
    statistics: &Statistics<F::Packet, F::Figure>,
    store: &dyn StoredLeases<F::Leases>,
    now: Now,
) -> (Arc<F::Runtime>, Arc<LeaseCounters<F::Figure>>) {
    let counters = statistics.install(&F::subnet_rows(&config), now);
    let runtime = Arc::new(F::runtime(config, counters.clone()));
    store.adopt_pools(F::pools(&runtime));
    F::recount(&runtime, store, now);
    (runtime, counters)
}
