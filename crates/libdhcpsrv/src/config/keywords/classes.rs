//! Rows of client classes, and rows by which other scopes refer to them.

use cc::{DefaultValue, Keyword, Kind};

use super::network;
use DefaultValue::{Bool, EmptyList};

/// The first rows of a class.
pub(crate) const FIRST: [Keyword; 5] = [
    Keyword::new("name", Kind::Str, "Name that other parts of the file refer to.").required(),
    Keyword::new(
        "test",
        Kind::Str,
        "Expression that is true for the members. Without it the class has those that reservations put \
         into it.",
    ),
    Keyword::new(
        "template-test",
        Kind::Str,
        "Expression that yields text: when it is not empty, the client is in the class and in one named \
         `SPAWN_<name>_<text>`.",
    ),
    Keyword::new(
        "only-in-additional-list",
        Kind::Bool,
        "Whether the class is evaluated only where `evaluate-additional-classes` of the pool, subnet or \
         shared network asks for it, once an address is chosen.",
    )
    .default(Bool(false)),
    Keyword::new("only-if-required", Kind::Bool, "Old spelling.")
        .renamed_to("only-in-additional-list"),
];

/// The last rows of a class.
pub(crate) const LAST: [Keyword; 3] = [network::OPTIONS, cc::USER_CONTEXT, cc::COMMENT];

/// What subnets, pools and shared networks say about classes.
pub const POLICY: [Keyword; 4] = [
    Keyword::new(
        "client-classes",
        Kind::StrList,
        "Whom it serves: clients that are in any of these classes; everybody when empty.",
    )
    .default(EmptyList),
    Keyword::new("client-class", Kind::Str, "Old spelling, for one class.")
        .renamed_to("client-classes"),
    Keyword::new(
        "evaluate-additional-classes",
        Kind::StrList,
        "Classes that are evaluated late, once an address is chosen.",
    )
    .default(EmptyList),
    Keyword::new("require-client-classes", Kind::StrList, "Old spelling.")
        .renamed_to("evaluate-additional-classes"),
];
