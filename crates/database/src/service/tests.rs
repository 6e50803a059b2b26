//! The threads over a table in memory that misbehaves when it is told to.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use libdhcpsrv::config::{OnFail, Reconnect};
use libdhcpsrv::free::{PickFrom, PoolIndex, PoolRange, PoolSet4};
use libdhcpsrv::lease::{CommitError, Expect, LeaseState, ReclaimLimits, SubnetId};
use libdhcpsrv::lease4::{Change4, ClientKey, Lease4, Lease4View, V4};
use libdhcpsrv::session::{Answer4, Question4, Store, Submitted, Ticket};
use util::Now;

use super::*;
use crate::LinkEvent;
use crate::simulated::{Moment, Table};

const LIMIT: Duration = Duration::from_secs(20);
const SUBNET: SubnetId = SubnetId(1);
/// Tries that are never used up.
const PATIENT: Reconnect = Reconnect {
    tries_max: u32::MAX,
    wait_ms: 5,
    on_fail: OnFail::ServeRetryExit,
    on_startup: false,
};

/// A service, and a worker before it.
struct Stand {
    service: LeaseService<V4>,
    post: Post<V4>,
    woken: Receiver<()>,
    replies: Vec<Reply<V4>>,
}

impl Stand {
    fn new(table: &Table<V4>, reconnect: Reconnect) -> Self {
        let opener: Opener<V4> = {
            let table = table.clone();
            Arc::new(move || Ok(Box::new(table.connect()?)))
        };
        let first = opener().unwrap();
        let service =
            LeaseService::start(opener, None, first, reconnect, wall_s(), Box::new(|| ())).unwrap();
        let (wakes, woken) = channel();
        let wakes = parking_lot::Mutex::new(wakes);
        let post = service.post(Box::new(move |_| {
            let _ = wakes.lock().send(());
        }));
        Self { service, post, woken, replies: Vec::new() }
    }

    /// Asks all questions at once; the answers in their order, none for a question that failed.
    fn ask(&mut self, questions: &[Question4<'_>]) -> Vec<Option<Answer4>> {
        let now = now();
        let store = self.post.store().clone();
        let submitted: Vec<_> =
            questions.iter().map(|question| store.submit(question, now)).collect();
        self.post.hand_over();
        let ticket = |submitted: &Submitted<V4>| match submitted {
            Submitted::Waiting(ticket) => Some(*ticket),
            Submitted::Ready(_) => None,
        };
        let waiting = submitted.iter().filter_map(ticket).count();
        let mut answers: Vec<(Ticket, Option<Answer4>)> = Vec::new();
        let begin = Instant::now();
        while answers.len() < waiting {
            assert!(begin.elapsed() < LIMIT, "no reply");
            let _ = self.woken.recv_timeout(Duration::from_millis(100));
            self.post.collect(&mut self.replies);
            for reply in self.replies.drain(..) {
                answers.push((reply.ticket, store.settle(reply, now)));
            }
        }
        let answer = |submitted| match submitted {
            Submitted::Ready(answer) => Some(answer),
            Submitted::Waiting(of) => {
                answers.iter().find(|(ticket, _)| *ticket == of).and_then(|(_, answer)| *answer)
            }
        };
        submitted.into_iter().map(answer).collect()
    }

    fn get(&mut self, address: Ipv4Addr) -> Option<Option<Lease4View>> {
        match self.ask(&[Question4::Get { client: client(&[1; 6]), address }])[..] {
            [Some(Answer4::Got(view))] => Some(view),
            _ => None,
        }
    }

    /// Waits until an event is told.
    fn event(&self, mut is_it: impl FnMut(&LinkEvent) -> bool) -> LinkEvent {
        let begin = Instant::now();
        loop {
            if let Some(event) = self.service.take_events().into_iter().find(&mut is_it) {
                return event;
            }
            assert!(begin.elapsed() < LIMIT, "no such event");
            std::thread::yield_now();
        }
    }
}

fn wall_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_secs() as i64
}

fn now() -> Now {
    Now { wall_s: wall_s(), ..Now::from_secs(1) }
}

const fn client(hw: &[u8]) -> ClientKey<'_> {
    ClientKey { hw_type: 1, hw, client_id: None }
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + number)
}

fn change(hw: &[u8], address: Ipv4Addr) -> Change4<'_> {
    Change4 {
        address,
        subnet_id: SUBNET,
        pool_id: 0,
        pool: None,
        client: client(hw),
        valid_lifetime: 3600,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: &[],
        user_context: &[],
        keeps_context: false,
        expect: Expect::Absent,
        replaces: None,
    }
}

