//! What the daemon must know of its server.

use std::fmt::{Debug, Display};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use cc::{Diagnostics, Document};
use kea_log::{LogConfig, Logger, Message};
use libdhcpsrv::config::{
    ExpiredLeases, ExtendedInfoChecks, LeaseDatabase, LeaseVerdict, SqlDatabase,
};
use libdhcpsrv::intake::Shared;
use libdhcpsrv::lease::{AddressOf, Deltas, LeaseType, Reclaimed, StoredLeases, SubnetId};
use libdhcpsrv::server::DhcpServer;
use netio::{Family, InterfaceTable, SocketKind};
use process::paths::Paths;
use stats::{LeaseCounters, SubnetRow, Table, WorkerCounters};
use util::Now;

use crate::sql::SqlLeases;

/// Subnets that [`Daemon::log_configuration`] logs one by one.
pub const SUBNETS_LOGGED: usize = 100;

/// The names and numbers of a daemon.
#[derive(Debug)]
pub struct Profile {
    /// Name of the program.
    pub name: &'static str,
    /// What it is, for the usage.
    pub about: &'static str,
    /// The address family that it serves.
    pub family: Family,
    /// The server's UDP port, unless the command line gives another one.
    pub port: u16,
    /// Name of the lease file, unless the configuration gives another one.
    pub lease_file: &'static str,
    /// Version of the columns of the lease file.
    pub lease_schema: &'static str,
    /// The argument that tells the clean-up which leases the files hold.
    pub clean_up_flag: &'static str,
}

/// What the daemon reads of a configuration.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Entries of `interfaces`.
    pub interfaces: &'a [String],
    /// `dhcp-socket-type`; not asked for with IPv6, where all sockets are UDP sockets.
    pub socket_kind: SocketKind,
    /// `outbound-interface`: whether answers leave as the routing table says, where it says anything; IPv4 alone.
    pub uses_routing: bool,
    /// `lease-database`.
    pub lease_database: &'a LeaseDatabase,
    /// `hosts-databases`.
    pub hosts_databases: &'a [SqlDatabase],
    /// `extended-info-checks`.
    pub extended_info_checks: ExtendedInfoChecks,
    /// `expired-leases-processing`.
    pub expired_leases: &'a ExpiredLeases,
    /// Number of worker threads.
    pub workers: usize,
    /// `loggers`; `None` when the file has none.
    pub logging: Option<&'a LogConfig>,
    /// `data-directory`: where files are kept, instead of the default.
    pub data_directory: Option<&'a str>,
}

/// What a server may look at when it prepares to take a configuration.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The folders of the installation.
    pub paths: &'a Paths,
    /// Where files are kept: `data-directory`, or the default.
    pub data: &'a Path,
    /// The interfaces.
    pub interfaces: &'a InterfaceTable,
    /// The time.
    pub now: Now,
    /// A secret number.
    pub seed: u64,
    /// Whether nothing may be written: the configuration is only explained.
    pub is_read_only: bool,
}

/// What a configuration in force is made of.
pub struct Ingredients<'a, D: Daemon> {
    /// The configuration.
    pub config: D::Config,
    /// What [`Daemon::prepare`] has found.
    pub prepared: D::Prepared,
    /// The figures of its subnets, all 0.
    pub counters: Arc<LeaseCounters<D::Figure>>,
    /// The leases.
    pub store: &'a dyn StoredLeases<D::Leases>,
    /// The time.
    pub now: Now,
}

