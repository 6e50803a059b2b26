//! Stores that answer late: an exchange is parked with its packet and goes on when the answer comes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use libdhcp::v6::MessageType;
use libdhcpsrv::intake::Progress;
use libdhcpsrv::lease6::{Change6, ClientKey6, LeaseStore6, V6};
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::{Answer6, Question6, Store, Submitted, Ticket};
use stats::{Lease6, Packet6, Place};
use util::Now;

use crate::stand::{Query, SMALL, Stand, solicit, to_server};

/// A store in which, when it is armed, somebody else is quicker with the next lease.
struct Contested {
    inner: Arc<LeaseStore6>,
    is_armed: Arc<AtomicBool>,
}

impl Store<V6> for Contested {
    fn submit(&self, question: &Question6<'_>, now: Now) -> Submitted<V6> {
        if let Question6::Commit(change) = question
            && self.is_armed.swap(false, Ordering::Relaxed)
        {
            let rival = ClientKey6 { duid: &[0, 3, 0, 1, 9, 9, 9, 9, 9, 9], ..change.client };
            self.inner.commit(&Change6 { client: rival, ..*change }, now).expect("it is free");
        }
        self.inner.submit(question, now)
    }
}

/// A store with a defect that the second lease meets.
struct Broken {
    inner: Arc<LeaseStore6>,
    commits: AtomicUsize,
}

impl Store<V6> for Broken {
    fn submit(&self, question: &Question6<'_>, now: Now) -> Submitted<V6> {
        let is_commit = matches!(question, Question6::Commit(_));
        assert!(!is_commit || self.commits.fetch_add(1, Ordering::Relaxed) == 0, "a defect");
        self.inner.submit(question, now)
    }
}

#[test]
fn leases_made_before_a_defect_are_counted() {
    let make = |inner| Arc::new(Broken { inner, commits: AtomicUsize::new(0) });
    let mut stand = Stand::with_store(SMALL, |inner| make(inner));
    let query = to_server(MessageType::Request, 1).na(1, &[]).na(2, &[]);
    let payload = query.payload();
    let (server, now, replies) = (&mut stand.server, stand.now, &mut stand.replies);
    let work = AssertUnwindSafe(|| server.receive(query.inbound(&payload), now, replies));
    assert!(catch_unwind(work).is_err());
    stand.server.processing_failed(&query.inbound(&payload), "a defect");
    assert_eq!(stand.counters.value(Place::subnet(0), Lease6::AssignedNas), 1);
    assert_eq!((stand.store.len(), stand.shared.gate.in_progress()), (1, 0));
}

/// A store that answers nothing at once; the answers, made at once, wait here.
struct Patient {
    inner: Arc<LeaseStore6>,
    answers: Arc<Mutex<Vec<Answer6>>>,
    /// Whether it says that others use it, too.
    is_shared: bool,
}

impl Store<V6> for Patient {
    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn submit(&self, question: &Question6<'_>, now: Now) -> Submitted<V6> {
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
    answers: Arc<Mutex<Vec<Answer6>>>,
}

impl Waiting {
    fn new() -> Self {
        Self::with(SMALL)
    }

    fn with(members: &str) -> Self {
        Self::make(members, false)
    }

    fn shared(members: &str) -> Self {
        Self::make(members, true)
    }

    fn make(members: &str, is_shared: bool) -> Self {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let kept = answers.clone();
        let patient = |inner| Arc::new(Patient { inner, answers: kept, is_shared });
        let stand = Stand::with_store(members, |inner| patient(inner));
        Self { stand, answers }
    }

    fn feed(&mut self, query: &Query) -> Progress {
        let payload = query.payload();
        let stand = &mut self.stand;
        stand.server.receive(query.inbound(&payload), stand.now, &mut stand.replies)
    }

