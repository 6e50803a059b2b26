//! A database in a server: how it is reached, and its tables.

use std::fs;
use std::path::{Path, PathBuf};

use libdhcpsrv::config::{Secret, SqlAccess, SqlKind};

use crate::server::Server;
use crate::{mysql, pgsql};

/// Where Debian's package `kea-admin` keeps its scripts.
const DEBIAN: &str = "/usr/share/kea/scripts";
/// Where this repository keeps them, seen from this crate.
const OURS: &str = "../../share/database/scripts";

/// Whose tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Those of the installed Kea.
    Debian,
    /// Those of this repository.
    Ours,
}

/// A database with a user of its own. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Database {
    server: Server,
    name: String,
    user: String,
    password: Secret,
}

impl Database {
    pub(crate) fn new(server: &Server, number: u32) -> Self {
        let name = format!("kea_{number}");
        let user = format!("keeper_{number}");
        let password = secret(&user);
        let make = match server.kind() {
            SqlKind::Mysql => mysql::new_database,
            SqlKind::Postgresql => pgsql::new_database,
        };
        server.sql(None, &make(&name, &user, &password));
        Self { server: server.clone(), name, user, password: Secret::new(password) }
    }

    /// Creates tables with the script of a schema, as the database's user.
    ///
    /// # Panics
    /// If the script is not there, or fails.
    pub fn create_schema(&self, schema: Schema) {
        let kind = match self.server.kind() {
            SqlKind::Mysql => "mysql",
            SqlKind::Postgresql => "pgsql",
        };
        let (base, where_from) = match schema {
            Schema::Debian => {
                (PathBuf::from(DEBIAN), "Debian's package kea-admin (scripts/test installs it)")
            }
            Schema::Ours => (Path::new(env!("CARGO_MANIFEST_DIR")).join(OURS), "this repository"),
        };
        let path = base.join(kind).join(format!("dhcpdb_create.{kind}"));
        let script = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}, of {where_from}: {error}", path.display()));
        if let Err(reason) = self.try_sql(&script) {
            panic!("{}: {reason}", path.display());
        }
    }

    /// Runs statements as the database's user and returns the rows, columns divided by tabulators.
    ///
    /// # Panics
    /// With the client's words, if a statement fails.
    pub fn sql(&self, statements: &str) -> String {
        self.try_sql(statements).unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// As [`sql`](Self::sql), where failing is expected.
    ///
    /// # Errors
    /// The client's words.
    pub fn try_sql(&self, statements: &str) -> Result<String, String> {
        let client = match self.server.kind() {
            SqlKind::Mysql => mysql::user,
            SqlKind::Postgresql => pgsql::user,
        };
        let mut client = client(self.server.port(), &self.user, self.password.reveal(), &self.name);
        self.server.feed(&mut client, statements)
    }

    /// Runs statements in this database as the server's administrator.
    ///
    /// # Panics
    /// With the client's words, if a statement fails.
    pub fn sql_as_administrator(&self, statements: &str) -> String {
        self.server.sql(Some(&self.name), statements)
    }

    /// Makes a user who may only read the tables that are there now, and tells how the database is reached with it.
    ///
    /// # Panics
    /// If there is such a user already.
    #[must_use]
    pub fn new_reader(&self) -> SqlAccess {
        let user = format!("reader_of_{}", self.name);
        let password = secret(&user);
        let make = match self.server.kind() {
            SqlKind::Mysql => mysql::new_reader,
            SqlKind::Postgresql => pgsql::new_reader,
        };
        self.sql_as_administrator(&make(&self.name, &user, &password));
        SqlAccess { user, password: Secret::new(password), read_only: true, ..self.access() }
    }

    /// How the database is reached: by TCP and password.
    #[must_use]
    pub fn access(&self) -> SqlAccess {
        SqlAccess {
            host: "127.0.0.1".to_owned(),
            port: self.server.port(),
            user: self.user.clone(),
            password: self.password.clone(),
            ..SqlAccess::new(self.server.kind(), &*self.name)
        }
    }

    /// How the database is reached through the server's socket, with a password as well. None for MariaDB, whose socket
    /// a configuration cannot name.
    #[must_use]
    pub fn access_by_socket(&self) -> Option<SqlAccess> {
        let host = self.server.folder().display().to_string();
        let by_socket = SqlAccess { host, ..self.access() };
        (self.server.kind() == SqlKind::Postgresql).then_some(by_socket)
    }

    /// The server that it is in.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A password that no other text contains, so that a test can look for it where it must not be.
fn secret(user: &str) -> String {
    format!("Pass.{user}.{}", std::process::id())
}
