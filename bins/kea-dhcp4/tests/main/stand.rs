//! The apparatus of the scenarios: a server with what it needs, queries in short form, answers as text.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cc::{Diagnostics, Document, NoIncludes};
use kea_dhcp4::runtime::{Runtime4, subnet_rows};
use kea_dhcp4::server::{Server4, Shared4};
use kea_log::Captured;
use libdhcp::HardwareAddress;
use libdhcp::v4::{FLAG_BROADCAST, Message, MessageType, SpanTable, View, code};
use libdhcpsrv::config4::{Config4, read};
use libdhcpsrv::hosts::HostDatabases;
use libdhcpsrv::lease4::{LeaseStore4, V4};
use libdhcpsrv::links::Links;
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::Store;
use stats::{LeaseCounters4, Packet4, Statistics4};
use util::Now;
use util::journal::JournalQueue;
use util::link::{Delivery, Inbound, InterfaceIndex, LinkAddress, Outbound, Replies};

/// The server's address on its only interface, `lan`.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// A second address of the server, without clients of its own.
pub(crate) const OTHER_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// Number of the interface `lan`.
pub(crate) const LAN: InterfaceIndex = InterfaceIndex(2);
/// Wall clock at the beginning.
pub(crate) const BEGIN_S: i64 = 1_800_000_000;

/// A subnet with three addresses on the server's own link.
pub(crate) const SMALL: &str = r#""valid-lifetime": 4000, "subnet4": [
    { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ] } ]"#;

/// Reads the members of `Dhcp4`.
pub(crate) fn config(members: &str) -> Config4 {
    let (config, findings) = read_text(&format!("{{ \"Dhcp4\": {{ {members} }} }}"));
    config.unwrap_or_else(|| panic!("{findings}"))
}

/// Reads a file; all that there is to say about it.
fn read_text(text: &str) -> (Option<Config4>, String) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(text, "scenario", &mut NoIncludes, &mut diagnostics);
    let config = document.and_then(|document| read(&document, 1, &mut diagnostics));
    (config, diagnostics.render())
}

/// A server and what it needs.
pub(crate) struct Stand {
    pub(crate) server: Server4,
    pub(crate) store: Arc<LeaseStore4>,
    pub(crate) queue: Arc<JournalQueue>,
    pub(crate) shared: Shared4,
    pub(crate) statistics: Statistics4,
    pub(crate) counters: Arc<LeaseCounters4>,
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
    pub(crate) message: Message,
    pub(crate) sname: Vec<u8>,
    pub(crate) file: Vec<u8>,
    pub(crate) codes: Vec<u8>,
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
        wrap: impl FnOnce(Arc<LeaseStore4>) -> Arc<dyn Store<V4>>,
    ) -> Self {
        Self::with_config(config(members), wrap)
    }

    fn with_config(
        config: Config4,
        wrap: impl FnOnce(Arc<LeaseStore4>) -> Arc<dyn Store<V4>>,
    ) -> Self {
        let now = Now { mono_ns: 1_000_000_000_000, wall_s: BEGIN_S };
        let queue = Arc::new(JournalQueue::new(1 << 20));
        let store = Arc::new(LeaseStore4::new(7, Some(queue.clone())));
        let shared = Shared4::new(wrap(store.clone()), 8);
        let statistics = Statistics4::new(now);
        let (runtime, counters) = install(config, &statistics, &store, None, now);
        let mut server = Server4::new(shared.clone(), runtime, statistics.worker(now), 9);
        let names = vec![(LAN, "lan".into())];
        server.set_links(Arc::new(Links::new(names, vec![SERVER.into(), OTHER_ADDRESS.into()])));
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
    pub(crate) fn reconfigure_with(&mut self, members: &str, databases: Option<HostDatabases<V4>>) {
        let Self { statistics, store, now, .. } = self;
        let (runtime, counters) = install(config(members), statistics, store, databases, *now);
        self.counters = counters;
        self.server.set_runtime(runtime);
    }

    /// Sends a query a second after the one before.
    pub(crate) fn ask(&mut self, query: &Query) -> Reaction {
        let payload = query.message.to_bytes().expect("no option is a filler");
        self.ask_bytes(&payload, query)
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
            answers.extend(outbox.entries().iter().map(|e| Answer::new(outbox.payload(e), *e)));
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
        reaction.reason("DHCP4_QUERY_DROPPED")
    }

    /// Sends a query that must be refused; tells the reason that is logged.
    pub(crate) fn nak_reason(&mut self, query: &Query) -> String {
        let reaction = self.ask(query);
        let [nak] = reaction.answers.as_slice() else { panic!("no answer: {reaction:?}") };
        assert_eq!(nak.kind(), MessageType::Nak);
        reaction.reason("DHCP4_QUERY_REFUSED")
    }

    /// Takes a lease by DISCOVER and REQUEST; returns its address.
    pub(crate) fn bind(&mut self, query: &Query) -> Ipv4Addr {
        let offer = self.answer(&query.clone().kind(MessageType::Discover));
        assert_eq!(offer.kind(), MessageType::Offer);
        let request = query.clone().kind(MessageType::Request).server(SERVER);
        let ack = self.answer(&request.requested(offer.address()));
        assert_eq!((ack.kind(), ack.address()), (MessageType::Ack, offer.address()));
        ack.address()
    }

    pub(crate) fn counted(&self, packet: Packet4) -> u64 {
        self.server.counters().value(packet)
    }
}

