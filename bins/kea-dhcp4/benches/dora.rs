//! Time and allocations of whole exchanges: a relayed packet in, a reply in the outbox, its row in the journal queue.
//!
//! `cargo bench -p kea-dhcp4 --bench dora`. The store is the memory store; the journal queue is emptied into a buffer
//! once per batch of 64, as a worker does. Arguments are the numbers of subnets and of leases that exist. In steady
//! state an exchange must not allocate: the columns for allocations show what does.

// A benchmark measures real time and memory.
#![allow(missing_docs)]

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cc::{Diagnostics, Document, NoIncludes};
use divan::{AllocProfiler, Bencher};
use kea_dhcp4::runtime::{Runtime4, subnet_rows};
use kea_dhcp4::server::{Server4, Shared4};
use libdhcp::HardwareAddress;
use libdhcp::v4::{Message, MessageType, code};
use libdhcpsrv::config4::read;
use libdhcpsrv::lease4::LeaseStore4;
use libdhcpsrv::links::Links;
use libdhcpsrv::server::DhcpServer;
use stats::Statistics4;
use util::journal::JournalQueue;
use util::link::{Inbound, InterfaceIndex, Replies};
use util::{Entropy, Now, SplitMix};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Numbers of subnets and of leases.
const CASES: [(u32, u32); 4] = [(1, 0), (10_000, 0), (1, 1_000_000), (10_000, 1_000_000)];
/// Host reservations beside a small subnet: how many, and whether the clients are among the hosts.
const HOSTS: [(u32, bool); 3] = [(0, false), (10_000, false), (10_000, true)];
/// Numbers of client classes with tests, none of which a client is in.
const CLASSES: [u32; 3] = [0, 1, 100];
/// Clients that take part where there are no leases yet.
const CLIENTS_MIN: u32 = 4096;
/// Packets of one batch.
const BATCH: u32 = 64;
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Addresses of one subnet, when there are many.
const SUBNET_SIZE: u32 = 1 << 10;
const FIRST: u32 = 0x0a00_0000;

fn main() {
    divan::main();
}

/// A packet whose few variable fields are written over.
struct Template {
    bytes: Vec<u8>,
    /// Where the bodies of options 50 and 61 begin.
    requested: Option<usize>,
    client_id: usize,
}

impl Template {
    fn new(kind: MessageType, with_requested: bool, with_server: bool) -> Self {
        let hardware = HardwareAddress::new(1, &[2, 0, 0, 0, 0, 0]).expect("six bytes are few");
        let mut message = Message::new(0, hardware);
        message.header.hops = 1;
        message.add(code::MESSAGE_TYPE, [kind as u8]);
        message.add(code::CLIENT_IDENTIFIER, [1, 2, 0, 0, 0, 0, 0]);
        if with_requested {
            message.add(code::REQUESTED_ADDRESS, [0; 4]);
        }
        if with_server {
            message.add(code::SERVER_IDENTIFIER, SERVER.octets());
        }
        message.add(code::PARAMETER_REQUEST_LIST, [1, 3, 6, 12, 15, 28, 42, 51, 54, 58, 59]);
        message.add(code::RELAY_AGENT_INFORMATION, [1, 4, b'p', b'o', b'r', b't']);
        let bytes = message.to_bytes().expect("no option is a filler");
        let client_id = libdhcp::v4::OPTIONS_OFFSET + 3 + 2;
        let requested = with_requested.then_some(client_id + 7 + 2);
        Self { bytes, requested, client_id }
    }

    fn fill(&mut self, client: u32, giaddr: u32, address: u32, ciaddr: u32) {
        let bytes = &mut self.bytes;
        bytes[4..8].copy_from_slice(&client.to_be_bytes());
        bytes[12..16].copy_from_slice(&ciaddr.to_be_bytes());
        bytes[24..28].copy_from_slice(&giaddr.to_be_bytes());
        bytes[30..34].copy_from_slice(&client.to_be_bytes());
        bytes[self.client_id + 3..self.client_id + 7].copy_from_slice(&client.to_be_bytes());
        if let Some(at) = self.requested {
            bytes[at..at + 4].copy_from_slice(&address.to_be_bytes());
        }
    }
}

/// The server and its surroundings.
struct Host {
    server: Server4,
    queue: Arc<JournalQueue>,
    replies: Replies,
    taken: Vec<u8>,
    now: Now,
    packets: u32,
}

