//! Hosts of databases: exchanges wait for what these tell, and are dropped when they cannot tell.

use std::net::Ipv4Addr;
use std::sync::Arc;

use kea_log::Captured;
use libdhcp::OptionFlags;
use libdhcp::v4::{MessageType, code};
use libdhcpsrv::config::{SqlAccess, SqlDatabase, SqlKind};
use libdhcpsrv::hosts::{
    BootFields, CacheLimits, GLOBAL, HostDatabases, HostQuery, HostReply, HostRequest,
    HostsUnknown, Identifier, IdentifierKind, RawHost, RawOption, Resource, is_host_ticket,
};
use libdhcpsrv::lease4::{SubnetId, V4};
use libdhcpsrv::server::DhcpServer;
use stats::Packet4;

use crate::stand::{Answer, Query, Stand, discover, selecting};

const OUTSIDE: [u8; 4] = [192, 0, 2, 200];
const NOTHING_KEPT: CacheLimits = CacheLimits { entries_max: 0, bytes_max: 0, time_ms: 0 };

/// A server with databases in memory.
struct Databases {
    stand: Stand,
    tables: Vec<Vec<RawHost<V4>>>,
    /// The ones that cannot answer.
    down: Vec<usize>,
    /// What they have been asked.
    asked: Vec<(usize, Arc<HostQuery<V4>>)>,
}

fn subnet(global: &str, subnet: &str) -> String {
    format!(
        r#""valid-lifetime": 4000, {global} "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24", {subnet}
            "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.12" }} ] }} ]"#
    )
}

fn databases(count: usize, limits: CacheLimits) -> Option<HostDatabases<V4>> {
    let database = |number: usize| SqlDatabase {
        access: SqlAccess::new(SqlKind::Mysql, number.to_string()),
        reconnect: Default::default(),
    };
    HostDatabases::new((0..count).map(|number| Arc::new(database(number))), limits)
}

/// A host of the client with this number, with an address if it is not 0.0.0.0.
fn host(number: u64, client: u8, address: [u8; 4]) -> RawHost<V4> {
    let mac = [2, 0, 0, 0, 0, client];
    let identifier = Identifier { kind: IdentifierKind::HwAddress, bytes: &mac };
    let mut host = RawHost::new(number, SubnetId(1), identifier);
    if address != [0; 4] {
        host.resources.push(Resource {
            address: address.into(),
            prefix_len: 32,
            is_prefix: false,
            excluded: None,
        });
    }
    host
}

impl Databases {
    fn new(members: &str, tables: Vec<Vec<RawHost<V4>>>) -> Self {
        Self::with(members, tables, CacheLimits::default())
    }

    fn with(members: &str, tables: Vec<Vec<RawHost<V4>>>, limits: CacheLimits) -> Self {
        let mut stand = Stand::new(members);
        stand.reconfigure_with(members, databases(tables.len(), limits));
        Self { stand, tables, down: Vec::new(), asked: Vec::new() }
    }

    fn take(&mut self) -> Vec<HostRequest<V4>> {
        let mut requests = Vec::new();
        self.stand.server.take_host_requests(&mut requests);
        requests
    }

    fn reply(&mut self, request: &HostRequest<V4>) -> HostReply<V4> {
        assert!(is_host_ticket(request.ticket));
        let number: usize = request.database.access.name.parse().unwrap();
        self.asked.push((number, request.query.clone()));
        if self.down.contains(&number) {
            return Err(HostsUnknown);
        }
        let found = self.tables[number].iter().filter(|host| request.query.asks_for(host));
        Ok(found.cloned().collect())
    }

    fn send(&mut self, query: &Query) {
        let payload = query.message.to_bytes().unwrap();
        let stand = &mut self.stand;
        stand.server.receive(query.inbound(&payload), stand.now, &mut stand.replies);
        stand.server.end_batch(stand.now, &mut stand.replies);
    }

