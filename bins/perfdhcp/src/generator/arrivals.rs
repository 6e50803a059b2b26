//! The moments at which messages of an open load should leave.
//!
//! Moments depend on the start, the rate and the seed alone, never on what happened: a slow server or a late generator
//! does not move them (no coordinated omission). Evenly spread moments are computed from their number, so nothing
//! adds up over a long run.

use util::Entropy;

use crate::generator::plan::Spacing;

/// A row of moments.
#[derive(Clone, Debug)]
pub struct Arrivals {
    start_ns: u64,
    interval_ns: f64,
    spacing: Spacing,
    /// Moments taken so far.
    count: u64,
    next_ns: f64,
}

impl Arrivals {
    /// Moments from `start_ns` on; none when the rate is 0.
    #[must_use]
    pub fn new(start_ns: u64, rate: f64, spacing: Spacing) -> Self {
        let interval_ns = if rate > 0.0 { 1e9 / rate } else { f64::INFINITY };
        let next_ns = if rate > 0.0 { 0.0 } else { f64::INFINITY };
        Self { start_ns, interval_ns, spacing, count: 0, next_ns }
    }

    /// The next moment; `None` when there is none.
    #[must_use]
    #[inline]
    pub fn next_ns(&self) -> Option<u64> {
        self.next_ns.is_finite().then(|| self.start_ns.saturating_add(self.next_ns as u64))
    }

    /// Goes on to the moment after the next.
    #[inline]
    pub fn advance(&mut self, entropy: &mut impl Entropy) {
        self.count += 1;
        self.next_ns = match self.spacing {
            Spacing::Even => self.count as f64 * self.interval_ns,
            Spacing::Poisson => {
                // 1 to 2^53, so that the logarithm is finite.
                let unit = ((entropy.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
                self.next_ns - unit.ln() * self.interval_ns
            }
        };
    }

    /// How many moments lie before `end_ns` and have not been taken; an estimate when they are random.
    #[must_use]
    pub fn left_before(&self, end_ns: u64) -> u64 {
        match self.next_ns() {
            Some(next_ns) if next_ns < end_ns => {
                ((end_ns - next_ns) as f64 / self.interval_ns).ceil() as u64
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arrivals;
    use crate::generator::plan::Spacing;
    use proptest::prelude::*;
    use util::SplitMix;

    #[test]
    fn no_rate_has_no_moments() {
        assert_eq!(Arrivals::new(5, 0.0, Spacing::Even).next_ns(), None);
    }

    #[test]
    fn random_moments_have_the_rate_and_the_spread_of_a_crowd() {
        let mut entropy = SplitMix::new(7);
        let mut arrivals = Arrivals::new(0, 1000.0, Spacing::Poisson);
        let mut per_second = [0u32; 100];
        while let Some(at) = arrivals.next_ns().filter(|at| *at < 100_000_000_000) {
            per_second[(at / 1_000_000_000) as usize] += 1;
            arrivals.advance(&mut entropy);
        }
        let mean = f64::from(per_second.iter().sum::<u32>()) / 100.0;
        let square = |count: &u32| (f64::from(*count) - mean).powi(2);
        let variance = per_second.iter().map(square).sum::<f64>() / 100.0;
        assert!((980.0..1020.0).contains(&mean), "{mean}");
        assert!((500.0..2000.0).contains(&variance), "{variance}: it is the mean for a crowd");
    }

    proptest! {
        #[test]
        fn even_moments_keep_their_rate_for_hours(rate in 1u32..200_000, hours in 0u64..100) {
            let mut arrivals = Arrivals::new(17, f64::from(rate), Spacing::Even);
            arrivals.count = hours * 3600 * u64::from(rate) - u64::from(hours > 0);
            if hours > 0 {
                arrivals.advance(&mut SplitMix::new(0));
            }
            let expected = 17 + hours * 3600 * 1_000_000_000;
            let at = arrivals.next_ns().unwrap();
            prop_assert!(at.abs_diff(expected) <= 100, "{at} instead of {expected}");
            let left = arrivals.left_before(at + 1_000_000_000);
            prop_assert!(left.abs_diff(u64::from(rate)) <= 1, "{left} in a second");
        }
    }
}
