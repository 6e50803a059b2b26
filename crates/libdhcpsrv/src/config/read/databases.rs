//! Databases of leases and hosts.
//!
//! What is wrong with a description is said here; whether the database can be reached is found when
//! the server starts. No message holds a value that is written beside a password, as one might stand
//! in the wrong place.

use cc::{Diagnostics, MapReader};

use super::maps;
use super::parts::part;
use crate::config::keywords::databases::{
    MEMFILE, READ_TIMEOUT, SQL, TCP_USER_TIMEOUT, WRITE_TIMEOUT,
};
use crate::config::keywords::{HOSTS_DATABASE, LEASE_DATABASE};
use crate::config::{
    Durability, HostCacheLimits, LeaseDatabase, OnFail, Reconnect, Secret, SqlAccess, SqlDatabase,
    SqlKind,
};

/// Reads `lease-database`.
pub(crate) fn read_lease_database(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> LeaseDatabase {
    let mut database = LeaseDatabase {
        sql: None,
        name: None,
        persist: true,
        lfc_interval: 3600,
        durability: Durability::Disk,
        max_row_errors: 0,
    };
    let Some(reader) = part(global, &LEASE_DATABASE, diagnostics) else { return database };
    match reader.str("type").and_then(Type::from_name) {
        Some(Type::Cassandra) => refuse_cassandra(&reader, diagnostics),
        Some(Type::Memfile) => {
            let sql = SQL.iter().map(|row| row.name).chain(["readonly"]);
            warn_of_useless(&reader, sql, "memfile has no use for it", diagnostics);
            read_memfile(&reader, &mut database);
        }
        Some(Type::Sql(kind)) => {
            let memfile = MEMFILE.iter().map(|row| row.name);
            warn_of_useless(&reader, memfile, "it belongs to 'memfile'", diagnostics);
            if reader.bool("readonly") == Some(true) {
                let message = "'readonly' is for databases of hosts; leases must be written";
                let hint = "leave it out";
                diagnostics.error_with_hint(reader.position_of("readonly"), message, hint);
            }
            database.sql = Some(read_sql(&reader, kind, diagnostics));
        }
        // What is wrong has been reported.
        None => {}
    }
    database
}

/// Reads `hosts-database` and `hosts-databases`, in this order.
pub(crate) fn read_hosts_databases(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<SqlDatabase> {
    let mut databases = Vec::new();
    if let Some(reader) = part(global, &HOSTS_DATABASE, diagnostics) {
        databases.extend(read_hosts_database(&reader, diagnostics));
    }
    for item in maps(global, "hosts-databases") {
        if let Some(reader) = MapReader::new(item, &HOSTS_DATABASE, diagnostics) {
            databases.extend(read_hosts_database(&reader, diagnostics));
        }
    }
    databases
}

/// Reads `host-cache-size` and `host-cache-time`.
pub(crate) fn read_host_cache(global: &MapReader<'_>) -> HostCacheLimits {
    let usual = HostCacheLimits::default();
    let number = |name, otherwise| global.u32_or_default(name).unwrap_or(otherwise);
    HostCacheLimits {
        entries_max: number("host-cache-size", usual.entries_max),
        time_s: number("host-cache-time", usual.time_s),
    }
}

/// `type` of a database.
enum Type {
    Cassandra,
    Memfile,
    Sql(SqlKind),
}

impl Type {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "cql" => Some(Self::Cassandra),
            "memfile" => Some(Self::Memfile),
            "mysql" => Some(Self::Sql(SqlKind::Mysql)),
            "postgresql" => Some(Self::Sql(SqlKind::Postgresql)),
            _ => None,
        }
    }
}

