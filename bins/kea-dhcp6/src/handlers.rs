//! What is done with each kind of message: SOLICIT to DECLINE and INFORMATION-REQUEST.
//!
//! Handlers decide and ask the lease store through the session; they have no other effect, because they are run again
//! when the store answers late. What they decide is written into a [`Draft`], which the server logs and turns into a
//! reply. Rules: RFC 8415 section 18.3, and Kea where it leaves a choice.

use std::net::Ipv6Addr;

use libdhcp::v6::{Ia, IaKind, MessageType, StatusCode, code};
use libdhcpsrv::alloc6::{self, Candidate6, Granted6, Hint6, Query6, Resource6, Wanted6};
use libdhcpsrv::classes::Membership;
use libdhcpsrv::config6::{Config6, Subnet6};
use libdhcpsrv::explain;
use libdhcpsrv::explain::Topic;
use libdhcpsrv::hosts::{Host6, HostView, Identifier};
use libdhcpsrv::lease::{Expect, LeaseState, LeaseType, Ownership};
use libdhcpsrv::lease6::{Change6, ClientKey6, HardwareSource6, Lease6View, V6};
use libdhcpsrv::session::{Parked, Session6};

use crate::draft::{Draft, Entry, Note, Verdict};
use crate::drop_reason::DropReason;
use crate::hardware::Hardware;
use crate::query::Query;

/// Looks for leases that one message may cost: one for each association in each subnet that comes into question.
const LOOKS_MAX: usize = 1 << 14;
/// Associations that are served whatever that costs: more than a client has.
const SERVED_MIN: usize = 8;

/// What came of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is not answered.
    Drop(DropReason),
    /// It is answered with the draft.
    Reply,
}

/// Everything that a handler looks at.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The query.
    pub query: &'a Query<'a>,
    /// The configuration in force.
    pub config: &'a Config6,
    /// The hosts of the candidates.
    pub hosts: HostView<'a, V6>,
    /// The selected subnet, and behind it the others of its shared network.
    pub candidates: &'a [Candidate6],
    /// The classes that the client is in.
    pub membership: &'a Membership,
    /// The client's hardware address.
    pub hardware: &'a Hardware,
    /// What relays say of the client, as a user context to keep with leases; empty for nothing.
    pub extended_info: &'a [u8],
    /// What the client is known by among hosts.
    pub identifiers: &'a [Identifier<'a>],
    /// What was offered to an association of this client a moment ago.
    pub recent_offer: &'a dyn Fn(LeaseType, u32) -> Option<Ipv6Addr>,
}

impl std::fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("query", &self.query)
            .field("candidates", &self.candidates)
            .finish_non_exhaustive()
    }
}

/// What is done with the associations of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// Propose; nothing is stored (SOLICIT).
    Advertise,
    /// Give (REQUEST, SOLICIT with rapid commit).
    Assign,
    /// Extend what the client has (RENEW, REBIND).
    Extend,
}

impl<'a> Exchange<'a> {
    fn selected(&self) -> Option<&'a Subnet6> {
        self.candidates.first().map(|candidate| self.config.subnet(candidate.subnet))
    }

    fn host(&self, candidate: &Candidate6) -> Option<Host6<'a>> {
        candidate.host.and_then(|id| self.hosts.get(id))
    }

    /// The candidate that allocation begins with: the first one where the client has a host, if that has nothing
    /// reserved that could decide.
    fn first(&self) -> Option<(usize, Host6<'a>)> {
        let mut candidates = self.candidates.iter().enumerate().filter(|(_, one)| one.serves);
        let (number, host) = candidates.find_map(|(number, candidate)| {
            Some((number, self.host(candidate).filter(|host| !host.is_global())?))
        })?;
        host.resources.is_empty().then_some((number, host))
    }

    fn client(&self, lease_type: LeaseType, iaid: u32) -> ClientKey6<'a> {
        ClientKey6 { lease_type, duid: self.query.duid.unwrap_or_default(), iaid }
    }

    /// `pool-id` of the pool that a leased address lies in. Subnets may overlap; the lease's own is one of the client's, as
    /// a rule.
    fn pool_id(&self, lease: &Lease6View) -> u32 {
        let mut own = self.candidates.iter().map(|one| self.config.subnet(one.subnet));
        let subnet = own.find(|subnet| subnet.id == lease.subnet_id.0).or_else(|| {
            let index = self.config.by_address.find(lease.address)?;
            Some(self.config.subnet(index))
        });
        let pools = subnet.map(|subnet| self.config.pools_of(subnet)).unwrap_or_default();
        pools.iter().find(|pool| pool.contains(lease.address)).map_or(0, |pool| pool.id)
    }
}

