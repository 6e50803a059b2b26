//! Tables of subnets and of what they contain, and the rows that subnets share with the global
//! scope. A subnet's rows have no defaults: what is absent is inherited.

use cc::{DefaultValue, Keyword, Kind, Scope};

use crate::config::keywords::classes::POLICY;
use crate::config::keywords::hosts;
use crate::config::keywords::network as shared;
use crate::config::keywords::{option_data, option_def, rows};
use libdhcp::definition::DHCP4;

const O6: &str = "DHCPv4 over DHCPv6";

pub(super) const VALID_LIFETIME: Keyword =
    Keyword::new("valid-lifetime", Kind::UINT32, "Lease time in seconds (option 51).");
pub(super) const MIN_VALID_LIFETIME: Keyword = Keyword::new(
    "min-valid-lifetime",
    Kind::UINT32,
    "Shortest lease time a client can ask for; `valid-lifetime` when absent.",
);
pub(super) const MAX_VALID_LIFETIME: Keyword = Keyword::new(
    "max-valid-lifetime",
    Kind::UINT32,
    "Longest lease time a client can ask for; `valid-lifetime` when absent.",
);
pub(super) const RENEW_TIMER: Keyword =
    Keyword::new("renew-timer", Kind::UINT32, "T1 in seconds (option 58); sent when set.");
pub(super) const REBIND_TIMER: Keyword =
    Keyword::new("rebind-timer", Kind::UINT32, "T2 in seconds (option 59); sent when set.");
pub(super) const MATCH_CLIENT_ID: Keyword = Keyword::new(
    "match-client-id",
    Kind::Bool,
    "Whether clients are known by option 61 first; else by hardware address only.",
);
pub(super) const AUTHORITATIVE: Keyword = Keyword::new(
    "authoritative",
    Kind::Bool,
    "Whether an unknown client that returns with an address is refused instead of ignored.",
);
pub(super) const NEXT_SERVER: Keyword =
    Keyword::new("next-server", Kind::Str, "Address of the boot server (siaddr).");
pub(super) const SERVER_HOSTNAME: Keyword =
    Keyword::new("server-hostname", Kind::Str, "Name of the boot server (sname), to 63 bytes.");
pub(super) const BOOT_FILE_NAME: Keyword =
    Keyword::new("boot-file-name", Kind::Str, "Name of the boot file (file), to 127 bytes.");

// What comes with other parts of the product.
pub(super) const STORE_EXTENDED_INFO: Keyword = Keyword::new(
    "store-extended-info",
    Kind::Bool,
    "Whether option 82 is kept in the user context of leases.",
);
pub(super) const OFFER_LIFETIME: Keyword =
    Keyword::new("offer-lifetime", Kind::UINT32, "Seconds for which an offer is stored.");

/// Rows that subnets and shared networks inherit.
const INHERITED: [Keyword; 19] = [
    VALID_LIFETIME,
    MIN_VALID_LIFETIME,
    MAX_VALID_LIFETIME,
    RENEW_TIMER,
    REBIND_TIMER,
    shared::CALCULATE_TEE_TIMES,
    shared::T1_PERCENT,
    shared::T2_PERCENT,
    MATCH_CLIENT_ID,
    AUTHORITATIVE,
    NEXT_SERVER,
    SERVER_HOSTNAME,
    BOOT_FILE_NAME,
    shared::ALLOCATOR,
    OFFER_LIFETIME,
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
            Keyword::new("subnet4", Kind::MapList, "Its subnets.").default(DefaultValue::EmptyList),
            shared::OPTIONS,
        ],
        shared::SELECTION,
        INHERITED,
        shared::RULES,
        POLICY,
        shared::DDNS,
        [shared::DDNS_USE_CONFLICT_RESOLUTION],
        shared::NAMES,
        shared::LAST,
    ],
);

/// An entry of `subnet4`.
pub static SUBNET: Scope = Scope::new(
    "subnet4",
    rows![
        shared::SUBNET,
        [shared::OPTIONS],
        shared::SELECTION,
        INHERITED,
        shared::RESERVED,
        POLICY,
        [
            Keyword::new("4o6-interface", Kind::Str, "Interface of DHCPv4 over DHCPv6.")
                .not_yet(O6),
            Keyword::new("4o6-interface-id", Kind::Str, "Interface id of DHCPv4 over DHCPv6.")
                .not_yet(O6),
            Keyword::new("4o6-subnet", Kind::Str, "IPv6 prefix of DHCPv4 over DHCPv6.").not_yet(O6),
        ],
        shared::DDNS,
        [shared::DDNS_USE_CONFLICT_RESOLUTION],
        shared::NAMES,
        shared::LAST,
    ],
);

/// An entry of `pools`.
pub static POOL: Scope = Scope::new(
    "pools",
    rows![
        shared::POOL_RANGE,
        shared::POOL,
        POLICY,
        shared::DDNS,
        shared::NAMES_OF_POOL,
        shared::LAST,
    ],
);

/// An entry of `reservations`.
pub static RESERVATION: Scope = Scope::new(
    "reservations",
    rows![
        hosts::IDENTIFIERS,
        [
            Keyword::new(
                "circuit-id",
                Kind::Str,
                "What the relay says of the circuit (option 82.1): the host is known by it.",
            ),
            Keyword::new(
                "client-id",
                Kind::Str,
                "Client identifier (option 61): the host is known by it.",
            ),
            Keyword::new("ip-address", Kind::Str, "Address, in or outside the pools."),
        ],
        hosts::NAME,
        [NEXT_SERVER, SERVER_HOSTNAME, BOOT_FILE_NAME],
        hosts::LAST,
    ],
);

/// An entry of `option-def`.
pub static OPTION_DEF: Scope = Scope::new("option-def", &option_def(DHCP4));

/// An entry of `option-data`.
pub static OPTION_DATA: Scope = Scope::new("option-data", &option_data(DHCP4));