impl Host {
    fn feed(&mut self, payload: &[u8]) {
        let giaddr = [payload[24], payload[25], payload[26], payload[27]];
        let input = Inbound {
            payload,
            interface: InterfaceIndex(2),
            source: SocketAddr::from((giaddr, 67)),
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
        self.replies.ready.clear();
        self.replies.held.clear();
        self.now.mono_ns += 100_000;
        self.now.wall_s += i64::from(self.packets.is_multiple_of(BATCH * 1000));
    }
}

struct Setup {
    host: Host,
    subnets: u32,
    clients: u32,
    rng: SplitMix,
    discover: Template,
    request: Template,
    renew: Template,
    release: Template,
}

impl Setup {
    fn new(case: (u32, u32)) -> Self {
        Self::with(case, (0, false), 0)
    }

    fn with((subnets, leases): (u32, u32), hosts: (u32, bool), classes: u32) -> Self {
        let mut setup = Self {
            host: host(subnets, hosts, classes),
            subnets,
            clients: leases.max(CLIENTS_MIN),
            rng: SplitMix::new(1),
            discover: Template::new(MessageType::Discover, false, false),
            request: Template::new(MessageType::Request, true, true),
            renew: Template::new(MessageType::Request, false, false),
            release: Template::new(MessageType::Release, false, true),
        };
        for client in 0..leases {
            setup.request(client);
        }
        // Warm up: all buffers and tables have their size afterwards.
        for client in leases..setup.clients {
            setup.request(client);
        }
        for client in leases..setup.clients {
            setup.release(client);
        }
        for client in setup.clients..setup.clients + CLIENTS_MIN {
            setup.request(client);
            setup.release(client);
        }
        for _ in 0..20 * BATCH {
            let client = setup.any_client();
            setup.discover(client);
        }
        setup
    }

    fn any_client(&mut self) -> u32 {
        self.rng.below(self.clients.into()) as u32
    }

    /// Relay and address of a client: neighbours are in different subnets.
    fn place(&self, client: u32) -> (u32, u32) {
        if self.subnets == 1 {
            return (FIRST + 1, FIRST + 256 + client);
        }
        let subnet = FIRST + client % self.subnets * SUBNET_SIZE;
        (subnet + 1, subnet + 16 + client / self.subnets)
    }

    fn discover(&mut self, client: u32) {
        let (giaddr, _) = self.place(client);
        self.discover.fill(client, giaddr, 0, 0);
        self.host.feed(&self.discover.bytes);
    }

    fn request(&mut self, client: u32) {
        let (giaddr, address) = self.place(client);
        self.request.fill(client, giaddr, address, 0);
        self.host.feed(&self.request.bytes);
    }

    fn renew(&mut self, client: u32) {
        let (giaddr, address) = self.place(client);
        self.renew.fill(client, giaddr, 0, address);
        self.host.feed(&self.renew.bytes);
    }

