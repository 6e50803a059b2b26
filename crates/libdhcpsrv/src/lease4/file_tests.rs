//! Tests of lease file rows and of loading: every known form, and damage of every kind.

use proptest::prelude::*;
use util::Now;

use super::csv4::*;
use super::*;

const HEADER_1_1: &str =
    "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state";
const GOOD: &str = "192.0.2.1,02:00:00:00:00:01,,3600,1800003600,1,0,0,,0,,0";

fn header_of(columns: usize) -> Header {
    Header { columns, known: COLUMNS.len() }
}

fn read(line: &str, columns: usize) -> Result<Lease4, RowError> {
    let mut buffer = RowBuffer::default();
    buffer.read(line.as_bytes(), header_of(columns)).map(|row| lease_of(&row))
}

fn lease_of(row: &Row<'_>) -> Lease4 {
    Lease4 {
        address: row.address.into(),
        hw_type: row.hw_type,
        hw: row.hw.to_vec(),
        client_id: row.client_id.to_vec(),
        valid_lifetime: row.valid_lifetime,
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

/// What one file, or several in order, leave behind.
struct Loaded {
    leases: Vec<Lease4>,
    report: FileReport,
    errors: Vec<(u64, RowError)>,
}

fn load(files: &[&str], errors_max: u32, piece: usize) -> Result<Loaded, load::LoadError> {
    let mut store = LeaseStore4::new(1, None);
    let mut loader = Loader4::new(&mut store, errors_max);
    let (mut errors, mut report) = (Vec::new(), FileReport::default());
    for text in files {
        let mut file = loader.file();
        for bytes in text.as_bytes().chunks(piece) {
            file.feed(bytes, &mut |line, error| errors.push((line, error)))?;
        }
        report = file.finish()?;
    }
    loader.finish(Now::from_secs(1_800_000_000));
    store.check();
    Ok(Loaded { leases: store.page(None, usize::MAX), report, errors })
}

fn loaded(text: &str) -> Loaded {
    load(&[text], 0, usize::MAX).unwrap()
}

#[test]
fn a_row_has_todays_columns() {
    let row = Row {
        address: 0xc000_0201,
        hw_type: 1,
        hw: &[2, 0, 0, 0, 0, 1],
        client_id: &[1, 0xab],
        valid_lifetime: 3600,
        cltt: 1_800_000_000,
        subnet_id: 7,
        fqdn_fwd: true,
        fqdn_rev: false,
        hostname: b"a,b",
        state: LeaseState::Declined,
        user_context: b"{ \"x\": \"&\" }",
        pool_id: 9,
    };
    let mut text = Vec::new();
    push_row(&mut text, &row);
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "192.0.2.1,02:00:00:00:00:01,01:ab,3600,1800003600,7,1,0,a&#x2cb,1,{ \"x\": \"&#x26\" },9\n"
    );
    assert_eq!(HEADER, format!("{}\n", COLUMNS.join(",")));
}

#[test]
fn rows_of_every_schema_are_read() {
    let today = read(GOOD, 12).unwrap();
    assert_eq!((today.cltt, today.state), (1_800_000_000, LeaseState::Default));
    let cut = |columns: usize| GOOD.split(',').take(columns).collect::<Vec<_>>().join(",");
    for columns in 9..12 {
        assert_eq!(read(&cut(columns), columns).as_ref(), Ok(&today));
        assert_eq!(read(GOOD, columns).as_ref(), Ok(&today), "a newer row under an older header");
    }
    assert_eq!(read(&format!("{GOOD},x,y"), 14), Ok(today));
    let columns = |found, min, max| Err(RowError::Columns { found, min, max });
    assert_eq!(read(&cut(11), 12), columns(11, 12, 12));
    assert_eq!(read(&cut(8), 9), columns(8, 9, 12));
    assert_eq!(read(&format!("{GOOD},x"), 12), columns(13, 12, 12));
}

#[test]
fn quirks_of_real_files_are_read() {
    let declined = read("192.0.2.1,,,86400,1800086400,1,0,0,,1,,0", 12).unwrap();
    assert!(declined.hw.is_empty() && declined.state == LeaseState::Declined);
    let by_id = read("192.0.2.1,,01:02,86400,1800086400,1,0,0,,0,,0", 12).unwrap();
    assert_eq!(by_id.client_id, [1, 2]);
    let infinite = read("192.0.2.1,02:01,,4294967295,6094967295,1,0,0,,0,,0", 12).unwrap();
    assert_eq!(infinite.cltt, 1_800_000_000);
    let sql = read("192.0.2.1,02:01,,4294967295,1800000000,1,0,0,,0,,0", 12).unwrap();
    assert_eq!(sql.cltt, 1_800_000_000);
    assert_eq!(read("192.0.2.1,02:01,,3600,100,1,0,0,,0,,0", 12).unwrap().cltt, 0);
    let deletion = read("192.0.2.1,,,0,1800000000,1,0,0,,0,,0", 12).unwrap();
    assert_eq!(deletion.valid_lifetime, 0);
}

#[test]
fn unreadable_values_are_named() {
    let fields: Vec<&str> = GOOD.split(',').collect();
    let bad = [
        (0, "192.0.2.300"),
        (0, ""),
        (1, "0g"),
        (1, "02:00:00:00:00:01:02:03:04:05:06:07:08:09:10:11:12:13:14:15:16"),
        (2, "01:"),
        (3, "-1"),
        (3, "4294967296"),
        (3, ""),
        (4, "99999999999999999999"),
        (4, "1099511627776"),
        (5, "x"),
        (6, "2"),
        (7, ""),
        (9, "5"),
        (9, ""),
        (11, "1 "),
    ];
    for (place, value) in bad {
        let mut fields = fields.clone();
        fields[place] = value;
        let expected = Err(RowError::Value { column: COLUMNS[place] });
        assert_eq!(read(&fields.join(","), 12), expected, "{value}");
    }
    let nobody = "192.0.2.1,,,3600,1800003600,1,0,0,,0,,0";
    assert_eq!(read(nobody, 12), Err(RowError::NoClient));
}

#[test]
fn headers_are_checked_by_name_and_number() {
    let header = |text: &str| read_header(text.as_bytes(), &COLUMNS, COLUMNS_MIN);
    let today = HEADER.trim_end();
    assert_eq!(header(today).unwrap().conversion(), None);
    assert_eq!(header(HEADER_1_1).unwrap().conversion(), Some(Conversion::Upgrade));
    let newer = header(&format!("{today},flavour")).unwrap();
    assert_eq!((newer.columns, newer.conversion()), (13, Some(Conversion::Downgrade)));
    let few = header("address,hwaddr,client_id").unwrap_err();
    assert_eq!(few.to_string(), "header has only 3 valid column(s)");
    let wrong = header(&today.replace("expire", "expires")).unwrap_err();
    assert!(matches!(wrong, HeaderError::WrongName { position: 5, expected: "expire", .. }));
    assert!(header("").is_err() && header("name,street,town").is_err());
}

#[test]
fn last_row_wins_and_lifetime_0_deletes_over_all_files() {
    let first = format!("{HEADER}{GOOD}\n{}\n", GOOD.replace(".2.1,", ".2.2,"));
    let second = format!("{HEADER_1_1}\n192.0.2.1,02:00:00:00:00:01,,0,1800003600,1,0,0,,0\n");
    let third = format!("{HEADER}{}\n", GOOD.replace(".2.1,", ".2.2,").replace(",1,0,0", ",5,0,0"));
    let loaded = load(&[&first, &second, &third], 0, usize::MAX).unwrap();
    assert_eq!(loaded.leases.len(), 1);
    assert_eq!(loaded.leases[0].subnet_id, SubnetId(5));
}

#[test]
fn torn_last_row_is_left_out_and_reported() {
    let whole = format!("{HEADER}{GOOD}\n");
    for cut in 1..GOOD.len() {
        let loaded = loaded(&format!("{whole}{}", &GOOD.replace("2.1", "2.9")[..cut]));
        assert_eq!((loaded.leases.len(), loaded.errors.len()), (1, 0));
        assert_eq!(loaded.report.valid_len, whole.len() as u64);
        assert_eq!(loaded.report.torn_len, cut as u64);
    }
    let zeros = loaded(&format!("{whole}{}", "\0".repeat(4096)));
    assert_eq!((zeros.leases.len(), zeros.report.torn_len), (1, 4096));
}

#[test]
fn empty_file_and_torn_header_begin_anew() {
    for text in ["", "addr", HEADER.trim_end()] {
        let report = loaded(text).report;
        assert_eq!((report.header, report.valid_len), (None, 0));
    }
    assert!(load(&["name,street"], 0, usize::MAX).is_err());
    assert!(load(&["\n"], 0, usize::MAX).is_err());
    assert_eq!(loaded(HEADER).report.valid_len, HEADER.len() as u64);
}

#[test]
fn corrupt_rows_are_told_by_line_and_limited() {
    let text = format!("{HEADER}{GOOD}\nx\n\n{}\nnonsense,,\n", GOOD.replace("2.1,", "2.2,"));
    let loaded = loaded(&text);
    let lines: Vec<u64> = loaded.errors.iter().map(|(line, _)| *line).collect();
    assert_eq!((lines, loaded.leases.len()), (vec![3, 6], 2));
    assert_eq!((loaded.report.rows, loaded.report.errors), (4, 2));
    assert!(load(&[&text], 2, 7).is_ok());
    let stopped = load(&[&text], 1, 7).err().unwrap();
    assert_eq!(stopped, load::LoadError::TooManyErrors { max: 1 });
    let long = format!("{HEADER}{}\n", "x".repeat(100_000));
    let too_long = load(&[&long], 0, 1000).unwrap();
    assert!(matches!(too_long.errors[..], [(2, RowError::TooLong { .. })]));
}

#[test]
fn expired_leases_wait_for_reclamation_in_order() {
    let mut store = LeaseStore4::new(1, None);
    let mut loader = Loader4::new(&mut store, 0);
    let mut text = HEADER.to_owned();
    for (last, ends) in [(1, 30), (2, 10), (3, 20), (4, 90)] {
        text += &format!("192.0.2.{last},02:0{last},,5,{ends},1,0,0,,0,,0\n");
    }
    loader.load(text.as_bytes(), &mut |_, error| panic!("{error}")).unwrap();
    loader.finish(Now::from_secs(50));
    let mut order = Vec::new();
    let limits = ReclaimLimits { leases_max: 0, remove: true };
    let each = &mut |reclaimed: Reclaimed<'_>| order.push(reclaimed.lease.address.octets()[3]);
    store.reclaim(Now::from_secs(50), limits, &mut || false, each).unwrap();
    assert_eq!(order, [2, 3, 1]);
    assert_eq!(store.expire_tick(Now::from_secs(90), 9).expired, 0);
    assert_eq!(store.expire_tick(Now::from_secs(91), 9).expired, 1);
}

#[test]
fn export_reads_back() {
    let text = format!("{HEADER}{GOOD}\n{}\n", GOOD.replace("2.1,", "2.0,"));
    let mut store = LeaseStore4::new(1, None);
    let mut loader = Loader4::new(&mut store, 0);
    loader.load(text.as_bytes(), &mut |_, error| panic!("{error}")).unwrap();
    loader.finish(Now::from_secs(0));
    let mut out = HEADER.as_bytes().to_vec();
    let count = store.export(|rows| {
        out.extend_from_slice(rows);
        Ok::<_, std::convert::Infallible>(())
    });
    assert_eq!(count, Ok(2));
    let sorted = format!("{HEADER}{}\n{GOOD}\n", GOOD.replace("2.1,", "2.0,"));
    assert_eq!(String::from_utf8(out).unwrap(), sorted);
}

fn any_lease() -> impl Strategy<Value = Lease4> {
    let bytes = |range| prop::collection::vec(any::<u8>(), range);
    let ids = (bytes(1..21), bytes(0..256), bytes(0..60), bytes(0..60));
    let numbers = (any::<u32>(), 1..u32::MAX, 0..1_i64 << 39, any::<u32>(), any::<u32>());
    let flags = (any::<bool>(), any::<bool>(), 0..5_u64);
    (ids, numbers, flags).prop_map(|(ids, numbers, flags)| Lease4 {
        address: numbers.0.into(),
        hw_type: HW_TYPE_UNKNOWN,
        hw: ids.0,
        client_id: ids.1,
        valid_lifetime: numbers.1,
        cltt: numbers.2,
        subnet_id: SubnetId(numbers.3),
        fqdn_fwd: flags.0,
        fqdn_rev: flags.1,
        hostname: ids.2,
        state: LeaseState::from_number(flags.2).unwrap(),
        user_context: ids.3,
        pool_id: numbers.4,
    })
}

fn row_of(lease: &Lease4) -> Row<'_> {
    Row {
        address: lease.address.into(),
        hw_type: lease.hw_type,
        hw: &lease.hw,
        client_id: &lease.client_id,
        valid_lifetime: lease.valid_lifetime,
        cltt: lease.cltt,
        subnet_id: lease.subnet_id.0,
        fqdn_fwd: lease.fqdn_fwd,
        fqdn_rev: lease.fqdn_rev,
        hostname: &lease.hostname,
        state: lease.state,
        user_context: &lease.user_context,
        pool_id: lease.pool_id,
    }
}

