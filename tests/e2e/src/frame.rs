//! Ethernet, IPv4 and UDP around a DHCP message, with every field open to lies.

use std::net::Ipv4Addr;

use crate::dhcp::array;

/// The link-layer broadcast address.
pub const BROADCAST: [u8; 6] = [0xff; 6];

/// A UDP datagram in its Ethernet frame.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Frame {
    pub eth_destination: [u8; 6],
    pub eth_source: [u8; 6],
    /// 802.1Q tags, outermost first.
    pub tags: Vec<u16>,
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    pub source_port: u16,
    pub destination_port: u16,
    /// Fragment field of the IP header (flags and offset).
    pub fragment: u16,
    /// Added to the true IP total length.
    pub ip_length_error: i32,
    /// Added to the true UDP length.
    pub udp_length_error: i32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// A broadcast from a client that has no address.
    pub fn broadcast(eth_source: [u8; 6], payload: Vec<u8>) -> Self {
        Self {
            eth_destination: BROADCAST,
            eth_source,
            tags: Vec::new(),
            source: Ipv4Addr::UNSPECIFIED,
            destination: Ipv4Addr::BROADCAST,
            source_port: 68,
            destination_port: 67,
            fragment: 0,
            ip_length_error: 0,
            udp_length_error: 0,
            payload,
        }
    }

    /// Directs the frame to one station.
    #[must_use]
    pub fn unicast(mut self, mac: [u8; 6], source: Ipv4Addr, destination: Ipv4Addr) -> Self {
        self.eth_destination = mac;
        self.source = source;
        self.destination = destination;
        self
    }

    /// Wire form.
    pub fn encode(&self) -> Vec<u8> {
        let udp_length = 8 + self.payload.len();
        let mut udp = Vec::with_capacity(udp_length);
        udp.extend(self.source_port.to_be_bytes());
        udp.extend(self.destination_port.to_be_bytes());
        udp.extend(lie(udp_length, self.udp_length_error).to_be_bytes());
        udp.extend([0, 0]);
        udp.extend(&self.payload);
        let sum = self.udp_checksum(&udp);
        udp[6..8].copy_from_slice(&sum.to_be_bytes());

        let mut ip = vec![0x45, 0];
        ip.extend(lie(20 + udp_length, self.ip_length_error).to_be_bytes());
        ip.extend([0, 1]);
        ip.extend(self.fragment.to_be_bytes());
        ip.extend([64, 17, 0, 0]);
        ip.extend(self.source.octets());
        ip.extend(self.destination.octets());
        let sum = checksum(&[&ip]);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());

        let mut out = Vec::with_capacity(14 + 4 * self.tags.len() + ip.len() + udp.len());
        out.extend(self.eth_destination);
        out.extend(self.eth_source);
        for tag in &self.tags {
            out.extend([0x81, 0x00]);
            out.extend(tag.to_be_bytes());
        }
        out.extend([0x08, 0x00]);
        out.extend(ip);
        out.extend(udp);
        out
    }

    /// Reads a frame; `None` unless it is UDP in IPv4 in plain Ethernet.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if array::<2>(bytes, 12)? != [0x08, 0x00] || *bytes.get(23)? != 17 {
            return None;
        }
        let header = usize::from(bytes.get(14)? & 0x0f) * 4;
        let udp = 14 + header;
        let end = udp + usize::from(u16::from_be_bytes(array(bytes, udp + 4)?));
        Some(Self {
            eth_destination: array(bytes, 0)?,
            eth_source: array(bytes, 6)?,
            tags: Vec::new(),
            source: Ipv4Addr::from(array::<4>(bytes, 26)?),
            destination: Ipv4Addr::from(array::<4>(bytes, 30)?),
            source_port: u16::from_be_bytes(array(bytes, udp)?),
            destination_port: u16::from_be_bytes(array(bytes, udp + 2)?),
            fragment: u16::from_be_bytes(array(bytes, 20)?),
            ip_length_error: 0,
            udp_length_error: 0,
            payload: bytes.get(udp + 8..end)?.to_vec(),
        })
    }

    /// Checksum over pseudo header and datagram.
    fn udp_checksum(&self, udp: &[u8]) -> u16 {
        udp_checksum(&self.source.octets(), &self.destination.octets(), udp)
    }
}

/// Checksum over pseudo header and datagram; the sum of the pseudo headers of both families is the
/// same but for the addresses. Never 0, which means that there is none.
pub(crate) fn udp_checksum(source: &[u8], destination: &[u8], udp: &[u8]) -> u16 {
    match udp_sum(source, destination, udp) {
        0 => 0xffff,
        sum => sum,
    }
}

/// As [`udp_checksum`], and 0 over a datagram whose checksum is filled in and right.
fn udp_sum(source: &[u8], destination: &[u8], udp: &[u8]) -> u16 {
    let length = (udp.len() as u16).to_be_bytes();
    checksum(&[source, destination, &[0, 17, length[0], length[1]], udp])
}

/// True when the IP header checksum and, unless it is 0, the UDP checksum of a received frame are
/// right.
pub fn checksums_hold(bytes: &[u8]) -> bool {
    let Some(ip) = bytes.get(14..34) else { return false };
    let Some(udp) = bytes.get(34..) else { return false };
    let Some(length) = array::<2>(udp, 4) else { return false };
    let Some(udp) = udp.get(..usize::from(u16::from_be_bytes(length))) else { return false };
    let udp_ok = udp.get(6..8) == Some(&[0, 0]) || udp_sum(&ip[12..16], &ip[16..20], udp) == 0;
    checksum(&[ip]) == 0 && udp_ok
}

/// A length with an error added, kept within 16 bits.
fn lie(length: usize, error: i32) -> u16 {
    (length as i32 + error).clamp(0, 0xffff) as u16
}

/// The Internet checksum over parts of even length (the last may be odd).
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_frame_has_right_checksums_and_decodes() {
        let frame = Frame::broadcast([2, 0, 0, 0, 0, 2], vec![1, 2, 3]);
        let bytes = frame.encode();
        assert!(checksums_hold(&bytes));
        assert_eq!(Frame::decode(&bytes).map(|decoded| decoded.payload), Some(vec![1, 2, 3]));
    }
}
