//! Waiting for conditions with a deadline, instead of sleeping for a guessed time.

use std::time::{Duration, Instant};

/// Pause between two looks at a condition.
const POLL: Duration = Duration::from_millis(10);

/// Polls `condition` until it holds; returns the time that took, or `None` when `limit` passed.
pub fn within(limit: Duration, mut condition: impl FnMut() -> bool) -> Option<Duration> {
    let start = Instant::now();
    loop {
        if condition() {
            return Some(start.elapsed());
        }
        if start.elapsed() > limit {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

/// Polls `condition` until it holds and panics with `what` after `limit`.
#[track_caller]
pub fn until(limit: Duration, what: &str, condition: impl FnMut() -> bool) -> Duration {
    match within(limit, condition) {
        Some(took) => took,
        None => panic!("not within {limit:?}: {what}"),
    }
}

/// A number of seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
