//! The threads between the workers of a server and its databases of hosts: a line for each database.
//!
//! As with leases, workers hand over what has come up in a pass, and a thread with a connection carries out together
//! what has gathered; another one joins in when more is waiting than it can carry. Which databases there are changes with the configuration; an exchange that began under an earlier
//! one may still ask a database that is not in it any more, and is told that nothing is known.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libdhcpsrv::config::{OnFail, SqlDatabase};
use libdhcpsrv::hosts::{HostQuery, HostReply, HostRequest, HostsUnknown};
use libdhcpsrv::lease::LeaseKind;
use libdhcpsrv::session::Ticket;
use parking_lot::RwLock;

use crate::host::HOST_QUERIES_MAX;
use crate::line::{Carrier, JOIN_MAX, Line, LinkEvent, Lost, join_within};
use crate::mailbox::{Mailbox, Wake, deliver};
use crate::{DbError, Fault, HostConnection, refusals};

/// How long it is looked for what a database refuses among the questions of a batch; what is left then fails.
const HALVING_MAX: Duration = Duration::from_secs(2);

/// Makes a connection.
pub type HostOpener<K> = Arc<dyn Fn() -> Result<Box<dyn HostConnection<K>>, DbError> + Send + Sync>;

/// A question and where its reply goes.
struct Job<K: LeaseKind> {
    mailbox: Arc<Mailbox<Answer<K>>>,
    ticket: Ticket,
    query: Arc<HostQuery<K>>,
    /// Whether a connection was lost under it before.
    was_lost: bool,
}

/// A reply with its ticket.
type Answer<K> = (Ticket, HostReply<K>);

/// Carries questions about hosts.
struct Hosts<K: LeaseKind> {
    opener: HostOpener<K>,
}

impl<K: LeaseKind> Carrier for Hosts<K> {
    type Connection = Box<dyn HostConnection<K>>;
    type Job = Job<K>;
    type Receipt = (Arc<Mailbox<Answer<K>>>, Ticket);

    fn connect(&self) -> Result<Box<dyn HostConnection<K>>, DbError> {
        (self.opener)()
    }

    fn carry_out(
        &self,
        connection: &mut Box<dyn HostConnection<K>>,
        mut jobs: Vec<Job<K>>,
        tell: &dyn Fn(LinkEvent),
    ) -> Result<(), Lost<Job<K>>> {
        while !jobs.is_empty() {
            let behind = jobs.split_off(jobs.len().min(HOST_QUERIES_MAX));
            if let Err((error, mut left)) = ask(&mut **connection, jobs, tell, None) {
                left.extend(behind);
                return Err((error, left));
            }
            jobs = behind;
        }
        Ok(())
    }

    fn fail(&self, jobs: Vec<Job<K>>) {
        fail(jobs);
    }

    fn receipt(job: &Job<K>) -> Self::Receipt {
        (job.mailbox.clone(), job.ticket)
    }

    fn fail_receipts(&self, receipts: Vec<Self::Receipt>) {
        let unknown = |(mailbox, ticket)| (mailbox, (ticket, Err(HostsUnknown)));
        deliver(receipts.into_iter().map(unknown));
    }

    fn mark_lost(job: &mut Job<K>) -> bool {
        std::mem::replace(&mut job.was_lost, true)
    }
}

