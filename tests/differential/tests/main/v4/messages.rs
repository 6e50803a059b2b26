//! Messages of DHCPv4: the exchanges of RFC 2131.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    vec![exchanges()]
}

fn exchanges() -> Group {
    let cases = vec![case("discover and request").send(discover().wish()).send(request().accept())];
    Group::v4("messages: exchanges", "", cases)
}
