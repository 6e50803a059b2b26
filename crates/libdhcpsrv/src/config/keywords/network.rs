//! Rows that subnets, pools and the global scope share. They have no defaults but for lists: what a
//! subnet does not say is inherited.

use cc::{DefaultValue, Keyword, Kind};

use DefaultValue::{EmptyList, Int, Str};

const NO_UPDATES: &str = "No effect until DNS updates are supported.";

pub(crate) const CALCULATE_TEE_TIMES: Keyword = Keyword::new(
    "calculate-tee-times",
    Kind::Bool,
    "Whether T1 and T2 are computed from the lease time where they are not set.",
);
pub(crate) const T1_PERCENT: Keyword =
    Keyword::new("t1-percent", Kind::FRACTION, "T1 as a share of the lease time.");
pub(crate) const T2_PERCENT: Keyword =
    Keyword::new("t2-percent", Kind::FRACTION, "T2 as a share of the lease time.");
pub(crate) const OPTIONS: Keyword =
    Keyword::new("option-data", Kind::MapList, "Options for clients.").default(EmptyList);

// What comes with other parts of the product. `false`, `""` and `[]` ask for nothing.
pub(crate) const CACHE_THRESHOLD: Keyword = Keyword::new(
    "cache-threshold",
    Kind::FRACTION,
    "Share of the lease time up to which a renewal that changes nothing is not stored and leaves the \
     lease as long as it was; 0 stores each.",
);
pub(crate) const CACHE_MAX_AGE: Keyword = Keyword::new(
    "cache-max-age",
    Kind::UINT32,
    "The same in seconds, beside `cache-threshold`: the lower one counts; 0 stores each.",
);
pub(crate) const ALLOCATOR: Keyword = Keyword::new(
    "allocator",
    Kind::OneOf(&["iterative", "random", "flq"]),
    "How a free address is chosen: one after the other (`iterative`), by chance (`random`), or what has \
     been free for longest (`flq`, not for IPv6 addresses).",
);
pub(crate) const ADAPTIVE: Keyword = Keyword::new(
    "adaptive-lease-time-threshold",
    Kind::FRACTION,
    "Share of leased addresses (or prefixes, not of IPv6 addresses) from which on the shortest lease time \
     is given, where the allocator is `flq`, which alone knows it; 1 for never.",
);
pub(crate) const RESERVATION_MODE: Keyword = Keyword::new(
    "reservation-mode",
    Kind::OneOf(&["all", "out-of-pool", "global", "disabled", "off"]),
    "Old key for the three below: `all` is `reservations-in-subnet`, `out-of-pool` that and \
     `reservations-out-of-pool`, `global` is `reservations-global`, `disabled` (`off`) is none.",
);
pub(crate) const RESERVATIONS_GLOBAL: Keyword = Keyword::new(
    "reservations-global",
    Kind::Bool,
    "Whether clients are looked for among the global reservations, after those of the subnet.",
);
pub(crate) const RESERVATIONS_IN_SUBNET: Keyword = Keyword::new(
    "reservations-in-subnet",
    Kind::Bool,
    "Whether clients are looked for among the reservations of the subnet.",
);
pub(crate) const RESERVATIONS_OUT_OF_POOL: Keyword = Keyword::new(
    "reservations-out-of-pool",
    Kind::Bool,
    "Whether the subnet has reservations outside its pools only: what lies in a pool is reserved for \
     nobody.",
);
pub(crate) const HOSTS: Keyword =
    Keyword::new("reservations", Kind::MapList, "What certain hosts get.").default(EmptyList);
pub(crate) const DDNS_SEND_UPDATES: Keyword =
    Keyword::new("ddns-send-updates", Kind::Bool, NO_UPDATES);
pub(crate) const DDNS_OVERRIDE_NO_UPDATE: Keyword =
    Keyword::new("ddns-override-no-update", Kind::Bool, NO_UPDATES);
pub(crate) const DDNS_OVERRIDE_CLIENT_UPDATE: Keyword =
    Keyword::new("ddns-override-client-update", Kind::Bool, NO_UPDATES);
pub(crate) const DDNS_UPDATE_ON_RENEW: Keyword =
    Keyword::new("ddns-update-on-renew", Kind::Bool, NO_UPDATES);
pub(crate) const DDNS_USE_CONFLICT_RESOLUTION: Keyword = Keyword::new(
    "ddns-use-conflict-resolution",
    Kind::Bool,
    "Old key: `ddns-conflict-resolution-mode` is what it is today.",
)
.ignored("it is an old key, of which 'ddns-conflict-resolution-mode' is the new one");
pub(crate) const DDNS_CONFLICT_RESOLUTION_MODE: Keyword = Keyword::new(
    "ddns-conflict-resolution-mode",
    Kind::OneOf(&[
        "check-with-dhcid",
        "no-check-with-dhcid",
        "check-exists-with-dhcid",
        "no-check-without-dhcid",
    ]),
    NO_UPDATES,
);
pub(crate) const DDNS_TTL_PERCENT: Keyword =
    Keyword::new("ddns-ttl-percent", Kind::FRACTION, NO_UPDATES);
