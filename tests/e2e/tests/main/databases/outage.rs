//! The database is not there: at the start, suddenly, for a while, for ever; and comes back.

use super::life::is_informed;
use super::*;

claims! {
    a_database_missing_at_the_start_ends_it
    a_start_waits_for_the_database_when_told_to
    a_start_gives_up_after_the_tries_that_it_was_granted
    a_signal_ends_a_start_that_waits_for_the_database
    without_tries_a_lost_database_ends_the_server
    stop_retry_exit_is_silent_until_the_database_is_back
    stop_retry_exit_ends_when_all_tries_have_failed
    serve_retry_exit_serves_what_needs_no_lease_and_ends
    serve_retry_continue_goes_on_after_all_tries
    a_database_that_restarts_while_nobody_asks_is_not_missed
    a_paused_database_is_waited_for
    a_database_that_turns_read_only_is_followed
}

/// Members that grant so many tries, 50 ms apart.
fn tries(count: u32, on_fail: &str) -> Vec<String> {
    vec![
        format!("\"max-reconnect-tries\": {count}"),
        "\"reconnect-wait-time\": 50".to_owned(),
        format!("\"on-fail\": \"{on_fail}\""),
    ]
}

/// The usual configuration, with what is done when the database is away.
fn config(site: Site, net: &Net, victim: &Victim, more: &[String]) -> Config {
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    site.config(net, victim.database(), &more)
}

/// A server that has given a lease, and the client.
fn served(site: Site, more: &[String]) -> (Victim, Net, Server, EitherPeer) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    let server = Server::start(&net, &config(site, &net, &victim, more));
    let mut peer = EitherPeer::new(&net);
    peer.acquire();
    (victim, net, server, peer)
}

/// Asks until a server has ended, which notices a loss when it needs the database; returns its exit code.
#[track_caller]
fn ask_until_ended(server: &mut Server, peer: &mut EitherPeer) -> Option<i32> {
    wait::until(wait::secs(20), "the server ends", || {
        peer.ask_in_vain();
        std::thread::sleep(Duration::from_millis(20));
        server.process.status().is_some()
    });
    server.process.status().and_then(|status| status.code())
}

/// Asserts that a lost connection has been told and that the server has ended because of it.
#[track_caller]
fn assert_ended_by_loss(server: &mut Server, code: Option<i32>, victim: &Victim) {
    let log = server.log();
    assert_eq!(code, Some(1), "{log}");
    for end in ["DB_RECONNECT_LOST_CONNECTION", "DB_RECONNECT_FAILED", "SERVER_FAILED"] {
        assert!(log.contains(&server.family.log_id(end)), "{end}:\n{log}");
    }
    assert!(log.contains(&format!("{} database", victim.server().kind())), "{log}");
    assert!(!server.files.pid.exists(), "the pid file is removed");
    assert_no_secret(server, victim.database());
}

fn a_database_missing_at_the_start_ends_it(site: Site) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    // Tries are for a database that was there once, unless it is said otherwise.
    let more = tries(1000, "serve-retry-continue");
    victim.server().kill();
    let mut server = Server::spawn(&net.server, net.path(), &config(site, &net, &victim, &more));
    let log = refused(&mut server);
    assert!(log.contains(&format!("{} database", site.kind)), "{log}");
    assert!(!log.contains("DHCPSRV_SQL_START_RETRY"), "{log}");
    assert_no_secret(&server, victim.database());
}

fn a_start_waits_for_the_database_when_told_to(site: Site) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    let mut more = tries(100_000, "stop-retry-exit");
    more.push("\"retry-on-startup\": true".to_owned());
    victim.server().kill();
    let mut server = Server::spawn(&net.server, net.path(), &config(site, &net, &victim, &more));
    server.wait_log("DHCPSRV_SQL_START_RETRY", wait::secs(10));
    assert!(server.process.status().is_none());
    victim.server().start_again();
    server.wait_started();
    EitherPeer::new(&net).acquire();
    assert_eq!(site.rows(victim.database()).len(), 1);
    assert_no_secret(&server, victim.database());
    assert!(server.stop().success());
}

fn a_start_gives_up_after_the_tries_that_it_was_granted(site: Site) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    let mut more = tries(3, "serve-retry-continue");
    more.push("\"retry-on-startup\": true".to_owned());
    victim.server().kill();
    let mut server = Server::spawn(&net.server, net.path(), &config(site, &net, &victim, &more));
    let log = refused(&mut server);
    assert_eq!(log.matches("DHCPSRV_SQL_START_RETRY").count(), 3, "{log}");
    assert_no_secret(&server, victim.database());
}

