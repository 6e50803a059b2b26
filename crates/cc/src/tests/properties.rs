use proptest::prelude::*;

use super::{MemoryFiles, read, read_with};
use crate::{
    Diagnostics, Document, Element, Map, NoIncludes, Value, write_json, write_json_pretty,
};

fn parse(source: &str) -> Element {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics}");
    document.expect("nothing was wrong").root
}

fn trees() -> impl Strategy<Value = Element> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        proptest::num::f64::NORMAL.prop_map(Value::Real),
        any::<String>().prop_map(Value::from),
    ];
    let tree = scalar.prop_recursive(5, 100, 20, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from);
        let entries = prop::collection::vec((any::<String>(), inner), 0..20);
        let map = entries.prop_map(|entries| {
            let mut map = Map::new();
            entries.into_iter().for_each(|(key, value)| map.set(&key, value));
            Value::from(map)
        });
        prop_oneof![items, map]
    });
    tree.prop_map(Element::from)
}

/// Pieces of the dialect, so that random texts reach deep into the parser.
fn fragments() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "1",
        "-2.5",
        "true",
        "nil",
        "'q'",
        "\"x",
        "\n",
        " ",
        "#c\n",
        "/*",
        "*/",
        "//",
        "<?include \"f\"?>",
        "<?",
        "\\",
        "\"\\u20ac\"",
        "\u{feff}",
        "é",
    ];
    let piece = prop::sample::select(pieces.to_vec());
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(tree in trees()) {
        prop_assert_eq!(&parse(&write_json(&tree)), &tree);
        prop_assert_eq!(&parse(&write_json_pretty(&tree)), &tree);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(bytes);
    }

    #[test]
    fn a_tree_or_an_error_comes_out_of_any_text(text in fragments()) {
        let mut files = MemoryFiles::new(&[("f", "1, <?include \"f\"?>"), ("g", "2")]);
        let (json, findings) = read_with(&text, &mut files);
        prop_assert!(json.is_some() || findings.contains(": error: "), "{}", text);
        if let (Some(json), "") = (json, findings.as_str()) {
            prop_assert_eq!(write_json(&parse(&json)), json);
        }
    }
}
