//! What the tests of both servers' configurations share: reading text, damaging it, and trying every
//! row of every table.

use cc::{Diagnostics, Document, Element, Keyword, Kind, Map, NoIncludes, Scope, Status, Value};

use super::Server;
use super::keywords::RESTRICTIONS;
use super::keywords::databases::MEMFILE;
use crate::hosts::IdentifierKind;

/// A reader of a whole file.
pub(crate) type Read<C> = fn(&Document, usize, &mut Diagnostics) -> Option<C>;

/// Reads a whole file; returns the configuration and the findings.
pub(crate) fn read_file<C>(read: Read<C>, source: &str) -> (Option<C>, String) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    let config = document.and_then(|document| read(&document, 4, &mut diagnostics));
    (config, diagnostics.render())
}

/// Reads a file that must not cause a word.
pub(crate) fn read_good<C>(read: Read<C>, source: &str) -> C {
    let (config, findings) = read_file(read, source);
    assert_eq!(findings, "", "{source}");
    config.expect("no findings")
}

/// Parses text that is JSON.
pub(crate) fn parse(source: &str) -> (Document, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    (document.expect("JSON"), diagnostics)
}

/// Values in place of others: wrong types, edges, text that almost has a form.
pub(crate) fn strange() -> Vec<Value> {
    let texts = [
        "",
        "/",
        "-",
        "*",
        "a/b",
        "0.0.0.0/0",
        "255.255.255.255/32",
        "0.0.0.0 - 255.255.255.255",
        "10.0.0.1/99999999999",
        "999.0.0.1",
        "::1",
        ",,,",
        "'",
        "0x",
        "record",
        "empty",
        "dhcp4",
        "vendor-4294967296",
        "vendor-4491",
        "\u{1F600}",
        "syslog:",
        "::/0",
        ":: - ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "ffff::/128",
        "dhcp6",
        "99999999999999999999",
    ];
    let numbers = [i64::MIN, -1, 0, 1, 3, 54, 128, 255, 256, 65_536, 4_294_967_295, i64::MAX];
    let mut all: Vec<Value> = texts.into_iter().map(Value::from).collect();
    all.extend(numbers.map(Value::from));
    all.extend([Value::Null, Value::Invalid, true.into(), false.into(), 0.5.into()]);
    all.extend([f64::MAX.into(), Map::new().into(), Value::List(Vec::new())]);
    all.push(Value::List(vec![Map::new().into(), "x".into()]));
    all.push("x".repeat(5000).into());
    all
}

/// Replaces the n-th value of the tree; counts down.
pub(crate) fn replace(element: &mut Element, n: &mut usize, by: &Value) {
    if *n == 0 {
        element.value = by.clone();
    }
    *n = n.wrapping_sub(1);
    match &mut element.value {
        Value::List(items) => items.iter_mut().for_each(|item| replace(item, n, by)),
        Value::Map(map) => {
            let keys: Vec<Box<str>> = map.entries().iter().map(|entry| entry.key.clone()).collect();
            for key in keys {
                if let Some(element) = map.get_mut(&key) {
                    replace(element, n, by);
                }
            }
        }
        _ => {}
    }
}

/// A file with strange values in some places.
pub(crate) fn with_strange_values(source: &str, changes: &[(usize, usize)]) -> Document {
    let (mut document, _) = parse(source);
    let strange = strange();
    for &(n, which) in changes {
        replace(&mut document.root, &mut { n }, &strange[which % strange.len()]);
    }
    document
}

/// The bytes of a file with some of them changed, removed or added.
pub(crate) fn with_damage(source: &str, changes: &[(u16, u8, u8)]) -> Vec<u8> {
    let mut bytes = source.as_bytes().to_vec();
    for &(place, byte, kind) in changes {
        let place = usize::from(place) % bytes.len();
        match kind {
            0 => bytes[place] = byte,
            1 => {
                bytes.remove(place);
            }
            _ => bytes.insert(place, b"\"{}[],:0-/. "[usize::from(byte) % 12]),
        }
    }
    bytes
}

