//! Uploads and copies.

use std::fs;
use std::path::Path;

use libdhcpsrv::config::SqlKind;
use mysql::prelude::Queryable;

use crate::support::{KINDS, admin, backend, database, debian, login, login_from, path, plain};

const HEADER: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,\
                      user_context,pool_id\n";
const HEADER6: &str = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,\
                       fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id\n";

fn row(last: u16, name: &str, expire: u32) -> String {
    let (high, low) = (last / 256, last % 256);
    format!(
        "10.0.{high}.{low},02:00:00:00:{high:02x}:{low:02x},01:{low:02x},3600,{expire},1,0,1,{name},0,,0\n"
    )
}

/// Two thousand five hundred leases: more than two transactions.
fn many() -> String {
    (0..2500).map(|number| row(number, "host&#x2cname", 1_800_000_000)).collect()
}

const SIX: [&str; 3] = [
    "2001:db8::1,00:03:00:01:aa,3600,1800000000,1,1800,0,4294967295,128,1,0,six,02:00:00:00:00:01,0,{\"a\":1&#x2c\"b\":2},1,2,0\n",
    "2001:db8::2,00,86400,1800000000,1,0,0,0,128,0,0,,,1,,,,0\n",
    "2001:db8:1::,00:03:00:01:aa,3600,1800000000,1,1800,2,7,56,0,0,,,0,,,,0\n",
];

fn count(tables: &db_testing::Database, table: &str) -> String {
    tables.sql(&format!("SELECT COUNT(*) FROM {table}")).trim().to_owned()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A copy between back-ends, with how the databases are reached.
fn copy(from: &str, to: &str, words: &[&str], logins: &[String]) -> crate::support::Said {
    let mut all = vec!["lease-copy", from, to];
    all.extend(words);
    all.extend(logins.iter().map(String::as_str));
    plain(&all)
}

#[test]
fn leases_come_through_all_back_ends_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let (mysql, pgsql) = (database(SqlKind::Mysql), database(SqlKind::Postgresql));
    admin("db-init", &mysql, &[]).ok();
    admin("db-init", &pgsql, &[]).ok();
    for (family, text) in
        [("-4", format!("{HEADER}{}", many())), ("-6", format!("{HEADER6}{}", SIX.concat()))]
    {
        let begin = write(folder.path(), &format!("begin{family}"), &text);
        let end = path(folder.path(), &format!("end{family}"));
        let dump = path(folder.path(), &format!("dump{family}"));
        copy("memfile", "pgsql", &[family, "-i", &begin], &login(&pgsql)).ok();
        let both = [login(&mysql), login_from(&pgsql)].concat();
        let said = copy("pgsql", "mysql", &[family], &both).ok();
        assert!(said.out.contains(" 0 unreadable"), "{}", said.out);
        copy("mysql", "memfile", &[family, "-o", &end], &login(&mysql)).ok();
        plain(&["lease-dump", "memfile", family, "-n", &end, "-o", &dump]).ok();
        let sorted = |path: &str| {
            let text = fs::read_to_string(path).unwrap();
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&begin), sorted(&end), "{family}");
        assert_eq!(sorted(&begin), sorted(&dump), "{family}");
    }
    for tables in [&mysql, &pgsql] {
        assert_eq!(tables.sql("SELECT subnet_id, state, leases FROM lease4_stat"), "1\t0\t2500\n");
        let six = "SELECT lease_type, state, leases FROM lease6_stat ORDER BY lease_type, state";
        assert_eq!(tables.sql(six), "0\t0\t1\n0\t1\t1\n2\t0\t1\n");
    }
}

