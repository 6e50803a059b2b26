//! Connections to MySQL and MariaDB: how they are made, what every one of them is told first, and what the errors of
//! server and driver mean.
//!
//! A session reads and writes at READ COMMITTED, in UTC, and in strict mode: a value that does not fit is an error and
//! never a warning. Text goes to the server as `utf8mb4`. Nothing here knows tables.
//!
//! Timeouts: `connect-timeout` covers the TCP connection. From the greeting on `read-timeout` counts; where none is
//! configured a server that says nothing for [`READ_TIMEOUT_DEFAULT_S`] seconds is given up, because a thread that waits for a
//! stopped server would wait for ever. A peer that has vanished from the network is noticed by keep-alives before.
//!
//! Errors carry what the server said unless it repeats values: then they have a text of ours. The driver's own texts of
//! options and URLs, which can hold the password, are not used.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use database::{DbError, Fault};
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::loggers::DHCPSRV;
use mysql::prelude::Queryable;
use mysql::{ClientIdentity, Conn, DriverError, MySqlError, OptsBuilder, SslOpts};

use crate::messages::MYSQL_CIPHER_LIST_IGNORED;

/// Where the server of this machine listens on Debian and its kin; other systems have it in one of the other places.
const LOCAL_SOCKETS: [&str; 3] =
    ["/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"];

/// The environment variable that names the socket instead.
const SOCKET_VARIABLE: &str = "MYSQL_UNIX_PORT";

/// The server's port unless configured.
const PORT_DEFAULT: u16 = 3306;

/// How long an answer is waited for where `read-timeout` is not configured. Longer than a server waits for a lock
/// unless told otherwise (50 s).
const READ_TIMEOUT_DEFAULT_S: u32 = 60;

/// Keep-alives on a quiet TCP connection: begin, interval, and how many may be lost.
const KEEPALIVE_TIME_MS: u32 = 10_000;
const KEEPALIVE_INTERVAL_S: u32 = 5;
const KEEPALIVE_PROBES: u32 = 3;

/// How long a statement of ours waits for a row that somebody else has locked.
const LOCK_WAIT_S: u32 = 5;

/// What is kept of a server's message.
const REASON_LEN_MAX: usize = 300;

/// Name of the step in errors.
const OPENING: &str = "";

/// Connects, and prepares the session. Unless `access` is read-only the server must be one that takes changes.
///
/// # Errors
/// [`DbError`], never with the password: [`Fault::Refused`] when user, password, database or certificate are not
/// accepted, [`Fault::ReadOnly`] for a replica, and [`Fault::Lost`] when there is no server.
pub fn connect(access: &SqlAccess) -> Result<Conn, DbError> {
    let options = options(access)?;
    let mut connection = Conn::new(options).map_err(|error| connect_error(&error))?;
    let session = format!(
        "SET SESSION time_zone = '+00:00', \
         sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
         autocommit = 1, wait_timeout = 2147483, innodb_lock_wait_timeout = {LOCK_WAIT_S}"
    );
    for statement in ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", session.as_str()] {
        connection.query_drop(statement).map_err(|error| db_error(&error, OPENING))?;
    }
    if !access.read_only {
        check_writable(&mut connection)?;
    }
    Ok(connection)
}

/// A server that is read-only is none for us even if this user may write nevertheless: it is a replica, and what is
/// written there is lost or stops the replication.
fn check_writable(connection: &mut Conn) -> Result<(), DbError> {
    let modes: Option<(mysql::Value, mysql::Value)> = connection
        .query_first("SELECT @@global.read_only, @@global.innodb_read_only")
        .map_err(|error| db_error(&error, OPENING))?;
    // The variable has one of two names, by the server.
    let of_transactions = ["SELECT @@tx_read_only, 0", "SELECT @@transaction_read_only, 0"]
        .into_iter()
        .find_map(|question| connection.query_first(question).ok().flatten());
    let is_set = |value: &mysql::Value| match value {
        mysql::Value::Int(number) => *number != 0,
        mysql::Value::UInt(number) => *number != 0,
        mysql::Value::Bytes(text) => {
            !(text.is_empty() || text == b"0" || text.eq_ignore_ascii_case(b"OFF"))
        }
        _ => false,
    };
    let is_read_only = |modes: &Option<(mysql::Value, mysql::Value)>| {
        modes.as_ref().is_some_and(|(one, other)| is_set(one) || is_set(other))
    };
    match is_read_only(&modes) || is_read_only(&of_transactions) {
        true => {
            Err(DbError::new(Fault::ReadOnly, OPENING, "the server is read-only at the moment"))
        }
        false => Ok(()),
    }
}

