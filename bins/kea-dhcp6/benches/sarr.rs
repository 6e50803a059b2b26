//! Time and allocations of whole exchanges: a relayed packet in, a reply in the outbox, its row in the journal queue.
//!
//! `cargo bench -p kea-dhcp6 --bench sarr`. The store is the memory store; the journal queue is emptied into a buffer
//! once per batch of 64, as a worker does. Arguments are the numbers of subnets and of clients that have leases, and
//! what a client asks for: an address, or an address and a prefix in one message. In steady state an exchange must not
//! allocate: the columns for allocations show what does.

// A benchmark measures real time and memory.
#![allow(missing_docs)]

use std::fmt::{self, Write};
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;

use cc::{Diagnostics, Document, NoIncludes};
use divan::{AllocProfiler, Bencher};
use kea_dhcp6::runtime::{Runtime6, subnet_rows};
use kea_dhcp6::server::{Server6, Shared6};
use libdhcp::v6::{IaKind, IaTimes, Lifetimes, MessageType, RelayHeader, Writer, code};
use libdhcpsrv::config6::read;
use libdhcpsrv::lease6::LeaseStore6;
use libdhcpsrv::server::DhcpServer;
use stats::Statistics6;
use util::journal::JournalQueue;
use util::link::{Inbound, InterfaceIndex, Replies};
use util::{Entropy, Now, SplitMix};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// What is measured under which conditions.
const CASES: [Case; 6] = [
    Case { subnets: 1, leases: 0, prefixes: false },
    Case { subnets: 10_000, leases: 0, prefixes: false },
    Case { subnets: 1, leases: 1_000_000, prefixes: false },
    Case { subnets: 10_000, leases: 1_000_000, prefixes: false },
    Case { subnets: 1, leases: 0, prefixes: true },
    Case { subnets: 10_000, leases: 1_000_000, prefixes: true },
];
/// Host reservations beside a small subnet: how many, and whether the clients are among the hosts.
const HOSTS: [(u32, bool); 3] = [(0, false), (10_000, false), (10_000, true)];
/// Client classes: how many, and whether a shared network has the subnets.
const CLASSES: [(u32, bool); 4] = [(0, false), (1, false), (100, false), (100, true)];
/// Clients that take part where there are no leases yet.
const CLIENTS_MIN: u32 = 4096;
/// Packets of one batch.
const BATCH: u32 = 64;
const SERVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);
const SERVER_DUID: [u8; 10] = [0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfe];
/// Fields that are written over, recognised by what stands there at first.
const ADDRESS_MARK: Ipv6Addr = Ipv6Addr::new(0xfe80, 1, 1, 1, 1, 1, 1, 1);
const PREFIX_MARK: Ipv6Addr = Ipv6Addr::new(0xfe80, 2, 2, 2, 2, 2, 2, 2);
const CLIENT_MARK: [u8; 10] = [0, 3, 0, 1, 2, 0, 0xfe, 0xfe, 0xfe, 0xfe];
/// Where a relay message has its link-address and the address of the client.
const LINK_ADDRESS: usize = 2;
const PEER_ADDRESS: usize = 18;

fn main() {
    divan::main();
}

#[derive(Clone, Copy, Debug)]
struct Case {
    subnets: u32,
    /// Clients that have what they ask for at the start.
    leases: u32,
    /// Whether they ask for a prefix as well.
    prefixes: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.prefixes { "NA+PD" } else { "NA" };
        write!(f, "{} {} {what}", self.subnets, self.leases)
    }
}

/// A packet whose few variable fields are written over.
struct Template {
    bytes: Vec<u8>,
    transaction_id: usize,
    client: usize,
    address: Option<usize>,
    prefix: Option<usize>,
}

impl Template {
    fn new(kind: MessageType, prefixes: bool) -> Self {
        let bytes = relayed(&message(kind, prefixes));
        let find = |mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark);
        let client = find(&CLIENT_MARK).expect("each message has a client");
        let address = find(&ADDRESS_MARK.octets());
        let prefix = find(&PREFIX_MARK.octets());
        // The client identifier is the first option.
        Self { transaction_id: client - 4 - 3, client: client + 6, address, prefix, bytes }
    }

    /// `exchange` tells the packet from those before.
    fn fill(&mut self, client: u32, exchange: u32, place: Place) {
        let number = client.to_be_bytes();
        let mut put = |at: usize, bytes: &[u8]| {
            self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        };
        put(LINK_ADDRESS, &place.link.octets());
        put(PEER_ADDRESS + 12, &number);
        put(self.transaction_id, &exchange.to_be_bytes()[1..]);
        put(self.client, &number);
        self.address.iter().for_each(|&at| put(at, &place.address.octets()));
        self.prefix.iter().for_each(|&at| put(at, &place.prefix.octets()));
    }
}

