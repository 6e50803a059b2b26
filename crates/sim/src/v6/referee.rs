//! What the DHCPv6 referee makes of queries, replies and what clients say.

use libdhcp::v6::{IaKind, MessageType, StatusCode};
use libdhcpsrv::config6::{Config6, Pool6};
use libdhcpsrv::free::PoolIndex;
use libdhcpsrv::lease::{LeaseState, LeaseType};

use super::client::{Client, How, Note};
use super::configuration::{SUBNET_LEN, has_subnet, is_member, network, subnet_id, subnets_of};
use super::packets::{Association, Owner, Read};
use super::{Asked, V6, Waiting};
use crate::clock::{Clock, SECOND};
use crate::family::Scene;
use crate::host::Host;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::spans::{Span, Spans};

/// Queries that are remembered until their replies are made.
const ASKED_MAX: usize = 4096;

impl V6 {
    pub(super) fn note(
        &mut self,
        clients: &[Client],
        client: usize,
        note: Note,
        (scenario, clock): (&Scenario, &Clock),
        report: &mut Report,
    ) {
        match note {
            Note::Bound { uses, how } => {
                report.bound += 1;
                match how {
                    How::Rapid => report.rapid += 1,
                    How::Rebound => report.rebinds += 1,
                    How::Renewed => report.renewals += 1,
                    How::Selected => {}
                }
                // When the wall clock jumps, leases end in the eyes of the server while clients go on, so then there
                // is nothing to check.
                let may_share = scenario.clock_jump_rate > 0;
                for (span, until) in uses {
                    // The REPLY to a later copy of the query may have withdrawn what this one gives.
                    if !self.is_held_by(&clients[client].duid, span) {
                        continue;
                    }
                    self.in_use.begin(client, span, (clock.mono_ns, until), |_| may_share);
                }
            }
            Note::Lost(lost) => lost.into_iter().for_each(|span| self.in_use.end(client, span)),
            Note::Released => report.releases += 1,
            Note::Declined => report.declines += 1,
            Note::Moved => report.moves += 1,
        }
    }

    /// Whether some association of a client holds something.
    fn is_held_by(&self, duid: &[u8], span: Span) -> bool {
        let Some(table) = &self.table else { return self.oracle.is_held_by(duid, span) };
        let lease = table.lease(span.address());
        lease.is_some_and(|lease| lease.duid == duid && lease.prefix_len == span.len)
    }

    /// A query is about to be processed.
    pub(super) fn before_query(&mut self, host: &Host<V6>, query: &Read) {
        let config = &host.runtime.config;
        let owner = |association: &Association| association.owner(&query.duid);
        let mut own = Vec::new();
        match query.kind {
            MessageType::Release | MessageType::Decline => {
                for association in named(query) {
                    let owner = owner(association);
                    for entry in &association.entries {
                        if is_own(host, &owner, entry.span) {
                            own.push(entry.span);
                        }
                        self.oracle.given_up(&owner, entry.span);
                    }
                }
            }
            _ if query.assigns() => {
                let owners: Vec<_> = query.associations.iter().map(owner).collect();
                for withdrawn in self.oracle.asked(config, &owners) {
                    // The client may not hear of it.
                    self.in_use.end_all(withdrawn);
                }
            }
            _ => {}
        }
        if self.asked.len() >= ASKED_MAX
            && let Some((_, old)) = self.asked.pop_first()
        {
            self.nth_asked.remove(&(old.query.duid, old.query.xid));
        }
        self.asked_count += 1;
        let key = (query.duid.clone(), query.xid);
        if let Some(before) = self.nth_asked.insert(key, self.asked_count) {
            self.asked.remove(&before);
        }
        self.asked.insert(self.asked_count, Asked { query: query.clone(), own });
    }

