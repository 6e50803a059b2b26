//! Explanations: what the server tells about its decisions, to whom, and to nobody else.

use std::fmt::Write;
use std::net::Ipv4Addr;

use libdhcp::v4::{MessageType, code};
use libdhcpsrv::explain::Style;
use libdhcpsrv::server::DhcpServer;

use crate::stand::{
    OTHER_ADDRESS, Query, SERVER, SMALL, Stand, discover, query, rebooting, renewing, selecting,
};

/// A site with everything that decides about a client.
pub(crate) const SITE: &str = r#""valid-lifetime": 4000, "min-valid-lifetime": 1000, "max-valid-lifetime": 8000,
    "option-data": [ { "name": "domain-name-servers", "data": "192.0.2.53, 192.0.2.54" },
        { "name": "log-servers", "data": "192.0.2.60", "always-send": true } ],
    "client-classes": [
        { "name": "ups", "test": "substring(option[60].hex, 0, 4) == 'APC '" },
        { "name": "windows", "test": "substring(option[60].hex, 0, 4) == 'MSFT'", "next-server": "192.0.2.99",
          "option-data": [ { "name": "domain-name", "data": "example.org" } ] } ],
    "subnet4": [
        { "id": 2, "subnet": "192.0.2.0/25", "client-classes": [ "ups" ] },
        { "id": 1, "subnet": "192.0.2.0/24",
          "option-data": [ { "name": "routers", "data": "192.0.2.1" } ],
          "pools": [ { "pool": "192.0.2.10 - 192.0.2.19", "client-classes": [ "ups" ] },
                     { "pool": "192.0.2.20 - 192.0.2.29" } ],
          "reservations": [ { "hw-address": "02:00:00:00:00:09", "ip-address": "192.0.2.100",
                              "hostname": "printer" } ] } ]"#;

impl Stand {
    /// A server that explains everything.
    fn explaining(members: &str) -> Self {
        let mut stand = Self::new(members);
        stand.server.explain_everything();
        stand
    }

    /// Sends a query; shows what the server tells.
    fn explain(&mut self, query: &Query) -> String {
        self.ask(query);
        let explanation = self.server.take_explanation().expect("everything is explained");
        explanation.page(Style::default())
    }

    /// Sends a query; shows what the server tells of one topic, without columns.
    fn explain_topic(&mut self, topic: &str, query: &Query) -> Vec<String> {
        self.ask(query);
        let lines = self.server.take_explanation().expect("everything is explained").lines();
        let of_topic = lines.iter().filter_map(|line| line.strip_prefix(topic)?.strip_prefix(": "));
        of_topic.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

/// The client of the manual.
pub(crate) fn windows() -> Query {
    let wanted = [code::SUBNET_MASK, code::ROUTERS, code::DOMAIN_NAME_SERVERS, 15, 44];
    discover(1).option(code::VENDOR_CLASS_IDENTIFIER, b"MSFT 5.0").wants(&wanted)
}

#[test]
fn a_decision_is_told_from_the_query_to_the_answer() {
    let mut stand = Stand::explaining(SITE);
    insta::assert_snapshot!("discover", stand.explain(&windows()));
    let request = windows().kind(MessageType::Request).server(SERVER);
    let request = request.requested(Ipv4Addr::new(192, 0, 2, 20));
    insta::assert_snapshot!(
        "request",
        stand.explain(&request.option(code::LEASE_TIME, &[0, 1, 0, 0]))
    );
    insta::assert_snapshot!("host", stand.explain(&discover(9)));
}

#[test]
fn the_manual_shows_what_the_server_says() {
    let manual = include_str!("../../../../doc/explain.md");
    let page = Stand::explaining(SITE).explain(&windows());
    assert!(manual.contains(&format!("\n{page}")), "doc/explain.md should have:\n{page}");
}

#[test]
fn tests_of_classes_are_true_false_or_without_a_result() {
    let members = r#""client-classes": [
            { "name": "all", "test": "option[53].exists" },
            { "name": "short", "test": "int16totext(option[60].hex) == '1'" },
            { "name": "other", "test": "pkt4.giaddr == 10.0.0.1" },
            { "name": "known", "test": "member('KNOWN')" },
            { "name": "given" },
            { "name": "late", "test": "option[53].exists", "only-in-additional-list": true },
            { "name": "later", "test": "member('late')", "only-in-additional-list": true } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "evaluate-additional-classes": [ "late" ],
            "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ],
            "reservations": [ { "hw-address": "02:00:00:00:00:09", "client-classes": [ "given" ] } ] } ]"#;
    let mut stand = Stand::explaining(members);
    let classes = stand.explain_topic("Classes", &discover(1).option(60, b"abc"));
    insta::assert_snapshot!("classes", classes.join("\n"));
    let classes = stand.explain_topic("Classes", &discover(9));
    insta::assert_snapshot!("classes_of_a_host", classes.join("\n"));
}

