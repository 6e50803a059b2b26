//! One repetition of one row: start the server, warm it up, measure, end it.

use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::config;
use crate::load::{Outcome, Phase, Plan};
use crate::net::Net;
use crate::server::{Server, Setup};
use crate::spec::Spec;
use crate::sys;

/// Share of exchanges of the warm-up.
const WARM_UP: Duration = Duration::from_millis(400);

/// What one measured run showed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    /// Completed exchanges per second.
    pub(crate) rate: f64,
    /// CPU of the server per 1000 exchanges, in milliseconds; per exchange, in microseconds.
    pub(crate) cpu_us: f64,
    /// CPU of the generator per exchange.
    pub(crate) generator_us: f64,
    /// DISCOVER to OFFER: p50, p90, p99, p99.9.
    pub(crate) offer_us: [f64; 4],
    /// REQUEST to ACK: p50, p90, p99, p99.9.
    pub(crate) ack_us: [f64; 4],
    pub(crate) completed: u64,
    pub(crate) lost: u64,
    pub(crate) naks: u64,
    pub(crate) late: u64,
    /// Replies that must not be: the row fails.
    pub(crate) wrong: u64,
    pub(crate) complaints: Vec<String>,
    /// Share of the time in which the server could run, but another process had its CPU.
    pub(crate) waited: f64,
}

/// One repetition.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Trial {
    pub(crate) row: String,
    pub(crate) repetition: u32,
    pub(crate) ready_s: f64,
    pub(crate) ready_mib: f64,
    pub(crate) end_mib: f64,
    pub(crate) peak_mib: f64,
    /// Leases in the file at the start.
    pub(crate) held: usize,
    pub(crate) main: Run,
    pub(crate) renew: Option<Run>,
}

/// Runs one repetition; `time` is that of the measured part.
pub(crate) fn run(
    spec: &Spec,
    repetition: u32,
    time: Duration,
    setup: &Setup,
    net: &Net,
) -> Result<Trial, String> {
    let mut server = Server::start(spec, setup, net)?;
    let (ready_mib, _) = server.memory_mib();
    let warm = server_load(&mut server, setup, &plan(spec, WARM_UP, spec.exchanges_max() / 4));
    let used = warm.started + 128;
    server.settle();
    let left = spec.exchanges_max().saturating_sub(used);
    let main = measured(&mut server, setup, &plan(spec, time, left));
    let renew = spec.renew.then(|| {
        server.settle();
        let plan = Plan { phase: Phase::Renew, ..plan(spec, time, u64::MAX) };
        measured(&mut server, setup, &plan)
    });
    let (end_mib, peak_mib) = server.memory_mib();
    if main.completed == 0 {
        return Err(format!("{spec}: no exchange was completed: {}", server.output()));
    }
    Ok(Trial {
        row: spec.text.clone(),
        repetition,
        ready_s: server.ready.as_secs_f64(),
        ready_mib,
        end_mib,
        peak_mib,
        held: config::held_count(spec),
        main,
        renew,
    })
}

fn plan(spec: &Spec, time: Duration, exchanges_max: u64) -> Plan {
    let phase = if spec.release { Phase::AcquireAndRelease } else { Phase::Acquire };
    Plan { rate: spec.rate, phase, ..Plan::saturate(spec.window, time, exchanges_max) }
}

/// Runs the generator on its CPU.
pub(crate) fn server_load(server: &mut Server, setup: &Setup, plan: &Plan) -> Outcome {
    let cpu = setup.generator_cpu;
    let generator = &mut server.generator;
    thread::scope(|scope| {
        let load = scope.spawn(move || {
            // Without the right to choose the CPU the figures are less steady, but true.
            let _ = sys::pin_thread(cpu);
            generator.run(plan)
        });
        load.join().expect("the generator does not panic")
    })
}

fn measured(server: &mut Server, setup: &Setup, plan: &Plan) -> Run {
    let before = server.cpu();
    let outcome = server_load(server, setup, plan);
    // Work that the server owes for the replies it sent (writing, releases) is part of the exchange.
    thread::sleep(Duration::from_millis(20));
    let used = server.cpu().since(&before);
    let completed = outcome.completed.max(1) as f64;
    let span = outcome.span.as_secs_f64().max(1e-9);
    let quantiles = |histogram: &perfdhcp::histogram::Histogram| {
        [0.5, 0.9, 0.99, 0.999].map(|share| histogram.quantile_us(share))
    };
    Run {
        rate: outcome.completed as f64 / span,
        cpu_us: used.run_s * 1e6 / completed,
        generator_us: outcome.cpu.as_secs_f64() * 1e6 / completed,
        offer_us: quantiles(&outcome.offer),
        ack_us: quantiles(&outcome.ack),
        completed: outcome.completed,
        lost: outcome.lost_offers + outcome.lost_acks,
        naks: outcome.naks,
        late: outcome.late,
        wrong: outcome.wrong,
        complaints: outcome.complaints,
        waited: used.wait_s / span,
    }
}
