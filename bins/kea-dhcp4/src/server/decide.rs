//! What becomes of a query: its classes, its subnet, the client's hosts, its lease.

use std::hash::{BuildHasher, Hasher};
use std::net::Ipv4Addr;

use libdhcp::v4::MessageType;
use libdhcpsrv::alloc4::Candidate4;
use libdhcpsrv::classes::Membership;
use libdhcpsrv::config4::{Config4, SubnetIndex};
use libdhcpsrv::explain;
use libdhcpsrv::explain::{Explanation, Topic};
use libdhcpsrv::extended_info;
use libdhcpsrv::hosts::LearnedHosts;
use libdhcpsrv::lease4::V4;
use libdhcpsrv::links::Links;
use libdhcpsrv::session::{Parked, Session4};
use util::Now;
use util::link::Inbound;

use super::{Desk4, Dhcp4, Shared4, notes};
use crate::classes::{self, Classifier};
use crate::handlers::{self, DropReason, Exchange, Outcome};
use crate::hosts::{Sought, prefer_reserved};
use crate::messages::{loggers::*, *};
use crate::query::Query;
use crate::runtime::Runtime4;
use crate::select::{self, Selector};

/// What has been decided about a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    /// The selected subnet, with the client's host there.
    pub(super) selected: Option<Candidate4>,
    /// The address that is reserved for the client and leased to another, with the subnet that it is of.
    pub(super) conflict: Option<(SubnetIndex, Ipv4Addr)>,
    /// The client as the table of offers knows it.
    pub(super) offered_to: u64,
}

impl Decision {
    /// It is not answered, whatever subnet and lease the client has.
    fn drop(reason: DropReason) -> Self {
        Self { outcome: Outcome::Drop(reason), selected: None, conflict: None, offered_to: 0 }
    }
}

impl Dhcp4 {
    /// Decides about a query. Has no effect before the last question, because it runs again when one is answered late.
    pub(super) fn decide(
        &mut self,
        desk: &mut Desk4,
        input: &Inbound<'_>,
        query: &Query<'_>,
        runtime: &Runtime4,
        learned: &LearnedHosts<V4>,
        now: Now,
    ) -> Result<Decision, Parked> {
        let Self { offers, membership, candidates, context } = self;
        let (config, view, message_type) = (&runtime.config, query.view, query.message_type);
        let Desk4 { shared, links, limiter, entropy, memo, explanation, .. } = desk;
        let (say, likely) = (explanation.as_deref(), &mut desk.subnet);
        let joined = runtime.hosts(&desk.hosts, learned, now);
        let hosts = joined.view();
        let mut session = Session4::new(&*shared.store, &runtime.pools, entropy, memo, now)
            .with_hosts(&joined)
            .taking_offer(takes_offer(query))
            .explained(say);
        let classifier = Classifier { config, links, input, view, explanation: say, limiter, now };
        classifier.begin(membership);
        if membership.is_dropped() {
            return Ok(Decision::drop(DropReason::DropClass));
        }
        let mut sought = Sought::new(config, hosts, query);
        if config.early_global_hosts && session.has_hosts() {
            if let Some(host) = sought.early(&mut session)? {
                classifier.host_known(membership, true, host.classes());
            }
            if membership.is_dropped() {
                return Ok(Decision::drop(DropReason::DropClassEarly));
            }
        }

        let has_classes = config.classes.is_used();
        let serves =
            |index, membership: &Membership| !has_classes || config.serves(index, membership.set());
        let index = find_subnet(config, links, input, query, say, |index| {
            let serves = serves(index, membership);
            if let Some(explanation) = say.filter(|_| !serves) {
                notes::passed_over(explanation, config, index, membership);
            }
            serves
        });
        *likely = index;
        if index.is_none() && !view.is_relayed() && select::is_broadcast(input) {
            return Ok(Decision::drop(DropReason::NoSubnet));
        }

        candidates.clear();
        let wants_something = matches!(
            message_type,
            MessageType::Discover | MessageType::Request | MessageType::Inform
        );
        let mut selected = None;
        if wants_something {
            let is_known = match index {
                Some(index) => {
                    let serves = |index| serves(index, membership);
                    sought.everywhere(&mut session, index, serves, candidates)?
                }
                None => sought.is_known_early(),
            };
            selected = candidates.first().copied();
            let host = selected.and_then(|selected| selected.host(hosts));
            let host_classes = selected.map_or(&[][..], |at| classes::of_host(config, at, host));
            classifier.host_known(membership, is_known, host_classes);
            if membership.is_dropped() {
                return Ok(Decision::drop(DropReason::DropClassLate));
            }
            if has_classes {
                candidates.retain(|candidate| serves(candidate.subnet, membership));
            }
            if let Some(explanation) = say {
                notes::candidates(explanation, config, index, candidates);
                notes::hosts(explanation, session.has_hosts());
            }
        }
        let reserved = match session.has_hosts() {
            true => prefer_reserved(config, hosts, candidates),
            false => None,
        };
        if let Some(address) = reserved {
            explain!(
                say,
                Topic::Reservation,
                "the address {address} counts in the client's subnet"
            );
        }

        let (offered_to, recent_offer) = match message_type {
            MessageType::Discover => {
                let client = offer_hash(shared, query, config, index);
                // Others may have pushed it out by the next run, or time.
                (client, session.choose(|_| offers.recent(client, now.mono_s())))
            }
            _ => (0, None), // of no interest
        };
        let exchange = Exchange {
            query,
            config,
            hosts,
            selected,
            candidates,
            reserved,
            classes: membership.set(),
            class_times: config.classes.times(membership),
            class_offer_lifetime: offer_lifetime(config, membership),
            recent_offer,
            extended_info: extended_info(config, candidates, query, context),
            identifiers: sought.identifiers(),
        };
        let outcome = handlers::handle(&exchange, &mut session)?;
        let conflict = handlers::conflict(&exchange, &outcome);
        let conflict = candidates.first().map(|first| first.subnet).zip(conflict);
        Ok(Decision { outcome, selected, conflict, offered_to })
    }
}

