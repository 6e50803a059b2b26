//! The invariants that are checked on the whole server at rest: gate and parked exchanges here, counters and pools by the
//! family.

use util::Now;

use crate::family::Family;
use crate::host::Host;

/// Time by which an address may become free too late after the clock was set back.
const PATIENCE_S: i64 = 60;

/// Checks all of it. A tick of expiry must have been made for `now`.
pub(crate) fn whole<F: Family>(host: &Host<F>, now: Now, wall_max: i64) {
    if host.is_idle() {
        for worker in &host.workers {
            assert_eq!(F::parked_len(&worker.server), 0, "an exchange stays parked for ever");
        }
        assert_eq!(host.shared.gate.in_progress(), 0, "a client stays inside the gate");
    }
    F::check(host, now, wall_max);
}

/// What must be so of something in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It must be marked as held.
    Held,
    /// It must not.
    Free,
    /// It may be either: expiry has been noticed before the clock went back, or is waited for.
    Either,
}

/// How something must be marked whose lease holds it until the second `ends`.
pub(crate) fn mark_of(ends: Option<i64>, now: Now, wall_max: i64) -> Mark {
    match ends {
        Some(ends) if ends >= wall_max => Mark::Held,
        Some(ends) if ends >= now.wall_s => Mark::Either,
        // A clock that went back a little is waited for.
        Some(ends) if ends + PATIENCE_S >= now.wall_s && now.wall_s < wall_max => Mark::Either,
        _ => Mark::Free,
    }
}
