//! Huge and damaged configuration files, given to the program itself: a clear error in little time
//! and memory.

#![expect(clippy::disallowed_methods, reason = "the program is run from outside, on real files")]

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Address space that the program may use beyond the size of the file.
const MEMORY_MAX: usize = 150 << 20;
/// Far above what is needed, for machines under load.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Checks a file made of `part` over and over, after `begin`; returns what is said first.
fn said_about(name: &str, begin: &[u8], part: &[u8], size: usize) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut file = File::create(&path).expect("created");
    file.write_all(begin).expect("written");
    let block = part.repeat((1 << 20) / part.len());
    for _ in 0..size / block.len() {
        file.write_all(&block).expect("written");
    }
    let begin = Instant::now();
    let output = check(&path, size + MEMORY_MAX);
    assert!(begin.elapsed() < TIME_MAX, "{name} took {:?}", begin.elapsed());
    std::fs::remove_file(&path).expect("removed");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.lines().count() < 10, "{text}");
    text.replace(&path.display().to_string(), "FILE").lines().next().unwrap_or_default().into()
}

/// Runs `kea-dhcp4 -t` with a limit of its address space.
fn check(path: &std::path::Path, memory_max: usize) -> Output {
    let limited = format!("ulimit -v {}; exec \"$0\" -t \"$1\"", memory_max / 1024);
    let mut command = Command::new("sh");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_kea-dhcp4")]).arg(path);
    command.output().expect("the shell starts")
}

#[test]
fn a_file_of_100_megabytes_is_refused_unread() {
    let subnet = br#"{ "id": 7, "subnet": "192.0.2.0/24" },"#;
    let said = said_about("huge.conf", br#"{ "Dhcp4": { "subnet4": ["#, subnet, 100_000_000);
    assert_eq!(said, "cannot read configuration file FILE: the file is larger than 67108864 bytes");
}

#[test]
fn large_files_that_are_no_json_get_one_error() {
    let size = 10_000_000;
    let rows: [(&str, &[u8], &[u8], &str); 5] = [
        ("nested.conf", b"", b"[", "FILE:1:101: error: nested deeper than 100 lists and maps"),
        ("maps.conf", b"", b"{\"a\":", "FILE:1:501: error: nested deeper than 100 lists and maps"),
        ("nul.conf", b"", b"\0", "FILE:1:1: error: NUL byte; the file is not text"),
        ("binary.conf", b"", b"\xff", "FILE:1:1: error: invalid UTF-8, beginning with byte 0xff"),
        (
            "open.conf",
            b"\"",
            b"x",
            "FILE:1:1: error: unterminated string: no closing quote on its line",
        ),
    ];
    for (name, begin, part, expected) in rows {
        assert_eq!(said_about(name, begin, part, size), expected);
    }
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("includes-itself.conf");
    let include = format!("{{ \"Dhcp4\": <?include \"{}\"?> }}", path.display());
    std::fs::write(&path, include).expect("written");
    let output = check(&path, MEMORY_MAX);
    std::fs::remove_file(&path).expect("removed");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("includes itself"), "{text}");
}