pub(crate) const DDNS_TTL: Keyword = Keyword::new("ddns-ttl", Kind::UINT32, NO_UPDATES);
pub(crate) const DDNS_TTL_MIN: Keyword = Keyword::new("ddns-ttl-min", Kind::UINT32, NO_UPDATES);
pub(crate) const DDNS_TTL_MAX: Keyword = Keyword::new("ddns-ttl-max", Kind::UINT32, NO_UPDATES);

/// First rows of a subnet.
pub(crate) const SUBNET: [Keyword; 3] = [
    Keyword::new(
        "id",
        Kind::Int { min: 0, max: 0xffff_fffe },
        "Number that leases refer to; when absent or 0, counted from 1 in file order.",
    ),
    Keyword::new("subnet", Kind::Str, "The prefix, `address/length`.").required(),
    Keyword::new("pools", Kind::MapList, "Addresses to give out.").default(EmptyList),
];

/// What leads clients to a subnet.
pub(crate) const SELECTION: [Keyword; 2] = [
    Keyword::new("interface", Kind::Str, "Interface whose direct clients are served.")
        .default(Str("")),
    Keyword::new("relay", Kind::Map, "Relays whose clients are served."),
];

/// Rows of subnets and networks about host reservations.
pub(crate) const RESERVED: [Keyword; 5] = [
    HOSTS,
    RESERVATION_MODE,
    RESERVATIONS_GLOBAL,
    RESERVATIONS_IN_SUBNET,
    RESERVATIONS_OUT_OF_POOL,
];

/// DNS updates for clients of a subnet or pool.
pub(crate) const DDNS: [Keyword; 9] = [
    DDNS_SEND_UPDATES,
    DDNS_OVERRIDE_NO_UPDATE,
    DDNS_OVERRIDE_CLIENT_UPDATE,
    DDNS_UPDATE_ON_RENEW,
    DDNS_CONFLICT_RESOLUTION_MODE,
    DDNS_TTL_PERCENT,
    DDNS_TTL,
    DDNS_TTL_MIN,
    DDNS_TTL_MAX,
];

/// How clients of the global scope, a network or a subnet are named.
pub(crate) const NAMES: [Keyword; 5] = [
    Keyword::new(
        "ddns-replace-client-name",
        Kind::StrOrBool,
        "When a client's name is replaced by one that is made from its address: `never`, `always`, \
         `when-present`, `when-not-present`.",
    ),
    Keyword::new(
        "ddns-generated-prefix",
        Kind::Str,
        "What names that are made from addresses begin with.",
    ),
    Keyword::new("ddns-qualifying-suffix", Kind::Str, "The domain that names without one get."),
    Keyword::new(
        "hostname-char-set",
        Kind::Str,
        "What is replaced in names that clients give: a regular expression; empty for nothing.",
    ),
    Keyword::new(
        "hostname-char-replacement",
        Kind::Str,
        "What it is replaced by; nothing when empty.",
    ),
];

/// How clients of a pool are named.
pub(crate) const NAMES_OF_POOL: [Keyword; 5] = {
    let [replace, prefix, suffix, set, replacement] = NAMES;
    [
        replace,
        prefix,
        suffix,
        Keyword::new(set.name, set.kind, SUBNET_CLEANS),
        Keyword::new(replacement.name, replacement.kind, SUBNET_CLEANS),
    ]
};

const SUBNET_CLEANS: &str = "No effect, as in Kea: that of the subnet counts.";

/// The same keys where they ask for nothing, for the reason that is given.
pub(crate) const fn names_without_effect(reason: &'static str) -> [Keyword; 5] {
    let [replace, prefix, suffix, set, replacement] = NAMES;
    [
        Keyword::new(replace.name, replace.kind, reason),
        Keyword::new(prefix.name, prefix.kind, reason),
        Keyword::new(suffix.name, suffix.kind, reason),
        Keyword::new(set.name, set.kind, reason),
        Keyword::new(replacement.name, replacement.kind, reason),
    ]
}

/// The last rows of a subnet or pool.
pub(crate) const LAST: [Keyword; 2] = [cc::USER_CONTEXT, cc::COMMENT];

/// Rows of every kind of pool.
pub(crate) const POOL: [Keyword; 2] =
    [Keyword::new("pool-id", Kind::UINT32, "Number for statistics.").default(Int(0)), OPTIONS];

/// First row of a shared network.
pub(crate) const NETWORK: [Keyword; 1] =
    [Keyword::new("name", Kind::Str, "Name of the shared network.").required()];

/// Rows of shared networks about host reservations.
pub(crate) const RULES: [Keyword; 4] =
    [RESERVATION_MODE, RESERVATIONS_GLOBAL, RESERVATIONS_IN_SUBNET, RESERVATIONS_OUT_OF_POOL];

/// First row of a pool of addresses.
pub(crate) const POOL_RANGE: [Keyword; 1] =
    [Keyword::new("pool", Kind::Str, "Range `first - last`, or a prefix.").required()];
