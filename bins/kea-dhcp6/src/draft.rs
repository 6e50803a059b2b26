//! The answer to a message while it is being decided: what each identity association gets, and the status codes.
//!
//! A worker has one [`Draft`] and uses it for every packet, so that it allocates only while it grows. Deciding code may
//! run several times for one packet; each run begins with an empty draft.

use std::net::Ipv6Addr;
use std::ops::Range;

use libdhcp::v6::{IaKind, MessageType, StatusCode};
use libdhcpsrv::alloc6::{Bound6, Resource6, Sink6, Terms6, Times6, Withdrawal6};
use libdhcpsrv::hosts::HostId;
use libdhcpsrv::lease::LeaseType;

/// A status code with its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The code.
    pub code: StatusCode,
    /// Text for people.
    pub text: &'static str,
}

/// What became of an address or a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Given to the association by this message, or offered.
    New,
    /// The association had it and keeps it.
    Kept,
    /// The client must not use it: it goes out with lifetimes of 0.
    Lost,
}

/// One address or prefix of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The address or prefix.
    pub resource: Resource6,
    /// What became of it.
    pub fate: Fate,
    /// How long the association has it; no time when it is lost.
    pub times: Times6,
    /// Whether its lease stays as it is because it is young.
    pub is_cached: bool,
    /// The number of the candidate where it lies; nothing of what the client has not had.
    pub candidate: Option<usize>,
    /// The bits left out of a delegated prefix (RFC 6603): address and length.
    pub excluded: Option<(Ipv6Addr, u8)>,
    /// Whether it was given because it is reserved for the client.
    pub is_reserved: bool,
    /// Why it is lost, if the client had it.
    pub withdrawal: Option<Withdrawal6>,
}

impl Entry {
    /// Something that is lost.
    const fn lost(resource: Resource6) -> Self {
        Self {
            resource,
            fate: Fate::Lost,
            times: Times6 { preferred: 0, valid: 0 },
            is_cached: false,
            candidate: None,
            excluded: None,
            is_reserved: false,
            withdrawal: None,
        }
    }
}

/// One identity association of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// IA_NA or IA_PD.
    pub kind: IaKind,
    /// Its number.
    pub iaid: u32,
    /// T1 in seconds.
    pub t1: u32,
    /// T2 in seconds.
    pub t2: u32,
    /// Its entries among all of the draft.
    pub entries: Range<usize>,
    /// Its status, unless all is well.
    pub status: Option<Status>,
}

/// How it went with one address or prefix that a client released or declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The lease has ended, or is quarantined.
    Done,
    /// There is no lease.
    NoLease,
    /// The lease belongs to another association of the client.
    OtherAssociation,
    /// The lease belongs to another client.
    OtherClient,
}

impl Verdict {
    /// The status that the client is told.
    #[must_use]
    pub const fn status(self) -> (StatusCode, &'static str) {
        match self {
            Self::Done => (StatusCode::Success, "done"),
            Self::NoLease => (StatusCode::NoBinding, "there is no such lease"),
            Self::OtherAssociation => {
                (StatusCode::NoBinding, "the lease belongs to another association of this client")
            }
            Self::OtherClient => (StatusCode::NoBinding, "the lease belongs to another client"),
        }
    }
}

/// Something to tell the operator about a release or a decline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What kind of lease it is.
    pub lease_type: LeaseType,
    /// The association that the client names.
    pub iaid: u32,
    /// The address or prefix.
    pub resource: Resource6,
    /// How it went.
    pub verdict: Verdict,
}

