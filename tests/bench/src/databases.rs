//! The databases that servers keep leases and hosts in: private ones, beside the server on its CPUs.
//!
//! One MariaDB and one PostgreSQL per run, with their default durability and 512 MiB of memory for tables; in it a
//! database for every set of tables that a row needs. A prepared table is made once: between repetitions what they added
//! is deleted, statistics of the planner are gathered, and the database comes to rest. Servers reach it through its socket,
//! because they are in a network namespace.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use db_testing::{Database, Schema, Server, Settings};
use libdhcpsrv::config::SqlKind;
use serde_json::{Value, json};

use crate::policy;
use crate::spec::{Family, Spec, address_text};

/// Longest wait for a database that still works on what was done before, in steps of [`REST_STEP`].
const REST_STEPS: u32 = 100;
const REST_STEP: Duration = Duration::from_millis(200);
/// CPU time within a step that a database at rest may use.
const REST_CPU: Duration = Duration::from_millis(10);
/// Where this repository keeps its scripts, seen from this crate.
const SCRIPTS: &str = "../../share/database/scripts";
/// When prepared leases end: in a day.
const LIFETIME_S: u64 = 86400;

/// All databases of a run; ended with it.
#[derive(Debug, Default)]
pub(crate) struct Databases {
    servers: Mutex<Vec<Server>>,
    made: Mutex<Vec<(Tables, Database)>>,
}

/// What a database holds; rows with the same have the same database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Tables {
    kind: SqlKind,
    is_own_schema: bool,
    has_own_triggers: bool,
    family: Family,
    rows: u32,
    hosts: u32,
}

impl Databases {
    /// The database of a row, as it was before the first repetition. `None` for rows without one.
    pub(crate) fn ready(&self, spec: &Spec, cpus: &str) -> Result<Option<Database>, String> {
        let Some(kind) = spec.database else { return Ok(None) };
        let is_own_schema = spec.own_schema;
        let Spec { family, rows, hosts, triggers: has_own_triggers, .. } = *spec;
        let tables = Tables { kind, is_own_schema, has_own_triggers, family, rows, hosts };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let found = made.iter().find(|(other, _)| *other == tables);
        let database = match found {
            Some((_, database)) => database.clone(),
            None => {
                let database = make(&self.server(kind, cpus), spec)?;
                made.push((tables, database.clone()));
                database
            }
        };
        clean(&database, spec)?;
        rest(&database);
        Ok(Some(database))
    }

    fn server(&self, kind: SqlKind, cpus: &str) -> Server {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.iter().find(|server| server.kind() == kind) {
            return server.clone();
        }
        let settings = match kind {
            SqlKind::Mysql => Settings::default()
                .with("innodb-buffer-pool-size", "512M")
                .with("innodb-log-file-size", "512M"),
            SqlKind::Postgresql => Settings::default().with("shared_buffers", "512MB"),
        };
        let server = Server::start(kind, settings);
        for pid in server.pids() {
            let pid = pid.to_string();
            let _ = Command::new("taskset").args(["-apc", cpus, &pid]).output();
        }
        servers.push(server.clone());
        server
    }
}

/// Gives the processes of a database the priority of the run; those of PostgreSQL are scheduling groups of their own.
pub(crate) fn raise_priority(database: &Database) {
    let own = fs::read_to_string("/proc/self/autogroup").unwrap_or_default();
    let Some((_, nice)) = own.trim().rsplit_once("nice ") else { return };
    for pid in database.server().pids() {
        let _ = fs::write(format!("/proc/{pid}/autogroup"), nice);
    }
}

/// What a server's configuration says about its database.
pub(crate) fn access(database: &Database) -> Value {
    let access = database.access();
    let mut value = json!({
        "name": access.name,
        "user": access.user,
        "password": access.password.reveal(),
    });
    match database.server().kind() {
        SqlKind::Mysql => {
            value["type"] = json!("mysql");
            value["host"] = json!("localhost");
        }
        SqlKind::Postgresql => {
            value["type"] = json!("postgresql");
            value["host"] = json!(database.server().folder());
            value["port"] = json!(database.server().port());
        }
    }
    value
}

/// Gathers the planner's statistics, as every database does by itself after a while.
pub(crate) fn analyze(database: &Database, family: Family) -> Result<(), String> {
    let table = lease_table(family);
    let statement = match database.server().kind() {
        SqlKind::Mysql => format!("ANALYZE TABLE {table}, hosts, ipv6_reservations;"),
        SqlKind::Postgresql => {
            format!("ANALYZE {table}; ANALYZE hosts; ANALYZE ipv6_reservations;")
        }
    };
    database.try_sql(&statement).map(drop)
}

