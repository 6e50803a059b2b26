//! One connection to a PostgreSQL server, as a blocking object that never waits longer than it was told to.
//!
//! `tokio-postgres` speaks the protocol. It is driven here, on a runtime that belongs to the connection and runs on the
//! calling thread alone: a call polls the protocol and its own answer, side by side, until the answer is there. The
//! blocking wrapper that comes with that crate cannot give up: a server that is stopped, not dead, keeps its sockets
//! open and acknowledges what arrives there, so neither TCP nor the server's own timeouts would end the wait.
//!
//! Limits: `connect_timeout_s` ends everything from the look for the host name until the connection can be used, which
//! for one to tables is when they were looked at; `read_timeout_s` ends a wait during which nothing arrived, and so do
//! 60 seconds for connections of servers ([`connect_to_serve`]). Both end the connection ([`Fault::Lost`]). Those of
//! servers also wait for rows of others, and for statements, no longer than is bearable.
//!
//! A transaction begins together with its first statement, in one round trip.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use database::{DbError, Fault};
use futures_core::Stream;
use libdhcpsrv::config::SqlAccess;
use tokio::runtime::Runtime;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row, SimpleQueryMessage};

use crate::error::{db_error, lost};
use crate::tls;

/// The usual port.
const PORT: u16 = 5432;
/// Seconds without traffic after which the system asks whether the other end is still there, and between questions.
const KEEPALIVE_S: (u64, u64) = (10, 5);
/// Unanswered questions after which it is not.
const KEEPALIVE_RETRIES: u32 = 3;
/// After this time the server undoes a transaction in which nothing happens, so that a server that was stopped in the
/// middle of one does not keep others from its rows.
const IDLE_TRANSACTION_MS: u32 = 10_000;
/// Seconds that sent bytes may stay unacknowledged unless configured: no longer than until keep-alives give up.
const UNSENT_S: u32 = 25;
/// Seconds during which nothing arrives, and after which a statement is given up, unless configured.
const PATIENCE_S: u32 = 60;
/// The same for what looks at a whole table.
const PATIENCE_FOR_ALL: Duration = Duration::from_secs(600);
/// How long a row is waited for that somebody holds, with patience and without.
const LOCK_WAIT_MS: [u32; 2] = [1000, 10];

type Protocol = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// A parameter of a statement.
pub type Parameter<'a> = &'a (dyn ToSql + Sync);

/// A connection. See the module.
pub struct Client {
    /// Always there until the end.
    runtime: Option<Runtime>,
    client: tokio_postgres::Client,
    /// The other half of the connection, which moves the bytes; none when it has ended.
    protocol: Option<Protocol>,
    limits: Limits,
    /// What a statement of a server may take, in milliseconds; 0 for any time.
    statement_ms: u64,
    transaction: Transaction,
    /// Whether the server keeps texts in UTF-8, or any bytes.
    has_unicode: bool,
}

/// How long is waited.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long nothing may arrive.
    patience: Option<Duration>,
    /// Until when everything must have happened, while the connection is being opened, and how long that may take.
    deadline: Option<(Instant, Duration)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    None,
    /// Begun here; the server hears of it with the next statement.
    Due,
    Open,
}

/// A prepared statement, which belongs to the connection that prepared it.
#[derive(Clone)]
pub struct Statement {
    name: &'static str,
    inner: tokio_postgres::Statement,
}

/// Connects. Unless the access is `read_only`, the server must be one that can be written to.
///
/// # Errors
/// [`DbError`], with no secret in it: `Lost` when no server answers, `Refused` when it wants other credentials, has no
/// such database, or its certificate or ours does not do, `ReadOnly` when it is a standby.
pub fn connect(access: &SqlAccess) -> Result<Client, DbError> {
    let mut client = begin(access)?;
    client.limits = Limits { patience: seconds(access.read_timeout_s), deadline: None };
    Ok(client)
}

/// The same for a server, which must go on whatever happens: see the module. The time for opening the connection runs
/// on until [`Client::serve`] is called.
pub(crate) fn connect_to_serve(access: &SqlAccess) -> Result<Client, DbError> {
    let mut client = begin(access)?;
    client.statement_ms = u64::from(patience_s(access)) * 1000;
    let settings = [
        ("statement_timeout", client.statement_ms.to_string()),
        ("lock_timeout", LOCK_WAIT_MS[0].to_string()),
    ];
    client.set("", &settings)?;
    Ok(client)
}

