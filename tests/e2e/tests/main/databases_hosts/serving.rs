//! Which host counts, and since when; what a user must be allowed to.

use super::*;

claims! {
    a_user_who_may_only_select_is_enough
    views_are_as_good_as_tables
    hosts_of_the_configuration_come_before_those_of_the_database
    databases_are_asked_in_their_order
    a_new_host_counts_when_what_is_remembered_is_too_old
    without_a_cache_a_new_host_counts_at_once
    leases_and_hosts_may_be_in_one_database
}

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(3);

/// A host for a client at an address outside of the pool.
fn host(site: Site, client: u8, number: u8) -> NewHost {
    NewHost::of_client(site.family, client).address(outside(site.family, number))
}

/// Asserts what a client gets.
#[track_caller]
fn assert_gets(peer: &mut EitherPeer, client: u8, address: IpAddr) {
    peer.become_client(client);
    assert_eq!(peer.acquire(), address);
}

/// Serves a reserved address through a user who may only read.
fn serves_a_reader(site: Site, database: &Database) {
    let net = Net::pair_of(site.family);
    let reader = database.new_reader();
    let mut members = site.members(database, &["\"readonly\": true"]);
    for member in &mut members {
        if member.starts_with("\"user\"") {
            *member = format!("\"user\": \"{}\"", reader.user);
        } else if member.starts_with("\"password\"") {
            *member = format!("\"password\": \"{}\"", reader.password.reveal());
        }
    }
    let config = Config::of(site.family, net.path()).global(&hosts_databases(&[members]));
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    assert_gets(&mut peer, 7, outside(site.family, 7));
    assert_no_secret(&server, database);
    assert!(server.stop().success());
    let user = reader.user;
    database.sql_as_administrator(&match site.kind {
        SqlKind::Mysql => format!("DROP USER '{user}'@'%';\n"),
        SqlKind::Postgresql => format!("DROP OWNED BY {user};\nDROP USER {user};\n"),
    });
}

fn a_user_who_may_only_select_is_enough(site: Site) {
    let database = Lent::new(site.kind);
    insert(site, &database, &[host(site, 7, 7)]);
    serves_a_reader(site, &database);
}

/// Views over a table that has nothing to do with Kea's; only the columns that must be there.
fn views(site: Site) -> String {
    let (duid, mac) = (e2e::peer6::client_duid(client_mac(7)), client_mac(7));
    let (identifier, kind) = match site.family {
        Family::V4 => (&mac[..], 0),
        Family::V6 => (&duid[..], 1),
    };
    let IpAddr::V4(address) = outside(Family::V4, 7) else { unreachable!("it is of that family") };
    let own = outside(Family::V6, 7);
    let (blob, text, nothing) = match site.kind {
        SqlKind::Mysql => ("VARBINARY(128)", "CHAR", "CAST(NULL AS BINARY)"),
        SqlKind::Postgresql => ("BYTEA", "TEXT", "NULL::BYTEA"),
    };
    let options = |digit: char| {
        format!(
            "CREATE VIEW dhcp{digit}_options AS SELECT 1 AS option_id, 1 AS code, \
             {nothing} AS value, CAST(NULL AS {text}) AS formatted_value, \
             CAST(NULL AS {text}) AS space, 0 = 1 AS persistent, 3 AS scope_id, number AS host_id \
             FROM machines WHERE number < 0;\n"
        )
    };
    format!(
        "CREATE TABLE machines (number INT, known {blob}, address BIGINT, address6 VARCHAR(39));\n\
         INSERT INTO machines VALUES (3, {}, {}, '{own}');\n\
         CREATE VIEW hosts AS SELECT number AS host_id, known AS dhcp_identifier, \
         {kind} AS dhcp_identifier_type, 1 AS dhcp4_subnet_id, 1 AS dhcp6_subnet_id, \
         address AS ipv4_address, CAST(NULL AS {text}) AS hostname, \
         CAST(NULL AS {text}) AS dhcp4_client_classes, \
         CAST(NULL AS {text}) AS dhcp6_client_classes FROM machines;\n\
         CREATE VIEW ipv6_reservations AS SELECT number AS reservation_id, address6 AS address, \
         128 AS prefix_len, 0 AS type, number AS host_id FROM machines;\n{}{}",
        binary(site.kind, identifier),
        u32::from(address),
        options('4'),
        options('6'),
    )
}

fn views_are_as_good_as_tables(site: Site) {
    let server = db_testing::Server::shared(site.kind, db_testing::Durability::Relaxed);
    let database = server.new_database();
    database.sql(&views(site));
    serves_a_reader(site, &database);
}

