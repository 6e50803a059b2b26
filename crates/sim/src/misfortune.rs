//! What befalls the server: full disks, clocks that jump, new configurations, restarts and crashes; and the checks in
//! between.

use libdhcpsrv::session::Ticket;
use util::Entropy;

use crate::checks;
use crate::clock::SECOND;
use crate::family::Family;
use crate::host::Host;
use crate::shared::Side;
use crate::world::{Event, World};

/// Virtual seconds between two complete checks.
pub(crate) const CHECK_S: u64 = 7;
/// Seconds at the end of a run in which nothing goes wrong.
pub(crate) const QUIET_S: u32 = 30;

impl<F: Family> World<F> {
    pub(crate) fn second(&mut self) {
        self.after(SECOND, Event::Second);
        if self.shared.is_some() {
            return self.with_side(Side::second);
        }
        let now = self.clock.now();
        if let Some(host) = &mut self.host {
            host.maintain(now, &mut self.report);
        }
        // Retries of a failed journal come by this, too.
        self.after(0, Event::Write { epoch: self.epoch });
        if (self.clock.mono_ns / SECOND).is_multiple_of(CHECK_S) {
            self.check();
        }
        let left = u64::from(self.scenario.seconds) - self.clock.mono_ns / SECOND;
        if left < u64::from(QUIET_S) {
            return;
        }
        let scenario = self.scenario;
        if self.strikes(scenario.disk_failure_rate) {
            self.report.disk_failures += 1;
            self.disk.is_full = true;
            let wait = self.rng.below(10 * SECOND);
            self.after(wait, Event::Repaired);
        }
        if self.strikes(scenario.clock_jump_rate) {
            self.jump();
        }
        if self.strikes(scenario.reconfiguration_rate) {
            self.reconfigure();
        }
        if self.strikes(scenario.clean_up_rate) {
            self.begin_clean_up();
        }
        if self.strikes(scenario.restart_rate) {
            self.restart();
        }
        if self.strikes(scenario.crash_rate) {
            // At any moment of the second, but with the computer's own events around it.
            self.crash();
        }
    }

    pub(crate) fn strikes(&mut self, rate: u64) -> bool {
        self.rng.below(1000) < rate
    }

    pub(crate) fn jump(&mut self) {
        self.report.clock_jumps += 1;
        let far = match self.rng.below(3) {
            0 => 30,
            1 => 300,
            _ => 7200,
        };
        let seconds = self.rng.below(far) as i64 + 1;
        let seconds = if self.rng.below(2) == 0 { seconds } else { -seconds };
        self.clock.jump(seconds);
    }

    pub(crate) fn reconfigure(&mut self) {
        let Some(late) = self.host.as_ref().map(|host| host.late.clone()) else { return };
        // The workers stand still: what the store has answered is delivered before the swap.
        for ticket in late.map(|late| late.executed()).unwrap_or_default() {
            self.deliver(ticket);
        }
        let config = F::configuration(&self.scenario, Some(&mut self.rng));
        let now = self.clock.now();
        if let Some(host) = &mut self.host {
            self.report.reconfigurations += 1;
            host.reconfigure(config, now);
        }
    }

    /// Delivers an answer to whichever worker waits for it.
    pub(crate) fn deliver(&mut self, ticket: Ticket) {
        let place = self.events.iter().find_map(|(&place, event)| match event {
            Event::Answer { worker, ticket: other, .. } if *other == ticket => {
                Some((place, *worker))
            }
            _ => None,
        });
        if let Some((place, worker)) = place {
            self.events.remove(&place);
            self.answer(worker, ticket);
        }
    }

    pub(crate) fn begin_clean_up(&mut self) {
        let Some(host) = &mut self.host else { return };
        if !host.settle(&mut self.disk, &mut self.rng) {
            return;
        }
        self.disk.rotate();
        for worker in 0..host.workers.len() {
            self.release(worker);
        }
        for step in 1..=5 {
            let wait = step * self.rng.below(3 * SECOND);
            self.after(wait, Event::CleanUp);
        }
    }

    /// Stops the server in order and starts it again: nothing may be missing.
    pub(crate) fn restart(&mut self) {
        let Some(host) = &mut self.host else { return };
        if !host.settle(&mut self.disk, &mut self.rng) {
            return;
        }
        for worker in 0..host.workers.len() {
            self.release(worker);
        }
        self.report.restarts += 1;
        let before = self.host.take().map(|host| export(&host));
        self.boot();
        let after = self.host.as_ref().map(export);
        assert!(before == after, "an orderly restart has changed the leases");
    }

    pub(crate) fn crash(&mut self) {
        if self.host.take().is_none() {
            return;
        }
        self.report.crashes += 1;
        self.epoch += 1;
        self.disk.crash(&mut self.rng);
        let wait = self.rng.below(8 * SECOND);
        self.after(wait, Event::Boot);
    }

    pub(crate) fn boot(&mut self) {
        self.epoch += 1;
        let config = F::configuration(&self.scenario, None);
        let host = Host::boot(
            &self.scenario,
            config,
            &mut self.disk,
            self.clock.now(),
            &mut self.rng,
            &mut self.report,
        );
        let wall_max = self.clock.wall_max;
        self.report.recovered += self.family.recovered(&host, &self.scenario, wall_max);
        self.host = Some(host);
    }

    pub(crate) fn check(&mut self) {
        let Some(host) = &mut self.host else { return };
        let now = self.clock.now();
        host.store.expire_tick(now, usize::MAX);
        checks::whole(host, now, self.clock.wall_max);
        self.report.checks += 1;
    }
}

/// All leases as rows.
fn export<F: Family>(host: &Host<F>) -> Vec<u8> {
    let mut rows = Vec::new();
    let written = host.store.export(|piece| {
        rows.extend_from_slice(piece);
        Ok::<(), std::convert::Infallible>(())
    });
    written.unwrap_or_else(|never| match never {});
    rows
}
