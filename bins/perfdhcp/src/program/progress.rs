//! The line that shows on a terminal how a run goes.

use std::io::{IsTerminal, Write};

use perfdhcp::generator::Generator;
use perfdhcp::protocol::Protocol;

/// Distance of two lines.
const STEP_NS: u64 = 200_000_000;

/// Writes the line, if standard error is a terminal.
pub(crate) struct Progress {
    is_on: bool,
    due_ns: u64,
    completed: u64,
}

impl Progress {
    pub(crate) fn new(is_wanted: bool) -> Self {
        let is_on = is_wanted && std::io::stderr().is_terminal();
        Self { is_on, due_ns: STEP_NS, completed: 0 }
    }

    /// Shows how it goes, now and then.
    pub(crate) fn show<P: Protocol>(&mut self, now_ns: u64, generator: &Generator<P>) {
        if !self.is_on || now_ns < self.due_ns {
            return;
        }
        let statistics = generator.statistics();
        let since_ns = now_ns + STEP_NS - self.due_ns;
        let rate = (statistics.completed - self.completed) as f64 * 1e9 / since_ns as f64;
        self.completed = statistics.completed;
        self.due_ns = now_ns + STEP_NS;
        let line = format!(
            "{:7.1} s  {rate:9.0}/s  completed {}  waiting {}  dropped {}  p99 {:.2} ms",
            now_ns as f64 / 1e9,
            statistics.completed,
            generator.in_progress(),
            statistics.drops(),
            statistics.whole.quantile_ns(0.99) as f64 / 1e6,
        );
        let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
    }

    /// Wipes the line out.
    pub(crate) fn finish(&mut self) {
        if self.is_on {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
