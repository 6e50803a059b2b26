//! Times and leases of single exchanges, kept for the report when asked for (`-x t`, `-x l`), and up to a limit.

use crate::protocol::Exchange;

/// Most times and most leases that are kept per exchange.
pub const RECORDS_MAX: usize = 1 << 20;

/// What was kept.
#[derive(Clone, Debug)]
pub struct Records<L> {
    keeps_times: bool,
    keeps_leases: bool,
    times: [Vec<(u64, u64)>; 4],
    leases: [Vec<(u32, L)>; 4],
    /// Times and leases beyond the limit.
    left_out: u64,
}

impl<L: Copy> Records<L> {
    /// Nothing yet; says what is to be kept.
    #[must_use]
    pub fn new(keeps_times: bool, keeps_leases: bool) -> Self {
        Self {
            keeps_times,
            keeps_leases,
            times: Default::default(),
            leases: std::array::from_fn(|_| Vec::new()),
            left_out: 0,
        }
    }

    /// Times of answered messages of an exchange: sent and answered, in nanoseconds since the start.
    #[must_use]
    pub fn times(&self, exchange: Exchange) -> &[(u64, u64)] {
        self.times.get(exchange.index()).map_or(&[], Vec::as_slice)
    }

    /// Leases that clients were given in an exchange.
    #[must_use]
    pub fn leases(&self, exchange: Exchange) -> &[(u32, L)] {
        self.leases.get(exchange.index()).map_or(&[], Vec::as_slice)
    }

    /// Times and leases that were not kept, because there were more than [`RECORDS_MAX`].
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    #[inline]
    pub(crate) fn time(&mut self, exchange: Exchange, sent_ns: u64, answered_ns: u64) {
        if self.keeps_times {
            self.left_out += push(self.times.get_mut(exchange.index()), (sent_ns, answered_ns));
        }
    }

    #[inline]
    pub(crate) fn lease(&mut self, exchange: Exchange, client: u32, lease: &L) {
        if self.keeps_leases {
            self.left_out += push(self.leases.get_mut(exchange.index()), (client, *lease));
        }
    }
}

/// Appends within the limit; returns how many were left out.
fn push<T>(list: Option<&mut Vec<T>>, value: T) -> u64 {
    match list {
        Some(list) if list.len() < RECORDS_MAX => {
            list.push(value);
            0
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{RECORDS_MAX, Records};
    use crate::protocol::Exchange;

    #[test]
    fn records_are_limited_and_only_kept_when_asked_for() {
        let mut records: Records<()> = Records::new(true, false);
        for n in 0..=RECORDS_MAX as u64 {
            records.time(Exchange::First, n, n + 1);
        }
        records.lease(Exchange::First, 1, &());
        assert_eq!(records.times(Exchange::First).len(), RECORDS_MAX);
        assert_eq!((records.left_out(), records.leases(Exchange::First).len()), (1, 0));
    }
}
