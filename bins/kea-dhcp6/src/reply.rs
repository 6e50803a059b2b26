//! Writing of replies: relay messages around, identifiers, associations, configured options, destination.
//!
//! Options that the client asked for and those marked `always-send` are taken from the most specific scope that has
//! them, as bytes encoded when the configuration was read; those marked `never-send` are not sent. Options that relays supply come last. RFC 8415 section 18.3,
//! RFC 6422 section 6.

use std::net::{IpAddr, SocketAddr};

use arrayvec::ArrayVec;
use libdhcp::v6::{
    CLIENT_PORT, IaKind, IaTimes, Lifetimes, MessageType, RequestedOptions, SERVER_PORT, View,
    WriteError, Writer, code,
};
use libdhcpsrv::config6::Config6;
use util::link::{Delivery, Inbound, Outbound};

use crate::draft::{Association, Draft, Entry};
use crate::query::Query;
use crate::scopes::Scopes;

/// Options that the server alone decides about; configured values of these are not sent.
const SERVERS_OWN: [u16; 13] = [
    code::CLIENTID,
    code::SERVERID,
    code::IA_NA,
    code::IA_TA,
    code::IAADDR,
    code::ORO,
    code::ELAPSED_TIME,
    code::RELAY_MSG,
    code::STATUS_CODE,
    code::RAPID_COMMIT,
    code::INTERFACE_ID,
    code::IA_PD,
    code::IAPREFIX,
];
/// Sub-option of vendor options in which a client lists the vendor's options that it wants.
const VENDOR_ORO: u16 = 1;
/// Vendors of one query that are answered.
const VENDORS_MAX: usize = 8;
/// Options that one vendor of a query gets.
const VENDOR_CODES_MAX: usize = 256;

/// What a reply is made from.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The query.
    pub query: &'a Query<'a>,
    /// How the query came.
    pub input: &'a Inbound<'a>,
    /// The configuration in force.
    pub config: &'a Config6,
    /// The option sets that count for the client.
    pub scopes: Scopes<'a>,
    /// Our own identifier.
    pub server_duid: &'a [u8],
    /// The decision.
    pub draft: &'a Draft,
    /// Whether the relay must get the reply by itself.
    pub alone: bool,
}

/// Appends the reply to `arena`.
///
/// # Errors
/// When the essential options do not fit; the arena is then as it was.
pub fn write(material: &Material<'_>, arena: &mut Vec<u8>) -> Result<Outbound, WriteError> {
    let Material { query, input, draft, .. } = *material;
    let view = query.view;
    let mut writer = Writer::reply(arena, view, draft.message_type, Writer::LEN_MAX)?;
    if let Some(duid) = query.duid {
        writer.put_option(code::CLIENTID, duid)?;
    }
    writer.put_option(code::SERVERID, material.server_duid)?;
    for association in draft.associations() {
        put_association(&mut writer, association, draft.entries(association))?;
    }
    if let Some(status) = draft.status {
        writer.put_status(status.code, status.text)?;
    }
    if draft.rapid_commit {
        writer.put_option(code::RAPID_COMMIT, &[])?;
    }
    // From here on an option that does not fit is left out, and the reply is good without it.
    if !matches!(query.message_type, MessageType::Release | MessageType::Decline) {
        put_configured(material, &mut writer);
    }
    put_relay_supplied(material, &mut writer);
    writer.finish();
    Ok(Outbound {
        start: 0,
        len: 0,
        interface: input.interface,
        source: input.local,
        destination: destination(view, input),
        delivery: Delivery::Routed { fallback: None },
        tag: draft.message_type as u32,
        hold: draft.position,
        alone: material.alone || !view.is_relayed(),
    })
}

fn put_association(
    writer: &mut Writer<'_>,
    association: &Association,
    entries: &[Entry],
) -> Result<(), WriteError> {
    let times = IaTimes { t1: association.t1, t2: association.t2 };
    writer.begin_ia(association.kind, association.iaid, times)?;
    for entry in entries {
        let lifetimes = Lifetimes { preferred: entry.times.preferred, valid: entry.times.valid };
        let (address, len) = (entry.resource.address, entry.resource.prefix_len);
        if association.kind == IaKind::Pd {
            writer.begin_ia_prefix(address, len, lifetimes)?;
            if let Some((excluded, excluded_len)) = entry.excluded {
                writer.put_excluded_prefix(len, excluded, excluded_len)?;
            }
            writer.end_option();
        } else {
            writer.put_ia_address(address, lifetimes)?;
        }
    }
    if let Some(status) = association.status {
        writer.put_status(status.code, status.text)?;
    }
    writer.end_option();
    Ok(())
}

/// Adds what the configuration has for the codes that are wanted.
fn put_configured(material: &Material<'_>, writer: &mut Writer<'_>) {
    let (scopes, view) = (&material.scopes, material.query.view);
    let wanted = scopes.always_send().chain(view.requested_options());
    for code in wanted {
        // Codes that nobody configured cost least: a client may list two thousand.
        if let Some(option) = scopes.find(code)
            && !scopes.is_cancelled(code)
            && !writer.contains(code)
            && !SERVERS_OWN.contains(&code)
        {
            match code {
                code::VENDOR_CLASS => put_vendor_classes(scopes, writer),
                code::VENDOR_OPTS => {} // below
                _ => _ = writer.put_encoded(option),
            }
        }
    }
    put_vendor_options(material, writer);
}

