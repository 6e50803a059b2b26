//! Dumps beside those of Debian's script.

use std::os::unix::fs::PermissionsExt;

use db_testing::{Database, Schema};
use libdhcpsrv::config::SqlKind;

use crate::support::{KINDS, admin, admin_in_shell, database, debian, path};

/// Rows as servers write them: names with commas, contexts, a declined lease, an endless one, large numbers.
fn fill(tables: &Database) {
    let kind = tables.server().kind();
    let hex = |text: &str| match kind {
        SqlKind::Mysql => format!("X'{text}'"),
        SqlKind::Postgresql => format!(r"'\x{text}'"),
    };
    let time = |seconds: u32| match kind {
        SqlKind::Mysql => format!("FROM_UNIXTIME({seconds})"),
        SqlKind::Postgresql => format!("to_timestamp({seconds})"),
    };
    let flag = |on: bool| match kind {
        SqlKind::Mysql => u8::from(on).to_string(),
        SqlKind::Postgresql => on.to_string(),
    };
    let (yes, no) = (flag(true), flag(false));
    let (hw, id, duid) = (hex("0200000000AF"), hex("01FF00"), hex("00030001AABBCCDDEEFF"));
    let (t1, t2) = (time(1_800_003_600), time(1_700_000_000));
    tables.sql(&format!(
        r#"INSERT INTO lease4 (address, hwaddr, client_id, valid_lifetime, expire, subnet_id, fqdn_fwd, fqdn_rev,
                hostname, state, user_context) VALUES
            (3221225987, {hw}, {id}, 3600, {t1}, 4294967295, {yes}, {no}, 'a,b.example.org', 0,
                '{{"a":[1,2],"b":"c & d"}}'),
            (3221225986, {hw}, NULL, 3600, {t1}, 1, {no}, {yes}, '', 0, ''),
            (3221225988, NULL, NULL, 86400, {t2}, 1, {no}, {no}, '', 1, NULL),
            (3221225989, {hw}, {id}, 4294967295, {t2}, 1, {no}, {no}, 'endless', 2, NULL),
            (167772161, {hw}, {id}, 60, {t2}, 2, {yes}, {yes}, 'first', 0, NULL);
        INSERT INTO lease6 (address, duid, valid_lifetime, expire, subnet_id, pref_lifetime, lease_type, iaid,
                prefix_len, fqdn_fwd, fqdn_rev, hostname, hwaddr, state, user_context, hwtype, hwaddr_source) VALUES
            ('2001:db8::a', {duid}, 3600, {t1}, 1, 1800, 0, 7, 128, {yes}, {no}, 'x,y', {hw}, 0, '{{"a":[1,2]}}', 1, 2),
            ('2001:db8:1::', {duid}, 4294967295, {t2}, 2, 4294967295, 2, 2147483647, 56, {no}, {no}, '', {hw}, 2, '',
                1, 4),
            ('2001:db8::1:2', {}, 86400, {t2}, 1, 0, 0, 0, 128, {no}, {no}, '', {hw}, 1, NULL, 6, 1),
            ('2001:db8::b', {duid}, 3600, {t1}, 1, 1800, 0, 8, 128, {no}, {no}, '', NULL, 0, '', 0, 0);"#,
        hex("00")
    ));
}

#[test]
fn dumps_are_those_of_keas_script() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        for (schema, name) in [(Some(Schema::Debian), "debian"), (None, "ours")] {
            let tables = database(kind);
            match schema {
                Some(schema) => tables.create_schema(schema),
                None => drop(admin("db-init", &tables, &[]).ok()),
            }
            fill(&tables);
            for family in ["-4", "-6"] {
                let file = format!("dump.{kind}.{name}{family}");
                let (ours, theirs) =
                    (path(folder.path(), &file), path(folder.path(), &format!("{file}.debian")));
                let said = admin("lease-dump", &tables, &[family, "-o", &ours]).ok();
                assert!(said.out.contains("uccessfully dumped"), "{}", said.out);
                debian("lease-dump", &tables, &[family, "-o", &theirs]).ok();
                let read = |path| std::fs::read_to_string(path).unwrap();
                let (ours, theirs) = (read(&ours), read(&theirs));
                assert_eq!(ours, theirs, "{kind} {name} {family}");
                let rows = if family == "-4" { 5 } else { 4 };
                assert_eq!(ours.lines().count(), 1 + rows);
                assert!(ours.contains("&#x2c") && !ours.contains("pool_id"));
            }
        }
    }
}

#[test]
fn dumps_of_old_tables_have_what_the_tables_have() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let tables = database(kind);
        tables.sql(&crate::support::debian_versions(kind)[0].1);
        let (hex, time) = match kind {
            SqlKind::Mysql => ("X'00030001AABB'", "FROM_UNIXTIME(1800000000)"),
            SqlKind::Postgresql => (r"'\x00030001AABB'", "to_timestamp(1800000000)"),
        };
        tables.sql(&format!(
            "INSERT INTO lease6 (address, duid, valid_lifetime, expire, subnet_id, pref_lifetime, lease_type, iaid,
                    prefix_len, hostname)
                VALUES ('2001:db8::1', {hex}, 60, {time}, 1, 30, 0, 7, 128, 'h')"
        ));
        let file = path(folder.path(), &kind.to_string());
        admin("lease-dump", &tables, &["-6", "-o", &file]).ok();
        let dump = std::fs::read_to_string(&file).unwrap();
        let row = "2001:db8::1,00:03:00:01:aa:bb,60,1800000000,1,30,0,7,128,0,0,h,,0,,0,0";
        assert_eq!(dump.lines().nth(1), Some(row));
    }
}

