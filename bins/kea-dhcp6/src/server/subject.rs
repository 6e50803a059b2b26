//! What is found out about a client before its message is handled: its classes, its subnet, its hosts.
//!
//! These depend on each other, so they come in stages: the classes that need no reservation; the subnet, which serves some
//! classes; the hosts in the subnet and its shared network; the classes that need them; whom the subnets serve then. Kea:
//! `Dhcpv6Srv::processPacket`, `earlyGHRLookup`, `initContext`.

use std::fmt::{self, Display};

use eval::{Arrival, ClassSet, Packet6};
use kea_log::RateLimiter;
use libdhcp::v6::MessageType;
use libdhcpsrv::alloc6::Candidate6;
use libdhcpsrv::classes::{Membership, Query as ClassQuery};
use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::config6::Config6;
use libdhcpsrv::explain;
use libdhcpsrv::explain::{Explanation, Topic};
use libdhcpsrv::hosts::HostView;
use libdhcpsrv::lease6::V6;
use libdhcpsrv::links::Links;
use libdhcpsrv::session::{Parked, Session6};
use util::Now;
use util::link::Inbound;

use super::place::Place;
use super::{notes, report};
use crate::drop_reason::DropReason;
use crate::hardware::Hardware;
use crate::hosts::Client;
use crate::messages::{loggers::*, *};
use crate::query::Query;
use crate::select;

/// A query, as its classes see it.
pub(super) struct Subject<'a> {
    config: &'a Config6,
    query: &'a Query<'a>,
    hardware: &'a Hardware,
    input: &'a Inbound<'a>,
    links: &'a Links,
    packet: Packet6<'a>,
    explanation: Option<&'a Explanation>,
    limiter: &'a RateLimiter,
    now: Now,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        config: &'a Config6,
        query: &'a Query<'a>,
        hardware: &'a Hardware,
        input: &'a Inbound<'a>,
        links: &'a Links,
        explanation: Option<&'a Explanation>,
        (limiter, now): (&'a RateLimiter, Now),
    ) -> Self {
        let is_classified = config.classes.is_used();
        let interface = if is_classified { links.name(input.interface) } else { "" };
        let arrival = Arrival { inbound: input, interface, classes: ClassSet::empty() };
        let packet = Packet6 { view: query.view, arrival };
        Self { config, query, hardware, input, links, packet, explanation, limiter, now }
    }

    /// The client among hosts; none of which has been looked for.
    pub(super) fn client(&self, session: &Session6<'_>, hosts: HostView<'a, V6>) -> Client<'a> {
        let Self { config, query, .. } = self;
        let ends_leases = matches!(query.message_type, MessageType::Release | MessageType::Decline);
        let of_use = session.has_hosts() && (config.classes.is_used() || !ends_leases);
        Client::new(config, hosts, query, self.hardware, of_use)
    }

    /// Fills in the classes of the client and the subnets that come into question, and looks for its hosts. Returns why
    /// the query is dropped, if its classes say so.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    pub(super) fn settle(
        &self,
        client: &mut Client<'a>,
        membership: &mut Membership,
        candidates: &mut Vec<Candidate6>,
        session: &mut Session6<'_>,
    ) -> Result<Option<DropReason>, Parked> {
        let config = self.config;
        let (classes, is_classified) = (&config.classes, config.classes.is_used());
        membership.forget();
        candidates.clear();
        if is_classified {
            membership.before_host(classes, &self.of_classes());
            if membership.is_dropped() {
                return Ok(Some(DropReason::DropClass));
            }
        }
        if is_classified && config.early_global_hosts {
            if let Some(host) = client.look_up_early(session)? {
                membership.after_host(classes, &self.of_classes(), true, host.classes());
            }
            if membership.is_dropped() {
                return Ok(Some(DropReason::DropClassEarly));
            }
        }
        self.find_candidates(membership.set(), candidates);
        client.look_up(candidates, session)?;
        if !session.has_hosts() {
            explain!(
                self.explanation,
                Topic::Reservation,
                "none: the configuration has no reservations"
            );
        }
        if is_classified {
            let host = client.host_with_classes(candidates);
            let of_host = host.map_or(&[][..], |host| host.classes());
            membership.after_host(classes, &self.of_classes(), client.is_known, of_host);
            if membership.is_dropped() {
                return Ok(Some(DropReason::DropClassKnown));
            }
            for candidate in candidates {
                candidate.serves = config.serves(candidate.subnet, membership.set());
            }
        }
        Ok(None)
    }

    /// Adds the classes that count once it is known where the client gets something.
    pub(super) fn complete(&self, membership: &mut Membership, place: &Place<'_>) {
        let classes = &self.config.classes;
        if !classes.is_used() {
            return;
        }
        let in_network = place.host.filter(|host| place.network.is_some() && !host.is_global());
        let of_host = in_network.map_or(&[][..], |host| host.classes());
        of_host.iter().for_each(|class| membership.enter(*class));
        let query = self.of_classes();
        membership.additional(classes, &query, &place.additional());
        membership.log(classes, &query, &report::name_of(self.query.view));
    }

    fn of_classes(&self) -> ClassQuery<'_, Packet6<'a>> {
        let Self { packet, explanation, limiter, now, .. } = self;
        ClassQuery { packet, label: self, explanation: *explanation, limiter, now: *now }
    }

    /// Selects the subnet for a client in these classes; it and the others of its shared network come into question.
    fn find_candidates(&self, classes: &ClassSet, candidates: &mut Vec<Candidate6>) {
        let Self { config, query, input, links, .. } = self;
        let is_classified = config.classes.is_used();
        let say = self.explanation;
        let serves = |subnet: SubnetIndex| !is_classified || config.serves(subnet, classes);
        let serving = |subnet| {
            let serves = serves(subnet);
            if let Some(explanation) = say.filter(|_| !serves) {
                notes::passed_over(explanation, config, subnet, classes);
            }
            serves
        };
        let of_interface = links.find(input.interface, &config.by_interface, serving);
        let selected = select::select(config, input, query.view, of_interface, serving);
        if let Some(explanation) = say {
            let link = links.name(input.interface);
            notes::subnet(explanation, config, (input, link), query.view, selected);
        }
        let Some((selected, by)) = selected else {
            kea_log::log!(PACKETS, DHCP6_SUBNET_SELECTION_FAILED, query.view.label(None));
            return;
        };
        let subnet = config.subnet(selected);
        kea_log::log!(PACKETS, DHCP6_SUBNET_SELECTED, query.view.label(None), subnet.id, by);
        let candidate = |subnet| Candidate6 { subnet, host: None, serves: serves(subnet) };
        match config.network_of(subnet) {
            Some(network) => candidates.extend(network.from(selected).map(candidate)),
            None => candidates.push(Candidate6 { subnet: selected, host: None, serves: true }),
        }
    }
}

/// The client as logs name it; found out when it is logged only.
impl Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.query.view.label(self.hardware.address()).fmt(f)
    }
}
