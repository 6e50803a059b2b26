//! Reading Rust as text: comments, strings and test modules cut off.

/// The part of a source file before its test module.
#[must_use]
pub fn product_part(source: &str) -> &str {
    let tests = source.find("\n#[cfg(test)]\nmod ");
    source.get(..tests.unwrap_or(source.len())).unwrap_or(source)
}

/// True for files that hold tests, benchmarks or examples only.
#[must_use]
pub fn is_test_path(path: &str) -> bool {
    let folders = ["tests/", "benches/", "examples/", "fuzz/"];
    folders.iter().any(|folder| path.starts_with(folder) || path.contains(&format!("/{folder}")))
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}

/// The source with comments removed and the content of strings blanked; line breaks stay.
#[must_use]
pub fn code_only(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(character) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if character == '"' {
            out.push_str("\"\"");
            string_len(rest)
        } else if rest.starts_with("r#\"") {
            out.push_str("\"\"");
            rest.get(3..).and_then(|tail| tail.find("\"#")).map_or(rest.len(), |at| at + 5)
        } else if let Some(len) = quote_literal_len(rest) {
            out.push_str("' '");
            len
        } else {
            out.push(character);
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
            continue;
        };
        let (passed, tail) = rest.split_at(skipped);
        out.extend(passed.chars().filter(|character| *character == '\n'));
        rest = tail;
    }
    out
}

/// Length of the string literal that `text` begins with.
#[must_use]
pub fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of the character literals that would confuse the search for strings: `'"'`, `'\"'`, `'/'`.
fn quote_literal_len(text: &str) -> Option<usize> {
    ["'\"'", "'\\\"'", "'\\\\'", "'\\''", "'/'"]
        .iter()
        .find(|literal| text.starts_with(**literal))
        .map(|literal| literal.len())
}

/// True when `word` stands in `text` with no letter, digit or underscore at its sides.
#[must_use]
pub fn contains_word(text: &str, word: &str) -> bool {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::{code_only, contains_word, is_test_path, product_part};

    #[test]
    fn comments_and_strings_are_cut() {
        let source = "a(); // unsafe\nlet b = \"un\\\"safe // x\"; /* unsafe\n */ c('\"'); d(r#\"unsafe\"#);";
        let code = code_only(source);
        assert!(!code.contains("unsafe") && !code.contains("// x"), "{code}");
        assert!(code.contains("a();") && code.contains("c(") && code.contains("d("), "{code}");
        assert_eq!(code.lines().count(), source.lines().count());
    }

    #[test]
    fn words_have_borders() {
        assert!(contains_word("deny unsafe here", "unsafe"));
        assert!(!contains_word("unsafe_code = 1", "unsafe"));
        assert!(!contains_word("safely", "safe"));
    }

    #[test]
    fn test_modules_and_test_files_are_known() {
        assert_eq!(product_part("a\n#[cfg(test)]\nmod tests {}"), "a");
        assert_eq!(product_part("a\n#[cfg(test)]\nuse b;\nc"), "a\n#[cfg(test)]\nuse b;\nc");
        for path in ["crates/cc/src/tests.rs", "crates/cc/src/tests/x.rs", "tests/e2e/src/lib.rs"] {
            assert!(is_test_path(path), "{path}");
        }
        assert!(!is_test_path("crates/cc/src/lexer.rs"));
    }
}