fn patience_s(access: &SqlAccess) -> u32 {
    if access.read_timeout_s == 0 { PATIENCE_S } else { access.read_timeout_s }
}

/// Connects; what remains to be done has the time that is left for it.
fn begin(access: &SqlAccess) -> Result<Client, DbError> {
    let begun = Instant::now();
    let tls = tls::connector(access)?;
    let config = config(access, tls.is_some());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| DbError::new(Fault::Lost, "", error.to_string()))?;
    let limit = Duration::from_secs(access.connect_timeout_s.max(1).into());
    let connected = runtime.block_on(async {
        tokio::time::timeout(limit, async {
            match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    Ok((client, Box::pin(connection) as Protocol))
                }
                None => {
                    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
                    Ok((client, Box::pin(connection) as Protocol))
                }
            }
        })
        .await
    });
    let (client, protocol) = match connected {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => {
            runtime.shutdown_background();
            return Err(db_error("", &error));
        }
        Err(_) => {
            // A look for a name cannot be broken off; nobody waits for it.
            runtime.shutdown_background();
            return Err(lost("", format!("no answer within {} s", limit.as_secs())));
        }
    };
    let mut client = Client {
        runtime: Some(runtime),
        client,
        protocol: Some(protocol),
        limits: Limits { patience: None, deadline: Some((begun + limit, limit)) },
        statement_ms: 0,
        transaction: Transaction::None,
        has_unicode: false,
    };
    client.set_up(access)?;
    Ok(client)
}

fn seconds(number: u32) -> Option<Duration> {
    (number != 0).then(|| Duration::from_secs(number.into()))
}

fn config(access: &SqlAccess, with_tls: bool) -> Config {
    let mut config = Config::new();
    config.host(&access.host).port(if access.port == 0 { PORT } else { access.port });
    config.dbname(&access.name).application_name("kea");
    if !access.user.is_empty() {
        config.user(&access.user);
    }
    if !access.password.is_empty() {
        config.password(access.password.reveal());
    }
    let (idle_s, interval_s) = KEEPALIVE_S;
    config
        .connect_timeout(Duration::from_secs(access.connect_timeout_s.max(1).into()))
        .keepalives_idle(Duration::from_secs(idle_s))
        .keepalives_interval(Duration::from_secs(interval_s))
        .keepalives_retries(KEEPALIVE_RETRIES)
        .ssl_mode(if with_tls { SslMode::Require } else { SslMode::Disable });
    let unsent_s = match (access.tcp_user_timeout_s, access.read_timeout_s) {
        (0, 0) => UNSENT_S,
        (0, set) | (set, _) => set,
    };
    config.tcp_user_timeout(Duration::from_secs(unsent_s.into()));
    config
}

impl Client {
    /// The connection is open: from now on `patience` counts.
    pub(crate) fn serve(&mut self, access: &SqlAccess) {
        self.limits = Limits { patience: seconds(patience_s(access)), deadline: None };
    }

    /// Lets statements take as long as looking at all rows may take, or not.
    pub(crate) fn set_unlimited(&mut self, is_unlimited: bool) -> Result<(), DbError> {
        let statement_ms = if is_unlimited { 0 } else { self.statement_ms };
        self.set("settings", &[("statement_timeout", statement_ms.to_string())])?;
        let patience = (self.statement_ms != 0).then(|| Duration::from_millis(self.statement_ms));
        self.limits.patience = match patience {
            Some(_) if is_unlimited => Some(PATIENCE_FOR_ALL),
            patience => patience,
        };
        Ok(())
    }

    /// Says whether rows that others hold are waited for.
    pub(crate) fn set_patient(&mut self, is_patient: bool) -> Result<(), DbError> {
        let wait_ms = LOCK_WAIT_MS[usize::from(!is_patient)];
        self.set("settings", &[("lock_timeout", wait_ms.to_string())])
    }

