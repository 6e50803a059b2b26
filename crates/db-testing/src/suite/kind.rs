//! Leases of both kinds, made for the checks.

use std::net::{Ipv4Addr, Ipv6Addr};

use database::Wanted;
use libdhcpsrv::lease::{AddressOf, LeaseKind, LeaseState, LeaseType, SubnetId};
use libdhcpsrv::lease4::{self, HW_TYPE_UNKNOWN, Lease4, OwnedClientKey, V4};
use libdhcpsrv::lease6::{self, Lease6, OwnedClientKey6, V6};

use super::NOW;

/// The columns that leases of both kinds have.
#[derive(Debug)]
#[allow(missing_docs)] // They are the columns.
pub struct Common<'a> {
    pub valid_lifetime: &'a mut u32,
    pub cltt: &'a mut i64,
    pub subnet_id: &'a mut SubnetId,
    pub fqdn_fwd: &'a mut bool,
    pub fqdn_rev: &'a mut bool,
    pub hostname: &'a mut Vec<u8>,
    pub state: &'a mut LeaseState,
    pub user_context: &'a mut Vec<u8>,
    pub pool_id: &'a mut u32,
}

/// A column, and how it is made another one.
pub type Column<K> = (&'static str, fn(&mut <K as LeaseKind>::Lease));
/// Leases in a table, and clients with the places of their leases in it.
pub type Finds<K> = (Vec<<K as LeaseKind>::Lease>, Vec<(Wanted<K>, Vec<usize>)>);
/// A lease, its type, and the first and last address that it covers.
pub type Ranged<K> =
    (<K as LeaseKind>::Lease, LeaseType, (<K as LeaseKind>::Number, <K as LeaseKind>::Number));

/// A kind of leases, as the checks must know it.
pub trait SuiteKind: LeaseKind<Lease: PartialEq + Sync> {
    /// For messages.
    const NAME: &'static str;
    /// The table.
    const TABLE: &'static str;
    /// Columns that may be NULL, with what they are then taken for, in SQL.
    const EMPTY: &'static [(&'static str, &'static str)];
    /// The longest client identifier or DUID that the product keeps.
    const IDENTIFIER_LEN_MAX: usize;

    /// A lease of the client `number`, at an address of its own.
    fn lease(number: u32) -> Self::Lease;

    /// The columns that both kinds have.
    fn common(lease: &mut Self::Lease) -> Common<'_>;

    /// Gives it to another client: an identifier and a hardware address.
    fn set_client(lease: &mut Self::Lease, identifier: &[u8], hw: &[u8]);

    /// Puts it at another address; text and number order them differently.
    fn set_address(lease: &mut Self::Lease, number: u128);

    /// Who it belongs to.
    fn wanted(lease: &Self::Lease) -> Wanted<Self>;

    /// Columns that this kind alone has or has by its own names, without identifiers.
    fn columns() -> Vec<Column<Self>>;

    /// Leases, and who finds which.
    fn finds() -> Finds<Self>;

    /// Leases of different types, where there are some, with what they cover.
    fn ranges() -> Vec<Ranged<Self>>;

    /// An address as the table has it, in SQL.
    fn literal(address: AddressOf<Self>) -> String;

    /// The address as a number.
    fn number(lease: &Self::Lease) -> Self::Number {
        Self::contents_of(lease).address
    }
}

/// An address of 192.0.2.0 or later ones, in one of the largest networks.
const BASE_4: u32 = 0xc000_0200;

impl SuiteKind for V4 {
    const NAME: &'static str = "DHCPv4";
    const TABLE: &'static str = "lease4";
    const EMPTY: &'static [(&'static str, &'static str)] = &[
        ("hwaddr", "''"),
        ("client_id", "''"),
        ("hostname", "''"),
        ("fqdn_fwd", "false"),
        ("fqdn_rev", "false"),
    ];
    const IDENTIFIER_LEN_MAX: usize = lease4::CLIENT_ID_LEN_MAX;

    fn lease(number: u32) -> Lease4 {
        let [_, b1, b2, b3] = number.to_be_bytes();
        Lease4 {
            address: BASE_4.wrapping_add(number).into(),
            hw_type: HW_TYPE_UNKNOWN,
            hw: vec![2, 0, 0, b1, b2, b3],
            client_id: vec![1, 2, 0, 0, b1, b2, b3],
            valid_lifetime: 3600,
            cltt: NOW,
            subnet_id: SubnetId(1),
            fqdn_fwd: false,
            fqdn_rev: false,
            hostname: format!("host-{number}.example.org.").into_bytes(),
            state: LeaseState::Default,
            user_context: Vec::new(),
            pool_id: 0,
        }
    }

    fn common(lease: &mut Lease4) -> Common<'_> {
        Common {
            valid_lifetime: &mut lease.valid_lifetime,
            cltt: &mut lease.cltt,
            subnet_id: &mut lease.subnet_id,
            fqdn_fwd: &mut lease.fqdn_fwd,
            fqdn_rev: &mut lease.fqdn_rev,
            hostname: &mut lease.hostname,
            state: &mut lease.state,
            user_context: &mut lease.user_context,
            pool_id: &mut lease.pool_id,
        }
    }

    fn set_client(lease: &mut Lease4, identifier: &[u8], hw: &[u8]) {
        lease.client_id = identifier.to_vec();
        lease.hw = hw.to_vec();
    }

    fn set_address(lease: &mut Lease4, number: u128) {
        lease.address = u32::try_from(number & 0xffff_ffff).unwrap_or_default().into();
    }

    fn wanted(lease: &Lease4) -> Wanted<V4> {
        let Lease4 { hw, client_id, .. } = lease.clone();
        Wanted { client: OwnedClientKey { hw_type: 1, hw, client_id }, subnet: lease.subnet_id }
    }

    fn literal(address: Ipv4Addr) -> String {
        u32::from(address).to_string()
    }

    fn columns() -> Vec<Column<V4>> {
        vec![
            ("hwaddr", |lease| lease.hw[0] ^= 0xff),
            ("hwaddr, longer", |lease| lease.hw.push(0)),
            ("hwaddr, absent", |lease| lease.hw.clear()),
            ("client_id", |lease| lease.client_id[6] ^= 0xff),
            ("client_id, longer", |lease| lease.client_id.push(0)),
            ("client_id, absent", |lease| lease.client_id.clear()),
        ]
    }

    fn finds() -> Finds<V4> {
        let of = |number: u32, client_id: &[u8], hw: &[u8], subnet: u32| Lease4 {
            client_id: client_id.to_vec(),
            hw: hw.to_vec(),
            subnet_id: SubnetId(subnet),
            ..Self::lease(number)
        };
        let (x, y, one, two) = ([1, 7], [1, 8], [2, 1], [2, 2]);
        let leases = vec![
            of(0, &x, &one, 1),
            of(1, &[], &one, 1),
            of(2, &y, &one, 1),
            of(3, &x, &two, 1),
            of(4, &x, &one, 2),
            of(5, &[], &one, 2),
            of(6, &x, &[], 1),
            of(7, &[], &two, 3),
            // Identifiers that differ from others by their length, by case or by zeros.
            of(8, &[1, 7, 0], &[2, 1, 0], 1),
            of(9, b"ab", &[9], 4),
            of(10, b"AB", &[9, 9], 4),
            of(11, b"ab ", &[9, 9, 9], 4),
        ];
        let wanted = |client_id: &[u8], hw: &[u8], subnet| Wanted {
            client: OwnedClientKey { hw_type: 1, hw: hw.to_vec(), client_id: client_id.to_vec() },
            subnet: SubnetId(subnet),
        };
        let finds = vec![
            (wanted(&x, &one, 1), vec![0, 1, 3, 6]),
            (wanted(&x, &[], 1), vec![0, 3, 6]),
            (wanted(&[], &one, 1), vec![0, 1, 2]),
            (wanted(&y, &one, 1), vec![1, 2]),
            (wanted(&y, &two, 1), vec![2]),
            (wanted(&[3], &[3], 1), vec![]),
            (wanted(&x, &one, 2), vec![4, 5]),
            (wanted(&x, &one, 3), vec![]),
            (wanted(&x, &two, 3), vec![7]),
            (wanted(&x, &one, 1), vec![0, 1, 3, 6]),
            (wanted(&[], &[], 1), vec![]),
            (wanted(b"ab", &[], 4), vec![9]),
            (wanted(b"AB", &[8], 4), vec![10]),
        ];
        (leases, finds)
    }

    fn ranges() -> Vec<Ranged<V4>> {
        let numbers = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe];
        let at = |number: u32| {
            let lease = Lease4 { address: number.into(), ..Self::lease(number & 0xffff) };
            (lease, LeaseType::Na, (number, number))
        };
        numbers.map(at).to_vec()
    }
}

