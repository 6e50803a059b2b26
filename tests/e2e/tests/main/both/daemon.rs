//! A daemon of either family as an administrator meets it: command line, pid file, signals, log.

use std::fs;

use e2e::prelude::*;
use e2e::server::{Files, START, run_program};

pub(crate) fn version_flags_print_and_succeed(family: Family) {
    let folder = tempfile::tempdir().expect("temporary folder");
    for flag in ["-v", "-V", "-W"] {
        let (code, out, _) = run_program(family, folder.path(), &[flag]);
        assert_eq!(code, Some(0), "{flag}");
        assert!(!out.trim().is_empty(), "{flag}");
    }
    let (_, out, _) = run_program(family, folder.path(), &["-v"]);
    assert!(out.trim().starts_with(|first: char| first.is_ascii_digit()), "{out}");
}

pub(crate) fn wrong_command_lines_fail_with_usage(family: Family) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lines: [&[&str]; 5] =
        [&[], &["-q"], &["-c"], &["-c", "/dev/null", "-p", "70000"], &["-c", "/dev/null", "extra"]];
    for line in lines {
        let (code, out, err) = run_program(family, folder.path(), line);
        assert_eq!(code, Some(1), "{line:?}");
        assert!((out + &err).to_lowercase().contains("usage"), "{line:?}");
    }
}

pub(crate) fn bad_configuration_ends_the_start_with_status_1(family: Family) {
    let net = Net::pair_of(family);
    let mut config = Config::of(family, net.path());
    config.subnets = vec!["{ \"subnet\": 5 }".into()];
    let mut server = Server::spawn(&net.server, net.path(), &config);
    assert_eq!(server.process.wait_end(START).code(), Some(1));
    let log = server.log();
    assert!(
        log.contains(&family.log_id("INIT_FAIL"))
            || log.contains(&family.log_id("CONFIG_LOAD_FAIL")),
        "{log}"
    );
    assert!(log.contains("failed to initialize Kea server"), "{log}");
    assert!(!server.files.pid.exists());
}

pub(crate) fn term_and_int_end_the_server_in_good_order(family: Family) {
    for signal in ["TERM", "INT"] {
        let net = Net::pair_of(family);
        let mut server = Server::start(&net, &Config::of(family, net.path()));
        assert!(server.files.pid.exists());
        server.process.signal(signal);
        assert_eq!(server.process.wait_end(START).code(), Some(0), "{signal}");
        assert!(!server.files.pid.exists(), "the pid file is removed");
        assert!(server.log().contains(&family.log_id("SHUTDOWN")));
    }
}

pub(crate) fn pid_file_names_the_process_and_refuses_a_second_start(family: Family) {
    let net = Net::pair_of(family);
    let config = Config::of(family, net.path());
    let server = Server::start(&net, &config);
    let pid = fs::read_to_string(&server.files.pid).expect("pid file");
    assert_eq!(pid.trim(), server.process.pid().to_string());
    let mut command = net.server.command(family.program());
    server.files.environment(&mut command).arg("-c").arg(&server.files.config);
    let second = command.output().expect("the program starts");
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stdout) + String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("already running"), "{said}");
    assert!(said.contains(pid.trim()), "{said}");
    assert!(server.files.pid.exists(), "the file of the first one stays");
    EitherPeer::new(&net).acquire();
}

pub(crate) fn stale_pid_file_is_replaced(family: Family) {
    let net = Net::pair_of(family);
    fs::write(Files::new(net.path(), family).pid, "4194304\n").expect("written");
    let server = Server::start(&net, &Config::of(family, net.path()));
    let pid = fs::read_to_string(&server.files.pid).expect("pid file");
    assert_eq!(pid.trim(), server.process.pid().to_string());
}

