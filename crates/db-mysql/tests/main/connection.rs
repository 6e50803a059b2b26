//! Connections that cannot be made, and connections that end.

use database::Fault;
use db_mysql::{connect, open_leases4};
use db_testing::{Database, Durability, Schema, Server, Settings};
use libdhcpsrv::config::{Secret, SqlAccess, SqlKind};

fn with_schema(server: &Server) -> Database {
    let database = server.new_database();
    database.create_schema(Schema::Debian);
    database
}

fn own_server() -> Server {
    Server::start(SqlKind::Mysql, Settings::relaxed())
}

#[test]
fn session_is_in_utc_strict_and_reads_what_is_committed() {
    use mysql::prelude::Queryable;
    let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
    let mut connection = connect(&database.access()).unwrap();
    let row: Option<(String, String, String)> =
        connection.query_first("SELECT @@time_zone, @@sql_mode, @@tx_isolation").unwrap();
    let (zone, mode, isolation) = row.unwrap();
    assert_eq!(zone, "+00:00");
    assert!(mode.contains("STRICT_ALL_TABLES"), "{mode}");
    assert_eq!(isolation, "READ-COMMITTED");
}

#[test]
fn wrong_password_is_refused_and_not_told() {
    let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
    let access = SqlAccess { password: Secret::new("not-the-Passw0rd"), ..database.access() };
    let error = connect(&access).unwrap_err();
    assert_eq!(error.fault, Fault::Refused);
    assert!(error.code.starts_with("1045/"), "{error}");
    let told = format!("{error} {error:?}");
    assert!(!told.contains("not-the-Passw0rd"), "{told}");
    assert!(!told.contains(database.access().password.reveal()), "{told}");
}

#[test]
fn unknown_database_is_refused() {
    let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
    let access = SqlAccess { name: "nothing_of_the_kind".to_owned(), ..database.access() };
    assert_eq!(connect(&access).unwrap_err().fault, Fault::Refused);
}

#[test]
fn database_without_tables_is_no_schema() {
    let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
    let error = open_leases4(&database.access()).map(drop).unwrap_err();
    assert_eq!(error.fault, Fault::Schema);
    assert!(error.to_string().contains("kea-admin"), "{error}");
}

#[test]
fn missing_column_is_named() {
    let database = with_schema(&Server::shared(SqlKind::Mysql, Durability::Relaxed));
    database.sql("ALTER TABLE lease4 DROP COLUMN fqdn_rev;");
    let error = open_leases4(&database.access()).map(drop).unwrap_err();
    assert_eq!(error.fault, Fault::Schema);
    assert!(error.to_string().contains("'fqdn_rev'"), "{error}");
    assert!(error.to_string().contains("14.0"), "{error}");
}

#[test]
fn nobody_listening_is_lost() {
    let server = own_server();
    let database = server.new_database();
    server.kill();
    assert_eq!(connect(&database.access()).unwrap_err().fault, Fault::Lost);
}

#[test]
fn missing_socket_is_lost() {
    let access = SqlAccess {
        host: "/nonexistent/mysqld.sock".to_owned(),
        ..SqlAccess::new(SqlKind::Mysql, "kea")
    };
    assert_eq!(connect(&access).unwrap_err().fault, Fault::Lost);
}

#[test]
fn killed_server_is_lost_and_comes_back() {
    let server = own_server();
    let database = with_schema(&server);
    let mut leases = open_leases4(&database.access()).unwrap();
    leases.begin().unwrap();
    server.kill();
    let error = leases.get(&["192.0.2.1".parse().unwrap()], &mut |_| {}).unwrap_err();
    assert_eq!(error.fault, Fault::Lost, "{error}");
    server.start_again();
    open_leases4(&database.access()).unwrap();
}

#[test]
fn paused_server_is_lost_after_the_read_timeout() {
    let server = own_server();
    let database = with_schema(&server);
    let access = SqlAccess { read_timeout_s: 1, ..database.access() };
    let mut leases = open_leases4(&access).unwrap();
    server.pause();
    let error = leases.get(&["192.0.2.1".parse().unwrap()], &mut |_| {}).unwrap_err();
    assert_eq!(error.fault, Fault::Lost, "{error}");
    // The kernel takes the connection, but nobody greets.
    let error = connect(&access).unwrap_err();
    server.resume();
    assert_eq!(error.fault, Fault::Lost, "{error}");
}

