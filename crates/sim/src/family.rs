//! What the simulation must know of an address family: a [`Family`] is the family's part of the world.
//!
//! The world has the loop, the clock, the network, the disk and the server's computer. A family brings its clients, its
//! packets, its configurations, its server, and the referee that judges by its rules what the server does. The referee
//! has state, so a family is a value; everything else of it is types and functions.

use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use cc::{Diagnostics, Document, NoIncludes};
use database::simulated::Table as Rows;
use libdhcpsrv::config::ExpiredLeases;
use libdhcpsrv::free::{PoolIndex, PoolSet};
use libdhcpsrv::intake::Shared;
use libdhcpsrv::lease::{AddressOf, Counts, Deltas, LeaseKind, StoredLeases};
use libdhcpsrv::links::Links;
use libdhcpsrv::server::DhcpServer;
use stats::{LeaseCounters, SubnetRow, Table, WorkerCounters};
use util::link::{Inbound, InterfaceIndex, LinkAddress};
use util::{Now, SplitMix};

use crate::clock::Clock;
use crate::host::Host;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::spans::Span;
use crate::uses::Uses;

/// The server's only interface.
pub(crate) const INTERFACE: InterfaceIndex = InterfaceIndex(2);
/// Its name.
pub(crate) const INTERFACE_NAME: &str = "lan";

/// A datagram on its way to the server.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) payload: Vec<u8>,
    pub(crate) source: SocketAddr,
    pub(crate) destination: IpAddr,
    /// The server's address that takes it.
    pub(crate) local: IpAddr,
    pub(crate) link_source: Option<LinkAddress>,
}

impl Datagram {
    pub(crate) fn inbound(&self) -> Inbound<'_> {
        Inbound {
            payload: &self.payload,
            interface: INTERFACE,
            source: self.source,
            destination: self.destination,
            local: self.local,
            link_source: self.link_source,
        }
    }
}

/// What a client wants after an input.
#[derive(Debug)]
pub(crate) struct Wishes<N> {
    pub(crate) send: Vec<Datagram>,
    /// What the referee must know.
    pub(crate) notes: Vec<N>,
    /// When it wants its timer.
    pub(crate) timer: Option<u64>,
}

impl<N> Default for Wishes<N> {
    fn default() -> Self {
        Self { send: Vec::new(), notes: Vec::new(), timer: None }
    }
}

/// A client, as the world drives it; times are monotonic.
pub(crate) trait Client: Debug {
    /// A message, read.
    type Message;
    /// What the referee must know of it.
    type Note;

    /// The timer has run off.
    fn timer(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes<Self::Note>);

    /// An answer has come, perhaps for somebody else.
    fn receive(
        &mut self,
        message: &Self::Message,
        now: u64,
        rng: &mut SplitMix,
        wishes: &mut Wishes<Self::Note>,
    );
}

/// What a referee may look at.
#[derive(Debug)]
pub(crate) struct Scene<'a, F: Family> {
    pub(crate) host: &'a Host<F>,
    pub(crate) clients: &'a [F::Client],
    pub(crate) scenario: &'a Scenario,
    pub(crate) clock: &'a Clock,
}

/// Something that a reply gives a client.
#[derive(Clone, Debug)]
pub(crate) struct Promise<H> {
    pub(crate) span: Span,
    /// Its lifetime in seconds.
    pub(crate) valid: u32,
    pub(crate) holder: H,
}

/// Units of a pool: the addresses from the first to the last one, in prefixes of a length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    pub(crate) first: u128,
    pub(crate) last: u128,
    pub(crate) len: u8,
}

