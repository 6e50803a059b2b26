//! The system log: RFC 3164 datagrams to `/dev/log`.
//!
//! `syslog:NAME` names a facility; a name that is none becomes the program name under which the lines appear, in
//! facility `local0`. A daemon that does not answer costs its lines, never the server: sending waits at most a
//! second and the socket is opened anew for the next line.

use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::Severity;
use crate::pattern::Line;
use crate::time::TimeFormat;

/// Where the system log listens.
pub(crate) const SOCKET: &str = "/dev/log";

const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// Facilities by number (RFC 3164 4.1.1); unused numbers have no name.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "", "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];
const FACILITY_DEFAULT: u8 = 16;

/// One connection to the system log.
#[derive(Debug)]
pub(crate) struct SyslogSink {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    facility: u8,
    /// Program name and process id.
    tag: String,
    time: Option<TimeFormat>,
    datagram: Vec<u8>,
    /// The line that is being made.
    pub(crate) buffer: Vec<u8>,
}

impl SyslogSink {
    /// Prepares a connection to the socket at `path`; `name` is what stands behind `syslog:`.
    pub(crate) fn new(path: &Path, name: Option<&str>, root: &str, zone: TimeZone) -> Self {
        let facility = name.and_then(facility_number);
        let program = name.filter(|_| facility.is_none()).unwrap_or(root);
        Self {
            path: path.to_owned(),
            socket: None,
            facility: facility.unwrap_or(FACILITY_DEFAULT),
            tag: format!("{program}[{}]: ", std::process::id()),
            time: TimeFormat::new("%b %e %H:%M:%S ", zone).ok(),
            datagram: Vec::with_capacity(1024),
            buffer: Vec::with_capacity(1024),
        }
    }

    /// Sends the line in the buffer.
    pub(crate) fn end_line(&mut self, severity: Severity, at_ns: i64) {
        let priority = u16::from(self.facility) * 8 + u16::from(severity.syslog_number());
        self.datagram.clear();
        // Writing to a Vec cannot fail.
        let _ = write!(self.datagram, "<{priority}>");
        if let Some(time) = &mut self.time {
            time.render(&mut self.datagram, at_ns);
        }
        self.datagram.extend_from_slice(self.tag.as_bytes());
        self.datagram.extend_from_slice(self.buffer.trim_ascii_end());
        self.buffer.clear();
        if self.socket.is_none() {
            self.socket = connect(&self.path);
        }
        let sent = self.socket.as_ref().map(|socket| socket.send(&self.datagram));
        if let Some(Err(_)) = sent {
            self.socket = connect(&self.path);
            if let Some(socket) = &self.socket {
                // Second and last attempt, over a fresh connection: the log daemon may have been restarted.
                let _ = socket.send(&self.datagram);
            }
        }
    }

    /// Like [`SyslogSink::end_line`], with severity and time of the line.
    pub(crate) fn end(&mut self, line: &Line<'_>) {
        self.end_line(line.severity, line.at_ns);
    }
}

fn facility_number(name: &str) -> Option<u8> {
    let number = FACILITIES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    u8::try_from(number).ok().filter(|_| !name.is_empty())
}

fn connect(path: &Path) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_write_timeout(Some(SEND_TIMEOUT)).ok()?;
    socket.connect(path).ok()?;
    Some(socket)
}

#[cfg(test)]
mod tests {
    use super::SyslogSink;
    use crate::Severity;
    use jiff::tz::TimeZone;
    use std::os::unix::net::UnixDatagram;

    fn receive(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn datagrams_carry_priority_time_and_tag() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let pid = std::process::id();
        for (name, severity, expected) in [
            (None, Severity::Info, format!("<134>Nov  1 08:15:02 kea-dhcp4[{pid}]: hello")),
            (
                Some("LOCAL3"),
                Severity::Error,
                format!("<155>Nov  1 08:15:02 kea-dhcp4[{pid}]: hello"),
            ),
            (
                Some("my-dhcp"),
                Severity::Fatal,
                format!("<130>Nov  1 08:15:02 my-dhcp[{pid}]: hello"),
            ),
        ] {
            let mut sink = SyslogSink::new(&path, name, "kea-dhcp4", TimeZone::UTC);
            sink.buffer.extend_from_slice(b"hello\n");
            sink.end_line(severity, 1_793_520_902_000_000_000);
            assert_eq!(receive(&daemon), expected);
        }
    }

    #[test]
    fn restarted_log_daemon_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut sink = SyslogSink::new(&path, None, "kea-dhcp4", TimeZone::UTC);
        sink.buffer.extend_from_slice(b"lost");
        sink.end_line(Severity::Info, 0);
        for round in 0..2 {
            let daemon = UnixDatagram::bind(&path).unwrap();
            sink.buffer.extend_from_slice(format!("round {round}").as_bytes());
            sink.end_line(Severity::Info, 0);
            assert!(receive(&daemon).ends_with(&format!("round {round}")));
            drop(daemon);
            std::fs::remove_file(&path).unwrap();
        }
    }
}
