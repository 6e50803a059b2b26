//! What befalls servers with a database: crashes, new configurations, clocks that jump, connections that are lost, a
//! database that is away, strangers that use it as well; and the checks in between.

use std::collections::BTreeMap;

use database::LeaseConnection;
use database::service::Survey;
use database::simulated::Moment;
use libdhcpsrv::free::PoolIndex;
use libdhcpsrv::lease::LeaseKind;
use util::number::AddressNumber;
use util::{Entropy, SplitMix};

use super::host::{self, Host};
use super::referee::Cause;
use super::{Event, Side, after};
use crate::clock::SECOND;
use crate::family::Family;
use crate::misfortune::{CHECK_S, QUIET_S};
use crate::spans::Span;
use crate::world::World;

/// Units of a pool that are looked at one by one.
const UNITS_MAX: u128 = 1024;
/// Seconds after which everybody must have noticed that something is free, if he needs it.
const NOTICED_S: u64 = 30;
/// Checks on end in which a pool may seem full though something has been free for long: nobody may have asked.
const LEAKING_MAX: u32 = 4;

impl<F: Family> Side<F> {
    pub(crate) fn second(&mut self, world: &mut World<F>) {
        for host in 0..self.hosts.len() {
            self.keep_up(host, world);
        }
        if (world.clock.mono_ns / SECOND).is_multiple_of(CHECK_S) {
            self.check(false, world);
        }
        let left = u64::from(world.scenario.seconds) - world.clock.mono_ns / SECOND;
        if left < u64::from(QUIET_S) {
            return;
        }
        let scenario = world.scenario;
        if world.strikes(scenario.disk_failure_rate) {
            world.report.disk_failures += 1;
            self.set_away(true);
            let wait = world.rng.below(10 * SECOND);
            after(world, wait, Event::Return);
        }
        if world.strikes(scenario.clock_jump_rate) {
            world.jump();
        }
        if world.strikes(scenario.stranger_rate) {
            self.let_strangers(world);
        }
        if world.strikes(scenario.reconfiguration_rate) {
            self.moves = Some(world.rng.next_u64());
            for host in 0..self.hosts.len() {
                let wait = world.rng.below(3 * SECOND);
                after(world, wait, Event::Reconfigure { host, epoch: self.epochs[host] });
            }
        }
        for host in 0..self.hosts.len() {
            if world.strikes(scenario.restart_rate) && self.hosts[host].is_some() {
                world.report.restarts += 1;
                self.end(host, world);
                self.boot(host, world);
            }
            if world.strikes(scenario.crash_rate) && self.hosts[host].is_some() {
                world.report.crashes += 1;
                self.end(host, world);
                let wait = world.rng.below(8 * SECOND);
                after(world, wait, Event::Boot { host });
            }
        }
    }

    /// What a server's keeper does.
    fn keep_up(&mut self, host: usize, world: &mut World<F>) {
        if self.hosts[host].is_none() || self.is_away {
            return;
        }
        self.draw_trouble(world);
        let (Some(mut connection), Some(one)) = (self.connect(), &mut self.hosts[host]) else {
            return;
        };
        let now = world.clock.now();
        // Marks are made anew where nothing seems to be free; others may stand for what somebody else has deleted.
        let pools = F::pools(&one.runtime);
        let count = F::units(&one.runtime).len() as u32;
        let full: Vec<bool> = (0..count).map(|nth| pools.free_count(PoolIndex(nth)) == 0).collect();
        let has_renewed = one.keep_up(&mut connection, now, &mut world.report);
        drop(connection);
        self.table.lose_after(u64::MAX, Moment::Before);
        if matches!(has_renewed, Ok(true)) {
            world.report.renewed_marks += 1;
            let is_exact = |pool: PoolIndex| full[pool.0 as usize];
            let wall_max = world.clock.wall_max;
            F::check_pools(&one.runtime, &self.table.leases(), now, wall_max, &is_exact);
        }
        self.watch_changes(Cause::Server, world);
    }

