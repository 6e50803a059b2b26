//! Hosts in both databases, in tables of old and newer versions, behind one suite.

use std::net::{Ipv4Addr, Ipv6Addr};

use database::{HostConnection, SchemaVersion};
use db_testing::{Database, Schema, Server};
use kea_log::Captured;
use libdhcp::OptionFlags;
use libdhcpsrv::config::{SqlAccess, SqlKind};
use libdhcpsrv::hosts::{HostQuery, IdentifierKind, OwnedIdentifier, RawHost};
use libdhcpsrv::lease::SubnetId;
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

const KINDS: [SqlKind; 2] = [SqlKind::Mysql, SqlKind::Postgresql];

/// The tables as Kea 1.1 has them, as far as hosts are concerned, without what keeps bad rows out.
const OLD: &str = "
    CREATE TABLE hosts (host_id INT PRIMARY KEY, dhcp_identifier $BYTES, dhcp_identifier_type SMALLINT,
        dhcp4_subnet_id INT, dhcp6_subnet_id INT, ipv4_address BIGINT, hostname VARCHAR(255),
        dhcp4_client_classes VARCHAR(255), dhcp6_client_classes VARCHAR(255));
    CREATE TABLE ipv6_reservations (reservation_id INT PRIMARY KEY, address VARCHAR(39), prefix_len SMALLINT,
        type SMALLINT, dhcp6_iaid INT, host_id INT);
    CREATE TABLE dhcp4_options (option_id INT PRIMARY KEY, code INT, value $BLOB, formatted_value TEXT,
        space VARCHAR(128), persistent $BOOL, dhcp_client_class VARCHAR(128), dhcp4_subnet_id INT, host_id INT,
        scope_id SMALLINT);
    CREATE TABLE dhcp6_options (option_id INT PRIMARY KEY, code INT, value $BLOB, formatted_value TEXT,
        space VARCHAR(128), persistent $BOOL, dhcp_client_class VARCHAR(128), dhcp6_subnet_id INT, host_id INT,
        scope_id SMALLINT);
    CREATE INDEX by_identifier ON hosts (dhcp_identifier, dhcp_identifier_type);";

fn server(kind: SqlKind) -> Server {
    match kind {
        SqlKind::Mysql => Server::shared_mysql(),
        SqlKind::Postgresql => Server::shared_pgsql(),
    }
}

/// `$x:0102$` becomes bytes, `$yes$` and `$no$` truths, as the server writes them.
fn in_its_words(kind: SqlKind, text: &str) -> String {
    let mysql = kind == SqlKind::Mysql;
    let words = [
        ("$yes$", ["1", "true"]),
        ("$no$", ["0", "false"]),
        ("$BYTES", ["VARBINARY(255)", "BYTEA"]),
        ("$BLOB", ["BLOB", "BYTEA"]),
        ("$BOOL", ["BOOL", "BOOLEAN"]),
    ];
    let mut text = text.to_owned();
    for (word, [my, pg]) in words {
        text = text.replace(word, if mysql { my } else { pg });
    }
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, behind)) = rest.split_once("$x:") {
        let (hex, after) = behind.split_once('$').expect("it ends");
        out += before;
        out += &if mysql { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") };
        rest = after;
    }
    out + rest
}

fn database(kind: SqlKind, schema: Option<Schema>) -> Database {
    let database = server(kind).new_database();
    match schema {
        Some(schema) => database.create_schema(schema),
        None => {
            database.sql(&in_its_words(kind, OLD));
        }
    }
    database
}

fn all_databases() -> Vec<Database> {
    let old = KINDS.map(|kind| database(kind, None));
    old.into_iter().chain(KINDS.map(|kind| database(kind, Some(Schema::Debian)))).collect()
}

fn run(database: &Database, statements: &str) {
    database.sql(&in_its_words(database.server().kind(), statements));
}

