//! Servers that are away, refuse, or do not answer.

use std::time::{Duration, Instant};

use database::{DbError, Fault};
use db_testing::{Server, Settings};
use libdhcpsrv::config::{Secret, SqlAccess, SqlKind};
use libdhcpsrv::lease4::Lease4;

use crate::tables::{ALL, Tables, database, fill, open4};

fn refusal(access: &SqlAccess) -> DbError {
    db_pgsql::open_leases4(access).err().expect("it is refused")
}

fn get(
    connection: &mut dyn database::LeaseConnection<libdhcpsrv::lease4::V4>,
) -> Result<(), DbError> {
    connection.get(&["192.0.2.1".parse().unwrap()], &mut |_| {})
}

fn own_server() -> Server {
    Server::start(SqlKind::Postgresql, Settings::relaxed())
}

#[test]
fn a_wrong_password_is_refused_without_being_told() {
    let database = database(Tables::Debian);
    let secret = "wrong-Secret-77";
    let access = SqlAccess { password: Secret::new(secret), ..database.access() };
    let error = refusal(&access);
    assert_eq!((error.fault, error.code.as_str()), (Fault::Refused, "28P01"), "{error}");
    assert!(!format!("{error} {error:?} {access} {access:?}").contains(secret));
    let none = SqlAccess { password: Secret::default(), ..database.access() };
    assert_eq!(refusal(&none).fault, Fault::Refused);
    let nobody = SqlAccess { user: "nobody_here".to_owned(), ..database.access() };
    assert_eq!(refusal(&nobody).fault, Fault::Refused);
    let nowhere = SqlAccess { name: "no_such_database".to_owned(), ..database.access() };
    assert_eq!(refusal(&nowhere).fault, Fault::Refused);
}

#[test]
fn the_socket_serves_as_well() {
    let database = database(Tables::Debian);
    let access = database.access_by_socket().unwrap();
    let mut connection = db_pgsql::open_leases4(&access).unwrap();
    get(&mut *connection).unwrap();
    let nowhere = SqlAccess { host: "/nowhere".to_owned(), ..access };
    assert_eq!(refusal(&nowhere).fault, Fault::Lost);
}

/// The authority of the server's certificate, one that signed nothing here, and the server's own.
const AUTHORITY: &str = include_str!("tls/authority.pem");
const STRANGER: &str = include_str!("tls/stranger.pem");
const CERTIFICATE: &str = include_str!("tls/server.pem");
const KEY: &str = include_str!("tls/server.key");

#[test]
fn tls_is_spoken_with_whom_the_authority_knows() {
    let server = own_server();
    let database = server.new_database();
    let file = |name: &str, text: &str| {
        let path = server.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let access = SqlAccess { trust_anchor: file("authority.pem", AUTHORITY), ..database.access() };
    let error = db_pgsql::connect(&access).unwrap_err();
    assert_eq!(error.fault, Fault::Refused, "the server does not speak it: {error}");

    // In its data folder, as its user.
    for (name, text) in [("server.crt", CERTIFICATE), ("server.key", KEY)] {
        let lines: Vec<_> = text.lines().map(|line| format!("('{line}')")).collect();
        server.sql(
            None,
            &format!("COPY (VALUES {}) TO PROGRAM 'umask 077; cat > {name}'", lines.join(", ")),
        );
    }
    server.sql(None, "ALTER SYSTEM SET ssl = on");
    server.kill();
    server.start_again();

    let mut client = db_pgsql::connect(&access).unwrap();
    let asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let asked = client.prepare("ssl", asked).unwrap();
    let rows = client.query(&asked, &[]).unwrap();
    assert!(rows[0].get::<_, bool>(0));

    let stranger = SqlAccess { trust_anchor: file("stranger.pem", STRANGER), ..access.clone() };
    let error = db_pgsql::connect(&stranger).unwrap_err();
    assert_eq!(error.fault, Fault::Refused, "{error}");
    let renamed = SqlAccess { host: "localhost".to_owned(), ..access };
    let error = db_pgsql::connect(&renamed).unwrap_err();
    assert_eq!(error.fault, Fault::Refused, "the certificate is for another name: {error}");
}

#[test]
fn missing_tables_and_columns_are_told() {
    let database = database(Tables::Oldest);
    database.sql("ALTER TABLE lease4 DROP COLUMN state");
    let error = refusal(&database.access());
    assert_eq!(error.fault, Fault::Schema);
    let told = error.to_string();
    assert!(told.contains("'lease4'") && told.contains("'state'"), "{told}");
    assert!(told.contains("kea-admin db-upgrade pgsql"), "{told}");

    database.sql("ALTER TABLE lease4 ADD COLUMN state TEXT");
    let told = refusal(&database.access()).to_string();
    assert!(told.contains("'state'") && told.contains("'text'"), "{told}");

    database.sql("DROP TABLE lease4");
    let told = refusal(&database.access()).to_string();
    assert!(told.contains("'lease4'") && told.contains("kea-admin db-init pgsql"), "{told}");
    db_pgsql::open_leases6(&database.access()).unwrap();

    database.sql("DELETE FROM schema_version");
    assert_eq!(refusal(&database.access()).fault, Fault::Schema);
    database.sql("DROP TABLE schema_version");
    assert_eq!(refusal(&database.access()).fault, Fault::Schema);
}

#[test]
fn tables_that_are_altered_meanwhile_cost_the_connection() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    get(&mut *connection).unwrap();
    database.sql("ALTER TABLE lease4 RENAME COLUMN hostname TO name");
    let error = get(&mut *connection).unwrap_err();
    assert!(matches!(error.fault, Fault::Schema | Fault::Lost), "{error}");
}