    /// Replies to all questions until there are no more.
    fn settle(&mut self) {
        loop {
            let requests = self.take();
            if requests.is_empty() {
                return;
            }
            for request in requests {
                let reply = self.reply(&request);
                let stand = &mut self.stand;
                let (ticket, now) = (request.ticket, stand.now);
                stand.server.resume_with_hosts(ticket, reply, now, &mut stand.replies);
            }
        }
    }

    fn ask(&mut self, query: &Query) -> (Vec<Answer>, Vec<Captured>) {
        let ((), log) = kea_log::capture(|| {
            self.send(query);
            self.settle();
        });
        (self.stand.take_answers(), log)
    }

    fn answer(&mut self, query: &Query) -> Answer {
        let (answers, log) = self.ask(query);
        let [answer] = answers.as_slice() else { panic!("no answer: {log:?}") };
        answer.clone()
    }

    fn offered(&mut self, query: &Query) -> [u8; 4] {
        self.answer(query).address().octets()
    }

    /// The questions since the last call.
    fn questions(&mut self) -> usize {
        std::mem::take(&mut self.asked).len()
    }
}

#[test]
fn a_host_of_a_database_gets_everything_that_it_has() {
    let mut known = host(7, 9, OUTSIDE);
    known.hostname = b"printer"[..].into();
    known.client_classes = "gold, unheard-of".into();
    let text = |number, code, space: &str, text: &str| RawOption {
        number,
        code,
        space: space.into(),
        text: text.into(),
        ..RawOption::default()
    };
    known.options = vec![
        text(1, 6, "dhcp4", "10.0.0.1, 10.0.0.2"),
        RawOption { code: 42, value: Some([10, 0, 0, 3].into()), ..RawOption::default() },
        text(2, 230, "", "7"),
        RawOption {
            flags: OptionFlags { always_send: true, never_send: false },
            ..text(3, 23, "", "9")
        },
    ];
    known.boot = Some(Box::new(BootFields {
        next_server: Some([10, 9, 9, 9].into()),
        server_hostname: b"boot"[..].into(),
        boot_file_name: b"image"[..].into(),
    }));
    let members = subnet(
        r#""option-def": [ { "name": "count", "code": 230, "type": "uint16" } ],
           "client-classes": [ { "name": "gold", "option-data": [ { "name": "domain-name", "data": "gold" } ] } ],"#,
        "",
    );
    let mut server = Databases::new(&members, vec![vec![known]]);
    let query = discover(9).wants(&[6, 42, 230, 15, 12]);
    for query in [&query, &selecting(9, OUTSIDE).wants(&[6, 42, 230, 15, 12])] {
        let answer = server.answer(query);
        assert_eq!(answer.address().octets(), OUTSIDE);
        assert_eq!(answer.option(6), Some(&[10, 0, 0, 1, 10, 0, 0, 2][..]));
        assert_eq!(answer.option(42), Some(&[10, 0, 0, 3][..]));
        assert_eq!(answer.option(230), Some(&[0, 7][..]));
        assert_eq!(answer.option(23), Some(&[9][..]), "it is always sent");
        assert_eq!(answer.option(code::DOMAIN_NAME), Some(&b"gold"[..]));
        assert_eq!(answer.option(code::HOST_NAME), Some(&b"printer"[..]));
        assert_eq!(answer.message.header.siaddr, Ipv4Addr::new(10, 9, 9, 9));
        assert_eq!((&answer.sname[..4], &answer.file[..5]), (&b"boot"[..], &b"image"[..]));
    }
    assert_eq!(server.stand.store.lease(OUTSIDE.into()).unwrap().hostname, b"printer");
    assert!(server.stand.store.lease([192, 0, 2, 10].into()).is_none());
}

