//! The life of the one logging system of a process, from silence to shutdown.
//!
//! A single test, because all of it is global to the process.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use kea_log::{
    Destination, Init, InitError, LogConfig, Logger, LoggerConfig, OutputConfig, Severity,
};

static DHCP4: Logger = Logger::new("dhcp4");
static LEASES: Logger = Logger::new("leases");

kea_log::messages! {
    TEST_STARTED = (Info, "server version {} started");
    TEST_DETAIL = (Debug 40, "detail {}");
}

fn output(path: &Path, pattern: Option<&str>) -> OutputConfig {
    let base = OutputConfig::new(Destination::File(path.to_owned()));
    OutputConfig { pattern: pattern.map(str::to_owned), ..base }
}

fn read(path: &Path) -> String {
    kea_log::flush();
    fs::read_to_string(path).unwrap_or_default()
}

fn assert_default_format(line: &str, tail: &str) {
    let (stamp, rest) = line.split_at(23);
    let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    assert_eq!(shape, "9999-99-99 99:99:99.999");
    assert_eq!(rest, tail);
}

#[test]
fn logging_lives_from_init_to_the_drop_of_its_guard() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let pid = std::process::id();

    assert!(!DHCP4.is_enabled(Severity::Fatal, 0));
    kea_log::log!(DHCP4, TEST_STARTED, "0");
    kea_log::apply(&LogConfig::default());
    kea_log::flush();

    let initial = path("initial.log");
    let init = Init {
        root: "kea-dhcp4".into(),
        is_verbose: false,
        destination: Destination::File(initial.clone()),
    };
    let guard = kea_log::init(init.clone()).unwrap();
    assert!(matches!(kea_log::init(init), Err(InitError::AlreadyStarted)));

    let evaluated = Cell::new(0);
    let count = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    kea_log::log!(DHCP4, TEST_STARTED, "1.1.0");
    kea_log::log!(LEASES, TEST_DETAIL, count());
    log::warn!(target: "library", "has something to say");
    log::debug!(target: "library", "but not this");
    assert_eq!(evaluated.get(), 0, "values of a disabled message are not evaluated");
    let text = read(&initial);
    let mut lines = text.lines();
    assert_default_format(
        lines.next().unwrap(),
        &format!(" INFO  [kea-dhcp4.dhcp4/{pid}] TEST_STARTED server version 1.1.0 started"),
    );
    assert_default_format(
        lines.next().unwrap(),
        &format!(" WARN  [kea-dhcp4/{pid}] LOG_LIBRARY_MESSAGE library: has something to say"),
    );
    assert_eq!(lines.next(), None);

    let (root, child) = (path("root.log"), path("child.log"));
    let config = LogConfig {
        loggers: vec![
            LoggerConfig {
                severity: Severity::Error,
                outputs: vec![output(&root, Some("%p %c %m %Z"))],
                ..LoggerConfig::new("kea-dhcp4")
            },
            LoggerConfig {
                severity: Severity::Debug,
                debug_level: 40,
                outputs: vec![output(&child, Some("%p %c %m\n"))],
                ..LoggerConfig::new("leases")
            },
        ],
    };
    kea_log::apply(&config);
    kea_log::log!(DHCP4, TEST_STARTED, "not at ERROR");
    kea_log::log!(LEASES, TEST_DETAIL, count());
    log::error!(target: "library", "fails");
    assert_eq!(evaluated.get(), 1);
    assert_eq!(read(&child), "DEBUG kea-dhcp4.leases TEST_DETAIL detail 1\n");
    assert_eq!(read(&root), "ERROR kea-dhcp4 LOG_LIBRARY_MESSAGE library: fails %Z\n");

    // Nothing is lost that was logged before the end, and nothing is written after it.
    kea_log::log!(LEASES, TEST_DETAIL, "last");
    drop(guard);
    kea_log::log!(LEASES, TEST_DETAIL, "too late");
    log::error!("too late");
    assert!(fs::read_to_string(&child).unwrap().ends_with("detail last\n"));
    assert!(!LEASES.is_enabled(Severity::Fatal, 0));
}
