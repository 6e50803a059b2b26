//! The search for the highest rate with at most a given share of losses.
//!
//! A state machine that proposes a trial and is told its result. The rate doubles until a trial fails (or halves until
//! one passes), then the interval is halved geometrically down to 5 %, then the best rate is tried again until its loss,
//! over all trials at that rate, is known well enough: the 95 % interval (Wilson) must lie below the limit. If that does
//! not come about, the rate goes down by 5 % (then 10, 20 ...) and is tried in the same way.
//!
//! A trial in which the generator could not keep the rate counts as failed, and is marked as such: what was found then
//! is a lower bound for the server.

/// Bisection ends when the failed rate is this many times the passed one.
const RESOLUTION: f64 = 1.05;
/// Trials at the rate that is found.
const CONFIRM_TRIALS: usize = 3;
/// Most trials of one rate.
const CONFIRM_TRIALS_MAX: usize = 6;
/// Most steps down while confirming.
const STEPS_DOWN_MAX: usize = 8;
/// Lowest and highest rates that are tried.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=1e7;
/// Quantile of the normal distribution for 95 %.
const Z: f64 = 1.96;

/// What a trial showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Exchanges per second.
    pub rate: f64,
    /// Exchanges begun.
    pub begun: u64,
    /// Exchanges that were not completed.
    pub lost: u64,
    /// Whether the generator could not keep the rate.
    pub is_generator_limit: bool,
    /// Whether the loss was within the limit; set by the search.
    pub passed: bool,
}

/// What the search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The highest rate; `None` when not even the lowest passed.
    pub rate: Option<f64>,
    /// Share of losses at that rate.
    pub loss: f64,
    /// 95 % interval of that share.
    pub interval: (f64, f64),
    /// Whether the interval lies within the limit.
    pub is_confirmed: bool,
    /// The lowest rate that failed.
    pub failed_rate: Option<f64>,
    /// Whether rates above failed by the generator's fault.
    pub is_generator_limit: bool,
    /// All trials.
    pub trials: Vec<Trial>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Grow,
    Shrink,
    Bisect,
    Confirm { steps_down: usize },
    Done { is_confirmed: bool },
}

/// A search in progress.
#[derive(Clone, Debug)]
pub struct Search {
    loss_max: f64,
    rate: f64,
    passed: Option<f64>,
    failed: Option<f64>,
    phase: Phase,
    trials: Vec<Trial>,
}

impl Search {
    /// A search that begins at `first_rate`.
    #[must_use]
    pub fn new(loss_max: f64, first_rate: f64) -> Self {
        let rate = first_rate.clamp(*RATES.start(), *RATES.end());
        Self { loss_max, rate, passed: None, failed: None, phase: Phase::Grow, trials: Vec::new() }
    }

    /// The rate to try next; `None` when the search is over.
    #[must_use]
    pub fn next_rate(&self) -> Option<f64> {
        (!matches!(self.phase, Phase::Done { .. })).then_some(self.rate)
    }

    /// Takes the result of the trial that was proposed.
    pub fn feed(&mut self, trial: Trial) {
        let passed = !trial.is_generator_limit
            && trial.begun > 0
            && trial.lost as f64 <= trial.begun as f64 * self.loss_max;
        self.trials.push(Trial { passed, ..trial });
        match self.phase {
            Phase::Grow | Phase::Shrink | Phase::Bisect => {
                if passed {
                    self.passed = Some(self.rate);
                } else {
                    self.failed = Some(self.rate);
                }
                self.narrow(passed);
            }
            Phase::Confirm { steps_down } => self.confirm(steps_down),
            Phase::Done { .. } => {}
        }
    }

    /// The last trial.
    #[must_use]
    pub fn last(&self) -> Option<&Trial> {
        self.trials.last()
    }

    /// The result, once the search is over.
    #[must_use]
    pub fn found(&self) -> Found {
        let rate = self.passed;
        let (begun, lost) = self.totals(rate.unwrap_or(0.0));
        let limits = |trial: &Trial| trial.is_generator_limit && Some(trial.rate) == self.failed;
        Found {
            rate,
            loss: if begun == 0 { 0.0 } else { lost as f64 / begun as f64 },
            interval: wilson(begun, lost),
            is_confirmed: self.phase == Phase::Done { is_confirmed: true },
            failed_rate: self.failed,
            is_generator_limit: self.trials.iter().any(limits),
            trials: self.trials.clone(),
        }
    }

    fn narrow(&mut self, passed: bool) {
        self.phase = match (self.passed, self.failed) {
            (Some(low), Some(high)) if high / low <= RESOLUTION => {
                self.rate = low;
                return self.confirm(0);
            }
            (Some(low), Some(high)) => {
                self.rate = (low * high).sqrt();
                Phase::Bisect
            }
            (Some(low), None) if low >= *RATES.end() => return self.confirm(0),
            (_, None) => {
                self.rate = (self.rate * 2.0).min(*RATES.end());
                Phase::Grow
            }
            (None, Some(_)) if self.rate <= *RATES.start() => Phase::Done { is_confirmed: false },
            (None, Some(_)) => {
                debug_assert!(!passed);
                self.rate = (self.rate / 2.0).max(*RATES.start());
                Phase::Shrink
            }
        };
    }

