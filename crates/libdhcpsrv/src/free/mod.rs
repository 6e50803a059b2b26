//! Free addresses and prefixes: what of the pools can be given to a client now.
//!
//! Each pool has a bitmap with summaries, so that the next free unit (an address, or a prefix of the pool's delegated
//! length) costs a few word reads from an empty pool to one with a single unit left. A set bit means "not allocatable
//! now": the unit has an active or a declined lease. Expiry clears the bit, whether or not the lease has been
//! reclaimed. The bits belong to the lease store: it sets and clears them under the lock of the lease's shard, and
//! [`PoolSet::pick`] only looks. What it returns is a proposal that the commit checks again: by the record of the
//! address, and where leases can overlap also by these marks, see [`FreePool::claim`].
//!
//! Pools may overlap (subnets of different prefix length may share addresses): a lease marks every pool that it
//! touches.
//!
//! What is reserved for hosts is never picked. A pool in which something is reserved has two more sets of marks: what
//! is reserved, which never changes, and what cannot be picked, which is that and the leases.
//!
//! [`PoolSet`] knows which pool an address lies in; what is marked inside is a matter of the family: [`PoolSet4`] has
//! pools of addresses, [`PoolSet6`] pools of addresses and of prefixes, of any size.

mod odd;
mod pool4;
mod pool6;

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use util::number::AddressNumber;
use util::steps::Steps;

pub use pool4::PoolRange;
pub use pool6::PoolRange6;

/// The free addresses of all DHCPv4 pools of one configuration.
pub type PoolSet4 = PoolSet<u32>;
/// The free addresses and prefixes of all DHCPv6 pools of one configuration.
pub type PoolSet6 = PoolSet<u128>;

/// Index of a pool in a [`PoolSet`]: its place in the configuration's list of all pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolIndex(pub u32);

/// Where to begin the search for a free unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickFrom {
    /// Behind the unit that was picked last.
    Cursor,
    /// At the unit that these random bits choose.
    Random(u64),
}

/// A number that is an address of one family, with the pools of that family.
pub trait PoolAddress: AddressNumber {
    /// The address as the protocol code knows it.
    type Address: Copy
        + Debug
        + Display
        + Eq
        + Ord
        + Hash
        + Send
        + Sync
        + From<Self>
        + Into<Self>
        + 'static;
    /// What a pool is made from.
    type Range: Copy + Debug;
    /// The marks of one pool.
    type Pool: FreePool<Self>;
}

/// The marks of one pool. A lease covers the addresses from `first` to `last`, one in most cases.
pub trait FreePool<A: PoolAddress>: Debug + Send + Sync {
    /// Makes a pool in which everything is free.
    fn new(range: A::Range) -> Self;

    /// First and last address of a range; a pool that ends before it begins is empty.
    fn ends(range: &A::Range) -> (A, A);

    /// Whether all of the lease's addresses lie in this pool.
    fn contains(&self, first: A, last: A) -> bool;

    /// Whether they are what a client gets from this pool.
    fn is_unit(&self, first: A, last: A) -> bool {
        first == last && self.contains(first, last)
    }

    /// Number of units that can be picked.
    fn free(&self) -> u64;

    /// Marks what a lease covers as not allocatable.
    fn hold(&self, first: A, last: A);

    /// As [`Self::hold`], unless another lease covers some of it; returns whether it did. Of two that claim at once what
    /// overlaps one gets it at most. The default is for a family whose leases cannot overlap.
    fn claim(&self, first: A, last: A) -> bool {
        self.hold(first, last);
        true
    }

    /// Whether some of these addresses cannot be picked now.
    fn is_held(&self, first: A, last: A) -> bool;

    /// The first address of a free unit.
    fn pick(&self, from: PickFrom) -> Option<A>;

    /// Takes the marks of a lease away.
    fn unhold(&self, first: A, last: A);

    /// The last address of the unit that begins with `first`, if one does.
    fn unit_from(&self, first: A) -> Option<A>;

    /// Takes all marks away.
    fn clear(&self);
}

