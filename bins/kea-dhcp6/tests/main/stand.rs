//! The apparatus of the scenarios: a server with what it needs, queries in short form, answers as text.

use std::fmt::Write;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;

use cc::{Diagnostics, Document, NoIncludes};
use kea_dhcp6::runtime::{Runtime6, subnet_rows};
use kea_dhcp6::server::{Server6, Shared6};
use kea_log::Captured;
use libdhcp::v6::{IaKind, MessageType, Options, SpanTable, View, code};
use libdhcpsrv::config6::{Config6, read};
use libdhcpsrv::hosts::HostDatabases;
use libdhcpsrv::lease6::{LeaseStore6, V6};
use libdhcpsrv::links::Links;
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::Store;
use stats::{LeaseCounters6, Packet6, Statistics6};
use util::Now;
use util::journal::JournalQueue;
use util::link::{Inbound, InterfaceIndex, Outbound, Replies};

/// The server's link-local address on its only interface, `lan`.
pub(crate) const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// Its global address.
pub(crate) const GLOBAL: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
/// Where clients send to.
pub(crate) const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// Its identifier.
pub(crate) const DUID: &[u8] = &[0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfe];
/// Number of the interface `lan`.
pub(crate) const LAN: InterfaceIndex = InterfaceIndex(2);
/// Wall clock at the beginning.
pub(crate) const BEGIN_S: i64 = 1_800_000_000;

/// A subnet on the server's own link with three addresses and four prefixes.
pub(crate) const SMALL: &str = r#""cache-threshold": 0, "preferred-lifetime": 3000, "valid-lifetime": 4000, "renew-timer": 1000,
    "rebind-timer": 2000, "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan",
        "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::12" } ],
        "pd-pools": [ { "prefix": "2001:db8:f000::", "prefix-len": 54, "delegated-len": 56 } ] } ]"#;

/// Reads the members of `Dhcp6`.
pub(crate) fn config(members: &str) -> Config6 {
    let (config, findings) = read_text(&format!("{{ \"Dhcp6\": {{ {members} }} }}"));
    config.unwrap_or_else(|| panic!("{findings}"))
}

/// Reads a file; all that there is to say about it.
fn read_text(text: &str) -> (Option<Config6>, String) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(text, "scenario", &mut NoIncludes, &mut diagnostics);
    let config = document.and_then(|document| read(&document, 1, &mut diagnostics));
    (config, diagnostics.render())
}

/// A server and what it needs.
pub(crate) struct Stand {
    pub(crate) server: Server6,
    pub(crate) store: Arc<LeaseStore6>,
    pub(crate) queue: Arc<JournalQueue>,
    pub(crate) shared: Shared6,
    pub(crate) statistics: Statistics6,
    pub(crate) counters: Arc<LeaseCounters6>,
    pub(crate) replies: Replies,
    pub(crate) now: Now,
}

/// What a query led to.
#[derive(Debug)]
pub(crate) struct Reaction {
    pub(crate) answers: Vec<Answer>,
    pub(crate) log: Vec<Captured>,
}

/// A reply, read.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) payload: Vec<u8>,
    pub(crate) entry: Outbound,
}

impl Stand {
    pub(crate) fn new(members: &str) -> Self {
        Self::with_store(members, |store| store)
    }

    /// With a whole file, about which there must be nothing to say; its interface `eth0` is `lan` here.
    pub(crate) fn of_file(text: &str) -> Self {
        let (config, findings) = read_text(&text.replace("\"eth0\"", "\"lan\""));
        assert_eq!(findings, "");
        Self::with_config(config.expect("no errors"), |store| store)
    }

    /// Puts something between the server and the store.
    pub(crate) fn with_store(
        members: &str,
        wrap: impl FnOnce(Arc<LeaseStore6>) -> Arc<dyn Store<V6>>,
    ) -> Self {
        Self::with_config(config(members), wrap)
    }

