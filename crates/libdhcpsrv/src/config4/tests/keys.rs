//! Every row of every table, and the manual that is written from them.

use cc::{Keyword, Kind, Scope, Status};

use super::{read_file, read_members};
use crate::config4::keywords::{RESTRICTIONS, SCOPES, manual};

/// Values of strings and lists that have a form.
const VALUES: [(&str, &str); 21] = [
    ("adaptive-lease-time-threshold", "1.0"),
    ("cache-threshold", "0"),
    ("code", "222"),
    ("data", "\"7\""),
    ("ddns-replace-client-name", "\"never\""),
    ("encapsulate", "\"inner\""),
    ("hostname-char-set", "\"\""),
    ("interfaces", "[ \"eth0\" ]"),
    ("host-reservation-identifiers", "[ \"duid\" ]"),
    ("ip-address", "\"192.0.2.1\""),
    ("ip-addresses", "[ \"192.0.2.1\" ]"),
    ("max-valid-lifetime", "9000"),
    ("next-server", "\"192.0.2.1\""),
    ("pool", "\"10.0.0.1 - 10.0.0.2\""),
    ("record-types", "\"\""),
    ("severity", "\"INFO\""),
    ("space", "\"dhcp4\""),
    ("subnet", "\"10.0.0.0/8\""),
    ("t1-percent", "0.4"),
    ("t2-percent", "0.8"),
    ("type", "\"memfile\""),
];

/// A value that a keyword accepts.
fn value(scope: &Scope, keyword: &Keyword) -> String {
    if (scope.name, keyword.name) == ("option-def", "type") {
        return "\"uint8\"".into();
    }
    if let Some((_, value)) = VALUES.iter().find(|(name, _)| *name == keyword.name) {
        return (*value).into();
    }
    match keyword.kind {
        Kind::Bool => "false".into(),
        Kind::Int { min, .. } => min.to_string(),
        Kind::List | Kind::MapList | Kind::StrList => "[]".into(),
        Kind::Map if keyword.name == "lease-database" => "{ \"type\": \"memfile\" }".into(),
        Kind::Map => "{}".into(),
        Kind::OneOf(names) => format!("\"{}\"", names[0]),
        Kind::Real { min, .. } => min.to_string(),
        Kind::Any | Kind::Str | Kind::StrOrBool => "\"x\"".into(),
    }
}

/// A file with one map of a scope: its required keywords and `members`.
fn file(path: &str, scope: &Scope, keyword: &Keyword, member: &str) -> String {
    let mut members: Vec<String> = Vec::new();
    let required = scope.keywords.iter().filter(|row| row.is_required && row.name != keyword.name);
    members.extend(required.map(|row| format!("\"{}\": {}", row.name, value(scope, row))));
    match (scope.name, keyword.name) {
        ("option-data", "name") => members.push("\"data\": \"7\"".into()),
        ("option-data", "code") => members.push("\"data\": \"07\"".into()),
        ("option-data", _) => members.push("\"code\": 222".into()),
        ("subnet4", "id") => {}
        ("subnet4", _) => members.push("\"id\": 1".into()),
        _ => {}
    }
    members.push(member.into());
    let mut text = format!("{{ {} }}", members.join(", "));
    let path = match path.split('/').next() {
        Some("Dhcp4" | "Logging") => path.to_owned(),
        _ => format!("Dhcp4/{path}"),
    };
    let mut below_subnet = false;
    for part in path.rsplit('/') {
        let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        if part == "subnet4[]" && below_subnet {
            let inner = text.trim_start_matches('{').trim_end_matches('}');
            text = format!("{{ \"id\": 1, \"subnet\": \"10.0.0.0/8\", {inner} }}");
        }
        if part == "loggers[]" && below_subnet {
            let inner = text.trim_start_matches('{').trim_end_matches('}');
            text = format!("{{ \"name\": \"kea-dhcp4\", {inner} }}");
        }
        text = if is_list { format!("[ {text} ]") } else { text };
        text = format!("{{ \"{name}\": {text} }}");
        below_subnet = true;
    }
    if path.starts_with("Logging") {
        text = text
            .strip_suffix('}')
            .map_or_else(String::new, |text| format!("{text}, \"Dhcp4\": {{}} }}"));
    }
    text
}

#[test]
fn every_keyword_is_accepted_with_a_minimal_value() {
    for (path, scope) in SCOPES {
        for keyword in scope.keywords {
            let name = keyword.name;
            let mut value = value(scope, keyword);
            if (scope.name, name) == ("option-data", "name") {
                value = "\"boot-size\"".into();
            }
            let blank = if let Status::NotYet { .. } = keyword.status { "[]" } else { &value };
            let source = file(path, scope, keyword, &format!("\"{name}\": {blank}"));
            let (_, findings) = read_file(&source);
            let complaint = findings.lines().find(|line| line.contains(" error: "));
            assert_eq!(complaint, None, "{source}");
            match keyword.status {
                Status::Ignored { .. } => assert!(findings.contains("has no effect"), "{source}"),
                Status::NotYet { .. } | Status::Supported => {
                    let is_new = scope.name != "Logging" && scope.name != "subnet4";
                    assert!(!is_new || findings.is_empty(), "{source}: {findings}");
                }
                Status::Renamed { .. } => {}
            }
        }
    }
}

#[test]
fn what_is_not_supported_yet_is_refused_when_filled() {
    for (path, scope) in SCOPES {
        let later = |row: &&Keyword| matches!(row.status, Status::NotYet { .. });
        for keyword in scope.keywords.iter().filter(later) {
            let source = file(path, scope, keyword, &format!("\"{}\": [ 1 ]", keyword.name));
            let expected = format!("error: '{}' is not supported yet", keyword.name);
            assert!(read_file(&source).1.contains(&expected), "{source}");
        }
    }
    let others = ["0.5", "\"random\"", "0.5", "\"always\"", "7", "true", "\"[x]\"", "9"];
    for (restriction, other) in RESTRICTIONS.iter().zip(others) {
        let keyword = restriction.keyword;
        let member = format!("\"{keyword}\": {other}");
        let member = match keyword {
            "enable-updates" => format!("\"dhcp-ddns\": {{ {member} }}"),
            _ => member,
        };
        let (_, findings) = read_members(&member);
        assert!(findings.contains("is not supported yet"), "{member}: {findings}");
    }
}

#[test]
fn tables_have_no_row_twice_and_restrictions_name_rows() {
    for (_, scope) in SCOPES {
        for (number, keyword) in scope.keywords.iter().enumerate() {
            let before = &scope.keywords[..number];
            assert!(before.iter().all(|row| row.name != keyword.name), "{}", keyword.name);
        }
    }
    for row in RESTRICTIONS {
        let mut scopes = SCOPES.iter();
        assert!(scopes.any(|(_, scope)| scope.keyword(row.keyword).is_some()), "{}", row.keyword);
    }
}

#[test]
fn the_manual_is_current() {
    let written = include_str!("../../../../../doc/configuration.md");
    assert!(
        manual() == written,
        "write it anew: cargo run -p libdhcpsrv --example configuration_manual"
    );
}
