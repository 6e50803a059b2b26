//! The server and the addresses that most of these tests start from.

use e2e::prelude::*;

/// A server on the standard pair, and a client beside it.
pub(super) fn served(config: impl FnOnce(Config) -> Config) -> (Net, Server, Peer6) {
    let net = Net::pair6();
    let server = Server::start(&net, &config(Config::new6(net.path())));
    let peer = Peer6::new(&net.client);
    (net, server, peer)
}

/// An address of the standard subnet by its last word.
pub(super) fn address(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, last)
}

/// An address outside the standard subnet.
pub(super) fn outside() -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0x99, 0, 0, 0, 0, 1)
}

/// A prefix of 56 bits of the standard pool by its number.
pub(super) fn prefix(number: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0x8000, u16::from(number) << 8, 0, 0, 0, 0)
}

/// True when no client holds an address or prefix: deleted, or kept in a state of no owner.
pub(super) fn all_given_back(server: &Server) -> bool {
    server.leases().current6().values().all(|row| ["2", "3"].contains(&row["state"].as_str()))
}
