//! Tables of the maps of the global scope that are not those of `kea-dhcp4`.

use cc::{DefaultValue, Keyword, Kind, Scope};

use crate::config::keywords::{INTERFACES_FOLLOWED, LENIENT, rows};
use DefaultValue::{Bool, EmptyList, Int, Str};

/// `interfaces-config`.
pub static INTERFACES: Scope = Scope::new(
    "interfaces-config",
    rows![
        [Keyword::new(
            "interfaces",
            Kind::StrList,
            "Interfaces to serve: `*`, a name, or `name/address` for queries that are sent to \
                 this address alone. They need not exist yet.",
        )
        .default(EmptyList)],
        INTERFACES_FOLLOWED,
    ],
);

/// `compatibility`.
pub static COMPATIBILITY: Scope = Scope::new("compatibility", &[LENIENT]);

/// `server-id`.
pub static SERVER_ID: Scope = Scope::new(
    "server-id",
    &[
        Keyword::new(
            "type",
            Kind::OneOf(&["LLT", "EN", "LL"]),
            "Link-layer address and time, enterprise number, or link-layer address.",
        )
        .required(),
        Keyword::new(
            "identifier",
            Kind::Str,
            "Link-layer address, or what follows the enterprise number, in hexadecimal digits; \
             the stored one, an interface's or a random one when empty.",
        )
        .default(Str("")),
        Keyword::new(
            "htype",
            Kind::UINT16,
            "Hardware type of the link-layer address; 0 for the stored one, else 1.",
        )
        .default(Int(0)),
        Keyword::new(
            "time",
            Kind::UINT32,
            "Seconds since 2000 (type LLT); 0 for the stored ones, else now.",
        )
        .default(Int(0)),
        Keyword::new(
            "enterprise-id",
            Kind::UINT32,
            "Enterprise number (type EN); 0 for the stored one, else 2495.",
        )
        .default(Int(0)),
        Keyword::new("persist", Kind::Bool, "Whether it is stored in the data directory.")
            .default(Bool(true)),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);