#[test]
fn the_configuration_counts_before_the_databases_and_these_in_their_order() {
    let reservations = r#""reservations-global": true, "reservations": [
        { "hw-address": "02:00:00:00:00:01", "ip-address": "192.0.2.101" } ],"#;
    let global = r#""reservations": [ { "hw-address": "02:00:00:00:00:03", "ip-address": "192.0.2.103" },
        { "hw-address": "02:00:00:00:00:06", "hostname": "six" } ],"#;
    let mut everywhere = host(6, 5, [192, 0, 2, 115]);
    everywhere.subnet = GLOBAL;
    let first = vec![
        host(1, 1, [192, 0, 2, 111]),
        host(2, 2, [192, 0, 2, 112]),
        host(3, 3, [192, 0, 2, 113]),
        everywhere,
    ];
    let second = vec![host(1, 2, [192, 0, 2, 122]), host(2, 4, [192, 0, 2, 124])];
    let mut server = Databases::new(&subnet(global, reservations), vec![first, second]);
    let asked = |server: &mut Databases| {
        let asked: Vec<usize> = server.asked.drain(..).map(|(number, _)| number).collect();
        asked
    };
    assert_eq!(server.offered(&discover(1)), [192, 0, 2, 101]);
    assert_eq!(asked(&mut server), [], "the configuration knows the client");
    assert_eq!(server.offered(&discover(2)), [192, 0, 2, 112]);
    assert_eq!(asked(&mut server), [0, 1], "it may have a global host in the second one");
    assert_eq!(server.offered(&discover(3)), [192, 0, 2, 113], "a subnet before everywhere");
    assert_eq!(asked(&mut server), [0]);
    assert_eq!(server.offered(&discover(4)), [192, 0, 2, 124]);
    assert_eq!(asked(&mut server), [0, 1]);
    assert_eq!(server.offered(&discover(5)), [192, 0, 2, 115]);
    assert_eq!(asked(&mut server), [0, 1]);
    assert_eq!(server.answer(&discover(6)).option(12), Some(&b"six"[..]));
    // For whom an address is reserved the configuration tells first, too.
    server.down = vec![0, 1];
    let (answers, _) = server.ask(&selecting(1, [192, 0, 2, 103]));
    assert_eq!(answers[0].kind(), MessageType::Nak);
}

#[test]
fn the_first_identifier_of_the_order_counts() {
    let order =
        r#""host-reservation-identifiers": [ "circuit-id", "duid", "hw-address", "client-id" ],"#;
    let agent = [1, 4, b'p', b'o', b'r', b't'];
    let by = |number, kind, bytes: &[u8], last| {
        let mut host = host(number, 0, [192, 0, 2, last]);
        (host.kind, host.identifier) = (kind, bytes.into());
        host
    };
    let table = vec![
        by(1, IdentifierKind::HwAddress, &[2, 0, 0, 0, 0, 9], 101),
        by(2, IdentifierKind::ClientId, &[1, 2, 3, 4, 5, 6], 102),
        by(4, IdentifierKind::CircuitId, b"port", 104),
        by(3, IdentifierKind::CircuitId, b"port", 103),
        by(5, IdentifierKind::FlexId, b"port", 105),
    ];
    let mut server = Databases::new(&subnet(order, ""), vec![table]);
    let plain = discover(9).client_id(&[1, 2, 3, 4, 5, 6]);
    assert_eq!(server.offered(&plain)[3], 101);
    let relayed = discover(9).option(code::RELAY_AGENT_INFORMATION, &agent).relayed([192, 0, 2, 1]);
    assert_eq!(server.offered(&relayed)[3], 103, "of two the older one");
    let other = discover(8).client_id(&[1, 2, 3, 4, 5, 6]);
    assert_eq!(server.offered(&other)[3], 102);
    let [(_, first), ..] = server.asked.as_slice() else { panic!("nothing is asked") };
    let HostQuery::Of { identifiers, .. } = &**first else { panic!("{first:?}") };
    assert_eq!(identifiers.len(), 2, "all identifiers at once");
}

