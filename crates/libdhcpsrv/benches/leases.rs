//! Cost of the lease store: time and allocations of each step, warm and with a million leases. Names with `v6` are of
//! DHCPv6, the others of DHCPv4.
//!
//! `cargo bench -p libdhcpsrv --bench leases`. With `LEASES_REPORT=1` it prints memory per lease and the time to load a
//! file of a million rows instead.

// A benchmark measures real time and memory.
#![allow(missing_docs, clippy::disallowed_methods)]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use divan::{AllocProfiler, Bencher, black_box};
use libdhcpsrv::free::{PickFrom, PoolIndex, PoolRange, PoolRange6, PoolSet4, PoolSet6};
use libdhcpsrv::lease4::csv4::{self, Row, RowBuffer};
use libdhcpsrv::lease4::{
    Change4, ClientKey, Expect, LeaseState, LeaseStore4, Loader4, ReclaimLimits, SubnetId,
};
use libdhcpsrv::lease6::csv6;
use libdhcpsrv::lease6::{Change6, ClientKey6, HardwareSource6, LeaseStore6, Loader6};
use util::journal::JournalQueue;
use util::{Entropy, Now, SplitMix};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const FIRST: u32 = 0x0a00_0000;
const MILLION: u32 = 1_000_000;
const NOW: u64 = 1_800_000_000;

fn main() {
    if std::env::var_os("LEASES_REPORT").is_some() {
        report();
    } else {
        divan::main();
    }
}

/// A server's store with its journal and a pool of /12.
struct Setup {
    store: LeaseStore4,
    journal: Arc<JournalQueue>,
    pools: Arc<PoolSet4>,
    taken: Vec<u8>,
}

impl Setup {
    fn new(leases: u32) -> Self {
        let journal = Arc::new(JournalQueue::new(usize::MAX));
        let store = LeaseStore4::new(0x5eed_5eed_5eed_5eed, Some(Arc::clone(&journal)));
        let (first, last) = (FIRST.into(), (FIRST + 0xf_ffff).into());
        let pools = Arc::new(PoolSet4::new([PoolRange { first, last, skips_edges: false }]));
        store.adopt_pools(&pools);
        let mut setup = Self { store, journal, pools, taken: Vec::with_capacity(1 << 20) };
        for number in 0..leases {
            setup.renew(number);
        }
        setup
    }

    /// Stores the lease of a client, new or renewed, and empties the journal now and then.
    fn renew(&mut self, number: u32) {
        let (hw, id) = identity(number);
        let key = key(&hw, &id);
        let seen = self.store.find(&key, SubnetId(1));
        commit(&self.store, FIRST + number, &key, seen.as_ref().into());
        self.drain(number);
    }

    fn drain(&mut self, number: u32) {
        if number.is_multiple_of(64) {
            self.taken.clear();
            self.journal.commit(self.journal.take(&mut self.taken));
        }
    }
}

fn identity(number: u32) -> ([u8; 6], [u8; 7]) {
    let [a, b, c, d] = number.to_be_bytes();
    ([2, 0, a, b, c, d], [1, 2, 0, a, b, c, d])
}

fn key<'a>(hw: &'a [u8], id: &'a [u8]) -> ClientKey<'a> {
    ClientKey { hw_type: 1, hw, client_id: Some(id) }
}

fn commit(store: &LeaseStore4, address: u32, client: &ClientKey<'_>, expect: Expect) {
    let change = Change4 {
        address: address.into(),
        subnet_id: SubnetId(1),
        pool_id: 0,
        pool: Some(PoolIndex(0)),
        client: *client,
        valid_lifetime: 3600,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: b"",
        user_context: b"",
        keeps_context: false,
        expect,
        replaces: None,
    };
    black_box(store.commit(&change, Now::from_secs(NOW))).expect("a commit without conflict");
}

#[divan::bench(args = [1000, MILLION], sample_size = 2000)]
fn find_miss(bencher: Bencher<'_, '_>, leases: u32) {
    let setup = Setup::new(leases);
    let mut number = u32::MAX;
    bencher.bench_local(|| {
        number -= 1;
        let (hw, id) = identity(number);
        setup.store.find(&key(&hw, &id), SubnetId(1))
    });
}