/// Adds a host of the configuration to the subnet, in which the client gets an address.
fn with_own_host(mut config: Config, client: u8, address: IpAddr) -> Config {
    let mac = e2e::net::mac_text(client_mac(client));
    let host = match config.family {
        Family::V4 => format!("\"hw-address\": \"{mac}\", \"ip-address\": \"{address}\""),
        Family::V6 => {
            format!("\"duid\": \"00:03:00:01:{mac}\", \"ip-addresses\": [ \"{address}\" ]")
        }
    };
    let reservations = format!("\"reservations\": [ {{ {host} }} ], \"subnet\": ");
    for subnet in &mut config.subnets {
        *subnet = subnet.replacen("\"subnet\": ", &reservations, 1);
    }
    config
}

fn hosts_of_the_configuration_come_before_those_of_the_database(site: Site) {
    let database = Lent::new(site.kind);
    let net = Net::pair_of(site.family);
    insert(site, &database, &[host(site, 7, 7), host(site, 8, 8)]);
    let own = outside(site.family, 17);
    let server = Server::start(&net, &with_own_host(config(site, &net, &database, 5, &[]), 7, own));
    let mut peer = EitherPeer::new(&net);
    assert_gets(&mut peer, 7, own);
    assert_gets(&mut peer, 8, outside(site.family, 8));
    assert!(server.stop().success());
}

fn databases_are_asked_in_their_order(site: Site) {
    // Whoever has one of a kind waits for the other kind only.
    let databases = [Lent::new(SqlKind::Mysql), Lent::new(SqlKind::Postgresql)];
    let sites = [SqlKind::Mysql, SqlKind::Postgresql].map(|kind| Site { kind, ..site });
    let first = usize::from(site.kind == SqlKind::Postgresql);
    let order = [first, 1 - first];
    for (place, at) in order.into_iter().enumerate() {
        let place = 10 * place as u8;
        // One that both know, and one that only this one does.
        let hosts = [host(site, 5, place + 5), host(site, place + 6, place + 6)];
        insert(sites[at], &databases[at], &hosts);
    }
    let net = Net::pair_of(site.family);
    let members = order.map(|at| sites[at].members(&databases[at], &[]));
    let config = Config::of(site.family, net.path()).global(&hosts_databases(&members));
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    assert_gets(&mut peer, 5, outside(site.family, 5));
    assert_gets(&mut peer, 6, outside(site.family, 6));
    assert_gets(&mut peer, 16, outside(site.family, 16));
    for database in &databases {
        assert_no_secret(&server, database);
    }
    assert!(server.stop().success());
}

fn remove_all(database: &Database) {
    database.sql("DELETE FROM ipv6_reservations;\nDELETE FROM hosts;\n");
}

fn a_new_host_counts_when_what_is_remembered_is_too_old(site: Site) {
    let database = Lent::new(site.kind);
    let net = Net::pair_of(site.family);
    let server = Server::start(&net, &config(site, &net, &database, 1, &[]));
    let mut peer = EitherPeer::new(&net);
    peer.become_client(7);
    let reserved = outside(site.family, 7);
    assert_ne!(peer.acquire(), reserved);
    insert(site, &database, &[host(site, 7, 7)]);
    // It is asked for without end meanwhile, which must not make the memory last.
    wait::until(wait::secs(4), "the new host counts", || {
        offered(&mut peer, ANSWER) == Some(reserved)
    });
    assert_eq!(peer.acquire(), reserved);
    remove_all(&database);
    wait::until(wait::secs(4), "the host counts no more", || {
        offered(&mut peer, ANSWER).is_some_and(|address| address != reserved)
    });
    assert!(server.stop().success());
}

fn without_a_cache_a_new_host_counts_at_once(site: Site) {
    let database = Lent::new(site.kind);
    let net = Net::pair_of(site.family);
    let server = Server::start(&net, &config(site, &net, &database, 0, &[]));
    let mut peer = EitherPeer::new(&net);
    let numbers = [7, 8, 9];
    let none_is_reserved = |peer: &mut EitherPeer| {
        for number in numbers {
            peer.become_client(number);
            assert_ne!(peer.acquire(), outside(site.family, number));
        }
    };
    none_is_reserved(&mut peer);
    for number in numbers {
        insert(site, &database, &[host(site, number, number)]);
        assert_gets(&mut peer, number, outside(site.family, number));
    }
    remove_all(&database);
    none_is_reserved(&mut peer);
    assert!(server.stop().success());
}

fn leases_and_hosts_may_be_in_one_database(site: Site) {
    let database = Lent::new(site.kind);
    let net = Net::pair_of(site.family);
    insert(site, &database, &[host(site, 7, 7)]);
    let config = site.config(&net, &database, &[]);
    let config = config.global(&hosts_databases(&[site.members(&database, &[])]));
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let reserved = outside(site.family, 7);
    assert_gets(&mut peer, 7, reserved);
    assert!(is_held_by(site.family, &site.row(&database, reserved), client_mac(7)));
    assert!(server.stop().success());
}
