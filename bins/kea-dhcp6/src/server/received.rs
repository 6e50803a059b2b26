//! What a query is, for its explanation.

use libdhcp::v6::{Ia, IaKind, View, code};
use libdhcp::{ColonHex, Duid};
use libdhcpsrv::config6::Config6;
use libdhcpsrv::explain;
use libdhcpsrv::explain::{
    Bytes, ExplainedClients, Explanation, OptionName, OptionNames, OptionValue, Topic,
};
use util::link::Inbound;

use super::Desk6;
use super::report;

/// Options of a query that are told by themselves.
const TOLD: [u16; 5] = [code::CLIENTID, code::ORO, code::IA_NA, code::IA_TA, code::IA_PD];

/// Whether a packet is of one of these clients, by its DUID, or the hardware address in that, of its link or known to its
/// relay.
pub(super) fn is_from(clients: &ExplainedClients, input: &Inbound<'_>, view: &View<'_>) -> bool {
    let duid = view.option(code::CLIENTID);
    if duid.is_some_and(|duid| clients.contains(duid)) {
        return true;
    }
    let in_duid =
        duid.and_then(|duid| Duid::new(duid).ok()).and_then(|duid| duid.hardware_address());
    let of_relay = view.nearest_client_relay().and_then(|relay| relay.client_link_layer_address());
    let link_source = input.link_source.map(|address| address.0);
    in_duid.is_some_and(|address| clients.contains(address.bytes()))
        || of_relay.is_some_and(|address| clients.contains(address.bytes()))
        || link_source.is_some_and(|address| clients.contains(&address))
}

/// Begins an explanation: what was received.
pub(super) fn query(
    desk: &Desk6,
    input: &Inbound<'_>,
    view: &View<'_>,
    config: &Config6,
) -> Explanation {
    let explanation = Explanation::new(view.label(None).to_string());
    let say = Some(&explanation);
    let kind = report::name_of(view);
    let link = desk.links.name(input.interface);
    let (source, destination) = (input.source, input.destination);
    let [a, b, c] = view.transaction_id();
    explain!(
        say,
        Topic::Query,
        "{kind}, transaction 0x{a:02x}{b:02x}{c:02x}, received on {link} from {source} to {destination}"
    );
    if let Some(duid) = view.option(code::CLIENTID) {
        explain!(say, Topic::Query, "client's DUID\t{}", ColonHex(duid));
    }
    // The server sees the relay that it received from first, an administrator the one nearest to the client.
    for relay in view.relays().rev() {
        let (link, peer) = (relay.link_address(), relay.peer_address());
        explain!(say, Topic::Query, "relay\tlink-address {link}, peer-address {peer}");
        if let Some(id) = relay.interface_id() {
            explain!(say, Topic::Query, "  interface-id {}", Bytes(id));
        }
        if let Some((enterprise, id)) = relay.remote_id() {
            explain!(say, Topic::Query, "  remote-id {} of enterprise {enterprise}", Bytes(id));
        }
        if let Some(id) = relay.subscriber_id() {
            explain!(say, Topic::Query, "  subscriber-id {}", Bytes(id));
        }
        if let Some(address) = relay.client_link_layer_address() {
            explain!(say, Topic::Query, "  the client's link-layer address is {address}");
        }
    }
    if !view.is_relayed() {
        explain!(say, Topic::Query, "relay\tnone");
    }
    for ia in view.ias() {
        match ia {
            Ok(ia) => explain_ia(say, &ia),
            Err(error) => explain!(say, Topic::Query, "malformed\t{error}"),
        }
    }
    let definitions = &config.definitions;
    if view.requested_options().next().is_some() {
        let codes = view.requested_options();
        let names = OptionNames { definitions, codes };
        explain!(say, Topic::Query, "asks for\t{names}");
    }
    for (code, body) in view.all_options().filter(|(code, _)| !TOLD.contains(code)) {
        let name = OptionName { definitions, code };
        explain!(say, Topic::Query, "{name}\t{}", OptionValue { name, body });
    }
    explanation
}

fn explain_ia(say: Option<&Explanation>, ia: &Ia<'_>) {
    let iaid = ia.iaid;
    let kind = match ia.kind {
        IaKind::Na => "IA_NA",
        IaKind::Ta => "IA_TA",
        IaKind::Pd => "IA_PD",
    };
    let addresses = ia.addresses().flatten().map(|listed| listed.address.to_string());
    let prefixes = ia.prefixes().flatten();
    let prefixes = prefixes.map(|listed| format!("{}/{}", listed.prefix, listed.len));
    let listed = addresses.chain(prefixes).collect::<Vec<_>>().join(", ");
    match (ia.kind, listed.is_empty()) {
        (IaKind::Ta, _) => explain!(say, Topic::Query, "{kind} {iaid}\ttemporary: passed over"),
        (_, true) => explain!(say, Topic::Query, "{kind} {iaid}\tnames nothing"),
        (_, false) => explain!(say, Topic::Query, "{kind} {iaid}\tnames {listed}"),
    }
}
