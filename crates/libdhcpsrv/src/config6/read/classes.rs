//! What a client class of `kea-dhcp6` alone has: preferred lifetimes.

use cc::{Diagnostics, MapReader};

use super::network::PREFERRED;
use crate::classes::OwnFields;

/// Reads it.
pub(super) fn read_own(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> OwnFields {
    OwnFields {
        preferred_lifetime: PREFERRED.read_alone(reader, diagnostics),
        ..OwnFields::default()
    }
}
