//! DHCPv6 leases in the tables that Debian's Kea makes, and with addresses of 16 bytes as newer ones have.

use std::net::Ipv6Addr;

use database::{Counted, LeaseConnection, Wanted};
use db_mysql::open_leases6;
use db_testing::{Database, Durability, Schema, Server};
use libdhcpsrv::config::SqlKind;
use libdhcpsrv::lease::{INFINITE, LeaseState, LeaseType, SubnetId};
use libdhcpsrv::lease6::{Lease6, NO_DUID, OwnedClientKey6, V6};

type Connection = Box<dyn LeaseConnection<V6>>;

const NOW_S: i64 = 1_800_000_000;

fn open() -> (Database, Connection) {
    let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
    database.create_schema(Schema::Debian);
    let connection = open_leases6(&database.access()).unwrap();
    (database, connection)
}

/// The tables with what Kea has added since.
fn open_newer() -> (Database, Connection) {
    let (database, _) = open();
    database.sql(
        "ALTER TABLE lease6 MODIFY COLUMN address BINARY(16) NOT NULL,
            ADD COLUMN pool_id INT UNSIGNED NOT NULL DEFAULT 0;
         UPDATE schema_version SET version = 35, minor = 0;
         INSERT INTO lease_state VALUES (3, 'released'), (4, 'registered');",
    );
    let connection = open_leases6(&database.access()).unwrap();
    (database, connection)
}

fn lease(number: u32) -> Lease6 {
    Lease6 {
        address: Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(number)),
        duid: [[0, 3, 0, 1].as_slice(), &number.to_be_bytes()].concat(),
        iaid: 0xffff_0001,
        hw_type: 1,
        hw_source: 2,
        hw: [[2, 0].as_slice(), &number.to_be_bytes()].concat(),
        valid_lifetime: 3600,
        preferred_lifetime: 1800,
        cltt: NOW_S,
        subnet_id: SubnetId(1),
        hostname: format!("host-{number}.example").into_bytes(),
        ..Lease6::default()
    }
}

fn prefix(number: u32) -> Lease6 {
    Lease6 {
        address: Ipv6Addr::from(0x3fff_u128 << 112 | u128::from(number) << 72),
        prefix_len: 56,
        lease_type: LeaseType::Pd,
        hw: Vec::new(),
        hw_type: 0,
        hw_source: 0,
        ..lease(number)
    }
}

fn all(connection: &mut Connection) -> Vec<Lease6> {
    let (leases, next) = connection.page(None, 10_000).unwrap();
    assert_eq!(next, None);
    leases
}

fn insert(connection: &mut Connection, leases: &[Lease6]) -> Vec<bool> {
    connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap()
}

fn wanted(lease: &Lease6) -> Wanted<V6> {
    let client = OwnedClientKey6 {
        lease_type: lease.lease_type,
        duid: lease.duid.clone(),
        iaid: lease.iaid,
    };
    Wanted { client, subnet: lease.subnet_id }
}