fn message(kind: MessageType, prefixes: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let write = |bytes: &mut Vec<u8>| {
        let mut writer = Writer::message(bytes, kind, [0; 3], 1500)?;
        writer.put_option(code::CLIENTID, &CLIENT_MARK)?;
        if kind != MessageType::Solicit {
            writer.put_option(code::SERVERID, &SERVER_DUID)?;
        }
        writer.put_u16(code::ELAPSED_TIME, 0)?;
        writer.put_option(code::ORO, &[0, 23, 0, 24, 0, 31, 0, 56, 0, 82])?;
        let lifetimes = Lifetimes::default();
        writer.begin_ia(IaKind::Na, 1, IaTimes::default())?;
        if kind != MessageType::Solicit {
            writer.put_ia_address(ADDRESS_MARK, lifetimes)?;
        }
        writer.end_option();
        if prefixes {
            writer.begin_ia(IaKind::Pd, 1, IaTimes::default())?;
            if kind != MessageType::Solicit {
                writer.put_ia_prefix(PREFIX_MARK, 64, lifetimes)?;
            }
            writer.end_option();
        }
        writer.finish();
        Ok::<_, libdhcp::v6::WriteError>(())
    };
    write(&mut bytes).expect("the message fits");
    bytes
}

fn relayed(message: &[u8]) -> Vec<u8> {
    let header = RelayHeader {
        message_type: MessageType::RelayForw,
        hop_count: 0,
        link_address: Ipv6Addr::UNSPECIFIED,
        peer_address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 0),
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::relay(&mut bytes, &header, 1500).expect("the header fits");
    writer.put_option(code::INTERFACE_ID, b"port").expect("the option fits");
    writer.put_option(code::RELAY_MSG, message).expect("the message fits");
    writer.finish();
    bytes
}

/// The server and its surroundings.
struct Host {
    server: Server6,
    queue: Arc<JournalQueue>,
    replies: Replies,
    taken: Vec<u8>,
    now: Now,
    packets: u32,
    answers: u64,
}

impl Host {
    fn new(text: &str) -> Self {
        let now = Now { mono_ns: 1_000_000_000, wall_s: 1_800_000_000 };
        let queue = Arc::new(JournalQueue::new(usize::MAX));
        let store = Arc::new(LeaseStore6::new(0x5eed_5eed, Some(queue.clone())));
        let mut diagnostics = Diagnostics::new();
        let document = Document::parse(text, "bench", &mut NoIncludes, &mut diagnostics);
        let config = document.and_then(|document| read(&document, 1, &mut diagnostics));
        let config = config.unwrap_or_else(|| panic!("{}", diagnostics.render()));
        let statistics = Statistics6::new(now);
        let counters = statistics.install(&subnet_rows(&config), now);
        let runtime = Arc::new(Runtime6::new(config, SERVER_DUID.into(), counters));
        store.adopt_pools(&runtime.pools);
        let shared = Shared6::new(store, 5);
        let server = Server6::new(shared, runtime, statistics.worker(now), 6);
        let replies = Replies::default();
        Self { server, queue, replies, taken: Vec::new(), now, packets: 0, answers: 0 }
    }

    fn feed(&mut self, payload: &[u8], link: Ipv6Addr) {
        let input = Inbound {
            payload,
            interface: InterfaceIndex(2),
            source: SocketAddr::from((link, 547)),
            destination: SERVER.into(),
            local: SERVER.into(),
            link_source: None,
        };
        self.server.receive(input, self.now, &mut self.replies);
        self.packets += 1;
        if self.packets.is_multiple_of(BATCH) {
            self.end_batch();
        }
    }

    fn end_batch(&mut self) {
        self.server.end_batch(self.now, &mut self.replies);
        self.taken.clear();
        self.queue.commit(self.queue.take(&mut self.taken));
        self.answers += (self.replies.ready.len() + self.replies.held.len()) as u64;
        self.replies.ready.clear();
        self.replies.held.clear();
        self.now.mono_ns += 100_000;
        self.now.wall_s += i64::from(self.packets.is_multiple_of(BATCH * 1000));
    }
}

