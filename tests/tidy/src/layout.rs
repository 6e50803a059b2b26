//! What must be there: licence, texts for users, scripts that can be executed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::tree::TextFile;

/// Files that must be present, with a phrase that they must contain.
const PRESENT: [(&str, &str); 8] = [
    (".ci/run", "scripts/test"),
    ("CHANGELOG.md", "#"),
    ("LICENSE", "Mozilla Public License"),
    ("README.md", "scripts/quickstart"),
    ("doc/architecture.md", "## 2. Workspace"),
    ("doc/dependencies.md", "## Table"),
    ("scripts/quickstart", "#!"),
    ("scripts/test", "cargo test"),
];

/// Reports missing files.
#[must_use]
pub fn check_present(files: &[TextFile]) -> Vec<String> {
    let problem = |(path, phrase): &(&str, &str)| match files.iter().find(|file| file.path == *path)
    {
        None => Some(format!("{path}: the file is missing")),
        Some(file) if !file.text.contains(phrase) => {
            Some(format!("{path}: does not contain '{phrase}'"))
        }
        Some(_) => None,
    };
    PRESENT.iter().filter_map(problem).collect()
}

/// Reports scripts (files that begin with `#!`) that cannot be executed, and the reverse; templates (`.in`) are not
/// executed.
#[must_use]
pub fn check_executable(root: &Path, files: &[TextFile]) -> Vec<String> {
    let problem = |file: &TextFile| {
        let mode = fs::metadata(root.join(&file.path)).ok()?.permissions().mode();
        if file.path.ends_with(".in") {
            return None;
        }
        let is_script = file.text.starts_with("#!") && !file.text.starts_with("#![");
        match (is_script, mode & 0o111 != 0) {
            (true, false) => {
                Some(format!("{}: is a script, but cannot be executed (chmod +x)", file.path))
            }
            (false, true) => {
                Some(format!("{}: can be executed, but is no script (chmod -x)", file.path))
            }
            _ => None,
        }
    };
    files.iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::{PRESENT, check_present};
    use crate::tree::TextFile;

    #[test]
    fn missing_and_hollow_files_are_reported() {
        let files = [
            TextFile { path: "LICENSE".into(), text: "Mozilla Public License Version 2.0".into() },
            TextFile { path: "README.md".into(), text: String::new() },
        ];
        let problems = check_present(&files);
        assert_eq!(problems.len(), PRESENT.len() - 1);
        assert!(problems.contains(&"README.md: does not contain 'scripts/quickstart'".to_owned()));
    }
}