/// What is free in all pools of one configuration.
#[derive(Debug)]
pub struct PoolSet<A: PoolAddress> {
    pools: Box<[A::Pool]>,
    /// For each pool what is reserved in it; empty when nothing is in any.
    reserves: Box<[Option<Box<Reserve<A>>>]>,
    /// Pools ordered by their first address, for finding those that hold an address.
    by_first: Box<[Span<A>]>,
    /// First addresses of `by_first`.
    firsts: Steps<A>,
    /// Whether some address lies in more than one pool.
    overlaps: bool,
}

/// Marks of a pool in which something is reserved.
#[derive(Debug)]
struct Reserve<A: PoolAddress> {
    /// What is reserved, from a first to a last address each, in order; these never change.
    reserved: Vec<(A, A)>,
    /// For each the highest last address of it and all before it.
    last_max: Vec<A>,
    /// What cannot be picked: all of that and the leases.
    closed: A::Pool,
}

/// A pool's place in the address order.
#[derive(Clone, Copy, Debug)]
struct Span<A> {
    first: A,
    last: A,
    /// The highest last address of this and all spans before it: where a walk back may stop.
    last_max: A,
    pool: PoolIndex,
}

impl<A: PoolAddress> Default for PoolSet<A> {
    fn default() -> Self {
        Self::new([])
    }
}