#[test]
fn addresses_are_told_with_what_is_leased_there() {
    let members = r#""valid-lifetime": 4000, "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
        "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ], "reservations": [
        { "hw-address": "02:00:00:00:00:09", "ip-address": "192.0.2.11" } ] } ]"#;
    let mut stand = Stand::explaining(members);
    let mut report = String::new();
    let mut lease = |stand: &mut Stand, what: &str, query: Query| {
        let lines = stand.explain_topic("Lease", &query);
        writeln!(report, "{what}\n    {}", lines.join("\n    ")).expect("a string takes all text");
    };
    let address = |last| Ipv4Addr::new(192, 0, 2, last);
    let asking = |client, last| discover(client).requested(address(last));
    lease(&mut stand, "nothing is known of the client", discover(1));
    lease(&mut stand, "what was offered is offered again", discover(1));
    lease(&mut stand, "it asks for what is in no pool", asking(1, 200));
    lease(&mut stand, "it asks for what is reserved", asking(2, 11));
    lease(&mut stand, "it requests what is reserved", selecting(2, [192, 0, 2, 11]));
    lease(&mut stand, "it requests its address", selecting(1, [192, 0, 2, 10]));
    lease(&mut stand, "it has a lease", discover(1));
    lease(&mut stand, "it asks for the lease of another", asking(2, 10));
    lease(&mut stand, "it requests the lease of another", selecting(2, [192, 0, 2, 10]));
    lease(&mut stand, "another moves", selecting(1, [192, 0, 2, 12]));
    lease(&mut stand, "it renews", renewing(1, [192, 0, 2, 12]));
    lease(&mut stand, "its host has a reserved address", discover(9));
    lease(&mut stand, "it requests another than the reserved one", selecting(9, [192, 0, 2, 10]));
    lease(&mut stand, "it takes it", selecting(9, [192, 0, 2, 11]));
    let decline = query(MessageType::Decline, 9).server(SERVER).requested(address(11));
    lease(&mut stand, "it declines it", decline);
    lease(&mut stand, "it is kept back", discover(9));
    lease(&mut stand, "somebody takes the last one", selecting(3, [192, 0, 2, 10]));
    lease(&mut stand, "nothing is left", discover(4));
    let release =
        |client| query(MessageType::Release, client).server(SERVER).ciaddr([192, 0, 2, 12]);
    lease(&mut stand, "a stranger releases", release(2).unicast([192, 0, 2, 12]));
    lease(&mut stand, "the owner releases", release(1).unicast([192, 0, 2, 12]));
    lease(&mut stand, "it remembers an address", rebooting(5, [192, 0, 2, 12]));
    insta::assert_snapshot!("leases", report);
}

#[test]
fn options_that_are_not_sent_are_explained() {
    let members = r#""client-classes": [ { "name": "gold", "test": "option[60].exists" } ],
        "option-data": [ { "name": "log-servers", "data": "192.0.2.60", "never-send": true },
            { "name": "time-servers", "data": "192.0.2.61", "client-classes": [ "gold" ] },
            { "name": "boot-size", "data": "7" }, { "code": 230, "data": "00ff" } ],
        "next-server": "192.0.2.7", "boot-file-name": "image", "server-hostname": "boot",
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ] } ]"#;
    let mut stand = Stand::explaining(members);
    let query = discover(1).wants(&[7, 4, 13, 230, 51, 58, 200, 201]);
    insta::assert_snapshot!("options", stand.explain_topic("Options", &query).join("\n"));
    let nak = selecting(1, [192, 0, 2, 99]).wants(&[7, 4]);
    insta::assert_snapshot!("options_of_a_nak", stand.explain_topic("Options", &nak).join("\n"));
}

