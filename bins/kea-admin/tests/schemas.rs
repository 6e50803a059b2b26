//! Making tables and upgrading them.

use std::collections::BTreeSet;

use db_testing::{Database, Schema};
use libdhcpsrv::config::SqlKind;

use crate::support::{DEBIAN, KINDS, admin, database, debian, debian_versions, plain, plain_with};

/// Tables of leases and hosts.
const TABLES: &str = "'lease4', 'lease6', 'lease4_stat', 'lease6_stat', 'lease4_stat_by_client_class', \
    'lease6_stat_by_client_class', 'lease6_types', 'lease_state', 'lease_hwaddr_source', 'hosts', \
    'ipv6_reservations', 'dhcp4_options', 'dhcp6_options', 'dhcp_option_scope', 'host_identifier_type', 'logs', \
    'schema_version'";

fn newest(kind: SqlKind) -> &'static str {
    match kind {
        SqlKind::Mysql => "14.0",
        SqlKind::Postgresql => "13.0",
    }
}

/// Columns, keys, references, triggers and constants of the tables, one a line.
fn structure(database: &Database) -> BTreeSet<String> {
    let statements = match database.server().kind() {
        SqlKind::Mysql => format!(
            "SELECT 'column', table_name, column_name, column_type, is_nullable, column_default, extra
                FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN ({TABLES});
             SELECT 'key', table_name, index_name, non_unique, seq_in_index, column_name
                FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name IN ({TABLES});
             SELECT 'reference', table_name, constraint_name, referenced_table_name, delete_rule, update_rule
                FROM information_schema.referential_constraints
                WHERE constraint_schema = DATABASE() AND table_name IN ({TABLES})
                    AND referenced_table_name IN ({TABLES});
             SELECT 'trigger', event_object_table, trigger_name, action_timing, event_manipulation
                FROM information_schema.triggers
                WHERE trigger_schema = DATABASE() AND event_object_table IN ({TABLES})
                    AND event_object_table NOT LIKE 'dhcp%';"
        ),
        SqlKind::Postgresql => format!(
            "SELECT 'column', table_name, column_name, data_type, character_maximum_length, is_nullable,
                    column_default
                FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN ({TABLES});
             SELECT 'key', tablename, indexdef FROM pg_indexes
                WHERE schemaname = 'public' AND tablename IN ({TABLES});
             SELECT 'reference', conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
                WHERE conrelid::regclass::text IN ({TABLES})
                    AND (contype <> 'f' OR confrelid::regclass::text IN ({TABLES}));
             SELECT 'trigger', event_object_table, trigger_name, action_timing, event_manipulation
                FROM information_schema.triggers WHERE event_object_table IN ({TABLES})
                    AND event_object_table NOT LIKE 'dhcp%';"
        ),
    };
    let constants = "SELECT 'type', lease_type, name FROM lease6_types; SELECT 'state', state, name FROM lease_state;
        SELECT 'source', hwaddr_source, name FROM lease_hwaddr_source;
        SELECT 'identifier', type, name FROM host_identifier_type;
        SELECT 'scope', scope_id, scope_name FROM dhcp_option_scope;
        SELECT 'version', version, minor FROM schema_version;";
    let text = database.sql(&format!("{statements}\n{constants}"));
    text.lines().map(str::to_owned).collect()
}

/// Functions and procedures with their parameters, of which MySQL's have no lengths: ours take the longest identifiers.
fn routines(database: &Database) -> BTreeSet<String> {
    let statement = match database.server().kind() {
        SqlKind::Mysql => {
            "SELECT LOWER(routine_name), routine_type, data_type,
                (SELECT GROUP_CONCAT(parameter_mode, ' ', LOWER(parameter_name), ' ', data_type
                        ORDER BY ordinal_position)
                    FROM information_schema.parameters
                    WHERE specific_schema = routine_schema AND specific_name = routine_name
                        AND ordinal_position > 0)
                FROM information_schema.routines WHERE routine_schema = DATABASE()"
        }
        SqlKind::Postgresql => {
            "SELECT lower(proname), prokind, pg_get_function_result(oid), pg_get_function_identity_arguments(oid)
                FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        }
    };
    database.sql(statement).lines().map(str::to_owned).collect()
}

#[track_caller]
fn assert_same(one: &BTreeSet<String>, other: &BTreeSet<String>, what: &str) {
    let missing: Vec<_> = one.difference(other).collect();
    let surplus: Vec<_> = other.difference(one).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{what}\nmissing {missing:#?}\nsurplus {surplus:#?}"
    );
}

