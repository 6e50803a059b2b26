//! The promise of an acknowledgement of either server, read off its system calls: a kill does not show whether a row was on the
//! disk or only in the system's memory, the order of write, sync and send does.

use std::process::Command;

use e2e::prelude::*;
use e2e::process::Running;

/// True, and told, when the server under test knows no `durability`.
fn is_foreign(family: Family) -> bool {
    if !family.is_ours() {
        eprintln!("a server of another project promises no durability; nothing was tested");
    }
    !family.is_ours()
}

/// Takes a lease under `strace` and returns the calls from the write of its row on, one name each.
fn calls_of_a_lease(family: Family, member: &str) -> Vec<&'static str> {
    let net = Net::pair_of(family);
    let mut config = Config::of(family, net.path());
    config.lease_database.push(member.to_owned());
    let server = Server::start(&net, &config);
    let trace = net.path().join("trace");
    let mut tracer = Running::start(
        Command::new("strace")
            .args(["-f", "-e", "trace=pwrite64,fdatasync,fsync,sendmmsg,sendmsg,sendto", "-o"])
            .arg(&trace)
            .args(["-p", &server.process.pid().to_string()]),
        &net.path().join("strace.log"),
    );
    tracer.wait_text("attached", wait::secs(10));
    let lease = EitherPeer::new(&net).acquire().to_string();
    let known = ["pwrite64", "fdatasync", "fsync", "sendmmsg", "sendmsg", "sendto"];
    let row = format!("\"{lease},");
    let read = || -> Vec<&'static str> {
        let text = std::fs::read_to_string(&trace).unwrap_or_default();
        let lines = text.lines().skip_while(|line| !line.contains(&row));
        lines.filter_map(|line| known.into_iter().find(|name| line.contains(name))).collect()
    };
    let sent = |calls: &[&str]| calls.iter().any(|name| name.starts_with("send"));
    wait::until(wait::secs(10), "the acknowledgement in the trace", || sent(&read()));
    drop(server);
    read()
}

pub(crate) fn acknowledgement_leaves_after_its_row_has_been_synced(family: Family) {
    if is_foreign(family) {
        return;
    }
    let calls = calls_of_a_lease(family, "\"durability\": \"disk\"");
    assert_eq!(calls.first(), Some(&"pwrite64"));
    let synced = calls.iter().position(|name| name.contains("sync")).expect("a sync");
    let sent = calls.iter().position(|name| name.starts_with("send")).expect("an answer");
    assert!(synced < sent, "{calls:?}");
}

pub(crate) fn kernel_durability_writes_before_the_answer_and_does_not_sync(family: Family) {
    if is_foreign(family) {
        return;
    }
    let calls = calls_of_a_lease(family, "\"durability\": \"kernel\"");
    let until_sent: Vec<_> =
        calls.into_iter().take_while(|name| !name.starts_with("send")).collect();
    assert_eq!(until_sent, ["pwrite64"]);
}
