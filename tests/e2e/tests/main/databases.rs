//! Leases in MariaDB and PostgreSQL, seen from outside: what clients are told, what stands in the tables, and what
//! happens when the database is not there.
//!
//! A claim is a function of a [`Site`]; the table [`claims`] makes four tests of it. Servers live in namespaces of their
//! own and reach the database through its socket, which is a file. Claims that leave the database server alone share one
//! of each kind; those that stop, kill or pause it have another one, one after the other. The tables are those that
//! Debian's Kea creates.

mod interop;
mod kills;
mod life;
mod outage;
mod refusals;
mod reload;
mod rows;

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use db_testing::{Database, Durability, Server as DbServer, Settings, SqlKind};
use e2e::prelude::*;
use e2e::server::START;

/// Databases of each kind that claims use at the same time: to create the tables takes long.
const LENT_MAX: u32 = 2;
/// Removes what earlier claims have left.
const EMPTY: &str = "DELETE FROM lease4;\nDELETE FROM lease6;\nDELETE FROM dhcp4_options;\n\
    DELETE FROM dhcp6_options;\nDELETE FROM ipv6_reservations;\nDELETE FROM hosts;\n";

/// What a claim is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// The kind of the database.
    pub(crate) kind: SqlKind,
    /// The kind of the server.
    pub(crate) family: Family,
}

/// Makes four tests of each named claim of a module.
macro_rules! claims {
    ($($name:ident)*) => {
        super::claims! { @ mysql4 Mysql V4: $($name)* }
        super::claims! { @ mysql6 Mysql V6: $($name)* }
        super::claims! { @ pgsql4 Postgresql V4: $($name)* }
        super::claims! { @ pgsql6 Postgresql V6: $($name)* }
    };
    (@ $module:ident $kind:ident $family:ident: $($name:ident)*) => {
        mod $module {
            use db_testing::SqlKind;
            use e2e::family::Family;

            $(
                #[test]
                fn $name() {
                    let site = crate::main::databases::Site {
                        kind: SqlKind::$kind,
                        family: Family::$family,
                    };
                    super::$name(site);
                }
            )*
        }
    };
}
pub(crate) use claims;
pub(crate) use interop::start_kea;

/// One row of a table of leases, by column; NULL is `NULL`, bytes are hexadecimal digits, and times are seconds since
/// the epoch.
pub(crate) type Row = BTreeMap<&'static str, String>;

impl Site {
    /// The members of `lease-database` for a database, and more of them.
    pub(crate) fn members(self, database: &Database, more: &[&str]) -> Vec<String> {
        let access = database.access();
        let server = database.server();
        let mut members = vec![
            format!("\"type\": \"{}\"", self.kind),
            format!("\"name\": \"{}\"", access.name),
            format!("\"user\": \"{}\"", access.user),
            format!("\"password\": \"{}\"", access.password.reveal()),
        ];
        match self.kind {
            SqlKind::Mysql => members.push(format!("\"host\": \"{}\"", server.socket().display())),
            SqlKind::Postgresql => {
                members.push(format!("\"host\": \"{}\"", server.folder().display()));
                members.push(format!("\"port\": {}", server.port()));
            }
        }
        members.extend(more.iter().map(|member| (*member).to_owned()));
        members
    }

    /// The usual configuration with leases in a database.
    pub(crate) fn config(self, net: &Net, database: &Database, more: &[&str]) -> Config {
        Config::of(self.family, net.path()).in_database(self.members(database, more))
    }