fn is_made(answer: &Option<Answer4>) -> bool {
    matches!(answer, Some(Answer4::Done(Ok(_))))
}

#[test]
fn many_questions_become_few_statements_and_one_address_has_one_winner() {
    let table = Table::default();
    let mut stand = Stand::new(&table, PATIENT);
    let before = table.statements();
    let questions: Vec<_> =
        (0..200).map(|number| Question4::Commit(change(&[1; 6], address(number / 2)))).collect();
    let answers = stand.ask(&questions);
    assert_eq!(answers.iter().filter(|answer| is_made(answer)).count(), 100);
    let lost = Some(Answer4::Done(Err(CommitError::Conflict)));
    let conflicts = answers.iter().filter(|answer| format!("{answer:?}") == format!("{lost:?}"));
    assert_eq!(conflicts.count(), 100);
    assert!(table.statements() - before < 20, "{}", table.statements() - before);
    assert_eq!(table.leases().len(), 100);
    let [carried, batches] = stand.service.carried();
    assert!(carried >= 200 && batches < 20, "{carried} in {batches}");
}

#[test]
fn what_was_under_way_when_a_connection_was_lost_is_carried_out_once_more() {
    for moment in [Moment::Before, Moment::After] {
        let table = Table::default();
        let mut stand = Stand::new(&table, PATIENT);
        table.lose_after(0, moment);
        let answers = stand.ask(&[Question4::Commit(change(&[1; 6], address(1)))]);
        // What had been stored before the connection was lost is found to be there.
        assert!(is_made(&answers[0]), "{moment:?}: {answers:?}");
        assert_eq!(table.leases().len(), 1);
        table.lose_after(0, moment);
        assert!(stand.get(address(1)).unwrap().is_some());
    }
}

#[test]
fn database_that_is_away_answers_nothing_and_is_served_again_when_it_is_back() {
    let table = Table::default();
    let mut stand = Stand::new(&table, Reconnect { on_fail: OnFail::StopRetryExit, ..PATIENT });
    assert!(!stand.post.is_closed());
    table.set_down(true);
    assert_eq!(stand.get(address(1)), None);
    stand.event(|event| matches!(event, LinkEvent::Lost(_)));
    stand.event(|event| matches!(event, LinkEvent::Failed(2, _)));
    assert!(stand.post.is_closed() && !stand.service.is_up());
    assert_eq!(stand.get(address(1)), None);
    table.set_down(false);
    stand.event(|event| *event == LinkEvent::Recovered);
    assert!(!stand.post.is_closed() && stand.service.is_up());
    assert_eq!(stand.get(address(1)), Some(None));
}

#[test]
fn tries_are_counted_and_the_end_is_told() {
    for (tries_max, wait_ms, told) in [(0, 100, 0), (3, 0, 0), (3, 1, 3)] {
        let table = Table::default();
        let mut stand = Stand::new(&table, Reconnect { tries_max, wait_ms, ..PATIENT });
        table.set_down(true);
        assert_eq!(stand.get(address(1)), None);
        let event = stand.event(|event| matches!(event, LinkEvent::GaveUp(_)));
        assert_eq!(event, LinkEvent::GaveUp(told));
        table.set_down(false);
        assert_eq!(stand.get(address(1)), None, "the process is about to end");
    }
}

#[test]
fn server_that_must_go_on_comes_back_after_all_tries_have_failed() {
    let table = Table::default();
    let reconnect = Reconnect { tries_max: 1, on_fail: OnFail::ServeRetryContinue, ..PATIENT };
    let mut stand = Stand::new(&table, reconnect);
    table.set_down(true);
    assert_eq!(stand.get(address(1)), None);
    stand.event(|event| *event == LinkEvent::GaveUp(1));
    assert!(!stand.post.is_closed());
    table.set_down(false);
    stand.event(|event| *event == LinkEvent::Recovered);
    assert_eq!(stand.get(address(1)), Some(None));
}

#[test]
fn transactions_in_each_others_way_are_made_again() {
    let table = Table::default();
    let mut stand = Stand::new(&table, PATIENT);
    table.set_retries(3);
    let answers = stand.ask(&[Question4::Commit(change(&[1; 6], address(1)))]);
    assert!(is_made(&answers[0]));
}