/// Adds an option 16 for each enterprise that one is configured of.
fn put_vendor_classes(scopes: &Scopes<'_>, writer: &mut Writer<'_>) {
    let mut put = ArrayVec::<u32, VENDORS_MAX>::new();
    for option in scopes.each(code::VENDOR_CLASS) {
        let Some((enterprise, _)) = split_enterprise(option.body()) else { continue };
        if !put.contains(&enterprise) && put.try_push(enterprise).is_ok() {
            let _ = writer.put_encoded(option);
        }
    }
}

/// Adds an option 17 for each vendor of the client that the configuration has options of, and for those that option 17
/// is configured for, if it is wanted.
///
/// The options in it are those that the client lists in its own option 17, and those that are always sent.
fn put_vendor_options(material: &Material<'_>, writer: &mut Writer<'_>) {
    let (scopes, view) = (&material.scopes, material.query.view);
    let mut answered = ArrayVec::<u32, VENDORS_MAX>::new();
    let mut is_next =
        |enterprise| !answered.contains(&enterprise) && answered.try_push(enterprise).is_ok();
    let is_wanted = || {
        let mut wanted = scopes.always_send().chain(view.requested_options());
        wanted.any(|code| code == code::VENDOR_OPTS) && !scopes.is_cancelled(code::VENDOR_OPTS)
    };
    let configured = scopes.each(code::VENDOR_OPTS);
    for option in configured.take_while(|_| is_wanted()) {
        if let Some((enterprise, options)) = split_enterprise(option.body())
            && is_next(enterprise)
        {
            put_vendor(material, writer, enterprise, Some(options));
        }
    }
    if !scopes.has_vendors() {
        return;
    }
    let asking = view.vendor_options().map(|vendor| vendor.enterprise);
    let named = view.vendor_classes().map(|class| class.enterprise);
    for enterprise in asking.chain(named) {
        if scopes.has_vendor(enterprise) && is_next(enterprise) {
            put_vendor(material, writer, enterprise, None);
        }
    }
}

/// Adds the options of an enterprise. `configured` are those that lie in the scope of a configured option 17: they are
/// sent if neither the client nor `always-send` says which, as Kea 1.1 did.
fn put_vendor(
    material: &Material<'_>,
    writer: &mut Writer<'_>,
    enterprise: u32,
    configured: Option<&[u8]>,
) {
    let (scopes, view) = (&material.scopes, material.query.view);
    if writer.begin_vendor_options(enterprise).is_err() {
        return;
    }
    let begin = writer.len();
    let own = view.vendor_options().filter(|vendor| vendor.enterprise == enterprise);
    let lists = own.filter_map(|vendor| vendor.options.option(VENDOR_ORO));
    let mut requested = lists.flat_map(RequestedOptions::new).peekable();
    let asks = requested.peek().is_some();
    let mut sent = ArrayVec::<u16, VENDOR_CODES_MAX>::new();
    for code in scopes.always_send_of_vendor(enterprise).chain(requested) {
        let Some(option) = scopes.find_of_vendor(enterprise, code) else { continue };
        if sent.contains(&code) || scopes.is_cancelled_of_vendor(enterprise, code) {
            continue;
        }
        if sent.try_push(code).is_err() {
            break;
        }
        let _ = writer.append(option.tlv());
    }
    let is_empty = writer.len() == begin;
    match configured {
        None if is_empty => return writer.cancel_option(),
        Some(options) if is_empty && !asks => _ = writer.append(options),
        _ => {}
    }
    writer.end_option();
}

/// Divides the body of option 16 or 17 behind its enterprise number.
fn split_enterprise(body: &[u8]) -> Option<(u32, &[u8])> {
    let (enterprise, rest) = body.split_first_chunk()?;
    Some((u32::from_be_bytes(*enterprise), rest))
}

/// Adds the options that relays supply for the client (RFC 6422), those of the relay nearest to the client first.
fn put_relay_supplied(material: &Material<'_>, writer: &mut Writer<'_>) {
    for relay in material.query.view.relays().rev() {
        for (code, body) in relay.supplied_options() {
            let is_allowed = material.config.relay_supplied_options.contains(code);
            if is_allowed && !writer.contains(code) {
                let _ = writer.put_option(code, body);
            }
        }
    }
}

/// Where the reply goes: back to where the query came from, to the port of clients or of relays.
fn destination(view: &View<'_>, input: &Inbound<'_>) -> SocketAddr {
    let port = match view.relay(0) {
        None => CLIENT_PORT,
        //= RFC 8357 section 5.2: a relay that asks for it is answered on the port that it sent from.
        Some(relay) if relay.source_port().is_some() => input.source.port(),
        Some(_) => SERVER_PORT,
    };
    let mut destination = input.source;
    destination.set_port(port);
    debug_assert!(matches!(destination.ip(), IpAddr::V6(_)), "the transport delivers IPv6 only");
    destination
}
