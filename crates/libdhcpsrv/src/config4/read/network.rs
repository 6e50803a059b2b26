//! Values that a subnet inherits from the global scope.
//!
//! Both scopes are read into the same type: the rows of the global table have defaults, those of
//! subnets have none and so leave gaps, which [`Network::within`] closes.

use std::net::Ipv4Addr;

use cc::{Diagnostics, MapReader};

use crate::config::read::hosts::RuleScope;
use crate::config::read::lease_rules::LeaseScope;
use crate::config::read::names::NameScope;
use crate::config::read::network::{LifetimeKeywords, LifetimeScope, TeeScope};
use crate::config::read::text;
use crate::config::{Lifetime, TeeTimes};
use crate::config4::Timers;
use crate::hosts::ReservationRules;

/// Bytes of `sname` without its terminator.
pub(super) const SERVER_HOSTNAME_MAX: usize = 63;
/// Bytes of `file` without its terminator.
pub(super) const BOOT_FILE_NAME_MAX: usize = 127;

/// What a scope says; `None` where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network<'a> {
    lifetime: LifetimeScope,
    tee: TeeScope,
    pub(super) match_client_id: Option<bool>,
    pub(super) authoritative: Option<bool>,
    pub(super) next_server: Option<Ipv4Addr>,
    pub(super) server_hostname: Option<&'a str>,
    pub(super) boot_file_name: Option<&'a str>,
    rules: RuleScope,
    pub(super) leases: LeaseScope,
    pub(super) names: NameScope<'a>,
}

impl<'a> Network<'a> {
    /// Reads the values of a scope. `outer` is the scope around, if there is one; whether the times
    /// go together with it is checked where the scope says something about them.
    pub(super) fn read(
        reader: &MapReader<'a>,
        outer: Option<&Self>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let tee = TeeScope::read(reader, diagnostics);
        tee.check(outer.map(|outer| &outer.tee), reader, diagnostics);
        let valid = LifetimeKeywords::VALID;
        let lifetime = valid.read_scope(reader);
        valid.check(&lifetime, outer.map(|outer| &outer.lifetime), reader, diagnostics);
        Self {
            lifetime,
            tee,
            match_client_id: reader.bool_or_default("match-client-id"),
            authoritative: reader.bool_or_default("authoritative"),
            next_server: read_next_server(reader, diagnostics),
            rules: RuleScope::read(reader, diagnostics),
            leases: LeaseScope::read(reader, diagnostics),
            names: NameScope::read(reader, diagnostics),
            server_hostname: short(reader, "server-hostname", SERVER_HOSTNAME_MAX, diagnostics),
            boot_file_name: short(reader, "boot-file-name", BOOT_FILE_NAME_MAX, diagnostics),
        }
    }

    /// The values with gaps closed by those of the scope around.
    pub(super) fn within(&self, outer: &Self) -> Self {
        Self {
            lifetime: self.lifetime.within(&outer.lifetime),
            tee: self.tee.within(&outer.tee),
            match_client_id: self.match_client_id.or(outer.match_client_id),
            authoritative: self.authoritative.or(outer.authoritative),
            next_server: self.next_server.or(outer.next_server),
            server_hostname: self.server_hostname.or(outer.server_hostname),
            boot_file_name: self.boot_file_name.or(outer.boot_file_name),
            rules: self.rules.within(&outer.rules),
            leases: self.leases.within(&outer.leases),
            names: self.names.within(&outer.names),
        }
    }

    /// Which reservations count.
    pub(super) fn rules(&self) -> ReservationRules {
        self.rules.rules()
    }

    /// The times as packet code uses them.
    pub(super) fn timers(&self) -> Timers {
        let lifetime = self.lifetime.lifetime().unwrap_or(Lifetime::of(7200));
        let TeeTimes { renew, rebind, calculated } = self.tee.times();
        Timers {
            valid_lifetime: lifetime.usual,
            min_valid_lifetime: lifetime.min,
            max_valid_lifetime: lifetime.max,
            renew_timer: renew,
            rebind_timer: rebind,
            calculated,
        }
    }
}

/// Reads `next-server`.
pub(super) fn read_next_server(
    reader: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Ipv4Addr> {
    let text = reader.str_or_default("next-server").filter(|text| !text.is_empty())?;
    text::address(text, "next-server", reader.position_of("next-server"), diagnostics)
}

/// A string that must fit a field of the header.
pub(super) fn short<'a>(
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
