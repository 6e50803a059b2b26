//! `allocator`, `cache-threshold` and the like: rules about leases that a subnet inherits from the global scope.

use std::sync::Arc;

use cc::{Diagnostics, MapReader};

use crate::config::{Allocator, LeaseCache, LeaseRules};
use crate::names::NameRules;

/// What a scope says; `None` where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseScope {
    allocator: Option<Allocator>,
    pd_allocator: Option<Allocator>,
    cache_threshold: Option<f64>,
    cache_max_age: Option<u32>,
    offer_lifetime: Option<u32>,
    stores_extended_info: Option<bool>,
    adaptive_threshold: Option<f64>,
}

impl LeaseScope {
    /// Reads the values of a scope.
    pub(crate) fn read(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Self {
        // Some of these are of one server alone.
        let own = |keyword| reader.scope().keyword(keyword).map(|row| row.name);
        let allocator =
            |keyword| Allocator::named(own(keyword).and_then(|name| reader.str_or_default(name))?);
        let scope = Self {
            allocator: allocator("allocator"),
            pd_allocator: allocator("pd-allocator"),
            cache_threshold: reader.real_or_default("cache-threshold"),
            cache_max_age: reader.u32("cache-max-age"),
            offer_lifetime: own("offer-lifetime").and_then(|name| reader.u32_or_default(name)),
            stores_extended_info: reader.bool_or_default("store-extended-info"),
            adaptive_threshold: reader.real("adaptive-lease-time-threshold"),
        };
        let has_prefixes = own("pd-allocator").is_some();
        if has_prefixes && scope.allocator == Some(Allocator::FreeLeaseQueue) {
            let message = "'allocator' \"flq\" is not for IPv6 addresses";
            let hint =
                "their pools are too large for it: use \"random\"; of prefixes see 'pd-allocator'";
            diagnostics.error_with_hint(reader.position_of("allocator"), message, hint);
        }
        scope
    }

    /// The values with gaps closed by those of the scope around.
    pub(crate) fn within(&self, outer: &Self) -> Self {
        Self {
            allocator: self.allocator.or(outer.allocator),
            pd_allocator: self.pd_allocator.or(outer.pd_allocator),
            cache_threshold: self.cache_threshold.or(outer.cache_threshold),
            cache_max_age: self.cache_max_age.or(outer.cache_max_age),
            offer_lifetime: self.offer_lifetime.or(outer.offer_lifetime),
            stores_extended_info: self.stores_extended_info.or(outer.stores_extended_info),
            adaptive_threshold: self.adaptive_threshold.or(outer.adaptive_threshold),
        }
    }

    /// The rules as packet code uses them: those of `former` if they are the same, since neighbours in the file mostly
    /// agree.
    pub(crate) fn rules(
        &self,
        names: Arc<NameRules>,
        former: Option<&Arc<LeaseRules>>,
    ) -> Arc<LeaseRules> {
        let rules = LeaseRules {
            allocator: self.allocator.unwrap_or_default(),
            pd_allocator: self.pd_allocator.unwrap_or_default(),
            cache: LeaseCache { threshold: self.cache_threshold, max_age: self.cache_max_age },
            offer_lifetime: self.offer_lifetime.unwrap_or(0),
            stores_extended_info: self.stores_extended_info.unwrap_or(false),
            adaptive_threshold: self.adaptive_threshold,
            names,
        };
        former.filter(|former| ***former == rules).cloned().unwrap_or_else(|| Arc::new(rules))
    }
}
