//! Looking for the hosts of one client.

use std::fmt::Display;

use super::{
    Host, HostKind, HostSource, Identifier, IdentifierKind, IdentifierList, IdentifierOrder, Places,
};
use crate::loggers::HOSTS;
use crate::messages::HOSTS_CFG_GET_ONE_SUBNET_ID_IDENTIFIER_HOST;
use crate::session::{Parked, Session};

/// A client that is looked for among hosts, perhaps in several places.
#[derive(Clone)]
pub struct Seeker<'a, K: HostKind> {
    hosts: &'a dyn HostSource<K>,
    /// What it is known by, in the order in which its host is looked for.
    pub identifiers: IdentifierList<'a>,
}

impl<K: HostKind> std::fmt::Debug for Seeker<'_, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seeker").field("identifiers", &self.identifiers).finish_non_exhaustive()
    }
}

impl<'a, K: HostKind> Seeker<'a, K> {
    /// Finds the identifiers of a client, by `of_kind`, of the kinds that hosts have, in their order.
    #[inline]
    pub fn new(
        hosts: &'a dyn HostSource<K>,
        order: &IdentifierOrder,
        of_kind: impl Fn(IdentifierKind) -> Option<&'a [u8]>,
    ) -> Self {
        let mut identifiers = IdentifierList::new();
        let kinds = hosts.kinds();
        for &kind in order {
            if kinds.contains(kind)
                && let Some(bytes) = of_kind(kind).filter(|bytes| !bytes.is_empty())
            {
                identifiers.push(Identifier { kind, bytes });
            }
        }
        Self { hosts, identifiers }
    }

    /// Looks for the host of the client; `label` names the client for the log.
    ///
    /// # Errors
    /// [`Parked`] when the source of hosts answers later.
    #[inline]
    pub fn find<L: Display>(
        &self,
        session: &mut Session<'_, K>,
        places: Places,
        label: impl Fn() -> L,
    ) -> Result<Option<Host<'a, K>>, Parked> {
        let id = session.host(places, &self.identifiers)?;
        let host = id.and_then(|id| self.hosts.host(id));
        if let Some(host) = host {
            let place = if host.is_global() { "the global scope" } else { "its subnet" };
            kea_log::log!(
                HOSTS,
                HOSTS_CFG_GET_ONE_SUBNET_ID_IDENTIFIER_HOST,
                label(),
                host.identifier.kind,
                place
            );
        }
        Ok(host)
    }
}
