//! Asking a lease store or a source of hosts that may answer at once or later: the one mechanism of waiting.
//!
//! Deciding code is written straight on, as if every store answered at once. It asks through a [`Session`], which
//! records each answer. When a store has no answer yet, the session returns [`Parked`], the code returns
//! through `?`, and the server keeps the packet with its [`Memo`]. When the answer arrives it is added to the memo
//! and the code runs again from the start: questions that have been answered are answered from the memo, so it
//! arrives at the same place and goes on. Deciding code must therefore have no other effect before its last
//! question, and draws on nothing but its arguments and the session. What may differ by the time of the next run is
//! recorded as well: the time, what is free in the pools, and through [`Session::choose`] whatever else.
//!
//! The memory store answers at once: the cost is one copy of each answer. SQL stores, hooks and ping checks wait
//! in the same way.

use util::journal::JournalPosition;
use util::number::AddressNumber;
use util::{Entropy, Now};

use crate::explain::Explanation;
use crate::free::{PickFrom, PoolIndex, PoolSet};
use crate::hosts::{Holder, HostId, HostKind, HostQuestion, HostSource, Hosts, Identifier, Places};
use crate::intake::SPARE_ANSWERS_MAX;
use crate::lease::{
    AddressOf, CommitError, Expect, LeaseKind, LeaseStore, LeaseView, Nth, Stored, SubnetId,
};
use crate::lease4::V4;
use crate::lease6::V6;

/// A question to a store of DHCPv4 leases.
pub type Question4<'a> = Question<'a, V4>;
/// An answer of a store of DHCPv4 leases.
pub type Answer4 = Answer<V4>;
/// The answers that one DHCPv4 exchange has had so far.
pub type Memo4 = Memo<V4>;
/// One run of deciding code of DHCPv4.
pub type Session4<'s> = Session<'s, V4>;
/// A question to a store of DHCPv6 leases.
pub type Question6<'a> = Question<'a, V6>;
/// An answer of a store of DHCPv6 leases.
pub type Answer6 = Answer<V6>;
/// The answers that one DHCPv6 exchange has had so far.
pub type Memo6 = Memo<V6>;
/// One run of deciding code of DHCPv6.
pub type Session6<'s> = Session<'s, V6>;

/// Questions about leases that one exchange should come to where each is a way to a database; the next association or the
/// next proposal is not begun then.
const QUESTIONS_MAX: u32 = 64;

/// Names a question that has not been answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// The exchange has to wait for the answer to this ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked(pub Ticket);

