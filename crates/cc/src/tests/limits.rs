use super::{MemoryFiles, read, read_with};
use crate::{Diagnostics, Document, Limits, NoIncludes};

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn read_within(limits: Limits, source: &str) -> String {
    let mut diagnostics = Diagnostics::new();
    Document::parse_within(limits, source.as_bytes(), "f", &mut NoIncludes, &mut diagnostics);
    diagnostics.render()
}

#[test]
fn nesting_has_a_limit() {
    assert_eq!(read(nested(100)).1, "");
    let expected = "kea.conf:1:101: error: nested deeper than 100 lists and maps\n";
    assert_eq!(read(nested(101)), (None, expected.into()));
    assert_eq!(read(nested(100_000)), (None, expected.into()));
    assert_eq!(read("[".repeat(10_000_000)), (None, expected.into()));
    let maps = "{\"a\":".repeat(100_000);
    assert_eq!(read(maps).1, "kea.conf:1:501: error: nested deeper than 100 lists and maps\n");
}

#[test]
fn size_has_a_limit() {
    let limits = Limits { source_bytes_max: 10, ..Limits::default() };
    assert_eq!(read_within(limits, "[1,2,3,44]"), "");
    assert_eq!(
        read_within(limits, "[1,2,3,444]"),
        "f:1:1: error: the configuration has 11 bytes, more than the 10 that are read\n"
    );
    let (json, findings) = read(vec![b' '; 100_000_000]);
    assert_eq!(json, None);
    assert_eq!(
        findings,
        "kea.conf:1:1: error: the configuration has 100000000 bytes, more than the 67108864 \
         that are read\n"
    );
}

#[test]
fn the_number_of_elements_has_a_limit() {
    let limits = Limits { elements_max: 3, ..Limits::default() };
    assert_eq!(read_within(limits, "[1,2]"), "");
    assert_eq!(read_within(limits, "{\"a\":2}"), "");
    assert_eq!(read_within(limits, "[1,2,3,4]"), "f:1:9: error: more than 3 values and keys\n");
}

#[test]
fn a_file_that_includes_itself_is_reported() {
    let mut files = MemoryFiles::new(&[
        ("a.json", "<?include \"b.json\"?>"),
        ("b.json", "\n  <?include \"a.json\"?>"),
    ]);
    let (json, findings) = read_with("[ <?include \"a.json\"?> ]", &mut files);
    assert_eq!(json, None);
    assert_eq!(findings, "b.json:2:3: error: the file 'a.json' includes itself\n");
    let (_, findings) = read_with("<?include \"kea.conf\"?>", &mut files);
    assert_eq!(findings, "kea.conf:1:1: error: the file 'kea.conf' includes itself\n");
}

#[test]
fn includes_have_limits_of_depth_and_number() {
    let chain = |count: usize| -> MemoryFiles {
        let text = |number| match number {
            last if last == count => "1".into(),
            number => format!("<?include \"{}\"?>", number + 1),
        };
        let files = (1..=count).map(|number| (number.to_string(), text(number).into_bytes()));
        MemoryFiles { files: files.collect(), loads: 0 }
    };
    let source = "[ <?include \"1\"?> ]";
    assert_eq!(read_with(source, &mut chain(10)), (Some("[ 1 ]".into()), String::new()));
    assert_eq!(
        read_with(source, &mut chain(11)).1,
        "10:1:1: error: includes nested deeper than 10 files, at '11'\n"
    );
    let mut empty = MemoryFiles::new(&[("e", "")]);
    let many = format!("[ {} ]", "<?include \"e\"?>".repeat(1000));
    assert_eq!(read_with(many, &mut empty).1, "");
    let too_many = format!("[ {} ]", "<?include \"e\"?>".repeat(1001));
    assert_eq!(
        read_with(too_many, &mut empty).1,
        "kea.conf:1:15003: error: more than 1000 includes\n"
    );
}

#[test]
fn includes_that_multiply_stay_within_the_number_of_includes() {
    let files: Vec<(String, String)> = (0..9)
        .map(|number| (number.to_string(), format!("<?include \"{}\"?>", number + 1).repeat(20)))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let mut files = MemoryFiles::new(&files);
    files.files.insert("9".into(), b" ".to_vec());
    let (json, findings) = read_with("<?include \"0\"?>", &mut files);
    assert_eq!(json, None);
    assert!(findings.ends_with("error: more than 1000 includes\n"), "{findings}");
    assert_eq!(files.loads, 1000);
}

#[test]
fn included_bytes_count_for_the_size() {
    let mut files = MemoryFiles::new(&[("big", &" ".repeat(1 << 20))]);
    let (json, findings) =
        read_with("[ ".to_owned() + &"<?include \"big\"?>".repeat(64), &mut files);
    assert_eq!(json, None);
    assert!(findings.contains("more than the 67108864 that are read"), "{findings}");
    assert_eq!(files.loads, 64);
}

#[test]
fn many_errors_are_kept_up_to_a_thousand_and_then_counted() {
    let mut diagnostics = Diagnostics::new();
    let errors = |count: usize| format!("[ {} ]", "x, ".repeat(count));
    Document::parse(errors(999), "f", &mut NoIncludes, &mut diagnostics);
    assert_eq!(diagnostics.error_count(), 999);
    assert_eq!(diagnostics.render().lines().count(), 999 + 1, "a line each and a warning");

    let (json, findings) = read(errors(1_000_000));
    assert_eq!(json, None);
    assert_eq!(findings.lines().count(), 1001);
    assert!(findings.ends_with("1 more errors are not shown\n"));
    let (_, findings) = read(vec![0xff; 10_000_000]);
    assert_eq!(findings, "kea.conf:1:1: error: invalid UTF-8, beginning with byte 0xff\n");
}

#[test]
fn errors_after_the_kept_ones_are_counted() {
    let mut diagnostics = Diagnostics::new();
    let file = diagnostics.files_mut().add("f");
    for line in 1..=1100 {
        diagnostics.error(crate::Position { file, line, column: 1 }, "wrong");
    }
    assert!(diagnostics.is_full());
    assert_eq!(diagnostics.error_count(), 1100);
    let text = diagnostics.render();
    assert_eq!(text.lines().count(), 1001);
    assert!(text.ends_with("100 more errors are not shown\n"));
    let first = diagnostics.first_error().map(|first| diagnostics.line(first));
    assert_eq!(first.as_deref(), Some("f:1:1: error: wrong"));
}

#[test]
fn a_map_with_very_many_keys_is_not_slow() {
    let entries: Vec<String> = (0..200_000).map(|number| format!("\"k{number}\":0")).collect();
    let source = format!("{{{},\"k7\":1}}", entries.join(","));
    let (_, findings) = read(source);
    assert!(
        findings.ends_with("error: key 'k7' is repeated, first at kea.conf:1:51\n"),
        "{findings}"
    );
}

#[test]
fn long_input_is_cut_in_messages() {
    let (_, findings) = read(format!("{{ \"a\": {} }}", "x".repeat(1_000_000)));
    assert!(findings.len() < 200, "{findings}");
    let key = "k".repeat(1_000_000);
    let (_, findings) = read(format!("{{ \"{key}\": 1, \"{key}\" 1 }}"));
    assert!(findings.len() < 500, "{findings}");
}
