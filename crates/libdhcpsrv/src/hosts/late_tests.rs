//! Tests of what is learned from databases and remembered of it.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use eval::ClassTable;
use libdhcp::Universe;
use libdhcp::definition::Definitions;
use proptest::prelude::*;
use util::Now;

use super::cache::{CacheLimits, Fact, HostCache};
use super::*;
use crate::config::{SqlAccess, SqlDatabase, SqlKind};
use crate::session::{Answer, Submitted};

const BYTES: usize = 1 << 20;

fn at_ms(ms: u64) -> Now {
    Now { mono_ns: ms * 1_000_000, wall_s: 0 }
}

fn stored(number: u64, hostname_len: usize) -> Arc<StoredHost<V4>> {
    let identifier = Identifier { kind: IdentifierKind::Duid, bytes: b"duid" };
    let mut raw = RawHost::new(number, SubnetId(1), identifier);
    raw.hostname = vec![b'x'; hostname_len].into();
    let (definitions, classes) = (Definitions::new(Universe::V4), ClassTable::new());
    let terms = HostTerms { definitions: &definitions, classes: &classes };
    Arc::new(StoredHost::compile(raw, &terms, &mut |fault| panic!("{fault}")))
}

fn cache(entries_max: usize, bytes_max: usize, time_ms: u32) -> HostCache<V4> {
    HostCache::new(CacheLimits { entries_max, bytes_max, time_ms })
}

fn is_known(cache: &HostCache<V4>, key: &[u8], ms: u64) -> bool {
    cache.get(key, at_ms(ms)).is_some()
}

#[test]
fn text_of_an_option_counts_before_its_bytes_where_a_definition_explains_it() {
    let (definitions, classes) = (Definitions::new(Universe::V4), ClassTable::new());
    let terms = HostTerms { definitions: &definitions, classes: &classes };
    // 2 is a number, 6 are addresses, 15 is text, 222 has no definition.
    for (code, value, text, expected) in [
        (6, Some(&[1, 2, 3, 4][..]), "5.6.7.8, 9.9.9.9", Some(&[5, 6, 7, 8, 9, 9, 9, 9][..])),
        (6, Some(&[1, 2, 3, 4]), "", Some(&[1, 2, 3, 4])),
        (6, Some(&[]), "5.6.7.8", Some(&[5, 6, 7, 8])),
        (6, None, "5.6.7.8", Some(&[5, 6, 7, 8])),
        (6, Some(&[1, 2, 3, 4]), "five", None),
        (6, Some(&[1, 2, 3]), "", None),
        (2, None, "", None),
        (15, Some(b"bytes"), "text", Some(b"text")),
        (222, Some(b"bytes"), "text", Some(b"bytes")),
        (222, Some(b""), "", Some(b"")),
        (222, None, "", Some(b"")),
        (222, None, "text", None),
    ] {
        let identifier = Identifier { kind: IdentifierKind::Duid, bytes: b"duid" };
        let mut raw = RawHost::<V4>::new(1, SubnetId(1), identifier);
        let option = RawOption { number: 9, code, text: text.into(), ..RawOption::default() };
        raw.options = vec![RawOption { value: value.map(Into::into), ..option }];
        let mut faults = Vec::new();
        let host = StoredHost::compile(raw, &terms, &mut |fault| faults.push(fault));
        let host = host.as_host(HostId(0));
        let found = host.extras.options.get(code as u8);
        let found = found.map(|option| option.body().collect::<Vec<_>>().concat());
        assert_eq!(found.as_deref(), expected, "{code} {value:?} {text:?}: {faults:?}");
        let options: Vec<_> = faults.iter().map(|fault| (fault.host, fault.option)).collect();
        assert_eq!(options, if expected.is_none() { vec![(1, Some(9))] } else { Vec::new() });
    }
}

#[test]
fn hosts_that_are_lent_keep_their_numbers_and_places() {
    let learned = LearnedHosts::<V4>::default();
    let table = Hosts4::default();
    let view = HostView::new(&table, Some(&learned));
    let hosts: Vec<_> = (0..11).map(|number| stored(number, 1 + number as usize)).collect();
    let first = learned.lend(&hosts[0]);
    let kept = view.get(first).unwrap();
    let ids: Vec<HostId> = hosts.iter().map(|host| learned.lend(host)).collect();
    assert_eq!(ids[0], first);
    for (id, len) in ids.iter().zip(1..) {
        assert_eq!(view.get(*id).unwrap().hostname.len(), len);
        assert!(table.get(*id).is_none());
    }
    assert_eq!(kept.hostname, b"x");
    assert_eq!(view.get(HostId(ids[10].0 + 1)).map(|host| host.id), None);
    assert_eq!(HostView::of_table(&table).get(first).map(|host| host.id), None);
}