fn round_trip(mut connection: Connection) {
    let mut leases: Vec<_> = (1..=300).map(lease).collect();
    leases[0].user_context = br#"{"a": 1}"#.to_vec();
    leases[1].valid_lifetime = INFINITE;
    leases[2].duid = NO_DUID.to_vec();
    leases[2].state = LeaseState::Declined;
    leases[3].lease_type = LeaseType::Ta;
    leases[4] = prefix(5);
    assert_eq!(insert(&mut connection, &leases), [true; 300]);
    assert_eq!(insert(&mut connection, &leases[..7]), [false; 7]);
    let mut stored = all(&mut connection);
    stored.sort_by_key(|lease| lease.address);
    let mut sorted = leases.clone();
    sorted.sort_by_key(|lease| lease.address);
    assert_eq!(stored, sorted);

    let clients: Vec<_> = leases.iter().map(wanted).collect();
    let mut found = vec![Vec::new(); 300];
    connection.find(&clients, &mut |at, lease| found[at].push(lease)).unwrap();
    for (lease, found) in leases.iter().zip(&found) {
        assert_eq!(std::slice::from_ref(lease), found.as_slice());
    }
    let mut got = 0;
    let addresses: Vec<_> = leases.iter().map(|lease| lease.address).collect();
    connection.get(&addresses, &mut |_| got += 1).unwrap();
    assert_eq!(got, 300);

    let new: Vec<_> =
        leases.iter().map(|lease| Lease6 { cltt: NOW_S + 1, ..lease.clone() }).collect();
    let pairs: Vec<_> = leases.iter().zip(&new).collect();
    assert_eq!(connection.update(&pairs).unwrap(), [true; 300]);
    assert_eq!(connection.update(&pairs).unwrap(), [false; 300]);
    let (mut walked, mut after) = (0, None);
    loop {
        let (page, next) = connection.page(after, 64).unwrap();
        walked += page.len();
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(walked, 300);
    assert_eq!(connection.delete(&new.iter().collect::<Vec<_>>()).unwrap(), [true; 300]);
    assert_eq!(all(&mut connection), []);
}

#[test]
fn leases_go_round_with_addresses_as_text() {
    round_trip(open().1);
}

#[test]
fn leases_go_round_with_addresses_as_bytes() {
    let (_database, connection) = open_newer();
    assert_eq!(connection.schema_version().to_string(), "35.0");
    round_trip(connection);
}

#[test]
fn rows_are_as_kea_writes_them() {
    let (database, mut connection) = open();
    let bare = Lease6 { hostname: Vec::new(), ..prefix(1) };
    insert(&mut connection, &[lease(1), bare]);
    let rows = database.sql(
        "SELECT address, HEX(duid), iaid, prefix_len, hostname, HEX(hwaddr), hwtype, hwaddr_source,
            user_context FROM lease6 ORDER BY address;",
    );
    assert_eq!(
        rows,
        "2001:db8::1\t0003000100000001\t4294901761\t128\thost-1.example\t020000000001\t1\t2\tNULL\n\
         3fff:0:0:100::\t0003000100000001\t4294901761\t56\t\tNULL\tNULL\tNULL\tNULL\n"
    );
}

#[test]
fn clients_are_told_apart_by_subnet_type_and_iaid() {
    let (_database, mut connection) = open();
    let address = |number: u32| lease(number).address;
    let mine = lease(1);
    let leases = [
        mine.clone(),
        Lease6 { address: address(2), ..mine.clone() },
        Lease6 { address: address(3), iaid: 7, ..mine.clone() },
        Lease6 { address: address(4), subnet_id: SubnetId(2), ..mine.clone() },
        Lease6 { address: address(5), lease_type: LeaseType::Ta, ..mine.clone() },
    ];
    insert(&mut connection, &leases);
    let mut found = Vec::new();
    connection.find(&[wanted(&mine)], &mut |_, lease| found.push(lease.address)).unwrap();
    found.sort_unstable();
    assert_eq!(found, [address(1), address(2)]);
}

#[test]
fn change_depends_on_every_column_but_the_texts() {
    let (_database, mut connection) = open_newer();
    let stored = lease(1);
    insert(&mut connection, std::slice::from_ref(&stored));
    let new = Lease6 { cltt: NOW_S + 5, ..stored.clone() };
    let different = [
        Lease6 { lease_type: LeaseType::Pd, prefix_len: 64, ..stored.clone() },
        Lease6 { lease_type: LeaseType::Ta, ..stored.clone() },
        Lease6 { duid: b"x".to_vec(), ..stored.clone() },
        Lease6 { iaid: 1, ..stored.clone() },
        Lease6 { hw: b"x".to_vec(), ..stored.clone() },
        Lease6 { hw_type: 6, ..stored.clone() },
        Lease6 { hw_source: 1, ..stored.clone() },
        Lease6 { valid_lifetime: 3601, cltt: NOW_S - 1, ..stored.clone() },
        Lease6 { preferred_lifetime: 1, ..stored.clone() },
        Lease6 { cltt: NOW_S + 1, ..stored.clone() },
        Lease6 { subnet_id: SubnetId(2), ..stored.clone() },
        Lease6 { fqdn_fwd: true, ..stored.clone() },
        Lease6 { fqdn_rev: true, ..stored.clone() },
        Lease6 { state: LeaseState::Registered, ..stored.clone() },
        Lease6 { pool_id: 3, ..stored.clone() },
    ];
    for old in &different {
        assert_eq!(connection.update(&[(old, &new)]).unwrap(), [false], "{old:?}");
        assert_eq!(connection.delete(&[old]).unwrap(), [false], "{old:?}");
    }
    let other_texts = Lease6 { hostname: Vec::new(), ..stored };
    assert_eq!(connection.update(&[(&other_texts, &new)]).unwrap(), [true]);
    assert_eq!(all(&mut connection), [new]);
}

#[test]
fn prefixes_cover_what_is_behind_them() {
    let (_database, mut connection) = open();
    insert(&mut connection, &[lease(1), prefix(1)]);
    let mut held = Vec::new();
    connection.held(NOW_S, &mut |first, last| held.push((first, last))).unwrap();
    held.sort_unstable();
    let (first, second) = (u128::from(lease(1).address), u128::from(prefix(1).address));
    assert_eq!(held, [(first, first), (second, second | ((1 << 72) - 1))]);
    let mut ended = 0;
    connection.ended(NOW_S + 3600, NOW_S + 3601, &mut |_, _| ended += 1).unwrap();
    assert_eq!(ended, 2);
    let mut counted = connection.count().unwrap();
    counted.sort_unstable();
    let line = |lease_type| Counted {
        subnet_id: SubnetId(1),
        lease_type,
        pool_id: 0,
        state: LeaseState::Default,
        count: 1,
    };
    assert_eq!(counted, [line(LeaseType::Na), line(LeaseType::Pd)]);
    assert_eq!(connection.expired(NOW_S + 3601, 0, 1).unwrap().leases.len(), 1);
}

#[test]
fn malformed_rows_are_passed_over_in_walks_too() {
    let (database, mut connection) = open();
    insert(&mut connection, &(1..=6).map(lease).collect::<Vec<_>>());
    database.sql(
        "UPDATE lease6 SET address = 'no address' WHERE address = '2001:db8::2';
         UPDATE lease6 SET address = 'none either' WHERE address = '2001:db8::3';
         UPDATE lease6 SET prefix_len = 200 WHERE address = '2001:db8::4';
         UPDATE lease6 SET iaid = NULL WHERE address = '2001:db8::5';",
    );
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = connection.page(after, 1).unwrap();
        walked.extend(page);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(walked, [lease(1), lease(6)]);
    let mut held = 0;
    connection.held(NOW_S, &mut |_, _| held += 1).unwrap();
    assert_eq!(held, 3);
}

#[test]
fn origin_that_the_tables_do_not_know_is_none() {
    let (_database, mut connection) = open();
    let strange = Lease6 { hw_source: 4096, ..lease(1) };
    assert_eq!(insert(&mut connection, &[lease(2), strange.clone()]), [true, true]);
    assert_eq!(all(&mut connection)[0].hw_source, 0);
    assert_eq!(connection.update(&[(&strange, &lease(1))]).unwrap(), [true]);
    assert_eq!(all(&mut connection)[0], lease(1));
}