#[divan::bench(args = [1000, MILLION], sample_size = 2000)]
fn find_hit(bencher: Bencher<'_, '_>, leases: u32) {
    let setup = Setup::new(leases);
    let mut random = SplitMix::new(1);
    bencher.bench_local(|| {
        let (hw, id) = identity(random.below(u64::from(leases)) as u32);
        setup.store.find(&key(&hw, &id), SubnetId(1))
    });
}

/// A new lease that is released again: two rows, all indexes twice.
#[divan::bench(args = [0, MILLION], sample_size = 2000)]
fn commit_new_and_delete(bencher: Bencher<'_, '_>, leases: u32) {
    let mut setup = Setup::new(leases);
    let mut number = leases;
    bencher.bench_local(|| {
        number = if number == 0xf_ffff { leases } else { number + 1 };
        let (hw, id) = identity(number);
        let key = key(&hw, &id);
        commit(&setup.store, FIRST + number, &key, Expect::Absent);
        let address = Ipv4Addr::from(FIRST + number);
        let seen = setup.store.get(address, &key);
        black_box(setup.store.delete(address, seen.as_ref().into())).expect("a delete");
        setup.drain(number);
    });
}

/// New leases into a growing store: what a busy morning costs, growth included.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn commit_new_10000(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| Setup::new(0)).bench_local_refs(|setup| {
        for number in 0..10_000 {
            let (hw, id) = identity(number);
            commit(&setup.store, FIRST + number, &key(&hw, &id), Expect::Absent);
            setup.drain(number);
        }
    });
}

/// New leases alone, in memory that earlier leases have left behind: divide by 10,000.
#[divan::bench(sample_count = 100, sample_size = 1)]
fn commit_new_10000_warm(bencher: Bencher<'_, '_>) {
    let grown = || {
        let mut setup = Setup::new(10_000);
        for number in 0..10_000 {
            let address = Ipv4Addr::from(FIRST + number);
            let seen = setup.store.get(address, &ClientKey::default());
            setup.store.delete(address, seen.as_ref().into()).expect("a delete");
            setup.drain(number);
        }
        setup
    };
    bencher.with_inputs(grown).bench_local_refs(|setup| {
        for number in 0..10_000 {
            let (hw, id) = identity(number);
            commit(&setup.store, FIRST + number, &key(&hw, &id), Expect::Absent);
            setup.drain(number);
        }
    });
}

#[divan::bench(args = [1000, MILLION], sample_size = 2000)]
fn find_and_renew(bencher: Bencher<'_, '_>, leases: u32) {
    let mut setup = Setup::new(leases);
    let mut random = SplitMix::new(1);
    bencher.bench_local(|| setup.renew(random.below(u64::from(leases)) as u32));
}

/// Discover to acknowledge as the store sees it: miss, pick, look, miss, look, commit; then released.
#[divan::bench(args = [0, MILLION], sample_size = 2000)]
fn exchange(bencher: Bencher<'_, '_>, leases: u32) {
    let mut setup = Setup::new(leases);
    let mut number = MILLION;
    bencher.bench_local(|| {
        number += 1;
        let (hw, id) = identity(number);
        let key = key(&hw, &id);
        black_box(setup.store.find(&key, SubnetId(1)));
        let free = setup.pools.pick(PoolIndex(0), PickFrom::Cursor).expect("a free address");
        black_box(setup.store.get(free, &key));
        black_box(setup.store.find(&key, SubnetId(1)));
        let seen = setup.store.get(free, &key);
        commit(&setup.store, free.into(), &key, seen.as_ref().into());
        let seen = setup.store.get(free, &key);
        black_box(setup.store.delete(free, seen.as_ref().into())).expect("a delete");
        setup.drain(number);
    });
}

