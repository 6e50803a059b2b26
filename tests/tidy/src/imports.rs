//! Who may import whom: the table of `doc/architecture.md` against manifests and paths in the code.

use std::collections::BTreeSet;

use crate::manifest::Crate;
use crate::markdown;
use crate::text::{code_only, is_test_path, product_part};
use crate::tree::TextFile;

const TITLE: &str = "### Who may import whom";
const DOCUMENT: &str = "doc/architecture.md";

/// What a crate, or one half of it, may import.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name of the crate.
    pub name: String,
    /// `lib` or `main` when the halves have rows of their own.
    pub half: Option<String>,
    /// Crates it may import.
    pub allowed: BTreeSet<String>,
}

/// Reads the table.
///
/// # Errors
/// A text that says what is missing.
pub fn rules(architecture: &str) -> Result<Vec<Rule>, String> {
    let missing = || format!("{DOCUMENT}: there is no table below '{TITLE}'");
    let table = markdown::table_after(architecture, TITLE).ok_or_else(missing)?;
    let rule = |row: &Vec<String>| {
        let first = row.first()?;
        let (name, half) = match first.split_once(" (") {
            Some((name, half)) => (name, Some(half.trim_end_matches(')').to_owned())),
            None => (first.as_str(), None),
        };
        let columns = table.heading.iter().zip(row).skip(1);
        let allowed = columns.filter(|(_, cell)| *cell == "x").map(|(name, _)| name.clone());
        Some(Rule { name: name.to_owned(), half, allowed: allowed.collect() })
    };
    Ok(table.rows.iter().filter_map(rule).collect())
}

/// Compares the dependencies of every product crate with its row.
#[must_use]
pub fn check_manifests(crates: &[Crate], rules: &[Rule]) -> Vec<String> {
    let names: BTreeSet<&str> = crates.iter().map(|one| one.name.as_str()).collect();
    let mut problems = Vec::new();
    for one in crates.iter().filter(|one| !one.folder.starts_with("tests/")) {
        let rows: Vec<&Rule> = rules.iter().filter(|rule| rule.name == one.name).collect();
        let imports = one.product_dependencies().filter(|name| names.contains(name));
        for import in imports {
            if !rows.iter().any(|rule| rule.allowed.contains(import)) {
                problems.push(format!(
                    "{}/Cargo.toml: {} must not import {import} (table in {DOCUMENT}); move the code to a \
                     crate that may, or change the table with its reason",
                    one.folder, one.name
                ));
            }
        }
    }
    problems
}

/// Compares the paths in the library of a server with its row, which is narrower than its manifest.
#[must_use]
pub fn check_libraries(crates: &[Crate], rules: &[Rule], files: &[TextFile]) -> Vec<String> {
    let mut problems = Vec::new();
    let libraries = rules.iter().filter(|rule| rule.half.as_deref() == Some("lib"));
    for rule in libraries {
        let Some(own) = crates.iter().find(|one| one.name == rule.name) else { continue };
        let whole = rules.iter().filter(|other| other.name == rule.name);
        let refused: BTreeSet<&String> = whole
            .flat_map(|other| &other.allowed)
            .filter(|name| !rule.allowed.contains(*name))
            .collect();
        let sources = format!("{}/src/", own.folder);
        let of_main = main_modules(&sources, files);
        for file in files {
            let Some(path) = file.path.strip_prefix(&sources) else { continue };
            let module = path.split(['/', '.']).next().unwrap_or_default();
            let in_main = module == "bin" || of_main.contains(module);
            if in_main || is_test_path(&file.path) || !path.ends_with(".rs") {
                continue;
            }
            let code = code_only(product_part(&file.text));
            for name in refused.iter().filter(|name| **name != &rule.name) {
                if names_crate(&code, &name.replace('-', "_")) {
                    problems.push(format!(
                        "{}: the library of {} must not use {name}; only its main may ({DOCUMENT})",
                        file.path, rule.name
                    ));
                }
            }
        }
    }
    problems
}

/// The modules that `main.rs` declares and `lib.rs` does not, and `main` itself.
fn main_modules(sources: &str, files: &[TextFile]) -> BTreeSet<String> {
    let declared = |name: &str| {
        let path = format!("{sources}{name}");
        let file = files.iter().find(|file| file.path == path);
        let code = file.map_or(String::new(), |file| code_only(&file.text));
        let name = |line: &str| {
            let declaration = line.trim().strip_suffix(';')?;
            let (visibility, name) = declaration.rsplit_once("mod ")?;
            (visibility.is_empty() || visibility.starts_with("pub")).then(|| name.to_owned())
        };
        code.lines().filter_map(name).collect::<BTreeSet<String>>()
    };
    let library = declared("lib.rs");
    let mut modules = declared("main.rs");
    modules.retain(|name| !library.contains(name));
    modules.insert("main".to_owned());
    modules
}