/// Asks what some jobs want to know, together, or in halves where that is refused for what it says; `until` when, if
/// something has been refused.
fn ask<K: LeaseKind>(
    connection: &mut dyn HostConnection<K>,
    mut jobs: Vec<Job<K>>,
    tell: &dyn Fn(LinkEvent),
    until: Option<Instant>,
) -> Result<(), Lost<Job<K>>> {
    let mut found = Vec::new();
    found.resize_with(jobs.len(), Vec::new);
    let queries: Vec<&HostQuery<K>> = jobs.iter().map(|job| &*job.query).collect();
    let asked = connection.hosts(&queries, &mut |number, host| {
        if let Some(found) = found.get_mut(number) {
            found.push(host);
        }
    });
    let error = match asked {
        Ok(()) => {
            deliver(jobs.into_iter().zip(found).map(|(job, found)| reply(job, Ok(found))));
            return Ok(());
        }
        Err(error) if error.is_lost() => return Err((error, jobs)),
        Err(error) => error,
    };
    // Anything else would be refused as well if it were asked alone.
    let is_of_one = matches!(error.fault, Fault::Statement | Fault::Retry);
    let is_late = until.is_some_and(|until| Instant::now() >= until);
    if !is_of_one || is_late || jobs.len() == 1 {
        refusals::tell(tell, error);
        fail(jobs);
        return Ok(());
    }
    let until = until.or_else(|| Some(Instant::now() + HALVING_MAX));
    let right = jobs.split_off(jobs.len() / 2);
    if let Err((error, mut left)) = ask(connection, jobs, tell, until) {
        left.extend(right);
        return Err((error, left));
    }
    ask(connection, right, tell, until)
}

/// Replies to all that nothing is known.
fn fail<K: LeaseKind>(jobs: Vec<Job<K>>) {
    deliver(jobs.into_iter().map(|job| reply(job, Err(HostsUnknown))));
}

fn reply<K: LeaseKind>(job: Job<K>, said: HostReply<K>) -> (Arc<Mailbox<Answer<K>>>, Answer<K>) {
    (job.mailbox, (job.ticket, said))
}

/// The line to one database, and its threads.
struct HostLine<K: LeaseKind> {
    settings: Arc<SqlDatabase>,
    line: Arc<Line<Hosts<K>>>,
    threads: Vec<JoinHandle<()>>,
}

impl<K: LeaseKind> Drop for HostLine<K> {
    fn drop(&mut self) {
        self.line.stop();
        join_within(self.threads.drain(..), JOIN_MAX);
        self.line.fail_all();
    }
}

/// The databases of hosts in use.
struct Lines<K: LeaseKind> {
    all: RwLock<Vec<HostLine<K>>>,
    /// Whether there are any: asked for every packet.
    are_any: AtomicBool,
}

/// The threads of the databases of hosts; they end when it is dropped.
pub struct HostService<K: LeaseKind> {
    lines: Arc<Lines<K>>,
    wake_owner: Arc<dyn Fn() + Send + Sync>,
}

impl<K: LeaseKind> std::fmt::Debug for HostService<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostService").finish_non_exhaustive()
    }
}

impl<K: LeaseKind> HostService<K> {
    /// Makes a service without databases; `wake_owner` is called when there is something for [`Self::take_events`].
    #[must_use]
    pub fn new(wake_owner: Arc<dyn Fn() + Send + Sync>) -> Self {
        let lines = Lines { all: RwLock::default(), are_any: AtomicBool::new(false) };
        Self { lines: Arc::new(lines), wake_owner }
    }

    /// Whether a database is in use.
    #[must_use]
    pub fn has(&self, settings: &SqlDatabase) -> bool {
        self.lines.all.read().iter().any(|line| *line.settings == *settings)
    }

