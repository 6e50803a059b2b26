//! Rows of option definitions and options.

use cc::{DefaultValue, Keyword, Kind};

use DefaultValue::{Bool, Str};

/// Rows of an entry of `option-def`; `space` is the server's.
pub(crate) const fn option_def(space: &'static str) -> [Keyword; 9] {
    [
        Keyword::new("name", Kind::Str, "Name for `option-data`.").required(),
        Keyword::new("code", Kind::INT64, "Number of the option.").required(),
        Keyword::new("type", Kind::Str, "Type of the value.").required(),
        Keyword::new("array", Kind::Bool, "Whether the value may repeat.").default(Bool(false)),
        Keyword::new("record-types", Kind::Str, "Types of the fields of a record.")
            .default(Str("")),
        Keyword::new("space", Kind::Str, "Option space it belongs to.").default(Str(space)),
        Keyword::new("encapsulate", Kind::Str, "Option space of its sub-options.").default(Str("")),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ]
}

/// Rows of an entry of `option-data`; `space` is the server's.
pub(crate) const fn option_data(space: &'static str) -> [Keyword; 10] {
    [
        Keyword::new("name", Kind::Str, "Name of the option; this or `code` is required."),
        Keyword::new("code", Kind::INT64, "Number of the option; this or `name` is required."),
        Keyword::new("space", Kind::Str, "Option space it belongs to.").default(Str(space)),
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
        Keyword::new(
            "client-classes",
            Kind::StrList,
            "Classes it is for; a client gets the first entry for one of its classes, else the \
             first one without classes.",
        ),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ]
}