    /// The table of leases.
    pub(crate) fn table(self) -> &'static str {
        match self.family {
            Family::V4 => "lease4",
            Family::V6 => "lease6",
        }
    }

    /// The rows of the table by address.
    pub(crate) fn rows(self, database: &Database) -> BTreeMap<String, Row> {
        let columns = self.columns();
        let selected: Vec<String> =
            columns.iter().map(|(name, of)| self.selected(name, of)).collect();
        let words = format!("SELECT {} FROM {};\n", selected.join(", "), self.table());
        let text = match self.kind {
            SqlKind::Mysql => database.sql(&words),
            SqlKind::Postgresql => database.sql(&format!("\\pset null NULL\n{words}")),
        };
        let rows = text.lines().map(|line| {
            let values = line.split('\t').map(str::to_owned);
            let row: Row = columns.iter().map(|(name, _)| *name).zip(values).collect();
            (row["address"].clone(), row)
        });
        rows.collect()
    }

    /// The row of an address, which must be there.
    #[track_caller]
    pub(crate) fn row(self, database: &Database, address: impl std::fmt::Display) -> Row {
        let mut rows = self.rows(database);
        let address = address.to_string();
        rows.remove(&address).unwrap_or_else(|| panic!("no row of {address} among {rows:?}"))
    }

    /// The columns and what they hold.
    fn columns(self) -> &'static [(&'static str, Holds)] {
        match self.family {
            Family::V4 => &COLUMNS4,
            Family::V6 => &COLUMNS6,
        }
    }

    /// What is selected of a column.
    fn selected(self, name: &str, holds: &Holds) -> String {
        match (holds, self.kind) {
            (Holds::Plain, _) => name.to_owned(),
            (Holds::Number4, SqlKind::Mysql) => format!("INET_NTOA({name})"),
            (Holds::Number4, SqlKind::Postgresql) => format!("host('0.0.0.0'::inet + {name})"),
            (Holds::Bytes, SqlKind::Mysql) => format!("LOWER(HEX({name}))"),
            (Holds::Bytes, SqlKind::Postgresql) => format!("encode({name}, 'hex')"),
            (Holds::Flag, SqlKind::Mysql) => name.to_owned(),
            (Holds::Flag, SqlKind::Postgresql) => format!("{name}::int"),
            (Holds::Time, SqlKind::Mysql) => format!("UNIX_TIMESTAMP({name})"),
            (Holds::Time, SqlKind::Postgresql) => format!("extract(epoch from {name})::bigint"),
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
enum Holds {
    Bytes,
    Flag,
    Number4,
    Plain,
    Time,
}

const COLUMNS4: [(&str, Holds); 11] = [
    ("address", Holds::Number4),
    ("hwaddr", Holds::Bytes),
    ("client_id", Holds::Bytes),
    ("valid_lifetime", Holds::Plain),
    ("expire", Holds::Time),
    ("subnet_id", Holds::Plain),
    ("fqdn_fwd", Holds::Flag),
    ("fqdn_rev", Holds::Flag),
    ("hostname", Holds::Plain),
    ("state", Holds::Plain),
    ("user_context", Holds::Plain),
];

const COLUMNS6: [(&str, Holds); 17] = [
    ("address", Holds::Plain),
    ("duid", Holds::Bytes),
    ("valid_lifetime", Holds::Plain),
    ("expire", Holds::Time),
    ("subnet_id", Holds::Plain),
    ("pref_lifetime", Holds::Plain),
    ("lease_type", Holds::Plain),
    ("iaid", Holds::Plain),
    ("prefix_len", Holds::Plain),
    ("fqdn_fwd", Holds::Flag),
    ("fqdn_rev", Holds::Flag),
    ("hostname", Holds::Plain),
    ("hwaddr", Holds::Bytes),
    ("hwtype", Holds::Plain),
    ("hwaddr_source", Holds::Plain),
    ("state", Holds::Plain),
    ("user_context", Holds::Plain),
];

/// Whether a row is a client's: its hardware address, or its DUID, which ends with it.
pub(crate) fn is_held_by(family: Family, row: &Row, mac: [u8; 6]) -> bool {
    let digits: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    match family {
        Family::V4 => row["hwaddr"] == digits,
        Family::V6 => row["duid"].ends_with(&digits),
    }
}

/// Whether a row says that somebody has the address: it is no rest of a lease.
pub(crate) fn is_active(row: &Row) -> bool {
    row["state"] == "0"
}

/// A database with Debian's tables, empty, until it is given back.
#[derive(Debug)]
pub(crate) struct Lent {
    database: Database,
}

/// The databases of a kind that nobody has, and how many there are.
#[derive(Debug, Default)]
struct Pool {
    state: Mutex<(Vec<Database>, u32)>,
    bell: Condvar,
}

impl Pool {
    fn of(kind: SqlKind) -> &'static Self {
        static POOLS: [OnceLock<Pool>; 2] = [const { OnceLock::new() }; 2];
        POOLS[usize::from(kind == SqlKind::Postgresql)].get_or_init(Self::default)
    }

    fn state(&self) -> MutexGuard<'_, (Vec<Database>, u32)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    /// Lends a database of a server that stays as it is.
    pub(crate) fn new(kind: SqlKind) -> Self {
        let pool = Pool::of(kind);
        let mut state = pool.state();
        loop {
            if let Some(database) = state.0.pop() {
                drop(state);
                database.sql(EMPTY);
                return Self { database };
            }
            if state.1 < LENT_MAX {
                state.1 += 1;
                drop(state);
                let database = DbServer::shared(kind, Durability::Relaxed).new_database();
                let lent = Self { database };
                initialise(&lent);
                return lent;
            }
            state = pool.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl std::ops::Deref for Lent {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let pool = Pool::of(self.database.server().kind());
        let mut state = pool.state();
        if std::thread::panicking() {
            // Who knows what has been left in it.
            state.1 -= 1;
        } else {
            state.0.push(self.database.clone());
        }
        pool.bell.notify_one();
    }
}

/// Lets Debian's `kea-admin` create the tables.
fn initialise(database: &Database) {
    let kind = match database.server().kind() {
        SqlKind::Mysql => "mysql",
        SqlKind::Postgresql => "pgsql",
    };
    let access = database.access();
    let port = access.port.to_string();
    // Of the port that it is told its first steps know nothing.
    let known = [format!("MYSQL_TCP_PORT={port}"), format!("PGPORT={port}")];
    let mut words = vec!["env", &known[0], &known[1], "/usr/sbin/kea-admin", "db-init", kind];
    words.extend(["-h", access.host.as_str(), "-P", port.as_str(), "-n", access.name.as_str()]);
    words.extend(["-u", access.user.as_str(), "-p", access.password.reveal()]);
    let output = e2e::process::run_any(&words);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "kea-admin db-init {kind}: {out}{err}");
}

/// A database server to kill and to pause, with an empty database; nobody else has it meanwhile.
#[derive(Debug)]
pub(crate) struct Victim {
    state: MutexGuard<'static, Option<Database>>,
}

impl Victim {
    /// Takes the server of a kind; it runs.
    pub(crate) fn new(kind: SqlKind) -> Self {
        static VICTIMS: [Mutex<Option<Database>>; 2] = [const { Mutex::new(None) }; 2];
        let state = VICTIMS[usize::from(kind == SqlKind::Postgresql)].lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        match &*state {
            Some(database) => {
                let server = database.server();
                // However the last one has left it.
                server.kill();
                server.start_again();
                database.sql(EMPTY);
            }
            None => {
                let database = DbServer::start(kind, Settings::default()).new_database();
                initialise(&database);
                *state = Some(database);
            }
        }
        Self { state }
    }

    /// The database server.
    pub(crate) fn server(&self) -> &DbServer {
        self.database().server()
    }

    /// The database.
    pub(crate) fn database(&self) -> &Database {
        self.state.as_ref().expect("it was made in the beginning")
    }
}

/// Asserts that nothing that a server has said holds a password of a test.
#[track_caller]
pub(crate) fn assert_no_secret(server: &Server, database: &Database) {
    let log = server.log();
    let access = database.access();
    let password = access.password.reveal();
    assert!(!log.contains(password), "the password is in the log:\n{log}");
    assert!(!log.contains("Pass."), "some password is in the log:\n{log}");
}

/// Waits for the end of a server that cannot start and returns its log.
#[track_caller]
pub(crate) fn refused(server: &mut Server) -> String {
    assert_eq!(server.process.wait_end(START).code(), Some(1), "{}", server.log());
    let log = server.log();
    assert!(log.contains(&server.family.log_id("INIT_FAIL")), "{log}");
    assert!(log.contains("failed to initialize Kea server"), "{log}");
    log
}