#[test]
fn rows_that_no_server_would_write_are_told_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let tables = database(kind);
        admin("db-init", &tables, &[]).ok();
        fill(&tables);
        let hex = if kind == SqlKind::Mysql { "X'020000000001'" } else { r"'\x020000000001'" };
        tables.sql(&format!(
            "INSERT INTO lease4 (address, hwaddr, valid_lifetime, expire, subnet_id) VALUES (1, {hex}, NULL, NULL, 1);
             INSERT INTO lease6 (address, duid, valid_lifetime, expire, subnet_id, lease_type, iaid, prefix_len)
                VALUES ('no address', {hex}, 60, '2027-01-15 08:00:00', 1, 0, 1, 128);"
        ));
        for (family, rows, key) in [("-4", 5, "0.0.0.1"), ("-6", 4, "no address")] {
            let file = path(folder.path(), &format!("{kind}{family}"));
            let said = admin("lease-dump", &tables, &[family, "-o", &file]);
            assert_eq!(said.code, 3, "{said:?}");
            assert!(said.err.contains(key), "{}", said.err);
            assert!(said.out.contains("1 rows could not be used"), "{}", said.out);
            assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1 + rows);
        }
    }
}

#[test]
fn files_are_overwritten_on_request_alone() {
    let folder = tempfile::tempdir().unwrap();
    let tables = database(SqlKind::Mysql);
    admin("db-init", &tables, &[]).ok();
    let file = path(folder.path(), "leases");
    std::fs::write(&file, "precious").unwrap();
    let said = admin("lease-dump", &tables, &["-4", "-o", &file]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("exists and will be overwritten") && said.out.contains("aborted by user")
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    admin("lease-dump", &tables, &["-4", "-o", &file, "-y"]).ok();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("address,hwaddr"));
    for (words, reason) in [(&["-4"][..], "output file"), (&["-o", "x"], "-4 or -6")] {
        let said = admin("lease-dump", &tables, words);
        assert!(said.code == 1 && said.out.contains(reason), "{}", said.out);
    }
    // A link stays a link, and the file stays for whom it was.
    let link = path(folder.path(), "link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::write(&file, "old").unwrap();
    admin("lease-dump", &tables, &["-4", "-o", &link, "-y"]).ok();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("address,hwaddr"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    std::fs::remove_file(&link).unwrap();
    let said = admin("lease-dump", &tables, &["-4", "-o", "/dev/stdout"]).ok();
    assert!(said.out.starts_with("address,hwaddr") && said.out.lines().count() == 1, "{said:?}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn what_is_redirected_gets_leases_alone_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let tables = database(SqlKind::Mysql);
    admin("db-init", &tables, &[]).ok();
    fill(&tables);
    tables.sql("INSERT INTO lease4 (address, valid_lifetime, subnet_id) VALUES (1, NULL, 1)");
    let file = path(folder.path(), "all.csv");
    let expected = path(folder.path(), "expected");
    assert_eq!(admin("lease-dump", &tables, &["-4", "-o", &expected]).code, 3);
    let expected = std::fs::read_to_string(&expected).unwrap();
    assert_eq!(expected.lines().count(), 6);
    for redirected in [
        "-o /dev/stdout >> FILE",
        "-o /dev/fd/1 >> FILE",
        "-o /proc/self/fd/1 >> FILE",
        "-o FILE >> FILE",
        "-o /dev/fd/3 3>> FILE",
        "-o /dev/fd/3 3< FILE",
        "-o /dev/stdout | cat >> FILE",
        "-o PIPE & cat PIPE >> FILE; wait",
    ] {
        std::fs::write(&file, "precious\n").unwrap();
        let pipe = path(folder.path(), "pipe");
        let line = format!("\"$@\" -4 {redirected}").replace("FILE", &file).replace("PIPE", &pipe);
        let said =
            admin_in_shell(&format!("mkfifo {pipe}; {line}; rm {pipe}"), "lease-dump", &tables);
        let content = std::fs::read_to_string(&file).unwrap();
        assert_eq!(content, format!("precious\n{expected}"), "{redirected}: {said:?}");
        assert_eq!(said.out, "", "{redirected}");
        for message in ["the value of KEA_ADMIN_DB_PASSWORD", "uccessfully dumped", "1 rows could"]
        {
            assert!(said.err.contains(message), "{redirected}: {}", said.err);
        }
    }
    // Where somebody writes on is behind the dump.
    let line = format!("{{ echo begin; \"$@\" -4 -o /dev/stdout; echo end; }} > {file}");
    admin_in_shell(&line, "lease-dump", &tables);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("begin\n{expected}end\n"));
    // Nobody can be asked for the password.
    let line = format!("\"$@\" -4 -o /dev/stdout -p > {file}");
    let said = admin_in_shell(&line, "lease-dump", &tables);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
    assert!(said.err.contains("Non-interactive tty") && said.err.contains("ERROR"), "{said:?}");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
}

#[test]
fn links_that_lead_to_nothing_stay_links() {
    let folder = tempfile::tempdir().unwrap();
    let tables = database(SqlKind::Mysql);
    admin("db-init", &tables, &[]).ok();
    let (link, file) = (folder.path().join("link"), folder.path().join("leases"));
    std::os::unix::fs::symlink("leases", &link).unwrap();
    admin("lease-dump", &tables, &["-4", "-o", &link.display().to_string()]).ok();
    assert!(link.is_symlink() && !file.is_symlink());
    let no_folder = path(folder.path(), "folder/");
    assert_eq!(admin("lease-dump", &tables, &["-4", "-o", &no_folder]).code, 1);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("address,hwaddr"));
}
