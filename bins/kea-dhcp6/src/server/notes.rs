//! What explanations say about the selection of the subnet and the way of the answer. Nothing is decided here.

use eval::ClassSet;
use libdhcp::v6::{IaKind, Relay, View};
use libdhcpsrv::classes::ClassPolicy;
use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::config6::Config6;
use libdhcpsrv::explain;
use libdhcpsrv::explain::{Bytes, Explanation, List, Seconds, Topic};
use util::link::{Inbound, Outbound};

use crate::draft::{Draft, Fate};
use crate::select::SelectedBy;

/// Tells that a subnet does not serve the client.
#[cold]
pub(super) fn passed_over(
    say: &Explanation,
    config: &Config6,
    index: SubnetIndex,
    classes: &ClassSet,
) {
    let subnet = config.subnet(index);
    let own = subnet.classes.as_deref();
    if !ClassPolicy::admits(own, classes) {
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
    config: &Config6,
    (input, link): (&Inbound<'_>, &str),
    view: &View<'_>,
    selected: Option<(SubnetIndex, SelectedBy)>,
) {
    let Some((index, by)) = selected else {
        let sought = match view.is_relayed() {
            true => format!(
                "names the relay or its interface-id, or contains its link-address: {}",
                List(view.relays().map(|relay| relay.link_address()), ", ")
            ),
            false => format!("names interface {link} or contains the source {}", input.source.ip()),
        };
        return explain!(
            Some(say),
            Topic::Subnet,
            "none: no subnet that serves the client {sought}"
        );
    };
    let subnet = config.subnet(index);
    let interface_id = view.nearest_client_relay().as_ref().and_then(Relay::interface_id);
    match (by, interface_id) {
        (SelectedBy::Interface, _) => {
            explain!(Some(say), Topic::Subnet, "{subnet}\tselected: {by} {link}");
        }
        (SelectedBy::SourceAddress, _) => {
            let source = input.source.ip();
            explain!(Some(say), Topic::Subnet, "{subnet}\tselected: {by} {source}");
        }
        (SelectedBy::InterfaceId, Some(id)) => {
            explain!(Some(say), Topic::Subnet, "{subnet}\tselected: {by} {}", Bytes(id));
        }
        (SelectedBy::InterfaceId | SelectedBy::LinkAddress | SelectedBy::Relay, _) => {
            let links = List(view.relays().map(|relay| relay.link_address()), ", ");
            explain!(Some(say), Topic::Subnet, "{subnet}\tselected: {by} {links}");
        }
    }
    if let Some(network) = config.network_of(subnet) {
        let subnets = network.from(index).map(|index| config.subnet(index));
        let subnets: Vec<String> = subnets.map(ToString::to_string).collect();
        let (name, subnets) = (&network.name, List(subnets.iter(), ", "));
        explain!(
            Some(say),
            Topic::Subnet,
            "shared network '{name}', whose subnets come into question in this order: {subnets}"
        );
    }
}

/// Tells what is answered, and which way the reply goes.
#[cold]
pub(super) fn answer(say: &Explanation, draft: &Draft, reply: &Outbound, link: &str) {
    explain!(
        Some(say),
        Topic::Answer,
        "{} from {} to {} on {link}",
        draft.message_type.name(),
        reply.source,
        reply.destination
    );
    for association in draft.associations() {
        let kind = if association.kind == IaKind::Pd { "IA_PD" } else { "IA_NA" };
        let iaid = association.iaid;
        for entry in draft.entries(association) {
            let resource = entry.resource;
            let (preferred, valid) = (Seconds(entry.times.preferred), Seconds(entry.times.valid));
            match entry.fate {
                Fate::Lost => explain!(
                    Some(say),
                    Topic::Answer,
                    "{kind} {iaid}\t{resource}\tmust not be used any longer"
                ),
                Fate::New | Fate::Kept => explain!(
                    Some(say),
                    Topic::Answer,
                    "{kind} {iaid}\t{resource}\tpreferred {preferred}, valid {valid}"
                ),
            }
        }
        if let Some(status) = association.status {
            let (name, text) = (status.code.name(), status.text);
            explain!(Some(say), Topic::Answer, "{kind} {iaid}\t{name}\t{text}");
        }
    }
    if let Some(status) = draft.status {
        explain!(Some(say), Topic::Answer, "status\t{}\t{}", status.code.name(), status.text);
    }
    if reply.hold > 0 {
        explain!(Some(say), Topic::Answer, "it leaves when the leases are stored");
    }
}
