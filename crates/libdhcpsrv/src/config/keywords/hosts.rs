//! Rows of host reservations.

use cc::{DefaultValue, Keyword, Kind};

use super::network;
use crate::hosts::IdentifierKind;
use DefaultValue::{EmptyList, Str};

/// What a host is known by, in each protocol; of `flex-id` see the hook library that computes it.
pub(crate) const IDENTIFIERS: [Keyword; 3] = [
    Keyword::new(
        IdentifierKind::HwAddress.name(),
        Kind::Str,
        "Hardware address: the host is known by it. Hexadecimal digits, with or without colons, or \
         text in single quotes, as for all identifiers, of which there must be one.",
    ),
    Keyword::new(IdentifierKind::Duid.name(), Kind::Str, "DUID: the host is known by it."),
    Keyword::new(
        IdentifierKind::FlexId.name(),
        Kind::Str,
        "Identifier that a hook library computes; until there is one no client has any.",
    ),
];

/// The first things that a host may have.
pub(crate) const NAME: [Keyword; 1] =
    [Keyword::new("hostname", Kind::Str, "Host name.").default(Str(""))];

/// The last rows of a reservation.
pub(crate) const LAST: [Keyword; 4] = [
    network::OPTIONS,
    Keyword::new("client-classes", Kind::StrList, "Classes that the client is in, defined or not.")
        .default(EmptyList),
    cc::USER_CONTEXT,
    cc::COMMENT,
];
