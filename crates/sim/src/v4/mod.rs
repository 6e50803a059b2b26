//! The DHCPv4 part of the world.

mod checks;
mod client;
mod configuration;
mod oracle;
mod packets;
mod referee;

use std::collections::BTreeMap;
use std::sync::Arc;

use database::simulated::Table as Rows;
use kea_dhcp4::runtime::{Runtime4, subnet_rows};
use kea_dhcp4::server::{Server4, Shared4};
use libdhcpsrv::config::ExpiredLeases;
use libdhcpsrv::config4::Config4;
use libdhcpsrv::free::{PoolIndex, PoolSet4};
use libdhcpsrv::lease::{Counts, Deltas, StoredLeases};
use libdhcpsrv::lease4::{self, Change4, ClientKey, SubnetId};
use libdhcpsrv::links::Links;
use stats::{Lease4, LeaseCounters4, Packet4, SubnetRow, WorkerCounters4};
use util::{Now, SplitMix};

use crate::clock::Clock;
use crate::family::{Family, INTERFACE, INTERFACE_NAME, Promise, Scene, Units};
use crate::host::Host;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::spans::Span;
use crate::uses::Uses;
use client::{Client, Note};
use configuration::SERVER;
use libdhcp::v4::MessageType;
use oracle::Oracle;
use packets::{Identity, Read};

/// The DHCPv4 referee.
#[derive(Debug)]
pub(crate) struct V4 {
    /// Clients by hardware address.
    by_hw: BTreeMap<[u8; 6], Vec<usize>>,
    in_use: Uses,
    oracle: Oracle,
    /// Last seconds of leases whose ACKs wait for the journal, by position.
    granted: BTreeMap<u64, i64>,
}

/// A client's key that outlives its packet.
#[derive(Debug)]
pub(crate) struct OwnKey {
    hw_type: u8,
    hw: Vec<u8>,
    client_id: Option<Vec<u8>>,
}

/// A change that outlives its packet.
#[derive(Debug)]
pub(crate) struct OwnChange {
    bare: Change4<'static>,
    client: OwnKey,
    hostname: Vec<u8>,
    user_context: Vec<u8>,
}

impl Family for V4 {
    type Leases = lease4::V4;
    type Config = Config4;
    type Runtime = Runtime4;
    type Server = Server4;
    type Packet = Packet4;
    type Figure = Lease4;
    type Client = Client;
    type Message = Read;
    type Note = Note;
    type OwnKey = OwnKey;
    type OwnChange = OwnChange;
    type Holder = Identity;

    fn clients(scenario: &Scenario, rng: &mut SplitMix) -> Vec<Client> {
        client::make_clients(scenario, rng)
    }

    fn new(clients: &[Client]) -> Self {
        let mut by_hw: BTreeMap<[u8; 6], Vec<usize>> = BTreeMap::new();
        for (index, client) in clients.iter().enumerate() {
            by_hw.entry(client.identity.hw).or_default().push(index);
        }
        let (in_use, oracle) = (Uses::default(), Oracle::default());
        Self { by_hw, in_use, oracle, granted: BTreeMap::new() }
    }

    fn configuration(scenario: &Scenario, moves: Option<&mut SplitMix>) -> Config4 {
        configuration::make(scenario, moves)
    }

    fn subnet_rows(config: &Config4) -> Vec<SubnetRow> {
        subnet_rows(config)
    }

    fn runtime(config: Config4, counters: Arc<LeaseCounters4>) -> Runtime4 {
        Runtime4::new(config, counters)
    }

    fn pools(runtime: &Runtime4) -> &Arc<PoolSet4> {
        &runtime.pools
    }

    fn recount(runtime: &Runtime4, store: &dyn StoredLeases<lease4::V4>, now: Now) {
        runtime.recount(store, now);
    }

    fn expired_leases(runtime: &Runtime4) -> ExpiredLeases {
        runtime.config.expired_leases
    }

    fn count(runtime: &Runtime4, deltas: &Deltas, now: Now) {
        runtime.tally.count_deltas(deltas, now);
    }

    fn server(
        shared: Shared4,
        runtime: Arc<Runtime4>,
        counters: WorkerCounters4,
        seed: u64,
    ) -> Server4 {
        Server4::new(shared, runtime, counters, seed)
    }

    fn links() -> Links {
        Links::new(vec![(INTERFACE, INTERFACE_NAME.into())], vec![SERVER.into()])
    }

    fn parked_len(server: &Server4) -> usize {
        server.parked_len()
    }

    fn behind_len(server: &Server4) -> usize {
        server.behind_len()
    }

    fn steer(payload: &[u8]) -> usize {
        // The last byte of the hardware address.
        payload.get(33).copied().unwrap_or(0).into()
    }

    fn read_query(payload: &[u8]) -> Option<Read> {
        Read::new(payload)
    }

    fn read_reply(payload: &[u8]) -> Option<Read> {
        Read::new(payload)
    }

    fn hearers(&self, reply: &Read) -> Vec<usize> {
        self.by_hw.get(&reply.identity.hw).cloned().unwrap_or_default()
    }

    fn own_key(key: &ClientKey<'_>) -> OwnKey {
        let client_id = key.client_id.map(<[u8]>::to_vec);
        OwnKey { hw_type: key.hw_type, hw: key.hw.to_vec(), client_id }
    }