/// A question to a lease store.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a, K: LeaseKind> {
    /// A lease of the client in a subnet, and the lease on the address that it asks for.
    Find {
        /// The client.
        client: K::Key<'a>,
        /// The subnet.
        subnet: SubnetId,
        /// Which of the client's leases, from 0 on in the order of addresses.
        nth: u32,
        /// Another address to look at.
        requested: Option<AddressOf<K>>,
    },
    /// The lease on an address.
    Get {
        /// The client whose ownership is of interest.
        client: K::Key<'a>,
        /// The address.
        address: AddressOf<K>,
    },
    /// Make or change a lease.
    Commit(K::Change<'a>),
    /// Whether a change would alter nothing but the time.
    Compare(K::Change<'a>),
    /// End a lease.
    Delete {
        /// Its address.
        address: AddressOf<K>,
        /// What the decision was based on.
        expect: Expect,
    },
}

/// The answer of a store, or a choice that has to be the same when the code runs again.
#[derive(Clone, Copy, Debug)]
pub enum Answer<K: LeaseKind> {
    /// To [`Question::Find`].
    Found {
        /// The client's own lease in the subnet.
        own: Option<K::View>,
        /// Whether the client has one behind it.
        more: bool,
        /// The lease on the requested address, whoever holds it.
        requested: Option<K::View>,
    },
    /// To [`Question::Get`].
    Got(Option<K::View>),
    /// To [`Question::Commit`] and [`Question::Delete`].
    Done(Result<Stored, CommitError>),
    /// To [`Question::Compare`], unless that meets a conflict: if so, the journal position that makes durable what is there.
    Same(Option<JournalPosition>),
    /// To [`Session::choose`].
    Chosen(Option<AddressOf<K>>),
    /// To [`HostQuestion::Of`].
    Host(Option<HostId>),
    /// To [`HostQuestion::Holder`].
    Holder(Holder),
}

/// The client's own lease, and the lease on the address that it asks for.
pub type Found<K> = (Option<<K as LeaseKind>::View>, Option<<K as LeaseKind>::View>);

/// What a store does with a question.
#[derive(Clone, Copy, Debug)]
pub enum Submitted<K: LeaseKind> {
    /// It is answered.
    Ready(Answer<K>),
    /// It will be answered through the server's `resume`.
    Waiting(Ticket),
}

/// A lease store as the engine sees it.
pub trait Store<K: LeaseKind>: Send + Sync {
    /// Takes one question.
    fn submit(&self, question: &Question<'_, K>, now: Now) -> Submitted<K>;

    /// Takes one question of a client that takes an offer of this server. What it was told for the sake of the offer may be
    /// the answer.
    fn submit_of_offer(&self, question: &Question<'_, K>, now: Now) -> Submitted<K> {
        self.submit(question, now)
    }

    /// Whether others change the leases as well, so that the marks of the pools are hints only: what is picked must be
    /// looked up before it is offered.
    fn is_shared(&self) -> bool {
        false
    }

    /// Hears that nothing could be picked from a pool.
    fn note_exhausted(&self) {}
}

impl<K: LeaseKind> Store<K> for LeaseStore<K> {
    fn submit(&self, question: &Question<'_, K>, now: Now) -> Submitted<K> {
        Submitted::Ready(match question {
            Question::Find { client, subnet, nth, requested } => {
                let Nth { own, more } = self.find_nth(client, *subnet, *nth);
                let requested = match (requested, &own) {
                    (Some(address), Some(own)) if own.address() == *address => Some(*own),
                    (Some(address), _) => self.get(*address, client),
                    (None, _) => None,
                };
                Answer::Found { own, more, requested }
            }
            Question::Get { client, address } => Answer::Got(self.get(*address, client)),
            Question::Commit(change) => Answer::Done(self.commit(change, now)),
            Question::Compare(change) => Answer::Same(self.same(change)),
            Question::Delete { address, expect } => Answer::Done(self.delete(*address, *expect)),
        })
    }
}

/// The answers that one exchange has had so far.
#[derive(Clone, Debug)]
pub struct Memo<K: LeaseKind> {
    answers: Vec<Answer<K>>,
    /// The time of the first run.
    began: Option<Now>,
    /// Answers that [`Memo::new_changes`] has been through.
    counted: usize,
}

impl<K: LeaseKind> Default for Memo<K> {
    fn default() -> Self {
        Self { answers: Vec::new(), began: None, counted: 0 }
    }
}

impl<K: LeaseKind> Memo<K> {
    /// Forgets all answers and keeps the memory.
    pub fn clear(&mut self) {
        self.answers.clear();
        self.began = None;
        self.counted = 0;
    }

    /// Whether it has no more memory than is usual.
    pub(crate) fn is_small(&self) -> bool {
        self.answers.capacity() <= SPARE_ANSWERS_MAX
    }

    /// Adds the answer that was waited for.
    pub fn record(&mut self, answer: Answer<K>) {
        self.answers.push(answer);
    }

    /// The changes of leases that were made since the last call; to be counted before the exchange waits, because a configuration
    /// that comes meanwhile counts what is stored.
    pub fn new_changes(&mut self) -> impl Iterator<Item = &Stored> {
        let from = std::mem::replace(&mut self.counted, self.answers.len());
        let new = self.answers.get(from..).unwrap_or_default();
        new.iter().filter_map(|answer| match answer {
            Answer::Done(Ok(stored)) => Some(stored),
            _ => None,
        })
    }
}

/// Where hosts come from.
#[derive(Clone, Copy)]
enum HostsOf<'s, K: HostKind> {
    /// There are none.
    Nowhere,
    /// Something that may answer late.
    Source(&'s dyn HostSource<K>),
    /// The configuration.
    Table(&'s Hosts<K>),
}

/// One run of deciding code.
pub struct Session<'s, K: HostKind> {
    store: &'s dyn Store<K>,
    hosts: HostsOf<'s, K>,
    pools: &'s PoolSet<K::Number>,
    entropy: &'s mut dyn Entropy,
    memo: &'s mut Memo<K>,
    explanation: Option<&'s Explanation>,
    /// Whether the client takes what this server has offered.
    takes_offer: bool,
    /// What was picked ahead and has not been used.
    ahead: Option<(PoolIndex, AddressOf<K>)>,
    /// What is known of an address that was picked ahead.
    looked_at: Option<(AddressOf<K>, Option<K::View>)>,
    next: usize,
    /// Questions about leases so far, those of former runs included.
    asked: u32,
    /// The time by which is decided.
    now: Now,
    /// The time at which the store is asked.
    asked_at: Now,
}

impl<K: HostKind> std::fmt::Debug for Session<'_, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("memo", &self.memo).field("next", &self.next).finish()
    }
}

