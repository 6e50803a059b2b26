//! The running service: lease database, workers, sockets, and the configuration in force.
//!
//! A reconfiguration is made in two steps. Everything that can fail (reading, compiling, opening another lease
//! database) or may take long happens beside the running service; then the workers stand still for the swap, which cannot
//! fail.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use database::host_service::HostService;
use libdhcpsrv::intake::Shared;
use libdhcpsrv::lease::StoredLeases;
use libdhcpsrv::links::Links;
use netio::{Family, InterfaceSpec, InterfaceTable, Plan, Transport};
use process::clock::Clock;
use process::paths::Paths;
use process::worker::{self, Worker};
use stats::Statistics;
use util::Now;
use util::link::InterfaceIndex;

use crate::leases::{Leases, LeasesError, uses_file};
use crate::maintenance::{Context, Maintenance};
use crate::packets::{Update, WorkerServer};
use crate::sql::{self, Patience, SqlError};
use crate::{Daemon, Ingredients, Settings, Surroundings};

/// Longest wait for exchanges that wait for a lease database.
const FINISH_MAX: Duration = Duration::from_secs(1);
/// Time between two looks at them.
const FINISH_STEP: Duration = Duration::from_millis(1);

/// Most worker threads: each has sockets and receive rings of its own, and more of them than processors only cost.
const WORKERS_MAX: usize = 64;

