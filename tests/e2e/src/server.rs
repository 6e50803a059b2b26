//! The server under test: started inside a namespace, watched through its log, ended by its own
//! process id.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::config::Config;
use crate::family::Family;
use crate::leases::LeaseFiles;
use crate::net::{Net, Ns};
use crate::process::Running;
use crate::wait;

/// How long a server may take to start or to end.
pub const START: Duration = Duration::from_secs(15);

/// The folders and files of one server.
#[derive(Clone, Debug)]
pub struct Files {
    /// Folder of everything.
    pub folder: PathBuf,
    /// The configuration.
    pub config: PathBuf,
    /// Standard output and error.
    pub log: PathBuf,
    /// The pid file that the server is expected to write.
    pub pid: PathBuf,
}

impl Files {
    /// The files of a server that lives in `folder`, configured by `kea.conf`.
    pub fn new(folder: &Path, family: Family) -> Self {
        let name = family.program_name();
        Self {
            folder: folder.to_path_buf(),
            config: folder.join("kea.conf"),
            log: folder.join(format!("{name}.log")),
            pid: folder.join(format!("kea.{name}.pid")),
        }
    }

    /// Sets the environment that keeps a server within the folder.
    pub fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("KEA_PIDFILE_DIR", &self.folder)
            .env("KEA_LOCKFILE_DIR", "none")
            .env("KEA_LOGGER_DESTINATION", "stdout")
            .env("KEA_DHCP_DATA_DIR", &self.folder)
            .env("KEA_LOG_FILE_DIR", &self.folder)
    }
}

/// A started server.
#[derive(Debug)]
pub struct Server {
    /// Its files.
    pub files: Files,
    /// Its process.
    pub process: Running,
    /// What it serves.
    pub family: Family,
    lease_file: Option<PathBuf>,
}

impl Server {
    /// Writes the configuration, starts the server in the server namespace and waits until it is
    /// ready.
    #[track_caller]
    pub fn start(net: &Net, config: &Config) -> Self {
        Self::start_in(&net.server, net.path(), config)
    }

    /// As [`Server::start`] in any namespace and folder.
    #[track_caller]
    pub fn start_in(ns: &Ns, folder: &Path, config: &Config) -> Self {
        let mut server = Self::spawn(ns, folder, config);
        server.wait_started();
        server
    }

    /// Writes the configuration and starts the server without waiting.
    pub fn spawn(ns: &Ns, folder: &Path, config: &Config) -> Self {
        Self::spawn_with(ns, folder, config, &[])
    }

    /// As [`Server::spawn`] with more environment variables.
    pub fn spawn_with(ns: &Ns, folder: &Path, config: &Config, variables: &[(&str, &str)]) -> Self {
        Self::spawn_program(&config.family.program(), ns, folder, config, variables)
    }

    /// As [`Server::spawn_with`] with a program that need not be the one under test.
    pub fn spawn_program(
        program: &Path,
        ns: &Ns,
        folder: &Path,
        config: &Config,
        variables: &[(&str, &str)],
    ) -> Self {
        let family = config.family;
        let files = Files::new(folder, family);
        fs::write(&files.config, config.json()).expect("configuration is written");
        let _ = fs::remove_file(&files.log);
        let mut command = ns.command(program);
        files.environment(&mut command).arg("-c").arg(&files.config);
        command.envs(variables.iter().copied());
        let process = Running::start(&mut command, &files.log);
        Self { files, process, family, lease_file: config.lease_file.clone() }
    }

    /// As [`Server::start`] with the clean-up program that goes with the server.
    #[track_caller]
    pub fn start_with_lfc(net: &Net, config: &Config) -> Self {
        let lfc = config.family.lfc();
        let lfc = lfc.to_str().expect("a path in UTF-8");
        let variables = [("KEA_LFC_EXECUTABLE", lfc)];
        let mut server = Self::spawn_with(&net.server, net.path(), config, &variables);
        server.wait_started();
        server
    }

    /// Waits until a server that was spawned is ready.
    #[track_caller]
    pub fn wait_started(&mut self) {
        let started = self.family.log_id("STARTED");
        self.wait_log(&started, START);
    }

    /// Replaces the configuration file and asks the server to read it.
    pub fn reload(&self, config: &Config) {
        self.reload_text(&config.json());
    }

    /// Replaces the configuration file by any text and asks the server to read it.
    pub fn reload_text(&self, text: &str) {
        fs::write(&self.files.config, text).expect("configuration is written");
        self.process.signal("HUP");
    }

    /// Ends the server in good order.
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait_end(START)
    }

    /// Kills the server without warning.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// The log until now.
    pub fn log(&self) -> String {
        self.process.text()
    }

    /// Waits until the log contains `needle`.
    #[track_caller]
    pub fn wait_log(&mut self, needle: &str, limit: Duration) {
        self.process.wait_text(needle, limit);
    }

    /// Waits until the log contains `needle` at least `count` times.
    #[track_caller]
    pub fn wait_log_count(&self, needle: &str, count: usize, limit: Duration) {
        wait::until(limit, &format!("{count} times {needle:?} in the log"), || {
            self.log().matches(needle).count() >= count
        });
    }

    /// The lease files.
    pub fn leases(&self) -> LeaseFiles {
        LeaseFiles::new(self.lease_file.as_deref().expect("this server keeps a lease file"))
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.pid()));
        let status = status.expect("the server runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS is listed");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }
}

/// Checks the text of a configuration with `-t`; returns success and everything said.
pub fn check_text(family: Family, text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("kea.conf");
    fs::write(&path, text).expect("configuration is written");
    let path = path.to_str().expect("a path in UTF-8");
    let (code, out, err) = run_program(family, folder.path(), &["-t", path]);
    (code == Some(0), out + &err)
}

/// Runs the program under test with arguments to its end; returns exit code, standard output and
/// standard error.
pub fn run_program(
    family: Family,
    folder: &Path,
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    let mut command = Command::new(family.program());
    Files::new(folder, family).environment(&mut command);
    let output = command.args(arguments).output().expect("the program under test starts");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}