/// An answer being made.
#[derive(Clone, Debug)]
pub struct Draft {
    /// ADVERTISE or REPLY.
    pub message_type: MessageType,
    /// Whether the answer is a REPLY to a SOLICIT (option 14).
    pub rapid_commit: bool,
    /// Whether the client is refused for its classes.
    pub is_rejected: bool,
    /// Status of the whole message.
    pub status: Option<Status>,
    /// Journal position that must be durable first; 0 for none.
    pub position: u64,
    /// The number of the candidate whose options go with the answer, and with which the next association begins: where
    /// something was given last.
    pub candidate: usize,
    /// The client's host, whose options go with the answer, unless it is that of the candidate.
    pub host: Option<HostId>,
    /// Candidate and host as they were before the association begun last.
    before: (usize, Option<HostId>),
    /// How releases and declines went.
    pub notes: Vec<Note>,
    associations: Vec<Association>,
    entries: Vec<Entry>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            message_type: MessageType::Reply,
            rapid_commit: false,
            is_rejected: false,
            status: None,
            position: 0,
            candidate: 0,
            host: None,
            before: (0, None),
            notes: Vec::new(),
            associations: Vec::new(),
            entries: Vec::new(),
        }
    }
}

impl Draft {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.associations.clear();
        self.entries.clear();
        self.notes.clear();
        self.message_type = MessageType::Reply;
        self.rapid_commit = false;
        self.is_rejected = false;
        self.status = None;
        self.position = 0;
        self.candidate = 0;
        self.host = None;
    }

    /// Begins an association; what is added from here on is its own.
    pub fn begin(&mut self, kind: IaKind, iaid: u32) -> &mut Association {
        let entries = self.entries.len()..self.entries.len();
        self.before = (self.candidate, self.host);
        self.associations.push(Association { kind, iaid, t1: 0, t2: 0, entries, status: None });
        let last = self.associations.len() - 1;
        &mut self.associations[last]
    }

    /// The association begun last.
    pub fn current(&mut self) -> Option<&mut Association> {
        self.associations.last_mut()
    }

    /// Adds an entry to the association begun last.
    pub fn add(&mut self, entry: Entry) {
        if let Some(association) = self.associations.last_mut() {
            self.entries.push(entry);
            association.entries.end = self.entries.len();
        }
    }

    /// Adds what the client believes to have and has not, with lifetimes of 0. `::` is a wish for a length (RFC 8168),
    /// which nobody has.
    pub fn add_lost(&mut self, resource: Resource6) {
        let own = self.associations.last().map_or(0..0, |association| association.entries.clone());
        let entries = self.entries.get(own).unwrap_or_default();
        let is_known = entries.iter().any(|entry| entry.resource == resource);
        if !is_known && !resource.address.is_unspecified() {
            self.add(Entry::lost(resource));
        }
    }

    /// Sets the status of the association begun last.
    pub fn set_status(&mut self, code: StatusCode, text: &'static str) {
        if let Some(association) = self.associations.last_mut() {
            association.status = Some(Status { code, text });
        }
    }

    /// Sets T1 and T2 of the association begun last, from the shortest time for which one of its entries is preferred.
    pub fn set_tees(&mut self, tees: impl FnOnce(u32) -> (u32, u32)) {
        let Self { associations, entries, .. } = self;
        let Some(association) = associations.last_mut() else { return };
        let own = entries.get(association.entries.clone()).unwrap_or_default();
        let given = own.iter().filter(|entry| entry.fate != Fate::Lost);
        let preferred = given.map(|entry| entry.times.preferred).filter(|&seconds| seconds > 0);
        (association.t1, association.t2) = tees(preferred.min().unwrap_or(0));
    }

    /// Notes bits that are left out of the delegated prefixes of the association begun last.
    pub fn exclude(&mut self, mut excluded: impl FnMut(&Entry) -> Option<(Ipv6Addr, u8)>) {
        let own = self.associations.last().map_or(0..0, |association| association.entries.clone());
        for entry in self.entries.get_mut(own).unwrap_or_default() {
            if entry.fate != Fate::Lost {
                entry.excluded = excluded(entry);
            }
        }
    }

    /// Everything that is given, of all associations.
    pub fn given(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.fate != Fate::Lost)
    }

    /// All associations in the order of the message.
    #[must_use]
    pub fn associations(&self) -> &[Association] {
        &self.associations
    }

    /// The entries of an association.
    #[must_use]
    pub fn entries(&self, association: &Association) -> &[Entry] {
        self.entries.get(association.entries.clone()).unwrap_or_default()
    }
}

