//! Tables of the maps of the global scope that mean the same in both servers.

use cc::{DefaultValue, Keyword, Kind, Scope};

use DefaultValue::{Bool, Int, Str};

const FOLLOWED: &str = "No effect: interfaces are followed and sockets retried at all times.";
const NO_UPDATES: &str = "No effect until DNS updates are supported.";

/// Rows of `interfaces-config` that stand for what is done anyway.
pub(crate) const INTERFACES_FOLLOWED: [Keyword; 6] = [
    Keyword::new("re-detect", Kind::Bool, FOLLOWED).default(Bool(true)),
    Keyword::new("service-sockets-max-retries", Kind::UINT32, FOLLOWED).default(Int(0)),
    Keyword::new("service-sockets-retry-wait-time", Kind::UINT32, FOLLOWED).default(Int(5000)),
    Keyword::new("service-sockets-require-all", Kind::Bool, FOLLOWED).default(Bool(false)),
    cc::USER_CONTEXT,
    cc::COMMENT,
];

/// `relay` of a subnet.
pub static RELAY: Scope = Scope::new(
    "relay",
    &[
        Keyword::new("ip-address", Kind::Str, "Address of the relay, by which it marks the link."),
        Keyword::new("ip-addresses", Kind::StrList, "Addresses of relays."),
    ],
);

/// `expired-leases-processing`.
pub static EXPIRED_LEASES: Scope = Scope::new(
    "expired-leases-processing",
    &[
        Keyword::new(
            "reclaim-timer-wait-time",
            Kind::UINT16,
            "Seconds between two reclamation runs; 0 for none.",
        )
        .default(Int(10)),
        Keyword::new(
            "flush-reclaimed-timer-wait-time",
            Kind::UINT16,
            "Seconds between two removals of reclaimed leases; 0 for none.",
        )
        .default(Int(25)),
        Keyword::new(
            "hold-reclaimed-time",
            Kind::UINT32,
            "Seconds for which a reclaimed lease is kept for its former client.",
        )
        .default(Int(3600)),
        Keyword::new("max-reclaim-leases", Kind::UINT32, "Leases per run; 0 for no limit.")
            .default(Int(100)),
        Keyword::new(
            "max-reclaim-time",
            Kind::Int { min: 0, max: 10_000 },
            "Milliseconds per run; 0 for no limit.",
        )
        .default(Int(250)),
        Keyword::new(
            "unwarned-reclaim-cycles",
            Kind::UINT16,
            "Runs in a row that may leave leases behind before a warning is logged.",
        )
        .default(Int(5)),
    ],
);

/// `multi-threading`.
pub static MULTI_THREADING: Scope = Scope::new(
    "multi-threading",
    &[
        Keyword::new("enable-multi-threading", Kind::Bool, "Off: one worker.").default(Bool(true)),
        Keyword::new("thread-pool-size", Kind::UINT16, "Workers; 0 for one per processor.")
            .default(Int(0)),
        Keyword::new(
            "packet-queue-size",
            Kind::UINT16,
            "No effect: packets wait in the buffers of the sockets.",
        )
        .default(Int(64)),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);

/// The row of `compatibility` that both servers have.
pub(crate) const LENIENT: Keyword = Keyword::new(
    "lenient-option-parsing",
    Kind::Bool,
    "No effect: malformed options of clients are always tolerated where that is safe.",
)
.default(Bool(false));

/// `sanity-checks`.
pub static SANITY_CHECKS: Scope = Scope::new(
    "sanity-checks",
    &[
        Keyword::new(
            "lease-checks",
            Kind::OneOf(&["none", "warn", "fix", "fix-del", "del"]),
            "What is done at the start with leases whose subnet does not match their address: nothing (`none`), \
             a line in the log (`warn`), the right subnet (`fix`), the same or removal (`fix-del`), removal \
             (`del`).",
        )
        .default(Str("warn")),
        Keyword::new(
            "extended-info-checks",
            Kind::OneOf(&["none", "fix", "strict", "pedantic"]),
            "What is done at the start with what leases say of relays: nothing (`none`), today's form and \
             removal of what has no form (`fix`), the same by a closer look (`strict`, `pedantic`).",
        )
        .default(Str("fix")),
    ],
);

/// `dhcp-ddns`.
pub static DHCP_DDNS: Scope = Scope::new(
    "dhcp-ddns",
    &[
        Keyword::new("enable-updates", Kind::Bool, "Whether DNS updates are sent.").required(),
        ddns("server-ip", Kind::Str),
        ddns("server-port", Kind::UINT16),
        ddns("sender-ip", Kind::Str),
        ddns("sender-port", Kind::UINT16),
        ddns("max-queue-size", Kind::UINT32),
        ddns("ncr-protocol", Kind::Str),
        ddns("ncr-format", Kind::Str),
        Keyword::new(
            "qualifying-suffix",
            Kind::Str,
            "Old place of `ddns-qualifying-suffix` of the global scope; no effect in `kea-dhcp6`.",
        ),
        ddns("always-include-fqdn", Kind::Bool),
        ddns("allow-client-update", Kind::Bool),
        ddns("override-no-update", Kind::Bool),
        ddns("override-client-update", Kind::Bool),
        Keyword::new(
            "replace-client-name",
            Kind::StrOrBool,
            "Old place of `ddns-replace-client-name` of the global scope; no effect in `kea-dhcp6`.",
        ),
        Keyword::new(
            "generated-prefix",
            Kind::Str,
            "Old place of `ddns-generated-prefix` of the global scope; no effect in `kea-dhcp6`.",
        ),
        Keyword::new(
            "hostname-char-set",
            Kind::Str,
            "Old place of `hostname-char-set` of the global scope; no effect in `kea-dhcp6`.",
        ),
        Keyword::new(
            "hostname-char-replacement",
            Kind::Str,
            "Old place of `hostname-char-replacement` of the global scope; no effect in `kea-dhcp6`.",
        ),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);

const fn ddns(name: &'static str, kind: Kind) -> Keyword {
    Keyword::new(name, kind, NO_UPDATES)
}
