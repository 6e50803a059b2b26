//! What must hold whoever changes the table, judged from its changes, the replies and what clients use.
//!
//! - A lease that is not over goes to nobody else, and ends before its time only if its client has asked for something a
//!   moment ago. Nothing that is held overlaps.
//! - What a reply gives was in the table, exactly so, after the query had come.
//! - What a client uses is in the table as long as it does.

use std::collections::{BTreeMap, VecDeque};

use database::simulated::Table;
use libdhcpsrv::lease::{AddressOf, LeaseKind, LeaseState};
use util::Now;

use crate::clock::{Clock, SECOND};
use crate::family::{Family, Promise};
use crate::scenario::Scenario;
use crate::spans::{Span, Spans};
use crate::uses::Uses;

/// How long a query may be in progress, and its copies be on their way.
const EXCHANGE_S: u64 = 60;

/// Who has changed the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Server,
    Stranger,
}

type Lease<F> = <<F as Family>::Leases as LeaseKind>::Lease;

/// What was in the table from a time on.
#[derive(Debug)]
struct Version<F: Family> {
    since_ns: u64,
    lease: Option<Lease<F>>,
}

/// The referee.
#[derive(Debug)]
pub(super) struct Referee<F: Family> {
    /// What each address had lately, the last one last.
    rows: BTreeMap<u128, VecDeque<Version<F>>>,
    /// What is in the table now.
    stored: Spans<Lease<F>>,
    /// Who has asked for changes lately.
    asked: VecDeque<(u64, F::Holder)>,
    /// When the first copy of a query came.
    exchanges: BTreeMap<Vec<u8>, Now>,
}

impl<F: Family> Default for Referee<F> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            stored: Spans::default(),
            asked: VecDeque::new(),
            exchanges: BTreeMap::new(),
        }
    }
}

impl<F: Family> Referee<F> {
    /// A query has reached a server.
    pub(super) fn heard(&mut self, query: &F::Message, now: Now) {
        self.exchanges.entry(F::exchange(query)).or_insert(now);
        let is_old = |since: u64| since + EXCHANGE_S * SECOND < now.mono_ns;
        while self.asked.front().is_some_and(|(since, _)| is_old(*since)) {
            self.asked.pop_front();
        }
        self.asked.extend(F::askers(query).into_iter().map(|holder| (now.mono_ns, holder)));
    }

    /// A row has been changed.
    pub(super) fn changed(
        &mut self,
        old: Option<Lease<F>>,
        new: Option<Lease<F>>,
        cause: Cause,
        clock: &Clock,
        uses: &mut Uses,
    ) {
        let Some(any) = new.as_ref().or(old.as_ref()) else { return };
        let address = F::span(any).first;
        let is_given = |lease: &&Lease<F>| contents::<F>(lease).state == LeaseState::Default;
        let before = old.as_ref().filter(|old| self.is_active(old, clock));
        let after = new.as_ref().filter(is_given);
        if let Some(before) = before {
            let (span, holder) = (F::span(before), F::holder(before));
            match after.filter(|after| F::span(after) == span) {
                _ if !is_given(&before) => {
                    assert!(after.is_none(), "{after:?} in the quarantine of {before:?}");
                }
                Some(after) if F::is_same(&holder, &F::holder(after)) => {
                    let left_s = (end::<F>(after) - clock.now().wall_s).max(0) as u64;
                    // A clock that jumps makes nonsense of it, and then nobody counts on anything.
                    uses.cut(span, clock.mono_ns + left_s.min(100_000) * SECOND);
                }
                after => {
                    assert!(after.is_none(), "{before:?} was taken away by {after:?}");
                    let mut asked = self.asked.iter();
                    let has_asked = asked.any(|(_, asker)| F::is_same(asker, &holder));
                    let is_own = cause == Cause::Stranger || has_asked;
                    assert!(is_own, "{before:?} became {new:?} though its client did not ask");
                    uses.end_all(span);
                }
            }
        }
        if let Some(new) = new.as_ref().filter(|new| self.is_active(new, clock)) {
            let span = F::span(new);
            for (other, lease) in self.stored.overlapping(span).filter(|(other, _)| *other != span)
            {
                assert!(!self.is_active(lease, clock), "{new:?} overlaps {other}: {lease:?}");
            }
        }
        if let Some(old) = &old {
            self.stored.remove(F::span(old));
        }
        if let Some(new) = &new {
            self.stored.insert(F::span(new), new.clone());
        }
        let versions = self.rows.entry(address).or_default();
        versions.push_back(Version { since_ns: clock.mono_ns, lease: new });
        let is_old = |version: &Version<F>| version.since_ns + EXCHANGE_S * SECOND < clock.mono_ns;
        while versions.get(1).is_some_and(is_old) {
            versions.pop_front();
        }
    }

