//! The running service: lease database, workers, sockets, and the configuration in force.
//!
//! A reconfiguration is made in two steps. Everything that can fail (reading, compiling, opening another lease
//! database) happens beside the running service; then the workers stand still for the swap, which cannot fail.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use foldhash::fast::FixedState;
use kea_dhcp4::gate::ClientGate;
use kea_dhcp4::messages::{loggers::*, *};
use kea_dhcp4::runtime::{Links, Runtime4, subnet_rows};
use kea_dhcp4::server::{Server4, Shared4};
use libdhcpsrv::config4::{Config4, SocketType};
use netio::{
    Event, Family, InterfaceSpec, InterfaceTable, Plan, ReceiveReport, SocketKind, Transport,
};
use process::clock::Clock;
use process::journal_service::JournalService;
use process::paths::Paths;
use process::worker::{self, PacketServer, Worker};
use stats::Statistics;
use util::Now;
use util::link::{Inbound, InterfaceIndex, Outbound, Replies};

use super::lease_database::{self, Database, OpenError};
use super::maintenance::{Context, Maintenance};

/// Most worker threads: each has sockets and receive rings of its own, and more of them than processors only cost.
const WORKERS_MAX: usize = 64;

/// Why the service cannot start or take a configuration.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServiceError {
    /// The lease database cannot be opened.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// `interfaces` is wrong.
    #[error("interfaces-config: {0}")]
    Interfaces(String),
    /// The system refuses threads or event queues.
    #[error("cannot start a thread: {0}")]
    Threads(#[from] io::Error),
}

/// A change for a worker.
enum Update {
    Runtime(Arc<Runtime4>),
    Links(Arc<Links>),
}

/// The server as the worker thread drives it.
struct WorkerServer {
    server: Server4,
    index: usize,
    listening: bool,
}

impl PacketServer for WorkerServer {
    type Update = Update;

    fn look(&self, payload: &[u8]) {
        self.server.look(payload);
    }

    fn receive(&mut self, input: Inbound<'_>, now: Now, replies: &mut Replies) {
        self.server.receive(input, now, replies);
    }

    fn end_batch(&mut self, now: Now, replies: &mut Replies) {
        self.server.end_batch(now, replies);
    }

    fn processing_failed(&mut self, input: Option<&Inbound<'_>>, reason: &str) {
        // Of a packet that had waited nothing is left but its failure.
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let lost = Inbound {
            payload: &[],
            interface: InterfaceIndex(0),
            source: SocketAddr::new(unknown, 0),
            destination: unknown,
            local: unknown,
            link_source: None,
        };
        self.server.processing_failed(input.unwrap_or(&lost), reason);
    }

    fn received(&mut self, report: &ReceiveReport, _now: Now) {
        self.server.malformed_frames(u64::from(report.taken() - report.received));
        for (reason, count) in report.malformed.iter().filter(|&(_, count)| count > 0) {
            kea_log::log!(BAD_PACKETS, DHCP4_FRAMES_DROPPED, count, reason.describe());
        }
        if report.kernel_drops > 0 {
            kea_log::log!(PACKETS, DHCP4_KERNEL_DROPS, report.kernel_drops);
        }
    }

    fn sent(&mut self, reply: &Outbound, result: Result<(), io::Error>) {
        match result {
            Ok(()) => self.server.sent(reply.tag),
            Err(error) => self.server.sending_failed(reply, &error),
        }
    }

    fn discarded(&mut self, replies: usize) {
        kea_log::log!(DHCPSRV, DHCPSRV_REPLIES_DISCARDED, replies);
    }

    fn sockets_changed(&mut self, events: &[Event]) {
        // The workers of a group open the same sockets; one voice is enough.
        if self.index > 0 {
            return;
        }
        for event in events {
            match event {
                Event::Opened { endpoint, watch: Some(_), .. } => {
                    self.listening = true;
                    let (name, address) = (&endpoint.name, endpoint.address());
                    kea_log::log!(DHCPSRV, DHCPSRV_SOCKET_OPENED, name, address);
                }
                Event::Opened { .. } => {}
                Event::Closed { endpoint, .. } => {
                    let (name, address) = (&endpoint.name, endpoint.address());
                    kea_log::log!(DHCPSRV, DHCPSRV_SOCKET_CLOSED, name, address);
                }
                Event::Failed { endpoint, reason } => {
                    let (name, address) = (&endpoint.name, endpoint.address());
                    kea_log::log!(DHCPSRV, DHCPSRV_OPEN_SOCKET_FAIL, name, address, reason);
                }
            }
        }
        if !std::mem::replace(&mut self.listening, true) {
            kea_log::log!(DHCPSRV, DHCPSRV_NO_SOCKETS_OPEN);
        }
    }