    fn key(own: &OwnKey) -> ClientKey<'_> {
        ClientKey { hw_type: own.hw_type, hw: &own.hw, client_id: own.client_id.as_deref() }
    }

    fn own_change(change: &Change4<'_>) -> OwnChange {
        let bare = Change4 {
            client: ClientKey::default(),
            hostname: &[],
            user_context: &[],
            keeps_context: change.keeps_context,
            address: change.address,
            subnet_id: change.subnet_id,
            pool_id: change.pool_id,
            pool: change.pool,
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
            hostname: change.hostname.to_vec(),
            user_context: change.user_context.to_vec(),
        }
    }

    fn change(own: &OwnChange) -> Change4<'_> {
        let OwnChange { bare, client, hostname, user_context } = own;
        Change4 { client: Self::key(client), hostname, user_context, ..*bare }
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

    fn after(&mut self, host: &Host<Self>, query: &Read) {
        self.after_query(host, query);
    }

    fn made(&mut self, scene: &Scene<'_, Self>, reply: &Read, hold: u64) {
        self.judge(scene, reply, hold);
    }

    fn left(&mut self, reply: &Read, hold: u64, report: &mut Report) {
        self.reply_left(reply, hold, report);
    }

    fn recovered(&mut self, host: &Host<Self>, scenario: &Scenario, wall_max: i64) -> u64 {
        self.granted.clear();
        let ends_may_differ = scenario.late_percent > 0;
        self.oracle.recovered(&host.runtime.config, &host.store, ends_may_differ, wall_max)
    }

    fn check(host: &Host<Self>, now: Now, wall_max: i64) {
        if host.is_idle() {
            checks::counters(&host.runtime, &host.counters, &host.store.recount());
        }
        checks::pools(&host.runtime, &|address| host.store.lease(address), now, wall_max, &|_| {
            true
        });
    }

    fn attach(&mut self, _table: &Rows<lease4::V4>) {}

    fn uses(&mut self) -> &mut Uses {
        &mut self.in_use
    }

    fn is_of(client: &Client, lease: &lease4::Lease4) -> bool {
        Self::is_same(&client.identity, &Identity::of(lease))
    }

    fn holder(lease: &lease4::Lease4) -> Identity {
        Identity::of(lease)
    }

    fn is_same(one: &Identity, other: &Identity) -> bool {
        one.hw == other.hw || (one.client_id.is_some() && one.client_id == other.client_id)
    }

    fn address(span: Span) -> std::net::Ipv4Addr {
        (span.first as u32).into()
    }

    fn span(lease: &lease4::Lease4) -> Span {
        lease.address.into()
    }

    fn exchange(message: &Read) -> Vec<u8> {
        [&message.xid.to_be_bytes()[..], &message.identity.hw].concat()
    }

    fn askers(query: &Read) -> Vec<Identity> {
        let changes = matches!(
            query.kind,
            MessageType::Request | MessageType::Release | MessageType::Decline
        );
        changes.then(|| query.identity.clone()).into_iter().collect()
    }

    fn promises(reply: &Read) -> Vec<Promise<Identity>> {
        reply.grants().then(|| promise(reply)).into_iter().collect()
    }

    fn offers(reply: &Read) -> Vec<Promise<Identity>> {
        let is_offer = reply.kind == MessageType::Offer;
        is_offer.then(|| promise(reply)).into_iter().collect()
    }

    fn strange(span: Span, subnet: u32, now: Now, valid: u32) -> lease4::Lease4 {
        lease4::Lease4 {
            address: (span.first as u32).into(),
            hw: [&[0x0e, 0], &(span.first as u32).to_be_bytes()[..]].concat(),
            subnet_id: SubnetId(subnet),
            valid_lifetime: valid,
            cltt: now.wall_s,
            ..lease4::Lease4::default()
        }
    }

    fn renewed(lease: &lease4::Lease4, now: Now) -> lease4::Lease4 {
        lease4::Lease4 { cltt: now.wall_s.max(lease.cltt), ..lease.clone() }
    }

    fn units(runtime: &Runtime4) -> Vec<(Units, u32)> {
        let config = &runtime.config;
        let of = |index: usize| {
            let mut subnets = config.subnets.iter();
            subnets.find(|subnet| subnet.pools.contains(&(index as u32))).map_or(0, |one| one.id)
        };
        let pools = config.pools.iter().enumerate().map(|(index, pool)| {
            let units = Units { first: pool.first.into(), last: pool.last.into(), len: 128 };
            (units, of(index))
        });
        pools.collect()
    }

    fn check_counters(runtime: &Runtime4, counters: &LeaseCounters4, counts: &Counts) {
        checks::counters(runtime, counters, counts);
    }

    fn check_pools(
        runtime: &Runtime4,
        leases: &[lease4::Lease4],
        now: Now,
        wall_max: i64,
        is_exact: &dyn Fn(PoolIndex) -> bool,
    ) {
        let by_address: BTreeMap<_, _> =
            leases.iter().map(|lease| (lease.address, lease)).collect();
        let lease = |address| by_address.get(&address).map(|lease| (*lease).clone());
        checks::pools(runtime, &lease, now, wall_max, is_exact);
    }
}

/// The address that a reply gives or offers.
fn promise(reply: &Read) -> Promise<Identity> {
    Promise {
        span: reply.yiaddr.into(),
        valid: reply.lifetime.unwrap_or(0),
        holder: reply.identity.clone(),
    }
}
