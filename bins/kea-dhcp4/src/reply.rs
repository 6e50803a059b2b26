//! Writing of replies: header fields, the server's own options, configured options, destination.
//!
//! Options the client asked for, the three that are always sent (routers, domain name servers, domain name) and those
//! marked `always-send` are taken from the most specific scope that has them, as bytes encoded when the configuration
//! was read; those marked `never-send` are not. The order on the wire is ascending by code with option 82 last. RFC 2131 section 4.3, table 3.

mod notes;

use std::net::{IpAddr, Ipv4Addr};

use libdhcp::v4::{
    BuildError, Builder, MessageType, OPTIONS_OFFSET, OptionSink, Weight, code, reply_size_max,
};
use libdhcp::{OptionCodes, OptionSet};
use libdhcpsrv::classes::Class;
use libdhcpsrv::config4::{Config4, Subnet4};
use libdhcpsrv::explain;
use libdhcpsrv::explain::{Explanation, Topic};
use libdhcpsrv::hosts::{BootFields, Host4};
use util::link::{Inbound, Outbound};

use crate::destination::{self, Addressing};
use crate::handlers::Answer;
use crate::query::Query;
use crate::scopes::{ClassScopes, Scope, ScopeCodes, Scopes};
use crate::vendor::VendorBodies;

use self::notes::Origin;

/// Options that are sent whether or not the client asks for them.
const BASIC: [u8; 3] = [code::ROUTERS, code::DOMAIN_NAME_SERVERS, code::DOMAIN_NAME];

/// Options that the server alone decides about, whose configured values are not sent, and those that enterprise numbers
/// distinguish.
const NOT_AS_OTHERS: OptionCodes = OptionCodes::of(&[
    code::SUBNET_MASK,
    code::REQUESTED_ADDRESS,
    code::LEASE_TIME,
    code::OPTION_OVERLOAD,
    code::MESSAGE_TYPE,
    code::SERVER_IDENTIFIER,
    code::PARAMETER_REQUEST_LIST,
    code::CLIENT_IDENTIFIER,
    code::RELAY_AGENT_INFORMATION,
    code::SUBNET_SELECTION,
    code::VIVCO_SUBOPTIONS,
    code::VIVSO_SUBOPTIONS,
]);

/// What a reply is made from.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The query.
    pub query: &'a Query<'a>,
    /// How the query came.
    pub input: &'a Inbound<'a>,
    /// The configuration in force.
    pub config: &'a Config4,
    /// The subnet that the answer is made for.
    pub subnet: Option<&'a Subnet4>,
    /// The option sets that count for the client.
    pub scopes: Scopes<'a>,
    /// The client's host.
    pub host: Option<Host4<'a>>,
    /// The host name that is kept with its lease; empty for none.
    pub hostname: &'a [u8],
    /// Whether that is told unasked: it is reserved for the client or was made from the address.
    pub is_name_unasked: bool,
    /// The decision.
    pub answer: &'a Answer,
    /// Whether frames can be sent to clients without an address.
    pub direct_response: bool,
    /// Whether the relay must get the reply by itself.
    pub alone: bool,
    /// Who listens to what is decided.
    pub explanation: Option<&'a Explanation>,
}

/// A written reply.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Where it goes.
    pub outbound: Outbound,
    /// Number of options that did not fit.
    pub left_out: usize,
}