/// Where a client is, and what it gets.
#[derive(Clone, Copy)]
struct Place {
    link: Ipv6Addr,
    address: Ipv6Addr,
    prefix: Ipv6Addr,
}

struct Setup {
    host: Host,
    subnets: u32,
    clients: u32,
    rng: SplitMix,
    solicit: Template,
    request: Template,
    renew: Template,
    release: Template,
}

impl Setup {
    fn new(case: Case) -> Self {
        Self::with_hosts(case, (0, false))
    }

    fn with_hosts(case: Case, hosts: (u32, bool)) -> Self {
        Self::with_text(case, &configuration(case.subnets, hosts))
    }

    fn with_text(case: Case, text: &str) -> Self {
        let template = |kind| Template::new(kind, case.prefixes);
        let mut setup = Self {
            host: Host::new(text),
            subnets: case.subnets,
            clients: case.leases.max(CLIENTS_MIN),
            rng: SplitMix::new(1),
            solicit: template(MessageType::Solicit),
            request: template(MessageType::Request),
            renew: template(MessageType::Renew),
            release: template(MessageType::Release),
        };
        for client in 0..case.leases {
            setup.request(client);
        }
        // Warm up: all buffers and tables have their size afterwards.
        for client in case.leases..setup.clients {
            setup.request(client);
        }
        for client in case.leases..setup.clients {
            setup.release(client);
        }
        for client in setup.clients..setup.clients + CLIENTS_MIN {
            setup.request(client);
            setup.release(client);
        }
        for _ in 0..20 * BATCH {
            let client = setup.any_client();
            setup.solicit(client);
        }
        let packets = setup.host.packets;
        assert_eq!(u64::from(packets - packets % BATCH), setup.host.answers, "all are answered");
        setup
    }

    fn any_client(&mut self) -> u32 {
        self.rng.below(self.clients.into()) as u32
    }

    /// Neighbours are in different subnets.
    fn place(&self, client: u32) -> Place {
        let subnet = (client % self.subnets) as u16;
        let nth = client / self.subnets;
        let [high, low] = [(nth >> 16) as u16, nth as u16];
        Place {
            link: Ipv6Addr::new(0x2001, 0xdb8, subnet, 0, 0, 0, 0, 1),
            address: Ipv6Addr::new(0x2001, 0xdb8, subnet, 1, 0, 0, high, low),
            prefix: Ipv6Addr::new(0x3fff, subnet, high, low, 0, 0, 0, 0),
        }
    }

    fn solicit(&mut self, client: u32) {
        let place = self.place(client);
        self.solicit.fill(client, self.host.packets, place);
        self.host.feed(&self.solicit.bytes, place.link);
    }

    fn request(&mut self, client: u32) {
        let place = self.place(client);
        self.request.fill(client, self.host.packets, place);
        self.host.feed(&self.request.bytes, place.link);
    }

    fn renew(&mut self, client: u32) {
        let place = self.place(client);
        self.renew.fill(client, self.host.packets, place);
        self.host.feed(&self.renew.bytes, place.link);
    }

    fn release(&mut self, client: u32) {
        let place = self.place(client);
        self.release.fill(client, self.host.packets, place);
        self.host.feed(&self.release.bytes, place.link);
    }
}

