//! Tables of the maps of the global scope that are not those of `kea-dhcp6`.

use cc::{DefaultValue, Keyword, Kind, Scope};

use crate::config::keywords::{INTERFACES_FOLLOWED, LENIENT, rows};
use DefaultValue::{Bool, Str};

/// `interfaces-config`.
pub static INTERFACES: Scope = Scope::new(
    "interfaces-config",
    rows![
        [
            Keyword::new(
                "interfaces",
                Kind::StrList,
                "Interfaces to serve: `*`, a name, or `name/address`. They need not exist yet.",
            )
            .default(DefaultValue::EmptyList),
            Keyword::new(
                "dhcp-socket-type",
                Kind::OneOf(&["raw", "udp"]),
                "`raw` answers clients that have no address yet; `udp` is for relayed traffic.",
            )
            .default(Str("raw")),
            Keyword::new(
                "outbound-interface",
                Kind::OneOf(&["same-as-inbound", "use-routing"]),
                "Whether answers to relays, and to clients that own their address, leave as frames to where the \
                 query came from (`same-as-inbound`; many to one relay at a time are routed nevertheless), or always \
                 as the kernel's routing table says, as long as it has a route (`use-routing`). `udp` sockets always \
                 follow the routing table.",
            )
            .default(Str("same-as-inbound")),
        ],
        INTERFACES_FOLLOWED,
    ],
);

/// `compatibility`.
pub static COMPATIBILITY: Scope = Scope::new(
    "compatibility",
    &[
        Keyword::new(
            "ignore-rai-link-selection",
            Kind::Bool,
            "Disregard option 82.5 (RFC 3527) when a subnet is selected.",
        )
        .default(Bool(false)),
        Keyword::new(
            "ignore-dhcp-server-identifier",
            Kind::Bool,
            "Answer queries that name another server in option 54.",
        )
        .default(Bool(false)),
        Keyword::new(
            "exclude-first-last-24",
            Kind::Bool,
            "Do not give out addresses that end in .0 or .255 in networks of /24 and larger.",
        )
        .default(Bool(false)),
        LENIENT,
    ],
);
