//! The client's host: how it is known among host reservations, and the name that goes with its lease.
//!
//! Identifiers are borrowed from the packet. Client identifiers count here even where leases are not found by them
//! (`match-client-id`). Kea: `Dhcpv4Exchange::setHostIdentifiers`.

use libdhcp::ClientId;
use libdhcp::v4::MessageType;
use libdhcpsrv::config4::{Config4, SubnetIndex};
use libdhcpsrv::hosts::{Host4, IdentifierKind, Known, Lookup};
use libdhcpsrv::lease4::{SubnetId, V4};
use libdhcpsrv::session::{Parked, Session4};

use crate::query::Query;

/// Longest host name that is kept with a lease.
pub const HOSTNAME_MAX: usize = 255;
/// Sub-option of option 82 with the circuit.
const CIRCUIT_ID: u8 = 1;

/// Looks for the host of a client whose message has to do with addresses or options.
///
/// # Errors
/// [`Parked`] when the source of hosts answers later.
pub fn look_up<'a>(
    config: &'a Config4,
    subnet: Option<SubnetIndex>,
    query: &Query<'a>,
    session: &mut Session4<'_>,
) -> Result<Known<'a, V4>, Parked> {
    let is_of_use = matches!(
        query.message_type,
        MessageType::Discover | MessageType::Request | MessageType::Inform
    );
    let Some(index) = subnet.filter(|_| is_of_use && session.has_hosts()) else {
        return Ok(Known::default());
    };
    let (view, subnet) = (query.view, config.subnet(index));
    let of_kind = |kind| match kind {
        IdentifierKind::HwAddress => Some(view.chaddr()),
        IdentifierKind::Duid => ClientId::new(query.client_identifier?)?.duid(),
        IdentifierKind::CircuitId => view.relay_agent_information()?.sub_option(CIRCUIT_ID),
        IdentifierKind::ClientId => query.client_identifier,
        IdentifierKind::FlexId => None,
    };
    let lookup = Lookup {
        hosts: &config.hosts,
        order: &config.host_identifiers,
        subnet: SubnetId(subnet.id),
        rules: subnet.reservations,
    };
    lookup.run(session, of_kind, || view.label())
}

/// The host name that is kept with a lease, in lower case: that of the reservation, else the one that the client gives
/// (option 12) without a final NUL.
pub fn name<'b>(
    query: &Query<'_>,
    host: Option<Host4<'_>>,
    buffer: &'b mut [u8; HOSTNAME_MAX],
) -> &'b [u8] {
    let reserved = host.map(|host| host.hostname).filter(|name| !name.is_empty());
    let Some(name) = reserved.or_else(|| query.view.host_name().ok().flatten()) else {
        return &[];
    };
    let len = name.len().min(HOSTNAME_MAX);
    for (to, from) in buffer.iter_mut().zip(name) {
        *to = from.to_ascii_lowercase();
    }
    let name = &buffer[..len];
    let end = name.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &name[..end]
}