/// Addresses of 2001:db8:1::/64 and later ones.
const BASE_6: u128 = 0x2001_0db8_0001 << 80;

impl SuiteKind for V6 {
    const NAME: &'static str = "DHCPv6";
    const TABLE: &'static str = "lease6";
    const EMPTY: &'static [(&'static str, &'static str)] = &[
        ("hwaddr", "''"),
        ("hwtype", "0"),
        ("hwaddr_source", "0"),
        ("pref_lifetime", "0"),
        ("hostname", "''"),
        ("fqdn_fwd", "false"),
        ("fqdn_rev", "false"),
    ];
    const IDENTIFIER_LEN_MAX: usize = lease6::DUID_LEN_MAX;

    fn lease(number: u32) -> Lease6 {
        let [b0, b1, b2, b3] = number.to_be_bytes();
        Lease6 {
            address: (BASE_6 + u128::from(number)).into(),
            prefix_len: 128,
            lease_type: LeaseType::Na,
            duid: vec![0, 3, 0, 1, 2, 0, b0, b1, b2, b3],
            iaid: number,
            hw_type: 1,
            hw_source: 4,
            hw: vec![2, 0, 0, b1, b2, b3],
            valid_lifetime: 3600,
            preferred_lifetime: 1800,
            cltt: NOW,
            subnet_id: SubnetId(1),
            fqdn_fwd: false,
            fqdn_rev: false,
            hostname: format!("host-{number}.example.org.").into_bytes(),
            state: LeaseState::Default,
            user_context: Vec::new(),
            pool_id: 0,
        }
    }

    fn common(lease: &mut Lease6) -> Common<'_> {
        Common {
            valid_lifetime: &mut lease.valid_lifetime,
            cltt: &mut lease.cltt,
            subnet_id: &mut lease.subnet_id,
            fqdn_fwd: &mut lease.fqdn_fwd,
            fqdn_rev: &mut lease.fqdn_rev,
            hostname: &mut lease.hostname,
            state: &mut lease.state,
            user_context: &mut lease.user_context,
            pool_id: &mut lease.pool_id,
        }
    }

    fn set_client(lease: &mut Lease6, identifier: &[u8], hw: &[u8]) {
        lease.duid = identifier.to_vec();
        lease.hw = hw.to_vec();
        (lease.hw_type, lease.hw_source) = if hw.is_empty() { (0, 0) } else { (1, 4) };
    }

    fn set_address(lease: &mut Lease6, number: u128) {
        lease.address = number.into();
    }

    fn wanted(lease: &Lease6) -> Wanted<V6> {
        let Lease6 { duid, iaid, lease_type, .. } = lease.clone();
        Wanted { client: OwnedClientKey6 { lease_type, duid, iaid }, subnet: lease.subnet_id }
    }

    fn literal(address: Ipv6Addr) -> String {
        format!("'{address}'")
    }

    fn columns() -> Vec<Column<V6>> {
        vec![
            ("duid", |lease| lease.duid[9] ^= 0xff),
            ("duid, longer", |lease| lease.duid.push(0)),
            ("iaid", |lease| lease.iaid ^= 0x8000_0000),
            ("pref_lifetime", |lease| lease.preferred_lifetime = u32::MAX),
            ("lease_type", |lease| lease.lease_type = LeaseType::Ta),
            ("lease_type and prefix_len", |lease| {
                (lease.lease_type, lease.prefix_len) = (LeaseType::Pd, 64);
            }),
            ("hwaddr", |lease| lease.hw[0] ^= 0xff),
            ("hwaddr, longer", |lease| lease.hw.push(0)),
            ("hwaddr, absent", |lease| {
                (lease.hw, lease.hw_type, lease.hw_source) = (Vec::new(), 0, 0);
            }),
            ("hwtype", |lease| lease.hw_type = 6),
            ("hwaddr_source", |lease| lease.hw_source = 2),
        ]
    }

    fn finds() -> Finds<V6> {
        let of = |number: u32, duid: &[u8], iaid, lease_type, subnet: u32| Lease6 {
            duid: duid.to_vec(),
            iaid,
            lease_type,
            subnet_id: SubnetId(subnet),
            prefix_len: if lease_type == LeaseType::Pd { 64 } else { 128 },
            address: (BASE_6 + (u128::from(number) << 64)).into(),
            ..Self::lease(number)
        };
        let (x, y) = ([0, 4, 7], [0, 4, 8]);
        let high = 0xffff_fffe;
        let leases = vec![
            of(0, &x, 1, LeaseType::Na, 1),
            of(1, &x, 1, LeaseType::Na, 1),
            of(2, &x, 1, LeaseType::Pd, 1),
            of(3, &x, 1, LeaseType::Ta, 1),
            of(4, &x, 2, LeaseType::Na, 1),
            of(5, &x, 1, LeaseType::Na, 2),
            of(6, &y, 1, LeaseType::Na, 1),
            of(7, &y, high, LeaseType::Na, 1),
            of(8, &y, high, LeaseType::Pd, 1),
            of(9, &[0, 4, 7, 0], 1, LeaseType::Na, 1),
            of(10, b"ab", 1, LeaseType::Na, 1),
            of(11, b"AB", 1, LeaseType::Na, 1),
        ];
        let wanted = |duid: &[u8], iaid, lease_type, subnet| Wanted {
            client: OwnedClientKey6 { lease_type, duid: duid.to_vec(), iaid },
            subnet: SubnetId(subnet),
        };
        let finds = vec![
            (wanted(&x, 1, LeaseType::Na, 1), vec![0, 1]),
            (wanted(&x, 1, LeaseType::Pd, 1), vec![2]),
            (wanted(&x, 1, LeaseType::Ta, 1), vec![3]),
            (wanted(&x, 2, LeaseType::Na, 1), vec![4]),
            (wanted(&x, 2, LeaseType::Pd, 1), vec![]),
            (wanted(&x, 1, LeaseType::Na, 2), vec![5]),
            (wanted(&y, 1, LeaseType::Na, 1), vec![6]),
            (wanted(&y, high, LeaseType::Na, 1), vec![7]),
            (wanted(&y, high, LeaseType::Pd, 1), vec![8]),
            (wanted(&x, 1, LeaseType::Na, 1), vec![0, 1]),
            (wanted(&[0, 4], 1, LeaseType::Na, 1), vec![]),
            (wanted(b"AB", 1, LeaseType::Na, 1), vec![11]),
        ];
        (leases, finds)
    }

    fn ranges() -> Vec<Ranged<V6>> {
        let at = |address: u128, lease_type, prefix_len: u8| {
            let lease =
                Lease6 { address: address.into(), lease_type, prefix_len, ..Self::lease(7) };
            let within = u128::MAX.checked_shr(prefix_len.into()).unwrap_or(0);
            (lease, lease_type, (address, address | within))
        };
        vec![
            at(1, LeaseType::Na, 128),
            at(BASE_6 + 0x1_0000, LeaseType::Ta, 128),
            at(BASE_6 + (1 << 64), LeaseType::Pd, 64),
            at(BASE_6 + (1 << 72), LeaseType::Pd, 56),
            at(0x3fff << 112, LeaseType::Pd, 20),
            at(u128::MAX - 1, LeaseType::Na, 128),
        ]
    }
}