impl<'s, K: HostKind> Session<'s, K> {
    /// Begins a run; `memo` holds the answers of the runs before.
    pub fn new(
        store: &'s dyn Store<K>,
        pools: &'s PoolSet<K::Number>,
        entropy: &'s mut dyn Entropy,
        memo: &'s mut Memo<K>,
        now: Now,
    ) -> Self {
        let (asked_at, now) = (now, *memo.began.get_or_insert(now));
        let (hosts, explanation) = (HostsOf::Nowhere, None);
        let (ahead, looked_at) = (None, None);
        Self {
            store,
            hosts,
            pools,
            entropy,
            memo,
            explanation,
            takes_offer: false,
            ahead,
            looked_at,
            next: 0,
            asked: 0,
            now,
            asked_at,
        }
    }

    /// With somebody who listens to what is decided.
    #[must_use]
    pub fn explained(mut self, explanation: Option<&'s Explanation>) -> Self {
        self.explanation = explanation;
        self
    }

    /// Of a client that takes what this server has offered: what was found out for the offer need not be asked again.
    #[must_use]
    pub fn taking_offer(mut self, takes_offer: bool) -> Self {
        self.takes_offer = takes_offer;
        self
    }

    /// Who listens to what is decided.
    #[must_use]
    #[inline]
    pub fn explanation(&self) -> Option<&'s Explanation> {
        self.explanation
    }

    /// With a source of hosts; without one nobody has any.
    #[must_use]
    pub fn with_hosts(mut self, hosts: &'s dyn HostSource<K>) -> Self {
        self.hosts = match hosts.as_table() {
            _ if hosts.kinds().is_empty() => HostsOf::Nowhere,
            Some(table) => HostsOf::Table(table),
            None => HostsOf::Source(hosts),
        };
        self
    }

    /// Whether there are hosts at all.
    #[must_use]
    pub fn has_hosts(&self) -> bool {
        !matches!(self.hosts, HostsOf::Nowhere)
    }

    /// The time of the first run: what has expired by then.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// Whether some address from `first` to `last` lies in a pool and cannot be picked.
    pub fn is_range_held(&mut self, first: K::Number, last: K::Number) -> bool {
        let pools = self.pools;
        self.choose(|_| pools.is_range_held(first, last).then(|| first.into())).is_some()
    }

    /// Looks for the `nth` lease of the client and for the lease on `requested`, whoever holds it.
    ///
    /// # Errors
    /// [`Parked`] when the store answers later.
    pub fn look_for(
        &mut self,
        client: K::Key<'_>,
        subnet: SubnetId,
        nth: u32,
        requested: Option<AddressOf<K>>,
    ) -> Result<(Nth<K>, Option<K::View>), Parked> {
        // The one question that is asked anyway can tell of what was picked ahead, too.
        let is_unknown = requested.is_none() && self.looked_at.is_none();
        let ahead = self.ahead.filter(|_| is_unknown).map(|(_, address)| address);
        let requested = requested.or(ahead);
        let question = Question::Find { client, subnet, nth, requested };
        let takes_offer = self.takes_offer;
        self.asked += 1;
        let answer = self.answer_by(|store, now| match takes_offer {
            true => store.submit_of_offer(&question, now),
            false => store.submit(&question, now),
        });
        match answer? {
            Answer::Found { own, more, requested } => match ahead {
                Some(ahead) => {
                    self.looked_at = Some((ahead, requested));
                    Ok((Nth { own, more }, None))
                }
                None => Ok((Nth { own, more }, requested)),
            },
            // A memo that does not fit is a defect of the caller; nothing known is the harmless reading.
            _ => Ok((Nth { own: None, more: false }, None)),
        }
    }

    /// Looks for the client's lease, the first of several, and for the lease on `requested`.
    ///
    /// # Errors
    /// [`Parked`] when the store answers later.
    pub fn find(
        &mut self,
        client: K::Key<'_>,
        subnet: SubnetId,
        requested: Option<AddressOf<K>>,
    ) -> Result<Found<K>, Parked> {
        let found = self.look_for(client, subnet, 0, requested)?;
        Ok((found.0.own, found.1))
    }

    /// Looks for the `nth` lease of the client, from 0 on in the order of addresses.
    ///
    /// # Errors
    /// [`Parked`] when the store answers later.
    pub fn find_nth(
        &mut self,
        client: K::Key<'_>,
        subnet: SubnetId,
        nth: u32,
    ) -> Result<Nth<K>, Parked> {
        Ok(self.look_for(client, subnet, nth, None)?.0)
    }

    /// Makes or changes a lease.
    ///
    /// # Errors
    /// [`Parked`] when the store answers later.
    pub fn commit(&mut self, change: K::Change<'_>) -> Result<Result<Stored, CommitError>, Parked> {
        self.done(&Question::Commit(change))
    }

    /// Asks whether a change would alter nothing but the time; if so, the journal position that makes durable what is
    /// there. If so, but what is there was read for another exchange, that is a conflict: it must be read for this one.
    ///
    /// # Errors
    /// [`Parked`] when the store answers later.
    pub fn same(
        &mut self,
        change: K::Change<'_>,
    ) -> Result<Result<Option<JournalPosition>, CommitError>, Parked> {
        Ok(match self.ask(&Question::Compare(change))? {
            Answer::Same(position) => Ok(position),
            Answer::Done(Err(error)) => Err(error),
            // See `look_for`.
            _ => Ok(None),
        })
    }

    /// Looks at the lease on an address.
    ///
    /// # Errors
    /// [`Parked`] when the store answers later.
    pub fn get(
        &mut self,
        client: K::Key<'_>,
        address: AddressOf<K>,
    ) -> Result<Option<K::View>, Parked> {
        if let Some((_, lease)) = self.looked_at.take_if(|(known, _)| *known == address) {
            return Ok(lease);
        }
        match self.ask(&Question::Get { client, address })? {
            Answer::Got(lease) => Ok(lease),
            _ => Ok(None),
        }
    }

    /// Ends a lease.
    ///
    /// # Errors
    /// [`Parked`] when the store answers later.
    pub fn delete(
        &mut self,
        address: AddressOf<K>,
        expect: Expect,
    ) -> Result<Result<Stored, CommitError>, Parked> {
        self.done(&Question::Delete { address, expect })
    }

    /// Says where hosts of the client will be looked for, so that a source that answers late can find all at once.
    #[inline]
    pub fn foresee_hosts(&self, places: impl Iterator<Item = SubnetId>) {
        if let HostsOf::Source(hosts) = self.hosts {
            let mut places = places;
            hosts.foresee(&mut places);
        }
    }

    /// Looks for the host of a client; what it is, its source tells.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    pub fn host(
        &mut self,
        places: Places,
        identifiers: &[Identifier<'_>],
    ) -> Result<Option<HostId>, Parked> {
        let hosts = match self.hosts {
            HostsOf::Nowhere => return Ok(None),
            HostsOf::Table(table) => return Ok(table.find(places, identifiers)),
            HostsOf::Source(hosts) => hosts,
        };
        let question = HostQuestion::Of { places, identifiers };
        Ok(match self.answer_by(|_, _| hosts.submit(&question))? {
            Answer::Host(id) => id,
            _ => None,
        })
    }

    /// For whom an address or prefix is reserved, from the point of view of a client. `pool` is the pool that it is a unit
    /// of, in which a part may be reserved as well.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    pub fn holder(
        &mut self,
        places: Places,
        (address, prefix_len): (AddressOf<K>, u8),
        pool: Option<PoolIndex>,
        identifiers: &[Identifier<'_>],
    ) -> Result<Holder, Parked> {
        let part = pool.map(|pool| {
            let first: K::Number = address.into();
            let within = u128::MAX >> (u128::BITS - K::Number::BITS);
            let within = within.checked_shr(prefix_len.into()).unwrap_or(0);
            let last = K::Number::from_u128(first.to_u128() | within);
            self.pools.is_range_reserved(pool, first, last)
        });
        let exactly = match self.hosts {
            HostsOf::Nowhere => return Ok(Holder::Nobody),
            HostsOf::Table(_) if part == Some(false) => return Ok(Holder::Nobody),
            HostsOf::Table(table) => table.holder(places, address, prefix_len, identifiers),
            HostsOf::Source(hosts) => {
                let question = HostQuestion::Holder { places, address, prefix_len, identifiers };
                match self.answer_by(|_, _| hosts.submit(&question))? {
                    Answer::Holder(holder) => holder,
                    _ => Holder::Nobody,
                }
            }
        };
        Ok(match exactly {
            Holder::Nobody if part == Some(true) => Holder::Other,
            holder => holder,
        })
    }

    /// Which of `count` things comes first by chance, from 0 on; the same one when the code runs again.
    pub fn first_of(&mut self, count: usize) -> usize {
        let number = |entropy: &mut dyn Entropy| {
            let product = u128::from(entropy.next_u64()) * count as u128;
            Some(AddressOf::<K>::from(K::Number::from_u128(product >> 64)))
        };
        let chosen = self.choose(number).map(|number| number.into().low64());
        chosen.map_or(0, |number| number as usize)
    }

    /// Whether the share of leased units in some pools, each with its number of units, reaches `threshold` with the unit
    /// from `first` to `last` leased as well. Of pools with more units than can be counted none is ever reached.
    pub fn is_crowded(
        &mut self,
        pools: impl Iterator<Item = (PoolIndex, u128)>,
        (first, last): (K::Number, K::Number),
        threshold: f64,
    ) -> bool {
        let marks = self.pools;
        let reaches = |_: &mut dyn Entropy| {
            let (mut units, mut free) = (0_u128, 0_u128);
            for (pool, size) in pools {
                units = units.saturating_add(size);
                free += u128::from(marks.unleased_count(pool));
            }
            if !marks.is_range_held(first, last) {
                free = free.saturating_sub(1);
            }
            let leased = units.saturating_sub(free) as f64;
            let is_countable = units > 0 && units < u128::from(u64::MAX);
            (is_countable && leased / units as f64 >= threshold).then(|| first.into())
        };
        self.choose(reaches).is_some()
    }

    /// Picks an address that will probably be needed, where what is picked must be looked up: the next question about
    /// leases asks about it as well, and then it is picked and known. One at a time; returns whether there is one.
    pub fn pick_ahead(&mut self, pool: PoolIndex, random: bool) -> bool {
        if self.ahead.is_none() {
            self.ahead = self.pick(pool, random).map(|address| (pool, address));
        }
        self.ahead.is_some()
    }

    /// The pool from which something was picked ahead and has not been used.
    #[must_use]
    pub fn ahead(&self) -> Option<PoolIndex> {
        self.ahead.map(|(pool, _)| pool)
    }

    /// Chooses a free address of a pool without marking it; the same one when the code runs again.
    pub fn pick(&mut self, pool: PoolIndex, random: bool) -> Option<AddressOf<K>> {
        if let Some((_, address)) = self.ahead.take_if(|(ahead, _)| *ahead == pool) {
            return Some(address);
        }
        let pools = self.pools;
        self.choose(|entropy| {
            let from = if random { PickFrom::Random(entropy.next_u64()) } else { PickFrom::Cursor };
            pools.pick(pool, from)
        })
    }

    /// Whether the lease on an address that was picked must be looked at, because the pools do not know all leases.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    /// Whether the exchange has asked for more than one should, where each question takes a while. The same when the code
    /// runs again.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.asked >= QUESTIONS_MAX && self.is_shared()
    }

    /// Takes note that a pool has nothing that could be picked.
    pub fn note_exhausted(&self) {
        self.store.note_exhausted();
    }

    /// Makes a choice that has to be the same when the code runs again.
    pub fn choose(
        &mut self,
        choose: impl FnOnce(&mut dyn Entropy) -> Option<AddressOf<K>>,
    ) -> Option<AddressOf<K>> {
        if let Some(answer) = self.memo.answers.get(self.next) {
            self.next += 1;
            return match answer {
                Answer::Chosen(address) => *address,
                // See `look_for`.
                _ => None,
            };
        }
        let address = choose(self.entropy);
        self.memo.answers.push(Answer::Chosen(address));
        self.next += 1;
        address
    }

    fn done(&mut self, question: &Question<'_, K>) -> Result<Result<Stored, CommitError>, Parked> {
        match self.ask(question)? {
            Answer::Done(result) => Ok(result),
            _ => Ok(Err(CommitError::Conflict)),
        }
    }

    fn ask(&mut self, question: &Question<'_, K>) -> Result<Answer<K>, Parked> {
        self.asked += 1;
        self.answer_by(|store, now| store.submit(question, now))
    }

    /// The next answer: the one that is known from a run before, or what `submit` gets.
    fn answer_by(
        &mut self,
        submit: impl FnOnce(&dyn Store<K>, Now) -> Submitted<K>,
    ) -> Result<Answer<K>, Parked> {
        if let Some(answer) = self.memo.answers.get(self.next) {
            self.next += 1;
            return Ok(*answer);
        }
        match submit(self.store, self.asked_at) {
            Submitted::Ready(answer) => {
                self.memo.answers.push(answer);
                self.next += 1;
                Ok(answer)
            }
            Submitted::Waiting(ticket) => Err(Parked(ticket)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use util::SplitMix;

    use std::net::Ipv4Addr;

    use super::*;
    use crate::free::PoolRange;
    use crate::hosts::{Host4, KindSet};
    use crate::lease4::{Change4, ClientKey, LeaseStore4};

    const SUBNET: SubnetId = SubnetId(1);
    const HW: ClientKey<'static> = ClientKey { hw_type: 1, hw: &[1; 6], client_id: None };
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    /// A store that never knows at once, and counts what it is asked.
    #[derive(Default)]
    struct Slow(AtomicU64);

    impl Store<V4> for Slow {
        fn submit(&self, _: &Question4<'_>, _: Now) -> Submitted<V4> {
            Submitted::Waiting(Ticket(self.0.fetch_add(1, Ordering::Relaxed)))
        }
    }

    /// Something that decides: picks twice, asks twice in between.
    fn decide(session: &mut Session4<'_>) -> Result<[Option<Ipv4Addr>; 2], Parked> {
        let first = session.pick(PoolIndex(0), true);
        session.get(HW, ADDRESS)?;
        let second = session.pick(PoolIndex(0), false);
        session.find(HW, SUBNET, None)?;
        Ok([first, second])
    }

    #[test]
    fn deciding_code_runs_again_with_the_same_answers() {
        let (first, last) = (ADDRESS, Ipv4Addr::new(192, 0, 2, 200));
        let pools = PoolSet::new([PoolRange { first, last, skips_edges: false }]);
        let (store, mut entropy, mut memo) = (Slow::default(), SplitMix::new(1), Memo::default());
        let now = Now::from_secs(1);
        let mut picked = Vec::new();
        for answers in 0..=2 {
            let mut session = Session::new(&store, &pools, &mut entropy, &mut memo, now);
            match decide(&mut session) {
                Err(Parked(ticket)) => {
                    assert_eq!(ticket, Ticket(answers), "each question is asked once");
                    memo.record(match answers {
                        0 => Answer4::Got(None),
                        _ => Answer4::Found { own: None, more: false, requested: None },
                    });
                }
                Ok(addresses) => picked.extend(addresses.into_iter().flatten()),
            }
        }
        assert_eq!(picked[1], ADDRESS, "the cursor has moved once only");
        let mut again = Session::new(&store, &pools, &mut entropy, &mut memo, now);
        assert_eq!(decide(&mut again), Ok([Some(picked[0]), Some(picked[1])]));
        assert_eq!(store.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_changes_between_two_runs_is_as_it_was_in_the_first() {
        let pools = PoolSet::new([PoolRange { first: ADDRESS, last: ADDRESS, skips_edges: false }]);
        let (store, mut entropy, mut memo) = (Slow::default(), SplitMix::new(1), Memo::default());
        let number = u32::from(ADDRESS);
        for second in [1, 5] {
            let now = Now::from_secs(second);
            let mut session = Session::new(&store, &pools, &mut entropy, &mut memo, now);
            assert_eq!(session.now(), Now::from_secs(1));
            assert!(!session.is_range_held(number, number));
            let chosen = session.choose(|_| Some(Ipv4Addr::from(second as u32)));
            assert_eq!(chosen, Some(Ipv4Addr::from(1)));
            pools.hold(number, number, None);
        }
        memo.clear();
        let mut session = Session::new(&store, &pools, &mut entropy, &mut memo, Now::from_secs(5));
        assert_eq!(session.now(), Now::from_secs(5));
        assert!(session.is_range_held(number, number));
    }

    /// A source of hosts that never knows at once.
    struct SlowHosts;

    impl HostSource<V4> for SlowHosts {
        fn kinds(&self) -> KindSet {
            KindSet::ALL
        }

        fn submit(&self, _: &HostQuestion<'_, V4>) -> Submitted<V4> {
            Submitted::Waiting(Ticket(9))
        }

        fn host(&self, _: HostId) -> Option<Host4<'_>> {
            None
        }
    }

    #[test]
    fn hosts_may_be_told_late_as_well() {
        let (store, pools) = (LeaseStore4::new(1, None), PoolSet::default());
        let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
        let now = Now::from_secs(1);
        let places = Places { subnet: Some(SUBNET), global: true };
        let mut decide = |memo: &mut Memo<V4>| {
            let mut session = Session::new(&store, &pools, &mut entropy, memo, now);
            session = session.with_hosts(&SlowHosts);
            let host = session.host(places, &[])?;
            session.get(HW, ADDRESS)?;
            Ok((host, session.holder(places, (ADDRESS, 32), None, &[])?))
        };
        assert_eq!(decide(&mut memo), Err(Parked(Ticket(9))));
        memo.record(Answer::Host(Some(HostId(4))));
        assert_eq!(decide(&mut memo), Err(Parked(Ticket(9))), "the next question");
        memo.record(Answer::Holder(Holder::Other));
        assert_eq!(decide(&mut memo), Ok((Some(HostId(4)), Holder::Other)));
    }

    #[test]
    fn memo_that_does_not_fit_says_that_nothing_is_known() {
        let (store, pools) = (Slow::default(), PoolSet::default());
        let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
        for _ in 0..3 {
            memo.record(Answer4::Chosen(None));
        }
        let now = Now::from_secs(1);
        let mut session = Session::new(&store, &pools, &mut entropy, &mut memo, now);
        assert_eq!(session.get(HW, ADDRESS), Ok(None));
        assert_eq!(session.find(HW, SUBNET, None), Ok((None, None)));
        assert_eq!(session.delete(ADDRESS, Expect::Absent), Ok(Err(CommitError::Conflict)));
    }

    #[test]
    fn memory_answers_at_once_and_changes_are_remembered() {
        let (store, pools) = (LeaseStore4::new(1, None), PoolSet::default());
        let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
        let now = Now::from_secs(1);
        let change = Change4 {
            address: ADDRESS,
            subnet_id: SUBNET,
            pool_id: 0,
            pool: None,
            client: HW,
            valid_lifetime: 60,
            state: crate::lease4::LeaseState::Default,
            fqdn_fwd: false,
            fqdn_rev: false,
            hostname: &[],
            user_context: &[],
            keeps_context: false,
            expect: Expect::Absent,
            replaces: None,
        };
        let mut session = Session::new(&store, &pools, &mut entropy, &mut memo, now);
        assert!(matches!(session.commit(change), Ok(Ok(_))));
        assert_eq!(session.commit(change), Ok(Err(CommitError::Conflict)));
        let found = session.find(HW, SUBNET, Some(ADDRESS)).unwrap();
        assert_eq!(found.0, found.1);
        assert_eq!(
            (found.0.map(|lease| lease.address), memo.new_changes().count()),
            (Some(ADDRESS), 1)
        );
    }
}
