use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cc::{Diagnostics, Document, NoIncludes};
use eval::ClassSet;
use util::SplitMix;
use util::journal::{JournalError, JournalQueue};

use super::*;
use crate::classes::ClassTimes;
use crate::config4::{Config4, SubnetIndex};
use crate::free::{PoolRange, PoolSet4};
use crate::lease4::{ClientKey, LeaseStore4, SubnetId, V4};
use crate::session::{Answer4, Memo, Question4, Session, Store, Submitted};

const TEXT: &str = r#"{ "Dhcp4": { "cache-threshold": 0, "subnet4": [ { "id": 7, "subnet": "192.0.2.0/24",
    "pools": [ { "pool": "192.0.2.10 - 192.0.2.11" }, { "pool": "192.0.2.20 - 192.0.2.21" } ] } ] } }"#;
const ME: ClientKey<'static> = ClientKey { hw_type: 1, hw: &[1; 6], client_id: Some(b"me") };
const RIVAL: ClientKey<'static> = ClientKey { hw_type: 1, hw: &[2; 6], client_id: None };

/// A store in which a rival takes the address just before each of the first commits.
struct Contested {
    inner: Arc<LeaseStore4>,
    rivals: AtomicUsize,
    exhausted: AtomicUsize,
}

impl Store<V4> for Contested {
    fn submit(&self, question: &Question4<'_>, now: Now) -> Submitted<V4> {
        if let Question4::Commit(change) = question
            && change.client == ME
            && self.rivals.load(Ordering::Relaxed) > 0
        {
            self.rivals.fetch_sub(1, Ordering::Relaxed);
            let seen = self.inner.get(change.address, &RIVAL);
            let rival =
                Change4 { client: RIVAL, expect: seen.as_ref().into(), replaces: None, ..*change };
            self.inner.commit(&rival, now).expect("the rival is quick");
        }
        self.inner.submit(question, now)
    }

    fn note_exhausted(&self) {
        self.exhausted.fetch_add(1, Ordering::Relaxed);
    }
}

struct Setup {
    config: Config4,
    pools: Arc<PoolSet4>,
    queue: Arc<JournalQueue>,
    store: Contested,
    now: Now,
}

impl Setup {
    fn new(rivals: usize) -> Self {
        let mut diagnostics = Diagnostics::new();
        let document = Document::parse(TEXT, "test", &mut NoIncludes, &mut diagnostics);
        let config = crate::config4::read(&document.unwrap(), 1, &mut diagnostics).unwrap();
        let ranges = config.pools.iter().map(|pool| PoolRange {
            first: pool.first.into(),
            last: pool.last.into(),
            skips_edges: false,
        });
        let pools = Arc::new(PoolSet4::new(ranges));
        let queue = Arc::new(JournalQueue::new(1 << 16));
        let inner = Arc::new(LeaseStore4::new(1, Some(queue.clone())));
        inner.adopt_pools(&pools);
        let store = Contested { inner, rivals: rivals.into(), exhausted: 0.into() };
        Self { config, pools, queue, store, now: Now::from_secs(1_800_000_000) }
    }

