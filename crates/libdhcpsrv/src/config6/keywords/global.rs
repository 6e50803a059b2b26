//! The table of the map `Dhcp6` itself.

use cc::{DefaultValue, Keyword, Kind, Scope};

use super::network as own;
use crate::config::keywords::network as shared;
use crate::config::keywords::{global, rows};
use DefaultValue::{Bool, EmptyList, Int, Real, Str, StrList};

/// `Dhcp6`.
pub static GLOBAL: Scope = Scope::new(
    "Dhcp6",
    rows![
        global::PARTS,
        [
            Keyword::new(
                "data-directory",
                Kind::Str,
                "Directory of leases and of the server's DUID, instead of the default.",
            ),
            Keyword::new("server-id", Kind::Map, "The server's DUID; of type LLT when absent."),
            own::VALID_LIFETIME.default(Int(7200)),
            own::PREFERRED_LIFETIME,
        ],
        own::LIMITS,
        own::TIMERS,
        [
            shared::CALCULATE_TEE_TIMES.default(Bool(true)),
            shared::T1_PERCENT.default(Real(0.5)),
            shared::T2_PERCENT.default(Real(0.8)),
        ],
        global::DECLINED,
        [
            Keyword::new(
                "mac-sources",
                Kind::StrList,
                "Where a client's hardware address is looked for, in this order: `any`, `raw`, \
                 `duid`, `ipv6-link-local`, `client-link-addr-option` (`rfc6939`), `remote-id` \
                 (`rfc4649`), `subscriber-id` (`rfc4580`), `docsis-cmts`, `docsis-modem`.",
            )
            .default(StrList(&["any"])),
            Keyword::new(
                "relay-supplied-options",
                Kind::StrList,
                "Options that relays may add to replies (RFC 6422), by name or by code in \
                 quotes; 65 always is one.",
            )
            .default(StrList(&["65"])),
            Keyword::new(
                "allow-address-registration",
                Kind::Bool,
                "No effect until addresses of the clients' own can be registered (RFC 9686).",
            )
            .default(Bool(true)),
        ],
        global::OPTIONS,
        [Keyword::new("subnet6", Kind::MapList, "Subnets.").default(EmptyList)],
        global::OBSERVED,
        [own::PD_ALLOCATOR.default(Str("iterative"))],
        global::SPARED,
        [own::STORE_EXTENDED_INFO.default(Bool(false))],
        global::NETWORKS,
        [global::HOST_IDENTIFIERS.default(StrList(&["hw-address", "duid"]))],
        global::names(own::NAMES),
        global::LAST,
    ],
);