#[test]
fn addresses_that_exist_are_refused_kept_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let tables = database(kind);
        admin("db-init", &tables, &[]).ok();
        let first = write(
            folder.path(),
            "first",
            &format!("{HEADER}{}{}", row(1, "a", 1_802_000_000), row(2, "a", 1_802_000_000)),
        );
        admin("lease-upload", &tables, &["-4", "-i", &first]).ok();
        let changed =
            [row(1, "b", 1_801_000_000), row(2, "b", 1_803_000_000), row(3, "b", 1_801_000_000)]
                .concat();
        let second = write(folder.path(), "second", &format!("{HEADER}{changed}"));
        let names =
            || tables.sql("SELECT hostname FROM lease4 ORDER BY address").replace('\n', " ");
        let said = admin("lease-upload", &tables, &["-4", "-i", &second]);
        assert_eq!(said.code, 1);
        assert!(said.out.contains("2 addresses") && said.out.contains("10.0.0.1"), "{}", said.out);
        assert_eq!(names(), "a a ", "nothing was written");
        let said = admin("lease-upload", &tables, &["-4", "-i", &second, "--dry-run"]).ok();
        assert_eq!(said.out.matches("INSERT INTO lease4").count(), 3, "{}", said.out);
        for (policy, expected) in [("skip", "a a b "), ("newer", "a b b "), ("replace", "b b b ")] {
            admin("lease-upload", &tables, &["-4", "-i", &second, "--existing", policy]).ok();
            assert_eq!(names(), expected, "{policy}");
        }
        // What is there already is no conflict.
        let said = admin("lease-upload", &tables, &["-4", "-i", &second]).ok();
        assert!(said.out.contains("3 unchanged"), "{}", said.out);
        assert_eq!(tables.sql("SELECT leases FROM lease4_stat"), "3\n");
    }
}

#[test]
fn rows_that_cannot_be_stored_are_told_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let tables = database(kind);
        admin("db-init", &tables, &[]).ok();
        let long_id = "ab:".repeat(200);
        let long = row(3, "", 1_802_000_000).replace("01:03", long_id.trim_end_matches(':'));
        // No version of these tables has this state.
        let registered = row(4, "", 1_802_000_000).replace(",0,,0\n", ",4,,0\n");
        let text = format!(
            "{HEADER}{}10.0.0.9,bad\n{long}{registered}{}",
            row(1, "", 1_802_000_000),
            row(2, "", 1_802_000_000)
        );
        let file = write(folder.path(), "leases", &text);
        let said = admin("lease-upload", &tables, &["-4", "-i", &file]);
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.err.contains("line 3") && said.err.contains("10.0.0.3"), "{}", said.err);
        assert!(said.err.contains("10.0.0.4 is left out"), "{}", said.err);
        assert_eq!(count(&tables, "lease4"), "2");
    }
}

/// Names as files have them: with escapes, bytes that are no text, and what would be read as an escape.
const ODD_NAMES: [&str; 4] = ["plain", "caf&#xc3&#xa9", "a&#x2cb&#x26#x41", "caf&#xe9"];

#[test]
fn odd_names_come_through_and_a_copy_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let tables = database(kind);
        admin("db-init", &tables, &[]).ok();
        let count = if kind == SqlKind::Mysql { 4 } else { 3 };
        // These tables do not know that a lease was given back.
        let rows: String = (1..)
            .zip(&ODD_NAMES[..count])
            .map(|(number, name)| row(number, name, 1_802_000_000).replace(",0,,0\n", ",3,,0\n"))
            .collect();
        let begin = write(folder.path(), "begin", &format!("{HEADER}{rows}"));
        let words = ["-4", "-i", begin.as_str()];
        let first = copy("memfile", backend(kind), &words, &login(&tables)).ok();
        assert!(first.out.contains(&format!("{count} inserted")), "{}", first.out);
        let again = copy("memfile", backend(kind), &words, &login(&tables)).ok();
        assert!(again.out.contains(&format!("{count} unchanged")), "{}", again.out);
        let end = path(folder.path(), &format!("end.{kind}"));
        copy(backend(kind), "memfile", &["-4", "-o", &end], &login(&tables)).ok();
        let expected = format!("{HEADER}{}", rows.replace(",3,,0\n", ",2,,0\n"));
        assert_eq!(fs::read_to_string(&end).unwrap(), expected, "{kind}");
        let dump = path(folder.path(), &format!("dump.{kind}"));
        admin("lease-dump", &tables, &["-4", "-o", &dump]).ok();
        let other = database(kind);
        admin("db-init", &other, &[]).ok();
        admin("lease-upload", &other, &["-4", "-i", &dump]).ok();
        let names = "SELECT hostname FROM lease4 ORDER BY address";
        assert_eq!(tables.sql(names), other.sql(names));
    }
}

#[test]
fn names_that_a_database_would_alter_are_told_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let tables = database(SqlKind::Postgresql);
    admin("db-init", &tables, &[]).ok();
    let rows = row(1, "caf&#xe9", 1_802_000_000) + &row(2, "good", 1_802_000_000);
    let file = write(folder.path(), "leases", &format!("{HEADER}{rows}"));
    let said = admin("lease-upload", &tables, &["-4", "-i", &file]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("10.0.0.1 is left out: its host name"), "{}", said.err);
    assert_eq!(tables.sql("SELECT hostname FROM lease4"), "good\n");
}