#[test]
fn new_tables_are_those_of_keas_leases_and_hosts() {
    for kind in KINDS {
        let (ours, theirs) = (database(kind), database(kind));
        let said = admin("db-init", &ours, &[]).ok();
        let expected = format!("Database version reported after initialization: {}", newest(kind));
        assert!(said.out.contains(&expected), "{}", said.out);
        theirs.create_schema(Schema::Debian);
        assert_same(&structure(&theirs), &structure(&ours), "as Kea's");
        let (ours, theirs) = (routines(&ours), routines(&theirs));
        for name in [
            "lease4dumpheader",
            "lease4dumpdata",
            "lease6dumpheader",
            "lease6dumpdata",
            "lease4upload",
            "lease6upload",
            "checklease4limits",
            "checklease6limits",
            "isjsonsupported",
        ] {
            let find =
                |all: &BTreeSet<String>| all.iter().find(|one| one.starts_with(name)).cloned();
            assert!(find(&ours).is_some(), "{name}");
            assert_eq!(find(&ours), find(&theirs));
        }
    }
}

#[test]
fn tables_of_every_earlier_version_become_the_newest() {
    for kind in KINDS {
        let direct = database(kind);
        admin("db-init", &direct, &[]).ok();
        let (tables, functions) = (structure(&direct), routines(&direct));
        let mut upgraded = 0;
        for (version, script) in debian_versions(kind) {
            let old = database(kind);
            old.sql(&script);
            assert_eq!(admin("db-version", &old, &[]).ok().out.trim(), version);
            let said = admin("db-upgrade", &old, &[]);
            let major: u32 = version.split('.').next().unwrap().parse().unwrap();
            if major >= 7 && version != newest(kind) {
                assert_eq!(said.code, 1, "{version}");
                assert!(said.out.contains("configuration back-end"), "{}", said.out);
                continue;
            }
            let said = said.ok();
            assert!(said.out.contains(&format!("before upgrade: {version}")), "{}", said.out);
            assert!(said.out.contains(&format!("after upgrade: {}", newest(kind))), "{}", said.out);
            if version != newest(kind) {
                assert_same(&tables, &structure(&old), &version);
                assert_same(&functions, &routines(&old), &version);
                upgraded += 1;
            }
        }
        assert!(upgraded >= 9, "{upgraded}");
    }
}

#[test]
fn leases_survive_an_upgrade_and_are_counted() {
    for kind in KINDS {
        let old = database(kind);
        old.sql(&debian_versions(kind)[0].1);
        let (hw, time, yes) = match kind {
            SqlKind::Mysql => ("X'020000000001'", "FROM_UNIXTIME(1800000000)", "1"),
            SqlKind::Postgresql => (r"'\x020000000001'", "to_timestamp(1800000000)", "true"),
        };
        old.sql(&format!(
            "INSERT INTO lease4 (address, hwaddr, valid_lifetime, expire, subnet_id, fqdn_fwd, fqdn_rev, hostname)
                VALUES (3221225985, {hw}, 3600, {time}, 7, {yes}, {yes}, 'one'),
                    (3221225986, {hw}, 3600, {time}, 7, {yes}, {yes}, 'two');
             INSERT INTO lease6 (address, duid, valid_lifetime, expire, subnet_id, pref_lifetime, lease_type, iaid,
                    prefix_len, fqdn_fwd, fqdn_rev, hostname)
                VALUES ('2001:db8::1', {hw}, 3600, {time}, 8, 1800, 0, 1, 128, {yes}, {yes}, '');"
        ));
        admin("db-upgrade", &old, &[]).ok();
        assert_eq!(old.sql("SELECT subnet_id, state, leases FROM lease4_stat"), "7\t0\t2\n");
        let counted = "SELECT subnet_id, lease_type, state, leases FROM lease6_stat";
        assert_eq!(old.sql(counted), "8\t0\t0\t1\n");
        // Triggers go on with it; a wrong count is put right.
        old.sql("UPDATE lease4 SET state = 1 WHERE address = 3221225986; DELETE FROM lease6;");
        let four = "SELECT state, leases FROM lease4_stat ORDER BY state";
        assert_eq!(old.sql(four), "0\t1\n1\t1\n");
        assert_eq!(old.sql("SELECT leases FROM lease6_stat"), "0\n");
        old.sql("UPDATE lease4_stat SET leases = 99");
        let said = admin("stats-recount", &old, &["--dry-run"]).ok();
        assert!(said.out.contains("INSERT INTO lease4_stat"), "{}", said.out);
        assert!(old.sql(four).contains("99"));
        let said = admin("stats-recount", &old, &[]).ok();
        assert_eq!(said.out, "Recount lease statistics from database\n");
        assert_eq!(old.sql(four), "0\t1\n1\t1\n");
        assert_eq!(old.sql("SELECT COUNT(*) FROM lease6_stat"), "0\n");
    }
}