impl<D: Daemon> Debug for Ingredients<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingredients").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A server, as far as the daemon around it must know it. Implemented by a type without contents.
pub trait Daemon: DaemonMessages + Copy + Debug + Send + Sync + 'static {
    /// The leases that it gives.
    type Leases: SqlLeases;
    /// The compiled configuration.
    type Config: Debug + Send + Sync;
    /// What it needs beside the configuration, see [`Daemon::prepare`]; `()` for nothing.
    type Prepared: Debug;
    /// Why it cannot be had; [`std::convert::Infallible`] when there is nothing that could fail.
    type PrepareError: Display;
    /// A configuration in force.
    type Runtime: Send + Sync + 'static;
    /// The server of one worker.
    type Server: DhcpServer<Leases = Self::Leases, Runtime = Self::Runtime> + 'static;
    /// The table of packet counters.
    type Packet: Table;
    /// The table of lease figures.
    type Figure: Table;

    /// Names and numbers.
    const PROFILE: &'static Profile;

    /// The logger of the server's general messages.
    fn logger() -> &'static Logger;

    /// Compiles a configuration for a system with so many processors; what is wrong with it goes to `diagnostics`.
    fn read_config(
        document: &Document,
        cpus: usize,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::Config>;

    /// What the daemon reads of a configuration.
    fn settings(config: &Self::Config) -> Settings<'_>;

    /// An address that the server could have on the interface of this name: one of the first subnet that names it.
    fn address_on(config: &Self::Config, interface: &str) -> Option<IpAddr>;

    /// Gets what the server needs beside the configuration. It may read and write files, and comes before anything
    /// that is in force is touched. `former` is what has been in force so far.
    ///
    /// # Errors
    /// When the configuration cannot be taken without it.
    fn prepare(
        config: &Self::Config,
        around: &Surroundings<'_>,
        former: Option<&Self::Runtime>,
    ) -> Result<Self::Prepared, Self::PrepareError>;

    /// Says where stored leases belong, each by its address, subnet and type.
    fn lease_judge(
        config: &Self::Config,
    ) -> impl Fn(AddressOf<Self::Leases>, SubnetId, LeaseType) -> LeaseVerdict;

    /// The subnets and pools that figures are kept for.
    fn subnet_rows(config: &Self::Config) -> Vec<SubnetRow>;

    /// Makes a configuration in force whose pools and figures know the stored leases. No worker runs meanwhile.
    fn install(ingredients: Ingredients<'_, Self>) -> Self::Runtime;

    /// The configuration of what is in force.
    fn config(runtime: &Self::Runtime) -> &Self::Config;

    /// Logs what has been put in force.
    fn log_configuration(config: &Self::Config);

    /// Makes the server of one worker; `seed` differs between workers.
    fn make_server(
        shared: Shared<Self::Leases>,
        runtime: Arc<Self::Runtime>,
        counters: WorkerCounters<Self::Packet>,
        seed: u64,
    ) -> Self::Server;

    /// Counts and logs a lease that was reclaimed.
    fn reclaimed(runtime: &Self::Runtime, reclaimed: &Reclaimed<'_, Self::Leases>, now: Now);

    /// Counts a reclaimed lease that was removed.
    fn removed(runtime: &Self::Runtime, deltas: &Deltas, now: Now);
}

/// The messages of the daemon that Kea has once for each server, with the values that they have places for.
pub trait DaemonMessages {
    /// The process has begun: version, process.
    const STARTING: &'static Message;
    /// It serves: version.
    const STARTED: &'static Message;
    /// It has ended well.
    const SHUTDOWN: &'static Message;
    /// A signal ends it: its number.
    const SHUTDOWN_REQUEST: &'static Message;
    /// Another process has the pid file: the reason.
    const ALREADY_RUNNING: &'static Message;
    /// It has ended because of an error: the error.
    const SERVER_FAILED: &'static Message;
    /// It cannot start: the reason.
    const INIT_FAIL: &'static Message;
    /// The configuration cannot be used at the start: file, reason.
    const CONFIG_LOAD_FAIL: &'static Message;
    /// One line about a configuration that cannot be used.
    const PARSER_FAIL: &'static Message;
    /// One line about a configuration that can.
    const CONFIG_WARNING: &'static Message;
    /// The configuration is read again: file.
    const DYNAMIC_RECONFIGURATION: &'static Message;
    /// It is in force: file.
    const DYNAMIC_RECONFIGURATION_SUCCESS: &'static Message;
    /// It is not: file, reason.
    const DYNAMIC_RECONFIGURATION_FAIL: &'static Message;
    /// Number of workers.
    const MULTI_THREADING_INFO: &'static Message;
    /// What was received is no datagram: number, reason.
    const FRAMES_DROPPED: &'static Message;
    /// The kernel had no room: number of packets.
    const KERNEL_DROPS: &'static Message;
    /// Leases were reclaimed: number, milliseconds.
    const LEASES_RECLAMATION_COMPLETE: &'static Message;
    /// Reclamation does not keep up: number of runs.
    const LEASES_RECLAMATION_SLOW: &'static Message;
    /// Reclaimed leases were removed: number.
    const RECLAIMED_LEASES_DELETE: &'static Message;
    /// The connection to the lease database is lost: database, error.
    const DB_LOST_CONNECTION: &'static Message;
    /// A try to make it again has failed: its number, number of all, database, error, milliseconds to the next one.
    const DB_ATTEMPT_FAILED: &'static Message;
    /// It is there again: database.
    const DB_SUCCEEDED: &'static Message;
    /// All tries have failed: database, number.
    const DB_FAILED: &'static Message;
}
