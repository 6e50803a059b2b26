//! What explanations say about the choice of an address. Nothing is decided here.

use std::fmt::{self, Display};

use util::Now;

use super::Query4;
use super::site::{Site, lifetimes};
use crate::classes::ClassPolicy;
use crate::explain;
use crate::explain::{Explanation, LeaseText, Seconds, Topic};
use crate::lease4::Lease4View;

/// What is stored for an address.
pub(super) struct Leased<'a>(pub(super) Option<&'a Lease4View>, pub(super) Now);

impl Display for Leased<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(lease) = self.0 else { return f.write_str("not leased") };
        let Lease4View { owner, state, cltt, valid_lifetime, .. } = *lease;
        LeaseText { owner, state, cltt, valid_lifetime, now_s: self.1.wall_s }.fmt(f)
    }
}

/// Tells of the pools that do not serve the client.
#[cold]
pub(super) fn explain_pools(say: &Explanation, query: &Query4<'_>, site: &Site<'_>) {
    let pools = query.config.pools_of(site.subnet);
    if pools.is_empty() {
        explain!(Some(say), Topic::Lease, "free\t-\tsubnet {} has no pools", site.subnet);
    }
    for pool in pools {
        let policy = pool.extras.as_ref().and_then(|extras| extras.classes.as_deref());
        if !ClassPolicy::admits(policy, query.classes) {
            let why = query.config.classes.refusal(policy);
            explain!(Some(say), Topic::Lease, "passed over\t-\tpool {pool}: {why}");
        }
    }
}

/// Tells where the lease time is from.
#[cold]
pub(super) fn explain_times(say: &Explanation, query: &Query4<'_>, site: &Site<'_>) {
    let times = query.class_times.valid;
    let (usual, _) = lifetimes(query, &site.subnet.timers);
    let origin = match times {
        Some(_) => "by the client's class".to_owned(),
        None => format!("by subnet {}", site.subnet),
    };
    let lifetime = times.unwrap_or(site.subnet.timers.valid());
    let (min, max) = (Seconds(lifetime.min), Seconds(lifetime.max));
    let granted = Seconds(usual);
    match query.wanted_lifetime.map(Seconds) {
        None => explain!(Some(say), Topic::Lease, "lease time\t{granted}\t{origin}"),
        Some(wish) => {
            explain!(
                Some(say),
                Topic::Lease,
                "lease time\t{granted}\tthe client wants {wish}; {origin} from {min} to {max}"
            );
        }
    }
}
