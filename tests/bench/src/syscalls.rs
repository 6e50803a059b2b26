//! System calls of a server per 1000 exchanges, counted by strace.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::load::Plan;
use crate::net::Net;
use crate::server::{Server, Setup};
use crate::spec::Spec;
use crate::{sys, trial};

const EXCHANGES: u64 = 2000;

/// Counts and prints the system calls of one row.
pub(crate) fn count(spec: &Spec, setup: &Setup, net: &Net) -> Result<String, String> {
    let (server, mut generator) = Server::start(spec, setup, net)?;
    let mut load = |exchanges| {
        let plan = Plan::saturate(spec.window, Duration::from_secs(20), exchanges);
        trial::server_load(&mut generator, setup, &plan)
    };
    load(300);
    let counts = setup.folder.join(format!("bench-strace-{}", std::process::id()));
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-o"])
        .arg(&counts)
        .args(["-p", &server.pid().to_string()])
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("strace: {error}"))?;
    thread::sleep(Duration::from_millis(500));
    let outcome = load(EXCHANGES);
    sys::signal(strace.id(), libc::SIGINT);
    let _ = strace.wait();
    let text = fs::read_to_string(&counts).map_err(|error| format!("strace: {error}"))?;
    let _ = fs::remove_file(&counts);
    let mut calls: Vec<(String, u64)> = parse(&text).into_iter().collect();
    calls.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let per_1000 = |count: u64| count * 1000 / outcome.completed.max(1);
    let words: Vec<String> = calls
        .iter()
        .filter(|(_, count)| per_1000(*count) > 0)
        .map(|(name, count)| format!("{name} {}", per_1000(*count)))
        .collect();
    Ok(format!("| `{spec}` | {} | {} |", outcome.completed, words.join(", ")))
}

/// Reads the summary of strace: share, seconds, microseconds, calls, (errors,) name.
fn parse(text: &str) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words.last().copied().unwrap_or_default();
        let count = words.get(3).and_then(|word| word.parse().ok());
        if let (Some(count), true) = (count, words.len() >= 5 && name != "total") {
            calls.insert(name.to_owned(), count);
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn summary_is_read_with_and_without_errors() {
        let text = "% time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ----------------\n\
                     60.00    0.004000           1      4000           sendmsg\n\
                     40.00    0.002000           1      2000        12 recvmsg\n\
                    100.00    0.006000           1      6000        12 total\n";
        let calls = parse(text);
        assert_eq!(calls.len(), 2);
        assert_eq!((calls["sendmsg"], calls["recvmsg"]), (4000, 2000));
    }
}
