//! The rules, applied to this repository. Each failure lists every violation with its file and what to do.

use std::sync::LazyLock;

use tidy::manifest::{self, Crate};
use tidy::tree::{self, TextFile};
use tidy::{dependencies, features, imports, layout, messages, sources, words};

static FILES: LazyLock<Vec<TextFile>> = LazyLock::new(|| tree::text_files(&tree::root()));
static CRATES: LazyLock<Vec<Crate>> = LazyLock::new(|| manifest::crates(&FILES));

fn text(path: &str) -> &'static str {
    FILES.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str())
}

#[track_caller]
fn expect_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n  {}\n", problems.len(), problems.join("\n  "));
}

#[test]
fn crates_import_only_what_the_architecture_allows() {
    let rules = imports::rules(text("doc/architecture.md")).expect("the table of imports is there");
    let mut problems = imports::check_manifests(&CRATES, &rules);
    problems.extend(imports::check_libraries(&CRATES, &rules, &FILES));
    problems.extend(imports::check_crate_list(&CRATES, text("doc/architecture.md")));
    expect_none(&problems);
}

#[test]
fn outside_dependencies_are_justified() {
    expect_none(&dependencies::check(text("Cargo.toml"), &CRATES, text("doc/dependencies.md")));
}

#[test]
fn features_are_listed_with_tests_that_exist() {
    expect_none(&features::check(text("doc/features.md"), &CRATES, &FILES));
}

#[test]
fn examples_are_listed_in_their_index() {
    let index = text("doc/examples/README.md");
    let examples = FILES.iter().filter_map(|file| file.path.strip_prefix("doc/examples/"));
    let examples: Vec<_> = examples.filter(|path| *path != "README.md").collect();
    assert!(!examples.is_empty());
    let missing = examples.iter().filter(|path| !index.contains(&format!("]({path})")));
    let problems: Vec<_> = missing.map(|path| format!("{path}: add it to the index")).collect();
    expect_none(&problems);
}

#[test]
fn sources_have_headers_and_bearable_lengths() {
    let mut problems = sources::check_headers(&FILES);
    problems.extend(sources::check_lengths(&FILES));
    expect_none(&problems);
}

#[test]
fn unsafe_code_stays_in_its_place() {
    let mut problems = sources::check_unsafe(&FILES);
    problems.extend(sources::check_lints(&CRATES));
    expect_none(&problems);
}

#[test]
fn no_forbidden_words() {
    expect_none(&words::check(&FILES));
}

#[test]
fn message_ids_are_unique() {
    expect_none(&messages::check(&FILES));
}

#[test]
fn repository_is_complete() {
    let mut problems = layout::check_present(&FILES);
    problems.extend(layout::check_executable(&tree::root(), &FILES));
    expect_none(&problems);
}
