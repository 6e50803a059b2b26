//! Tables of the maps that describe databases: `lease-database`, `hosts-database`, `hosts-databases`.
//!
//! Which rows mean something depends on `type`; the reader warns of those that do not, and
//! `config-get` leaves them out.

use cc::{DefaultValue, Keyword, Kind, Scope};

use super::rows;
use DefaultValue::{Bool, Int, Str};

/// `lease-database`.
pub static LEASE_DATABASE: Scope = Scope::new(
    "lease-database",
    rows![
        [
            Keyword::new(
                "type",
                TYPES,
                "Back-end: a file (`memfile`), MySQL or MariaDB, PostgreSQL; `cql` is an error.",
            )
            .required(),
            Keyword::new(
                "name",
                Kind::Str,
                "Lease file; by default `kea-leases4.csv` or `kea-leases6.csv` in the data directory. For \
                 databases their name, which must be there.",
            ),
        ],
        MEMFILE,
        SQL,
        [
            Keyword::new(
                "readonly",
                Kind::Bool,
                "For databases of hosts; `true` is an error, because leases are written.",
            ),
            PASSWORD_FILE,
            SSL_MODE,
        ],
        CQL,
        [cc::USER_CONTEXT, cc::COMMENT],
    ],
);

/// `hosts-database`, and an entry of `hosts-databases`.
pub static HOSTS_DATABASE: Scope = Scope::new(
    "hosts-database",
    rows![
        [
            Keyword::new(
                "type",
                TYPES,
                "Back-end: MySQL or MariaDB (`mysql`), or PostgreSQL; the others are errors.",
            )
            .required(),
            Keyword::new("name", Kind::Str, "Name of the database, which must be there."),
        ],
        SQL,
        [
            Keyword::new(
                "readonly",
                Kind::Bool,
                "Whether nothing is written, so that the user needs no right to write.",
            )
            .default(Bool(false)),
            PASSWORD_FILE,
            SSL_MODE,
            Keyword::new("persist", Kind::Bool, "For files.").ignored(FOR_LEASES),
            Keyword::new("lfc-interval", Kind::UINT32, "For files.").ignored(FOR_LEASES),
            Keyword::new("max-row-errors", Kind::UINT32, "For files.").ignored(FOR_LEASES),
        ],
        CQL,
        [cc::USER_CONTEXT, cc::COMMENT],
    ],
);

/// What `memfile` alone has a use for.
pub(crate) const MEMFILE: [Keyword; 4] = [
    Keyword::new("persist", Kind::Bool, "For `memfile`: whether the file is written at all.")
        .default(Bool(true)),
    Keyword::new(
        "durability",
        Kind::OneOf(&["disk", "kernel"]),
        "Not in Kea, for `memfile`: when an answer may leave, with its lease on stable storage, or handed to \
         the kernel.",
    )
    .default(Str("disk")),
    Keyword::new(
        "lfc-interval",
        Kind::UINT32,
        "For `memfile`: seconds between clean-ups; 0 for none.",
    )
    .default(Int(3600)),
    Keyword::new(
        "max-row-errors",
        Kind::UINT32,
        "For `memfile`: bad rows tolerated at start; 0 for any.",
    )
    .default(Int(0)),
];

/// What databases have a use for.
pub(crate) const SQL: [Keyword; 16] = [
    Keyword::new(
        "host",
        Kind::Str,
        "Host of the database: a name, an address, or for PostgreSQL the folder of its socket.",
    )
    .default(Str("localhost")),
    Keyword::new("port", Kind::UINT16, "Port of the database; 0 for the usual one.")
        .default(Int(0)),
    Keyword::new("user", Kind::Str, "User of the database; the one of the process when empty.")
        .default(Str("")),
    Keyword::new(
        "password",
        Kind::Secret,
        "Password of that user; `config-get` shows `*****` in its place.",
    ),
    Keyword::new("connect-timeout", Kind::UINT32, "Seconds for making a connection, at least 1.")
        .default(Int(5)),
    Keyword::new(
        READ_TIMEOUT,
        Kind::UINT32,
        "For `mysql`: seconds for which an answer is waited for; 0 for 60.",
    )
    .default(Int(0)),
    Keyword::new(
        WRITE_TIMEOUT,
        Kind::UINT32,
        "For `mysql`: seconds for sending a query; 0 for 60.",
    )
    .default(Int(0)),
    Keyword::new(
        TCP_USER_TIMEOUT,
        Kind::UINT32,
        "For `postgresql`: seconds after which a connection is lost when what is sent is not acknowledged; 0 \
         for 25.",
    )
    .default(Int(0)),
    Keyword::new(
        "max-reconnect-tries",
        Kind::UINT32,
        "How often a lost connection is tried to make again; 0 for never.",
    )
    .default(Int(0)),
    Keyword::new(
        "reconnect-wait-time",
        Kind::UINT32,
        "Milliseconds between two such tries; with 0 none is made.",
    )
    .default(Int(0)),
    Keyword::new(
        "on-fail",
        Kind::OneOf(&["stop-retry-exit", "serve-retry-exit", "serve-retry-continue"]),
        "What is done while the connection is lost: no client is served (`stop`) or those that need no \
         database are (`serve`); and when all tries have failed: the server ends (`exit`) or goes on \
         (`continue`).",
    )
    .default(Str("stop-retry-exit")),
    Keyword::new(
        "retry-on-startup",
        Kind::Bool,
        "Whether the tries are made at the start, too; otherwise the server ends at once.",
    )
    .default(Bool(false)),
    Keyword::new(
        "trust-anchor",
        Kind::Str,
        "File with the certificates of authorities, or for `postgresql` folder with such files; the connection is \
         encrypted when it is given.",
    ),
    Keyword::new("cert-file", Kind::Str, "File with the server's certificate for the database."),
    Keyword::new("key-file", Kind::Str, "File with the key of that certificate."),
    Keyword::new(
        "cipher-list",
        Kind::Str,
        "For `postgresql`: ciphers for encryption, as OpenSSL names them; for `mysql` it is ignored with a \
         warning.",
    ),
];

/// A timeout of MySQL.
pub(crate) const READ_TIMEOUT: &str = "read-timeout";
/// A timeout of MySQL.
pub(crate) const WRITE_TIMEOUT: &str = "write-timeout";
/// A timeout of PostgreSQL.
pub(crate) const TCP_USER_TIMEOUT: &str = "tcp-user-timeout";

/// All values are known, so that those which are not supported get messages of their own.
const TYPES: Kind = Kind::OneOf(&["memfile", "mysql", "postgresql", "cql"]);

const FOR_LEASES: &str = "only leases can be kept in a file";

const PASSWORD_FILE: Keyword =
    Keyword::new("password-file", Kind::Str, "File with the password.").not_yet("write 'password'");

const SSL_MODE: Keyword = Keyword::new("ssl-mode", Kind::Str, "How a connection is encrypted.")
    .not_yet("connections are encrypted when 'trust-anchor' is given");

/// What Cassandra had a use for.
const CQL: [Keyword; 7] = [
    cql("contact-points", Kind::Str),
    cql("keyspace", Kind::Str),
    cql("consistency", Kind::Str),
    cql("serial-consistency", Kind::Str),
    cql("request-timeout", Kind::UINT32),
    cql("tcp-keepalive", Kind::UINT32),
    cql("tcp-nodelay", Kind::Bool),
];

const fn cql(name: &'static str, kind: Kind) -> Keyword {
    Keyword::new(name, kind, "For Cassandra.").ignored("Cassandra (cql) is not supported")
}