#[test]
fn what_databases_reserve_is_not_given_to_others() {
    let table = vec![host(1, 9, [192, 0, 2, 11]), host(2, 8, OUTSIDE)];
    let mut server = Databases::new(&subnet("", ""), vec![table]);
    assert_eq!(server.offered(&discover(1)), [192, 0, 2, 10]);
    let (answers, _) = server.ask(&selecting(1, [192, 0, 2, 11]));
    assert_eq!(answers[0].kind(), MessageType::Nak);
    let given: Vec<u8> = [1, 2]
        .map(|client| {
            let offered = server.offered(&discover(client));
            server.answer(&selecting(client, offered)).address().octets()[3]
        })
        .into();
    assert_eq!(given, [10, 12]);
    let (answers, _) = server.ask(&discover(3));
    assert!(answers.is_empty(), "the last one is reserved");
    let (answers, _) = server.ask(&selecting(1, OUTSIDE));
    assert_eq!(answers[0].kind(), MessageType::Nak);
    assert_eq!(server.offered(&discover(9)), [192, 0, 2, 11]);
}

#[test]
fn a_database_that_does_not_answer_costs_the_query() {
    let table = vec![host(1, 9, OUTSIDE)];
    let reservations = r#""reservations": [ { "hw-address": "02:00:00:00:00:01", "ip-address": "192.0.2.101" } ],"#;
    let mut server = Databases::new(&subnet("", reservations), vec![table, Vec::new()]);
    server.down = vec![1];
    assert_eq!(server.offered(&discover(9)), OUTSIDE, "the first one knows");
    for down in [0, 1] {
        server.down = vec![down];
        for client in [2, 3] {
            let (answers, log) = server.ask(&discover(client));
            assert!(answers.is_empty(), "{answers:?}");
            let dropped = log.iter().find(|line| line.id == "DHCP4_QUERY_DROPPED").unwrap();
            assert!(dropped.text.contains("has not answered"), "{}", dropped.text);
        }
        assert_eq!(server.offered(&discover(1))[3], 101, "the configuration knows");
        server.stand.pass(10);
    }
    assert_eq!(server.stand.counted(Packet4::ProcessingFailed), 4);
    let stand = &server.stand;
    assert_eq!((stand.server.parked_len(), stand.shared.gate.in_progress()), (0, 0));
    server.down.clear();
    assert_eq!(server.offered(&discover(2)), [192, 0, 2, 10]);
}

#[test]
fn answers_are_remembered_for_a_moment() {
    let table = vec![host(1, 9, OUTSIDE)];
    let mut server = Databases::new(&subnet("", ""), vec![table]);
    server.answer(&discover(9));
    assert_eq!(server.questions(), 1);
    server.answer(&selecting(9, OUTSIDE));
    server.answer(&discover(1));
    assert_eq!(server.questions(), 2, "whose host it is, and what is reserved around");
    server.answer(&selecting(1, [192, 0, 2, 10]));
    server.answer(&selecting(2, [192, 0, 2, 11]));
    assert_eq!(server.questions(), 1, "about the second client");
    // Who enters a reservation need not wait longer than that.
    server.tables[0].push(host(2, 2, [192, 0, 2, 201]));
    server.tables[0].push(host(3, 3, [192, 0, 2, 12]));
    server.stand.pass(3);
    assert_eq!(server.offered(&discover(2)), [192, 0, 2, 201]);
    let (answers, _) = server.ask(&selecting(1, [192, 0, 2, 12]));
    assert_eq!(answers[0].kind(), MessageType::Nak);
    // A configuration begins with nothing in mind.
    server.questions();
    server.stand.reconfigure_with(&subnet("", ""), databases(1, CacheLimits::default()));
    server.answer(&discover(2));
    assert_eq!(server.questions(), 1);
}

#[test]
fn without_a_memory_an_exchange_asks_for_each_thing_once() {
    let members = r#""valid-lifetime": 4000, "shared-networks": [ { "name": "n", "reservations-global": true, "subnet4": [
        { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ] },
        { "id": 2, "subnet": "10.0.2.0/24", "pools": [ { "pool": "10.0.2.10 - 10.0.2.12" } ] },
        { "id": 3, "subnet": "10.0.3.0/24", "pools": [ { "pool": "10.0.3.10 - 10.0.3.12" } ] } ] } ]"#;
    for (limits, again) in [(NOTHING_KEPT, 1), (CacheLimits::default(), 0)] {
        let mut third = host(1, 9, [10, 0, 3, 200]);
        third.subnet = SubnetId(3);
        let mut server = Databases::with(members, vec![vec![third]], limits);
        assert_eq!(server.offered(&discover(9)), [10, 0, 3, 200]);
        assert_eq!(server.questions(), 1, "all places together");
        server.answer(&selecting(9, [10, 0, 3, 200]));
        assert_eq!(server.questions(), again);
    }
}

