//! Databases of leases and hosts; what is wrong with them is in `bad`.

use cc::{Diagnostics, Document, Element, Map, NoIncludes, Value};
use proptest::prelude::*;

use super::{good, read_members};
use crate::config::testing::{parse, strange};
use crate::config::{HostCacheLimits, OnFail, Reconnect, Secret, SqlAccess, SqlDatabase, SqlKind};
use crate::config4::{get, read};
use crate::config6;

/// A database as little as possible is said of.
fn usual(kind: SqlKind, name: &str) -> SqlDatabase {
    SqlDatabase { access: SqlAccess::new(kind, name), reconnect: Reconnect::default() }
}

const FULL: &str = r#""type": "mysql", "name": "kea", "host": "db.example", "port": 3307, "user": "u",
    "password": "hush-hush", "connect-timeout": 7, "read-timeout": 8, "write-timeout": 9, "max-reconnect-tries": 3,
    "reconnect-wait-time": 250, "on-fail": "serve-retry-continue", "retry-on-startup": true, "trust-anchor": "/ca",
    "cert-file": "/c", "key-file": "/k", "cipher-list": "AES""#;

fn full() -> SqlDatabase {
    let access = SqlAccess {
        host: "db.example".into(),
        port: 3307,
        user: "u".into(),
        password: Secret::new("hush-hush"),
        connect_timeout_s: 7,
        read_timeout_s: 8,
        write_timeout_s: 9,
        trust_anchor: "/ca".into(),
        cert_file: "/c".into(),
        key_file: "/k".into(),
        cipher_list: "AES".into(),
        ..SqlAccess::new(SqlKind::Mysql, "kea")
    };
    let on_fail = OnFail::ServeRetryContinue;
    let reconnect = Reconnect { tries_max: 3, wait_ms: 250, on_fail, on_startup: true };
    SqlDatabase { access, reconnect }
}

#[test]
fn a_database_keeps_leases_as_it_is_described() {
    let config = good(&format!("\"lease-database\": {{ {FULL} }}"));
    assert_eq!(config.lease_database.sql, Some(full()));
    let config =
        good(r#""lease-database": { "type": "postgresql", "name": "x", "tcp-user-timeout": 4 }"#);
    let mut expected = usual(SqlKind::Postgresql, "x");
    expected.access.tcp_user_timeout_s = 4;
    assert_eq!(config.lease_database.sql, Some(expected));
    assert_eq!(config.lease_database.name, None);
    assert_eq!(good("").lease_database.sql, None);
}

#[test]
fn what_kea_1_1_wrote_and_what_is_empty_has_the_usual_meaning() {
    let members = r#""lease-database": { "type": "mysql", "name": "kea", "host": "", "user": "kea",
        "password": "", "trust-anchor": "", "cert-file": "", "cipher-list": "", "read-timeout": 0,
        "tcp-user-timeout": 0 },
        "hosts-database": { "type": "postgresql", "name": "h", "host": "", "readonly": false,
        "write-timeout": 0 }"#;
    let config = good(members);
    let mut expected = usual(SqlKind::Mysql, "kea");
    expected.access.user = "kea".into();
    assert_eq!(config.lease_database.sql, Some(expected));
    assert_eq!(config.hosts_databases, [usual(SqlKind::Postgresql, "h")]);
}

