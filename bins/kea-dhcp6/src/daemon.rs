//! What the daemon must know of the DHCPv6 server.

mod duid_file;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use cc::{Diagnostics, Document};
use dhcp_daemon::{
    Daemon, DaemonMessages, Ingredients, Profile, SUBNETS_LOGGED, Settings, Surroundings,
};
use kea_dhcp6::messages::{loggers::*, *};
use kea_dhcp6::runtime::{Runtime6, subnet_rows};
use kea_dhcp6::server::{Server6, Shared6};
use kea_log::{Logger, Message};
use libdhcp::DuidBuf;
use libdhcpsrv::config::LeaseVerdict;
use libdhcpsrv::config6::{self, Config6};
use libdhcpsrv::lease::{Deltas, LeaseState, LeaseType, SubnetId};
use libdhcpsrv::lease6::{Reclaimed6, V6};
use netio::{Family, SocketKind};
use stats::{Lease6, Packet6, SubnetRow, WorkerCounters6};
use util::Now;

/// The DHCPv6 daemon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dhcp6;

impl Daemon for Dhcp6 {
    type Leases = V6;
    type Config = Config6;
    /// The server's identifier.
    type Prepared = DuidBuf;
    type PrepareError = libdhcp::DuidError;
    type Runtime = Runtime6;
    type Server = Server6;
    type Packet = Packet6;
    type Figure = Lease6;

    const PROFILE: &'static Profile = &Profile {
        name: "kea-dhcp6",
        about: "The DHCPv6 server",
        family: Family::V6,
        port: libdhcp::v6::SERVER_PORT,
        lease_file: "kea-leases6.csv",
        lease_schema: "5.0",
        clean_up_flag: "-6",
    };

    fn logger() -> &'static Logger {
        &DHCP6
    }

    fn read_config(
        document: &Document,
        cpus: usize,
        diagnostics: &mut Diagnostics,
    ) -> Option<Config6> {
        config6::read(document, cpus, diagnostics)
    }

    fn settings(config: &Config6) -> Settings<'_> {
        Settings {
            interfaces: &config.interfaces.interfaces,
            socket_kind: SocketKind::Udp,
            uses_routing: false,
            lease_database: &config.lease_database,
            hosts_databases: &config.hosts_databases,
            extended_info_checks: config.extended_info_checks,
            expired_leases: &config.expired_leases,
            workers: config.workers,
            logging: config.logging.as_ref(),
            data_directory: config.data_directory.as_deref(),
        }
    }

    /// None: clients on the link speak to link-local addresses, which no subnet has.
    fn address_on(_: &Config6, _: &str) -> Option<IpAddr> {
        None
    }

    fn prepare(
        config: &Config6,
        around: &Surroundings<'_>,
        former: Option<&Runtime6>,
    ) -> Result<DuidBuf, libdhcp::DuidError> {
        let former = former.map(|runtime| &*runtime.server_duid);
        duid_file::server_duid(&config.server_id, around, former)
    }

    /// Prefixes need not lie in their subnet, and are not looked at.
    fn lease_judge(config: &Config6) -> impl Fn(Ipv6Addr, SubnetId, LeaseType) -> LeaseVerdict {
        let places = config.lease_places();
        move |address, subnet, lease_type| match lease_type {
            LeaseType::Na => places.judge(subnet, address),
            LeaseType::Ta | LeaseType::Pd => LeaseVerdict::Fits,
        }
    }

    fn subnet_rows(config: &Config6) -> Vec<SubnetRow> {
        subnet_rows(config)
    }

    fn install(ingredients: Ingredients<'_, Self>) -> Runtime6 {
        let Ingredients { config, prepared, counters, store, now } = ingredients;
        let runtime = Runtime6::new(config, prepared.bytes().into(), counters);
        store.adopt_pools(&runtime.pools);
        runtime.recount(store, now);
        runtime
    }

    fn config(runtime: &Runtime6) -> &Config6 {
        &runtime.config
    }

    fn log_configuration(config: &Config6) {
        for subnet in config.subnets.iter().take(SUBNETS_LOGGED) {
            let prefix = format!("{}/{}", subnet.prefix, subnet.prefix_len);
            let timer = |timer: Option<u32>| timer.map_or("unset".to_owned(), |s| s.to_string());
            let timers = &subnet.timers;
            let (t1, t2) = (timer(timers.renew_timer), timer(timers.rebind_timer));
            let (preferred, valid) = (timers.preferred_lifetime, timers.valid_lifetime);
            let id = subnet.id;
            kea_log::log!(DHCP6, DHCP6_CONFIG_NEW_SUBNET, prefix, id, t1, t2, preferred, valid);
        }
        let count = match config.subnets.len() {
            0 => "no IPv6 subnets!".to_owned(),
            count => format!("added IPv6 subnets: {count}"),
        };
        kea_log::log!(DHCP6, DHCP6_CONFIG_COMPLETE, count);
    }

    fn make_server(
        shared: Shared6,
        runtime: Arc<Runtime6>,
        counters: WorkerCounters6,
        seed: u64,
    ) -> Server6 {
        Server6::new(shared, runtime, counters, seed)
    }

    fn reclaimed(runtime: &Runtime6, reclaimed: &Reclaimed6<'_>, now: Now) {
        let lease = reclaimed.lease;
        runtime.tally.count_deltas(&reclaimed.deltas, now);
        runtime.tally.count_event(lease.subnet_id, Lease6::ReclaimedLeases, now);
        kea_log::log!(ALLOC, ALLOC_ENGINE_V6_LEASE_RECLAIM, lease.address, lease.subnet_id.0);
        if lease.state == LeaseState::Declined {
            runtime.tally.count_event(lease.subnet_id, Lease6::ReclaimedDeclinedAddresses, now);
            kea_log::log!(ALLOC, ALLOC_ENGINE_V6_DECLINED_RECOVERED, lease.address);
        }
    }

    fn removed(runtime: &Runtime6, deltas: &Deltas, now: Now) {
        runtime.tally.count_deltas(deltas, now);
    }
}

