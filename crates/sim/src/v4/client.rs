//! A client: the state machine of RFC 2131 figure 5, with the habits of real ones.
//!
//! ```text
//!   Off ---> Selecting ---> Requesting ---> Bound <---> Renewing ---> Rebinding
//!    ^           ^               |            |             |              |
//!    |           +--- pause <----+------------+--- NAK, release, decline --+
//!    +-- crash ---> Rebooting (INIT-REBOOT) or Selecting
//! ```
//!
//! Whenever it gives up an address it keeps still for longer than a packet can be on its way: nobody can tell an old
//! request that arrives late from a new one.

use std::net::{Ipv4Addr, SocketAddr};

use libdhcp::HardwareAddress;
use libdhcp::v4::{FLAG_BROADCAST, Message, MessageType, code};
use util::link::LinkAddress;
use util::{Entropy, SplitMix};

use super::configuration::{LINKS, SERVER, giaddr, link_selection};
use super::packets::{Identity, Read};
use crate::clock::{MS, SECOND};
use crate::family::{self, Datagram};
use crate::scenario::Scenario;

/// Shortest silence after an address has been given up; longer than the way of a packet and all waiting.
const PAUSE_S: u64 = 9;
/// Times a query is sent before the client gives up.
const ATTEMPTS_MAX: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    Selecting,
    Requesting,
    Bound,
    Renewing,
    Rebinding,
    Rebooting,
}

/// What became of a client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// It uses it from now until then (monotonic).
    Bound { address: Ipv4Addr, until: u64, how: How },
    /// It does not use it any more.
    Lost(Ipv4Addr),
    /// It gives it back.
    Released,
    /// It says that somebody else uses it.
    Declined,
}

/// On which way a client became bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Selected,
    Renewed,
    Rebooted,
}

type Wishes = family::Wishes<Note>;

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) identity: Identity,
    pub(crate) link: u8,
    /// Whether another client has the same identifier or hardware address.
    pub(crate) is_shared: bool,
    state: State,
    xid: u32,
    attempt: u32,
    broadcast: bool,
    address: Ipv4Addr,
    server: Option<Ipv4Addr>,
    asked_at: u64,
    rebinds_at: u64,
    ends_at: u64,
    /// A mark in the answers of INFORM, which have an xid of their own.
    pub(crate) requested: Option<Ipv4Addr>,
}

impl Client {
    pub(crate) fn new(identity: Identity, link: u8, broadcast: bool) -> Self {
        Self {
            identity,
            link,
            is_shared: false,
            state: State::Off,
            xid: 0,
            attempt: 0,
            broadcast,
            address: Ipv4Addr::UNSPECIFIED,
            server: None,
            asked_at: 0,
            rebinds_at: 0,
            ends_at: 0,
            requested: None,
        }
    }

    pub(crate) fn xid(&self) -> u32 {
        self.xid
    }
}

impl family::Client for Client {
    type Message = Read;
    type Note = Note;

    fn timer(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        match self.state {
            State::Off => self.discover(now, rng, wishes),
            State::Selecting if self.attempt >= ATTEMPTS_MAX => self.discover(now, rng, wishes),
            State::Selecting => self.send(MessageType::Discover, now, rng, wishes),
            State::Requesting | State::Rebooting if self.attempt >= ATTEMPTS_MAX => {
                self.pause(now, rng, wishes);
            }
            State::Requesting | State::Rebooting => {
                self.send(MessageType::Request, now, rng, wishes);
            }
            State::Bound => self.live(now, rng, wishes),
            State::Renewing | State::Rebinding if now >= self.ends_at => {
                wishes.notes.push(Note::Lost(self.address));
                self.pause(now, rng, wishes);
            }
            State::Renewing | State::Rebinding => {
                if now >= self.rebinds_at {
                    self.state = State::Rebinding;
                }
                self.send(MessageType::Request, now, rng, wishes);
                let left = self.ends_at.saturating_sub(now);
                wishes.timer = Some(now + (left / 3).max(SECOND));
            }
        }
    }

    fn receive(&mut self, read: &Read, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        if read.xid != self.xid || read.identity != self.identity {
            return;
        }
        match (self.state, read.kind) {
            (State::Selecting, MessageType::Offer) => {
                self.address = read.yiaddr;
                self.server = read.server;
                self.state = State::Requesting;
                self.attempt = 0;
                self.asked_at = now;
                self.requested = Some(read.yiaddr);
                self.send(MessageType::Request, now, rng, wishes);
            }
            (
                State::Requesting | State::Renewing | State::Rebinding | State::Rebooting,
                MessageType::Ack,
            ) if read.grants() => self.bind(read, now, rng, wishes),
            (State::Requesting | State::Rebooting, MessageType::Nak) => {
                self.pause(now, rng, wishes);
            }
            (State::Renewing | State::Rebinding, MessageType::Nak) => {
                wishes.notes.push(Note::Lost(self.address));
                self.pause(now, rng, wishes);
            }
            _ => {}
        }
    }
}

