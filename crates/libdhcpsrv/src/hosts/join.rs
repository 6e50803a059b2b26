//! The hosts of a configuration and of its databases as one source.
//!
//! Place by place (the subnet, then everywhere) the configuration counts first, then the databases in the order of the
//! file; so they are asked about nobody whom the configuration knows in the first place. Without databases this is the
//! table of the configuration and costs nothing beyond it.
//!
//! Kea asks each source by one identifier after the other; here a source is asked by all of them, so with several
//! identifiers a host of the configuration counts even if a database knows the client by one that comes earlier.

use std::cell::RefCell;
use std::sync::Arc;

use arrayvec::ArrayVec;
use util::Now;

use super::cache::StoredHolding;
use super::desk::{HostDatabases, HostDesk, HostQuery, OwnedIdentifier};
use super::pending::block_of;
use super::{
    Holder, Host, HostId, HostKind, HostQuestion, HostSource, HostView, Hosts, Identifier, KindSet,
    LearnedHosts, Places, StoredHost,
};
use crate::lease::{AddressOf, SubnetId};
use crate::session::{Answer, Submitted, Ticket};

/// Places that one request asks about.
const PLACES_MAX: usize = 64;

/// The hosts of one exchange.
#[derive(Debug)]
pub struct JoinedHosts<'a, K: HostKind> {
    view: HostView<'a, K>,
    late: Option<Late<'a, K>>,
}

/// What hosts of databases need.
#[derive(Debug)]
struct Late<'a, K: HostKind> {
    databases: &'a HostDatabases<K>,
    desk: &'a HostDesk<K>,
    learned: &'a LearnedHosts<K>,
    now: Now,
    /// Places that the exchange will ask about soon.
    foreseen: RefCell<ArrayVec<SubnetId, PLACES_MAX>>,
}

impl<'a, K: HostKind> JoinedHosts<'a, K> {
    /// Joins a configuration and its databases, if it has any, for one run of an exchange: `desk` takes the questions of
    /// its worker, `learned` keeps what it is told.
    #[must_use]
    #[inline]
    pub fn new(
        table: &'a Hosts<K>,
        databases: Option<&'a HostDatabases<K>>,
        desk: &'a HostDesk<K>,
        learned: &'a LearnedHosts<K>,
        now: Now,
    ) -> Self {
        let view = HostView::new(table, databases.map(|_| learned));
        let late = databases.map(|databases| {
            let foreseen = RefCell::default();
            Late { databases, desk, learned, now, foreseen }
        });
        Self { view, late }
    }

    /// Its hosts by their numbers.
    #[must_use]
    #[inline]
    pub fn view(&self) -> HostView<'a, K> {
        self.view
    }
}

impl<K: HostKind> HostSource<K> for JoinedHosts<'_, K> {
    fn kinds(&self) -> KindSet {
        self.view.kinds()
    }

    fn as_table(&self) -> Option<&Hosts<K>> {
        self.late.is_none().then(|| self.view.table())
    }

    fn foresee(&self, places: &mut dyn Iterator<Item = SubnetId>) {
        if let Some(late) = &self.late {
            let mut foreseen = late.foreseen.borrow_mut();
            let room = foreseen.remaining_capacity();
            foreseen.extend(places.take(room));
        }
    }

    fn submit(&self, question: &HostQuestion<'_, K>) -> Submitted<K> {
        let Some(late) = &self.late else { return self.view.table().submit(question) };
        match *question {
            HostQuestion::Of { places, identifiers } => {
                match late.find(self.view.table(), places, identifiers) {
                    Ok(id) => Submitted::Ready(Answer::Host(id)),
                    Err(ticket) => Submitted::Waiting(ticket),
                }
            }
            HostQuestion::Holder { places, address, prefix_len, identifiers } => {
                let known = self.view.table().holder(places, address, prefix_len, identifiers);
                let holder = match known {
                    Holder::Nobody => late.holder(places, (address, prefix_len), identifiers),
                    known => Ok(known),
                };
                match holder {
                    Ok(holder) => Submitted::Ready(Answer::Holder(holder)),
                    Err(ticket) => Submitted::Waiting(ticket),
                }
            }
        }
    }

    fn host(&self, id: HostId) -> Option<Host<'_, K>> {
        self.view.get(id)
    }
}

impl<K: HostKind> Late<'_, K> {
    /// The host of a client, or the ticket of a question.
    fn find(
        &self,
        table: &Hosts<K>,
        places: Places,
        identifiers: &[Identifier<'_>],
    ) -> Result<Option<HostId>, Ticket> {
        if identifiers.is_empty() {
            return Ok(None);
        }
        for place in places.iter() {
            if let Some(id) = table.find(Places::only(place), identifiers) {
                return Ok(Some(id));
            }
            match self.known(place, identifiers) {
                Some(Some(host)) => return Ok(Some(self.learned.lend(&host))),
                Some(None) => {}
                None => return Err(self.ask_for(table, place, places, identifiers)),
            }
        }
        Ok(None)
    }

    /// Asks for the host of a client in a place, and wherever else the client may have one.
    fn ask_for(
        &self,
        table: &Hosts<K>,
        missing: SubnetId,
        places: Places,
        identifiers: &[Identifier<'_>],
    ) -> Ticket {
        let foreseen = self.foreseen.borrow();
        let mut subnets = ArrayVec::<SubnetId, PLACES_MAX>::new();
        subnets.push(missing);
        for place in places.iter().chain(foreseen.iter().copied()) {
            let is_open = !subnets.contains(&place)
                && table.find(Places::only(place), identifiers).is_none()
                && self.known(place, identifiers).is_none();
            if is_open && subnets.try_push(place).is_err() {
                break;
            }
        }
        let identifiers = identifiers
            .iter()
            .map(|id| OwnedIdentifier { kind: id.kind, bytes: id.bytes.into() })
            .collect();
        let subnets = subnets.as_slice().into();
        self.desk.ask(self.databases, HostQuery::Of { subnets, identifiers })
    }

    fn known(
        &self,
        place: SubnetId,
        identifiers: &[Identifier<'_>],
    ) -> Option<Option<Arc<StoredHost<K>>>> {
        self.desk.host_of(self.learned, self.databases, place, identifiers, self.now)
    }

    /// For whom something is reserved in databases, or the ticket of a question.
    fn holder(
        &self,
        places: Places,
        (address, prefix_len): (AddressOf<K>, u8),
        identifiers: &[Identifier<'_>],
    ) -> Result<Holder, Ticket> {
        let (first, last) = block_of::<K>(address);
        let known =
            |place| self.desk.holdings_in(self.learned, self.databases, place, first, self.now);
        let mut holder = Holder::Nobody;
        for place in places.iter() {
            let Some(holdings) = known(place) else {
                let is_open = |other: &SubnetId| *other == place || known(*other).is_none();
                let subnets = places.iter().filter(is_open).collect();
                let query = HostQuery::Holders { subnets, first, last };
                return Err(self.desk.ask(self.databases, query));
            };
            let is_it =
                |own: &&StoredHolding<K>| own.address == address && own.prefix_len == prefix_len;
            for own in holdings.iter().filter(is_it) {
                let own = Identifier { kind: own.kind, bytes: &own.identifier };
                if identifiers.contains(&own) {
                    return Ok(Holder::Client);
                }
                holder = Holder::Other;
            }
        }
        Ok(holder)
    }
}