#[test]
fn answers_are_remembered_for_their_time() {
    let cache = cache(1000, BYTES, 2000);
    cache.put(b"none", Fact::Host(None), at_ms(0));
    cache.put(b"some", Fact::Host(Some(stored(1, 5))), at_ms(1000));
    assert!(is_known(&cache, b"none", 1999) && !is_known(&cache, b"none", 2000));
    assert!(is_known(&cache, b"some", 2999) && !is_known(&cache, b"some", 3000));
    assert!(!is_known(&cache, b"", 0));
    // A later answer takes the place of an earlier one, and has its own time.
    cache.put(b"some", Fact::Host(None), at_ms(2500));
    assert!(matches!(cache.get(b"some", at_ms(3000)), Some(Fact::Host(None))));
    let figures = cache.figures();
    assert_eq!((figures.hits, figures.misses, figures.evicted), (3, 3, 0));
}

#[test]
fn a_cache_of_no_size_or_no_time_remembers_nothing() {
    for cache in [cache(0, BYTES, 1000), cache(10, 0, 1000), cache(10, BYTES, 0)] {
        cache.put(b"key", Fact::Host(None), at_ms(0));
        assert!(!is_known(&cache, b"key", 0));
        assert_eq!(cache.figures().entries, 0);
    }
}

#[test]
fn the_oldest_answers_go_when_there_are_too_many() {
    for (cache, most) in [(cache(160, BYTES, 60_000), 160), (cache(9999, 32 << 10, 60_000), 250)] {
        for number in 0..5000_u32 {
            cache.put(&number.to_be_bytes(), Fact::Host(None), at_ms(number.into()));
        }
        let figures = cache.figures();
        assert!((most / 2..=most).contains(&figures.entries), "{figures:?}");
        assert!(figures.bytes <= BYTES && figures.evicted as usize == 5000 - figures.entries);
        assert!(is_known(&cache, &4999_u32.to_be_bytes(), 5000));
        assert!(!is_known(&cache, &0_u32.to_be_bytes(), 5000));
    }
    let cache = cache(1000, 16 << 10, 1000);
    cache.put(b"large", Fact::Host(Some(stored(1, 2000))), at_ms(0));
    assert!(!is_known(&cache, b"large", 0), "it would fill a shard alone");
}

#[test]
fn what_is_told_again_and_again_takes_no_more_room() {
    let cache = cache(160, BYTES, 60_000);
    for number in 0..100_000 {
        cache.put(b"key", Fact::Host(Some(stored(1, 9))), at_ms(number / 100));
    }
    let one = cache.figures();
    assert_eq!((one.entries, one.evicted), (1, 0));
    assert!(one.bytes < 1000, "{one:?}");
}

/// A database in memory: it knows for each subnet, kind and identifier an address.
type Rows = Vec<(u32, usize, Vec<u8>, u8)>;
/// The first address under each subnet, kind and identifier.
type Known = HashMap<(u32, usize, Vec<u8>), u8>;

fn row(number: u64, (subnet, kind, identifier, last): &(u32, usize, Vec<u8>, u8)) -> RawHost<V4> {
    let identifier = Identifier { kind: IdentifierKind::ALL[*kind], bytes: identifier };
    let mut host = RawHost::new(number, SubnetId(*subnet), identifier);
    host.resources.push(Resource {
        address: Ipv4Addr::new(192, 0, 2, *last),
        prefix_len: 32,
        is_prefix: false,
        excluded: None,
    });
    host
}

