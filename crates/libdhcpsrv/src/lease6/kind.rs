//! What the lease store must know of DHCPv6.
//!
//! A lease is entered under one key: subnet, type, DUID and IAID. Several leases can be entered under the same.

use std::hash::Hasher;
use std::net::Ipv6Addr;

use super::csv6::{self, Header, Row, RowBuffer, RowError};
use super::{Change6, ClientKey6, HardwareSource6, Lease6, Lease6View, OwnedClientKey6};
use super::{DUID_LEN_MAX, HW_LEN_MAX, NO_DUID};
use crate::lease::{
    ClientIndex, Contents, Expect, HOSTNAME_LEN_MAX, INFINITE, KeyHash, LeaseKind, LeaseState,
    LeaseType, LeaseView, Ownership, StoreAddress, SubnetId, Terms, Version,
};

/// The kind of DHCPv6 leases.
#[derive(Clone, Copy, Debug, Default)]
pub struct V6;

/// Room for identifiers in a record: a DUID of 37 bytes beside an Ethernet address, say, where most have 14 or 18.
const INLINE_LEN: usize = 60;

/// What a record holds beyond a DHCPv4 one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own6 {
    preferred_lifetime: u32,
    iaid: u32,
    hw_source: u32,
    hw_type: u16,
    prefix_len: u8,
    lease_type: LeaseType,
}

impl StoreAddress for u128 {
    const HAS_UNIQUE_TAGS: bool = false;

    #[inline]
    fn tag(self, seed: u64) -> u32 {
        let (high, low) = ((self >> 64) as u64, self as u64);
        // The product of two halves that the seed has changed, folded.
        let product = u128::from(high ^ seed) * u128::from(low ^ seed.rotate_left(32) | 1);
        let folded = (product >> 64) as u64 ^ product as u64;
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }

    /// Neighbours differ somewhere in the middle, depending on the length of the prefixes: all bits are mixed.
    #[inline]
    fn part(self, parts: usize) -> usize {
        let folded = (self >> 64) as u64 ^ (self as u64).rotate_left(32);
        let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((u128::from(mixed) * parts as u128) >> 64) as usize
    }
}

impl LeaseView<V6> for Lease6View {
    fn address(&self) -> Ipv6Addr {
        self.address
    }

    fn owner(&self) -> Ownership {
        self.owner
    }

    fn subnet_id(&self) -> SubnetId {
        self.subnet_id
    }
}

/// The association that a lease belongs to.
fn owner<'a>(lease: &Contents<'a, V6>) -> ClientKey6<'a> {
    let [duid, _] = lease.ids;
    ClientKey6 { lease_type: lease.own.lease_type, duid, iaid: lease.own.iaid }
}

