//! Prefixes that are not units of their pool: which units they block.
//!
//! The delegated length of a pool may change, and reservations may have any length; leases that exist stay. Such a
//! lease blocks every unit that it overlaps. Each is kept with its own ends and a count, and beside them the *runs*:
//! what all of them block, rounded out to units and merged, so that a search jumps over any number of neighbours at
//! once. Prefixes are nested or apart, never crossing; that is what makes it possible to take one out again.

use std::collections::BTreeMap;

/// Prefixes and the runs of addresses that they block.
#[derive(Debug)]
pub(super) struct OddBlocks {
    /// Length of the pool's units.
    unit_len: u8,
    /// First and last address of the pool's units; runs end there.
    ends: (u128, u128),
    /// Units that the runs block.
    blocked_units: u128,
    /// How many leases have a prefix, by its length and first address.
    blocks: BTreeMap<(u8, u128), u32>,
    /// How many different prefixes there are of each length.
    lengths: BTreeMap<u8, u32>,
    /// Last addresses of the runs by their first ones; runs have a gap between them.
    runs: BTreeMap<u128, u128>,
}

/// A prefix by its length and first address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) len: u8,
    pub(super) first: u128,
}

impl Block {
    /// The prefix with these ends.
    pub(super) const fn new(first: u128, last: u128) -> Self {
        Self { len: (first ^ last).leading_zeros() as u8, first }
    }

    /// The prefix of a length that holds an address.
    pub(super) const fn around(address: u128, len: u8) -> Self {
        Self { len, first: address & !host_mask(len) }
    }

    /// Last address.
    pub(super) const fn last(self) -> u128 {
        self.first | host_mask(self.len)
    }

    /// This prefix, or the one of length `unit_len` around it if that is wider.
    const fn rounded(self, unit_len: u8) -> Self {
        if self.len > unit_len { Self::around(self.first, unit_len) } else { self }
    }
}

/// The bits behind a prefix.
pub(super) const fn host_mask(len: u8) -> u128 {
    match u128::MAX.checked_shr(len as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

impl OddBlocks {
    /// Makes an empty one for a pool.
    pub(super) const fn new(unit_len: u8, ends: (u128, u128)) -> Self {
        Self {
            unit_len,
            ends,
            blocked_units: 0,
            blocks: BTreeMap::new(),
            lengths: BTreeMap::new(),
            runs: BTreeMap::new(),
        }
    }

    /// Adds a prefix that touches the pool.
    pub(super) fn add(&mut self, block: Block) {
        let count = self.blocks.entry((block.len, block.first)).or_insert(0);
        *count += 1;
        if *count == 1 {
            *self.lengths.entry(block.len).or_insert(0) += 1;
            self.cover(block.rounded(self.unit_len));
        }
    }

    /// Takes a prefix out that was added.
    pub(super) fn remove(&mut self, block: Block) {
        let key = (block.len, block.first);
        let Some(count) = self.blocks.get_mut(&key) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        self.blocks.remove(&key);
        if let Some(count) = self.lengths.get_mut(&block.len) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&block.len);
            }
        }
        let gone = block.rounded(self.unit_len);
        self.uncover(gone);
        // What else blocks some of it does so still: prefixes around it, and those within.
        let lengths: Vec<u8> = self.lengths.keys().copied().collect();
        for len in lengths {
            if len <= gone.len {
                let around = Block::around(gone.first, len);
                if self.blocks.contains_key(&(len, around.first)) {
                    self.cover(gone);
                    return;
                }
                continue;
            }
            let mut next = Some(gone.first);
            while let Some(from) = next.filter(|&from| from <= gone.last()) {
                let found = self.blocks.range((len, from)..=(len, gone.last())).next();
                let Some((&(_, first), _)) = found else { break };
                let within = Block { len, first }.rounded(self.unit_len);
                self.cover(within);
                next = within.last().checked_add(1);
            }
        }
    }

    /// Last address of the run that blocks one of the addresses from `first` to `last`, the highest such run.
    pub(super) fn blocked(&self, first: u128, last: u128) -> Option<u128> {
        let (_, &end) = self.runs.range(..=last).next_back()?;
        (end >= first).then_some(end)
    }

    /// Whether a prefix has an address in common with one that was added.
    pub(super) fn overlaps(&self, block: Block) -> bool {
        self.lengths.keys().any(|&len| {
            if len <= block.len {
                return self.blocks.contains_key(&(len, Block::around(block.first, len).first));
            }
            self.blocks.range((len, block.first)..=(len, block.last())).next().is_some()
        })
    }

    /// Number of units that are blocked.
    pub(super) const fn blocked_units(&self) -> u128 {
        self.blocked_units
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds addresses to the runs.
    fn cover(&mut self, block: Block) {
        let (mut first, mut last) = self.clipped(block);
        // A run before that reaches or touches this one, then those that begin within or right behind.
        if let Some((&start, &end)) = self.runs.range(..first).next_back()
            && end >= first.saturating_sub(1)
        {
            self.forget(start, end);
            (first, last) = (start, last.max(end));
        }
        while let Some((&start, &end)) = self.runs.range(first..=last.saturating_add(1)).next() {
            self.forget(start, end);
            last = last.max(end);
        }
        self.note(first, last);
    }

    /// Takes addresses, which lie in one run, out of it.
    fn uncover(&mut self, block: Block) {
        let (first, last) = self.clipped(block);
        let Some((&start, &end)) = self.runs.range(..=first).next_back() else { return };
        debug_assert!(end >= last, "what was added lies in a run");
        self.forget(start, end);
        if start < first {
            self.note(start, first - 1);
        }
        if end > last {
            self.note(last + 1, end);
        }
    }

    fn note(&mut self, first: u128, last: u128) {
        self.blocked_units = self.blocked_units.saturating_add(self.units(first, last));
        self.runs.insert(first, last);
    }

    fn forget(&mut self, first: u128, last: u128) {
        self.blocked_units = self.blocked_units.saturating_sub(self.units(first, last));
        self.runs.remove(&first);
    }

    /// Units from one address to another, which are ends of units.
    fn units(&self, first: u128, last: u128) -> u128 {
        let unit_bits = 128 - u32::from(self.unit_len);
        (last - first).checked_shr(unit_bits).unwrap_or(0).saturating_add(1)
    }

    /// The part of a prefix that lies in the pool.
    fn clipped(&self, block: Block) -> (u128, u128) {
        (block.first.max(self.ends.0), block.last().min(self.ends.1))
    }
}