fn a_signal_ends_a_start_that_waits_for_the_database(site: Site) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    let mut more = tries(100_000, "stop-retry-exit");
    more.push("\"retry-on-startup\": true".to_owned());
    // Not in the next minute.
    more[1] = "\"reconnect-wait-time\": 60000".to_owned();
    victim.server().kill();
    let mut server = Server::spawn(&net.server, net.path(), &config(site, &net, &victim, &more));
    server.wait_log("DHCPSRV_SQL_START_RETRY", wait::secs(10));
    let asked = Instant::now();
    server.process.signal("TERM");
    let status = server.process.wait_end(START);
    assert!(asked.elapsed() < wait::secs(10));
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(server.log().contains(&site.family.log_id("SHUTDOWN")), "{}", server.log());
    assert!(!server.files.pid.exists(), "the pid file is removed");
    assert_no_secret(&server, victim.database());
}

fn without_tries_a_lost_database_ends_the_server(site: Site) {
    for on_fail in ["stop-retry-exit", "serve-retry-exit"] {
        let (victim, _net, mut server, mut peer) = served(site, &tries(0, on_fail));
        victim.server().kill();
        let code = ask_until_ended(&mut server, &mut peer);
        assert_ended_by_loss(&mut server, code, &victim);
        // Not one try was granted.
        assert!(!server.log().contains(&site.family.log_id("DB_RECONNECT_ATTEMPT_FAILED")));
    }
}

fn stop_retry_exit_is_silent_until_the_database_is_back(site: Site) {
    let (victim, net, mut server, mut peer) = served(site, &tries(100_000, "stop-retry-exit"));
    victim.server().kill();
    peer.ask_in_vain();
    server.wait_log(&site.family.log_id("DB_RECONNECT_LOST_CONNECTION"), wait::secs(10));
    server.wait_log(&site.family.log_id("DB_RECONNECT_ATTEMPT_FAILED"), wait::secs(10));
    assert!(!is_informed(&net, &mut peer), "it is not to serve meanwhile");
    victim.server().start_again();
    let ready = Instant::now();
    peer.until_offered_an_address(wait::secs(20));
    eprintln!("{site:?}: serves {:?} after the database", ready.elapsed());
    server.wait_log(&site.family.log_id("DB_RECONNECT_SUCCEEDED"), wait::secs(10));
    assert!(is_informed(&net, &mut peer));
    peer.acquire();
    assert_eq!(site.rows(victim.database()).len(), 1);
    assert_no_secret(&server, victim.database());
    assert!(server.stop().success());
}

fn stop_retry_exit_ends_when_all_tries_have_failed(site: Site) {
    let (victim, _net, mut server, mut peer) = served(site, &tries(3, "stop-retry-exit"));
    victim.server().kill();
    let code = ask_until_ended(&mut server, &mut peer);
    assert_ended_by_loss(&mut server, code, &victim);
    assert!(server.log().contains(&site.family.log_id("DB_RECONNECT_ATTEMPT_FAILED")));
}

fn serve_retry_exit_serves_what_needs_no_lease_and_ends(site: Site) {
    // Two seconds.
    let (victim, net, mut server, mut peer) = served(site, &tries(40, "serve-retry-exit"));
    victim.server().kill();
    peer.ask_in_vain();
    server.wait_log(&site.family.log_id("DB_RECONNECT_LOST_CONNECTION"), wait::secs(10));
    // Until then the client's query waits, and another one would be dropped for it.
    server.wait_log(&site.family.log_id("DB_RECONNECT_ATTEMPT_FAILED"), wait::secs(10));
    assert!(is_informed(&net, &mut peer), "this needs no lease");
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)));
    let code = ask_until_ended(&mut server, &mut peer);
    assert_ended_by_loss(&mut server, code, &victim);
}

fn serve_retry_continue_goes_on_after_all_tries(site: Site) {
    let (victim, net, mut server, mut peer) = served(site, &tries(2, "serve-retry-continue"));
    victim.server().kill();
    peer.ask_in_vain();
    server.wait_log(&site.family.log_id("DB_RECONNECT_FAILED"), wait::secs(10));
    assert!(is_informed(&net, &mut peer), "this needs no lease");
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)));
    victim.server().start_again();
    let ready = Instant::now();
    peer.until_offered_an_address(wait::secs(20));
    eprintln!("{site:?}: serves {:?} after the database", ready.elapsed());
    peer.acquire();
    server.wait_log(&site.family.log_id("DB_RECONNECT_SUCCEEDED"), wait::secs(10));
    let told = server.log().matches(&site.family.log_id("DB_RECONNECT_FAILED")).count();
    assert!(told <= 3, "it does not say it again and again:\n{}", server.log());
    assert_no_secret(&server, victim.database());
    assert!(server.stop().success());
}

