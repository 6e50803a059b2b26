//! What explanations say about a reply: each option with its value, why it is there and where it is from; each option that
//! was asked for and is not there, with the reason. Nothing is decided here.

use std::fmt::{self, Display};

use libdhcp::OptionCodes;
use libdhcp::v4::{MessageType, SpanTable, View, code};
use libdhcpsrv::explain;
use libdhcpsrv::explain::{Bytes, Explanation, OptionName, OptionNames, OptionValue, Topic};

use super::{BASIC, Material, NOT_AS_OTHERS};
use crate::scopes::{Scope, ScopeCodes};

/// A scope, as the configuration names it.
pub(super) struct Origin<'a>(pub(super) &'a Material<'a>, pub(super) Scope<'a>);

impl Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(material, scope) = self;
        let Material { config, subnet, answer, .. } = material;
        match (scope, subnet) {
            (Scope::Host, _) => f.write_str("the reservation"),
            (Scope::Pool, Some(subnet)) => {
                let mut pools = config.pools_of(subnet).iter();
                match pools.find(|pool| pool.contains(answer.yiaddr)) {
                    Some(pool) => write!(f, "pool {pool}"),
                    None => f.write_str("the pool"),
                }
            }
            (Scope::Subnet, Some(subnet)) => write!(f, "subnet {subnet}"),
            (Scope::Network, Some(subnet)) => match config.network_of(subnet) {
                Some(network) => write!(f, "shared network '{}'", network.name),
                None => f.write_str("the shared network"),
            },
            (Scope::Class(name), _) => write!(f, "class '{name}'"),
            (Scope::Global, _) => f.write_str("the global scope"),
            (Scope::Pool, None) => f.write_str("the pool"),
            (Scope::Subnet, None) => f.write_str("the subnet"),
            (Scope::Network, None) => f.write_str("the shared network"),
        }
    }
}

/// Tells of the options of a reply. `codes` is what the scopes say, `dropped` what did not fit.
#[cold]
pub(super) fn options(
    say: &Explanation,
    material: &Material<'_>,
    codes: &ScopeCodes,
    reply: &[u8],
    dropped: OptionCodes,
) {
    let mut spans = SpanTable::new();
    let Ok(view) = View::parse(reply, &mut spans) else { return };
    let definitions = &material.config.definitions;
    // The answer tells the message type by its name.
    for code in view.option_codes().iter().filter(|code| *code != code::MESSAGE_TYPE) {
        let body = view.option(code).unwrap_or_default();
        let name = OptionName { definitions, code: code.into() };
        let value = OptionValue { name, body };
        let reason = Reason { material, codes, code, body };
        explain!(Some(say), Topic::Options, "{name}\t{value}\t{reason}");
    }
    missing(say, material, codes, view.option_codes(), dropped);
}

/// Tells of the options that the client asked for in vain.
fn missing(
    say: &Explanation,
    material: &Material<'_>,
    codes: &ScopeCodes,
    sent: OptionCodes,
    dropped: OptionCodes,
) {
    let definitions = &material.config.definitions;
    let requested: OptionCodes =
        material.query.view.parameter_request_list().iter().copied().collect();
    let asked = requested.difference(sent);
    if material.answer.message_type == MessageType::Nak {
        if asked.iter().next().is_some() {
            explain!(Some(say), Topic::Options, "a NAK carries no configured options");
        }
        return;
    }
    let mut unknown = OptionCodes::default();
    let scopes = &material.scopes;
    for code in asked.union(dropped).iter() {
        let name = OptionName { definitions, code: code.into() };
        if dropped.contains(code) {
            let why = "left out: it does not fit into what the client accepts";
            explain!(Some(say), Topic::Options, "{name}\t-\t{why}");
        } else if let Some(scope) = scopes.scope_that_cancels(code) {
            let origin = Origin(material, scope);
            explain!(Some(say), Topic::Options, "{name}\t-\tforbidden by {origin} (never-send)");
        } else if NOT_AS_OTHERS.contains(code) {
            let why = "asked for, but the server has none for this answer";
            explain!(Some(say), Topic::Options, "{name}\t-\t{why}");
        } else if codes.configured.contains(code) {
            let why = "asked for, but configured for clients of other classes only";
            explain!(Some(say), Topic::Options, "{name}\t-\t{why}");
        } else {
            unknown.insert(code);
        }
    }
    if unknown.iter().next().is_some() {
        let codes = unknown.iter().map(u16::from);
        let names = OptionNames { definitions, codes };
        explain!(Some(say), Topic::Options, "asked for, but no scope has them: {names}");
    }
}

/// Why an option is in the reply, and where its value is from.
struct Reason<'a> {
    material: &'a Material<'a>,
    codes: &'a ScopeCodes,
    code: u8,
    body: &'a [u8],
}

impl Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { material, codes, code, body } = self;
        let Material { query, subnet, scopes, host, .. } = material;
        let own = |text: &str| text.to_owned();
        let timers = subnet.map(|subnet| format!("by subnet {subnet}")).unwrap_or_default();
        let own = match *code {
            code::SERVER_IDENTIFIER => Some(match scopes.scope_of(*code) {
                Some(scope) => format!("{}", Origin(material, scope)),
                None => own("the server's address"),
            }),
            code::LEASE_TIME => Some(own("see the lease")),
            code::SUBNET_MASK => Some(timers),
            // Where there are no timers, they are options like others.
            code::RENEWAL_TIME if super::tee_times(material).0.is_some() => Some(timers),
            code::REBINDING_TIME if super::tee_times(material).1.is_some() => Some(timers),
            code::CLIENT_IDENTIFIER => Some(own("returned to the client (echo-client-id)")),
            code::RELAY_AGENT_INFORMATION => Some(own("returned to the relay")),
            code::SUBNET_SELECTION => Some(own("returned")),
            code::VIVCO_SUBOPTIONS | code::VIVSO_SUBOPTIONS => {
                Some(own("gathered from the scopes for the client's vendors"))
            }
            code::HOST_NAME if host.is_some_and(|host| host.hostname == *body) => {
                Some(own("the name of the reservation"))
            }
            code::HOST_NAME if material.hostname == *body && material.is_name_unasked => {
                Some(own("made for the client, kept with the lease"))
            }
            code::HOST_NAME if material.hostname == *body => {
                Some(own("the name of the client, kept with the lease"))
            }
            _ => None,
        };
        if let Some(own) = own {
            return f.write_str(&own);
        }
        let why = if BASIC.contains(code) {
            "always sent"
        } else if codes.always_send.contains(*code) {
            "sent unasked (always-send)"
        } else if query.view.parameter_request_list().contains(code) {
            "asked for"
        } else {
            "sent"
        };
        match scopes.scope_of(*code) {
            Some(scope) => write!(f, "{}; {why}", Origin(material, scope)),
            None => f.write_str(why),
        }
    }
}

/// Tells of a fixed field of the header, unless it is empty.
#[cold]
pub(super) fn field(
    say: &Explanation,
    material: &Material<'_>,
    name: &str,
    value: &[u8],
    scope: Scope<'_>,
) {
    let origin = Origin(material, scope);
    explain!(Some(say), Topic::Options, "{name}\t{}\t{origin}", Bytes(value));
}
