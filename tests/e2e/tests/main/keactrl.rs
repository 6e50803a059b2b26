//! keactrl on an installed tree, as `scripts/install PREFIX` lays it out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use e2e::family::sibling_program;
use e2e::prelude::*;

/// An installed tree and the namespaces it runs in.
struct Installed {
    net: Net,
    prefix: PathBuf,
}

impl Installed {
    /// Installs the release below the folder of a test and configures it.
    fn new() -> Self {
        let installed = Self::bare();
        let config = Config::new(&installed.path("var/lib/kea")).json();
        fs::write(installed.path("etc/kea/kea.conf"), config).expect("configuration");
        installed
    }

    /// Installs the release below the folder of a test.
    fn bare() -> Self {
        let net = Net::pair();
        let prefix = net.path().join("prefix");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let release = sibling_program("kea-dhcp4");
        let target = release.parent().and_then(Path::parent).expect("target/release/kea-dhcp4");
        let mut install = std::process::Command::new(root.join("scripts/install"));
        install.env("CARGO_TARGET_DIR", target).arg("--no-build").arg(&prefix);
        let output = install.output().expect("scripts/install starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { net, prefix }
    }

    /// A path below the prefix.
    fn path(&self, below: &str) -> PathBuf {
        self.prefix.join(below)
    }

    /// Runs keactrl inside the server's namespace.
    fn keactrl(&self, arguments: &[&str]) -> Output {
        let mut command = self.net.server.command(self.path("sbin/keactrl"));
        let log = self.net.path().join("start.log");
        command.args(arguments).env("KEA_LOGGER_DESTINATION", log);
        if !Family::V4.is_ours() {
            // A server that was not built to be moved does not find its folders by itself.
            command.env("KEA_PIDFILE_DIR", self.path("var/run/kea"));
            command.env("KEA_LOCKFILE_DIR", "none");
        }
        // The server inherits the output of keactrl; a file does not keep the test waiting for its
        // end.
        let out = self.net.path().join("keactrl.out");
        let file = fs::File::create(&out).expect("output file");
        command.stdout(file.try_clone().expect("descriptor")).stderr(file);
        let status = command.status().expect("keactrl starts");
        Output { status, stdout: fs::read(&out).expect("output"), stderr: Vec::new() }
    }

    /// What keactrl says, when it succeeds.
    fn say(&self, arguments: &[&str]) -> String {
        let output = self.keactrl(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "keactrl {arguments:?}: {text}");
        text
    }

    /// The process in the pid file that the configuration's name gives.
    fn pid(&self, family: Family) -> Option<String> {
        let end = format!(".{}.pid", family.program_name());
        let folder = fs::read_dir(self.path("var/run/kea")).ok()?;
        let found =
            folder.flatten().find(|entry| entry.file_name().to_string_lossy().ends_with(&end))?;
        fs::read_to_string(found.path()).ok().map(|text| text.trim().to_owned())
    }
}

#[test]
fn keactrl_starts_reports_reloads_and_stops_the_server() {
    let installed = Installed::new();
    assert!(installed.say(&["status", "-s", "dhcp4"]).contains("DHCPv4 server: inactive"));
    assert!(installed.say(&["stop", "-s", "dhcp4"]).contains("isn't running"));

    let said = installed.say(&["start", "-s", "dhcp4"]);
    assert!(said.contains("INFO/keactrl: Starting"), "{said}");
    let mut peer = Peer::new(&installed.net.client);
    peer.until_served(e2e::server::START);
    let pid = installed.pid(Family::V4).expect("a pid file");
    assert!(installed.say(&["status", "-s", "dhcp4"]).contains("DHCPv4 server: active"));
    let again = installed.say(&["start", "-s", "dhcp4"]);
    assert!(again.contains("appears to be running") && again.contains(&pid), "{again}");

    let path = installed.path("etc/kea/kea.conf");
    let text = fs::read_to_string(&path).expect("configuration").replace("3600", "1234");
    fs::write(&path, text).expect("configuration");
    assert!(installed.say(&["reload", "-s", "dhcp4"]).contains("Reloading kea-dhcp4"));
    wait::until(wait::secs(5), "the new lifetime is in force", || {
        let query = peer.query(Message::Discover);
        let offer = peer.ask_within(&query, Duration::from_millis(500));
        offer.and_then(|offer| offer.dhcp.option_u32(opt::LEASE_TIME)) == Some(1234)
    });

    assert!(installed.say(&["stop", "-s", "dhcp4"]).contains("Stopping kea-dhcp4"));
    wait::until(wait::secs(10), "the server has ended", || installed.pid(Family::V4).is_none());
    assert!(installed.say(&["status"]).contains("DHCPv4 server: inactive"));
}

#[test]
fn one_file_configures_both_servers() {
    let installed = Installed::bare();
    let folder = installed.path("var/lib/kea");
    let [v4, v6] = [Config::new(&folder).json(), Config::new6(&folder).json()];
    let (v4, v6) = (v4.trim().strip_suffix('}'), v6.trim().strip_prefix('{'));
    let both = format!("{},{}", v4.expect("a map"), v6.expect("a map"));
    fs::write(installed.path("etc/kea/kea.conf"), both).expect("configuration");

    installed.say(&["start"]);
    wait::until(wait::secs(10), "both servers are active", || {
        let said = installed.say(&["status"]);
        said.contains("DHCPv4 server: active") && said.contains("DHCPv6 server: active")
    });
    let said = installed.say(&["reload"]);
    for name in ["kea-dhcp4", "kea-dhcp6"] {
        assert!(said.contains(&format!("Reloading {name}")), "{said}");
    }
    installed.say(&["stop", "-s", "dhcp6"]);
    let has_ended = |family| installed.pid(family).is_none();
    wait::until(wait::secs(10), "the DHCPv6 server has ended", || has_ended(Family::V6));
    assert!(installed.say(&["status"]).contains("DHCPv4 server: active"));
    installed.say(&["stop"]);
    wait::until(wait::secs(10), "the DHCPv4 server has ended", || has_ended(Family::V4));
}

#[test]
fn installed_configuration_is_accepted_by_both_servers() {
    let installed = Installed::bare();
    for family in [Family::V4, Family::V6] {
        let mut check = std::process::Command::new(family.program());
        let output = check.arg("-t").arg(installed.path("etc/kea/kea.conf")).output();
        let output = output.expect("the server starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn wrong_use_of_keactrl_fails_with_status_1() {
    let installed = Installed::new();
    for line in [&[][..], &["dance"], &["start", "-s", "dns"], &["status", "-c", "/nonexistent"]] {
        let output = installed.keactrl(line);
        assert_eq!(output.status.code(), Some(1), "keactrl {line:?}");
    }
}

#[test]
fn tree_is_laid_out_as_kea_installs_it() {
    let installed = Installed::new();
    for path in [
        "sbin/kea-dhcp4",
        "sbin/kea-dhcp6",
        "sbin/keactrl",
        "sbin/kea-lfc",
        "etc/kea/keactrl.conf",
        "etc/kea/kea.conf",
        "share/kea",
        "var/lib/kea",
        "var/run/kea",
    ] {
        assert!(installed.path(path).exists(), "{path} is missing");
    }
}