    fn update(&mut self, update: Update) {
        match update {
            Update::Runtime(runtime) => self.server.set_runtime(runtime),
            Update::Links(links) => self.server.set_links(links),
        }
    }
}

/// The running service.
pub(super) struct Service {
    paths: Paths,
    port: u16,
    clock: Clock,
    statistics: Statistics,
    shared: Shared4,
    runtime: Arc<Runtime4>,
    plan: Plan,
    table: Arc<InterfaceTable>,
    workers: Vec<Worker<Update>>,
    database: Database,
    maintenance: Maintenance,
}

impl Service {
    /// Opens the lease database and starts the workers.
    pub(super) fn start(
        config: Config4,
        paths: Paths,
        port: u16,
        table: InterfaceTable,
    ) -> Result<Self, ServiceError> {
        let clock = Clock::default();
        let plan = plan_of(&config, port)?;
        let database = lease_database::open(&config.lease_database, &paths, random_seed())?;
        let statistics = Statistics::new(clock.now());
        let runtime = install(config, &statistics, &database, clock.now());
        let shared = Shared4 {
            store: database.store.clone(),
            gate: Arc::new(ClientGate::default()),
            hasher: FixedState::with_seed(random_seed()),
        };
        let maintenance = Maintenance::new(&runtime, database.journal.is_some());
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
            database,
            maintenance,
        };
        let count = service.runtime.config.workers.clamp(1, WORKERS_MAX);
        let journal = service.database.journal.clone();
        let workers =
            service.make_workers(count, &service.shared, &service.plan, journal.as_ref())?;
        service.workers = workers;
        service.open_sockets();
        Ok(service)
    }

    /// Takes another configuration; on an error the one in force stays.
    ///
    /// All that can fail comes first and is made beside the running service.
    pub(super) fn reconfigure(&mut self, config: Config4) -> Result<(), ServiceError> {
        let plan = plan_of(&config, self.port)?;
        let settings = &config.lease_database;
        let other_database = match self.database.is_meant_by(settings, &self.paths) {
            true => None,
            false => Some(lease_database::open(settings, &self.paths, random_seed())?),
        };
        let mut shared = self.shared.clone();
        if let Some(other) = &other_database {
            shared.store = other.store.clone();
        }
        let count = config.workers.clamp(1, WORKERS_MAX);
        let other_workers = if other_database.is_some() || count != self.workers.len() {
            let database = other_database.as_ref().unwrap_or(&self.database);
            Some(self.make_workers(count, &shared, &plan, database.journal.as_ref())?)
        } else {
            None
        };

        let replaced = other_workers.is_some();
        let paused = match other_workers {
            Some(workers) => {
                // The old ones answer what they have stored, end and close their sockets.
                drop(std::mem::replace(&mut self.workers, workers));
                None
            }
            None => Some(worker::pause(&self.workers)),
        };
        if let Some(other) = other_database {
            self.database = other;
        }
        self.database.set_settings(&config.lease_database);
        self.shared = shared;
        self.runtime = install(config, &self.statistics, &self.database, self.clock.now());
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

    fn renew_maintenance(&mut self) {
        let new = Maintenance::new(&self.runtime, self.database.journal.is_some());
        let former = std::mem::replace(&mut self.maintenance, new);
        self.maintenance.succeed(former);
    }

    /// Makes workers that have no sockets yet.
    fn make_workers(
        &self,
        count: usize,
        shared: &Shared4,
        plan: &Plan,
        journal: Option<&Arc<JournalService>>,
    ) -> Result<Vec<Worker<Update>>, ServiceError> {
        let mut workers = Vec::with_capacity(count);
        for index in 0..count {
            let counters = self.statistics.worker(self.clock.now());
            let runtime = self.runtime.clone();
            let server = Server4::new(shared.clone(), runtime, counters, random_seed());
            let server = WorkerServer { server, index, listening: false };
            let transport = Transport::new(plan.clone(), index as u16, count as u16);
            workers.push(Worker::start(index, server, transport, journal.cloned())?);
        }
        Ok(workers)
    }

    /// Lets workers that are new open their sockets; returns when they have done so.
    fn open_sockets(&self) {
        kea_log::log!(DHCP4, DHCP4_MULTI_THREADING_INFO, self.workers.len());
        self.tell_links();
        for worker in &self.workers {
            worker.set_interfaces(self.table.clone());
        }
        // They obey in order: when they have stood still, their sockets are open.
        drop(worker::pause(&self.workers));
    }

    /// Ends the workers, which answer what they have stored, and stores what is left.
    pub(super) fn stop(&mut self) {
        self.workers.clear();
        if let Some(service) = &self.database.journal {
            service.drain();
        }
    }

    /// Whether a worker has ended by itself.
    pub(super) fn is_crippled(&self) -> bool {
        self.workers.iter().any(Worker::has_ended)
    }

    /// Takes a new state of the interfaces.
    pub(super) fn set_interfaces(&mut self, table: &InterfaceTable) {
        self.table = Arc::new(table.clone());
        self.tell_links();
        for worker in &self.workers {
            worker.set_interfaces(self.table.clone());
        }
    }

    fn tell_links(&self) {
        let mut names = Vec::new();
        let mut addresses = Vec::new();
        for interface in self.table.interfaces() {
            names.push((interface.index, interface.name.as_str().into()));
            for network in &interface.ipv4 {
                if self.plan.covers(interface, network.address.into()) {
                    addresses.push(network.address);
                }
            }
        }
        let links = Arc::new(Links::new(names, addresses));
        for worker in &self.workers {
            worker.update(Update::Links(links.clone()));
        }
    }

    /// Does what is due by the clock; returns the time until the next call.
    pub(super) fn maintain(&mut self) -> std::time::Duration {
        let context = Context {
            runtime: &self.runtime,
            store: &self.database.store,
            journal: self.database.journal.as_ref(),
            lfc: &self.paths.lfc,
            now: self.clock.now(),
        };
        self.maintenance.run(&context)
    }

    /// The configuration in force.
    pub(super) fn config(&self) -> &Config4 {
        &self.runtime.config
    }
}

