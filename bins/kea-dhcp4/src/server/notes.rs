//! What explanations say about the selection of the subnet and the way of the answer. Nothing is decided here.

use libdhcp::ColonHex;
use libdhcpsrv::alloc4::Candidate4;
use libdhcpsrv::classes::{ClassPolicy, Membership};
use libdhcpsrv::config4::{Config4, SubnetIndex};
use libdhcpsrv::explain;
use libdhcpsrv::explain::{Bytes, Explanation, List, Seconds, Topic};
use libdhcpsrv::hosts::Host4;
use libdhcpsrv::names::Naming;
use util::link::{Delivery, Inbound, LinkAddress, Outbound};

use crate::handlers::Answer;
use crate::select::{SelectedBy, Selector, is_broadcast};

/// Tells that a subnet does not serve the client.
#[cold]
pub(super) fn passed_over(
    say: &Explanation,
    config: &Config4,
    index: SubnetIndex,
    membership: &Membership,
) {
    let subnet = config.subnet(index);
    let own = subnet.classes.as_deref();
    if !ClassPolicy::admits(own, membership.set()) {
        let why = config.classes.refusal(own);
        return explain!(Some(say), Topic::Subnet, "{subnet} is passed over: {why}");
    }
    if let Some(network) = config.network_of(subnet) {
        let (name, why) = (&network.name, config.classes.refusal(network.classes.as_deref()));
        explain!(
            Some(say),
            Topic::Subnet,
            "{subnet} is passed over, as shared network '{name}': {why}"
        );
    }
}

/// Tells which subnet was selected by what, or what none was found by.
#[cold]
pub(super) fn subnet(
    say: &Explanation,
    config: &Config4,
    (input, link): (&Inbound<'_>, &str),
    selector: &Selector,
    selected: Option<(SubnetIndex, SelectedBy)>,
) {
    let Selector { giaddr, ciaddr, link_selection, subnet_selection, .. } = *selector;
    let by = |by: SelectedBy| match by {
        SelectedBy::LinkSelection => format!("{by} {}", Shown(link_selection)),
        SelectedBy::SubnetSelection => format!("{by} {}", Shown(subnet_selection)),
        SelectedBy::Relay | SelectedBy::RelayAddress => format!("{by} {giaddr}"),
        SelectedBy::ClientAddress => format!("{by} {ciaddr}"),
        SelectedBy::SourceAddress => format!("{by} {}", input.source.ip()),
        SelectedBy::Interface => format!("{by} {link}"),
        SelectedBy::InterfaceAddress => format!("{by} {}", input.local),
    };
    if let Some((index, how)) = selected {
        let subnet = config.subnet(index);
        return explain!(Some(say), Topic::Subnet, "{subnet}\tselected: {}", by(how));
    }
    // The value that would have decided, whatever had been configured for it.
    let sought = if let Some(address) = link_selection.filter(|_| !config.ignore_link_selection) {
        format!("contains the link selection {address}")
    } else if let Some(address) = subnet_selection {
        format!("contains the subnet selection {address}")
    } else if !giaddr.is_unspecified() {
        format!("names or contains the relay's address {giaddr}")
    } else if !is_broadcast(input) && !ciaddr.is_unspecified() {
        format!("contains the client's address {ciaddr}")
    } else {
        format!("names interface {link} or contains the server's address there, {}", input.local)
    };
    explain!(Some(say), Topic::Subnet, "none: no subnet that serves the client {sought}");
}

/// An address that may be missing.
struct Shown(Option<std::net::Ipv4Addr>);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |address| address.fmt(f))
    }
}

/// Tells which other subnets of the shared network the client may be served in.
#[cold]
pub(super) fn candidates(
    say: &Explanation,
    config: &Config4,
    selected: Option<SubnetIndex>,
    candidates: &[Candidate4],
) {
    let network = selected.and_then(|index| config.network_of(config.subnet(index)));
    if let Some(network) = network {
        let subnets = candidates.iter().map(|candidate| config.subnet(candidate.subnet));
        let (name, subnets) = (&network.name, List(subnets, ", "));
        explain!(
            Some(say),
            Topic::Subnet,
            "shared network '{name}', where the client may get an address in {subnets}"
        );
    }
}

/// Tells that there are no reservations at all.
#[cold]
pub(super) fn hosts(say: &Explanation, has_hosts: bool) {
    if !has_hosts {
        explain!(Some(say), Topic::Reservation, "none: the configuration has no reservations");
    }
}

/// Tells which host name is kept with the lease.
#[cold]
pub(super) fn name(say: &Explanation, naming: Naming, hostname: &[u8], host: Option<Host4<'_>>) {
    let is_reserved = host.is_some_and(|host| !host.hostname.is_empty());
    let origin = match naming {
        Naming::Nothing => return,
        Naming::Generated => "made from the address (ddns-replace-client-name)",
        Naming::Given if is_reserved => "of the reservation",
        Naming::Given => "given by the client",
    };
    explain!(Some(say), Topic::Lease, "host name\t{}\t{origin}", Bytes(hostname));
}

/// Tells what is answered, and which way the reply goes.
#[cold]
pub(super) fn answer(say: &Explanation, answer: &Answer, reply: &Outbound, link: &str) {
    let kind = answer.message_type.name();
    match (answer.refusal, answer.lifetime) {
        (Some(reason), _) => explain!(Some(say), Topic::Answer, "{kind}: {reason}"),
        (None, Some(lifetime)) => {
            let (address, lifetime) = (answer.yiaddr, Seconds(lifetime));
            explain!(Some(say), Topic::Answer, "{kind} of {address} for {lifetime}");
        }
        (None, None) => explain!(Some(say), Topic::Answer, "{kind} without a lease"),
    }
    let (source, destination) = (reply.source, reply.destination);
    match reply.delivery {
        Delivery::Routed { .. } => {
            explain!(Some(say), Topic::Answer, "from {source} to {destination}, as routing goes");
        }
        Delivery::Link(LinkAddress(bytes)) => explain!(
            Some(say),
            Topic::Answer,
            "from {source} to {destination} on {link}, straight to {}",
            ColonHex(&bytes)
        ),
        Delivery::Broadcast => explain!(
            Some(say),
            Topic::Answer,
            "from {source} to {destination} on {link}, as a broadcast"
        ),
    }
    if reply.hold > 0 {
        explain!(Some(say), Topic::Answer, "it leaves when the lease is stored");
    }
}
