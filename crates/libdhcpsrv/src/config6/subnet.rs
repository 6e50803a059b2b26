//! A subnet and its pools as packet code sees them: inherited values filled in.

use std::fmt;
use std::net::Ipv6Addr;
use std::ops::Range;
use std::sync::Arc;

use super::OptionSet6;
use crate::classes::ClassPolicy;
use crate::config::{LeaseRules, Lifetime, NetworkIndex, PoolExtras, TeeTimes};
use crate::hosts::ReservationRules;

/// One entry of `subnet6`: two cache lines, because with thousands of subnets each line is fetched from memory.
#[derive(Debug)]
#[repr(align(64))]
pub struct Subnet6 {
    /// `id`.
    pub id: u32,
    /// Network address with the host bits cleared.
    pub prefix: Ipv6Addr,
    /// Prefix length, 0 to 128.
    pub prefix_len: u8,
    /// Lease times.
    pub timers: Timers6,
    /// `rapid-commit`: whether a SOLICIT with that option is answered by a REPLY.
    pub rapid_commit: bool,
    /// What leads clients to it beside its prefix.
    pub names: Option<Box<LinkNames>>,
    /// The shared network that it belongs to.
    pub network: Option<NetworkIndex>,
    /// Whom it serves, and which classes it lets be evaluated late.
    pub classes: Option<Box<ClassPolicy>>,
    /// Options of this subnet's scope; subnets with equal options share them.
    pub options: Arc<OptionSet6>,
    /// Which host reservations count: `reservations-global`, `-in-subnet`, `-out-of-pool`.
    pub reservations: ReservationRules,
    /// How its leases are chosen and kept; subnets with equal rules share them.
    pub lease_rules: Arc<LeaseRules>,
    /// Its pools of addresses in [`super::Config6::pools`].
    pub pools: Range<u32>,
    /// Its pools of prefixes in [`super::Config6::pools`].
    pub pd_pools: Range<u32>,
}

/// What leads clients to a subnet beside its prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkNames {
    /// `interface`: name of the interface whose direct clients are served.
    pub interface: Option<Box<str>>,
    /// `interface-id`: what relays write into option 18 for clients that are served.
    pub interface_id: Option<Box<[u8]>>,
}

impl fmt::Display for Subnet6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} (id {})", self.prefix, self.prefix_len, self.id)
    }
}

impl Subnet6 {
    /// Whether an address lies within the prefix.
    #[must_use]
    #[inline]
    pub fn contains(&self, address: Ipv6Addr) -> bool {
        let differing = u128::from(address) ^ u128::from(self.prefix);
        differing.checked_shr(128 - u32::from(self.prefix_len)).unwrap_or(0) == 0
    }
}

/// Lease times of a subnet in seconds; [`u32::MAX`] is infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers6 {
    /// `valid-lifetime`: granted to a client that does not ask for a time.
    pub valid_lifetime: u32,
    /// `min-valid-lifetime`; equal to `valid_lifetime` unless configured.
    pub min_valid_lifetime: u32,
    /// `max-valid-lifetime`; equal to `valid_lifetime` unless configured.
    pub max_valid_lifetime: u32,
    /// `preferred-lifetime`: granted to a client that does not ask for a time; five eighths of the valid one unless
    /// configured, as are its limits.
    pub preferred_lifetime: u32,
    /// `min-preferred-lifetime`; equal to `preferred_lifetime` unless configured.
    pub min_preferred_lifetime: u32,
    /// `max-preferred-lifetime`; equal to `preferred_lifetime` unless configured.
    pub max_preferred_lifetime: u32,
    /// Whether nothing is said about it, so that it is a share of the valid lifetime that is granted.
    pub is_preferred_calculated: bool,
    /// `renew-timer` (T1).
    pub renew_timer: Option<u32>,
    /// `rebind-timer` (T2).
    pub rebind_timer: Option<u32>,
    /// `t1-percent` and `t2-percent` in thousandths when `calculate-tee-times` is on.
    pub calculated: Option<(u16, u16)>,
}

impl Timers6 {
    /// The valid lifetime for a client that asks for `wanted` seconds, clipped to the limits.
    #[must_use]
    #[inline]
    pub fn valid(&self, wanted: Option<u32>) -> u32 {
        let (min, max) = (self.min_valid_lifetime, self.max_valid_lifetime);
        Lifetime { usual: self.valid_lifetime, min, max }.granted(wanted)
    }

