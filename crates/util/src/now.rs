//! The time as an argument.
//!
//! A worker reads the clocks once per batch and hands the pair to everything it calls. Core crates never read a
//! clock themselves.

/// One reading of the monotonic and of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Monotonic nanoseconds from an arbitrary origin; never goes back. For intervals and rate limits.
    pub mono_ns: u64,
    /// Seconds since 1970-01-01 UTC; may jump. For lease times, which outlive the process.
    pub wall_s: i64,
}

impl Now {
    /// Builds a reading from seconds alone, for tests and simulations in which both clocks agree.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self { mono_ns: seconds * 1_000_000_000, wall_s: seconds as i64 }
    }

    /// The monotonic clock in whole seconds, for short memories.
    #[must_use]
    pub const fn mono_s(self) -> u32 {
        (self.mono_ns / 1_000_000_000) as u32
    }
}
