//! The tables of Kea 1.1, version 5.0: no user contexts, no pools, other indexes.

use std::net::{Ipv4Addr, Ipv6Addr};

use database::{SchemaVersion, Wanted};
use db_mysql::{open_leases4, open_leases6};
use db_testing::{Database, Durability, Server};
use libdhcpsrv::config::SqlKind;
use libdhcpsrv::lease::{LeaseState, SubnetId};
use libdhcpsrv::lease4::{Lease4, OwnedClientKey};
use libdhcpsrv::lease6::{Lease6, OwnedClientKey6};

const TABLES: &str = "
    CREATE TABLE schema_version (version INT PRIMARY KEY, minor INT);
    INSERT INTO schema_version VALUES (5, 0);
    CREATE TABLE lease_state (state INT UNSIGNED PRIMARY KEY, name VARCHAR(64) NOT NULL);
    INSERT INTO lease_state VALUES (0, 'default'), (1, 'declined'), (2, 'expired-reclaimed');
    CREATE TABLE lease_hwaddr_source (hwaddr_source INT UNSIGNED PRIMARY KEY, name VARCHAR(40));
    INSERT INTO lease_hwaddr_source VALUES (0, 'HWADDR_SOURCE_UNKNOWN'), (1, 'HWADDR_SOURCE_RAW');
    CREATE TABLE lease4 (
        address INT UNSIGNED PRIMARY KEY, hwaddr VARBINARY(20), client_id VARBINARY(128),
        valid_lifetime INT UNSIGNED, expire TIMESTAMP NULL, subnet_id INT UNSIGNED,
        fqdn_fwd BOOL, fqdn_rev BOOL, hostname VARCHAR(255), state INT UNSIGNED DEFAULT 0,
        KEY lease4_by_hwaddr_subnet_id (hwaddr, subnet_id),
        KEY lease4_by_client_id_subnet_id (client_id, subnet_id),
        KEY lease4_by_state_expire (state, expire),
        FOREIGN KEY (state) REFERENCES lease_state (state));
    CREATE TABLE lease6 (
        address VARCHAR(39) PRIMARY KEY, duid VARBINARY(128), valid_lifetime INT UNSIGNED,
        expire TIMESTAMP NULL, subnet_id INT UNSIGNED, pref_lifetime INT UNSIGNED,
        lease_type TINYINT, iaid INT UNSIGNED, prefix_len TINYINT UNSIGNED, fqdn_fwd BOOL,
        fqdn_rev BOOL, hostname VARCHAR(255), hwaddr VARBINARY(20), hwtype SMALLINT UNSIGNED,
        hwaddr_source INT UNSIGNED, state INT UNSIGNED DEFAULT 0,
        KEY lease6_by_iaid_subnet_id_duid (iaid, subnet_id, duid),
        KEY lease6_by_state_expire (state, expire),
        FOREIGN KEY (state) REFERENCES lease_state (state),
        FOREIGN KEY (hwaddr_source) REFERENCES lease_hwaddr_source (hwaddr_source));";

fn tables() -> Database {
    let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
    database.sql(TABLES);
    database
}

#[test]
fn leases4_are_kept() {
    let database = tables();
    let mut connection = open_leases4(&database.access()).unwrap();
    assert_eq!(connection.schema_version(), SchemaVersion { major: 5, minor: 0 });
    let leases: Vec<_> = (1..=70_u32)
        .map(|number| Lease4 {
            address: Ipv4Addr::from(0xc000_0200 + number),
            hw: number.to_be_bytes().to_vec(),
            valid_lifetime: 60,
            cltt: 1_800_000_000,
            subnet_id: SubnetId(1),
            user_context: b"{}".to_vec(),
            pool_id: 9,
            ..Lease4::default()
        })
        .collect();
    let refs: Vec<_> = leases.iter().collect();
    assert_eq!(connection.insert(&refs).unwrap(), [true; 70]);
    // What the tables have no place for is lost, and no change depends on it.
    let reclaimed: Vec<_> = leases
        .iter()
        .map(|lease| Lease4 { state: LeaseState::ExpiredReclaimed, ..lease.clone() })
        .collect();
    let pairs: Vec<_> = refs.iter().copied().zip(&reclaimed).collect();
    assert_eq!(connection.update(&pairs).unwrap(), [true; 70]);
    let client = OwnedClientKey { hw_type: 1, hw: leases[3].hw.clone(), client_id: b"x".to_vec() };
    let mut found = Vec::new();
    let wanted = [Wanted { client, subnet: SubnetId(1) }];
    connection.find(&wanted, &mut |_, lease| found.push(lease)).unwrap();
    let stored = Lease4 { user_context: Vec::new(), pool_id: 0, ..reclaimed[3].clone() };
    assert_eq!(found, [stored]);
    assert_eq!(connection.delete_reclaimed(1_800_000_061, 100).unwrap(), 70);
}

#[test]
fn leases6_are_kept() {
    let database = tables();
    let mut connection = open_leases6(&database.access()).unwrap();
    let leases: Vec<_> = (1..=70_u32)
        .map(|number| Lease6 {
            address: Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(number)),
            duid: number.to_be_bytes().to_vec(),
            iaid: 1,
            valid_lifetime: 60,
            cltt: 1_800_000_000,
            subnet_id: SubnetId(1),
            ..Lease6::default()
        })
        .collect();
    let refs: Vec<_> = leases.iter().collect();
    assert_eq!(connection.insert(&refs).unwrap(), [true; 70]);
    let wanted: Vec<_> = leases
        .iter()
        .map(|lease| Wanted {
            client: OwnedClientKey6 {
                lease_type: lease.lease_type,
                duid: lease.duid.clone(),
                iaid: lease.iaid,
            },
            subnet: lease.subnet_id,
        })
        .collect();
    let mut found = Vec::new();
    connection.find(&wanted, &mut |at, lease| found.push((at, lease))).unwrap();
    found.sort_by_key(|(at, _)| *at);
    assert_eq!(found, leases.iter().cloned().enumerate().collect::<Vec<_>>());
    assert_eq!(connection.expired(1_800_000_061, 0, 10).unwrap().leases.len(), 10);
    assert_eq!(connection.delete(&refs).unwrap(), [true; 70]);
}
