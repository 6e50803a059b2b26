//! A subnet and its pools as packet code sees them: inherited values filled in.

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Arc;

use libdhcp::OptionSet;

use crate::classes::ClassPolicy;
use crate::config::{LeaseRules, Lifetime, NetworkIndex, PoolExtras, TeeTimes};
use crate::hosts::ReservationRules;

/// One entry of `subnet4`.
#[derive(Debug)]
pub struct Subnet4 {
    /// `id`.
    pub id: u32,
    /// Network address with the host bits cleared.
    pub prefix: Ipv4Addr,
    /// Prefix length, 0 to 32.
    pub prefix_len: u8,
    /// Lease times.
    pub timers: Timers,
    /// `match-client-id`: whether leases are looked up by client identifier at all.
    pub match_client_id: bool,
    /// `authoritative`: whether INIT-REBOOT of an unknown client is refused instead of ignored.
    pub authoritative: bool,
    /// `next-server` (siaddr).
    pub next_server: Ipv4Addr,
    /// `server-hostname` (sname), at most 63 bytes.
    pub server_hostname: Box<[u8]>,
    /// `boot-file-name` (file), at most 127 bytes.
    pub boot_file_name: Box<[u8]>,
    /// Options of this subnet's scope; subnets with equal options share them.
    pub options: Arc<OptionSet>,
    /// The shared network that it belongs to.
    pub network: Option<NetworkIndex>,
    /// Whom it serves, and which classes it lets be evaluated late.
    pub classes: Option<Box<ClassPolicy>>,
    /// Its pools in [`super::Config4::pools`].
    pub pools: Range<u32>,
    /// `interface`: name of the interface whose direct clients this subnet serves.
    pub interface: Option<Box<str>>,
    /// Which host reservations count: `reservations-global`, `-in-subnet`, `-out-of-pool`.
    pub reservations: ReservationRules,
    /// How its leases are chosen and kept; subnets with equal rules share them.
    pub lease_rules: Arc<LeaseRules>,
}

impl fmt::Display for Subnet4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} (id {})", self.prefix, self.prefix_len, self.id)
    }
}

impl Subnet4 {
    /// The subnet mask (option 1).
    #[must_use]
    pub fn mask(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(self.prefix_len)).unwrap_or(0))
    }

    /// Whether an address lies within the prefix.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        u32::from(address) & u32::from(self.mask()) == u32::from(self.prefix)
    }
}

/// Lease times of a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// `valid-lifetime`: seconds granted to a client that does not ask for a time.
    pub valid_lifetime: u32,
    /// `min-valid-lifetime`; equal to `valid_lifetime` unless configured.
    pub min_valid_lifetime: u32,
    /// `max-valid-lifetime`; equal to `valid_lifetime` unless configured.
    pub max_valid_lifetime: u32,
    /// `renew-timer` (T1).
    pub renew_timer: Option<u32>,
    /// `rebind-timer` (T2).
    pub rebind_timer: Option<u32>,
    /// `t1-percent` and `t2-percent` in thousandths when `calculate-tee-times` is on.
    pub calculated: Option<(u16, u16)>,
}

impl Timers {
    /// The lease time for a client that asks for one (option 51) or does not.
    pub(crate) fn valid(&self) -> Lifetime {
        let (min, max) = (self.min_valid_lifetime, self.max_valid_lifetime);
        Lifetime { usual: self.valid_lifetime, min, max }
    }

    /// T1 and T2 to send with a lease of `lifetime` seconds. A configured time is sent only when it makes sense:
    /// T2 below the lifetime, T1 below T2, neither 0.
    #[must_use]
    pub fn t1_t2(&self, lifetime: u32) -> (Option<u32>, Option<u32>) {
        let (renew, rebind) = (self.renew_timer, self.rebind_timer);
        let (t1, t2) = TeeTimes { renew, rebind, calculated: self.calculated }.of(lifetime);
        let t2 = t2.filter(|&t2| t2 > 0 && t2 < lifetime);
        let t1 = t1.filter(|&t1| t1 > 0 && t1 < t2.unwrap_or(lifetime));
        (t1, t2)
    }
}

/// One pool of addresses.
#[derive(Debug)]
pub struct Pool4 {
    /// First address, host order.
    pub first: u32,
    /// Last address, host order.
    pub last: u32,
    /// `pool-id`, 0 unless given.
    pub id: u32,
    /// What it has beside its addresses; most pools have nothing.
    pub extras: Option<Box<PoolExtras<OptionSet>>>,
}

impl fmt::Display for Pool4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", Ipv4Addr::from(self.first), Ipv4Addr::from(self.last))
    }
}

impl Pool4 {
    /// Whether an address lies in the pool.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&u32::from(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timers() -> Timers {
        Timers {
            valid_lifetime: 100,
            min_valid_lifetime: 50,
            max_valid_lifetime: 200,
            renew_timer: None,
            rebind_timer: None,
            calculated: None,
        }
    }

    #[test]
    fn wanted_lifetime_is_clipped_to_the_limits() {
        let timers = timers();
        let got =
            [None, Some(0), Some(60), Some(u32::MAX)].map(|wanted| timers.valid().granted(wanted));
        assert_eq!(got, [100, 100, 60, 200]);
    }

    #[test]
    fn senseless_timers_are_not_sent() {
        let configured =
            |t1, t2| Timers { renew_timer: t1, rebind_timer: t2, ..timers() }.t1_t2(100);
        assert_eq!(configured(Some(50), Some(80)), (Some(50), Some(80)));
        assert_eq!(configured(Some(90), Some(80)), (None, Some(80)));
        assert_eq!(configured(Some(50), Some(100)), (Some(50), None));
        assert_eq!(configured(None, None), (None, None));
        assert_eq!(configured(Some(0), Some(0)), (None, None));
        let calculated = Timers { calculated: Some((500, 875)), ..timers() };
        assert_eq!(calculated.t1_t2(1000), (Some(500), Some(875)));
        assert_eq!(calculated.t1_t2(1001), (Some(501), Some(876)), "rounded");
    }
}