fn open4(access: &SqlAccess) -> Box<dyn HostConnection<V4>> {
    let opened = match access.kind {
        SqlKind::Mysql => db_mysql::open_hosts4(access),
        SqlKind::Postgresql => db_pgsql::open_hosts4(access),
    };
    opened.unwrap_or_else(|error| panic!("{access}: {error}"))
}

fn open6(access: &SqlAccess) -> Box<dyn HostConnection<V6>> {
    let opened = match access.kind {
        SqlKind::Mysql => db_mysql::open_hosts6(access),
        SqlKind::Postgresql => db_pgsql::open_hosts6(access),
    };
    opened.unwrap_or_else(|error| panic!("{access}: {error}"))
}

fn of<K: libdhcpsrv::lease::LeaseKind>(
    subnets: &[u32],
    identifiers: &[(IdentifierKind, &[u8])],
) -> HostQuery<K> {
    HostQuery::Of {
        subnets: subnets.iter().map(|subnet| SubnetId(*subnet)).collect(),
        identifiers: identifiers
            .iter()
            .map(|(kind, bytes)| OwnedIdentifier { kind: *kind, bytes: (*bytes).into() })
            .collect(),
    }
}

/// The numbers of the hosts that each query gets, and the hosts by number.
fn ask<K: libdhcpsrv::lease::LeaseKind>(
    connection: &mut dyn HostConnection<K>,
    queries: &[HostQuery<K>],
) -> (Vec<Vec<u64>>, Vec<RawHost<K>>, Vec<Captured>) {
    let asked: Vec<&HostQuery<K>> = queries.iter().collect();
    let (mut numbers, mut hosts) = (vec![Vec::new(); queries.len()], Vec::new());
    let (result, log) = kea_log::capture(|| {
        connection.hosts(&asked, &mut |query, host| {
            numbers[query].push(host.number);
            hosts.push(host);
        })
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    numbers.iter_mut().for_each(|all| all.sort_unstable());
    hosts.sort_by_key(|host| host.number);
    hosts.dedup_by_key(|host| host.number);
    (numbers, hosts, log)
}

use IdentifierKind::{CircuitId, ClientId, Duid, FlexId, HwAddress};

const HW: (IdentifierKind, &[u8]) = (HwAddress, &[2, 0, 0, 0, 0, 9]);

#[test]
fn hosts_are_found_by_every_identifier_in_subnets_and_everywhere() {
    for database in all_databases() {
        run(
            &database,
            "INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, dhcp6_subnet_id) VALUES
             (1, $x:020000000009$, 0, 1, NULL), (2, $x:020000000009$, 0, 0, NULL), (3, $x:020000000009$, 0, 2, NULL),
             (4, $x:020000000009$, 1, 1, 1), (5, $x:ff00fe$, 2, 1, NULL), (6, $x:ff00fe$, 3, 1, NULL),
             (8, $x:0200000000$, 0, 1, NULL), (9, $x:020000000010$, 0, NULL, 1), (7, $x:27$, 4, 1, NULL)",
        );
        let mut connection = open4(&database.access());
        let odd: &[u8] = &[0xff, 0, 0xfe];
        let queries = [
            of(&[1], &[HW]),
            of(&[1, 0], &[HW]),
            of(&[2, 3], &[HW, (CircuitId, odd)]),
            of(&[1], &[(Duid, HW.1), (CircuitId, odd), (ClientId, odd), (FlexId, b"'")]),
            of(&[0, 1, 2], &[(HwAddress, &[2, 0, 0, 0, 0, 0x10])]),
        ];
        let expected: [&[u64]; 5] = [&[1], &[1, 2], &[3], &[4, 5, 6, 7], &[]];
        let (found, ..) = ask(&mut *connection, &queries);
        assert_eq!(found, expected, "{}", database.name());
        // Again with the statements that are prepared, and many at once.
        let many: Vec<_> = queries.iter().cycle().take(64).cloned().collect();
        let (found, ..) = ask(&mut *connection, &many);
        assert_eq!(found[5..10], found[..5]);
        assert_eq!(found[..5], expected);
        assert_eq!(ask(&mut *connection, &[]).0, Vec::<Vec<u64>>::new());
        let mut connection = open6(&database.access());
        let queries = [of(&[1], &[(Duid, HW.1)]), of(&[1], &[HW]), of(&[2], &[(Duid, HW.1)])];
        assert_eq!(ask(&mut *connection, &queries).0, [vec![4], vec![], vec![]]);
        let version = connection.schema_version();
        let old = SchemaVersion { major: 0, minor: 0 };
        assert_eq!(version == old, database.try_sql("SELECT * FROM schema_version").is_err());
    }
}

#[test]
fn everything_that_a_host_has_is_read() {
    for database in all_databases() {
        run(
            &database,
            "INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, dhcp6_subnet_id,
                ipv4_address, hostname, dhcp4_client_classes, dhcp6_client_classes)
             VALUES (1, $x:020000000009$, 0, 1, 1, 4294967294, 'b\u{fc}ro', 'gold, silver', 'bronze');
             INSERT INTO dhcp4_options (option_id, code, value, formatted_value, space, persistent, host_id, scope_id) VALUES
             (12, 6, NULL, '10.0.0.1', 'dhcp4', $no$, 1, 3), (11, 42, $x:0a000002$, NULL, NULL, $yes$, 1, 3),
             (13, 60, $x:$, '', '', $no$, 1, 3), (14, 15, NULL, 'others', NULL, $no$, NULL, 3);
             INSERT INTO dhcp6_options (option_id, code, value, formatted_value, space, persistent, host_id, scope_id) VALUES
             (21, 65535, NULL, 'v6', 'dhcp6', $no$, 1, 3);
             INSERT INTO ipv6_reservations (reservation_id, address, prefix_len, type, host_id) VALUES
             (5, '2001:db8:a::', 48, 2, 1), (3, '2001:db8::cafe', 128, 0, 1), (4, '2001:db8:0:1::', 64, 2, 1)",
        );
        let has_boot = database
            .try_sql("UPDATE hosts SET dhcp4_next_server = 167772161, dhcp4_server_hostname = 'srv', dhcp4_boot_file_name = 'img'")
            .is_ok();
        let (_, hosts, log) = ask(&mut *open4(&database.access()), &[of(&[1], &[HW])]);
        let [host] = hosts.as_slice() else { panic!("{hosts:?}, {log:?}") };
        assert_eq!(host.subnet, SubnetId(1));
        assert_eq!(host.resources.len(), 1);
        assert_eq!(host.resources[0].address, Ipv4Addr::from(0xffff_fffe));
        assert_eq!(&*host.hostname, "b\u{fc}ro".as_bytes(), "{}", database.name());
        assert_eq!(&*host.client_classes, "gold, silver");
        let options: Vec<_> = host
            .options
            .iter()
            .map(|option| {
                let OptionFlags { always_send, .. } = option.flags;
                (
                    option.number,
                    option.code,
                    option.value.as_deref(),
                    &*option.text,
                    &*option.space,
                    always_send,
                )
            })
            .collect();
        let expected = [
            (11, 42, Some([10, 0, 0, 2].as_slice()), "", "", true),
            (12, 6, None, "10.0.0.1", "dhcp4", false),
            (13, 60, Some(&[]), "", "", false),
        ];
        assert_eq!(options, expected);
        let boot = host
            .boot
            .as_deref()
            .map(|boot| (boot.next_server, &*boot.server_hostname, &*boot.boot_file_name));
        let full = (Some(Ipv4Addr::new(10, 0, 0, 1)), &b"srv"[..], &b"img"[..]);
        assert_eq!(boot, has_boot.then_some(full));

        let (_, hosts, log) = ask(&mut *open6(&database.access()), &[of(&[1], &[HW])]);
        let [host] = hosts.as_slice() else { panic!("{hosts:?}, {log:?}") };
        let resources: Vec<_> = host
            .resources
            .iter()
            .map(|own| (own.address.to_string(), own.prefix_len, own.is_prefix))
            .collect();
        let expected = [
            ("2001:db8::cafe", 128, false),
            ("2001:db8:0:1::", 64, true),
            ("2001:db8:a::", 48, true),
        ];
        assert_eq!(resources, expected.map(|(text, len, prefix)| (text.to_owned(), len, prefix)));
        assert_eq!(&*host.client_classes, "bronze");
        assert_eq!((host.options.len(), host.options[0].code), (1, 65535));
    }
}

#[test]
fn holders_are_found_by_addresses() {
    for database in all_databases() {
        run(
            &database,
            "INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, dhcp6_subnet_id, ipv4_address) VALUES
             (1, $x:01$, 0, 1, 1, 3221225984), (2, $x:02$, 0, 1, 1, 3221226047), (3, $x:03$, 0, 2, 2, 3221225985),
             (4, $x:04$, 0, 1, NULL, 3221226048), (5, $x:05$, 0, 0, NULL, 3221225990);
             INSERT INTO ipv6_reservations (reservation_id, address, prefix_len, type, host_id) VALUES
             (1, '2001:db8::1', 128, 0, 1), (2, '2001:db8:1::', 64, 2, 2), (3, '2001:db8::2', 128, 0, 3),
             (4, '::1.2.3.4', 128, 0, 1)",
        );
        let block = |subnets: &[u32]| HostQuery::<V4>::Holders {
            subnets: subnets.iter().map(|subnet| SubnetId(*subnet)).collect(),
            first: Ipv4Addr::new(192, 0, 2, 0),
            last: Ipv4Addr::new(192, 0, 2, 63),
        };
        let queries = [block(&[1]), block(&[1, 0]), of(&[1], &[(HwAddress, &[4])]), block(&[2, 3])];
        let (found, hosts, _) = ask(&mut *open4(&database.access()), &queries);
        assert_eq!(found, [vec![1, 2], vec![1, 2, 5], vec![4], vec![3]], "{}", database.name());
        assert_eq!(hosts[0].resources[0].address, Ipv4Addr::new(192, 0, 2, 0));
        let at = |text: &str, subnet: u32| {
            let address: Ipv6Addr = text.parse().unwrap();
            HostQuery::<V6>::Holders {
                subnets: [SubnetId(subnet)].into(),
                first: address,
                last: address,
            }
        };
        let queries = [
            at("2001:db8::1", 1),
            at("2001:db8:1::", 1),
            at("2001:db8::2", 1),
            at("2001:db8::2", 2),
            at("2001:db8::3", 1),
        ];
        let (found, hosts, _) = ask(&mut *open6(&database.access()), &queries);
        assert_eq!(found, [vec![1], vec![2], vec![], vec![3], vec![]]);
        assert_eq!((hosts[1].resources[0].prefix_len, hosts[1].resources[0].is_prefix), (64, true));
    }
}

#[test]
fn a_reader_of_views_is_enough() {
    for kind in KINDS {
        let database = database(kind, Some(Schema::Debian));
        run(
            &database,
            "INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, dhcp6_subnet_id, ipv4_address)
             VALUES (1, $x:020000000009$, 0, 1, 1, 42), (2, $x:020000000009$, 0, 2, 2, 43);
             INSERT INTO ipv6_reservations (reservation_id, address, prefix_len, type, host_id)
             VALUES (1, '2001:db8::1', 128, 0, 1);
             INSERT INTO dhcp4_options (option_id, code, value, host_id, scope_id) VALUES (11, 42, $x:0a000002$, 1, 3)",
        );
        for table in ["hosts", "ipv6_reservations", "dhcp4_options", "dhcp6_options"] {
            run(&database, &format!("ALTER TABLE {table} RENAME TO real_{table}"));
            run(&database, &format!("CREATE VIEW {table} AS SELECT * FROM real_{table}"));
        }
        let reader = database.new_reader();
        let mut connection = open4(&reader);
        let (found, hosts, _) = ask(&mut *connection, &[of(&[1], &[HW]), of(&[2], &[HW])]);
        assert_eq!((found, hosts[0].options.len()), (vec![vec![1], vec![2]], 1));
        let (_, hosts, _) = ask(&mut *open6(&reader), &[of(&[1], &[HW])]);
        assert_eq!(hosts[0].resources.len(), 1);
    }
}

#[test]
fn rows_that_no_server_would_have_written_are_reported_and_passed_over() {
    for kind in KINDS {
        let database = database(kind, None);
        run(
            &database,
            "INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, dhcp6_subnet_id, ipv4_address) VALUES
             (1, $x:0101$, 0, 1, 1, 5000000000), (2, $x:010101010101010101010101010101010101010101$, 0, 1, 1, 2), (3, $x:0103$, NULL, 1, 1, 3);
             INSERT INTO dhcp4_options (option_id, code, value, space, persistent, host_id, scope_id) VALUES
             (1, 70000, $x:01$, NULL, NULL, 1, 3), (2, NULL, NULL, NULL, NULL, 1, 3), (3, 6, $x:0a000001$, NULL, NULL, 1, 3);
             INSERT INTO ipv6_reservations (reservation_id, address, prefix_len, type, host_id) VALUES
             (1, 'rubbish', 128, 0, 1), (2, '2001:db8::1', 128, 1, 1), (3, '2001:db8::', 64, 0, 1),
             (4, NULL, 64, 2, 1), (5, '2001:db8::1', 64, 2, 1), (6, '2001:db8:2::', 129, 2, 1),
             (7, '2001:db8::5', 128, 0, 1), (8, '2001:db8::5', 128, 2, 1), (9, '2001:db8:7::', NULL, 2, 1),
             (10, '2001:db8:3::', 48, 2, 1)",
        );
        let long = [1; 21];
        let ids: [(IdentifierKind, &[u8]); 3] =
            [(HwAddress, &[1, 1]), (HwAddress, &long), (HwAddress, &[1, 3])];
        let mut connection = open4(&database.access());
        let (found, hosts, log) = ask(&mut *connection, &[of(&[1], &ids)]);
        assert_eq!((&found, hosts[0].resources.len()), (&vec![vec![1]], 0));
        assert_eq!(hosts[0].options.iter().map(|option| option.number).collect::<Vec<_>>(), [3]);
        let lines: Vec<&str> = log.iter().map(|line| &*line.text).collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        for part in [
            "host 1: its address 5000000000",
            "host 2: its hw-address has 21 bytes",
            "host 1: option 1:",
            "host 1: option 2:",
        ] {
            assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:?}");
        }
        assert!(ask(&mut *connection, &[of(&[1], &ids)]).2.is_empty(), "each is reported once");
        let (_, hosts, log) = ask(&mut *open6(&database.access()), &[of(&[1], &ids)]);
        let resources: Vec<_> =
            hosts[0].resources.iter().map(|own| own.address.to_string()).collect();
        assert_eq!(resources, ["2001:db8::5", "2001:db8:3::"]);
        assert_eq!(log.len(), 9, "{log:?}");
    }
}

#[test]
fn tables_that_lack_something_are_refused_with_a_remedy() {
    for kind in KINDS {
        let database = database(kind, None);
        database.sql("ALTER TABLE hosts DROP COLUMN hostname");
        let access = database.access();
        let error = match kind {
            SqlKind::Mysql => db_mysql::open_hosts4(&access).err(),
            SqlKind::Postgresql => db_pgsql::open_hosts4(&access).err(),
        };
        let error = error.expect("a column is missing");
        assert_eq!(error.fault, database::Fault::Schema);
        let text = error.to_string();
        assert!(
            text.contains("'hosts'") && text.contains("'hostname'") && text.contains("kea-admin"),
            "{text}"
        );
    }
}
