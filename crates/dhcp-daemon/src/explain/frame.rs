//! The UDP datagram in a captured frame.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LinkSlice, NetSlice, SlicedPacket, TransportSlice};
use pcap_parser::Linktype;
use util::link::LinkAddress;

/// Header of Linux' second form of cooked captures, and where it has the type of what follows.
const SLL2_LEN: usize = 20;
/// Header of BSD's loopback interfaces.
const NULL_LEN: usize = 4;
/// Bytes before the payload of UDP.
const UDP_HEADER_LEN: usize = 8;

/// A UDP datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    /// Where it comes from.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// The link address that it comes from, if the link has one.
    pub link_source: Option<LinkAddress>,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Why a frame holds no datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoDatagram {
    /// Another protocol than UDP over IP.
    Other,
    /// A part of a datagram.
    Fragment,
    /// Less than its headers say: it was cut off by the capture, or is broken.
    Short,
    /// A link that is not known here.
    UnknownLink,
}

impl std::fmt::Display for NoDatagram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Other => "no UDP",
            Self::Fragment => "fragments",
            Self::Short => "cut off or broken",
            Self::UnknownLink => "of a link type that is not known",
        })
    }
}

/// Takes the datagram out of an Ethernet frame.
pub(crate) fn of_ethernet(frame: &[u8]) -> Result<Datagram, NoDatagram> {
    of_link(Linktype::ETHERNET, frame)
}

/// Takes the datagram out of a frame of a link.
pub(crate) fn of_link(link: Linktype, frame: &[u8]) -> Result<Datagram, NoDatagram> {
    let sliced = match link {
        Linktype::ETHERNET => SlicedPacket::from_ethernet(frame),
        Linktype::LINUX_SLL => SlicedPacket::from_linux_sll(frame),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => {
            SlicedPacket::from_ip(frame)
        }
        Linktype::NULL | Linktype::LOOP => {
            SlicedPacket::from_ip(frame.get(NULL_LEN..).ok_or(NoDatagram::Short)?)
        }
        Linktype(276) => {
            let (header, rest) = frame.split_at_checked(SLL2_LEN).ok_or(NoDatagram::Short)?;
            let (kind, _) = header.split_first_chunk().ok_or(NoDatagram::Short)?;
            SlicedPacket::from_ether_type(EtherType(u16::from_be_bytes(*kind)), rest)
        }
        _ => return Err(NoDatagram::UnknownLink),
    };
    let sliced = sliced.map_err(|_| NoDatagram::Short)?;
    let (source, destination, is_fragment): (IpAddr, IpAddr, bool) = match &sliced.net {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let ends = (header.source_addr().into(), header.destination_addr().into());
            (ends.0, ends.1, ip.is_payload_fragmented())
        }
        Some(NetSlice::Ipv6(ip)) => {
            let header = ip.header();
            let ends = (header.source_addr().into(), header.destination_addr().into());
            (ends.0, ends.1, ip.is_payload_fragmented())
        }
        _ => return Err(NoDatagram::Other),
    };
    if is_fragment {
        return Err(NoDatagram::Fragment);
    }
    let Some(TransportSlice::Udp(udp)) = &sliced.transport else { return Err(NoDatagram::Other) };
    let len = usize::from(udp.length()).checked_sub(UDP_HEADER_LEN).ok_or(NoDatagram::Short)?;
    let payload = udp.payload().get(..len).ok_or(NoDatagram::Short)?;
    Ok(Datagram {
        source: SocketAddr::new(source, udp.source_port()),
        destination: SocketAddr::new(destination, udp.destination_port()),
        link_source: sliced
            .link
            .as_ref()
            .and_then(link_source)
            .or_else(|| sll2_source(link, frame)),
        payload: payload.to_vec(),
    })
}

fn link_source(link: &LinkSlice<'_>) -> Option<LinkAddress> {
    match link {
        LinkSlice::Ethernet2(ethernet) => Some(LinkAddress(ethernet.source())),
        LinkSlice::LinuxSll(cooked) => {
            let address = cooked.sender_address();
            address.try_into().ok().map(LinkAddress)
        }
        _ => None,
    }
}

