//! The store of a worker over a table that the test keeps.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use util::Now;

use super::*;
use crate::free::{PickFrom, PoolIndex, PoolRange, PoolRange6, PoolSet, PoolSet4};
use crate::lease::{
    AddressOf, CommitError, Expect, LeaseKind, LeaseState, LeaseType, Ownership, SubnetId,
};
use crate::lease4::{Change4, ClientKey, Lease4, V4};
use crate::lease6::{Change6, ClientKey6, HardwareSource6, V6};
use crate::session::{Answer, Answer4, Question, Question4, Store, Submitted};

const SUBNET: SubnetId = SubnetId(7);
const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
const ONE: ClientKey<'static> = ClientKey { hw_type: 1, hw: &[1; 6], client_id: None };
const TWO: ClientKey<'static> = ClientKey { hw_type: 1, hw: &[2; 6], client_id: Some(&[1, 2]) };
const NOW: Now = Now::from_secs(1000);

/// A table, and a worker before it.
struct Stand<K: LeaseKind> {
    store: RemoteStore<K>,
    table: BTreeMap<AddressOf<K>, K::Lease>,
}

impl<K: LeaseKind> Stand<K> {
    fn new(pools: PoolSet<K::Number>) -> (Self, Arc<PoolSet<K::Number>>) {
        let (hints, pools) = (Arc::new(Hints::default()), Arc::new(pools));
        hints.adopt(&pools, &[]);
        (Self { store: RemoteStore::new(hints), table: BTreeMap::new() }, pools)
    }

    fn ask(&mut self, question: &Question<'_, K>, now: Now) -> Answer<K> {
        match self.store.submit(question, now) {
            Submitted::Ready(answer) => answer,
            Submitted::Waiting(ticket) => {
                let mut requests = Vec::new();
                self.store.take_requests(&mut requests);
                let Request { ticket: of, ask } = requests.pop().unwrap();
                assert_eq!((of, requests.len()), (ticket, 0));
                let told = self.carry_out(&ask);
                self.store.settle(Reply { ticket, ask, told }, now).unwrap()
            }
        }
    }

    /// What a database would do; leases are equal if all that is stored is.
    fn carry_out(&mut self, ask: &Ask<K>) -> Told<K> {
        let text = |lease: &K::Lease| format!("{lease:?}");
        match ask {
            Ask::Find { requested, .. } => Told::Found {
                own: self.table.values().cloned().collect(),
                requested: requested.and_then(|address| self.table.get(&address).cloned()),
            },
            Ask::Get { address, .. } => Told::Got(self.table.get(address).cloned()),
            Ask::Change { old, new, replaces } => {
                let address = K::address(new.as_ref().or(old.as_ref()).unwrap());
                let made = self.table.get(&address).map(text) == old.as_ref().map(text);
                let replaced = made
                    && replaces
                        .as_ref()
                        .is_some_and(|lease| self.table.remove(&K::address(lease)).is_some());
                if made {
                    match new {
                        Some(new) => self.table.insert(address, new.clone()),
                        None => self.table.remove(&address),
                    };
                }
                Told::Changed { made, replaced }
            }
        }
    }
}

fn stand4() -> (Stand<V4>, Arc<PoolSet4>) {
    let last = Ipv4Addr::new(192, 0, 2, 12);
    Stand::new(PoolSet::new([PoolRange { first: A, last, skips_edges: false }]))
}