/// Free addresses left in a pool of a million, in tenths of a per cent.
#[divan::bench(args = [1000, 500, 10, 1])]
fn pick_cursor(bencher: Bencher<'_, '_>, free_permille: u32) {
    let pools = filled(free_permille);
    bencher.bench_local(|| pools.pick(PoolIndex(0), PickFrom::Cursor));
}

#[divan::bench(args = [1000, 500, 10, 1])]
fn pick_random(bencher: Bencher<'_, '_>, free_permille: u32) {
    let pools = filled(free_permille);
    let mut random = SplitMix::new(1);
    bencher.bench_local(|| pools.pick(PoolIndex(0), PickFrom::Random(random.next_u64())));
}

/// A pool of a million in which the given share is free, spread at random.
fn filled(free_permille: u32) -> Arc<PoolSet4> {
    let store = LeaseStore4::new(1, None);
    let mut random = SplitMix::new(2);
    for number in 0..MILLION {
        if random.below(1000) >= u64::from(free_permille) {
            commit(&store, FIRST + number, &ClientKey::default(), Expect::Absent);
        }
    }
    let (first, last) = (FIRST.into(), (FIRST + MILLION - 1).into());
    let pools = Arc::new(PoolSet4::new([PoolRange { first, last, skips_edges: false }]));
    store.adopt_pools(&pools);
    pools
}

fn row<'a>(hw: &'a [u8], id: &'a [u8]) -> Row<'a> {
    Row {
        address: 0xc0a8_7b2d,
        hw_type: 1,
        hw,
        client_id: id,
        valid_lifetime: 3600,
        cltt: NOW as i64,
        subnet_id: 1,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: b"",
        state: LeaseState::Default,
        user_context: b"",
        pool_id: 0,
    }
}

#[divan::bench]
fn write_row(bencher: Bencher<'_, '_>) {
    let (hw, id) = identity(0x0a0b_0c0d);
    let mut out = Vec::with_capacity(1024);
    bencher.bench_local(|| {
        out.clear();
        csv4::push_row(&mut out, black_box(&row(&hw, &id)));
    });
}

#[divan::bench]
fn read_row(bencher: Bencher<'_, '_>) {
    let (hw, id) = identity(0x0a0b_0c0d);
    let mut text = Vec::new();
    csv4::push_row(&mut text, &row(&hw, &id));
    text.pop();
    let mut buffer = RowBuffer::default();
    bencher.bench_local(|| black_box(buffer.read(black_box(&text), csv4::CURRENT)).is_ok());
}

/// First address of a /64 of addresses.
const FIRST6: u128 = 0x2001_0db8 << 96;

/// A server's store of DHCPv6 leases with its journal and a pool of a whole /64.
struct Setup6 {
    store: LeaseStore6,
    journal: Arc<JournalQueue>,
    pools: Arc<PoolSet6>,
    taken: Vec<u8>,
}

impl Setup6 {
    fn new(leases: u32) -> Self {
        let journal = Arc::new(JournalQueue::new(usize::MAX));
        let store = LeaseStore6::new(0x5eed_5eed_5eed_5eed, Some(Arc::clone(&journal)));
        let pools = pools6();
        store.adopt_pools(&pools);
        let mut setup = Self { store, journal, pools, taken: Vec::with_capacity(1 << 20) };
        for number in 0..leases {
            commit6(&setup.store, number, Expect::Absent);
            setup.drain(number);
        }
        setup
    }

    fn drain(&mut self, number: u32) {
        if number.is_multiple_of(64) {
            self.taken.clear();
            self.journal.commit(self.journal.take(&mut self.taken));
        }
    }
}

fn pools6() -> Arc<PoolSet6> {
    let (first, last) = (FIRST6.into(), (FIRST6 | u128::from(u64::MAX)).into());
    Arc::new(PoolSet6::new([PoolRange6 { first, last, unit_len: 128 }]))
}

/// Addresses of a pool that is used at random.
fn address6(number: u32) -> Ipv6Addr {
    let host = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (FIRST6 | u128::from(host)).into()
}

