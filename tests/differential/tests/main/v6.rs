//! The tables of DHCPv6.

use differential::group::Group;

mod messages;

/// All groups.
pub(crate) fn groups() -> Vec<Group> {
    [messages::groups()].into_iter().flatten().collect()
}