#[test]
fn reads_that_may_be_tried_again_are_but_not_for_ever() {
    let table = Table::default();
    table.put(lease(1, LeaseState::Default, 50));
    let mut stand = Stand::new(&table, PATIENT);
    table.set_read_retries(3);
    assert!(matches!(stand.get(address(1)), Some(Some(_))));
    table.set_read_retries(u64::MAX);
    assert_eq!(stand.get(address(1)), None, "there is no answer");
    table.set_read_retries(0);
    assert!(matches!(stand.get(address(1)), Some(Some(_))));
}

/// Asks for a lease of each of some addresses; the numbers of those that have got none.
fn refused(stand: &mut Stand, count: u32) -> Vec<u32> {
    let questions: Vec<_> =
        (0..count).map(|number| Question4::Commit(change(&[1; 6], address(number)))).collect();
    let answers = (0..).zip(stand.ask(&questions));
    answers.filter(|(_, answer)| !is_made(answer)).map(|(number, _)| number).collect()
}

#[test]
fn row_that_somebody_holds_costs_its_own_change_and_little_time() {
    let table = Table::default();
    let mut stand = Stand::new(&table, PATIENT);
    let mut holder = table.connect().unwrap();
    holder.begin().unwrap();
    holder.insert(&[&lease(5, LeaseState::Default, -50)]).unwrap();
    let begin = Instant::now();
    assert_eq!(refused(&mut stand, 64), [5]);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    stand.event(|event| {
        matches!(event, LinkEvent::Refused(error)
            if error.fault == crate::Fault::Locked && error.key == address(5).to_string())
    });
    assert_eq!(table.leases().len(), 63);
    // The connection waits again afterwards.
    let waiter = std::thread::spawn(move || {
        let answers = stand.ask(&[Question4::Commit(change(&[1; 6], address(5)))]);
        format!("{answers:?}")
    });
    drop(holder);
    assert!(waiter.join().unwrap().contains("Done(Ok("));
    assert_eq!(table.leases().len(), 64);
}

#[test]
fn lease_that_does_not_fit_is_not_sent() {
    let table = Table::default();
    let mut stand = Stand::new(&table, PATIENT);
    table.make_unfit(address(5));
    let before = table.statements();
    assert_eq!(refused(&mut stand, 64), [5]);
    assert_eq!(table.leases().len(), 63);
    assert!(table.statements() - before < 20, "{}", table.statements() - before);
    let answers = stand.ask(&[Question4::Commit(change(&[1; 6], address(5)))]);
    assert!(answers[0].is_none(), "it is no conflict: {answers:?}");
}

#[test]
fn change_that_is_refused_is_found_by_halving() {
    let table = Table::default();
    let mut stand = Stand::new(&table, PATIENT);
    table.poison(address(77));
    let before = table.commits();
    assert_eq!(refused(&mut stand, 128), [77]);
    assert_eq!(table.leases().len(), 127);
    assert!(table.commits() - before < 20, "{}", table.commits() - before);
    stand.event(|event| matches!(event, LinkEvent::Refused(_)));
}

#[test]
fn standby_is_left_for_another_server() {
    let table = Table::default();
    let mut stand = Stand::new(&table, PATIENT);
    table.set_read_only(true);
    let answers = stand.ask(&[Question4::Commit(change(&[1; 6], address(1)))]);
    assert!(answers[0].is_none());
    stand.event(|event| matches!(event, LinkEvent::Lost(_)));
    table.set_read_only(false);
    let answers = stand.ask(&[Question4::Commit(change(&[1; 6], address(1)))]);
    assert!(is_made(&answers[0]));
}

fn lease(number: u32, state: LeaseState, ended_s: i64) -> Lease4 {
    Lease4 {
        address: address(number),
        hw: vec![2; 6],
        subnet_id: SUBNET,
        valid_lifetime: 100,
        cltt: wall_s() - 100 - ended_s,
        state,
        hostname: b"name".to_vec(),
        ..Lease4::default()
    }
}

/// Waits for the result of a run.
pub(super) fn kept(service: &LeaseService<V4>) -> Kept<V4> {
    let begin = Instant::now();
    loop {
        if let Some(kept) = service.take_kept().pop() {
            return kept;
        }
        assert!(begin.elapsed() < LIMIT, "nothing was done");
        std::thread::yield_now();
    }
}

