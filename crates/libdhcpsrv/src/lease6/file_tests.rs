//! Tests of DHCPv6 lease file rows: every known form, and damage of every kind.

use proptest::prelude::*;
use util::Now;

use super::csv6::*;
use super::*;
use crate::lease::FileReport;
use crate::lease::load::LoadError;

/// What the four schemas before today's have, and the value of the first column that each lacks.
const SCHEMAS: [usize; 5] = [12, 13, 14, 15, 17];
const GOOD: &str = "2001:db8::1,00:03:00:01:02:00:00:00:00:01,3600,1800003600,7,1800,0,4294967295,128,1,0,a&#x2cb,\
                    02:00:00:00:00:01,0,{ \"x\": 1 },1,8,9";

fn read(line: &str, columns: usize) -> Result<Lease6, RowError> {
    let mut buffer = RowBuffer::default();
    let header = Header { columns, known: COLUMNS.len() };
    buffer.read(line.as_bytes(), header).map(|row| lease_of(&row))
}

fn lease_of(row: &Row<'_>) -> Lease6 {
    Lease6 {
        address: row.address.into(),
        prefix_len: row.prefix_len,
        lease_type: row.lease_type,
        duid: row.duid.to_vec(),
        iaid: row.iaid,
        hw_type: row.hw_type,
        hw_source: row.hw_source,
        hw: row.hw.to_vec(),
        valid_lifetime: row.valid_lifetime,
        preferred_lifetime: row.preferred_lifetime,
        cltt: row.cltt,
        subnet_id: SubnetId(row.subnet_id),
        fqdn_fwd: row.fqdn_fwd,
        fqdn_rev: row.fqdn_rev,
        hostname: row.hostname.to_vec(),
        state: row.state,
        user_context: row.user_context.to_vec(),
        pool_id: row.pool_id,
    }
}

fn row_of(lease: &Lease6) -> Row<'_> {
    Row {
        address: lease.address.into(),
        duid: &lease.duid,
        valid_lifetime: lease.valid_lifetime,
        cltt: lease.cltt,
        subnet_id: lease.subnet_id.0,
        preferred_lifetime: lease.preferred_lifetime,
        lease_type: lease.lease_type,
        iaid: lease.iaid,
        prefix_len: lease.prefix_len,
        fqdn_fwd: lease.fqdn_fwd,
        fqdn_rev: lease.fqdn_rev,
        hostname: &lease.hostname,
        hw: &lease.hw,
        state: lease.state,
        user_context: &lease.user_context,
        hw_type: lease.hw_type,
        hw_source: lease.hw_source,
        pool_id: lease.pool_id,
    }
}

fn text_of(lease: &Lease6) -> String {
    let mut text = Vec::new();
    push_row(&mut text, &row_of(lease));
    String::from_utf8(text).unwrap()
}

fn with(place: usize, value: &str) -> String {
    let mut fields: Vec<&str> = GOOD.split(',').collect();
    fields[place] = value;
    fields.join(",")
}

fn cut(columns: usize) -> String {
    GOOD.split(',').take(columns).collect::<Vec<_>>().join(",")
}

fn load(files: &[&str], piece: usize) -> Result<(Vec<Lease6>, FileReport, Vec<u64>), LoadError> {
    let mut store = LeaseStore6::new(1, None);
    let mut loader = Loader6::new(&mut store, 0);
    let (mut lines, mut report) = (Vec::new(), FileReport::default());
    for text in files {
        let mut file = loader.file();
        for bytes in text.as_bytes().chunks(piece) {
            file.feed(bytes, &mut |line, _| lines.push(line))?;
        }
        report = file.finish()?;
    }
    loader.finish(Now::from_secs(1_800_000_000));
    store.check();
    Ok((store.page(None, usize::MAX), report, lines))
}

#[test]
fn a_row_has_todays_columns() {
    let lease = read(GOOD, 18).unwrap();
    assert_eq!(lease.address, "2001:db8::1".parse::<Ipv6Addr>().unwrap());
    assert_eq!((lease.cltt, lease.iaid, lease.preferred_lifetime), (1_800_000_000, u32::MAX, 1800));
    assert_eq!((lease.hw_type, lease.hw_source, lease.pool_id), (1, 8, 9));
    assert_eq!((&lease.hostname[..], &lease.user_context[..]), (&b"a,b"[..], &b"{ \"x\": 1 }"[..]));
    assert_eq!(text_of(&lease), format!("{GOOD}\n"));
    assert_eq!(HEADER, format!("{}\n", COLUMNS.join(",")));
}