    /// What goes wrong under the next batch.
    pub(super) fn draw_trouble(&mut self, world: &mut World<F>) {
        let percent = world.scenario.connection_loss_percent;
        if world.rng.below(100) < percent {
            let moment = [Moment::Before, Moment::After][world.rng.below(2) as usize];
            self.table.lose_after(world.rng.below(5), moment);
        }
        if world.rng.below(100) < percent {
            self.table.set_retries(1 + world.rng.below(2));
        }
    }

    pub(super) fn set_away(&mut self, is_away: bool) {
        self.is_away = is_away;
        self.table.set_down(is_away);
    }

    pub(super) fn reconfigure(&mut self, host: usize, world: &mut World<F>) {
        let now = world.clock.now();
        let survey = self.connect().and_then(|mut open| Survey::make(&mut open, now.wall_s).ok());
        let Some((survey, one)) = survey.zip(self.hosts[host].as_mut()) else {
            // Tried again until it is as all are.
            let epoch = self.epochs[host];
            return after(world, SECOND, Event::Reconfigure { host, epoch });
        };
        world.report.reconfigurations += 1;
        one.reconfigure(configuration::<F>(self.moves, world), survey, now);
    }

    /// A server ends in the middle of everything; what it has asked may still be carried out.
    fn end(&mut self, host: usize, world: &mut World<F>) {
        let Some(mut one) = self.hosts[host].take() else { return };
        self.epochs[host] += 1;
        for sort in [1, 0] {
            if one.waits(sort) && world.rng.below(2) == 0 {
                let jobs = one.take_some(sort, &mut world.rng);
                host::carry_out(&self.table, jobs);
            }
        }
        self.watch_changes(Cause::Server, world);
    }

    pub(super) fn boot(&mut self, host: usize, world: &mut World<F>) {
        let config = configuration::<F>(self.moves, world);
        let now = world.clock.now();
        let workers = world.scenario.workers;
        let booted = self
            .connect()
            .and_then(|mut open| Host::boot(workers, config, &mut open, now, &mut world.rng));
        match booted {
            Some(booted) => {
                self.epochs[host] += 1;
                self.hosts[host] = Some(booted);
                F::check_pools(
                    &self.hosts[host].as_ref().expect("it has just been put there").runtime,
                    &self.table.leases(),
                    now,
                    world.clock.wall_max,
                    &|_| true,
                );
            }
            None => after(world, SECOND, Event::Boot { host }),
        }
    }

    /// Somebody else takes, renews and gives back leases.
    fn let_strangers(&mut self, world: &mut World<F>) {
        let now = world.clock.now();
        let Some(one) = self.hosts.iter().flatten().next() else { return };
        let pools = F::units(&one.runtime);
        self.table.set_retries(0);
        let Some(mut connection) = self.connect() else { return };
        let rows = self.table.leases();
        let mut rng = SplitMix::new(world.rng.next_u64());
        for _ in 0..=rng.below(4) {
            world.report.strangers += 1;
            let row = (!rows.is_empty()).then(|| &rows[rng.below(rows.len() as u64) as usize]);
            let (units, subnet) = pools[rng.below(pools.len() as u64) as usize];
            // What fails has met somebody else's change, as it may.
            let done = match (rng.below(3), row) {
                (0, Some(row)) if self.referee.is_active(row, &world.clock) => {
                    connection.update(&[(row, &F::renewed(row, now))])
                }
                (1, _) => {
                    let mut strange = rows.iter().filter(|row| is_strange::<F>(row, now));
                    strange.next().map_or(Ok(Vec::new()), |row| connection.delete(&[row]))
                }
                _ => {
                    let shift = 128 - u32::from(units.len);
                    let count = ((units.last - units.first) >> shift).min(1 << 32) as u64 + 1;
                    let first = units.first + (u128::from(rng.below(count)) << shift);
                    let span = Span { first, len: units.len };
                    let valid = 20 + rng.below(80) as u32;
                    match self.referee.is_free(span, &world.clock) {
                        true => connection.insert(&[&F::strange(span, subnet, now, valid)]),
                        false => Ok(Vec::new()),
                    }
                }
            };
            assert!(done.is_ok(), "strangers meet no trouble: {done:?}");
        }
        drop(connection);
        self.watch_changes(Cause::Stranger, world);
    }

