//! Hosts of databases: exchanges wait for what these tell, and are dropped when they cannot tell.

use std::net::Ipv6Addr;
use std::sync::Arc;

use kea_log::Captured;
use libdhcp::v6::MessageType;
use libdhcpsrv::config::{SqlAccess, SqlDatabase, SqlKind};
use libdhcpsrv::hosts::{
    CacheLimits, HostDatabases, HostQuery, HostRequest, HostsUnknown, Identifier, IdentifierKind,
    RawHost, RawOption, Resource,
};
use libdhcpsrv::lease::SubnetId;
use libdhcpsrv::lease6::V6;
use libdhcpsrv::server::DhcpServer;
use stats::Packet6;

use crate::stand::{Answer, Query, Stand, duid, solicit, to_server};

const INSIDE: &str = "2001:db8:1::11";
const OUTSIDE: &str = "2001:db8:1::cafe";
const PREFIX_INSIDE: &str = "2001:db8:f000:100::/56";
const PREFIX_OUTSIDE: &str = "2001:db8:aaaa::/48";
/// Option 31.
const SNTP_SERVERS: u16 = 31;

/// A server with databases in memory.
struct Databases {
    stand: Stand,
    tables: Vec<Vec<RawHost<V6>>>,
    /// Whether they cannot answer.
    are_down: bool,
    /// What they have been asked.
    asked: Vec<Arc<HostQuery<V6>>>,
}

fn subnet(global: &str, subnet: &str) -> String {
    format!(
        r#""cache-threshold": 0, "preferred-lifetime": 3000, "valid-lifetime": 4000, {global}
        "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan", {subnet}
            "pools": [ {{ "pool": "2001:db8:1::10 - 2001:db8:1::12" }} ],
            "pd-pools": [ {{ "prefix": "2001:db8:f000::", "prefix-len": 54, "delegated-len": 56 }} ] }} ]"#
    )
}

fn resource(text: &str) -> Resource<Ipv6Addr> {
    let (address, len) = text.split_once('/').unwrap_or((text, "128"));
    Resource {
        address: address.parse().unwrap(),
        prefix_len: len.parse().unwrap(),
        is_prefix: len != "128",
        excluded: None,
    }
}

/// A host of the client with this number.
fn host(number: u64, client: u8, resources: &[&str]) -> RawHost<V6> {
    let duid = duid(client);
    let identifier = Identifier { kind: IdentifierKind::Duid, bytes: &duid };
    let mut host = RawHost::new(number, SubnetId(1), identifier);
    host.resources = resources.iter().map(|text| resource(text)).collect();
    host
}

impl Databases {
    fn new(members: &str, tables: Vec<Vec<RawHost<V6>>>) -> Self {
        let database = |number: usize| SqlDatabase {
            access: SqlAccess::new(SqlKind::Postgresql, number.to_string()),
            reconnect: Default::default(),
        };
        let all = (0..tables.len()).map(|number| Arc::new(database(number)));
        let databases = HostDatabases::new(all, CacheLimits::default());
        let mut stand = Stand::new(members);
        stand.reconfigure_with(members, databases);
        Self { stand, tables, are_down: false, asked: Vec::new() }
    }

    fn send(&mut self, query: &Query) {
        let payload = query.payload();
        let stand = &mut self.stand;
        stand.server.receive(query.inbound(&payload), stand.now, &mut stand.replies);
        stand.server.end_batch(stand.now, &mut stand.replies);
    }

