//! Relations between options.

use crate::options::{Family, LeaseType, Options, OptionsError};

impl Options {
    /// Judges how options go together; `is_interface`: whether `-l` names an interface.
    ///
    /// # Errors
    /// Names the first combination that makes no sense.
    pub fn check(&self, is_interface: bool) -> Result<(), OptionsError> {
        let second_template = self.templates.len() > 1;
        let v4 = self.family == Family::V4;
        let by_clock = self.rate.unwrap_or(0.0);
        let renewing = self.renew_rate.unwrap_or(0.0) + self.release_rate.unwrap_or(0.0);
        let rules = [
            (self.server.is_none() && !is_interface, "without an interface, server is required"),
            (v4 && self.relays > 0, "Can't use -4 with -A, it's a V6 only option."),
            (self.relays == 0 && !self.relay_options.is_empty(), "-A must be set to use --or"),
            (
                self.relay_options.iter().any(|option| option.level > self.relays),
                "--or: the level is higher than the number of relays of -A",
            ),
            (!v4 && self.broadcast, "-B is not compatible with IPv6 (-6)"),
            (v4 && self.rapid_commit, "-6 (IPv6) must be set to use -c"),
            (self.rapid_commit && !self.initial, "-i must be set to use -c"),
            (self.one_server && self.initial, "-1 is not compatible with -i"),
            (
                v4 && self.lease_type != LeaseType::Address,
                "-6 option must be used if lease type other than '-e address-only' is specified",
            ),
            (
                self.lease_type != LeaseType::Address && !self.templates.is_empty(),
                "template files may be only used with '-e address-only'",
            ),
            (
                (self.mac.is_some() || self.duid.is_some()) && self.mac_list.is_some(),
                "Can't use -b with -M option",
            ),
            (
                self.initial && self.requests.len() > 1,
                "second -n<num-request> is not compatible with -i",
            ),
            (
                self.initial && self.drop_times_ns.len() > 1,
                "second -d<drop-time> is not compatible with -i",
            ),
            (
                self.initial && self.drops_max.len() > 1,
                "second -D<max-drop> is not compatible with -i",
            ),
            (self.initial && self.renew_rate.is_some(), "-f<renew-rate> is not compatible with -i"),
            (
                self.initial && self.release_rate.is_some(),
                "-F<release-rate> is not compatible with -i",
            ),
            (
                self.rate.is_none() && self.renew_rate.is_some(),
                "Renew rate specified as -f<renew-rate> must not be specified when -r<rate> parameter is not \
                 specified",
            ),
            (
                self.rate.is_none() && self.release_rate.is_some(),
                "Release rate specified as -F<release-rate> must not be specified when -r<rate> parameter is not \
                 specified",
            ),
            (
                renewing > by_clock,
                "The sum of Renew rate (-f<renew-rate>) and Release rate (-F<release-rate>) must not be greater than \
                 the exchange rate specified as -r<rate>",
            ),
            (
                self.templates.is_empty() && !self.xid_offsets.is_empty(),
                "-T<template-file> must be set to use -X<xid-offset>",
            ),
            (
                self.templates.is_empty() && !self.random_offsets.is_empty(),
                "-T<template-file> must be set to use -O<random-offset>",
            ),
            (
                !second_template && self.time_offset.is_some(),
                "second/request -T<template-file> must be set to use -E<time-offset>",
            ),
            (
                !second_template && self.server_id_offset.is_some(),
                "second/request -T<template-file> must be set to use -S<srvid-offset>",
            ),
            (
                !second_template && self.address_offset.is_some(),
                "second/request -T<template-file> must be set to use -I<ip-offset>",
            ),
            (
                self.avalanche && self.clients.is_none(),
                "in case of avalanche scenario number of clients must be specified using -R option explicitly",
            ),
            (
                self.elapsed_for_ns.is_some() && self.elapsed_after_ns.is_none(),
                "Option -y can't be used without -Y",
            ),
            (
                self.elapsed_after_ns.is_some() && self.elapsed_for_ns.is_none(),
                "Option -Y can't be used without -y",
            ),
            (
                self.find_rate.is_some() && self.avalanche,
                "--find-rate is not compatible with --scenario avalanche",
            ),
            (
                self.window.is_some() && self.rate.is_some(),
                "--window is for tests without -r<rate>",
            ),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, text)) => Err(OptionsError::Relation(text)),
            None => Ok(()),
        }
    }
}
