//! Tables of subnets and of what they contain, and the rows that subnets share with the global
//! scope. A subnet's rows have no defaults: what is absent is inherited.

use cc::{DefaultValue, Keyword, Kind, Scope};
use libdhcp::definition::DHCP6;

use crate::config::keywords::classes::POLICY;
use crate::config::keywords::hosts;
use crate::config::keywords::network as shared;
use crate::config::keywords::{option_data, option_def, rows};
use DefaultValue::{Bool, EmptyList, Int, Str};

pub(super) const VALID_LIFETIME: Keyword =
    Keyword::new("valid-lifetime", Kind::UINT32, "Valid lifetime in seconds.");
pub(super) const PREFERRED_LIFETIME: Keyword = Keyword::new(
    "preferred-lifetime",
    Kind::UINT32,
    "Preferred lifetime in seconds; 0.625 of the valid one when absent.",
);
pub(super) const LIMITS: [Keyword; 4] = [
    Keyword::new(
        "min-valid-lifetime",
        Kind::UINT32,
        "Shortest valid lifetime a client can ask for; `valid-lifetime` when absent.",
    ),
    Keyword::new(
        "max-valid-lifetime",
        Kind::UINT32,
        "Longest valid lifetime a client can ask for; `valid-lifetime` when absent.",
    ),
    Keyword::new(
        "min-preferred-lifetime",
        Kind::UINT32,
        "Shortest preferred lifetime a client can ask for; `preferred-lifetime` when absent.",
    ),
    Keyword::new(
        "max-preferred-lifetime",
        Kind::UINT32,
        "Longest preferred lifetime a client can ask for; `preferred-lifetime` when absent.",
    ),
];
pub(super) const TIMERS: [Keyword; 2] = [
    Keyword::new("renew-timer", Kind::UINT32, "T1 in seconds."),
    Keyword::new("rebind-timer", Kind::UINT32, "T2 in seconds."),
];

// What comes with other parts of the product.
pub(super) const STORE_EXTENDED_INFO: Keyword = Keyword::new(
    "store-extended-info",
    Kind::Bool,
    "Whether what relays add is kept in the user context of leases.",
);
pub(super) const PD_ALLOCATOR: Keyword = Keyword::new(
    "pd-allocator",
    Kind::OneOf(&["iterative", "random", "flq"]),
    "How a free prefix is chosen: see `allocator`.",
);

/// How clients are named.
pub(super) const NAMES: [Keyword; 5] = shared::names_without_effect(
    "No effect until names of DHCPv6 clients (option 39) are supported.",
);

/// What leads clients to a subnet or shared network, and whether two messages are enough.
const OWN: [Keyword; 4] = [
    Keyword::new(
        "interface-id",
        Kind::Str,
        "What relays write into option 18 for clients that are served.",
    )
    .default(Str("")),
    Keyword::new(
        "rapid-commit",
        Kind::Bool,
        "Whether a client that asks for it is answered with a lease at once.",
    )
    .default(Bool(false)),
    VALID_LIFETIME,
    PREFERRED_LIFETIME,
];

/// Rows that subnets and shared networks inherit.
const INHERITED: [Keyword; 9] = [
    shared::CALCULATE_TEE_TIMES,
    shared::T1_PERCENT,
    shared::T2_PERCENT,
    shared::ALLOCATOR,
    PD_ALLOCATOR,
    shared::CACHE_THRESHOLD,
    shared::CACHE_MAX_AGE,
    shared::ADAPTIVE,
    STORE_EXTENDED_INFO,
];

/// An entry of `shared-networks`.
pub static NETWORK: Scope = Scope::new(
    "shared-networks",
    rows![
        shared::NETWORK,
        [
            Keyword::new("subnet6", Kind::MapList, "Its subnets.").default(EmptyList),
            shared::OPTIONS,
        ],
        shared::SELECTION,
        OWN,
        LIMITS,
        TIMERS,
        INHERITED,
        shared::RULES,
        POLICY,
        shared::DDNS,
        [shared::DDNS_USE_CONFLICT_RESOLUTION],
        NAMES,
        shared::LAST,
    ],
);

/// An entry of `subnet6`.
pub static SUBNET: Scope = Scope::new(
    "subnet6",
    rows![
        shared::SUBNET,
        [
            Keyword::new("pd-pools", Kind::MapList, "Prefixes to delegate.").default(EmptyList),
            shared::OPTIONS,
        ],
        shared::SELECTION,
        OWN,
        LIMITS,
        TIMERS,
        INHERITED,
        shared::RESERVED,
        POLICY,
        shared::DDNS,
        [shared::DDNS_USE_CONFLICT_RESOLUTION],
        NAMES,
        shared::LAST,
    ],
);

/// An entry of `pools`.
pub static POOL: Scope = Scope::new(
    "pools",
    rows![shared::POOL_RANGE, shared::POOL, POLICY, shared::DDNS, NAMES, shared::LAST],
);

/// An entry of `pd-pools`.
pub static PD_POOL: Scope = Scope::new(
    "pd-pools",
    rows![
        [
            Keyword::new("prefix", Kind::Str, "First address of what is delegated.").required(),
            Keyword::new("prefix-len", Kind::Int { min: 1, max: 128 }, "Its length.").required(),
            Keyword::new(
                "delegated-len",
                Kind::Int { min: 1, max: 128 },
                "Length of the prefixes that clients get.",
            )
            .required(),
            Keyword::new(
                "excluded-prefix",
                Kind::Str,
                "Part of the first of these prefixes, and so of each, that is left to the \
                 delegating router (RFC 6603); told to routers that ask for option 67.",
            )
            .default(Str("::")),
            Keyword::new(
                "excluded-prefix-len",
                Kind::Int { min: 0, max: 128 },
                "Its length; 0 when nothing is excluded.",
            )
            .default(Int(0)),
        ],
        shared::POOL,
        POLICY,
        [cc::USER_CONTEXT, cc::COMMENT],
    ],
);

/// An entry of `reservations`.
pub static RESERVATION: Scope = Scope::new(
    "reservations",
    rows![
        hosts::IDENTIFIERS,
        [
            Keyword::new(
                "ip-addresses",
                Kind::StrList,
                "Addresses, in or outside the pools; each association (IA_NA) gets one.",
            )
            .default(EmptyList),
            Keyword::new(
                "prefixes",
                Kind::StrList,
                "Prefixes `address/length`, in or outside the pools; each association (IA_PD) gets \
                 one.",
            )
            .default(EmptyList),
            Keyword::new(
                "excluded-prefixes",
                Kind::StrList,
                "For each of `prefixes` the part that is left to the delegating router (RFC 6603); \
                 empty text for none.",
            )
            .default(EmptyList),
        ],
        hosts::NAME,
        hosts::LAST,
    ],
);

/// An entry of `option-def`.
pub static OPTION_DEF: Scope = Scope::new("option-def", &option_def(DHCP6));

/// An entry of `option-data`.
pub static OPTION_DATA: Scope = Scope::new("option-data", &option_data(DHCP6));
