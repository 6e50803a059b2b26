//! The classes of the query in progress, stage by stage.
//!
//! Where the configuration names no class, a query is in none and nothing is evaluated. Kea: `classifyPacket`,
//! `Dhcpv4Exchange`, `evaluateAdditionalClasses`.

use std::fmt::{self, Display};
use std::net::Ipv4Addr;

use eval::{Arrival, ClassId, ClassSet, Packet4};
use kea_log::RateLimiter;
use libdhcp::OptionSet;
use libdhcp::v4::{MessageType, View};
use libdhcpsrv::alloc4::Candidate4;
use libdhcpsrv::classes::{ClassPolicy, Classes, Membership, Query};
use libdhcpsrv::config4::Config4;
use libdhcpsrv::explain::Explanation;
use libdhcpsrv::hosts::Host4;
use libdhcpsrv::links::Links;
use util::Now;
use util::link::Inbound;

/// What tests of classes are evaluated over.
#[derive(Clone, Copy, Debug)]
pub struct Classifier<'a> {
    /// The configuration.
    pub config: &'a Config4,
    /// The interfaces.
    pub links: &'a Links,
    /// How the query came.
    pub input: &'a Inbound<'a>,
    /// The query.
    pub view: &'a View<'a>,
    /// Who listens to what is decided.
    pub explanation: Option<&'a Explanation>,
    /// The brake on what each query of a storm would log.
    pub limiter: &'a RateLimiter,
    /// The time now.
    pub now: Now,
}

impl Classifier<'_> {
    /// Begins with the classes that do not depend on the client's host.
    pub fn begin(&self, membership: &mut Membership) {
        if self.config.classes.is_used() {
            self.ask(|classes, query| membership.before_host(classes, query));
        } else {
            membership.forget();
        }
    }

    /// Goes on with those of the host, if its classes count already, and those that depend on whether there is one.
    pub fn host_known(
        &self,
        membership: &mut Membership,
        is_known: bool,
        host_classes: &[ClassId],
    ) {
        if self.config.classes.is_used() {
            self.ask(|classes, query| {
                membership.after_host(classes, query, is_known, host_classes)
            });
        }
    }

    /// Adds those that follow from the subnet and the address that were chosen, and logs all of them.
    pub fn finish(
        &self,
        membership: &mut Membership,
        at: Candidate4,
        host: Option<Host4<'_>>,
        address: Ipv4Addr,
        message_type: MessageType,
    ) {
        let config = self.config;
        if !config.classes.is_used() {
            return;
        }
        let subnet = config.subnet(at.subnet);
        let network = config.network_of(subnet);
        // Before, another subnet of the network could have been chosen, with another host.
        if let Some(host) = host.filter(|host| network.is_some() && !host.is_global()) {
            host.classes().iter().for_each(|class| membership.enter(*class));
        }
        let pool = config.extras_at(subnet, address).and_then(|extras| extras.classes.as_deref());
        let network = network.and_then(|network| network.classes.as_deref());
        let lists = [pool, subnet.classes.as_deref(), network].map(ClassPolicy::additional);
        self.ask(|classes, query| {
            membership.additional(classes, query, &lists);
            membership.log(classes, query, &message_type.name());
        });
    }

    fn ask<R>(&self, work: impl FnOnce(&Classes<OptionSet>, &Query<'_, Packet4<'_>>) -> R) -> R {
        let Self { config, links, input, view, explanation, limiter, now } = *self;
        let interface = links.name(input.interface);
        let arrival = Arrival { inbound: input, interface, classes: ClassSet::empty() };
        let packet = &Packet4 { view, arrival };
        let label = &Label(view);
        work(&config.classes, &Query { packet, label, explanation, limiter, now })
    }
}

/// The client as logs name it, which is made up only if something is logged.
struct Label<'a>(&'a View<'a>);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.label().fmt(f)
    }
}

/// The classes of a client's host that count before an address is chosen. In a shared network the choice may lead to
/// another host, unless it is a global one, whose classes count from the beginning.
#[must_use]
pub fn of_host<'t>(config: &Config4, at: Candidate4, host: Option<Host4<'t>>) -> &'t [ClassId] {
    let is_settled = config.subnet(at.subnet).network.is_none();
    let counts = |host: &Host4<'_>| is_settled || host.is_global() && !config.early_global_hosts;
    host.filter(counts).map_or(&[], |host| host.classes())
}
