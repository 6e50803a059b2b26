//! The DHCPv6 part of the world.

mod checks;
mod client;
mod configuration;
mod oracle;
mod packets;
mod referee;

use std::collections::BTreeMap;
use std::sync::Arc;

use database::simulated::Table as Rows;
use kea_dhcp6::runtime::{Runtime6, subnet_rows};
use kea_dhcp6::server::{Server6, Shared6};
use libdhcpsrv::config::ExpiredLeases;
use libdhcpsrv::config6::Config6;
use libdhcpsrv::free::{PoolIndex, PoolSet6};
use libdhcpsrv::lease::{Counts, Deltas, LeaseType, StoredLeases, SubnetId};
use libdhcpsrv::lease6::{self, Change6, ClientKey6, HardwareSource6};
use libdhcpsrv::links::Links;
use stats::{Lease6, LeaseCounters6, Packet6, SubnetRow, WorkerCounters6};
use util::{Now, SplitMix};

use crate::clock::Clock;
use crate::family::{Family, INTERFACE, INTERFACE_NAME, Promise, Scene, Units};
use crate::host::Host;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::spans::Span;
use crate::uses::Uses;
use client::{Client, Note};
use configuration::{DUID, GLOBAL, SERVER};
use libdhcp::v6::MessageType;
use oracle::Oracle;
use packets::{Association, Owner, Read};

/// The DHCPv6 referee.
#[derive(Debug)]
pub(crate) struct V6 {
    /// Clients by DUID.
    by_duid: BTreeMap<Vec<u8>, Vec<usize>>,
    in_use: Uses,
    oracle: Oracle,
    /// The last queries, numbered.
    asked: BTreeMap<u64, Asked>,
    asked_count: u64,
    /// Their numbers by client and exchange.
    nth_asked: BTreeMap<(Vec<u8>, [u8; 3]), u64>,
    /// What replies say that wait for the journal, by position.
    waiting: BTreeMap<u64, Waiting>,
    /// Where the leases are if servers share them.
    table: Option<Rows<lease6::V6>>,
}

/// A query that is being answered.
#[derive(Clone, Debug)]
struct Asked {
    query: Read,
    /// Of what it gives up: what was its association's own.
    own: Vec<Span>,
}

/// What a reply that waits says, once it leaves.
#[derive(Debug, Default)]
struct Waiting {
    /// What is leased to whom until when.
    granted: Vec<(Owner, Span, i64)>,
    released: Vec<(Owner, Span)>,
    declined: Vec<Span>,
}

/// An association's key that outlives its packet.
#[derive(Debug)]
pub(crate) struct OwnKey {
    lease_type: LeaseType,
    duid: Vec<u8>,
    iaid: u32,
}

/// A change that outlives its packet.
#[derive(Debug)]
pub(crate) struct OwnChange {
    bare: Change6<'static>,
    client: OwnKey,
    hw: (u16, u32, Vec<u8>),
    hostname: Vec<u8>,
    user_context: Vec<u8>,
}

impl Family for V6 {
    type Leases = lease6::V6;
    type Config = Config6;
    type Runtime = Runtime6;
    type Server = Server6;
    type Packet = Packet6;
    type Figure = Lease6;
    type Client = Client;
    type Message = Read;
    type Note = Note;
    type OwnKey = OwnKey;
    type OwnChange = OwnChange;
    type Holder = Owner;

    fn clients(scenario: &Scenario, rng: &mut SplitMix) -> Vec<Client> {
        client::make_clients(scenario, rng)
    }

    fn new(clients: &[Client]) -> Self {
        let mut by_duid: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (index, client) in clients.iter().enumerate() {
            by_duid.entry(client.duid.clone()).or_default().push(index);
        }
        Self {
            by_duid,
            in_use: Uses::default(),
            oracle: Oracle::default(),
            asked: BTreeMap::new(),
            asked_count: 0,
            nth_asked: BTreeMap::new(),
            waiting: BTreeMap::new(),
            table: None,
        }
    }

    fn configuration(scenario: &Scenario, moves: Option<&mut SplitMix>) -> Config6 {
        configuration::make(scenario, moves)
    }

    fn subnet_rows(config: &Config6) -> Vec<SubnetRow> {
        subnet_rows(config)
    }

