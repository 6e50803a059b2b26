//! What one exchange has learned about hosts from databases, and the hosts that it was lent.
//!
//! An exchange asks, waits and runs again; what it has been told stays here until it ends, over a new configuration too.
//! Hosts are only ever added, each to a place that does not move, so that they can be lent while others come.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use super::cache::Fact;
use super::{Host, HostId, HostKind, Hosts, KindSet, StoredHost};

/// Set in the numbers of hosts that are not of the configuration.
const LEARNED: u32 = 1 << 31;
/// Hosts of one page: most exchanges have one host, few more than two.
const PAGE_LEN: usize = 4;

/// What one exchange has learned about hosts.
#[derive(Debug)]
pub struct LearnedHosts<K: HostKind> {
    hosts: Page<K>,
    /// What it has been told, by question.
    facts: RefCell<Vec<Learned<K>>>,
}

/// A question, as it is remembered by, and its answer.
type Learned<K> = (Box<[u8]>, Fact<K>);

/// Hosts, from which others lead on.
#[derive(Debug)]
struct Page<K: HostKind> {
    slots: [OnceCell<Arc<StoredHost<K>>>; PAGE_LEN],
    next: OnceCell<Box<Self>>,
}

impl<K: HostKind> Default for Page<K> {
    fn default() -> Self {
        Self { slots: std::array::from_fn(|_| OnceCell::new()), next: OnceCell::new() }
    }
}

impl<K: HostKind> Default for LearnedHosts<K> {
    fn default() -> Self {
        Self { hosts: Page::default(), facts: RefCell::default() }
    }
}

impl<K: HostKind> LearnedHosts<K> {
    /// Forgets everything.
    #[inline]
    pub fn clear(&mut self) {
        if self.hosts.slots[0].get().is_some() {
            self.hosts = Page::default();
        }
        self.facts.get_mut().clear();
    }

    /// The host with a number that it was given here.
    #[must_use]
    pub fn get(&self, id: HostId) -> Option<Host<'_, K>> {
        let mut place = (id.0 & !LEARNED) as usize;
        let mut page = &self.hosts;
        while place >= PAGE_LEN {
            page = page.next.get()?;
            place -= PAGE_LEN;
        }
        Some(page.slots.get(place)?.get()?.as_host(id))
    }

    /// Gives a host a number, the one that it has if it is here.
    pub(super) fn lend(&self, host: &Arc<StoredHost<K>>) -> HostId {
        let mut page = &self.hosts;
        let mut number = LEARNED;
        loop {
            for slot in &page.slots {
                if Arc::ptr_eq(slot.get_or_init(|| Arc::clone(host)), host) {
                    return HostId(number);
                }
                number += 1;
            }
            page = page.next.get_or_init(Box::default);
        }
    }

    /// What the exchange has been told in answer to a question.
    pub(super) fn fact(&self, key: &[u8]) -> Option<Fact<K>> {
        let facts = self.facts.borrow();
        facts.iter().find(|(known, _)| **known == *key).map(|(_, fact)| fact.clone())
    }

    /// Notes what the exchange has been told.
    pub(super) fn learn(&self, key: &[u8], fact: Fact<K>) {
        self.facts.borrow_mut().push((key.into(), fact));
    }
}

/// The hosts of an exchange by their numbers: those of the configuration, and those that it was lent by databases.
#[derive(Clone, Copy, Debug)]
pub struct HostView<'a, K: HostKind> {
    table: &'a Hosts<K>,
    /// None where there are no databases.
    learned: Option<&'a LearnedHosts<K>>,
}

impl<'a, K: HostKind> HostView<'a, K> {
    /// The hosts of the configuration alone.
    #[must_use]
    pub fn of_table(table: &'a Hosts<K>) -> Self {
        Self { table, learned: None }
    }

    /// The hosts of the configuration, and of databases if there are any.
    #[must_use]
    pub fn new(table: &'a Hosts<K>, learned: Option<&'a LearnedHosts<K>>) -> Self {
        Self { table, learned }
    }

    /// The host with a number.
    #[must_use]
    #[inline]
    pub fn get(self, id: HostId) -> Option<Host<'a, K>> {
        if id.0 & LEARNED == 0 { self.table.get(id) } else { self.learned?.get(id) }
    }

    /// The kinds of identifiers that hosts are known by: whatever there is in databases.
    #[must_use]
    #[inline]
    pub fn kinds(self) -> KindSet {
        if self.learned.is_some() { KindSet::ALL } else { self.table.kinds() }
    }

    /// The hosts of the configuration.
    #[must_use]
    pub(super) fn table(self) -> &'a Hosts<K> {
        self.table
    }
}
