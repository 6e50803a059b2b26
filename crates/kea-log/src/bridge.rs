//! What libraries say through the `log` facade, written by the daemon's root logger.
//!
//! `trace` is DEBUG 99, `debug` is DEBUG 50; the others keep their severity. Our own code does not use the facade.

use log::{LevelFilter, Log, Metadata, Record};

use crate::messages::LOG_LIBRARY_MESSAGE;
use crate::severity::Severity;
use crate::writer::Call;

struct Bridge;

static BRIDGE: Bridge = Bridge;

/// Makes the bridge the process-wide receiver, unless there is another already.
pub(crate) fn install() {
    // Somebody else's receiver stays: that can only be a test harness.
    let _ = log::set_logger(&BRIDGE);
}

/// Tells the facade how much the root logger wants, so that libraries do not prepare more.
pub(crate) fn adjust() {
    let wanted = [LevelFilter::Trace, LevelFilter::Debug, LevelFilter::Info, LevelFilter::Warn]
        .into_iter()
        .find(|filter| filter.to_level().is_some_and(is_enabled))
        .unwrap_or(LevelFilter::Error);
    log::set_max_level(wanted);
}

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_enabled(metadata.level())
    }

    fn log(&self, record: &Record<'_>) {
        if !is_enabled(record.level()) {
            return;
        }
        crate::submit(Call {
            logger: &crate::ROOT,
            message: &LOG_LIBRARY_MESSAGE,
            severity: severity(record.level()).0,
            values: &[&record.target(), record.args()],
            suppressed: 0,
        });
    }

    fn flush(&self) {
        crate::flush();
    }
}

fn is_enabled(level: log::Level) -> bool {
    let (severity, debug_level) = severity(level);
    crate::ROOT.is_enabled(severity, debug_level)
}

const fn severity(level: log::Level) -> (Severity, u8) {
    match level {
        log::Level::Error => (Severity::Error, 0),
        log::Level::Warn => (Severity::Warn, 0),
        log::Level::Info => (Severity::Info, 0),
        log::Level::Debug => (Severity::Debug, 50),
        log::Level::Trace => (Severity::Debug, 99),
    }
}