/// Finds the subnet of a query among those that serve it.
fn find_subnet(
    config: &Config4,
    links: &Links,
    input: &Inbound<'_>,
    query: &Query<'_>,
    say: Option<&Explanation>,
    serves: impl Fn(SubnetIndex) -> bool + Copy,
) -> Option<SubnetIndex> {
    let view = query.view;
    let selector = Selector {
        giaddr: if view.is_relayed() { query.giaddr } else { Ipv4Addr::UNSPECIFIED },
        ciaddr: query.ciaddr,
        link_selection: view.link_selection().ok().flatten(),
        subnet_selection: view.subnet_selection().ok().flatten(),
        of_interface: links.find(input.interface, &config.by_interface, serves),
    };
    let selected = select::select(config, input, &selector, serves);
    if let Some(explanation) = say {
        let link = links.name(input.interface);
        notes::subnet(explanation, config, (input, link), &selector, selected);
    }
    match selected {
        Some((index, by)) => {
            let id = config.subnet(index).id;
            kea_log::log!(PACKETS, DHCP4_SUBNET_SELECTED, view.label(), id, by);
        }
        None => kea_log::log!(PACKETS, DHCP4_SUBNET_SELECTION_FAILED, view.label()),
    }
    selected.map(|(index, _)| index)
}

/// What is kept of option 82 with a lease, if any of the subnets says so.
fn extended_info<'b>(
    config: &Config4,
    candidates: &[Candidate4],
    query: &Query<'_>,
    buffer: &'b mut String,
) -> &'b [u8] {
    let stores = |at: &Candidate4| config.subnet(at.subnet).lease_rules.stores_extended_info;
    if !candidates.iter().any(stores) {
        return &[];
    }
    match query.view.relay_agent_information() {
        Some(relay) => {
            extended_info::write4(buffer, relay);
            buffer.as_bytes()
        }
        None => &[],
    }
}

/// `offer-lifetime` of the first class that has one.
fn offer_lifetime(config: &Config4, membership: &Membership) -> Option<u32> {
    config.classes.of(membership).find_map(|class| class.offer_lifetime)
}

/// Hash of who the client is in its subnet, for the table of offers.
fn offer_hash(
    shared: &Shared4,
    query: &Query<'_>,
    config: &Config4,
    subnet: Option<SubnetIndex>,
) -> u64 {
    let matches = subnet.is_none_or(|index| config.subnet(index).match_client_id);
    let key = query.client_key(matches);
    let mut hasher = shared.hasher.build_hasher();
    hasher.write(key.client_id.unwrap_or(key.hw));
    hasher.write_u32(subnet.map_or(u32::MAX, |index| index.0));
    hasher.finish()
}

/// Whether a client takes what this server has offered: only then does it name the server.
fn takes_offer(query: &Query<'_>) -> bool {
    query.message_type == MessageType::Request && query.server_identifier.is_some()
}