#[test]
fn rows_of_every_schema_are_read() {
    let today = read(GOOD, 18).unwrap();
    for columns in SCHEMAS {
        let old = read(&cut(columns), columns).unwrap();
        let expected = Lease6 {
            hw: if columns > 12 { today.hw.clone() } else { Vec::new() },
            hw_type: u16::from(columns > 12),
            hw_source: if columns > 16 { 8 } else { 0 },
            user_context: if columns > 14 { today.user_context.clone() } else { Vec::new() },
            pool_id: 0,
            ..today.clone()
        };
        assert_eq!(old, expected, "{columns} columns");
        assert_eq!(read(GOOD, columns).as_ref(), Ok(&today), "a newer row under an older header");
    }
    assert_eq!(read(&format!("{GOOD},x,y"), 20), Ok(today));
    let columns = |found, min, max| Err(RowError::Columns { found, min, max });
    assert_eq!(read(&cut(17), 18), columns(17, 18, 18));
    assert_eq!(read(&cut(11), 12), columns(11, 12, 18));
    assert_eq!(read(&format!("{GOOD},x"), 18), columns(19, 18, 18));
}

#[test]
fn headers_are_checked_by_name_and_number() {
    let header = |text: &str| read_header(text.as_bytes(), &COLUMNS, COLUMNS_MIN);
    let today = HEADER.trim_end();
    assert_eq!(header(today).unwrap().conversion(), None);
    for columns in SCHEMAS {
        let old = header(&COLUMNS[..columns].join(",")).unwrap();
        assert_eq!(old.conversion(), Some(Conversion::Upgrade));
    }
    let newer = header(&format!("{today},flavour")).unwrap();
    assert_eq!((newer.columns, newer.conversion()), (19, Some(Conversion::Downgrade)));
    assert_eq!(header(&COLUMNS[..11].join(",")), Err(HeaderError::TooFew { valid: 11 }));
    let wrong = header(&today.replace("duid", "hwaddr")).unwrap_err();
    assert!(matches!(wrong, HeaderError::WrongName { position: 2, expected: "duid", .. }));
}

#[test]
fn quirks_of_real_files_are_read() {
    let declined = read("2001:db8::1,00,86400,1800086400,1,0,0,7,128,0,0,,,1,,,,0", 18).unwrap();
    assert_eq!((&declined.duid[..], declined.iaid), (NO_DUID, 7));
    assert_eq!(read(&with(1, "00"), 18), Err(RowError::NoDuid));
    assert_eq!(read(&with(1, ""), 18), Err(RowError::NoDuid));
    let deletion = read("2001:db8::1,00,0,1800000000,1,0,0,7,128,0,0,,,1,,,,0", 18).unwrap();
    assert_eq!(deletion.valid_lifetime, 0);
    let infinite = with(2, "4294967295").replace("1800003600", "6094967295");
    assert_eq!(read(&infinite, 18).unwrap().cltt, 1_800_000_000);
    assert_eq!(
        read(&infinite.replace("6094967295", "1800000000"), 18).unwrap().cltt,
        1_800_000_000
    );
    assert_eq!(read(&with(15, ""), 18).unwrap().hw_type, 1, "Ethernet unless told");
    assert_eq!(read(&with(16, "4294967295"), 18).unwrap().hw_source, u32::MAX);
    let without_hw = read(&with(12, ""), 18).unwrap();
    assert_eq!((without_hw.hw_type, without_hw.hw_source), (0, 0));
    assert!(text_of(&without_hw).ends_with(",,0,{ \"x\": 1 },,,9\n"));
    let upper = read(&with(0, "2001:DB8:0::1"), 18).unwrap();
    assert_eq!(upper.address, "2001:db8::1".parse::<Ipv6Addr>().unwrap());
    let prefix = read(&with(6, "2").replace(",128,", ",56,"), 18).unwrap();
    assert_eq!((prefix.lease_type, prefix.prefix_len), (LeaseType::Pd, 56));
    assert_eq!(read(&with(8, "64"), 18).unwrap().prefix_len, 128, "an address has all bits");
}

#[test]
fn unreadable_values_are_named() {
    let long = ["00"; DUID_LEN_MAX + 1].join(":");
    let bad = [
        (0, "192.0.2.1"),
        (0, "2001:db8::1::2"),
        (0, ""),
        (1, "0g"),
        (1, &long),
        (2, "4294967296"),
        (2, ""),
        (3, "1099511627776"),
        (4, "x"),
        (5, ""),
        (6, "3"),
        (7, "-1"),
        (8, "129"),
        (8, "256"),
        (9, "2"),
        (10, ""),
        (12, "02:00:00:00:00:01:02:03:04:05:06:07:08:09:10:11:12:13:14:15:16"),
        (13, "5"),
        (15, "65536"),
        (16, "4294967296"),
        (17, ""),
    ];
    for (place, value) in bad {
        let expected = Err(RowError::Value { column: COLUMNS[place] });
        assert_eq!(read(&with(place, value), 18), expected, "{value}");
    }
    let longest = ["ab"; DUID_LEN_MAX].join(":");
    assert_eq!(read(&with(1, &longest), 18).unwrap().duid.len(), DUID_LEN_MAX);
}