pub(crate) fn log_goes_to_its_file_in_kea_s_line_format_by_severity(family: Family) {
    let net = Net::pair_of(family);
    let path = net.path().join("own.log");
    let mut config = Config::of(family, net.path());
    config.global.push(format!("\"user-context\": {{ \"log\": \"{}\" }}", path.display()));
    let text = config
        .json()
        .replace("\"output\": \"stdout\"", &format!("\"output\": \"{}\"", path.display()));
    fs::write(Files::new(net.path(), family).config, &text).expect("written");
    let files = Files::new(net.path(), family);
    let mut command = net.server.command(family.program());
    files.environment(&mut command).arg("-c").arg(&files.config);
    let server = e2e::process::Running::start(&mut command, &files.log);
    wait::until(START, "the log file tells of the start", || {
        fs::read_to_string(&path).unwrap_or_default().contains(&family.log_id("STARTED"))
    });
    EitherPeer::new(&net).acquire();
    let log = fs::read_to_string(&path).expect("log file");
    let line = log
        .lines()
        .find(|line| line.contains(&family.log_id("LEASE_ALLOC")))
        .expect("the lease is logged");
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(
        (words[0].len(), words[1].len()),
        ("2026-01-01".len(), "00:00:00.000".len()),
        "{line}"
    );
    assert_eq!(words[2], "INFO");
    assert!(
        words[3].starts_with(&format!("[{}.leases/{}", family.program_name(), server.pid())),
        "{line}"
    );
    let client = match family {
        Family::V4 => "[hwtype=1 02:00:00:00:00:02]",
        Family::V6 => "[00:03:00:01:02:00:00:00:00:02]",
    };
    assert!(line.contains(client), "{line}");
    assert!(!log.contains(" DEBUG "));
    assert!(log.contains("version") && log.contains(" started"));
}

pub(crate) fn debug_flag_overrides_the_configured_severity(family: Family) {
    let net = Net::pair_of(family);
    let mut config = Config::of(family, net.path());
    config.severity = ("ERROR", 0);
    let files = Files::new(net.path(), family);
    fs::write(&files.config, config.json()).expect("written");
    let mut command = net.server.command(family.program());
    files.environment(&mut command).arg("-d").arg("-c").arg(&files.config);
    let mut server = e2e::process::Running::start(&mut command, &files.log);
    server.wait_text(&family.log_id("STARTED"), START);
    EitherPeer::new(&net).acquire();
    server.wait_text(" DEBUG ", wait::secs(3));
    server.wait_text(&family.log_id("LEASE_ALLOC"), wait::secs(3));
    // The way of a packet through the server.
    for end in ["PACKET_RECEIVED", "SUBNET_SELECTED", "PACKET_SEND"] {
        server.wait_text(&family.log_id(end), wait::secs(3));
    }
}

pub(crate) fn severity_warn_silences_information(family: Family) {
    let net = Net::pair_of(family);
    let mut config = Config::of(family, net.path());
    config.severity = ("WARN", 0);
    let server = Server::spawn(&net.server, net.path(), &config);
    let mut peer = EitherPeer::new(&net);
    peer.until_served(START);
    peer.acquire();
    assert!(!server.log().contains(&family.log_id("LEASE_ALLOC")));
}

pub(crate) fn refused_query_is_explained_with_client_and_interface(family: Family) {
    let net = Net::pair_of(family);
    let mut config = Config::of(family, net.path());
    let (subnet, pool) = match family {
        Family::V4 => ("10.9.0.0/24", "10.9.0.100 - 10.9.0.199"),
        Family::V6 => ("2001:db8:9::/64", "2001:db8:9::100 - 2001:db8:9::199"),
    };
    config.subnets = vec![pool_subnet(1, subnet, pool, "")];
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let limit = Duration::from_millis(300);
    assert!(!peer.is_offered_an_address(limit));
    wait::until(wait::secs(3), "one INFO line about the query", || {
        server.log().lines().any(|line| {
            line.contains(" INFO ") && line.contains("02:00:00:00:00:02") && line.contains("srv0")
        })
    });
    // Many of them must not fill the disk.
    let before = server.log().lines().count();
    for _ in 0..2000 {
        peer.ask_in_vain();
    }
    peer.is_offered_an_address(limit);
    let lines = server.log().lines().count() - before;
    assert!(lines < 500, "{lines} lines for 2000 refused queries");
}
