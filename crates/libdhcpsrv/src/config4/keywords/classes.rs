//! The table of client classes.

use cc::{DefaultValue, Keyword, Kind, Scope};

use super::network as own;
use crate::config::keywords::{classes, rows};

/// An entry of `client-classes`.
pub static CLASS: Scope = Scope::new(
    "client-classes",
    rows![
        classes::FIRST,
        [
            own::VALID_LIFETIME,
            own::MIN_VALID_LIFETIME,
            own::MAX_VALID_LIFETIME,
            own::OFFER_LIFETIME,
            own::NEXT_SERVER,
            own::SERVER_HOSTNAME,
            own::BOOT_FILE_NAME,
            Keyword::new(
                "option-def",
                Kind::MapList,
                "Definitions of options 43 and 224 to 254 for `option-data` of the class.",
            )
            .default(DefaultValue::EmptyList),
        ],
        classes::LAST,
    ],
);
