//! The handle that call sites hold, and the register of all handles.
//!
//! A [`Logger`] is a `static` with its short name. The first use enters it into the register and looks up its
//! threshold; from then on the question "is this enabled" is one relaxed load and one comparison. A new
//! configuration stores new thresholds into all registered handles. Before [`init`](crate::init) nothing is enabled,
//! so that library code and simulations run silently.

use std::fmt::Display;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config::Tree;
use crate::message::Message;
use crate::severity::{Severity, UNREGISTERED};
use crate::writer::Call;

/// One node of the logger tree, declared as a `static` by the crate that logs through it.
#[derive(Debug)]
pub struct Logger {
    name: &'static str,
    threshold: AtomicU8,
    /// Place in the register, valid once the threshold is known.
    index: AtomicU32,
}

impl Logger {
    /// Declares a logger by its short name, such as `leases`; the empty name is the daemon's root.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, threshold: AtomicU8::new(UNREGISTERED), index: AtomicU32::new(0) }
    }

    /// Returns the short name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Tells whether a message of this severity and debug level would be written.
    #[inline]
    #[must_use]
    pub fn is_enabled(&'static self, severity: Severity, debug_level: u8) -> bool {
        self.is_rank_enabled(severity.rank(debug_level))
    }

    /// Tells whether a message of this [rank](Message::rank) would be written.
    #[inline]
    #[must_use]
    pub fn is_rank_enabled(&'static self, rank: u8) -> bool {
        let threshold = self.threshold.load(Ordering::Relaxed);
        rank < threshold && (threshold != UNREGISTERED || rank < self.register())
    }

    /// Writes a message whether it is enabled or not; [`log!`](crate::log) asks first.
    #[cold]
    #[inline(never)]
    pub fn write(&'static self, message: &'static Message, values: &[&dyn Display]) {
        crate::submit(Call {
            logger: self,
            message,
            severity: message.severity,
            values,
            suppressed: 0,
        });
    }

    /// Like [`Logger::write`], and mentions how many like it were suppressed since the last one.
    #[cold]
    #[inline(never)]
    pub fn write_limited(
        &'static self,
        message: &'static Message,
        values: &[&dyn Display],
        suppressed: u64,
    ) {
        crate::submit(Call {
            logger: self,
            message,
            severity: message.severity,
            values,
            suppressed,
        });
    }

    /// Returns the place in the register, below the number of handles that exist.
    pub(crate) fn index(&'static self) -> usize {
        if self.threshold.load(Ordering::Acquire) == UNREGISTERED {
            self.register();
        }
        self.index.load(Ordering::Relaxed) as usize
    }

    /// Enters the handle into the register and returns its threshold.
    #[cold]
    fn register(&'static self) -> u8 {
        let mut register = register();
        let known = self.threshold.load(Ordering::Relaxed);
        if known != UNREGISTERED {
            return known;
        }
        self.index
            .store(u32::try_from(register.loggers.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        register.loggers.push(self);
        let threshold = register.tree.as_ref().map_or(0, |tree| tree.threshold(self.name));
        self.threshold.store(threshold, Ordering::Release);
        threshold
    }
}

#[derive(Debug)]
struct Register {
    loggers: Vec<&'static Logger>,
    /// Absent before initialisation and after shutdown.
    tree: Option<Tree>,
}

static REGISTER: Mutex<Register> = Mutex::new(Register { loggers: Vec::new(), tree: None });

fn register() -> MutexGuard<'static, Register> {
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives every handle the threshold that `tree` says; without a tree nothing is enabled any more.
pub(crate) fn set_thresholds(tree: Option<Tree>) {
    let mut register = register();
    for logger in &register.loggers {
        let threshold = tree.as_ref().map_or(0, |tree| tree.threshold(logger.name));
        logger.threshold.store(threshold, Ordering::Release);
    }
    register.tree = tree;
}

/// Compile-time check of a call: as many values as the text has places.
#[doc(hidden)]
pub const fn check_values(message: &Message, given: usize) {
    assert!(message.value_count() == given, "the text asks for another number of values");
}

/// Logs a message of a table through a logger, with the values that its text asks for.
///
/// Values are evaluated only if the message is enabled; they must implement `Display`. The number of values is
/// checked by the compiler.
///
/// ```
/// static LEASES: kea_log::Logger = kea_log::Logger::new("leases");
/// kea_log::messages! { DHCP4_RELEASE = (Info, "{}: address {} was released"); }
/// kea_log::log!(LEASES, DHCP4_RELEASE, "[hwtype=1 00:0c:01:02:03:04]", "192.0.2.1");
/// ```
#[macro_export]
macro_rules! log {
    ($logger:expr, $message:path $(, $value:expr)* $(,)?) => {{
        const {
            $crate::check_values(&$message, <[&str]>::len(&[$(stringify!($value)),*]));
        }
        let logger: &'static $crate::Logger = &$logger;
        if logger.is_rank_enabled(const { $message.rank() }) {
            logger.write(&$message, &[$(&$value),*]);
        }
    }};
}

/// Logs like [`log!`](crate::log) if the [`RateLimiter`](crate::RateLimiter) lets the message pass at the given
/// monotonic time in nanoseconds; the next line that passes says how many did not.
///
/// ```
/// static REFUSED: kea_log::RateLimiter = kea_log::RateLimiter::new(10, 1_000_000_000);
/// static PACKETS: kea_log::Logger = kea_log::Logger::new("bad-packets");
/// kea_log::messages! { DHCP4_QUERY_DROPPED = (Info, "{}: dropped, {}"); }
/// kea_log::log_limited!(REFUSED, 5_000, PACKETS, DHCP4_QUERY_DROPPED, "client", "no subnet");
/// ```
#[macro_export]
macro_rules! log_limited {
    ($limiter:expr, $now_ns:expr, $logger:expr, $message:path $(, $value:expr)* $(,)?) => {{
        const {
            $crate::check_values(&$message, <[&str]>::len(&[$(stringify!($value)),*]));
        }
        let logger: &'static $crate::Logger = &$logger;
        if logger.is_rank_enabled(const { $message.rank() }) {
            if let Some(suppressed) = $limiter.admit(&$message, $now_ns) {
                logger.write_limited(&$message, &[$(&$value),*], suppressed);
            }
        }
    }};
}