proptest! {
    #[test]
    fn rows_read_back(lease in any_lease()) {
        let mut text = Vec::new();
        push_row(&mut text, &row_of(&lease));
        let line = text.strip_suffix(b"\n").unwrap();
        prop_assert!(!line.contains(&b'\n'));
        let mut buffer = RowBuffer::default();
        let row = buffer.read(line, CURRENT).map(|row| lease_of(&row));
        prop_assert_eq!(row, Ok(lease));
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        line in prop::collection::vec(prop_oneof![Just(b','), Just(b':'), b'0'..=b'9', any::<u8>()], 0..80),
        columns in 9_usize..15,
    ) {
        let _ = RowBuffer::default().read(&line, header_of(columns));
        let _ = read_header(&line, &COLUMNS, COLUMNS_MIN);
    }

    #[test]
    fn damage_costs_only_the_rows_that_it_hits(
        leases in prop::collection::vec(any_lease(), 1..20),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        piece in 1_usize..300,
    ) {
        let mut rows = Vec::new();
        for (number, lease) in leases.iter().enumerate() {
            let address = (number as u32).into();
            push_row(&mut rows, &row_of(&Lease4 { address, ..lease.clone() }));
        }
        let hits = damage.len();
        for (place, byte) in damage {
            let place = place.index(rows.len());
            rows[place] = byte;
        }
        let mut store = LeaseStore4::new(1, None);
        let mut loader = Loader4::new(&mut store, 0);
        let mut file = loader.file();
        file.feed(HEADER.as_bytes(), &mut |_, _| ()).unwrap();
        for bytes in rows.chunks(piece) {
            file.feed(bytes, &mut |_, _| ()).unwrap();
        }
        file.finish().unwrap();
        loader.finish(Now::from_secs(1));
        store.check();
        // A byte hits one row, or two when it joins them.
        prop_assert!(store.len() + 2 * hits >= leases.len());
    }
}