    fn resume(&mut self, ticket: Ticket) -> Progress {
        let answer = self.answers.lock().unwrap()[ticket.0 as usize];
        let stand = &mut self.stand;
        stand.server.resume(ticket, answer, stand.now, &mut stand.replies)
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
fn exchanges_with_several_associations_go_on_where_they_waited() {
    let mut waiting = Waiting::new();
    let message = solicit(1).na(1, &[]).pd(2, &[]).na(3, &[]);
    let progress = waiting.feed(&message);
    assert_eq!((waiting.finish(progress), waiting.stand.take_answers().len()), (3, 1));
    let request = message.kind(MessageType::Request).server(crate::stand::DUID);
    let progress = waiting.feed(&request);
    assert_eq!(waiting.finish(progress), 9, "two looks and a commit for each");
    let answers = waiting.stand.take_answers();
    assert_eq!(answers[0].given().len(), 3);
    let assigned = |figure| waiting.stand.counters.value(Place::subnet(0), figure);
    assert_eq!((assigned(Lease6::AssignedNas), assigned(Lease6::AssignedPds)), (2, 1));
    let in_progress = waiting.stand.shared.gate.in_progress();
    assert_eq!((waiting.stand.server.parked_len(), in_progress), (0, 0));
}

#[test]
fn wishes_are_granted_though_they_are_taken_when_the_answer_comes() {
    let mut waiting = Waiting::new();
    let wishes = ["2001:db8:1::12", "2001:db8:f000:300::/56"];
    let request = to_server(MessageType::Request, 1).na(1, &wishes[..1]).pd(2, &wishes[1..]);
    let progress = waiting.feed(&request);
    assert_eq!(waiting.finish(progress), 4, "a look and a commit for each");
    assert_eq!(waiting.stand.take_answers()[0].given(), wishes);
    assert_eq!(waiting.stand.store.len(), 2);
}

#[test]
fn leases_made_before_a_reconfiguration_are_counted_once() {
    let mut waiting = Waiting::new();
    let request = to_server(MessageType::Request, 1).na(1, &[]).pd(2, &[]);
    let mut progress = waiting.feed(&request);
    // The address is looked for, looked at and stored; the prefix is looked for.
    for _ in 0..3 {
        let Progress::Waiting(ticket) = progress else { panic!("{progress:?}") };
        progress = waiting.resume(ticket);
    }
    waiting.stand.reconfigure(SMALL);
    waiting.finish(progress);
    let assigned = |figure| waiting.stand.counters.value(Place::subnet(0), figure);
    assert_eq!((assigned(Lease6::AssignedNas), assigned(Lease6::AssignedPds)), (1, 1));
}

#[test]
fn an_exchange_ends_on_the_interfaces_that_it_began_with() {
    let mut waiting = Waiting::new();
    let progress = waiting.feed(&to_server(MessageType::Request, 1).na(1, &[]));
    waiting.stand.server.set_links(Arc::default());
    assert!(waiting.finish(progress) > 0);
    assert_eq!(waiting.stand.take_answers()[0].given().len(), 1);
    // Those that begin later know nothing of the interface that the subnet is on.
    let progress = waiting.feed(&to_server(MessageType::Request, 2).na(1, &[]));
    waiting.finish(progress);
    assert!(waiting.stand.take_answers()[0].given().is_empty());
}

#[test]
fn a_reply_waits_for_what_was_stored_before_a_conflict() {
    let only = |address: &str| {
        format!(
            r#""valid-lifetime": 4000, "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64",
                "interface": "lan", "pools": [ {{ "pool": "{address}/128" }} ] }} ]"#
        )
    };
    let is_armed = Arc::new(AtomicBool::new(false));
    let armed = is_armed.clone();
    let mut stand = Stand::with_store(&only("2001:db8:1::10"), |inner| {
        Arc::new(Contested { inner, is_armed: armed })
    });
    stand.bind(&solicit(1).na(1, &[]));
    // Its address lies in no pool any more, and somebody else is quicker to get the only one there is.
    stand.reconfigure(&only("2001:db8:1::20"));
    is_armed.store(true, Ordering::Relaxed);
    let request = to_server(MessageType::Request, 1).na(1, &[]);
    let payload = request.payload();
    stand.server.receive(request.inbound(&payload), stand.now, &mut stand.replies);
    assert!(!is_armed.load(Ordering::Relaxed));
    assert_eq!(stand.store.len(), 1, "the rival's");
    let outboxes = [&stand.replies.ready, &stand.replies.held];
    assert_eq!(outboxes.map(|outbox| outbox.entries().len()), [0, 1]);
    assert_eq!(stand.take_answers()[0].associations(), ["IA_NA 1 0/0 status 2"]);
}

