//! A lease in memory: a record in a slab, with a side table for what most leases do not have.
//!
//! A record is a whole number of cache lines: one for DHCPv4, two for DHCPv6. Both identifiers of a lease share the
//! room in it that its kind leaves; longer pairs, host names, user contexts and pool identifiers go to the side table. Times have 40 bits. The slab grows by chunks and never moves a record; the
//! memory of a deleted lease, record and side entry, serves the next new one.

use std::ops::{Index, IndexMut};

use super::kind::{Contents, LeaseKind};
use super::{HOSTNAME_LEN_MAX, LeaseState};

/// Index that means "none".
pub(super) const NIL: u32 = u32::MAX;

/// Largest time that fits: 34,865 years.
const TIME_MAX: i64 = (1 << 40) - 1;
/// Records per chunk.
const CHUNK_LEN: usize = 128;
/// Freed side entries keep their buffer up to this size.
const SIDE_KEEP_MAX: usize = 1024;

const STATE_MASK: u8 = 0x07;
const FQDN_FWD: u8 = 0x08;
const FQDN_REV: u8 = 0x10;
const HELD: u8 = 0x20;
/// The client index has an entry for the first, or the second, of the lease's keys.
const INDEXED: [u8; 2] = [0x40, 0x80];

/// One lease.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Record<K: LeaseKind> {
    pub(super) address: K::Number,
    pub(super) subnet_id: u32,
    pub(super) valid_lifetime: u32,
    pub(super) version: u32,
    /// Neighbours in the list of `place`; `next` also chains free records.
    pub(super) next: u32,
    pub(super) prev: u32,
    /// Entry of the side table, or [`NIL`].
    side: u32,
    cltt_low: u32,
    /// The calendar's list that holds this record.
    pub(super) place: u16,
    cltt_high: u8,
    bits: u8,
    id_lens: [u8; 2],
    pub(super) own: K::Own,
    inline: K::Inline,
}

impl<K: LeaseKind> Record<K> {
    fn empty(next: u32) -> Self {
        Self {
            address: K::Number::default(),
            subnet_id: 0,
            valid_lifetime: 0,
            version: 0,
            next,
            prev: NIL,
            side: NIL,
            cltt_low: 0,
            place: 0,
            cltt_high: 0,
            bits: 0,
            id_lens: [0; 2],
            own: K::Own::default(),
            inline: K::INLINE,
        }
    }

    pub(super) fn cltt(&self) -> i64 {
        i64::from(self.cltt_high) << 32 | i64::from(self.cltt_low)
    }

    pub(super) fn state(&self) -> LeaseState {
        LeaseState::from_number(u64::from(self.bits & STATE_MASK)).unwrap_or_default()
    }

    pub(super) fn fqdn_fwd(&self) -> bool {
        self.bits & FQDN_FWD != 0
    }

    pub(super) fn fqdn_rev(&self) -> bool {
        self.bits & FQDN_REV != 0
    }

    /// Whether the address is marked in the pools.
    pub(super) fn is_held(&self) -> bool {
        self.bits & HELD != 0
    }

    pub(super) fn set_held(&mut self, held: bool) {
        self.set_bit(HELD, held);
    }

    /// Which of the lease's keys the client index has entries for.
    pub(super) fn indexed(&self) -> [bool; 2] {
        INDEXED.map(|bit| self.bits & bit != 0)
    }

    pub(super) fn set_indexed(&mut self, indexed: [bool; 2]) {
        for (bit, on) in INDEXED.into_iter().zip(indexed) {
            self.set_bit(bit, on);
        }
    }

    /// First and last address that the lease covers.
    pub(super) fn range(&self) -> (K::Number, K::Number) {
        K::range(self.address, &self.own)
    }

    /// First second at which the lease is expired; `None` when it never ends.
    pub(super) fn expires_at(&self) -> Option<i64> {
        (self.valid_lifetime != super::INFINITE)
            .then(|| self.cltt() + i64::from(self.valid_lifetime) + 1)
    }

    /// The second from which a reclaimed or released lease is kept. One that was to last for ever has been given
    /// up by its owner: its last renewal counts.
    pub(super) fn kept_since(&self) -> i64 {
        self.expires_at().unwrap_or_else(|| self.cltt())
    }

