//! Who holds which address or prefix, judged from packets alone.
//!
//! A hold begins when the server decides on a REPLY and counts from then on; when the REPLY has left the server, it also
//! has to survive crashes. It ends when its time is over (by the latest wall clock ever shown), when its client
//! releases or declines it, or when a query arrives upon which the server has to withdraw it because its subnet does
//! not give it out any more. Nothing is granted that overlaps somebody's hold, or a declined address.

use libdhcpsrv::config6::Config6;
use libdhcpsrv::lease::LeaseState;
use libdhcpsrv::lease6::LeaseStore6;

use super::packets::Owner;
use crate::clock::Clock;
use crate::spans::{Span, Spans};

/// What an association was granted.
#[derive(Clone, Debug)]
struct Hold {
    owner: Owner,
    subnet_id: u32,
    /// Last second of the lease.
    ends: i64,
    /// Last second that the client has been told.
    told: Option<i64>,
    /// Whether a query has been processed since that may have changed its end without a reply: one of several leases
    /// was renewed, for a shorter time perhaps, and another one could not be stored.
    is_touched: bool,
}

/// A declined address.
#[derive(Clone, Copy, Debug)]
struct Quarantine {
    /// Its last second.
    until: i64,
    /// Whether the REPLY has left.
    is_told: bool,
}

/// What was granted to whom.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    holds: Spans<Hold>,
    declined: Spans<Quarantine>,
    /// What clients were told to have released.
    released: Spans<Owner>,
}

impl Oracle {
    /// The server has decided to grant something until a second of the wall clock.
    pub(crate) fn granted(
        &mut self,
        owner: &Owner,
        subnet_id: u32,
        (span, ends): (Span, i64),
        clock: &Clock,
    ) {
        let wall_max = clock.wall_max;
        let mut told = None;
        let mut over = Vec::new();
        for (other, hold) in self.holds.overlapping(span) {
            if other == span && hold.owner == *owner {
                told = hold.told;
                continue;
            }
            assert!(
                hold.ends < wall_max || hold.is_touched || is_revived(clock, span, other),
                "{span} was granted to {owner:?} while {:?} holds {other} until {} ({wall_max})",
                hold.owner,
                hold.ends
            );
            over.push(other);
        }
        for other in over {
            self.holds.remove(other);
        }
        let mut over = Vec::new();
        for (other, quarantine) in self.declined.overlapping(span) {
            let is_over = quarantine.until < wall_max;
            assert!(is_over, "{span} was granted during the quarantine of {other}");
            over.push(other);
        }
        for other in over {
            self.declined.remove(other);
        }
        self.released.remove(span);
        // When the clock was set back, a renewal ends earlier than the lease before.
        let told = told.filter(|&told| told >= wall_max).map(|told| told.min(ends));
        let owner = owner.clone();
        self.holds.insert(span, Hold { owner, subnet_id, ends, told, is_touched: false });
    }

    /// What is offered must not be somebody else's.
    pub(crate) fn offered(&self, owner: &Owner, span: Span, clock: &Clock) {
        let wall_max = clock.wall_max;
        for (other, hold) in self.holds.overlapping(span) {
            assert!(
                hold.owner == *owner && other == span
                    || hold.ends < wall_max
                    || hold.is_touched
                    || is_revived(clock, span, other),
                "{span} was offered to {owner:?} while {:?} holds {other} until {} ({wall_max})",
                hold.owner,
                hold.ends
            );
        }
    }

    /// The REPLY with this grant has left the server.
    pub(crate) fn told(&mut self, owner: &Owner, span: Span, ends: i64) {
        if let Some(hold) = self.holds.get_mut(span).filter(|hold| hold.owner == *owner) {
            hold.told = Some(ends.min(hold.ends));
        }
    }

    /// A query has reached the server that may change the leases of these associations: what their subnets do not give
    /// out any more will be withdrawn. Returns that.
    pub(crate) fn asked(&mut self, config: &Config6, owners: &[Owner]) -> Vec<Span> {
        let mut withdrawn = Vec::new();
        self.holds.retain(|span, hold| {
            if !owners.contains(&hold.owner) {
                return true;
            }
            hold.is_touched = true;
            let subnet = config.subnets.iter().find(|subnet| subnet.id == hold.subnet_id);
            let is_kept = subnet.is_none_or(|subnet| {
                let mut pools = config.pools_of(subnet).iter().chain(config.pd_pools_of(subnet));
                pools.any(|pool| pool.unit_len == span.len && pool.contains(span.address()))
            });
            if !is_kept {
                withdrawn.push(span);
            }
            is_kept
        });
        self.released.retain(|_, owner| !owners.contains(owner));
        withdrawn
    }

    /// A RELEASE or DECLINE has reached the server.
    pub(crate) fn given_up(&mut self, owner: &Owner, span: Span) {
        if self.holds.get(span).is_some_and(|hold| hold.owner == *owner) {
            self.holds.remove(span);
        }
    }

    /// The client has been told that it has released something.
    pub(crate) fn told_released(&mut self, owner: &Owner, span: Span) {
        if self.holds.get(span).is_none() {
            self.released.insert(span, owner.clone());
        }
    }

    /// The server has put an address into quarantine.
    pub(crate) fn declined(&mut self, span: Span, until: i64) {
        self.declined.insert(span, Quarantine { until, is_told: false });
    }

    /// The client has been told so.
    pub(crate) fn told_declined(&mut self, span: Span) {
        if let Some(quarantine) = self.declined.get_mut(span) {
            quarantine.is_told = true;
        }
    }

    /// The server has come back: everything that was told must be there. Returns how many leases were looked for.
    /// `is_late` when a change that nobody knows of yet may have been stored.
    pub(crate) fn recovered(&mut self, store: &LeaseStore6, is_late: bool, wall_max: i64) -> u64 {
        let mut count = 0;
        self.holds.retain(|span, hold| {
            let Some(told) = hold.told.filter(|&told| told >= wall_max) else { return false };
            let Some(lease) = store.lease(span.address()) else {
                panic!("the lease of {span}, told to {:?}, is lost", hold.owner);
            };
            let owner = Owner::of(&lease);
            let ends = lease.cltt + i64::from(lease.valid_lifetime);
            assert!(
                owner == hold.owner
                    && lease.prefix_len == span.len
                    && lease.state == LeaseState::Default,
                "{span}, told to {:?}, came back as {lease:?}",
                hold.owner
            );
            assert!(
                ends >= told || hold.is_touched || is_late,
                "{span} came back until {ends}, but {told} was told"
            );
            hold.ends = hold.ends.min(ends);
            count += 1;
            true
        });
        let stored = |span: Span| store.lease(span.address());
        self.declined.retain(|span, quarantine| {
            let is_kept = stored(span).is_some_and(|lease| lease.state == LeaseState::Declined);
            let is_needed = quarantine.is_told && quarantine.until >= wall_max;
            assert!(is_kept || !is_needed, "the quarantine of {span} is lost");
            is_kept
        });
        self.released.retain(|span, owner| {
            let back = stored(span).filter(|lease| Owner::of(lease) == *owner);
            let is_back = back.is_some_and(|lease| lease.state == LeaseState::Default);
            assert!(!is_back || is_late, "{span} is back though {owner:?} has released it");
            true
        });
        count
    }
}

/// Whether a lease that was over may live again, because the clock was set back, while another one has got what
/// overlaps it. After a restart nobody can tell which of the two came first; only one of them may go on.
fn is_revived(clock: &Clock, span: Span, other: Span) -> bool {
    span != other && clock.now().wall_s < clock.wall_max
}
