//! Ethernet frames with an IPv4 UDP datagram: checking received headers, writing headers to send.
//!
//! Nothing in a frame is trusted: lengths that disagree, fragments and wrong checksums make it
//! [`Malformed`]. Bytes behind the IP packet (padding of short Ethernet frames) are no error. VLAN
//! tags and other framings are not understood; the kernel filter keeps them away.

use std::net::{Ipv4Addr, SocketAddrV4};

use util::link::LinkAddress;

/// Why a received frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Malformed {
    /// It is a fragment.
    Fragment,
    /// The length of the IP header is impossible.
    HeaderLength,
    /// The checksum of the IP header is wrong.
    IpChecksum,
    /// It is not a UDP datagram over IPv4 in an untagged Ethernet frame.
    Kind,
    /// The length in the IP header is greater than the frame, or less than the headers.
    TotalLength,
    /// The UDP checksum is wrong.
    UdpChecksum,
    /// The length in the UDP header differs from that of the IP packet.
    UdpLength,
}

impl Malformed {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 7] = [
        Self::Fragment,
        Self::HeaderLength,
        Self::IpChecksum,
        Self::Kind,
        Self::TotalLength,
        Self::UdpChecksum,
        Self::UdpLength,
    ];

    /// What is wrong, for a message.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Fragment => "fragmented IP packet",
            Self::HeaderLength => "impossible length of the IP header",
            Self::IpChecksum => "wrong checksum of the IP header",
            Self::Kind => "not a plain UDP datagram over IPv4",
            Self::TotalLength => "length of the IP packet does not fit the frame",
            Self::UdpChecksum => "wrong UDP checksum",
            Self::UdpLength => "UDP length differs from the length of the IP packet",
        }
    }
}

/// A datagram found in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Datagram<'a> {
    pub(crate) link_source: LinkAddress,
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) payload: &'a [u8],
}

/// Length of the headers that [`write_headers`] makes: Ethernet, IPv4 without options, UDP.
pub(crate) const HEADERS: usize = ETHERNET + IP + UDP;

const ETHERNET: usize = 14;
const IP: usize = 20;
const UDP: usize = 8;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const PROTOCOL_UDP: u8 = 17;
const TIME_TO_LIVE: u8 = 128;

/// Finds the datagram in a frame. With `is_checksum_settled` the UDP checksum is not looked at.
pub(crate) fn parse(frame: &[u8], is_checksum_settled: bool) -> Result<Datagram<'_>, Malformed> {
    let (ethernet, packet) = frame.split_first_chunk::<ETHERNET>().ok_or(Malformed::Kind)?;
    let [_, _, _, _, _, _, s0, s1, s2, s3, s4, s5, ethertype @ ..] = *ethernet;
    let fixed = packet.first_chunk::<IP>().ok_or(Malformed::TotalLength)?;
    let [version, _, l0, l1, _, _, f0, f1, _, protocol, _, _, a0, a1, a2, a3, d0, d1, d2, d3] =
        *fixed;
    if ethertype != ETHERTYPE_IPV4 || version >> 4 != 4 || protocol != PROTOCOL_UDP {
        return Err(Malformed::Kind);
    }
    let header_len = usize::from(version & 0xf) * 4;
    let total_len = usize::from(u16::from_be_bytes([l0, l1]));
    let packet = packet.get(..total_len).ok_or(Malformed::TotalLength)?;
    if header_len < IP {
        return Err(Malformed::HeaderLength);
    }
    let (header, datagram) = packet.split_at_checked(header_len).ok_or(Malformed::TotalLength)?;
    if fold(sum(header)) != 0xffff {
        return Err(Malformed::IpChecksum);
    }
    // More fragments, or an offset.
    if u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
        return Err(Malformed::Fragment);
    }
    let (udp, payload) = datagram.split_first_chunk::<UDP>().ok_or(Malformed::TotalLength)?;
    let [sp0, sp1, dp0, dp1, l0, l1, c0, c1] = *udp;
    if usize::from(u16::from_be_bytes([l0, l1])) != datagram.len() {
        return Err(Malformed::UdpLength);
    }
    let source = Ipv4Addr::new(a0, a1, a2, a3);
    let destination = Ipv4Addr::new(d0, d1, d2, d3);
    if [c0, c1] != [0, 0] && !is_checksum_settled {
        let total = pseudo_sum(source, destination, datagram.len()) + sum(datagram);
        if fold(total) != 0xffff {
            return Err(Malformed::UdpChecksum);
        }
    }
    Ok(Datagram {
        link_source: LinkAddress([s0, s1, s2, s3, s4, s5]),
        source: SocketAddrV4::new(source, u16::from_be_bytes([sp0, sp1])),
        destination: SocketAddrV4::new(destination, u16::from_be_bytes([dp0, dp1])),
        payload,
    })
}

/// Link addresses of a frame to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) source: LinkAddress,
    pub(crate) destination: LinkAddress,
}

