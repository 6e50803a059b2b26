//! Stores that answer late: an exchange is parked with its packet and goes on when the answer comes.

use std::sync::{Arc, Mutex};

use libdhcp::v4::{MessageType, code};
use libdhcpsrv::intake::{PARKED_MAX, Progress};
use libdhcpsrv::lease4::{LeaseStore4, V4};
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::{Answer4, Question4, Store, Submitted, Ticket};
use stats::{Lease4, Packet4, Place};
use util::Now;

use crate::release::release;
use crate::stand::{Query, SMALL, Stand, discover, rebooting, selecting};

const A: [u8; 4] = [192, 0, 2, 10];

/// A store that answers nothing at once; the answers, made at once, wait here.
struct Patient {
    inner: Arc<LeaseStore4>,
    answers: Arc<Mutex<Vec<Answer4>>>,
}

impl Store<V4> for Patient {
    fn submit(&self, question: &Question4<'_>, now: Now) -> Submitted<V4> {
        let Submitted::Ready(answer) = self.inner.submit(question, now) else {
            panic!("memory answers at once")
        };
        let mut answers = self.answers.lock().unwrap();
        answers.push(answer);
        Submitted::Waiting(Ticket(answers.len() as u64 - 1))
    }
}

struct Waiting {
    stand: Stand,
    answers: Arc<Mutex<Vec<Answer4>>>,
}

impl Waiting {
    fn new() -> Self {
        Self::with(SMALL)
    }

    fn with(members: &str) -> Self {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let kept = answers.clone();
        let stand = Stand::with_store(members, |inner| Arc::new(Patient { inner, answers: kept }));
        Self { stand, answers }
    }

    fn feed(&mut self, query: &Query) -> Progress {
        let payload = query.message.to_bytes().unwrap();
        let stand = &mut self.stand;
        stand.server.receive(query.inbound(&payload), stand.now, &mut stand.replies)
    }

    fn resume(&mut self, ticket: Ticket) -> Progress {
        let answer = self.answers.lock().unwrap()[ticket.0 as usize];
        let stand = &mut self.stand;
        stand.server.resume(ticket, answer, stand.now, &mut stand.replies)
    }

    fn end_batch(&mut self) {
        let stand = &mut self.stand;
        stand.server.end_batch(stand.now, &mut stand.replies);
    }

    /// Answers until the exchange is done; returns how often it had to wait.
    fn finish(&mut self, mut progress: Progress) -> usize {
        let mut waits = 0;
        while let Progress::Waiting(ticket) = progress {
            waits += 1;
            progress = self.resume(ticket);
        }
        assert_eq!(progress, Progress::Done);
        waits
    }
}

#[test]
fn an_exchange_that_has_waited_is_explained_once() {
    let mut waiting = Waiting::new();
    waiting.stand.server.explain_everything();
    let progress = waiting.feed(&selecting(1, A));
    assert!(waiting.finish(progress) > 1);
    let lines = waiting.stand.server.take_explanation().expect("everything is explained").lines();
    for beginning in
        ["Query: DHCPREQUEST", "Lease: own lease", "Lease: requested", "Answer: DHCPACK"]
    {
        let count = lines.iter().filter(|line| line.starts_with(beginning)).count();
        assert_eq!(count, 1, "{beginning}: {lines:?}");
    }
}

#[test]
fn exchanges_go_on_where_they_waited() {
    let mut waiting = Waiting::new();
    let progress = waiting.feed(&discover(1));
    assert_eq!((waiting.finish(progress), waiting.stand.take_answers().len()), (1, 1));
    let progress = waiting.feed(&selecting(1, A));
    assert_eq!(waiting.finish(progress), 2, "one look and one commit");
    let answers = waiting.stand.take_answers();
    assert_eq!(answers[0].kind(), MessageType::Ack);
    let progress = waiting.feed(&rebooting(1, A));
    assert_eq!(waiting.finish(progress), 2, "one look tells what it had and what is there");
    assert_eq!(waiting.stand.take_answers()[0].kind(), MessageType::Ack);
    assert_eq!(
        (waiting.stand.server.parked_len(), waiting.stand.shared.gate.in_progress()),
        (0, 0)
    );
}

