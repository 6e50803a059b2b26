//! The tables of DHCPv4.

use differential::group::Group;

mod messages;
mod options;

/// All groups.
pub(crate) fn groups() -> Vec<Group> {
    [options::groups(), messages::groups()].into_iter().flatten().collect()
}