    /// The preferred lifetime for a client that asks for `wanted` seconds, clipped to the limits; `None` when it is
    /// not configured. It may be above the valid lifetime that is granted at the same time.
    #[must_use]
    #[inline]
    pub fn preferred(&self, wanted: Option<u32>) -> Option<u32> {
        let (min, max) = (self.min_preferred_lifetime, self.max_preferred_lifetime);
        let lifetime = Lifetime { usual: self.preferred_lifetime, min, max };
        (!self.is_preferred_calculated).then(|| lifetime.granted(wanted))
    }

    /// T1 and T2 to send with an identity association whose shortest preferred lifetime is given; 0 leaves the time
    /// to the client. T1 above T2 makes no sense and is not sent; shares of infinity are infinity (RFC 8415 section
    /// 21.4).
    #[must_use]
    #[inline]
    pub fn t1_t2(&self, preferred: u32) -> (u32, u32) {
        let (renew, rebind) = (self.renew_timer, self.rebind_timer);
        let times = TeeTimes { renew, rebind, calculated: self.calculated };
        let (t1, t2) = match (preferred, self.calculated) {
            (u32::MAX, Some(_)) => (renew.or(Some(preferred)), rebind.or(Some(preferred))),
            _ => times.of(preferred),
        };
        let t2 = t2.unwrap_or(0);
        (t1.filter(|&t1| t2 == 0 || t1 <= t2).unwrap_or(0), t2)
    }
}

/// Kea's share of the valid lifetime when nothing is said about the preferred one. That of infinity is infinity.
#[inline]
pub(crate) fn five_eighths(lifetime: u32) -> u32 {
    match lifetime {
        u32::MAX => lifetime,
        _ => (u64::from(lifetime) * 5 / 8) as u32,
    }
}

/// What is delegated of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// Addresses (IA_NA, IA_TA).
    Na,
    /// Prefixes (IA_PD).
    Pd,
}

/// One entry of `pools` or `pd-pools`: a cache line.
#[derive(Debug)]
#[repr(align(64))]
pub struct Pool6 {
    /// What it gives out.
    pub kind: PoolKind,
    /// The first address; of prefixes the first address of the first one.
    pub first: u128,
    /// The last address; of prefixes the first address of the last one.
    pub last: u128,
    /// Length of what is given out: 128 for addresses, `delegated-len` for prefixes.
    pub unit_len: u8,
    /// `pool-id`, 0 unless given.
    pub id: u32,
    /// `excluded-prefix` and its length (RFC 6603): the part of the first prefix of the pool that the delegating
    /// router keeps; of each other prefix the part at the same place. Longer than `unit_len`.
    pub excluded: Option<(Ipv6Addr, u8)>,
    /// What it has beside its addresses; most pools have nothing.
    pub extras: Option<Box<PoolExtras<OptionSet6>>>,
}

impl fmt::Display for Pool6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (Ipv6Addr::from(self.first), Ipv6Addr::from(self.end()));
        match self.unit_len {
            128 => write!(f, "{first}-{last}"),
            len => {
                // The units of a pool fill a prefix.
                let whole = (self.end() - self.first).count_zeros();
                write!(f, "{first}/{whole} of /{len}")
            }
        }
    }
}

impl Pool6 {
    /// The last address of all that is given out.
    #[must_use]
    pub fn end(&self) -> u128 {
        self.last | self.unit_mask()
    }

    /// How many addresses or prefixes there are, less one: the pool of all addresses has one too many for 128 bits.
    #[must_use]
    pub fn last_index(&self) -> u128 {
        let index = (self.last - self.first).checked_shr(128 - u32::from(self.unit_len));
        index.unwrap_or(0)
    }

    /// Whether an address lies in the pool, or in a prefix of it.
    #[must_use]
    #[inline]
    pub fn contains(&self, address: Ipv6Addr) -> bool {
        (self.first..=self.end()).contains(&u128::from(address))
    }

    /// The part of a prefix of this pool that the delegating router keeps (RFC 6603), and its length.
    #[must_use]
    pub fn excluded_of(&self, prefix: Ipv6Addr) -> Option<(Ipv6Addr, u8)> {
        let (excluded, len) = self.excluded?;
        let inner = u128::from(excluded) & self.unit_mask();
        Some((Ipv6Addr::from(u128::from(prefix) & !self.unit_mask() | inner), len))
    }