    /// Takes a database into use, with a connection that is open already.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn add(
        &self,
        settings: Arc<SqlDatabase>,
        opener: HostOpener<K>,
        first: Box<dyn HostConnection<K>>,
    ) -> io::Result<()> {
        let wake = self.wake_owner.clone();
        let line = Line::new(Hosts { opener }, 1, settings.reconnect, Box::new(move || wake()));
        let mut added = HostLine { settings, line: Arc::new(line), threads: Vec::new() };
        let mut first = Some(first);
        for number in 0..=added.line.helper() {
            let (line, first) = (added.line.clone(), first.take());
            let thread = thread::Builder::new().name(format!("hosts-{number}"));
            added.threads.push(thread.spawn(move || line.run(number, first))?);
        }
        self.lines.all.write().push(added);
        self.lines.are_any.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Gives up all databases but these.
    pub fn retain(&self, settings: &[SqlDatabase]) {
        let is_meant =
            |line: &HostLine<K>| settings.iter().any(|settings| *line.settings == *settings);
        let mut lines = self.lines.all.write();
        let all = std::mem::take(&mut *lines);
        let (kept, given_up): (Vec<_>, Vec<_>) = all.into_iter().partition(is_meant);
        *lines = kept;
        self.lines.are_any.store(!lines.is_empty(), Ordering::Relaxed);
        drop(lines);
        drop(given_up);
    }

    /// Makes a worker's access; `wake` is called whenever there are replies for it.
    #[must_use]
    pub fn post(&self, wake: Wake) -> HostPost<K> {
        let mailbox = Mailbox::new(wake);
        HostPost { lines: self.lines.clone(), mailbox }
    }

    /// What has happened since the last call, each with its database.
    #[must_use]
    pub fn take_events(&self) -> Vec<(Arc<SqlDatabase>, LinkEvent)> {
        let lines = self.lines.all.read();
        let events = lines.iter().flat_map(|line| {
            let events = line.line.take_events().into_iter();
            events.map(|event| (line.settings.clone(), event))
        });
        events.collect()
    }
}

/// One worker's access to the databases of hosts.
pub struct HostPost<K: LeaseKind> {
    lines: Arc<Lines<K>>,
    mailbox: Arc<Mailbox<Answer<K>>>,
}

impl<K: LeaseKind> std::fmt::Debug for HostPost<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostPost").finish_non_exhaustive()
    }
}

impl<K: LeaseKind> HostPost<K> {
    /// Hands over questions.
    pub fn hand_over(&self, requests: &mut Vec<HostRequest<K>>) {
        self.mailbox.expect(requests.len());
        let lines = self.lines.all.read();
        let job = |HostRequest { ticket, query, .. }: HostRequest<K>| {
            let mailbox = self.mailbox.clone();
            Job { mailbox, ticket, query, was_lost: false }
        };
        // All for one database together, so that they are asked together.
        for line in lines.iter() {
            let is_for_it = |request: &mut HostRequest<K>| *request.database == *line.settings;
            let jobs: Vec<_> = requests.extract_if(.., is_for_it).map(job).collect();
            if !jobs.is_empty() {
                line.line.push(jobs.into_iter().map(|job| (0, job)));
            }
        }
        deliver(requests.drain(..).map(|request| reply(job(request), Err(HostsUnknown))));
    }

    /// Takes the replies that have come.
    pub fn collect(&self, into: &mut Vec<(Ticket, HostReply<K>)>) {
        self.mailbox.empty_into(into);
    }