#[test]
fn rows_that_stay_against_the_will_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let tables = database(kind);
        admin("db-init", &tables, &[]).ok();
        let all = |name| row(1, name, 1_802_000_000) + &row(2, name, 1_802_000_000);
        let first = write(folder.path(), "first", &format!("{HEADER}{}", all("a")));
        admin("lease-upload", &tables, &["-4", "-i", &first]).ok();
        // No name may become another one at this address.
        tables.sql(match kind {
            SqlKind::Mysql => {
                "DELIMITER $$
                CREATE TRIGGER refuse BEFORE UPDATE ON lease4 FOR EACH ROW BEGIN
                    IF NEW.address = 167772161 THEN SIGNAL SQLSTATE '45000'; END IF;
                END$$
                DELIMITER ;"
            }
            SqlKind::Postgresql => {
                "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN
                    IF NEW.address = 167772161 THEN RETURN NULL; END IF; RETURN NEW;
                END $$ LANGUAGE plpgsql;
                CREATE TRIGGER refuse BEFORE UPDATE ON lease4 FOR EACH ROW EXECUTE FUNCTION refuse();"
            }
        });
        let second = write(folder.path(), "second", &format!("{HEADER}{}", all("b")));
        let words = ["-4", "-i", second.as_str(), "--existing", "replace"];
        let said = admin("lease-upload", &tables, &words);
        assert_eq!(said.code, 3, "{kind}: {said:?}");
        assert!(said.err.contains("10.0.0.1 is left out"), "{}", said.err);
        assert!(said.out.contains("1 replaced, 0 unchanged, 0 kept"), "{}", said.out);
        assert_eq!(tables.sql("SELECT hostname FROM lease4 ORDER BY address"), "a\nb\n");
    }
}

#[test]
fn rows_that_somebody_holds_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let tables = database(SqlKind::Mysql);
    admin("db-init", &tables, &[]).ok();
    let file = |name| {
        let rows = row(1, name, 1_802_000_000) + &row(2, name, 1_802_000_000);
        write(folder.path(), name, &format!("{HEADER}{rows}"))
    };
    admin("lease-upload", &tables, &["-4", "-i", &file("a")]).ok();
    let mut holder = db_mysql::connect(&tables.access()).unwrap();
    holder.query_drop("START TRANSACTION").unwrap();
    let row = "SELECT hostname FROM lease4 WHERE address = 167772161 FOR UPDATE";
    assert_eq!(holder.query_first::<String, _>(row).unwrap().as_deref(), Some("a"));
    let words = ["-4", "-i", &file("b"), "--existing", "replace"];
    let said = admin("lease-upload", &tables, &words);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("10.0.0.1 is left out"), "{}", said.err);
    drop(holder);
    assert_eq!(tables.sql("SELECT hostname FROM lease4 ORDER BY address"), "a\nb\n");
}

#[test]
fn a_database_that_is_read_only_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let tables = database(SqlKind::Postgresql);
    admin("db-init", &tables, &[]).ok();
    let name = tables.name();
    tables.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let file = |name| path(folder.path(), name);
    admin("db-version", &tables, &[]).ok();
    admin("db-upgrade", &tables, &["--dry-run"]).ok();
    admin("lease-dump", &tables, &["-4", "-o", &file("dump")]).ok();
    copy("pgsql", "memfile", &["-4", "-o", &file("copy")], &login(&tables)).ok();
    let said = admin("stats-recount", &tables, &[]);
    assert!(said.code == 1 && said.out.contains("only be read"), "{}", said.out);
}

#[test]
fn a_file_is_read_as_the_server_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let tables = database(SqlKind::Postgresql);
    admin("db-init", &tables, &[]).ok();
    let deleted = row(2, "", 1_802_000_000).replace(",3600,", ",0,");
    let file = write(
        folder.path(),
        "f",
        &format!("{HEADER}{deleted}{}10.0.0.8,torn", row(3, "f", 1_802_000_000)),
    );
    write(
        folder.path(),
        "f.2",
        &format!("{HEADER}{}{}", row(1, "2", 1_802_000_000), row(2, "2", 1_802_000_000)),
    );
    write(
        folder.path(),
        "f.1",
        &format!("{HEADER}{}{}", row(1, "1", 1_802_000_000), row(3, "1", 1_802_000_000)),
    );
    copy("memfile", "pgsql", &["-4", "-i", &file], &login(&tables)).ok();
    assert_eq!(tables.sql("SELECT hostname FROM lease4 ORDER BY address"), "1\nf\n");
    // What a clean-up has finished counts in place of its sources.
    write(folder.path(), "f.completed", &format!("{HEADER}{}", row(7, "c", 1_802_000_000)));
    let dump = path(folder.path(), "dump");
    plain(&["lease-dump", "memfile", "-4", "-n", &file, "-o", &dump]).ok();
    let text = fs::read_to_string(&dump).unwrap();
    assert_eq!(
        text,
        format!("{HEADER}{}{}", row(3, "f", 1_802_000_000), row(7, "c", 1_802_000_000))
    );
}