#[test]
fn silence_and_refusals_are_explained() {
    let mut stand = Stand::explaining(SMALL);
    let inform = query(MessageType::Inform, 1);
    let mut unknown = discover(1);
    unknown.message.replace(code::MESSAGE_TYPE, [99]);
    let foreign = selecting(1, [192, 0, 2, 10]).to(OTHER_ADDRESS);
    let mut report = String::new();
    for (what, query) in [
        ("an unknown type", unknown),
        ("a type of servers", query(MessageType::Offer, 1)),
        ("another server", query(MessageType::Request, 1).server(Ipv4Addr::new(10, 0, 0, 9))),
        ("no subnet", discover(1).received_at(OTHER_ADDRESS)),
        ("no return address", inform),
        ("a server identifier", discover(1).server(SERVER)),
        ("no identity", discover(1).hardware(1, &[])),
        ("nothing declined", query(MessageType::Decline, 1).server(SERVER)),
        ("not remembered", rebooting(1, [192, 0, 2, 10])),
        ("no lease", query(MessageType::Release, 1).ciaddr([192, 0, 2, 10])),
        ("through an unknown relay", discover(1).relayed([10, 9, 0, 1])),
        ("a request for nothing here", selecting(1, [192, 0, 2, 99])),
        ("an answer", foreign),
    ] {
        let lines = stand.explain_topic("Answer", &query);
        writeln!(report, "{what}: {}", lines.join(" | ")).expect("a string takes all text");
    }
    stand.ask_bytes(b"rubbish", &discover(1));
    let rubbish = stand.server.take_explanation().expect("everything is explained");
    writeln!(report, "rubbish: {}", rubbish.lines().join(" | ")).expect("a string takes all text");
    for client in 1..=3 {
        stand.bind(&discover(client));
    }
    let lines = stand.explain_topic("Lease", &discover(4));
    writeln!(report, "exhausted: {}", lines.join(" | ")).expect("a string takes all text");
    let drop = r#""client-classes": [ { "name": "DROP", "test": "option[60].exists" } ],"#;
    stand.reconfigure(&format!("{drop} {SMALL}"));
    let dropped = discover(1).option(60, b"x");
    let lines = stand.explain_topic("Answer", &dropped);
    writeln!(report, "class DROP: {}", lines.join(" | ")).expect("a string takes all text");
    insta::assert_snapshot!("silence", report);
}

#[test]
fn the_log_explains_the_clients_that_are_listed_and_no_others() {
    let explained = |clients: &str| format!("\"explain-clients\": [ {clients} ], {SMALL}");
    let lines = |stand: &mut Stand, query: &Query| {
        let log = stand.ask(query).log;
        let lines = log.into_iter().filter(|line| line.id == "DHCP4_EXPLAIN");
        lines.map(|line| (line.logger, line.text)).collect::<Vec<_>>()
    };
    let mut stand = Stand::new(&explained("\"2:0:0:0:0:1\", \"ff01\""));
    let told = lines(&mut stand, &discover(1));
    let first = "[hwtype=1 02:00:00:00:00:01], cid=[no info], tid=0x12345601: Query: DHCPDISCOVER";
    assert!(told[0].1.starts_with(first), "{told:?}");
    let answer = told.iter().any(|(_, text)| text.contains("Answer: DHCPOFFER of 192.0.2.10"));
    assert!(answer && told.iter().all(|(logger, _)| *logger == "explain"), "{told:?}");
    assert!(lines(&mut stand, &discover(2)).is_empty());
    assert!(!lines(&mut stand, &discover(2).client_id(&[0xff, 1])).is_empty());
    stand.reconfigure(SMALL);
    assert!(lines(&mut stand, &discover(1)).is_empty());
    assert!(stand.server.take_explanation().is_none(), "nothing is noted when nobody listens");
    // By the DUID in a client identifier (RFC 4361).
    let mut stand = Stand::new(&explained("\"00030001020000000007\""));
    let duid = [0xff, 0, 0, 0, 7, 0, 3, 0, 1, 2, 0, 0, 0, 0, 7];
    assert!(!lines(&mut stand, &discover(3).client_id(&duid)).is_empty());
}