#[test]
fn a_repetition_of_a_query_that_waits_is_dropped() {
    let mut waiting = Waiting::new();
    let request = to_server(MessageType::Request, 1).na(1, &[]);
    let first = waiting.feed(&request);
    assert!(matches!(first, Progress::Waiting(_)));
    assert_eq!(waiting.feed(&request), Progress::Deferred);
    let stand = &mut waiting.stand;
    stand.server.end_batch(stand.now, &mut stand.replies);
    waiting.finish(first);
    assert_eq!(waiting.stand.take_answers().len(), 1);
    assert_eq!(waiting.stand.counted(Packet6::Duplicate), 1);
}

#[test]
fn what_was_picked_ahead_needs_no_look_of_its_own() {
    let mut waiting = Waiting::shared(SMALL);
    let solicit = solicit(1).na(1, &[]);
    let progress = waiting.feed(&solicit);
    assert_eq!(waiting.finish(progress), 1);
    let progress = waiting.feed(&solicit.kind(MessageType::Request).server(crate::stand::DUID));
    assert_eq!(waiting.finish(progress), 2, "one look and one commit");
    let answers = waiting.stand.take_answers();
    assert_eq!(answers.iter().map(|answer| answer.given().len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_message_cannot_make_a_database_work_for_long() {
    let mut waiting = Waiting::shared(SMALL);
    let message = (0..200).fold(solicit(1), |message, iaid| message.na(iaid, &[]));
    let progress = waiting.feed(&message);
    let waits = waiting.finish(progress);
    assert!((60..80).contains(&waits), "{waits}");
    let answers = waiting.stand.take_answers();
    let all = answers[0].associations();
    let refused = all.iter().filter(|one| one.ends_with("status 1")).count();
    assert!(refused > 0 && refused < all.len(), "{refused} of {}", all.len());
    let listed: Vec<String> =
        (0x10..0xb0_u32).map(|last| format!("2001:db8:1::{last:x}")).collect();
    let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
    let progress = waiting.feed(&to_server(MessageType::Release, 1).na(1, &listed));
    let waits = waiting.finish(progress);
    assert!((60..80).contains(&waits), "{waits}");
}

#[test]
fn exchanges_in_a_shared_network_go_on_where_they_waited() {
    let subnet = |id: u8, audience: &str| {
        format!(
            r#"{{ "id": {id}, "subnet": "2001:db8:{id}::/64", {audience}
                "pools": [ {{ "pool": "2001:db8:{id}::10/128" }} ] }}"#
        )
    };
    let members = format!(
        r#""valid-lifetime": 4000,
        "client-classes": [ {{ "name": "gold", "test": "option[1234].exists" }},
            {{ "name": "new", "test": "member('UNKNOWN') and not member('gold')" }} ],
        "shared-networks": [ {{ "name": "n", "interface": "lan",
            "subnet6": [ {}, {}, {} ] }} ]"#,
        subnet(1, r#""client-classes": [ "gold" ],"#),
        subnet(2, r#""client-classes": [ "new", "gold" ],"#),
        subnet(3, "")
    );
    let mut waiting = Waiting::with(&members);
    let ask = || to_server(MessageType::Request, 1).na(1, &[]).na(2, &[]);
    // Before its reservations are known, only the last subnet serves the client; the others follow round.
    let given = ["2001:db8:3::10", "2001:db8:2::10"];
    let progress = waiting.feed(&ask());
    assert_eq!(waiting.finish(progress), 10, "three looks for what it has, a look and a commit");
    assert_eq!(waiting.stand.take_answers()[0].given(), given);
    let progress = waiting.feed(&ask().option(1234, &[]));
    waiting.finish(progress);
    assert_eq!(waiting.stand.take_answers()[0].given(), given);
    assert_eq!((waiting.stand.server.parked_len(), waiting.stand.store.len()), (0, 2));
}
