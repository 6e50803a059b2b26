//! The results as a JSON document, for programs.
//!
//! Times are in microseconds, rates per second. Members are only ever added; `version` changes when one changes its
//! meaning.

use serde_json::{Value, json};

use crate::generator::Generator;
use crate::generator::plan::Load;
use crate::histogram::Histogram;
use crate::protocol::Protocol;
use crate::report::{self, Usage};
use crate::search::Found;
use crate::series::Series;
use crate::statistics::ExchangeCounts;

/// Version of the document.
const VERSION: u32 = 1;

/// The results of one run.
#[must_use]
pub fn document<P: Protocol>(generator: &Generator<P>, usage: &Usage, command: &str) -> Value {
    let statistics = generator.statistics();
    let own = &statistics.own;
    let exchanges: Vec<Value> = report::exchanges(generator)
        .into_iter()
        .map(|exchange| counts(P::exchange_name(exchange), statistics.of(exchange)))
        .collect();
    let expected = match generator.plan().load {
        Load::Open { rate, .. } => Some(rate),
        Load::Closed { .. } | Load::Avalanche => None,
    };
    let rows = statistics.oddities.rows();
    let odd: serde_json::Map<String, Value> =
        rows.iter().map(|(name, count)| (name.replace(' ', "_"), json!(count))).collect();
    json!({
        "version": VERSION,
        "command": command,
        "ending": generator.ending().map(|ending| format!("{ending:?}").to_lowercase()),
        "rate": statistics.rate(),
        "expected_rate": expected,
        "seconds": statistics.end_ns.saturating_sub(statistics.start_ns) as f64 / 1e9,
        "begun": statistics.begun,
        "completed": statistics.completed,
        "whole_exchange_us": histogram(&statistics.whole),
        "exchanges": exchanges,
        "odd_answers": odd,
        "generator": {
            "cpu_share": usage.cpu_share(),
            "sent_late": own.sent_late,
            "lateness_us": histogram(&own.lateness),
            "not_begun": own.not_begun,
            "no_slot": own.no_slot,
            "no_lease": own.no_lease,
            "send_errors": own.send_errors,
            "receive_drops": usage.receive_drops,
            "unchecked": own.unchecked,
            "warnings": report::warnings(statistics, usage),
        },
        "series": series(generator.series()),
    })
}

/// The result of a search for the highest rate.
#[must_use]
pub fn search(found: &Found, command: &str) -> Value {
    let trials: Vec<Value> = found
        .trials
        .iter()
        .map(|trial| {
            json!({
                "rate": trial.rate,
                "begun": trial.begun,
                "lost": trial.lost,
                "limited_by_generator": trial.is_generator_limit,
                "passed": trial.passed,
            })
        })
        .collect();
    json!({
        "version": VERSION,
        "command": command,
        "highest_rate": found.rate,
        "confirmed": found.is_confirmed,
        "loss": found.loss,
        "loss_95_percent_interval": found.interval,
        "lowest_failed_rate": found.failed_rate,
        "limited_by_generator": found.is_generator_limit,
        "trials": trials,
    })
}

fn counts(name: &str, counts: &ExchangeCounts) -> Value {
    let delay = &counts.delay;
    let delays = delay.mean_ns().map(|mean| {
        json!({
            "min": delay.min_ns as f64 / 1e3,
            "avg": mean / 1e3,
            "max": delay.max_ns as f64 / 1e3,
            "deviation": delay.deviation_ns() / 1e3,
        })
    });
    json!({
        "name": name,
        "sent": counts.sent,
        "resent": counts.resent,
        "received": counts.received,
        "drops": counts.drops(),
        "orphans": counts.orphans,
        "rejected": counts.rejected,
        "non_unique": counts.non_unique,
        "delay_us": delays,
        "latency_us": histogram(&counts.latency),
    })
}

fn histogram(latency: &Histogram) -> Value {
    if latency.is_empty() {
        return Value::Null;
    }
    json!({
        "p50": latency.quantile_us(0.5),
        "p90": latency.quantile_us(0.9),
        "p99": latency.quantile_us(0.99),
        "p99.9": latency.quantile_us(0.999),
        "max": latency.max_ns() as f64 / 1e3,
    })
}

fn series(series: &Series) -> Value {
    let points: Vec<Value> = series
        .points()
        .iter()
        .map(|point| {
            json!([
                point.begun,
                point.completed,
                point.dropped,
                point.p50_ns as f64 / 1e3,
                point.p99_ns as f64 / 1e3,
                point.max_ns as f64 / 1e3,
            ])
        })
        .collect();
    json!({
        "step_s": series.step_ns() as f64 / 1e9,
        "columns": ["begun", "completed", "dropped", "p50_us", "p99_us", "max_us"],
        "points": points,
    })
}
