//! Changed copies of a JSON text: every value of every map replaced, removed, doubled.
//!
//! It works on the text alone and knows no keyword, so that a configuration made of correct parts
//! becomes hundreds that have one mistake each. The text must be JSON without comments.

use std::ops::Range;

/// A changed text and what was changed.
#[derive(Debug)]
pub struct Mutant {
    /// The path of the value and the change (`Dhcp4/subnet4/0/id = -1`).
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// All changed copies of `text`.
pub fn of(text: &str) -> Vec<Mutant> {
    let mut scan = Scan { text, at: 0, found: Vec::new() };
    scan.value("");
    let mut mutants = Vec::new();
    for part in &scan.found {
        let value = &text[part.value.clone()];
        let mut replace = |range: &Range<usize>, by: &str, what: &str| {
            let changed = format!("{}{by}{}", &text[..range.start], &text[range.end..]);
            mutants.push(Mutant { name: format!("{} {what}", part.path), text: changed });
        };
        for other in others(value) {
            replace(&part.value, other, &format!("= {other}"));
        }
        if value.starts_with('{') {
            replace(&(part.value.start..part.value.start + 1), "{ \"surprise\": 1,", "+ surprise");
        }
        if let Some(member) = &part.member {
            let twice = format!("{0}, {0}", &text[member.clone()]);
            replace(member, &twice, "twice");
            replace(&with_comma(text, member), "", "missing");
        } else {
            replace(&part.value, &format!("{value}, {value}"), "twice");
        }
    }
    mutants
}

/// Values in place of one: of other types, and from the edges of its own.
fn others(value: &str) -> &'static [&'static str] {
    match value.as_bytes().first() {
        Some(b'"') => &["7", "[]", "\"\"", "\" \"", "\"x\""],
        Some(b'[') => &["\"x\"", "{}", "null", "[]", "[ [] ]"],
        Some(b'{') => &["\"x\"", "[]", "null", "{}"],
        Some(b'-' | b'0'..=b'9') => &["\"x\"", "true", "-1", "1.5", "4294967296"],
        _ => &["\"x\"", "7", "null"],
    }
}

/// The range of a member with the comma after it, else the one before it.
fn with_comma(text: &str, member: &Range<usize>) -> Range<usize> {
    let after = text[member.end..].trim_start();
    if after.starts_with(',') {
        return member.start..text.len() - after.len() + 1;
    }
    let before = text[..member.start].trim_end();
    let start = if before.ends_with(',') { before.len() - 1 } else { member.start };
    start..member.end
}

/// A value of the text.
struct Part {
    path: String,
    value: Range<usize>,
    /// Key and value, of a member of a map.
    member: Option<Range<usize>>,
}

/// Walks over JSON that is known to be sound.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    found: Vec<Part>,
}

impl Scan<'_> {
    fn value(&mut self, path: &str) -> Range<usize> {
        self.skip(|byte| byte.is_ascii_whitespace());
        let begin = self.at;
        match self.byte() {
            b'{' => self.items(path, b'}'),
            b'[' => self.items(path, b']'),
            b'"' => self.string(),
            _ => self.skip(|byte| !byte.is_ascii_whitespace() && !b",]}".contains(&byte)),
        }
        begin..self.at
    }

    fn items(&mut self, path: &str, close: u8) {
        self.at += 1;
        for number in 0.. {
            self.skip(|byte| byte.is_ascii_whitespace() || byte == b',');
            if self.byte() == close {
                break;
            }
            let begin = self.at;
            let mut name = number.to_string();
            if close == b'}' {
                self.string();
                name = self.text[begin + 1..self.at - 1].to_owned();
                self.skip(|byte| byte.is_ascii_whitespace() || byte == b':');
            }
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            let value = self.value(&path);
            let member = (close == b'}').then_some(begin..value.end);
            self.found.push(Part { path, value, member });
        }
        self.at += 1;
    }

    /// A string; none of ours has an escaped quote.
    fn string(&mut self) {
        self.at += 1;
        self.skip(|byte| byte != b'"');
        self.at += 1;
    }

    fn skip(&mut self, unwanted: impl Fn(u8) -> bool) {
        while unwanted(self.byte()) {
            self.at += 1;
        }
    }

    fn byte(&self) -> u8 {
        self.text.as_bytes()[self.at]
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn every_value_is_changed_in_every_way() {
        let mutants = of(r#"{ "a": [ true, {} ], "b": "x" }"#);
        let text = |name: &str| {
            let found = mutants.iter().find(|mutant| mutant.name == name);
            found.map(|mutant| mutant.text.as_str())
        };
        assert_eq!(text("a/0 = 7"), Some(r#"{ "a": [ 7, {} ], "b": "x" }"#));
        assert_eq!(text("a/0 twice"), Some(r#"{ "a": [ true, true, {} ], "b": "x" }"#));
        assert_eq!(text("a/0 = null"), Some(r#"{ "a": [ null, {} ], "b": "x" }"#));
        assert_eq!(text("a/1 = null"), Some(r#"{ "a": [ true, null ], "b": "x" }"#));
        assert_eq!(text("a missing"), Some(r#"{  "b": "x" }"#));
        assert_eq!(text("b missing"), Some(r#"{ "a": [ true, {} ] }"#));
        assert_eq!(text("b twice"), Some(r#"{ "a": [ true, {} ], "b": "x", "b": "x" }"#));
        assert_eq!(text("b = \"\""), Some(r#"{ "a": [ true, {} ], "b": "" }"#));
        assert!(text("a = [ [] ]").is_some() && text("a = {}").is_some());
    }
}