/// Appends the reply to `arena`.
///
/// # Errors
/// When even the essential options do not fit; the arena then holds rubbish behind its former end.
pub fn write(material: &Material<'_>, arena: &mut Vec<u8>) -> Result<Written, BuildError> {
    let Material { query, input, answer, .. } = *material;
    let is_nak = answer.message_type == MessageType::Nak;
    let is_inform = query.message_type == MessageType::Inform;
    let addressing = Addressing {
        giaddr: if query.view.is_relayed() { query.giaddr } else { Ipv4Addr::UNSPECIFIED },
        ciaddr: query.ciaddr,
        yiaddr: answer.yiaddr,
        broadcast: query.view.is_broadcast(),
        is_nak,
        direct_response: material.direct_response,
        chaddr: query.link_address(),
    };
    let (to, delivery, through_relay) = if is_inform {
        destination::of_inform(input, &addressing)
    } else {
        let (to, delivery) = destination::of_answer(input, &addressing);
        (to, delivery, query.view.is_relayed())
    };
    let source = match input.local {
        IpAddr::V4(local) => local,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    };
    // Only clients of a subnet have options of the configuration.
    let codes = material.subnet.map(|_| material.scopes.codes()).unwrap_or_default();
    let server_identifier = server_identifier(material, &codes, source);

    let has_configured = !is_nak && material.subnet.is_some();
    let mut vendor_bodies = None;
    if has_configured && VendorBodies::is_due(&codes) {
        let bodies = vendor_bodies.insert(VendorBodies::new());
        bodies.gather(query.view, &material.scopes, &codes);
    }
    let mut sink = OptionSink::new();
    add_own_options(material, &mut sink, server_identifier, through_relay);
    if has_configured {
        add_configured_options(material, &codes, &mut sink);
    }
    if let Some(bodies) = &vendor_bodies {
        add_vendor_options(bodies, &mut sink);
    }
    let size_max = reply_size_max(query.view.max_message_size().ok().flatten());
    let size = OPTIONS_OFFSET + sink.encoded_len() + 1; // one for END
    let start = arena.len();
    arena.resize(start + size.min(size_max), 0);
    let mut builder = Builder::reply(&mut arena[start..], query.view)?;
    write_header(material, &mut builder, through_relay);
    builder.write(&mut sink)?;
    let left_out =
        builder.dropped().len() + vendor_bodies.as_ref().map_or(0, VendorBodies::left_out);
    let dropped = builder.dropped();
    let len = builder.finish();
    arena.truncate(start + len);
    if let Some(explanation) = material.explanation {
        let reply = arena.get(start..).unwrap_or_default();
        notes::options(explanation, material, &codes, reply, dropped);
    }
    let outbound = Outbound {
        start: 0,
        len: 0,
        interface: input.interface,
        source: source.into(),
        destination: to,
        delivery,
        tag: answer.message_type as u32,
        hold: answer.position,
        alone: material.alone || !through_relay,
    };
    Ok(Written { outbound, left_out })
}

fn server_identifier(material: &Material<'_>, codes: &ScopeCodes, source: Ipv4Addr) -> Ipv4Addr {
    if !codes.configured.contains(code::SERVER_IDENTIFIER) {
        return source;
    }
    let option = material.scopes.find(code::SERVER_IDENTIFIER);
    let octets = option.and_then(|option| option.body().next()?.try_into().ok());
    octets.map_or(source, |octets: [u8; 4]| octets.into())
}

fn write_header<'a>(material: &Material<'a>, builder: &mut Builder<'_>, through_relay: bool) {
    let Material { query, answer, .. } = *material;
    if answer.message_type == MessageType::Nak {
        //= RFC 2131 section 4.3.2: the relay must broadcast a NAK, the client may be on the wrong network.
        if through_relay {
            builder.set_broadcast(true);
        }
        return;
    }
    builder.set_yiaddr(answer.yiaddr);
    if through_relay && query.message_type == MessageType::Inform {
        // Neither the relay nor we know the client's address.
        builder.set_broadcast(true);
    }
    if answer.message_type == MessageType::Ack {
        builder.set_ciaddr(query.ciaddr);
    }
    if !through_relay && query.view.is_relayed() {
        builder.set_hops(0);
        builder.set_giaddr(Ipv4Addr::UNSPECIFIED);
    }
    let Some(subnet) = material.subnet else { return };
    // Unlike options, those of classes come before those of the subnet.
    let of_host = material.host.and_then(|host| host.extras.boot.as_deref());
    let ClassScopes { membership, classes } = material.scopes.classes;
    let of_class =
        |class: &'a Class<OptionSet>| Some((Scope::Class(&class.name), class.boot.as_deref()?));
    let of_classes = || classes.of(membership).filter_map(of_class);
    let each = || of_host.map(|boot| (Scope::Host, boot)).into_iter().chain(of_classes());
    let next_server = each().find_map(|(scope, boot)| Some((scope, boot.next_server?)));
    let (scope, next_server) = next_server.unwrap_or((Scope::Subnet, subnet.next_server));
    builder.set_siaddr(next_server);
    if !next_server.is_unspecified() {
        let origin = Origin(material, scope);
        explain!(
            material.explanation,
            Topic::Options,
            "siaddr (next-server)\t{next_server}\t{origin}"
        );
    }
    let first_filled = |name, field: fn(&'a BootFields) -> &'a [u8], of_subnet: &'a [u8]| {
        let fields = each().map(|(scope, boot)| (scope, field(boot)));
        let mut fields = fields.chain([(Scope::Subnet, of_subnet)]);
        let (scope, value) = fields.find(|(_, value)| !value.is_empty())?;
        if let Some(explanation) = material.explanation {
            notes::field(explanation, material, name, value, scope);
        }
        Some(value)
    };
    let sname = "sname (server-hostname)";
    if let Some(sname) = first_filled(sname, |boot| &boot.server_hostname, &subnet.server_hostname)
    {
        builder.set_sname(sname);
    }
    let file = "file (boot-file-name)";
    if let Some(file) = first_filled(file, |boot| &boot.boot_file_name, &subnet.boot_file_name) {
        builder.set_file(file);
    }
}

