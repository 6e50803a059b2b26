//! Rows of the global scope that both servers have, in groups between which each has its own.

use cc::{DefaultValue, Keyword, Kind};

use super::network;
use DefaultValue::{Bool, EmptyList, EmptyMap, Int, Real, Str};

/// Maps about the server as a whole.
pub(crate) const PARTS: [Keyword; 4] = [
    Keyword::new("interfaces-config", Kind::Map, "Interfaces to serve.").default(EmptyMap),
    Keyword::new("lease-database", Kind::Map, "Where leases are kept; memfile when absent."),
    Keyword::new("expired-leases-processing", Kind::Map, "Handling of expired leases.")
        .default(EmptyMap),
    Keyword::new("multi-threading", Kind::Map, "Number of workers.").default(EmptyMap),
];

/// Declined addresses.
pub(crate) const DECLINED: [Keyword; 1] = [Keyword::new(
    "decline-probation-period",
    Kind::UINT32,
    "Seconds for which a declined address stays unusable.",
)
.default(Int(86_400))];

/// Options.
pub(crate) const OPTIONS: [Keyword; 2] = [
    Keyword::new("option-def", Kind::MapList, "Definitions of options.").default(EmptyList),
    network::OPTIONS,
];

/// What is watched, and how addresses are chosen.
pub(crate) const OBSERVED: [Keyword; 9] = [
    Keyword::new("loggers", Kind::MapList, "What is logged, and where to."),
    Keyword::new(
        "explain-clients",
        Kind::StrList,
        "Not in Kea: clients whose queries are explained by the logger `explain` at severity DEBUG; hardware \
         addresses, client identifiers or DUIDs as hexadecimal digits.",
    ),
    Keyword::new("compatibility", Kind::Map, "Exceptions from the standards.").default(EmptyMap),
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
    Keyword::new("server-tag", Kind::Str, "No effect until configuration databases are supported.")
        .default(Str("")),
    network::ALLOCATOR.default(Str("iterative")),
];

/// How leases are spared.
pub(crate) const SPARED: [Keyword; 3] =
    [network::CACHE_THRESHOLD.default(Real(0.25)), network::CACHE_MAX_AGE, network::ADAPTIVE];

/// Order of identifiers.
pub(crate) const HOST_IDENTIFIERS: Keyword = Keyword::new(
    "host-reservation-identifiers",
    Kind::StrList,
    "What a client's reservation is looked for by, in this order; `auto` for all but `flex-id`.",
);

/// Networks, classes and hosts.
pub(crate) const NETWORKS: [Keyword; 7] = [
    Keyword::new("shared-networks", Kind::MapList, "Subnets on one link.").default(EmptyList),
    Keyword::new(
        "client-classes",
        Kind::MapList,
        "Classes of clients, in the order in which they are evaluated.",
    )
    .default(EmptyList),
    network::HOSTS,
    network::RESERVATION_MODE,
    network::RESERVATIONS_GLOBAL.default(Bool(false)),
    network::RESERVATIONS_IN_SUBNET.default(Bool(true)),
    network::RESERVATIONS_OUT_OF_POOL.default(Bool(false)),
];

/// How clients are named, with the defaults.
pub(crate) const fn names(rows: [Keyword; 5]) -> [Keyword; 5] {
    let [replace, prefix, suffix, set, replacement] = rows;
    [
        replace.default(Str("never")),
        prefix.default(Str("myhost")),
        suffix.default(Str("")),
        set.default(Str("[^A-Za-z0-9.-]")),
        replacement.default(Str("")),
    ]
}

/// The last rows.
pub(crate) const LAST: [Keyword; 27] = [
    Keyword::new(
        "ip-reservations-unique",
        Kind::Bool,
        "Whether an address or prefix can be reserved for one host of a subnet only.",
    )
    .default(Bool(true)),
    Keyword::new(
        "reservations-lookup-first",
        Kind::Bool,
        "No effect: reservations are looked up before leases at all times.",
    )
    .default(Bool(false)),
    Keyword::new(
        "early-global-reservations-lookup",
        Kind::Bool,
        "Whether a client is looked for among the global reservations before a subnet is selected, so that the \
         classes of its reservation count for that.",
    )
    .default(Bool(false)),
    Keyword::new(
        "hosts-database",
        Kind::Map,
        "Database of host reservations; it is asked before those of `hosts-databases`.",
    ),
    Keyword::new(
        "hosts-databases",
        Kind::MapList,
        "Databases of host reservations, in the order in which they are asked; each as `hosts-database`.",
    ),
    Keyword::new(
        "host-cache-size",
        Kind::UINT32,
        "Not in Kea: answers of the databases of hosts that are remembered, at most; 0 for none.",
    )
    .default(Int(100_000)),
    Keyword::new(
        "host-cache-time",
        Kind::UINT32,
        "Not in Kea: seconds for which an answer of the databases of hosts is remembered; 0 for not at all.",
    )
    .default(Int(5)),
    Keyword::new("config-control", Kind::Map, "Configuration databases.").not_yet("databases"),
    Keyword::new("hooks-libraries", Kind::MapList, "Libraries that extend the server.")
        .not_yet("hook libraries"),
    Keyword::new("control-socket", Kind::Map, "Socket for commands.").not_yet("control channels"),
    Keyword::new("control-sockets", Kind::MapList, "Sockets for commands.")
        .not_yet("control channels"),
    Keyword::new("dhcp-queue-control", Kind::Map, "A queue before the workers.")
        .ignored("packets wait in the buffers of the sockets"),
    Keyword::new("dhcp4o6-port", Kind::Int { min: 0, max: 65_534 }, "Port of the other server.")
        .default(Int(0)),
    Keyword::new("dhcp-ddns", Kind::Map, "The DNS update service."),
    network::DDNS_SEND_UPDATES.default(Bool(true)),
    network::DDNS_OVERRIDE_NO_UPDATE.default(Bool(false)),
    network::DDNS_OVERRIDE_CLIENT_UPDATE.default(Bool(false)),
    network::DDNS_UPDATE_ON_RENEW.default(Bool(false)),
    network::DDNS_USE_CONFLICT_RESOLUTION,
    network::DDNS_CONFLICT_RESOLUTION_MODE.default(Str("check-with-dhcid")),
    network::DDNS_TTL_PERCENT,
    network::DDNS_TTL,
    network::DDNS_TTL_MIN,
    network::DDNS_TTL_MAX,
    Keyword::new("version", Kind::Str, "Version of the file's form.")
        .ignored("the server decides by the keys"),
    cc::USER_CONTEXT,
    cc::COMMENT,
];