    /// The server has made a reply: what it says must agree with the query and with the store.
    pub(super) fn judge(&mut self, scene: &Scene<'_, V6>, reply: &Read, hold: u64) {
        let nth = self.nth_asked.get(&(reply.duid.clone(), reply.xid));
        let Some(asked) = nth.and_then(|nth| self.asked.get(nth)).cloned() else {
            return assert_eq!(hold, 0, "a reply without a query waits for the journal");
        };
        let query = &asked.query;
        let expected = match query.kind {
            MessageType::Solicit if !reply.rapid_commit => MessageType::Advertise,
            _ => MessageType::Reply,
        };
        assert_eq!(reply.kind, expected, "{query:?} was answered by {reply:?}");
        let keys = |read: &Read| {
            let all = named(read).map(|association| (association.kind, association.iaid));
            all.collect::<Vec<_>>()
        };
        let answers = match query.kind {
            MessageType::Confirm | MessageType::InformationRequest => Vec::new(),
            _ => keys(query),
        };
        assert_eq!(keys(reply), answers, "{query:?} was answered by {reply:?}");
        match query.kind {
            MessageType::Confirm => confirmed(scene, query, reply),
            MessageType::Release | MessageType::Decline => {
                return self.gave_up(scene, &asked, reply, hold);
            }
            MessageType::InformationRequest => {}
            _ => return self.assigned(scene, query, reply, hold),
        }
        assert_eq!(hold, 0, "a reply that changes nothing waits for the journal");
    }

    /// SOLICIT, REQUEST, RENEW, REBIND.
    fn assigned(&mut self, scene: &Scene<'_, V6>, query: &Read, reply: &Read, hold: u64) {
        let is_offer = reply.kind == MessageType::Advertise;
        assert!(!is_offer || hold == 0, "an ADVERTISE waits for the journal");
        let gives = reply.associations.iter().any(|told| told.given().next().is_some());
        assert!(is_offer || !gives || hold > 0, "a REPLY does not wait for its leases: {reply:?}");
        let mut promised = Spans::default();
        for given in reply.associations.iter().flat_map(Association::given) {
            let is_new = promised.overlapping(given.span).next().is_none();
            assert!(is_new, "{} is given twice: {reply:?}", given.span);
            promised.insert(given.span, ());
        }
        let mut waiting = Waiting::default();
        for (told, wanted) in reply.associations.iter().zip(&query.associations) {
            times(told);
            let owner = told.owner(&reply.duid);
            if scene.host.late.is_none() {
                status(scene, query, reply, told);
            }
            let is_extended = matches!(query.kind, MessageType::Renew | MessageType::Rebind);
            for listed in wanted.entries.iter().filter(|_| is_extended) {
                let mut answers = told.entries.iter().filter(|entry| entry.span == listed.span);
                let is_answered = answers.next().is_some() && answers.next().is_none();
                let is_denied = told.status == Some(StatusCode::NoBinding as u16);
                assert!(is_answered || is_denied, "{listed:?} of {query:?} in {reply:?}");
            }
            for lost in told.lost() {
                let is_given = told.given().any(|entry| entry.span == lost.span);
                assert!(!is_given, "given and lost in {reply:?}");
                let is_kept = stored(scene.host, &owner, lost.span)
                    .is_some_and(|(subnet, _)| has_subnet(query.link, subnet));
                assert!(
                    !is_kept || scene.host.late.is_some(),
                    "{lost:?} is still leased: {reply:?}"
                );
            }
            for given in told.given() {
                if is_offer {
                    self.offered(scene, &owner, given.span, query);
                    continue;
                }
                let granted = self.granted(scene, &owner, (given.span, given.valid), query);
                waiting.granted.extend(granted.map(|ends| (owner.clone(), given.span, ends)));
            }
        }
        if hold > 0 {
            self.waiting.insert(hold, waiting);
        }
    }

    fn offered(&self, scene: &Scene<'_, V6>, owner: &Owner, span: Span, query: &Read) {
        if scene.host.late.is_some() {
            return;
        }
        let mut pools = pools_of(&scene.host.runtime.config, query.link, owner);
        assert!(pools.any(|(_, pool)| is_unit(pool, span)), "{span} is in no pool");
        self.oracle.offered(owner, span, scene.clock);
    }

