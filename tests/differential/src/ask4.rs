//! Packets of DHCPv4 clients and relays, built when they are sent: they may depend on the number
//! of the case, which stands for the client, and on earlier answers.

use std::fmt;
use std::net::Ipv4Addr;

use e2e::dhcp::{Dhcp, Kind, opt};
use e2e::frame::Frame;
use e2e::net::{CLIENT_MAC, SERVER, SERVER_MAC};

use crate::answer::{Answer, Moment};

/// Something that is done to a packet before it is sent.
type Edit = Box<dyn Fn(&mut Dhcp, &Moment<'_>) + Send + Sync>;

/// A packet to be sent.
pub struct Ask4 {
    kind: Kind,
    edits: Vec<Edit>,
    way: Way,
}

/// How a packet comes to the server.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// From 0.0.0.0 to 255.255.255.255.
    Broadcast,
    /// From the address of the packet's `ciaddr` to the server's.
    Renewal,
    /// From a relay's address, port 67.
    Relay(Ipv4Addr),
    /// The same, to 255.255.255.255.
    RelayBroadcast(Ipv4Addr),
    /// From an address, port 68.
    Unicast(Ipv4Addr),
}

impl fmt::Debug for Ask4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} by {:?}", self.kind, self.way)
    }
}

/// A DISCOVER, broadcast.
pub fn discover() -> Ask4 {
    Ask4::new(Kind::Discover)
}

/// A REQUEST, broadcast.
pub fn request() -> Ask4 {
    Ask4::new(Kind::Request)
}

/// An INFORM, broadcast.
pub fn inform() -> Ask4 {
    Ask4::new(Kind::Inform)
}

/// A DECLINE, broadcast.
pub fn decline() -> Ask4 {
    Ask4::new(Kind::Decline)
}

/// A RELEASE, broadcast.
pub fn release() -> Ask4 {
    Ask4::new(Kind::Release)
}

impl Ask4 {
    /// A packet of a type, broadcast by the case's client.
    pub fn new(kind: Kind) -> Self {
        Self { kind, edits: Vec::new(), way: Way::Broadcast }
    }

    /// Changes the packet in any way.
    #[must_use]
    pub fn edit(self, edit: impl Fn(&mut Dhcp) + Send + Sync + 'static) -> Self {
        self.edit_at(move |packet, _| edit(packet))
    }