/// A DUID of type 1 with an Ethernet address.
fn duid(number: u32) -> [u8; 14] {
    let [a, b, c, d] = number.to_be_bytes();
    [0, 1, 0, 1, 0x2a, 0, 0, 1, 2, 0, a, b, c, d]
}

fn key6(duid: &[u8]) -> ClientKey6<'_> {
    ClientKey6 { duid, iaid: 1, ..ClientKey6::default() }
}

fn commit6(store: &LeaseStore6, number: u32, expect: Expect) {
    let duid = duid(number);
    let change = Change6 {
        address: address6(number),
        prefix_len: 128,
        subnet_id: SubnetId(1),
        pool_id: 0,
        pool: Some(PoolIndex(0)),
        client: key6(&duid),
        hw: HardwareSource6 { hw_type: 1, source: 4, hw: &duid[8..] },
        preferred_lifetime: 1800,
        valid_lifetime: 3600,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: b"",
        user_context: b"",
        keeps_context: false,
        expect,
        replaces: None,
    };
    black_box(store.commit(&change, Now::from_secs(NOW))).expect("a commit without conflict");
}

#[divan::bench(args = [1000, MILLION], sample_size = 2000)]
fn v6_find_miss(bencher: Bencher<'_, '_>, leases: u32) {
    let setup = Setup6::new(leases);
    let mut number = u32::MAX;
    bencher.bench_local(|| {
        number -= 1;
        setup.store.find_nth(&key6(&duid(number)), SubnetId(1), 0)
    });
}

#[divan::bench(args = [1000, MILLION], sample_size = 2000)]
fn v6_find_hit(bencher: Bencher<'_, '_>, leases: u32) {
    let setup = Setup6::new(leases);
    let mut random = SplitMix::new(1);
    bencher.bench_local(|| {
        let number = random.below(u64::from(leases)) as u32;
        setup.store.find_nth(&key6(&duid(number)), SubnetId(1), 0)
    });
}

/// A new lease that is released again: two rows, all indexes twice.
#[divan::bench(args = [0, MILLION], sample_size = 2000)]
fn v6_commit_new_and_delete(bencher: Bencher<'_, '_>, leases: u32) {
    let mut setup = Setup6::new(leases);
    let mut number = leases;
    bencher.bench_local(|| {
        number += 1;
        commit6(&setup.store, number, Expect::Absent);
        let seen = setup.store.get(address6(number), &key6(&duid(number)));
        black_box(setup.store.delete(address6(number), seen.as_ref().into())).expect("a delete");
        setup.drain(number);
    });
}

#[divan::bench(args = [1000, MILLION], sample_size = 2000)]
fn v6_find_and_renew(bencher: Bencher<'_, '_>, leases: u32) {
    let mut setup = Setup6::new(leases);
    let mut random = SplitMix::new(1);
    bencher.bench_local(|| {
        let number = random.below(u64::from(leases)) as u32;
        let seen = setup.store.find(&key6(&duid(number)), SubnetId(1));
        commit6(&setup.store, number, seen.as_ref().into());
        setup.drain(number);
    });
}

/// A free address of a /64 with so many leases.
#[divan::bench(args = [0, MILLION], sample_size = 2000)]
fn v6_pick_random(bencher: Bencher<'_, '_>, leases: u32) {
    let setup = Setup6::new(leases);
    let mut random = SplitMix::new(1);
    bencher.bench_local(|| setup.pools.pick(PoolIndex(0), PickFrom::Random(random.next_u64())));
}

fn row6(duid: &[u8]) -> csv6::Row<'_> {
    csv6::Row {
        address: FIRST6 | 0x1234_5678_9abc_def0,
        duid,
        valid_lifetime: 3600,
        cltt: NOW as i64,
        subnet_id: 1,
        preferred_lifetime: 1800,
        lease_type: libdhcpsrv::lease::LeaseType::Na,
        iaid: 1,
        prefix_len: 128,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: b"",
        hw: &duid[8..],
        state: LeaseState::Default,
        user_context: b"",
        hw_type: 1,
        hw_source: 4,
        pool_id: 0,
    }
}

