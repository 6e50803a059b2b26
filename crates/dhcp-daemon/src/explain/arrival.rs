//! How a packet arrives: from its frame, or, of a payload alone, as it usually would.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netio::Family;
use util::link::{Inbound, InterfaceIndex, LinkAddress};

use super::frame::Datagram;

/// DHCPv4: message from a client; where the header has what this needs.
const BOOTREQUEST: u8 = 1;
const HTYPE: usize = 1;
const HLEN: usize = 2;
const CIADDR: usize = 12;
const GIADDR: usize = 24;
const CHADDR: usize = 28;
const ETHERNET: u8 = 1;
/// DHCPv6: messages that only servers send (ADVERTISE, REPLY, RECONFIGURE, RELAY-REPL), and that of a relay.
const FROM_SERVERS: [u8; 4] = [2, 7, 10, 13];
const RELAY_FORW: u8 = 12;
const LINK_ADDRESS: usize = 2;
/// Where clients send to if they know no server.
const ALL_SERVERS_AND_RELAYS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// A client or relay whose address is not known.
const SOMEBODY: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
/// The other ports of the protocols.
const CLIENT_PORT4: u16 = 68;
const RELAY_PORT4: u16 = 67;
const CLIENT_PORT6: u16 = 546;
const RELAY_PORT6: u16 = 547;

/// A packet on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// What a socket would say of it.
    pub source: SocketAddr,
    /// Destination of its IP header.
    pub destination: IpAddr,
    /// The server's address that receives it.
    pub local: IpAddr,
    /// Link address that it comes from.
    pub link_source: Option<LinkAddress>,
    /// The UDP payload.
    pub payload: Vec<u8>,
}

impl Arrival {
    /// A packet that was captured.
    pub(crate) fn of_datagram(datagram: Datagram, local: IpAddr) -> Self {
        let Datagram { source, destination, link_source, payload } = datagram;
        let destination = destination.ip();
        let is_for_all = destination.is_multicast() || destination == Ipv4Addr::BROADCAST;
        // Sent to one address, it is received at that address.
        let local = if is_for_all { local } else { destination };
        // Only packet sockets know where a frame comes from.
        let link_source = link_source.filter(|_| source.is_ipv4());
        Self { source, destination, local, link_source, payload }
    }

    /// A payload alone: from the relay that it names, else from the client on the link.
    pub(crate) fn of_payload(payload: Vec<u8>, family: Family, local: IpAddr) -> Self {
        match family {
            Family::V4 => Self::of_payload4(payload, local),
            Family::V6 => Self::of_payload6(payload, local),
        }
    }

    fn of_payload4(payload: Vec<u8>, local: IpAddr) -> Self {
        let address = |at: usize| {
            let octets = payload.get(at..).and_then(|rest| rest.first_chunk::<4>());
            octets.map_or(Ipv4Addr::UNSPECIFIED, |octets| Ipv4Addr::from(*octets))
        };
        let (giaddr, ciaddr) = (address(GIADDR), address(CIADDR));
        if !giaddr.is_unspecified() {
            let source = SocketAddr::new(giaddr.into(), RELAY_PORT4);
            return Self { source, destination: local, local, link_source: None, payload };
        }
        let is_ethernet = payload.get(HTYPE) == Some(&ETHERNET) && payload.get(HLEN) == Some(&6);
        let chaddr = payload.get(CHADDR..).and_then(|rest| rest.first_chunk::<6>());
        let link_source = chaddr.filter(|_| is_ethernet).copied().map(LinkAddress);
        let source = SocketAddr::new(ciaddr.into(), CLIENT_PORT4);
        let destination = Ipv4Addr::BROADCAST.into();
        Self { source, destination, local, link_source, payload }
    }

