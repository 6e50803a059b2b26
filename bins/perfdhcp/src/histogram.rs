//! Distribution of durations in buckets of 3 % width: recording is two instructions and a count, nothing is stored
//! per sample.
//!
//! Durations are nanoseconds, from 0 to what 64 bits hold. The greatest one is kept exactly; a quantile is the middle
//! of its bucket, so it is wrong by 1.6 % at most.

/// Buckets per power of two.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.ilog2();
/// Buckets of 64-bit durations.
const BUCKETS: usize = (STEPS as usize) * (65 - STEP_BITS as usize);

/// A distribution of durations.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty distribution.
    #[must_use]
    pub fn new() -> Self {
        Self { counts: vec![0; BUCKETS].into_boxed_slice(), total: 0, max: 0 }
    }

    /// Adds one duration in nanoseconds.
    #[inline]
    pub fn record(&mut self, nanoseconds: u64) {
        if let Some(count) = self.counts.get_mut(bucket(nanoseconds)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(nanoseconds);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
        self.max = 0;
    }

    /// Number of durations.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether there is no duration.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The greatest duration in nanoseconds; 0 without any.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.max
    }

    /// The duration in nanoseconds that `share` (0 to 1) of all do not exceed; 0 without any.
    #[must_use]
    pub fn quantile_ns(&self, share: f64) -> u64 {
        let wanted = ((self.total as f64 * share) as u64).min(self.total.saturating_sub(1));
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen > wanted {
                let low = lower_bound(at as u64);
                return (low + width(at as u64) / 2).min(self.max);
            }
        }
        0
    }

    /// As [`Self::quantile_ns`] in microseconds.
    #[must_use]
    pub fn quantile_us(&self, share: f64) -> f64 {
        self.quantile_ns(share) as f64 / 1000.0
    }
}

#[inline]
fn bucket(nanoseconds: u64) -> usize {
    if nanoseconds < STEPS {
        return nanoseconds as usize;
    }
    let exponent = u64::from(nanoseconds.ilog2() - STEP_BITS);
    ((exponent * STEPS) + (nanoseconds >> exponent)) as usize
}

fn lower_bound(bucket: u64) -> u64 {
    if bucket < 2 * STEPS {
        return bucket;
    }
    let exponent = bucket / STEPS - 1;
    (STEPS + bucket % STEPS) << exponent
}

fn width(bucket: u64) -> u64 {
    if bucket < 2 * STEPS { 1 } else { 1 << (bucket / STEPS - 1) }
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket, lower_bound, width};

    #[test]
    fn buckets_are_contiguous_and_three_percent_wide() {
        for value in (0..5000).chain([1 << 20, (1 << 40) + 12345, u64::MAX]) {
            let at = bucket(value);
            let low = lower_bound(at as u64);
            assert!(low <= value, "{value} lies below its bucket {low}");
            assert!(value - low < width(at as u64), "{value} lies above the bucket {low}");
            assert!((value - low) as f64 <= value as f64 / 32.0, "{value} is far above {low}");
            assert!(at < BUCKETS);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_follow_the_samples() {
        let mut histogram = Histogram::new();
        assert_eq!((histogram.quantile_ns(0.5), histogram.max_ns()), (0, 0));
        for microseconds in 1..=1000 {
            histogram.record(microseconds * 1000);
        }
        assert!((490.0..=512.0).contains(&histogram.quantile_us(0.5)));
        assert!((970.0..=1000.0).contains(&histogram.quantile_us(0.99)));
        assert_eq!(histogram.max_ns(), 1_000_000);
        assert!(histogram.quantile_ns(1.0) <= 1_000_000);
    }

    #[test]
    fn cleared_distribution_is_empty() {
        let mut histogram = Histogram::new();
        histogram.record(7_000);
        assert_eq!((histogram.len(), histogram.max_ns()), (1, 7_000));
        histogram.clear();
        assert!(histogram.is_empty());
    }
}
