//! How fast jobs come, and for how long more of them are waited for.
//!
//! A batch costs more than its jobs: a trip, a statement, perhaps a commit, and the turns of all threads that take part.
//! Carrying each job at once uses up the machine on small batches, and nothing is left to catch up after a delay, say by
//! the database's own clean-up. So while jobs come fast they gather for a moment. A job that comes when there is
//! little to do goes at once.

use std::time::{Duration, Instant};

/// Longest time for which jobs gather. An exchange waits for two or three batches, and for others with hosts in databases.
pub(crate) const GATHER_MAX: Duration = Duration::from_millis(2);
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
        let long = ended.saturating_duration_since(begin);
        let since = last.map_or(long, |last| ended.saturating_duration_since(last.ended));
        let before = last.map_or(0.0, |last| last.rate_at(ended));
        let rate = before + jobs as f64 / since.max(MEMORY).as_secs_f64();
        Self { jobs, long, ended, rate }
    }

    /// What is left of the rate after a while.
    fn rate_at(&self, now: Instant) -> f64 {
        let pause = now.saturating_duration_since(self.ended).as_secs_f64();
        self.rate * (1.0 - pause / MEMORY.as_secs_f64()).max(0.0)
    }

    /// How many jobs are waited for, for [`GATHER_MAX`] at most, when `waiting` are there and a batch takes `batch_max`.
    pub(crate) fn gather(&self, waiting: usize, batch_max: usize, now: Instant) -> Option<usize> {
        let expected = self.rate_at(now) * GATHER_MAX.as_secs_f64();
        let enough = ENOUGH.min(batch_max);
        let wanted = enough.min(waiting.saturating_add(expected.ceil() as usize));
        (waiting < enough && expected >= WORTH).then_some(wanted)
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
        for (jobs, period_us) in [(2, 100), (20, 1000), (200, 10_000), (400, 20_000)] {
            let (pace, now) = steady(jobs, Duration::from_micros(period_us));
            assert!((19_000.0..=21_000.0).contains(&pace.rate), "{jobs}: {}", pace.rate);
            assert_eq!(pace.gather(1, BATCH_MAX, now), Some(ENOUGH));
            assert_eq!(pace.gather(ENOUGH - 1, BATCH_MAX, now), Some(ENOUGH));
            assert_eq!(pace.gather(ENOUGH, BATCH_MAX, now), None, "that is enough");
            assert_eq!(pace.gather(1, 8, now), Some(8), "more are not taken");
            assert_eq!(pace.gather(8, 8, now), None);
        }
    }

    #[test]
    fn no_more_are_waited_for_than_are_likely_to_come() {
        let (pace, now) = steady(22, Duration::from_millis(10));
        assert_eq!(pace.gather(1, BATCH_MAX, now), Some(1 + 5), "2200 in a second");
        assert_eq!(pace.gather(22, BATCH_MAX, now), Some(ENOUGH));
    }

    #[test]
    fn with_little_to_do_everything_goes_at_once() {
        let (pace, now) = steady(19, Duration::from_millis(10));
        assert_eq!(pace.gather(1, BATCH_MAX, now), None, "1900 in a second");
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
        // A batch that took longer than what is remembered is all that counts, and so is the first one.
        let later = now + 3 * MEMORY;
        for last in [Some(pace), None] {
            assert_eq!(Pace::after(last, 57, now, later).gather(1, BATCH_MAX, later), None);
            assert!(Pace::after(last, 63, now, later).gather(1, BATCH_MAX, later).is_some());
        }
    }
}
