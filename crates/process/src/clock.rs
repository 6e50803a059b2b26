//! The clocks of the real world.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use util::Now;

/// Reads both clocks; one per thread.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock {
    /// The present.
    #[must_use]
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono_ns: self.origin.elapsed().as_nanos() as u64, wall_s: wall.as_secs() as i64 }
    }
}
