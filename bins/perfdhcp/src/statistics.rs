//! The counts of a run: per exchange, and of answers that must not be.
//!
//! Plain data; the generator adds to it, reports read it. Delays are kept twice: from the moment of sending (minimum,
//! mean, deviation: the figures of Kea's report), and from the moment when the message should have been sent
//! (distribution), which is what a client of an independent crowd waits for.

use crate::histogram::Histogram;
use crate::protocol::Exchange;

/// Counts of one exchange.
#[derive(Clone, Debug, Default)]
pub struct ExchangeCounts {
    /// Messages sent; what is sent again counts once.
    pub sent: u64,
    /// Messages sent again.
    pub resent: u64,
    /// Messages answered in time.
    pub received: u64,
    /// Messages given up.
    pub given_up: u64,
    /// Messages that still waited when the run ended.
    pub unanswered: u64,
    /// Answers that belong to no exchange in progress.
    pub orphans: u64,
    /// Answers without what was asked for: refusals, no address, an error status.
    pub rejected: u64,
    /// Answers with an address that another client holds.
    pub non_unique: u64,
    /// Delays from the moment of sending.
    pub delay: Delay,
    /// Delays from the moment when the message should have been sent.
    pub latency: Histogram,
}

impl ExchangeCounts {
    /// Messages without an answer.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.given_up + self.unanswered
    }
}

/// Minimum, maximum, mean and deviation of delays in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Delay {
    /// The shortest; `u64::MAX` without any.
    pub min_ns: u64,
    /// The longest.
    pub max_ns: u64,
    count: u64,
    mean: f64,
    /// Sum of the squares of distances from the mean.
    squares: f64,
}

impl Default for Delay {
    fn default() -> Self {
        Self { min_ns: u64::MAX, max_ns: 0, count: 0, mean: 0.0, squares: 0.0 }
    }
}

impl Delay {
    /// Adds a delay (Welford's method: no cancellation, however many there are).
    #[inline]
    pub fn record(&mut self, nanoseconds: u64) {
        self.min_ns = self.min_ns.min(nanoseconds);
        self.max_ns = self.max_ns.max(nanoseconds);
        self.count += 1;
        let distance = nanoseconds as f64 - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (nanoseconds as f64 - self.mean);
    }

    /// Mean in nanoseconds; `None` without any delay.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Standard deviation in nanoseconds; 0 without any delay.
    #[must_use]
    pub fn deviation_ns(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() }
    }
}

/// Answers that a good server does not send, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Datagrams shorter than any message.
    pub too_short: u64,
    /// Datagrams that are not the protocol, or whose options are cut off.
    pub garbage: u64,
    /// Messages of clients or relays.
    pub not_from_server: u64,
    /// Transaction ids that were never sent, or long ago.
    pub foreign: u64,
    /// Answers that came after the exchange had been given up.
    pub late: u64,
    /// Second answers to the same message.
    pub duplicates: u64,
    /// Answers that name another client than the transaction id.
    pub wrong_client: u64,
    /// Messages that do not answer what was sent, such as an ACK to a DISCOVER.
    pub wrong_type: u64,
    /// Refusals (NAK).
    pub refusals: u64,
    /// Answers without an address, prefix or server identifier that was asked for, or with an error status.
    pub incomplete: u64,
    /// Grants of another address than was offered and requested.
    pub changed: u64,
    /// Grants of an address that another client holds.
    pub shared: u64,
}

impl Oddities {
    /// All counts with their names, in the order of reports.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, u64); 12] {
        [
            ("too short", self.too_short),
            ("garbage", self.garbage),
            ("not from a server", self.not_from_server),
            ("foreign transaction id", self.foreign),
            ("late", self.late),
            ("duplicate", self.duplicates),
            ("wrong client", self.wrong_client),
            ("wrong message type", self.wrong_type),
            ("refusal", self.refusals),
            ("incomplete", self.incomplete),
            ("another address than offered", self.changed),
            ("address of another client", self.shared),
        ]
    }

    /// Datagrams that could not be read.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.too_short + self.garbage + self.not_from_server
    }
}

/// What shows that the generator, and not the server, was the limit.
#[derive(Clone, Debug, Default)]
pub struct OwnLimits {
    /// Messages that left more than [`LATE_NS`] after they should have.
    pub sent_late: u64,
    /// Exchanges whose time came when all slots were taken.
    pub no_slot: u64,
    /// Exchanges whose time came before the end of the run, but that were not begun.
    pub not_begun: u64,
    /// Messages that the system refused to send.
    pub send_errors: u64,
    /// Renewals and releases whose time came when no lease was held.
    pub no_lease: u64,
    /// Grants whose uniqueness was not checked, because the table of holders was full.
    pub unchecked: u64,
    /// How late messages left.
    pub lateness: Histogram,
}

/// A message that leaves later than this was late by the generator's fault.
pub const LATE_NS: u64 = 1_000_000;

/// Everything that a run counts.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    exchanges: [ExchangeCounts; 4],
    /// Bad answers.
    pub oddities: Oddities,
    /// The generator's own limits.
    pub own: OwnLimits,
    /// Exchanges begun (first messages).
    pub begun: u64,
    /// Whole exchanges completed: four-way, or two-way if those are all.
    pub completed: u64,
    /// From the time when an exchange should have begun to its last answer.
    pub whole: Histogram,
    /// Begin of the run.
    pub start_ns: u64,
    /// Last moment that belongs to the run: end of sending or last completed exchange.
    pub end_ns: u64,
}

impl Statistics {
    /// Counts of an exchange.
    #[must_use]
    #[inline]
    pub fn of(&self, exchange: Exchange) -> &ExchangeCounts {
        let [first, second, renewal, release] = &self.exchanges;
        match exchange {
            Exchange::First => first,
            Exchange::Second => second,
            Exchange::Renewal => renewal,
            Exchange::Release => release,
        }
    }

    /// Counts of an exchange, to be changed.
    #[inline]
    pub fn of_mut(&mut self, exchange: Exchange) -> &mut ExchangeCounts {
        let [first, second, renewal, release] = &mut self.exchanges;
        match exchange {
            Exchange::First => first,
            Exchange::Second => second,
            Exchange::Renewal => renewal,
            Exchange::Release => release,
        }
    }

    /// Completed exchanges per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let span = self.end_ns.saturating_sub(self.start_ns);
        if span == 0 { 0.0 } else { self.completed as f64 * 1e9 / span as f64 }
    }

    /// Messages of all exchanges without an answer.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.exchanges.iter().map(ExchangeCounts::drops).sum()
    }

    /// Answers of all exchanges without what was asked for.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.exchanges.iter().map(|counts| counts.rejected).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Delay;

    #[test]
    fn delays_have_mean_and_deviation() {
        let mut delay = Delay::default();
        assert_eq!((delay.mean_ns(), delay.deviation_ns()), (None, 0.0));
        for value in [2_u64, 4, 4, 4, 5, 5, 7, 9] {
            delay.record(value);
        }
        assert_eq!((delay.min_ns, delay.max_ns), (2, 9));
        assert!((delay.mean_ns().unwrap() - 5.0).abs() < 1e-9);
        assert!((delay.deviation_ns() - 2.0).abs() < 1e-9);
    }
}