fn change(client: ClientKey<'_>, address: Ipv4Addr, expect: Expect) -> Change4<'_> {
    Change4 {
        address,
        subnet_id: SUBNET,
        pool_id: 3,
        pool: Some(PoolIndex(0)),
        client,
        valid_lifetime: 60,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: b"host",
        user_context: &[],
        keeps_context: false,
        expect,
        replaces: None,
    }
}

impl Stand<V4> {
    fn commit(
        &mut self,
        change: Change4<'_>,
        now: Now,
    ) -> Result<Vec<(LeaseState, i8)>, CommitError> {
        match self.ask(&Question4::Commit(change), now) {
            Answer4::Done(Ok(stored)) => {
                Ok(stored.deltas.iter().map(|delta| (delta.state, delta.by)).collect())
            }
            Answer4::Done(Err(error)) => Err(error),
            answer => panic!("{answer:?}"),
        }
    }

    fn get(
        &mut self,
        client: ClientKey<'_>,
        address: Ipv4Addr,
        now: Now,
    ) -> Option<crate::lease4::Lease4View> {
        match self.ask(&Question4::Get { client, address }, now) {
            Answer4::Got(view) => view,
            answer => panic!("{answer:?}"),
        }
    }

    fn find(&mut self, client: ClientKey<'_>) -> Option<Ipv4Addr> {
        let question = Question4::Find { client, subnet: SUBNET, nth: 0, requested: None };
        match self.ask(&question, NOW) {
            Answer4::Found { own, more: false, .. } => own.map(|own| own.address),
            answer => panic!("{answer:?}"),
        }
    }
}

#[test]
fn lease_is_made_renewed_and_deleted_by_compare_and_set() {
    let (mut stand, pools) = stand4();
    let made = stand.commit(change(ONE, A, Expect::Absent), NOW);
    assert_eq!(made, Ok(vec![(LeaseState::Default, 1)]));
    assert!(pools.is_held(A));
    assert_eq!(stand.commit(change(TWO, A, Expect::Absent), NOW), Err(CommitError::Conflict));
    let view = stand.get(ONE, A, NOW).unwrap();
    assert_eq!((view.owner, view.cltt, view.subnet_id), (Ownership::Mine, 1000, SUBNET));
    let later = Now::from_secs(1010);
    let renewal = change(ONE, A, Expect::Unchanged(view.version));
    let renewed = stand.commit(renewal, later);
    assert_eq!(renewed, Ok(vec![(LeaseState::Default, -1), (LeaseState::Default, 1)]));
    assert_eq!(stand.commit(renewal, later), Err(CommitError::Conflict), "the table has moved on");
    let view = stand.get(TWO, A, later).unwrap();
    assert_eq!(view.owner, Ownership::Other);
    let expect = Expect::Unchanged(view.version);
    let Answer4::Done(Ok(stored)) = stand.ask(&Question4::Delete { address: A, expect }, later)
    else {
        panic!("a lease that is there is deleted")
    };
    assert_eq!((stored.deltas.iter().count(), stand.table.len()), (1, 0));
    assert!(!pools.is_held(A));
}

#[test]
fn versions_that_name_nothing_are_conflicts_without_a_question() {
    let (mut stand, _) = stand4();
    let unknown = Expect::Unchanged(crate::lease::Version::default());
    assert_eq!(stand.commit(change(ONE, A, unknown), NOW), Err(CommitError::Conflict));
    stand.commit(change(ONE, A, Expect::Absent), NOW).unwrap();
    let version = stand.get(ONE, A, NOW).unwrap().version;
    let other = change(ONE, B, Expect::Unchanged(version));
    assert_eq!(stand.commit(other, NOW), Err(CommitError::Conflict), "of another address");
    let deletion = Question4::Delete { address: B, expect: Expect::Unchanged(version) };
    assert!(matches!(stand.ask(&deletion, NOW), Answer4::Done(Err(CommitError::Conflict))));
}

#[test]
fn client_that_moves_gives_up_what_was_read_of_it() {
    let (mut stand, pools) = stand4();
    stand.commit(change(ONE, A, Expect::Absent), NOW).unwrap();
    assert_eq!(stand.find(ONE), Some(A));
    let moved = Change4 { replaces: Some(A), ..change(ONE, B, Expect::Absent) };
    let deltas = stand.commit(moved, NOW).unwrap();
    assert_eq!(deltas, [(LeaseState::Default, -1), (LeaseState::Default, 1)]);
    assert_eq!(stand.find(ONE), Some(B));
    assert_eq!((pools.is_held(A), pools.is_held(B)), (false, true));
    // Somebody else's lease is not given up.
    stand.commit(change(TWO, A, Expect::Absent), NOW).unwrap();
    stand.get(ONE, A, NOW);
    let version = stand.get(ONE, B, NOW).unwrap().version;
    let change = Change4 { replaces: Some(A), ..change(ONE, B, Expect::Unchanged(version)) };
    stand.commit(change, NOW).unwrap();
    assert!(stand.table.contains_key(&A));
}

#[test]
fn best_lease_of_several_is_the_clients_own() {
    let (mut stand, _) = stand4();
    let lease = |address, client_id: &[u8], cltt| Lease4 {
        address,
        hw: vec![2; 6],
        client_id: client_id.to_vec(),
        subnet_id: SUBNET,
        valid_lifetime: 60,
        cltt,
        ..Lease4::default()
    };
    for lease in [lease(A, &[], 900), lease(B, &[1, 2], 800)] {
        stand.table.insert(lease.address, lease);
    }
    assert_eq!(stand.find(TWO), Some(B), "by client identifier");
    assert_eq!(stand.find(ClientKey { client_id: None, ..TWO }), Some(A), "without one");
    stand.table.get_mut(&B).unwrap().subnet_id = SubnetId(8);
    assert_eq!(stand.find(TWO), Some(A));
    assert_eq!(stand.find(ONE), None);
}

#[test]
fn marks_follow_what_is_read() {
    let (mut stand, pools) = stand4();
    let lease = Lease4 {
        address: A,
        hw: vec![9; 6],
        subnet_id: SUBNET,
        valid_lifetime: 60,
        cltt: 1000,
        ..Lease4::default()
    };
    stand.table.insert(A, lease);
    assert_eq!(pools.pick(PoolIndex(0), PickFrom::Cursor), Some(A), "another server's lease");
    assert_eq!(stand.get(ONE, A, NOW).unwrap().owner, Ownership::Other);
    assert!(pools.is_held(A));
    assert!(stand.get(ONE, A, Now::from_secs(1061)).is_some());
    assert!(!pools.is_held(A), "it is over");
    stand.get(ONE, A, NOW);
    stand.table.clear();
    assert_eq!(stand.get(ONE, A, NOW), None);
    assert!(!pools.is_held(A), "it is gone");
    stand.store.note_exhausted();
    let hints = Hints::<V4>::default();
    hints.adopt(&pools, &[(A.into(), A.into())]);
    hints.renew(&[(B.into(), B.into())]);
    assert_eq!((pools.is_held(A), pools.is_held(B)), (true, true), "something is free");
    let last = u32::from(A) + 2;
    hints.adopt(&pools, &[(last, last)]);
    hints.renew(&[(B.into(), B.into())]);
    assert_eq!((pools.is_held(A), pools.is_held(B)), (false, true));
}

#[test]
fn comparison_and_context_use_what_was_read() {
    let (mut stand, _) = stand4();
    let with = |context| Change4 {
        user_context: context,
        keeps_context: true,
        ..change(ONE, A, Expect::Absent)
    };
    stand.commit(with(br#"{"a":1}"#), NOW).unwrap();
    let expect = Expect::Unchanged(stand.get(ONE, A, NOW).unwrap().version);
    let same = Change4 { expect, ..with(b"") };
    let is_same = |stand: &mut Stand<V4>, change| {
        matches!(stand.ask(&Question4::Compare(change), NOW), Answer4::Same(Some(0)))
    };
    assert!(is_same(&mut stand, same));
    assert!(!is_same(&mut stand, Change4 { valid_lifetime: 61, ..same }));
    assert!(!is_same(&mut stand, Change4 { expect: Expect::Absent, ..same }));
    stand.commit(Change4 { expect, ..with(br#"{"b":2}"#) }, NOW).unwrap();
    let context = String::from_utf8(stand.table[&A].user_context.clone()).unwrap();
    assert!(context.contains("\"a\"") && context.contains("\"b\""), "{context}");
}

#[test]
fn failure_and_replies_that_do_not_fit_answer_nothing() {
    let (stand, _) = stand4();
    let ask = || Ask::Get { client: V4::own_key(&ONE), address: A };
    let ticket = crate::session::Ticket(1);
    for told in [Told::Failed, Told::Changed { made: true, replaced: false }] {
        assert!(stand.store.settle(Reply { ticket, ask: ask(), told }, NOW).is_none());
    }
}

#[test]
fn prefixes_that_overlap_what_is_held_are_conflicts() {
    let first: Ipv6Addr = "2001:db8:0:100::".parse().unwrap();
    let last: Ipv6Addr = "2001:db8:0:1ff:ffff:ffff:ffff:ffff".parse().unwrap();
    let (mut stand, pools) =
        Stand::<V6>::new(PoolSet::new([PoolRange6 { first, last, unit_len: 64 }]));
    let change = |address: &str, prefix_len| Change6 {
        address: address.parse().unwrap(),
        prefix_len,
        subnet_id: SUBNET,
        pool_id: 0,
        pool: None,
        client: ClientKey6 { lease_type: LeaseType::Pd, duid: &[1, 2, 3], iaid: 4 },
        hw: HardwareSource6::default(),
        preferred_lifetime: 30,
        valid_lifetime: 60,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: &[],
        user_context: &[],
        keeps_context: false,
        expect: Expect::Absent,
        replaces: None,
    };
    let mut commit = |change| match stand.ask(&Question::Commit(change), NOW) {
        Answer::Done(result) => result.map(|_| ()),
        answer => panic!("{answer:?}"),
    };
    assert_eq!(commit(change("2001:db8:0:100::", 60)), Ok(()));
    assert_eq!(commit(change("2001:db8:0:101::", 64)), Err(CommitError::Conflict));
    assert_eq!(commit(change("2001:db8:0:110::", 64)), Ok(()));
    assert!(pools.is_held("2001:db8:0:110::".parse().unwrap(), 64));
}

const AT_ONE: Question4<'static> =
    Question4::Find { client: ONE, subnet: SUBNET, nth: 0, requested: Some(A) };

impl Stand<V4> {
    /// What the client is shown without a question when it takes an offer: its own lease, and that on the address.
    fn recalled(
        &mut self,
        question: &Question4<'_>,
        now: Now,
    ) -> Option<[Option<crate::lease4::Lease4View>; 2]> {
        match self.store.submit_of_offer(question, now) {
            Submitted::Ready(Answer4::Found { own, requested, .. }) => Some([own, requested]),
            Submitted::Ready(answer) => panic!("{answer:?}"),
            Submitted::Waiting(_) => {
                self.store.take_requests(&mut Vec::new());
                None
            }
        }
    }

    fn put(&mut self, address: Ipv4Addr, hw: u8, cltt: i64) {
        let lease = Lease4 {
            address,
            hw: vec![hw; 6],
            hw_type: 1,
            subnet_id: SUBNET,
            valid_lifetime: 60,
            cltt,
            ..Lease4::default()
        };
        self.table.insert(address, lease);
    }
}

#[test]
fn request_for_what_was_offered_a_moment_ago_is_not_looked_up_again() {
    let (mut stand, _) = stand4();
    let at =
        |address| Question4::Find { client: ONE, subnet: SUBNET, nth: 0, requested: Some(address) };
    assert!(matches!(stand.ask(&AT_ONE, NOW), Answer4::Found { own: None, .. }));
    assert_eq!(stand.recalled(&AT_ONE, NOW), Some([None, None]));
    assert_eq!(stand.recalled(&AT_ONE, NOW), None, "once");
    stand.ask(&AT_ONE, NOW);
    assert_eq!(stand.recalled(&at(B), NOW), None, "another address");
    stand.ask(&AT_ONE, NOW);
    assert_eq!(stand.recalled(&AT_ONE, Now::from_secs(1006)), None, "too late");
    stand.ask(&AT_ONE, NOW);
    stand.find(ONE);
    assert_eq!(stand.recalled(&AT_ONE, NOW), None, "it has asked for something else meanwhile");
    let other = Question4::Find { client: ONE, subnet: SubnetId(8), nth: 0, requested: Some(A) };
    stand.ask(&AT_ONE, NOW);
    assert_eq!(stand.recalled(&other, NOW), None, "another subnet");
    // A lease of another server is always looked for where no offer of this one is taken.
    stand.ask(&at(B), NOW);
    stand.put(B, 9, 1000);
    assert!(matches!(stand.ask(&at(B), NOW), Answer4::Found { requested: Some(_), .. }));
    assert_eq!(stand.commit(change(ONE, B, Expect::Absent), NOW), Err(CommitError::Conflict));
}

#[test]
fn lease_of_the_client_that_was_offered_is_renewed_without_a_look() {
    let (mut stand, _) = stand4();
    stand.put(A, 1, 990);
    // The address that was picked for it meanwhile does not matter.
    for requested in [None, Some(A), Some(B)] {
        stand.ask(&Question4::Find { client: ONE, subnet: SUBNET, nth: 0, requested }, NOW);
        let Some([Some(own), there]) = stand.recalled(&AT_ONE, NOW) else {
            panic!("its lease is known")
        };
        assert_eq!((Some(own), own.owner), (there, Ownership::Mine));
        let renewal = change(ONE, A, Expect::Unchanged(own.version));
        // That nothing but the time would change must not be promised by what is not fresh.
        match stand.ask(&Question4::Compare(renewal), NOW) {
            Answer4::Same(None) => assert_eq!(requested, None, "it gets a name"),
            answer => {
                assert!(matches!(answer, Answer4::Done(Err(CommitError::Conflict))));
                assert!(requested.is_some());
            }
        }
        assert!(stand.commit(renewal, NOW).is_ok());
    }
    // A client that moves, or that asks for what somebody else has, is looked at again.
    let at_b = Question4::Find { client: ONE, subnet: SUBNET, nth: 0, requested: Some(B) };
    stand.ask(&at_b, NOW);
    assert_eq!(stand.recalled(&at_b, NOW), None);
    stand.put(A, 9, 990);
    stand.ask(&AT_ONE, NOW);
    assert_eq!(stand.recalled(&AT_ONE, NOW), None);
}

#[test]
fn former_lease_that_was_offered_is_taken_over_without_a_look() {
    let (mut stand, _) = stand4();
    stand.put(A, 9, 900);
    stand.find(ONE);
    // As an address that was picked is looked at.
    assert!(stand.get(ONE, A, NOW).is_some());
    let Some([None, Some(former)]) = stand.recalled(&AT_ONE, NOW) else {
        panic!("what is there is known")
    };
    assert!(stand.commit(change(ONE, A, Expect::Unchanged(former.version)), NOW).is_ok());
    assert_eq!(stand.find(ONE), Some(A));
}

#[test]
fn change_uses_up_what_was_known_of_its_client() {
    let (mut stand, _) = stand4();
    // Somebody else is quicker.
    stand.ask(&AT_ONE, NOW);
    stand.put(A, 9, 1000);
    assert_eq!(stand.commit(change(ONE, A, Expect::Absent), NOW), Err(CommitError::Conflict));
    assert_eq!(stand.recalled(&AT_ONE, NOW), None, "it would lead to the same conflict");
    stand.put(A, 1, 1000);
    stand.ask(&AT_ONE, NOW);
    let expect = Expect::Unchanged(stand.get(ONE, A, NOW).unwrap().version);
    stand.ask(&Question4::Delete { address: A, expect }, NOW);
    assert_eq!(stand.recalled(&AT_ONE, NOW), None, "it has given it back");
}
