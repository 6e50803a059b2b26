//! The classes of queries, stage by stage.

use cc::{Diagnostics, MapReader, Scope};
use eval::{ClassId, Field, FieldValue, PacketContext};
use kea_log::{RateLimiter, capture};
use libdhcp::{OptionSet, OptionSet6, OptionSetForm};
use proptest::prelude::*;
use util::Now;

use super::membership::Watch;
use super::{Classes, Membership, Query, special};
use crate::config::keywords::classes::POLICY;
use crate::config::testing::{parse, read_file, read_good};
use crate::{config4, config6};

/// A packet made of options, one of which may be there several times.
#[derive(Default)]
struct Options(Vec<(u16, Vec<u8>)>);

impl Options {
    fn with(mut self, code: u16, body: &[u8]) -> Self {
        self.0.push((code, body.to_vec()));
        self
    }
}

impl PacketContext for Options {
    fn option(&self, code: u16) -> Option<&[u8]> {
        self.0.iter().find(|(found, _)| *found == code).map(|(_, body)| body.as_slice())
    }

    fn each_code(&self, visit: &mut dyn FnMut(u16)) {
        self.0.iter().for_each(|(code, _)| visit(*code));
    }

    fn each_option(&self, code: u16, visit: &mut dyn FnMut(&[u8])) {
        self.0.iter().filter(|(found, _)| *found == code).for_each(|(_, body)| visit(body));
    }

    fn relay_option(&self, _: i8, _: u16) -> Option<&[u8]> {
        None
    }

    fn field(&self, _: Field) -> FieldValue<'_> {
        FieldValue::Absent
    }

    fn is_member(&self, _: ClassId) -> bool {
        panic!("the packet's own classes are not asked for")
    }
}

/// The classes of a DHCPv4 file that must not cause a word.
fn classes4(list: &str) -> Classes<OptionSet> {
    let source = format!("{{ \"Dhcp4\": {{ \"client-classes\": [ {list} ] }} }}");
    read_good(config4::read, &source).classes
}

fn classes6(list: &str) -> Classes<OptionSet6> {
    let source = format!("{{ \"Dhcp6\": {{ \"client-classes\": [ {list} ] }} }}");
    read_good(config6::read, &source).classes
}

fn class(name: &str, test: &str) -> String {
    format!("{{ \"name\": \"{name}\", \"test\": \"{test}\" }}")
}

/// A query at the beginning of time; nothing that it logs is held back but in a storm.
fn query<C>(packet: &C) -> Query<'_, C> {
    static LIMITER: RateLimiter = RateLimiter::new(1000, 1);
    Query { packet, label: &"client", explanation: None, limiter: &LIMITER, now: Now::from_secs(1) }
}

/// One query passing through the stages.
struct Passage<'a, S> {
    classes: &'a Classes<S>,
    packet: Options,
    membership: Membership,
}

impl<'a, S: OptionSetForm> Passage<'a, S> {
    fn new(classes: &'a Classes<S>, packet: Options) -> Self {
        let mut passage = Self { classes, packet, membership: Membership::new() };
        let query = self::query(&passage.packet);
        passage.membership.before_host(classes, &query);
        passage
    }

    fn after_host(&mut self, is_known: bool, names: &[&str]) {
        let ids: Vec<ClassId> = names.iter().map(|name| self.id(name)).collect();
        let query = self::query(&self.packet);
        self.membership.after_host(self.classes, &query, is_known, &ids);
    }

    fn additional(&mut self, lists: &[&[&str]]) {
        let ids = |names: &&[&str]| names.iter().map(|name| self.id(name)).collect::<Vec<_>>();
        let lists: Vec<Vec<ClassId>> = lists.iter().map(ids).collect();
        let lists: Vec<&[ClassId]> = lists.iter().map(Vec::as_slice).collect();
        let query = self::query(&self.packet);
        self.membership.additional(self.classes, &query, &lists);
    }

    fn id(&self, name: &str) -> ClassId {
        self.classes.table().find(name).unwrap()
    }

