//! Arithmetic of lease times that both servers have in common.

/// A time that a client may ask for, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// Granted to a client that does not ask for a time.
    pub(crate) usual: u32,
    /// The least that is granted.
    pub(crate) min: u32,
    /// The most that is granted.
    pub(crate) max: u32,
}

impl Lifetime {
    /// A time about which clients have no say.
    pub(crate) const fn of(usual: u32) -> Self {
        Self { usual, min: usual, max: usual }
    }

    /// The time for a client that asks for `wanted` seconds, clipped to the limits; who asks for none has no wish.
    #[inline]
    pub(crate) fn granted(self, wanted: Option<u32>) -> u32 {
        match wanted {
            Some(wanted) if wanted > 0 => wanted.clamp(self.min, self.max.max(self.min)),
            _ => self.usual,
        }
    }
}

/// T1 and T2, as configured or as shares of the lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TeeTimes {
    /// `renew-timer` (T1).
    pub(crate) renew: Option<u32>,
    /// `rebind-timer` (T2).
    pub(crate) rebind: Option<u32>,
    /// Shares in thousandths for those that are not configured.
    pub(crate) calculated: Option<(u16, u16)>,
}

impl TeeTimes {
    /// Both for a lease of `lifetime` seconds, whether they make sense or not. Shares are rounded.
    #[inline]
    pub(crate) fn of(self, lifetime: u32) -> (Option<u32>, Option<u32>) {
        let share =
            |thousandths: u16| ((u64::from(lifetime) * u64::from(thousandths) + 500) / 1000) as u32;
        let t1 = self.renew.or_else(|| self.calculated.map(|(t1, _)| share(t1)));
        let t2 = self.rebind.or_else(|| self.calculated.map(|(_, t2)| share(t2)));
        (t1, t2)
    }
}
