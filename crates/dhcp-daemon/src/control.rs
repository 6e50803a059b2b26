//! The main thread's event loop: signals, interface changes, timers.

use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libdhcpsrv::loggers::DHCPSRV;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use netio::{InterfaceTable, Monitor};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use crate::Daemon;
use crate::config_file;
use crate::messages::*;
use crate::service::Service;
use crate::sql::Patience;

const SIGNALS: Token = Token(0);
const INTERFACES: Token = Token(1);
const WAKER: Token = Token(2);

/// Everything that the main thread waits for.
pub(crate) struct Control {
    poll: Poll,
    signals: Signals,
    monitor: Monitor,
    table: InterfaceTable,
    waker: Arc<Waker>,
    /// Signals that came while something waited.
    missed: Vec<i32>,
    /// Reading the interfaces has failed and is due again.
    is_behind: bool,
}

impl Control {
    /// Begins to listen; from here on signals are not lost.
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGCHLD])?;
        poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
        let (monitor, table) = Monitor::open()?;
        let fd = monitor.as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), INTERFACES, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Self { poll, signals, monitor, table, waker, missed: Vec::new(), is_behind: false })
    }

    /// The interfaces at the moment.
    pub(crate) fn interfaces(&self) -> InterfaceTable {
        self.table.clone()
    }

    /// The signal to end that broke off what was waited for, if one did.
    pub(crate) fn ending(&self) -> Option<i32> {
        self.missed.iter().copied().find(|signal| matches!(*signal, SIGTERM | SIGINT))
    }

    /// Does something that may have to wait for a database, in the main thread; at the start as patiently as the
    /// configuration says. A signal to end is heard meanwhile, and once more afterwards.
    pub(crate) fn patiently<R>(
        &mut self,
        is_start: bool,
        work: impl FnOnce(&mut Patience<'_>) -> R,
    ) -> R {
        let waker = self.waker.clone();
        let wake = Arc::new(move || {
            // Without it the main thread comes by a second later.
            let _ = waker.wake();
        });
        let mut wait = |time: Duration| {
            let until = Instant::now() + time;
            let mut events = Events::with_capacity(4);
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                if self.poll.poll(&mut events, Some(left)).is_err() {
                    continue;
                }
                // What was told of the interfaces has been heard and not been looked at.
                self.is_behind = true;
                self.missed.extend(self.signals.pending());
                if self.missed.iter().any(|signal| matches!(*signal, SIGTERM | SIGINT)) {
                    return true;
                }
            }
        };
        work(&mut Patience { wait: &mut wait, wake, is_start })
    }

    /// Serves until a signal ends it.
    pub(crate) fn run<D: Daemon>(
        mut self,
        service: &mut Service<D>,
        config_file: &Path,
    ) -> io::Result<()> {
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
            if let Some(failure) = service.failure() {
                return Err(io::Error::other(failure));
            }
            let mut signals: Vec<i32> = self.signals.pending().collect();
            signals.append(&mut self.missed);
            for signal in signals {
                match signal {
                    SIGTERM | SIGINT => {
                        kea_log::log!(D::logger(), D::SHUTDOWN_REQUEST, signal);
                        return Ok(());
                    }
                    SIGHUP => reconfigure(service, config_file, &mut self),
                    _ => {} // SIGCHLD: the clean-up has ended, maintenance takes note of it
                }
            }
        }
    }
}

impl Control {
    /// Takes note of changed interfaces. When that fails, they are served as they were known, and it is tried again
    /// within a second.
    fn follow_interfaces<D: Daemon>(&mut self, service: &mut Service<D>) {
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
fn reconfigure<D: Daemon>(service: &mut Service<D>, file: &Path, control: &mut Control) {
    let name = file.display();
    kea_log::log!(D::logger(), D::DYNAMIC_RECONFIGURATION, name);
    let fail = |reason: &dyn std::fmt::Display| {
        kea_log::log!(D::logger(), D::DYNAMIC_RECONFIGURATION_FAIL, name, reason);
    };
    let loaded = match config_file::load::<D>(file) {
        Ok(loaded) => loaded,
        Err(rejected) => {
            for line in &rejected.lines {
                kea_log::log!(D::logger(), D::PARSER_FAIL, line);
            }
            return fail(&rejected.reason);
        }
    };
    for warning in &loaded.warnings {
        kea_log::log!(D::logger(), D::CONFIG_WARNING, warning);
    }
    let logging = D::settings(&loaded.config).logging.cloned().unwrap_or_default();
    let reconfigured =
        control.patiently(false, |patience| service.reconfigure(loaded.config, patience));
    match reconfigured {
        Ok(()) => {
            kea_log::apply(&logging);
            crate::start::log_configuration::<D>(service.config());
            kea_log::log!(D::logger(), D::DYNAMIC_RECONFIGURATION_SUCCESS, name);
        }
        Err(error) => fail(&error),
    }
}
