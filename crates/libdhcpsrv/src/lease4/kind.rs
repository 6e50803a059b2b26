//! What the lease store must know of DHCPv4.
//!
//! Three sorts of index keys: the client identifier; the hardware address of a lease without client identifier; the
//! hardware address of a lease that has one. The last two are apart because a client with an identifier never owns a
//! lease with another identifier, so that a thousand containers behind one hardware address cost each other nothing.

use std::hash::Hasher;
use std::net::Ipv4Addr;

use super::csv4::{self, Header, Row, RowBuffer, RowError};
use super::{CLIENT_ID_LEN_MAX, HW_LEN_MAX};
use super::{Change4, ClientKey, HW_TYPE_UNKNOWN, Lease4, Lease4View, OwnedClientKey};
use crate::lease::{
    ClientIndex, Contents, Expect, INFINITE, KeyHash, LeaseKind, LeaseState, LeaseType, LeaseView,
    Ownership, StoreAddress, SubnetId, Terms, Version,
};

/// The kind of DHCPv4 leases.
#[derive(Clone, Copy, Debug, Default)]
pub struct V4;

/// What a record holds of DHCPv4 alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own4 {
    hw_type: u8,
}

/// Sorts of index keys.
#[derive(Clone, Copy, Debug)]
enum KeySort {
    /// The client identifier.
    ClientId = 1,
    /// The hardware address; the lease has no client identifier.
    HwAlone = 2,
    /// The hardware address; the lease has a client identifier too.
    HwBeside = 3,
}

#[inline]
fn hash(index: &ClientIndex, sort: KeySort, identifier: &[u8], subnet_id: u32) -> Option<KeyHash> {
    index.hash(u64::from(subnet_id) << 8 | sort as u64, identifier)
}

/// The client that a lease belongs to.
fn owner<'a>(lease: &Contents<'a, V4>) -> ClientKey<'a> {
    let [hw, client_id] = lease.ids;
    ClientKey { hw_type: lease.own.hw_type, hw, client_id: Some(client_id) }
}

impl StoreAddress for u32 {
    const HAS_UNIQUE_TAGS: bool = true;

    /// Mixes an address, one to one.
    #[inline]
    fn tag(self, seed: u64) -> u32 {
        let mixed = (self ^ seed as u32).wrapping_mul(0x9e37_79b1);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul((seed >> 32) as u32 | 1);
        mixed ^ mixed >> 16
    }

    #[inline]
    fn part(self, parts: usize) -> usize {
        (self ^ self >> 6 ^ self >> 16) as usize % parts
    }
}

impl LeaseView<V4> for Lease4View {
    fn address(&self) -> Ipv4Addr {
        self.address
    }

    fn owner(&self) -> Ownership {
        self.owner
    }

    fn subnet_id(&self) -> SubnetId {
        self.subnet_id
    }
}

impl LeaseKind for V4 {
    type Number = u32;
    type Key<'a> = ClientKey<'a>;
    type OwnedKey = OwnedClientKey;
    type Change<'a> = Change4<'a>;
    type View = Lease4View;
    type Lease = Lease4;
    type Row<'a> = Row<'a>;
    type RowBuffer = RowBuffer;
    type Own = Own4;
    /// An Ethernet address and an RFC 4361 identifier with a DUID of 14 bytes fit.
    type Inline = [u8; 25];