    /// The names of the classes in their order.
    fn names(&self) -> String {
        let names = self.membership.entered().iter().map(|id| self.classes.table().name(*id));
        let names: Vec<&str> = names.collect();
        for id in self.membership.entered() {
            assert!(self.membership.contains(*id));
        }
        names.join(" ")
    }
}

#[test]
fn classes_are_entered_in_the_order_of_the_file() {
    let list = [
        class("z", "option[12].exists"),
        class("not-z", "not member('z')"),
        class("a", "member('z') and option[60].exists"),
        class("chain", "member('a') or member('not-z')"),
        class("vendor", "member('VENDOR_CLASS_x%20y')"),
    ];
    let classes = classes4(&list.join(","));
    let packet = || Options::default().with(12, b"h");
    assert_eq!(Passage::new(&classes, packet()).names(), "ALL z");
    assert_eq!(Passage::new(&classes, Options::default()).names(), "ALL not-z chain");
    let passage = Passage::new(&classes, packet().with(60, b"x y\0"));
    assert_eq!(passage.names(), "ALL VENDOR_CLASS_x%20y z a chain vendor");
    let defined: Vec<&str> = classes.iter().map(|class| &*class.name).collect();
    assert_eq!(defined, ["z", "not-z", "a", "chain", "vendor"]);
}

#[test]
fn classes_that_depend_on_known_wait_for_the_reservation() {
    let list = [
        class("guest", "member('UNKNOWN') and option[12].exists"),
        class("early", "option[12].exists"),
        class("chain", "member('guest')"),
        class("host", "member('KNOWN')"),
        class("later", "not member('chain')"),
    ];
    let classes = classes4(&list.join(","));
    for name in ["guest", "chain", "host", "later"] {
        let id = classes.table().find(name).unwrap();
        assert!(classes.get(id).unwrap().depends_on_known, "{name}");
    }
    let mut passage = Passage::new(&classes, Options::default().with(12, b"h"));
    assert_eq!(passage.names(), "ALL early");
    passage.after_host(false, &[]);
    assert_eq!(passage.names(), "ALL early UNKNOWN guest chain");
    let mut passage = Passage::new(&classes, Options::default().with(12, b"h"));
    passage.after_host(true, &[]);
    assert_eq!(passage.names(), "ALL early KNOWN host later");
    // A worker goes on with the next query.
    let nothing = Options::default();
    let query = Query { label: &"other", ..query(&nothing) };
    passage.membership.before_host(&classes, &query);
    assert_eq!(passage.names(), "ALL");
}

#[test]
fn classes_of_a_reservation_change_what_tests_say() {
    let list = [
        r#"{ "name": "gold" }"#.into(),
        class("other", "not member('gold')"),
        class("tested", "option[12].exists"),
        class("host", "member('KNOWN') and member('gold')"),
    ];
    let classes = classes4(&list.join(","));
    let mut passage = Passage::new(&classes, Options::default().with(12, b"h"));
    assert_eq!(passage.names(), "ALL other tested");
    passage.after_host(true, &["gold"]);
    assert_eq!(passage.names(), "ALL gold tested KNOWN host");
    assert!(!passage.membership.contains(passage.id("other")));
    // Found again in the subnet, after the early search for global ones.
    passage.after_host(true, &["gold", "other"]);
    assert_eq!(passage.names(), "ALL gold KNOWN other tested host");
}

#[test]
fn templates_spawn_the_classes_that_are_mentioned() {
    let list = r#"
        { "name": "SPAWN_by-name_h%20x" },
        { "name": "by-name", "template-test": "option[12].hex" },
        { "name": "both", "test": "member('by-name') and member('SPAWN_by-name_h%20x')" },
        { "name": "of-spawned", "template-test":
          "ifelse(member('SPAWN_by-name_other'), 'yes', '')" },
        { "name": "known", "template-test": "ifelse(member('KNOWN'), 'k', 'u')" }"#;
    let classes = classes4(list);
    let names = |body: &[u8]| Passage::new(&classes, Options::default().with(12, body)).names();
    assert_eq!(names(b"h x"), "ALL SPAWN_by-name_h%20x by-name both");
    assert_eq!(names(b"other"), "ALL SPAWN_by-name_other by-name of-spawned");
    assert_eq!(names(b"third"), "ALL by-name");
    assert_eq!(names(b""), "ALL");
    let mut passage = Passage::new(&classes, Options::default());
    passage.after_host(true, &[]);
    assert_eq!(passage.names(), "ALL KNOWN known");
}

