//! Logging of the daemons: a tree of loggers, a catalogue of messages, and the places lines go to.
//!
//! A crate declares its messages with [`messages!`] and its [`Logger`]s as statics, and calls [`log!`]. The daemon's
//! `main` calls [`init`] first, then [`apply`] whenever a whole configuration has succeeded, and keeps the
//! [`LogGuard`] until its end. Without `init` nothing is written and nothing costs more than one comparison.
//!
//! Lines are formatted as Kea's: `2026-11-21 08:15:02.123 INFO  [kea-dhcp4.leases/4711] DHCP4_LEASE_ALLOC ...`, or
//! by a configured log4cplus pattern. They are written by a thread of their own; see the `writer` module for what
//! that costs a caller and what happens when it cannot keep up.
//!
//! This is the edge of the system: it reads the wall clock, opens files, and owns a thread. `KEA_LOCKFILE_DIR` is
//! understood by the daemons' environment but has no effect: each process writes whole lines in append mode, so
//! there is no lock file to place.

mod bridge;
mod capture;
mod config;
mod file_sink;
mod logger;
mod message;
pub mod messages;
mod pattern;
mod rate;
mod severity;
mod sinks;
mod syslog;
mod time;
mod writer;

pub use capture::{Captured, capture};
pub use config::{Destination, LogConfig, LoggerConfig, OutputConfig, ROTATION_SIZE_MIN};
pub use logger::Logger;
#[doc(hidden)]
pub use logger::check_values;
pub use message::{Message, misnamed};
pub use pattern::{PATTERN_DEFAULT, PATTERN_SYSLOG};
pub use rate::{RATE_LIMITED_IDS_MAX, RateLimiter};
pub use severity::{DEBUG_LEVEL_MAX, Severity, UnknownSeverity};
pub use writer::{QUEUED_BYTES_MAX, QUEUED_LINES_MAX, TEXT_MAX};

use std::io;
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};

use config::Tree;
use sinks::UnknownConversion;
use writer::{Call, Writer};

/// The root logger of the daemon.
pub static ROOT: Logger = Logger::new("");

/// What must be known before the configuration has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// Name of the daemon, which is the root of its loggers.
    pub root: String,
    /// `-d`: DEBUG 99 for all loggers, whatever the configuration says.
    pub is_verbose: bool,
    /// Where lines go until a configuration says otherwise.
    pub destination: Destination,
}

impl Init {
    /// Takes the initial destination from `KEA_LOGGER_DESTINATION`, or the file named by `KEA_LOG_FILE`; standard
    /// output without them.
    #[must_use]
    pub fn from_environment(root: &str, is_verbose: bool) -> Self {
        let given = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let destination = given("KEA_LOGGER_DESTINATION").map(|text| Destination::parse(&text));
        let file = || given("KEA_LOG_FILE").map(|path| Destination::File(path.into()));
        let destination = destination.or_else(file).unwrap_or(Destination::Stdout);
        Self { root: root.to_owned(), is_verbose, destination }
    }
}

/// Reasons why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one logging system per process and it is started once.
    #[error("logging was started twice")]
    AlreadyStarted,
    /// The operating system refuses the thread.
    #[error("unable to start the log thread")]
    Thread(#[source] io::Error),
}

struct System {
    init: Init,
    writer: Writer,
}

static SYSTEM: OnceLock<System> = OnceLock::new();

/// Starts logging: opens the initial destination and starts the log thread.
///
/// # Errors
///
/// Fails when called twice, or when no thread can be started.
pub fn init(init: Init) -> Result<LogGuard, InitError> {
    let tree = init.tree(&LogConfig::default());
    let (writer, _) = Writer::new(tree.clone());
    SYSTEM.set(System { init, writer }).map_err(|_| InitError::AlreadyStarted)?;
    let thread = thread::Builder::new()
        .name("log".into())
        .spawn(|| SYSTEM.get().into_iter().for_each(|system| system.writer.run()))
        .map_err(InitError::Thread)?;
    logger::set_thresholds(Some(tree));
    bridge::install();
    bridge::adjust();
    Ok(LogGuard { thread: Some(thread) })
}

/// Puts the logging part of a configuration into force, all of it at once; to be called after the whole
/// configuration has succeeded. Files are opened (again); one that cannot be opened is reported on standard error.
pub fn apply(config: &LogConfig) {
    let Some(system) = SYSTEM.get() else { return };
    let tree = system.init.tree(config);
    let questionable = system.writer.install(tree.clone());
    logger::set_thresholds(Some(tree));
    bridge::adjust();
    for UnknownConversion { pattern, conversion } in questionable {
        log!(ROOT, messages::LOG_PATTERN_QUESTIONABLE, pattern, conversion);
    }
}

/// Returns after everything logged before has been handed to the operating system.
pub fn flush() {
    if let Some(system) = SYSTEM.get() {
        system.writer.flush();
    }
}

/// Keeps logging alive; dropping it writes what is queued, ends the log thread and disables all loggers.
#[derive(Debug)]
#[must_use = "logging ends when the guard is dropped"]
pub struct LogGuard {
    thread: Option<JoinHandle<()>>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        logger::set_thresholds(None);
        log::set_max_level(log::LevelFilter::Off);
        let Some(system) = SYSTEM.get() else { return };
        system.writer.stop();
        if let Some(thread) = self.thread.take() {
            // A log thread that panicked has said so itself; what is left is written below.
            let _ = thread.join();
        }
        system.writer.flush();
    }
}

impl Init {
    fn tree(&self, config: &LogConfig) -> Tree {
        let initial = OutputConfig::new(self.destination.clone());
        Tree::new(&self.root, self.is_verbose, &initial, config)
    }
}

/// Takes one enabled message on its way.
fn submit(call: Call<'_>) {
    if capture::keep(&call) {
        return;
    }
    if let Some(system) = SYSTEM.get() {
        system.writer.submit(&call);
    }
}
