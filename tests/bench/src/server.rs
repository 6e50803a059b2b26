//! A server process: started in its namespace and on its CPU, its time and memory read from /proc, ended by its id.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use db_testing::Database;

use crate::config;
use crate::databases::{self, Databases};
use crate::load::{Generator, Phase, Plan};
use crate::net::{self, Net};
use crate::spec::{Family, Kind, Spec};
use crate::sys;
use crate::wire::{Link, Wire};

/// Longest start.
const START_MAX: Duration = Duration::from_secs(300);
/// What a server gets that answers, but too slowly.
const SLOW_PAUSE: Duration = Duration::from_secs(2);
/// Longest orderly end.
const STOP_MAX: Duration = Duration::from_secs(20);
/// Clock ticks per second in /proc/PID/stat, fixed on Linux.
const TICKS: f64 = 100.0;

/// Programs and places.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Our servers of DHCPv4 and DHCPv6.
    pub(crate) ours: [PathBuf; 2],
    /// Those of Kea.
    pub(crate) kea: [PathBuf; 2],
    pub(crate) dhcpd: PathBuf,
    /// Where configurations and lease files are written: a real disk.
    pub(crate) folder: PathBuf,
    /// CPUs of the server, as for `taskset`.
    pub(crate) server_cpus: String,
    /// CPU of the generator.
    pub(crate) generator_cpu: usize,
    /// Databases that rows of this run have used.
    pub(crate) databases: Databases,
}

impl Setup {
    /// The program of a server.
    pub(crate) fn program(&self, kind: Kind, family: Family) -> Result<PathBuf, String> {
        let path = match kind {
            Kind::Dhcpd => self.dhcpd.clone(),
            Kind::Kea => self.kea[family as usize].clone(),
            Kind::Null => std::env::current_exe().map_err(|error| error.to_string())?,
            Kind::Ours => self.ours[family as usize].clone(),
        };
        if path.exists() { Ok(path) } else { Err(format!("{} does not exist", path.display())) }
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    /// Where its leases are.
    pub(crate) database: Option<Database>,
    /// From the start of the process to the first acknowledged lease.
    pub(crate) ready: Duration,
}

impl Server {
    /// Starts a server and waits until it serves the generator, which is returned with it.
    pub(crate) fn start(
        spec: &Spec,
        setup: &Setup,
        net: &Net,
    ) -> Result<(Self, Generator), String> {
        let text = |error: std::io::Error| format!("{spec}: {error}");
        let program = setup.program(spec.kind, spec.family)?;
        let folder = setup.folder.join(format!("bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(text)?;
        let database = setup.databases.ready(spec, &setup.server_cpus);
        let database = database.map_err(|reason| format!("{spec}: {reason}"))?;
        let access = database.as_ref().map(databases::access);
        let arguments = config::write(spec, &folder, access.as_ref()).map_err(text)?;
        let socket = net.client_socket(spec.family, spec.direct).map_err(text)?;
        let wire = Wire { family: spec.family, link: link(spec), ask: spec.ask() };
        let mut generator = Generator::new(socket, wire, 1);
        let output = File::create(folder.join("output")).map_err(text)?;
        let mut command = net.server_command();
        command
            .args(["taskset", "-c", &setup.server_cpus])
            .arg(program)
            .args(arguments)
            .envs(
                ["KEA_PIDFILE_DIR", "KEA_LOCKFILE_DIR", "KEA_DHCP_DATA_DIR"].map(|k| (k, &folder)),
            )
            // MariaDB of this machine; PostgreSQL's socket is in the configuration.
            .envs(database.as_ref().map(|data| ("MYSQL_UNIX_PORT", data.server().socket())))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(text)?)
            .stderr(output);
        let begin = Instant::now();
        let child = sys::die_with_parent(&mut command).spawn().map_err(text)?;
        let mut server = Self { child, folder, database, ready: Duration::ZERO };
        let waited = server.wait_ready(&mut generator, begin);
        waited.map_err(|problem| format!("{spec}: {problem}"))?;
        Ok((server, generator))
    }

    /// Asks every few milliseconds for a lease until one is acknowledged. A server that turns out to be slower than
    /// that is left to answer what it has got, and then asked one thing at a time.
    fn wait_ready(&mut self, generator: &mut Generator, begin: Instant) -> Result<(), String> {
        let mut probe = Plan {
            window: 64,
            rate: Some(200.0),
            time: Duration::from_millis(300),
            exchanges_max: u64::MAX,
            stop_after: 1,
            phase: Phase::Acquire,
            patience: Duration::from_millis(200),
        };
        loop {
            let outcome = generator.run(&probe);
            if outcome.wrong > 0 {
                return Err(format!("wrong replies: {:?}", outcome.complaints));
            }
            if outcome.completed > 0 {
                self.ready = begin.elapsed();
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("ended with {status}: {}", self.output()));
            }
            if outcome.late > 0 || outcome.lost_acks > 0 {
                std::thread::sleep(SLOW_PAUSE);
                probe = Plan { window: 1, time: SLOW_PAUSE, patience: SLOW_PAUSE, ..probe };
            }
            if begin.elapsed() > START_MAX {
                return Err(format!("does not serve: {}", self.output()));
            }
        }
    }