#[inline]
fn hash(index: &ClientIndex, key: &ClientKey6<'_>, subnet_id: u32) -> Option<KeyHash> {
    let duid = key.duid();
    let tag = u64::from(subnet_id) << 32 | u64::from(key.iaid);
    // Types have tags far apart instead of bits of their own, which are all used up.
    let tag = tag ^ (key.lease_type as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    if duid == NO_DUID { None } else { index.hash(tag, duid) }
}

/// The bits behind a prefix.
const fn host_mask(own: &Own6) -> u128 {
    match u128::MAX.checked_shr(own.prefix_len as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

impl LeaseKind for V6 {
    type Number = u128;
    type Key<'a> = ClientKey6<'a>;
    type OwnedKey = OwnedClientKey6;
    type Change<'a> = Change6<'a>;
    type View = Lease6View;
    type Lease = Lease6;
    type Row<'a> = Row<'a>;
    type RowBuffer = RowBuffer;
    type Own = Own6;
    type Inline = [u8; INLINE_LEN];

    const HEADER: &'static str = csv6::HEADER;
    const COLUMNS: &'static [&'static str] = &csv6::COLUMNS;
    const INLINE: [u8; INLINE_LEN] = [0; INLINE_LEN];
    const COLUMNS_MIN: usize = csv6::COLUMNS_MIN;
    const HAS_PREFIXES: bool = true;
    const HAS_SEVERAL: bool = true;

    fn own_key(key: &ClientKey6<'_>) -> OwnedClientKey6 {
        let ClientKey6 { lease_type, iaid, .. } = *key;
        OwnedClientKey6 { lease_type, duid: key.duid().to_vec(), iaid }
    }

    fn key(owned: &OwnedClientKey6) -> ClientKey6<'_> {
        ClientKey6 { lease_type: owned.lease_type, duid: &owned.duid, iaid: owned.iaid }
    }

    fn hash_key(key: &ClientKey6<'_>, hasher: &mut impl Hasher) {
        hasher.write_u64(u64::from(key.iaid) << 8 | key.lease_type as u64);
        hasher.write(key.duid());
    }

    fn owner<'a>(lease: &Contents<'a, V6>) -> ClientKey6<'a> {
        owner(lease)
    }

    #[inline]
    fn look<R>(
        index: &ClientIndex,
        key: &ClientKey6<'_>,
        subnet_id: u32,
        by: impl FnMut(KeyHash) -> Option<R>,
    ) -> Option<R> {
        hash(index, key, subnet_id).and_then(by)
    }

    fn index_keys(index: &ClientIndex, lease: &Contents<'_, V6>) -> [Option<KeyHash>; 2] {
        [hash(index, &owner(lease), lease.subnet_id), None]
    }

    #[inline]
    fn ownership(key: &ClientKey6<'_>, lease: &Contents<'_, V6>) -> Ownership {
        key.ownership(&owner(lease))
    }

    fn rank(_: &ClientKey6<'_>, _: &Contents<'_, V6>) -> u8 {
        0
    }

    fn contents_of(lease: &Lease6) -> Contents<'_, V6> {
        Contents {
            address: lease.address.into(),
            ids: [&lease.duid, &lease.hw],
            own: Own6 {
                preferred_lifetime: lease.preferred_lifetime,
                iaid: lease.iaid,
                hw_source: lease.hw_source,
                hw_type: lease.hw_type,
                prefix_len: lease.prefix_len,
                lease_type: lease.lease_type,
            },
            valid_lifetime: lease.valid_lifetime,
            cltt: lease.cltt,
            subnet_id: lease.subnet_id.0,
            fqdn_fwd: lease.fqdn_fwd,
            fqdn_rev: lease.fqdn_rev,
            state: lease.state,
            hostname: &lease.hostname,
            user_context: &lease.user_context,
            pool_id: lease.pool_id,
        }
    }

    fn has_same_owner(new: &Contents<'_, V6>, old: &Contents<'_, V6>) -> bool {
        owner(new).ownership(&owner(old)) == Ownership::Mine
    }

    /// Those with its DUID, of every type and IAID.
    fn is_of(row: &Row<'_>, key: &ClientKey6<'_>) -> bool {
        !key.duid.is_empty() && row.duid == key.duid()
    }

    fn has_same_keys(one: &Contents<'_, V6>, other: &Contents<'_, V6>) -> bool {
        owner(one) == owner(other)
    }

    fn is_same_own(new: &Own6, old: &Own6) -> bool {
        new == old
    }

    #[inline]
    fn range(address: u128, own: &Own6) -> (u128, u128) {
        let within = host_mask(own);
        (address & !within, address | within)
    }

    #[inline]
    fn lease_type(own: &Own6) -> LeaseType {
        own.lease_type
    }

    fn contents<'a>(change: &Self::Change<'a>, cltt: i64) -> Contents<'a, V6> {
        let is_declined = change.state == LeaseState::Declined;
        let ClientKey6 { lease_type, duid, iaid } = change.client;
        let duid = duid.get(..DUID_LEN_MAX).unwrap_or(duid);
        let hw = change.hw.hw.get(..HW_LEN_MAX).unwrap_or(change.hw.hw);
        let is_nobody = is_declined || duid.is_empty();
        let own = Own6 {
            preferred_lifetime: if is_declined { 0 } else { change.preferred_lifetime },
            iaid,
            hw_source: if is_declined || hw.is_empty() { 0 } else { change.hw.source },
            hw_type: if is_declined || hw.is_empty() { 0 } else { change.hw.hw_type },
            prefix_len: if lease_type == LeaseType::Pd { change.prefix_len.min(128) } else { 128 },
            lease_type,
        };
        let hostname = change.hostname.get(..HOSTNAME_LEN_MAX).unwrap_or(change.hostname);
        Contents {
            address: u128::from(change.address) & !host_mask(&own),
            ids: [if is_nobody { NO_DUID } else { duid }, if is_declined { &[] } else { hw }],
            own,
            valid_lifetime: change.valid_lifetime.max(1),
            cltt,
            subnet_id: change.subnet_id.0,
            fqdn_fwd: change.fqdn_fwd && !is_declined,
            fqdn_rev: change.fqdn_rev && !is_declined,
            hostname: if is_declined { &[] } else { hostname },
            state: change.state,
            user_context: change.user_context,
            pool_id: change.pool_id,
        }
    }

    fn terms(change: &Change6<'_>) -> Terms<V6> {
        let replaces = change.replaces.map(u128::from);
        Terms {
            expect: change.expect,
            pool: change.pool,
            replaces,
            keeps_context: change.keeps_context,
        }
    }

    fn decline<'a>(lease: &'a Lease6, expect: Expect, probation_s: u32) -> Change6<'a> {
        Change6 {
            address: lease.address,
            prefix_len: lease.prefix_len,
            subnet_id: lease.subnet_id,
            pool_id: lease.pool_id,
            pool: None,
            client: ClientKey6 { lease_type: lease.lease_type, duid: NO_DUID, iaid: lease.iaid },
            hw: HardwareSource6::default(),
            preferred_lifetime: 0,
            valid_lifetime: probation_s,
            state: LeaseState::Declined,
            fqdn_fwd: false,
            fqdn_rev: false,
            hostname: &[],
            user_context: &lease.user_context,
            keeps_context: false,
            expect,
            replaces: None,
        }
    }

    #[inline]
    fn view(
        lease: &Contents<'_, V6>,
        owner: Ownership,
        is_held: bool,
        version: Version,
    ) -> Lease6View {
        Lease6View {
            address: lease.address.into(),
            prefix_len: lease.own.prefix_len,
            lease_type: lease.own.lease_type,
            subnet_id: SubnetId(lease.subnet_id),
            state: lease.state,
            cltt: lease.cltt,
            valid_lifetime: lease.valid_lifetime,
            preferred_lifetime: lease.own.preferred_lifetime,
            owner,
            is_held,
            fqdn_fwd: lease.fqdn_fwd,
            fqdn_rev: lease.fqdn_rev,
            has_hostname: !lease.hostname.is_empty(),
            version,
        }
    }

    fn copy_to(lease: &Contents<'_, V6>, into: &mut Lease6) {
        let [duid, hw] = lease.ids;
        duid.clone_into(&mut into.duid);
        hw.clone_into(&mut into.hw);
        lease.hostname.clone_into(&mut into.hostname);
        lease.user_context.clone_into(&mut into.user_context);
        into.address = Ipv6Addr::from(lease.address);
        into.prefix_len = lease.own.prefix_len;
        into.lease_type = lease.own.lease_type;
        into.iaid = lease.own.iaid;
        into.hw_type = lease.own.hw_type;
        into.hw_source = lease.own.hw_source;
        into.valid_lifetime = lease.valid_lifetime;
        into.preferred_lifetime = lease.own.preferred_lifetime;
        into.cltt = lease.cltt;
        into.subnet_id = SubnetId(lease.subnet_id);
        into.fqdn_fwd = lease.fqdn_fwd;
        into.fqdn_rev = lease.fqdn_rev;
        into.state = lease.state;
        into.pool_id = lease.pool_id;
    }

    fn taken(address: Ipv6Addr) -> Lease6 {
        let (valid_lifetime, state) = (INFINITE, LeaseState::Declined);
        Lease6 { address, duid: NO_DUID.to_vec(), valid_lifetime, state, ..Lease6::default() }
    }

    fn address(lease: &Lease6) -> Ipv6Addr {
        lease.address
    }

    #[inline]
    fn row<'a>(lease: &Contents<'a, V6>) -> Row<'a> {
        let [duid, hw] = lease.ids;
        Row {
            address: lease.address,
            duid,
            valid_lifetime: lease.valid_lifetime,
            cltt: lease.cltt,
            subnet_id: lease.subnet_id,
            preferred_lifetime: lease.own.preferred_lifetime,
            lease_type: lease.own.lease_type,
            iaid: lease.own.iaid,
            prefix_len: lease.own.prefix_len,
            fqdn_fwd: lease.fqdn_fwd,
            fqdn_rev: lease.fqdn_rev,
            hostname: lease.hostname,
            hw,
            state: lease.state,
            user_context: lease.user_context,
            hw_type: lease.own.hw_type,
            hw_source: lease.own.hw_source,
            pool_id: lease.pool_id,
        }
    }

    #[inline]
    fn from_row<'a>(row: &Self::Row<'a>) -> Contents<'a, V6> {
        let own = Own6 {
            preferred_lifetime: row.preferred_lifetime,
            iaid: row.iaid,
            hw_source: row.hw_source,
            hw_type: row.hw_type,
            prefix_len: row.prefix_len,
            lease_type: row.lease_type,
        };
        Contents {
            address: row.address & !host_mask(&own),
            ids: [row.duid, row.hw],
            own,
            valid_lifetime: row.valid_lifetime,
            cltt: row.cltt,
            subnet_id: row.subnet_id,
            fqdn_fwd: row.fqdn_fwd,
            fqdn_rev: row.fqdn_rev,
            hostname: row.hostname,
            state: row.state,
            user_context: row.user_context,
            pool_id: row.pool_id,
        }
    }

    fn read_row<'b>(
        buffer: &'b mut RowBuffer,
        line: &[u8],
        header: Header,
    ) -> Result<Row<'b>, RowError> {
        buffer.read(line, header)
    }

    fn push_row(out: &mut Vec<u8>, row: &Row<'_>) {
        csv6::push_row(out, row);
    }

    fn push_deletion(out: &mut Vec<u8>, lease: &Contents<'_, V6>) {
        let row = Row { valid_lifetime: 0, preferred_lifetime: 0, ..Self::row(lease) };
        csv6::push_row(out, &row);
    }
}