/// Makes a database with its tables and what a row wants to be in them.
fn make(server: &Server, spec: &Spec) -> Result<Database, String> {
    let database = server.new_database();
    if spec.own_schema {
        database.create_schema(Schema::Ours);
        upgrade(&database)?;
    } else {
        database.create_schema(Schema::Debian);
    }
    if spec.triggers {
        replace_triggers(&database)?;
    }
    if spec.rows > 0 {
        fill(&database, spec)?;
    }
    if spec.hosts > 0 {
        database.try_sql(&hosts(spec))?;
    }
    Ok(database)
}

/// Replaces the functions of Kea's triggers by those of this repository, with the `kea-admin` beside this program.
fn replace_triggers(database: &Database) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let access = database.access();
    let port = database.server().port().to_string();
    let output = Command::new(own.with_file_name("kea-admin"))
        .args(["stats-triggers", "pgsql", "-h", "localhost", "-P", &port])
        .args(["-u", &access.user, "-n", &access.name])
        .env("KEA_ADMIN_DB_PASSWORD", access.password.reveal())
        .output()
        .map_err(|error| format!("kea-admin: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stdout).into_owned()),
    }
}

/// Brings this repository's tables to the newest version, as `kea-admin db-init` does.
fn upgrade(database: &Database) -> Result<(), String> {
    let suffix = match database.server().kind() {
        SqlKind::Mysql => "mysql",
        SqlKind::Postgresql => "pgsql",
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPTS).join(suffix);
    let version = database.try_sql("SELECT version, minor FROM schema_version;")?;
    let (major, minor) = version.trim().split_once('\t').unwrap_or_default();
    let made = format!("upgrade_{major:0>3}.{minor}_");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("upgrade_") && *name >= made).collect();
    names.sort();
    for name in names {
        let script = fs::read_to_string(folder.join(&name));
        let script = script.map_err(|error| format!("{name}: {error}"))?;
        database.try_sql(&script).map_err(|reason| format!("{name}: {reason}"))?;
    }
    Ok(())
}

/// The tables of leases and of their numbers.
fn lease_table(family: Family) -> &'static str {
    match family {
        Family::V4 => "lease4",
        Family::V6 => "lease6",
    }
}

/// Writes leases at the end of the pool: a server that searches from its begin finds free addresses at once.
fn fill(database: &Database, spec: &Spec) -> Result<(), String> {
    let table = lease_table(spec.family);
    let kind = database.server().kind();
    let first = spec.family.ground().pool.1 - u128::from(spec.rows) + 1;
    let (series, number, expire) = match kind {
        SqlKind::Mysql => (
            format!("seq_0_to_{}", spec.rows - 1),
            "seq",
            format!("FROM_UNIXTIME(UNIX_TIMESTAMP() + {LIFETIME_S})"),
        ),
        SqlKind::Postgresql => (
            format!("generate_series(0, {}) AS series(seq)", spec.rows - 1),
            "seq",
            format!("date_trunc('second', now()) + interval '{LIFETIME_S} seconds'"),
        ),
    };
    // 06:00 and the number, as in prepared lease files.
    let hex = match kind {
        SqlKind::Mysql => format!("LPAD(HEX({number}), 8, '0')"),
        SqlKind::Postgresql => format!("lpad(to_hex({number}), 8, '0')"),
    };
    let bytes = |hex: String| match kind {
        SqlKind::Mysql => format!("UNHEX({hex})"),
        SqlKind::Postgresql => format!("decode({hex}, 'hex')"),
    };
    let mac = bytes(format!("CONCAT('0600', {hex})"));
    let (columns, values) = match spec.family {
        Family::V4 => (
            "address, hwaddr, client_id, valid_lifetime, expire, subnet_id, fqdn_fwd, fqdn_rev, hostname, \
             state",
            format!(
                "{first} + {number}, {mac}, NULL, {LIFETIME_S}, {expire}, 1, FALSE, FALSE, '', 0"
            ),
        ),
        Family::V6 => {
            // The last two groups of the address; the pool is a /80 whose last addresses are meant.
            let low = format!("({} + {number})", first & 0xffff_ffff);
            let group = |value: String| match kind {
                SqlKind::Mysql => format!("LOWER(HEX({value}))"),
                SqlKind::Postgresql => format!("to_hex({value})"),
            };
            let (high, low) = match kind {
                SqlKind::Mysql => (format!("{low} DIV 65536"), format!("{low} % 65536")),
                SqlKind::Postgresql => (format!("{low} / 65536"), format!("{low} % 65536")),
            };
            let prefix = address_text(spec.family, first & !0xffff_ffff);
            let prefix = prefix.strip_suffix("0:0").or(prefix.strip_suffix(":"));
            let prefix = prefix.ok_or("the pool of DHCPv6 is not where it is expected")?;
            let address = format!("CONCAT('{prefix}', {}, ':', {})", group(high), group(low));
            let duid = bytes(format!("CONCAT('000300010600', {hex})"));
            (
                "address, duid, valid_lifetime, expire, subnet_id, pref_lifetime, lease_type, iaid, prefix_len, \
                 fqdn_fwd, fqdn_rev, hostname, state, hwaddr, hwtype, hwaddr_source",
                format!(
                    "{address}, {duid}, {LIFETIME_S}, {expire}, 1, 50000, 0, 1, 128, FALSE, FALSE, '', 0, \
                     {mac}, 1, 2"
                ),
            )
        }
    };
    let insert = format!("INSERT INTO {table} ({columns}) SELECT {values} FROM {series};");
    match kind {
        SqlKind::Mysql => database.try_sql(&insert).map(drop),
        SqlKind::Postgresql => {
            let count = match spec.family {
                Family::V4 => format!("INSERT INTO lease4_stat VALUES (1, 0, {});", spec.rows),
                Family::V6 => format!("INSERT INTO lease6_stat VALUES (1, 0, 0, {});", spec.rows),
            };
            // Triggers and the checks of foreign keys would take minutes: without them, and counted here.
            let role = "SET session_replication_role = replica;";
            database.sql_as_administrator(&format!("{role}\n{insert}\n{count}"));
            Ok(())
        }
    }
}

