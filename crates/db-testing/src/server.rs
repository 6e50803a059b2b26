//! A database server of one's own: started, killed, paused, measured.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libdhcpsrv::config::SqlKind;

use crate::access::Database;
use crate::folder::{self, Folder, Owner};
use crate::{keeper, mysql, pgsql, processes};

/// How long a server may take to start; recovery after a kill is part of it.
const START: Duration = Duration::from_secs(60);
/// How long processes may take to end or to stop.
const END: Duration = Duration::from_secs(10);
/// Pause between two looks at a condition.
const POLL: Duration = Duration::from_millis(5);

/// What a commit promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The server's own default: it is on the disk.
    #[default]
    Default,
    /// Nothing: for tests where it does not matter.
    Relaxed,
}

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What a commit promises.
    pub durability: Durability,
    /// Further settings by name, as the server's configuration file would have them.
    pub more: Vec<(String, String)>,
}

impl Settings {
    /// Settings for tests that do not care what a commit promises.
    #[must_use]
    pub fn relaxed() -> Self {
        Self { durability: Durability::Relaxed, ..Self::default() }
    }

    /// Adds a setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A server. A clone is the same one; it ends, and its folder vanishes, with the last of its clones and databases.
#[derive(Clone, Debug)]
pub struct Server {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: SqlKind,
    settings: Settings,
    port: AtomicU16,
    process: Mutex<Option<Child>>,
    databases: AtomicU32,
    folder: Folder,
}

impl Server {
    /// Starts a server with an empty data folder.
    ///
    /// # Panics
    /// If the server's package is not installed, or it does not start.
    #[must_use]
    pub fn start(kind: SqlKind, settings: Settings) -> Self {
        let folder = Folder::new(owner(kind).as_ref());
        copy(template(kind), &folder.path().join("data"));
        let inner = Inner {
            kind,
            settings,
            port: AtomicU16::new(free_port()),
            process: Mutex::new(None),
            databases: AtomicU32::new(0),
            folder,
        };
        let server = Self { inner: Arc::new(inner) };
        let mut tries = 0;
        while let Err(reason) = server.try_start() {
            // Somebody else may have taken the port in between.
            tries += 1;
            assert!(tries < 5 && reason.contains("in use"), "{kind} does not start: {reason}");
            server.inner.port.store(free_port(), Ordering::Relaxed);
        }
        server
    }

    /// The server of this kind and durability that all tests of this process share.
    ///
    /// # Panics
    /// See [`start`](Self::start).
    #[must_use]
    pub fn shared(kind: SqlKind, durability: Durability) -> Self {
        static SHARED: [OnceLock<Server>; 4] = [const { OnceLock::new() }; 4];
        let place = 2 * usize::from(kind == SqlKind::Postgresql)
            + usize::from(durability == Durability::Relaxed);
        let settings = Settings { durability, ..Settings::default() };
        SHARED[place].get_or_init(|| Self::start(kind, settings)).clone()
    }

    /// The MariaDB that all tests of this process share.
    ///
    /// # Panics
    /// See [`start`](Self::start).
    #[must_use]
    pub fn shared_mysql() -> Self {
        Self::shared(SqlKind::Mysql, Durability::Default)
    }

    /// The PostgreSQL that all tests of this process share.
    ///
    /// # Panics
    /// See [`start`](Self::start).
    #[must_use]
    pub fn shared_pgsql() -> Self {
        Self::shared(SqlKind::Postgresql, Durability::Default)
    }

    /// Makes an empty database with a user that may do everything in it, and nothing elsewhere.
    ///
    /// # Panics
    /// If the server is not running.
    #[must_use]
    pub fn new_database(&self) -> Database {
        Database::new(self, self.inner.databases.fetch_add(1, Ordering::Relaxed))
    }

    /// Kills the server with all its processes, without a chance to tidy up.
    ///
    /// # Panics
    /// If it does not end.
    pub fn kill(&self) {
        if let Some(mut child) = self.process().take() {
            end(&mut child);
        }
    }

    /// Starts the server again, with the same data at the same port, and waits until it is ready.
    ///
    /// # Panics
    /// If it runs, or does not start.
    pub fn start_again(&self) {
        self.start_unready();
        self.wait_ready();
    }

