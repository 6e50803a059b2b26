//! Packets of DHCPv6 clients and relays, built when they are sent: they may depend on the number
//! of the case, which stands for the client, and on earlier answers.

use std::fmt;
use std::net::Ipv6Addr;

use e2e::dhcp6::{Dhcp6, Hop, Kind6, opt6};
use e2e::frame6::{CLIENT_PORT, Frame6, SERVER_PORT};
use e2e::net::{CLIENT_MAC, SERVER_MAC, SERVER6, link_local};

use crate::answer::{Answer, Moment};
use crate::config::SERVER_DUID;

/// Something that is done to a packet before it is sent.
type Edit = Box<dyn Fn(&mut Dhcp6, &Moment<'_>) + Send + Sync>;

/// A packet to be sent.
pub struct Ask6 {
    kind: Kind6,
    edits: Vec<Edit>,
    /// Relay headers, outermost first.
    hops: Vec<Hop>,
    source: Option<Ipv6Addr>,
    unicast: bool,
}

impl fmt::Debug for Ask6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} through {} relays", self.kind, self.hops.len())
    }
}

/// A SOLICIT.
pub fn solicit() -> Ask6 {
    Ask6::new(Kind6::Solicit)
}

/// A REQUEST to the server.
pub fn request6() -> Ask6 {
    Ask6::new(Kind6::Request).server_id()
}

/// A RENEW to the server.
pub fn renew() -> Ask6 {
    Ask6::new(Kind6::Renew).server_id()
}

/// A REBIND.
pub fn rebind() -> Ask6 {
    Ask6::new(Kind6::Rebind)
}

/// A RELEASE to the server.
pub fn release6() -> Ask6 {
    Ask6::new(Kind6::Release).server_id()
}

/// A DECLINE to the server.
pub fn decline6() -> Ask6 {
    Ask6::new(Kind6::Decline).server_id()
}

/// A CONFIRM.
pub fn confirm() -> Ask6 {
    Ask6::new(Kind6::Confirm)
}

/// An INFORMATION-REQUEST.
pub fn information_request() -> Ask6 {
    Ask6::new(Kind6::InformationRequest)
}

impl Ask6 {
    /// A packet of a type with the identifier of the case's client, multicast.
    pub fn new(kind: Kind6) -> Self {
        let ask = Self { kind, edits: Vec::new(), hops: Vec::new(), source: None, unicast: false };
        ask.edit_at(|packet, moment| {
            let [high, low] = moment.case.to_be_bytes();
            packet.options.push((opt6::CLIENT_ID, duid([2, 0, 0, 1, high, low])));
            packet.options.push((opt6::ELAPSED, vec![0, 0]));
        })
    }

    /// Changes the packet in any way.
    #[must_use]
    pub fn edit(self, edit: impl Fn(&mut Dhcp6) + Send + Sync + 'static) -> Self {
        self.edit_at(move |packet, _| edit(packet))
    }

