//! How a database is reached: what `lease-database` and `hosts-databases` say of MySQL and PostgreSQL.

use std::fmt;

/// A text that is never shown: not in a log, not in an error, not by [`fmt::Debug`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever it is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*****")
    }
}

/// `type` of a database that is spoken to in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SqlKind {
    /// `mysql`: MySQL or MariaDB.
    Mysql,
    /// `postgresql`.
    Postgresql,
}

impl fmt::Display for SqlKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mysql => "mysql",
            Self::Postgresql => "postgresql",
        })
    }
}

/// `on-fail`: what a server does while its database is away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFail {
    /// It does not serve; it ends when all tries have failed.
    #[default]
    StopRetryExit,
    /// It serves what needs no database; it ends when all tries have failed.
    ServeRetryExit,
    /// It serves what needs no database, and goes on when all tries have failed.
    ServeRetryContinue,
}

/// A database and how its server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlAccess {
    /// `type`.
    pub kind: SqlKind,
    /// `name` of the database.
    pub name: String,
    /// `host`: a name, an address, or for PostgreSQL the folder of a socket (begins with `/`); `localhost` is, for
    /// MySQL without a port, the system's socket if there is one.
    pub host: String,
    /// `port`; 0 for the usual one.
    pub port: u16,
    /// `user`; empty for the name of the process's user.
    pub user: String,
    /// `password`.
    pub password: Secret,
    /// `connect-timeout` in seconds, not 0.
    pub connect_timeout_s: u32,
    /// `read-timeout` in seconds; 0 for what the back-end takes then.
    pub read_timeout_s: u32,
    /// `write-timeout` in seconds; 0 for what the back-end takes then.
    pub write_timeout_s: u32,
    /// `tcp-user-timeout` in seconds; 0 for what the back-end takes then.
    pub tcp_user_timeout_s: u32,
    /// `trust-anchor`: a file or folder with the certificates of authorities; TLS is used when it is set.
    pub trust_anchor: String,
    /// `cert-file`: the client's certificate.
    pub cert_file: String,
    /// `key-file`: the key of that certificate.
    pub key_file: String,
    /// `cipher-list`.
    pub cipher_list: String,
    /// `readonly`: nothing is ever written.
    pub read_only: bool,
}

impl SqlAccess {
    /// A database on this machine, with Kea's defaults.
    #[must_use]
    pub fn new(kind: SqlKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            host: "localhost".to_owned(),
            port: 0,
            user: String::new(),
            password: Secret::default(),
            connect_timeout_s: 5,
            read_timeout_s: 0,
            write_timeout_s: 0,
            tcp_user_timeout_s: 0,
            trust_anchor: String::new(),
            cert_file: String::new(),
            key_file: String::new(),
            cipher_list: String::new(),
            read_only: false,
        }
    }

    /// Whether the connection is to be encrypted.
    #[must_use]
    pub fn wants_tls(&self) -> bool {
        !self.trust_anchor.is_empty() || !self.cert_file.is_empty()
    }
}

/// The database and its server, without any secret.
impl fmt::Display for SqlAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, host, port, user, .. } = self;
        write!(f, "{kind} database '{name}' at {host}")?;
        if *port != 0 {
            write!(f, ":{port}")?;
        }
        if !user.is_empty() {
            write!(f, " as user '{user}'")?;
        }
        Ok(())
    }
}

/// What is done when a connection is lost or cannot be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconnect {
    /// `max-reconnect-tries`; 0 tries never again.
    pub tries_max: u32,
    /// `reconnect-wait-time` in milliseconds between two tries.
    pub wait_ms: u32,
    /// `on-fail`.
    pub on_fail: OnFail,
    /// `retry-on-startup`: whether tries are made at the start as well.
    pub on_startup: bool,
}

/// A database of leases or hosts, as the configuration describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlDatabase {
    /// How it is reached.
    pub access: SqlAccess,
    /// What is done when it is away.
    pub reconnect: Reconnect,
}

/// `host-cache-size` and `host-cache-time`: how much of what the databases of hosts say is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostCacheLimits {
    /// Answers that are remembered at most; that a client has no reservation is one, too.
    pub entries_max: u32,
    /// Seconds for which an answer is remembered.
    pub time_s: u32,
}

impl HostCacheLimits {
    /// Whether anything is remembered.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.entries_max > 0 && self.time_s > 0
    }
}

impl Default for HostCacheLimits {
    fn default() -> Self {
        Self { entries_max: 100_000, time_s: 5 }
    }
}