#[divan::bench]
fn v6_write_row(bencher: Bencher<'_, '_>) {
    let (duid, mut out) = (duid(0x0a0b_0c0d), Vec::with_capacity(1024));
    bencher.bench_local(|| {
        out.clear();
        csv6::push_row(&mut out, black_box(&row6(&duid)));
    });
}

#[divan::bench]
fn v6_read_row(bencher: Bencher<'_, '_>) {
    let mut text = Vec::new();
    csv6::push_row(&mut text, &row6(&duid(0x0a0b_0c0d)));
    text.pop();
    let mut buffer = csv6::RowBuffer::default();
    bencher.bench_local(|| black_box(buffer.read(black_box(&text), csv6::CURRENT)).is_ok());
}

/// Figures of a million DHCPv6 leases that need the whole process.
fn report6() {
    let mut file = csv6::HEADER.as_bytes().to_vec();
    for number in 0..MILLION {
        let address = address6(number).into();
        csv6::push_row(&mut file, &csv6::Row { address, ..row6(&duid(number)) });
    }
    let before = resident();
    let begin = Instant::now();
    let mut store = LeaseStore6::new(1, None);
    let mut loader = Loader6::new(&mut store, 0);
    loader.load(&file, &mut |line, error| panic!("line {line} {error}")).expect("a good file");
    let parsed = begin.elapsed();
    let count = loader.finish(Now::from_secs(NOW));
    println!("v6: load {count} rows: {:?} (rows {parsed:?})", begin.elapsed());
    println!("v6: memory: {} bytes per lease", (resident() - before) / u64::from(MILLION));
    let pools = pools6();
    timed("v6: adopt pools", || store.adopt_pools(&pools));
    println!("v6: with a /64 pool: {} bytes per lease", (resident() - before) / u64::from(MILLION));
}

/// Figures of a million leases that need the whole process.
fn report() {
    report6();
    let mut file = csv4::HEADER.as_bytes().to_vec();
    for number in 0..MILLION {
        let (hw, id) = identity(number);
        csv4::push_row(&mut file, &Row { address: FIRST + number, ..row(&hw, &id) });
    }
    let before = resident();
    let begin = Instant::now();
    let mut store = LeaseStore4::new(1, None);
    let mut loader = Loader4::new(&mut store, 0);
    loader.load(&file, &mut |line, error| panic!("line {line} {error}")).expect("a good file");
    let parsed = begin.elapsed();
    let count = loader.finish(Now::from_secs(NOW));
    println!("load {count} rows: {:?} (rows {parsed:?})", begin.elapsed());
    let (first, last) = (FIRST.into(), (FIRST + 0xf_ffff).into());
    let pools = Arc::new(PoolSet4::new([PoolRange { first, last, skips_edges: false }]));
    timed("adopt pools", || store.adopt_pools(&pools));
    println!("memory: {} bytes per lease", (resident() - before) / u64::from(MILLION));
    let over = Now::from_secs(NOW + 3601);
    timed("expire all", || assert_eq!(store.expire_tick(over, usize::MAX).expired, count));
    let limits = ReclaimLimits { leases_max: 0, remove: false };
    let reclaim = || store.reclaim(over, limits, &mut || false, &mut |_| ()).expect("no journal");
    timed("reclaim all", || assert_eq!(reclaim(), 0));
    let flush = || store.flush_reclaimed(over, 0, usize::MAX, &mut |_| ()).expect("no journal");
    timed("flush all", || assert_eq!(flush(), count));
    let before = resident();
    let setup = Setup::new(MILLION);
    println!(
        "memory when grown by commits: {} bytes per lease",
        (resident() - before) / u64::from(MILLION)
    );
    timed("page of 1000", || assert_eq!(setup.store.page(None, 1000).len(), 1000));
    drop(store);
}

fn timed(what: &str, work: impl FnOnce()) {
    let begin = Instant::now();
    work();
    println!("{what}: {:?}", begin.elapsed());
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.unwrap_or(0_u64) * 1024
}