    fn of_payload6(payload: Vec<u8>, local: IpAddr) -> Self {
        let is_relayed = payload.first() == Some(&RELAY_FORW);
        let link = payload.get(LINK_ADDRESS..).and_then(|rest| rest.first_chunk::<16>());
        let link = link
            .map(|octets| Ipv6Addr::from(*octets))
            .filter(|link| is_relayed && !link.is_unspecified() && !link.is_unicast_link_local());
        let port = if is_relayed { RELAY_PORT6 } else { CLIENT_PORT6 };
        let source = SocketAddr::new(link.unwrap_or(SOMEBODY).into(), port);
        let destination = ALL_SERVERS_AND_RELAYS.into();
        Self { source, destination, local, link_source: None, payload }
    }

    /// The packet as the server gets it.
    pub(crate) fn inbound(&self, interface: InterfaceIndex) -> Inbound<'_> {
        Inbound {
            payload: &self.payload,
            interface,
            source: self.source,
            destination: self.destination,
            local: self.local,
            link_source: self.link_source,
        }
    }
}

/// Whether a datagram is something that servers receive: to their port, and from a client or relay.
pub(crate) fn is_query(payload: &[u8], family: Family) -> bool {
    match (family, payload.first()) {
        (Family::V4, Some(op)) => *op == BOOTREQUEST,
        (Family::V6, Some(kind)) => !FROM_SERVERS.contains(kind),
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn payload4(ciaddr: [u8; 4], giaddr: [u8; 4]) -> Vec<u8> {
        let mut payload = vec![0; 240];
        payload[..3].copy_from_slice(&[1, 1, 6]);
        payload[12..16].copy_from_slice(&ciaddr);
        payload[24..28].copy_from_slice(&giaddr);
        payload[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        payload
    }

    #[test]
    fn payloads_arrive_as_they_usually_would() {
        let way = |payload: Vec<u8>, family, local| {
            let arrival = Arrival::of_payload(payload, family, local);
            format!("{} {} {:?}", arrival.source, arrival.destination, arrival.link_source)
        };
        let v4 = |ciaddr, giaddr| way(payload4(ciaddr, giaddr), Family::V4, LOCAL);
        let mac = "Some(LinkAddress([2, 0, 0, 0, 0, 1]))";
        assert_eq!(v4([0; 4], [0; 4]), format!("0.0.0.0:68 255.255.255.255 {mac}"));
        assert_eq!(v4([10, 0, 0, 7], [0; 4]), format!("10.0.0.7:68 255.255.255.255 {mac}"));
        assert_eq!(v4([0; 4], [10, 0, 0, 1]), "10.0.0.1:67 192.0.2.1 None");
        assert_eq!(way(vec![1], Family::V4, LOCAL), "0.0.0.0:68 255.255.255.255 None");
        let local = IpAddr::V6(SOMEBODY);
        let v6 = |payload| way(payload, Family::V6, local);
        assert_eq!(v6(vec![1, 0, 0, 1]), "[fe80::2]:546 ff02::1:2 None");
        let mut relayed = vec![12, 0, 0x20, 1, 0xd, 0xb8];
        relayed.extend([0; 11]);
        relayed.extend([9; 30]);
        assert_eq!(v6(relayed), "[2001:db8::9]:547 ff02::1:2 None");
        assert_eq!(v6(vec![12]), "[fe80::2]:547 ff02::1:2 None");
    }

    #[test]
    fn captured_packets_are_received_where_they_were_sent() {
        let datagram = |destination: &str| Datagram {
            source: "10.0.0.7:68".parse().unwrap(),
            destination: destination.parse().unwrap(),
            link_source: None,
            payload: vec![1],
        };
        let local = |to| Arrival::of_datagram(datagram(to), LOCAL).local.to_string();
        assert_eq!(local("255.255.255.255:67"), "192.0.2.1");
        assert_eq!(local("203.0.113.5:67"), "203.0.113.5");
    }

    #[test]
    fn what_servers_send_is_no_query() {
        assert!(is_query(&[1], Family::V4) && !is_query(&[2], Family::V4));
        assert!(is_query(&[1], Family::V6) && is_query(&[12], Family::V6));
        assert!(!is_query(&[7], Family::V6) && !is_query(&[], Family::V6));
    }
}