    fn with_config(
        config: Config6,
        wrap: impl FnOnce(Arc<LeaseStore6>) -> Arc<dyn Store<V6>>,
    ) -> Self {
        let now = Now { mono_ns: 1_000_000_000_000, wall_s: BEGIN_S };
        let queue = Arc::new(JournalQueue::new(1 << 20));
        let store = Arc::new(LeaseStore6::new(7, Some(queue.clone())));
        let shared = Shared6::new(wrap(store.clone()), 8);
        let statistics = Statistics6::new(now);
        let (runtime, counters) = install(config, &statistics, &store, None, now);
        let mut server = Server6::new(shared.clone(), runtime, statistics.worker(now), 9);
        server.set_links(Arc::new(Links::new(vec![(LAN, "lan".into())], Vec::new())));
        let replies = Replies::default();
        Self { server, store, queue, shared, statistics, counters, replies, now }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now.mono_ns += seconds * 1_000_000_000;
        self.now.wall_s += seconds as i64;
        self.store.expire_tick(self.now, usize::MAX);
    }

    /// Puts another configuration in force, as the daemon does.
    pub(crate) fn reconfigure(&mut self, members: &str) {
        self.reconfigure_with(members, None);
    }

    /// The same with databases of hosts.
    pub(crate) fn reconfigure_with(&mut self, members: &str, databases: Option<HostDatabases<V6>>) {
        let Self { statistics, store, now, .. } = self;
        let (runtime, counters) = install(config(members), statistics, store, databases, *now);
        self.counters = counters;
        self.server.set_runtime(runtime);
    }

    /// Sends a query a second after the one before.
    pub(crate) fn ask(&mut self, query: &Query) -> Reaction {
        self.ask_bytes(&query.payload(), query)
    }

    /// Sends bytes in the way of a query.
    pub(crate) fn ask_bytes(&mut self, payload: &[u8], way: &Query) -> Reaction {
        self.pass(1);
        let ((), log) = kea_log::capture(|| {
            self.server.receive(way.inbound(payload), self.now, &mut self.replies);
            self.server.end_batch(self.now, &mut self.replies);
        });
        Reaction { answers: self.take_answers(), log }
    }

    /// Takes what the server has made; rows count as written.
    pub(crate) fn take_answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for outbox in [&mut self.replies.ready, &mut self.replies.held] {
            answers.extend(
                outbox
                    .entries()
                    .iter()
                    .map(|e| Answer { payload: outbox.payload(e).to_vec(), entry: *e }),
            );
            outbox.clear();
        }
        self.queue.take(&mut Vec::new());
        self.queue.commit(self.queue.appended());
        answers
    }

    /// Sends a query that must be answered; shows the answer.
    pub(crate) fn answer(&mut self, query: &Query) -> Answer {
        let reaction = self.ask(query);
        let [answer] = reaction.answers.as_slice() else { panic!("no answer: {reaction:?}") };
        answer.clone()
    }

    /// Sends a query that must not be answered; tells the reason that is logged.
    pub(crate) fn drop_reason(&mut self, query: &Query) -> String {
        let reaction = self.ask(query);
        assert!(reaction.answers.is_empty(), "{:?}", reaction.answers);
        reaction.reason("DHCP6_QUERY_DROPPED")
    }

    /// Takes what the associations of a query get by SOLICIT and REQUEST; returns the REPLY.
    pub(crate) fn bind(&mut self, query: &Query) -> Answer {
        let advertise = self.answer(&query.clone().kind(MessageType::Solicit));
        assert_eq!(advertise.kind(), MessageType::Advertise);
        let reply = self.answer(&query.requesting(&advertise));
        assert_eq!(reply.kind(), MessageType::Reply);
        reply
    }

    pub(crate) fn counted(&self, packet: Packet6) -> u64 {
        self.server.counters().value(packet)
    }
}