#[test]
fn databases_of_hosts_are_asked_in_order_the_single_one_first() {
    let members = format!(
        r#""hosts-databases": [ {{ {FULL}, "readonly": true }}, {{ "type": "postgresql", "name": "b" }} ],
        "hosts-database": {{ "type": "mysql", "name": "a" }}"#
    );
    let mut second = full();
    second.access.read_only = true;
    let expected = [usual(SqlKind::Mysql, "a"), second, usual(SqlKind::Postgresql, "b")];
    assert_eq!(good(&members).hosts_databases, expected);
    assert_eq!(good(r#""hosts-databases": []"#).hosts_databases, []);
}

#[test]
fn both_servers_read_the_same() {
    let members = format!(
        r#""lease-database": {{ {FULL} }}, "hosts-database": {{ {FULL} }}, "host-cache-time": 9"#
    );
    let mut diagnostics = Diagnostics::new();
    let (document, _) = parse(&format!("{{ \"Dhcp6\": {{ {members} }} }}"));
    let six = config6::read(&document, 1, &mut diagnostics).expect("loads");
    let four = good(&members);
    assert_eq!(diagnostics.render(), "");
    assert_eq!(four.lease_database, six.lease_database);
    assert_eq!(four.hosts_databases, six.hosts_databases);
    assert_eq!(four.hosts_databases, [full()]);
    assert_eq!((four.host_cache, six.host_cache.time_s), (six.host_cache, 9));
    let text = config6::get(&six, &document);
    assert!(!text.contains("hush-hush") && text.contains("\"password\": \"*****\""), "{text}");
}

#[test]
fn a_cache_of_hosts_has_limits_and_can_be_switched_off() {
    let limits = good("").host_cache;
    assert_eq!(limits, HostCacheLimits { entries_max: 100_000, time_s: 5 });
    assert!(limits.is_on());
    let limits = good(r#""host-cache-size": 7, "host-cache-time": 0"#).host_cache;
    assert_eq!(limits, HostCacheLimits { entries_max: 7, time_s: 0 });
    assert!(!limits.is_on());
    assert!(!good(r#""host-cache-size": 0"#).host_cache.is_on());
}

#[test]
fn tries_without_time_between_them_are_none() {
    let members = r#""hosts-database": { "type": "mysql", "name": "a", "max-reconnect-tries": 5 }"#;
    let (config, findings) = read_members(members);
    assert!(findings.contains("warning: 'max-reconnect-tries' has no effect"), "{findings}");
    assert_eq!(config.expect("a warning only").hosts_databases, [usual(SqlKind::Mysql, "a")]);
}

#[test]
fn config_get_is_complete_and_loads_again_but_for_passwords() {
    let members = format!(
        r#""lease-database": {{ "type": "postgresql", "name": "l", "password": "hush-hush", "comment": "c" }},
        "hosts-database": {{ "type": "mysql", "name": "a", "user": "u" }},
        "hosts-databases": [ {{ {FULL} }} ]"#
    );
    let (document, mut diagnostics) = parse(&format!("{{ \"Dhcp4\": {{ {members} }} }}"));
    let config = read(&document, 1, &mut diagnostics).expect("loads");
    let text = get(&config, &document);
    assert!(!text.contains("hush-hush"), "{text}");
    let (document, mut diagnostics) = parse(&text);
    let mut again = read(&document, 1, &mut diagnostics).expect("loads again");
    assert_eq!(diagnostics.render(), "");
    assert_eq!(get(&again, &document), text);
    let databases = again.lease_database.sql.iter_mut().chain(&mut again.hosts_databases);
    for database in databases.filter(|database| !database.access.password.is_empty()) {
        assert_eq!(database.access.password.reveal(), "*****");
        database.access.password = Secret::new("hush-hush");
    }
    assert_eq!(again.lease_database, config.lease_database);
    assert_eq!(again.hosts_databases, config.hosts_databases);
    let entry = document.root.as_map().and_then(|top| top.get("Dhcp4")).and_then(Element::as_map);
    let global = entry.expect("the entry");
    assert!(global.get("hosts-database").is_none());
    let parts = ["lease-database", "hosts-databases"].map(|name| global.get(name).cloned());
    let parts: Vec<Element> = parts.into_iter().flatten().collect();
    insta::assert_snapshot!(cc::write_json_pretty(&parts.into()));
}

#[test]
fn no_password_is_in_the_debug_text_of_a_configuration() {
    let members = format!(
        r#""lease-database": {{ {FULL} }}, "hosts-database": {{ {FULL} }}, "hosts-databases": [ {{ {FULL} }} ]"#
    );
    let text = format!("{:?}", good(&members));
    assert!(text.contains("db.example") && !text.contains("hush-hush"), "{text}");
}

/// A file with three passwords, in which `change` is done to one database.
fn with_password(password: &Value, change: impl FnOnce(&mut Map)) -> Document {
    let (mut document, _) = parse(&format!(
        r#"{{ "Dhcp4": {{ "lease-database": {{ {FULL} }}, "hosts-database": {{ {FULL} }} }} }}"#
    ));
    let top = document.root.as_map().cloned().unwrap_or_default();
    let mut global = top.get("Dhcp4").and_then(Element::as_map).cloned().unwrap_or_default();
    for name in ["lease-database", "hosts-database"] {
        if let Some(element) = global.get_mut(name)
            && let Some(map) = element.as_map()
        {
            let mut map = map.clone();
            map.set("password", password.clone());
            *element = map.into();
        }
    }
    if let Some(element) = global.get_mut("lease-database")
        && let Some(map) = element.as_map()
    {
        let mut map = map.clone();
        change(&mut map);
        *element = map.into();
    }
    document.root = Map::new().with("Dhcp4", global).into();
    document
}

proptest! {
    #[test]
    fn no_message_holds_the_password(
        tail in "[ -~]{1,8}",
        is_number in any::<bool>(),
        key in 0usize..30,
        which in any::<usize>(),
        kind in 0usize..5,
    ) {
        let secret = if is_number { "736251904".to_owned() } else { format!("73x{tail}") };
        let password = if is_number { Value::Int(736_251_904) } else { secret.as_str().into() };
        let document = with_password(&password, |map| {
            let keys: Vec<Box<str>> =
                map.entries().iter().map(|entry| entry.key.clone()).collect();
            let key = &keys[key % keys.len()];
            let strange = strange();
            if &**key != "password" {
                map.set(key, strange[which % strange.len()].clone());
            }
            if let Some(kind) = ["memfile", "cql", "postgresql"].get(kind) {
                map.set("type", *kind);
            }
        });
        let mut diagnostics = Diagnostics::new();
        let config = read(&document, 1, &mut diagnostics);
        let text = diagnostics.render();
        prop_assert!(!text.contains(&secret), "{}", text);
        prop_assert!(!is_number || config.is_none());
        if let Some(config) = config {
            let shown = format!("{config:?}");
            prop_assert!(!shown.contains(&secret));
            prop_assert!(!get(&config, &document).contains(&secret));
        }
    }
}

#[test]
fn no_message_about_damaged_text_holds_the_password() {
    for value in
        ["hush-hush", "\"hush-hush\" 5", "\"hush-hush", "hush-hush\"", "99999999999999999991"]
    {
        for colon in [":", "", ",", ": ["] {
            let source = format!(
                "{{ \"Dhcp4\": {{ \"hosts-database\": {{ \"password\"{colon} {value}, \"name\": \"x\" }} }} }}"
            );
            let mut diagnostics = Diagnostics::new();
            let document = Document::parse(&source, "f", &mut NoIncludes, &mut diagnostics);
            if let Some(document) = document {
                read(&document, 1, &mut diagnostics);
            }
            let text = diagnostics.render();
            assert!(!text.is_empty(), "{source}");
            let is_shown = text.contains("hush-hush") || text.contains("9999999");
            assert!(!is_shown || colon == ",", "{source}: {text}");
        }
    }
}