    /// Says once how the session is to be, and asks what the server is.
    fn set_up(&mut self, access: &SqlAccess) -> Result<(), DbError> {
        let statement_ms = u64::from(access.read_timeout_s) * 1000;
        let (idle_s, interval_s) = KEEPALIVE_S;
        let mut settings = vec![
            ("client_min_messages", "warning".to_owned()),
            ("statement_timeout", statement_ms.to_string()),
            ("idle_in_transaction_session_timeout", IDLE_TRANSACTION_MS.to_string()),
            ("tcp_keepalives_idle", idle_s.to_string()),
            ("tcp_keepalives_interval", interval_s.to_string()),
            ("tcp_keepalives_count", KEEPALIVE_RETRIES.to_string()),
        ];
        if access.read_only {
            settings.push(("default_transaction_read_only", "on".to_owned()));
        }
        self.set("", &settings)?;
        let asked =
            "SELECT current_setting('transaction_read_only'), current_setting('server_encoding')";
        let answer = self.simple("", asked)?;
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let cell = |index| row.and_then(|row| row.try_get(index).ok().flatten()).unwrap_or("");
        self.has_unicode = matches!(cell(1), "UTF8" | "SQL_ASCII");
        if cell(0) == "on" && !access.read_only {
            let reason = "the server can only be read from at the moment";
            return Err(DbError::new(Fault::ReadOnly, "", reason));
        }
        Ok(())
    }

    /// Changes settings of the session, as far as the server knows them. Names and values are ours, never of others.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn set(&mut self, name: &'static str, settings: &[(&str, String)]) -> Result<(), DbError> {
        let values: Vec<String> =
            settings.iter().map(|(name, value)| format!("('{name}', '{value}')")).collect();
        let text = format!(
            "SELECT set_config(name, value, false) FROM (VALUES {}) AS wish(name, value) \
             WHERE current_setting(name, true) IS NOT NULL",
            values.join(", ")
        );
        self.simple(name, &text).map(drop)
    }

    /// Prepares a statement, which is called `name` in errors.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn prepare(&mut self, name: &'static str, text: &str) -> Result<Statement, DbError> {
        let Self { runtime, client, protocol, limits, .. } = self;
        let answer = drive(runtime, protocol, *limits, &Cell::new(false), client.prepare(text));
        let inner = self.settle(name, answer)?;
        Ok(Statement { name, inner })
    }

    /// Runs a statement and returns all of its rows.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn query(
        &mut self,
        statement: &Statement,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, DbError> {
        let begins = self.transaction;
        self.transaction = begins.reached();
        let Self { runtime, client, protocol, limits, .. } = self;
        let progress = Cell::new(false);
        let query = async {
            let parameters = parameters.iter().copied();
            let mut stream = pin!(client.query_raw(&statement.inner, parameters).await?);
            let mut rows = Vec::new();
            while let Some(row) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
                progress.set(true);
                rows.push(row?);
            }
            Ok(rows)
        };
        let answer = if begins == Transaction::Due {
            let begin = client.batch_execute(BEGIN);
            drive(runtime, protocol, *limits, &progress, behind(begin, query))
        } else {
            drive(runtime, protocol, *limits, &progress, query)
        };
        self.settle(statement.name, answer)
    }

    /// Runs a statement and shows its rows one by one, as they arrive; `each` can put an end to it.
    ///
    /// # Errors
    /// [`DbError`], of the server or of `each`.
    pub fn each(
        &mut self,
        statement: &Statement,
        parameters: &[Parameter<'_>],
        each: &mut dyn FnMut(&Row) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        self.start_transaction(statement.name)?;
        let Self { runtime, client, protocol, limits, .. } = self;
        let mut refused = None;
        let progress = Cell::new(false);
        let walk = async {
            let parameters = parameters.iter().copied();
            let mut rows = pin!(client.query_raw(&statement.inner, parameters).await?);
            while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
                progress.set(true);
                // The rows that are left have to be read all the same.
                if refused.is_none() {
                    refused = each(&row?).err();
                }
            }
            Ok(())
        };
        let answer = drive(runtime, protocol, *limits, &progress, walk);
        self.settle(statement.name, answer)?;
        match refused {
            Some(error) => Err(self.undone(error)),
            None => Ok(()),
        }
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn execute(
        &mut self,
        statement: &Statement,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, DbError> {
        self.start_transaction(statement.name)?;
        let Self { runtime, client, protocol, limits, .. } = self;
        let query = client.execute(&statement.inner, parameters);
        let answer = drive(runtime, protocol, *limits, &Cell::new(false), query);
        self.settle(statement.name, answer)
    }

    /// Runs statements without parameters, which may be several behind semicolons, and returns what they answer, as
    /// texts.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn simple(
        &mut self,
        name: &'static str,
        text: &str,
    ) -> Result<Vec<SimpleQueryMessage>, DbError> {
        self.start_transaction(name)?;
        let Self { runtime, client, protocol, limits, .. } = self;
        let answer =
            drive(runtime, protocol, *limits, &Cell::new(false), client.simple_query(text));
        self.settle(name, answer)
    }

    /// Begins a transaction, at the isolation level READ COMMITTED. The server hears of it with the next statement.
    pub fn begin(&mut self) {
        if self.transaction == Transaction::None {
            self.transaction = Transaction::Due;
        }
    }

    /// Ends the transaction; what it has done is stored.
    ///
    /// # Errors
    /// [`DbError`]: `Statement` when none was begun or it has been undone after an error.
    pub fn commit(&mut self) -> Result<(), DbError> {
        match std::mem::replace(&mut self.transaction, Transaction::None) {
            Transaction::None => {
                Err(DbError::new(Fault::Statement, "commit", "there is no transaction"))
            }
            Transaction::Due => Ok(()),
            Transaction::Open => self.simple("commit", "COMMIT").map(drop),
        }
    }

    /// Undoes the transaction, if there is one.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn rollback(&mut self) -> Result<(), DbError> {
        match std::mem::replace(&mut self.transaction, Transaction::None) {
            Transaction::Open => self.simple("rollback", "ROLLBACK").map(drop),
            Transaction::None | Transaction::Due => Ok(()),
        }
    }

    /// Whether every text can be stored that is valid UTF-8; only ASCII otherwise.
    #[must_use]
    pub fn has_unicode(&self) -> bool {
        self.has_unicode
    }

    fn start_transaction(&mut self, name: &'static str) -> Result<(), DbError> {
        if self.transaction != Transaction::Due {
            return Ok(());
        }
        self.transaction = Transaction::Open;
        self.simple(name, BEGIN).map(drop)
    }

    /// What an answer means for the connection: after a failure there is no open transaction.
    fn settle<T>(&mut self, name: &'static str, answer: Answer<T>) -> Result<T, DbError> {
        let error = match answer {
            Ok(value) => return Ok(value),
            Err(Failure::Server(error)) => db_error(name, &error),
            Err(Failure::Silence(limit)) => {
                // Nothing that arrives later may be taken for an answer to something else.
                self.protocol = None;
                lost(name, format!("no answer within {} s", limit.as_secs()))
            }
            Err(Failure::Gone) => lost(name, "the connection is gone"),
        };
        Err(self.undone(error))
    }

    /// Undoes what an error leaves behind; the worse of two errors.
    fn undone(&mut self, error: DbError) -> DbError {
        if error.is_lost() {
            self.transaction = Transaction::None;
            return error;
        }
        self.rollback().err().unwrap_or(error)
    }
}