impl Client {
    fn bind(&mut self, read: &Read, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        let how = match self.state {
            State::Renewing | State::Rebinding => How::Renewed,
            State::Rebooting => How::Rebooted,
            _ => How::Selected,
        };
        if how == How::Selected && rng.below(100) == 0 {
            wishes.notes.push(Note::Declined);
            self.send(MessageType::Decline, now, rng, wishes);
            return self.pause(now, rng, wishes);
        }
        let lifetime = u64::from(read.lifetime.unwrap_or(0));
        let (t1, t2) = read.t1_t2.unwrap_or((read.lifetime.unwrap_or(0) / 2, 0));
        assert!(
            u64::from(t1) <= u64::from(t2) && u64::from(t2) <= lifetime,
            "T1 <= T2 <= lifetime"
        );
        self.address = read.yiaddr;
        self.ends_at = self.asked_at + lifetime * SECOND;
        self.rebinds_at = self.asked_at + u64::from(t2) * SECOND;
        self.state = State::Bound;
        if self.ends_at <= now {
            return self.pause(now, rng, wishes);
        }
        wishes.notes.push(Note::Bound { address: self.address, until: self.ends_at, how });
        let renews_at = self.asked_at + u64::from(t1) * SECOND;
        wishes.timer = Some(renews_at.max(now) + rng.below(SECOND));
    }

    /// What a bound client does when its first time limit is over: mostly it renews.
    fn live(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        if now >= self.ends_at {
            wishes.notes.push(Note::Lost(self.address));
            return self.pause(now, rng, wishes);
        }
        match rng.below(100) {
            0..4 => {
                wishes.notes.extend([Note::Lost(self.address), Note::Released]);
                self.xid = rng.next_u64() as u32;
                self.send(MessageType::Release, now, rng, wishes);
                self.pause(now, rng, wishes);
            }
            4..8 => {
                wishes.notes.push(Note::Lost(self.address));
                self.pause(now, rng, wishes);
            }
            8..14 => self.reboot(now, rng, wishes),
            14..18 => {
                self.xid = rng.next_u64() as u32;
                self.send(MessageType::Inform, now, rng, wishes);
                wishes.timer = Some(now + SECOND);
            }
            _ => {
                self.state = State::Renewing;
                self.begin(now, rng);
                self.requested = Some(self.address);
                self.send(MessageType::Request, now, rng, wishes);
            }
        }
    }

    /// The client's computer starts again and remembers its address.
    fn reboot(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        wishes.notes.push(Note::Lost(self.address));
        self.state = State::Rebooting;
        self.begin(now, rng);
        // The first query leaves after the pause.
        self.attempt = 0;
        self.requested = Some(self.address);
        let at = now + PAUSE_S * SECOND + rng.below(10 * SECOND);
        self.asked_at = at;
        wishes.timer = Some(at);
    }

    fn discover(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.state = State::Selecting;
        self.begin(now, rng);
        self.requested = None;
        self.server = None;
        self.send(MessageType::Discover, now, rng, wishes);
    }

    fn begin(&mut self, now: u64, rng: &mut SplitMix) {
        self.xid = rng.next_u64() as u32;
        self.attempt = 0;
        self.asked_at = now;
    }

    /// Keeps still for a while, then begins anew.
    fn pause(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.state = State::Off;
        self.xid = rng.next_u64() as u32;
        self.requested = None;
        wishes.timer = Some(now + PAUSE_S * SECOND + rng.below(20 * SECOND));
    }

    /// Sends a query and sets the timer for the next attempt.
    fn send(&mut self, kind: MessageType, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.attempt += 1;
        let backoff = (2 * SECOND) << self.attempt.min(4);
        wishes.timer = Some(now + backoff - SECOND + rng.below(2000) * MS);
        wishes.send.push(self.datagram(kind, rng));
    }