/// As the daemon does.
fn install(
    config: Config6,
    statistics: &Statistics6,
    store: &LeaseStore6,
    databases: Option<HostDatabases<V6>>,
    now: Now,
) -> (Arc<Runtime6>, Arc<LeaseCounters6>) {
    let counters = statistics.install(&subnet_rows(&config), now);
    let mut runtime = Runtime6::new(config, DUID.into(), counters.clone());
    runtime.host_databases = databases;
    let runtime = Arc::new(runtime);
    store.adopt_pools(&runtime.pools);
    runtime.recount(store, now);
    (runtime, counters)
}

impl Reaction {
    /// What the message with this id gives as the reason.
    pub(crate) fn reason(&self, id: &str) -> String {
        let line = self.log.iter().find(|line| line.id == id);
        let Some(line) = line else { panic!("{id} is not logged: {:?}", self.log) };
        let (_, reason) = line.text.rsplit_once("ed: ").expect("the text has the reason last");
        reason.to_owned()
    }
}

/// A relay on the way of a query.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) link: Ipv6Addr,
    pub(crate) peer: Ipv6Addr,
    pub(crate) options: Vec<u8>,
}

/// A query in the making.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    kind: u8,
    client: Option<Vec<u8>>,
    options: Vec<u8>,
    server: Option<Vec<u8>>,
    /// The relay nearest to the client first.
    hops: Vec<Hop>,
    source: SocketAddr,
    destination: Ipv6Addr,
}

/// The DUID of the client with this number.
pub(crate) fn duid(client: u8) -> Vec<u8> {
    vec![0, 3, 0, 1, 2, 0, 0, 0, 0, client]
}

/// A message of the client with this number, to all servers on the server's link.
pub(crate) fn query(kind: MessageType, client: u8) -> Query {
    let address = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, client.into());
    Query {
        kind: kind as u8,
        client: Some(duid(client)),
        options: Vec::new(),
        server: None,
        hops: Vec::new(),
        source: SocketAddr::from((address, 546)),
        destination: GROUP,
    }
}

/// A SOLICIT of the client with this number.
pub(crate) fn solicit(client: u8) -> Query {
    query(MessageType::Solicit, client)
}

/// A message to this server.
pub(crate) fn to_server(kind: MessageType, client: u8) -> Query {
    query(kind, client).server(DUID)
}