    /// Takes over everything that is kept in the record itself, except the identifiers.
    fn set_scalars(&mut self, lease: &Contents<'_, K>) {
        let cltt = lease.cltt.clamp(0, TIME_MAX);
        self.address = lease.address;
        self.subnet_id = lease.subnet_id;
        self.valid_lifetime = lease.valid_lifetime;
        self.cltt_low = cltt as u32;
        self.cltt_high = (cltt >> 32) as u8;
        self.own = lease.own;
        self.bits = self.bits & !STATE_MASK | lease.state as u8;
        self.set_bit(FQDN_FWD, lease.fqdn_fwd);
        self.set_bit(FQDN_REV, lease.fqdn_rev);
        self.id_lens = lease.ids.map(|id| id.len() as u8);
    }

    fn set_bit(&mut self, bit: u8, on: bool) {
        self.bits = if on { self.bits | bit } else { self.bits & !bit };
    }
}

/// What most leases do not have.
#[derive(Clone, Debug, Default)]
struct Side {
    /// Identifiers that do not fit the record, host name, user context.
    bytes: Vec<u8>,
    ids_len: u16,
    hostname_len: u16,
    pool_id: u32,
}

impl Side {
    fn hostname(&self) -> &[u8] {
        let start = usize::from(self.ids_len);
        self.bytes.get(start..start + usize::from(self.hostname_len)).unwrap_or_default()
    }

    fn user_context(&self) -> &[u8] {
        let start = usize::from(self.ids_len) + usize::from(self.hostname_len);
        self.bytes.get(start..).unwrap_or_default()
    }
}

/// The leases of one shard.
#[derive(Debug)]
pub(super) struct Slab<K: LeaseKind> {
    chunks: Vec<Box<[Record<K>]>>,
    free: u32,
    sides: Vec<Side>,
    free_sides: Vec<u32>,
}

impl<K: LeaseKind> Index<u32> for Slab<K> {
    type Output = Record<K>;

    fn index(&self, slot: u32) -> &Record<K> {
        &self.chunks[slot as usize / CHUNK_LEN][slot as usize % CHUNK_LEN]
    }
}

impl<K: LeaseKind> IndexMut<u32> for Slab<K> {
    fn index_mut(&mut self, slot: u32) -> &mut Record<K> {
        &mut self.chunks[slot as usize / CHUNK_LEN][slot as usize % CHUNK_LEN]
    }
}

