//! A small DHCPv4 codec of the tests' own, able to write wrong packets as easily as right ones.

use std::net::Ipv4Addr;

/// Option codes used by the tests.
pub mod opt {
    /// Subnet mask.
    pub const NETMASK: u8 = 1;
    /// Routers.
    pub const ROUTERS: u8 = 3;
    /// Name servers.
    pub const DNS: u8 = 6;
    /// Host name.
    pub const HOSTNAME: u8 = 12;
    /// Requested address.
    pub const REQUESTED: u8 = 50;
    /// Lease time.
    pub const LEASE_TIME: u8 = 51;
    /// Message type.
    pub const TYPE: u8 = 53;
    /// Server identifier.
    pub const SERVER_ID: u8 = 54;
    /// Parameter request list.
    pub const PRL: u8 = 55;
    /// Renewal time T1.
    pub const T1: u8 = 58;
    /// Rebinding time T2.
    pub const T2: u8 = 59;
    /// Client identifier.
    pub const CLIENT_ID: u8 = 61;
    /// Relay agent information.
    pub const RELAY: u8 = 82;
    /// Subnet selection.
    pub const SUBNET_SELECTION: u8 = 118;
}

/// Message types by their number on the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum Kind {
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Ack = 5,
    Nak = 6,
    Release = 7,
    Inform = 8,
}

/// A DHCPv4 message; fields are written as they are, right or wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub struct Dhcp {
    pub op: u8,
    pub htype: u8,
    pub hlen: u8,
    pub hops: u8,
    pub xid: u32,
    pub secs: u16,
    pub flags: u16,
    pub ciaddr: Ipv4Addr,
    pub yiaddr: Ipv4Addr,
    pub siaddr: Ipv4Addr,
    pub giaddr: Ipv4Addr,
    pub chaddr: [u8; 16],
    pub sname: [u8; 64],
    pub file: [u8; 128],
    /// Options in wire order, pads and END excluded.
    pub options: Vec<(u8, Vec<u8>)>,
}

impl Dhcp {
    /// A query of the given type from a client with that hardware address.
    pub fn query(kind: Kind, mac: [u8; 6]) -> Self {
        let mut chaddr = [0; 16];
        chaddr[..6].copy_from_slice(&mac);
        Self {
            op: 1,
            htype: 1,
            hlen: 6,
            hops: 0,
            xid: fresh_xid(),
            secs: 0,
            flags: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr,
            sname: [0; 64],
            file: [0; 128],
            options: vec![(opt::TYPE, vec![kind as u8])],
        }
    }

    /// Appends an option.
    #[must_use]
    pub fn with(mut self, code: u8, data: impl Into<Vec<u8>>) -> Self {
        self.options.push((code, data.into()));
        self
    }

    /// Appends an option that holds one address.
    #[must_use]
    pub fn with_address(self, code: u8, address: Ipv4Addr) -> Self {
        self.with(code, address.octets())
    }

    /// Sets the relay address and one hop.
    #[must_use]
    pub fn relayed(mut self, giaddr: Ipv4Addr) -> Self {
        self.giaddr = giaddr;
        self.hops = 1;
        self
    }

    /// Sets the client's own address.
    #[must_use]
    pub fn from_address(mut self, ciaddr: Ipv4Addr) -> Self {
        self.ciaddr = ciaddr;
        self
    }

    /// Sets the broadcast flag.
    #[must_use]
    pub fn broadcast(mut self) -> Self {
        self.flags = 0x8000;
        self
    }

    /// The data of an option.
    pub fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(found, _)| *found == code).map(|(_, data)| data.as_slice())
    }

    /// The data of an option that holds one address.
    pub fn option_address(&self, code: u8) -> Option<Ipv4Addr> {
        Some(Ipv4Addr::from(<[u8; 4]>::try_from(self.option(code)?).ok()?))
    }

    /// The data of an option that holds a 32-bit number.
    pub fn option_u32(&self, code: u8) -> Option<u32> {
        Some(u32::from_be_bytes(<[u8; 4]>::try_from(self.option(code)?).ok()?))
    }

    /// The message type.
    pub fn kind(&self) -> Option<Kind> {
        let kinds = [
            Kind::Discover,
            Kind::Offer,
            Kind::Request,
            Kind::Decline,
            Kind::Ack,
            Kind::Nak,
            Kind::Release,
            Kind::Inform,
        ];
        let [number] = self.option(opt::TYPE)? else { return None };
        kinds.into_iter().find(|kind| *kind as u8 == *number)
    }

    /// Wire form: header, cookie, options, END.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_header();
        out.extend([0x63, 0x82, 0x53, 0x63]);
        for (code, data) in &self.options {
            out.push(*code);
            out.push(data.len() as u8);
            out.extend(data);
        }
        out.push(255);
        out
    }

    /// Wire form of the 236 bytes before the cookie.
    pub fn encode_header(&self) -> Vec<u8> {
        let mut out = vec![self.op, self.htype, self.hlen, self.hops];
        out.extend(self.xid.to_be_bytes());
        out.extend(self.secs.to_be_bytes());
        out.extend(self.flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            out.extend(address.octets());
        }
        out.extend(self.chaddr);
        out.extend(self.sname);
        out.extend(self.file);
        out
    }

    /// Reads a message; `None` when it is cut short.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let address = |at: usize| Some(Ipv4Addr::from(array::<4>(bytes, at)?));
        let mut message = Self {
            op: *bytes.first()?,
            htype: *bytes.get(1)?,
            hlen: *bytes.get(2)?,
            hops: *bytes.get(3)?,
            xid: u32::from_be_bytes(array(bytes, 4)?),
            secs: u16::from_be_bytes(array(bytes, 8)?),
            flags: u16::from_be_bytes(array(bytes, 10)?),
            ciaddr: address(12)?,
            yiaddr: address(16)?,
            siaddr: address(20)?,
            giaddr: address(24)?,
            chaddr: array(bytes, 28)?,
            sname: array(bytes, 44)?,
            file: array(bytes, 108)?,
            options: Vec::new(),
        };
        if array::<4>(bytes, 236)? != [0x63, 0x82, 0x53, 0x63] {
            return None;
        }
        let mut at = 240;
        while let Some(&code) = bytes.get(at) {
            match code {
                0 => at += 1,
                255 => return Some(message),
                _ => {
                    let length = usize::from(*bytes.get(at + 1)?);
                    let data = bytes.get(at + 2..at + 2 + length)?;
                    message.options.push((code, data.to_vec()));
                    at += 2 + length;
                }
            }
        }
        None
    }
}

/// `N` bytes from an offset.
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// A transaction id not used before in this process.
fn fresh_xid() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0x0e2e_0001);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_message_decodes_to_itself() {
        let message = Dhcp::query(Kind::Request, [2, 0, 0, 0, 0, 9])
            .with_address(opt::REQUESTED, Ipv4Addr::new(192, 0, 2, 7))
            .relayed(Ipv4Addr::new(10, 0, 0, 2))
            .broadcast();
        assert_eq!(Dhcp::decode(&message.encode()), Some(message));
    }
}
