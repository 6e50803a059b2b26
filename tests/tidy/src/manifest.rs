//! The little of Cargo's manifests that the rules need: names, versions and dependencies.
//!
//! Read line by line. Manifests of this repository have one dependency on a line.

use crate::tree::TextFile;

/// A dependency as it stands in a manifest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// What stands behind the name: `.workspace = true`, ` = "1.0"`, ...
    pub value: String,
    /// True below `dev-dependencies`.
    pub dev: bool,
}

/// A crate of the workspace.
#[derive(Clone, Debug)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its folder below the root.
    pub folder: String,
    /// Its dependencies.
    pub dependencies: Vec<Dependency>,
    /// True when the workspace's lints are in force.
    pub workspace_lints: bool,
}

impl Crate {
    /// Names of the dependencies of the product: not those of tests.
    pub fn product_dependencies(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().filter(|entry| !entry.dev).map(|entry| entry.name.as_str())
    }
}

/// The crates of the workspace.
#[must_use]
pub fn crates(files: &[TextFile]) -> Vec<Crate> {
    let manifest = |file: &TextFile| {
        let folder = file.path.strip_suffix("/Cargo.toml")?.to_owned();
        Some(parse(&file.text, folder))
    };
    files.iter().filter_map(manifest).collect()
}

fn parse(text: &str, folder: String) -> Crate {
    let mut name = String::new();
    let mut workspace_lints = false;
    for (section, line) in lines(text) {
        match (section, line.split_once('=')) {
            ("package", Some((key, value))) if key.trim() == "name" => {
                name = value.trim().trim_matches('"').to_owned();
            }
            ("lints", _) if line.replace(' ', "") == "workspace=true" => workspace_lints = true,
            _ => {}
        }
    }
    Crate { name, folder, dependencies: dependencies(text), workspace_lints }
}

/// The dependencies of a manifest, those of tests and of single platforms included.
#[must_use]
pub fn dependencies(text: &str) -> Vec<Dependency> {
    let entry = |(section, line): (&str, &str)| {
        let (kind, of_section) = match section.rsplit_once("dependencies") {
            Some((before, after)) => (before, after.strip_prefix('.')),
            None => return None,
        };
        if kind.starts_with("workspace") {
            return None;
        }
        let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
        let (name, value) = line.split_at(end);
        let name = of_section.unwrap_or(name).trim_matches('"');
        let dev = kind.ends_with("dev-");
        Some(Dependency { name: name.to_owned(), value: value.to_owned(), dev })
    };
    lines(text).filter_map(entry).collect()
}

/// The outside dependencies of the workspace with their version lines; crates of the workspace have none.
#[must_use]
pub fn workspace_dependencies(text: &str) -> Vec<(String, Option<String>)> {
    let entry = |(section, line): (&str, &str)| {
        let (name, value) = line.split_once('=')?;
        let version = match value.split_once("version") {
            Some((_, after)) => after,
            None if value.contains("path") => "",
            None => value,
        };
        let version = version.split('"').nth(1).map(str::to_owned);
        (section == "workspace.dependencies").then(|| (name.trim().to_owned(), version))
    };
    lines(text).filter_map(entry).collect()
}

/// Lines that say something, each with its section.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut section = "";
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').filter(|_| line.ends_with(']')) {
            section = header.trim_matches(['[', ']']);
            return None;
        }
        (!line.is_empty() && !line.starts_with('#')).then_some((section, line))
    })
}

#[cfg(test)]
mod tests {
    use super::{Dependency, dependencies, parse, workspace_dependencies};

    const MANIFEST: &str = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n[dependencies]\n# no\n\
        util.workspace = true\nlog = \"0.4\"\n[target.'cfg(unix)'.dependencies]\nlibc.workspace = true\n\
        [dev-dependencies]\ninsta = { workspace = true }\n[[bench]]\nname = \"b\"\n";

    #[test]
    fn dependencies_are_read_from_every_section() {
        let names: Vec<(String, bool)> =
            dependencies(MANIFEST).into_iter().map(|entry| (entry.name, entry.dev)).collect();
        let expected = [("util", false), ("log", false), ("libc", false), ("insta", true)];
        assert_eq!(names, expected.map(|(name, dev)| (name.to_owned(), dev)));
        let read = parse(MANIFEST, "crates/a".to_owned());
        assert_eq!((read.name.as_str(), read.workspace_lints), ("a", true));
        assert_eq!(read.product_dependencies().count(), 3);
        let log = Dependency { name: "log".into(), value: " = \"0.4\"".into(), dev: false };
        assert_eq!(read.dependencies[1], log);
    }

    #[test]
    fn versions_are_read_from_both_forms() {
        let text = "[workspace.dependencies]\nutil = { path = \"u\" }\nlog = \"0.4\"\n\
                    clap = { version = \"4.6\", features = [\"std\"] }\n[profile.dev]\ndebug = 1\n";
        let read = workspace_dependencies(text);
        let entry =
            |name: &str, version: Option<&str>| (name.to_owned(), version.map(str::to_owned));
        let expected = [entry("util", None), entry("log", Some("0.4")), entry("clap", Some("4.6"))];
        assert_eq!(read, expected);
    }
}