    /// Whether queries are to be passed over: a database is away, and its `on-fail` says not to serve meanwhile.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        if !self.lines.are_any.load(Ordering::Relaxed) {
            return false;
        }
        let lines = self.lines.all.read();
        lines.iter().any(|line| {
            line.settings.reconnect.on_fail == OnFail::StopRetryExit && !line.line.is_up()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::time::{Duration, Instant};

    use libdhcpsrv::config::{Reconnect, SqlAccess, SqlKind};
    use libdhcpsrv::hosts::{GLOBAL, Identifier, IdentifierKind, OwnedIdentifier, RawHost};
    use libdhcpsrv::lease4::V4;
    use parking_lot::Mutex;

    use super::*;
    use crate::{Fault, SchemaVersion};

    const LIMIT: Duration = Duration::from_secs(20);

    /// What is wrong with a database, and what it was asked.
    #[derive(Clone, Default)]
    struct State {
        is_down: Arc<AtomicBool>,
        /// How identifier 0 is refused; that of the statement if nothing else is said.
        fault: Arc<Mutex<Option<Fault>>>,
        /// Whoever holds it keeps the first connection from answering.
        gate: Arc<Mutex<()>>,
        statements: Arc<AtomicU32>,
    }

    /// A database in which every client has a host with its own identifier; identifier 0 is refused.
    struct Everybody {
        state: State,
        is_first: bool,
    }

    impl HostConnection<V4> for Everybody {
        fn hosts(
            &mut self,
            queries: &[&HostQuery<V4>],
            each: &mut dyn FnMut(usize, RawHost<V4>),
        ) -> Result<(), DbError> {
            let state = &self.state;
            if state.is_down.load(Ordering::SeqCst) {
                return Err(DbError::new(Fault::Lost, "hosts", "it is down"));
            }
            state.statements.fetch_add(1, Ordering::SeqCst);
            let _passed = self.is_first.then(|| state.gate.lock());
            for (number, query) in queries.iter().enumerate() {
                let HostQuery::Of { subnets, identifiers } = query else { continue };
                if identifiers[0].bytes[0] == 0 {
                    let fault = state.fault.lock().unwrap_or(Fault::Statement);
                    return Err(DbError::new(fault, "hosts", "not this one"));
                }
                each(number, RawHost::new(1, subnets[0], identifiers[0].borrow()));
            }
            Ok(())
        }

        fn schema_version(&self) -> SchemaVersion {
            SchemaVersion { major: 14, minor: 0 }
        }
    }

    fn settings(name: &str) -> Arc<SqlDatabase> {
        let access = SqlAccess::new(SqlKind::Mysql, name);
        let reconnect = Reconnect {
            tries_max: 1000,
            wait_ms: 1,
            on_fail: OnFail::StopRetryExit,
            on_startup: false,
        };
        Arc::new(SqlDatabase { access, reconnect })
    }

    struct Stand {
        service: HostService<V4>,
        post: HostPost<V4>,
        state: State,
    }

    impl Stand {
        fn new() -> Self {
            let state = State::default();
            let connections = AtomicU32::new(0);
            let opener: HostOpener<V4> = {
                let state = state.clone();
                Arc::new(move || match state.is_down.load(Ordering::SeqCst) {
                    true => Err(DbError::new(Fault::Lost, "", "it is down")),
                    false => {
                        let is_first = connections.fetch_add(1, Ordering::SeqCst) == 0;
                        Ok(Box::new(Everybody { state: state.clone(), is_first }))
                    }
                })
            };
            let service = HostService::new(Arc::new(|| ()));
            let first = opener().unwrap();
            service.add(settings("hosts"), opener, first).unwrap();
            let post = service.post(Box::new(|_| ()));
            Self { service, post, state }
        }

        /// Hands over questions about clients of one byte each.
        fn hand_over(&self, database: &Arc<SqlDatabase>, clients: &[u8]) {
            let request = |&client: &u8| {
                let identifier =
                    OwnedIdentifier { kind: IdentifierKind::HwAddress, bytes: [client].into() };
                let identifiers = [identifier].into();
                HostRequest {
                    ticket: Ticket(client.into()),
                    database: database.clone(),
                    query: Arc::new(HostQuery::Of { subnets: [GLOBAL].into(), identifiers }),
                }
            };
            let mut requests: Vec<_> = clients.iter().map(request).collect();
            self.post.hand_over(&mut requests);
            assert!(requests.is_empty());
        }

        /// Waits for so many replies.
        fn replies(&self, count: usize) -> Vec<(Ticket, HostReply<V4>)> {
            let (mut replies, begin) = (Vec::new(), Instant::now());
            while replies.len() < count {
                assert!(begin.elapsed() < LIMIT, "{} replies", replies.len());
                std::thread::yield_now();
                self.post.collect(&mut replies);
            }
            replies
        }

        /// Asks about clients of one byte each; their replies in this order, by what was found.
        fn ask(&self, database: &Arc<SqlDatabase>, clients: &[u8]) -> Vec<Option<usize>> {
            self.hand_over(database, clients);
            let replies = self.replies(clients.len());
            let found = |client: &u8| {
                let reply = replies.iter().find(|(ticket, _)| ticket.0 == u64::from(*client));
                let hosts = reply.and_then(|(_, reply)| reply.as_ref().ok())?;
                let own = Identifier { kind: IdentifierKind::HwAddress, bytes: &[*client] };
                Some(hosts.iter().filter(|host| host.identifier() == own).count())
            };
            clients.iter().map(found).collect()
        }
    }

    #[test]
    fn questions_of_a_pass_are_asked_together_and_a_refused_one_fails_alone() {
        let stand = Stand::new();
        let database = settings("hosts");
        let clients: Vec<u8> = (1..=200).collect();
        assert_eq!(stand.ask(&database, &clients), vec![Some(1); 200]);
        let statements = stand.state.statements.swap(0, Ordering::SeqCst);
        assert!(statements <= 10, "{statements}");
        assert_eq!(stand.ask(&database, &[1, 0, 2]), [Some(1), None, Some(1)]);
        let events = stand.service.take_events();
        assert!(matches!(&events[..], [(_, LinkEvent::Refused(_))]), "{events:?}");
    }

    #[test]
    fn what_nobody_may_ask_is_asked_once() {
        let stand = Stand::new();
        let database = settings("hosts");
        for fault in [Fault::Locked, Fault::Refused, Fault::Schema] {
            *stand.state.fault.lock() = Some(fault);
            stand.state.statements.store(0, Ordering::SeqCst);
            // While the connection is busy with one, all others gather.
            let busy = stand.state.gate.lock();
            stand.hand_over(&database, &[1]);
            let begin = Instant::now();
            while stand.state.statements.load(Ordering::SeqCst) == 0 {
                assert!(begin.elapsed() < LIMIT, "nothing is asked");
                std::thread::yield_now();
            }
            let clients: Vec<u8> = (0..50).collect();
            stand.hand_over(&database, &clients);
            drop(busy);
            let replies = stand.replies(51);
            assert_eq!(replies.iter().filter(|(_, reply)| reply.is_ok()).count(), 1);
            assert_eq!(stand.state.statements.load(Ordering::SeqCst), 2, "{fault:?}");
            assert_eq!(stand.service.take_events().len(), 1);
        }
    }

    #[test]
    fn connection_that_is_busy_gets_help() {
        let stand = Stand::new();
        let database = settings("hosts");
        let busy = stand.state.gate.lock();
        let clients = [1; 300];
        stand.hand_over(&database, &clients[..1]);
        let begin = Instant::now();
        while stand.state.statements.load(Ordering::SeqCst) == 0 {
            assert!(begin.elapsed() < LIMIT, "nothing is asked");
            std::thread::yield_now();
        }
        stand.hand_over(&database, &clients);
        let helped = stand.replies(100);
        drop(busy);
        let rest = stand.replies(301 - helped.len());
        assert!(helped.iter().chain(&rest).all(|(_, reply)| reply.is_ok()));
    }

    #[test]
    fn database_that_is_away_is_never_one_without_hosts() {
        let stand = Stand::new();
        let database = settings("hosts");
        stand.state.is_down.store(true, Ordering::SeqCst);
        assert_eq!(stand.ask(&database, &[1, 2]), [None, None]);
        let begin = Instant::now();
        while !stand.post.is_closed() {
            assert!(begin.elapsed() < LIMIT, "not told");
        }
        stand.state.is_down.store(false, Ordering::SeqCst);
        while stand.post.is_closed() {
            assert!(begin.elapsed() < LIMIT, "never back");
            std::thread::yield_now();
        }
        assert_eq!(stand.ask(&database, &[1]), [Some(1)]);
    }

    #[test]
    fn databases_that_are_not_in_the_configuration_any_more_are_unknown() {
        let stand = Stand::new();
        assert_eq!(stand.ask(&settings("others"), &[1]), [None]);
        let database = settings("hosts");
        assert!(stand.service.has(&database));
        stand.service.retain(std::slice::from_ref(&*database));
        assert_eq!(stand.ask(&database, &[1]), [Some(1)]);
        stand.service.retain(&[]);
        assert!(!stand.service.has(&database) && !stand.post.is_closed());
        assert_eq!(stand.ask(&database, &[1]), [None]);
    }
}
