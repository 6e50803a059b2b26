//! Telling what a database refuses. What clients can cause again and again must not fill the log.

use std::sync::LazyLock;
use std::time::Instant;

use kea_log::RateLimiter;

use crate::messages::DATABASE_LEASE_UNFIT;
use crate::{DbError, LinkEvent};

/// So many at once, then one in a second. The tests of a process share the limit, and each wants to hear of its own.
const AT_ONCE: u32 = if cfg!(test) { 1_000_000 } else { 20 };
static LIMITER: RateLimiter = RateLimiter::new(AT_ONCE, 1_000_000_000);
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A time for limiters.
pub(crate) fn now_ns() -> u64 {
    u64::try_from(BEGINNING.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Tells of something that was refused, unless there are too many.
pub(crate) fn tell(tell: &dyn Fn(LinkEvent), error: DbError) {
    // The message stands for all: the owner chooses one for each event.
    if LIMITER.admit(&DATABASE_LEASE_UNFIT, now_ns()).is_some() {
        tell(LinkEvent::Refused(error));
    }
}
