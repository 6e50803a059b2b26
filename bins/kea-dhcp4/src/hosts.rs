//! The client's host: how it is known among host reservations, and the name that goes with its lease.
//!
//! Identifiers are borrowed from the packet. A subnet that does not match client identifiers has no use for what lies in
//! them. Kea: `Dhcpv4Exchange::setHostIdentifiers`.

use libdhcp::ClientId;
use libdhcp::v4::MessageType;
use libdhcpsrv::config4::{Config4, SubnetIndex};
use libdhcpsrv::hosts::{Host4, IdentifierKind, Known, Lookup};
use libdhcpsrv::lease4::{SubnetId, V4};
use libdhcpsrv::names::{NameBuffer, NameRules, Naming};
use libdhcpsrv::session::{Parked, Session4};

use crate::query::Query;

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
    let client_identifier = || query.client_identifier.filter(|_| subnet.match_client_id);
    let of_kind = |kind| match kind {
        IdentifierKind::HwAddress => Some(view.chaddr()),
        IdentifierKind::Duid => ClientId::new(client_identifier()?)?.duid(),
        IdentifierKind::CircuitId => view.relay_agent_information()?.sub_option(CIRCUIT_ID),
        IdentifierKind::ClientId => client_identifier(),
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

/// How the client is called: by its reservation, else by what it says itself (option 12). The name goes to the buffer.
pub fn name(
    query: &Query<'_>,
    host: Option<Host4<'_>>,
    rules: Option<&NameRules>,
    buffer: &mut NameBuffer,
) -> Naming {
    let Some(rules) = rules else { return Naming::Nothing };
    match host.map(|host| host.hostname).filter(|name| !name.is_empty()) {
        Some(reserved) => rules.of_host(reserved, buffer),
        None => rules.of_client(query.view.host_name().ok().flatten(), buffer),
    }
}