#[test]
fn leases_and_hosts_survive_upgrades_as_they_are() {
    for kind in KINDS {
        let is_mysql = kind == SqlKind::Mysql;
        // The oldest version with hosts: all steps follow.
        let (_, script) =
            debian_versions(kind).into_iter().find(|(version, _)| version == "3.0").unwrap();
        let old = database(kind);
        // Servers before MySQL 8.0 and MariaDB 10.10 give the first TIMESTAMP of a table the time of every change.
        let as_of_old = if is_mysql { "SET explicit_defaults_for_timestamp = 0;\n" } else { "" };
        old.sql(&format!("{as_of_old}{script}"));
        let (hex, time, yes) = match kind {
            SqlKind::Mysql => ("X'020000000001'", "FROM_UNIXTIME(1800000000)", "1"),
            SqlKind::Postgresql => (r"'\x020000000001'", "to_timestamp(1800000000)", "true"),
        };
        let (scope, host_scope) = if is_mysql { ("", "") } else { (", scope_id", ", 3") };
        old.sql(&format!(
            "INSERT INTO lease4 (address, hwaddr, client_id, valid_lifetime, expire, subnet_id, fqdn_fwd, fqdn_rev,
                    hostname) VALUES (1, {hex}, {hex}, 3600, {time}, 7, {yes}, {yes}, 'one');
             INSERT INTO lease6 (address, duid, valid_lifetime, expire, subnet_id, pref_lifetime, lease_type, iaid,
                    prefix_len, fqdn_fwd, fqdn_rev, hostname, hwaddr, hwtype, hwaddr_source)
                VALUES ('2001:db8::1', {hex}, 3600, {time}, 8, 1800, 0, 1, 128, {yes}, {yes}, 'six', {hex}, 1, 0);
             INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, dhcp6_subnet_id,
                    ipv4_address, hostname, dhcp4_client_classes) VALUES (5, {hex}, 1, 7, 8, 9, 'host', 'gold');
             INSERT INTO ipv6_reservations (address, prefix_len, type, dhcp6_iaid, host_id)
                VALUES ('2001:db8::9', 128, 0, 3, 5), ('2001:db8:9::', 56, 2, NULL, 5);
             INSERT INTO dhcp4_options (code, value, space, persistent, host_id{scope})
                VALUES (6, {hex}, 'dhcp4', {yes}, 5{host_scope});
             INSERT INTO dhcp6_options (code, formatted_value, space, persistent, host_id{scope})
                VALUES (23, '2001:db8::53', 'dhcp6', {yes}, 5{host_scope});"
        ));
        admin("db-upgrade", &old, &[]).ok();
        let (bytes, seconds) = match kind {
            SqlKind::Mysql => (["LOWER(HEX(", "))"], ["UNIX_TIMESTAMP(", ")"]),
            SqlKind::Postgresql => (["encode(", ", 'hex')"], ["extract(epoch FROM ", ")::int8"]),
        };
        let bytes = |column: &str| bytes.join(column);
        let expire = seconds.join("expire");
        let contents = old.sql(&format!(
            "SELECT address, {}, {}, valid_lifetime, {expire}, subnet_id, hostname, state FROM lease4;
             SELECT address, {}, valid_lifetime, {expire}, subnet_id, pref_lifetime, iaid, hostname, {}, state
                FROM lease6;
             SELECT host_id, {}, dhcp_identifier_type, dhcp4_subnet_id, dhcp6_subnet_id, ipv4_address, hostname,
                    dhcp4_client_classes FROM hosts;
             SELECT address, prefix_len, type, COALESCE(dhcp6_iaid, 0), host_id FROM ipv6_reservations
                ORDER BY type;
             SELECT code, {}, space, host_id, scope_id FROM dhcp4_options;
             SELECT code, formatted_value, space, host_id, scope_id FROM dhcp6_options;",
            bytes("hwaddr"),
            bytes("client_id"),
            bytes("duid"),
            bytes("hwaddr"),
            bytes("dhcp_identifier"),
            bytes("value"),
        ));
        let expected = [
            "1\t020000000001\t020000000001\t3600\t1800000000\t7\tone\t0",
            "2001:db8::1\t020000000001\t3600\t1800000000\t8\t1800\t1\tsix\t020000000001\t0",
            "5\t020000000001\t1\t7\t8\t9\thost\tgold",
            "2001:db8::9\t128\t0\t3\t5",
            "2001:db8:9::\t56\t2\t0\t5",
            "6\t020000000001\tdhcp4\t5\t3",
            "23\t2001:db8::53\tdhcp6\t5\t3",
        ];
        assert_eq!(contents.lines().collect::<Vec<_>>(), expected, "{kind}");
    }
}