/// Asks until there is an answer; the databases answer whatever is asked.
fn ask(
    table: &Hosts4,
    databases: &HostDatabases<V4>,
    tables: &[Rows],
    desk: &mut HostDesk<V4>,
    question: &HostQuestion<'_, V4>,
    now: Now,
) -> (Option<u8>, Option<Holder>) {
    let (definitions, classes) = (Definitions::new(Universe::V4), ClassTable::new());
    let terms = HostTerms { definitions: &definitions, classes: &classes };
    let learned = LearnedHosts::default();
    for _ in 0..9 {
        let joined = JoinedHosts::new(table, Some(databases), desk, &learned, now);
        let ticket = match joined.submit(question) {
            Submitted::Ready(Answer::Host(id)) => {
                let host = id.and_then(|id| joined.host(id));
                return (host.map(|host| host.resources[0].address.octets()[3]), None);
            }
            Submitted::Ready(Answer::Holder(holder)) => return (None, Some(holder)),
            Submitted::Ready(other) => panic!("{other:?}"),
            Submitted::Waiting(ticket) => ticket,
        };
        loop {
            let mut requests = Vec::new();
            desk.take_requests(&mut requests);
            let [request] = requests.as_slice() else { panic!("{requests:?}") };
            assert_eq!(request.ticket, ticket);
            let rows = &tables[request.database.access.name.parse::<usize>().unwrap()];
            let found = rows.iter().zip(0..).map(|(one, number)| row(number, one));
            let found = found.filter(|host| request.query.asks_for(host)).collect();
            match desk.settle(ticket, Ok(found), databases, &terms, &learned, now) {
                Settled::Known => break,
                Settled::AskedOn => {}
                Settled::Failed => panic!("nothing has failed"),
            }
        }
    }
    panic!("no end of questions")
}

fn rows() -> impl Strategy<Value = Rows> {
    let row = (0..3_u32, 0..5_usize, prop::collection::vec(0..3_u8, 1..3), 0..200_u8);
    prop::collection::vec(row, 0..25)
}

proptest! {
    /// Whatever is in the file and in two databases: the first place counts, in it the file, then the databases, in each
    /// the first identifier.
    #[test]
    fn joined_hosts_are_found_in_their_order(
        all in [rows(), rows(), rows()],
        questions in prop::collection::vec(
            (0..3_u32, any::<bool>(), prop::collection::vec((0..5_usize, prop::collection::vec(0..3_u8, 1..3)), 0..4), 0..200_u8),
            1..30,
        ),
        entries_max in prop_oneof![Just(0_usize), Just(1000)],
    ) {
        let mut builder = HostsBuilder::<V4>::default();
        for (one, number) in all[0].iter().zip(0..) {
            let host = row(number, one);
            builder.add(NewHost {
                subnet: host.subnet,
                identifier: host.identifier(),
                resources: &host.resources,
                hostname: b"",
                extras: Extras::default(),
            });
        }
        let table = builder.build();
        let database = |number: usize| Arc::new(SqlDatabase {
            access: SqlAccess::new(SqlKind::Mysql, number.to_string()),
            reconnect: Default::default(),
        });
        let limits = CacheLimits { entries_max, ..CacheLimits::default() };
        let databases = HostDatabases::new((0..2).map(database), limits).unwrap();
        let mut desk = HostDesk::default();
        let mut by = vec![Known::new(); 3];
        for (map, rows) in by.iter_mut().zip(&all) {
            for (subnet, kind, identifier, last) in rows {
                map.entry((*subnet, *kind, identifier.clone())).or_insert(*last);
            }
        }
        for (subnet, global, identifiers, last) in questions {
            let mut identifiers = identifiers;
            identifiers.sort();
            identifiers.dedup();
            let places = Places {
                subnet: (subnet != 0).then_some(SubnetId(subnet)),
                global,
            };
            let ids: Vec<Identifier<'_>> = identifiers
                .iter()
                .map(|(kind, bytes)| Identifier { kind: IdentifierKind::ALL[*kind], bytes })
                .collect();
            let expected = places.iter().find_map(|place| {
                by.iter().find_map(|map| {
                    identifiers.iter().find_map(|(kind, bytes)| {
                        map.get(&(place.0, *kind, bytes.clone())).copied()
                    })
                })
            });
            let question = HostQuestion::Of { places, identifiers: &ids };
            let tables = &all[1..];
            let now = at_ms(0);
            let found = ask(&table, &databases, tables, &mut desk, &question, now).0;
            prop_assert_eq!(found, expected);
            let address = Ipv4Addr::new(192, 0, 2, last);
            let question =
                HostQuestion::Holder { places, address, prefix_len: 32, identifiers: &ids };
            let holders = |rows: &Rows| {
                let there = |row: &&(u32, usize, Vec<u8>, u8)| {
                    row.3 == last && places.iter().any(|place| place.0 == row.0)
                };
                let mut own = rows.iter().filter(there).map(|row| {
                    identifiers.contains(&(row.1, row.2.clone()))
                });
                let first = own.next();
                first.map(|first| if first || own.any(|own| own) { Holder::Client } else { Holder::Other })
            };
            let late: Rows = tables.concat();
            let expected = holders(&all[0]).or_else(|| holders(&late)).unwrap_or(Holder::Nobody);
            let found = ask(&table, &databases, tables, &mut desk, &question, now).1;
            prop_assert_eq!(found, Some(expected));
        }
    }
}
