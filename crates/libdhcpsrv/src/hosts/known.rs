//! Looking for the hosts of one client.

use std::fmt::Display;

use libdhcp::ColonHex;

use super::{
    Host, HostKind, HostView, Identifier, IdentifierKind, IdentifierList, IdentifierOrder, Places,
};
use crate::explain;
use crate::explain::{Bytes, Explanation, List, Topic};
use crate::loggers::HOSTS;
use crate::messages::HOSTS_CFG_GET_ONE_SUBNET_ID_IDENTIFIER_HOST;
use crate::session::{Parked, Session};

/// A client that is looked for among hosts, perhaps in several places.
#[derive(Clone)]
pub struct Seeker<'a, K: HostKind> {
    hosts: HostView<'a, K>,
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
        hosts: HostView<'a, K>,
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
        let host = id.and_then(|id| self.hosts.get(id));
        if let Some(explanation) = session.explanation() {
            self.explain(explanation, places, host);
        }
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

    /// Tells what was looked for, where, and what was found.
    #[cold]
    fn explain(&self, say: &Explanation, places: Places, host: Option<Host<'a, K>>) {
        let place = match (places.subnet, places.global) {
            (Some(subnet), false) => format!("in subnet {}", subnet.0),
            (Some(subnet), true) => format!("in subnet {} and everywhere", subnet.0),
            (None, _) => "everywhere".to_owned(),
        };
        let Some(host) = host else {
            let tried = self.identifiers.iter();
            let tried = tried.map(|id| format!("{} {}", id.kind, ColonHex(id.bytes)));
            let tried = List(tried, ", ");
            return match self.identifiers.is_empty() {
                true => explain!(
                    Some(say),
                    Topic::Reservation,
                    "none {place}: no reservation is by an identifier that the client has"
                ),
                false => explain!(Some(say), Topic::Reservation, "none {place} by {tried}"),
            };
        };
        let Identifier { kind, bytes } = host.identifier;
        let of = if host.is_global() { "everywhere" } else { "in its subnet" };
        explain!(Some(say), Topic::Reservation, "found {of} by {kind} {}", ColonHex(bytes));
        for own in host.resources {
            let what = if own.is_prefix { "prefix" } else { "address" };
            let len = if own.is_prefix { format!("/{}", own.prefix_len) } else { String::new() };
            explain!(Some(say), Topic::Reservation, "  {what}\t{}{len}", own.address);
        }
        if !host.hostname.is_empty() {
            explain!(Some(say), Topic::Reservation, "  host name\t{}", Bytes(host.hostname));
        }
    }
}