    fn runtime(config: Config6, counters: Arc<LeaseCounters6>) -> Runtime6 {
        Runtime6::new(config, DUID.into(), counters)
    }

    fn pools(runtime: &Runtime6) -> &Arc<PoolSet6> {
        &runtime.pools
    }

    fn recount(runtime: &Runtime6, store: &dyn StoredLeases<lease6::V6>, now: Now) {
        runtime.recount(store, now);
    }

    fn expired_leases(runtime: &Runtime6) -> ExpiredLeases {
        runtime.config.expired_leases
    }

    fn count(runtime: &Runtime6, deltas: &Deltas, now: Now) {
        runtime.tally.count_deltas(deltas, now);
    }

    fn server(
        shared: Shared6,
        runtime: Arc<Runtime6>,
        counters: WorkerCounters6,
        seed: u64,
    ) -> Server6 {
        Server6::new(shared, runtime, counters, seed)
    }

    fn links() -> Links {
        let own = vec![SERVER.into(), GLOBAL.into()];
        Links::new(vec![(INTERFACE, INTERFACE_NAME.into())], own)
    }

    fn parked_len(server: &Server6) -> usize {
        server.parked_len()
    }

    fn behind_len(server: &Server6) -> usize {
        server.behind_len()
    }

    fn steer(payload: &[u8]) -> usize {
        let duid = Read::query(payload).map(|query| query.duid).unwrap_or_default();
        duid.iter().map(|&byte| usize::from(byte)).sum()
    }

    fn read_query(payload: &[u8]) -> Option<Read> {
        Read::query(payload)
    }

    fn read_reply(payload: &[u8]) -> Option<Read> {
        Read::reply(payload)
    }

    fn hearers(&self, reply: &Read) -> Vec<usize> {
        self.by_duid.get(&reply.duid).cloned().unwrap_or_default()
    }

    fn own_key(key: &ClientKey6<'_>) -> OwnKey {
        OwnKey { lease_type: key.lease_type, duid: key.duid.to_vec(), iaid: key.iaid }
    }

