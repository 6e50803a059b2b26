use crate::{
    DefaultValue, Diagnostics, Document, Element, Keyword, Kind, Map, MapReader, NoIncludes, Scope,
    Value, write_json, write_json_pretty,
};

static SUBNET: Scope = Scope::new(
    "subnet4",
    &[
        Keyword::new("subnet", Kind::Str, "Prefix of the subnet.").required(),
        Keyword::new("id", Kind::Int { min: 1, max: 4_294_967_294 }, "Number.").required(),
        Keyword::new("valid-lifetime", Kind::UINT32, "Lease time in seconds.")
            .default(DefaultValue::Int(7200)),
        Keyword::new("t1-percent", Kind::FRACTION, "T1.").default(DefaultValue::Real(0.5)),
        Keyword::new("match-client-id", Kind::Bool, "Use it.").default(DefaultValue::Bool(true)),
        Keyword::new("allocator", Kind::OneOf(&["iterative", "random", "flq"]), "How | what.")
            .default(DefaultValue::Str("iterative")),
        Keyword::new("port", Kind::UINT16, "Port."),
        Keyword::new("hops", Kind::UINT8, "Hops."),
        Keyword::new("replace", Kind::StrOrBool, "Mode."),
        Keyword::new("pools", Kind::MapList, "Pools.").default(DefaultValue::EmptyList),
        Keyword::new("names", Kind::StrList, "Names.").default(DefaultValue::StrList(&["a", "b"])),
        Keyword::new("any-list", Kind::List, "List."),
        Keyword::new("relay", Kind::Map, "Relay.").default(DefaultValue::EmptyMap),
        Keyword::new("anything", Kind::Any, "Anything."),
        Keyword::new("client-class", Kind::Str, "Class."),
        Keyword::new("reservations", Kind::List, "Hosts.").not_yet("host reservations"),
        Keyword::new("version", Kind::Str, "Version.").ignored("the file has no version"),
        Keyword::new("match-id", Kind::Bool, "Old.").renamed_to("match-client-id"),
        crate::USER_CONTEXT,
        crate::COMMENT,
    ],
);

static LOGGER: Scope =
    Scope::new("loggers", &[Keyword::new("name", Kind::Str, "Name.").required()]).open();

/// Reads a map and returns what the reader says and what `look` sees.
fn check<T>(source: &str, look: impl FnOnce(&MapReader<'_>) -> T) -> (Option<T>, String) {
    check_in(&SUBNET, source, look)
}

fn check_in<T>(
    scope: &'static Scope,
    source: &str,
    look: impl FnOnce(&MapReader<'_>) -> T,
) -> (Option<T>, String) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    let document = document.expect("the structure is sound");
    let reader = MapReader::new(&document.root, scope, &mut diagnostics);
    (reader.map(|reader| look(&reader)), diagnostics.render())
}

#[test]
fn values_come_out_with_their_types() {
    let source = r#"{ "subnet": "192.0.2.0/24", "id": 7, "t1-percent": 1, "match-client-id": false,
        "port": 67, "hops": 255, "replace": true, "pools": [ {} ], "relay": { "x": 1 },
        "anything": null, "reservations": [], "user-context": { "a": 1 }, "comment": "c" }"#;
    let (seen, findings) = check(source, |reader| {
        assert_eq!(reader.str("subnet"), Some("192.0.2.0/24"));
        assert_eq!(reader.u32("id"), Some(7));
        assert_eq!(reader.int("id"), Some(7));
        assert_eq!(reader.u16("port"), Some(67));
        assert_eq!(reader.u8("hops"), Some(255));
        assert_eq!(reader.real("t1-percent"), Some(1.0));
        assert_eq!(reader.bool("match-client-id"), Some(false));
        assert_eq!((reader.bool("replace"), reader.str("replace")), (Some(true), None));
        assert_eq!(reader.list("pools").map(<[Element]>::len), Some(1));
        assert_eq!(reader.map("relay").map(Map::len), Some(1));
        assert_eq!(reader.element("anything").map(|any| &any.value), Some(&Value::Null));
        assert_eq!(reader.element("names"), None);
        assert!(reader.items("names").is_empty());
        assert_eq!(reader.u32_or_default("valid-lifetime"), Some(7200));
        assert_eq!(reader.str_or_default("allocator"), Some("iterative"));
        assert_eq!(reader.bool_or_default("match-client-id"), Some(false));
        assert_eq!(reader.real_or_default("t1-percent"), Some(1.0));
        assert!(reader.is_written("reservations") && !reader.is_written("names"));
        assert_eq!(reader.position_of("id").column, 35);
        assert_eq!(reader.key_position_of("id").column, 29);
        assert_eq!(reader.position_of("names"), reader.position());
    });
    assert_eq!((seen, findings.as_str()), (Some(()), ""));
}