/// Reads a file of any kind and writes it again: either there is a configuration or an error.
pub(crate) fn read_and_get<C>(
    read: Read<C>,
    get: fn(&C, &Document) -> String,
    document: &Document,
) {
    let mut diagnostics = Diagnostics::new();
    if let Some(config) = read(document, 1, &mut diagnostics) {
        assert!(!diagnostics.has_errors());
        assert!(!get(&config, document).is_empty());
    } else {
        assert!(diagnostics.has_errors() || has_unreadable(&document.root));
    }
    assert_eq!(diagnostics.render().is_empty(), diagnostics.is_empty());
}

/// Reads a file whose every `@` becomes a user context and a comment, and writes it again: all of them must be there.
pub(crate) fn comments_come_back<C>(
    read: Read<C>,
    get_tree: fn(&C, &Document) -> Element,
    source: &str,
) {
    let mut pieces = source.split('@');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    let mut written = Vec::new();
    for (number, piece) in pieces.enumerate() {
        let (context, comment) = (format!("{{\"n\":{number}}}"), format!("{number}"));
        text += &format!(r#""user-context": {context}, "comment": "{comment}"{piece}"#);
        written.push((context, comment));
    }
    let (document, mut diagnostics) = parse(&text);
    let config = read(&document, 1, &mut diagnostics);
    let config = config.unwrap_or_else(|| panic!("{}", diagnostics.render()));
    let mut returned = Vec::new();
    collect_comments(&get_tree(&config, &document), &mut returned);
    let missing: Vec<_> = written.iter().filter(|pair| !returned.contains(pair)).collect();
    assert!(missing.is_empty() && returned.len() == written.len(), "{missing:?} of {text}");
}

fn collect_comments(element: &Element, found: &mut Vec<(String, String)>) {
    if let Some(map) = element.as_map()
        && let (Some(context), Some(comment)) = (map.get("user-context"), map.get("comment"))
    {
        let context = cc::write_json(context).replace(' ', "");
        found.push((context, comment.as_str().unwrap_or_default().to_owned()));
    }
    match &element.value {
        Value::List(items) => items.iter().for_each(|item| collect_comments(item, found)),
        Value::Map(map) => {
            map.entries().iter().for_each(|entry| collect_comments(&entry.element, found));
        }
        _ => {}
    }
}

/// Says whether there is an unreadable value, which is reported by the parser and not here.
fn has_unreadable(element: &Element) -> bool {
    match &element.value {
        Value::Invalid => true,
        Value::List(items) => items.iter().any(has_unreadable),
        Value::Map(map) => map.entries().iter().any(|entry| has_unreadable(&entry.element)),
        _ => false,
    }
}

/// Files with one key each, for every row of a server's tables.
pub(crate) struct Rows {
    pub(crate) server: &'static Server,
    /// A subnet that holds the pool and the prefix of `values`.
    pub(crate) subnet: &'static str,
    /// Values of strings and lists that have a form.
    pub(crate) values: &'static [(&'static str, &'static str)],
    /// An option that takes the value 7, for `option-data`.
    pub(crate) option: &'static str,
    /// Reads a file and returns the findings.
    pub(crate) findings: fn(&str) -> String,
}

impl Rows {
    /// Tries every row with a value that asks for little.
    pub(crate) fn every_keyword_is_accepted_with_a_minimal_value(&self) {
        for (path, scope) in self.server.scopes {
            for keyword in scope.keywords {
                self.is_accepted(path, scope, keyword);
            }
        }
    }

    fn is_accepted(&self, path: &str, scope: &Scope, keyword: &Keyword) {
        let name = keyword.name;
        let mut value = self.value(scope, keyword);
        if (scope.name, name) == ("option-data", "name") {
            value = format!("\"{}\"", self.option);
        }
        let blank = if let Status::NotYet { .. } = keyword.status { "[]" } else { &value };
        let source = self.file(path, scope, keyword, &format!("\"{name}\": {blank}"));
        let findings = (self.findings)(&source);
        let complaint = findings.lines().find(|line| line.contains(" error: "));
        assert_eq!(complaint, None, "{source}");
        match keyword.status {
            Status::Ignored { .. } => assert!(findings.contains("has no effect"), "{source}"),
            Status::NotYet { .. } | Status::Supported => {
                let is_new = !matches!(scope.name, "Logging" | "dhcp-ddns")
                    && scope.name != self.server.subnet.name
                    && name != "reservation-mode";
                assert!(!is_new || findings.is_empty(), "{source}: {findings}");
            }
            Status::Renamed { .. } => {}
        }
    }

    /// Tries every row that is not supported yet with something in it, and every restriction with a
    /// value that is not accepted.
    pub(crate) fn what_is_not_supported_yet_is_refused_when_filled(&self) {
        for (path, scope) in self.server.scopes {
            let later = |row: &&Keyword| matches!(row.status, Status::NotYet { .. });
            for keyword in scope.keywords.iter().filter(later) {
                let member = format!("\"{}\": [ 1 ]", keyword.name);
                let source = self.file(path, scope, keyword, &member);
                let expected = format!("error: '{}' is not supported yet", keyword.name);
                assert!((self.findings)(&source).contains(&expected), "{source}");
            }
        }
        let others = ["7", "true"];
        assert_eq!(others.len(), RESTRICTIONS.len());
        for (restriction, other) in RESTRICTIONS.iter().zip(others) {
            let keyword = restriction.keyword;
            let mut scopes = self.server.scopes.iter();
            let has = |scope: &Scope| scope.keyword(keyword).is_some();
            let Some((path, scope)) = scopes.find(|(_, scope)| has(scope)) else { continue };
            let row = scope.keyword(keyword).expect("it was found");
            let source = self.file(path, scope, row, &format!("\"{keyword}\": {other}"));
            let findings = (self.findings)(&source);
            assert!(findings.contains("is not supported yet"), "{source}: {findings}");
        }
    }

    /// Looks for rows that stand twice in a table.
    pub(crate) fn tables_have_no_row_twice(&self) {
        for (_, scope) in self.server.scopes {
            for (number, keyword) in scope.keywords.iter().enumerate() {
                let before = &scope.keywords[..number];
                assert!(before.iter().all(|row| row.name != keyword.name), "{}", keyword.name);
            }
        }
    }

    /// A value that a keyword accepts.
    fn value(&self, scope: &Scope, keyword: &Keyword) -> String {
        match (scope.name, keyword.name) {
            ("option-def", "type") => return "\"uint8\"".into(),
            ("lease-database", "type") => return "\"memfile\"".into(),
            ("hosts-database", "type") => return "\"mysql\"".into(),
            (_, "connect-timeout") => return "1".into(),
            _ => {}
        }
        if let Some((_, value)) = self.values.iter().find(|(name, _)| *name == keyword.name) {
            return (*value).into();
        }
        match keyword.kind {
            Kind::Bool => "false".into(),
            Kind::Int { min, .. } => min.to_string(),
            Kind::List | Kind::MapList | Kind::StrList => "[]".into(),
            Kind::Map if keyword.name == "lease-database" => "{ \"type\": \"memfile\" }".into(),
            Kind::Map if keyword.name == "hosts-database" => {
                "{ \"type\": \"mysql\", \"name\": \"x\" }".into()
            }
            Kind::Map if keyword.name == "server-id" => "{ \"type\": \"LL\" }".into(),
            Kind::Map => "{}".into(),
            Kind::OneOf(names) => format!("\"{}\"", names[0]),
            Kind::Real { min, .. } => min.to_string(),
            Kind::Any | Kind::Secret | Kind::Str | Kind::StrOrBool => "\"x\"".into(),
        }
    }

    /// A file with one map of a scope: its required keywords and a member.
    fn file(&self, path: &str, scope: &Scope, keyword: &Keyword, member: &str) -> String {
        let mut members: Vec<String> = Vec::new();
        let is_sql = is_of_sql(scope, keyword);
        let required = scope
            .keywords
            .iter()
            .filter(|row| row.is_required && row.name != keyword.name && !is_sql);
        members.extend(required.map(|row| format!("\"{}\": {}", row.name, self.value(scope, row))));
        members.extend(is_sql.then(|| sql_members(keyword)));
        match (scope.name, keyword.name) {
            ("option-data", "name") => members.push("\"data\": \"7\"".into()),
            ("option-data", "code") => members.push("\"data\": \"07\"".into()),
            ("option-data", _) => members.push("\"code\": 222".into()),
            (_, "id") => {}
            (name, _) if name == self.server.subnet.name => members.push("\"id\": 1".into()),
            ("reservations", name) => {
                let is_identifier = IdentifierKind::from_name(name).is_some();
                members.extend((!is_identifier).then(|| "\"duid\": \"01\"".into()));
                members.extend((name != "hostname").then(|| "\"hostname\": \"h\"".into()));
                if name == "excluded-prefixes" {
                    members.push("\"prefixes\": [ \"2001:db8:1::/64\" ]".into());
                }
            }
            ("pd-pools", "excluded-prefix") => members.push("\"excluded-prefix-len\": 72".into()),
            _ => {}
        }
        members.push(member.into());
        self.within(path, format!("{{ {} }}", members.join(", ")))
    }

    /// A map with the maps and lists around it.
    fn within(&self, path: &str, map: String) -> String {
        let path = match path.split('/').next() {
            Some(first) if first == self.server.entry || first == "Logging" => path.to_owned(),
            _ => format!("{}/{path}", self.server.entry),
        };
        let mut text = map;
        let mut is_below = false;
        for part in path.rsplit('/') {
            let (name, is_list) =
                part.strip_suffix("[]").map_or((part, false), |name| (name, true));
            let required = match name {
                _ if !is_below => None,
                "loggers" => Some(format!("\"name\": \"{}\"", self.server.program)),
                _ if name == self.server.subnet.name => {
                    Some(format!("\"id\": 1, \"subnet\": \"{}\"", self.subnet))
                }
                _ => None,
            };
            if let Some(required) = required {
                let inner = text.trim_start_matches('{').trim_end_matches('}');
                text = format!("{{ {required}, {inner} }}");
            }
            text = if is_list { format!("[ {text} ]") } else { text };
            text = format!("{{ \"{name}\": {text} }}");
            is_below = true;
        }
        if path.starts_with("Logging") {
            let rest = text.strip_suffix('}').unwrap_or_default();
            text = format!("{rest}, \"{}\": {{}} }}", self.server.entry);
        }
        text
    }
}

/// Whether a row means something for databases that are spoken to in SQL.
fn is_of_sql(scope: &Scope, keyword: &Keyword) -> bool {
    let is_memfile = MEMFILE.iter().any(|row| row.name == keyword.name);
    match scope.name {
        "lease-database" => !is_memfile && keyword.name != "type",
        name => name == "hosts-database",
    }
}

/// What a database must have so that a row means something.
fn sql_members(keyword: &Keyword) -> String {
    let own = match keyword.name {
        "cert-file" => ", \"key-file\": \"x\"",
        "key-file" => ", \"cert-file\": \"x\"",
        "cipher-list" => ", \"trust-anchor\": \"x\"",
        _ => "",
    };
    match keyword.name {
        "name" => "\"type\": \"mysql\"".into(),
        "type" => "\"name\": \"x\"".into(),
        _ => format!("\"type\": \"mysql\", \"name\": \"x\"{own}"),
    }
}