    fn query(&self, client: ClientKey<'static>, requested: Option<u8>) -> Query4<'_> {
        Query4 {
            config: &self.config,
            hosts: crate::hosts::HostView::of_table(&self.config.hosts),
            candidates: &[Candidate4 { subnet: SubnetIndex(0), host: None }],
            classes: ClassSet::empty(),
            client,
            identifiers: &[],
            reserved: None,
            requested: requested.map(address),
            recent_offer: None,
            wanted_lifetime: None,
            class_times: ClassTimes::default(),
            class_offer_lifetime: None,
            hostname: None,
            extended_info: &[],
        }
    }

    fn run<T>(&self, work: impl FnOnce(&mut Session4<'_>) -> Result<T, Parked>) -> T {
        let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
        let mut session = Session::new(&self.store, &self.pools, &mut entropy, &mut memo, self.now);
        work(&mut session).expect("memory answers at once")
    }

    fn grant(&self, client: ClientKey<'static>, requested: Option<u8>) -> Granted4 {
        self.run(|session| grant(session, &self.query(client, requested)))
    }

    fn offer(&self, query: &Query4<'_>) -> Option<u8> {
        self.run(|session| offer(session, query))
            .unwrap()
            .address
            .map(|(address, _)| address.octets()[3])
    }
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

fn granted(granted: Granted4) -> Option<(u8, Before4)> {
    match granted {
        Granted4::Lease { address, before, .. } => Some((address.octets()[3], before)),
        _ => None,
    }
}

#[test]
fn loser_of_a_race_for_an_address_is_refused() {
    let setup = Setup::new(1);
    assert_eq!(setup.grant(ME, Some(10)), Granted4::Refused(Refusal4::InUse));
    assert_eq!(setup.store.inner.len(), 1);
}

#[test]
fn loser_of_a_race_for_any_address_gets_another() {
    let setup = Setup::new(2);
    assert_eq!(granted(setup.grant(ME, None)), Some((20, Before4::Nothing)));
}

/// A store in which every change comes too late.
struct Stubborn(AtomicUsize);

impl Store<V4> for Stubborn {
    fn submit(&self, question: &Question4<'_>, _: Now) -> Submitted<V4> {
        Submitted::Ready(match question {
            Question4::Commit(_) => {
                self.0.fetch_add(1, Ordering::Relaxed);
                Answer4::Done(Err(CommitError::Conflict))
            }
            _ => Answer4::Found { own: None, more: false, requested: None },
        })
    }
}

#[test]
fn endless_conflicts_end() {
    let (setup, store) = (Setup::new(0), Stubborn(AtomicUsize::new(0)));
    let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
    let mut session = Session::new(&store, &setup.pools, &mut entropy, &mut memo, setup.now);
    let granted = grant(&mut session, &setup.query(ME, Some(10)));
    assert_eq!(granted, Ok(Granted4::NotStored(CommitError::Conflict)));
    assert_eq!(store.0.load(Ordering::Relaxed), CONFLICTS_MAX);
}

#[test]
fn refused_row_changes_nothing() {
    let setup = Setup::new(0);
    setup.queue.stall();
    let stalled = CommitError::Journal(JournalError::Stalled);
    assert_eq!(setup.grant(ME, Some(10)), Granted4::NotStored(stalled));
    assert!(setup.store.inner.is_empty() && !setup.pools.is_held(address(10)));
}

#[test]
fn grant_tells_what_was_before() {
    let setup = Setup::new(0);
    assert_eq!(granted(setup.grant(ME, Some(21))), Some((21, Before4::Nothing)));
    assert_eq!(granted(setup.grant(ME, None)), Some((21, Before4::Same)));
    assert_eq!(granted(setup.grant(ME, Some(11))), Some((11, Before4::Moved(address(21)))));
    assert_eq!(setup.grant(ME, Some(15)), Granted4::Refused(Refusal4::OutsidePools));
    assert_eq!(setup.store.inner.len(), 1);
}

#[test]
fn offer_prefers_own_lease_then_wish_then_recent_offer_then_any() {
    let setup = Setup::new(0);
    let query = setup.query(ME, Some(21));
    let recent = Query4 { recent_offer: Some(address(20)), ..query };
    assert_eq!(setup.offer(&recent), Some(21));
    assert_eq!(setup.offer(&Query4 { requested: Some(address(99)), ..recent }), Some(20));
    setup.grant(RIVAL, Some(21));
    assert_eq!(setup.offer(&recent), Some(20), "the wish is taken");
    assert_eq!(setup.offer(&query), Some(10));
    setup.grant(ME, Some(11));
    assert_eq!(setup.offer(&recent), Some(11));
}

#[test]
fn pools_are_used_up_in_the_order_of_the_file() {
    let setup = Setup::new(0);
    let clients: [ClientKey<'static>; 5] = [&[1; 6], &[2; 6], &[3; 6], &[4; 6], &[5; 6]]
        .map(|hw| ClientKey { hw_type: 1, hw, client_id: None });
    let got = clients.map(|client| {
        let got = granted(setup.grant(client, None)).map(|(last, _)| last);
        (got, setup.store.exhausted.swap(0, Ordering::Relaxed))
    });
    // Each pool in which nothing is found is told of.
    assert_eq!(got, [(Some(10), 0), (Some(11), 0), (Some(20), 1), (Some(21), 1), (None, 2)]);
}

/// A store in which a rival takes the address between the first look at it and the second.
struct Snatched<'a> {
    inner: &'a LeaseStore4,
    looks: AtomicUsize,
}

impl Store<V4> for Snatched<'_> {
    fn submit(&self, question: &Question4<'_>, now: Now) -> Submitted<V4> {
        if let Question4::Find { requested: Some(address), .. } = question
            && self.looks.fetch_add(1, Ordering::Relaxed) == 1
        {
            let seen = self.inner.get(*address, &RIVAL);
            let rival = Change4 {
                address: *address,
                subnet_id: SubnetId(7),
                pool_id: 0,
                pool: None,
                client: RIVAL,
                valid_lifetime: 60,
                state: LeaseState::Default,
                fqdn_fwd: false,
                fqdn_rev: false,
                hostname: &[],
                user_context: &[],
                keeps_context: false,
                expect: seen.as_ref().into(),
                replaces: None,
            };
            self.inner.commit(&rival, now).expect("the rival is quick");
        }
        self.inner.submit(question, now)
    }
}

#[test]
fn a_stored_offer_does_not_take_what_a_rival_has_got_meanwhile() {
    let mut setup = Setup::new(0);
    setup.grant(ME, Some(11));
    // The lease of the client is over, so that anybody can have the address.
    setup.now.wall_s += 100_000;
    let store = Snatched { inner: &setup.store.inner, looks: AtomicUsize::new(0) };
    let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
    let mut session = Session::new(&store, &setup.pools, &mut entropy, &mut memo, setup.now);
    let query = Query4 { class_offer_lifetime: Some(30), ..setup.query(ME, Some(11)) };
    let offered = offer(&mut session, &query).expect("memory answers at once").unwrap();
    assert_ne!(offered.address.map(|(address, _)| address), Some(address(11)));
    let lease = setup.store.inner.get(address(11), &RIVAL).expect("somebody has it");
    assert_eq!(lease.owner, Ownership::Mine, "it stays the rival's");
}
