//! The processes of a server: who they are, what they have cost, and signals to them.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// The kernel tells times of processes in hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);

/// One line of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug)]
struct Stat {
    pid: u32,
    parent: u32,
    state: char,
    /// User and system time, its own and that of children it has waited for.
    ticks: u64,
}

/// All processes that descend from `pid`, parents before children; without itself.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    family(pid).into_iter().map(|stat| stat.pid).filter(|one| *one != pid).collect()
}

/// What `pid` and its descendants have used of the processors, user and system.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let ticks: u64 = family(pid).iter().map(|stat| stat.ticks).sum();
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.state != 'Z')
}

/// Whether a process is stopped by a signal.
pub(crate) fn is_stopped(pid: u32) -> bool {
    stat(pid).is_none_or(|stat| matches!(stat.state, 'T' | 'Z'))
}

/// Sends a signal, by its name (`KILL`), to processes in their order; those that are gone are passed over.
pub(crate) fn signal(pids: &[u32], name: &str) {
    if pids.is_empty() {
        return;
    }
    let words: Vec<String> = pids.iter().map(u32::to_string).collect();
    let script = format!("kill -{name} {} 2>/dev/null; :", words.join(" "));
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.is_ok_and(|status| status.success()), "sh can be started");
}

fn family(pid: u32) -> Vec<Stat> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    let pid_of = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let all: Vec<Stat> = entries.flatten().filter_map(pid_of).filter_map(stat).collect();
    let mut found: Vec<Stat> = all.iter().filter(|stat| stat.pid == pid).copied().collect();
    let mut known = BTreeSet::from([pid]);
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|stat| stat.pid) {
        let children = all.iter().filter(|stat| stat.parent == parent);
        found.extend(children.filter(|stat| known.insert(stat.pid)));
        next += 1;
    }
    found
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in brackets, may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = (11..15).map_while(number).sum();
    Some(Stat {
        pid,
        parent: u32::try_from(number(1)?).ok()?,
        state: fields.first()?.chars().next()?,
        ticks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper;

    #[test]
    fn descendants_are_found_signalled_and_measured() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 60 & wait"]);
        let mut child = keeper::spawn(command).unwrap();
        let pid = child.id();
        while descendants(pid).is_empty() {
            std::thread::yield_now();
        }
        let all = descendants(pid);
        assert_eq!(all.len(), 1);
        assert!(cpu_time(pid) > Duration::ZERO);
        signal(&all, "STOP");
        while !is_stopped(all[0]) {
            std::thread::yield_now();
        }
        assert!(is_alive(all[0]) && is_alive(pid));
        signal(&all, "KILL");
        assert!(child.wait().unwrap().code().is_some());
        assert!(!is_alive(all[0]) && !is_alive(pid));
        signal(&all, "KILL");
    }
}