fn options(access: &SqlAccess) -> Result<OptsBuilder, DbError> {
    let seconds = |number: u32| (number != 0).then(|| Duration::from_secs(number.into()));
    let read_timeout_s =
        if access.read_timeout_s == 0 { READ_TIMEOUT_DEFAULT_S } else { access.read_timeout_s };
    let user = if access.user.is_empty() { process_user() } else { Some(access.user.clone()) };
    let mut options = OptsBuilder::new()
        .stmt_cache_size(0)
        .prefer_socket(false)
        .user(user)
        .pass((!access.password.is_empty()).then(|| access.password.reveal()))
        .db_name(Some(access.name.as_str()))
        .tcp_connect_timeout(seconds(access.connect_timeout_s))
        .read_timeout(seconds(read_timeout_s))
        .write_timeout(seconds(access.write_timeout_s).or(seconds(READ_TIMEOUT_DEFAULT_S)))
        .tcp_keepalive_time_ms(Some(KEEPALIVE_TIME_MS))
        .tcp_keepalive_probe_interval_secs(Some(KEEPALIVE_INTERVAL_S))
        .tcp_keepalive_probe_count(Some(KEEPALIVE_PROBES));
    if access.tcp_user_timeout_s != 0 {
        let milliseconds = access.tcp_user_timeout_s.saturating_mul(1000);
        options = options.tcp_user_timeout_ms(Some(milliseconds));
    }
    if let Some(socket) = socket(access) {
        return Ok(options.socket(Some(socket)));
    }
    let host = if access.host.is_empty() { "localhost" } else { &access.host };
    // The driver knows IPv6 addresses by their brackets.
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    options = options.ip_or_hostname(Some(host)).tcp_port(if access.port == 0 {
        PORT_DEFAULT
    } else {
        access.port
    });
    if access.wants_tls() { Ok(options.ssl_opts(tls(access)?)) } else { Ok(options) }
}

/// The socket to connect to, unless it is to be TCP. A socket needs no TLS: nobody else listens to it.
fn socket(access: &SqlAccess) -> Option<String> {
    if access.host.starts_with('/') {
        return Some(access.host.clone());
    }
    let is_local = access.host.is_empty() || access.host == "localhost";
    if !is_local || access.port != 0 || access.wants_tls() {
        return None;
    }
    // As the clients of MySQL and MariaDB do.
    if let Some(path) = std::env::var(SOCKET_VARIABLE).ok().filter(|path| !path.is_empty()) {
        return Some(path);
    }
    LOCAL_SOCKETS.iter().find(|path| Path::new(path).exists()).map(|path| (*path).to_owned())
}

/// The server's certificate must be of an authority of `trust-anchor` or of a public one, and for the server's name.
fn tls(access: &SqlAccess) -> Result<SslOpts, DbError> {
    let refused = |reason: String| DbError::new(Fault::Refused, OPENING, reason);
    if !access.cipher_list.is_empty() {
        kea_log::log!(DHCPSRV, MYSQL_CIPHER_LIST_IGNORED, access);
    }
    let mut options = SslOpts::default();
    if !access.trust_anchor.is_empty() {
        if Path::new(&access.trust_anchor).is_dir() {
            return Err(refused(format!(
                "trust-anchor '{}' is a folder: a file with all its certificates is needed",
                access.trust_anchor
            )));
        }
        readable(&access.trust_anchor, "trust-anchor").map_err(refused)?;
        options = options.with_root_cert_path(Some(Path::new(&access.trust_anchor).to_owned()));
    }
    if !access.cert_file.is_empty() {
        readable(&access.cert_file, "cert-file").map_err(refused)?;
        readable(&access.key_file, "key-file").map_err(refused)?;
        let identity = ClientIdentity::new(
            Path::new(&access.cert_file).to_owned(),
            Path::new(&access.key_file).to_owned(),
        );
        options = options.with_client_identity(Some(identity));
    }
    Ok(options)
}

/// Says which file it is; the driver would only say that there is none.
fn readable(path: &str, keyword: &str) -> Result<(), String> {
    fs::File::open(path).map(drop).map_err(|error| format!("{keyword} '{path}': {error}"))
}