/// Classes are found anew in each run, and packets of others that come in between do not matter.
#[test]
fn exchanges_over_a_shared_network_go_on_with_the_same_classes() {
    let mut waiting = Waiting::with(
        r#""client-classes": [ { "name": "a", "test": "option[60].text == 'a'",
               "option-data": [ { "name": "domain-name", "data": "a" } ] } ],
           "shared-networks": [ { "name": "n", "subnet4": [
               { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10/32", "client-class": "a" } ] },
               { "id": 2, "subnet": "10.0.4.0/24", "client-class": "a", "pools": [ { "pool": "10.0.4.10/32" } ] },
               { "id": 3, "subnet": "10.0.3.0/24", "pools": [ { "pool": "10.0.3.10/32" } ] } ] } ]"#,
    );
    let a = discover(1).option(code::VENDOR_CLASS_IDENTIFIER, b"a");
    let (first, second) = (waiting.feed(&a), waiting.feed(&discover(2)));
    assert_eq!(waiting.finish(first), 3, "a look into each subnet");
    assert_eq!(waiting.finish(second), 2, "one does not serve it");
    let offers = waiting.stand.take_answers();
    let found =
        offers.iter().map(|offer| (offer.address().octets()[2], offer.option(code::DOMAIN_NAME)));
    assert_eq!(found.collect::<Vec<_>>(), [(2, Some(&b"a"[..])), (3, None)]);
    // A lease is found where the client asks for it, without a look elsewhere.
    let request = selecting(2, [10, 0, 3, 10]);
    let progress = waiting.feed(&request);
    assert_eq!(waiting.finish(progress), 3, "two looks and one commit");
    let progress = waiting.feed(&request);
    assert_eq!(waiting.finish(progress), 2, "one look and one commit");
}

#[test]
fn race_for_one_address_is_decided_by_the_store() {
    let mut waiting = Waiting::new();
    let first = waiting.feed(&selecting(1, A));
    let second = waiting.feed(&selecting(2, A));
    waiting.finish(first);
    waiting.finish(second);
    let kinds: Vec<_> = waiting.stand.take_answers().iter().map(|answer| answer.kind()).collect();
    assert_eq!(kinds, [MessageType::Nak, MessageType::Ack], "NAKs do not wait for the journal");
    assert_eq!(waiting.stand.store.lease(A.into()).unwrap().hw[5], 1);
}

#[test]
fn repetition_of_a_query_that_waits_is_dropped() {
    let mut waiting = Waiting::new();
    let first = waiting.feed(&selecting(1, A));
    assert_eq!(waiting.feed(&selecting(1, A)), Progress::Deferred);
    waiting.end_batch();
    waiting.finish(first);
    assert_eq!(waiting.stand.take_answers().len(), 1);
    assert_eq!(waiting.stand.counted(Packet4::Duplicate), 1);
}

#[test]
fn packets_of_a_waiting_client_have_their_turn_in_order() {
    let mut waiting = Waiting::new();
    let first = waiting.feed(&selecting(1, A));
    for later in [discover(1), release(1), discover(1)] {
        assert_eq!(waiting.feed(&later), Progress::Deferred);
        waiting.end_batch();
    }
    assert_eq!(waiting.stand.counted(Packet4::Duplicate), 1, "the repeated one");
    waiting.finish(first);
    waiting.end_batch();
    assert_eq!(waiting.stand.server.behind_len(), 1, "the release waits for the offer");
    let mut ticket = 2;
    while waiting.stand.server.parked_len() > 0 {
        waiting.resume(Ticket(ticket));
        waiting.end_batch();
        ticket += 1;
    }
    let kinds: Vec<_> = waiting.stand.take_answers().iter().map(|answer| answer.kind()).collect();
    assert_eq!(
        kinds,
        [MessageType::Offer, MessageType::Ack],
        "an offer does not wait for the journal"
    );
    assert_eq!(waiting.stand.store.len(), 0, "it was released behind the offer");
    assert_eq!(waiting.stand.server.behind_len(), 0);
    assert_eq!(waiting.stand.shared.gate.in_progress(), 0);
}