impl Transaction {
    /// What it is once a statement has been sent.
    fn reached(self) -> Self {
        if self == Self::None { Self::None } else { Self::Open }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.protocol = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("transaction", &self.transaction).finish_non_exhaustive()
    }
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

enum Failure {
    Server(tokio_postgres::Error),
    Silence(Duration),
    Gone,
}

type Answer<T> = Result<T, Failure>;

/// Runs until `answer` is there, moving the bytes of the connection meanwhile, or until nothing was heard for as long as
/// the patience of `limits`; `progress` is set by an answer of which a part has arrived.
fn drive<T>(
    runtime: &Option<Runtime>,
    protocol: &mut Option<Protocol>,
    limits: Limits,
    progress: &Cell<bool>,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Answer<T> {
    let (Some(runtime), true) = (runtime, protocol.is_some()) else {
        return Err(Failure::Gone);
    };
    let mut answer = pin!(answer);
    let mut work = pin!(poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        let ended = protocol.as_mut().map(|protocol| protocol.as_mut().poll(context));
        // What has arrived is there now.
        let answered = answer.as_mut().poll(context);
        if let Some(Poll::Ready(end)) = ended {
            *protocol = None;
            // Why the connection ended says more than that it did.
            return match (answered, end) {
                (Poll::Ready(Err(told)), Err(cause)) if told.is_closed() => Poll::Ready(Err(cause)),
                (Poll::Pending, Err(cause)) => Poll::Ready(Err(cause)),
                (answered, _) => answered,
            };
        }
        answered
    }));
    runtime.block_on(async {
        loop {
            let (wait, told) = match (limits.deadline, limits.patience) {
                (Some((until, whole)), _) => {
                    (until.saturating_duration_since(Instant::now()), whole)
                }
                (None, Some(patience)) => (patience, patience),
                (None, None) => return work.await.map_err(Failure::Server),
            };
            match tokio::time::timeout(wait, work.as_mut()).await {
                Ok(answer) => return answer.map_err(Failure::Server),
                Err(_) if limits.deadline.is_none() && progress.replace(false) => {}
                Err(_) => return Err(Failure::Silence(told)),
            }
        }
    })
}