    /// Time that its database has used until now, in ticks of 10 ms.
    pub(crate) fn database_cpu(&self) -> Duration {
        self.database.as_ref().map_or(Duration::ZERO, |data| data.server().cpu_time())
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory now, and at most, in MiB.
    pub(crate) fn memory_mib(&self) -> (f64, f64) {
        let text = fs::read_to_string(self.proc("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        };
        (field("VmRSS:").unwrap_or(0.0) / 1024.0, field("VmHWM:").unwrap_or(0.0) / 1024.0)
    }

    /// Time used until now.
    pub(crate) fn cpu(&self) -> Cpu {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(self.proc("task")).into_iter().flatten().flatten() {
            let text = fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
            let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
            if let (Some(run), Some(wait)) = (numbers.next(), numbers.next()) {
                threads.insert(entry.file_name(), (run, wait));
            }
        }
        let stat = fs::read_to_string(self.proc("stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let fields = after_name.split_whitespace().skip(11).take(2);
        let ticks: f64 = fields.filter_map(|word| word.parse::<f64>().ok()).sum();
        Cpu { threads, coarse_s: ticks / TICKS }
    }

    /// Waits until the server is idle: what it does after its replies belongs to the run before.
    pub(crate) fn settle(&self) {
        for _ in 0..20 {
            let before = self.cpu();
            std::thread::sleep(Duration::from_millis(50));
            if self.cpu().since(&before).run_s < 0.005 {
                return;
            }
        }
    }

    /// The end of what the server wrote.
    pub(crate) fn output(&self) -> String {
        let mut text = String::new();
        for name in ["output", "log"] {
            text.push_str(&fs::read_to_string(self.folder.join(name)).unwrap_or_default());
        }
        let skip = text.chars().count().saturating_sub(1500);
        text.chars().skip(skip).collect()
    }

    fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.pid().to_string()).join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        sys::signal(self.pid(), libc::SIGTERM);
        let begin = Instant::now();
        while begin.elapsed() < STOP_MAX && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn link(spec: &Spec) -> Link {
    if spec.direct {
        return Link::Direct;
    }
    let first = match spec.family {
        _ if spec.uses_block() => spec.first_network() + 1,
        Family::V4 => u32::from(net::CLIENT).into(),
        Family::V6 => net::CLIENT6.into(),
    };
    Link::Relay { first, stride: spec.relay_stride(), count: spec.relay_count() }
}

/// Time that a server has used.
#[derive(Clone, Debug)]
pub(crate) struct Cpu {
    threads: BTreeMap<std::ffi::OsString, (u64, u64)>,
    coarse_s: f64,
}

/// Difference of two readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// On the CPU, kernel included.
    pub(crate) run_s: f64,
    /// Ready to run, but another process had the CPU.
    pub(crate) wait_s: f64,
}

impl Cpu {
    /// The time used since `before`: exact while the threads are the same, else in ticks of 10 ms.
    pub(crate) fn since(&self, before: &Self) -> Used {
        let sum =
            |cpu: &Self, of: fn(&(u64, u64)) -> u64| cpu.threads.values().map(of).sum::<u64>();
        let difference =
            |of: fn(&(u64, u64)) -> u64| sum(self, of).saturating_sub(sum(before, of)) as f64 / 1e9;
        let run_s = if self.threads.keys().eq(before.threads.keys()) {
            difference(|pair| pair.0)
        } else {
            self.coarse_s - before.coarse_s
        };
        Used { run_s, wait_s: difference(|pair| pair.1) }
    }
}
