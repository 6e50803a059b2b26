//! The table of client classes.

use cc::{Keyword, Kind, Scope};

use super::network as own;
use crate::config::keywords::{classes, rows};

const HEADER: &str = "it is a field of DHCPv4";

/// An entry of `client-classes`.
pub static CLASS: Scope = Scope::new(
    "client-classes",
    rows![
        classes::FIRST,
        [own::VALID_LIFETIME, own::PREFERRED_LIFETIME],
        own::LIMITS,
        [
            Keyword::new("next-server", Kind::Str, "Boot server of DHCPv4.").ignored(HEADER),
            Keyword::new("server-hostname", Kind::Str, "Boot server of DHCPv4.").ignored(HEADER),
            Keyword::new("boot-file-name", Kind::Str, "Boot file of DHCPv4.").ignored(HEADER),
        ],
        classes::LAST,
    ],
);
