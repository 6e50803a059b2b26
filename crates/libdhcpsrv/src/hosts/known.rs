//! What is known of one client from host reservations.

use std::fmt::Display;

use super::{
    Host, HostKind, HostSource, Identifier, IdentifierKind, IdentifierList, IdentifierOrder,
    ReservationRules,
};
use crate::lease::SubnetId;
use crate::loggers::HOSTS;
use crate::messages::HOSTS_CFG_GET_ONE_SUBNET_ID_IDENTIFIER_HOST;
use crate::session::{Parked, Session};

/// A client among hosts.
#[derive(Clone, Debug)]
pub struct Known<'a, K: HostKind> {
    /// Its host.
    pub host: Option<Host<'a, K>>,
    /// What it is known by, in the order in which its host was looked for.
    pub identifiers: IdentifierList<'a>,
}

impl<K: HostKind> Default for Known<'_, K> {
    fn default() -> Self {
        Self { host: None, identifiers: IdentifierList::new() }
    }
}

impl<'a, K: HostKind> Known<'a, K> {
    /// Collects the identifiers of a client: those of `order` that hosts are known by, as far as `of_kind` finds them
    /// in its message.
    #[must_use]
    pub fn by(
        order: &IdentifierOrder,
        hosts: &dyn HostSource<K>,
        of_kind: impl Fn(IdentifierKind) -> Option<&'a [u8]>,
    ) -> Self {
        let kinds = hosts.kinds();
        let order = order.iter().filter(|kind| kinds.contains(**kind));
        let known = order.filter_map(|&kind| {
            let bytes = of_kind(kind).filter(|bytes| !bytes.is_empty())?;
            Some(Identifier { kind, bytes })
        });
        Self { host: None, identifiers: known.collect() }
    }

    /// Looks for the host where the rules of the subnet say; `label` names the client for the log.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    pub fn look_up<L: Display>(
        mut self,
        session: &mut Session<'_, K>,
        hosts: &'a dyn HostSource<K>,
        (subnet, rules): (SubnetId, ReservationRules),
        label: impl Fn() -> L,
    ) -> Result<Self, Parked> {
        self.host =
            session.host(rules.places(subnet), &self.identifiers)?.and_then(|id| hosts.host(id));
        if let Some(host) = self.host {
            let place = if host.is_global() { "the global scope" } else { "its subnet" };
            kea_log::log!(
                HOSTS,
                HOSTS_CFG_GET_ONE_SUBNET_ID_IDENTIFIER_HOST,
                label(),
                host.identifier.kind,
                place
            );
        }
        Ok(self)
    }
}
