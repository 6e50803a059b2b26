//! Outside dependencies: the table of `doc/dependencies.md` against the manifests.

use std::collections::BTreeSet;

use crate::manifest::{Crate, workspace_dependencies};
use crate::markdown;

const DOCUMENT: &str = "doc/dependencies.md";
const TITLE: &str = "## Table";

/// Crates that reach the operating system: only the edge of the product (architecture, §2) may use them, whatever the
/// table says.
const EDGE_ONLY: [&str; 8] =
    ["getrandom", "libc", "mio", "neli", "nix", "signal-hook", "signal-hook-mio", "socket2"];
/// The edge.
const EDGE: [&str; 9] =
    ["bench", "dhcp-daemon", "e2e", "hooks", "kea-lfc", "netio", "perfdhcp", "process", "tidy"];

/// Compares workspace and crates with the table.
#[must_use]
pub fn check(workspace: &str, crates: &[Crate], document: &str) -> Vec<String> {
    let Some(table) = markdown::table_after(document, TITLE) else {
        return vec![format!("{DOCUMENT}: there is no table below '{TITLE}'")];
    };
    let columns = ["Crate", "Version", "Used by", "Reason"].map(|name| table.column(name));
    let [Some(name_at), Some(version_at), Some(users_at), Some(reason_at)] = columns else {
        return vec![format!("{DOCUMENT}: the table has columns Crate, Version, Used by, Reason")];
    };
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    let own: BTreeSet<&str> = crates.iter().map(|one| one.name.as_str()).collect();
    let declared = workspace_dependencies(workspace);
    let outside: Vec<_> =
        declared.iter().filter(|(name, _)| !own.contains(name.as_str())).collect();
    let mut problems = Vec::new();
    for (name, version) in &outside {
        let Some(row) = table.rows.iter().find(|row| cell(row, name_at) == *name) else {
            problems.push(format!(
                "{DOCUMENT}: {name} of [workspace.dependencies] has no row; say who uses it, why, who keeps it \
                 alive and what else was considered"
            ));
            continue;
        };
        if Some(&cell(row, version_at)) != version.as_ref() {
            let expected = version.as_deref().unwrap_or("none");
            problems
                .push(format!("{DOCUMENT}: {name}: the version line of Cargo.toml is {expected}"));
        }
        if cell(row, reason_at).is_empty() {
            problems.push(format!("{DOCUMENT}: {name}: the reason is missing"));
        }
        let users = cell(row, users_at);
        let users: BTreeSet<&str> = users.split(',').map(str::trim).collect();
        problems.extend(check_users(name, &users, crates));
    }
    for row in &table.rows {
        let name = cell(row, name_at);
        if !outside.iter().any(|(other, _)| *other == name) {
            problems.push(format!("{DOCUMENT}: {name} is not in [workspace.dependencies]"));
        }
    }
    problems.extend(check_manifests(crates));
    problems
}

/// Who uses a dependency, compared with who may.
fn check_users(name: &str, users: &BTreeSet<&str>, crates: &[Crate]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut used = false;
    for one in crates {
        for entry in one.dependencies.iter().filter(|entry| entry.name == name) {
            used = true;
            let of_tests = entry.dev || one.folder.starts_with("tests/");
            let allowed = users.contains("all")
                || users.contains(one.name.as_str())
                || (of_tests && users.contains("tests"));
            if !allowed {
                let whom = if of_tests { "tests" } else { one.name.as_str() };
                problems.push(format!(
                    "{}/Cargo.toml: {} may not use {name}; if it should, add {whom} to 'Used by' in {DOCUMENT}",
                    one.folder, one.name
                ));
            }
            if !of_tests && EDGE_ONLY.contains(&name) && !EDGE.contains(&one.name.as_str()) {
                problems.push(format!(
                    "{}/Cargo.toml: {name} reaches the operating system; {} decides and must not",
                    one.folder, one.name
                ));
            }
        }
    }
    if !used {
        problems.push(format!(
            "Cargo.toml: no crate uses {name} of [workspace.dependencies]; remove it"
        ));
    }
    problems
}

/// Versions stand in the root only.
fn check_manifests(crates: &[Crate]) -> Vec<String> {
    let of = |one: &Crate| {
        let from_root = |value: &str| value.replace(' ', "").contains("workspace=true");
        let wrong = one.dependencies.iter().filter(|entry| !from_root(&entry.value));
        let text = |name: &str| {
            format!(
                "{}/Cargo.toml: {name} must be `{name}.workspace = true`, its version stands in the root",
                one.folder
            )
        };
        wrong.map(|entry| text(&entry.name)).collect::<Vec<_>>()
    };
    crates.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::manifest::{Crate, dependencies};

    const WORKSPACE: &str = "[workspace.dependencies]\ncc = { path = \"crates/cc\" }\nlog = \"0.4\"\nlibc = \"0.2\"\n\
                             insta = \"1\"\n";
    const DOCUMENT: &str = "## Table\n\n| Crate | Version | Used by | Reason |\n|---|---|---|---|\n\
        | `log` | 0.4 | all | x |\n| `libc` | 0.2 | netio | x |\n| `insta` | 1 | tests | x |\n";

    fn named(name: &str, manifest: &str) -> Crate {
        Crate {
            name: name.to_owned(),
            folder: format!("crates/{name}"),
            dependencies: dependencies(manifest),
            workspace_lints: true,
        }
    }

    fn workspace() -> Vec<Crate> {
        vec![
            named(
                "cc",
                "[dependencies]\nlog.workspace = true\n[dev-dependencies]\ninsta.workspace = true\n",
            ),
            named("netio", "[dependencies]\nlibc.workspace = true\ncc.workspace = true\n"),
        ]
    }

    #[test]
    fn complete_table_passes() {
        assert_eq!(check(WORKSPACE, &workspace(), DOCUMENT), Vec::<String>::new());
    }

    #[test]
    fn every_gap_is_reported() {
        let problems = |workspace_text: &str, crates: &[Crate], document: &str| {
            check(workspace_text, crates, document).join("\n")
        };
        let more = format!("{WORKSPACE}tempfile = \"3\"\n");
        assert!(problems(&more, &workspace(), DOCUMENT).contains("tempfile of"));
        let newer = WORKSPACE.replace("0.4", "0.5");
        assert!(
            problems(&newer, &workspace(), DOCUMENT).contains("version line of Cargo.toml is 0.5")
        );
        let fewer = WORKSPACE.replace("log = \"0.4\"\n", "");
        assert!(problems(&fewer, &workspace(), DOCUMENT).contains("log is not in"));
        let mut crates = workspace();
        crates.push(named("stats", "[dependencies]\nlibc = \"0.2\"\ninsta.workspace = true\n"));
        let found = problems(WORKSPACE, &crates, DOCUMENT);
        assert!(found.contains("stats may not use libc"), "{found}");
        assert!(found.contains("stats may not use insta"), "{found}");
        assert!(found.contains("must be `libc.workspace = true`"), "{found}");
        assert!(found.contains("stats decides and must not"), "{found}");
        assert!(problems(WORKSPACE, &workspace()[..1], DOCUMENT).contains("no crate uses libc"));
    }
}