/// Adds what the server decides itself.
fn add_own_options<'a>(
    material: &Material<'a>,
    sink: &mut OptionSink<'a>,
    server_identifier: Ipv4Addr,
    through_relay: bool,
) {
    let Material { query, answer, .. } = *material;
    sink.add_u8(code::MESSAGE_TYPE, answer.message_type as u8);
    sink.add_addr(code::SERVER_IDENTIFIER, server_identifier);
    if let (Some(lifetime), Some(subnet)) = (answer.lifetime, material.subnet) {
        sink.add_u32(code::LEASE_TIME, lifetime);
        sink.add_addr(code::SUBNET_MASK, subnet.mask());
        let (t1, t2) = tee_times(material);
        if let Some(t1) = t1 {
            sink.add_u32(code::RENEWAL_TIME, t1);
        }
        if let Some(t2) = t2 {
            sink.add_u32(code::REBINDING_TIME, t2);
        }
    }
    if material.config.echo_client_id
        && let Some(id) = query.view.option(code::CLIENT_IDENTIFIER)
    {
        sink.add_bytes(code::CLIENT_IDENTIFIER, id, Weight::Essential);
    }
    add_name(material, sink);
    // RFC 3046 section 2.2: also to a switch that adds the option without being a relay; it takes it out again.
    if (through_relay || !query.view.is_relayed())
        && let Some(information) = query.view.option(code::RELAY_AGENT_INFORMATION)
    {
        sink.add_bytes(code::RELAY_AGENT_INFORMATION, information, Weight::Essential);
    }
    if let Some(address) = query.view.option(code::SUBNET_SELECTION) {
        sink.add_bytes(code::SUBNET_SELECTION, address, Weight::Essential);
    }
}

/// T1 and T2 that go with the lease.
fn tee_times(material: &Material<'_>) -> (Option<u32>, Option<u32>) {
    match (material.answer.lifetime, material.subnet) {
        (Some(lifetime), Some(subnet)) => subnet.timers.t1_t2(lifetime),
        _ => (None, None),
    }
}

/// Adds the host name that is kept with the lease (option 12) for a client that gives one itself or asks for it, or when
/// it is reserved or was made for it, unless the client gives a whole domain name (option 81), which then counts.
fn add_name<'a>(material: &Material<'a>, sink: &mut OptionSink<'a>) {
    let Material { query, answer, hostname, is_name_unasked, .. } = *material;
    let view = query.view;
    if answer.lifetime.is_none() || hostname.is_empty() {
        return;
    }
    let is_of_interest = is_name_unasked
        || view.option(code::HOST_NAME).is_some()
        || view.parameter_request_list().contains(&code::HOST_NAME);
    if is_of_interest && view.option(code::CLIENT_FQDN).is_none() {
        sink.add_bytes(code::HOST_NAME, hostname, Weight::Optional);
    }
}

/// Adds what the configuration has for the codes that are wanted.
fn add_configured_options<'a>(
    material: &Material<'a>,
    codes: &ScopeCodes,
    sink: &mut OptionSink<'a>,
) {
    let mut left = codes.configured.difference(codes.cancelled).difference(NOT_AS_OTHERS);
    if left.contains(code::RENEWAL_TIME) || left.contains(code::REBINDING_TIME) {
        let (t1, t2) = tee_times(material);
        for (code, timer) in [(code::RENEWAL_TIME, t1), (code::REBINDING_TIME, t2)] {
            if timer.is_some() {
                left.remove(code);
            }
        }
    }
    let mut add = |code: u8| {
        if left.contains(code) {
            left.remove(code);
            if let Some(option) = material.scopes.find(code) {
                sink.add_encoded(option);
            }
        }
    };
    BASIC.iter().copied().for_each(&mut add);
    codes.always_send.iter().for_each(&mut add);
    for &code in material.query.view.parameter_request_list() {
        add(code);
    }
}

fn add_vendor_options<'a>(bodies: &'a VendorBodies, sink: &mut OptionSink<'a>) {
    if let Some(body) = bodies.classes() {
        sink.add_bytes(code::VIVCO_SUBOPTIONS, body, Weight::Optional);
    }
    if let Some(body) = bodies.options() {
        sink.add_bytes(code::VIVSO_SUBOPTIONS, body, Weight::Optional);
    }
}