#[test]
fn vendor_classes_of_dhcpv6_know_cable_modems() {
    let list = ["docsis3.0", "eRouter1.0", "first", "second"];
    let list = list.map(|name| class(name, &format!("member('VENDOR_CLASS_{name}')")));
    let classes = classes6(&list.join(","));
    let option = |values: &[&str]| {
        let mut body = vec![0, 0, 0x11, 0x8b];
        for value in values {
            body.extend([0, value.len() as u8]);
            body.extend(value.as_bytes());
        }
        body
    };
    let names = |options: &[&[&str]]| {
        let packet = options
            .iter()
            .fold(Options::default(), |packet, values| packet.with(16, &option(values)));
        let names = Passage::new(&classes, packet).names();
        names.replace("VENDOR_CLASS_", "V_")
    };
    assert_eq!(names(&[&["first", "second"]]), "ALL V_first first");
    assert_eq!(names(&[&["first", "docsis3.0"]]), "ALL V_docsis3.0 docsis3.0");
    assert_eq!(names(&[&["eRouter1.0", "docsis3.0"]]), "ALL V_docsis3.0 docsis3.0");
    assert_eq!(names(&[&["second", "eRouter1.0"]]), "ALL V_eRouter1.0 eRouter1.0");
    assert_eq!(names(&[&["second"], &["first"]]), "ALL V_second V_first first second");
    assert_eq!(names(&[&[]]), "ALL");
    let damaged = Options::default().with(16, &[0, 0, 1]).with(16, &[0, 0, 0, 1, 0, 9, b'x']);
    assert_eq!(Passage::new(&classes, damaged).names(), "ALL");
}

#[test]
fn additional_classes_are_evaluated_when_they_are_asked_for() {
    let list = r#"
        { "name": "plain" },
        { "name": "late", "test": "option[12].exists", "only-in-additional-list": true },
        { "name": "after-late", "test": "member('late')", "only-in-additional-list": true },
        { "name": "false", "test": "option[60].exists", "only-in-additional-list": true },
        { "name": "spawner", "template-test": "option[12].hex", "only-in-additional-list": true },
        { "name": "never", "test": "option[12].exists", "only-in-additional-list": true },
        { "name": "SPAWN_spawner_h" }, { "name": "user", "test": "member('VENDOR_CLASS_u')" }"#;
    let classes = classes4(list);
    let mut passage = Passage::new(&classes, Options::default().with(12, b"h"));
    passage.after_host(false, &[]);
    assert_eq!(passage.names(), "ALL UNKNOWN");
    passage.additional(&[
        &["after-late", "late", "VENDOR_CLASS_u"],
        &["plain", "after-late"],
        &["false", "spawner"],
    ]);
    assert_eq!(passage.names(), "ALL UNKNOWN late plain SPAWN_spawner_h spawner");
    passage.additional(&[&["after-late"]]);
    assert!(passage.names().ends_with("after-late"));
}

#[test]
fn drop_and_reject_have_a_meaning() {
    let list = [class("DROP", "option[12].exists"), class("REJECT", "member('KNOWN')")];
    let classes = classes4(&list.join(","));
    let mut passage = Passage::new(&classes, Options::default());
    assert!(!passage.membership.is_dropped());
    passage.after_host(true, &[]);
    assert!(!passage.membership.is_dropped() && passage.membership.is_rejected());
    let passage = Passage::new(&classes, Options::default().with(12, b"h"));
    assert!(passage.membership.is_dropped() && !passage.membership.is_rejected());
    assert!(passage.membership.set().contains(special::DROP));
}

