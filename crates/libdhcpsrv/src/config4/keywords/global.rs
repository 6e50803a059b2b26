//! The table of the map `Dhcp4` itself.

use cc::{DefaultValue, Keyword, Kind, Scope};

use super::network as own;
use crate::config::keywords::network as shared;
use crate::config::keywords::{global, rows};
use DefaultValue::{Bool, EmptyList, Int, Real, Str, StrList};

/// `Dhcp4`.
pub static GLOBAL: Scope = Scope::new(
    "Dhcp4",
    rows![
        global::PARTS,
        [
            own::VALID_LIFETIME.default(Int(7200)),
            own::MIN_VALID_LIFETIME,
            own::MAX_VALID_LIFETIME,
            own::RENEW_TIMER,
            own::REBIND_TIMER,
            shared::CALCULATE_TEE_TIMES.default(Bool(false)),
            shared::T1_PERCENT.default(Real(0.5)),
            shared::T2_PERCENT.default(Real(0.875)),
        ],
        global::DECLINED,
        [
            Keyword::new("echo-client-id", Kind::Bool, "Whether option 61 is returned (RFC 6842).")
                .default(Bool(true)),
            own::MATCH_CLIENT_ID.default(Bool(true)),
            own::AUTHORITATIVE.default(Bool(false)),
            own::NEXT_SERVER.default(Str("0.0.0.0")),
            own::SERVER_HOSTNAME.default(Str("")),
            own::BOOT_FILE_NAME.default(Str("")),
        ],
        global::OPTIONS,
        [Keyword::new("subnet4", Kind::MapList, "Subnets.").default(EmptyList),],
        global::OBSERVED,
        [own::OFFER_LIFETIME.default(Int(0)),],
        global::SPARED,
        [
            own::STORE_EXTENDED_INFO.default(Bool(false)),
            Keyword::new("stash-agent-options", Kind::Bool, "Use stored option 82 for renewals.")
                .not_yet("renewals with the option 82 of the lease"),
        ],
        global::NETWORKS,
        [global::HOST_IDENTIFIERS.default(StrList(&[
            "hw-address",
            "duid",
            "circuit-id",
            "client-id"
        ])),],
        global::names(shared::NAMES),
        global::LAST,
    ],
);