    /// Ones behind the prefix of what is given out.
    const fn unit_mask(&self) -> u128 {
        match u128::MAX.checked_shr(self.unit_len as u32) {
            Some(mask) => mask,
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timers() -> Timers6 {
        Timers6 {
            valid_lifetime: 100,
            min_valid_lifetime: 50,
            max_valid_lifetime: 200,
            preferred_lifetime: 60,
            min_preferred_lifetime: 30,
            max_preferred_lifetime: 90,
            is_preferred_calculated: false,
            renew_timer: None,
            rebind_timer: None,
            calculated: None,
        }
    }

    #[test]
    fn wanted_lifetimes_are_clipped_to_the_limits() {
        let (timers, wanted) = (timers(), [None, Some(0), Some(70), Some(u32::MAX)]);
        assert_eq!(wanted.map(|wanted| timers.valid(wanted)), [100, 100, 70, 200]);
        assert_eq!(wanted.map(|wanted| timers.preferred(wanted)), [60, 60, 70, 90].map(Some));
        let calculated = Timers6 { is_preferred_calculated: true, ..timers };
        assert_eq!(calculated.preferred(Some(70)), None);
    }

    #[test]
    fn senseless_timers_are_left_to_the_client() {
        let configured =
            |t1, t2| Timers6 { renew_timer: t1, rebind_timer: t2, ..timers() }.t1_t2(100);
        assert_eq!(configured(Some(50), Some(80)), (50, 80));
        assert_eq!(configured(Some(80), Some(80)), (80, 80));
        assert_eq!(configured(Some(90), Some(80)), (0, 80));
        assert_eq!(configured(Some(90), None), (90, 0));
        assert_eq!(configured(None, None), (0, 0));
        let calculated = Timers6 { calculated: Some((500, 800)), ..timers() };
        assert_eq!(calculated.t1_t2(1000), (500, 800));
        assert_eq!(calculated.t1_t2(0), (0, 0));
        assert_eq!(calculated.t1_t2(u32::MAX), (u32::MAX, u32::MAX));
        let renew = Timers6 { renew_timer: Some(7), ..calculated };
        assert_eq!(renew.t1_t2(u32::MAX), (7, u32::MAX));
    }

    #[test]
    fn a_pool_of_prefixes_ends_with_its_last_prefix() {
        let site = 0x2001_0db8_u128 << 96;
        let (last, excluded) = (site | 0xff << 64, Some((Ipv6Addr::from(site | 0x7 << 56), 72)));
        let pool = |first, last, unit_len, excluded| Pool6 {
            kind: PoolKind::Pd,
            first,
            last,
            unit_len,
            id: 0,
            excluded,
            extras: None,
        };
        let sites = pool(site, last, 64, excluded);
        assert_eq!((sites.end(), sites.last_index()), (last | u128::from(u64::MAX), 255));
        assert!(sites.contains(Ipv6Addr::from(sites.end())));
        assert!(!sites.contains(Ipv6Addr::from(sites.end() + 1)));
        assert!(!sites.contains(Ipv6Addr::from(site - 1)));
        let kept = sites.excluded_of(Ipv6Addr::from(site | 9 << 64));
        assert_eq!(kept, Some((Ipv6Addr::from(site | 9 << 64 | 7 << 56), 72)));
        let all = pool(0, u128::MAX, 128, None);
        assert_eq!((all.end(), all.last_index()), (u128::MAX, u128::MAX));
        let one = pool(0, 0, 0, None);
        assert_eq!((one.end(), one.last_index()), (u128::MAX, 0));
    }

    #[test]
    fn subnets_and_pools_are_whole_cache_lines() {
        assert_eq!((size_of::<Subnet6>(), size_of::<Pool6>()), (128, 64));
    }

    #[test]
    fn subnets_contain_what_has_their_prefix() {
        let subnet = |prefix: &str, prefix_len| Subnet6 {
            reservations: ReservationRules::default(),
            lease_rules: Arc::default(),
            id: 1,
            prefix: prefix.parse().expect("an address"),
            prefix_len,
            timers: timers(),
            rapid_commit: false,
            names: None,
            network: None,
            classes: None,
            options: Arc::default(),
            pools: 0..0,
            pd_pools: 0..0,
        };
        let contains = |subnet: &Subnet6, text: &str| subnet.contains(text.parse().expect(text));
        let office = subnet("2001:db8:1::", 64);
        assert!(contains(&office, "2001:db8:1::") && contains(&office, "2001:db8:1::ffff"));
        assert!(!contains(&office, "2001:db8:1:1::") && !contains(&office, "2001:db8::"));
        assert!(contains(&subnet("::", 0), "ffff::1"));
        let one = subnet("::1", 128);
        assert!(contains(&one, "::1") && !contains(&one, "::"));
    }
}
