//! How a client is known among host reservations.
//!
//! Its identifiers are collected in the order of `host-reservation-identifiers`: the DUID of the message, and the hardware
//! address that `mac-sources` yields. Kea: `Dhcpv6Srv::initContext`.

use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::config6::Config6;
use libdhcpsrv::hosts::{Host6, HostSource, Identifier, IdentifierKind, IdentifierList};
use libdhcpsrv::lease::SubnetId;
use libdhcpsrv::session::{Parked, Session6};

use crate::hardware::Hardware;
use crate::messages::{HOSTS_HOST_FOUND, loggers::HOSTS};
use crate::query::Query;
use libdhcp::v6::MessageType;

/// What is known of a client from host reservations.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// The client's host.
    pub host: Option<Host6<'a>>,
    /// What the client is known by, in the order in which its host was looked for.
    pub identifiers: IdentifierList<'a>,
}

/// Looks for the host of a client, unless its message only ends leases.
///
/// # Errors
/// [`Parked`] when the source of hosts answers later.
pub fn look_up<'a>(
    config: &'a Config6,
    subnet: Option<SubnetIndex>,
    query: &Query<'a>,
    hardware: &'a Hardware,
    session: &mut Session6<'_>,
) -> Result<Known<'a>, Parked> {
    let is_of_use = !matches!(query.message_type, MessageType::Release | MessageType::Decline);
    let Some(index) = subnet.filter(|_| is_of_use && session.has_hosts()) else {
        return Ok(Known::default());
    };
    let of_kind = |kind: IdentifierKind| match kind {
        IdentifierKind::Duid => query.duid,
        IdentifierKind::HwAddress => Some(hardware.as_stored().hw),
        IdentifierKind::CircuitId | IdentifierKind::ClientId | IdentifierKind::FlexId => None,
    };
    let kinds = config.hosts.kinds();
    let order = config.host_identifiers.iter().filter(|kind| kinds.contains(**kind));
    let known = order.filter_map(|&kind| {
        let bytes = of_kind(kind).filter(|bytes| !bytes.is_empty())?;
        Some(Identifier { kind, bytes })
    });
    let identifiers: IdentifierList<'_> = known.collect();
    let subnet = config.subnet(index);
    let places = subnet.reservations.places(SubnetId(subnet.id));
    let host = session.host(places, &identifiers)?.and_then(|id| config.hosts.host(id));
    if let Some(host) = host {
        let place = if host.is_global() { "the global scope" } else { "its subnet" };
        let label = || query.view.label(hardware.address());
        kea_log::log!(HOSTS, HOSTS_HOST_FOUND, label(), host.identifier.kind, place);
    }
    Ok(Known { host, identifiers })
}
