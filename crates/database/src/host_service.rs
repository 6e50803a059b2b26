//! The threads between the workers of a server and its databases of hosts: a line for each database.
//!
//! As with leases, workers hand over what has come up in a pass, and a thread with a connection carries out together
//! what has gathered. Which databases there are changes with the configuration; an exchange that began under an earlier
//! one may still ask a database that is not in it any more, and is told that nothing is known.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use libdhcpsrv::config::{OnFail, SqlDatabase};
use libdhcpsrv::hosts::{HostQuery, HostReply, HostRequest, HostsUnknown};
use libdhcpsrv::lease::LeaseKind;
use libdhcpsrv::session::Ticket;
use parking_lot::{Mutex, RwLock};

use crate::host::HOST_QUERIES_MAX;
use crate::line::{Carrier, JOIN_MAX, Line, LinkEvent, Lost, join_within};
use crate::{DbError, HostConnection};

/// Makes a connection.
pub type HostOpener<K> = Arc<dyn Fn() -> Result<Box<dyn HostConnection<K>>, DbError> + Send + Sync>;

/// A question and where its reply goes.
struct Job<K: LeaseKind> {
    mailbox: Arc<Mailbox<K>>,
    ticket: Ticket,
    query: Arc<HostQuery<K>>,
    /// Whether a connection was lost under it before.
    was_lost: bool,
}

/// Where the replies for one worker gather.
struct Mailbox<K: LeaseKind> {
    replies: Mutex<Vec<(Ticket, HostReply<K>)>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// Carries questions about hosts.
struct Hosts<K: LeaseKind> {
    opener: HostOpener<K>,
}

impl<K: LeaseKind> Carrier for Hosts<K> {
    type Connection = Box<dyn HostConnection<K>>;
    type Job = Job<K>;
    type Receipt = (Arc<Mailbox<K>>, Ticket);

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
            if let Err((error, mut left)) = ask(&mut **connection, jobs, tell) {
                left.extend(behind);
                return Err((error, left));
            }
            jobs = behind;
        }
        Ok(())
    }

    fn fail(&self, jobs: Vec<Job<K>>) {
        deliver(jobs.into_iter().map(|job| (job, Err(HostsUnknown))));
    }

    fn receipt(job: &Job<K>) -> Self::Receipt {
        (job.mailbox.clone(), job.ticket)
    }

    fn fail_receipts(&self, receipts: Vec<Self::Receipt>) {
        for (mailbox, ticket) in receipts {
            mailbox.replies.lock().push((ticket, Err(HostsUnknown)));
            (mailbox.wake)();
        }
    }

    fn mark_lost(job: &mut Job<K>) -> bool {
        std::mem::replace(&mut job.was_lost, true)
    }
}

/// Asks what some jobs want to know, together, or one by one when the database refuses something.
fn ask<K: LeaseKind>(
    connection: &mut dyn HostConnection<K>,
    jobs: Vec<Job<K>>,
    tell: &dyn Fn(LinkEvent),
) -> Result<(), Lost<Job<K>>> {
    let mut found = Vec::new();
    found.resize_with(jobs.len(), Vec::new);
    let queries: Vec<&HostQuery<K>> = jobs.iter().map(|job| &*job.query).collect();
    let asked = connection.hosts(&queries, &mut |number, host| {
        if let Some(found) = found.get_mut(number) {
            found.push(host);
        }
    });
    match asked {
        Ok(()) => deliver(jobs.into_iter().zip(found.into_iter().map(Ok))),
        Err(error) if error.is_lost() => return Err((error, jobs)),
        Err(_) if jobs.len() > 1 => {
            let mut jobs = jobs.into_iter();
            while let Some(job) = jobs.next() {
                if let Err((error, mut left)) = ask(connection, vec![job], tell) {
                    left.extend(jobs);
                    return Err((error, left));
                }
            }
        }
        Err(error) => {
            deliver(jobs.into_iter().map(|job| (job, Err(HostsUnknown))));
            tell(LinkEvent::Refused(error));
        }
    }
    Ok(())
}

/// Puts replies into their mailboxes and wakes each worker once.
fn deliver<K: LeaseKind>(replies: impl Iterator<Item = (Job<K>, HostReply<K>)>) {
    let mut woken: Vec<Arc<Mailbox<K>>> = Vec::new();
    for (Job { mailbox, ticket, .. }, reply) in replies {
        let is_known = woken.iter().any(|one| Arc::ptr_eq(one, &mailbox));
        mailbox.replies.lock().push((ticket, reply));
        if !is_known {
            woken.push(mailbox);
        }
    }
    for mailbox in woken {
        (mailbox.wake)();
    }
}

