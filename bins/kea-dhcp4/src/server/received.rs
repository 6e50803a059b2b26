//! What a query is, for its explanation.

use libdhcp::ClientId;
use libdhcp::v4::{MessageType, View, code};
use libdhcpsrv::config4::Config4;
use libdhcpsrv::explain;
use libdhcpsrv::explain::{
    Bytes, ExplainedClients, Explanation, OptionName, OptionNames, OptionValue, Topic,
};
use util::link::Inbound;

use super::Desk4;

/// Options of a query that its first lines tell.
const TOLD: [u8; 4] =
    [code::MESSAGE_TYPE, code::CLIENT_IDENTIFIER, code::PARAMETER_REQUEST_LIST, code::END];

/// Whether a packet is of one of these clients, by its hardware address or client identifier, or the DUID in that.
pub(super) fn is_from(clients: &ExplainedClients, view: &View<'_>) -> bool {
    let id = view.option(code::CLIENT_IDENTIFIER);
    let duid = id.and_then(ClientId::new).and_then(|id| id.duid());
    [Some(view.chaddr()), id, duid].into_iter().flatten().any(|id| clients.contains(id))
}

/// Begins an explanation: what was received.
pub(super) fn query(
    desk: &Desk4,
    input: &Inbound<'_>,
    view: &View<'_>,
    config: &Config4,
) -> Explanation {
    let explanation = Explanation::new(view.label().to_string());
    let say = Some(&explanation);
    let kind = view.message_type().ok().flatten().map_or("no DHCP message", MessageType::name);
    let link = desk.links.name(input.interface);
    let (source, destination) = (input.source, input.destination);
    explain!(
        say,
        Topic::Query,
        "{kind}, transaction {:#010x}, received on {link} from {source} to {destination}",
        view.xid()
    );
    explain!(say, Topic::Query, "hardware address\t{}", view.hardware_address());
    if let Some(id) = view.option(code::CLIENT_IDENTIFIER) {
        explain!(say, Topic::Query, "client identifier\t{}", libdhcp::ColonHex(id));
    }
    if view.is_relayed() {
        let (giaddr, hops) = (view.giaddr(), view.hops());
        explain!(say, Topic::Query, "relay\t{giaddr} (giaddr), {hops} hops");
    } else {
        explain!(say, Topic::Query, "relay\tnone");
    }
    let ciaddr = view.ciaddr();
    if !ciaddr.is_unspecified() {
        explain!(say, Topic::Query, "client's address\t{ciaddr} (ciaddr)");
    }
    if view.is_broadcast() {
        explain!(say, Topic::Query, "flags\tthe answer shall be a broadcast");
    }
    let definitions = &config.definitions;
    let requested = view.parameter_request_list();
    if !requested.is_empty() {
        let codes = requested.iter().map(|code| u16::from(*code));
        let names = OptionNames { definitions, codes };
        explain!(say, Topic::Query, "asks for\t{names}");
    }
    for code in view.option_codes().iter().filter(|code| !TOLD.contains(code)) {
        let name = OptionName { definitions, code: code.into() };
        match view.option(code) {
            Some(body) if code == code::RELAY_AGENT_INFORMATION => {
                explain_relay_information(say, view, body);
            }
            Some(body) => {
                explain!(say, Topic::Query, "{name}\t{}", OptionValue { name, body });
            }
            None => {}
        }
    }
    explanation
}

/// Tells what the relay has added, by sub-option.
fn explain_relay_information(say: Option<&Explanation>, view: &View<'_>, body: &[u8]) {
    let Some(information) = view.relay_agent_information() else {
        return explain!(say, Topic::Query, "option 82\t{}", Bytes(body));
    };
    for code in u8::MIN..=u8::MAX {
        if let Some(value) = information.sub_option(code) {
            explain!(say, Topic::Query, "option 82.{code}\t{}", Bytes(value));
        }
    }
}
