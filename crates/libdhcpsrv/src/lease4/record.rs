//! A lease in memory: 64 bytes in a slab, with a side table for what most leases do not have.
//!
//! A record is one cache line. Hardware address and client identifier share 25 bytes in it, which holds an Ethernet
//! address and an RFC 4361 identifier with a DUID of 14 bytes; longer pairs, host names, user contexts and pool
//! identifiers go to the side table. Times have 40 bits. The slab grows by chunks and never moves a record; the
//! memory of a deleted lease, record and side entry, serves the next new one.

use std::net::Ipv4Addr;
use std::ops::{Index, IndexMut};

use super::csv4::Row;
use super::{ClientKey, Lease4, LeaseState, SubnetId};

/// Index that means "none".
pub(super) const NIL: u32 = u32::MAX;

/// Bytes for both identifiers inside a record.
const INLINE_LEN: usize = 25;
/// Largest time that fits: 34,865 years.
const TIME_MAX: i64 = (1 << 40) - 1;
/// Longest host name.
const HOSTNAME_LEN_MAX: usize = 255;
/// Records per chunk: 8 KiB.
const CHUNK_LEN: usize = 128;
/// Freed side entries keep their buffer up to this size.
const SIDE_KEEP_MAX: usize = 1024;

const STATE_MASK: u8 = 0x07;
const FQDN_FWD: u8 = 0x08;
const FQDN_REV: u8 = 0x10;
const HELD: u8 = 0x20;
const CLIENT_ID_INDEXED: u8 = 0x40;
const HW_INDEXED: u8 = 0x80;

/// One lease.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Record {
    pub(super) address: u32,
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
    hw_type: u8,
    hw_len: u8,
    client_id_len: u8,
    bits: u8,
    inline: [u8; INLINE_LEN],
}

const EMPTY: Record = Record {
    address: 0,
    subnet_id: 0,
    valid_lifetime: 0,
    version: 0,
    next: NIL,
    prev: NIL,
    side: NIL,
    cltt_low: 0,
    place: 0,
    cltt_high: 0,
    hw_type: 0,
    hw_len: 0,
    client_id_len: 0,
    bits: 0,
    inline: [0; INLINE_LEN],
};

impl Record {
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

    /// Whether the client index has (client identifier, hardware address) entries for this record.
    pub(super) fn indexed(&self) -> (bool, bool) {
        (self.bits & CLIENT_ID_INDEXED != 0, self.bits & HW_INDEXED != 0)
    }

