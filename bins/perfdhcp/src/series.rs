//! The course of a run: points in time with rate, drops and latency, for the plot and the JSON document.
//!
//! The number of points is bounded: when there are [`POINTS_MAX`], neighbours are joined and points are taken half as
//! often from then on. A joined point has the sum of the counts, the greater of the high quantiles and the mean of the
//! medians.

use crate::histogram::Histogram;

/// Most points.
pub const POINTS_MAX: usize = 1200;
/// Distance of the first points.
pub const STEP_NS: u64 = 100_000_000;

/// What happened in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Exchanges begun.
    pub begun: u64,
    /// Exchanges completed.
    pub completed: u64,
    /// Messages given up.
    pub dropped: u64,
    /// Median of the time of whole exchanges, in nanoseconds.
    pub p50_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// Greatest.
    pub max_ns: u64,
}

impl Point {
    fn join(self, next: Self) -> Self {
        let total = (self.completed + next.completed).max(1);
        let weighted = u128::from(self.p50_ns) * u128::from(self.completed)
            + u128::from(next.p50_ns) * u128::from(next.completed);
        Self {
            begun: self.begun + next.begun,
            completed: self.completed + next.completed,
            dropped: self.dropped + next.dropped,
            p50_ns: (weighted / u128::from(total)) as u64,
            p99_ns: self.p99_ns.max(next.p99_ns),
            max_ns: self.max_ns.max(next.max_ns),
        }
    }
}

/// The points of a run.
#[derive(Clone, Debug)]
pub struct Series {
    points: Vec<Point>,
    step_ns: u64,
    due_ns: u64,
    latency: Histogram,
    /// Counts at the last point.
    counted: [u64; 3],
}

impl Series {
    /// No points yet; the first step begins at `start_ns`.
    #[must_use]
    pub fn new(start_ns: u64) -> Self {
        Self {
            points: Vec::with_capacity(POINTS_MAX),
            step_ns: STEP_NS,
            due_ns: start_ns + STEP_NS,
            latency: Histogram::new(),
            counted: [0; 3],
        }
    }

    /// Notes the time of a whole exchange.
    #[inline]
    pub fn record(&mut self, nanoseconds: u64) {
        self.latency.record(nanoseconds);
    }

    /// When the next point is due.
    #[must_use]
    #[inline]
    pub fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// Makes the points that are due; `counts` are exchanges begun, completed, and messages given up until now.
    pub fn sample(&mut self, now_ns: u64, counts: [u64; 3]) {
        while now_ns >= self.due_ns {
            self.push(counts);
            self.due_ns += self.step_ns;
        }
    }

    /// Makes a last point of what is left.
    pub fn finish(&mut self, counts: [u64; 3]) {
        if counts != self.counted {
            self.push(counts);
        }
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Distance of the points in nanoseconds.
    #[must_use]
    pub fn step_ns(&self) -> u64 {
        self.step_ns
    }

    fn push(&mut self, counts: [u64; 3]) {
        let [begun, completed, dropped] = counts;
        let [begun_before, completed_before, dropped_before] = self.counted;
        let point = Point {
            begun: begun - begun_before,
            completed: completed - completed_before,
            dropped: dropped - dropped_before,
            p50_ns: self.latency.quantile_ns(0.5),
            p99_ns: self.latency.quantile_ns(0.99),
            max_ns: self.latency.max_ns(),
        };
        self.counted = counts;
        if !self.latency.is_empty() {
            self.latency.clear();
        }
        if self.points.len() == POINTS_MAX {
            for at in 0..POINTS_MAX / 2 {
                if let Some([one, two]) = self.points.get(2 * at..2 * at + 2) {
                    let joined = one.join(*two);
                    if let Some(to) = self.points.get_mut(at) {
                        *to = joined;
                    }
                }
            }
            self.points.truncate(POINTS_MAX / 2);
            self.step_ns *= 2;
        }
        self.points.push(point);
    }
}

#[cfg(test)]
mod tests {
    use super::{POINTS_MAX, STEP_NS, Series};

    #[test]
    fn points_are_joined_when_there_are_too_many() {
        let mut series = Series::new(0);
        for n in 1..=POINTS_MAX as u64 * 3 {
            series.record(n);
            series.sample(n * STEP_NS, [n, n, 0]);
        }
        series.finish([POINTS_MAX as u64 * 3, POINTS_MAX as u64 * 3, 0]);
        let points = series.points();
        assert!(points.len() <= POINTS_MAX && series.step_ns() == 4 * STEP_NS);
        let total: u64 = points.iter().map(|point| point.completed).sum();
        assert_eq!(total, POINTS_MAX as u64 * 3);
        assert!(points.iter().all(|point| point.max_ns >= point.p50_ns));
    }

    #[test]
    fn last_point_holds_the_rest() {
        let mut series = Series::new(0);
        series.sample(STEP_NS, [3, 2, 0]);
        series.record(7);
        series.finish([4, 3, 1]);
        series.finish([4, 3, 1]);
        let last = series.points().last().unwrap();
        assert_eq!((series.points().len(), last.begun, last.dropped, last.max_ns), (2, 1, 1, 7));
    }
}
