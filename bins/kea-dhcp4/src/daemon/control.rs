//! The main thread's event loop: signals, interface changes, timers.

use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use kea_dhcp4::messages::{loggers::*, *};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use netio::{InterfaceTable, Monitor};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use super::config_file;
use super::service::Service;

const SIGNALS: Token = Token(0);
const INTERFACES: Token = Token(1);

/// Everything that the main thread waits for.
pub(super) struct Control {
    poll: Poll,
    signals: Signals,
    monitor: Monitor,
    table: InterfaceTable,
    /// Reading the interfaces has failed and is due again.
    is_behind: bool,
}

impl Control {
    /// Begins to listen; from here on signals are not lost.
    pub(super) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGCHLD])?;
        poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
        let (monitor, table) = Monitor::open()?;
        let fd = monitor.as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), INTERFACES, Interest::READABLE)?;
        Ok(Self { poll, signals, monitor, table, is_behind: false })
    }

    /// The interfaces at the moment.
    pub(super) fn interfaces(&self) -> InterfaceTable {
        self.table.clone()
    }

    /// Serves until a signal ends it.
    pub(super) fn run(mut self, service: &mut Service, config_file: &Path) -> io::Result<()> {
        let mut events = Events::with_capacity(16);
        loop {
            let wait = service.maintain();
            if let Err(error) = self.poll.poll(&mut events, Some(wait))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            if self.is_behind || events.iter().any(|event| event.token() == INTERFACES) {
                self.follow_interfaces(service);
            }
            if service.is_crippled() {
                return Err(io::Error::other("a worker thread has ended"));
            }
            for signal in self.signals.pending() {
                match signal {
                    SIGTERM | SIGINT => {
                        kea_log::log!(DHCP4, DHCP4_SHUTDOWN_REQUEST, signal);
                        return Ok(());
                    }
                    SIGHUP => reconfigure(service, config_file),
                    _ => {} // SIGCHLD: the clean-up has ended, maintenance takes note of it
                }
            }
        }
    }
}

impl Control {
    /// Takes note of changed interfaces. When that fails, they are served as they were known, and it is tried again
    /// within a second.
    fn follow_interfaces(&mut self, service: &mut Service) {
        match self.monitor.drain(&mut self.table) {
            Ok(changed) => {
                // What came before a failure has been entered, but nobody was told.
                if std::mem::take(&mut self.is_behind) || changed {
                    service.set_interfaces(&self.table);
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_behind, true) {
                    kea_log::log!(DHCPSRV, DHCPSRV_INTERFACES_UNREADABLE, error);
                }
            }
        }
    }
}

/// Reads the configuration file again; on an error the configuration in force stays.
fn reconfigure(service: &mut Service, file: &Path) {
    let name = file.display();
    kea_log::log!(DHCP4, DHCP4_DYNAMIC_RECONFIGURATION, name);
    let fail = |reason: &dyn std::fmt::Display| {
        kea_log::log!(DHCP4, DHCP4_DYNAMIC_RECONFIGURATION_FAIL, name, reason);
    };
    let loaded = match config_file::load(file) {
        Ok(loaded) => loaded,
        Err(rejected) => {
            for line in &rejected.lines {
                kea_log::log!(DHCP4, DHCP4_PARSER_FAIL, line);
            }
            return fail(&rejected.reason);
        }
    };
    for warning in &loaded.warnings {
        kea_log::log!(DHCP4, DHCP4_CONFIG_WARNING, warning);
    }
    let logging = loaded.config.logging.clone().unwrap_or_default();
    match service.reconfigure(loaded.config) {
        Ok(()) => {
            kea_log::apply(&logging);
            super::start::log_configuration(service.config());
            kea_log::log!(DHCP4, DHCP4_DYNAMIC_RECONFIGURATION_SUCCESS, name);
        }
        Err(error) => fail(&error),
    }
}