/// Name of the user that the process runs as.
fn process_user() -> Option<String> {
    let uid = fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// What an error while connecting means: here a problem with TLS is one with certificates.
fn connect_error(error: &mysql::Error) -> DbError {
    match error {
        mysql::Error::TlsError(error) => {
            DbError::new(Fault::Refused, OPENING, shortened(&format!("TLS: {error}")))
        }
        mysql::Error::IoError(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            DbError::new(Fault::Refused, OPENING, shortened(&format!("TLS: {error}")))
        }
        error => db_error(error, OPENING),
    }
}

/// What an error of the driver means; `statement` is what was done.
#[must_use]
pub fn db_error(error: &mysql::Error, statement: &'static str) -> DbError {
    let lost = |reason: String| DbError::new(Fault::Lost, statement, reason);
    match error {
        mysql::Error::MySqlError(error) => server_error(error, statement),
        mysql::Error::IoError(error) => match error.kind() {
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
                lost("the server does not answer in time".to_owned())
            }
            _ => lost(shortened(&error.to_string())),
        },
        mysql::Error::DriverError(error) => match error {
            DriverError::ConnectTimeout | DriverError::Timeout => {
                lost("the server does not answer in time".to_owned())
            }
            DriverError::TlsNotSupported
            | DriverError::UnknownAuthPlugin(_)
            | DriverError::OldMysqlPasswordDisabled
            | DriverError::CleartextPluginDisabled => {
                DbError::new(Fault::Refused, statement, shortened(&error.to_string()))
            }
            // Parameters that do not fit a statement: a mistake of ours, nothing was sent.
            DriverError::MismatchedStmtParams(..)
            | DriverError::Params(_)
            | DriverError::MixedParams
            | DriverError::PacketTooLarge => {
                DbError::new(Fault::Statement, statement, shortened(&error.to_string()))
            }
            _ => lost(shortened(&error.to_string())),
        },
        mysql::Error::CodecError(_) => lost("the server's answer is no MySQL packet".to_owned()),
        mysql::Error::TlsError(error) => lost(shortened(&format!("TLS: {error}"))),
        // What these say may hold options or values.
        mysql::Error::UrlError(_) => {
            DbError::new(Fault::Refused, statement, "the parameters cannot be used")
        }
        mysql::Error::FromValueError(_) | mysql::Error::FromRowError(_) => {
            DbError::new(Fault::Statement, statement, "the answer has unexpected columns")
        }
    }
}

/// A statement would have to be prepared anew. It has not been run, and a transaction goes on.
pub(crate) const STALE: u16 = 1615;

/// What the numbers of errors mean.
fn fault(code: u16) -> Fault {
    match code {
        // No such user or password, database or host; too old a password; an account that is locked or expired.
        1044 | 1045 | 1049 | 1129 | 1130 | 1142 | 1143 | 1227 | 1251 | 1698 | 1820 | 1862
        | 3118 | 3159 | 4151 => Fault::Refused,
        // Too many connections; shutting down; killed; gone away; aborted; waited too long; unknown statement,
        // which is what a proxy that has changed its server leads to.
        // Galera: the node is not ready. A statement that took too long: the server is not well.
        1040
        | 1042
        | 1043
        | 1047
        | 1053
        | 1077
        | 1080
        | 1152
        | 1153
        | 1158..=1161
        | 1184
        | 1203
        | 1226
        | 1243
        | 1317
        | 1927
        | 1969
        | 2002
        | 2003
        | 2006
        | 2013
        | 2055
        | 3024
        | 3032
        | 3168
        | 3169
        | 4031 => Fault::Lost,
        1290 | 1792 | 1836 | 3100 => Fault::ReadOnly,
        // 1615: the definitions of tables have been dropped from the server's cache again and again. 3101: another member of
        // a group has changed the same rows.
        1020 | 1180 | 1213 | STALE | 3058 | 3101 => Fault::Retry,
        1205 | 3572 => Fault::Locked,
        1054 | 1109 | 1146 | 1176 | 1305 | 1932 => Fault::Schema,
        _ => Fault::Statement,
    }
}

fn server_error(error: &MySqlError, statement: &'static str) -> DbError {
    // The server's texts of these repeat a value.
    let reason = match error.code {
        1062 => "there is such a row already".to_owned(),
        1264 | 1690 => "a number is out of range".to_owned(),
        1292 | 1411 => "a time or number is out of range".to_owned(),
        1300 | 1366 | 3988 => "a text has characters that the column cannot hold".to_owned(),
        1406 => "a value is too long for its column".to_owned(),
        1451 | 1452 => "a value is not in the table that the column refers to".to_owned(),
        _ => shortened(&error.message),
    };
    DbError {
        fault: fault(error.code),
        statement,
        key: String::new(),
        code: format!("{}/{}", error.code, shortened(&error.state)),
        reason,
    }
}

/// A text of somebody else's as it may stand in a log.
fn shortened(text: &str) -> String {
    text.chars().filter(|each| !each.is_control()).take(REASON_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_errors_say_what_helps() {
        let cases = [
            (Fault::Lost, [1040, 1047, 1317, 1927, 1969, 2006, 3024, 4031].as_slice()),
            (Fault::Locked, &[1205, 3572]),
            (Fault::Retry, &[1020, 1180, 1213, 3101]),
            (Fault::ReadOnly, &[1290, 1792, 1836]),
            (Fault::Refused, &[1044, 1045, 1142]),
            (Fault::Schema, &[1054, 1146]),
            (Fault::Statement, &[1062, 1406, 1452]),
        ];
        for (expected, codes) in cases {
            for code in codes {
                assert_eq!(fault(*code), expected, "{code}");
            }
        }
    }
}