/// Runs the handler of the query's type.
///
/// # Errors
/// [`Parked`] when the lease store answers later.
pub fn handle(
    exchange: &Exchange<'_>,
    session: &mut Session6<'_>,
    draft: &mut Draft,
) -> Result<Outcome, Parked> {
    draft.clear();
    match exchange.query.message_type {
        MessageType::Solicit => solicit(exchange, session, draft),
        MessageType::Request => associations(exchange, session, draft, Aim::Assign),
        MessageType::Renew | MessageType::Rebind => {
            associations(exchange, session, draft, Aim::Extend)
        }
        MessageType::Confirm => Ok(confirm(exchange, draft)),
        MessageType::Release => release(exchange, session, draft),
        MessageType::Decline => decline(exchange, session, draft),
        MessageType::InformationRequest => Ok(Outcome::Reply),
        _ => Ok(Outcome::Drop(DropReason::UnsupportedMessageType)),
    }
}

fn solicit(
    exchange: &Exchange<'_>,
    session: &mut Session6<'_>,
    draft: &mut Draft,
) -> Result<Outcome, Parked> {
    let commits = exchange.query.view.rapid_commit()
        && exchange.selected().is_some_and(|subnet| subnet.rapid_commit);
    if commits {
        draft.rapid_commit = true;
        return associations(exchange, session, draft, Aim::Assign);
    }
    draft.message_type = MessageType::Advertise;
    associations(exchange, session, draft, Aim::Advertise)
}

/// Goes through the identity associations of a message in their order.
fn associations(
    exchange: &Exchange<'_>,
    session: &mut Session6<'_>,
    draft: &mut Draft,
    aim: Aim,
) -> Result<Outcome, Parked> {
    if let Some((candidate, host)) = exchange.first() {
        (draft.candidate, draft.host) = (candidate, Some(host.id));
    }
    let served_max = (LOOKS_MAX / exchange.candidates.len().max(1)).max(SERVED_MIN);
    for ia in exchange.query.ias() {
        let Some(lease_type) = lease_type_of(ia.kind) else { continue };
        let mut answered = draft.associations().iter();
        if answered.any(|one| (one.kind, one.iaid) == (ia.kind, ia.iaid)) {
            // It is the same one; a second decision could take away what the first one says it has.
            continue;
        }
        draft.begin(ia.kind, ia.iaid);
        let say = session.explanation();
        let kind = if ia.kind == IaKind::Pd { "IA_PD" } else { "IA_NA" };
        explain!(say, Topic::Lease, "{kind} {}", ia.iaid);
        if exchange.membership.is_rejected() {
            explain!(say, Topic::Lease, "  nothing: the client is in class REJECT");
            let (code, _) = nothing_free(ia.kind);
            draft.set_status(code, "the server refuses this client");
            draft.is_rejected = true;
            continue;
        }
        if exchange.candidates.is_empty() {
            if aim == Aim::Extend && ia.kind == IaKind::Pd && is_rebind(exchange) {
                // Another server may know the prefix; to deny it would be wrong.
                return Ok(Outcome::Drop(DropReason::NoSubnet));
            }
            explain!(say, Topic::Lease, "  nothing: no subnet is known for the client");
            refuse(draft, ia.kind, aim);
            continue;
        }
        let number = draft.associations().len();
        if number > served_max || (number > 1 && session.is_spent()) {
            // Nothing is said of what it has: the client may ask for it by itself.
            draft.set_status(StatusCode::UnspecFail, "the message has too many associations");
            continue;
        }
        if let Some(reason) = association(exchange, session, draft, lease_type, &ia, aim)? {
            return Ok(Outcome::Drop(reason));
        }
        if aim == Aim::Extend {
            // What the client lists and has not must not be used any longer.
            listed(&ia).for_each(|listed| draft.add_lost(listed.resource()));
        }
    }
    Ok(Outcome::Reply)
}

