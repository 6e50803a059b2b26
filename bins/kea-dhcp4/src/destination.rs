//! Where an answer goes: IP destination, port and link-layer treatment.
//!
//! Rules of RFC 2131 section 4.1 as Kea orders them; INFORM has its own. Pure functions over header fields.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use libdhcp::v4::{CLIENT_PORT, SERVER_PORT};
use util::link::{Delivery, Inbound, LinkAddress};

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Addressing {
    /// Relay address of the query.
    pub giaddr: Ipv4Addr,
    /// Client address of the query.
    pub ciaddr: Ipv4Addr,
    /// Address being given.
    pub yiaddr: Ipv4Addr,
    /// Whether the client set the broadcast flag.
    pub broadcast: bool,
    /// Whether the answer is a DHCPNAK.
    pub is_nak: bool,
    /// Whether a frame can be sent to a client that has no address yet.
    pub direct_response: bool,
    /// The client's link address: chaddr, when the query is direct and of Ethernet form.
    pub chaddr: Option<LinkAddress>,
}

/// Destination of the answer to anything but INFORM.
#[must_use]
pub fn of_answer(input: &Inbound<'_>, addressing: &Addressing) -> (SocketAddr, Delivery) {
    let routed = Delivery::Routed { fallback: input.link_source };
    let unset = Ipv4Addr::UNSPECIFIED;
    if addressing.giaddr != unset {
        return (to(addressing.giaddr, SERVER_PORT), routed);
    }
    if addressing.is_nak {
        return (to(Ipv4Addr::BROADCAST, CLIENT_PORT), Delivery::Broadcast);
    }
    if addressing.ciaddr != unset {
        return (to(addressing.ciaddr, CLIENT_PORT), routed);
    }
    let link = input.link_source.or(addressing.chaddr);
    match link {
        _ if addressing.yiaddr == unset => to_source(input, routed),
        Some(link) if !addressing.broadcast && addressing.direct_response => {
            (to(addressing.yiaddr, CLIENT_PORT), Delivery::Link(link))
        }
        _ => (to(Ipv4Addr::BROADCAST, CLIENT_PORT), Delivery::Broadcast),
    }
}

/// Destination of the answer to an INFORM, and whether it goes through the relay: so it does when the client does not
/// say where it can be reached.
#[must_use]
pub fn of_inform(input: &Inbound<'_>, addressing: &Addressing) -> (SocketAddr, Delivery, bool) {
    let routed = Delivery::Routed { fallback: input.link_source };
    let relayed = addressing.giaddr != Ipv4Addr::UNSPECIFIED;
    if addressing.ciaddr != Ipv4Addr::UNSPECIFIED {
        return (to(addressing.ciaddr, CLIENT_PORT), routed, false);
    }
    if relayed {
        return (to(addressing.giaddr, SERVER_PORT), routed, true);
    }
    let (destination, delivery) = to_source(input, routed);
    (destination, delivery, false)
}

fn to(address: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::from((address, port))
}

/// To where the query came from; a source without an address is reached by broadcast only.
fn to_source(input: &Inbound<'_>, routed: Delivery) -> (SocketAddr, Delivery) {
    match input.source.ip() {
        IpAddr::V4(source) if source != Ipv4Addr::UNSPECIFIED => (to(source, CLIENT_PORT), routed),
        _ => (to(Ipv4Addr::BROADCAST, CLIENT_PORT), Delivery::Broadcast),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use util::link::InterfaceIndex;

    const MAC: LinkAddress = LinkAddress([2, 0, 0, 0, 0, 1]);
    const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
    const RELAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    fn input(source: Ipv4Addr) -> Inbound<'static> {
        Inbound {
            payload: &[],
            interface: InterfaceIndex(2),
            source: SocketAddr::from((source, 68)),
            destination: Ipv4Addr::BROADCAST.into(),
            local: Ipv4Addr::new(192, 0, 2, 2).into(),
            link_source: Some(MAC),
        }
    }

    fn direct() -> Addressing {
        Addressing {
            giaddr: Ipv4Addr::UNSPECIFIED,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: CLIENT,
            broadcast: false,
            is_nak: false,
            direct_response: true,
            chaddr: Some(MAC),
        }
    }

    //= RFC 2131 section 4.1
    #[test]
    fn answers_go_where_the_rules_send_them() {
        let routed = Delivery::Routed { fallback: Some(MAC) };
        let broadcast = ("255.255.255.255:68", Delivery::Broadcast);
        let cases = [
            (Addressing { giaddr: RELAY, is_nak: true, ..direct() }, ("192.0.2.1:67", routed)),
            (Addressing { ciaddr: CLIENT, ..direct() }, ("192.0.2.10:68", routed)),
            (Addressing { ciaddr: CLIENT, is_nak: true, ..direct() }, broadcast),
            (Addressing { broadcast: true, ..direct() }, broadcast),
            (Addressing { direct_response: false, ..direct() }, broadcast),
            (direct(), ("192.0.2.10:68", Delivery::Link(MAC))),
        ];
        for (addressing, (destination, delivery)) in cases {
            let got = of_answer(&input(Ipv4Addr::UNSPECIFIED), &addressing);
            assert_eq!(got, (destination.parse().unwrap(), delivery), "{addressing:?}");
        }
    }

    #[test]
    fn inform_is_answered_to_the_client_itself() {
        let known = Addressing { ciaddr: CLIENT, giaddr: RELAY, ..direct() };
        let (destination, _, relayed) = of_inform(&input(CLIENT), &known);
        assert_eq!((destination.to_string().as_str(), relayed), ("192.0.2.10:68", false));
        let behind = Addressing { giaddr: RELAY, broadcast: true, ..direct() };
        let (destination, _, relayed) = of_inform(&input(RELAY), &behind);
        assert_eq!((destination.to_string().as_str(), relayed), ("192.0.2.1:67", true));
        let (destination, _, _) = of_inform(&input(CLIENT), &direct());
        assert_eq!(destination.to_string(), "192.0.2.10:68");
    }
}