#[test]
fn replica_is_read_only_unless_nothing_is_written() {
    let server = own_server();
    let database = with_schema(&server);
    let mut leases = open_leases4(&database.access()).unwrap();
    server.sql(None, "SET GLOBAL read_only = 1;");
    let error = connect(&database.access()).unwrap_err();
    assert_eq!(error.fault, Fault::ReadOnly, "{error}");
    let reader = SqlAccess { read_only: true, ..database.access() };
    open_leases4(&reader).unwrap();
    let lease = crate::lease4::lease(1);
    let error = leases.insert(&[&lease]).unwrap_err();
    assert_eq!(error.fault, Fault::ReadOnly, "{error}");
    server.sql(None, "SET GLOBAL read_only = 0;");
}

#[test]
fn user_who_may_only_read_reads() {
    let database = with_schema(&Server::shared(SqlKind::Mysql, Durability::Relaxed));
    let reader = database.new_reader();
    let mut leases = open_leases4(&reader).unwrap();
    assert_eq!(leases.count().unwrap(), []);
    let error = leases.insert(&[&crate::lease4::lease(1)]).unwrap_err();
    assert_eq!(error.fault, Fault::Refused, "{error}");
}

#[test]
fn missing_certificates_are_named() {
    let access = SqlAccess {
        host: "127.0.0.1".to_owned(),
        trust_anchor: "/nonexistent/ca.pem".to_owned(),
        ..SqlAccess::new(SqlKind::Mysql, "kea")
    };
    let error = connect(&access).unwrap_err();
    assert_eq!(error.fault, Fault::Refused);
    assert!(error.to_string().contains("/nonexistent/ca.pem"), "{error}");
}

#[test]
fn server_without_tls_is_refused_where_it_is_wanted() {
    let server = Server::start(SqlKind::Mysql, Settings::relaxed().with("skip_ssl", "1"));
    let database = server.new_database();
    let access = SqlAccess {
        trust_anchor: format!("{}/src/lib.rs", env!("CARGO_MANIFEST_DIR")),
        ..database.access()
    };
    assert_eq!(connect(&access).unwrap_err().fault, Fault::Refused);
}

#[test]
fn batch_of_leases_is_one_transaction() {
    let server = own_server();
    let database = with_schema(&server);
    let mut leases = open_leases4(&database.access()).unwrap();
    let status = || {
        let asked = "SELECT variable_value FROM information_schema.global_status \
                     WHERE variable_name IN ('COM_BEGIN', 'COM_COMMIT') ORDER BY variable_name;";
        let told = server.sql(None, asked);
        told.split_whitespace().map(|word| word.parse().unwrap()).collect::<Vec<u64>>()
    };
    // Sent at once it needs no transaction.
    let batch: Vec<_> = (0..164).map(crate::lease4::lease).collect();
    for (range, transactions) in [(0..64, 0), (64..164, 0)] {
        let before = status();
        let rows: Vec<_> = batch[range].iter().collect();
        assert_eq!(leases.insert(&rows).unwrap(), vec![true; rows.len()]);
        let ends: Vec<u64> = before.iter().map(|count| count + transactions).collect();
        assert_eq!(status(), ends, "{} rows", rows.len());
    }
    // Rows that are there do not make several of it.
    let before = status();
    let again: Vec<_> = (36..100).chain(200..228).map(crate::lease4::lease).collect();
    let rows: Vec<_> = again.iter().collect();
    let made = leases.insert(&rows).unwrap();
    assert_eq!(made.iter().filter(|made| **made).count(), 28);
    assert_eq!(status(), before.iter().map(|count| count + 1).collect::<Vec<u64>>());
}

#[test]
fn old_row_that_somebody_holds_does_not_keep_others() {
    use libdhcpsrv::lease::LeaseState;
    let database = with_schema(&Server::shared(SqlKind::Mysql, Durability::Relaxed));
    let mut one = open_leases4(&database.access()).unwrap();
    let mut other = open_leases4(&database.access()).unwrap();
    let rows: Vec<_> = (1..=3)
        .map(|number| libdhcpsrv::lease4::Lease4 {
            state: LeaseState::ExpiredReclaimed,
            cltt: i64::from(number),
            ..crate::lease4::lease(number)
        })
        .collect();
    one.insert(&rows.iter().collect::<Vec<_>>()).unwrap();
    one.begin().unwrap();
    assert_eq!(one.update(&[(&rows[0], &rows[0])]).unwrap(), [true]);
    assert_eq!(other.delete_reclaimed(1_000_000, 10).unwrap(), 2);
    one.commit().unwrap();
    assert_eq!(other.delete_reclaimed(1_000_000, 10).unwrap(), 1);
}