    fn edit_at(mut self, edit: impl Fn(&mut Dhcp6, &Moment<'_>) + Send + Sync + 'static) -> Self {
        self.edits.push(Box::new(edit));
        self
    }

    /// Appends an option.
    #[must_use]
    pub fn with(self, code: u16, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        self.edit(move |packet| packet.options.push((code, data.clone())))
    }

    /// Leaves an option out.
    #[must_use]
    pub fn without(self, code: u16) -> Self {
        self.edit(move |packet| packet.options.retain(|(found, _)| *found != code))
    }

    /// Names the server.
    #[must_use]
    pub fn server_id(self) -> Self {
        self.with(opt6::SERVER_ID, SERVER_DUID)
    }

    /// Requests options.
    #[must_use]
    pub fn oro(self, codes: &[u16]) -> Self {
        let data: Vec<u8> = codes.iter().flat_map(|code| code.to_be_bytes()).collect();
        self.with(opt6::ORO, data)
    }

    /// Asks for an address without preference for one.
    #[must_use]
    pub fn na(self, iaid: u32) -> Self {
        self.edit(move |packet| *packet = packet.clone().with_na(iaid, &[]))
    }

    /// Asks for the address that is the case's own in 2001:db8:1::/64.
    #[must_use]
    pub fn own_na(self, iaid: u32) -> Self {
        self.edit_at(move |packet, moment| {
            *packet = packet.clone().with_na(iaid, &[own_address(moment.case, iaid)]);
        })
    }

    /// Asks for addresses.
    #[must_use]
    pub fn na_at(self, iaid: u32, addresses: &[&str]) -> Self {
        let addresses: Vec<_> = addresses.iter().map(|text| ip(text)).collect();
        self.edit(move |packet| *packet = packet.clone().with_na(iaid, &addresses))
    }

    /// Asks for a prefix without preference for one.
    #[must_use]
    pub fn pd(self, iaid: u32) -> Self {
        self.edit(move |packet| *packet = packet.clone().with_pd(iaid, &[]))
    }

    /// Asks for the prefix that is the case's own in 2001:db8:8000::/40.
    #[must_use]
    pub fn own_pd(self, iaid: u32) -> Self {
        self.edit_at(move |packet, moment| {
            *packet = packet.clone().with_pd(iaid, &[(own_prefix(moment.case), 56)]);
        })
    }

    /// Asks for prefixes (`2001:db8::/56`).
    #[must_use]
    pub fn pd_at(self, iaid: u32, prefixes: &[&str]) -> Self {
        let read = |text: &&str| {
            let (address, length) = text.split_once('/').expect("ADDRESS/LENGTH");
            (ip(address), length.parse().expect("a length"))
        };
        let prefixes: Vec<(Ipv6Addr, u8)> = prefixes.iter().map(read).collect();
        self.edit(move |packet| *packet = packet.clone().with_pd(iaid, &prefixes))
    }

    /// Repeats the IAs of the last answer.
    #[must_use]
    pub fn held(self) -> Self {
        self.edit_at(|packet, moment| {
            if let Some(Answer::V6(answer)) = moment.earlier.last() {
                let ias = answer.dhcp.options.iter();
                let ias = ias.filter(|(code, _)| [opt6::IA_NA, opt6::IA_PD].contains(code));
                packet.options.extend(ias.cloned());
            }
        })
    }

    /// Comes from another client than the case's, by number.
    #[must_use]
    pub fn client(self, number: u8) -> Self {
        self.edit_at(move |packet, moment| {
            let [high, low] = moment.case.to_be_bytes();
            set_client(packet, duid([2, number, 0, 1, high, low]));
        })
    }

    /// Comes from the client with an identifier.
    #[must_use]
    pub fn duid(self, duid: impl Into<Vec<u8>>) -> Self {
        let duid = duid.into();
        self.edit(move |packet| set_client(packet, duid.clone()))
    }

    /// Comes from the client with the DUID-LL of 02:00:00:00:aa:NUMBER, for which a reservation may
    /// be.
    #[must_use]
    pub fn host(self, number: u8) -> Self {
        self.duid(duid([2, 0, 0, 0, 0xaa, number]))
    }

    /// Is put into one more relay header, around those that are there.
    #[must_use]
    pub fn relay(self, link: &str, peer: &str) -> Self {
        let count = self.hops.len() as u8;
        self.hop(Hop::new(count, ip(link), ip(peer)))
    }

    /// Is put into one more relay header, around those that are there.
    #[must_use]
    pub fn hop(mut self, hop: Hop) -> Self {
        self.hops.insert(0, hop);
        self
    }

    /// Appends an option to the outermost relay header.
    #[must_use]
    pub fn hop_with(mut self, code: u16, data: impl Into<Vec<u8>>) -> Self {
        self.hops.first_mut().expect("there is a relay").options.push((code, data.into()));
        self
    }

    /// Comes from an address.
    #[must_use]
    pub fn from(mut self, source: &str) -> Self {
        self.source = Some(ip(source));
        self
    }

    /// Goes to the server's global address.
    #[must_use]
    pub fn unicast(mut self) -> Self {
        self.unicast = true;
        self
    }

    /// The frame.
    pub(crate) fn frame(&self, moment: &Moment<'_>) -> Vec<u8> {
        let mut packet = Dhcp6::new(self.kind);
        for edit in &self.edits {
            edit(&mut packet, moment);
        }
        packet.xid = moment.xid & 0xff_ffff;
        let source = self.source.unwrap_or(link_local(CLIENT_MAC));
        let payload = packet.encode_relayed(&self.hops);
        let mut frame = Frame6::multicast(CLIENT_MAC, source, payload);
        frame.source_port = if self.hops.is_empty() { CLIENT_PORT } else { SERVER_PORT };
        if self.unicast {
            frame = frame.unicast(SERVER_MAC, SERVER6);
        }
        frame.encode()
    }
}

/// The marker: a SOLICIT with rapid commit that both servers grant always, through a relay.
pub(crate) fn marker(xid: u32, to_all: bool) -> Vec<u8> {
    let moment = Moment { case: 0, xid, earlier: &[] };
    let mut marker = solicit()
        .duid(duid([2, 0xff, 0, 0, 0, 1]))
        .na(1)
        .with(opt6::RAPID_COMMIT, [])
        .relay("2001:db8:ffff::1", "fe80::1");
    marker.unicast = !to_all;
    marker.frame(&moment)
}

/// The address that is a case's own for an IA.
fn own_address(case: u16, iaid: u32) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x100 + 0x10 * case + (iaid & 0xf) as u16)
}

/// The prefix of 56 bits that is a case's own.
fn own_prefix(case: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0x8000, 0x100 * (case & 0xff), 0, 0, 0, 0)
}

fn set_client(packet: &mut Dhcp6, duid: Vec<u8>) {
    let client = packet.options.iter_mut().find(|(code, _)| *code == opt6::CLIENT_ID);
    if let Some((_, data)) = client {
        *data = duid;
    }
}

/// The DUID-LL of a hardware address (RFC 8415 section 11.4).
fn duid(mac: [u8; 6]) -> Vec<u8> {
    [&[0, 3, 0, 1][..], &mac].concat()
}

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap_or_else(|_| panic!("{text} is no IPv6 address"))
}