    pub(super) fn set_indexed(&mut self, by_client_id: bool, by_hw: bool) {
        self.set_bit(CLIENT_ID_INDEXED, by_client_id);
        self.set_bit(HW_INDEXED, by_hw);
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

    /// Takes over everything of `row` that is kept in the record itself.
    fn set_scalars(&mut self, row: &Row<'_>, hw_type: u8) {
        let cltt = row.cltt.clamp(0, TIME_MAX);
        self.address = row.address;
        self.subnet_id = row.subnet_id;
        self.valid_lifetime = row.valid_lifetime;
        self.cltt_low = cltt as u32;
        self.cltt_high = (cltt >> 32) as u8;
        self.hw_type = hw_type;
        self.bits = self.bits & !STATE_MASK | row.state as u8;
        self.set_bit(FQDN_FWD, row.fqdn_fwd);
        self.set_bit(FQDN_REV, row.fqdn_rev);
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
pub(super) struct Slab {
    chunks: Vec<Box<[Record]>>,
    free: u32,
    sides: Vec<Side>,
    free_sides: Vec<u32>,
}

impl Index<u32> for Slab {
    type Output = Record;

    fn index(&self, slot: u32) -> &Record {
        &self.chunks[slot as usize / CHUNK_LEN][slot as usize % CHUNK_LEN]
    }
}

impl IndexMut<u32> for Slab {
    fn index_mut(&mut self, slot: u32) -> &mut Record {
        &mut self.chunks[slot as usize / CHUNK_LEN][slot as usize % CHUNK_LEN]
    }
}

impl Slab {
    /// The record in a slot that may not exist.
    pub(super) fn get(&self, slot: u32) -> Option<&Record> {
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
        self[slot] = EMPTY;
        slot
    }

    /// Gives a record back.
    pub(super) fn release(&mut self, slot: u32) {
        let side = self[slot].side;
        self.release_side(side);
        self[slot] = Record { next: self.free, ..EMPTY };
        self.free = slot;
    }

    /// Fills a record, and its side entry if one is needed, with the contents of `row`.
    pub(super) fn fill(&mut self, slot: u32, row: &Row<'_>, hw_type: u8) {
        let hostname = row.hostname.get(..HOSTNAME_LEN_MAX).unwrap_or(row.hostname);
        let ids_len = row.hw.len() + row.client_id.len();
        let is_inline = ids_len <= INLINE_LEN;
        let needs_side =
            !is_inline || !hostname.is_empty() || !row.user_context.is_empty() || row.pool_id != 0;
        let record = &mut self[slot];
        record.set_scalars(row, hw_type);
        record.hw_len = row.hw.len() as u8;
        record.client_id_len = row.client_id.len() as u8;
        if let Some((hw, rest)) = record.inline.split_at_mut_checked(row.hw.len())
            && let Some(client_id) = rest.get_mut(..row.client_id.len())
        {
            hw.copy_from_slice(row.hw);
            client_id.copy_from_slice(row.client_id);
        }
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
            entry.bytes.extend_from_slice(row.hw);
            entry.bytes.extend_from_slice(row.client_id);
        }
        entry.ids_len = entry.bytes.len() as u16;
        entry.bytes.extend_from_slice(hostname);
        entry.hostname_len = hostname.len() as u16;
        entry.bytes.extend_from_slice(row.user_context);
        entry.pool_id = row.pool_id;
    }

    /// The client that a record belongs to.
    pub(super) fn client(&self, slot: u32) -> ClientKey<'_> {
        let record = &self[slot];
        let (hw_len, id_len) = (usize::from(record.hw_len), usize::from(record.client_id_len));
        let bytes = if hw_len + id_len <= INLINE_LEN {
            &record.inline[..]
        } else {
            self.side(record).map_or(&[][..], |side| &side.bytes)
        };
        let (hw, rest) = bytes.split_at_checked(hw_len).unwrap_or_default();
        let client_id = rest.get(..id_len).filter(|id| !id.is_empty());
        ClientKey { hw_type: record.hw_type, hw, client_id }
    }

    pub(super) fn hostname(&self, slot: u32) -> &[u8] {
        self.side(&self[slot]).map_or(&[], Side::hostname)
    }

    pub(super) fn pool_id(&self, slot: u32) -> u32 {
        self.side(&self[slot]).map_or(0, |side| side.pool_id)
    }

    /// The row that would store a record.
    pub(super) fn row(&self, slot: u32) -> Row<'_> {
        let record = &self[slot];
        let client = self.client(slot);
        let side = self.side(record);
        Row {
            address: record.address,
            hw: client.hw,
            client_id: client.client_id.unwrap_or_default(),
            valid_lifetime: record.valid_lifetime,
            cltt: record.cltt(),
            subnet_id: record.subnet_id,
            fqdn_fwd: record.fqdn_fwd(),
            fqdn_rev: record.fqdn_rev(),
            hostname: side.map_or(&[], Side::hostname),
            state: record.state(),
            user_context: side.map_or(&[], Side::user_context),
            pool_id: side.map_or(0, |side| side.pool_id),
        }
    }

    /// Copies a record into `lease`, reusing its buffers.
    pub(super) fn copy_to(&self, slot: u32, lease: &mut Lease4) {
        let row = self.row(slot);
        let copy = |target: &mut Vec<u8>, source: &[u8]| {
            target.clear();
            target.extend_from_slice(source);
        };
        copy(&mut lease.hw, row.hw);
        copy(&mut lease.client_id, row.client_id);
        copy(&mut lease.hostname, row.hostname);
        copy(&mut lease.user_context, row.user_context);
        lease.address = Ipv4Addr::from(row.address);
        lease.hw_type = self[slot].hw_type;
        lease.valid_lifetime = row.valid_lifetime;
        lease.cltt = row.cltt;
        lease.subnet_id = SubnetId(row.subnet_id);
        lease.fqdn_fwd = row.fqdn_fwd;
        lease.fqdn_rev = row.fqdn_rev;
        lease.state = row.state;
        lease.pool_id = row.pool_id;
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

    fn side(&self, record: &Record) -> Option<&Side> {
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
        let chunk = (0..CHUNK_LEN as u32).map(|slot| Record { next: after(slot), ..EMPTY });
        self.chunks.push(chunk.collect());
        self.free = first;
    }
}

const _: () = assert!(size_of::<Record>() == 64);