/// As the daemon does.
fn install(
    config: Config4,
    statistics: &Statistics4,
    store: &LeaseStore4,
    databases: Option<HostDatabases<V4>>,
    now: Now,
) -> (Arc<Runtime4>, Arc<LeaseCounters4>) {
    let counters = statistics.install(&subnet_rows(&config), now);
    let mut runtime = Runtime4::new(config, counters.clone());
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

/// A query in the making.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) message: Message,
    source: SocketAddr,
    destination: Ipv4Addr,
    local: Ipv4Addr,
    link_source: Option<LinkAddress>,
}

/// A message of the client with this number, as a broadcast on the server's link.
pub(crate) fn query(kind: MessageType, client: u8) -> Query {
    let mac = [2, 0, 0, 0, 0, client];
    let hardware = HardwareAddress::new(1, &mac).expect("six bytes are few");
    let mut message = Message::new(0x1234_5600 | u32::from(client), hardware);
    message.add(code::MESSAGE_TYPE, [kind as u8]);
    Query {
        message,
        source: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 68)),
        destination: Ipv4Addr::BROADCAST,
        local: SERVER,
        link_source: Some(LinkAddress(mac)),
    }
}

/// A DISCOVER of the client with this number.
pub(crate) fn discover(client: u8) -> Query {
    query(MessageType::Discover, client)
}

/// A REQUEST in SELECTING.
pub(crate) fn selecting(client: u8, address: [u8; 4]) -> Query {
    query(MessageType::Request, client).server(SERVER).requested(address.into())
}

/// A REQUEST in INIT-REBOOT.
pub(crate) fn rebooting(client: u8, address: [u8; 4]) -> Query {
    query(MessageType::Request, client).requested(address.into())
}

/// A REQUEST in RENEWING.
pub(crate) fn renewing(client: u8, address: [u8; 4]) -> Query {
    query(MessageType::Request, client).ciaddr(address).unicast(address)
}

impl Query {
    pub(crate) fn kind(mut self, kind: MessageType) -> Self {
        self.message.replace(code::MESSAGE_TYPE, [kind as u8]);
        self
    }

    pub(crate) fn option(mut self, code: u8, body: &[u8]) -> Self {
        self.message.add(code, body);
        self
    }

    pub(crate) fn requested(self, address: Ipv4Addr) -> Self {
        self.option(code::REQUESTED_ADDRESS, &address.octets())
    }

    pub(crate) fn server(self, address: Ipv4Addr) -> Self {
        self.option(code::SERVER_IDENTIFIER, &address.octets())
    }

    pub(crate) fn client_id(self, id: &[u8]) -> Self {
        self.option(code::CLIENT_IDENTIFIER, id)
    }

    pub(crate) fn wants(self, codes: &[u8]) -> Self {
        self.option(code::PARAMETER_REQUEST_LIST, codes)
    }

    pub(crate) fn hardware(mut self, htype: u16, bytes: &[u8]) -> Self {
        self.message.header.hardware_address =
            HardwareAddress::new(htype, bytes).expect("twenty bytes at most");
        self
    }

    pub(crate) fn ciaddr(mut self, address: [u8; 4]) -> Self {
        self.message.header.ciaddr = address.into();
        self
    }

