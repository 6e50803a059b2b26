//! Message ids: unique over all crates, in upper case.
//!
//! Reads the tables (`messages! { ID = (Severity, "text"); ... }`) from the sources, so that it needs no crate and
//! sees them all.

use std::collections::BTreeMap;

use crate::text::{code_only, is_test_path, product_part};
use crate::tree::TextFile;

const MARK: &str = "messages! {";

/// Ids of the tables in one source file.
#[must_use]
pub fn ids(source: &str) -> Vec<String> {
    let code = code_only(product_part(source));
    let mut ids = Vec::new();
    for (at, _) in code.match_indices(MARK) {
        let begins_statement = code.get(..at).is_some_and(|before| {
            let line = before.rsplit('\n').next().unwrap_or_default().trim();
            line.is_empty() || line == "crate::" || line == "kea_log::" || line == "$crate::"
        });
        let body = code.get(at + MARK.len()..).unwrap_or_default();
        let body = body.split_once('}').map_or(body, |(body, _)| body);
        if begins_statement {
            let heads = body.split(';').filter_map(|row| row.split_once('='));
            ids.extend(heads.map(|(id, _)| id.trim().to_owned()));
        }
    }
    ids
}

/// Reports ids that occur twice or are oddly written.
#[must_use]
pub fn check(files: &[TextFile]) -> Vec<String> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    let product =
        files.iter().filter(|file| file.path.ends_with(".rs") && !is_test_path(&file.path));
    for file in product {
        for id in ids(&file.text) {
            let fine = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            if !id.chars().all(fine) || !id.contains('_') {
                problems.push(format!(
                    "{}: message id '{id}' is not like DHCP4_LEASE_ALLOC",
                    file.path
                ));
            }
            if let Some(other) = seen.insert(id.clone(), &file.path) {
                problems
                    .push(format!("{}: message id {id} is also declared in {other}", file.path));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{check, ids};
    use crate::tree::TextFile;

    const TABLE: &str = "//! kea_log::messages! { NOT_THIS = (Info, \"\"); }\n\
        kea_log::messages! {\n    /// An address; given out = good.\n    DHCP4_LEASE_ALLOC = (Info, \"{}: a = {} for {}; x\");\n\
        DHCP4_PACKET_RECEIVED = (Debug 40, \"{} // {}\");\n}\n\
        #[cfg(test)]\nmod tests {\n messages! { TEST_ONLY = (Info, \"\"); }\n}\n";

    #[test]
    fn ids_are_read_from_tables_of_the_product() {
        assert_eq!(ids(TABLE), ["DHCP4_LEASE_ALLOC", "DHCP4_PACKET_RECEIVED"]);
    }

    #[test]
    fn duplicates_and_odd_ids_are_reported() {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let one = file("crates/a/src/messages.rs", TABLE);
        assert_eq!(check(std::slice::from_ref(&one)), Vec::<String>::new());
        let odd =
            file("crates/b/src/messages.rs", "kea_log::messages! {\n lower = (Info, \"\");\n}\n");
        let twice = file("crates/c/src/messages.rs", TABLE);
        assert_eq!(check(&[one, odd, twice]).len(), 3);
    }
}
