//! Tables of the logging part. Kea 1.1 disregards keys of the old map `Logging` that it does not
//! know, hence the scopes of that map are open; the reader warns about such keys.

use cc::{DefaultValue, Keyword, Kind, Scope};

/// The old top-level map `Logging`.
pub static LOGGING: Scope = Scope::new(
    "Logging",
    &[Keyword::new("loggers", Kind::MapList, "See `loggers` of the server.")
        .default(DefaultValue::EmptyList)],
)
.open();

/// An entry of `loggers`.
pub static LOGGER: Scope = Scope::new(
    "loggers",
    &[
        Keyword::new(
            "name",
            Kind::Str,
            "The program (`kea-dhcp4`), or one of its children: `kea-dhcp4.leases`, ...",
        )
        .required(),
        Keyword::new(
            "severity",
            Kind::Str,
            "Least grave severity that is written: FATAL, ERROR, WARN, INFO, DEBUG or NONE.",
        )
        .default(DefaultValue::Str("INFO")),
        Keyword::new(
            "debuglevel",
            Kind::Int { min: 0, max: 99 },
            "With DEBUG, the highest level that is written.",
        )
        .default(DefaultValue::Int(0)),
        Keyword::new(
            "output_options",
            Kind::MapList,
            "Where lines go; where those of the parent logger go, if there are none.",
        ),
        Keyword::new("output-options", Kind::MapList, "Another spelling of `output_options`."),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);

/// An entry of `loggers` in the old map.
pub(crate) static OLD_LOGGER: Scope = LOGGER.open();

/// An entry of `output_options`.
pub static OUTPUT: Scope = Scope::new(
    "output_options",
    &[
        Keyword::new(
            "output",
            Kind::Str,
            "`stdout`, `stderr`, `syslog`, `syslog:FACILITY`, else the name of a file.",
        )
        .required(),
        Keyword::new("flush", Kind::Bool, "Whether lines are written at once.")
            .default(DefaultValue::Bool(true)),
        Keyword::new(
            "maxsize",
            Kind::Int { min: 0, max: i64::MAX },
            "Bytes after which a file is rotated; below 204800 it never is.",
        )
        .default(DefaultValue::Int(10_240_000)),
        Keyword::new("maxver", Kind::UINT32, "Number of rotated files that are kept.")
            .default(DefaultValue::Int(1)),
        Keyword::new("pattern", Kind::Str, "Form of the lines, in the notation of log4cplus."),
    ],
);

/// An entry of `output_options` in the old map.
pub(crate) static OLD_OUTPUT: Scope = OUTPUT.open();
