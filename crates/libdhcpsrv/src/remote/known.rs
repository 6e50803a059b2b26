//! What a worker was told of each client a moment ago: its lease or that it has none, and what was on another address.
//!
//! A client that asks for what it was just offered costs one question to the database less: the answer that came before the
//! offer still counts for the request. Nothing depends on its being true, because a change is made only if the row still is
//! what was read, or there still is none. Only a client that takes an offer of this server is answered by it: one that
//! confirms a lease may have got that from another server, which had picked the same address.
//!
//! Of each client the last answer is kept. The next time that its leases are looked for uses it up, and so does a change of
//! its lease: whoever meets a conflict reads anew. The table is of fixed size and keyed by a seeded hash of the client; a
//! newer answer may push another client's out, which costs that a question.

use util::Now;

use crate::lease::{SubnetId, Version};

/// Entries of the table, a power of two: enough for the exchanges that can be in progress and as many offers that
/// are being considered.
const ENTRIES: usize = 1 << 14;
/// Time for which an answer counts: clients ask for what they are offered within a few seconds.
const LIFETIME_NS: u64 = 5_000_000_000;

/// The last answers of one worker, about addresses of type `A`.
#[derive(Debug)]
pub(super) struct Known<A> {
    entries: Box<[Entry<A>]>,
}

/// What was told of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact<A> {
    /// The subnet in which it was looked for.
    pub(super) subnet: SubnetId,
    /// Its lease there.
    pub(super) own: Option<Version>,
    /// Whether it has another one behind that.
    pub(super) more: bool,
    /// An address that was looked at as well, and the lease of it.
    pub(super) at: Option<(A, Option<Version>)>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<A> {
    client: u64,
    at_ns: u64,
    fact: Option<Fact<A>>,
}

impl<A: Copy> Default for Known<A> {
    fn default() -> Self {
        Self { entries: vec![Entry { client: 0, at_ns: 0, fact: None }; ENTRIES].into() }
    }
}

impl<A: Copy> Known<A> {
    /// Takes note of what was told of a client.
    pub(super) fn note(&mut self, client: u64, fact: Fact<A>, now: Now) {
        *self.entry(client) = Entry { client, at_ns: now.mono_ns, fact: Some(fact) };
    }

    /// Takes note of what was told of an address later on, if something is known of the client.
    pub(super) fn note_address(&mut self, client: u64, address: A, lease: Option<Version>) {
        let entry = self.entry(client);
        if let Some(fact) = entry.fact.as_mut().filter(|_| entry.client == client) {
            fact.at = Some((address, lease));
        }
    }

    /// Forgets what is known of a client.
    pub(super) fn forget(&mut self, client: u64) {
        let entry = self.entry(client);
        if entry.client == client {
            entry.fact = None;
        }
    }

    /// Uses up what is known of a client.
    pub(super) fn take(&mut self, client: u64, now: Now) -> Option<Fact<A>> {
        let entry = self.entry(client);
        let is_recent = now.mono_ns.saturating_sub(entry.at_ns) <= LIFETIME_NS;
        let is_its_own = entry.client == client;
        let fact = if is_its_own { entry.fact.take() } else { None };
        fact.filter(|_| is_recent)
    }

    fn entry(&mut self, client: u64) -> &mut Entry<A> {
        &mut self.entries[client as usize & (ENTRIES - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Fact<u32> =
        Fact { subnet: SubnetId(1), own: None, more: false, at: Some((7, None)) };

    #[test]
    fn fact_counts_once_for_its_client_and_for_a_while() {
        let now = Now::from_secs;
        let mut known = Known::default();
        known.note(1, ABSENT, now(10));
        assert_eq!(known.take(2, now(10)), None);
        assert_eq!(known.take(1, now(15)), Some(ABSENT));
        assert_eq!(known.take(1, now(15)), None, "it was used");
        known.note(1, ABSENT, now(10));
        assert_eq!(known.take(1, now(16)), None, "it is old");
        known.note(1, ABSENT, now(10));
        known.forget(1);
        assert_eq!(known.take(1, now(10)), None);
    }

    #[test]
    fn last_answer_of_a_client_counts_and_others_may_push_it_out() {
        let now = Now::from_secs(1);
        let mut known = Known::default();
        known.note_address(1, 8, None);
        assert_eq!(known.take(1, now), None, "of its own lease nothing is known");
        known.note(1, ABSENT, now);
        known.note_address(1, 8, Some(Version::new(3, 4)));
        let at = Some((8, Some(Version::new(3, 4))));
        assert_eq!(known.take(1, now), Some(Fact { at, ..ABSENT }));
        known.note(1, ABSENT, now);
        let rival = 1 + ENTRIES as u64;
        known.forget(rival);
        known.note_address(rival, 9, None);
        assert_eq!(known.take(rival, now), None);
        known.note(rival, ABSENT, now);
        assert_eq!((known.take(1, now), known.take(rival, now)), (None, Some(ABSENT)));
    }
}
