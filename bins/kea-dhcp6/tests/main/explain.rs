//! Explanations: what the server tells about its decisions, to whom, and to nobody else.

use std::fmt::Write;

use libdhcp::v6::MessageType;
use libdhcpsrv::explain::Style;
use libdhcpsrv::server::DhcpServer;

use crate::stand::{Query, Stand, query, solicit, to_server};

/// A site with everything that decides about a client.
const SITE: &str = r#""valid-lifetime": 4000, "preferred-lifetime": 3000,
    "option-data": [ { "name": "dns-servers", "data": "2001:db8::53" },
        { "name": "sntp-servers", "data": "2001:db8::123", "never-send": true } ],
    "client-classes": [ { "name": "phone", "test": "option[16].exists" } ],
    "shared-networks": [ { "name": "office", "interface": "lan", "subnet6": [
        { "id": 1, "subnet": "2001:db8:1::/64",
          "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::1f", "client-classes": [ "phone" ] } ] },
        { "id": 2, "subnet": "2001:db8:2::/64",
          "option-data": [ { "name": "domain-search", "data": "example.org" } ],
          "pools": [ { "pool": "2001:db8:2::10 - 2001:db8:2::11" } ],
          "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56 } ],
          "reservations": [ { "duid": "00:03:00:01:02:00:00:00:00:09", "hostname": "printer",
                              "ip-addresses": [ "2001:db8:2::77" ] } ] } ] } ]"#;

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
fn router() -> Query {
    solicit(1).na(1, &[]).pd(2, &["::/56"]).wants(&[23, 24, 31, 82])
}

#[test]
fn a_decision_is_told_from_the_query_to_the_answer() {
    let mut stand = Stand::explaining(SITE);
    insta::assert_snapshot!("solicit", stand.explain(&router()));
    let relayed = solicit(9)
        .na(1, &[])
        .relayed("2001:db8:2::1", &[(18, b"port 7"), (37, b"\0\0\x09\xbfabc")]);
    insta::assert_snapshot!("relayed", stand.explain(&relayed));
}

#[test]
fn the_manual_shows_what_the_server_says() {
    let manual = include_str!("../../../../doc/explain.md");
    let page = Stand::explaining(SITE).explain(&router());
    assert!(manual.contains(&format!("\n{page}")), "doc/explain.md should have:\n{page}");
}

#[test]
fn addresses_are_told_with_what_is_leased_there() {
    let mut stand = Stand::explaining(SITE);
    let mut report = String::new();
    let mut lease = |stand: &mut Stand, what: &str, query: Query| {
        let lines = stand.explain_topic("Lease", &query);
        writeln!(report, "{what}\n    {}", lines.join("\n    ")).expect("a string takes all text");
    };
    let [ten, eleven, reserved] = ["2001:db8:2::10", "2001:db8:2::11", "2001:db8:2::77"];
    lease(&mut stand, "what was offered is offered again", solicit(1).na(1, &[]));
    lease(&mut stand, "what was offered is offered again", solicit(1).na(1, &[]));
    lease(&mut stand, "it asks for what is in no pool", solicit(1).na(1, &["2001:db8:9::1"]));
    lease(&mut stand, "it asks for what is reserved", solicit(1).na(1, &[reserved]));
    lease(&mut stand, "it requests", to_server(MessageType::Request, 1).na(1, &[ten]));
    lease(&mut stand, "it has a lease", solicit(1).na(1, &[]));
    lease(&mut stand, "it renews", to_server(MessageType::Renew, 1).na(1, &[ten]));
    lease(&mut stand, "another wants it", to_server(MessageType::Request, 2).na(1, &[ten]));
    lease(&mut stand, "nothing is left", solicit(3).na(1, &[eleven]));
    lease(&mut stand, "its host has an address", solicit(9).na(1, &[]));
    lease(&mut stand, "it takes it", to_server(MessageType::Request, 9).na(1, &[reserved]));
    lease(&mut stand, "it declines it", to_server(MessageType::Decline, 9).na(1, &[reserved]));
    lease(&mut stand, "it is kept back", solicit(9).na(1, &[]));
    lease(&mut stand, "a stranger releases", to_server(MessageType::Release, 3).na(1, &[ten]));
    lease(&mut stand, "the owner releases", to_server(MessageType::Release, 1).na(1, &[ten]));
    insta::assert_snapshot!("leases", report);
}

#[test]
fn silence_and_refusals_are_explained() {
    let mut stand = Stand::explaining(SITE);
    let mut report = String::new();
    for (what, query) in [
        ("a type of servers", query(MessageType::Reply, 1)),
        ("no client identifier", solicit(1).client(None)),
        ("a short DUID", solicit(1).client(Some(&[1]))),
        ("a server identifier", to_server(MessageType::Solicit, 1)),
        ("no server identifier", query(MessageType::Request, 1).na(1, &[])),
        ("another server", query(MessageType::Request, 1).server(&[0, 3, 0, 1, 9])),
        ("unicast", solicit(1).na(1, &[]).unicast()),
        ("nothing to confirm", query(MessageType::Confirm, 1)),
        ("no subnet", solicit(1).na(1, &[]).relayed("2001:db8:99::1", &[])),
        ("another link", query(MessageType::Confirm, 1).na(1, &["2001:db8:99::1"])),
        ("information", query(MessageType::InformationRequest, 1).wants(&[23])),
    ] {
        let lines = stand.explain_topic("Answer", &query);
        writeln!(report, "{what}: {}", lines.join(" | ")).expect("a string takes all text");
    }
    stand.ask_bytes(b"x", &solicit(1));
    let rubbish = stand.server.take_explanation().expect("everything is explained");
    writeln!(report, "rubbish: {}", rubbish.lines().join(" | ")).expect("a string takes all text");
    insta::assert_snapshot!("silence", report);
}

#[test]
fn the_log_explains_the_clients_that_are_listed_and_no_others() {
    let lines = |stand: &mut Stand, query: &Query| {
        let log = stand.ask(query).log;
        log.into_iter().filter(|line| line.id == "DHCP6_EXPLAIN").collect::<Vec<_>>()
    };
    let listed = r#""explain-clients": [ "00:03:00:01:02:00:00:00:00:01", "0a0b0c0d0e0f" ],"#;
    let mut stand = Stand::new(&format!("{listed} {SITE}"));
    let told = lines(&mut stand, &router());
    assert!(told.iter().any(|line| line.text.contains("Answer: ADVERTISE")), "{told:?}");
    assert!(told.iter().all(|line| line.logger == "explain"));
    assert!(lines(&mut stand, &solicit(2).na(1, &[])).is_empty());
    // By the hardware address that the relay knows (RFC 6939).
    let by_relay = [(79, &[0, 1, 10, 11, 12, 13, 14, 15][..])];
    assert!(
        !lines(&mut stand, &solicit(2).na(1, &[]).relayed("2001:db8:2::1", &by_relay)).is_empty()
    );
    stand.reconfigure(SITE);
    assert!(lines(&mut stand, &router()).is_empty());
    assert!(stand.server.take_explanation().is_none(), "nothing is noted when nobody listens");
}