fn configuration(subnets: u32, hosts: (u32, bool)) -> String {
    let mut text = String::from(
        "{ \"Dhcp6\": { \"cache-threshold\": 0, \"preferred-lifetime\": 3000, \"valid-lifetime\": 4000, \"renew-timer\": 1000,
           \"rebind-timer\": 2000,
           \"option-data\": [ { \"name\": \"dns-servers\", \"data\": \"2001:db8:ffff::2, 2001:db8:ffff::3\" },
                            { \"name\": \"domain-search\", \"data\": \"example.org\" } ],
           \"subnet6\": [ ",
    );
    for number in 0..subnets {
        let comma = if number == 0 { "" } else { "," };
        write!(
            text,
            "{comma}{{ \"id\": {}, \"subnet\": \"2001:db8:{number:x}::/48\",
               \"pools\": [ {{ \"pool\": \"2001:db8:{number:x}:1::/80\" }} ],
               \"pd-pools\": [ {{ \"prefix\": \"3fff:{number:x}::\", \"prefix-len\": 32, \"delegated-len\": 64 }} ],
               \"option-data\": [ {{ \"name\": \"sntp-servers\", \"data\": \"2001:db8:{number:x}::1\" }} ],
               \"reservations\": [ {} ] }}",
            number + 1,
            reservations(hosts)
        )
        .expect("a string takes all text");
    }
    text + " ] } }"
}

/// The configuration with classes, of which every client is in one, and perhaps with a shared network.
fn with_classes(text: &str, (count, has_network): (u32, bool)) -> String {
    let mut classes = String::new();
    for class in 0..count {
        let comma = if class == 0 { "" } else { "," };
        let test = match class {
            0 => "relay6[0].option[18].text == 'port'".to_owned(),
            _ if class % 2 == 0 => format!("relay6[0].option[18].text == 'port{class}'"),
            _ => format!("option[16].exists and vendor-class.enterprise == {class}"),
        };
        write!(
            classes,
            "{comma}{{ \"name\": \"class{class}\", \"test\": \"{test}\",
                \"option-data\": [ {{ \"name\": \"domain-search\", \"data\": \"example.net\" }} ] }}"
        )
        .expect("a string takes all text");
    }
    let global = format!("{{ \"Dhcp6\": {{ \"client-classes\": [ {classes} ],");
    let text = text.replacen("{ \"Dhcp6\": {", &global, 1);
    if !has_network {
        return text;
    }
    let text = text.replacen(
        "\"subnet6\": [",
        "\"shared-networks\": [ { \"name\": \"n\", \"subnet6\": [",
        1,
    );
    text.strip_suffix("] } }").expect("the list of subnets comes last").to_owned() + "] } ] } }"
}

/// Reservations for the first clients, or for as many that never come.
fn reservations((count, are_clients): (u32, bool)) -> String {
    let mut text = String::new();
    for client in 0..count {
        let [a, b, c, d] = client.to_be_bytes();
        let (kind, part) = if are_clients { (2, 1) } else { (6, 2) };
        let comma = if client == 0 { "" } else { "," };
        write!(
            text,
            "{comma}{{ \"duid\": \"0:3:0:1:{kind:x}:0:{a:x}:{b:x}:{c:x}:{d:x}\",
                \"ip-addresses\": [ \"2001:db8:0:{part}::{client:x}\" ] }}"
        )
        .expect("a string takes all text");
    }
    text
}

#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn solicit(bencher: Bencher<'_, '_>, case: Case) {
    let mut setup = Setup::new(case);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.solicit(client);
    });
}

#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn request(bencher: Bencher<'_, '_>, case: Case) {
    let mut setup = Setup::new(case);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.request(client);
    });
}

#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn renew(bencher: Bencher<'_, '_>, case: Case) {
    let mut setup = Setup::new(case);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.renew(client);
    });
}

/// SOLICIT and REQUEST of a client that has a lease (or gets its first one).
#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn sarr(bencher: Bencher<'_, '_>, case: Case) {
    let mut setup = Setup::new(case);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.solicit(client);
        setup.request(client);
    });
}

/// A whole life: SOLICIT, REQUEST with a new lease, RELEASE.
#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn sarr_of_a_new_client_and_release(bencher: Bencher<'_, '_>, case: Case) {
    let mut setup = Setup::new(case);
    let mut client = setup.clients;
    bencher.bench_local(|| {
        client = setup.clients + (client + 1) % CLIENTS_MIN;
        setup.solicit(client);
        setup.request(client);
        setup.release(client);
    });
}

/// SOLICIT and REQUEST of a client that has a lease, beside host reservations.
#[divan::bench(args = HOSTS, sample_size = 2048, sample_count = 50)]
fn sarr_with_hosts(bencher: Bencher<'_, '_>, hosts: (u32, bool)) {
    let case = Case { subnets: 1, leases: 0, prefixes: false };
    let mut setup = Setup::with_hosts(case, hosts);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.solicit(client);
        setup.request(client);
    });
}

/// SOLICIT and REQUEST of a client that has a lease, with client classes, in one subnet or one of a shared network of four.
#[divan::bench(args = CLASSES, sample_size = 2048, sample_count = 50)]
fn sarr_with_classes(bencher: Bencher<'_, '_>, classes: (u32, bool)) {
    let subnets = if classes.1 { 4 } else { 1 };
    let case = Case { subnets, leases: 0, prefixes: false };
    let text = with_classes(&configuration(subnets, (0, false)), classes);
    let mut setup = Setup::with_text(case, &text);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.solicit(client);
        setup.request(client);
    });
}