    /// As [`start_again`](Self::start_again), without waiting: it may be recovering from the kill.
    ///
    /// # Panics
    /// If it runs, or cannot be started.
    pub fn start_unready(&self) {
        let mut process = self.process();
        assert!(process.is_none(), "the server runs");
        *process = Some(self.spawn());
    }

    /// Waits until the server is ready.
    ///
    /// # Panics
    /// If it ends, or is not within a minute.
    pub fn wait_ready(&self) {
        if let Err(reason) = self.try_ready() {
            panic!("{} does not start: {reason}", self.inner.kind);
        }
    }

    /// Stops all processes of the server where they are (SIGSTOP): connections stay, and nothing answers.
    ///
    /// # Panics
    /// If it is not running, or does not stop.
    pub fn pause(&self) {
        // The first one first, because it makes others.
        let deadline = Instant::now() + END;
        loop {
            let pids = self.pids();
            if pids.iter().all(|pid| processes::is_stopped(*pid)) {
                return;
            }
            processes::signal(&pids, "STOP");
            assert!(Instant::now() < deadline, "the server does not stop");
            thread::sleep(POLL);
        }
    }

    /// Lets a server that was stopped go on.
    ///
    /// # Panics
    /// If it is not running.
    pub fn resume(&self) {
        processes::signal(&self.pids(), "CONT");
    }

    /// Processor time, user and system, that the server and its children have used since it was started last; zero while
    /// it does not run.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        self.process().as_ref().map_or(Duration::ZERO, |child| processes::cpu_time(child.id()))
    }

    /// Runs statements as the administrator, in a database or (MariaDB: in none, PostgreSQL: in `postgres`) and returns
    /// the rows, columns divided by tabulators.
    ///
    /// # Panics
    /// With the client's words, if a statement fails.
    pub fn sql(&self, database: Option<&str>, statements: &str) -> String {
        let mut client = match self.inner.kind {
            SqlKind::Mysql => mysql::administrator(&self.socket(), database),
            SqlKind::Postgresql => pgsql::administrator(self.folder(), self.port(), database),
        };
        self.feed(&mut client, statements).unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> SqlKind {
        self.inner.kind
    }

    /// Its port, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.inner.port.load(Ordering::Relaxed)
    }

    /// The folder of its socket.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.inner.folder.path()
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        match self.inner.kind {
            SqlKind::Mysql => self.folder().join("mysql.sock"),
            SqlKind::Postgresql => self.folder().join(format!(".s.PGSQL.{}", self.port())),
        }
    }

    /// All that the server has told until now.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// The processes of the server; the first one is the parent of the others.
    ///
    /// # Panics
    /// If it is not running.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        let process = self.process();
        let child = process.as_ref().expect("the server runs");
        pids(child)
    }

    /// Runs a client with statements as its input.
    pub(crate) fn feed(&self, client: &mut Command, statements: &str) -> Result<String, String> {
        // A file, because a client may begin to write before it has read everything.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("statements-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = self.folder().join(name);
        fs::write(&path, statements).expect("the folder can be written");
        let input = File::open(&path).expect("the file was written");
        let output = client.stdin(input).output();
        let _ = fs::remove_file(&path);
        let output = output.map_err(|error| {
            let program = client.get_program().display();
            format!("{program}: {error}; is the client's package installed?")
        })?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }

    fn try_start(&self) -> Result<(), String> {
        *self.process() = Some(self.spawn());
        self.try_ready()
    }

    fn spawn(&self) -> Child {
        let Inner { kind, settings, .. } = &*self.inner;
        let words = match kind {
            SqlKind::Mysql => mysql::server(self.folder(), self.port(), settings),
            SqlKind::Postgresql => pgsql::server(self.folder(), self.port(), settings),
        };
        // What an earlier run has said is no sign that this one is ready.
        let path = self.log_path();
        let _ = fs::rename(&path, path.with_extension("old"));
        let log = File::create(&path).expect("the folder can be written");
        let copy = log.try_clone().expect("a file can be opened twice");
        let mut command = contained(owner(*kind).as_ref(), &words);
        command.stdin(Stdio::null()).stdout(log).stderr(copy).current_dir(self.folder());
        keeper::spawn(command).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    fn try_ready(&self) -> Result<(), String> {
        let ready = match self.inner.kind {
            SqlKind::Mysql => mysql::READY,
            SqlKind::Postgresql => pgsql::READY,
        };
        let deadline = Instant::now() + START;
        loop {
            if self.log().contains(ready) {
                return Ok(());
            }
            let mut process = self.process();
            let child = process.as_mut().ok_or("it was killed")?;
            if let Ok(Some(status)) = child.try_wait() {
                *process = None;
                return Err(format!("{status}\n{}", self.log()));
            }
            drop(process);
            if Instant::now() > deadline {
                return Err(format!("not ready after {START:?}\n{}", self.log()));
            }
            thread::sleep(POLL);
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("server.log")
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.inner.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut child) = process.take() {
            end(&mut child);
        }
    }
}