/// The sender's link address in Linux' second form of cooked captures.
fn sll2_source(link: Linktype, frame: &[u8]) -> Option<LinkAddress> {
    let [.., len, a, b, c, d, e, f, _, _] = frame.first_chunk::<SLL2_LEN>()?;
    let is_known = link == Linktype(276) && *len == 6;
    is_known.then_some(LinkAddress([*a, *b, *c, *d, *e, *f]))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An IPv4 datagram of a client that has no address yet.
    pub(crate) fn ipv4(payload: &[u8]) -> Vec<u8> {
        let len = (28 + payload.len()) as u16;
        let mut packet = vec![0x45, 0];
        packet.extend(len.to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
        packet.extend([0, 68, 0, 67]);
        packet.extend((len - 20).to_be_bytes());
        packet.extend([0, 0]);
        packet.extend_from_slice(payload);
        packet
    }

    /// An IPv6 datagram of a client.
    pub(crate) fn ipv6(payload: &[u8]) -> Vec<u8> {
        let len = (8 + payload.len()) as u16;
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(len.to_be_bytes());
        packet.extend([17, 1]);
        packet.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1]);
        packet.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2]);
        packet.extend([2, 34, 2, 35]);
        packet.extend(len.to_be_bytes());
        packet.extend([0, 0]);
        packet.extend_from_slice(payload);
        packet
    }

    pub(crate) fn ethernet(kind: u16, rest: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xff; 6];
        frame.extend([2, 0, 0, 0, 0, 1]);
        frame.extend(kind.to_be_bytes());
        frame.extend_from_slice(rest);
        frame
    }

    fn datagram(link_source: Option<LinkAddress>) -> Datagram {
        Datagram {
            source: "0.0.0.0:68".parse().unwrap(),
            destination: "255.255.255.255:67".parse().unwrap(),
            link_source,
            payload: b"hello".to_vec(),
        }
    }

    #[test]
    fn datagrams_are_found_on_every_link() {
        let (ip, mac) = (ipv4(b"hello"), Some(LinkAddress([2, 0, 0, 0, 0, 1])));
        let plain = ethernet(0x0800, &ip);
        assert_eq!(of_ethernet(&plain), Ok(datagram(mac)));
        let mut padded = plain.clone();
        padded.extend([0; 9]);
        assert_eq!(of_ethernet(&padded), Ok(datagram(mac)), "Ethernet fills up short frames");
        let mut tagged = vec![0, 7, 8, 0];
        tagged.extend_from_slice(&ip);
        assert_eq!(of_ethernet(&ethernet(0x8100, &tagged)), Ok(datagram(mac)), "in a VLAN");
        assert_eq!(of_link(Linktype::RAW, &ip), Ok(datagram(None)));
        let with = |header: &[u8]| [header, &ip].concat();
        assert_eq!(of_link(Linktype::NULL, &with(&[2, 0, 0, 0])), Ok(datagram(None)));
        let cooked = with(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0]);
        assert_eq!(of_link(Linktype::LINUX_SLL, &cooked).map(|d| d.payload), Ok(b"hello".to_vec()));
        let header = [8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(of_link(Linktype(276), &with(&header)), Ok(datagram(mac)));
        let six = of_ethernet(&ethernet(0x86dd, &ipv6(b"hello"))).unwrap();
        assert_eq!(six.source.to_string(), "[fe80::ff:fe00:1]:546");
        assert_eq!(six.destination.to_string(), "[ff02::1:2]:547");
    }

    #[test]
    fn other_frames_are_told_apart() {
        let of_ip = |ip: &[u8]| of_ethernet(&ethernet(0x0800, ip)).unwrap_err();
        let ip = ipv4(b"hello");
        assert_eq!(of_ip(&ip[..ip.len() - 1]), NoDatagram::Short);
        let mut fragment = ip.clone();
        fragment[6] = 0x20;
        assert_eq!(of_ip(&fragment), NoDatagram::Fragment);
        let mut icmp = ip.clone();
        icmp[9] = 99;
        assert_eq!(of_ip(&icmp), NoDatagram::Other);
        assert_eq!(of_ethernet(&ethernet(0x88cc, b"lldp")), Err(NoDatagram::Other));
        assert_eq!(of_ethernet(&[]), Err(NoDatagram::Short));
        assert_eq!(of_link(Linktype(9999), &ip), Err(NoDatagram::UnknownLink));
        let frame = ethernet(0x0800, &ip);
        for at in 0..frame.len() {
            let mut broken = frame.clone();
            broken[at] ^= 0xff;
            let _ = (of_ethernet(&broken), of_ethernet(&frame[..at]));
        }
    }
}
