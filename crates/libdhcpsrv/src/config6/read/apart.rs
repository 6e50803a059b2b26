//! Pools as they are read, and whether they keep apart from each other.
//!
//! Pools of one subnet may not share addresses at all. Pools of different subnets may share what
//! they give out in the same length, as in Kea: what one gave out the other finds taken. In different
//! lengths it would not be found, and one client could get a part of what another has; Kea accepts
//! such files, here it is an error. All checks sort and sweep once.

use std::fmt;
use std::net::Ipv6Addr;

use cc::{Diagnostics, Position};

use crate::config::read::pools::overlaps;
use crate::config::{Prefix, Span};
use crate::config6::{Pool6, PoolKind};

/// All pools that were read, each with its place in the file.
#[derive(Debug, Default)]
pub(super) struct Pools {
    pools: Vec<Pool6>,
    positions: Vec<Position>,
    /// For each subnet the number of its first pool.
    starts: Vec<usize>,
}

impl Pools {
    /// Begins with the pools of the next subnet.
    pub(super) fn begin(&mut self) {
        self.starts.push(self.pools.len());
    }

    /// Adds a pool of the subnet that was begun last.
    pub(super) fn push(&mut self, pool: Pool6, position: Position) {
        self.pools.push(pool);
        self.positions.push(position);
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        self.pools.len() as u32
    }

    /// Those of the subnet that was begun last.
    pub(super) fn of_subnet(&self) -> &[Pool6] {
        let start = self.starts.last().copied().unwrap_or_default();
        self.pools.get(start..).unwrap_or_default()
    }

    /// The pools alone.
    pub(super) fn into_pools(mut self) -> Vec<Pool6> {
        self.pools.shrink_to_fit();
        self.pools
    }

    /// Reports pools of the subnet that was begun last which share addresses.
    pub(super) fn check_subnet(&self, diagnostics: &mut Diagnostics) {
        let start = self.starts.last().copied().unwrap_or_default();
        let spans: Vec<_> = (start..self.pools.len())
            .map(|number| (span_of(&self.pools[number]), self.positions[number]))
            .collect();
        for (later, other) in overlaps(&spans) {
            let hint = "give each address to one pool only";
            self.report((start + later, start + other), hint, diagnostics);
        }
    }

    /// Reports pools of different subnets which share addresses in different lengths.
    pub(super) fn check_all(&self, diagnostics: &mut Diagnostics) {
        let mut order: Vec<usize> = (0..self.pools.len()).collect();
        order.sort_by_key(|&number| (self.pools[number].first, self.positions[number]));
        let mut widest = Widest::default();
        for number in order {
            let pool = &self.pools[number];
            if let Some((rival, end)) = widest.of_other_length(pool.unit_len)
                && end >= pool.first
                && self.subnet_of(rival) != self.subnet_of(number)
            {
                let is_later = self.positions[number] > self.positions[rival];
                let pair = if is_later { (number, rival) } else { (rival, number) };
                let hint = "pools of two subnets may share addresses only if both give them out in \
                            the same length";
                self.report(pair, hint, diagnostics);
            }
            widest.add(number, pool);
        }
    }

    fn subnet_of(&self, number: usize) -> usize {
        self.starts.partition_point(|start| *start <= number)
    }

    fn report(
        &self,
        (later, other): (usize, usize),
        hint: &'static str,
        diagnostics: &mut Diagnostics,
    ) {
        let place = diagnostics.place(self.positions[other]);
        let (pool, before) = (Shown(&self.pools[later]), Shown(&self.pools[other]));
        let message = format!("{pool} overlaps {before} at {place}");
        diagnostics.error_with_hint(self.positions[later], message, hint);
    }
}

/// Of the pools so far those that end last: one of all, and one of those that give out another length
/// than the first.
#[derive(Debug, Default)]
struct Widest {
    ends: [Option<End>; 2],
}

#[derive(Clone, Copy, Debug)]
struct End {
    unit_len: u8,
    number: usize,
    end: u128,
}

impl Widest {
    /// The pool that ends last among those that give out another length, with its last address.
    fn of_other_length(&self, unit_len: u8) -> Option<(usize, u128)> {
        let mut ends = self.ends.iter().flatten();
        let other = ends.find(|end| end.unit_len != unit_len)?;
        Some((other.number, other.end))
    }

    fn add(&mut self, number: usize, pool: &Pool6) {
        let new = End { unit_len: pool.unit_len, number, end: pool.end() };
        let is_wider = |than: Option<End>| than.is_none_or(|than| new.end > than.end);
        let [widest, other] = self.ends;
        match widest {
            Some(widest) if widest.unit_len == new.unit_len && is_wider(Some(widest)) => {
                self.ends[0] = Some(new);
            }
            Some(widest) if widest.unit_len == new.unit_len => {}
            _ if is_wider(widest) => self.ends = [Some(new), widest],
            _ if is_wider(other) => self.ends[1] = Some(new),
            _ => {}
        }
    }
}

fn span_of(pool: &Pool6) -> Span<Ipv6Addr> {
    Span { first: pool.first.into(), last: pool.end().into() }
}

/// A pool in messages.
struct Shown<'a>(&'a Pool6);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = span_of(self.0);
        match self.0.kind {
            PoolKind::Na => write!(f, "pool {span}"),
            PoolKind::Pd => {
                write!(f, "pd-pool {} (of /{})", Prefix::around(span), self.0.unit_len)
            }
        }
    }
}
