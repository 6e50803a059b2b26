//! The client's hosts among host reservations, and the subnets that it may be served in.
//!
//! Identifiers are borrowed from the packet. Client identifiers count here even where leases are not found by them
//! (`match-client-id`). In a shared network a client may have a host in each subnet. Kea:
//! `Dhcpv4Exchange::setHostIdentifiers`, `AllocEngine::findReservation`, `hasAddressReservation`.

use std::net::Ipv4Addr;

use libdhcp::ClientId;
use libdhcpsrv::alloc4::Candidate4;
use libdhcpsrv::config4::{Config4, SubnetIndex};
use libdhcpsrv::hosts::{Host4, HostId, HostView, Identifier, IdentifierKind, Places, Seeker};
use libdhcpsrv::lease4::{SubnetId, V4};
use libdhcpsrv::session::{Parked, Session4};

use crate::query::Query;

/// Sub-option of option 82 with the circuit.
const CIRCUIT_ID: u8 = 1;
/// The global hosts alone.
const EVERYWHERE: Places = Places { subnet: None, global: true };

/// The hosts of a client.
#[derive(Clone, Debug)]
pub struct Sought<'s, 'a> {
    config: &'a Config4,
    hosts: HostView<'a, V4>,
    query: &'s Query<'a>,
    /// What it is looked for by, once that is of use.
    seeker: Option<Seeker<'a, V4>>,
    /// Its global host, if that was looked for early.
    early: Option<HostId>,
}

impl<'s, 'a> Sought<'s, 'a> {
    /// Begins with nothing.
    #[must_use]
    pub fn new(config: &'a Config4, hosts: HostView<'a, V4>, query: &'s Query<'a>) -> Self {
        Self { config, hosts, query, seeker: None, early: None }
    }

    /// What the client is known by, once it has been looked for.
    #[must_use]
    pub fn identifiers(&self) -> &[Identifier<'a>] {
        self.seeker.as_ref().map_or(&[], |seeker| &seeker.identifiers)
    }

    /// Looks for the global host, before a subnet is selected.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    pub fn early(&mut self, session: &mut Session4<'_>) -> Result<Option<Host4<'a>>, Parked> {
        self.seeker = Some(self.seeker());
        self.early = self.find(session, EVERYWHERE)?;
        Ok(self.early.and_then(|id| self.hosts.get(id)))
    }

    /// Whether there is a global host that was looked for early.
    #[must_use]
    pub fn is_known_early(&self) -> bool {
        self.early.is_some()
    }

    /// Looks for the host in the selected subnet, or in those of its shared network, the selected one first. Whoever is
    /// not served has no host there. Says whether there is any.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    pub fn everywhere(
        &mut self,
        session: &mut Session4<'_>,
        selected: SubnetIndex,
        serves: impl Fn(SubnetIndex) -> bool,
        candidates: &mut Vec<Candidate4>,
    ) -> Result<bool, Parked> {
        let config = self.config;
        let subnet = config.subnet(selected);
        let mut is_known = self.early.is_some();
        if self.seeker.is_none() && session.has_hosts() {
            self.seeker = Some(self.seeker());
        }
        candidates.clear();
        let Some(network) = config.network_of(subnet) else {
            let mut places = subnet.reservations.places(SubnetId(subnet.id));
            places.global &= !config.early_global_hosts;
            let global = self.early.filter(|_| subnet.reservations.global());
            let host = self.find(session, places)?.or(global);
            candidates.push(Candidate4 { subnet: selected, host });
            return Ok(is_known || host.is_some());
        };
        let ids = network.from(selected).filter(|&index| serves(index));
        let ids = ids.map(|index| config.subnet(index));
        let ids = ids.filter(|subnet| subnet.reservations.in_subnet());
        session.foresee_hosts(ids.map(|subnet| SubnetId(subnet.id)));
        let global = match self.early {
            None if subnet.reservations.global() && !config.early_global_hosts => {
                self.find(session, EVERYWHERE)?
            }
            early => early,
        };
        is_known |= global.is_some();
        for index in network.from(selected) {
            let subnet = config.subnet(index);
            let rules = subnet.reservations;
            let places = Places { subnet: Some(SubnetId(subnet.id)), global: false };
            let own = match rules.in_subnet() && serves(index) {
                true => self.find(session, places)?,
                false => None,
            };
            is_known |= own.is_some();
            let host = own.or(global.filter(|_| rules.global()));
            candidates.push(Candidate4 { subnet: index, host });
        }
        Ok(is_known)
    }

    fn find(&self, session: &mut Session4<'_>, places: Places) -> Result<Option<HostId>, Parked> {
        let Some(seeker) = &self.seeker else { return Ok(None) };
        let host = seeker.find(session, places, || self.query.view.label())?;
        Ok(host.map(|host| host.id))
    }

    fn seeker(&self) -> Seeker<'a, V4> {
        let (config, query, view) = (self.config, self.query, self.query.view);
        let of_kind = |kind| match kind {
            IdentifierKind::HwAddress => Some(view.chaddr()),
            IdentifierKind::Duid => ClientId::new(query.client_identifier?)?.duid(),
            IdentifierKind::CircuitId => view.relay_agent_information()?.sub_option(CIRCUIT_ID),
            IdentifierKind::ClientId => query.client_identifier,
            IdentifierKind::FlexId => None,
        };
        Seeker::new(self.hosts, &config.host_identifiers, of_kind)
    }
}

/// Finds the address that is reserved for the client and puts its subnet in front. A host of a subnet wins over a global
/// one, and one without an address still says which subnet of a shared network comes first.
pub fn prefer_reserved(
    config: &Config4,
    hosts: HostView<'_, V4>,
    candidates: &mut [Candidate4],
) -> Option<Ipv4Addr> {
    let reserved = |candidate: &Candidate4| {
        let host = candidate.host(hosts)?;
        let subnet = config.subnet(candidate.subnet);
        let address = host.resources.first()?.address;
        let in_pool = || config.pools_of(subnet).iter().any(|pool| pool.contains(address));
        let counts =
            subnet.contains(address) && subnet.reservations.reserves(host.subnet, in_pool());
        counts.then_some(address)
    };
    let is_own =
        |candidate: &Candidate4| candidate.host(hosts).is_some_and(|host| !host.is_global());
    let decides = |candidate: &Candidate4| {
        let has_address = candidate.host(hosts).is_some_and(|host| !host.resources.is_empty());
        is_own(candidate) && (!has_address || reserved(candidate).is_some())
    };
    let is_global = |candidate: &Candidate4| reserved(candidate).is_some();
    let place = candidates.iter().position(decides);
    let place = place.or_else(|| candidates.iter().position(is_global))?;
    candidates.rotate_left(place);
    candidates.first().and_then(reserved)
}
