//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file: its path below the root, with `/`, and its content.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// Path below the root.
    pub path: String,
    /// Content.
    pub text: String,
}

/// Root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).expect("the crate lies two folders below the root").to_path_buf()
}

/// All text files that are tracked or about to be, in order; without git, all files outside of `target`.
#[must_use]
pub fn text_files(root: &Path) -> Vec<TextFile> {
    let mut paths = tracked(root).unwrap_or_else(|| walk(root, root));
    paths.sort();
    let read = |path: String| {
        let text = fs::read_to_string(root.join(&path)).ok()?;
        Some(TextFile { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let words = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(root).args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> = text.lines().map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

fn walk(root: &Path, folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_symlink() || name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            paths.extend(walk(root, &path));
        } else if let Ok(below) = path.strip_prefix(root) {
            paths.push(below.to_string_lossy().into_owned());
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::{root, text_files, tracked, walk};

    #[test]
    fn both_ways_find_this_file() {
        let root = root();
        let own = "tests/tidy/src/tree.rs".to_owned();
        assert!(walk(&root, &root.join("tests")).contains(&own));
        assert!(tracked(&root).is_none_or(|paths| paths.contains(&own)));
        assert!(text_files(&root).iter().any(|file| file.path == own && !file.text.is_empty()));
    }
}
