use super::{MemoryFiles, read, read_with};
use crate::{Diagnostics, Document, NoIncludes, Value};

#[test]
fn the_dialect_is_read_without_complaint() {
    let rows: &[(&str, &str)] = &[
        ("{}", "{  }"),
        ("[ ]", "[  ]"),
        ("{ \"a\": 1, \"b\": [ 1, 2.5, \"x\" ] }", "{ \"a\": 1, \"b\": [ 1, 2.5, \"x\" ] }"),
        ("[ true, True, FALSE, null, NULL ]", "[ true, true, false, null, null ]"),
        ("[ +1, .5, -0.5, 1e2, 007 ]", "[ 1, 0.5, -0.5, 100.0, 7 ]"),
        ("# c\n  # c\n[ 1 // c\n, /* c\n c */ 2 ] # end", "[ 1, 2 ]"),
        ("[ 1 /***/ ]", "[ 1 ]"),
        ("/**/[]//", "[  ]"),
        ("\u{feff}[ 1 ]", "[ 1 ]"),
        ("[\r\n1\r\n]\r\n", "[ 1 ]"),
        (r#"[ "\" \/ \\ \b \f \n \r \t" ]"#, r#"[ "\" / \\ \b \f \n \r \t" ]"#),
        (r#"[ "\u0041\u00e9\u0001" ]"#, "[ \"Aé\\u0001\" ]"),
        ("[ \"# // /* <?include ü\" ]", "[ \"# // /* <?include ü\" ]"),
        ("5", "5"),
        ("\"text\"", "\"text\""),
    ];
    for (source, expected) in rows {
        assert_eq!(read(source), (Some((*expected).into()), String::new()), "{source}");
    }
    let latin1_comment = b"[ 1 ] # B\xfcro \0";
    assert_eq!(read(latin1_comment), (Some("[ 1 ]".into()), String::new()));
}

#[test]
fn trailing_commas_are_accepted_with_a_warning() {
    let (json, findings) = read("{ \"a\": [ 1, 2, ],\n}");
    assert_eq!(json.as_deref(), Some("{ \"a\": [ 1, 2 ] }"));
    assert_eq!(
        findings,
        "kea.conf:1:14: warning: extra ',' before ']' (accepted, but it is not JSON)\n\
         kea.conf:1:17: warning: extra ',' before '}' (accepted, but it is not JSON)\n"
    );
}

#[test]
fn every_value_and_key_knows_its_place() {
    let mut diagnostics = Diagnostics::new();
    let source = "{\n  \"a\": [ 1,\n    \"two\" ],\n  /* c */ \"b\":\n{ }}";
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    let document = document.expect("the source is sound");
    let place = |position| document.files().place(position).to_string();
    let map = document.root.as_map().expect("a map was written");
    assert_eq!(place(document.root.position), "f:1:1");
    let a = map.entry("a").expect("written");
    assert_eq!(place(a.key_position), "f:2:3");
    assert_eq!(place(a.element.position), "f:2:8");
    let items = a.element.as_list().expect("a list was written");
    assert_eq!(place(items[0].position), "f:2:10");
    assert_eq!(place(items[1].position), "f:3:5");
    let b = map.entry("b").expect("written");
    assert_eq!(place(b.key_position), "f:4:11");
    assert_eq!(place(b.element.position), "f:5:1");
}

#[test]
fn an_include_stands_for_the_text_of_its_file() {
    let mut files = MemoryFiles::new(&[
        ("subnets.json", "# subnets\n[ 1, <?include \"more.json\"?> ]"),
        ("more.json", "\u{feff}2, 3"),
        ("keys.json", "\"x\": 1, \"y\": 2"),
        ("empty.json", " // nothing\n"),
    ]);
    let source = "{ \"subnet4\": <?include \"subnets.json\"?>,\n <?include \"keys.json\"?>\
                  <?include \"empty.json\" ?><? include \"empty.json\"?> }";
    let (json, findings) = read_with(source, &mut files);
    let expected = "{ \"subnet4\": [ 1, 2, 3 ], \"x\": 1, \"y\": 2 }";
    assert_eq!((json.as_deref(), findings.as_str()), (Some(expected), ""));
}

#[test]
fn an_error_in_an_include_names_the_included_file() {
    let mut files = MemoryFiles::new(&[("inner.json", "\n 1 2")]);
    let (_, findings) = read_with("[ <?include \"inner.json\"?> @ ]", &mut files);
    assert_eq!(
        findings,
        "kea.conf:1:28: error: unexpected character '@'\n\
         inner.json:2:4: error: expected ',' or ']', found 2\n"
    );
}

#[test]
fn includes_need_a_loader_that_allows_them() {
    let mut diagnostics = Diagnostics::new();
    let source = "[ <?include \"f\"?> ]";
    assert!(Document::parse(source, "command", &mut NoIncludes, &mut diagnostics).is_none());
    assert_eq!(
        diagnostics.render(),
        "command:1:3: error: cannot include 'f': includes are not allowed here\n"
    );
}

/// Sources with mistakes; the snapshot shows what is said about each and what is read.
const MISTAKES: &[&str] = &[
    "",
    "  # nothing\n",
    "{ \"a\": 1 \"b\": 2 }",
    "{ \"a\" 1, \"b\": 2 }",
    "{ \"a\": , \"b\": }",
    "{ a: 1, 'b': 2, 3: 4, true: 5, \"c\": 6 }",
    "{ \"a\": 1,, \"b\": 2 }",
    "{ , \"b\": 2 }",
    "{ : 2, \"b\":: 3, \"c\", \"d\" }",
    "{ { \"a\": 1 }, [ ] }",
    "[ 1,, 2 ]",
    "[ \"a\": 1, 2 ]",
    "{ \"a\": yes, \"b\": eth0, \"c\": 192.0.2.1, \"d\": 0x10 }",
    "{ \"a\": 'text', \"b\": 'open, \"c\": 1 }",
    "{ \"a\" = 1; \"b\": @# }",
    "{ \"a\": [ 1, 2 }",
    "{ \"a\": [ 1, 2 }, \"b\": 3 }",
    "{ \"a\": { \"b\": 1 ], \"c\": 2 }",
    "[ 1 }",
    "{ \"a\": [ 1, 2",
    "{ \"a\": 1",
    "{ \"a\":",
    "{ \"a\"",
    "{",
    "}",
    ":",
    "{ \"a\": 1 } }",
    "{ \"a\": 1 } { \"b\": 2 }",
    "{ \"a\": \"open,\n  \"b\": 2 }",
    "{ \"open: 1,\n  \"b\": 2 }",
    "{ \"a\": \"\\x \\u12 \\u20ac \\",
    "{ \"a\": \"\\x \\u12 \\u20ac\" }",
    "{ \"a\": \"tab\there\" }",
    "[ 9223372036854775808, 1e999, 1.2.3, --1 ]",
    "{ \"a\": 1, \"b\": { \"a\": 2 }, \"a\": 3, \"a\": 4 }",
    "/* open\n { }",
    "[ 1 / 2 ]",
    "[ <?include f?> ]",
    "[ <?include \"\"?> ]",
    "[ <?include \"gone.json\"?> ]",
    "[ ] \u{feff}",
];

#[test]
fn mistakes_are_explained() {
    let mut shown = String::new();
    for source in MISTAKES {
        let (json, findings) = read(source);
        let json = json.unwrap_or_else(|| "unusable".into());
        shown.push_str(&format!("{source:?}\n=> {json}\n{findings}\n"));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn bytes_that_are_not_text_are_reported() {
    let rows: &[(&[u8], &str)] = &[
        (b"{ \"a\": \"x\0y\" }", "kea.conf:1:10: error: NUL byte in a string\n"),
        (b"[ \0 ]", "kea.conf:1:3: error: NUL byte; the file is not text\n"),
        (b"[ \"a\xff\" ]", "kea.conf:1:5: error: invalid UTF-8 in a string\n"),
        (b"[ \"\\n\xe2\x82\" ]", "kea.conf:1:6: error: invalid UTF-8 in a string\n"),
        (b"[ \xff\xfe ]", "kea.conf:1:3: error: invalid UTF-8, beginning with byte 0xff\n"),
        (b"[ \x01 ]", "kea.conf:1:3: error: control character 0x01\n"),
        ("[ ü ]".as_bytes(), "kea.conf:1:3: error: unexpected character 'ü'\n"),
    ];
    for (source, expected) in rows {
        assert_eq!(read(source).1, *expected, "{}", String::from_utf8_lossy(source));
    }
}

#[test]
fn unreadable_values_are_marked_so_that_checking_goes_on() {
    let mut diagnostics = Diagnostics::new();
    let source = "{ \"a\": yes, \"b\": 2 }";
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    let document = document.expect("the structure is sound");
    let map = document.root.as_map().expect("a map was written");
    assert_eq!(map.get("a").map(|element| &element.value), Some(&Value::Invalid));
    assert_eq!(map.get("b").and_then(|element| element.as_int()), Some(2));
    assert_eq!(diagnostics.error_count(), 1);
}

#[test]
fn what_follows_a_secret_key_is_not_quoted() {
    let sources = [
        r#"{ "password": hush, "a": 1 }"#,
        r#"{ "password": "x" hush, "a": 1 }"#,
        r#"{ "password" "hush", "a": 1 }"#,
        r#"{ password: hush }"#,
        r#"{ "secret": [ hush ] }"#,
        r#"{ "a": { "password" = hush } }"#,
    ];
    for source in sources {
        let (_, findings) = read(source);
        assert!(findings.contains(" error: ") && !findings.contains("hush"), "{findings}");
    }
    let number = "99999999999999999999";
    let (_, findings) = read(format!("{{ \"password\": {number} }}"));
    assert_eq!(findings, "kea.conf:1:15: error: number overflow: it does not fit\n");
    let (_, findings) = read(r#"{ "password": "x", "a": hush }"#);
    assert_eq!(findings, "kea.conf:1:25: error: unknown word hush (text needs double quotes)\n");
    let (_, findings) = read(r#"[ { "password": "x" }, hush ]"#);
    assert!(findings.contains("unknown word hush"), "{findings}");
}
