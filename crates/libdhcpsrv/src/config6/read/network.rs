//! Values that a subnet inherits from the global scope.

use cc::{Diagnostics, MapReader};

use crate::config::read::hosts::RuleScope;
use crate::config::read::lease_rules::LeaseScope;
use crate::config::read::names::NameScope;
use crate::config::read::network::{LifetimeKeywords, LifetimeScope, TeeScope};
use crate::config::{Lifetime, TeeTimes};
use crate::config6::{Timers6, five_eighths};
use crate::hosts::ReservationRules;

/// `preferred-lifetime`.
pub(super) const PREFERRED: LifetimeKeywords = LifetimeKeywords {
    usual: "preferred-lifetime",
    min: "min-preferred-lifetime",
    max: "max-preferred-lifetime",
};

/// What a scope says; `None` where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    valid: LifetimeScope,
    preferred: LifetimeScope,
    tee: TeeScope,
    rules: RuleScope,
    pub(super) leases: LeaseScope,
    /// Whether a preferred lifetime that does not fit was looked for.
    is_order_checked: bool,
}

impl Network {
    /// Reads the values of a scope. `outer` is the scope around, if there is one.
    pub(super) fn read(
        reader: &MapReader<'_>,
        outer: Option<&Self>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let tee = TeeScope::read(reader, diagnostics);
        tee.check(outer.map(|outer| &outer.tee), reader, diagnostics);
        let valid = LifetimeKeywords::VALID.read_scope(reader);
        let around = outer.map(|outer| &outer.valid);
        LifetimeKeywords::VALID.check(&valid, around, reader, diagnostics);
        let preferred = PREFERRED.read_scope(reader);
        PREFERRED.check(&preferred, outer.map(|outer| &outer.preferred), reader, diagnostics);
        let rules = RuleScope::read(reader, diagnostics);
        let leases = LeaseScope::read(reader, diagnostics);
        // They have no effect yet, but what is wrong is wrong.
        NameScope::read(reader, diagnostics);
        let mut network = Self { valid, preferred, tee, rules, leases, is_order_checked: false };
        network.check_order(outer, reader, diagnostics);
        network
    }

    /// The values with gaps closed by those of the scope around.
    pub(super) fn within(&self, outer: &Self) -> Self {
        Self {
            valid: self.valid.within(&outer.valid),
            preferred: self.preferred.within(&outer.preferred),
            tee: self.tee.within(&outer.tee),
            rules: self.rules.within(&outer.rules),
            leases: self.leases.within(&outer.leases),
            is_order_checked: self.is_order_checked || outer.is_order_checked,
        }
    }

    /// Which reservations count.
    pub(super) fn rules(&self) -> ReservationRules {
        self.rules.rules()
    }

    /// The times as packet code uses them.
    pub(super) fn timers(&self) -> Timers6 {
        let valid = self.valid.lifetime().unwrap_or(Lifetime::of(7200));
        let preferred = self.preferred.lifetime();
        let is_preferred_calculated = preferred.is_none();
        let preferred = preferred.unwrap_or(Lifetime {
            usual: five_eighths(valid.usual),
            min: five_eighths(valid.min),
            max: five_eighths(valid.max),
        });
        let TeeTimes { renew, rebind, calculated } = self.tee.times();
        Timers6 {
            valid_lifetime: valid.usual,
            min_valid_lifetime: valid.min,
            max_valid_lifetime: valid.max,
            preferred_lifetime: preferred.usual,
            min_preferred_lifetime: preferred.min,
            max_preferred_lifetime: preferred.max,
            is_preferred_calculated,
            renew_timer: renew,
            rebind_timer: rebind,
            calculated,
        }
    }

    /// Reports a preferred lifetime above the valid one.
    ///
    /// The global scope is judged only when it says both, since subnets may say one of them. A
    /// subnet that says neither is not judged again.
    fn check_order(
        &mut self,
        outer: Option<&Self>,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let written = [PREFERRED.written(reader), LifetimeKeywords::VALID.written(reader)];
        let keyword = match (outer, written) {
            (None, [Some(keyword), Some(_)]) => Some(keyword),
            (None, _) => return,
            (Some(_), [Some(keyword), _] | [None, Some(keyword)]) => Some(keyword),
            (Some(outer), [None, None]) if outer.is_order_checked => return,
            (Some(_), [None, None]) => None,
        };
        self.is_order_checked = true;
        let all = outer.map_or(*self, |outer| self.within(outer));
        let lifetimes = (all.valid.lifetime(), all.preferred.lifetime());
        let (Some(valid), Some(preferred)) = lifetimes else { return };
        let (valid, preferred) = (valid.usual, preferred.usual);
        if preferred <= valid {
            return;
        }
        let position = keyword.map_or(reader.position(), |keyword| reader.position_of(keyword));
        let message = format!(
            "'preferred-lifetime' {preferred} must not be greater than 'valid-lifetime' {valid}"
        );
        let hint = "leave 'preferred-lifetime' out for 0.625 of the other, or raise the other";
        diagnostics.error_with_hint(position, message, hint);
    }
}