    /// Judges a lease that a REPLY gives; returns its last second.
    fn granted(
        &mut self,
        scene: &Scene<'_, V6>,
        owner: &Owner,
        (span, valid): (Span, u32),
        query: &Read,
    ) -> Option<i64> {
        let Scene { host, clock, .. } = scene;
        let is_late = host.late.is_some();
        let Some((subnet, stored)) = stored(host, owner, span) else {
            // Only a late answer can be overtaken by the end of its own lease.
            assert!(
                is_late,
                "{span} is not leased to {owner:?}: {:?}",
                host.store.lease(span.address())
            );
            return None;
        };
        assert!(has_subnet(query.link, subnet), "{span} for a client of another link");
        if !is_late {
            let ends = clock.now().wall_s + i64::from(valid);
            assert_eq!(stored, ends, "the end of {span}");
            let mut pools = pools_of(&host.runtime.config, query.link, owner);
            assert!(pools.any(|(_, pool)| is_unit(pool, span)), "{span} is in no pool");
        }
        // A renewal may be shorter than the lease before, and the client may not hear of it.
        self.in_use.cut(span, clock.mono_ns + u64::from(valid) * SECOND);
        for over in self.oracle.granted(owner, subnet, (span, stored), clock) {
            self.in_use.end_all(over);
        }
        Some(stored)
    }

    /// RELEASE and DECLINE.
    fn gave_up(&mut self, scene: &Scene<'_, V6>, asked: &Asked, reply: &Read, hold: u64) {
        let host = scene.host;
        let query = &asked.query;
        let is_release = query.kind == MessageType::Release;
        let is_late = host.late.is_some();
        let success = Some(StatusCode::Success as u16);
        let no_binding = Some(StatusCode::NoBinding as u16);
        assert!(is_late || (hold > 0) != asked.own.is_empty(), "{reply:?} waits for {hold}");
        let mut all = true;
        let mut waiting = Waiting::default();
        for (told, wanted) in named(reply).zip(named(query)) {
            let owner = wanted.owner(&query.duid);
            let is_done = wanted.entries.iter().all(|entry| asked.own.contains(&entry.span));
            all &= is_done;
            if !is_late {
                let expected = if is_done { success } else { no_binding };
                assert_eq!(told.status, expected, "{query:?} was answered by {reply:?}");
            }
            for span in wanted.entries.iter().map(|entry| entry.span) {
                if is_late || !asked.own.contains(&span) {
                    continue;
                }
                let lease = host.store.lease(span.address());
                if is_release {
                    assert!(lease.is_none(), "{span} was released and is {lease:?}");
                    waiting.released.push((owner.clone(), span));
                    continue;
                }
                let Some(lease) = lease.filter(|lease| lease.state == LeaseState::Declined) else {
                    panic!("{span} was declined and is not quarantined");
                };
                self.oracle.declined(span, lease.cltt + i64::from(lease.valid_lifetime));
                waiting.declined.push(span);
            }
        }
        if is_release && !is_late {
            let expected = if all { success } else { no_binding };
            assert_eq!(reply.status, expected, "{query:?} was answered by {reply:?}");
        }
        if hold > 0 {
            self.waiting.insert(hold, waiting);
        }
    }

    /// A reply leaves the server for good.
    pub(super) fn reply_left(&mut self, reply: &Read, hold: u64, report: &mut Report) {
        let entries = || reply.associations.iter().flat_map(Association::given);
        if reply.kind == MessageType::Advertise {
            report.offers += 1;
        } else if entries().next().is_some() {
            report.acks += 1;
            report.prefixes += entries().filter(|entry| entry.span.len < 128).count() as u64;
        } else {
            report.informs += 1;
        }
        let told = reply.associations.iter();
        report.refused +=
            told.filter(|told| told.status.is_some_and(|status| status != 0)).count() as u64;
        report.withdrawn += reply.associations.iter().flat_map(Association::lost).count() as u64;
        let Some(waiting) = self.waiting.remove(&hold) else { return };
        for (owner, span, ends) in waiting.granted {
            self.oracle.told(&owner, span, ends);
        }
        for (owner, span) in waiting.released {
            self.oracle.told_released(&owner, span);
        }
        for span in waiting.declined {
            self.oracle.told_declined(span);
        }
    }
}

/// The associations of a message that are answered: all of them, in a DECLINE those for addresses.
fn named(read: &Read) -> impl Iterator<Item = &Association> {
    let is_decline = read.kind == MessageType::Decline;
    let all = read.associations.iter();
    all.filter(move |association| !is_decline || association.kind == IaKind::Na)
}

