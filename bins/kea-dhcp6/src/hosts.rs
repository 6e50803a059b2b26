//! The client's host: how it is known among host reservations.
//!
//! By the DUID of its message, and by the hardware address that `mac-sources` yields. Kea: `Dhcpv6Srv::initContext`.

use libdhcp::v6::MessageType;
use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::config6::Config6;
use libdhcpsrv::hosts::{IdentifierKind, Known, Lookup};
use libdhcpsrv::lease::SubnetId;
use libdhcpsrv::lease6::V6;
use libdhcpsrv::session::{Parked, Session6};

use crate::hardware::Hardware;
use crate::query::Query;

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
) -> Result<Known<'a, V6>, Parked> {
    let is_of_use = !matches!(query.message_type, MessageType::Release | MessageType::Decline);
    let Some(index) = subnet.filter(|_| is_of_use && session.has_hosts()) else {
        return Ok(Known::default());
    };
    let of_kind = |kind| match kind {
        IdentifierKind::Duid => query.duid,
        IdentifierKind::HwAddress => Some(hardware.as_stored().hw),
        IdentifierKind::CircuitId | IdentifierKind::ClientId | IdentifierKind::FlexId => None,
    };
    let subnet = config.subnet(index);
    let lookup = Lookup {
        hosts: &config.hosts,
        order: &config.host_identifiers,
        subnet: SubnetId(subnet.id),
        rules: subnet.reservations,
    };
    lookup.run(session, of_kind, || query.view.label(hardware.address()))
}