#[test]
fn a_reader_reads_and_nothing_else() {
    let database = database(Tables::Debian);
    let mut connection = db_pgsql::open_leases4(&database.new_reader()).unwrap();
    get(&mut *connection).unwrap();
    let lease = Lease4 { hw: vec![1; 6], ..Lease4::default() };
    let error = connection.insert(&[&lease]).unwrap_err();
    assert!(matches!(error.fault, Fault::Refused | Fault::ReadOnly), "{error}");
}

#[test]
fn a_server_that_may_not_be_written_to_is_noticed() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    let read_only =
        format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
    database.sql_as_administrator(&read_only);
    assert_eq!(refusal(&database.access()).fault, Fault::ReadOnly);
    let reading = SqlAccess { read_only: true, ..database.access() };
    db_pgsql::open_leases4(&reading).unwrap();
    // The session that is there already does not know; a server that changes its role tells it.
    get(&mut *connection).unwrap();
}

#[test]
fn a_killed_server_is_noticed_at_once() {
    let server = own_server();
    let database = server.new_database();
    fill(&database, Tables::Oldest);
    let mut connection = open4(&database);
    let lease = Lease4 { hw: vec![1; 6], ..Lease4::default() };
    connection.begin().unwrap();
    connection.insert(&[&lease]).unwrap();
    server.kill();
    let error = connection.commit().unwrap_err();
    assert!(error.is_lost(), "{error:?}");
    assert_eq!(get(&mut *connection).unwrap_err().fault, Fault::Lost, "it stays lost");
    assert_eq!(refusal(&database.access()).fault, Fault::Lost);
    server.start_again();
    let mut connection = open4(&database);
    assert_eq!(connection.insert(&[&lease]).unwrap(), [true], "it had not been committed");
}

#[test]
fn a_session_that_is_ended_by_the_server_is_lost() {
    let database = database(Tables::Oldest);
    let mut connection = open4(&database);
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = '{}' AND pid <> pg_backend_pid()",
        database.name()
    );
    assert_eq!(database.sql_as_administrator(&end).trim(), "t");
    let error = get(&mut *connection).unwrap_err();
    assert_eq!(error.fault, Fault::Lost, "{error}");
}

#[test]
fn a_paused_server_is_given_up() {
    let server = own_server();
    let database = server.new_database();
    fill(&database, Tables::Oldest);
    let access = SqlAccess { read_timeout_s: 1, connect_timeout_s: 1, ..database.access() };
    let mut connection = db_pgsql::open_leases4(&access).unwrap();
    server.pause();
    let begun = Instant::now();
    let error = get(&mut *connection).unwrap_err();
    assert_eq!(error.fault, Fault::Lost, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(get(&mut *connection).unwrap_err().fault, Fault::Lost);
    let error = refusal(&access);
    assert_eq!(error.fault, Fault::Lost, "{error}");
    server.resume();
    let mut connection = db_pgsql::open_leases4(&access).unwrap();
    get(&mut *connection).unwrap();
}

fn lease(last: u8) -> Lease4 {
    Lease4 {
        address: [192, 0, 2, last].into(),
        hw: vec![1; 6],
        valid_lifetime: 60,
        ..Lease4::default()
    }
}

#[test]
fn two_transactions_in_each_others_way_may_try_again() {
    let database = database(Tables::Oldest);
    let (mut one, mut other) = (open4(&database), open4(&database));
    one.begin().unwrap();
    other.begin().unwrap();
    one.insert(&[&lease(1)]).unwrap();
    other.insert(&[&lease(2)]).unwrap();
    let thread = std::thread::spawn(move || {
        let result = other.insert(&[&lease(1)]);
        result.and_then(|made| other.commit().map(|()| made))
    });
    let result = one.insert(&[&lease(2)]).and_then(|made| one.commit().map(|()| made));
    let results = [result, thread.join().unwrap()];
    let faults: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(!faults.is_empty(), "{results:?}");
    // Whichever the server finds first: that they wait for each other, or that one has waited for too long.
    for fault in faults {
        assert!(matches!(fault.fault, Fault::Retry | Fault::Locked), "{fault}");
    }
    assert!(results.iter().flatten().all(|made| *made == [true]));
}

#[test]
fn rows_that_somebody_holds_are_passed_over() {
    for tables in ALL {
        let database = database(tables);
        let (mut one, mut other) = (open4(&database), open4(&database));
        let renewed = |last| Lease4 { cltt: 1, ..lease(last) };
        one.insert(&[&lease(1), &lease(2), &lease(3)]).unwrap();
        one.begin().unwrap();
        assert_eq!(one.update(&[(&lease(2), &renewed(2))]).unwrap(), [true]);
        for is_patient in [true, false] {
            other.set_patient(is_patient).unwrap();
            let pairs = [1, 2, 3].map(|last| (lease(last), lease(last)));
            let pairs: Vec<_> = pairs.iter().map(|(old, new)| (old, new)).collect();
            assert_eq!(other.update(&pairs).unwrap(), [true, false, true], "{tables:?}");
        }
        let all = [lease(1), lease(2), lease(3)];
        let all: Vec<_> = all.iter().collect();
        assert_eq!(other.delete(&all).unwrap(), [true, false, true], "{tables:?}");
        one.commit().unwrap();
        assert_eq!(other.update(&[(&renewed(2), &lease(2))]).unwrap(), [true]);
    }
}