/// Subnet and last second of a lease, if it is stored for an association.
fn stored(host: &Host<V6>, owner: &Owner, span: Span) -> Option<(u32, i64)> {
    let lease = host.store.lease(span.address())?;
    let is_own = Owner::of(&lease) == *owner
        && lease.prefix_len == span.len
        && lease.state == LeaseState::Default;
    is_own.then(|| (lease.subnet_id.0, lease.cltt + i64::from(lease.valid_lifetime)))
}

fn is_own(host: &Host<V6>, owner: &Owner, span: Span) -> bool {
    stored(host, owner, span).is_some()
}

fn is_unit(pool: &Pool6, span: Span) -> bool {
    pool.unit_len == span.len && pool.contains(span.address())
}

/// The pools of an association's type on a link that serve its client, with their numbers.
fn pools_of<'c>(
    config: &'c Config6,
    link: u8,
    owner: &Owner,
) -> impl Iterator<Item = (PoolIndex, &'c Pool6)> {
    let is_pd = owner.lease_type == LeaseType::Pd;
    let is_member = is_member(&owner.duid);
    let subnets = config.subnets.iter().filter(move |subnet| has_subnet(link, subnet.id));
    let all = subnets.flat_map(move |subnet| match is_pd {
        true => subnet.pd_pools.clone().map(PoolIndex).zip(config.pd_pools_of(subnet)),
        false => subnet.pools.clone().map(PoolIndex).zip(config.pools_of(subnet)),
    });
    all.filter(move |(_, pool)| pool.extras.is_none() || is_member)
}

/// T1, T2 and the lifetimes of an association make sense.
fn times(told: &Association) {
    for given in told.given() {
        assert!(given.preferred <= given.valid, "{told:?}");
        assert!(told.t1 <= told.t2 && told.t2 <= given.preferred, "{told:?}");
    }
}

/// An association has a status if and only if it gets nothing, and the one that says why.
fn status(scene: &Scene<'_, V6>, query: &Read, reply: &Read, told: &Association) {
    let Scene { host, .. } = scene;
    let owner = told.owner(&reply.duid);
    let config = &host.runtime.config;
    if told.given().next().is_some() {
        return assert!(told.status.is_none_or(|status| status == 0), "{reply:?}");
    }
    let is_extended = matches!(query.kind, MessageType::Renew | MessageType::Rebind);
    let nothing = match told.kind {
        IaKind::Pd => StatusCode::NoPrefixAvail,
        _ => StatusCode::NoAddrsAvail,
    };
    let is_known = config.subnets.iter().any(|subnet| subnet.id == subnet_id(query.link));
    let expected = if !is_known && is_extended { StatusCode::NoBinding } else { nothing };
    assert_eq!(told.status, Some(expected as u16), "{query:?} was answered by {reply:?}");
    // What a later association of the message has lost was not free yet; what was offered to one before it is free.
    let lost = reply.associations.iter().flat_map(Association::lost).count() as u64;
    let same = reply.associations.iter().filter(|other| other.kind == told.kind);
    let promised = same.filter(|other| other.given().next().is_some()).count() as u64;
    let pools = pools_of(config, query.link, &owner);
    let free: u64 = pools.map(|(pool, _)| host.runtime.pools.free_count(pool)).sum();
    let spoken_for = if reply.kind == MessageType::Advertise { promised } else { 0 };
    assert!(lost > 0 || free <= spoken_for, "{free} are free, but: {query:?} {reply:?}");
}

/// CONFIRM.
fn confirmed(scene: &Scene<'_, V6>, query: &Read, reply: &Read) {
    let config = &scene.host.runtime.config;
    let id = subnet_id(query.link);
    let is_known = config.subnets.iter().any(|subnet| subnet.id == id);
    let fits_link = |span: Span| {
        let prefix = |number| Span { first: network(number), len: SUBNET_LEN };
        subnets_of(query.link).any(|number| prefix(number).overlaps(span))
    };
    let mut entries = query.associations.iter().flat_map(|association| &association.entries);
    let fits = is_known && entries.all(|entry| fits_link(entry.span));
    let expected = if fits { StatusCode::Success } else { StatusCode::NotOnLink };
    assert_eq!(reply.status, Some(expected as u16), "{query:?} was answered by {reply:?}");
}
