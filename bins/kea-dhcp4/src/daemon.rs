//! What the daemon must know of the DHCPv4 server.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use cc::{Diagnostics, Document};
use dhcp_daemon::{
    Daemon, DaemonMessages, Ingredients, Profile, SUBNETS_LOGGED, Settings, Surroundings,
};
use kea_dhcp4::messages::{loggers::*, *};
use kea_dhcp4::runtime::{Runtime4, subnet_rows};
use kea_dhcp4::server::{Server4, Shared4};
use kea_log::{Logger, Message};
use libdhcpsrv::config::LeaseVerdict;
use libdhcpsrv::config4::{self, Config4, SocketType};
use libdhcpsrv::lease4::{Deltas, LeaseState, LeaseType, Reclaimed, SubnetId, V4};
use netio::{Family, SocketKind};
use stats::{Lease4, Packet4, SubnetRow, WorkerCounters4};
use util::Now;

/// The DHCPv4 daemon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dhcp4;

impl Daemon for Dhcp4 {
    type Leases = V4;
    type Config = Config4;
    type Prepared = ();
    type PrepareError = Infallible;
    type Runtime = Runtime4;
    type Server = Server4;
    type Packet = Packet4;
    type Figure = Lease4;

    const PROFILE: &'static Profile = &Profile {
        name: "kea-dhcp4",
        about: "The DHCPv4 server",
        family: Family::V4,
        port: libdhcp::v4::SERVER_PORT,
        lease_file: "kea-leases4.csv",
        lease_schema: "3.0",
        clean_up_flag: "-4",
    };

    fn logger() -> &'static Logger {
        &DHCP4
    }

    fn read_config(
        document: &Document,
        cpus: usize,
        diagnostics: &mut Diagnostics,
    ) -> Option<Config4> {
        config4::read(document, cpus, diagnostics)
    }

    fn settings(config: &Config4) -> Settings<'_> {
        Settings {
            interfaces: &config.interfaces.interfaces,
            socket_kind: match config.interfaces.socket_type {
                SocketType::Raw => SocketKind::Raw,
                SocketType::Udp => SocketKind::Udp,
            },
            uses_routing: config.interfaces.uses_routing,
            lease_database: &config.lease_database,
            hosts_databases: &config.hosts_databases,
            extended_info_checks: config.extended_info_checks,
            expired_leases: &config.expired_leases,
            workers: config.workers,
            logging: config.logging.as_ref(),
            data_directory: None,
        }
    }

    /// The first address of the prefix of the subnet.
    fn address_on(config: &Config4, interface: &str) -> Option<IpAddr> {
        let mut subnets = config.subnets.iter();
        let subnet = subnets.find(|subnet| subnet.interface.as_deref() == Some(interface))?;
        let first = u32::from(subnet.prefix).checked_add(1)?;
        Some(IpAddr::V4(first.into()))
    }

    fn prepare(_: &Config4, _: &Surroundings<'_>, _: Option<&Runtime4>) -> Result<(), Infallible> {
        Ok(())
    }

    fn lease_judge(config: &Config4) -> impl Fn(Ipv4Addr, SubnetId, LeaseType) -> LeaseVerdict {
        let places = config.lease_places();
        move |address, subnet, _| places.judge(subnet, address)
    }

    fn subnet_rows(config: &Config4) -> Vec<SubnetRow> {
        subnet_rows(config)
    }

    fn install(ingredients: Ingredients<'_, Self>) -> Runtime4 {
        let Ingredients { config, prepared: (), counters, store, now } = ingredients;
        let runtime = Runtime4::new(config, counters);
        store.adopt_pools(&runtime.pools);
        runtime.recount(store, now);
        runtime
    }

    fn config(runtime: &Runtime4) -> &Config4 {
        &runtime.config
    }

    fn log_configuration(config: &Config4) {
        for subnet in config.subnets.iter().take(SUBNETS_LOGGED) {
            let prefix = format!("{}/{}", subnet.prefix, subnet.prefix_len);
            let timer = |timer: Option<u32>| timer.map_or("unset".to_owned(), |s| s.to_string());
            let (t1, t2) = (timer(subnet.timers.renew_timer), timer(subnet.timers.rebind_timer));
            let valid = subnet.timers.valid_lifetime;
            kea_log::log!(DHCP4, DHCP4_CONFIG_NEW_SUBNET, prefix, subnet.id, t1, t2, valid);
        }
        let count = match config.subnets.len() {
            0 => "no IPv4 subnets!".to_owned(),
            count => format!("added IPv4 subnets: {count}"),
        };
        kea_log::log!(DHCP4, DHCP4_CONFIG_COMPLETE, count);
    }

    fn make_server(
        shared: Shared4,
        runtime: Arc<Runtime4>,
        counters: WorkerCounters4,
        seed: u64,
    ) -> Server4 {
        Server4::new(shared, runtime, counters, seed)
    }

    fn reclaimed(runtime: &Runtime4, reclaimed: &Reclaimed<'_>, now: Now) {
        let lease = reclaimed.lease;
        runtime.tally.count_deltas(&reclaimed.deltas, now);
        runtime.tally.count_event(lease.subnet_id, Lease4::ReclaimedLeases, now);
        kea_log::log!(ALLOC, ALLOC_ENGINE_V4_LEASE_RECLAIM, lease.address, lease.subnet_id.0);
        if lease.state == LeaseState::Declined {
            runtime.tally.count_event(lease.subnet_id, Lease4::ReclaimedDeclinedAddresses, now);
            kea_log::log!(ALLOC, ALLOC_ENGINE_V4_DECLINED_RECOVERED, lease.address);
        }
    }

    fn removed(runtime: &Runtime4, deltas: &Deltas, now: Now) {
        runtime.tally.count_deltas(deltas, now);
    }
}

