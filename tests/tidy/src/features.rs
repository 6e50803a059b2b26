//! The list of features: every id of the baseline has a row, and every test that a row names exists.
//!
//! Tests are named `crate::module::function`. Modules are files, folders or `mod` blocks; the function must stand in
//! a file of the crate that has all of them: with the attribute of a test, or in a table of claims (`claims! { .. }`,
//! a name on each line) that makes tests of functions shared by both servers.

use std::collections::BTreeSet;

use crate::manifest::Crate;
use crate::text::contains_word;
use crate::tree::TextFile;

/// Groups of ids and how many each has.
const GROUPS: [(char, usize); 11] = [
    ('A', 14),
    ('B', 27),
    ('C', 19),
    ('D', 9),
    ('E', 10),
    ('F', 11),
    ('G', 9),
    ('H', 4),
    ('I', 4),
    ('J', 4),
    ('K', 3),
];

/// A row of the list.
struct Row<'t> {
    id: &'t str,
    state: &'t str,
    tests: Vec<&'t str>,
}

/// Reports gaps in the list and tests that do not exist.
#[must_use]
pub fn check(document: &str, crates: &[Crate], files: &[TextFile]) -> Vec<String> {
    let rows: Vec<Row<'_>> = document.lines().filter_map(row).collect();
    let mut problems = check_ids(&rows);
    for row in &rows {
        let id = row.id;
        match row.state {
            "yes" if row.tests.is_empty() => problems.push(format!("{id}: no test shows it")),
            "yes" | "part" | "no" => {}
            other => problems.push(format!("{id}: state '{other}' is not yes, part or no")),
        }
        let missing = row.tests.iter().filter(|test| !exists(test, crates, files));
        problems.extend(missing.map(|test| format!("{id}: there is no test '{test}'")));
    }
    problems
}

fn check_ids(rows: &[Row<'_>]) -> Vec<String> {
    let expected = GROUPS
        .iter()
        .flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}{number:02}")));
    let expected: BTreeSet<String> = expected.collect();
    let mut found = BTreeSet::new();
    let mut problems = Vec::new();
    for row in rows {
        if !expected.contains(row.id) || !found.insert(row.id.to_owned()) {
            problems.push(format!("{}: is there twice, or is no id", row.id));
        }
    }
    problems.extend(expected.difference(&found).map(|id| format!("{id}: has no row")));
    problems
}

/// The row of a line such as ``| A01 | Text | yes | `crate::module::test` |``.
fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line.strip_prefix("| ")?.split('|').map(str::trim);
    let id =
        cells.next().filter(|id| id.len() == 3 && id.ends_with(|c: char| c.is_ascii_digit()))?;
    let state = cells.nth(1)?;
    let ticks = cells.next().unwrap_or_default().split('`').skip(1).step_by(2);
    Some(Row { id, state, tests: ticks.filter(|text| text.contains("::")).collect() })
}

fn exists(test: &str, crates: &[Crate], files: &[TextFile]) -> bool {
    let mut path: Vec<&str> = test.split("::").collect();
    let (Some(function), Some(member)) =
        (path.pop(), crates.iter().find(|member| Some(&member.name.as_str()) == path.first()))
    else {
        return false;
    };
    let modules = path.get(1..).unwrap_or_default();
    files.iter().any(|file| {
        let below = file.path.strip_prefix(&format!("{}/", member.folder));
        let Some(place) = below.and_then(|below| below.strip_suffix(".rs")) else { return false };
        let has = |module: &&str| {
            place.split('/').any(|part| part == *module)
                || contains_word(&file.text, &format!("mod {module}"))
        };
        modules.iter().all(has)
            && (is_test(&file.text, function) || is_claimed(&file.text, function))
    })
}

/// Whether a function of this name has the attribute of a test right above it.
fn is_test(text: &str, function: &str) -> bool {
    let name = format!("fn {function}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.starts_with(&name)).unwrap_or(0);
    let above = lines.iter().take(at).rev();
    above.take_while(|line| line.starts_with(['#', '/'])).any(|line| *line == "#[test]")
}

/// Whether a table of claims lists this name.
fn is_claimed(text: &str, function: &str) -> bool {
    let mut in_table = false;
    text.lines().any(|line| {
        in_table = line.contains("claims! {") || (in_table && line != "}");
        in_table && line.trim() == function
    })
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, check};
    use crate::manifest::Crate;
    use crate::tree::TextFile;

    #[test]
    fn gaps_and_missing_tests_are_reported() {
        let member = Crate {
            name: "kea".to_owned(),
            folder: "crates/kea".to_owned(),
            dependencies: Vec::new(),
            workspace_lints: true,
        };
        let file = TextFile {
            path: "crates/kea/src/a.rs".to_owned(),
            text: "mod b {\n    #[test]\n    fn it_is_so() {}\n    fn helper() {}\n}\n\
                   claims! { V4, c:\n    both_say_so\n}\nlater\n"
                .to_owned(),
        };
        let (members, files) = ([member], [file]);
        let check = |document: &str| check(document, &members, &files);
        let all: Vec<String> = GROUPS
            .iter()
            .flat_map(|(group, count)| {
                (1..=*count).map(move |number| format!("| {group}{number:02} | x | no | later |"))
            })
            .collect();
        let good = |cell: &str| all.join("\n").replacen("| no | later |", cell, 1);
        assert!(check(&good("| yes | `kea::a::b::it_is_so` `kea::a::both_say_so` |")).is_empty());
        for (cell, problem) in [
            ("| yes | |", "A01: no test shows it"),
            ("| maybe | |", "A01: state 'maybe'"),
            ("| yes | `kea::a::helper` |", "A01: there is no test 'kea::a::helper'"),
            ("| yes | `kea::a::later` |", "A01: there is no test 'kea::a::later'"),
            ("| yes | `kea::c::it_is_so` |", "A01: there is no test"),
            ("| yes | `other::a::it_is_so` |", "A01: there is no test"),
        ] {
            let problems = check(&good(cell));
            assert!(problems.iter().any(|found| found.starts_with(problem)), "{problems:?}");
        }
        let problems = check(&all[1..].join("\n"));
        assert_eq!(problems, ["A01: has no row"]);
        assert_eq!(check(&format!("{}\n{}", all.join("\n"), all[0])).len(), 1);
    }
}