impl DaemonMessages for Dhcp6 {
    const STARTING: &'static Message = &DHCP6_STARTING;
    const STARTED: &'static Message = &DHCP6_STARTED;
    const SHUTDOWN: &'static Message = &DHCP6_SHUTDOWN;
    const SHUTDOWN_REQUEST: &'static Message = &DHCP6_SHUTDOWN_REQUEST;
    const ALREADY_RUNNING: &'static Message = &DHCP6_ALREADY_RUNNING;
    const SERVER_FAILED: &'static Message = &DHCP6_SERVER_FAILED;
    const INIT_FAIL: &'static Message = &DHCP6_INIT_FAIL;
    const CONFIG_LOAD_FAIL: &'static Message = &DHCP6_CONFIG_LOAD_FAIL;
    const PARSER_FAIL: &'static Message = &DHCP6_PARSER_FAIL;
    const CONFIG_WARNING: &'static Message = &DHCP6_CONFIG_WARNING;
    const DYNAMIC_RECONFIGURATION: &'static Message = &DHCP6_DYNAMIC_RECONFIGURATION;
    const DYNAMIC_RECONFIGURATION_SUCCESS: &'static Message =
        &DHCP6_DYNAMIC_RECONFIGURATION_SUCCESS;
    const DYNAMIC_RECONFIGURATION_FAIL: &'static Message = &DHCP6_DYNAMIC_RECONFIGURATION_FAIL;
    const MULTI_THREADING_INFO: &'static Message = &DHCP6_MULTI_THREADING_INFO;
    const FRAMES_DROPPED: &'static Message = &DHCP6_FRAMES_DROPPED;
    const KERNEL_DROPS: &'static Message = &DHCP6_KERNEL_DROPS;
    const LEASES_RECLAMATION_COMPLETE: &'static Message =
        &ALLOC_ENGINE_V6_LEASES_RECLAMATION_COMPLETE;
    const LEASES_RECLAMATION_SLOW: &'static Message = &ALLOC_ENGINE_V6_LEASES_RECLAMATION_SLOW;
    const RECLAIMED_LEASES_DELETE: &'static Message = &ALLOC_ENGINE_V6_RECLAIMED_LEASES_DELETE;
    const DB_LOST_CONNECTION: &'static Message = &DHCP6_DB_RECONNECT_LOST_CONNECTION;
    const DB_ATTEMPT_FAILED: &'static Message = &DHCP6_DB_RECONNECT_ATTEMPT_FAILED;
    const DB_SUCCEEDED: &'static Message = &DHCP6_DB_RECONNECT_SUCCEEDED;
    const DB_FAILED: &'static Message = &DHCP6_DB_RECONNECT_FAILED;
}