impl Sink6 for Draft {
    fn reset(&mut self) {
        if let Some(association) = self.associations.last_mut() {
            self.entries.truncate(association.entries.start);
            association.entries.end = association.entries.start;
        }
        (self.candidate, self.host) = self.before;
    }

    fn take(&mut self, bound: Bound6, terms: Terms6) {
        let (resource, fate, withdrawal) = match bound {
            Bound6::New(resource) | Bound6::Reserved(resource) => (resource, Fate::New, None),
            Bound6::Kept(resource) | Bound6::Cached(resource) => (resource, Fate::Kept, None),
            Bound6::Withdrawn(resource, why) => (resource, Fate::Lost, Some(why)),
        };
        let lost = Entry { candidate: Some(terms.candidate), withdrawal, ..Entry::lost(resource) };
        if fate == Fate::Lost {
            return self.add(lost);
        }
        self.candidate = terms.candidate;
        self.host = self.host.or(terms.host);
        let is_reserved = matches!(bound, Bound6::Reserved(_));
        let is_cached = matches!(bound, Bound6::Cached(_));
        self.add(Entry { fate, times: terms.times, is_reserved, is_cached, ..lost });
    }

    fn is_given(&self, resource: Resource6) -> bool {
        self.given().any(|entry| entry.resource == resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms6 =
        Terms6 { candidate: 0, host: None, times: Times6 { preferred: 300, valid: 400 } };

    fn resource(last: u16) -> Resource6 {
        let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last);
        Resource6 { address, prefix_len: 128 }
    }

    #[test]
    fn entries_belong_to_the_association_begun_last() {
        let mut draft = Draft::default();
        draft.begin(IaKind::Na, 1);
        draft.take(Bound6::New(resource(1)), TERMS);
        draft.begin(IaKind::Na, 2);
        draft.take(Bound6::Kept(resource(2)), TERMS);
        draft.add_lost(resource(2));
        draft.add_lost(resource(3));
        let fates = draft.associations().iter().map(|association| {
            draft.entries(association).iter().map(|entry| entry.fate).collect::<Vec<_>>()
        });
        let fates: Vec<_> = fates.collect();
        assert_eq!(fates, [vec![Fate::New], vec![Fate::Kept, Fate::Lost]]);
        assert!(draft.is_given(resource(1)) && !draft.is_given(resource(3)));
    }

    #[test]
    fn the_shortest_preferred_lifetime_decides_about_the_timers() {
        let mut draft = Draft::default();
        draft.begin(IaKind::Na, 1);
        draft.take(Bound6::Kept(resource(1)), TERMS);
        draft.take(
            Bound6::Kept(resource(2)),
            Terms6 { times: Times6 { preferred: 200, valid: 400 }, ..TERMS },
        );
        draft.add_lost(resource(3));
        draft.set_tees(|preferred| (preferred / 2, preferred));
        let association = &draft.associations()[0];
        assert_eq!((association.t1, association.t2), (100, 200));
    }

    #[test]
    fn a_decision_made_anew_forgets_only_its_own_association() {
        let mut draft = Draft::default();
        draft.begin(IaKind::Na, 1);
        draft.take(Bound6::New(resource(1)), TERMS);
        draft.begin(IaKind::Pd, 2);
        draft.take(Bound6::New(resource(2)), TERMS);
        draft.reset();
        assert!(draft.is_given(resource(1)) && !draft.is_given(resource(2)));
        let elsewhere = Terms6 { candidate: 3, host: Some(HostId(7)), ..TERMS };
        draft.take(Bound6::Reserved(resource(3)), elsewhere);
        assert_eq!((draft.candidate, draft.host), (3, Some(HostId(7))));
        draft.reset();
        assert_eq!((draft.candidate, draft.host), (0, None));
        draft.clear();
        assert!(draft.associations().is_empty() && !draft.is_given(resource(1)));
    }
}