/// The command that runs a server as its owner, such that it ends with this process. For root, in namespaces of
/// processes and of shared memory: they take with them whatever the server has left there.
fn contained(owner: Option<&Owner>, words: &[String]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    if let Some(Owner { uid, gid, .. }) = owner {
        command.args(["unshare", "--pid", "--ipc", "--fork", "--"]);
        // Again, because the kernel forgets it when the user changes.
        command.args(["setpriv", "--pdeathsig", "KILL", "--init-groups"]);
        command.args([format!("--reuid={uid}"), format!("--regid={gid}")]).arg("--");
    }
    command.args(words);
    command
}

/// The processes of the server that was started as `child`.
fn pids(child: &Child) -> Vec<u32> {
    let below = processes::descendants(child.id());
    if folder::is_root() { below } else { [vec![child.id()], below].concat() }
}

/// Kills all processes and waits for their end.
fn end(child: &mut Child) {
    let pids = pids(child);
    if pids.is_empty() {
        let _ = child.kill();
    }
    processes::signal(&pids, "KILL");
    let deadline = Instant::now() + END;
    // What has made the namespace ends when everything in it has.
    while child.try_wait().is_ok_and(|status| status.is_none())
        || pids.iter().any(|pid| processes::is_alive(*pid))
    {
        assert!(Instant::now() < deadline, "the server does not end");
        thread::sleep(POLL);
    }
}

fn owner(kind: SqlKind) -> Option<Owner> {
    match kind {
        SqlKind::Mysql => Owner::for_root(mysql::USER),
        SqlKind::Postgresql => Owner::for_root(pgsql::USER),
    }
}

/// A data folder as a new server finds it; made once in this process, and copied.
fn template(kind: SqlKind) -> &'static Path {
    static MYSQL: LazyLock<Folder> = LazyLock::new(|| initialised(SqlKind::Mysql));
    static PGSQL: LazyLock<Folder> = LazyLock::new(|| initialised(SqlKind::Postgresql));
    match kind {
        SqlKind::Mysql => MYSQL.path(),
        SqlKind::Postgresql => PGSQL.path(),
    }
}

fn initialised(kind: SqlKind) -> Folder {
    let owner = owner(kind);
    let folder = Folder::new(owner.as_ref());
    match kind {
        SqlKind::Mysql => mysql::initialise(folder.path(), owner.as_ref()),
        SqlKind::Postgresql => pgsql::initialise(folder.path(), owner.as_ref()),
    }
    folder
}

fn copy(template: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command.args(["-a", "--reflink=auto", "--"]).arg(template.join("data")).arg(to);
    run(&mut command);
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}{}", told.0, told.1);
}

/// Checks that a file of a package is there.
pub(crate) fn need(package: &str, path: &str) {
    let found = Path::new(path).exists();
    assert!(
        found,
        "package '{package}' is not installed ({path} is missing); scripts/test installs it"
    );
}

/// A port where nobody listens, below those that the kernel gives to connections.
fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Different processes begin at different places.
    let begin = std::process::id().wrapping_mul(101);
    for _ in 0..COUNT {
        let next = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + next % COUNT).expect("the sum is below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