/// Code, length and body of an option.
pub(crate) fn option(code: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = code.to_be_bytes().to_vec();
    bytes.extend_from_slice(&(body.len() as u16).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// An address inside an association.
pub(crate) fn ia_address(address: &str, preferred: u32, valid: u32) -> Vec<u8> {
    let address: Ipv6Addr = address.parse().expect("an address");
    let mut body = address.octets().to_vec();
    body.extend_from_slice(&preferred.to_be_bytes());
    body.extend_from_slice(&valid.to_be_bytes());
    option(code::IAADDR, &body)
}

/// A prefix inside an association: `prefix/length`.
pub(crate) fn ia_prefix(text: &str, preferred: u32, valid: u32) -> Vec<u8> {
    let (prefix, len) = text.split_once('/').expect("prefix/length");
    let prefix: Ipv6Addr = prefix.parse().expect("a prefix");
    let mut body = preferred.to_be_bytes().to_vec();
    body.extend_from_slice(&valid.to_be_bytes());
    body.push(len.parse().expect("a length"));
    body.extend_from_slice(&prefix.octets());
    option(code::IAPREFIX, &body)
}

impl Query {
    pub(crate) fn kind(mut self, kind: MessageType) -> Self {
        self.kind = kind as u8;
        self
    }

    /// The REQUEST of a client that was advertised something: as real ones do, it asks for that.
    pub(crate) fn requesting(&self, advertise: &Answer) -> Self {
        let mut request = self.clone().kind(MessageType::Request).server(DUID);
        let others =
            Options::new(&self.options).filter(|(code, _)| IaKind::from_code(*code).is_none());
        request.options = others.flat_map(|(code, body)| option(code, body)).collect();
        request.options.extend_from_slice(&advertise.ias());
        request
    }

    pub(crate) fn raw_kind(mut self, kind: u8) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn option(mut self, code: u16, body: &[u8]) -> Self {
        self.options.extend_from_slice(&option(code, body));
        self
    }

    /// With another identifier of the client, or none.
    pub(crate) fn client(mut self, duid: Option<&[u8]>) -> Self {
        self.client = duid.map(<[u8]>::to_vec);
        self
    }

    pub(crate) fn server(mut self, duid: &[u8]) -> Self {
        self.server = Some(duid.to_vec());
        self
    }

    /// An association with what the client wishes in it.
    fn ia(self, code: u16, iaid: u32, times: &[u8], inside: &[Vec<u8>]) -> Self {
        let body = [&iaid.to_be_bytes(), times, &inside.concat()].concat();
        self.option(code, &body)
    }

    pub(crate) fn na(self, iaid: u32, addresses: &[&str]) -> Self {
        let inside: Vec<_> = addresses.iter().map(|a| ia_address(a, 0, 0)).collect();
        self.ia(code::IA_NA, iaid, &[0; 8], &inside)
    }

    pub(crate) fn pd(self, iaid: u32, prefixes: &[&str]) -> Self {
        let inside: Vec<_> = prefixes.iter().map(|p| ia_prefix(p, 0, 0)).collect();
        self.ia(code::IA_PD, iaid, &[0; 8], &inside)
    }

    pub(crate) fn ta(self, iaid: u32) -> Self {
        self.ia(code::IA_TA, iaid, &[], &[])
    }

    /// An association for addresses with these bytes in it.
    pub(crate) fn na_with(self, iaid: u32, inside: &[u8]) -> Self {
        self.ia(code::IA_NA, iaid, &[0; 8], &[inside.to_vec()])
    }

    /// An association for prefixes with these bytes in it.
    pub(crate) fn pd_with(self, iaid: u32, inside: &[u8]) -> Self {
        self.ia(code::IA_PD, iaid, &[0; 8], &[inside.to_vec()])
    }

    pub(crate) fn wants(self, codes: &[u16]) -> Self {
        let body: Vec<u8> = codes.iter().flat_map(|code| code.to_be_bytes()).collect();
        self.option(code::ORO, &body)
    }

    /// Through one more relay, which stands on this link; its options are those given.
    pub(crate) fn relayed(mut self, link: &str, options: &[(u16, &[u8])]) -> Self {
        let link: Ipv6Addr = link.parse().expect("an address");
        let peer = match self.source {
            SocketAddr::V6(source) => *source.ip(),
            SocketAddr::V4(_) => Ipv6Addr::UNSPECIFIED,
        };
        let options = options.iter().flat_map(|(code, body)| option(*code, body)).collect();
        self.hops.push(Hop { link, peer, options });
        self.source = SocketAddr::from((Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 2), 547));
        self
    }

    /// From another address.
    pub(crate) fn from(mut self, source: &str) -> Self {
        self.source = SocketAddr::from((source.parse::<Ipv6Addr>().expect("an address"), 546));
        self
    }

    /// To one of the server's own addresses.
    pub(crate) fn unicast(mut self) -> Self {
        self.destination = GLOBAL;
        self
    }

    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut message = vec![self.kind, 0x12, 0x34, 0x56];
        if let Some(duid) = &self.client {
            message.extend_from_slice(&option(code::CLIENTID, duid));
        }
        if let Some(duid) = &self.server {
            message.extend_from_slice(&option(code::SERVERID, duid));
        }
        message.extend_from_slice(&self.options);
        for (count, hop) in self.hops.iter().enumerate() {
            let mut outer = vec![MessageType::RelayForw as u8, count as u8];
            outer.extend_from_slice(&hop.link.octets());
            outer.extend_from_slice(&hop.peer.octets());
            outer.extend_from_slice(&hop.options);
            outer.extend_from_slice(&option(code::RELAY_MSG, &message));
            message = outer;
        }
        message
    }

    pub(crate) fn inbound<'a>(&self, payload: &'a [u8]) -> Inbound<'a> {
        let local = if self.destination.is_multicast() { SERVER } else { self.destination };
        Inbound {
            payload,
            interface: LAN,
            source: self.source,
            destination: self.destination.into(),
            local: local.into(),
            link_source: None,
        }
    }
}

