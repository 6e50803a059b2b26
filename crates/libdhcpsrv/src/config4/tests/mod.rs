//! Tests of the whole way from text to configuration.

mod bad;
mod good;
mod keys;
mod robust;

use cc::{Diagnostics, Document, NoIncludes};

use super::{Config4, read};

/// Reads the members of `Dhcp4`; returns the configuration and the findings.
fn read_members(members: &str) -> (Option<Config4>, String) {
    read_file(&format!("{{ \"Dhcp4\": {{ {members} }} }}"))
}

/// Reads a whole file.
fn read_file(source: &str) -> (Option<Config4>, String) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    let config = document.and_then(|document| read(&document, 4, &mut diagnostics));
    (config, diagnostics.render())
}

/// Reads members that must not cause a word.
fn good(members: &str) -> Config4 {
    let (config, findings) = read_members(members);
    assert_eq!(findings, "", "{members}");
    config.expect("no findings")
}

/// Parses text that is JSON.
fn parse(source: &str) -> (Document, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    (document.expect("JSON"), diagnostics)
}