/// One association; returns why the message cannot be answered.
fn association(
    exchange: &Exchange<'_>,
    session: &mut Session6<'_>,
    draft: &mut Draft,
    lease_type: LeaseType,
    ia: &Ia<'_>,
    aim: Aim,
) -> Result<Option<DropReason>, Parked> {
    let wish = listed(ia).next();
    let wanted = |seconds: fn(&Listed) -> u32| wish.as_ref().map(seconds).filter(|&s| s != 0);
    let query = Query6 {
        client: exchange.client(lease_type, ia.iaid),
        config: exchange.config,
        hosts: exchange.hosts,
        candidates: exchange.candidates,
        first: draft.candidate,
        classes: exchange.membership.set(),
        class_times: exchange.config.classes.times(exchange.membership),
        hint: wish.map(|wish| Hint6 { address: wish.address, prefix_len: wish.prefix_len }),
        recent_offer: match aim {
            Aim::Advertise => session.choose(|_| (exchange.recent_offer)(lease_type, ia.iaid)),
            _ => None,
        },
        wanted: Wanted6 {
            preferred: wanted(|wish| wish.preferred_lifetime),
            valid: wanted(|wish| wish.valid_lifetime),
        },
        hardware: exchange.hardware.as_stored(),
        extended_info: exchange.extended_info,
        identifiers: exchange.identifiers,
    };
    let is_bound = match aim {
        Aim::Advertise => alloc6::offer(session, &query, draft)?,
        Aim::Assign | Aim::Extend => match alloc6::grant(session, &query, draft)? {
            Granted6::Bound { position } => {
                draft.position = draft.position.max(position);
                true
            }
            Granted6::Exhausted { position } => {
                draft.position = draft.position.max(position);
                false
            }
            Granted6::NotStored(error) => return Ok(Some(DropReason::NotStored(error))),
        },
    };
    if is_bound {
        if let Some(candidate) = exchange.candidates.get(draft.candidate) {
            let timers = &exchange.config.subnet(candidate.subnet).timers;
            draft.set_tees(|preferred| timers.t1_t2(preferred));
        }
        //= RFC 6603 section 6: for requesting routers that say that they know the option.
        if lease_type == LeaseType::Pd && exchange.query.wants(code::PD_EXCLUDE) {
            draft.exclude(|entry| excluded_of(exchange, entry));
        }
    } else {
        let (code, text) = nothing_free(ia.kind);
        draft.set_status(code, text);
    }
    Ok(None)
}

/// The part of a prefix that the delegating router keeps: by its reservation, else by its pool.
fn excluded_of(exchange: &Exchange<'_>, entry: &Entry) -> Option<(Ipv6Addr, u8)> {
    let (resource, candidate) = (entry.resource, exchange.candidates.get(entry.candidate?)?);
    let reserved = exchange.host(candidate).map_or(&[][..], |host| host.resources);
    let key = (true, resource.address, resource.prefix_len);
    match reserved.iter().find(|own| (own.is_prefix, own.address, own.prefix_len) == key) {
        Some(own) => own.excluded,
        None => {
            let pools = exchange.config.pd_pools_of(exchange.config.subnet(candidate.subnet));
            let of_len = pools.iter().filter(|pool| pool.unit_len == resource.prefix_len);
            let mut of_len = of_len.filter(|pool| pool.contains(resource.address));
            of_len.next()?.excluded_of(resource.address)
        }
    }
}

/// Answers an association of a client for which no subnet is known.
fn refuse(draft: &mut Draft, kind: IaKind, aim: Aim) {
    let (code, text) = match aim {
        Aim::Extend => (StatusCode::NoBinding, "no subnet is known for this link"),
        Aim::Advertise | Aim::Assign => match kind {
            IaKind::Pd => (StatusCode::NoPrefixAvail, "no subnet is known for this link"),
            _ => (StatusCode::NoAddrsAvail, "no subnet is known for this link"),
        },
    };
    draft.set_status(code, text);
}