    fn datagram(&self, kind: MessageType, rng: &mut SplitMix) -> Datagram {
        let hardware = HardwareAddress::new(1, &self.identity.hw).expect("six bytes are few");
        let mut message = Message::new(self.xid, hardware);
        message.header.flags = if self.broadcast { FLAG_BROADCAST } else { 0 };
        message.add(code::MESSAGE_TYPE, [kind as u8]);
        if let Some(id) = &self.identity.client_id {
            message.add(code::CLIENT_IDENTIFIER, id.clone());
        }
        let is_query = matches!(kind, MessageType::Discover | MessageType::Request);
        if is_query && rng.below(4) == 0 {
            message.add(code::HOST_NAME, format!("host-{}", self.identity.hw[5]));
        }
        if is_query && self.identity.hw[5].is_multiple_of(3) {
            // Always the same: one that wishes less with each retransmission has itself to blame.
            let wish = 20 + u32::from(self.identity.hw[5]) * 2;
            message.add(code::LEASE_TIME, wish.to_be_bytes());
        }
        message.add(code::PARAMETER_REQUEST_LIST, [1, 3, 6, 15, 51, 54, 58, 59]);
        let has_address = matches!(self.state, State::Bound | State::Renewing | State::Rebinding)
            && kind != MessageType::Decline;
        if has_address {
            message.header.ciaddr = self.address;
        } else if kind != MessageType::Discover || self.hints(rng) {
            message.add(code::REQUESTED_ADDRESS, self.address.octets());
        }
        let names_server = match kind {
            MessageType::Request => self.state == State::Requesting,
            MessageType::Release | MessageType::Decline => true,
            _ => false,
        };
        if names_server {
            message.add(code::SERVER_IDENTIFIER, SERVER.octets());
        }
        let is_unicast = has_address && self.state != State::Rebinding;
        self.forward(message, is_unicast)
    }

    /// Whether it names its former address when it looks for servers.
    fn hints(&self, rng: &mut SplitMix) -> bool {
        !self.address.is_unspecified() && rng.below(2) == 0
    }

    /// Sends a message to the server itself, as a broadcast on its link, or through the link's relay.
    fn forward(&self, mut message: Message, is_unicast: bool) -> Datagram {
        let at = |address: Ipv4Addr, port: u16| SocketAddr::from((address, port));
        let (source, destination, link_source) = match giaddr(self.link) {
            _ if is_unicast => (at(self.address, 68), SERVER, None),
            None => {
                let source = message.header.ciaddr;
                (at(source, 68), Ipv4Addr::BROADCAST, Some(LinkAddress(self.identity.hw)))
            }
            Some(relay) => {
                message.header.giaddr = relay;
                message.header.hops = 1;
                let mut information = vec![code::RAI_CIRCUIT_ID, 2, b'p', self.link];
                if let Some(link) = link_selection(self.link) {
                    information.extend_from_slice(&[code::RAI_LINK_SELECTION, 4]);
                    information.extend_from_slice(&link.octets());
                }
                message.add(code::RELAY_AGENT_INFORMATION, information);
                (at(relay, 67), SERVER, None)
            }
        };
        let payload = message.to_bytes().expect("no option is a filler");
        let (destination, local) = (destination.into(), SERVER.into());
        Datagram { payload, source, destination, local, link_source }
    }
}

/// Clients of all links; some share an identifier or a hardware address with the one before.
pub(crate) fn make_clients(scenario: &Scenario, rng: &mut SplitMix) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for number in 0..scenario.clients {
        let link = 1 + (number % u32::from(LINKS)) as u8;
        let [a, b, c, d] = number.to_be_bytes();
        let mut identity = Identity { hw: [2, 0, a, b, c, d], client_id: None };
        if rng.below(10) < 6 {
            let len = if rng.below(20) == 0 { 120 } else { 4 };
            let mut id = vec![0xff; len];
            id.extend_from_slice(&number.to_be_bytes());
            identity.client_id = Some(id);
        }
        let neighbour = clients.len().checked_sub(usize::from(LINKS));
        if let Some(other) = neighbour.map(|index| clients[index].identity.clone())
            && identity.client_id.is_some()
            && other.client_id.is_some()
        {
            match rng.below(40) {
                0 => identity.client_id = other.client_id,
                1 => identity.hw = other.hw,
                _ => {}
            }
        }
        clients.push(Client::new(identity, link, rng.below(2) == 0));
    }
    mark_shared(&mut clients);
    clients
}

/// Marks clients that the server cannot always tell from another one.
fn mark_shared(clients: &mut [Client]) {
    for index in 0..clients.len() {
        let Some(before) = index.checked_sub(usize::from(LINKS)) else { continue };
        let (one, two) = (&clients[index].identity, &clients[before].identity);
        let is_shared =
            one.client_id == two.client_id && one.client_id.is_some() || one.hw == two.hw;
        clients[index].is_shared |= is_shared;
        clients[before].is_shared |= is_shared;
    }
}