/// Statements that write the reservations of [`policy::hosts`].
fn hosts(spec: &Spec) -> String {
    let mut hosts =
        String::from("INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, ");
    let mut addresses =
        String::from("INSERT INTO ipv6_reservations (address, prefix_len, type, host_id) VALUES ");
    let (kind, columns) = match spec.family {
        Family::V4 => (0, "dhcp4_subnet_id, ipv4_address"),
        Family::V6 => (1, "dhcp6_subnet_id, hostname"),
    };
    hosts.push_str(columns);
    hosts.push_str(") VALUES ");
    for (at, (identifier, address)) in policy::reserved(spec).enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let identifier: String = identifier.iter().map(|byte| format!("{byte:02x}")).collect();
        let identifier = match spec.database {
            Some(SqlKind::Postgresql) => format!("'\\x{identifier}'"),
            _ => format!("x'{identifier}'"),
        };
        let number = at + 1;
        // Writing to a string does not fail.
        let _ = match spec.family {
            Family::V4 => write!(hosts, "{comma}({number},{identifier},{kind},1,{address})"),
            Family::V6 => write!(hosts, "{comma}({number},{identifier},{kind},1,NULL)"),
        };
        let address = address_text(spec.family, address);
        let _ = write!(addresses, "{comma}('{address}',128,0,{number})");
    }
    match spec.family {
        Family::V4 => format!("{hosts};\n"),
        Family::V6 => format!("{hosts};\n{addresses};\n"),
    }
}

/// Takes away what an earlier repetition has written.
fn clean(database: &Database, spec: &Spec) -> Result<(), String> {
    let table = lease_table(spec.family);
    let first = spec.family.ground().pool.1 - u128::from(spec.rows) + 1;
    let delete = match (spec.rows, spec.family) {
        (0, _) => format!("TRUNCATE TABLE {table}; DELETE FROM {table}_stat;"),
        (_, Family::V4) => format!("DELETE FROM {table} WHERE address < {first};"),
        // Prepared clients are known by their hardware addresses.
        (_, Family::V6) => match database.server().kind() {
            SqlKind::Mysql => {
                format!("DELETE FROM {table} WHERE hwaddr < x'0600' OR hwaddr IS NULL;")
            }
            SqlKind::Postgresql => {
                format!("DELETE FROM {table} WHERE hwaddr < '\\x0600' OR hwaddr IS NULL;")
            }
        },
    };
    database.try_sql(&delete)?;
    if database.server().kind() == SqlKind::Postgresql {
        database.try_sql(&format!("VACUUM {table};"))?;
        database.try_sql(&format!("VACUUM {table}_stat;"))?;
        database.sql_as_administrator("CHECKPOINT;");
    }
    analyze(database, spec.family)
}

/// Waits until the database has nothing to do.
fn rest(database: &Database) {
    for _ in 0..REST_STEPS {
        let before = database.server().cpu_time();
        thread::sleep(REST_STEP);
        if database.server().cpu_time().saturating_sub(before) <= REST_CPU {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hosts;
    use crate::spec::Spec;

    #[test]
    fn every_reservation_is_a_row() {
        for (row, rows) in
            [("ours:database=pgsql,hosts=20", 20), ("kea6:database=mysql,hosts=20", 40)]
        {
            let text = hosts(&Spec::parse(row, &Spec::plain()).expect("a row"));
            assert_eq!(text.matches("),(").count() + text.matches(';').count(), rows, "{row}");
        }
    }
}