    const HEADER: &'static str = csv4::HEADER;
    const COLUMNS: &'static [&'static str] = &csv4::COLUMNS;
    const INLINE: [u8; 25] = [0; 25];
    const COLUMNS_MIN: usize = csv4::COLUMNS_MIN;
    const HAS_PREFIXES: bool = false;
    const HAS_SEVERAL: bool = false;

    fn own_key(key: &ClientKey<'_>) -> OwnedClientKey {
        OwnedClientKey {
            hw_type: key.hw_type,
            hw: key.hw().to_vec(),
            client_id: key.client_id().to_vec(),
        }
    }

    fn key(owned: &OwnedClientKey) -> ClientKey<'_> {
        let client_id = Some(&*owned.client_id).filter(|id| !id.is_empty());
        ClientKey { hw_type: owned.hw_type, hw: &owned.hw, client_id }
    }

    fn hash_key(key: &ClientKey<'_>, hasher: &mut impl Hasher) {
        let client_id = key.client_id();
        hasher.write_u8(client_id.len() as u8);
        hasher.write(client_id);
        hasher.write(key.hw());
    }

    fn owner<'a>(lease: &Contents<'a, V4>) -> ClientKey<'a> {
        owner(lease)
    }

    /// By client identifier; if there is none by hardware address, provided that the lease belongs to the client.
    #[inline]
    fn look<R>(
        index: &ClientIndex,
        key: &ClientKey<'_>,
        subnet_id: u32,
        mut by: impl FnMut(KeyHash) -> Option<R>,
    ) -> Option<R> {
        let client_id = key.client_id();
        if let Some(found) = hash(index, KeySort::ClientId, client_id, subnet_id).and_then(&mut by)
        {
            return Some(found);
        }
        if let Some(found) = hash(index, KeySort::HwAlone, key.hw(), subnet_id).and_then(&mut by) {
            return Some(found);
        }
        if !client_id.is_empty() {
            return None;
        }
        hash(index, KeySort::HwBeside, key.hw(), subnet_id).and_then(by)
    }

    fn index_keys(index: &ClientIndex, lease: &Contents<'_, V4>) -> [Option<KeyHash>; 2] {
        let [hw, client_id] = lease.ids;
        let by_hw = if client_id.is_empty() { KeySort::HwAlone } else { KeySort::HwBeside };
        [
            hash(index, KeySort::ClientId, client_id, lease.subnet_id),
            hash(index, by_hw, hw, lease.subnet_id),
        ]
    }

    #[inline]
    fn ownership(key: &ClientKey<'_>, lease: &Contents<'_, V4>) -> Ownership {
        if key.owns(&owner(lease)) { Ownership::Mine } else { Ownership::Other }
    }

    /// As [`Self::look`] looks: by client identifier, by hardware address alone, by hardware address.
    fn rank(key: &ClientKey<'_>, lease: &Contents<'_, V4>) -> u8 {
        match (key.client_id(), lease.ids[1]) {
            (_, []) => 1,
            ([], _) => 2,
            _ => 0,
        }
    }

    fn contents_of(lease: &Lease4) -> Contents<'_, V4> {
        Contents {
            address: lease.address.into(),
            ids: [&lease.hw, &lease.client_id],
            own: Own4 { hw_type: lease.hw_type },
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

    fn has_same_owner(new: &Contents<'_, V4>, old: &Contents<'_, V4>) -> bool {
        owner(new).owns(&owner(old))
    }

    /// Those with its client identifier, or else its hardware address.
    fn is_of(row: &Row<'_>, key: &ClientKey<'_>) -> bool {
        match key.client_id() {
            [] => !row.hw.is_empty() && row.hw == key.hw(),
            client_id => row.client_id == client_id,
        }
    }

    fn has_same_keys(one: &Contents<'_, V4>, other: &Contents<'_, V4>) -> bool {
        one.ids == other.ids
    }

    /// What was read from a file does not tell the hardware type.
    fn is_same_own(new: &Own4, old: &Own4) -> bool {
        new.hw_type == old.hw_type || old.hw_type == HW_TYPE_UNKNOWN
    }

    #[inline]
    fn range(address: u32, _: &Own4) -> (u32, u32) {
        (address, address)
    }

    #[inline]
    fn lease_type(_: &Own4) -> LeaseType {
        LeaseType::Na
    }

    fn contents<'a>(change: &Self::Change<'a>, cltt: i64) -> Contents<'a, V4> {
        let client_id = change.client.client_id.unwrap_or_default();
        let hw = change.client.hw.get(..HW_LEN_MAX).unwrap_or(change.client.hw);
        Contents {
            address: change.address.into(),
            ids: [hw, client_id.get(..CLIENT_ID_LEN_MAX).unwrap_or(client_id)],
            own: Own4 { hw_type: change.client.hw_type },
            valid_lifetime: change.valid_lifetime.max(1),
            cltt,
            subnet_id: change.subnet_id.0,
            fqdn_fwd: change.fqdn_fwd,
            fqdn_rev: change.fqdn_rev,
            hostname: change.hostname.get(..255).unwrap_or(change.hostname),
            state: change.state,
            user_context: change.user_context,
            pool_id: change.pool_id,
        }
    }

    fn terms(change: &Change4<'_>) -> Terms<V4> {
        let replaces = change.replaces.map(u32::from);
        Terms {
            expect: change.expect,
            pool: change.pool,
            replaces,
            keeps_context: change.keeps_context,
        }
    }

    fn decline<'a>(lease: &'a Lease4, expect: Expect, probation_s: u32) -> Change4<'a> {
        Change4 {
            address: lease.address,
            subnet_id: lease.subnet_id,
            pool_id: lease.pool_id,
            pool: None,
            client: ClientKey::default(),
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
        lease: &Contents<'_, V4>,
        owner: Ownership,
        _is_held: bool,
        version: Version,
    ) -> Lease4View {
        Lease4View {
            address: lease.address.into(),
            subnet_id: SubnetId(lease.subnet_id),
            state: lease.state,
            cltt: lease.cltt,
            valid_lifetime: lease.valid_lifetime,
            owner,
            fqdn_fwd: lease.fqdn_fwd,
            fqdn_rev: lease.fqdn_rev,
            has_hostname: !lease.hostname.is_empty(),
            version,
        }
    }

    fn copy_to(lease: &Contents<'_, V4>, into: &mut Lease4) {
        let [hw, client_id] = lease.ids;
        hw.clone_into(&mut into.hw);
        client_id.clone_into(&mut into.client_id);
        lease.hostname.clone_into(&mut into.hostname);
        lease.user_context.clone_into(&mut into.user_context);
        into.address = Ipv4Addr::from(lease.address);
        into.hw_type = lease.own.hw_type;
        into.valid_lifetime = lease.valid_lifetime;
        into.cltt = lease.cltt;
        into.subnet_id = SubnetId(lease.subnet_id);
        into.fqdn_fwd = lease.fqdn_fwd;
        into.fqdn_rev = lease.fqdn_rev;
        into.state = lease.state;
        into.pool_id = lease.pool_id;
    }

    fn taken(address: Ipv4Addr) -> Lease4 {
        let (valid_lifetime, state) = (INFINITE, LeaseState::Declined);
        Lease4 { address, valid_lifetime, state, ..Lease4::default() }
    }

    fn address(lease: &Lease4) -> Ipv4Addr {
        lease.address
    }

    #[inline]
    fn row<'a>(lease: &Contents<'a, V4>) -> Row<'a> {
        let [hw, client_id] = lease.ids;
        Row {
            address: lease.address,
            hw_type: lease.own.hw_type,
            hw,
            client_id,
            valid_lifetime: lease.valid_lifetime,
            cltt: lease.cltt,
            subnet_id: lease.subnet_id,
            fqdn_fwd: lease.fqdn_fwd,
            fqdn_rev: lease.fqdn_rev,
            hostname: lease.hostname,
            state: lease.state,
            user_context: lease.user_context,
            pool_id: lease.pool_id,
        }
    }

    #[inline]
    fn from_row<'a>(row: &Self::Row<'a>) -> Contents<'a, V4> {
        Contents {
            address: row.address,
            ids: [row.hw, row.client_id],
            own: Own4 { hw_type: HW_TYPE_UNKNOWN },
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
        csv4::push_row(out, row);
    }

    fn push_deletion(out: &mut Vec<u8>, lease: &Contents<'_, V4>) {
        csv4::push_row(out, &Row { valid_lifetime: 0, ..Self::row(lease) });
    }
}