#[test]
fn special_classes_have_the_same_numbers_everywhere() {
    for (id, name) in special::NAMES {
        assert_eq!(classes4("").table().find(name), Some(id), "{name}");
        assert_eq!(classes6("").table().find(name), Some(id), "{name}");
    }
}

#[test]
fn members_get_options_and_times_of_the_first_class_that_has_them() {
    let list = r#"
        { "name": "KNOWN", "option-data": [ { "name": "domain-name", "data": "known" } ] },
        { "name": "idle", "test": "option[12].exists" },
        { "name": "times", "test": "option[12].exists",
          "valid-lifetime": 600, "min-valid-lifetime": 300, "offer-lifetime": 0 },
        { "name": "boot", "test": "option[12].exists", "next-server": "192.0.2.1",
          "server-hostname": "s", "boot-file-name": "f" },
        { "name": "private", "test": "option[12].exists",
          "option-def": [ { "name": "APC", "code": 43, "type": "string" },
                          { "name": "site", "code": 224, "type": "uint16" } ],
          "option-data": [ { "name": "APC", "data": "text" }, { "code": 224, "data": "7" } ],
          "user-context": { "a": 1 }, "comment": "c" }"#;
    let classes = classes4(list);
    let mut passage = Passage::new(&classes, Options::default().with(12, b"h"));
    passage.after_host(true, &[]);
    let given: Vec<_> = classes.of(&passage.membership).collect();
    let names: Vec<&str> = given.iter().map(|class| &*class.name).collect();
    assert_eq!(names, ["times", "boot", "private", "KNOWN"]);
    let times = given[0].valid_lifetime.unwrap();
    assert_eq!((times.min, times.usual, times.max), (300, 600, 600));
    assert_eq!(given[0].offer_lifetime, Some(0));
    let boot = given[1].boot.as_ref().unwrap();
    assert_eq!(boot.next_server, Some([192, 0, 2, 1].into()));
    assert_eq!((&*boot.server_hostname, &*boot.boot_file_name), (&b"s"[..], &b"f"[..]));
    let body = |code: u8| {
        given[2].options.get(code).unwrap().body().flatten().copied().collect::<Vec<_>>()
    };
    assert_eq!(body(224), [0, 7]);
    assert_eq!(body(43), b"text");
}

#[test]
fn classes_of_dhcpv6_have_preferred_lifetimes() {
    let list = r#"{ "name": "a", "test": "option[1].exists", "preferred-lifetime": 100,
        "max-preferred-lifetime": 200, "valid-lifetime": 400,
        "option-data": [ { "name": "dns-servers", "data": "2001:db8::1" } ] }"#;
    let classes = classes6(list);
    let passage = Passage::new(&classes, Options::default().with(1, b"duid"));
    let given: Vec<_> = classes.of(&passage.membership).collect();
    let preferred = given[0].preferred_lifetime.unwrap();
    assert_eq!((preferred.min, preferred.usual, preferred.max), (100, 100, 200));
    assert!(!given[0].options.is_empty());
}

#[test]
fn config_get_writes_classes_that_mean_the_same() {
    let source = r#"{ "Dhcp4": { "client-classes": [
        { "name": "private", "test": "option[12].exists", "only-if-required": true,
          "option-def": [ { "name": "site", "code": 224, "type": "uint16" }, { "name": "rack", "code": 225, "type": "uint16" } ],
          "option-data": [ { "code": 224, "data": "7" }, { "name": "rack", "data": "8" } ] },
        { "name": "t", "template-test": "option[12].hex", "valid-lifetime": 7 } ] } }"#;
    let (document, mut diagnostics) = parse(source);
    let config = config4::read(&document, 4, &mut diagnostics).unwrap();
    let text = config4::get(&config, &document);
    let again = read_good(config4::read, &text);
    let shown = |classes: &Classes<OptionSet>| format!("{:?}", classes.iter().collect::<Vec<_>>());
    assert_eq!(shown(&again.classes), shown(&config.classes));
    assert!(text.contains("\"only-in-additional-list\": true"), "{text}");
    assert!(!text.contains("only-if-required"), "{text}");
}