/// Compiles a configuration into a runtime whose pools and figures know the stored leases.
fn install(
    config: Config4,
    statistics: &Statistics,
    database: &Database,
    now: Now,
) -> Arc<Runtime4> {
    let counters = statistics.install(&subnet_rows(&config), now);
    let runtime = Arc::new(Runtime4::new(config, counters));
    database.store.adopt_pools(&runtime.pools);
    runtime.recount(&database.store, now);
    runtime
}

/// The sockets that a configuration asks for.
pub(super) fn plan_of(config: &Config4, port: u16) -> Result<Plan, ServiceError> {
    let specs = config.interfaces.interfaces.iter();
    let specs: Result<Vec<_>, _> =
        specs.map(|text| InterfaceSpec::parse(text, Family::V4)).collect();
    let specs = specs.map_err(|error| ServiceError::Interfaces(error.to_string()))?;
    let kind = match config.interfaces.socket_type {
        SocketType::Raw => SocketKind::Raw,
        SocketType::Udp => SocketKind::Udp,
    };
    Plan::new4(specs, kind, port).map_err(|error| ServiceError::Interfaces(error.to_string()))
}

/// A secret number; the process number and the time when the kernel has none to give.
fn random_seed() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        let now = Clock::default().now();
        (now.wall_s as u64) << 20 ^ u64::from(std::process::id()) ^ now.mono_ns
    })
}

/// Complaints about what a configuration refers to and the system lacks.
pub(super) fn problems(config: &Config4, port: u16, paths: &Paths) -> Vec<String> {
    let mut found = Vec::new();
    match (plan_of(config, port), InterfaceTable::read()) {
        (Ok(plan), Ok(table)) => {
            found.extend(plan.problems(&table).iter().map(ToString::to_string));
        }
        (Err(error), _) => found.push(error.to_string()),
        (_, Err(error)) => found.push(format!("cannot read the interfaces: {error}")),
    }
    if config.lease_database.persist {
        let file = lease_database::file_of(&config.lease_database, paths);
        let folder = file.parent().unwrap_or(Path::new("/"));
        if !folder.is_dir() {
            found.push(format!("folder {} of the lease file does not exist", folder.display()));
        }
    }
    found
}