#[test]
fn an_exchange_that_waits_over_a_new_configuration_ends_under_the_old_one() {
    let mut known = host(1, 9, OUTSIDE);
    known.options = vec![RawOption { code: 230, text: "7".into(), ..RawOption::default() }];
    let definition = r#""option-def": [ { "name": "count", "code": 230, "type": "uint16" } ],"#;
    let mut server = Databases::new(&subnet(definition, ""), vec![vec![known]]);
    server.send(&discover(9).wants(&[230]));
    server.stand.reconfigure(&subnet("", ""));
    server.settle();
    let answers = server.stand.take_answers();
    assert_eq!(answers[0].option(230), Some(&[0, 7][..]));
    assert_eq!(answers[0].address().octets(), OUTSIDE);
    server.answer(&discover(9));
    assert_eq!(server.questions(), 1, "there are no databases any more");
}

#[test]
fn what_cannot_be_used_is_reported_and_left_out() {
    let mut known = host(77, 9, OUTSIDE);
    let text = |number, code, text: &str| RawOption {
        number,
        code,
        text: text.into(),
        ..RawOption::default()
    };
    let binary = |number, code, value: &[u8]| RawOption {
        number,
        code,
        value: Some(value.into()),
        ..RawOption::default()
    };
    known.options = vec![
        text(1, 6, "no address"),
        binary(2, 42, &[1, 2, 3]),
        text(3, 250, "x"),
        binary(4, 250, b"x"),
        text(5, 300, "x"),
        binary(6, 15, &[b'x'; 3]),
        RawOption { space: "a space".into(), ..binary(7, 16, b"x") },
    ];
    let mut server = Databases::new(&subnet("", ""), vec![vec![known]]);
    let (answers, log) = server.ask(&discover(9).wants(&[6, 42, 250, 15, 16]));
    assert_eq!(answers[0].address().octets(), OUTSIDE);
    assert_eq!(answers[0].option(15), Some(&b"xxx"[..]));
    assert_eq!(answers[0].option(250), Some(&b"x"[..]));
    assert_eq!([6, 42, 16].map(|code| answers[0].option(code)), [None; 3]);
    let lines = log.iter().filter(|line| line.id == "HOSTS_DATABASE_HOST_UNUSABLE");
    let lines: Vec<&str> = lines.map(|line| &*line.text).collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    for (line, option) in lines.iter().zip([1, 2, 3, 5, 7]) {
        assert!(line.contains(&format!("host 77: option {option}:")), "{line}");
    }
}

#[test]
fn replies_that_nobody_waits_for_are_ignored() {
    let mut server = Databases::new(&subnet("", ""), vec![Vec::new()]);
    server.send(&discover(1));
    let request = server.take().remove(0);
    let stand = &mut server.stand;
    for _ in 0..2 {
        let (ticket, now) = (request.ticket, stand.now);
        stand.server.resume_with_hosts(ticket, Ok(Vec::new()), now, &mut stand.replies);
    }
    server.settle();
    assert_eq!(server.stand.take_answers().len(), 1);
    // Hosts that were not asked for, and one more of another's.
    server.send(&discover(2));
    let request = server.take().remove(0);
    let reply = Ok(vec![host(1, 5, OUTSIDE), host(2, 9, OUTSIDE)]);
    let stand = &mut server.stand;
    let (ticket, now) = (request.ticket, stand.now);
    stand.server.resume_with_hosts(ticket, reply, now, &mut stand.replies);
    server.settle();
    let offered = server.stand.take_answers()[0].address();
    assert_ne!(offered.octets(), OUTSIDE);
}
