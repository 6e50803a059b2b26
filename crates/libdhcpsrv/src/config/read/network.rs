//! Times that a subnet inherits from the global scope.
//!
//! Both scopes are read into the same types: the rows of the global table have defaults, those of
//! subnets have none and so leave gaps, which `within` closes. A lifetime and its limits are
//! inherited one by one, as in Kea: a subnet that sets its lifetime alone must stay within the
//! limits from outside.

use cc::{Diagnostics, MapReader};

use crate::config::{Lifetime, TeeTimes};

/// The keywords of a lifetime.
#[derive(Debug)]
pub(crate) struct LifetimeKeywords {
    pub(crate) usual: &'static str,
    pub(crate) min: &'static str,
    pub(crate) max: &'static str,
}

impl LifetimeKeywords {
    /// `valid-lifetime`.
    pub(crate) const VALID: Self =
        Self { usual: "valid-lifetime", min: "min-valid-lifetime", max: "max-valid-lifetime" };

    /// Reads what a scope says.
    pub(crate) fn read_scope(&self, reader: &MapReader<'_>) -> LifetimeScope {
        LifetimeScope {
            usual: reader.u32_or_default(self.usual),
            min: reader.u32(self.min),
            max: reader.u32(self.max),
        }
    }

    /// Reads and checks the lifetime of a scope that inherits nothing.
    pub(crate) fn read_alone(
        &self,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Lifetime> {
        let scope = self.read_scope(reader);
        self.check(&scope, None, reader, diagnostics);
        scope.lifetime()
    }

    /// Checks whether the limits go with the lifetime, where the scope says something about them.
    /// `outer` is the scope around, if there is one.
    pub(crate) fn check(
        &self,
        scope: &LifetimeScope,
        outer: Option<&LifetimeScope>,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(keyword) = self.written(reader) else { return };
        let all = outer.map_or(*scope, |outer| scope.within(outer));
        let (min, max) = (self.min, self.max);
        if let LifetimeScope { usual: None, min: Some(_), max: Some(_) } = all {
            let message = format!("'{min}' and '{max}' need a '{}'", self.usual);
            diagnostics.error_with_hint(reader.position_of(min), message, "add it between them");
        }
        let Some(Lifetime { usual, min: least, max: most }) = all.lifetime() else { return };
        // The key to blame is the limit if the scope has it, else the one that the scope has.
        let blamed = |limit| if reader.is_written(limit) { limit } else { keyword };
        let mut report = |limit: &'static str, value: u32, wanted: &str| {
            let message =
                format!("'{limit}' {value} must not be {wanted} '{}' {usual}", self.usual);
            let position = reader.position_of(blamed(limit));
            match reader.is_written(limit) {
                true => diagnostics.error(position, message),
                false => {
                    let hint = format!("'{limit}' is inherited; set one for this scope");
                    diagnostics.error_with_hint(position, message, hint);
                }
            }
        };
        if least > usual {
            report(min, least, "greater than");
        }
        if most < usual {
            report(max, most, "less than");
        }
    }

    /// The first of them that the scope has.
    pub(crate) fn written(&self, reader: &MapReader<'_>) -> Option<&'static str> {
        first_written(reader, &[self.usual, self.min, self.max])
    }
}

/// What a scope says about a lifetime; `None` where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LifetimeScope {
    usual: Option<u32>,
    min: Option<u32>,
    max: Option<u32>,
}

impl LifetimeScope {
    /// The values with gaps closed by those of the scope around.
    pub(crate) fn within(&self, outer: &Self) -> Self {
        Self {
            usual: self.usual.or(outer.usual),
            min: self.min.or(outer.min),
            max: self.max.or(outer.max),
        }
    }

    /// The lifetime; what is absent follows from the others.
    pub(crate) fn lifetime(&self) -> Option<Lifetime> {
        let usual = self.usual.or(self.min).or(self.max)?;
        Some(Lifetime { usual, min: self.min.unwrap_or(usual), max: self.max.unwrap_or(usual) })
    }
}

/// What a scope says about T1 and T2; `None` where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TeeScope {
    renew_timer: Option<u32>,
    rebind_timer: Option<u32>,
    calculate_tee_times: Option<bool>,
    t1_percent: Option<f64>,
    t2_percent: Option<f64>,
}

impl TeeScope {
    /// Reads the values of a scope.
    pub(crate) fn read(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Self {
        Self {
            renew_timer: reader.u32("renew-timer"),
            rebind_timer: reader.u32("rebind-timer"),
            calculate_tee_times: reader.bool_or_default("calculate-tee-times"),
            t1_percent: share(reader, "t1-percent", diagnostics),
            t2_percent: share(reader, "t2-percent", diagnostics),
        }
    }

    /// The values with gaps closed by those of the scope around.
    pub(crate) fn within(&self, outer: &Self) -> Self {
        Self {
            renew_timer: self.renew_timer.or(outer.renew_timer),
            rebind_timer: self.rebind_timer.or(outer.rebind_timer),
            calculate_tee_times: self.calculate_tee_times.or(outer.calculate_tee_times),
            t1_percent: self.t1_percent.or(outer.t1_percent),
            t2_percent: self.t2_percent.or(outer.t2_percent),
        }
    }

    /// Checks whether the times go together, where the scope says something about them.
    /// `outer` is the scope around, if there is one.
    pub(crate) fn check(
        &self,
        outer: Option<&Self>,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let all = outer.map_or(*self, |outer| self.within(outer));
        let share = first_written(reader, &["t1-percent", "t2-percent", "calculate-tee-times"]);
        if let (Some(keyword), Some(true), Some(t1), Some(t2)) =
            (share, all.calculate_tee_times, all.t1_percent, all.t2_percent)
            && t1 >= t2
        {
            let message = format!("'t1-percent' {t1} must be less than 't2-percent' {t2}");
            diagnostics.error(reader.position_of(keyword), message);
        }
        let (Some(t1), Some(t2)) = (all.renew_timer, all.rebind_timer) else { return };
        if let Some(keyword) = first_written(reader, &["renew-timer", "rebind-timer"])
            && t1 > t2
        {
            let message = format!("'renew-timer' {t1} is greater than 'rebind-timer' {t2}");
            let hint = "it is not sent";
            diagnostics.warning_with_hint(reader.position_of(keyword), message, hint);
        }
    }

    /// The times as packet code uses them.
    pub(crate) fn times(&self) -> TeeTimes {
        let calculated = match (self.calculate_tee_times, self.t1_percent, self.t2_percent) {
            (Some(true), Some(t1), Some(t2)) => Some((thousandths(t1), thousandths(t2))),
            _ => None,
        };
        TeeTimes { renew: self.renew_timer, rebind: self.rebind_timer, calculated }
    }
}

/// The first of some keywords that the scope has.
pub(crate) fn first_written(
    reader: &MapReader<'_>,
    names: &[&'static str],
) -> Option<&'static str> {
    names.iter().find(|name| reader.is_written(name)).copied()
}

/// A share of the lifetime, ends of the range excluded.
fn share(
    reader: &MapReader<'_>,
    keyword: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<f64> {
    let share = reader.real_or_default(keyword)?;
    if share > 0.0 && share < 1.0 {
        return Some(share);
    }
    let message = format!("'{keyword}' must be greater than 0 and less than 1, found {share}");
    diagnostics.error(reader.position_of(keyword), message);
    None
}

fn thousandths(share: f64) -> u16 {
    (share * 1000.0).round() as u16
}
