//! A folder that vanishes with its owner or with the process, however that ends.
//!
//! A shell waits at the end of a pipe until nobody holds the other end, and then removes the folder: when the owner is
//! dropped, and when the process exits (where statics are not dropped), panics or is killed.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Waits for the end of its input and removes `$1`; what still runs in it for a moment may write once more.
const JANITOR: &str = "trap '' HUP INT TERM; cat >/dev/null; n=0
    while rm -rf -- \"$1\" 2>/dev/null; [ -e \"$1\" ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done";

/// A folder of its own.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    janitor: Child,
    pipe: Option<ChildStdin>,
}

impl Folder {
    /// Makes an empty folder that belongs to `owner`, or to whoever this process runs as.
    pub(crate) fn new(owner: Option<&Owner>) -> Self {
        let path = fresh();
        let mut janitor = Command::new("sh")
            .args(["-c", JANITOR, "janitor"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A signal to the group of the test, from the keyboard for example, is not for it.
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        let pipe = janitor.stdin.take();
        if let Some(owner) = owner {
            chown(&path, Some(owner.uid), Some(owner.gid)).expect("root gives folders away");
        }
        Self { path, janitor, pipe }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.janitor.wait();
    }
}

/// Makes a folder that nobody had. Its path is short: the path of a socket in it has at most 107 bytes.
fn fresh() -> PathBuf {
    let base = std::env::temp_dir();
    for number in 0_u32.. {
        let path = base.join(format!("db-testing-{}-{number}", std::process::id()));
        match fs::create_dir(&path) {
            Ok(()) => return path,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
    unreachable!("there are four billion names")
}

/// A user that servers run as, because they refuse to run as root.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) name: &'static str,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Owner {
    /// The user `name` if this process is root's; otherwise none, and servers run as who we are.
    pub(crate) fn for_root(name: &'static str) -> Option<Self> {
        is_root().then(|| Self::named(name))
    }

    fn named(name: &'static str) -> Self {
        let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
        let user = |line: &str| {
            let mut fields = line.split(':');
            let found = fields.next() == Some(name);
            let (uid, gid) = (fields.nth(1)?, fields.next()?);
            found.then_some((uid.parse().ok()?, gid.parse().ok()?))
        };
        let found = passwd.lines().find_map(user);
        let (uid, gid) = found.unwrap_or_else(|| panic!("there is no user '{name}'"));
        Self { name, uid, gid }
    }
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

/// The name of the user that this process runs as.
pub(crate) fn own_name() -> String {
    let output = Command::new("id").arg("-un").output().expect("id can be started");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
