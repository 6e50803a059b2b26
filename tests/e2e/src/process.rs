//! Child processes of a test: started with their output in a file, ended by their own process id.
//!
//! Programs run inside a network namespace through `nsenter`, which replaces itself by the program,
//! so the child's id is the program's id and signals reach it directly.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use crate::wait;

/// Runs a command to its end and panics, with its output, when it fails.
#[track_caller]
pub fn run(words: &[&str]) -> String {
    let output = run_any(words);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{words:?} failed: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Runs a command to its end, whatever its exit status.
#[track_caller]
pub fn run_any(words: &[&str]) -> Output {
    let (program, arguments) = words.split_first().expect("a command has a name");
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// True when a program of that name can be started.
pub fn installed(program: &str) -> bool {
    std::env::var("PATH")
        .unwrap_or_default()
        .split(':')
        .chain(["/usr/sbin", "/sbin"])
        .any(|folder| Path::new(folder).join(program).exists())
}

/// A signal, by its name for `kill`.
pub fn signal(pid: u32, name: &str) -> bool {
    let command = format!("kill -{name} {pid}");
    Command::new("sh")
        .args(["-c", &command])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A running program whose output goes to a file; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: PathBuf,
    name: String,
    ended: Option<ExitStatus>,
}

impl Running {
    /// Starts `command` with standard output and error appended to the file `output`.
    pub fn start(command: &mut Command, output: &Path) -> Self {
        let name = format!("{command:?}");
        let file = File::options().create(true).append(true).open(output).expect("log file opens");
        let copy = file.try_clone().expect("descriptor is duplicated");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { child, output: output.to_path_buf(), name, ended: None }
    }

    /// Sends a signal by name (`TERM`, `HUP`, `USR1`).
    pub fn signal(&self, name: &str) {
        assert!(signal(self.pid(), name), "{} is gone, cannot send {name}", self.name);
    }

    /// Kills the program without a chance to tidy up.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.ended = self.child.wait().ok();
    }

    /// The exit status, when the program has ended.
    pub fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Waits for the end of the program; panics with its output after `limit`.
    #[track_caller]
    pub fn wait_end(&mut self, limit: Duration) -> ExitStatus {
        let found = wait::within(limit, || self.status().is_some());
        assert!(found.is_some(), "{} still runs after {limit:?}:\n{}", self.name, self.text());
        self.ended.expect("the loop above saw the status")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All output until now.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap_or_default()).into_owned()
    }

    /// Waits until the output contains `needle`; panics with the output after `limit`.
    #[track_caller]
    pub fn wait_text(&mut self, needle: &str, limit: Duration) {
        let found = wait::within(limit, || self.text().contains(needle) || self.status().is_some());
        let text = self.text();
        assert!(
            found.is_some() && text.contains(needle),
            "{} did not say {needle:?} within {limit:?}:\n{text}",
            self.name
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status().is_none() {
            self.kill();
        }
        if std::thread::panicking() {
            let text = self.text();
            let skip = text.len().saturating_sub(6000);
            let tail: String = text.chars().skip(skip).collect();
            eprintln!("--- output of {}:\n{tail}\n---", self.name);
        }
    }
}