    pub(crate) fn broadcast_flag(mut self) -> Self {
        self.message.header.flags = FLAG_BROADCAST;
        self
    }

    /// Through a relay.
    pub(crate) fn relayed(mut self, giaddr: [u8; 4]) -> Self {
        self.message.header.giaddr = giaddr.into();
        self.message.header.hops = 1;
        self.source = SocketAddr::from((giaddr, 67));
        self.destination = SERVER;
        self.link_source = Some(LinkAddress([2, 0xff, 0, 0, 0, 1]));
        self
    }

    /// From the client's own address to the server's.
    pub(crate) fn unicast(mut self, source: [u8; 4]) -> Self {
        self.source = SocketAddr::from((source, 68));
        self.destination = SERVER;
        self.link_source = None;
        self
    }

    /// To an address of the server.
    pub(crate) fn to(mut self, local: Ipv4Addr) -> Self {
        self.destination = local;
        self.local = local;
        self
    }

    /// On an interface whose first address is this.
    pub(crate) fn received_at(mut self, local: Ipv4Addr) -> Self {
        self.local = local;
        self
    }

    /// From an address of the client, still as a broadcast.
    pub(crate) fn source(mut self, source: [u8; 4]) -> Self {
        self.source = SocketAddr::from((source, 68));
        self
    }

    pub(crate) fn inbound<'a>(&self, payload: &'a [u8]) -> Inbound<'a> {
        Inbound {
            payload,
            interface: LAN,
            source: self.source,
            destination: self.destination.into(),
            local: self.local.into(),
            link_source: self.link_source,
        }
    }
}

impl Answer {
    fn new(payload: &[u8], entry: Outbound) -> Self {
        let mut spans = SpanTable::new();
        let view = View::parse(payload, &mut spans).expect("replies are well formed");
        assert!(!view.is_truncated(), "replies end with END");
        assert_eq!(payload.last(), Some(&code::END));
        Self {
            codes: view.fragments().map(|(code, _)| code).collect(),
            sname: view.sname().to_vec(),
            file: view.file().to_vec(),
            message: Message::from(&view),
            entry,
        }
    }

    pub(crate) fn kind(&self) -> MessageType {
        let kind = self.option(code::MESSAGE_TYPE).and_then(|body| body.first().copied());
        kind.and_then(MessageType::from_u8).expect("replies have a type")
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.message.header.yiaddr
    }

    pub(crate) fn option(&self, code: u8) -> Option<&[u8]> {
        self.message.option(code)
    }

    pub(crate) fn number(&self, code: u8) -> Option<u32> {
        self.option(code).map(|body| u32::from_be_bytes(body.try_into().expect("four bytes")))
    }

    pub(crate) fn is_broadcast_flagged(&self) -> bool {
        self.message.header.flags & FLAG_BROADCAST != 0
    }

    /// Where it goes, in one line.
    pub(crate) fn way(&self) -> String {
        let how = match self.entry.delivery {
            Delivery::Routed { .. } => "routed",
            Delivery::Link(_) => "to the link address",
            Delivery::Broadcast => "as a broadcast",
        };
        format!("{} {how}", self.entry.destination)
    }

    /// The whole reply as text, for snapshots.
    pub(crate) fn text(&self) -> String {
        let header = &self.message.header;
        let mut text =
            format!("{} from {} to {}\n", self.kind().name(), self.entry.source, self.way());
        writeln!(
            text,
            "op {} hops {} xid {:#x} secs {} flags {:#06x}",
            header.op, header.hops, header.xid, header.secs, header.flags
        )
        .expect("a string takes all text");
        writeln!(
            text,
            "ciaddr {} yiaddr {} siaddr {} giaddr {} chaddr {}",
            header.ciaddr, header.yiaddr, header.siaddr, header.giaddr, header.hardware_address
        )
        .expect("a string takes all text");
        for (name, field) in [("sname", &self.sname), ("file", &self.file)] {
            if !field.is_empty() {
                writeln!(text, "{name} {}", String::from_utf8_lossy(field))
                    .expect("a string takes all text");
            }
        }
        for &code in &self.codes {
            let body = self.option(code).unwrap_or_default();
            writeln!(text, "{code:3} {body:?}").expect("a string takes all text");
        }
        text
    }
}
