//! The thread that starts programs which must not outlive the process.
//!
//! The kernel kills such a program when the *thread* that started it ends (`PR_SET_PDEATHSIG`). A test is a thread that
//! ends long before a server that is shared with other tests, so all of them are started by one that never ends.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

struct Start {
    command: Command,
    answer: SyncSender<io::Result<Child>>,
}

/// Starts a program from the thread that lives as long as the process.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    static KEEPER: OnceLock<Mutex<Sender<Start>>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (sender, starts) = channel();
        thread::Builder::new()
            .name("db-testing".to_owned())
            .spawn(move || keep(&starts))
            .expect("a thread can be started");
        Mutex::new(sender)
    });
    let (answer, child) = sync_channel(1);
    let sender = keeper.lock().unwrap_or_else(PoisonError::into_inner);
    sender.send(Start { command, answer }).expect("the keeper never ends");
    drop(sender);
    child.recv().expect("the keeper answers")
}

fn keep(starts: &Receiver<Start>) {
    for Start { mut command, answer } in starts {
        // Whoever asked waits for the answer; if it is gone, the child is nobody's and ends with this process.
        let _ = answer.send(command.spawn());
    }
}
