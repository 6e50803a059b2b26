//! Collecting messages in tests.
//!
//! Enables every message in the whole process (silently: without [`init`](crate::init) nothing is written) and keeps
//! those that the calling thread logs while a function runs. Threads do not see each other's messages, so tests can
//! run side by side.

use std::cell::RefCell;
use std::sync::Once;

use crate::Severity;
use crate::config::{Destination, LogConfig, OutputConfig, Tree};
use crate::writer::{Call, with_text};

/// A message that was logged during [`capture`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Short name of the logger.
    pub logger: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// Its id.
    pub id: &'static str,
    /// Its text.
    pub text: String,
}

static ENABLED: Once = Once::new();

thread_local! {
    static KEPT: RefCell<Option<Vec<Captured>>> = const { RefCell::new(None) };
}

/// Runs `work` and returns, with its result, what it logged on this thread. For tests; the levels of all loggers
/// stay at DEBUG 99 afterwards.
pub fn capture<R>(work: impl FnOnce() -> R) -> (R, Vec<Captured>) {
    ENABLED.call_once(|| {
        let nowhere = OutputConfig::new(Destination::Stdout);
        let tree = Tree::new("test", true, &nowhere, &LogConfig::default());
        crate::logger::set_thresholds(Some(tree));
    });
    let outer = KEPT.replace(Some(Vec::new()));
    let result = work();
    (result, KEPT.replace(outer).unwrap_or_default())
}

/// Keeps the call if this thread captures; tells whether it did.
pub(crate) fn keep(call: &Call<'_>) -> bool {
    if !ENABLED.is_completed() || !is_capturing() {
        return false;
    }
    let (logger, severity, id) = (call.logger.name(), call.severity, call.message.id);
    with_text(call, |text| {
        KEPT.with_borrow_mut(|kept| {
            kept.iter_mut().for_each(|kept| {
                kept.push(Captured { logger, severity, id, text: text.to_owned() });
            });
        });
    });
    true
}

fn is_capturing() -> bool {
    KEPT.try_with(|kept| kept.borrow().is_some()).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::{Captured, capture};
    use crate::{Logger, RateLimiter, Severity};

    static LEASES: Logger = Logger::new("leases");

    crate::messages! {
        TEST_ALLOC = (Info, "lease {} for {} seconds");
        TEST_TRACE = (Debug 99, "trace");
    }

    #[test]
    fn messages_of_this_thread_are_kept() {
        let ((), kept) = capture(|| {
            crate::log!(LEASES, TEST_ALLOC, "192.0.2.1", 60);
            crate::log!(LEASES, TEST_TRACE);
            std::thread::spawn(|| crate::log!(LEASES, TEST_TRACE)).join().unwrap();
        });
        crate::log!(LEASES, TEST_TRACE);
        let alloc = Captured {
            logger: "leases",
            severity: Severity::Info,
            id: "TEST_ALLOC",
            text: "lease 192.0.2.1 for 60 seconds".into(),
        };
        assert_eq!(kept.first(), Some(&alloc));
        assert_eq!(kept.iter().map(|one| one.id).collect::<Vec<_>>(), ["TEST_ALLOC", "TEST_TRACE"]);
    }

    #[test]
    fn limited_messages_tell_how_many_were_held_back() {
        static LIMITER: RateLimiter = RateLimiter::new(1, 1000);
        let ((), kept) = capture(|| {
            for now_ns in [0, 1, 2, 1000] {
                crate::log_limited!(LIMITER, now_ns, LEASES, TEST_ALLOC, "192.0.2.1", now_ns);
            }
        });
        let texts: Vec<_> = kept.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "lease 192.0.2.1 for 0 seconds",
                "lease 192.0.2.1 for 1000 seconds (2 similar messages suppressed)"
            ]
        );
    }
}
