//! Ethernet, IPv6 and UDP around a DHCPv6 message.

use std::net::Ipv6Addr;

use crate::dhcp::array;
use crate::frame::udp_checksum;

/// `All_DHCP_Relay_Agents_and_Servers` (RFC 8415 section 7.1).
pub const SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// The port of clients.
pub const CLIENT_PORT: u16 = 546;
/// The port of servers and relays.
pub const SERVER_PORT: u16 = 547;

/// Length of the Ethernet header.
const ETHERNET: usize = 14;
/// Length of the Ethernet and the IPv6 header.
const HEADERS: usize = ETHERNET + 40;

/// A UDP datagram in its Ethernet frame.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Frame6 {
    pub eth_destination: [u8; 6],
    pub eth_source: [u8; 6],
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    pub source_port: u16,
    pub destination_port: u16,
    /// Added to the true UDP length.
    pub udp_length_error: i32,
    pub payload: Vec<u8>,
}

impl Frame6 {
    /// A datagram from a client to all servers and relays of the link.
    pub fn multicast(eth_source: [u8; 6], source: Ipv6Addr, payload: Vec<u8>) -> Self {
        Self {
            eth_destination: [0x33, 0x33, 0, 1, 0, 2],
            eth_source,
            source,
            destination: SERVERS,
            source_port: CLIENT_PORT,
            destination_port: SERVER_PORT,
            udp_length_error: 0,
            payload,
        }
    }

    /// Directs the frame to one station.
    #[must_use]
    pub fn unicast(mut self, mac: [u8; 6], destination: Ipv6Addr) -> Self {
        self.eth_destination = mac;
        self.destination = destination;
        self
    }

    /// Wire form.
    pub fn encode(&self) -> Vec<u8> {
        let length = 8 + self.payload.len();
        let told = (length as i32 + self.udp_length_error).clamp(0, 0xffff) as u16;
        let mut udp = Vec::with_capacity(length);
        udp.extend(self.source_port.to_be_bytes());
        udp.extend(self.destination_port.to_be_bytes());
        udp.extend(told.to_be_bytes());
        udp.extend([0, 0]);
        udp.extend(&self.payload);
        let sum = udp_checksum(&self.source.octets(), &self.destination.octets(), &udp);
        udp[6..8].copy_from_slice(&sum.to_be_bytes());

        let mut out = Vec::with_capacity(HEADERS + length);
        out.extend(self.eth_destination);
        out.extend(self.eth_source);
        out.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        out.extend((length as u16).to_be_bytes());
        out.extend([17, 64]);
        out.extend(self.source.octets());
        out.extend(self.destination.octets());
        out.extend(udp);
        out
    }

    /// Reads a frame; `None` unless it is UDP in IPv6 without extension headers.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if array::<2>(bytes, 12)? != [0x86, 0xdd] || *bytes.get(ETHERNET + 6)? != 17 {
            return None;
        }
        let end = HEADERS + usize::from(u16::from_be_bytes(array(bytes, HEADERS + 4)?));
        Some(Self {
            eth_destination: array(bytes, 0)?,
            eth_source: array(bytes, 6)?,
            source: Ipv6Addr::from(array::<16>(bytes, ETHERNET + 8)?),
            destination: Ipv6Addr::from(array::<16>(bytes, ETHERNET + 24)?),
            source_port: u16::from_be_bytes(array(bytes, HEADERS)?),
            destination_port: u16::from_be_bytes(array(bytes, HEADERS + 2)?),
            udp_length_error: 0,
            payload: bytes.get(HEADERS + 8..end)?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_frame_decodes_to_itself() {
        let source = crate::net::link_local([2, 0, 0, 0, 0, 2]);
        let bytes = Frame6::multicast([2, 0, 0, 0, 0, 2], source, vec![1, 2, 3]).encode();
        let decoded = Frame6::decode(&bytes).expect("UDP in IPv6");
        assert_eq!((decoded.payload, decoded.source), (vec![1, 2, 3], source));
    }
}