impl Answer {
    fn read<T>(&self, read: impl FnOnce(&View<'_>) -> T) -> T {
        let mut spans = SpanTable::default();
        let view = View::parse_reply(&self.payload, &mut spans).expect("replies are well formed");
        assert!(!view.is_truncated());
        read(&view)
    }

    pub(crate) fn kind(&self) -> MessageType {
        self.read(|view| view.message_type()).expect("replies have a known type")
    }

    pub(crate) fn option(&self, code: u16) -> Option<Vec<u8>> {
        self.read(|view| view.option(code).map(<[u8]>::to_vec))
    }

    /// The bodies of all options with this code.
    pub(crate) fn all(&self, wanted: u16) -> Vec<Vec<u8>> {
        self.read(|view| {
            let found = view.all_options().filter(|(code, _)| *code == wanted);
            found.map(|(_, body)| body.to_vec()).collect()
        })
    }

    pub(crate) fn codes(&self) -> Vec<u16> {
        self.read(|view| view.all_options().map(|(code, _)| code).collect())
    }

    /// The associations as options of a message.
    pub(crate) fn ias(&self) -> Vec<u8> {
        self.read(|view| {
            let ias = view.all_options().filter(|(code, _)| IaKind::from_code(*code).is_some());
            ias.flat_map(|(code, body)| option(code, body)).collect()
        })
    }

    /// Number of the message's own status code.
    pub(crate) fn status(&self) -> Option<u16> {
        self.read(|view| view.status().expect("a well-formed status").map(|(number, _)| number))
    }

    /// Each association in a line: kind, number, T1/T2, entries with lifetimes, status.
    pub(crate) fn associations(&self) -> Vec<String> {
        self.read(|view| {
            view.ias()
                .map(|ia| {
                    let ia = ia.expect("associations are well formed");
                    let mut line = format!("{} {} {}/{}", ia.kind, ia.iaid, ia.t1, ia.t2);
                    for entry in ia.addresses() {
                        let entry = entry.expect("addresses are well formed");
                        let (preferred, valid) = (entry.preferred, entry.valid);
                        write!(line, " {} {preferred}/{valid}", entry.address).expect("text");
                    }
                    for entry in ia.prefixes() {
                        let entry = entry.expect("prefixes are well formed");
                        let (preferred, valid) = (entry.preferred, entry.valid);
                        write!(line, " {}/{} {preferred}/{valid}", entry.prefix, entry.len)
                            .expect("text");
                        if let Some((excluded, len)) = entry.excluded_prefix() {
                            write!(line, " without {excluded}/{len}").expect("text");
                        }
                    }
                    if let Some((status, _)) = ia.status() {
                        write!(line, " status {status}").expect("text");
                    }
                    line
                })
                .collect()
        })
    }

    /// The addresses and prefixes that are given, without lifetimes.
    pub(crate) fn given(&self) -> Vec<String> {
        self.read(|view| {
            let mut given = Vec::new();
            for ia in view.ias().map(|ia| ia.expect("associations are well formed")) {
                let addresses = ia.addresses().flatten().filter(|entry| entry.valid > 0);
                given.extend(addresses.map(|entry| entry.address.to_string()));
                let prefixes = ia.prefixes().flatten().filter(|entry| entry.valid > 0);
                given.extend(prefixes.map(|entry| format!("{}/{}", entry.prefix, entry.len)));
                assert!(ia.kind != IaKind::Ta, "temporary addresses are not given");
            }
            given
        })
    }

    /// Where it goes, and how many relays it goes through.
    pub(crate) fn way(&self) -> String {
        format!("{} through {}", self.entry.destination, self.read(|view| view.relay_count()))
    }
}
