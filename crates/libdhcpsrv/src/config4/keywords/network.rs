//! Tables of subnets and of what they contain, and the rows that subnets share with the global
//! scope. A subnet's rows have no defaults: what is absent is inherited.

use cc::{DefaultValue, Keyword, Kind, Scope};

use DefaultValue::{Bool, EmptyList, Str};

const CLASSES: &str = "client classes";
const RESERVATIONS: &str = "host reservations";
const NO_RESERVATIONS: &str = "No effect until host reservations are supported.";
const NO_UPDATES: &str = "No effect until DNS updates are supported.";
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
pub(super) const CALCULATE_TEE_TIMES: Keyword = Keyword::new(
    "calculate-tee-times",
    Kind::Bool,
    "Whether T1 and T2 are computed from the lease time where they are not set.",
);
pub(super) const T1_PERCENT: Keyword =
    Keyword::new("t1-percent", Kind::FRACTION, "T1 as a share of the lease time.");
pub(super) const T2_PERCENT: Keyword =
    Keyword::new("t2-percent", Kind::FRACTION, "T2 as a share of the lease time.");
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
pub(super) const OPTIONS: Keyword =
    Keyword::new("option-data", Kind::MapList, "Options for clients.").default(EmptyList);

// What comes with other parts of the product. `false`, `""` and `[]` ask for nothing.
pub(super) const STORE_EXTENDED_INFO: Keyword =
    Keyword::new("store-extended-info", Kind::Bool, "Keep option 82 with the lease.")
        .not_yet("relay information in leases");
pub(super) const CACHE_THRESHOLD: Keyword = Keyword::new(
    "cache-threshold",
    Kind::FRACTION,
    "Share of the lease time after which a renewal is stored; 0 stores each.",
);
pub(super) const CACHE_MAX_AGE: Keyword =
    Keyword::new("cache-max-age", Kind::UINT32, "No effect until `cache-threshold` is supported.");
pub(super) const OFFER_LIFETIME: Keyword =
    Keyword::new("offer-lifetime", Kind::UINT32, "Seconds for which an offer is stored.");
pub(super) const ALLOCATOR: Keyword = Keyword::new(
    "allocator",
    Kind::OneOf(&["iterative", "random", "flq"]),
    "How a free address is chosen.",
);
pub(super) const ADAPTIVE: Keyword = Keyword::new(
    "adaptive-lease-time-threshold",
    Kind::FRACTION,
    "Share of leased addresses above which the shortest lease time is given; 1 for never.",
);
pub(super) const RESERVATION_MODE: Keyword = Keyword::new(
    "reservation-mode",
    Kind::OneOf(&["all", "out-of-pool", "global", "disabled", "off"]),
    NO_RESERVATIONS,
);
pub(super) const RESERVATIONS_GLOBAL: Keyword =
    Keyword::new("reservations-global", Kind::Bool, NO_RESERVATIONS);
pub(super) const RESERVATIONS_IN_SUBNET: Keyword =
    Keyword::new("reservations-in-subnet", Kind::Bool, NO_RESERVATIONS);
pub(super) const RESERVATIONS_OUT_OF_POOL: Keyword =
    Keyword::new("reservations-out-of-pool", Kind::Bool, NO_RESERVATIONS);
pub(super) const HOSTS: Keyword =
    Keyword::new("reservations", Kind::MapList, "Addresses and options of certain hosts.")
        .not_yet(RESERVATIONS);
pub(super) const DDNS_SEND_UPDATES: Keyword =
    Keyword::new("ddns-send-updates", Kind::Bool, NO_UPDATES);
pub(super) const DDNS_OVERRIDE_NO_UPDATE: Keyword =
    Keyword::new("ddns-override-no-update", Kind::Bool, NO_UPDATES);
pub(super) const DDNS_OVERRIDE_CLIENT_UPDATE: Keyword =
    Keyword::new("ddns-override-client-update", Kind::Bool, NO_UPDATES);
pub(super) const DDNS_REPLACE_CLIENT_NAME: Keyword =
    Keyword::new("ddns-replace-client-name", Kind::StrOrBool, "When a client's name is replaced.");
pub(super) const DDNS_GENERATED_PREFIX: Keyword =
    Keyword::new("ddns-generated-prefix", Kind::Str, NO_UPDATES);