fn nothing_free(kind: IaKind) -> (StatusCode, &'static str) {
    match kind {
        IaKind::Pd => (StatusCode::NoPrefixAvail, "no prefix is free"),
        _ => (StatusCode::NoAddrsAvail, "no address is free"),
    }
}

fn is_rebind(exchange: &Exchange<'_>) -> bool {
    exchange.query.message_type == MessageType::Rebind
}

/// Says whether the client's addresses belong on its link; leases are not looked at.
fn confirm(exchange: &Exchange<'_>, draft: &mut Draft) -> Outcome {
    let fits = |address| {
        let mut subnets = exchange.candidates.iter().map(|one| exchange.config.subnet(one.subnet));
        subnets.any(|subnet| subnet.contains(address))
    };
    let mut is_any = false;
    let mut all_fit = true;
    for ia in exchange.query.ias() {
        if ia.kind != IaKind::Na {
            continue;
        }
        for listed in listed(&ia) {
            is_any = true;
            all_fit &= fits(listed.address);
        }
    }
    if !is_any {
        return Outcome::Drop(DropReason::NothingToConfirm);
    }
    let (code, text) = match all_fit {
        true => (StatusCode::Success, "all addresses fit the link"),
        false => (StatusCode::NotOnLink, "an address does not fit the link"),
    };
    draft.status = Some(crate::draft::Status { code, text });
    Outcome::Reply
}

fn release(
    exchange: &Exchange<'_>,
    session: &mut Session6<'_>,
    draft: &mut Draft,
) -> Result<Outcome, Parked> {
    let mut overall = (StatusCode::Success, "all leases were released");
    for ia in exchange.query.ias() {
        let Some(lease_type) = lease_type_of(ia.kind) else { continue };
        draft.begin(ia.kind, ia.iaid);
        let client = exchange.client(lease_type, ia.iaid);
        let mut status = None;
        for listed in listed(&ia) {
            let resource = listed.resource();
            let verdict = match own_lease(session, client, resource.address)? {
                Err(verdict) => verdict,
                Ok(lease) => {
                    match session.delete(resource.address, Expect::Unchanged(lease.version))? {
                        Ok(stored) => {
                            draft.position = draft.position.max(stored.position);
                            Verdict::Done
                        }
                        Err(error) => return Ok(Outcome::Drop(DropReason::NotStored(error))),
                    }
                }
            };
            let (_, text) = verdict.status();
            explain!(session.explanation(), Topic::Lease, "{resource}\treleased\t{text}");
            draft.notes.push(Note { lease_type, iaid: ia.iaid, resource, verdict });
            status = Some(worse(status, verdict.status()));
        }
        let nothing = (StatusCode::NoBinding, "the association names nothing to release");
        let (code, text) = status.unwrap_or(nothing);
        draft.set_status(code, text);
        if code != StatusCode::Success {
            overall = (code, text);
        }
    }
    let (code, text) = overall;
    draft.status = Some(crate::draft::Status { code, text });
    Ok(Outcome::Reply)
}

fn decline(
    exchange: &Exchange<'_>,
    session: &mut Session6<'_>,
    draft: &mut Draft,
) -> Result<Outcome, Parked> {
    for ia in exchange.query.ias() {
        if ia.kind != IaKind::Na {
            continue;
        }
        draft.begin(ia.kind, ia.iaid);
        let client = exchange.client(LeaseType::Na, ia.iaid);
        let mut status = None;
        for listed in listed(&ia) {
            let resource = listed.resource();
            let verdict = match own_lease(session, client, resource.address)? {
                Err(verdict) => verdict,
                Ok(lease) => match session.commit(quarantine(exchange, &lease, ia.iaid))? {
                    Ok(stored) => {
                        draft.position = draft.position.max(stored.position);
                        Verdict::Done
                    }
                    Err(error) => return Ok(Outcome::Drop(DropReason::NotStored(error))),
                },
            };
            let (_, text) = verdict.status();
            explain!(session.explanation(), Topic::Lease, "{resource}\tdeclined\t{text}");
            let note = Note { lease_type: LeaseType::Na, iaid: ia.iaid, resource, verdict };
            draft.notes.push(note);
            status = Some(worse(status, verdict.status()));
        }
        let nothing = (StatusCode::NoBinding, "the association names nothing to decline");
        let (code, text) = status.unwrap_or(nothing);
        draft.set_status(code, text);
    }
    Ok(Outcome::Reply)
}

