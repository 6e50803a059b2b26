//! Databases that cannot be used: the start ends with a reason that an administrator understands, and without a secret.

use super::*;

claims! {
    a_wrong_password_is_told_without_it
    a_database_that_does_not_exist_is_named
    a_database_without_tables_is_refused
    a_table_without_a_column_is_refused_with_its_name
    no_check_of_a_configuration_shows_a_password
}

/// Starts a server that must not start; tries would not help and are not made.
#[track_caller]
fn start(net: &Net, config: &Config) -> (Server, String) {
    let mut server = Server::spawn(&net.server, net.path(), config);
    let log = refused(&mut server);
    (server, log)
}

/// Members that would make it try again.
const PATIENT: [&str; 3] =
    ["\"max-reconnect-tries\": 2", "\"reconnect-wait-time\": 50", "\"retry-on-startup\": true"];

fn a_wrong_password_is_told_without_it(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let mut config = site.config(&net, &database, &[]);
    for member in config.sql.iter_mut().flatten() {
        if member.starts_with("\"password\"") {
            *member = "\"password\": \"Pass.wrong.one\"".to_owned();
        }
    }
    let (server, log) = start(&net, &config);
    assert!(log.contains(&database.access().user), "{log}");
    assert_no_secret(&server, &database);
}

fn a_database_that_does_not_exist_is_named(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let mut config = site.config(&net, &database, &[]);
    for member in config.sql.iter_mut().flatten() {
        if member.starts_with("\"name\"") {
            *member = "\"name\": \"no_such_leases\"".to_owned();
        }
    }
    let (server, log) = start(&net, &config);
    assert!(log.contains("no_such_leases"), "{log}");
    assert_no_secret(&server, &database);
}

fn a_database_without_tables_is_refused(site: Site) {
    let net = Net::pair_of(site.family);
    let database = DbServer::shared(site.kind, Durability::Relaxed).new_database();
    let (server, log) = start(&net, &site.config(&net, &database, &PATIENT));
    assert!(log.contains("schema_version") || log.contains(site.table()), "{log}");
    assert!(!log.contains("DHCPSRV_SQL_START_RETRY"), "trying again does not help:\n{log}");
    assert_no_secret(&server, &database);
}

fn a_table_without_a_column_is_refused_with_its_name(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let config = site.config(&net, &database, &PATIENT);
    let rename = |from: &str, to: &str| {
        let table = site.table();
        database.sql(&format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to};\n"));
    };
    rename("hostname", "name_of_host");
    let (server, log) = start(&net, &config);
    assert!(log.contains("hostname") && log.contains(site.table()), "{log}");
    assert!(!log.contains("DHCPSRV_SQL_START_RETRY"), "trying again does not help:\n{log}");
    assert_no_secret(&server, &database);
    rename("name_of_host", "hostname");
    assert!(Server::start(&net, &config).stop().success());
}

#[test]
fn a_row_that_is_no_lease_is_reported_and_passed_over() {
    for kind in [SqlKind::Mysql, SqlKind::Postgresql] {
        for family in [Family::V4, Family::V6] {
            row_that_is_no_lease(Site { kind, family });
        }
    }
}

fn row_that_is_no_lease(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let mut config = site.config(&net, &database, &[]);
    config.subnets = vec![crate::main::both::subnet(site.family, 0, 1)];
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let given = peer.acquire();
    let nobody = match site.family {
        Family::V4 => "hwaddr = NULL, client_id = NULL, valid_lifetime = NULL",
        Family::V6 => "duid = NULL, valid_lifetime = NULL",
    };
    database.sql(&format!("UPDATE {} SET {nobody};\n", site.table()));
    let before = site.rows(&database);
    peer.until_offered_an_address(wait::secs(5));
    assert_ne!(peer.acquire(), given, "whose it is nobody knows");
    wait::until(wait::secs(5), "the row is reported", || {
        let log = server.log();
        log.lines().any(|line| line.contains("LEASE_ROW_UN") && line.contains(&given.to_string()))
    });
    peer.become_client(8);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "both are in the table");
    assert_eq!(site.row(&database, given), before[&given.to_string()]);
    server.kill();
    let server = Server::start(&net, &config);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "both are in the table");
    assert_eq!(site.row(&database, given), before[&given.to_string()]);
    assert!(server.stop().success());
}

fn no_check_of_a_configuration_shows_a_password(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let good = site.config(&net, &database, &[]).json();
    let password = format!("\"password\": \"{}\"", database.access().password.reveal());
    let mangled = [
        good.clone(),
        // Mistakes beside it.
        good.replace(&password, &format!("{password}, \"pasword\": \"Pass.2\"")),
        good.replace(&password, &format!("{password} \"user2\": 1")),
        good.replace("\"user\": ", "\"usr\": "),
        good.replace("\"type\": ", "\"typo\": "),
        good.replace(&password, "\"password\": [ \"Pass.3\" ]"),
    ];
    for text in mangled {
        let (_, said) = e2e::server::check_text(site.family, &text);
        assert!(!said.is_empty());
        assert!(!said.contains("Pass."), "{said}");
    }
}
