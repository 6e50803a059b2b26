//! Load generators side by side: our `perfdhcp` and Kea's, against the null server.
//!
//! Two questions: which rate does each keep on one core, at what CPU per exchange, and do their reports agree at a rate
//! that is easy for both? The highest rate is searched with the search of `perfdhcp --find-rate`, but each trial is a call of
//! the program, judged by its report, so both are measured with the same yardstick. A generator that begins fewer
//! exchanges than it was asked for has failed, whatever share of them is completed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use perfdhcp::search::{Search, Trial};

use crate::net::{CLIENT, Net, SERVER};
use crate::server::Setup;
use crate::sys;

/// Greatest share of exchanges that are not completed.
const LOSS_MAX: f64 = 0.01;
/// A generator must begin this share of what it was asked for.
const BEGUN_MIN: f64 = 0.98;
/// First rate of the search.
const FIRST_RATE: f64 = 5000.0;
/// Rate at which reports are compared.
const EASY_RATE: f64 = 2000.0;
const KEA: &str = "/usr/sbin/perfdhcp";

/// What one call showed.
#[derive(Clone, Debug, Default)]
struct Call {
    begun: u64,
    completed: u64,
    rate: f64,
    /// Mean delays of both halves in milliseconds, as reported.
    delays_ms: Vec<f64>,
    cpu: Duration,
}

/// Compares the generators; prints tables.
pub(crate) fn compare(setup: &Setup, net: &Net, time: Duration, reps: u32) -> Result<(), String> {
    let ours = setup.ours[0].with_file_name("perfdhcp");
    let programs: Vec<(&str, PathBuf)> = [("ours", ours), ("Kea's", PathBuf::from(KEA))]
        .into_iter()
        .filter(|(name, path)| {
            let exists = path.exists();
            if !exists {
                eprintln!("{name}: {} is not there", path.display());
            }
            exists
        })
        .collect();
    let _server = NullServer::start(setup, net)?;
    // Kea's program knows whole seconds only.
    let time = Duration::from_secs(time.as_secs().max(1));
    println!("\n### Highest rate on one core, at most 1 % lost\n");
    println!("| Program | exchanges/s | CPU us per exchange | exchanges per second of CPU |");
    println!("|---|---|---|---|");
    for repetition in 0..reps {
        for (name, path) in &programs {
            let (rate, best) = highest(path, setup, net, time)?;
            let cpu_us = best.cpu.as_secs_f64() * 1e6 / best.completed.max(1) as f64;
            println!("| {name} #{repetition} | {rate:.0} | {cpu_us:.1} | {:.0} |", 1e6 / cpu_us);
        }
    }
    println!("\n### Reports at {EASY_RATE:.0} exchanges per second\n");
    println!(
        "| Program | begun | completed | reported rate | mean delays ms | CPU us per exchange |"
    );
    println!("|---|---|---|---|---|---|");
    for repetition in 0..reps {
        for (name, path) in &programs {
            let call = call(path, EASY_RATE, setup, net, time)?;
            let delays: Vec<String> =
                call.delays_ms.iter().map(|delay| format!("{delay:.3}")).collect();
            println!(
                "| {name} #{repetition} | {} | {} | {:.1} | {} | {:.1} |",
                call.begun,
                call.completed,
                call.rate,
                delays.join(" / "),
                call.cpu.as_secs_f64() * 1e6 / call.completed.max(1) as f64
            );
        }
    }
    Ok(())
}

/// The highest rate of a program, and the best call at it.
fn highest(
    program: &Path,
    setup: &Setup,
    net: &Net,
    time: Duration,
) -> Result<(f64, Call), String> {
    let mut search = Search::new(LOSS_MAX, FIRST_RATE);
    let mut best = Call::default();
    while let Some(rate) = search.next_rate() {
        let call = call(program, rate, setup, net, time)?;
        let is_behind = (call.begun as f64) < rate * time.as_secs_f64() * BEGUN_MIN;
        search.feed(Trial {
            rate,
            begun: call.begun,
            lost: call.begun.saturating_sub(call.completed),
            is_generator_limit: is_behind,
            passed: false,
        });
        let has_passed = search.last().is_some_and(|trial| trial.passed);
        if has_passed && call.completed > best.completed {
            best = call;
        }
    }
    Ok((search.found().rate.unwrap_or(0.0), best))
}

/// One call of a program.
fn call(
    program: &Path,
    rate: f64,
    setup: &Setup,
    net: &Net,
    time: Duration,
) -> Result<Call, String> {
    let local = CLIENT.to_string();
    let before = sys::children_cpu();
    let output = net
        .client_command()
        .args(["taskset", "-c", &setup.generator_cpu.to_string()])
        .arg(program)
        .args(["-4", "-g", "single", "-R", "1000000", "-d", "1", "-W", "100000", "-l", &local])
        .args(["-r", &format!("{rate:.0}"), "-p", &time.as_secs().to_string()])
        .arg(SERVER.to_string())
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let cpu = sys::children_cpu().saturating_sub(before);
    let text = String::from_utf8_lossy(&output.stdout);
    let call = parse(&text).ok_or_else(|| {
        let error = String::from_utf8_lossy(&output.stderr);
        format!("{} at {rate:.0}/s: no report: {text}{error}", program.display())
    })?;
    Ok(Call { cpu, ..call })
}

/// Reads a report.
fn parse(text: &str) -> Option<Call> {
    let value = |label: &str| {
        let lines = text.lines().filter_map(move |line| line.strip_prefix(label));
        lines.filter_map(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).collect()
    };
    let sent: Vec<f64> = value("sent packets: ");
    let received: Vec<f64> = value("received packets: ");
    let rates: Vec<f64> = value("Rate: ");
    Some(Call {
        begun: *sent.first()? as u64,
        completed: *received.get(1)? as u64,
        rate: *rates.first()?,
        delays_ms: value("avg delay: "),
        cpu: Duration::ZERO,
    })
}

/// The null server; ended when dropped.
struct NullServer(Child);

impl NullServer {
    fn start(setup: &Setup, net: &Net) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command: Command = net.server_command();
        command.args(["taskset", "-c", &setup.server_cpus]).arg(own).args(["null-server", "-4"]);
        let child = sys::die_with_parent(&mut command).stdin(Stdio::null()).spawn();
        let server = Self(child.map_err(|error| format!("null server: {error}"))?);
        thread::sleep(Duration::from_millis(300));
        Ok(server)
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn report_is_read() {
        let section = |sent, received| {
            format!("sent packets: {sent}\nreceived packets: {received}\navg delay: 0.421 ms\n")
        };
        let text = format!(
            "Rate: 99.46 4-way exchanges/second, expected rate: 100\n{}{}",
            section(200, 199),
            section(199, 198)
        );
        let call = parse(&text).expect("a report");
        assert_eq!((call.begun, call.completed, call.rate), (200, 198, 99.46));
        assert_eq!(call.delays_ms, [0.421, 0.421]);
        assert!(parse("ERROR").is_none());
    }
}
