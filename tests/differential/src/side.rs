//! One of the two servers: its namespaces, its process, and the port through which it is asked.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use e2e::family::Family;
use e2e::net::{CLIENT_MAC, Net, link_local, mac_text};
use e2e::process::Running;
use e2e::raw::{RawPort, Received as _};
use e2e::server::{Files, START};
use e2e::wait;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::{ask4, ask6, config};

/// How long the answer to a marker may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Which server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Who {
    /// Debian's.
    Kea,
    /// That of the workspace, or of the variable `KEA_DHCP4` (`KEA_DHCP6`).
    Ours,
}

impl Who {
    /// The program.
    pub fn program(self, family: Family) -> PathBuf {
        match self {
            Self::Kea => PathBuf::from("/usr/sbin").join(family.program_name()),
            Self::Ours => family.program(),
        }
    }
}

/// A server in its namespaces.
#[derive(Debug)]
pub struct Side {
    who: Who,
    net: Net,
    port: RawPort<Answer>,
    process: Option<Running>,
    markers: u32,
}

impl Side {
    /// Makes the namespaces of a server that is started later.
    pub fn new(who: Who, family: Family) -> Self {
        let net = Net::pair_of(family);
        let mac = mac_text(CLIENT_MAC);
        // A run of equal answers is to arrive as the datagrams that it is, not as one frame of many.
        let mut script = String::from("set -e\nip link set srv0 gso_max_segs 1\n");
        let mut neighbour = |address: &dyn fmt::Display| {
            let _ =
                writeln!(script, "ip neigh replace {address} lladdr {mac} nud permanent dev srv0");
        };
        match family {
            Family::V4 => {
                (2..255).for_each(|number| neighbour(&format_args!("192.0.2.{number}")));
                script.push_str("ip route add default via 192.0.2.254\n");
            }
            Family::V6 => {
                (1..10).for_each(|number| neighbour(&format_args!("fe80::{number}")));
                (2..10).for_each(|number| neighbour(&format_args!("2001:db8:1::{number}")));
                let gateway = link_local(CLIENT_MAC);
                let _ = writeln!(script, "ip -6 route add default via {gateway} dev srv0");
            }
        }
        net.server.shell(&script);
        let port = RawPort::open(&net.client, "cli0");
        Self { who, net, port, process: None, markers: 0 }
    }

    /// Writes the configuration of a group and starts the server, in place of the one before.
    pub fn spawn(&mut self, members: &str) {
        self.process = None;
        let family = self.net.family;
        let files = Files::new(self.net.path(), family);
        let mut extra: Vec<(&str, Value)> = Vec::new();
        match (self.who, family) {
            (Who::Kea, Family::V4) => {}
            (Who::Kea, Family::V6) => extra.push(("data-directory", json!(self.net.path()))),
            // On by default since Kea 3.0: a renewal soon after the lease would not begin it anew.
            (Who::Ours, _) => extra.push(("cache-threshold", json!(0.0))),
        }
        fs::write(&files.config, config::text(family, members, &extra)).expect("file is written");
        for file in [&files.log, &files.pid] {
            let _ = fs::remove_file(file);
        }
        let mut command = self.net.server.command(self.who.program(family));
        files.environment(&mut command).arg("-c").arg(&files.config);
        self.process = Some(Running::start(&mut command, &files.log));
    }

    /// Waits until the server is ready; what it said when it is not.
    pub fn wait_started(&mut self) -> Result<(), String> {
        let started = self.net.family.log_id("STARTED");
        let process = self.process.as_mut().expect("the server was spawned");
        wait::within(START, || process.status().is_some() || process.text().contains(&started));
        if process.status().is_none() && process.text().contains(&started) {
            return Ok(());
        }
        let text = process.text();
        let reasons = text.lines().filter(|line| {
            !["INFO", "DEBUG", "WARN"]
                .iter()
                .any(|severity| line.contains(&format!(" {severity} ")))
        });
        Err(reasons.take(4).collect::<Vec<_>>().join("\n"))
    }

    /// Sends a frame and a marker behind it, to the same destination: a server reads each of its
    /// sockets in order, but not all of them.
    pub fn ask(&mut self, frame: &[u8]) {
        self.port.send_bytes(frame, 1);
        self.markers += 1;
        let to_all = frame.first().is_some_and(|first| first & 1 == 1);
        let marker = match self.net.family {
            Family::V4 => ask4::marker(self.marker_xid(), to_all),
            Family::V6 => ask6::marker(self.marker_xid(), to_all),
        };
        self.port.send_bytes(&marker, 1);
    }

    /// All answers up to that of the last marker, which is left out; `None` when it does not come.
    pub fn answers(&mut self) -> Option<Vec<Answer>> {
        let mut answers = Vec::new();
        let end = Instant::now() + ANSWER;
        loop {
            let answer = self.port.next(end.saturating_duration_since(Instant::now()))?;
            match answer.xid() {
                Some(_) if answer.answers(self.marker_xid()) => return Some(answers),
                Some(_) => answers.push(answer),
                None => {}
            }
        }
    }

    /// What the server has said.
    pub fn log(&self) -> String {
        self.process.as_ref().map_or_else(String::new, Running::text)
    }

    /// The transaction id of the last marker, not used by any case.
    fn marker_xid(&self) -> u32 {
        0xf0_0000 + (self.markers & 0xffff)
    }
}