/// Two requests sent one behind the other, without waiting for the first answer. If the first one fails that is the
/// answer. Answers come in the order of requests.
async fn behind<T>(
    first: impl Future<Output = Result<(), tokio_postgres::Error>>,
    second: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let mut is_begun = false;
    poll_fn(|context| {
        if !is_begun && let Poll::Ready(begun) = first.as_mut().poll(context) {
            if let Err(error) = begun {
                return Poll::Ready(Err(error));
            }
            is_begun = true;
        }
        second.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use db_testing::{Durability, Server};
    use libdhcpsrv::config::SqlKind;

    use super::*;

    fn shown(client: &mut Client, setting: &str) -> String {
        let told = client.simple("show", &format!("SHOW {setting}")).unwrap();
        let row = told.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        row.unwrap_or_default().to_owned()
    }

    #[test]
    fn servers_wait_no_longer_than_is_bearable() {
        let database = Server::shared(SqlKind::Postgresql, Durability::Relaxed).new_database();
        let access = SqlAccess { connect_timeout_s: 60, ..database.access() };
        let mut client = connect_to_serve(&access).unwrap();
        client.serve(&access);
        assert_eq!(client.limits.patience, Some(Duration::from_secs(60)));
        assert_eq!(shown(&mut client, "statement_timeout"), "1min");
        assert_eq!(shown(&mut client, "lock_timeout"), "1s");
        client.set_patient(false).unwrap();
        client.set_unlimited(true).unwrap();
        assert_eq!(shown(&mut client, "lock_timeout"), "10ms");
        assert_eq!(shown(&mut client, "statement_timeout"), "0");
        client.set_patient(true).unwrap();
        client.set_unlimited(false).unwrap();
        assert_eq!(shown(&mut client, "lock_timeout"), "1s");
        assert_eq!(shown(&mut client, "statement_timeout"), "1min");
        // Whoever works on the tables themselves takes the time that it takes.
        let mut client = connect(&access).unwrap();
        assert_eq!(client.limits.patience, None);
        assert_eq!(shown(&mut client, "statement_timeout"), "0");
    }

    #[test]
    fn bytes_are_not_sent_for_ever() {
        let access = SqlAccess::new(SqlKind::Postgresql, "kea");
        let of = |access: &SqlAccess| config(access, false).get_tcp_user_timeout().copied();
        assert_eq!(of(&access), Some(Duration::from_secs(25)));
        let configured = SqlAccess { tcp_user_timeout_s: 7, ..access };
        assert_eq!(of(&configured), Some(Duration::from_secs(7)));
    }

    #[test]
    fn the_time_for_opening_covers_all_of_it() {
        let database = Server::shared(SqlKind::Postgresql, Durability::Relaxed).new_database();
        let access = SqlAccess { connect_timeout_s: 3, ..database.access() };
        let begun = Instant::now();
        // A machine with much to do may need all of the time for less.
        let error = connect_to_serve(&access)
            .and_then(|mut client| {
                client.simple("sleep", "SELECT pg_sleep(1)")?;
                client.simple("sleep", "SELECT pg_sleep(1)")?;
                client.simple("sleep", "SELECT pg_sleep(1)")
            })
            .unwrap_err();
        assert_eq!(error.fault, Fault::Lost, "{error}");
        assert!(begun.elapsed() >= Duration::from_secs(3));
        assert!(error.reason.contains("3 s"), "{error}");
    }
}