/// True when a path in `code` begins with the crate `name`.
fn names_crate(code: &str, name: &str) -> bool {
    let begins = |at: usize| {
        let before = code.get(..at).and_then(|text| text.trim_end().chars().next_back());
        let glued = code.get(..at).and_then(|text| text.chars().next_back());
        !glued.is_some_and(|c| c.is_alphanumeric() || c == '_') && before != Some(':')
    };
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| begins(at))
        || [format!("use {name};"), format!("use {name} as ")]
            .iter()
            .any(|form| code.contains(form))
}

/// Compares the list of crates in the architecture with the workspace.
#[must_use]
pub fn check_crate_list(crates: &[Crate], architecture: &str) -> Vec<String> {
    let Some(table) = markdown::table_after(architecture, "## 2. Workspace") else {
        return vec![format!("{DOCUMENT}: there is no table of crates below '## 2. Workspace'")];
    };
    let listed: BTreeSet<&str> = table
        .rows
        .iter()
        .filter_map(|row| row.first())
        .map(|name| name.strip_prefix("bins/").unwrap_or(name))
        .collect();
    let product = crates.iter().filter(|one| !one.folder.starts_with("tests/"));
    let present: BTreeSet<&str> = product.map(|one| one.name.as_str()).collect();
    let unlisted = present.difference(&listed).map(|name| {
        format!(
            "{DOCUMENT}: {name} is missing in the table of crates; say what it is responsible for"
        )
    });
    let absent = listed.difference(&present);
    let absent =
        absent.map(|name| format!("{DOCUMENT}: there is no crate {name} in the workspace"));
    unlisted.chain(absent).collect()
}

#[cfg(test)]
mod tests {
    use super::{check_crate_list, check_libraries, check_manifests, names_crate, rules};
    use crate::manifest::{Crate, Dependency};
    use crate::tree::TextFile;

    const DOCUMENT: &str = "## 2. Workspace\n\n| Crate | R |\n|---|---|\n| `util` | - |\n| `netio` | - |\n\
        | `bins/srv` | - |\n\n### Who may import whom\n\n| | util | netio |\n|---|---|---|\n| netio | x | |\n\
        | srv (lib) | x | |\n| srv (main) | x | x |\n";

    fn named(name: &str, folder: &str, imports: &[&str]) -> Crate {
        let dependency = |name: &&str| Dependency {
            name: (*name).to_owned(),
            value: ".workspace = true".to_owned(),
            dev: false,
        };
        Crate {
            name: name.to_owned(),
            folder: folder.to_owned(),
            dependencies: imports.iter().map(dependency).collect(),
            workspace_lints: true,
        }
    }

    fn workspace() -> Vec<Crate> {
        vec![
            named("util", "crates/util", &[]),
            named("netio", "crates/netio", &["util", "libc"]),
            named("srv", "bins/srv", &["util", "netio"]),
            named("e2e", "tests/e2e", &["netio"]),
        ]
    }

    #[test]
    fn manifests_are_held_to_the_table() {
        let rules = rules(DOCUMENT).expect("a table");
        assert_eq!(check_manifests(&workspace(), &rules), Vec::<String>::new());
        let mut wrong = workspace();
        wrong[0] = named("util", "crates/util", &["netio"]);
        let problems = check_manifests(&wrong, &rules);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("util must not import netio"), "{problems:?}");
    }

    #[test]
    fn library_of_a_server_is_narrower_than_its_main() {
        let rules = rules(DOCUMENT).expect("a table");
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let files = [
            file("bins/srv/src/main.rs", "mod daemon;\nmod query;\nuse netio::Socket;"),
            file("bins/srv/src/daemon/start.rs", "use netio::Socket;"),
            file("bins/srv/src/lib.rs", "//! See netio::Socket.\npub mod query;\nuse util::Now;"),
            file("bins/srv/src/tests.rs", "use netio::Socket;"),
        ];
        assert_eq!(check_libraries(&workspace(), &rules, &files), Vec::<String>::new());
        let wrong = file("bins/srv/src/query.rs", "fn a() { netio::send(); }");
        let wrong = [files.as_slice(), &[wrong]].concat();
        assert_eq!(check_libraries(&workspace(), &rules, &wrong).len(), 1);
    }

    #[test]
    fn paths_are_told_from_parts_of_paths() {
        assert!(names_crate("use process::PidFile;", "process"));
        assert!(names_crate("let a = process::run();", "process"));
        assert!(!names_crate("use std::process::Command;", "process"));
        assert!(!names_crate("self::subprocess::run()", "process"));
    }

    #[test]
    fn list_of_crates_is_complete() {
        assert_eq!(check_crate_list(&workspace(), DOCUMENT), Vec::<String>::new());
        let mut more = workspace();
        more.push(named("cc", "crates/cc", &[]));
        more.remove(0);
        assert_eq!(check_crate_list(&more, DOCUMENT).len(), 2);
    }
}