pub(super) const DDNS_QUALIFYING_SUFFIX: Keyword =
    Keyword::new("ddns-qualifying-suffix", Kind::Str, "Domain of partial names.")
        .not_yet("completion of client names");
pub(super) const DDNS_UPDATE_ON_RENEW: Keyword =
    Keyword::new("ddns-update-on-renew", Kind::Bool, NO_UPDATES);
pub(super) const DDNS_USE_CONFLICT_RESOLUTION: Keyword =
    Keyword::new("ddns-use-conflict-resolution", Kind::Bool, NO_UPDATES);
pub(super) const DDNS_CONFLICT_RESOLUTION_MODE: Keyword = Keyword::new(
    "ddns-conflict-resolution-mode",
    Kind::OneOf(&[
        "check-with-dhcid",
        "no-check-with-dhcid",
        "check-exists-with-dhcid",
        "no-check-without-dhcid",
    ]),
    NO_UPDATES,
);
pub(super) const DDNS_TTL_PERCENT: Keyword =
    Keyword::new("ddns-ttl-percent", Kind::FRACTION, NO_UPDATES);
pub(super) const DDNS_TTL: Keyword = Keyword::new("ddns-ttl", Kind::UINT32, NO_UPDATES);
pub(super) const DDNS_TTL_MIN: Keyword = Keyword::new("ddns-ttl-min", Kind::UINT32, NO_UPDATES);
pub(super) const DDNS_TTL_MAX: Keyword = Keyword::new("ddns-ttl-max", Kind::UINT32, NO_UPDATES);
pub(super) const HOSTNAME_CHAR_SET: Keyword =
    Keyword::new("hostname-char-set", Kind::Str, "Characters replaced in names of clients.");
pub(super) const HOSTNAME_CHAR_REPLACEMENT: Keyword = Keyword::new(
    "hostname-char-replacement",
    Kind::Str,
    "No effect until `hostname-char-set` is supported.",
);