    fn release(&mut self, client: u32) {
        let (giaddr, address) = self.place(client);
        self.release.fill(client, giaddr, 0, address);
        self.host.feed(&self.release.bytes);
    }
}

fn host(subnets: u32, hosts: (u32, bool), classes: u32) -> Host {
    let now = Now { mono_ns: 1_000_000_000, wall_s: 1_800_000_000 };
    let queue = Arc::new(JournalQueue::new(usize::MAX));
    let store = Arc::new(LeaseStore4::new(0x5eed_5eed, Some(queue.clone())));
    let mut diagnostics = Diagnostics::new();
    let text = configuration(subnets, hosts, classes);
    let document = Document::parse(&text, "bench", &mut NoIncludes, &mut diagnostics);
    let config = document.and_then(|document| read(&document, 1, &mut diagnostics));
    let config = config.expect("the configuration has no errors");
    let statistics = Statistics4::new(now);
    let counters = statistics.install(&subnet_rows(&config), now);
    let runtime = Arc::new(Runtime4::new(config, counters));
    store.adopt_pools(&runtime.pools);
    let shared = Shared4::new(store, 5);
    let mut server = Server4::new(shared, runtime, statistics.worker(now), 6);
    server.set_links(Arc::new(Links::new(Vec::new(), vec![SERVER.into()])));
    Host { server, queue, replies: Replies::default(), taken: Vec::new(), now, packets: 0 }
}

fn configuration(subnets: u32, hosts: (u32, bool), classes: u32) -> String {
    let mut text = String::from(
        "{ \"Dhcp4\": { \"cache-threshold\": 0, \"valid-lifetime\": 4000, \"renew-timer\": 1000, \"rebind-timer\": 2000,
           \"option-data\": [ { \"name\": \"domain-name-servers\", \"data\": \"192.0.2.2, 192.0.2.3\" },
                            { \"name\": \"domain-name\", \"data\": \"example.org\" },
                            { \"name\": \"ntp-servers\", \"data\": \"192.0.2.4\" } ],
           \"subnet4\": [ ",
    );
    for number in 0..subnets {
        let single = subnets == 1;
        let base = FIRST + number * SUBNET_SIZE;
        let len = if single { 8 } else { 22 };
        let pool = if single { [FIRST + 256, FIRST + 0x20_0000] } else { [base + 16, base + 1000] };
        let [base, router, first, last] = [base, base + 1, pool[0], pool[1]].map(Ipv4Addr::from);
        let comma = if number == 0 { "" } else { "," };
        write!(
            text,
            "{comma}{{ \"id\": {}, \"subnet\": \"{base}/{len}\",
               \"pools\": [ {{ \"pool\": \"{first} - {last}\" }} ],
               \"option-data\": [ {{ \"name\": \"routers\", \"data\": \"{router}\" }} ],
               \"reservations\": [ {} ] }}",
            number + 1,
            reservations(hosts)
        )
        .expect("a string takes all text");
    }
    let classes = (0..classes).map(|number| {
        let test = format!("substring(option[61].hex, 0, 4) == 0xff{number:06x}");
        format!("{{ \"name\": \"class-{number}\", \"test\": \"{test}\" }}")
    });
    let classes = classes.collect::<Vec<_>>().join(", ");
    text + " ], \"client-classes\": [ " + &classes + " ] } }"
}

/// Reservations for the first clients, or for as many that never come.
fn reservations((count, are_clients): (u32, bool)) -> String {
    let mut text = String::new();
    for client in 0..count {
        let [a, b, c, d] = client.to_be_bytes();
        let kind = if are_clients { 2 } else { 6 };
        let distance = if are_clients { 256 } else { 0x10_0000 };
        let address = Ipv4Addr::from(FIRST + distance + client);
        let comma = if client == 0 { "" } else { "," };
        write!(
            text,
            "{comma}{{ \"hw-address\": \"{kind:x}:0:{a:x}:{b:x}:{c:x}:{d:x}\", \"ip-address\": \"{address}\" }}"
        )
        .expect("a string takes all text");
    }
    text
}

#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn discover(bencher: Bencher<'_, '_>, case: (u32, u32)) {
    let mut setup = Setup::new(case);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.discover(client);
    });
}

#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn request(bencher: Bencher<'_, '_>, case: (u32, u32)) {
    let mut setup = Setup::new(case);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.request(client);
    });
}

#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn renew(bencher: Bencher<'_, '_>, case: (u32, u32)) {
    let mut setup = Setup::new(case);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.renew(client);
    });
}

/// DISCOVER and REQUEST of a client that has a lease (or gets its first one).
#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn dora(bencher: Bencher<'_, '_>, case: (u32, u32)) {
    let mut setup = Setup::new(case);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.discover(client);
        setup.request(client);
    });
}

/// A whole life: DISCOVER, REQUEST with a new lease, RELEASE.
#[divan::bench(args = CASES, sample_size = 2048, sample_count = 50)]
fn dora_of_a_new_client_and_release(bencher: Bencher<'_, '_>, case: (u32, u32)) {
    let mut setup = Setup::new(case);
    let mut client = setup.clients;
    bencher.bench_local(|| {
        client = setup.clients + (client + 1) % CLIENTS_MIN;
        setup.discover(client);
        setup.request(client);
        setup.release(client);
    });
}

/// DISCOVER and REQUEST of a client that has a lease, beside host reservations.
#[divan::bench(args = HOSTS, sample_size = 2048, sample_count = 50)]
fn dora_with_hosts(bencher: Bencher<'_, '_>, hosts: (u32, bool)) {
    let mut setup = Setup::with((1, 0), hosts, 0);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.discover(client);
        setup.request(client);
    });
}

/// DISCOVER and REQUEST of a client that has a lease, with client classes.
#[divan::bench(args = CLASSES, sample_size = 2048, sample_count = 50)]
fn dora_with_classes(bencher: Bencher<'_, '_>, classes: u32) {
    let mut setup = Setup::with((1, 0), (0, false), classes);
    bencher.bench_local(|| {
        let client = setup.any_client();
        setup.discover(client);
        setup.request(client);
    });
}
