//! The report: the text of Kea's program, line by line, and below it what goes beyond.
//!
//! Scripts read the first part, so its labels, their order and the form of the numbers are those of Kea 2.2; that the
//! ratio of the first section is written like `9.09091 %` and the others like `0.000 %` is its habit, too. Where Kea
//! prints garbage (delays of an exchange without answers) this says `n/a`. The second part uses labels that the first
//! does not have.

use std::fmt::Write;
use std::net::IpAddr;

use crate::dhcp4::Dhcp4;
use crate::dhcp6::Dhcp6;
use crate::generator::plan::{Load, Steps};
use crate::generator::{Ending, Generator};
use crate::options::{Family, Options};
use crate::protocol::{Exchange, MESSAGE_LEN_MAX, Protocol, Query};
use crate::search::{Found, Search};
use crate::statistics::{ExchangeCounts, Statistics};

/// What the program itself used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// CPU time in nanoseconds.
    pub cpu_ns: u64,
    /// Time of the run in nanoseconds.
    pub wall_ns: u64,
    /// Datagrams that found no room in the receive buffer.
    pub receive_drops: u64,
    /// How often it waited for answers or for the time.
    pub waits: u64,
    /// Whether exchanges began by the clock: then lateness tells whether the generator was the limit, and CPU time does
    /// not, because it waits busily at high rates.
    pub is_paced: bool,
}

impl Usage {
    /// CPU time as a share of the time of the run.
    #[must_use]
    pub fn cpu_share(&self) -> f64 {
        if self.wall_ns == 0 { 0.0 } else { self.cpu_ns as f64 / self.wall_ns as f64 }
    }
}

/// A generator that uses this share of a core is taken for the limit.
const CPU_SHARE_MAX: f64 = 0.95;
/// A share of messages that leave late by the generator's fault.
const LATE_SHARE_MAX: f64 = 0.01;

