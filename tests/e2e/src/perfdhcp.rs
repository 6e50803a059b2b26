//! Load generators as clients: Debian's perfdhcp, which is Kea's, and ours.

use std::fs;
use std::path::Path;

use crate::family::Family;
use crate::net::Net;
use crate::process::Running;
use crate::wait;

/// Kea's load generator.
pub const KEA_PERFDHCP: &str = "/usr/sbin/perfdhcp";

/// What a run has brought.
#[derive(Debug)]
pub struct Report {
    /// The exit code.
    pub code: Option<i32>,
    /// The text.
    pub text: String,
}

impl Report {
    /// Runs Debian's perfdhcp to its end: as a relay at 192.0.2.2 for IPv4, as clients of the link for IPv6.
    #[track_caller]
    pub fn of(net: &Net, arguments: &[&str]) -> Self {
        let way: &[&str] = match net.family {
            Family::V4 => &["-4", "-l", "192.0.2.2", "192.0.2.1"],
            Family::V6 => &["-6", "-l", "cli0", "all"],
        };
        // Answers to the last queries may take a while on a busy machine.
        let patience: &[&str] = &["-d", "5", "-W", "1000000"];
        Self::run(net, Path::new(KEA_PERFDHCP), &[patience, arguments, way].concat())
    }

    /// Runs any load generator to its end, in the client's namespace and the folder of the test.
    #[track_caller]
    pub fn run(net: &Net, program: &Path, arguments: &[&str]) -> Self {
        let log = net.path().join("perfdhcp.log");
        let _ = fs::remove_file(&log);
        let mut command = net.client.command(program);
        command.args(arguments).current_dir(net.path());
        let mut process = Running::start(&mut command, &log);
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
