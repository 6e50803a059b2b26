//! Who clients are, and the fields of a message that the simulation looks at.

use libdhcp::v6::{IaKind, MessageType, SpanTable, View, code};
use libdhcpsrv::lease::LeaseType;
use libdhcpsrv::lease6::Lease6;

use super::configuration::{DUID, link_of};
use crate::spans::Span;

/// An association of a client: what leases belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) duid: Vec<u8>,
    pub(crate) lease_type: LeaseType,
    pub(crate) iaid: u32,
}

impl Owner {
    /// The owner of a stored lease.
    pub(crate) fn of(lease: &Lease6) -> Self {
        Self { duid: lease.duid.clone(), lease_type: lease.lease_type, iaid: lease.iaid }
    }
}

/// An address or prefix in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) span: Span,
    pub(crate) preferred: u32,
    pub(crate) valid: u32,
}

/// An association in a message.
#[derive(Clone, Debug)]
pub(crate) struct Association {
    pub(crate) kind: IaKind,
    pub(crate) iaid: u32,
    pub(crate) t1: u32,
    pub(crate) t2: u32,
    pub(crate) entries: Vec<Entry>,
    pub(crate) status: Option<u16>,
}

impl Association {
    /// Whose it is.
    pub(crate) fn owner(&self, duid: &[u8]) -> Owner {
        Owner { duid: duid.to_vec(), lease_type: lease_type_of(self.kind), iaid: self.iaid }
    }

    /// What it gives the client.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.valid > 0)
    }

    /// What the client must not use any longer.
    pub(crate) fn lost(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.valid == 0)
    }
}

pub(crate) fn lease_type_of(kind: IaKind) -> LeaseType {
    match kind {
        IaKind::Na => LeaseType::Na,
        IaKind::Ta => LeaseType::Ta,
        IaKind::Pd => LeaseType::Pd,
    }
}

/// A message, read.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) kind: MessageType,
    pub(crate) xid: [u8; 3],
    /// Empty when there is none.
    pub(crate) duid: Vec<u8>,
    pub(crate) associations: Vec<Association>,
    pub(crate) status: Option<u16>,
    pub(crate) rapid_commit: bool,
    /// Whether it names another server.
    pub(crate) is_astray: bool,
    /// The link that it comes from or goes to.
    pub(crate) link: u8,
}

impl Read {
    /// Reads a query.
    pub(crate) fn query(payload: &[u8]) -> Option<Self> {
        let mut spans = SpanTable::default();
        Self::new(&View::parse(payload, &mut spans).ok()?)
    }

    /// Reads a reply.
    pub(crate) fn reply(payload: &[u8]) -> Option<Self> {
        let mut spans = SpanTable::default();
        Self::new(&View::parse_reply(payload, &mut spans).ok()?)
    }

    fn new(view: &View<'_>) -> Option<Self> {
        let mut associations = Vec::new();
        for ia in view.ias() {
            let ia = ia.ok()?;
            let mut entries = Vec::new();
            for address in ia.addresses() {
                let address = address.ok()?;
                let (preferred, valid) = (address.preferred, address.valid);
                entries.push(Entry { span: Span::new(address.address, 128), preferred, valid });
            }
            for prefix in ia.prefixes() {
                let prefix = prefix.ok()?;
                let (preferred, valid) = (prefix.preferred, prefix.valid);
                entries.push(Entry {
                    span: Span::new(prefix.prefix, prefix.len),
                    preferred,
                    valid,
                });
            }
            let status = ia.status().map(|(status, _)| status);
            let (kind, iaid, t1, t2) = (ia.kind, ia.iaid, ia.t1, ia.t2);
            associations.push(Association { kind, iaid, t1, t2, entries, status });
        }
        let duid = view.client_id().ok()?;
        Some(Self {
            kind: view.message_type()?,
            xid: view.transaction_id(),
            duid: duid.map(|duid| duid.bytes().to_vec()).unwrap_or_default(),
            associations,
            status: view.status().ok()?.map(|(status, _)| status),
            rapid_commit: view.rapid_commit(),
            is_astray: view.option(code::SERVERID).is_some_and(|server| server != DUID),
            link: link_of(view),
        })
    }

    /// Whether it is a query upon which the server may make, change or end leases of its associations.
    pub(crate) fn assigns(&self) -> bool {
        match self.kind {
            _ if self.is_astray => false,
            MessageType::Request | MessageType::Renew | MessageType::Rebind => true,
            MessageType::Solicit => self.rapid_commit,
            _ => false,
        }
    }
}
