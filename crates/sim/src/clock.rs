//! The virtual clocks: a monotonic one that drives everything and a wall clock that may jump.

use util::Now;

/// Wall clock at the beginning of every run.
const BEGIN_S: i64 = 1_800_000_000;

/// Nanoseconds of a second and a millisecond.
pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const MS: u64 = 1_000_000;

/// Both clocks of the server's computer.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(crate) mono_ns: u64,
    offset_s: i64,
    /// The latest second that the wall clock has ever shown: a lease that was over then may be anybody's.
    pub(crate) wall_max: i64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { mono_ns: 0, offset_s: BEGIN_S, wall_max: BEGIN_S }
    }

    pub(crate) fn advance(&mut self, mono_ns: u64) {
        self.mono_ns = self.mono_ns.max(mono_ns);
        self.wall_max = self.wall_max.max(self.now().wall_s);
    }

    pub(crate) fn jump(&mut self, seconds: i64) {
        self.offset_s += seconds;
        self.wall_max = self.wall_max.max(self.now().wall_s);
    }

    pub(crate) fn now(&self) -> Now {
        let wall_s = self.offset_s + (self.mono_ns / SECOND) as i64;
        Now { mono_ns: self.mono_ns, wall_s }
    }
}
