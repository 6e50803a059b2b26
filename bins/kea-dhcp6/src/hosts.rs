//! The client's hosts: how it is known among host reservations, and where.
//!
//! By the DUID of its message, and by the hardware address that `mac-sources` yields. In a shared network it may have a
//! host in each subnet; the one that counts is that of the subnet where it gets something, else a global one. Kea:
//! `Dhcpv6Srv::initContext`, `AllocEngine::findReservation`.

use libdhcpsrv::alloc6::Candidate6;
use libdhcpsrv::config6::Config6;
use libdhcpsrv::hosts::{
    Host6, HostView, Identifier, IdentifierKind, Places, ReservationRules, Seeker,
};
use libdhcpsrv::lease::SubnetId;
use libdhcpsrv::lease6::V6;
use libdhcpsrv::session::{Parked, Session6};

use crate::hardware::Hardware;
use crate::query::Query;

/// Nothing but the global reservations.
const EVERYWHERE: Places = Places { subnet: None, global: true };

/// A client among hosts.
#[derive(Debug)]
pub struct Client<'a> {
    config: &'a Config6,
    hosts: HostView<'a, V6>,
    query: &'a Query<'a>,
    hardware: &'a Hardware,
    /// Nothing when there are no hosts to be found.
    seeker: Option<Seeker<'a, V6>>,
    /// Its host everywhere, if it has been looked for.
    global: Option<Host6<'a>>,
    /// Whether that was done before a subnet was selected.
    is_early: bool,
    /// Whether it has any host.
    pub is_known: bool,
}

impl<'a> Client<'a> {
    /// Finds what the client is known by; nothing when its hosts are `of_use` for nothing.
    pub fn new(
        config: &'a Config6,
        hosts: HostView<'a, V6>,
        query: &'a Query<'a>,
        hardware: &'a Hardware,
        of_use: bool,
    ) -> Self {
        let of_kind = |kind| match kind {
            IdentifierKind::Duid => query.duid,
            IdentifierKind::HwAddress => Some(hardware.as_stored().hw),
            IdentifierKind::CircuitId | IdentifierKind::ClientId | IdentifierKind::FlexId => None,
        };
        let seeker = of_use.then(|| Seeker::new(hosts, &config.host_identifiers, of_kind));
        let (global, is_early, is_known) = (None, false, false);
        Self { config, hosts, query, hardware, seeker, global, is_early, is_known }
    }

    /// What the client is known by.
    #[must_use]
    pub fn identifiers(&self) -> &[Identifier<'a>] {
        self.seeker.as_ref().map_or(&[], |seeker| &seeker.identifiers)
    }

    /// Looks for its global host before a subnet is selected.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    pub fn look_up_early(
        &mut self,
        session: &mut Session6<'_>,
    ) -> Result<Option<Host6<'a>>, Parked> {
        self.is_early = true;
        self.global = self.find(EVERYWHERE, session)?;
        self.is_known = self.global.is_some();
        Ok(self.global)
    }

    /// Looks for its host in each of the candidates, of which the first one is the selected subnet.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    pub fn look_up(
        &mut self,
        candidates: &mut [Candidate6],
        session: &mut Session6<'_>,
    ) -> Result<(), Parked> {
        if self.seeker.is_none() {
            return Ok(());
        }
        match candidates {
            [only] if !self.is_early => {
                let (id, rules) = rules_of(self.config, only);
                let host = self.find(rules.places(id), session)?;
                only.host = host.map(|host| host.id);
                self.global = host.filter(Host6::is_global);
            }
            [] => {}
            [selected, ..] => {
                let (_, rules) = rules_of(self.config, selected);
                let sought = candidates.iter().filter(|candidate| candidate.serves);
                let sought = sought.map(|candidate| rules_of(self.config, candidate));
                let sought = sought.filter(|(_, rules)| rules.in_subnet());
                session.foresee_hosts(sought.map(|(id, _)| id));
                if rules.global() && !self.is_early {
                    self.global = self.find(EVERYWHERE, session)?;
                }
                for candidate in candidates.iter_mut() {
                    let (id, rules) = rules_of(self.config, candidate);
                    let own = Places { subnet: Some(id), global: false };
                    let is_sought = candidate.serves && rules.in_subnet();
                    let own = if is_sought { self.find(own, session)? } else { None };
                    let host = own.or(self.global.filter(|_| rules.global()));
                    candidate.host = host.map(|host| host.id);
                    self.is_known |= own.is_some();
                }
            }
        }
        let is_any = candidates.iter().any(|candidate| candidate.host.is_some());
        self.is_known |= self.global.is_some() || is_any;
        Ok(())
    }

    /// The host whose classes count once its hosts are known: that of the selected subnet, unless another subnet of the
    /// shared network may become that of the client; its classes then count later.
    #[must_use]
    pub fn host_with_classes(&self, candidates: &[Candidate6]) -> Option<Host6<'a>> {
        let selected = candidates.first()?;
        let host = selected.host.and_then(|id| self.hosts.get(id))?;
        let rules = rules_of(self.config, selected).1;
        let global = self.global.filter(|_| rules.global() && !self.is_early);
        let is_global_used = global.is_some_and(|global| !global.classes().is_empty());
        let is_alone = self.config.subnet(selected.subnet).network.is_none();
        Some(host).filter(|_| is_global_used || is_alone)
    }

    fn find(
        &self,
        places: Places,
        session: &mut Session6<'_>,
    ) -> Result<Option<Host6<'a>>, Parked> {
        let Some(seeker) = &self.seeker else { return Ok(None) };
        let label = || self.query.view.label(self.hardware.address());
        seeker.find(session, places, label)
    }
}

/// Number of a candidate's subnet, and which reservations count there.
fn rules_of(config: &Config6, candidate: &Candidate6) -> (SubnetId, ReservationRules) {
    let subnet = config.subnet(candidate.subnet);
    (SubnetId(subnet.id), subnet.reservations)
}
