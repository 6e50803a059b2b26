//! Words that tracked files must not contain: unfinished work, and paths of one machine.
//!
//! This file is exempt, because it spells them.

use crate::text::contains_word;
use crate::tree::TextFile;

const OWN_PATH: &str = "tests/tidy/src/words.rs";

/// Unfinished work.
const UNFINISHED: [&str; 4] = ["todo!", "unimplemented!", "FIXME", "XXX"];
/// Paths of somebody's machine.
const MACHINE_PATHS: [&str; 2] = ["/home/", "/root/"];
/// Reports every forbidden word with file and line.
#[must_use]
pub fn check(files: &[TextFile]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| !is_exempt(&file.path)) {
        for (number, line) in file.text.lines().enumerate() {
            let mut report = |word: &str, advice: &str| {
                problems.push(format!("{}:{}: '{word}': {advice}", file.path, number + 1));
            };
            for word in UNFINISHED.iter().filter(|word| contains_unfinished(line, word)) {
                report(word, "finish it, or open an issue");
            }
            for word in MACHINE_PATHS.iter().filter(|word| contains_path(line, word)) {
                report(word, "a path of one machine means nothing to others");
            }
        }
    }
    problems
}

/// This file, the lock file, texts of others and inputs of fuzzing.
fn is_exempt(path: &str) -> bool {
    path == OWN_PATH || path == "Cargo.lock" || path == "LICENSE" || path.contains("/corpus/")
}

fn contains_unfinished(line: &str, word: &str) -> bool {
    match word.strip_suffix('!') {
        Some(name) => line.contains(&format!("{name}!(")),
        None => contains_word(line, word),
    }
}

/// A path counts where it begins: `target/root/` is another matter.
fn contains_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::TextFile;

    #[test]
    fn words_are_reported_with_their_place() {
        let text = "fine\n    todo!();\n// FIXME\nlet a = \"/home/me/x\";\n";
        let files = [TextFile { path: "a.rs".into(), text: text.into() }];
        let problems = check(&files);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("a.rs:2: 'todo!'"));
    }

    #[test]
    fn innocent_words_pass() {
        let text =
            "todo = \"deny\"\nmktemp -d name.XXXXXX\nhttps://example.org/home/\n$PREFIX/home/x\n";
        let files = [TextFile { path: "a.md".into(), text: text.into() }];
        assert_eq!(check(&files), Vec::<String>::new());
    }
}