/// The line to one database, and its thread.
struct HostLine<K: LeaseKind> {
    settings: Arc<SqlDatabase>,
    line: Arc<Line<Hosts<K>>>,
    thread: Option<JoinHandle<()>>,
}

impl<K: LeaseKind> Drop for HostLine<K> {
    fn drop(&mut self) {
        self.line.stop();
        join_within(self.thread.take().into_iter(), JOIN_MAX);
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
        let line = Arc::new(line);
        let own = line.clone();
        let thread = thread::Builder::new().name("hosts".to_owned());
        let thread = Some(thread.spawn(move || own.run(0, Some(first)))?);
        self.lines.all.write().push(HostLine { settings, line, thread });
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
    pub fn post(&self, wake: Box<dyn Fn() + Send + Sync>) -> HostPost<K> {
        let mailbox = Arc::new(Mailbox { replies: Mutex::default(), wake });
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
    mailbox: Arc<Mailbox<K>>,
}

impl<K: LeaseKind> std::fmt::Debug for HostPost<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostPost").finish_non_exhaustive()
    }
}

impl<K: LeaseKind> HostPost<K> {
    /// Hands over questions.
    pub fn hand_over(&self, requests: &mut Vec<HostRequest<K>>) {
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
        deliver(requests.drain(..).map(|request| (job(request), Err(HostsUnknown))));
    }

    /// Takes the replies that have come.
    pub fn collect(&self, into: &mut Vec<(Ticket, HostReply<K>)>) {
        into.append(&mut self.mailbox.replies.lock());
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

    use super::*;
    use crate::{Fault, SchemaVersion};

    const LIMIT: Duration = Duration::from_secs(20);

    /// A database in which every client has a host with its own identifier; identifier 0 is refused.
    struct Everybody {
        is_down: Arc<AtomicBool>,
        statements: Arc<AtomicU32>,
    }

    impl HostConnection<V4> for Everybody {
        fn hosts(
            &mut self,
            queries: &[&HostQuery<V4>],
            each: &mut dyn FnMut(usize, RawHost<V4>),
        ) -> Result<(), DbError> {
            if self.is_down.load(Ordering::SeqCst) {
                return Err(DbError::new(Fault::Lost, "hosts", "it is down"));
            }
            self.statements.fetch_add(1, Ordering::SeqCst);
            for (number, query) in queries.iter().enumerate() {
                let HostQuery::Of { subnets, identifiers } = query else { continue };
                if identifiers[0].bytes[0] == 0 {
                    return Err(DbError::new(Fault::Statement, "hosts", "not this one"));
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
        is_down: Arc<AtomicBool>,
        statements: Arc<AtomicU32>,
    }

    impl Stand {
        fn new() -> Self {
            let (is_down, statements) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
            let opener: HostOpener<V4> = {
                let (is_down, statements) = (is_down.clone(), statements.clone());
                Arc::new(move || match is_down.load(Ordering::SeqCst) {
                    true => Err(DbError::new(Fault::Lost, "", "it is down")),
                    false => Ok(Box::new(Everybody {
                        is_down: is_down.clone(),
                        statements: statements.clone(),
                    })),
                })
            };
            let service = HostService::new(Arc::new(|| ()));
            let first = opener().unwrap();
            service.add(settings("hosts"), opener, first).unwrap();
            let post = service.post(Box::new(|| ()));
            Self { service, post, is_down, statements }
        }

        /// Asks about clients of one byte each; their replies in this order, by what was found.
        fn ask(&self, database: &Arc<SqlDatabase>, clients: &[u8]) -> Vec<Option<usize>> {
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
            let (mut replies, begin) = (Vec::new(), Instant::now());
            while replies.len() < clients.len() {
                assert!(begin.elapsed() < LIMIT, "no reply");
                std::thread::yield_now();
                self.post.collect(&mut replies);
            }
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
        let statements = stand.statements.swap(0, Ordering::SeqCst);
        assert!(statements <= 10, "{statements}");
        assert_eq!(stand.ask(&database, &[1, 0, 2]), [Some(1), None, Some(1)]);
        let events = stand.service.take_events();
        assert!(matches!(&events[..], [(_, LinkEvent::Refused(_))]), "{events:?}");
    }

    #[test]
    fn database_that_is_away_is_never_one_without_hosts() {
        let stand = Stand::new();
        let database = settings("hosts");
        stand.is_down.store(true, Ordering::SeqCst);
        assert_eq!(stand.ask(&database, &[1, 2]), [None, None]);
        let begin = Instant::now();
        while !stand.post.is_closed() {
            assert!(begin.elapsed() < LIMIT, "not told");
        }
        stand.is_down.store(false, Ordering::SeqCst);
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
