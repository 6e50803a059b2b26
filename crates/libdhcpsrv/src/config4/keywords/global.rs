//! The table of the map `Dhcp4` itself.

use cc::{DefaultValue, Keyword, Kind, Scope};

use super::network as shared;
use DefaultValue::{Bool, EmptyList, EmptyMap, Int, Real, Str, StrList};

const NO_RESERVATIONS: &str = "No effect until host reservations are supported.";

/// `Dhcp4`.
pub static GLOBAL: Scope = Scope::new(
    "Dhcp4",
    &[
        Keyword::new("interfaces-config", Kind::Map, "Interfaces to serve.").default(EmptyMap),
        Keyword::new("lease-database", Kind::Map, "Where leases are kept; memfile when absent."),
        Keyword::new("expired-leases-processing", Kind::Map, "Handling of expired leases.")
            .default(EmptyMap),
        Keyword::new("multi-threading", Kind::Map, "Number of workers.").default(EmptyMap),
        shared::VALID_LIFETIME.default(Int(7200)),
        shared::MIN_VALID_LIFETIME,
        shared::MAX_VALID_LIFETIME,
        shared::RENEW_TIMER,
        shared::REBIND_TIMER,
        shared::CALCULATE_TEE_TIMES.default(Bool(false)),
        shared::T1_PERCENT.default(Real(0.5)),
        shared::T2_PERCENT.default(Real(0.875)),
        Keyword::new(
            "decline-probation-period",
            Kind::UINT32,
            "Seconds for which a declined address stays unusable.",
        )
        .default(Int(86_400)),
        Keyword::new("echo-client-id", Kind::Bool, "Whether option 61 is returned (RFC 6842).")
            .default(Bool(true)),
        shared::MATCH_CLIENT_ID.default(Bool(true)),
        shared::AUTHORITATIVE.default(Bool(false)),
        shared::NEXT_SERVER.default(Str("0.0.0.0")),
        shared::SERVER_HOSTNAME.default(Str("")),
        shared::BOOT_FILE_NAME.default(Str("")),
        Keyword::new("option-def", Kind::MapList, "Definitions of options.").default(EmptyList),
        shared::OPTIONS,
        Keyword::new("subnet4", Kind::MapList, "Subnets.").default(EmptyList),
        Keyword::new("loggers", Kind::MapList, "What is logged, and where to."),
        Keyword::new("compatibility", Kind::Map, "Exceptions from the standards.")
            .default(EmptyMap),
        Keyword::new("sanity-checks", Kind::Map, "Checks of leases at start.").default(EmptyMap),
        Keyword::new(
            "statistic-default-sample-count",
            Kind::UINT32,
            "No effect until statistics can be asked for: samples kept of each.",
        )
        .default(Int(20)),
        Keyword::new(
            "statistic-default-sample-age",
            Kind::UINT32,
            "No effect until statistics can be asked for: seconds for which samples are kept.",
        )
        .default(Int(0)),
        Keyword::new(
            "parked-packet-limit",
            Kind::UINT32,
            "No effect until hook libraries are supported.",
        )
        .default(Int(256)),
        Keyword::new(
            "server-tag",
            Kind::Str,
            "No effect until configuration databases are supported.",
        )
        .default(Str("")),
        shared::ALLOCATOR.default(Str("iterative")),
        shared::OFFER_LIFETIME.default(Int(0)),
        shared::CACHE_THRESHOLD.default(Real(0.0)),
        shared::CACHE_MAX_AGE,
        shared::ADAPTIVE,
        shared::STORE_EXTENDED_INFO,
        Keyword::new("stash-agent-options", Kind::Bool, "Use stored option 82 for renewals.")
            .not_yet("relay information in leases"),
        Keyword::new("shared-networks", Kind::MapList, "Subnets on one link.")
            .not_yet("shared networks"),
        Keyword::new("client-classes", Kind::MapList, "Classes of clients.")
            .not_yet("client classes"),
        shared::HOSTS,
        shared::RESERVATION_MODE,
        shared::RESERVATIONS_GLOBAL.default(Bool(false)),
        shared::RESERVATIONS_IN_SUBNET.default(Bool(true)),
        shared::RESERVATIONS_OUT_OF_POOL.default(Bool(false)),
        Keyword::new("host-reservation-identifiers", Kind::StrList, NO_RESERVATIONS)
            .default(StrList(&["hw-address", "duid", "circuit-id", "client-id"])),
        Keyword::new("ip-reservations-unique", Kind::Bool, NO_RESERVATIONS).default(Bool(true)),
        Keyword::new("reservations-lookup-first", Kind::Bool, NO_RESERVATIONS).default(Bool(false)),
        Keyword::new("early-global-reservations-lookup", Kind::Bool, NO_RESERVATIONS)
            .default(Bool(false)),
        Keyword::new("hosts-database", Kind::Map, "Database of host reservations.")
            .not_yet("databases"),
        Keyword::new("hosts-databases", Kind::MapList, "Databases of host reservations.")
            .not_yet("databases"),
        Keyword::new("config-control", Kind::Map, "Configuration databases.").not_yet("databases"),
        Keyword::new("hooks-libraries", Kind::MapList, "Libraries that extend the server.")
            .not_yet("hook libraries"),
        Keyword::new("control-socket", Kind::Map, "Socket for commands.")
            .not_yet("control channels"),
        Keyword::new("control-sockets", Kind::MapList, "Sockets for commands.")
            .not_yet("control channels"),
        Keyword::new("dhcp-queue-control", Kind::Map, "A queue before the workers.")
            .ignored("packets wait in the buffers of the sockets"),
        Keyword::new("dhcp4o6-port", Kind::Int { min: 0, max: 65_534 }, "Port of the DHCPv6 peer.")
            .default(Int(0)),
        Keyword::new("dhcp-ddns", Kind::Map, "The DNS update service."),
        shared::DDNS_SEND_UPDATES.default(Bool(true)),
        shared::DDNS_OVERRIDE_NO_UPDATE.default(Bool(false)),
        shared::DDNS_OVERRIDE_CLIENT_UPDATE.default(Bool(false)),
        shared::DDNS_REPLACE_CLIENT_NAME.default(Str("never")),
        shared::DDNS_GENERATED_PREFIX.default(Str("myhost")),
        shared::DDNS_QUALIFYING_SUFFIX,
        shared::DDNS_UPDATE_ON_RENEW.default(Bool(false)),
        shared::DDNS_USE_CONFLICT_RESOLUTION,
        shared::DDNS_CONFLICT_RESOLUTION_MODE.default(Str("check-with-dhcid")),
        shared::DDNS_TTL_PERCENT,
        shared::DDNS_TTL,
        shared::DDNS_TTL_MIN,
        shared::DDNS_TTL_MAX,
        shared::HOSTNAME_CHAR_SET.default(Str("")),
        shared::HOSTNAME_CHAR_REPLACEMENT.default(Str("")),
        Keyword::new("version", Kind::Str, "Version of the file's form.")
            .ignored("the server decides by the keys"),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);