#[test]
fn every_mistake_of_a_map_is_reported_at_its_place() {
    let source = r#"{
  "subnt": "192.0.2.0/24",
  "id": 0,
  "valid-lifetime": -1,
  "Comment": "x",
  "zzz": 1,
  "t1-percent": 1.5,
  "match-client-id": "yes",
  "allocator": "randon",
  "port": 65536,
  "hops": 1.5,
  "replace": 3,
  "pools": [ {}, 1, "x" ],
  "names": [ "a", null ],
  "any-list": {},
  "relay": "192.0.2.1",
  "reservations": [ { } ],
  "version": "1",
  "client-class": [ "a" ],
  "user-context": "text"
}"#;
    let (_, findings) = check(source, |reader| {
        assert_eq!(reader.u32("id"), None);
        assert_eq!(reader.list("pools"), None);
        assert!(reader.is_written("id"));
    });
    insta::assert_snapshot!(findings);
}

#[test]
fn old_spellings_load_with_a_warning() {
    let (seen, findings) = check(r#"{ "subnet": "", "id": 1, "match-id": false }"#, |reader| {
        (reader.bool("match-client-id"), reader.bool("match-id"))
    });
    assert_eq!(seen, Some((Some(false), Some(false))));
    assert_eq!(
        findings,
        "f:1:26: warning: 'match-id' is an old spelling (write 'match-client-id')\n"
    );
    let both = r#"{ "subnet": "", "id": 1, "match-id": false, "match-client-id": true }"#;
    let (seen, findings) = check(both, |reader| reader.bool("match-client-id"));
    assert_eq!(seen, Some(Some(true)));
    assert!(findings.contains(
        "f:1:26: error: 'match-id' is the old spelling of 'match-client-id' \
         (both are given, keep the new one)\n"
    ));
}