impl<K: LeaseKind> Slab<K> {
    /// The record in a slot that may not exist.
    pub(super) fn get(&self, slot: u32) -> Option<&Record<K>> {
        self.chunks.get(slot as usize / CHUNK_LEN)?.get(slot as usize % CHUNK_LEN)
    }

    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), free: NIL, sides: Vec::new(), free_sides: Vec::new() }
    }

    /// All slots in use: a record has a version as soon as it has contents.
    pub(super) fn used(&self) -> impl Iterator<Item = u32> {
        let records = self.chunks.iter().flatten().zip(0..);
        records.filter(|(record, _)| record.version != 0).map(|(_, slot)| slot)
    }

    /// Takes a free record, in which nothing is set.
    pub(super) fn allocate(&mut self) -> u32 {
        if self.free == NIL {
            self.grow();
        }
        let slot = self.free;
        self.free = self[slot].next;
        self[slot] = Record::empty(NIL);
        slot
    }

    /// Gives a record back.
    pub(super) fn release(&mut self, slot: u32) {
        let side = self[slot].side;
        self.release_side(side);
        self[slot] = Record::empty(self.free);
        self.free = slot;
    }

    /// Fills a record, and its side entry if one is needed.
    pub(super) fn fill(&mut self, slot: u32, lease: &Contents<'_, K>) {
        let hostname = lease.hostname.get(..HOSTNAME_LEN_MAX).unwrap_or(lease.hostname);
        let [first, second] = lease.ids;
        let record = &mut self[slot];
        record.set_scalars(lease);
        let mut is_inline = false;
        if let Some((room, rest)) = record.inline.as_mut().split_at_mut_checked(first.len())
            && let Some(rest) = rest.get_mut(..second.len())
        {
            room.copy_from_slice(first);
            rest.copy_from_slice(second);
            is_inline = true;
        }
        let needs_side = !is_inline
            || !hostname.is_empty()
            || !lease.user_context.is_empty()
            || lease.pool_id != 0;
        let side = record.side;
        if !needs_side {
            self.release_side(side);
            self[slot].side = NIL;
            return;
        }
        let side = if side == NIL { self.allocate_side() } else { side };
        self[slot].side = side;
        let Some(entry) = self.sides.get_mut(side as usize) else { return };
        entry.bytes.clear();
        if !is_inline {
            entry.bytes.extend_from_slice(first);
            entry.bytes.extend_from_slice(second);
        }
        entry.ids_len = entry.bytes.len() as u16;
        entry.bytes.extend_from_slice(hostname);
        entry.hostname_len = hostname.len() as u16;
        entry.bytes.extend_from_slice(lease.user_context);
        entry.pool_id = lease.pool_id;
    }

    /// What a record holds. Inlined everywhere, so that what a caller does not look at is not read.
    #[inline(always)]
    pub(super) fn contents(&self, slot: u32) -> Contents<'_, K> {
        let record = &self[slot];
        let side = self.side(record);
        let [first_len, second_len] = record.id_lens.map(usize::from);
        let inline = record.inline.as_ref();
        let bytes = if first_len + second_len <= inline.len() {
            inline
        } else {
            side.map_or(&[][..], |side| &side.bytes)
        };
        let (first, rest) = bytes.split_at_checked(first_len).unwrap_or_default();
        Contents {
            address: record.address,
            ids: [first, rest.get(..second_len).unwrap_or_default()],
            own: record.own,
            valid_lifetime: record.valid_lifetime,
            cltt: record.cltt(),
            subnet_id: record.subnet_id,
            fqdn_fwd: record.fqdn_fwd(),
            fqdn_rev: record.fqdn_rev(),
            state: record.state(),
            hostname: side.map_or(&[], Side::hostname),
            user_context: side.map_or(&[], Side::user_context),
            pool_id: side.map_or(0, |side| side.pool_id),
        }
    }

    pub(super) fn pool_id(&self, slot: u32) -> u32 {
        self.side(&self[slot]).map_or(0, |side| side.pool_id)
    }

    /// Turns a lease into a reclaimed one: its name is gone, its owner is kept.
    pub(super) fn set_reclaimed(&mut self, slot: u32) {
        let record = &mut self[slot];
        record.bits &= !(STATE_MASK | FQDN_FWD | FQDN_REV);
        record.bits |= LeaseState::ExpiredReclaimed as u8;
        let side = record.side;
        if let Some(entry) = self.sides.get_mut(side as usize) {
            let start = usize::from(entry.ids_len);
            let end = start + usize::from(entry.hostname_len);
            entry.bytes.drain(start..end.min(entry.bytes.len()));
            entry.hostname_len = 0;
        }
    }

    /// Replaces the user context of a lease that has one.
    pub(super) fn set_user_context(&mut self, slot: u32, user_context: &[u8]) {
        let side = self[slot].side;
        if let Some(entry) = self.sides.get_mut(side as usize) {
            entry.bytes.truncate(usize::from(entry.ids_len) + usize::from(entry.hostname_len));
            entry.bytes.extend_from_slice(user_context);
        }
    }

    fn side(&self, record: &Record<K>) -> Option<&Side> {
        self.sides.get(record.side as usize)
    }

    fn allocate_side(&mut self) -> u32 {
        self.free_sides.pop().unwrap_or_else(|| {
            self.sides.push(Side::default());
            (self.sides.len() - 1) as u32
        })
    }

    fn release_side(&mut self, side: u32) {
        let Some(entry) = self.sides.get_mut(side as usize) else { return };
        entry.bytes.clear();
        entry.bytes.shrink_to(SIDE_KEEP_MAX);
        *entry = Side { bytes: std::mem::take(&mut entry.bytes), ..Side::default() };
        self.free_sides.push(side);
    }

    /// Adds a chunk and chains its records as free, in order.
    fn grow(&mut self) {
        let first = (self.chunks.len() * CHUNK_LEN) as u32;
        let after = |slot: u32| if slot + 1 < CHUNK_LEN as u32 { first + slot + 1 } else { NIL };
        let chunk = (0..CHUNK_LEN as u32).map(|slot| Record::empty(after(slot)));
        self.chunks.push(chunk.collect());
        self.free = first;
    }
}

#[cfg(test)]
mod tests {
    use super::Record;

    #[test]
    fn records_are_whole_lines() {
        assert_eq!(size_of::<Record<crate::lease4::V4>>(), 64);
        assert_eq!(size_of::<Record<crate::lease6::V6>>(), 128);
    }
}