#[test]
fn expired_leases_are_reclaimed_within_limits_and_removed_later() {
    let table = Table::default();
    for number in 0..5 {
        table.put(lease(number, LeaseState::Default, 10 + i64::from(number)));
    }
    table.put(lease(5, LeaseState::Declined, 50));
    table.put(lease(6, LeaseState::Default, -50));
    let stand = Stand::new(&table, PATIENT);
    let limits = ReclaimLimits { leases_max: 4, remove: false };
    stand.service.reclaim(limits, Duration::ZERO);
    let Kept::Reclaimed { leases, is_more, .. } = kept(&stand.service) else { panic!() };
    let of = |reclaimed: &ReclaimedLease<V4>| {
        (
            u32::from(reclaimed.lease.address) & 0xff,
            reclaimed.deleted,
            reclaimed.deltas.iter().count(),
        )
    };
    let mut reclaimed: Vec<_> = leases.iter().map(of).collect();
    reclaimed.sort_unstable();
    assert_eq!(reclaimed, [(2, false, 2), (3, false, 2), (4, false, 2), (5, true, 1)]);
    assert!(is_more);
    stand.service.reclaim(ReclaimLimits { leases_max: 0, remove: true }, Duration::ZERO);
    let Kept::Reclaimed { leases, is_more, .. } = kept(&stand.service) else { panic!() };
    assert_eq!((leases.len(), leases.iter().all(|lease| lease.deleted), is_more), (2, true, false));
    let left = table.leases();
    let states: Vec<_> = left.iter().map(|lease| (lease.state, lease.hostname.len())).collect();
    let reclaimed = (LeaseState::ExpiredReclaimed, 0);
    assert_eq!(states, [reclaimed, reclaimed, reclaimed, (LeaseState::Default, 4)]);
    stand.service.flush_reclaimed(0, 1000);
    assert!(matches!(kept(&stand.service), Kept::Flushed(3)));
}

#[test]
fn addresses_are_free_when_lifetimes_end_and_when_nothing_seems_left() {
    let table = Table::default();
    table.put(lease(1, LeaseState::Default, -2));
    let mut stand = Stand::new(&table, PATIENT);
    let range = PoolRange { first: address(1), last: address(1), skips_edges: false };
    let pools = Arc::new(PoolSet4::new([range]));
    let survey = Survey::make(&mut table.connect().unwrap(), wall_s()).unwrap();
    assert_eq!((survey.held.len(), survey.counts[0].count), (1, 1));
    stand.service.hints().adopt(&pools, &survey.held);
    assert_eq!(pools.pick(PoolIndex(0), PickFrom::Cursor), None);
    let begin = Instant::now();
    while pools.pick(PoolIndex(0), PickFrom::Cursor).is_none() {
        assert!(begin.elapsed() < LIMIT, "never free");
        std::thread::yield_now();
    }
    assert!(stand.get(address(1)).unwrap().is_some(), "it has ended and is not gone");
}

#[test]
fn rows_that_cannot_be_reclaimed_hide_no_others() {
    let table = Table::default();
    for number in 0..700 {
        table.make_unreadable(address(number));
    }
    for number in 1000..1600 {
        table.put(lease(number, LeaseState::Default, 2000));
        table.poison(address(number));
    }
    for number in 2000..2010 {
        table.put(lease(number, LeaseState::Default, 10));
    }
    let mut holder = table.connect().unwrap();
    holder.begin().unwrap();
    let held = lease(2003, LeaseState::Default, 10);
    assert_eq!(holder.update(&[(&held, &held)]).unwrap().len(), 1);
    let stand = Stand::new(&table, PATIENT);
    for expected in [9, 0] {
        let limits = ReclaimLimits { leases_max: 100, remove: false };
        stand.service.reclaim(limits, Duration::ZERO);
        let Kept::Reclaimed { leases, is_more, .. } = kept(&stand.service) else { panic!() };
        assert_eq!((leases.len(), is_more), (expected, false));
    }
}

#[test]
fn what_was_reclaimed_is_told_even_if_the_connection_is_lost_behind_it() {
    for statements in 1..6 {
        let table = Table::default();
        table.put(lease(1, LeaseState::Default, 20));
        table.put(lease(2, LeaseState::Default, 10));
        let stand = Stand::new(&table, PATIENT);
        table.lose_after(statements, Moment::Before);
        stand.service.reclaim(ReclaimLimits { leases_max: 1, remove: false }, Duration::ZERO);
        let Kept::Reclaimed { leases, .. } = kept(&stand.service) else { panic!() };
        let states = table.leases().into_iter().map(|lease| lease.state);
        let stored = states.filter(|state| *state == LeaseState::ExpiredReclaimed).count();
        assert_eq!(leases.len(), stored, "{statements}");
    }
}
