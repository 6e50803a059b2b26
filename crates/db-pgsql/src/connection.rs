//! One connection to a PostgreSQL server, as a blocking object that never waits longer than it was told to.
//!
//! `tokio-postgres` speaks the protocol. It is driven here, on a runtime that belongs to the connection and runs on the
//! calling thread alone: a call polls the protocol and its own answer, side by side, until the answer is there. The
//! blocking wrapper that comes with that crate cannot give up: a server that is stopped, not dead, keeps its sockets
//! open and acknowledges what arrives there, so neither TCP nor the server's own timeouts would end the wait.
//!
//! Limits: `connect_timeout_s` ends everything from the look for the host name to the first answered statement;
//! `read_timeout_s` ends a wait during which nothing arrived. Both end the connection ([`Fault::Lost`]).
//!
//! A transaction begins together with its first statement, in one round trip.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

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
    /// How long nothing may arrive.
    patience: Option<Duration>,
    transaction: Transaction,
    /// Whether the server keeps texts in UTF-8, or any bytes.
    has_unicode: bool,
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
        patience: Some(limit),
        transaction: Transaction::None,
        has_unicode: false,
    };
    client.set_up(access)?;
    client.patience = seconds(access.read_timeout_s);
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
    let unsent_s = match access.tcp_user_timeout_s {
        0 => access.read_timeout_s,
        set => set,
    };
    if let Some(unsent) = seconds(unsent_s) {
        config.tcp_user_timeout(unsent);
    }
    config
}

impl Client {
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
        let Self { runtime, client, protocol, patience, .. } = self;
        let answer = drive(runtime, protocol, *patience, &Cell::new(false), client.prepare(text));
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
        let Self { runtime, client, protocol, patience, .. } = self;
        let query = client.query(&statement.inner, parameters);
        let answer = if begins == Transaction::Due {
            drive(
                runtime,
                protocol,
                *patience,
                &Cell::new(false),
                behind(client.batch_execute(BEGIN), query),
            )
        } else {
            drive(runtime, protocol, *patience, &Cell::new(false), query)
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
        let Self { runtime, client, protocol, patience, .. } = self;
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
        let answer = drive(runtime, protocol, *patience, &progress, walk);
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
        let Self { runtime, client, protocol, patience, .. } = self;
        let query = client.execute(&statement.inner, parameters);
        let answer = drive(runtime, protocol, *patience, &Cell::new(false), query);
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
        let Self { runtime, client, protocol, patience, .. } = self;
        let answer =
            drive(runtime, protocol, *patience, &Cell::new(false), client.simple_query(text));
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
/// `patience`; `progress` is set by an answer of which a part has arrived.
fn drive<T>(
    runtime: &Option<Runtime>,
    protocol: &mut Option<Protocol>,
    patience: Option<Duration>,
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
        let Some(limit) = patience else {
            return work.await.map_err(Failure::Server);
        };
        loop {
            match tokio::time::timeout(limit, work.as_mut()).await {
                Ok(answer) => return answer.map_err(Failure::Server),
                Err(_) if progress.replace(false) => {}
                Err(_) => return Err(Failure::Silence(limit)),
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