fn a_database_that_restarts_while_nobody_asks_is_not_missed(site: Site) {
    let (victim, _net, mut server, mut peer) = served(site, &tries(100, "stop-retry-exit"));
    let given = peer.acquire();
    for _ in 0..2 {
        victim.server().kill();
        victim.server().start_again();
        // The first query after it finds connections that are dead, and is answered nevertheless.
        assert!(peer.is_offered_an_address(wait::secs(5)));
        assert_eq!(peer.acquire(), given);
    }
    assert!(server.process.status().is_none());
    assert_eq!(site.rows(victim.database()).len(), 1);
    assert!(server.stop().success());
}

fn a_paused_database_is_waited_for(site: Site) {
    let mut more = tries(100_000, "stop-retry-exit");
    if site.kind == SqlKind::Mysql {
        more.push("\"read-timeout\": 1".to_owned());
    }
    more.push("\"connect-timeout\": 1".to_owned());
    let (victim, net, mut server, mut peer) = served(site, &more);
    let given = peer.acquire();
    victim.server().pause();
    assert!(!peer.is_offered_an_address(Duration::from_millis(500)));
    if site.kind == SqlKind::Mysql {
        // It tells, in place of waiting in silence for ever.
        server.wait_log(&site.family.log_id("DB_RECONNECT_LOST_CONNECTION"), wait::secs(15));
        server.wait_log(&site.family.log_id("DB_RECONNECT_ATTEMPT_FAILED"), wait::secs(15));
        assert!(!is_informed(&net, &mut peer), "it is not to serve meanwhile");
    }
    victim.server().resume();
    let ready = Instant::now();
    peer.until_offered_an_address(wait::secs(20));
    eprintln!("{site:?}: serves {:?} after the pause", ready.elapsed());
    assert_eq!(peer.acquire(), given);
    assert!(is_informed(&net, &mut peer));
    // And it can be ended while the database stands still.
    victim.server().pause();
    peer.ask_in_vain();
    server.process.signal("TERM");
    let asked = Instant::now();
    let ended = wait::within(START, || server.process.status().is_some());
    victim.server().resume();
    assert!(ended.is_some(), "it does not end:\n{}", server.log());
    eprintln!("{site:?}: ends {:?} after the signal", asked.elapsed());
    assert_no_secret(&server, victim.database());
}

/// Makes a server read-only for everybody but its administrator, or ends that.
fn set_read_only(victim: &Victim, on: bool) {
    let word = if on { "ON" } else { "OFF" };
    let words = match victim.server().kind() {
        SqlKind::Mysql => format!("SET GLOBAL read_only = {word};\n"),
        SqlKind::Postgresql => format!(
            "ALTER SYSTEM SET default_transaction_read_only = {word};\nSELECT pg_reload_conf();\n"
        ),
    };
    victim.server().sql(None, &words);
}

/// Ends what [`set_read_only`] began, however a claim ends: a restart of the database would not.
struct Writable<'v>(&'v Victim);

impl Drop for Writable<'_> {
    fn drop(&mut self) {
        set_read_only(self.0, false);
    }
}

fn a_database_that_turns_read_only_is_followed(site: Site) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    let more = tries(100_000, "serve-retry-continue");
    let config = config(site, &net, &victim, &more);
    let writable = Writable(&victim);
    set_read_only(&victim, true);
    let mut server = Server::spawn(&net.server, net.path(), &config);
    let log = refused(&mut server);
    assert!(log.contains("read-only") || log.contains("only be read"), "{log}");
    set_read_only(&victim, false);
    let mut server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let given = peer.acquire();
    let before = site.row(victim.database(), given);
    let mut rows = BTreeMap::from([(given.to_string(), before)]);
    set_read_only(&victim, true);
    let mut client = 8;
    peer.become_client(client);
    // A failed-over database: nothing is acknowledged that is not stored, and another server is looked for. A session of
    // PostgreSQL may hear a little later that it is read-only.
    wait::until(wait::secs(15), "the loss is told", || {
        if peer.is_offered_an_address(Duration::from_millis(100)) {
            let given = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| peer.acquire()));
            if let Ok(given) = given {
                rows.insert(given.to_string(), site.row(victim.database(), given));
                client += 1;
                peer.become_client(client);
            }
        }
        server.log().contains(&site.family.log_id("DB_RECONNECT_LOST_CONNECTION"))
    });
    assert_eq!(site.rows(victim.database()), rows);
    set_read_only(&victim, false);
    // Reads went on all the time, so an offer tells nothing.
    server.wait_log(&site.family.log_id("DB_RECONNECT_SUCCEEDED"), wait::secs(20));
    peer.acquire();
    assert_eq!(site.rows(victim.database()).len(), rows.len() + 1);
    assert_no_secret(&server, victim.database());
    drop(writable);
    assert!(server.stop().success());
}