    /// Replies to all questions until there are no more.
    fn settle(&mut self) {
        loop {
            let mut requests: Vec<HostRequest<V6>> = Vec::new();
            self.stand.server.take_host_requests(&mut requests);
            if requests.is_empty() {
                return;
            }
            for HostRequest { ticket, database, query } in requests {
                let number: usize = database.access.name.parse().unwrap();
                let found = self.tables[number].iter().filter(|host| query.asks_for(host));
                let reply =
                    if self.are_down { Err(HostsUnknown) } else { Ok(found.cloned().collect()) };
                self.asked.push(query);
                let stand = &mut self.stand;
                stand.server.resume_with_hosts(ticket, reply, stand.now, &mut stand.replies);
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

    /// Takes what is advertised.
    fn bind(&mut self, query: &Query) -> Answer {
        let advertise = self.answer(query);
        self.answer(&query.requesting(&advertise))
    }
}

#[test]
fn a_host_of_a_database_gets_everything_that_it_has() {
    let mut known = host(7, 9, &[INSIDE, PREFIX_OUTSIDE, OUTSIDE]);
    known.hostname = b"printer"[..].into();
    known.client_classes = "gold".into();
    known.options =
        vec![RawOption { code: 31, text: "2001:db8::1".into(), ..RawOption::default() }];
    let gold = r#""client-classes": [ { "name": "gold", "valid-lifetime": 777 } ],"#;
    let mut server = Databases::new(&subnet(gold, ""), vec![Vec::new(), vec![known]]);
    let query = solicit(9).na(1, &[]).pd(2, &[]).wants(&[SNTP_SERVERS]);
    let advertise = server.answer(&query);
    assert_eq!(advertise.given(), [INSIDE, PREFIX_OUTSIDE]);
    let sntp = Ipv6Addr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
    assert_eq!(advertise.option(SNTP_SERVERS), Some(sntp.octets().to_vec()));
    let questions = server.asked.len();
    assert_eq!(server.bind(&query).given(), [INSIDE, PREFIX_OUTSIDE]);
    assert_eq!(server.asked.len(), questions, "all is remembered");
    let lease = server.stand.store.lease(INSIDE.parse().unwrap()).unwrap();
    assert_eq!((lease.hostname, lease.valid_lifetime), (b"printer".to_vec(), 777));
    let renew = to_server(MessageType::Renew, 9).na(1, &[INSIDE]).pd(2, &[PREFIX_OUTSIDE]);
    server.stand.pass(100);
    assert_eq!(server.answer(&renew).given(), [INSIDE, PREFIX_OUTSIDE]);
}

#[test]
fn what_databases_reserve_is_not_given_to_others() {
    let table = vec![host(1, 9, &[INSIDE, OUTSIDE]), host(2, 8, &[PREFIX_INSIDE])];
    let mut server = Databases::new(&subnet("", ""), vec![table]);
    let wishes =
        |client| solicit(client).na(1, &[INSIDE]).na(2, &[OUTSIDE]).pd(3, &[PREFIX_INSIDE]);
    let given = server.bind(&wishes(1)).given();
    assert!([INSIDE, OUTSIDE, PREFIX_INSIDE].iter().all(|own| !given.contains(&(*own).to_owned())));
    assert_eq!(given.len(), 3);
    assert_eq!(server.answer(&solicit(9).na(1, &[])).given(), [INSIDE]);
    assert_eq!(server.answer(&solicit(8).pd(1, &[])).given(), [PREFIX_INSIDE]);
}

#[test]
fn the_configuration_counts_before_the_databases() {
    let own = r#""reservations": [ { "duid": "00:03:00:01:02:00:00:00:00:09", "ip-addresses": [ "2001:db8:1::aaaa" ] } ],"#;
    let mut server = Databases::new(&subnet("", own), vec![vec![host(1, 9, &[OUTSIDE])]]);
    server.are_down = true;
    assert_eq!(server.answer(&solicit(9).na(1, &[])).given(), ["2001:db8:1::aaaa"]);
    assert!(server.asked.is_empty());
    // The address that is reserved in the file is nobody else's, whatever databases say.
    server.are_down = false;
    let wish = solicit(1).na(1, &["2001:db8:1::aaaa"]);
    assert_ne!(server.answer(&wish).given(), ["2001:db8:1::aaaa"]);
}

#[test]
fn a_database_that_does_not_answer_costs_the_query() {
    let mut server = Databases::new(&subnet("", ""), vec![Vec::new()]);
    server.are_down = true;
    let (answers, log) = server.ask(&solicit(1).na(1, &[]));
    assert!(answers.is_empty());
    let dropped = log.iter().find(|line| line.id == "DHCP6_QUERY_DROPPED").unwrap();
    assert!(dropped.text.contains("has not answered"), "{}", dropped.text);
    assert_eq!(server.stand.counted(Packet6::ProcessingFailed), 1);
    let stand = &server.stand;
    assert_eq!((stand.server.parked_len(), stand.shared.gate.in_progress()), (0, 0));
    server.are_down = false;
    assert_eq!(server.answer(&solicit(1).na(1, &[])).given().len(), 1);
}

#[test]
fn all_subnets_of_a_network_are_asked_about_at_once() {
    let members = r#""valid-lifetime": 4000, "shared-networks": [ { "name": "n", "interface": "lan", "reservations-global": true,
        "subnet6": [
        { "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::10/128" } ] },
        { "id": 2, "subnet": "2001:db8:2::/64", "pools": [ { "pool": "2001:db8:2::10/128" } ] },
        { "id": 3, "subnet": "2001:db8:3::/64", "reservations-in-subnet": false, "pools": [ { "pool": "2001:db8:3::10/128" } ] } ] } ]"#;
    let mut known = host(1, 9, &["2001:db8:2::cafe"]);
    known.subnet = SubnetId(2);
    let mut server = Databases::new(members, vec![vec![known]]);
    assert_eq!(server.answer(&solicit(9).na(1, &[])).given(), ["2001:db8:2::cafe"]);
    let [only] = server.asked.as_slice() else { panic!("{:?}", server.asked) };
    assert_eq!(only.subnets(), [SubnetId(0), SubnetId(1), SubnetId(2)]);
}