#[test]
fn hosts_know_the_numbers_of_their_classes() {
    let source = r#"{ "Dhcp4": { "client-classes": [ { "name": "gold" }, { "name": "silver" } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
        "reservations": [ { "duid": "01", "client-classes": [ "silver", "glod" ] } ] } ] } }"#;
    let (config, findings) = read_file(config4::read, source);
    let config = config.unwrap();
    assert_eq!(findings, "f:3:73: warning: class 'glod' is not defined (did you mean 'gold'?)\n");
    let host = config.hosts.iter().next().unwrap();
    let names = host.classes().iter().map(|id| config.classes.table().name(*id));
    assert_eq!(names.collect::<Vec<_>>(), ["silver", "glod"]);
    assert!(config.classes.get(host.classes()[1]).is_none());
}

#[test]
fn an_expression_without_a_result_is_logged_and_its_class_not_entered() {
    let list = [
        class("bad", "addrtotext(option[12].hex) == 'x'"),
        r#"{ "name": "spawner", "template-test": "addrtotext(option[12].hex)" }"#.into(),
        class("good", "not member('bad')"),
    ];
    let classes = classes4(&list.join(","));
    let (names, lines) = capture(|| {
        let mut passage =
            Passage::new(&classes, Options::default().with(12, b"h").with(60, b"a,b"));
        passage.after_host(true, &[]);
        passage.additional(&[&["good", "bad", "UNKNOWN"]]);
        let query = self::query(&passage.packet);
        passage.membership.log(&classes, &query, &"DISCOVER");
        passage.names()
    });
    assert_eq!(names, "ALL good KNOWN");
    let lines: Vec<String> =
        lines.iter().map(|line| format!("{} {}", line.id, line.text)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_storm_of_expressions_without_a_result_does_not_flood_the_log() {
    let list = [
        class("bad", "addrtotext(option[12].hex) == 'x'"),
        r#"{ "name": "spawner", "template-test": "addrtotext(option[12].hex)" }"#.into(),
    ];
    let classes = classes4(&list.join(","));
    let limiter = RateLimiter::new(2, 1_000_000_000);
    let packet = Options::default().with(12, b"h");
    let mut membership = Membership::new();
    let (bad, mut lines) = (ClassId(7), Vec::new());
    for second in [1, 1, 1, 1, 9] {
        let query = Query { limiter: &limiter, now: Now::from_secs(second), ..query(&packet) };
        let ((), told) = capture(|| {
            membership.before_host(&classes, &query);
            membership.additional(&classes, &query, &[&[bad]]);
        });
        lines.extend(told.into_iter().filter(|line| line.id.contains("ERROR")));
    }
    assert_eq!(classes.table().name(bad), "bad");
    let count = |id: &str| lines.iter().filter(|line| line.id == id).count();
    let ids =
        ["DHCPSRV_EVAL_ERROR", "DHCPSRV_TEMPLATE_EVAL_ERROR", "DHCP4_ADDITIONAL_CLASS_EVAL_ERROR"];
    assert_eq!(ids.map(count), [3; 3], "two, and one later");
}

/// Expressions with few values, so that many are alike and some are true.
fn expressions() -> impl Strategy<Value = String> {
    let leaves = prop::sample::select(vec![
        "option[60].hex == 'a'",
        "option[60].hex == 'b'",
        "substring(option[60].hex, 0, 1) == 'a'",
        "option[12].exists",
        "addrtotext(option[12].hex) == ''",
        "member('KNOWN')",
        "member('c0')",
        "member('c1')",
        "member('VENDOR_CLASS_a')",
    ]);
    let joined = (leaves.clone(), prop::sample::select(vec!["and", "or"]), leaves.clone())
        .prop_map(|(one, operator, other)| format!("{one} {operator} {other}"));
    let plain = leaves.clone().prop_map(str::to_owned);
    prop_oneof![2 => plain, 1 => leaves.prop_map(|test| format!("not {test}")), 2 => joined]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn classes_are_the_same_whether_somebody_looks_or_not(
        tests in prop::collection::vec(expressions(), 2..30),
        vendor in prop::option::of("[ab]{1,2}"),
        name in prop::option::of("[ab]{0,4}"),
    ) {
        let list = tests.iter().enumerate().map(|(number, test)| {
            let is_early = number < 2 && test.contains('c');
            class(&format!("c{number}"), if is_early { "option[12].exists" } else { test })
        });
        let classes = classes4(&list.collect::<Vec<_>>().join(","));
        let sent = [(60, vendor), (12, name)];
        let sent = sent.into_iter().filter_map(|(code, body)| Some((code, body?.into_bytes())));
        let packet = Options(sent.collect());
        let [some, none] = [true, false].map(|is_told| {
            let watch = Watch { is_traced: false, is_told };
            let query = self::query(&packet);
            let mut membership = Membership::new();
            membership.clear(classes.table().len());
            membership.evaluate(&classes, &query, &classes.early, watch);
            membership.enter(special::KNOWN);
            membership.evaluate(&classes, &query, &classes.late, watch);
            membership.entered().to_vec()
        });
        prop_assert_eq!(some, none);
    }
}

/// Reads what a scope says about classes, with two classes defined.
fn policy(members: &str) -> (Option<super::ClassPolicy>, String) {
    static SCOPE: Scope = Scope::new("subnet4", &POLICY);
    let mut names = super::ClassReader::new();
    let (gold, silver) = (names.define("gold", false), names.define("silver", false));
    assert_eq!((gold, silver), (Some(ClassId(7)), Some(ClassId(8))));
    let (document, mut diagnostics) = parse(&format!("{{ {members} }}"));
    let reader = MapReader::new(&document.root, &SCOPE, &mut diagnostics).unwrap();
    let policy = names.read_policy(&reader, &mut diagnostics);
    (policy.map(|policy| *policy), findings(&diagnostics))
}

fn findings(diagnostics: &Diagnostics) -> String {
    diagnostics.render()
}

#[test]
fn scopes_say_whom_they_serve_in_old_and_new_spellings() {
    let (gold, silver) = (ClassId(7), ClassId(8));
    let new =
        r#""client-classes": [ "silver", "gold" ], "evaluate-additional-classes": [ "gold" ]"#;
    let (read, said) = policy(new);
    let read = read.unwrap();
    assert_eq!(read.audience.classes(), [silver, gold]);
    assert_eq!((&*read.additional, said.as_str()), (&[gold][..], ""));
    let (old, said) = policy(r#""client-class": "silver", "require-client-classes": [ "gold" ]"#);
    let old = old.unwrap();
    assert_eq!((old.audience.classes(), &*old.additional), (&[silver][..], &[gold][..]));
    assert_eq!(
        said,
        "f:1:3: warning: 'client-class' is an old spelling (write 'client-classes')\n\
         f:1:29: warning: 'require-client-classes' is an old spelling \
         (write 'evaluate-additional-classes')\n"
    );
    for nothing in ["", r#""client-classes": [], "evaluate-additional-classes": []"#] {
        assert_eq!(policy(nothing), (None, String::new()));
    }
    assert_eq!(policy(r#""client-class": """#).0, None);
}

#[test]
fn mistakes_of_scopes_are_named() {
    let mut said = String::new();
    for members in [
        r#""client-class": "gold", "client-classes": [ "gold" ]"#,
        r#""require-client-classes": [ "gold" ], "evaluate-additional-classes": [ "gold" ]"#,
        r#""client-classes": [ "glod", "gold", "gold", "", "KNOWN", "VENDOR_CLASS_x", "SPAWN_a_b" ]"#,
        r#""client-classes": [ "completely-different" ], "evaluate-additional-classes": [ "KNWON" ]"#,
        r#""client-classes": "gold", "evaluate-additional-classes": [ 1 ]"#,
    ] {
        said.push_str(&format!("{members}\n{}\n", policy(members).1));
    }
    insta::assert_snapshot!(said);
}