impl<A: PoolAddress> PoolSet<A> {
    /// Makes a set in which everything is free; [`crate::lease::LeaseStore::adopt_pools`] marks the leases.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = A::Range>) -> Self {
        let mut pools = Vec::new();
        let mut by_first = Vec::new();
        for range in ranges {
            let (first, last) = A::Pool::ends(&range);
            if first <= last {
                let pool = PoolIndex(pools.len() as u32);
                by_first.push(Span { first, last, last_max: last, pool });
            }
            pools.push(A::Pool::new(range));
        }
        by_first.sort_by_key(|span| (span.first, span.last));
        let mut last_max = None;
        let mut overlaps = false;
        for span in &mut by_first {
            overlaps |= last_max.is_some_and(|last_max| span.first <= last_max);
            span.last_max = last_max.map_or(span.last, |last_max| span.last.max(last_max));
            last_max = Some(span.last_max);
        }
        let firsts = Steps::new(by_first.iter().map(|span| span.first).collect());
        let reserves = Box::default();
        Self { pools: pools.into(), reserves, by_first: by_first.into(), firsts, overlaps }
    }

    /// Keeps addresses from being picked: those from a first to a last one in the pools that `is_in` accepts for them.
    /// `ranges` are those that the set was made from; no lease is marked yet.
    #[must_use]
    pub fn with_reserved<T>(
        mut self,
        ranges: &[A::Range],
        reserved: impl IntoIterator<Item = (A, A, T)>,
        is_in: impl Fn(PoolIndex, &T) -> bool,
    ) -> Self {
        let mut reserves: Vec<Option<Box<Reserve<A>>>> = Vec::new();
        for (first, last, item) in reserved {
            for span in self.spans_with(first, last).filter(|span| is_in(span.pool, &item)) {
                let number = span.pool.0 as usize;
                let Some(range) = ranges.get(number) else { continue };
                reserves.resize_with(self.pools.len(), || None);
                let reserve = reserves[number].get_or_insert_with(|| {
                    let closed = A::Pool::new(*range);
                    Box::new(Reserve { reserved: Vec::new(), last_max: Vec::new(), closed })
                });
                reserve.reserved.push((first, last));
                reserve.closed.hold(first, last);
            }
        }
        reserves.iter_mut().flatten().for_each(|reserve| reserve.sort());
        self.reserves = reserves.into();
        self
    }

    /// Proposes the first address of a free unit of a pool; `None` when all are taken or there is no such pool.
    ///
    /// Nothing is marked: two calls may propose the same unit when the cursor has gone round in between.
    #[must_use]
    pub fn pick(&self, pool: PoolIndex, from: PickFrom) -> Option<A::Address> {
        let marks = match self.reserve(pool) {
            Some(reserve) => &reserve.closed,
            None => self.pool(pool)?,
        };
        marks.pick(from).map(A::Address::from)
    }

    /// Number of units that can be picked from a pool.
    #[must_use]
    pub fn free_count(&self, pool: PoolIndex) -> u64 {
        match self.reserve(pool) {
            Some(reserve) => reserve.closed.free(),
            None => self.pool(pool).map_or(0, FreePool::free),
        }
    }

    /// Number of units of a pool that no lease covers, whether or not they are reserved.
    #[must_use]
    pub fn unleased_count(&self, pool: PoolIndex) -> u64 {
        self.pool(pool).map_or(0, FreePool::free)
    }

    /// Number of pools.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pools.len()
    }

    /// Whether there is no pool.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pools.is_empty()
    }

    /// A pool that holds the address; of overlapping ones the one that begins last.
    #[must_use]
    pub fn pool_of(&self, address: A::Address) -> Option<PoolIndex> {
        let address = address.into();
        self.spans_with(address, address).next().map(|span| span.pool)
    }

    /// Whether some address from `first` to `last` is reserved in a pool.
    #[must_use]
    pub fn is_range_reserved(&self, pool: PoolIndex, first: A, last: A) -> bool {
        self.reserve(pool).is_some_and(|reserve| reserve.touches(first, last))
    }

    /// Whether some address from `first` to `last` lies in a pool and is leased now.
    #[must_use]
    pub fn is_range_held(&self, first: A, last: A) -> bool {
        let mut spans = self.spans_with(first, last);
        spans.any(|span| self.pool(span.pool).is_some_and(|pool| pool.is_held(first, last)))
    }

    /// Marks what a lease covers as not allocatable. `hint` is the pool that it probably lies in.
    pub(crate) fn hold(&self, first: A, last: A, hint: Option<PoolIndex>) {
        self.each_touched(first, last, hint, |pool, reserve| {
            pool.hold(first, last);
            if let Some(reserve) = reserve {
                reserve.closed.hold(first, last);
            }
        });
    }

    /// As [`Self::hold`], unless another lease covers some of it; returns whether it did. With a `hint` it must be a unit
    /// of some pool, too: what was chosen from pools that are gone may overlap a lease that is marked nowhere.
    pub(crate) fn claim(&self, first: A, last: A, hint: Option<PoolIndex>) -> bool {
        let is_claimed = self.claim_pools(first, last, hint);
        if is_claimed && !self.reserves.is_empty() {
            self.each_touched(first, last, hint, |_, reserve| {
                if let Some(reserve) = reserve {
                    reserve.closed.hold(first, last);
                }
            });
        }
        is_claimed
    }

    fn claim_pools(&self, first: A, last: A, hint: Option<PoolIndex>) -> bool {
        if let Some((_, pool)) = self.only_pool_of(first, last, hint) {
            return pool.is_unit(first, last) && pool.claim(first, last);
        }
        let mut pools = self.spans_with(first, last).filter_map(|span| self.pool(span.pool));
        if hint.is_some() && !pools.any(|pool| pool.is_unit(first, last)) {
            return false;
        }
        let touched = || self.spans_with(first, last).filter_map(|span| self.pool(span.pool));
        let Some(taken) = touched().position(|pool| !pool.claim(first, last)) else { return true };
        touched().take(taken).for_each(|pool| pool.unhold(first, last));
        false
    }

    /// Marks what a lease covers as allocatable.
    pub(crate) fn unhold(&self, first: A, last: A, hint: Option<PoolIndex>) {
        self.each_touched(first, last, hint, |pool, reserve| {
            pool.unhold(first, last);
            if let Some(reserve) = reserve {
                reserve.unhold(first, last);
            }
        });
    }

    /// Marks the units that begin with an address as allocatable.
    pub(crate) fn unhold_unit_from(&self, address: A) {
        for span in self.spans_with(address, address) {
            let last = self.pool(span.pool).and_then(|pool| pool.unit_from(address));
            if let Some(last) = last {
                self.unhold(address, last, None);
            }
        }
    }

    /// Takes the marks of all leases away from pools in which nothing is free.
    pub(crate) fn clear_full(&self) {
        for number in 0..self.pools.len() as u32 {
            let Some(pool) = self.pool(PoolIndex(number)) else { continue };
            match self.reserve(PoolIndex(number)) {
                Some(reserve) if reserve.closed.free() == 0 => {
                    pool.clear();
                    reserve.closed.clear();
                    for &(first, last) in &reserve.reserved {
                        reserve.closed.hold(first, last);
                    }
                }
                None if pool.free() == 0 => pool.clear(),
                _ => {}
            }
        }
    }

    /// Runs `mark` on every pool that a lease touches.
    #[inline]
    fn each_touched(
        &self,
        first: A,
        last: A,
        hint: Option<PoolIndex>,
        mark: impl Fn(&A::Pool, Option<&Reserve<A>>),
    ) {
        if let Some((index, pool)) = self.only_pool_of(first, last, hint) {
            mark(pool, self.reserve(index));
            return;
        }
        for span in self.spans_with(first, last) {
            if let Some(pool) = self.pool(span.pool) {
                mark(pool, self.reserve(span.pool));
            }
        }
    }

    #[inline]
    fn reserve(&self, pool: PoolIndex) -> Option<&Reserve<A>> {
        self.reserves.get(pool.0 as usize)?.as_deref()
    }

    fn pool(&self, index: PoolIndex) -> Option<&A::Pool> {
        self.pools.get(index.0 as usize)
    }

    /// The pool of a hint, provided that the lease lies in it and no other pool can be touched.
    fn only_pool_of(
        &self,
        first: A,
        last: A,
        hint: Option<PoolIndex>,
    ) -> Option<(PoolIndex, &A::Pool)> {
        let index = hint.filter(|_| !self.overlaps)?;
        let pool = self.pool(index)?;
        pool.contains(first, last).then_some((index, pool))
    }

    /// The pools that hold one of these addresses.
    fn spans_with(&self, first: A, last: A) -> impl Iterator<Item = &Span<A>> {
        let behind = self.firsts.up_to(last);
        let before = self.by_first.get(..behind).unwrap_or_default();
        let reach = before.iter().rev().take_while(move |span| span.last_max >= first);
        reach.filter(move |span| span.last >= first)
    }
}

