//! Servers under our `perfdhcp`, as an operator would run it: a process of its own, judged by its JSON report.
//!
//! The rows of the suites are driven by a generator inside this program, because they need relays in many subnets and
//! prepared leases. These rows have one relay and show that the tool which operators get tells the same.

use std::time::Duration;

use serde_json::Value;

use crate::net::{CLIENT, CLIENT6, Net, SERVER, SERVER6};
use crate::server::{Server, Setup};
use crate::spec::{Family, Kind, Spec};

/// Clients of a run; more than any server here can serve in its time.
const CLIENTS: &str = "1000000";

/// Head of the table.
pub(crate) const HEAD: &str = "\
| row | exchanges/s | server CPU ms per 1000 | first exchange us p50 / p99 | second us p50 / p99 | dropped | odd answers | generator CPU % |
|---|---|---|---|---|---|---|---|";

/// Starts the server of a row, loads it with as many exchanges as it can take, or with those of the row's rate, and
/// shows what came of it as a line of the table.
pub(crate) fn row(spec: &Spec, setup: &Setup, net: &Net, time: Duration) -> Result<String, String> {
    if spec.kind == Kind::Null || spec.direct || spec.uses_block() {
        return Err(format!("{spec}: perfdhcp is run against servers with one relay"));
    }
    // The generator of the suites has the relay's port; it is needed no longer.
    let (server, generator) = Server::start(spec, setup, net)?;
    drop(generator);
    server.settle();
    let before = server.cpu();
    let report = perfdhcp(spec, setup, net, time).map_err(|error| format!("{spec}: {error}"))?;
    let used = server.cpu().since(&before);
    line(&spec.to_string(), &report, used.run_s)
        .ok_or_else(|| format!("{spec}: no report: {report}"))
}

/// Runs it; returns its report.
fn perfdhcp(spec: &Spec, setup: &Setup, net: &Net, time: Duration) -> Result<Value, String> {
    let program = setup.ours[0].with_file_name("perfdhcp");
    let mut command = net.client_command();
    command.args(["taskset", "-c", &setup.generator_cpu.to_string()]).arg(&program);
    command.args(["-R", CLIENTS, "--json", "-", "-p", &time.as_secs().max(1).to_string()]);
    match spec.rate {
        Some(rate) => command.args(["-r", &format!("{rate:.0}")]),
        None => command.args(["--window", &spec.window.to_string()]),
    };
    match spec.family {
        Family::V4 => command.args(["-4", "-l", &CLIENT.to_string(), &SERVER.to_string()]),
        Family::V6 => {
            command.args(["-6", "-A", "1", "-l", &CLIENT6.to_string(), &SERVER6.to_string()])
        }
    };
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    serde_json::from_slice(&output.stdout).map_err(|error| {
        let told = String::from_utf8_lossy(&output.stderr);
        format!("{}: {error}: {told}", program.display())
    })
}

/// Reads a report.
fn line(name: &str, report: &Value, cpu_s: f64) -> Option<String> {
    let completed = report["completed"].as_f64()?;
    let exchanges = report["exchanges"].as_array()?;
    let latencies: Vec<String> = exchanges
        .iter()
        .map(|exchange| {
            let of = |name: &str| exchange["latency_us"][name].as_f64().unwrap_or(0.0);
            format!("{:.0} / {:.0}", of("p50"), of("p99"))
        })
        .collect();
    let dropped: u64 = exchanges.iter().filter_map(|exchange| exchange["drops"].as_u64()).sum();
    let odd = report["odd_answers"].as_object()?;
    let odd: u64 = odd.values().filter_map(Value::as_u64).sum();
    Some(format!(
        "| `{name}` | {:.0} | {:.1} | {} | {} | {dropped} | {odd} | {:.0} |",
        report["rate"].as_f64()?,
        cpu_s * 1e6 / completed.max(1.0),
        latencies.first()?,
        latencies.get(1)?,
        report["generator"]["cpu_share"].as_f64()? * 100.0,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::line;

    #[test]
    fn report_is_read() {
        let exchange = |p50| json!({"drops": 2, "latency_us": {"p50": p50, "p99": 90.4}});
        let mut report = json!({
            "completed": 2000, "rate": 1000.4, "exchanges": [exchange(40.0), exchange(50.0)],
            "odd_answers": {"late": 1, "foreign": 0}, "generator": {"cpu_share": 0.5},
        });
        let expected = "| `ours` | 1000 | 10.0 | 40 / 90 | 50 / 90 | 4 | 1 | 50 |";
        assert_eq!(line("ours", &report, 0.02).as_deref(), Some(expected));
        report["exchanges"] = json!([]);
        assert_eq!(line("ours", &report, 0.02), None);
    }
}