/// Why the service cannot start or take a configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// The lease database cannot be opened.
    #[error(transparent)]
    Leases(#[from] LeasesError),
    /// A database of hosts cannot be opened.
    #[error(transparent)]
    Hosts(#[from] SqlError),
    /// `interfaces` is wrong.
    #[error("interfaces-config: {0}")]
    Interfaces(String),
    /// The server cannot have what it needs beside the configuration.
    #[error("{0}")]
    Preparation(String),
    /// The system refuses threads or event queues.
    #[error("cannot start a thread: {0}")]
    Threads(#[from] io::Error),
}

/// The running service.
pub(crate) struct Service<D: Daemon> {
    paths: Paths,
    port: u16,
    clock: Clock,
    statistics: Statistics<D::Packet, D::Figure>,
    shared: Shared<D::Leases>,
    runtime: Arc<D::Runtime>,
    plan: Plan,
    table: Arc<InterfaceTable>,
    workers: Vec<Worker<Update<D>>>,
    leases: Leases<D>,
    hosts: HostService<D::Leases>,
    /// Why the process has to end.
    failure: Option<String>,
    maintenance: Maintenance,
}

impl<D: Daemon> Service<D> {
    /// Opens the lease database and starts the workers.
    pub(crate) fn start(
        config: D::Config,
        paths: Paths,
        port: u16,
        table: InterfaceTable,
        patience: &mut Patience<'_>,
    ) -> Result<Self, ServiceError> {
        let clock = Clock::default();
        let settings = D::settings(&config);
        let plan = plan_of::<D>(&settings, port)?;
        let file = lease_file::<D>(&settings, &paths);
        let (leases, found) = Leases::<D>::open(&config, &file, clock.now(), patience)?;
        let hosts = HostService::new(patience.wake.clone());
        sql::add_hosts(&hosts, D::settings(&config).hosts_databases, patience)?;
        let prepared = prepare::<D>(&config, &paths, &table, clock.now(), None)?;
        let statistics = Statistics::new(clock.now());
        let runtime = leases.stored(found, |stored| {
            install::<D>(config, prepared, &statistics, stored, clock.now())
        });
        let shared = Shared::new(leases.access().0, random_seed());
        let settings = D::settings(D::config(&runtime));
        let maintenance = Maintenance::new(&settings, leases.journal().is_some());
        let count = workers_of(&settings);
        let mut service = Self {
            paths,
            port,
            clock,
            statistics,
            shared,
            runtime,
            plan,
            table: Arc::new(table),
            workers: Vec::new(),
            leases,
            hosts,
            failure: None,
            maintenance,
        };
        let workers =
            service.make_workers(count, &service.shared, &service.plan, &service.leases)?;
        service.workers = workers;
        service.open_sockets();
        Ok(service)
    }

    /// Takes another configuration; on an error the one in force stays.
    ///
    /// All that can fail comes first and is made beside the running service.
    pub(crate) fn reconfigure(
        &mut self,
        config: D::Config,
        patience: &mut Patience<'_>,
    ) -> Result<(), ServiceError> {
        let result = self.take(config, patience);
        self.leases.set_closed(false);
        // Databases that only the other configuration names are given up, whichever that is now.
        self.hosts.retain(D::settings(D::config(&self.runtime)).hosts_databases);
        result
    }

    fn take(&mut self, config: D::Config, patience: &mut Patience<'_>) -> Result<(), ServiceError> {
        let settings = D::settings(&config);
        let plan = plan_of::<D>(&settings, self.port)?;
        let file = lease_file::<D>(&settings, &self.paths);
        let now = self.clock.now();
        let (other_leases, found) = match self.leases.are_meant_by(settings.lease_database, &file) {
            true => (None, self.leases.survey(now, patience)?),
            false => {
                let (leases, found) = Leases::<D>::open(&config, &file, now, patience)?;
                (Some(leases), found)
            }
        };
        sql::add_hosts(&self.hosts, settings.hosts_databases, patience)?;
        let count = workers_of(&settings);
        let other_workers = if other_leases.is_some() || count != self.workers.len() {
            let leases = other_leases.as_ref().unwrap_or(&self.leases);
            // What the old workers leave behind must not be in the way of a client.
            let shared = Shared::new(leases.access().0, random_seed());
            Some((self.make_workers(count, &shared, &plan, leases)?, shared))
        } else {
            None
        };
        let (now, former) = (self.clock.now(), Some(&*self.runtime));
        let prepared = prepare::<D>(&config, &self.paths, &self.table, now, former)?;

        let counted = other_leases.as_ref().unwrap_or(&self.leases);
        let count = counted.count(patience)?;

        self.finish_exchanges();
        let replaced = other_workers.is_some();
        let standing = worker::pause(&self.workers);
        // From here on figures stand still, so that they can be counted.
        let found = counted.recount(found, count, patience);
        let paused = match other_workers {
            Some((workers, shared)) => {
                drop(standing);
                // The old ones answer what they have stored, end and close their sockets.
                drop(std::mem::replace(&mut self.workers, workers));
                self.shared = shared;
                None
            }
            None => Some(standing),
        };
        if let Some(other) = other_leases {
            self.leases = other;
        }
        self.leases.set_settings(D::settings(&config).lease_database);
        let (statistics, now) = (&self.statistics, self.clock.now());
        self.runtime = self
            .leases
            .stored(found, |stored| install::<D>(config, prepared, statistics, stored, now));
        for worker in &self.workers {
            worker.update(Update::Runtime(self.runtime.clone()));
        }
        drop(paused);
        self.renew_maintenance();
        if replaced {
            self.plan = plan;
            self.open_sockets();
        } else if plan != self.plan {
            self.plan = plan;
            for worker in &self.workers {
                worker.set_plan(self.plan.clone(), self.table.clone());
            }
            self.tell_links();
        }
        // They obey in order: when they have stood still, the sockets are those of the configuration.
        drop(worker::pause(&self.workers));
        Ok(())
    }

    /// Lets exchanges that wait for a lease database come to their end, as far as that takes no longer than a moment;
    /// queries that come meanwhile are passed over.
    fn finish_exchanges(&self) {
        let Leases::Sql(database) = &self.leases else { return };
        let until = Instant::now() + FINISH_MAX;
        self.leases.set_closed(true);
        // When they have stood still, what they had taken before is handed over and counts as in progress.
        drop(worker::pause(&self.workers));
        while !database.service().is_idle() && Instant::now() < until {
            std::thread::sleep(FINISH_STEP);
        }
    }

    fn renew_maintenance(&mut self) {
        let settings = D::settings(D::config(&self.runtime));
        let new = Maintenance::new(&settings, self.leases.journal().is_some());
        let former = std::mem::replace(&mut self.maintenance, new);
        self.maintenance.succeed(former);
    }

    /// Makes workers that have no sockets yet.
    fn make_workers(
        &self,
        count: usize,
        shared: &Shared<D::Leases>,
        plan: &Plan,
        leases: &Leases<D>,
    ) -> Result<Vec<Worker<Update<D>>>, ServiceError> {
        let mut workers = Vec::with_capacity(count);
        for index in 0..count {
            let counters = self.statistics.worker(self.clock.now());
            let runtime = self.runtime.clone();
            let (store, access) = leases.access();
            let shared = Shared { store, ..shared.clone() };
            let server = D::make_server(shared, runtime, counters, random_seed());
            let server = WorkerServer::<D>::new(server, index, access, &self.hosts);
            let transport = Transport::new(plan.clone(), index as u16, count as u16);
            workers.push(Worker::start(index, server, transport, leases.journal().cloned())?);
        }
        Ok(workers)
    }

    /// Lets workers that are new open their sockets; returns when they have done so.
    fn open_sockets(&self) {
        kea_log::log!(D::logger(), D::MULTI_THREADING_INFO, self.workers.len());
        self.tell_links();
        for worker in &self.workers {
            worker.set_interfaces(self.table.clone());
        }
        // They obey in order: when they have stood still, their sockets are open.
        drop(worker::pause(&self.workers));
    }

    /// Ends the workers, which answer what they have stored, and stores what is left.
    pub(crate) fn stop(&mut self) {
        self.workers.clear();
        if let Some(service) = self.leases.journal() {
            service.drain();
        }
    }

    /// Why it cannot go on, if it cannot.
    pub(crate) fn failure(&self) -> Option<String> {
        if self.workers.iter().any(Worker::has_ended) {
            return Some("a worker thread has ended".to_owned());
        }
        self.failure.clone()
    }

    /// Takes a new state of the interfaces.
    pub(crate) fn set_interfaces(&mut self, table: &InterfaceTable) {
        self.table = Arc::new(table.clone());
        self.tell_links();
        for worker in &self.workers {
            worker.set_interfaces(self.table.clone());
        }
    }

    fn tell_links(&self) {
        let (names, addresses) = links_of(&self.table, &self.plan);
        let links = Arc::new(Links::new(names, addresses));
        for worker in &self.workers {
            worker.update(Update::Links(links.clone()));
        }
    }

    /// Does what is due by the clock; returns the time until the next call.
    pub(crate) fn maintain(&mut self) -> std::time::Duration {
        let context = Context::<D> {
            runtime: &self.runtime,
            leases: &self.leases,
            lfc: &self.paths.lfc,
            now: self.clock.now(),
        };
        let wait = self.maintenance.run(&context);
        if let Leases::Sql(database) = &self.leases {
            self.failure = self.failure.take().or(database.tell_events::<D>());
        }
        for (settings, event) in self.hosts.take_events() {
            self.failure = self.failure.take().or(sql::tell_event::<D>(&settings, event));
        }
        wait
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> &D::Config {
        D::config(&self.runtime)
    }
}

/// The interfaces, and the addresses of them that are served.
pub(crate) fn links_of(
    table: &InterfaceTable,
    plan: &Plan,
) -> (Vec<(InterfaceIndex, Box<str>)>, Vec<IpAddr>) {
    let mut names = Vec::new();
    let mut addresses = Vec::new();
    for interface in table.interfaces() {
        names.push((interface.index, interface.name.as_str().into()));
        let ipv4 = interface.ipv4.iter().map(|network| IpAddr::from(network.address));
        let ipv6 = interface.ipv6.iter().map(|network| IpAddr::from(network.address));
        let is_served = |address: &IpAddr| plan.covers(interface, *address);
        match plan.family() {
            Family::V4 => addresses.extend(ipv4.filter(is_served)),
            Family::V6 => addresses.extend(ipv6.filter(is_served)),
        }
    }
    (names, addresses)
}

/// Compiles a configuration into a runtime whose pools and figures know the stored leases.
pub(crate) fn install<D: Daemon>(
    config: D::Config,
    prepared: D::Prepared,
    statistics: &Statistics<D::Packet, D::Figure>,
    store: &dyn StoredLeases<D::Leases>,
    now: Now,
) -> Arc<D::Runtime> {
    let counters = statistics.install(&D::subnet_rows(&config), now);
    Arc::new(D::install(Ingredients { config, prepared, counters, store, now }))
}

/// Lets the server get what it needs beside the configuration.
fn prepare<D: Daemon>(
    config: &D::Config,
    paths: &Paths,
    interfaces: &InterfaceTable,
    now: Now,
    former: Option<&D::Runtime>,
) -> Result<D::Prepared, ServiceError> {
    let data = &*data_folder(&D::settings(config), paths);
    let (seed, is_read_only) = (random_seed(), false);
    let around = Surroundings { paths, data, interfaces, now, seed, is_read_only };
    D::prepare(config, &around, former)
        .map_err(|error| ServiceError::Preparation(error.to_string()))
}

/// The sockets that a configuration asks for.
pub(crate) fn plan_of<D: Daemon>(settings: &Settings<'_>, port: u16) -> Result<Plan, ServiceError> {
    let family = D::PROFILE.family;
    let specs = settings.interfaces.iter().map(|text| InterfaceSpec::parse(text, family));
    let specs: Result<Vec<_>, _> = specs.collect();
    let specs = specs.map_err(|error| ServiceError::Interfaces(error.to_string()))?;
    let plan = match family {
        Family::V4 => Plan::new4(specs, settings.socket_kind, port),
        Family::V6 => Plan::new6(specs, port),
    };
    let plan = plan.map(|plan| plan.with_routing(settings.uses_routing));
    plan.map_err(|error| ServiceError::Interfaces(error.to_string()))
}

/// How many workers a configuration asks for.
fn workers_of(settings: &Settings<'_>) -> usize {
    settings.workers.clamp(1, WORKERS_MAX)
}

/// Where a configuration keeps files.
pub(crate) fn data_folder(settings: &Settings<'_>, paths: &Paths) -> PathBuf {
    settings.data_directory.map_or_else(|| paths.data.clone(), PathBuf::from)
}

/// The lease file of a configuration.
pub(crate) fn lease_file<D: Daemon>(settings: &Settings<'_>, paths: &Paths) -> PathBuf {
    match &settings.lease_database.name {
        Some(name) => PathBuf::from(name),
        None => data_folder(settings, paths).join(D::PROFILE.lease_file),
    }
}

/// A secret number; the process number and the time when the kernel has none to give.
pub(crate) fn random_seed() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        let now = Clock::default().now();
        (now.wall_s as u64) << 20 ^ u64::from(std::process::id()) ^ now.mono_ns
    })
}

/// Complaints about what a configuration refers to and the system lacks.
pub(crate) fn problems<D: Daemon>(
    settings: &Settings<'_>,
    port: u16,
    paths: &Paths,
) -> Vec<String> {
    let mut found = Vec::new();
    match (plan_of::<D>(settings, port), InterfaceTable::read()) {
        (Ok(plan), Ok(table)) => {
            found.extend(plan.problems(&table).iter().map(ToString::to_string));
        }
        (Err(error), _) => found.push(error.to_string()),
        (_, Err(error)) => found.push(format!("cannot read the interfaces: {error}")),
    }
    if uses_file(settings) {
        let file = lease_file::<D>(settings, paths);
        let folder = file.parent().unwrap_or(Path::new("/"));
        if !folder.is_dir() {
            found.push(format!("folder {} of the lease file does not exist", folder.display()));
        }
    }
    found
}