impl DaemonMessages for Dhcp4 {
    const STARTING: &'static Message = &DHCP4_STARTING;
    const STARTED: &'static Message = &DHCP4_STARTED;
    const SHUTDOWN: &'static Message = &DHCP4_SHUTDOWN;
    const SHUTDOWN_REQUEST: &'static Message = &DHCP4_SHUTDOWN_REQUEST;
    const ALREADY_RUNNING: &'static Message = &DHCP4_ALREADY_RUNNING;
    const SERVER_FAILED: &'static Message = &DHCP4_SERVER_FAILED;
    const INIT_FAIL: &'static Message = &DHCP4_INIT_FAIL;
    const CONFIG_LOAD_FAIL: &'static Message = &DHCP4_CONFIG_LOAD_FAIL;
    const PARSER_FAIL: &'static Message = &DHCP4_PARSER_FAIL;
    const CONFIG_WARNING: &'static Message = &DHCP4_CONFIG_WARNING;
    const DYNAMIC_RECONFIGURATION: &'static Message = &DHCP4_DYNAMIC_RECONFIGURATION;
    const DYNAMIC_RECONFIGURATION_SUCCESS: &'static Message =
        &DHCP4_DYNAMIC_RECONFIGURATION_SUCCESS;
    const DYNAMIC_RECONFIGURATION_FAIL: &'static Message = &DHCP4_DYNAMIC_RECONFIGURATION_FAIL;
    const MULTI_THREADING_INFO: &'static Message = &DHCP4_MULTI_THREADING_INFO;
    const FRAMES_DROPPED: &'static Message = &DHCP4_FRAMES_DROPPED;
    const KERNEL_DROPS: &'static Message = &DHCP4_KERNEL_DROPS;
    const LEASES_RECLAMATION_COMPLETE: &'static Message =
        &ALLOC_ENGINE_V4_LEASES_RECLAMATION_COMPLETE;
    const LEASES_RECLAMATION_SLOW: &'static Message = &ALLOC_ENGINE_V4_LEASES_RECLAMATION_SLOW;
    const RECLAIMED_LEASES_DELETE: &'static Message = &ALLOC_ENGINE_V4_RECLAIMED_LEASES_DELETE;
    const DB_LOST_CONNECTION: &'static Message = &DHCP4_DB_RECONNECT_LOST_CONNECTION;
    const DB_ATTEMPT_FAILED: &'static Message = &DHCP4_DB_RECONNECT_ATTEMPT_FAILED;
    const DB_SUCCEEDED: &'static Message = &DHCP4_DB_RECONNECT_SUCCEEDED;
    const DB_FAILED: &'static Message = &DHCP4_DB_RECONNECT_FAILED;
}
