//! How fast jobs come, and for how long more of them are waited for.
//!
//! A batch costs more than its jobs: a trip, a statement, perhaps a commit, and the turns of all threads that take part. Who
//! always carries at once what has come up spends on small batches what the machine has left, and then every delay, say
//! of the database's own clean-up, becomes a backlog that takes long to work off. So while jobs come fast they gather
//! for a moment. A job that comes when there is little to do goes at once.

use std::time::{Duration, Instant};

/// Longest time for which jobs gather. An exchange waits for two or three batches.
const GATHER_MAX: Duration = Duration::from_millis(2);
/// Jobs from which on a batch is large enough.
const ENOUGH: usize = 24;
/// Jobs that must be likely to come within [`GATHER_MAX`], or nothing is waited for.
const WORTH: f64 = 4.0;
/// Time over which the number of jobs is averaged.
const MEMORY: Duration = Duration::from_millis(10);

/// The pace of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Number of jobs of the last batch.
    pub(crate) jobs: usize,
    /// Time that it took.
    pub(crate) long: Duration,
    ended: Instant,
    /// Jobs in a second, lately.
    rate: f64,
}

impl Pace {
    /// The pace when a batch of `jobs` has been carried from `begin` until `ended`.
    pub(crate) fn after(last: Option<Self>, jobs: usize, begin: Instant, ended: Instant) -> Self {
        let before = last.map_or(0.0, |last| last.rate_at(ended));
        let rate = before + jobs as f64 / MEMORY.as_secs_f64();
        Self { jobs, long: ended.saturating_duration_since(begin), ended, rate }
    }

    /// What is left of the rate after a while.
    fn rate_at(&self, now: Instant) -> f64 {
        let pause = now.saturating_duration_since(self.ended).as_secs_f64();
        self.rate * (1.0 - pause / MEMORY.as_secs_f64()).max(0.0)
    }

    /// How many jobs are waited for, and for how long at most, when so many are there and a batch takes `batch_max`.
    pub(crate) fn gather(
        &self,
        waiting: usize,
        batch_max: usize,
        now: Instant,
    ) -> Option<(usize, Duration)> {
        let enough = ENOUGH.min(batch_max);
        let expected = self.rate_at(now) * GATHER_MAX.as_secs_f64();
        (waiting < enough && expected >= WORTH).then_some((enough, GATHER_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH_MAX: usize = 100;

    /// The pace after a tenth of a second of batches, and its end.
    fn steady(jobs: usize, period: Duration) -> (Pace, Instant) {
        let (mut now, mut pace) = (Instant::now(), None);
        let end = now + Duration::from_millis(100);
        while now < end {
            let begin = now;
            now += period;
            pace = Some(Pace::after(pace, jobs, begin, now));
        }
        (pace.unwrap(), now)
    }

    #[test]
    fn jobs_gather_while_they_come_fast() {
        for (jobs, period_us) in [(1, 100), (10, 1000), (100, 10_000)] {
            let (pace, now) = steady(jobs, Duration::from_micros(period_us));
            assert!((9_000.0..=11_000.0).contains(&pace.rate), "{jobs}: {}", pace.rate);
            assert_eq!(pace.gather(1, BATCH_MAX, now), Some((ENOUGH, GATHER_MAX)));
            assert_eq!(pace.gather(ENOUGH - 1, BATCH_MAX, now), Some((ENOUGH, GATHER_MAX)));
            assert_eq!(pace.gather(ENOUGH, BATCH_MAX, now), None, "that is enough");
            assert_eq!(pace.gather(1, 8, now), Some((8, GATHER_MAX)), "more are not taken");
            assert_eq!(pace.gather(8, 8, now), None);
        }
    }

    #[test]
    fn with_little_to_do_everything_goes_at_once() {
        let (pace, now) = steady(1, Duration::from_millis(1));
        assert_eq!(pace.gather(1, BATCH_MAX, now), None, "1000 in a second");
        let (begin, now) = (Instant::now(), Instant::now() + Duration::from_millis(1));
        let pace = Pace::after(None, 3, begin, now);
        assert_eq!(pace.gather(1, BATCH_MAX, now), None, "a few after a pause");
        assert_eq!((pace.jobs, pace.long), (3, now - begin));
    }

    #[test]
    fn a_pause_ends_it() {
        let (pace, now) = steady(10, Duration::from_millis(1));
        assert!(pace.gather(1, BATCH_MAX, now + Duration::from_millis(2)).is_some());
        assert_eq!(pace.gather(1, BATCH_MAX, now + MEMORY), None);
        // A batch that took longer than that says how many there were.
        let later = now + 3 * MEMORY;
        assert_eq!(Pace::after(Some(pace), 1, now, later).gather(1, BATCH_MAX, later), None);
        assert!(Pace::after(Some(pace), 60, now, later).gather(1, BATCH_MAX, later).is_some());
    }
}
