//! Talking with whoever sits in front of the terminal: passwords, questions, progress.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libdhcpsrv::config::Secret;

/// Leases after which a file or a pipe is told how far the work is.
const PROGRESS_LEASES: u64 = 1_000_000;
/// How often a terminal is told.
const PROGRESS_TIME: Duration = Duration::from_millis(500);

/// Where messages and questions go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Standard error: standard output may be where leases go.
    Error,
    /// Standard output, as Kea's script does it.
    Output,
}

impl Voice {
    /// Says a line.
    pub(crate) fn say(self, line: &str) {
        match self {
            Self::Error => eprintln!("{line}"),
            Self::Output => println!("{line}"),
        }
    }

    /// Says the begin of a line, that an answer is to follow.
    fn begin(self, text: &str) {
        match self {
            Self::Error => eprint!("{text}"),
            Self::Output => {
                print!("{text}");
                let _ = io::stdout().flush();
            }
        }
    }
}

/// Asks for a password, which is not shown while it is typed.
pub(crate) fn ask_password(question: &str, voice: Voice) -> Secret {
    if !io::stdin().is_terminal() {
        voice.say("WARNING/kea-admin: Non-interactive tty detected. Assuming empty password.");
        return Secret::default();
    }
    voice.begin(&format!("{question}: "));
    let hidden = Hidden::new();
    let answer = read_line();
    drop(hidden);
    voice.say("");
    Secret::new(answer)
}

/// Asks a question; only `y` is yes, and where nobody can be asked the answer is no.
pub(crate) fn ask(question: &str) -> bool {
    println!("{question}");
    if !io::stdin().is_terminal() {
        println!("WARNING/kea-admin: Non-interactive tty detected. Assuming no.");
        return false;
    }
    read_line() == "y"
}

fn read_line() -> String {
    let mut line = String::new();
    // At the end of the input the answer is empty.
    let _ = io::stdin().lock().read_line(&mut line);
    line.trim_end_matches(['\n', '\r']).to_owned()
}

/// While this lives the terminal does not show what is typed.
struct Hidden;

impl Hidden {
    fn new() -> Self {
        set_terminal("-echo");
        Self
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        set_terminal("echo");
    }
}

fn set_terminal(mode: &str) {
    // Without it the password is shown, which is no reason not to go on.
    let _ = Command::new("stty").arg(mode).stdin(Stdio::inherit()).stderr(Stdio::null()).status();
}

/// Tells standard error how far long work is.
pub(crate) struct Progress {
    what: &'static str,
    count: u64,
    is_terminal: bool,
    told: Instant,
    has_told: bool,
}

impl Progress {
    /// Begins work on leases: `what` is a participle.
    pub(crate) fn new(what: &'static str) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { what, count: 0, is_terminal, told: Instant::now(), has_told: false }
    }

    /// Some leases more.
    pub(crate) fn add(&mut self, count: u64) {
        let before = self.count;
        self.count += count;
        if self.is_terminal {
            if self.told.elapsed() >= PROGRESS_TIME {
                self.told = Instant::now();
                self.has_told = true;
                eprint!("\r{} leases {}", self.count, self.what);
            }
        } else if before / PROGRESS_LEASES != self.count / PROGRESS_LEASES {
            eprintln!("{} leases {}", self.count, self.what);
        }
    }

    /// Leases so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.has_told {
            eprintln!("\r{} leases {}", self.count, self.what);
        }
    }
}