    /// A reply leaves a server.
    pub(super) fn replied(&mut self, reply: &F::Message, clock: &Clock, scenario: &Scenario) {
        for promise in F::promises(reply) {
            let Some(asked) = self.exchanges.get(&F::exchange(reply)) else {
                panic!("{promise:?} without a query");
            };
            let versions = self.rows.get(&promise.span.first);
            let fits = |version: &&Version<F>| {
                let Some(lease) = &version.lease else { return false };
                let stored = contents::<F>(lease);
                F::span(lease) == promise.span
                    && F::is_same(&F::holder(lease), &promise.holder)
                    && stored.state == LeaseState::Default
                    && stored.valid_lifetime == promise.valid
                    && version.since_ns >= asked.mono_ns
                    && (scenario.clock_jump_rate > 0 || stored.cltt >= asked.wall_s)
            };
            let is_there = versions.is_some_and(|all| all.iter().rev().any(|one| fits(&one)));
            assert!(is_there, "{promise:?}, asked at {asked:?}, has not been stored: {versions:?}");
        }
        for offer in F::offers(reply) {
            let Some(asked) = self.exchanges.get(&F::exchange(reply)) else {
                panic!("{offer:?} without a query");
            };
            let taken = self.taken_since(&offer, asked.mono_ns, clock);
            assert!(taken.is_none(), "{offer:?}, asked at {asked:?}, was never free: {taken:?}");
        }
    }

    /// The lease that somebody else has had of an address all the time since then.
    fn taken_since(
        &self,
        offer: &Promise<F::Holder>,
        since_ns: u64,
        clock: &Clock,
    ) -> Option<&Lease<F>> {
        let last = self.rows.get(&offer.span.first)?.back()?;
        let lease = last.lease.as_ref().filter(|_| last.since_ns < since_ns)?;
        let is_others = !F::is_same(&F::holder(lease), &offer.holder);
        Some(lease).filter(|lease| is_others && self.is_active(lease, clock))
    }

    /// Whether what clients use is in the table; returns how much there was.
    pub(super) fn used_rows_are_there(
        &self,
        clients: &[F::Client],
        uses: &Uses,
        clock: &Clock,
        scenario: &Scenario,
        table: &Table<F::Leases>,
    ) -> u64 {
        // The table that was looked at and the one that was watched are the same.
        let is_watched = |lease: &Lease<F>| self.stored.get(F::span(lease)).is_some();
        let rows = table.leases();
        let watched = self.stored.iter().count();
        assert!(rows.iter().all(is_watched) && watched == rows.len(), "changes went unseen");
        if scenario.clock_jump_rate > 0 {
            return 0;
        }
        let mut count = 0;
        for (client, span, until) in uses.all(clock.mono_ns) {
            let address: AddressOf<F::Leases> = F::address(span);
            let lease = table.lease(address).filter(|lease| F::span(lease) == span);
            let Some(lease) = lease.filter(|lease| F::is_of(&clients[client], lease)) else {
                panic!("client {client} uses {span}, but the table has {:?}", table.lease(address));
            };
            assert!(
                self.is_active(&lease, clock),
                "client {client} uses {span} until {until}: {lease:?}"
            );
            count += 1;
        }
        count
    }

    /// Whether a lease keeps its address from others, by the latest wall clock ever shown.
    pub(super) fn is_active(&self, lease: &Lease<F>, clock: &Clock) -> bool {
        contents::<F>(lease).state.holds_address() && end::<F>(lease) >= clock.wall_max
    }

    /// Whether nobody has anything of a span.
    pub(super) fn is_free(&self, span: Span, clock: &Clock) -> bool {
        let mut all = self.stored.overlapping(span);
        all.all(|(_, lease)| !self.is_active(lease, clock))
    }

    /// Whether nobody has had anything of a span for some seconds.
    pub(super) fn is_free_for(&self, span: Span, seconds: u64, clock: &Clock) -> bool {
        let was_over = |lease: &Lease<F>| {
            let stored = contents::<F>(lease);
            end::<F>(lease) + (seconds as i64) < clock.now().wall_s || !stored.state.holds_address()
        };
        let mut all = self.stored.overlapping(span);
        let last = self.rows.get(&span.first).and_then(VecDeque::back);
        let is_old = last.is_none_or(|last| last.since_ns + seconds * SECOND < clock.mono_ns);
        all.all(|(_, lease)| was_over(lease)) && is_old
    }
}

fn contents<F: Family>(lease: &Lease<F>) -> libdhcpsrv::lease::Contents<'_, F::Leases> {
    <F::Leases as LeaseKind>::contents_of(lease)
}

/// The last second of a lease.
fn end<F: Family>(lease: &Lease<F>) -> i64 {
    let stored = contents::<F>(lease);
    stored.cltt + i64::from(stored.valid_lifetime)
}