    /// Checks all of it.
    pub(super) fn check(&mut self, must_be_idle: bool, world: &mut World<F>) {
        let scenario = world.scenario;
        world.report.checks += 1;
        let found = self.referee.used_rows_are_there(
            &world.clients,
            world.family.uses(),
            &world.clock,
            &scenario,
            &self.table,
        );
        world.report.recovered += found;
        for one in self.hosts.iter().flatten() {
            if !one.is_idle() {
                assert!(!must_be_idle, "something never comes to its end");
                continue;
            }
            for worker in &one.workers {
                assert_eq!(F::parked_len(&worker.server), 0, "an exchange stays parked for ever");
            }
            assert_eq!(one.shared.gate.in_progress(), 0, "a client stays inside the gate");
            let is_alone = self.hosts.len() == 1
                && scenario.connection_loss_percent == 0
                && scenario.reconfiguration_rate == 0
                && scenario.stranger_rate == 0;
            let now_s = world.clock.now().wall_s;
            let survey = self.table.connect().ok().filter(|_| is_alone);
            if let Some(survey) = survey.and_then(|mut open| Survey::make(&mut open, now_s).ok()) {
                world.report.recounts += 1;
                F::check_counters(&one.runtime, &one.counters, &host::counts(&survey));
            }
        }
        if !self.is_away && scenario.clock_jump_rate == 0 {
            self.check_leaks(world);
        }
    }

    /// A pool that seems full to a server is full, or not for long.
    fn check_leaks(&mut self, world: &mut World<F>) {
        let now_ns = world.clock.mono_ns;
        for one in self.hosts.iter_mut().flatten() {
            if now_ns < one.booted_ns + NOTICED_S * SECOND {
                continue;
            }
            let pools = F::pools(&one.runtime);
            let mut leaking = BTreeMap::new();
            for (nth, (units, _)) in F::units(&one.runtime).into_iter().enumerate() {
                let index = PoolIndex(nth as u32);
                if pools.free_count(index) > 0 {
                    continue;
                }
                let shift = 128 - u32::from(units.len);
                let count = (((units.last - units.first) >> shift) + 1).min(UNITS_MAX);
                let free = (0..count).map(|unit| units.first + (unit << shift)).find(|&first| {
                    let span = Span { first, len: units.len };
                    let of = <F::Leases as LeaseKind>::Number::from_u128;
                    let is_reserved = pools.is_range_reserved(index, of(first), of(span.last()));
                    !is_reserved && self.referee.is_free_for(span, NOTICED_S, &world.clock)
                });
                if let Some(first) = free {
                    let checks = one.leaking.get(&nth).copied().unwrap_or(0) + 1;
                    world.report.leaks_max = world.report.leaks_max.max(checks.into());
                    let span = Span { first, len: units.len };
                    assert!(checks <= LEAKING_MAX, "{span} has leaked from pool {nth}");
                    leaking.insert(nth, checks);
                }
            }
            one.leaking = leaking;
        }
    }
}

/// The configuration in force.
fn configuration<F: Family>(moves: Option<u64>, world: &World<F>) -> F::Config {
    let mut rng = moves.map(SplitMix::new);
    F::configuration(&world.scenario, rng.as_mut())
}

/// Whether a lease is a stranger's.
fn is_strange<F: Family>(lease: &<F::Leases as LeaseKind>::Lease, now: util::Now) -> bool {
    let own = F::strange(F::span(lease), 0, now, 1);
    F::is_same(&F::holder(lease), &F::holder(&own))
}
