use super::{Call, QUEUED_BYTES_MAX, QUEUED_LINES_MAX, TEXT_MAX, Writer};
use crate::config::{Destination, LogConfig, LoggerConfig, OutputConfig, Tree};
use crate::{Logger, Message, Severity};
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

static LEASES: Logger = Logger::new("leases");
static PACKETS: Logger = Logger::new("packets");

crate::messages! {
    TEST_LINE = (Info, "line {}");
    TEST_FAILURE = (Error, "failed");
    TEST_END = (Fatal, "the end");
}

fn output(path: &Path) -> OutputConfig {
    let base = OutputConfig::new(Destination::File(path.to_owned()));
    OutputConfig { pattern: Some("%p [%c] %m\n".into()), ..base }
}

fn tree(path: &Path, loggers: Vec<LoggerConfig>) -> Tree {
    Tree::new("kea-dhcp4", false, &output(path), &LogConfig { loggers })
}

fn submit(
    writer: &Writer,
    logger: &'static Logger,
    message: &'static Message,
    values: &[&dyn Display],
) {
    writer.submit(&Call { logger, message, severity: message.severity, values, suppressed: 0 });
}

fn file(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn lines_arrive_in_order_at_the_flush() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.log");
    let (writer, _) = Writer::new(tree(&path, vec![]));
    for number in 0..3 {
        submit(&writer, &LEASES, &TEST_LINE, &[&number]);
    }
    writer.flush();
    assert_eq!(
        read(&path),
        "INFO [kea-dhcp4.leases] TEST_LINE line 0\n\
         INFO [kea-dhcp4.leases] TEST_LINE line 1\n\
         INFO [kea-dhcp4.leases] TEST_LINE line 2\n"
    );
}

#[test]
fn fatal_is_written_by_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.log");
    let (writer, _) = Writer::new(tree(&path, vec![]));
    submit(&writer, &LEASES, &TEST_LINE, &[&1]);
    submit(&writer, &crate::ROOT, &TEST_END, &[]);
    assert!(read(&path).ends_with("FATAL [kea-dhcp4] TEST_END the end\n"));
}

#[test]
fn full_queue_drops_and_tells_how_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.log");
    let (writer, _) = Writer::new(tree(&path, vec![]));
    for number in 0..QUEUED_LINES_MAX + 5 {
        submit(&writer, &LEASES, &TEST_LINE, &[&number]);
    }
    writer.flush();
    let text = read(&path);
    assert_eq!(text.lines().count(), QUEUED_LINES_MAX + 1);
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("WARN [kea-dhcp4] LOG_LINES_DROPPED 5 log lines"), "{last}");
    submit(&writer, &LEASES, &TEST_LINE, &[&"after"]);
    writer.flush();
    assert!(read(&path).ends_with("line after\n"));
}

#[test]
fn queue_is_bounded_in_bytes_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.log");
    let (writer, _) = Writer::new(tree(&path, vec![]));
    let value = "x".repeat(TEXT_MAX - "line ".len());
    let fitting = QUEUED_BYTES_MAX / TEXT_MAX;
    for _ in 0..fitting + 3 {
        submit(&writer, &LEASES, &TEST_LINE, &[&value]);
    }
    writer.flush();
    let text = read(&path);
    assert_eq!(text.lines().count(), fitting + 1);
    assert!(text.lines().last().unwrap().contains("LOG_LINES_DROPPED 3 log lines"));
}

#[test]
fn long_texts_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.log");
    let (writer, _) = Writer::new(tree(&path, vec![]));
    submit(&writer, &LEASES, &TEST_LINE, &[&"ü".repeat(TEXT_MAX)]);
    writer.flush();
    let text = read(&path);
    assert!(text.ends_with("ü...\n"));
    assert!(text.len() < TEXT_MAX + 100);
}

#[test]
fn children_write_to_their_own_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (file(&folder, "a.log"), file(&folder, "b.log"));
    let child = LoggerConfig { outputs: vec![output(&b)], ..LoggerConfig::new("packets") };
    let (writer, _) = Writer::new(tree(&a, vec![child]));
    submit(&writer, &LEASES, &TEST_LINE, &[&1]);
    submit(&writer, &PACKETS, &TEST_LINE, &[&2]);
    writer.flush();
    assert_eq!(read(&a), "INFO [kea-dhcp4.leases] TEST_LINE line 1\n");
    assert_eq!(read(&b), "INFO [kea-dhcp4.packets] TEST_LINE line 2\n");
}

#[test]
fn queued_lines_go_to_the_outputs_of_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (file(&folder, "a.log"), file(&folder, "b.log"));
    let (writer, _) = Writer::new(tree(&a, vec![]));
    submit(&writer, &LEASES, &TEST_LINE, &[&"old"]);
    writer.install(tree(&b, vec![]));
    submit(&writer, &LEASES, &TEST_LINE, &[&"new"]);
    writer.flush();
    assert_eq!(read(&a), "INFO [kea-dhcp4.leases] TEST_LINE line old\n");
    assert_eq!(read(&b), "INFO [kea-dhcp4.leases] TEST_LINE line new\n");
}

#[test]
fn reconfiguration_brings_a_moved_file_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (file(&folder, "a.log"), file(&folder, "a.log.old"));
    let (writer, _) = Writer::new(tree(&path, vec![]));
    submit(&writer, &LEASES, &TEST_LINE, &[&"old"]);
    writer.flush();
    fs::rename(&path, &moved).unwrap();
    writer.install(tree(&path, vec![]));
    submit(&writer, &LEASES, &TEST_LINE, &[&"new"]);
    writer.flush();
    assert!(read(&moved).ends_with("old\n"));
    assert!(read(&path).ends_with("new\n"));
}

#[test]
fn unknown_conversions_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.log");
    let odd = OutputConfig { pattern: Some("%m %Z\n".into()), ..output(&path) };
    let (_, questionable) = Writer::new(Tree::new("kea-dhcp4", false, &odd, &LogConfig::default()));
    assert_eq!(questionable.len(), 1);
    assert_eq!(questionable[0].conversion, "%Z");
}

#[test]
fn values_may_log_while_they_are_formatted() {
    struct Chatty<'a>(&'a Writer);
    impl Display for Chatty<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            submit(self.0, &LEASES, &TEST_LINE, &[&"inner"]);
            f.write_str("outer")
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.log");
    let (writer, _) = Writer::new(tree(&path, vec![]));
    submit(&writer, &LEASES, &TEST_LINE, &[&Chatty(&writer)]);
    writer.flush();
    assert_eq!(read(&path).lines().filter(|line| line.ends_with("inner")).count(), 1);
    assert!(read(&path).ends_with("line outer\n"));
}

#[test]
fn thread_writes_everything_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.log");
    let (writer, _) = Writer::new(tree(&path, vec![]));
    std::thread::scope(|scope| {
        let log = scope.spawn(|| writer.run());
        let callers: Vec<_> = (0..2)
            .map(|caller| {
                let writer = &writer;
                scope.spawn(move || {
                    for number in 0..2000 {
                        submit(writer, &LEASES, &TEST_LINE, &[&format_args!("{caller}/{number}")]);
                    }
                    submit(writer, &LEASES, &TEST_FAILURE, &[]);
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        writer.stop();
        log.join().unwrap();
    });
    assert_eq!(read(&path).lines().count(), 4002);
    assert_eq!(Severity::Error, TEST_FAILURE.severity);
}