#[test]
fn classes_are_counted_and_limited() {
    for kind in KINDS {
        let tables = database(kind);
        admin("db-init", &tables, &[]).ok();
        let context = r#"{"ISC":{"client-classes":["gold","blue"]}}"#;
        tables.sql(&format!(
            "INSERT INTO lease4 (address, valid_lifetime, subnet_id, state, user_context)
                VALUES (1, 1, 1, 0, '{context}'), (2, 1, 1, 0, '{context}'), (3, 1, 1, 0, 'no JSON'), (4, 1, 1, 0, '');
             INSERT INTO lease6 (address, valid_lifetime, subnet_id, lease_type, state, user_context)
                VALUES ('::1', 1, 1, 2, 0, '{context}');"
        ));
        let classes =
            "SELECT client_class, leases FROM lease4_stat_by_client_class ORDER BY client_class";
        assert_eq!(tables.sql(classes), "blue\t2\ngold\t2\n");
        let six = "SELECT client_class, lease_type, leases FROM lease6_stat_by_client_class ORDER BY client_class";
        assert_eq!(tables.sql(six), "blue\t2\t1\ngold\t2\t1\n");
        let check = |function: &str, limits: &str| {
            let context = format!(r#"{{"ISC":{{"limits":{{{limits}}}}}}}"#);
            tables.sql(&format!("SELECT {function}('{context}')"))
        };
        let class = |limit: &str| format!(r#""client-classes":[{{"name":"gold",{limit}}}]"#);
        let subnet = |limit: &str| format!(r#""subnet":{{"id":1,{limit}}}"#);
        assert_eq!(check("checkLease4Limits", &class(r#""address-limit":3"#)), "\n");
        assert!(check("checkLease4Limits", &class(r#""address-limit":2"#)).contains("gold"));
        assert_eq!(check("checkLease4Limits", &subnet(r#""address-limit":5"#)), "\n");
        assert!(check("checkLease4Limits", &subnet(r#""address-limit":4"#)).contains("subnet 1"));
        assert_eq!(check("checkLease6Limits", &class(r#""address-limit":1"#)), "\n");
        assert!(check("checkLease6Limits", &class(r#""prefix-limit":1"#)).contains("gold"));
        assert!(check("checkLease6Limits", &subnet(r#""prefix-limit":1"#)).contains("prefix"));
        tables.sql(&format!(
            "UPDATE lease4 SET state = 1 WHERE address = 1; DELETE FROM lease4 WHERE address = 2;
             UPDATE lease4 SET user_context = '{context}' WHERE address = 4;
             UPDATE lease6 SET user_context = NULL;"
        ));
        assert_eq!(tables.sql(classes), "blue\t1\ngold\t1\n");
        assert_eq!(tables.sql(six), "blue\t2\t0\ngold\t2\t0\n");
        tables.sql(&format!(
            r#"UPDATE lease6 SET user_context = '{context}';
             INSERT INTO lease4 (address, valid_lifetime, subnet_id, state, user_context)
                VALUES (5, 1, 1, 0, '{{"ISC":{{"client-classes":["BLUE"]}}}}');
             UPDATE lease4_stat_by_client_class SET leases = 9 WHERE client_class = 'gold';
             DELETE FROM lease4_stat_by_client_class WHERE client_class = 'blue';
             UPDATE lease6_stat_by_client_class SET leases = 0;"#
        ));
        let dry = admin("stats-recount", &tables, &["--dry-run"]).ok();
        assert!(dry.out.contains("lease6_stat_by_client_class"), "{}", dry.out);
        // Whoever runs what it prints loses no counts.
        let classes_before = tables.sql(classes);
        assert!(!dry.out.contains("DELETE FROM lease6_stat_by_client_class"), "{}", dry.out);
        tables.sql(&dry.out);
        assert_eq!(tables.sql(classes), classes_before);
        admin("stats-recount", &tables, &[]).ok();
        // MySQL takes no notice of the case of letters.
        let blue = if kind == SqlKind::Mysql { "2\n" } else { "1\n1\n" };
        let of = |class: &str| {
            tables.sql(&format!(
                "SELECT leases FROM lease4_stat_by_client_class WHERE LOWER(client_class) = '{class}'"
            ))
        };
        assert_eq!((of("blue").as_str(), of("gold").as_str()), (blue, "1\n"));
        assert_eq!(tables.sql(six), "blue\t2\t1\ngold\t2\t1\n");
    }
}

#[test]
fn functions_of_kea_are_replaced_by_faster_ones() {
    let (_, script) = debian_versions(SqlKind::Postgresql)
        .into_iter()
        .find(|(version, _)| version == "13.0")
        .expect("Debian's newest version");
    let tables = database(SqlKind::Postgresql);
    tables.sql(&script);
    tables.sql(
        r#"INSERT INTO lease4 (address, valid_lifetime, subnet_id, state, user_context)
           VALUES (1, 1, 1, 0, '{"ISC":{"client-classes":["gold"]}}'), (2, 1, 1, 0, NULL)"#,
    );
    let (four, classes) = (
        "SELECT subnet_id, state, leases FROM lease4_stat ORDER BY state",
        "SELECT client_class, leases FROM lease4_stat_by_client_class",
    );
    let source = "SELECT count(*) FROM pg_proc WHERE proname LIKE 'func_lease%' AND prosrc LIKE '%isJsonSupported%'";
    assert_eq!(tables.sql(source), "6\n");
    let dry = admin("stats-triggers", &tables, &["--dry-run"]).ok();
    assert!(dry.out.contains("func_lease6_ADEL"), "{}", dry.out);
    assert!(dry.out.contains("\nCOMMIT;\n") && !dry.out.contains("\nDELETE FROM lease4_stat_by"));
    assert_eq!(tables.sql(source), "6\n");
    for _ in 0..2 {
        admin("stats-triggers", &tables, &[]).ok();
        assert_eq!(tables.sql(source), "0\n");
        assert_eq!(tables.sql(four), "1\t0\t2\n");
        assert_eq!(tables.sql(classes), "gold\t1\n");
    }
    tables
        .sql("UPDATE lease4 SET state = 1 WHERE address = 1; DELETE FROM lease4 WHERE address = 2");
    assert_eq!(tables.sql(four), "1\t0\t0\n1\t1\t1\n");
    assert_eq!(tables.sql(classes), "gold\t0\n");
    assert_eq!(admin("db-version", &tables, &[]).ok().out, "13.0\n");

    let older = database(SqlKind::Postgresql);
    admin("db-init", &older, &["--schema", "6.0"]).ok();
    let said = admin("stats-triggers", &older, &[]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("version 6.0"), "{}", said.out);
}

#[test]
fn what_is_there_is_not_made_again() {
    for kind in KINDS {
        let tables = database(kind);
        let said = admin("db-version", &tables, &[]);
        assert_eq!(said.code, 1);
        assert!(said.out.contains("Failed to get schema version"), "{}", said.out);
        let dry = admin("db-init", &tables, &["--dry-run"]).ok();
        assert!(dry.out.contains("CREATE TABLE lease4") && dry.out.contains("checkLease4Limits"));
        assert_eq!(admin("db-version", &tables, &[]).code, 1, "a dry run makes nothing");
        admin("lease-init", &tables, &["--schema", "6.0"]).ok();
        assert_eq!(admin("lease-version", &tables, &[]).ok().out, "6.0\n");
        let said = admin("db-init", &tables, &[]);
        let code = if kind == SqlKind::Mysql { 1 } else { 2 };
        assert_eq!(said.code, code);
        assert!(said.out.contains("Expected empty database") && said.out.contains("lease6_types"));
        assert_eq!(debian("db-init", &tables, &[]).code, code);
        let dry = admin("db-upgrade", &tables, &["--dry-run"]).ok();
        assert!(dry.out.contains("checkLease6Limits") && !dry.out.contains("CREATE TABLE hosts"));
        assert_eq!(admin("db-version", &tables, &[]).ok().out, "6.0\n");
        admin("lease-upgrade", &tables, &[]).ok();
        let again = admin("db-upgrade", &tables, &[]).ok();
        assert!(!again.out.contains("Processing"), "{}", again.out);
        assert_eq!(debian("db-version", &tables, &[]).ok().out.trim(), newest(kind));
    }
}

#[test]
fn folders_with_other_scripts_are_run() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../share/database/scripts");
    for kind in KINDS {
        let tables = database(kind);
        let first = if kind == SqlKind::Mysql { "5.0" } else { "3.0" };
        admin("db-init", &tables, &["--schema", first]).ok();
        let said = admin("db-upgrade", &tables, &["-d", "/nowhere"]);
        assert!(said.code == 1 && said.out.contains("Invalid scripts directory"), "{}", said.out);
        // Kea's own scripts go on where ours have begun.
        let said = admin("db-upgrade", &tables, &["-d", DEBIAN]).ok();
        assert!(said.out.contains(&format!("after upgrade: {}", newest(kind))), "{}", said.out);
        let direct = database(kind);
        direct.create_schema(Schema::Debian);
        // With PostgreSQL Kea's steps lead to other names of keys than its script that makes tables.
        if kind == SqlKind::Mysql {
            assert_same(&structure(&direct), &structure(&tables), "as Kea's");
        }
        let files = database(kind);
        admin("db-init", &files, &["-d", own]).ok();
        assert_eq!(admin("db-version", &files, &[]).ok().out.trim(), newest(kind));
        // Scripts that do not lead to what is asked for, and such that cannot be read.
        let other = database(kind);
        let said = admin("db-init", &other, &["-d", DEBIAN, "--schema", first]);
        assert!(said.code == 1 && said.out.contains("lead to version"), "{}", said.out);
        let folder = tempfile::tempdir().unwrap();
        let name = crate::support::backend(kind);
        let scripts = folder.path().join(name);
        std::fs::create_dir(&scripts).unwrap();
        let create = format!("dhcpdb_create.{name}");
        std::fs::copy(format!("{own}/{name}/{create}"), scripts.join(create)).unwrap();
        let step = scripts.join(format!("upgrade_005.0_to_005.1.{name}"));
        std::os::unix::fs::symlink("/nowhere/script", &step).unwrap();
        let folder = folder.path().display().to_string();
        let said = admin("db-init", &database(kind), &["-d", &folder]);
        assert!(said.code == 1 && said.out.contains("upgrade_005.0"), "{}", said.out);
        std::fs::remove_file(&step).unwrap();
        admin("db-init", &database(kind), &["-d", &folder]).ok();
        let theirs = database(kind);
        admin("db-init", &theirs, &["-d", DEBIAN]).ok();
        assert_same(&structure(&direct), &structure(&theirs), "as Kea's");
    }
}

#[test]
fn passwords_are_in_no_message() {
    for kind in KINDS {
        let tables = database(kind);
        let access = tables.access();
        let port = access.port.to_string();
        let backend = crate::support::backend(kind);
        for command in ["db-init", "db-version", "db-upgrade", "stats-recount"] {
            let said = plain(&[
                command,
                backend,
                "-h",
                &access.host,
                "-P",
                &port,
                "-u",
                &access.user,
                "-n",
                &access.name,
                "-p",
                "Wrong.Secret",
            ]);
            assert_eq!(said.code, 1, "{command}");
            assert!(
                !said.out.contains("Wrong.Secret") && !said.err.contains("Wrong.Secret"),
                "{said:?}"
            );
            assert!(said.out.contains(&access.user), "{}", said.out);
        }
    }
}

#[test]
fn variables_have_passwords_for_both_ends_of_a_copy() {
    let words = ["lease-copy", "mysql", "pgsql", "-4"];
    let (main, from) = ("KEA_ADMIN_DB_PASSWORD", "KEA_ADMIN_FROM_PASSWORD");
    let used = |variables: &[(&str, &str)]| {
        // Whether somebody listens at the usual ports does not matter.
        let said = plain_with(&words, variables);
        assert_eq!(said.code, 1, "{said:?}");
        [main, from].map(|name| said.out.matches(&format!("the value of {name} for")).count())
    };
    assert_eq!(used(&[(main, "a")]), [2, 0]);
    assert_eq!(used(&[(main, "a"), (from, "b")]), [1, 1]);
}

#[test]
fn memfile_has_no_tables() {
    for command in ["db-init", "db-version", "db-upgrade"] {
        let said = plain(&[command, "memfile"]);
        assert_eq!((said.code, said.out.as_str()), (1, "ERROR/kea-admin: NOT IMPLEMENTED\n"));
    }
    assert!(
        plain(&["stats-recount", "memfile"]).ok().out.contains("does not keep lease statistics")
    );
}