impl<A: PoolAddress> Reserve<A> {
    /// Makes what is reserved ready to be searched.
    fn sort(&mut self) {
        self.reserved.sort_unstable();
        self.last_max = self.reserved.iter().map(|&(_, last)| last).collect();
        let mut highest = None;
        for last in &mut self.last_max {
            *last = highest.map_or(*last, |highest| (*last).max(highest));
            highest = Some(*last);
        }
    }

    /// Whether some of these addresses is reserved.
    fn touches(&self, first: A, last: A) -> bool {
        let before = self.reserved.partition_point(|&(begin, _)| begin <= last);
        let nearest = before.checked_sub(1).and_then(|nearest| self.last_max.get(nearest));
        nearest.is_some_and(|&highest| highest >= first)
    }

    /// Takes the marks of a lease away, unless they are those of a reservation as well: a unit has one mark whatever
    /// it is for, anything else one for each.
    fn unhold(&self, first: A, last: A) {
        let is_unit = self.closed.is_unit(first, last);
        if !is_unit || self.reserved.binary_search(&(first, last)).is_err() {
            self.closed.unhold(first, last);
        }
    }
}

/// Where the search of a pool goes on: behind the unit that was picked last, round to the first at the end.
#[derive(Debug, Default)]
struct Cursor(AtomicU64);

impl Cursor {
    /// Picks with `find` from the right place on. The cursor moves, so that workers that pick at once get different
    /// units.
    fn pick(&self, from: PickFrom, units: u64, find: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        if let PickFrom::Random(bits) = from {
            let start = (u128::from(bits) * u128::from(units)) >> 64;
            return find(start as u64).or_else(|| find(0));
        }
        let mut start = self.0.load(Ordering::Relaxed);
        loop {
            let unit = find(start).or_else(|| find(0))?;
            let next = unit.wrapping_add(1);
            let moved =
                self.0.compare_exchange_weak(start, next, Ordering::Relaxed, Ordering::Relaxed);
            match moved {
                Ok(_) => return Some(unit),
                Err(other) => start = other,
            }
        }
    }
}
