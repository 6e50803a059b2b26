//! What explanations say about a reply: each option with its value, why it is there and where it is from; each option that
//! was asked for and is not there, with the reason. Nothing is decided here.

use std::fmt::{self, Display};

use libdhcp::v6::{IaKind, SpanTable, View, code};
use libdhcpsrv::explain;
use libdhcpsrv::explain::{Explanation, OptionName, OptionNames, OptionValue, Topic};

use super::{Material, SERVERS_OWN};
use crate::scopes::Scope;

/// A scope, as the configuration names it.
struct Origin<'a>(&'a Material<'a>, Scope<'a>);

impl Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(material, scope) = self;
        let Material { config, scopes, draft, subnet, .. } = material;
        match (scope, subnet) {
            (Scope::Host, _) => f.write_str("the reservation"),
            (Scope::Pool(nth), _) => {
                let set = scopes.pools.get(*nth).copied();
                let is_it = |options| set.is_some_and(|set| std::ptr::eq(set, options));
                let mut pools = config.pools.iter().filter(|pool| {
                    let is_used = draft.given().any(|entry| pool.contains(entry.resource.address));
                    is_used && pool.extras.as_ref().is_some_and(|extras| is_it(&*extras.options))
                });
                match pools.next() {
                    Some(pool) => write!(f, "pool {pool}"),
                    None => f.write_str("a pool"),
                }
            }
            (Scope::Subnet, Some(subnet)) => write!(f, "subnet {subnet}"),
            (Scope::Network, Some(subnet)) => match config.network_of(subnet) {
                Some(network) => write!(f, "shared network '{}'", network.name),
                None => f.write_str("the shared network"),
            },
            (Scope::Subnet, None) => f.write_str("the subnet"),
            (Scope::Network, None) => f.write_str("the shared network"),
            (Scope::Class(name), _) => write!(f, "class '{name}'"),
            (Scope::Global, _) => f.write_str("the global scope"),
        }
    }
}

/// Tells of the options of a reply, but for its associations, which are told with the answer.
#[cold]
pub(super) fn options(say: &Explanation, material: &Material<'_>, reply: &[u8]) {
    let mut spans = SpanTable::new();
    let Ok(view) = View::parse_reply(reply, &mut spans) else { return };
    let definitions = &material.config.definitions;
    for (code, body) in view.all_options() {
        let is_association = matches!(code, code::IA_NA | code::IA_TA | code::IA_PD);
        if is_association {
            continue;
        }
        let name = OptionName { definitions, code };
        let value = OptionValue { name, body };
        let reason = Reason { material, code };
        explain!(Some(say), Topic::Options, "{name}\t{value}\t{reason}");
    }
    explain_tees(say, material);
    missing(say, material, &view);
}

fn explain_tees(say: &Explanation, material: &Material<'_>) {
    for association in material.draft.associations() {
        let kind = if association.kind == IaKind::Pd { "IA_PD" } else { "IA_NA" };
        if association.t1 != 0 || association.t2 != 0 {
            let (iaid, t1, t2) = (association.iaid, association.t1, association.t2);
            explain!(
                Some(say),
                Topic::Options,
                "T1 and T2 of {kind} {iaid}\t{t1} s, {t2} s\tby the timers of the subnet"
            );
        }
    }
}

/// Tells of the options that the client asked for in vain.
fn missing(say: &Explanation, material: &Material<'_>, reply: &View<'_>) {
    let Material { query, scopes, config, .. } = material;
    let definitions = &config.definitions;
    let mut unknown = Vec::new();
    for code in query.view.requested_options() {
        if reply.has_option(code) || unknown.contains(&code) {
            continue;
        }
        let name = OptionName { definitions, code };
        if let Some(scope) = scopes.scope_that_cancels(code) {
            let origin = Origin(material, scope);
            explain!(Some(say), Topic::Options, "{name}\t-\tforbidden by {origin} (never-send)");
        } else if SERVERS_OWN.contains(&code) {
            let why = "asked for, but the server has none for this answer";
            explain!(Some(say), Topic::Options, "{name}\t-\t{why}");
        } else if let Some(scope) = scopes.scope_of(code) {
            let origin = Origin(material, scope);
            let why = "has it, but it does not belong or fit into this reply";
            explain!(Some(say), Topic::Options, "{name}\t-\t{origin} {why}");
        } else if scopes.has_for_others(code) {
            let why = "asked for, but configured for clients of other classes only";
            explain!(Some(say), Topic::Options, "{name}\t-\t{why}");
        } else {
            unknown.push(code);
        }
    }
    if !unknown.is_empty() {
        let names = OptionNames { definitions, codes: unknown.iter().copied() };
        explain!(Some(say), Topic::Options, "asked for, but no scope has them: {names}");
    }
}

/// Why an option is in the reply, and where its value is from.
struct Reason<'a> {
    material: &'a Material<'a>,
    code: u16,
}

impl Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { material, code } = self;
        let Material { query, scopes, .. } = material;
        let own = match *code {
            code::CLIENTID => Some("returned to the client"),
            code::SERVERID => Some("the server's DUID"),
            code::STATUS_CODE => Some("what came of it"),
            code::RAPID_COMMIT => Some("the client asks for it and the subnet allows it"),
            code::VENDOR_CLASS | code::VENDOR_OPTS => {
                Some("gathered from the scopes for the client's vendors")
            }
            _ => None,
        };
        if let Some(own) = own {
            return f.write_str(own);
        }
        let why = if scopes.always_send().any(|always| always == *code) {
            "sent unasked (always-send)"
        } else if query.wants(*code) {
            "asked for"
        } else {
            return f.write_str("supplied by a relay");
        };
        match scopes.scope_of(*code) {
            Some(scope) => write!(f, "{}; {why}", Origin(material, scope)),
            None => f.write_str("supplied by a relay"),
        }
    }
}