/// Writes the headers for a payload, checksums included; `None` when the payload is too long for
/// one packet.
pub(crate) fn write_headers(
    link: Link,
    source: SocketAddrV4,
    destination: SocketAddrV4,
    payload: &[u8],
) -> Option<[u8; HEADERS]> {
    let total_len = u16::try_from(IP + UDP + payload.len()).ok()?;
    let udp_len = total_len - IP as u16;
    let mut headers = [0; HEADERS];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        let end = at + bytes.len();
        headers[at..end].copy_from_slice(bytes);
        at = end;
    };
    put(&link.destination.0);
    put(&link.source.0);
    put(&ETHERTYPE_IPV4);
    let mut ip = [0; IP];
    ip[0] = 0x45;
    // Type of service "low delay", as clients of old expect it.
    ip[1] = 0x10;
    ip[2..4].copy_from_slice(&total_len.to_be_bytes());
    ip[8] = TIME_TO_LIVE;
    ip[9] = PROTOCOL_UDP;
    ip[12..16].copy_from_slice(&source.ip().octets());
    ip[16..20].copy_from_slice(&destination.ip().octets());
    let checksum = !fold(sum(&ip));
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    put(&ip);
    let mut udp = [0; UDP];
    udp[0..2].copy_from_slice(&source.port().to_be_bytes());
    udp[2..4].copy_from_slice(&destination.port().to_be_bytes());
    udp[4..6].copy_from_slice(&udp_len.to_be_bytes());
    let total = pseudo_sum(*source.ip(), *destination.ip(), UDP + payload.len());
    // RFC 768: a checksum of zero is sent as all ones; zero means that there is none.
    let checksum = match !fold(total + sum(&udp) + sum(payload)) {
        0 => 0xffff,
        checksum => checksum,
    };
    udp[6..8].copy_from_slice(&checksum.to_be_bytes());
    put(&udp);
    Some(headers)
}

/// Sum of the pseudo header of RFC 768.
fn pseudo_sum(source: Ipv4Addr, destination: Ipv4Addr, udp_len: usize) -> u64 {
    sum(&source.octets()) + sum(&destination.octets()) + u64::from(PROTOCOL_UDP) + udp_len as u64
}

/// Sum of the big-endian 16-bit words, not folded yet: the sum of 32-bit words folds to the same.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let total: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    total + u64::from(u32::from_be_bytes(last))
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let link = Link { source: LinkAddress([2; 6]), destination: LinkAddress([4; 6]) };
        let source = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 7), 68);
        let destination = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 67);
        let mut frame = write_headers(link, source, destination, payload).unwrap().to_vec();
        frame.extend_from_slice(payload);
        frame
    }

    /// Changes a byte and makes the IP checksum right again.
    fn with_ip_byte(at: usize, value: u8) -> Vec<u8> {
        let mut frame = frame(b"hello, world");
        frame[ETHERNET + at] = value;
        frame[24..26].fill(0);
        let end = frame.len().min(ETHERNET + usize::from(frame[ETHERNET] & 0xf) * 4);
        let checksum = !fold(sum(&frame[ETHERNET..end]));
        frame[24..26].copy_from_slice(&checksum.to_be_bytes());
        frame
    }

    #[test]
    fn what_is_written_is_read_back() {
        for len in 0..70 {
            let payload: Vec<u8> = (0..len).map(|n| n as u8 ^ 0xa5).collect();
            let mut bytes = frame(&payload);
            bytes.resize(bytes.len().max(60), 0);
            let datagram = parse(&bytes, false).unwrap();
            assert_eq!(datagram.payload, payload);
            assert_eq!(datagram.source, SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 7), 68));
            assert_eq!(datagram.destination, SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 67));
            assert_eq!(datagram.link_source, LinkAddress([2; 6]));
        }
    }

    #[test]
    fn lying_headers_are_malformed() {
        let error = |at, value| parse(&with_ip_byte(at, value), false).unwrap_err();
        assert_eq!(error(0, 0x44), Malformed::HeaderLength);
        assert_eq!(error(0, 0x4f), Malformed::TotalLength);
        assert_eq!(error(0, 0x65), Malformed::Kind);
        assert_eq!(error(9, 6), Malformed::Kind);
        assert_eq!(error(2, 0xff), Malformed::TotalLength);
        assert_eq!(error(3, 19), Malformed::TotalLength);
        assert_eq!(error(3, 27), Malformed::TotalLength);
        assert_eq!(error(3, 39), Malformed::UdpLength);
        assert_eq!(error(6, 0x20), Malformed::Fragment);
        assert_eq!(error(7, 1), Malformed::Fragment);
        for udp_len in [0, 7, 8, 19, 21, 255] {
            assert_eq!(error(25, udp_len), Malformed::UdpLength);
        }
        let mut bytes = frame(b"x");
        bytes[24] ^= 1;
        assert_eq!(parse(&bytes, false), Err(Malformed::IpChecksum));
        let mut bytes = frame(b"x");
        bytes[12..14].copy_from_slice(&[0x81, 0x00]);
        assert_eq!(parse(&bytes, false), Err(Malformed::Kind));
    }

    #[test]
    fn udp_checksum_is_checked_unless_absent_or_settled() {
        let mut bytes = frame(b"payload");
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(parse(&bytes, false), Err(Malformed::UdpChecksum));
        assert!(parse(&bytes, true).is_ok());
        bytes[40..42].fill(0);
        assert!(parse(&bytes, false).is_ok());
    }

    #[test]
    fn no_cut_panics() {
        let whole = frame(b"some payload");
        for len in 0..whole.len() {
            assert!(parse(&whole[..len], false).is_err());
        }
    }

    #[test]
    fn a_payload_beyond_64_kib_is_refused() {
        let link = Link { source: LinkAddress([2; 6]), destination: LinkAddress([4; 6]) };
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 67);
        assert!(write_headers(link, address, address, &vec![0; 65_507]).is_some());
        assert!(write_headers(link, address, address, &vec![0; 65_508]).is_none());
    }
}
