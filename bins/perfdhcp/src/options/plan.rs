//! From options to the plan of a run.

use crate::generator::plan::{Limits, Load, Plan, SECOND_NS, Spacing, Steps, WINDOW_MAX, Waiting};
use crate::options::Options;

/// Exchanges in progress without a rate.
const WINDOW: u32 = 64;
/// First rate of a search.
const FIND_RATE_FIRST: f64 = 1000.0;

impl Options {
    /// The plan; `listed`: how many clients a list (`-M`) has; `seed`: of everything that is drawn.
    #[must_use]
    pub fn plan(&self, listed: Option<u32>, seed: u64) -> Plan {
        let rate = self.rate.or(self.find_rate.map(|_| FIND_RATE_FIRST));
        let load = match rate {
            _ if self.avalanche => Load::Avalanche,
            Some(rate) => Load::Open { rate, spacing: self.spacing.unwrap_or(Spacing::Even) },
            None => Load::Closed { window: self.window.unwrap_or(WINDOW).min(WINDOW_MAX) },
        };
        let steps = match self.initial {
            true => Steps::Two { rapid_commit: self.rapid_commit },
            false => Steps::Four,
        };
        let first = self.drop_times_ns.first().copied().unwrap_or(SECOND_NS);
        let later = self.drop_times_ns.get(1).copied().unwrap_or(match self.drop_times_ns.len() {
            // Kea's program keeps its default for the second half.
            1 => SECOND_NS.max(first),
            _ => SECOND_NS,
        });
        let renew_rate = self.renew_rate.unwrap_or(0.0);
        let release_rate = self.release_rate.unwrap_or(0.0);
        let pair = |at: usize| (self.requests.get(at).copied(), self.drops_max.get(at).copied());
        let [(requests0, drops0), (requests1, drops1)] = [pair(0), pair(1)];
        let default_burst = Plan::new(load).burst;
        Plan {
            steps,
            renew_rate,
            release_rate,
            clients: listed.or(self.clients).unwrap_or(1).max(1),
            random_clients: listed.is_some(),
            patience_ns: [first, later],
            preload: self.preload,
            burst: self.aggressivity.unwrap_or(default_burst),
            check_unique: self.unique,
            keep_holders: renew_rate + release_rate > 0.0,
            one_server: self.one_server,
            keep_times: self.shows('t'),
            keep_leases: self.shows('l'),
            waiting: self
                .elapsed_after_ns
                .zip(self.elapsed_for_ns)
                .map(|(after_ns, for_ns)| Waiting { after_ns, for_ns }),
            limits: Limits {
                requests: [requests0, requests1],
                drops: [drops0, drops1],
                period_ns: self.period_ns,
                exit_wait_ns: self.exit_wait_ns,
            },
            seed,
            ..Plan::new(load)
        }
    }
}