/// A family's part of the world; the value is its referee.
pub(crate) trait Family: Debug + Sized + 'static {
    /// The leases.
    type Leases: LeaseKind;
    /// The compiled configuration.
    type Config: Debug;
    /// A configuration in force.
    type Runtime: Debug + Send + Sync;
    /// The server of one worker.
    type Server: DhcpServer<Leases = Self::Leases, Runtime = Self::Runtime> + Debug;
    /// The table of packet counters.
    type Packet: Table;
    /// The table of lease figures.
    type Figure: Table;
    /// A client.
    type Client: Client<Message = Self::Message, Note = Self::Note>;
    /// A message, read.
    type Message: Clone + Debug;
    /// What a client tells the referee.
    type Note: Debug;
    /// A key of a client that outlives its packet.
    type OwnKey: Debug + Send;
    /// A change that outlives its packet.
    type OwnChange: Debug + Send;
    /// Whose a lease is.
    type Holder: Clone + Debug;

    /// Makes the clients of all links.
    fn clients(scenario: &Scenario, rng: &mut SplitMix) -> Vec<Self::Client>;

    /// Makes the referee of a new world.
    fn new(clients: &[Self::Client]) -> Self;

    /// Makes a configuration; `moves` draws one that differs from the first one.
    fn configuration(scenario: &Scenario, moves: Option<&mut SplitMix>) -> Self::Config;

    /// The subnets and pools that figures are kept for.
    fn subnet_rows(config: &Self::Config) -> Vec<SubnetRow>;

    /// Prepares a configuration; pools and figures are those of an empty store.
    fn runtime(config: Self::Config, counters: Arc<LeaseCounters<Self::Figure>>) -> Self::Runtime;

    /// What is free.
    fn pools(runtime: &Self::Runtime) -> &Arc<PoolSet<<Self::Leases as LeaseKind>::Number>>;

    /// Sets the figures from the store.
    fn recount(runtime: &Self::Runtime, store: &dyn StoredLeases<Self::Leases>, now: Now);

    /// How expired leases are handled.
    fn expired_leases(runtime: &Self::Runtime) -> ExpiredLeases;

    /// Counts a change that no server has made.
    fn count(runtime: &Self::Runtime, deltas: &Deltas, now: Now);

    /// Makes the server of one worker.
    fn server(
        shared: Shared<Self::Leases>,
        runtime: Arc<Self::Runtime>,
        counters: WorkerCounters<Self::Packet>,
        seed: u64,
    ) -> Self::Server;

    /// The server's interfaces and addresses.
    fn links() -> Links;

    /// Exchanges of a server that wait.
    fn parked_len(server: &Self::Server) -> usize;

    /// Number of packets that wait for an exchange of their client.
    fn behind_len(server: &Self::Server) -> usize;

    /// A number by which the datagrams of one client mostly come to the same worker.
    fn steer(payload: &[u8]) -> usize;

    /// Reads a query as the server gets it.
    fn read_query(payload: &[u8]) -> Option<Self::Message>;

    /// Reads a reply as the server makes it.
    fn read_reply(payload: &[u8]) -> Option<Self::Message>;

    /// The clients that a reply reaches.
    fn hearers(&self, reply: &Self::Message) -> Vec<usize>;

    /// Copies a key.
    fn own_key(key: &<Self::Leases as LeaseKind>::Key<'_>) -> Self::OwnKey;

    /// The key of a copy.
    fn key(own: &Self::OwnKey) -> <Self::Leases as LeaseKind>::Key<'_>;

    /// Copies a change.
    fn own_change(change: &<Self::Leases as LeaseKind>::Change<'_>) -> Self::OwnChange;

    /// The change of a copy.
    fn change(own: &Self::OwnChange) -> <Self::Leases as LeaseKind>::Change<'_>;

    /// A client says something.
    fn noted(
        &mut self,
        clients: &[Self::Client],
        client: usize,
        note: Self::Note,
        world: (&Scenario, &Clock),
        report: &mut Report,
    );

    /// A query is about to be processed.
    fn before(&mut self, host: &Host<Self>, query: &Self::Message);

    /// A query has been processed, as far as the store has answered.
    fn after(&mut self, host: &Host<Self>, query: &Self::Message);

    /// The server has made a reply, which waits for the journal position `hold`.
    fn made(&mut self, scene: &Scene<'_, Self>, reply: &Self::Message, hold: u64);

    /// A reply leaves the server for good.
    fn left(&mut self, reply: &Self::Message, hold: u64, report: &mut Report);

    /// The server has come back from the disk: everything that clients were told must be there. Returns how many leases
    /// were looked for. Replies that had not left are lost.
    fn recovered(&mut self, host: &Host<Self>, scenario: &Scenario, wall_max: i64) -> u64;

    /// Checks figures and pools of a server at rest; a tick of expiry has been made for `now`.
    fn check(host: &Host<Self>, now: Now, wall_max: i64);

    // What follows is for servers that share a database.

    /// The leases are in this table from now on.
    fn attach(&mut self, table: &Rows<Self::Leases>);

    /// What clients use.
    fn uses(&mut self) -> &mut Uses;

    /// Whether a lease is a client's.
    fn is_of(client: &Self::Client, lease: &<Self::Leases as LeaseKind>::Lease) -> bool;

    /// Whose a lease is.
    fn holder(lease: &<Self::Leases as LeaseKind>::Lease) -> Self::Holder;

    /// Whether two holders may be the same one in the eyes of a server.
    fn is_same(one: &Self::Holder, other: &Self::Holder) -> bool;

    /// The first address of a span.
    fn address(span: Span) -> AddressOf<Self::Leases>;

    /// What a lease holds.
    fn span(lease: &<Self::Leases as LeaseKind>::Lease) -> Span;

    /// What a message of a client or to a client belongs to: client and transaction.
    fn exchange(message: &Self::Message) -> Vec<u8>;

    /// Whose leases a query may change.
    fn askers(query: &Self::Message) -> Vec<Self::Holder>;

    /// What a reply gives for good.
    fn promises(reply: &Self::Message) -> Vec<Promise<Self::Holder>>;

    /// What a reply offers.
    fn offers(reply: &Self::Message) -> Vec<Promise<Self::Holder>>;

    /// A stranger's lease.
    fn strange(span: Span, subnet: u32, now: Now, valid: u32)
    -> <Self::Leases as LeaseKind>::Lease;

    /// The same lease, renewed.
    fn renewed(
        lease: &<Self::Leases as LeaseKind>::Lease,
        now: Now,
    ) -> <Self::Leases as LeaseKind>::Lease;

    /// The pools, in the order of their indexes, and the subnet of each.
    fn units(config: &Self::Runtime) -> Vec<(Units, u32)>;

    /// Figures equal a recount.
    fn check_counters(
        runtime: &Self::Runtime,
        counters: &LeaseCounters<Self::Figure>,
        counts: &Counts,
    );

    /// Every unit is marked if one of these leases holds it, and in an exact pool only then.
    fn check_pools(
        runtime: &Self::Runtime,
        leases: &[<Self::Leases as LeaseKind>::Lease],
        now: Now,
        wall_max: i64,
        is_exact: &dyn Fn(PoolIndex) -> bool,
    );
}

/// Reads a configuration as the server does.
pub(crate) fn compile<C>(
    text: &str,
    read: impl FnOnce(&Document, usize, &mut Diagnostics) -> Option<C>,
) -> C {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(text, "sim", &mut NoIncludes, &mut diagnostics);
    let config = document.and_then(|document| read(&document, 1, &mut diagnostics));
    config.unwrap_or_else(|| {
        panic!("the simulator's configuration is wrong: {}", diagnostics.render())
    })
}
