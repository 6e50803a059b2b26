//! Messages of DHCPv6: the exchanges of RFC 8415.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    vec![exchanges()]
}

fn exchanges() -> Group {
    let cases = vec![case("solicit and request").send(solicit().own_na(1)).send(request6().held())];
    Group::v6("messages6: exchanges", "", cases)
}
