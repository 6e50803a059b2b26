//! Debian's perfdhcp, the load generator of Kea, as a client.

use crate::family::Family;
use crate::net::Net;
use crate::process::Running;
use crate::wait;

/// What a run has brought.
#[derive(Debug)]
pub struct Report {
    /// The exit code.
    pub code: Option<i32>,
    /// The text.
    pub text: String,
}

impl Report {
    /// Runs perfdhcp to its end: as a relay at 192.0.2.2 for IPv4, as clients of the link for IPv6.
    #[track_caller]
    pub fn of(net: &Net, arguments: &[&str]) -> Self {
        let mut command = net.client.command("/usr/sbin/perfdhcp");
        // Answers to the last queries may take a while on a busy machine.
        command.args(["-d", "5", "-W", "1000000"]).args(arguments);
        match net.family {
            Family::V4 => command.args(["-4", "-l", "192.0.2.2", "192.0.2.1"]),
            Family::V6 => command.args(["-6", "-l", "cli0", "all"]),
        };
        let mut process = Running::start(&mut command, &net.path().join("perfdhcp.log"));
        let code = process.wait_end(wait::secs(60)).code();
        Self { code, text: process.text() }
    }

    /// The sum of the values after a label, over all sections.
    pub fn sum(&self, label: &str) -> u32 {
        sum(&self.text, label)
    }
}

/// The sum of the values after a label in a part of a report.
pub fn sum(text: &str, label: &str) -> u32 {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix(label));
    lines.filter_map(|rest| rest.trim_start_matches(':').trim().parse::<u32>().ok()).sum()
}