/// An entry of `subnet4`.
pub static SUBNET: Scope = Scope::new(
    "subnet4",
    &[
        Keyword::new(
            "id",
            Kind::Int { min: 0, max: 0xffff_fffe },
            "Number that leases refer to; when absent or 0, counted from 1 in file order.",
        ),
        Keyword::new("subnet", Kind::Str, "The prefix, `address/length`.").required(),
        Keyword::new("pools", Kind::MapList, "Addresses to give out.").default(EmptyList),
        OPTIONS,
        Keyword::new("interface", Kind::Str, "Interface whose direct clients are served.")
            .default(Str("")),
        Keyword::new("relay", Kind::Map, "Relays whose clients are served."),
        VALID_LIFETIME,
        MIN_VALID_LIFETIME,
        MAX_VALID_LIFETIME,
        RENEW_TIMER,
        REBIND_TIMER,
        CALCULATE_TEE_TIMES,
        T1_PERCENT,
        T2_PERCENT,
        MATCH_CLIENT_ID,
        AUTHORITATIVE,
        NEXT_SERVER,
        SERVER_HOSTNAME,
        BOOT_FILE_NAME,
        ALLOCATOR,
        OFFER_LIFETIME,
        CACHE_THRESHOLD,
        CACHE_MAX_AGE,
        ADAPTIVE,
        STORE_EXTENDED_INFO,
        HOSTS,
        RESERVATION_MODE,
        RESERVATIONS_GLOBAL,
        RESERVATIONS_IN_SUBNET,
        RESERVATIONS_OUT_OF_POOL,
        Keyword::new("client-class", Kind::Str, "Class it is reserved for.").not_yet(CLASSES),
        Keyword::new("client-classes", Kind::StrList, "Classes it is reserved for.")
            .not_yet(CLASSES),
        Keyword::new("require-client-classes", Kind::StrList, "Classes evaluated late.")
            .not_yet(CLASSES),
        Keyword::new("evaluate-additional-classes", Kind::StrList, "Classes evaluated late.")
            .not_yet(CLASSES),
        Keyword::new("4o6-interface", Kind::Str, "Interface of DHCPv4 over DHCPv6.").not_yet(O6),
        Keyword::new("4o6-interface-id", Kind::Str, "Interface id of DHCPv4 over DHCPv6.")
            .not_yet(O6),
        Keyword::new("4o6-subnet", Kind::Str, "IPv6 prefix of DHCPv4 over DHCPv6.").not_yet(O6),
        DDNS_SEND_UPDATES,
        DDNS_OVERRIDE_NO_UPDATE,
        DDNS_OVERRIDE_CLIENT_UPDATE,
        DDNS_REPLACE_CLIENT_NAME,
        DDNS_GENERATED_PREFIX,
        DDNS_QUALIFYING_SUFFIX,
        DDNS_UPDATE_ON_RENEW,
        DDNS_USE_CONFLICT_RESOLUTION,
        DDNS_CONFLICT_RESOLUTION_MODE,
        DDNS_TTL_PERCENT,
        DDNS_TTL,
        DDNS_TTL_MIN,
        DDNS_TTL_MAX,
        HOSTNAME_CHAR_SET,
        HOSTNAME_CHAR_REPLACEMENT,
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);

/// An entry of `pools`.
pub static POOL: Scope = Scope::new(
    "pools",
    &[
        Keyword::new("pool", Kind::Str, "Range `first - last`, or a prefix.").required(),
        Keyword::new("pool-id", Kind::UINT32, "Number for statistics.")
            .default(DefaultValue::Int(0)),
        Keyword::new("option-data", Kind::MapList, "Options for clients of the pool.")
            .not_yet("options of a pool"),
        Keyword::new("client-class", Kind::Str, "Class it is reserved for.").not_yet(CLASSES),
        Keyword::new("client-classes", Kind::StrList, "Classes it is reserved for.")
            .not_yet(CLASSES),
        Keyword::new("require-client-classes", Kind::StrList, "Classes evaluated late.")
            .not_yet(CLASSES),
        Keyword::new("evaluate-additional-classes", Kind::StrList, "Classes evaluated late.")
            .not_yet(CLASSES),
        DDNS_SEND_UPDATES,
        DDNS_OVERRIDE_NO_UPDATE,
        DDNS_OVERRIDE_CLIENT_UPDATE,
        DDNS_REPLACE_CLIENT_NAME,
        DDNS_GENERATED_PREFIX,
        DDNS_QUALIFYING_SUFFIX,
        DDNS_UPDATE_ON_RENEW,
        DDNS_CONFLICT_RESOLUTION_MODE,
        DDNS_TTL_PERCENT,
        DDNS_TTL,
        DDNS_TTL_MIN,
        DDNS_TTL_MAX,
        HOSTNAME_CHAR_SET,
        HOSTNAME_CHAR_REPLACEMENT,
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);

/// `relay` of a subnet.
pub static RELAY: Scope = Scope::new(
    "relay",
    &[
        Keyword::new("ip-address", Kind::Str, "Address of the relay (giaddr)."),
        Keyword::new("ip-addresses", Kind::StrList, "Addresses of relays."),
    ],
);

/// An entry of `option-def`.
pub static OPTION_DEF: Scope = Scope::new(
    "option-def",
    &[
        Keyword::new("name", Kind::Str, "Name for `option-data`.").required(),
        Keyword::new("code", Kind::INT64, "Number of the option.").required(),
        Keyword::new("type", Kind::Str, "Type of the value.").required(),
        Keyword::new("array", Kind::Bool, "Whether the value may repeat.").default(Bool(false)),
        Keyword::new("record-types", Kind::Str, "Types of the fields of a record.")
            .default(Str("")),
        Keyword::new("space", Kind::Str, "Option space it belongs to.").default(Str("dhcp4")),
        Keyword::new("encapsulate", Kind::Str, "Option space of its sub-options.").default(Str("")),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);

/// An entry of `option-data`.
pub static OPTION_DATA: Scope = Scope::new(
    "option-data",
    &[
        Keyword::new("name", Kind::Str, "Name of the option; this or `code` is required."),
        Keyword::new("code", Kind::INT64, "Number of the option; this or `name` is required."),
        Keyword::new("space", Kind::Str, "Option space it belongs to.").default(Str("dhcp4")),
        Keyword::new(
            "csv-format",
            Kind::Bool,
            "Whether `data` is text in the form of the definition, else hexadecimal digits; when \
             absent, text if the option has a definition.",
        ),
        Keyword::new("data", Kind::Str, "The value.").default(Str("")),
        Keyword::new("always-send", Kind::Bool, "Sent even if the client does not ask for it.")
            .default(Bool(false)),
        Keyword::new("never-send", Kind::Bool, "Not sent, whatever other scopes say.")
            .default(Bool(false)),
        Keyword::new("client-classes", Kind::StrList, "Classes it is for.").not_yet(CLASSES),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);
