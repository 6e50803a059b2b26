//! Source files: headers, lengths, unsafe code, lints.

use crate::manifest::Crate;
use crate::text::{code_only, contains_word, is_test_path};
use crate::tree::TextFile;

/// Longest file outside of tests.
const LINES_MAX: usize = 900;
/// Shortest module header that can say something.
const HEADER_LEN_MIN: usize = 12;
/// Where unsafe code may stand: folders and files. `tests/bench` measures with batches of datagrams.
const UNSAFE_ALLOWED: [&str; 3] = ["crates/netio/", "crates/hooks/", "tests/bench/src/sys.rs"];
/// Crates whose lints are their own, because they allow unsafe code somewhere.
const OWN_LINTS: [&str; 3] = ["bench", "hooks", "netio"];

/// Every Rust file begins with a `//!` header, but for the tests beside the code they are about.
#[must_use]
pub fn check_headers(files: &[TextFile]) -> Vec<String> {
    let headless = |file: &&TextFile| {
        let lines = file.text.lines().skip_while(|line| line.trim().is_empty());
        let header = lines.take_while(|line| line.starts_with("//!"));
        let len: usize = header.map(|line| line.trim_start_matches("//!").trim().len()).sum();
        len < HEADER_LEN_MIN
    };
    let own_idea = |path: &str| !is_test_path(path) || path.starts_with("tests/");
    let rust = files.iter().filter(|file| file.path.ends_with(".rs") && own_idea(&file.path));
    rust.filter(headless)
        .map(|file| {
            format!(
                "{}: the file must begin with `//!`: what it is, is not, how it works",
                file.path
            )
        })
        .collect()
}

/// No file outside of tests is very long.
#[must_use]
pub fn check_lengths(files: &[TextFile]) -> Vec<String> {
    let code = |file: &&TextFile| file.path.ends_with(".rs") && !is_test_path(&file.path);
    let long = files.iter().filter(code).map(|file| (file, file.text.lines().count()));
    long.filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| {
            format!("{}: {lines} lines, at most {LINES_MAX}; it is more than one idea", file.path)
        })
        .collect()
}

/// Unsafe code stands where it is allowed.
#[must_use]
pub fn check_unsafe(files: &[TextFile]) -> Vec<String> {
    let allowed = |path: &str| UNSAFE_ALLOWED.iter().any(|place| path.starts_with(place));
    let rust = files.iter().filter(|file| file.path.ends_with(".rs") && !allowed(&file.path));
    rust.filter(|file| contains_word(&code_only(&file.text), "unsafe"))
        .map(|file| format!("{}: unsafe code; it is allowed in {UNSAFE_ALLOWED:?} only", file.path))
        .collect()
}

/// The lints of the workspace are in force everywhere else.
#[must_use]
pub fn check_lints(crates: &[Crate]) -> Vec<String> {
    let free = |one: &&Crate| !one.workspace_lints && !OWN_LINTS.contains(&one.name.as_str());
    let text =
        |one: &Crate| format!("{}/Cargo.toml: `[lints] workspace = true` is missing", one.folder);
    crates.iter().filter(free).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::{check_headers, check_lengths, check_unsafe};
    use crate::tree::TextFile;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.into(), text: text.into() }
    }

    #[test]
    fn missing_and_empty_headers_are_reported() {
        let files = [
            file("crates/a/src/lib.rs", "//! Reads leases of the file that Kea writes.\n"),
            file(
                "crates/a/src/b.rs",
                "use std::fmt;\n//! Not at the top, though it is long enough.\n",
            ),
            file("crates/a/src/c.rs", "//! (empty)\n"),
            file("crates/a/src/c/tests.rs", "use super::*;\n"),
            file("README.md", "text"),
        ];
        assert_eq!(check_headers(&files).len(), 2);
    }

    #[test]
    fn long_files_are_reported_outside_of_tests() {
        let long = "x\n".repeat(901);
        let files = [
            file("crates/a/src/lib.rs", &long),
            file("crates/a/src/tests.rs", &long),
            file("crates/a/src/fits.rs", &"x\n".repeat(900)),
        ];
        assert_eq!(check_lengths(&files).len(), 1);
    }

    #[test]
    fn unsafe_code_is_reported_outside_of_its_place() {
        let code = "//! Text about unsafe code.\nfn a() { unsafe { b() } }\n";
        let files = [
            file("crates/netio/src/sys.rs", code),
            file("crates/a/src/lib.rs", code),
            file("crates/a/src/words.rs", "//! unsafe\nfn a() -> &str { \"unsafe\" } // unsafe\n"),
        ];
        let problems = check_unsafe(&files);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("crates/a/src/lib.rs"));
    }
}
