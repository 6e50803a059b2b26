//! The tables of DHCPv6.

use differential::group::Group;

mod classes;
mod hosts;
mod messages;
mod options;
mod relays;

/// All groups.
pub(crate) fn groups() -> Vec<Group> {
    let tables = [
        options::groups(),
        messages::groups(),
        relays::groups(),
        hosts::groups(),
        classes::groups(),
    ];
    tables.into_iter().flatten().collect()
}
