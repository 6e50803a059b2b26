//! Debian's Kea on tables of ours.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use db_testing::Database;
use libdhcpsrv::config::SqlKind;

use crate::support::{KINDS, admin, database};

/// A server of Debian's that serves no interface and takes commands.
struct Kea {
    process: Child,
    /// It would not outlive that nobody listens.
    _output: BufReader<ChildStdout>,
    socket: std::path::PathBuf,
}

impl Kea {
    /// Starts it, and waits until it says that it has started.
    fn start(family: u8, tables: &Database, folder: &Path) -> Self {
        let access = tables.access();
        let database = format!(
            r#"{{"type": "{}", "host": "{}", "port": {}, "user": "{}", "password": "{}", "name": "{}"}}"#,
            access.kind,
            access.host,
            access.port,
            access.user,
            access.password.reveal(),
            access.name
        );
        let socket = folder.join("kea.sock");
        let subnet = if family == 4 { "192.0.2.0/24" } else { "2001:db8::/64" };
        let server_id = if family == 6 {
            r#""server-id": {"type": "EN", "enterprise-id": 9, "identifier": "0102", "persist": false},"#
        } else {
            ""
        };
        let config = format!(
            r#"{{"Dhcp{family}": {{"interfaces-config": {{"interfaces": []}}, {server_id}
                "control-socket": {{"socket-type": "unix", "socket-name": "{}"}},
                "lease-database": {database}, "hosts-database": {database},
                "hooks-libraries": [
                    {{"library": "/usr/lib/{}-linux-gnu/kea/hooks/libdhcp_lease_cmds.so"}}],
                "subnet{family}": [{{"id": 1, "subnet": "{subnet}"}}],
                "loggers": [{{"name": "kea-dhcp{family}", "severity": "INFO",
                    "output_options": [{{"output": "stdout"}}]}}]}}}}"#,
            socket.display(),
            std::env::consts::ARCH
        );
        let file = folder.join("kea.json");
        std::fs::write(&file, config).unwrap();
        let mut process = Command::new(format!("/usr/sbin/kea-dhcp{family}"))
            .arg("-c")
            .arg(&file)
            .env("KEA_PIDFILE_DIR", folder)
            .env("KEA_LOCKFILE_DIR", folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's Kea is installed (scripts/test does it)");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        while output.read_line(&mut said).unwrap() > 0 {
            if said.contains("_STARTED") {
                return Self { process, _output: output, socket };
            }
        }
        let _ = process.kill();
        let _ = process.wait();
        panic!("Kea has not started:\n{said}");
    }

    fn command(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.write_all(command.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Kea {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn debians_servers_keep_leases_in_tables_of_ours() {
    for kind in KINDS {
        let tables = database(kind);
        admin("db-init", &tables, &[]).ok();
        for family in [4, 6] {
            let folder = tempfile::tempdir().unwrap();
            let kea = Kea::start(family, &tables, folder.path());
            let (arguments, address) = if family == 4 {
                (r#""ip-address": "192.0.2.7", "hw-address": "02:00:00:00:00:07""#, "192.0.2.7")
            } else {
                (
                    r#""ip-address": "2001:db8::7", "duid": "00:03:00:01:aa", "iaid": 7"#,
                    "2001:db8::7",
                )
            };
            let context = r#""user-context": {"ISC": {"client-classes": ["gold"]}}"#;
            let add = format!(
                r#"{{"command": "lease{family}-add", "arguments": {{{arguments}, "subnet-id": 1, {context}}}}}"#
            );
            let answer = kea.command(&add);
            assert!(answer.contains(r#""result": 0"#), "{kind} {family}: {answer}");
            let get = format!(
                r#"{{"command": "lease{family}-get", "arguments": {{"ip-address": "{address}"}}}}"#
            );
            assert!(kea.command(&get).contains(r#""gold""#));
            let stat =
                |table: &str| tables.sql(&format!("SELECT leases FROM lease{family}_{table}"));
            assert_eq!(
                (stat("stat").as_str(), stat("stat_by_client_class").as_str()),
                ("1\n", "1\n")
            );
            let file = folder.path().join("dump").display().to_string();
            admin("lease-dump", &tables, &[&format!("-{family}"), "-o", &file]).ok();
            assert!(std::fs::read_to_string(&file).unwrap().contains(&format!("\n{address},")));
            let delete = get.replace("-get", "-del");
            assert!(kea.command(&delete).contains(r#""result": 0"#));
            assert_eq!(
                (stat("stat").as_str(), stat("stat_by_client_class").as_str()),
                ("0\n", "0\n")
            );
        }
        // Hosts, which the servers find by their own statements, go with what belongs to them.
        let hex = if kind == SqlKind::Mysql { "X'01'" } else { r"'\x01'" };
        tables.sql(&format!(
            "INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, dhcp6_subnet_id) VALUES (5, {hex}, 1, 1);
             INSERT INTO ipv6_reservations (address, host_id) VALUES ('2001:db8::9', 5);
             INSERT INTO dhcp6_options (code, host_id, scope_id) VALUES (23, 5, 3);
             DELETE FROM hosts;"
        ));
        for table in ["ipv6_reservations", "dhcp6_options"] {
            assert_eq!(tables.sql(&format!("SELECT COUNT(*) FROM {table}")), "0\n", "{table}");
        }
    }
}