/// The change that keeps a declined address back. It belongs to nobody: of its client only the IAID and the
/// user context stay, as in Kea.
fn quarantine<'a>(exchange: &Exchange<'a>, lease: &Lease6View, iaid: u32) -> Change6<'a> {
    Change6 {
        address: lease.address,
        prefix_len: lease.prefix_len,
        subnet_id: lease.subnet_id,
        pool_id: exchange.pool_id(lease),
        pool: None,
        client: ClientKey6 { lease_type: lease.lease_type, duid: &[], iaid },
        hw: HardwareSource6::default(),
        preferred_lifetime: 0,
        valid_lifetime: exchange.config.decline_probation_period,
        state: LeaseState::Declined,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: &[],
        user_context: &[],
        keeps_context: true,
        expect: Expect::Unchanged(lease.version),
        replaces: None,
    }
}

/// The active lease on an address or prefix, if it is the association's.
fn own_lease(
    session: &mut Session6<'_>,
    client: ClientKey6<'_>,
    address: Ipv6Addr,
) -> Result<Result<Lease6View, Verdict>, Parked> {
    let Some(lease) = session.get(client, address)? else { return Ok(Err(Verdict::NoLease)) };
    Ok(match (lease.owner, lease.state) {
        _ if lease.lease_type != client.lease_type => Err(Verdict::NoLease),
        (Ownership::Other, LeaseState::Declined) => Err(Verdict::NoLease),
        (Ownership::Other, _) => Err(Verdict::OtherClient),
        (Ownership::SameClient, _) => Err(Verdict::OtherAssociation),
        (Ownership::Mine, LeaseState::Default) => Ok(lease),
        (Ownership::Mine, _) => Err(Verdict::NoLease),
    })
}

/// Of two statuses of an association the one that the client must hear of.
fn worse(
    before: Option<(StatusCode, &'static str)>,
    next: (StatusCode, &'static str),
) -> (StatusCode, &'static str) {
    match before {
        Some(before) if next.0 == StatusCode::Success => before,
        _ => next,
    }
}

/// An address or prefix in a message of a client.
#[derive(Clone, Copy, Debug)]
struct Listed {
    address: Ipv6Addr,
    prefix_len: u8,
    preferred_lifetime: u32,
    valid_lifetime: u32,
}

impl Listed {
    fn resource(&self) -> Resource6 {
        Resource6 { address: self.address, prefix_len: self.prefix_len }
    }
}

/// What an association of a client lists, those that are malformed left out.
fn listed<'a>(ia: &Ia<'a>) -> impl Iterator<Item = Listed> + use<'a> {
    let addresses = (ia.kind != IaKind::Pd).then(|| ia.addresses()).into_iter().flatten();
    let addresses = addresses.flatten().map(|listed| Listed {
        address: listed.address,
        prefix_len: 128,
        preferred_lifetime: listed.preferred,
        valid_lifetime: listed.valid,
    });
    let prefixes = (ia.kind == IaKind::Pd).then(|| ia.prefixes()).into_iter().flatten();
    let prefixes = prefixes.flatten().map(|listed| Listed {
        address: listed.prefix,
        prefix_len: listed.len,
        preferred_lifetime: listed.preferred,
        valid_lifetime: listed.valid,
    });
    addresses.chain(prefixes)
}

/// The lease type of an association; temporary addresses are not given, and their associations not answered, as in Kea.
#[must_use]
pub fn lease_type_of(kind: IaKind) -> Option<LeaseType> {
    match kind {
        IaKind::Na => Some(LeaseType::Na),
        IaKind::Pd => Some(LeaseType::Pd),
        IaKind::Ta => None,
    }
}