#[test]
fn an_old_spelling_for_one_becomes_a_list() {
    static SCOPE: Scope = Scope::new(
        "subnet4",
        &[
            Keyword::new("names", Kind::StrList, "Names.").default(DefaultValue::EmptyList),
            Keyword::new("name", Kind::Str, "Old.").renamed_to("names"),
        ],
    );
    let names = |source: &str| {
        let filled = |reader: &MapReader<'_>| {
            let element = SCOPE.with_defaults(reader.raw()).into();
            write_json(&element)
        };
        check_in(&SCOPE, source, filled).0.expect("it is a map")
    };
    assert_eq!(names(r#"{ "name": "a" }"#), r#"{ "names": [ "a" ] }"#);
    assert_eq!(names(r#"{ "name": "" }"#), r#"{ "names": [  ] }"#);
    assert_eq!(names("{}"), r#"{ "names": [  ] }"#);
    assert_eq!(names(r#"{ "names": [ "b" ] }"#), r#"{ "names": [ "b" ] }"#);
}

#[test]
fn not_yet_supported_keywords_load_while_empty() {
    for empty in ["[]", "{}", "\"\"", "false", "null", "False"] {
        let source = format!("{{ \"subnet\": \"\", \"id\": 1, \"reservations\": {empty} }}");
        assert_eq!(check(&source, |_| ()).1, "", "{empty}");
    }
    for filled in ["[ 1 ]", "{ \"a\": 1 }", "\"x\"", "true", "0"] {
        let source = format!("{{ \"subnet\": \"\", \"id\": 1, \"reservations\": {filled} }}");
        assert_eq!(
            check(&source, |_| ()).1,
            "f:1:26: error: 'reservations' is not supported yet: host reservations\n",
            "{filled}"
        );
    }
}

#[test]
fn open_scopes_accept_anything() {
    let source = r#"{ "name": "kea", "whatever": 1 }"#;
    let (seen, findings) = check_in(&LOGGER, source, |reader| reader.str("name") == Some("kea"));
    assert_eq!((seen, findings.as_str()), (Some(true), ""));
}

#[test]
fn only_maps_can_be_read_as_maps() {
    let (seen, findings) = check("[ 1 ]", |_| ());
    assert_eq!(
        (seen, findings.as_str()),
        (None, "f:1:1: error: 'subnet4' must be a map, found a list\n")
    );
}

#[test]
fn unreadable_values_are_reported_once() {
    let source = r#"{ "subnet": yes, "id": 1e999, "names": [ no ] }"#;
    let (_, findings) = check(source, |reader| reader.str("subnet").is_none());
    assert_eq!(findings.lines().count(), 3, "{findings}");
}

#[test]
fn defaults_are_filled_in() {
    let map = Map::new()
        .with("extra", 1)
        .with("match-id", false)
        .with("id", 7)
        .with("reservations", Vec::<Element>::new());
    let filled = SUBNET.with_defaults(&map);
    assert_eq!(
        write_json(&filled.into()),
        "{ \"id\": 7, \"valid-lifetime\": 7200, \"t1-percent\": 0.5, \"match-client-id\": false, \
         \"allocator\": \"iterative\", \"pools\": [  ], \"names\": [ \"a\", \"b\" ], \
         \"relay\": {  }, \"extra\": 1 }"
    );
}

#[test]
fn the_table_is_the_manual() {
    insta::assert_snapshot!(SUBNET.document());
}

#[test]
fn trees_are_written_over_lines() {
    let inner = Map::new().with("b", vec![Element::from(1), Element::from("x\u{1}")]);
    let map = Map::new().with("a", inner).with("e", Map::new()).with("l", Vec::<Value>::new());
    assert_eq!(
        write_json_pretty(&map.into()),
        "{\n    \"a\": {\n        \"b\": [\n            1,\n            \"x\\u0001\"\n        ]\n    \
         },\n    \"e\": {},\n    \"l\": []\n}\n"
    );
}

#[test]
fn large_maps_find_and_replace_like_small_ones() {
    let mut map = Map::new();
    for number in 0..100_u32 {
        map.set(&format!("k{}", number * 37 % 100), number);
    }
    for number in 0..100_u32 {
        let key = format!("k{}", number * 37 % 100);
        assert_eq!(map.get(&key).and_then(Element::as_int), Some(number.into()));
    }
    map.set("k50", "new");
    assert_eq!((map.len(), map.get("k50").and_then(Element::as_str)), (100, Some("new")));
    assert_eq!(map.get("k100"), None);
    if let Some(element) = map.get_mut("k51") {
        *element = true.into();
    }
    assert_eq!(map.get("k51").and_then(Element::as_bool), Some(true));
}

#[test]
fn elements_are_small() {
    assert_eq!(size_of::<Element>(), 40);
}

#[test]
fn a_secret_is_a_string_that_no_message_quotes() {
    static TABLE: Scope =
        Scope::new("access", &[Keyword::new("password", Kind::Secret, "The password.")]);
    let look = |value: &str| {
        let source = format!("{{ \"password\": {value} }}");
        check_in(&TABLE, &source, |reader| reader.str("password").map(str::to_owned))
    };
    assert_eq!(look("\"hush\""), (Some(Some("hush".into())), String::new()));
    let (text, findings) = look("7361");
    assert_eq!(text, Some(None));
    assert_eq!(findings, "f:1:15: error: 'password' must be a string, found an integer\n");
    assert!(TABLE.document().contains("| `password` | string |"));
}