#[test]
fn uploads_to_a_lease_file_go_behind_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file =
        write(folder.path(), "f", &format!("{HEADER}{}10.0.0.8,torn", row(1, "a", 1_802_000_000)));
    let input = write(folder.path(), "in", &format!("{HEADER}{}", row(2, "b", 1_802_000_000)));
    plain(&["lease-upload", "memfile", "-4", "-n", &file, "-i", &input]).ok();
    let expected = format!("{HEADER}{}{}", row(1, "a", 1_802_000_000), row(2, "b", 1_802_000_000));
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    let new = path(folder.path(), "new");
    plain(&["lease-upload", "memfile", "-4", "-n", &new, "-i", &input]).ok();
    assert_eq!(
        fs::read_to_string(&new).unwrap(),
        format!("{HEADER}{}", row(2, "b", 1_802_000_000))
    );
    write(folder.path(), "new.pid", &std::process::id().to_string());
    let dump = path(folder.path(), "dump");
    for words in [
        &["lease-upload", "memfile", "-4", "-n", &new, "-i", &input][..],
        &["lease-dump", "memfile", "-4", "-n", &new, "-o", &dump],
        &["lease-copy", "memfile", "mysql", "-4", "-i", &new],
    ] {
        let said = plain(words);
        assert!(said.code == 1 && said.out.contains("clean-up"), "{}", said.out);
    }
    let none = plain(&["lease-upload", "memfile", "-4", "-n", &file, "-i", "/nowhere/x"]);
    assert!(none.code == 1 && none.out.contains("/nowhere/x"), "{}", none.out);
    let empty = write(folder.path(), "empty", HEADER);
    let said = plain(&["lease-upload", "memfile", "-4", "-n", &file, "-i", &empty]);
    assert!(said.code == 1 && said.out.contains("no leases"), "{}", said.out);
}

#[test]
fn dumps_are_taken_back_by_both_programs() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let (one, two, three) = (database(kind), database(kind), database(kind));
        for tables in [&one, &two, &three] {
            admin("db-init", tables, &[]).ok();
        }
        let four = row(1, "a&#x2cb", 1_802_000_000) + &row(2, "", 1_802_000_000);
        // Debian's script reads the IAID as a number with a sign, and MySQL's tables have none for it.
        let six = SIX.map(|row| row.replace(",4294967295,", ",429496729,"));
        // It takes no lease without a hardware address, whoever has dumped it.
        for (family, text, is_for_debian) in [
            ("-4", format!("{HEADER}{four}"), true),
            ("-6", format!("{HEADER6}{}", six.concat()), false),
            ("-6", format!("{HEADER6}{}", six[0]), true),
        ] {
            [&one, &two, &three].iter().for_each(|tables| drop(tables.sql("DELETE FROM lease6")));
            let file = |name: &str| {
                path(folder.path(), &format!("{}.{}{family}.{name}", one.name(), backend(kind)))
            };
            let begin = file("begin");
            fs::write(&begin, text).unwrap();
            admin("lease-upload", &one, &[family, "-i", &begin]).ok();
            let dump = file("csv");
            admin("lease-dump", &one, &[family, "-o", &dump, "-y"]).ok();
            admin("lease-upload", &two, &[family, "-i", &dump]).ok();
            if is_for_debian {
                debian("lease-upload", &three, &[family, "-i", &dump, "-y"]).ok();
            }
            for tables in [&two, &three].into_iter().take(1 + usize::from(is_for_debian)) {
                let again = file(&format!("again.{}", tables.name()));
                admin("lease-dump", tables, &[family, "-o", &again, "-y"]).ok();
                // Debian's script puts blanks into contexts.
                let read = |path| fs::read_to_string(path).unwrap().replace(' ', "");
                assert_eq!(read(&dump), read(&again), "{kind} {family}");
            }
        }
    }
}