    fn key(own: &OwnKey) -> ClientKey6<'_> {
        ClientKey6 { lease_type: own.lease_type, duid: &own.duid, iaid: own.iaid }
    }

    fn own_change(change: &Change6<'_>) -> OwnChange {
        let bare = Change6 {
            client: ClientKey6::default(),
            hw: HardwareSource6::default(),
            hostname: &[],
            user_context: &[],
            keeps_context: change.keeps_context,
            address: change.address,
            prefix_len: change.prefix_len,
            subnet_id: change.subnet_id,
            pool_id: change.pool_id,
            pool: change.pool,
            preferred_lifetime: change.preferred_lifetime,
            valid_lifetime: change.valid_lifetime,
            state: change.state,
            fqdn_fwd: change.fqdn_fwd,
            fqdn_rev: change.fqdn_rev,
            expect: change.expect,
            replaces: change.replaces,
        };
        OwnChange {
            bare,
            client: Self::own_key(&change.client),
            hw: (change.hw.hw_type, change.hw.source, change.hw.hw.to_vec()),
            hostname: change.hostname.to_vec(),
            user_context: change.user_context.to_vec(),
        }
    }

    fn change(own: &OwnChange) -> Change6<'_> {
        let OwnChange { bare, client, hw: (hw_type, source, hw), hostname, user_context } = own;
        let hw = HardwareSource6 { hw_type: *hw_type, source: *source, hw };
        Change6 { client: Self::key(client), hw, hostname, user_context, ..*bare }
    }

    fn noted(
        &mut self,
        clients: &[Client],
        client: usize,
        note: Note,
        world: (&Scenario, &Clock),
        report: &mut Report,
    ) {
        self.note(clients, client, note, world, report);
    }

    fn before(&mut self, host: &Host<Self>, query: &Read) {
        self.before_query(host, query);
    }

    fn after(&mut self, _host: &Host<Self>, _query: &Read) {}

    fn made(&mut self, scene: &Scene<'_, Self>, reply: &Read, hold: u64) {
        self.judge(scene, reply, hold);
    }

    fn left(&mut self, reply: &Read, hold: u64, report: &mut Report) {
        self.reply_left(reply, hold, report);
    }

    fn recovered(&mut self, host: &Host<Self>, scenario: &Scenario, wall_max: i64) -> u64 {
        self.waiting.clear();
        self.oracle.recovered(&host.store, scenario.late_percent > 0, wall_max)
    }

    fn check(host: &Host<Self>, now: Now, wall_max: i64) {
        if host.is_idle() {
            checks::counters(&host.runtime, &host.counters, &host.store.recount());
        }
        checks::pools(&host.runtime, &host.store.select(|_| true), now, wall_max, &|_| true);
    }

    fn attach(&mut self, table: &Rows<lease6::V6>) {
        self.table = Some(table.clone());
    }

    fn uses(&mut self) -> &mut Uses {
        &mut self.in_use
    }

    fn is_of(client: &Client, lease: &lease6::Lease6) -> bool {
        client.duid == lease.duid
    }

    fn holder(lease: &lease6::Lease6) -> Owner {
        Owner::of(lease)
    }

    fn is_same(one: &Owner, other: &Owner) -> bool {
        one == other
    }

    fn address(span: Span) -> std::net::Ipv6Addr {
        span.address()
    }

    fn span(lease: &lease6::Lease6) -> Span {
        Span::new(lease.address, lease.prefix_len)
    }

    fn exchange(message: &Read) -> Vec<u8> {
        [&message.xid[..], &message.duid].concat()
    }

    fn askers(query: &Read) -> Vec<Owner> {
        let gives_up = matches!(query.kind, MessageType::Release | MessageType::Decline);
        let all = query.associations.iter().filter(|_| gives_up || query.assigns());
        all.map(|association| association.owner(&query.duid)).collect()
    }

    fn promises(reply: &Read) -> Vec<Promise<Owner>> {
        given(reply, MessageType::Reply)
    }

    fn offers(reply: &Read) -> Vec<Promise<Owner>> {
        given(reply, MessageType::Advertise)
    }

    fn strange(span: Span, subnet: u32, now: Now, valid: u32) -> lease6::Lease6 {
        lease6::Lease6 {
            address: span.address(),
            prefix_len: span.len,
            lease_type: if span.len == 128 { LeaseType::Na } else { LeaseType::Pd },
            duid: [&[0, 3, 0, 1, 0x0e, 0][..], &span.first.to_be_bytes()].concat(),
            iaid: 1,
            subnet_id: SubnetId(subnet),
            preferred_lifetime: valid / 2,
            valid_lifetime: valid,
            cltt: now.wall_s,
            ..lease6::Lease6::default()
        }
    }

    fn renewed(lease: &lease6::Lease6, now: Now) -> lease6::Lease6 {
        lease6::Lease6 { cltt: now.wall_s.max(lease.cltt), ..lease.clone() }
    }

    fn units(runtime: &Runtime6) -> Vec<(Units, u32)> {
        let config = &runtime.config;
        let of = |index: u32| {
            let mut subnets = config.subnets.iter();
            let subnet =
                subnets.find(|one| one.pools.contains(&index) || one.pd_pools.contains(&index));
            subnet.map_or(0, |one| one.id)
        };
        let pools = config.pools.iter().zip(0..).map(|(pool, index)| {
            (Units { first: pool.first, last: pool.end(), len: pool.unit_len }, of(index))
        });
        pools.collect()
    }

    fn check_counters(runtime: &Runtime6, counters: &LeaseCounters6, counts: &Counts) {
        checks::counters(runtime, counters, counts);
    }

    fn check_pools(
        runtime: &Runtime6,
        leases: &[lease6::Lease6],
        now: Now,
        wall_max: i64,
        is_exact: &dyn Fn(PoolIndex) -> bool,
    ) {
        checks::pools(runtime, leases, now, wall_max, is_exact);
    }
}

/// What a reply gives, if it is of a kind.
fn given(reply: &Read, kind: MessageType) -> Vec<Promise<Owner>> {
    let all = reply.associations.iter().filter(|_| reply.kind == kind);
    let given = all.flat_map(|association: &Association| {
        association.given().map(|entry| Promise {
            span: entry.span,
            valid: entry.valid,
            holder: association.owner(&reply.duid),
        })
    });
    given.collect()
}