    fn edit_at(mut self, edit: impl Fn(&mut Dhcp, &Moment<'_>) + Send + Sync + 'static) -> Self {
        self.edits.push(Box::new(edit));
        self
    }

    /// Appends an option.
    #[must_use]
    pub fn with(self, code: u8, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        self.edit(move |packet| packet.options.push((code, data.clone())))
    }

    /// Appends an option that holds one address.
    #[must_use]
    pub fn with_address(self, code: u8, address: &str) -> Self {
        self.with(code, ip(address).octets())
    }

    /// Requests options.
    #[must_use]
    pub fn prl(self, codes: &[u8]) -> Self {
        self.with(opt::PRL, codes)
    }

    /// Requests the address that is the case's own in 192.0.2.0/24.
    #[must_use]
    pub fn wish(self) -> Self {
        self.edit_at(|packet, moment| {
            packet.options.push((opt::REQUESTED, own_address(moment.case).octets().to_vec()));
        })
    }

    /// Requests an address.
    #[must_use]
    pub fn wish_at(self, address: &str) -> Self {
        self.with_address(opt::REQUESTED, address)
    }

    /// Names the server.
    #[must_use]
    pub fn server_id(self) -> Self {
        self.with(opt::SERVER_ID, SERVER.octets())
    }

    /// Comes from another client than the case's, by number.
    #[must_use]
    pub fn client(self, number: u8) -> Self {
        self.edit_at(move |packet, moment| {
            let [high, low] = moment.case.to_be_bytes();
            packet.chaddr[..6].copy_from_slice(&[2, number, 0, 1, high, low]);
        })
    }

    /// Comes from the client with a hardware address.
    #[must_use]
    pub fn mac(self, mac: [u8; 6]) -> Self {
        self.edit(move |packet| packet.chaddr[..6].copy_from_slice(&mac))
    }

    /// Comes from 02:00:00:00:aa:NUMBER, for which a reservation may be.
    #[must_use]
    pub fn host(self, number: u8) -> Self {
        self.mac([2, 0, 0, 0, 0xaa, number])
    }

    /// Has the client's address.
    #[must_use]
    pub fn ciaddr(self, address: &str) -> Self {
        let address = ip(address);
        self.edit(move |packet| packet.ciaddr = address)
    }

    /// Has the address that is the case's own as client's address.
    #[must_use]
    pub fn own_ciaddr(self) -> Self {
        self.edit_at(|packet, moment| packet.ciaddr = own_address(moment.case))
    }

    /// Has the broadcast flag.
    #[must_use]
    pub fn broadcast(self) -> Self {
        self.edit(|packet| packet.flags = 0x8000)
    }

    /// Accepts the last offer.
    #[must_use]
    pub fn accept(self) -> Self {
        self.edit_at(|packet, moment| {
            if let Some(Answer::V4(offer)) = moment.earlier.last() {
                packet.options.push((opt::REQUESTED, offer.dhcp.yiaddr.octets().to_vec()));
                let server = offer.dhcp.option(opt::SERVER_ID).unwrap_or_default();
                packet.options.push((opt::SERVER_ID, server.to_vec()));
            }
        })
    }

    /// Is about the address of the last answer, in `ciaddr`.
    #[must_use]
    pub fn held(self) -> Self {
        self.edit_at(|packet, moment| {
            if let Some(Answer::V4(answer)) = moment.earlier.last() {
                packet.ciaddr = answer.dhcp.yiaddr;
            }
        })
    }

    /// Comes from the client's address (`ciaddr`) to the server's.
    #[must_use]
    pub fn unicast(mut self) -> Self {
        self.way = Way::Renewal;
        self
    }

    /// Comes from an address to the server's.
    #[must_use]
    pub fn from(mut self, source: &str) -> Self {
        self.way = Way::Unicast(ip(source));
        self
    }

    /// Comes through a relay.
    #[must_use]
    pub fn relay(self, giaddr: &str) -> Self {
        self.relay_from(giaddr, giaddr)
    }

    /// Comes through a relay that sends from another address than it is known by.
    #[must_use]
    pub fn relay_from(mut self, giaddr: &str, source: &str) -> Self {
        self.way = Way::Relay(ip(source));
        let giaddr = ip(giaddr);
        self.edit(move |packet| (packet.giaddr, packet.hops) = (giaddr, 1))
    }

    /// Comes through a relay when it is a broadcast otherwise.
    #[must_use]
    pub(crate) fn relayed(self, giaddr: &str) -> Self {
        match self.way {
            Way::Broadcast => self.relay(giaddr),
            _ => self,
        }
    }

    /// The frame.
    pub(crate) fn frame(&self, moment: &Moment<'_>) -> Vec<u8> {
        let [high, low] = moment.case.to_be_bytes();
        let mut packet = Dhcp::query(self.kind, [2, 0, 0, 1, high, low]);
        for edit in &self.edits {
            edit(&mut packet, moment);
        }
        packet.xid = moment.xid;
        let frame = Frame::broadcast(CLIENT_MAC, packet.encode());
        let frame = match self.way {
            Way::Broadcast => frame,
            Way::Renewal => frame.unicast(SERVER_MAC, packet.ciaddr, SERVER),
            Way::Unicast(source) => frame.unicast(SERVER_MAC, source, SERVER),
            Way::RelayBroadcast(source) => {
                let mut frame = frame;
                (frame.source, frame.source_port) = (source, 67);
                frame
            }
            Way::Relay(source) => {
                let mut frame = frame.unicast(SERVER_MAC, source, SERVER);
                frame.source_port = 67;
                frame
            }
        };
        frame.encode()
    }
}

/// The marker: a request that both servers grant always, through a relay.
pub(crate) fn marker(xid: u32, to_all: bool) -> Vec<u8> {
    let moment = Moment { case: 0, xid, earlier: &[] };
    let relay = "203.0.113.1";
    let mut marker =
        request().mac([2, 0xff, 0, 0, 0, 1]).wish_at("203.0.113.10").server_id().relay(relay);
    if to_all {
        marker.way = Way::RelayBroadcast(ip(relay));
    }
    marker.frame(&moment)
}

/// The address that is a case's own in 192.0.2.0/24.
fn own_address(case: u16) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 10 + (case % 190) as u8)
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap_or_else(|_| panic!("{text} is no IPv4 address"))
}