#[test]
fn change_whose_exchange_was_given_up_is_counted() {
    let mut waiting = Waiting::new();
    let Progress::Waiting(look) = waiting.feed(&selecting(1, A)) else { panic!("it waits") };
    let Progress::Waiting(commit) = waiting.resume(look) else { panic!("it waits") };
    waiting.stand.server.give_up(commit, waiting.stand.now);
    waiting.resume(commit);
    let assigned = Lease4::AssignedAddresses;
    assert_eq!(waiting.stand.counters.value(Place::subnet(0), assigned), 1);
}

#[test]
fn late_commit_counts_under_the_configuration_in_force() {
    let mut waiting = Waiting::new();
    let assigned =
        |stand: &Stand| stand.counters.value(Place::subnet(0), Lease4::AssignedAddresses);
    let Progress::Waiting(look) = waiting.feed(&selecting(1, A)) else { panic!("it waits") };
    // A subnet less, so that places of the old configuration mean nothing in the new one.
    waiting.stand.reconfigure(SMALL);
    let progress = waiting.resume(look);
    waiting.finish(progress);
    assert_eq!(assigned(&waiting.stand), 1);
    assert_eq!(waiting.stand.take_answers().len(), 1);
}

#[test]
fn more_exchanges_than_can_wait_are_refused_before_anything_is_asked() {
    let mut waiting = Waiting::new();
    let numbered = |number: u16| discover(1).client_id(&[7, (number >> 8) as u8, number as u8]);
    for number in 0..PARKED_MAX as u16 {
        assert!(matches!(waiting.feed(&numbered(number)), Progress::Waiting(_)));
    }
    let asked = waiting.answers.lock().unwrap().len();
    assert_eq!(waiting.feed(&numbered(PARKED_MAX as u16)), Progress::Done);
    assert_eq!(waiting.answers.lock().unwrap().len(), asked);
    assert_eq!(waiting.stand.counted(Packet4::QueueFull), 1);
    for ticket in 0..PARKED_MAX as u64 {
        waiting.resume(Ticket(ticket));
    }
    assert_eq!(
        (waiting.stand.server.parked_len(), waiting.stand.shared.gate.in_progress()),
        (0, 0)
    );
    assert!(matches!(waiting.feed(&numbered(PARKED_MAX as u16)), Progress::Waiting(_)));
}

#[test]
fn unknown_ticket_is_ignored() {
    let mut waiting = Waiting::new();
    let stand = &mut waiting.stand;
    let answer = Answer4::Got(None);
    let progress = stand.server.resume(Ticket(99), answer, stand.now, &mut stand.replies);
    assert_eq!(progress, Progress::Done);
}

#[test]
fn an_offer_that_is_forgotten_while_an_exchange_waits_still_counts_for_it() {
    let mut waiting = Waiting::with(
        r#""shared-networks": [ { "name": "n", "subnet4": [
               { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10/32" } ] },
               { "id": 2, "subnet": "10.0.4.0/24", "pools": [ { "pool": "10.0.4.10/32" } ] },
               { "id": 3, "subnet": "10.0.3.0/24", "pools": [ { "pool": "10.0.3.10/32" } ] } ] } ]"#,
    );
    let progress = waiting.feed(&discover(1).requested([10, 0, 3, 10].into()));
    waiting.finish(progress);
    let progress = waiting.feed(&selecting(1, [10, 0, 3, 10]));
    waiting.finish(progress);
    waiting.stand.take_answers();
    let progress = waiting.feed(&discover(1));
    waiting.stand.pass(61);
    assert_eq!(waiting.finish(progress), 2, "the first look is where the offer was from");
    assert_eq!(waiting.stand.take_answers()[0].address().octets(), [10, 0, 3, 10]);
}
