//! Rules about the leases of a subnet that both servers have: which free address is chosen, when a renewal is stored.
//!
//! They are cold or the same in most subnets, so subnets share them. What packet code asks is a method here.

use std::sync::Arc;

use crate::lease::{INFINITE, LeaseState};
use crate::names::NameRules;

/// How a free address or prefix is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocator {
    /// One after the other, pool by pool in the order of the file.
    #[default]
    Iterative,
    /// By chance.
    Random,
    /// Whatever has been free for longest, from the pools in turn by chance: what one client leaves is given to another
    /// as late as can be.
    FreeLeaseQueue,
}

impl Allocator {
    /// The values of `allocator` and `pd-allocator`.
    pub(crate) const NAMES: [(&'static str, Self); 3] =
        [("iterative", Self::Iterative), ("random", Self::Random), ("flq", Self::FreeLeaseQueue)];

    /// The allocator with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, allocator)| *allocator)
    }

    /// As in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Iterative => "iterative",
            Self::Random => "random",
            Self::FreeLeaseQueue => "flq",
        }
    }
}

/// Rules about the leases of a subnet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaseRules {
    /// `allocator`.
    pub allocator: Allocator,
    /// `pd-allocator`.
    pub pd_allocator: Allocator,
    /// When a renewal is not stored.
    pub cache: LeaseCache,
    /// `offer-lifetime`: seconds for which an offer is stored; 0 for not at all. Of DHCPv4 alone.
    pub offer_lifetime: u32,
    /// `store-extended-info`: whether what relays say of a client is kept with its lease.
    pub stores_extended_info: bool,
    /// How clients are named; of DHCPv4 alone.
    pub names: Arc<NameRules>,
    /// `adaptive-lease-time-threshold`: the share of leased addresses from which on the shortest lease time is given.
    pub adaptive_threshold: Option<f64>,
}

impl LeaseRules {
    /// The share of leased units from which on the shortest lease time is given; only a queue knows it, as in Kea.
    #[must_use]
    pub fn crowded_from(&self, allocator: Allocator) -> Option<f64> {
        let is_known = allocator == Allocator::FreeLeaseQueue;
        self.adaptive_threshold.filter(|&threshold| is_known && threshold < 1.0)
    }
}

/// When a renewal that changes nothing but the time is answered from the lease that is there, without storing it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeaseCache {
    /// `cache-threshold`: the share of the lease time up to which it may be old.
    pub threshold: Option<f64>,
    /// `cache-max-age`: the same in seconds.
    pub max_age: Option<u32>,
}

/// A lease in whose place a renewal would be stored.
#[derive(Clone, Copy, Debug)]
pub struct Aged {
    /// Its state.
    pub state: LeaseState,
    /// Client's last transaction time, seconds since the epoch.
    pub cltt: i64,
    /// Its lifetime in seconds.
    pub valid_lifetime: u32,
}

impl Aged {
    /// Seconds that are left of an active lease at `now_s`.
    #[must_use]
    pub fn remaining(self, now_s: i64) -> u32 {
        let age = u32::try_from(now_s - self.cltt).ok();
        let left = age.map_or(0, |age| remaining(self.valid_lifetime, age));
        if self.state == LeaseState::Default { left } else { 0 }
    }
}

/// Seconds that are left of a lifetime after `age` seconds; infinity stays infinity.
#[must_use]
pub fn remaining(lifetime: u32, age: u32) -> u32 {
    if lifetime == INFINITE { INFINITE } else { lifetime.saturating_sub(age) }
}

impl LeaseCache {
    /// Age in seconds of a lease that is young enough, at `now_s`, not to be stored again with a `lifetime` of seconds.
    #[must_use]
    pub fn age(&self, lease: Aged, lifetime: u32, now_s: i64) -> Option<u32> {
        let is_over = |age: u32| lease.valid_lifetime != INFINITE && age >= lease.valid_lifetime;
        let age = u32::try_from(now_s - lease.cltt).ok().filter(|&age| !is_over(age))?;
        let by_share = self.threshold.map(|share| match share > 0.0 {
            true => (f64::from(lifetime) * share) as u32,
            false => 0,
        });
        let limit = match (self.max_age, by_share) {
            (Some(0), _) | (_, Some(0)) | (None, None) => return None,
            (Some(one), Some(other)) => one.min(other),
            (Some(only), None) | (None, Some(only)) => only,
        };
        (lease.state == LeaseState::Default && age <= limit).then_some(age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Aged = Aged { state: LeaseState::Default, cltt: 1000, valid_lifetime: 400 };

    #[test]
    fn leases_are_cached_for_a_share_of_their_time_and_for_some_seconds() {
        let age = |threshold, max_age, now| {
            LeaseCache { threshold, max_age }.age(LEASE, 400, now).is_some()
        };
        let cases = [
            (Some(0.25), None, 1100, true),
            (Some(0.25), None, 1101, false),
            (Some(0.25), None, 999, false),
            (Some(0.25), Some(50), 1050, true),
            (Some(0.25), Some(50), 1051, false),
            (Some(0.25), Some(0), 1000, false),
            (Some(0.0), None, 1000, false),
            (Some(0.0), Some(50), 1000, false),
            (None, Some(50), 1050, true),
            (None, Some(5000), 1399, true),
            (None, Some(5000), 1400, false),
            (None, None, 1000, false),
            (Some(1.0), None, 1399, true),
        ];
        for (threshold, max_age, now, expected) in cases {
            assert_eq!(age(threshold, max_age, now), expected, "{threshold:?} {max_age:?} {now}");
        }
    }

    #[test]
    fn only_active_leases_are_cached() {
        let cache = LeaseCache { threshold: Some(1.0), max_age: None };
        let infinite = Aged { valid_lifetime: INFINITE, ..LEASE };
        assert_eq!(cache.age(infinite, INFINITE, 1_000_000), Some(999_000));
        let reclaimed = Aged { state: LeaseState::ExpiredReclaimed, ..LEASE };
        assert_eq!(cache.age(reclaimed, 400, 1000), None);
    }

    #[test]
    fn allocators_are_named_as_in_the_file() {
        for (name, allocator) in Allocator::NAMES {
            assert_eq!((Allocator::named(name), allocator.name()), (Some(allocator), name));
        }
    }
}
