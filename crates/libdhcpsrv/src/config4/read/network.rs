//! Values that a subnet inherits from the global scope.
//!
//! Both scopes are read into the same type: the rows of the global table have defaults, those of
//! subnets have none and so leave gaps, which [`Network::within`] closes. The three lifetimes are
//! inherited together, as in Kea: a subnet that sets one of them takes none from outside.

use std::net::Ipv4Addr;

use cc::{Diagnostics, MapReader};

use super::text;
use crate::config4::Timers;

/// Bytes of `sname` without its terminator.
const SERVER_HOSTNAME_MAX: usize = 63;
/// Bytes of `file` without its terminator.
const BOOT_FILE_NAME_MAX: usize = 127;

/// What a scope says; `None` where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network<'a> {
    lifetime: Option<Lifetime>,
    renew_timer: Option<u32>,
    rebind_timer: Option<u32>,
    calculate_tee_times: Option<bool>,
    t1_percent: Option<f64>,
    t2_percent: Option<f64>,
    pub(super) match_client_id: Option<bool>,
    pub(super) authoritative: Option<bool>,
    pub(super) next_server: Option<Ipv4Addr>,
    pub(super) server_hostname: Option<&'a str>,
    pub(super) boot_file_name: Option<&'a str>,
}

/// The three lifetimes.
#[derive(Clone, Copy, Debug)]
struct Lifetime {
    usual: u32,
    min: u32,
    max: u32,
}

impl<'a> Network<'a> {
    /// Reads the values of a scope.
    pub(super) fn read(reader: &MapReader<'a>, diagnostics: &mut Diagnostics) -> Self {
        Self {
            lifetime: Lifetime::read(reader, diagnostics),
            renew_timer: reader.u32("renew-timer"),
            rebind_timer: reader.u32("rebind-timer"),
            calculate_tee_times: reader.bool_or_default("calculate-tee-times"),
            t1_percent: share(reader, "t1-percent", diagnostics),
            t2_percent: share(reader, "t2-percent", diagnostics),
            match_client_id: reader.bool_or_default("match-client-id"),
            authoritative: reader.bool_or_default("authoritative"),
            next_server: reader
                .str_or_default("next-server")
                .filter(|text| !text.is_empty())
                .and_then(|text| {
                    let position = reader.position_of("next-server");
                    text::address(text, "next-server", position, diagnostics)
                }),
            server_hostname: short(reader, "server-hostname", SERVER_HOSTNAME_MAX, diagnostics),
            boot_file_name: short(reader, "boot-file-name", BOOT_FILE_NAME_MAX, diagnostics),
        }
    }

    /// The values with gaps closed by those of the scope around.
    pub(super) fn within(&self, outer: &Self) -> Self {
        Self {
            lifetime: self.lifetime.or(outer.lifetime),
            renew_timer: self.renew_timer.or(outer.renew_timer),
            rebind_timer: self.rebind_timer.or(outer.rebind_timer),
            calculate_tee_times: self.calculate_tee_times.or(outer.calculate_tee_times),
            t1_percent: self.t1_percent.or(outer.t1_percent),
            t2_percent: self.t2_percent.or(outer.t2_percent),
            match_client_id: self.match_client_id.or(outer.match_client_id),
            authoritative: self.authoritative.or(outer.authoritative),
            next_server: self.next_server.or(outer.next_server),
            server_hostname: self.server_hostname.or(outer.server_hostname),
            boot_file_name: self.boot_file_name.or(outer.boot_file_name),
        }
    }

    /// Checks whether the times go together, where the scope says something about them.
    /// `outer` is the scope around, if there is one.
    pub(super) fn check(
        &self,
        outer: Option<&Self>,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let all = outer.map_or(*self, |outer| self.within(outer));
        let written =
            |names: &[&'static str]| names.iter().find(|name| reader.is_written(name)).copied();
        let share = written(&["t1-percent", "t2-percent", "calculate-tee-times"]);
        if let (Some(keyword), Some(true), Some(t1), Some(t2)) =
            (share, all.calculate_tee_times, all.t1_percent, all.t2_percent)
            && t1 >= t2
        {
            let message = format!("'t1-percent' {t1} must be less than 't2-percent' {t2}");
            diagnostics.error(reader.position_of(keyword), message);
        }
        let (Some(t1), Some(t2)) = (all.renew_timer, all.rebind_timer) else { return };
        if let Some(keyword) = written(&["renew-timer", "rebind-timer"])
            && t1 > t2
        {
            let message = format!("'renew-timer' {t1} is greater than 'rebind-timer' {t2}");
            let hint = "it is not sent";
            diagnostics.warning_with_hint(reader.position_of(keyword), message, hint);
        }
    }

    /// The times as packet code uses them.
    pub(super) fn timers(&self) -> Timers {
        let lifetime = self.lifetime.unwrap_or(Lifetime::of(7200));
        let calculated = match (self.calculate_tee_times, self.t1_percent, self.t2_percent) {
            (Some(true), Some(t1), Some(t2)) => Some((thousandths(t1), thousandths(t2))),
            _ => None,
        };
        Timers {
            valid_lifetime: lifetime.usual,
            min_valid_lifetime: lifetime.min,
            max_valid_lifetime: lifetime.max,
            renew_timer: self.renew_timer,
            rebind_timer: self.rebind_timer,
            calculated,
        }
    }
}

impl Lifetime {
    const fn of(usual: u32) -> Self {
        Self { usual, min: usual, max: usual }
    }

    /// Reads the three keywords; those that are absent follow from the others.
    fn read(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let min = reader.u32("min-valid-lifetime");
        let max = reader.u32("max-valid-lifetime");
        let usual = reader.u32_or_default("valid-lifetime");
        let usual = match (usual, min, max) {
            (Some(usual), _, _) => usual,
            (None, None, None) => return None,
            (None, Some(only), None) | (None, None, Some(only)) => only,
            (None, Some(min), Some(_)) => {
                diagnostics.error_with_hint(
                    reader.position_of("min-valid-lifetime"),
                    "'min-valid-lifetime' and 'max-valid-lifetime' need a 'valid-lifetime'",
                    "add it between them",
                );
                min
            }
        };
        let lifetime = Self { usual, min: min.unwrap_or(usual), max: max.unwrap_or(usual) };
        if lifetime.min > usual {
            let message = format!(
                "'min-valid-lifetime' {} must not be greater than 'valid-lifetime' {usual}",
                lifetime.min
            );
            diagnostics.error(reader.position_of("min-valid-lifetime"), message);
        }
        if lifetime.max < usual {
            let message = format!(
                "'max-valid-lifetime' {} must not be less than 'valid-lifetime' {usual}",
                lifetime.max
            );
            diagnostics.error(reader.position_of("max-valid-lifetime"), message);
        }
        Some(lifetime)
    }
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

/// A string that must fit a field of the header.
fn short<'a>(
    reader: &MapReader<'a>,
    keyword: &'static str,
    len_max: usize,
    diagnostics: &mut Diagnostics,
) -> Option<&'a str> {
    let text = reader.str_or_default(keyword)?;
    if text.len() <= len_max {
        return Some(text);
    }
    let message = format!("'{keyword}' must have at most {len_max} bytes, found {}", text.len());
    diagnostics.error(reader.position_of(keyword), message);
    None
}
