//! One repetition of one row: start the server, warm it up, measure, end it.

use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::config;
use crate::databases;
use crate::load::{Generator, Outcome, Phase, Plan, WINDOW_MAX};
use crate::net::Net;
use crate::server::{Server, Setup};
use crate::spec::Spec;
use crate::sys;

/// Share of exchanges of the warm-up.
const WARM_UP: Duration = Duration::from_millis(400);
/// Exchanges of the warm-up of a database, so that the planner's statistics are those of a table in use.
const WARM_UP_ROWS: u64 = 2000;
/// Longest such warm-up.
const WARM_UP_ROWS_MAX: Duration = Duration::from_secs(5);

/// What one measured run showed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    /// Completed exchanges per second.
    pub(crate) rate: f64,
    /// CPU of the server per 1000 exchanges, in milliseconds; per exchange, in microseconds.
    pub(crate) cpu_us: f64,
    /// The same of its database.
    pub(crate) database_us: f64,
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
    /// At half of the rate of `main`.
    pub(crate) half: Option<Run>,
}

impl Trial {
    /// All runs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        [Some(&self.main), self.renew.as_ref(), self.half.as_ref()].into_iter().flatten()
    }
}

/// Runs one repetition; `time` is that of the measured part.
pub(crate) fn run(
    spec: &Spec,
    repetition: u32,
    time: Duration,
    setup: &Setup,
    net: &Net,
) -> Result<Trial, String> {
    let (server, mut generator) = Server::start(spec, setup, net)?;
    let (ready_mib, _) = server.memory_mib();
    let warm = server_load(&mut generator, setup, &plan(spec, WARM_UP, spec.exchanges_max() / 4));
    let used = warm.started + 128 + warm_up_database(spec, &server, &mut generator, setup)?;
    server.settle();
    let left = spec.exchanges_max().saturating_sub(used);
    let main = measured(&server, &mut generator, setup, &plan(spec, time, left));
    let renew = spec.renew.then(|| {
        server.settle();
        let plan = Plan { phase: Phase::Renew, ..plan(spec, time, u64::MAX) };
        measured(&server, &mut generator, setup, &plan)
    });
    let half = spec.half.then(|| {
        server.settle();
        let left = left.saturating_sub(main.completed + main.lost);
        let plan = Plan { rate: Some(main.rate / 2.0), ..plan(spec, time, left) };
        // As many as there are: an open loop is not held back by answers that do not come.
        let plan = Plan { window: WINDOW_MAX, ..plan };
        measured(&server, &mut generator, setup, &plan)
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
        held: config::held_count(spec) + spec.rows as usize,
        main,
        renew,
        half,
    })
}

/// Fills the table of a row with a database, and lets the planner know; returns the number of exchanges begun.
fn warm_up_database(
    spec: &Spec,
    server: &Server,
    generator: &mut Generator,
    setup: &Setup,
) -> Result<u64, String> {
    let Some(database) = &server.database else { return Ok(0) };
    databases::raise_priority(database);
    let many = server_load(generator, setup, &plan(spec, WARM_UP_ROWS_MAX, WARM_UP_ROWS));
    databases::analyze(database, spec.family)?;
    let again = server_load(generator, setup, &plan(spec, WARM_UP, spec.exchanges_max() / 4));
    Ok(many.started + again.started)
}

fn plan(spec: &Spec, time: Duration, exchanges_max: u64) -> Plan {
    let phase = if spec.release { Phase::AcquireAndRelease } else { Phase::Acquire };
    Plan { rate: spec.rate, phase, ..Plan::saturate(spec.window, time, exchanges_max) }
}

/// Runs the generator on its CPU.
pub(crate) fn server_load(generator: &mut Generator, setup: &Setup, plan: &Plan) -> Outcome {
    let cpu = setup.generator_cpu;
    thread::scope(|scope| {
        let load = scope.spawn(move || {
            // Without the right to choose the CPU the figures are less steady, but true.
            let _ = sys::pin_thread(cpu);
            generator.run(plan)
        });
        load.join().expect("the generator does not panic")
    })
}

fn measured(server: &Server, generator: &mut Generator, setup: &Setup, plan: &Plan) -> Run {
    let before = (server.cpu(), server.database_cpu());
    let outcome = server_load(generator, setup, plan);
    // Work that the server owes for the replies it sent (writing, releases) is part of the exchange.
    thread::sleep(Duration::from_millis(20));
    let used = server.cpu().since(&before.0);
    let database = server.database_cpu().saturating_sub(before.1);
    let completed = outcome.completed.max(1) as f64;
    let span = outcome.span.as_secs_f64().max(1e-9);
    let quantiles = |histogram: &perfdhcp::histogram::Histogram| {
        [0.5, 0.9, 0.99, 0.999].map(|share| histogram.quantile_us(share))
    };
    Run {
        rate: outcome.completed as f64 / span,
        cpu_us: used.run_s * 1e6 / completed,
        database_us: database.as_secs_f64() * 1e6 / completed,
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
