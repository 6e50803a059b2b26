//! Latencies in buckets of 6 % width: recording is two instructions and a count, nothing is stored per sample.

/// Sub-buckets per power of two.
const STEPS: u64 = 16;

/// Distribution of durations.
#[derive(Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// An empty distribution.
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; 1024], total: 0 }
    }

    /// Adds one duration in nanoseconds.
    pub(crate) fn record(&mut self, nanoseconds: u64) {
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
    }

    /// The duration in microseconds that `share` (0 to 1) of the samples do not exceed; 0 without samples.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let wanted = ((self.total as f64 * share) as u64).min(self.total.saturating_sub(1));
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen > wanted {
                return lower_bound(at as u64) as f64 / 1000.0;
            }
        }
        0.0
    }
}

fn bucket(nanoseconds: u64) -> usize {
    if nanoseconds < STEPS {
        return nanoseconds as usize;
    }
    let exponent = u64::from(nanoseconds.ilog2()) - 4;
    ((exponent * STEPS) + (nanoseconds >> exponent)) as usize
}

fn lower_bound(bucket: u64) -> u64 {
    if bucket < 2 * STEPS {
        return bucket;
    }
    let exponent = bucket / STEPS - 1;
    (STEPS + bucket % STEPS) << exponent
}

#[cfg(test)]
mod tests {
    use super::{Histogram, bucket, lower_bound};

    #[test]
    fn buckets_are_contiguous_and_six_percent_wide() {
        for value in (0..2000).chain([1 << 20, (1 << 40) + 12345, u64::MAX]) {
            let low = lower_bound(bucket(value) as u64);
            assert!(low <= value, "{value} lies below its bucket {low}");
            assert!((value - low) as f64 <= value as f64 / 16.0, "{value} is far above {low}");
            assert!(bucket(value) < 1024);
        }
    }

    #[test]
    fn quantiles_follow_the_samples() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile_us(0.5), 0.0);
        for microseconds in 1..=1000 {
            histogram.record(microseconds * 1000);
        }
        assert!((470.0..=501.0).contains(&histogram.quantile_us(0.5)));
        assert!((930.0..=991.0).contains(&histogram.quantile_us(0.99)));
    }
}