    /// Goes on trying the best rate, or a lower one, or ends.
    fn confirm(&mut self, steps_down: usize) {
        let at_rate = self.trials.iter().filter(|trial| trial.rate == self.rate);
        let (count, limited) = at_rate.fold((0, false), |(count, limited), trial| {
            (count + 1, limited || trial.is_generator_limit)
        });
        let (begun, lost) = self.totals(self.rate);
        let (low, high) = wilson(begun, lost);
        let within = if self.loss_max == 0.0 { lost == 0 } else { high <= self.loss_max };
        let beyond = if self.loss_max == 0.0 { lost > 0 } else { low > self.loss_max };
        self.passed = Some(self.rate);
        self.phase = if within && !limited && count >= CONFIRM_TRIALS {
            Phase::Done { is_confirmed: true }
        } else if !beyond && !limited && count < CONFIRM_TRIALS_MAX {
            Phase::Confirm { steps_down }
        } else if steps_down < STEPS_DOWN_MAX && self.rate > *RATES.start() {
            self.failed = Some(self.rate);
            // Each step is twice as long as the last one: what holds is found even where noise has misled the search.
            let step = RESOLUTION.powi(1 << steps_down);
            self.rate = (self.rate / step).max(*RATES.start());
            self.passed = Some(self.rate);
            Phase::Confirm { steps_down: steps_down + 1 }
        } else {
            if beyond || limited {
                // Not even the last step down held.
                self.passed = None;
            }
            Phase::Done { is_confirmed: false }
        };
    }

    /// Exchanges begun and lost in all trials at a rate.
    fn totals(&self, rate: f64) -> (u64, u64) {
        let at_rate = self.trials.iter().filter(|trial| trial.rate == rate);
        at_rate.fold((0, 0), |(begun, lost), trial| (begun + trial.begun, lost + trial.lost))
    }
}

/// The 95 % interval of a share (Wilson): right for shares near 0, too.
#[must_use]
pub fn wilson(all: u64, hits: u64) -> (f64, f64) {
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (all as f64, hits as f64 / all as f64);
    let z2 = Z * Z;
    let middle = share + z2 / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::{Found, Search, Trial, wilson};
    use proptest::prelude::*;
    use util::{Entropy, SplitMix};

    /// A server that loses what is above its capacity, and a little always.
    fn search(capacity: f64, base_loss: f64, loss_max: f64, own_max: f64, seed: u64) -> Found {
        let mut entropy = SplitMix::new(seed);
        let mut search = Search::new(loss_max, 1000.0);
        let mut trials = 0;
        while let Some(rate) = search.next_rate() {
            let begun = (rate * 2.0).max(1.0) as u64;
            let share = base_loss + (1.0 - capacity / rate).max(0.0);
            let draw = |entropy: &mut SplitMix| {
                (entropy.below(1 << 30) as f64) < share * (1u64 << 30) as f64
            };
            let lost = (0..begun).filter(|_| draw(&mut entropy)).count() as u64;
            let is_generator_limit = rate > own_max;
            search.feed(Trial { rate, begun, lost, is_generator_limit, passed: false });
            trials += 1;
            assert!(trials < 150, "it does not end");
        }
        search.found()
    }

    #[test]
    fn capacity_is_found_and_confirmed() {
        let found = search(20_000.0, 0.0001, 0.01, 1e9, 1);
        let rate = found.rate.unwrap();
        assert!(found.is_confirmed && (18_000.0..20_300.0).contains(&rate), "{found:?}");
        assert!(found.interval.1 <= 0.01 && found.failed_rate.unwrap() > rate);
        let slow = search(3.0, 0.0, 0.0, 1e9, 1).rate.unwrap();
        assert!((2.5..3.2).contains(&slow), "{slow}");
    }

    #[test]
    fn limit_of_the_generator_is_told() {
        let found = search(1e9, 0.0, 0.01, 50_000.0, 1);
        assert!(found.is_generator_limit && found.rate.unwrap() <= 50_000.0, "{found:?}");
    }

    #[test]
    fn server_that_never_answers_has_no_rate() {
        let found = search(1e9, 1.0, 0.01, 1e9, 1);
        assert_eq!((found.rate, found.is_confirmed), (None, false));
    }

    #[test]
    fn server_that_breaks_down_for_good_has_no_rate() {
        let mut search = Search::new(0.01, 1000.0);
        let mut is_broken = false;
        while let Some(rate) = search.next_rate() {
            is_broken |= rate > 5000.0;
            let lost = if is_broken { 1000 } else { 0 };
            let is_generator_limit = false;
            search.feed(Trial { rate, begun: 1000, lost, is_generator_limit, passed: false });
        }
        let found = search.found();
        assert_eq!((found.rate, found.is_confirmed), (None, false), "{found:?}");
    }

    #[test]
    fn intervals_are_those_of_wilson() {
        let (low, high) = wilson(100, 10);
        assert!((low - 0.0552).abs() < 1e-3 && (high - 0.1744).abs() < 1e-3, "{low} {high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        assert!(wilson(1000, 0).0 == 0.0 && wilson(1000, 0).1 < 0.004);
    }

    proptest! {
        #[test]
        fn search_ends_within_its_bounds(
            capacity in 1.0f64..30_000.0, loss_max in 0.0f64..0.2, base in 0.0f64..0.05, seed in any::<u64>()
        ) {
            let found = search(capacity, base, loss_max, 1e9, seed);
            if let Some(rate) = found.rate.filter(|_| found.is_confirmed) {
                // Not above what the server bears with that loss.
                prop_assert!(rate <= capacity / (1.0 - loss_max) * 1.1 + 1.0, "{rate}");
            }
        }
    }
}