#[test]
fn last_row_wins_and_lifetime_0_deletes_over_all_files() {
    let second_address = GOOD.replace("2001:db8::1,", "2001:db8::2,");
    let first = format!("{HEADER}{GOOD}\n{second_address}\n");
    let old = COLUMNS[..12].join(",");
    let second = format!("{old}\n2001:db8::1,00:01,0,1800003600,7,0,0,1,128,0,0,\n");
    let third = format!("{HEADER}{}\n", second_address.replace(",7,1800,", ",5,1800,"));
    let (leases, ..) = load(&[&first, &second, &third], usize::MAX).unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].subnet_id, SubnetId(5));
}

#[test]
fn torn_last_row_is_left_out_and_reported() {
    let whole = format!("{HEADER}{GOOD}\n");
    for cut in 1..GOOD.len() {
        let torn = format!("{whole}{}", &GOOD.replace("::1,", "::9,")[..cut]);
        let (leases, report, errors) = load(&[&torn], 11).unwrap();
        assert_eq!((leases.len(), errors.len()), (1, 0));
        assert_eq!((report.valid_len, report.torn_len), (whole.len() as u64, cut as u64));
    }
}

#[test]
fn files_of_the_other_family_are_refused() {
    assert!(load(&[crate::lease4::csv4::HEADER], 64).is_err());
    let (leases, report, errors) = load(&[&format!("{HEADER}x\n{GOOD}\n")], 64).unwrap();
    assert_eq!((leases.len(), report.errors, errors), (1, 1, vec![2]));
}

fn any_lease() -> impl Strategy<Value = Lease6> {
    let bytes = |range| prop::collection::vec(any::<u8>(), range);
    let ids = (bytes(2..DUID_LEN_MAX + 1), bytes(0..21), bytes(0..60), bytes(0..60));
    let numbers = (any::<u128>(), 1..u32::MAX, 0..1_i64 << 39, any::<u32>(), any::<u32>());
    let own = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u16>(), 0..3_u64, 0..129_u8);
    let flags = (any::<bool>(), any::<bool>(), 0..5_u64);
    (ids, numbers, own, flags).prop_map(|(ids, numbers, own, flags)| {
        let lease_type = LeaseType::from_number(own.4).unwrap();
        let has_hw = !ids.1.is_empty();
        Lease6 {
            address: numbers.0.into(),
            prefix_len: if lease_type == LeaseType::Pd { own.5 } else { 128 },
            lease_type,
            duid: ids.0,
            iaid: own.0,
            hw_type: if has_hw { own.3 } else { 0 },
            hw_source: if has_hw { own.2 } else { 0 },
            hw: ids.1,
            valid_lifetime: numbers.1,
            preferred_lifetime: own.1,
            cltt: numbers.2,
            subnet_id: SubnetId(numbers.3),
            fqdn_fwd: flags.0,
            fqdn_rev: flags.1,
            hostname: ids.2,
            state: LeaseState::from_number(flags.2).unwrap(),
            user_context: ids.3,
            pool_id: numbers.4,
        }
    })
}

proptest! {
    #[test]
    fn rows_read_back(lease in any_lease()) {
        let text = text_of(&lease);
        let line = text.strip_suffix('\n').unwrap();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(read(line, 18), Ok(lease));
    }

    #[test]
    fn records_keep_what_rows_say(lease in any_lease()) {
        let text = format!("{HEADER}{}", text_of(&lease));
        let (leases, _, errors) = load(&[&text], usize::MAX).unwrap();
        let stored = Block(lease.address.into(), lease.prefix_len).first();
        prop_assert_eq!(leases, vec![Lease6 { address: stored.into(), ..lease }]);
        prop_assert!(errors.is_empty());
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        line in prop::collection::vec(prop_oneof![Just(b','), Just(b':'), b'0'..=b'9', any::<u8>()], 0..80),
        columns in 12_usize..21,
    ) {
        let _ = RowBuffer::default().read(&line, Header { columns, known: COLUMNS.len() });
        let _ = read_header(&line, &COLUMNS, COLUMNS_MIN);
    }
}

/// An address and the length of its prefix.
struct Block(u128, u8);

impl Block {
    fn first(&self) -> u128 {
        self.0 & !u128::MAX.checked_shr(self.1.into()).unwrap_or(0)
    }
}