fn read_hosts_database(
    reader: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<SqlDatabase> {
    match reader.str("type").and_then(Type::from_name)? {
        Type::Cassandra => refuse_cassandra(reader, diagnostics),
        Type::Memfile => {
            let message = "a database of hosts cannot be of type 'memfile'";
            let hint = "write the hosts as 'reservations', or use 'mysql' or 'postgresql'";
            diagnostics.error_with_hint(reader.position_of("type"), message, hint);
        }
        Type::Sql(kind) => return Some(read_sql(reader, kind, diagnostics)),
    }
    None
}

fn read_memfile(reader: &MapReader<'_>, database: &mut LeaseDatabase) {
    database.name = reader.str("name").filter(|name| !name.is_empty()).map(str::to_owned);
    database.persist = reader.bool_or_default("persist").unwrap_or(database.persist);
    let number = |name, otherwise| reader.u32_or_default(name).unwrap_or(otherwise);
    database.lfc_interval = number("lfc-interval", database.lfc_interval);
    database.max_row_errors = number("max-row-errors", database.max_row_errors);
    if reader.str("durability") == Some("kernel") {
        database.durability = Durability::Kernel;
    }
}

fn read_sql(reader: &MapReader<'_>, kind: SqlKind, diagnostics: &mut Diagnostics) -> SqlDatabase {
    check_texts(reader, kind, diagnostics);
    check_timeouts(reader, kind, diagnostics);
    check_encryption(reader, diagnostics);
    let text = |name| reader.str_or_default(name).unwrap_or_default().to_owned();
    let number = |name| reader.u32_or_default(name).unwrap_or_default();
    let usual = SqlAccess::new(kind, text("name"));
    let access = SqlAccess {
        // An empty one means this machine, as it does in Kea.
        host: Some(text("host")).filter(|host| !host.is_empty()).unwrap_or(usual.host),
        port: reader.u16("port").unwrap_or_default(),
        user: text("user"),
        password: Secret::new(text("password")),
        connect_timeout_s: number("connect-timeout"),
        read_timeout_s: number(READ_TIMEOUT),
        write_timeout_s: number(WRITE_TIMEOUT),
        tcp_user_timeout_s: number(TCP_USER_TIMEOUT),
        trust_anchor: text("trust-anchor"),
        cert_file: text("cert-file"),
        key_file: text("key-file"),
        cipher_list: text("cipher-list"),
        read_only: reader.bool_or_default("readonly").unwrap_or_default(),
        ..usual
    };
    SqlDatabase { access, reconnect: read_reconnect(reader, diagnostics) }
}

fn read_reconnect(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Reconnect {
    let number = |name| reader.u32_or_default(name).unwrap_or_default();
    let mut reconnect = Reconnect {
        tries_max: number("max-reconnect-tries"),
        wait_ms: number("reconnect-wait-time"),
        on_fail: match reader.str("on-fail") {
            Some("serve-retry-continue") => OnFail::ServeRetryContinue,
            Some("serve-retry-exit") => OnFail::ServeRetryExit,
            _ => OnFail::StopRetryExit,
        },
        on_startup: reader.bool_or_default("retry-on-startup").unwrap_or_default(),
    };
    if reconnect.wait_ms == 0 && reconnect.tries_max > 0 {
        // As in Kea, where either of the two switches the tries off.
        reconnect.tries_max = 0;
        let message = "'max-reconnect-tries' has no effect without 'reconnect-wait-time'";
        let hint = "give the milliseconds between two tries";
        let position = reader.key_position_of("max-reconnect-tries");
        diagnostics.warning_with_hint(position, message, hint);
    }
    reconnect
}

/// Checks what is text: there must be a name, and no database takes a NUL.
fn check_texts(reader: &MapReader<'_>, kind: SqlKind, diagnostics: &mut Diagnostics) {
    let has_name = reader.str("name").is_some_and(|name| !name.is_empty());
    let is_reported = reader.is_written("name") && reader.str("name").is_none();
    if !has_name && !is_reported {
        let message = format!("'name' is missing in '{}'", reader.scope().name);
        let hint = format!("give the name of the {kind} database");
        diagnostics.error_with_hint(reader.position_of("name"), message, hint);
    }
    for row in SQL.iter().map(|row| row.name).chain(["name"]) {
        if reader.str(row).is_some_and(|text| text.contains('\0')) {
            let message = format!("'{row}' must not contain a NUL character");
            diagnostics.error_with_hint(reader.position_of(row), message, "leave out '\\u0000'");
        }
    }
}

fn check_timeouts(reader: &MapReader<'_>, kind: SqlKind, diagnostics: &mut Diagnostics) {
    if reader.u32("connect-timeout") == Some(0) {
        let message = "'connect-timeout' must be at least 1, found 0";
        let hint = "leave it out for 5 seconds";
        diagnostics.error_with_hint(reader.position_of("connect-timeout"), message, hint);
    }
    let (foreign, hint): (&[&str], _) = match kind {
        SqlKind::Mysql => (&[TCP_USER_TIMEOUT], "use 'read-timeout' and 'write-timeout'"),
        SqlKind::Postgresql => (&[READ_TIMEOUT, WRITE_TIMEOUT], "use 'tcp-user-timeout'"),
    };
    for name in foreign.iter().filter(|name| reader.u32(name).is_some_and(|time| time > 0)) {
        let message = format!("'{name}' is not for databases of type '{kind}'");
        diagnostics.error_with_hint(reader.key_position_of(name), message, hint);
    }
}

fn check_encryption(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) {
    let has = |name| reader.str(name).is_some_and(|text| !text.is_empty());
    for (name, other) in [("cert-file", "key-file"), ("key-file", "cert-file")] {
        if has(name) && !reader.is_written(other) {
            let message = format!("'{name}' needs '{other}'");
            let hint = "name the same file twice if it holds both";
            diagnostics.error_with_hint(reader.key_position_of(name), message, hint);
        }
    }
    if has("cipher-list") && !has("trust-anchor") && !has("cert-file") {
        let message = "'cipher-list' has no effect: the connection is not encrypted";
        let hint = "give a 'trust-anchor'";
        diagnostics.warning_with_hint(reader.key_position_of("cipher-list"), message, hint);
    }
}

fn refuse_cassandra(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) {
    let message = "databases of type 'cql' (Cassandra) are not supported";
    let hint = "move the data to 'mysql' or 'postgresql'; leases can be in 'memfile', too";
    diagnostics.error_with_hint(reader.position_of("type"), message, hint);
}

fn warn_of_useless(
    reader: &MapReader<'_>,
    names: impl Iterator<Item = &'static str>,
    why: &str,
    diagnostics: &mut Diagnostics,
) {
    for name in names.filter(|name| reader.is_written(name)) {
        let message = format!("'{name}' has no effect: {why}");
        diagnostics.warning(reader.key_position_of(name), message);
    }
}
