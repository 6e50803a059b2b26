//! One server that keeps its leases in the database: workers, questions on their way, and what its keeper does.

use std::collections::BTreeMap;
use std::sync::Arc;

use database::keeping::{self, Watch};
use database::requests;
use database::service::Survey;
use database::simulated::{Connection, Table};
use database::{DbError, Fault, LeaseConnection};
use libdhcpsrv::free::PoolSet;
use libdhcpsrv::intake::Shared;
use libdhcpsrv::lease::{Counts, LeaseKind, StoredLeases};
use libdhcpsrv::remote::{Ask, Hints, RemoteStore, Reply, Request, Told};
use libdhcpsrv::server::DhcpServer;
use stats::{LeaseCounters, Statistics};
use util::link::Replies;
use util::{Entropy, Now, SplitMix};

use crate::family::Family;
use crate::host::{Worker, install};
use crate::report::Report;

/// How often a transaction that was in the way of another one is tried again.
const RETRIES_MAX: usize = 5;

/// A request and whose it is.
#[derive(Debug)]
pub(super) struct Job<K: LeaseKind> {
    pub(super) worker: usize,
    pub(super) request: Request<K>,
    /// Whether a connection was lost under it before.
    pub(super) was_lost: bool,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) struct Outcome<K: LeaseKind> {
    pub(super) told: Vec<(usize, Reply<K>)>,
    /// To be carried out once more.
    pub(super) again: Vec<Job<K>>,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Host<F: Family> {
    pub(super) shared: Shared<F::Leases>,
    pub(super) hints: Arc<Hints<F::Leases>>,
    pub(super) runtime: Arc<F::Runtime>,
    pub(super) counters: Arc<LeaseCounters<F::Figure>>,
    pub(super) workers: Vec<Worker<F>>,
    pub(super) stores: Vec<Arc<RemoteStore<F::Leases>>>,
    /// Reads, and changes.
    queues: [Vec<Job<F::Leases>>; 2],
    /// Replies on their way, numbered.
    pub(super) kept: BTreeMap<u64, (usize, Reply<F::Leases>)>,
    next_kept: u64,
    statistics: Statistics<F::Packet, F::Figure>,
    watch: Watch,
    next_reclaim_ns: u64,
    next_flush_ns: u64,
    /// When it began to serve.
    pub(super) booted_ns: u64,
    /// In how many checks on end each pool has seemed full without being so.
    pub(super) leaking: BTreeMap<usize, u32>,
}

impl<F: Family> Host<F> {
    /// Starts a server from what the table holds; nothing comes of it while the table is away.
    pub(super) fn boot(
        workers: usize,
        config: F::Config,
        connection: &mut Connection<F::Leases>,
        now: Now,
        rng: &mut SplitMix,
    ) -> Option<Self> {
        let survey = Survey::make(connection, now.wall_s).ok()?;
        let hints = Arc::new(Hints::new(rng.next_u64()));
        let stores: Vec<_> =
            (0..workers).map(|_| Arc::new(RemoteStore::new(hints.clone()))).collect();
        let shared = Shared::new(stores[0].clone(), rng.next_u64());
        let statistics = Statistics::new(now);
        let stored = Surveyed { hints: &hints, survey };
        let (runtime, counters) = install::<F>(config, &statistics, &stored, now);
        let links = Arc::new(F::links());
        let worker = |store: &Arc<RemoteStore<F::Leases>>| {
            let shared = Shared { store: store.clone(), ..shared.clone() };
            let counters = statistics.worker(now);
            let mut server = F::server(shared, runtime.clone(), counters, rng.next_u64());
            server.set_links(links.clone());
            Worker { server, replies: Replies::default(), inbox: Default::default() }
        };
        let workers = stores.iter().map(worker).collect();
        Some(Self {
            shared,
            hints,
            runtime,
            counters,
            workers,
            stores,
            queues: [Vec::new(), Vec::new()],
            kept: BTreeMap::new(),
            next_kept: 0,
            statistics,
            watch: Watch::new(now),
            next_reclaim_ns: 0,
            next_flush_ns: 0,
            booted_ns: now.mono_ns,
            leaking: BTreeMap::new(),
        })
    }

    /// Puts another configuration in force.
    pub(super) fn reconfigure(&mut self, config: F::Config, survey: Survey<F::Leases>, now: Now) {
        let stored = Surveyed { hints: &self.hints, survey };
        (self.runtime, self.counters) = install::<F>(config, &self.statistics, &stored, now);
        for worker in &mut self.workers {
            worker.server.set_runtime(self.runtime.clone());
        }
        self.leaking.clear();
    }

    /// Lets a request wait for a connection; returns its sort.
    pub(super) fn enqueue(&mut self, job: Job<F::Leases>) -> usize {
        let sort = usize::from(matches!(job.request.ask, Ask::Change { .. }));
        self.queues[sort].push(job);
        sort
    }

    /// Takes some of what waits, in any order.
    pub(super) fn take_some(&mut self, sort: usize, rng: &mut SplitMix) -> Vec<Job<F::Leases>> {
        let queue = &mut self.queues[sort];
        if queue.is_empty() {
            return Vec::new();
        }
        let count = 1 + rng.below(queue.len() as u64) as usize;
        (0..count).map(|_| queue.remove(rng.below(queue.len() as u64) as usize)).collect()
    }

    pub(super) fn waits(&self, sort: usize) -> bool {
        !self.queues[sort].is_empty()
    }

    /// Keeps a reply until it arrives.
    pub(super) fn keep(&mut self, worker: usize, reply: Reply<F::Leases>) -> u64 {
        self.next_kept += 1;
        self.kept.insert(self.next_kept, (worker, reply));
        self.next_kept
    }

    /// Whether no packet and no question is in progress.
    pub(super) fn is_idle(&self) -> bool {
        self.kept.is_empty()
            && self.queues.iter().all(Vec::is_empty)
            && self.workers.iter().all(|worker| worker.inbox.is_empty())
    }

    /// What the keeper does each second. Returns whether it has looked at everything.
    ///
    /// # Errors
    /// When the table is away.
    pub(super) fn keep_up(
        &mut self,
        connection: &mut Connection<F::Leases>,
        now: Now,
        report: &mut Report,
    ) -> Result<bool, DbError> {
        let has_renewed = self.watch.tick(connection, &self.hints, now)?;
        let expired = F::expired_leases(&self.runtime);
        let second = 1_000_000_000;
        if now.mono_ns >= self.next_reclaim_ns {
            let limit = expired.max_reclaim_leases as usize;
            let (_, leases) = keeping::reclaim(connection, now.wall_s, limit, false)?;
            for lease in leases {
                report.reclaimed += 1;
                F::count(&self.runtime, &lease.deltas, now);
            }
            self.next_reclaim_ns =
                now.mono_ns + second * u64::from(expired.reclaim_timer_wait_time);
        }
        if now.mono_ns >= self.next_flush_ns {
            let before_s = now.wall_s - i64::from(expired.hold_reclaimed_time);
            report.flushed += connection.delete_reclaimed(before_s, usize::MAX)?;
            self.next_flush_ns =
                now.mono_ns + second * u64::from(expired.flush_reclaimed_timer_wait_time);
        }
        Ok(has_renewed)
    }
}

/// Carries out a batch over a connection of its own.
pub(super) fn carry_out<K: LeaseKind>(table: &Table<K>, jobs: Vec<Job<K>>) -> Outcome<K> {
    let mut outcome = Outcome { told: Vec::new(), again: Vec::new() };
    let asks: Vec<&Ask<K>> = jobs.iter().map(|job| &job.request.ask).collect();
    let were_lost: Vec<bool> = jobs.iter().map(|job| job.was_lost).collect();
    let is_change = asks.iter().any(|ask| matches!(ask, Ask::Change { .. }));
    let mut tries = 0;
    let told = loop {
        let told = table.connect().and_then(|mut connection| match is_change {
            true => requests::change(&mut connection, &asks, &were_lost),
            false => requests::read(&mut connection, &asks),
        });
        match told {
            Err(error) if error.fault == Fault::Retry && tries < RETRIES_MAX => tries += 1,
            told => break told,
        }
    };
    let reply = |job: Job<K>, told| {
        let Request { ticket, ask } = job.request;
        (job.worker, Reply { ticket, ask, told })
    };
    match told {
        Ok(told) => {
            outcome.told.extend(jobs.into_iter().zip(told).map(|(job, told)| reply(job, told)));
        }
        Err(_) => {
            for job in jobs {
                match job.was_lost {
                    true => outcome.told.push(reply(job, Told::Failed)),
                    false => outcome.again.push(Job { was_lost: true, ..job }),
                }
            }
        }
    }
    outcome
}

/// A table that has been looked at.
struct Surveyed<'a, K: LeaseKind> {
    hints: &'a Hints<K>,
    survey: Survey<K>,
}

impl<K: LeaseKind> StoredLeases<K> for Surveyed<'_, K> {
    fn adopt_pools(&self, pools: &Arc<PoolSet<K::Number>>) {
        self.hints.adopt(pools, &self.survey.held);
    }

    fn recount(&self) -> Counts {
        counts(&self.survey)
    }
}

/// The counts of a survey.
pub(super) fn counts<K: LeaseKind>(survey: &Survey<K>) -> Counts {
    let mut counts = Counts::new();
    for counted in &survey.counts {
        let key = (counted.subnet_id, counted.lease_type, counted.pool_id, counted.state);
        *counts.entry(key).or_default() += counted.count;
    }
    counts
}
