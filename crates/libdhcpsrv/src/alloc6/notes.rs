//! What explanations say about the choice of an address or a prefix. Nothing is decided here.

use std::fmt::{self, Display};

use util::Now;

use super::place::Place;
use crate::classes::ClassPolicy;
use crate::explain;
use crate::explain::{Explanation, LeaseText, Seconds, Topic};
use crate::lease::LeaseType;
use crate::lease6::Lease6View;

/// What is stored for an address or prefix.
pub(super) struct Leased<'a>(pub(super) Option<&'a Lease6View>, pub(super) Now);

impl Display for Leased<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(lease) = self.0 else { return f.write_str("not leased") };
        let Lease6View { owner, state, cltt, valid_lifetime, .. } = *lease;
        LeaseText { owner, state, cltt, valid_lifetime, now_s: self.1.wall_s }.fmt(f)
    }
}

/// Tells of the pools of a place that the client gets nothing from.
#[cold]
pub(super) fn explain_pools(say: &Explanation, place: &Place<'_>) {
    let (query, subnet) = (place.query, place.subnet);
    if !place.serves {
        let why = "it does not serve the client";
        return explain!(Some(say), Topic::Lease, "  passed over\t-\tsubnet {subnet}: {why}");
    }
    if place.pools.is_empty() {
        let is_prefix = query.client.lease_type == LeaseType::Pd;
        let what = if is_prefix { "prefixes" } else { "addresses" };
        explain!(Some(say), Topic::Lease, "  free\t-\tsubnet {subnet} has no pools of {what}");
    }
    for pool in place.pools {
        let policy = pool.extras.as_ref().and_then(|extras| extras.classes.as_deref());
        if !ClassPolicy::admits(policy, query.classes) {
            let why = query.config.classes.refusal(policy);
            explain!(Some(say), Topic::Lease, "  passed over\t-\tpool {pool}: {why}");
        }
    }
}

/// Tells where the lifetimes are from.
#[cold]
pub(super) fn explain_times(say: &Explanation, place: &Place<'_>) {
    let times = place.usual_times();
    let (preferred, valid) = (Seconds(times.preferred), Seconds(times.valid));
    let query = place.query;
    let is_by_class = query.class_times.valid.is_some() || query.class_times.preferred.is_some();
    let origin = match is_by_class {
        true => "by the client's class".to_owned(),
        false => format!("by subnet {}", place.subnet),
    };
    let wish = match (query.wanted.preferred, query.wanted.valid) {
        (None, None) => String::new(),
        (preferred, valid) => {
            let shown =
                |wish: Option<u32>| wish.map_or("any".to_owned(), |s| Seconds(s).to_string());
            format!("; the client wants {} and {}", shown(preferred), shown(valid))
        }
    };
    explain!(
        Some(say),
        Topic::Lease,
        "  lifetimes\t{preferred}, {valid}\tpreferred and valid, {origin}{wish}"
    );
}