/// Six significant digits without trailing zeros, as `%g` and C++ streams write numbers.
#[must_use]
pub fn general(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { value.to_string() };
    }
    // Rounding may carry into the next power of ten, which the exponential form knows.
    let scientific = format!("{value:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..6).contains(&exponent) {
        let decimals = (5 - exponent).max(0) as usize;
        return trim(&format!("{value:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(digits), exponent.abs())
}

/// The exchanges that a plan has, in the order of the report.
pub fn exchanges<P: Protocol>(generator: &Generator<P>) -> Vec<Exchange> {
    let plan = generator.plan();
    let has = |exchange: &Exchange| match exchange {
        Exchange::First => true,
        Exchange::Second => plan.steps == Steps::Four,
        Exchange::Renewal => plan.renew_rate > 0.0,
        Exchange::Release => plan.release_rate > 0.0,
    };
    Exchange::ALL.into_iter().filter(has).collect()
}

/// The intermediate report of `-t`; with a separator as bare numbers.
#[must_use]
pub fn intermediate<P: Protocol>(generator: &Generator<P>, separator: Option<&str>) -> String {
    let all = exchanges(generator);
    let of = |number: fn(&ExchangeCounts) -> u64| {
        let numbers = all.iter().map(|exchange| number(generator.statistics().of(*exchange)));
        numbers.map(|number| number.to_string()).collect::<Vec<_>>()
    };
    let columns = [
        of(|counts| counts.sent),
        of(|counts| counts.received),
        of(|counts| counts.given_up),
        of(|counts| counts.rejected),
    ];
    match separator {
        Some(separator) => columns.concat().join(separator),
        None => {
            let [sent, received, drops, rejected] = columns.map(|numbers| numbers.join("/"));
            format!("sent: {sent}; received: {received}; drops: {drops}; rejected: {rejected}")
        }
    }
}

/// The rate and the sections of all exchanges.
#[must_use]
pub fn main_part<P: Protocol>(generator: &Generator<P>) -> String {
    let mut text = String::new();
    let statistics = generator.statistics();
    let plan = generator.plan();
    let unit = match plan.steps {
        Steps::Four => "4-way exchanges",
        Steps::Two { rapid_commit: true } => "Solicit-Reply",
        Steps::Two { rapid_commit: false } => P::exchange_name(Exchange::First),
    };
    let rate = general(statistics.rate());
    _ = writeln!(text, "***Rate statistics***");
    _ = match plan.load {
        Load::Open { rate: expected, .. } => {
            let expected = general(expected);
            writeln!(text, "Rate: {rate} {unit}/second, expected rate: {expected}\n")
        }
        Load::Closed { .. } | Load::Avalanche => writeln!(text, "Rate: {rate} {unit}/second"),
    };
    _ = writeln!(text, "***Malformed Packets***");
    _ = writeln!(text, "Malformed packets: {}", statistics.oddities.malformed());
    for (at, exchange) in exchanges(generator).into_iter().enumerate() {
        section(&mut text, P::exchange_name(exchange), statistics.of(exchange), at == 0);
    }
    text
}

fn section(text: &mut String, name: &str, counts: &ExchangeCounts, is_first: bool) {
    let drops = counts.drops();
    let percent = if counts.sent == 0 { 0.0 } else { drops as f64 * 100.0 / counts.sent as f64 };
    let ratio = if is_first { general(percent) } else { format!("{percent:.3}") };
    _ = writeln!(text, "***Statistics for: {name}***");
    _ = writeln!(text, "sent packets: {}", counts.sent);
    _ = writeln!(text, "received packets: {}", counts.received);
    _ = writeln!(text, "drops: {drops}");
    _ = writeln!(text, "drops ratio: {ratio} %");
    _ = writeln!(text, "orphans: {}", counts.orphans);
    _ = writeln!(text, "rejected leases: {}", counts.rejected);
    _ = writeln!(text, "non unique addresses: {}\n", counts.non_unique);
    let delay = &counts.delay;
    match delay.mean_ns() {
        Some(mean) => {
            let milliseconds = |nanoseconds: f64| nanoseconds / 1e6;
            let (min, max) = (delay.min_ns as f64, delay.max_ns as f64);
            _ = writeln!(text, "min delay: {:.3} ms", milliseconds(min));
            _ = writeln!(text, "avg delay: {:.3} ms", milliseconds(mean));
            _ = writeln!(text, "max delay: {:.3} ms", milliseconds(max));
            _ = writeln!(text, "std deviation: {:.3} ms", milliseconds(delay.deviation_ns()));
        }
        None => {
            for label in ["min delay", "avg delay", "max delay", "std deviation"] {
                _ = writeln!(text, "{label}: n/a");
            }
        }
    }
    _ = writeln!(text, "collected packets: {}\n", counts.given_up);
}

/// Times of all answered messages (`-x t`).
#[must_use]
pub fn times<P: Protocol>(generator: &Generator<P>) -> String {
    let mut text = String::new();
    let stamp = |nanoseconds: u64| {
        let microseconds = nanoseconds / 1000;
        format!("{:06}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000)
    };
    for exchange in exchanges(generator) {
        _ = writeln!(text, "***Timestamps for packets: {}***", P::exchange_name(exchange));
        for (sent, answered) in generator.records().times(exchange) {
            _ = writeln!(text, "sent / received: {} / {}", stamp(*sent), stamp(*answered));
        }
        text.push('\n');
    }
    text
}

/// Leases of all clients (`-x l`), as comma-separated values.
#[must_use]
pub fn leases<P: Protocol>(generator: &Generator<P>) -> String {
    let mut text = String::new();
    for exchange in exchanges(generator) {
        _ = writeln!(text, "***Leases for {}***", P::exchange_name(exchange));
        // The misspelling is what scripts look for.
        _ = writeln!(text, "client_id,adrress,prefix");
        for (client, lease) in generator.records().leases(exchange) {
            let [address, prefix] = P::resources(lease);
            let show = |address: Option<IpAddr>| address.map_or(String::new(), |ip| ip.to_string());
            let id = generator.protocol().client_text(*client);
            _ = writeln!(text, "{id},{},{}", show(address), show(prefix));
        }
        text.push_str("\n\n");
    }
    text
}

/// The line of `-x s`.
#[must_use]
pub fn server_id<P: Protocol>(generator: &Generator<P>) -> Option<String> {
    let id = generator.protocol().server_id(generator.first_server()?);
    Some(id.iter().fold("Server id: ".to_owned(), |text, byte| format!("{text}{byte:02x}")))
}

/// The line of `-x e`.
#[must_use]
pub fn reason(ending: Ending) -> &'static str {
    match ending {
        Ending::AllServed => "All clients are served.",
        Ending::Drops => "Reached maximum drops number.",
        Ending::DropShare => "Reached maximum percentage of drops.",
        Ending::Interrupted => "Interrupted",
        Ending::Period => "reached test-period.",
        Ending::Requests => "Reached max requests limit.",
    }
}

/// A template as `-x T` shows it.
#[must_use]
pub fn dump(bytes: &[u8]) -> String {
    let mut text = String::from("contents: \n");
    for (at, line) in bytes.chunks(16).enumerate() {
        // The offset counts digits, as in Kea's program.
        _ = write!(text, "{:04x}   ", at * 32);
        for byte in line {
            _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}

/// The messages of a run without user's templates, or those, as `-x T` shows them.
#[must_use]
pub fn templates<P: Protocol>(protocol: &mut P, options: &Options) -> String {
    let (xid, random, elapsed, server_id, address) = match options.family {
        Family::V4 => Dhcp4::OFFSETS,
        Family::V6 => Dhcp6::OFFSETS,
    };
    let mut text = String::new();
    let exchanges: &[Exchange] =
        if options.initial { &[Exchange::First] } else { &[Exchange::First, Exchange::Second] };
    for exchange in exchanges {
        let at = exchange.index();
        let offset = |list: &[usize], default| list.get(at).copied().unwrap_or(default);
        _ = writeln!(text, "xid-offset={}", offset(&options.xid_offsets, xid));
        _ = writeln!(text, "random-offset={}", offset(&options.random_offsets, random));
        if *exchange == Exchange::Second {
            _ = writeln!(text, "srvid-offset={}", options.server_id_offset.unwrap_or(server_id));
            _ = writeln!(text, "time-offset={}", options.time_offset.unwrap_or(elapsed));
            _ = writeln!(text, "ip-offset={}", options.address_offset.unwrap_or(address));
        }
        let mut bytes = [0; MESSAGE_LEN_MAX];
        let lease = P::Lease::default();
        let query = Query {
            exchange: *exchange,
            xid: 0,
            client: 0,
            relay: 0,
            elapsed_cs: 0,
            lease: &lease,
        };
        let len = protocol.write(&query, &mut bytes).unwrap_or(0);
        text.push_str(&dump(bytes.get(..len).unwrap_or_default()));
        text.push('\n');
    }
    text
}

/// The last trial of a search, in a line.
#[must_use]
pub fn trial(search: &Search) -> String {
    let Some(trial) = search.last() else { return String::new() };
    let percent = trial.lost as f64 * 100.0 / trial.begun.max(1) as f64;
    let verdict = match (trial.passed, trial.is_generator_limit) {
        (true, _) => "passed",
        (false, true) => "failed: the generator could not keep the rate",
        (false, false) => "failed",
    };
    format!(
        "trial: {} /s: {} of {} lost ({percent:.3} %), {verdict}",
        general(trial.rate),
        trial.lost,
        trial.begun
    )
}

/// The result of a search.
#[must_use]
pub fn found(found: &Found) -> String {
    let mut text = String::from("***Highest rate***\n");
    match found.rate {
        Some(rate) => {
            let (low, high) = found.interval;
            _ = writeln!(text, "highest rate: {} exchanges/second", general(rate));
            _ = writeln!(
                text,
                "loss: {:.4} % (95 % interval {:.4} to {:.4} %)",
                found.loss * 100.0,
                low * 100.0,
                high * 100.0
            );
        }
        None => _ = writeln!(text, "highest rate: none passed"),
    }
    if let Some(failed) = found.failed_rate {
        _ = writeln!(text, "lowest failed rate: {} exchanges/second", general(failed));
    }
    _ = writeln!(text, "confirmed: {}", if found.is_confirmed { "yes" } else { "no" });
    if found.is_generator_limit {
        _ = writeln!(text, "WARNING: The generator was the limit, not the server.");
    }
    text
}

/// The totals of an avalanche.
#[must_use]
pub fn avalanche<P: Protocol>(generator: &Generator<P>) -> String {
    let statistics = generator.statistics();
    let sum = |number: fn(&ExchangeCounts) -> u64| {
        Exchange::ALL.iter().map(|exchange| number(statistics.of(*exchange))).sum::<u64>()
    };
    let (sent, resent) = (sum(|counts| counts.sent), sum(|counts| counts.resent));
    let microseconds = statistics.end_ns.saturating_sub(statistics.start_ns) / 1000;
    let seconds = microseconds / 1_000_000;
    format!(
        "It took {:02}:{:02}:{:02}.{:06} to provision {} clients. \nRequests sent + resent: {}\nRequests resent: \
         {resent}\nResponses received: {}\n",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        microseconds % 1_000_000,
        generator.plan().clients,
        sent + resent,
        sum(|counts| counts.received)
    )
}

/// The second part: distributions, odd answers, the generator itself.
#[must_use]
pub fn further_part<P: Protocol>(generator: &Generator<P>, usage: &Usage) -> String {
    let statistics = generator.statistics();
    let mut text = String::from("***Latency from the intended time of sending***\n");
    let mut row = |name: &str, latency: &crate::histogram::Histogram| {
        if latency.is_empty() {
            return;
        }
        let [p50, p90, p99, p999] =
            [0.5, 0.9, 0.99, 0.999].map(|share| latency.quantile_ns(share) as f64 / 1e6);
        let max = latency.max_ns() as f64 / 1e6;
        _ = writeln!(
            text,
            "{name}: p50 {p50:.3} ms, p90 {p90:.3} ms, p99 {p99:.3} ms, p99.9 {p999:.3} ms, max {max:.3} ms"
        );
    };
    for exchange in exchanges(generator) {
        row(P::exchange_name(exchange), &statistics.of(exchange).latency);
    }
    row("whole exchange", &statistics.whole);
    text.push('\n');
    let odd: Vec<_> =
        statistics.oddities.rows().into_iter().filter(|(_, count)| *count > 0).collect();
    if !odd.is_empty() {
        _ = writeln!(text, "***Odd answers***");
        for (name, count) in odd {
            _ = writeln!(text, "{name}: {count}");
        }
        text.push('\n');
    }
    generator_part(&mut text, statistics, usage);
    text
}

fn generator_part(text: &mut String, statistics: &Statistics, usage: &Usage) {
    let own = &statistics.own;
    _ = writeln!(text, "***Generator***");
    _ = writeln!(text, "CPU: {:.1} % of one core", usage.cpu_share() * 100.0);
    if !own.lateness.is_empty() {
        let [p99, max] = [own.lateness.quantile_ns(0.99), own.lateness.max_ns()];
        let (p99, max) = (p99 as f64 / 1e6, max as f64 / 1e6);
        _ = writeln!(
            text,
            "sent late: p99 {p99:.3} ms, max {max:.3} ms, {} by over 1 ms",
            own.sent_late
        );
    }
    let rows = [
        ("exchanges not begun in time", own.not_begun),
        ("exchanges without a slot", own.no_slot),
        ("renewals and releases without a lease", own.no_lease),
        ("locallimit", own.send_errors),
        ("dropped by the receive buffer", usage.receive_drops),
        ("addresses not checked", own.unchecked),
    ];
    for (name, count) in rows.into_iter().filter(|(_, count)| *count > 0) {
        _ = writeln!(text, "{name}: {count}");
    }
    for warning in warnings(statistics, usage) {
        _ = writeln!(text, "WARNING: {warning}");
    }
}

/// Whether losses may be the generator's fault.
#[must_use]
pub fn is_generator_limit(statistics: &Statistics, usage: &Usage) -> bool {
    let own = &statistics.own;
    let behind = own.not_begun > statistics.begun / 100;
    behind || own.no_slot > 0 || own.send_errors > 0 || usage.receive_drops > 0
}

/// Why the numbers may be those of the generator and not of the server.
#[must_use]
pub fn warnings(statistics: &Statistics, usage: &Usage) -> Vec<&'static str> {
    let own = &statistics.own;
    let late_share = own.sent_late as f64 / statistics.begun.max(1) as f64;
    let behind = own.not_begun > statistics.begun / 100;
    let checks = [
        (behind, "The generator could not keep the rate: not all exchanges were begun."),
        (
            late_share > LATE_SHARE_MAX,
            "Messages left late by the generator's or its machine's fault; latencies contain that.",
        ),
        (
            !usage.is_paced && usage.cpu_share() > CPU_SHARE_MAX,
            "The generator used a whole core; it may have been the limit, not the server.",
        ),
        (
            usage.receive_drops > 0,
            "Answers were lost in the receive buffer of the generator; they count as drops.",
        ),
        (own.send_errors > 0, "The system refused messages; their exchanges count as drops."),
        (own.no_slot > 0, "All slots were taken; exchanges were left out."),
    ];
    checks.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::{Usage, dump, general, is_generator_limit, warnings};
    use crate::statistics::Statistics;

    #[test]
    fn own_limits_are_told() {
        let told = |edit: &dyn Fn(&mut Statistics, &mut Usage)| {
            let mut statistics = Statistics::default();
            statistics.begun = 1000;
            let mut usage = Usage { wall_ns: 100, cpu_ns: 50, ..Usage::default() };
            edit(&mut statistics, &mut usage);
            (warnings(&statistics, &usage).len(), is_generator_limit(&statistics, &usage))
        };
        assert_eq!(told(&|_, _| {}), (0, false));
        assert_eq!(told(&|statistics, _| statistics.own.not_begun = 10), (0, false));
        assert_eq!(told(&|statistics, _| statistics.own.not_begun = 11), (1, true));
        assert_eq!(told(&|statistics, _| statistics.own.sent_late = 10), (0, false));
        assert_eq!(told(&|statistics, _| statistics.own.sent_late = 11), (1, false));
        assert_eq!(told(&|statistics, _| statistics.own.send_errors = 1), (1, true));
        assert_eq!(told(&|statistics, _| statistics.own.no_slot = 1), (1, true));
        assert_eq!(told(&|_, usage| usage.receive_drops = 1), (1, true));
        assert_eq!(told(&|_, usage| usage.cpu_ns = 99), (1, false));
        let paced = &|_: &mut Statistics, usage: &mut Usage| {
            (usage.cpu_ns, usage.is_paced) = (99, true);
        };
        assert_eq!(told(paced), (0, false), "it waits busily");
    }

    #[test]
    fn numbers_are_written_as_by_c() {
        for (value, text) in [
            (0.0, "0"),
            (100.0, "100"),
            (99.464_91, "99.4649"),
            (9.090_909, "9.09091"),
            (98.82, "98.82"),
            (14_315.74, "14315.7"),
            (123_456.7, "123457"),
            (999_999.9, "1e+06"),
            (1_234_567.0, "1.23457e+06"),
            (0.5, "0.5"),
            (0.000_012_5, "1.25e-05"),
        ] {
            assert_eq!(general(value), text);
        }
    }

    #[test]
    fn templates_are_shown_in_lines_of_sixteen_bytes() {
        assert_eq!(
            dump(&[0xab; 17]),
            format!("contents: \n0000   {}\n0020   ab\n", "ab".repeat(16))
        );
    }
}
