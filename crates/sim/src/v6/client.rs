//! A client: the exchanges of RFC 8415 section 18.2, with the habits of real ones.
//!
//! ```text
//!   Off ---> Soliciting ---> Requesting ---> Bound <---> Renewing ---> Rebinding
//!    ^           |  rapid commit  |           | ^                          |
//!    |           +----------------+---------> + +--- Confirming <--- moves |
//!    +-- pause: nothing is left, all released, vanished, not on link <-----+
//! ```
//!
//! Whenever it gives something up it keeps still for longer than a packet can be on its way: nobody can tell an old
//! query that arrives late from a new one.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use libdhcp::v6::{
    ALL_RELAY_AGENTS_AND_SERVERS, CLIENT_PORT, IaKind, IaTimes, Lifetimes, MessageType,
    RelayHeader, SERVER_PORT, StatusCode, Writer, code,
};
use util::{Entropy, SplitMix};

use super::configuration::{self, DUID, GLOBAL, LINKS, SERVER};
use super::packets::{Entry, Read};
use crate::clock::{MS, SECOND};
use crate::family::{self, Datagram};
use crate::scenario::Scenario;
use crate::spans::Span;

/// Shortest silence after something has been given up; longer than the way of a packet and all waiting.
const PAUSE_S: u64 = 9;
/// Times a query is sent before the client gives up.
const ATTEMPTS_MAX: u32 = 4;
/// Associations of one type that a client has at most.
const ASSOCIATIONS_MAX: u64 = 3;
/// A server that does not exist.
const OTHER_SERVER: &[u8] = &[0, 3, 0, 1, 2, 0, 0, 0, 0, 0xff];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    Soliciting,
    Requesting,
    Bound,
    Renewing,
    Rebinding,
    Confirming,
}

/// What became of a client's addresses and prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// It uses them from now until then (monotonic).
    Bound { uses: Vec<(Span, u64)>, how: How },
    /// It does not use them any more.
    Lost(Vec<Span>),
    /// It gives some back.
    Released,
    /// It says that somebody else uses some.
    Declined,
    /// It has gone to another link.
    Moved,
}

/// On which way a client became bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Rapid,
    Rebound,
    Renewed,
    Selected,
}

type Wishes = family::Wishes<Note>;

/// Something that a client has.
#[derive(Clone, Copy, Debug)]
struct Held {
    span: Span,
    until: u64,
}

/// One identity association.
#[derive(Clone, Debug)]
struct Association {
    kind: IaKind,
    iaid: u32,
    held: Vec<Held>,
    /// What it asks for, in this exchange or always.
    wish: Option<Entry>,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) duid: Vec<u8>,
    number: u32,
    link: u8,
    associations: Vec<Association>,
    state: State,
    xid: [u8; 3],
    attempt: u32,
    /// Relays on the way in this exchange.
    hops: u8,
    /// Whether this exchange asks for rapid commit.
    rapid: bool,
    /// Whether this exchange names a server that does not exist.
    is_astray: bool,
    asked_at: u64,
    renews_at: u64,
    rebinds_at: u64,
}

impl family::Client for Client {
    type Message = Read;
    type Note = Note;

    fn timer(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        let is_over = now >= self.ends_at();
        match self.state {
            State::Off => self.solicit(now, rng, wishes),
            State::Soliciting if self.attempt >= ATTEMPTS_MAX => self.solicit(now, rng, wishes),
            State::Soliciting => self.send(MessageType::Solicit, now, rng, wishes),
            State::Requesting if self.attempt >= ATTEMPTS_MAX => self.pause(now, rng, wishes),
            State::Requesting => self.send(MessageType::Request, now, rng, wishes),
            State::Bound | State::Renewing | State::Rebinding | State::Confirming if is_over => {
                self.lose_all(wishes);
                self.pause(now, rng, wishes);
            }
            State::Bound => self.live(now, rng, wishes),
            // Nobody has denied that all is well.
            State::Confirming if self.attempt >= ATTEMPTS_MAX => {
                self.state = State::Bound;
                wishes.timer = Some(self.renews_at.max(now) + rng.below(SECOND));
            }
            State::Confirming => self.send(MessageType::Confirm, now, rng, wishes),
            State::Renewing if now >= self.rebinds_at => self.rebind(now, rng, wishes),
            State::Renewing => self.extend(MessageType::Renew, now, rng, wishes),
            State::Rebinding => self.extend(MessageType::Rebind, now, rng, wishes),
        }
    }

    fn receive(&mut self, read: &Read, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        if read.xid != self.xid || read.duid != self.duid {
            return;
        }
        match (self.state, read.kind) {
            (State::Soliciting, MessageType::Advertise) => self.choose(read, now, rng, wishes),
            (State::Soliciting, MessageType::Reply) if self.rapid => {
                self.bind(read, How::Rapid, now, rng, wishes);
            }
            (State::Requesting, MessageType::Reply) => {
                self.bind(read, How::Selected, now, rng, wishes);
            }
            (State::Renewing, MessageType::Reply) => {
                self.bind(read, How::Renewed, now, rng, wishes);
            }
            (State::Rebinding, MessageType::Reply) => {
                self.bind(read, How::Rebound, now, rng, wishes);
            }
            (State::Confirming, MessageType::Reply) => {
                if read.status == Some(StatusCode::Success as u16) {
                    self.state = State::Bound;
                    wishes.timer = Some(now + rng.below(5 * SECOND));
                } else {
                    self.lose_all(wishes);
                    self.pause(now, rng, wishes);
                }
            }
            _ => {}
        }
    }
}

impl Client {
    /// Takes an offer.
    fn choose(&mut self, read: &Read, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        if read.associations.iter().all(|offered| offered.given().next().is_none()) {
            return;
        }
        for own in &mut self.associations {
            let is_own = |offered: &&super::packets::Association| {
                offered.kind == own.kind && offered.iaid == own.iaid
            };
            let offered = read.associations.iter().find(is_own);
            own.wish = offered.and_then(|offered| offered.given().next().copied()).or(own.wish);
        }
        self.state = State::Requesting;
        self.begin(now, rng);
        self.is_astray = rng.below(20) == 0;
        self.send(MessageType::Request, now, rng, wishes);
    }

    fn bind(&mut self, read: &Read, how: How, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        let mut lost = Vec::new();
        let mut uses = Vec::new();
        let (mut renew, mut rebind) = (u64::MAX, u64::MAX);
        for told in &read.associations {
            let mut own = self.associations.iter_mut();
            let Some(own) = own.find(|own| own.kind == told.kind && own.iaid == told.iaid) else {
                panic!("{told:?} was not asked for");
            };
            lost.extend(own.held.drain(..).map(|held| held.span));
            for entry in told.given() {
                let until = self.asked_at + u64::from(entry.valid) * SECOND;
                own.held.push(Held { span: entry.span, until });
                let or = |time: u32, tenths: u32| {
                    if time == 0 { entry.preferred / 10 * tenths } else { time }
                };
                renew = renew.min(or(told.t1, 5).into());
                rebind = rebind.min(or(told.t2, 8).into());
            }
            own.held.retain(|held| held.until > now);
            uses.extend(own.held.iter().map(|held| (held.span, held.until)));
        }
        lost.retain(|lost| uses.iter().all(|(span, _)| span != lost));
        wishes.notes.push(Note::Lost(lost));
        self.state = State::Bound;
        self.is_astray = false;
        if uses.is_empty() {
            self.lose_all(wishes);
            return self.pause(now, rng, wishes);
        }
        self.renews_at = self.asked_at + renew * SECOND;
        self.rebinds_at = self.asked_at + rebind * SECOND;
        let declines = matches!(how, How::Rapid | How::Selected) && rng.below(50) == 0;
        let first =
            self.associations.iter().position(|own| own.kind == IaKind::Na && !own.held.is_empty());
        if let Some(first) = first.filter(|_| declines) {
            uses.retain(|(span, _)| {
                self.associations[first].held.iter().all(|held| held.span != *span)
            });
            wishes.notes.push(Note::Bound { uses, how });
            return self.give_up(MessageType::Decline, &[first], now, rng, wishes);
        }
        wishes.notes.push(Note::Bound { uses, how });
        wishes.timer = Some(self.renews_at.max(now) + rng.below(SECOND));
    }

    /// What a bound client does when its first time limit is over: mostly it renews.
    fn live(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        match rng.below(100) {
            0..8 => {
                let all = rng.below(2) == 0;
                let mut which = Vec::new();
                for (index, own) in self.associations.iter().enumerate() {
                    if !own.held.is_empty() && (all || rng.below(2) == 0) {
                        which.push(index);
                    }
                }
                if which.is_empty() {
                    wishes.timer = Some(now + SECOND);
                    return;
                }
                self.give_up(MessageType::Release, &which, now, rng, wishes);
            }
            8..12 => {
                self.lose_all(wishes);
                self.pause(now, rng, wishes);
            }
            12..18 => {
                wishes.notes.push(Note::Moved);
                self.link = 1 + (self.link + rng.below(u64::from(LINKS) - 1) as u8) % LINKS;
                self.check_link(now, rng, wishes);
            }
            18..22 => self.check_link(now, rng, wishes),
            22..26 => {
                self.begin(now, rng);
                self.send(MessageType::InformationRequest, now, rng, wishes);
                wishes.timer = Some(now + SECOND);
            }
            _ => {
                self.state = State::Renewing;
                self.begin(now, rng);
                self.is_astray = rng.below(10) == 0;
                self.extend(MessageType::Renew, now, rng, wishes);
            }
        }
    }

    /// After a change of the link: addresses are confirmed, prefixes alone are bound anew.
    fn check_link(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.drop_expired(now);
        let has_addresses =
            self.associations.iter().any(|own| own.kind == IaKind::Na && !own.held.is_empty());
        if !has_addresses {
            return self.rebind(now, rng, wishes);
        }
        self.state = State::Confirming;
        self.begin(now, rng);
        self.send(MessageType::Confirm, now, rng, wishes);
    }

    fn rebind(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.state = State::Rebinding;
        self.begin(now, rng);
        self.extend(MessageType::Rebind, now, rng, wishes);
    }

    fn extend(&mut self, kind: MessageType, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.send(kind, now, rng, wishes);
        let left = self.ends_at().saturating_sub(now);
        wishes.timer = Some(now + (left / 3).max(SECOND));
    }

    /// Releases or declines everything of some associations; goes on with the rest after a pause.
    fn give_up(
        &mut self,
        kind: MessageType,
        which: &[usize],
        now: u64,
        rng: &mut SplitMix,
        wishes: &mut Wishes,
    ) {
        self.begin(now, rng);
        let given_up: Vec<_> =
            which.iter().map(|&index| self.associations[index].clone()).collect();
        wishes.send.push(self.datagram(kind, &given_up, rng));
        let spans = given_up.iter().flat_map(|own| &own.held).map(|held| held.span);
        wishes.notes.push(Note::Lost(spans.collect()));
        wishes.notes.push(match kind {
            MessageType::Decline => Note::Declined,
            _ => Note::Released,
        });
        for &index in which {
            self.associations[index].held.clear();
            self.associations[index].wish = None;
        }
        if self.associations.iter().all(|own| own.held.is_empty()) {
            return self.pause(now, rng, wishes);
        }
        self.state = State::Bound;
        self.xid = random_xid(rng);
        let earliest = now + PAUSE_S * SECOND;
        wishes.timer = Some(self.renews_at.max(earliest) + rng.below(SECOND));
    }

    fn solicit(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.state = State::Soliciting;
        self.begin(now, rng);
        self.rapid = rng.below(3) == 0;
        for own in &mut self.associations {
            // Sometimes what it had, sometimes a length alone, sometimes something that it dreams of.
            own.wish = match rng.below(6) {
                0..3 => own.wish,
                3 if own.kind == IaKind::Pd => {
                    let len = [48, 56, 58, 60, 64][rng.below(5) as usize];
                    Some(wish_for(Span { first: 0, len }))
                }
                4 => {
                    let (quarter, len) = match own.kind {
                        IaKind::Pd => (2 << 86 | u128::from(rng.below(40)) << 72, 56),
                        _ => (0x1000 + u128::from(rng.below(60)), 128),
                    };
                    let first = configuration::network(self.link) | quarter;
                    Some(wish_for(Span { first, len }))
                }
                _ => None,
            };
        }
        self.send(MessageType::Solicit, now, rng, wishes);
    }

    fn begin(&mut self, now: u64, rng: &mut SplitMix) {
        self.drop_expired(now);
        self.xid = random_xid(rng);
        self.attempt = 0;
        self.asked_at = now;
        self.is_astray = false;
        self.rapid = false;
        let nearest = u64::from(self.link != 1);
        self.hops = match rng.below(6) {
            0 => 3,
            1 => 2,
            2 => 1,
            _ => nearest as u8,
        };
    }

    /// Keeps still for a while, then begins anew.
    fn pause(&mut self, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.state = State::Off;
        self.xid = random_xid(rng);
        wishes.timer = Some(now + PAUSE_S * SECOND + rng.below(20 * SECOND));
    }

    fn lose_all(&mut self, wishes: &mut Wishes) {
        let mut lost = Vec::new();
        for own in &mut self.associations {
            own.wish = own.held.first().map(|held| wish_for(held.span)).or(own.wish);
            lost.extend(own.held.drain(..).map(|held| held.span));
        }
        wishes.notes.push(Note::Lost(lost));
    }

    fn drop_expired(&mut self, now: u64) {
        for own in &mut self.associations {
            own.held.retain(|held| held.until > now);
        }
    }

    fn ends_at(&self) -> u64 {
        let held = self.associations.iter().flat_map(|own| &own.held);
        held.map(|held| held.until).max().unwrap_or(0)
    }

    /// Sends a query of this exchange and sets the timer for the next attempt.
    fn send(&mut self, kind: MessageType, now: u64, rng: &mut SplitMix, wishes: &mut Wishes) {
        self.attempt += 1;
        let backoff = (2 * SECOND) << self.attempt.min(4);
        wishes.timer = Some(now + backoff - SECOND + rng.below(2000) * MS);
        let named = |own: &&Association| match kind {
            MessageType::Confirm => own.kind == IaKind::Na && !own.held.is_empty(),
            MessageType::InformationRequest => false,
            _ => true,
        };
        let associations: Vec<_> = self.associations.iter().filter(named).cloned().collect();
        wishes.send.push(self.datagram(kind, &associations, rng));
    }

    fn datagram(
        &self,
        kind: MessageType,
        associations: &[Association],
        rng: &mut SplitMix,
    ) -> Datagram {
        let mut payload = Vec::new();
        let written = self.write(kind, associations, rng, &mut payload);
        written.expect("queries are short");
        self.forward(kind, payload, rng)
    }

    fn write(
        &self,
        kind: MessageType,
        associations: &[Association],
        rng: &mut SplitMix,
        payload: &mut Vec<u8>,
    ) -> Result<(), libdhcp::v6::WriteError> {
        let mut writer = Writer::message(payload, kind, self.xid, Writer::LEN_MAX)?;
        let is_anonymous = kind == MessageType::InformationRequest && rng.below(2) == 0;
        if !is_anonymous {
            writer.put_option(code::CLIENTID, &self.duid)?;
        }
        let names_server = matches!(
            kind,
            MessageType::Request | MessageType::Renew | MessageType::Release | MessageType::Decline
        );
        if names_server {
            writer.put_option(code::SERVERID, if self.is_astray { OTHER_SERVER } else { DUID })?;
        }
        if self.rapid && kind == MessageType::Solicit {
            writer.put_option(code::RAPID_COMMIT, &[])?;
        }
        writer.put_option(code::ORO, &code::DNS_SERVERS.to_be_bytes())?;
        let wishes = matches!(kind, MessageType::Solicit | MessageType::Request);
        for own in associations {
            writer.begin_ia(own.kind, own.iaid, IaTimes::default())?;
            let held = own.held.iter().filter(|_| !wishes).map(|held| held.span);
            let wished = own.wish.filter(|_| wishes).map(|wish| wish.span);
            for span in held.chain(wished) {
                let lifetimes = self.lifetimes();
                match own.kind {
                    IaKind::Pd => writer.put_ia_prefix(span.address(), span.len, lifetimes)?,
                    _ => writer.put_ia_address(span.address(), lifetimes)?,
                }
            }
            writer.end_option();
        }
        writer.finish();
        Ok(())
    }

    /// The lifetimes that it asks for, always the same ones.
    fn lifetimes(&self) -> Lifetimes {
        if !self.number.is_multiple_of(3) {
            return Lifetimes::default();
        }
        let valid = 20 + self.number % 256;
        Lifetimes { preferred: valid / 2, valid }
    }

    /// Sends a message to the server, or through relays: the one on the link last, others outside of it, and sometimes
    /// one without a link-address inside.
    fn forward(&self, kind: MessageType, mut payload: Vec<u8>, rng: &mut SplitMix) -> Datagram {
        let own =
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 1, (self.number >> 16) as u16, self.number as u16);
        if self.hops == 0 {
            let may_be_unicast = matches!(
                kind,
                MessageType::Request
                    | MessageType::Renew
                    | MessageType::Release
                    | MessageType::Decline
            );
            let is_unicast = may_be_unicast && rng.below(8) == 0;
            let (destination, local): (IpAddr, IpAddr) = match is_unicast {
                true => (GLOBAL.into(), GLOBAL.into()),
                false => (ALL_RELAY_AGENTS_AND_SERVERS.into(), SERVER.into()),
            };
            let source = SocketAddr::from((own, CLIENT_PORT));
            return Datagram { payload, source, destination, local, link_source: None };
        }
        // The interface-id counts only when it is that of the nearest relay.
        let near = if self.link == LINKS { 0 } else { u8::from(self.hops > 2) };
        for hop in 0..self.hops {
            let is_links = hop == near;
            let link = if is_links {
                configuration::link_address(self.link)
            } else {
                Ipv6Addr::UNSPECIFIED
            };
            let interface_id =
                (is_links && self.link == LINKS).then_some(configuration::INTERFACE_ID);
            let header = RelayHeader {
                message_type: MessageType::RelayForw,
                hop_count: hop,
                link_address: link,
                peer_address: own,
            };
            payload = relayed(&header, interface_id, &payload).expect("queries are short");
        }
        let relay = Ipv6Addr::new(0x2001, 0xdb8, 0xfff0, 0, 0, 0, 0, self.link.into());
        let source = SocketAddr::from((relay, SERVER_PORT));
        let local = GLOBAL.into();
        Datagram { payload, source, destination: local, local, link_source: None }
    }
}

/// A message inside a relay message.
fn relayed(
    header: &RelayHeader,
    interface_id: Option<&[u8]>,
    message: &[u8],
) -> Result<Vec<u8>, libdhcp::v6::WriteError> {
    let mut out = Vec::new();
    let mut writer = Writer::relay(&mut out, header, Writer::LEN_MAX)?;
    if let Some(id) = interface_id {
        writer.put_option(code::INTERFACE_ID, id)?;
    }
    writer.put_option(code::RELAY_MSG, message)?;
    writer.finish();
    Ok(out)
}

fn wish_for(span: Span) -> Entry {
    Entry { span, preferred: 0, valid: 0 }
}

fn random_xid(rng: &mut SplitMix) -> [u8; 3] {
    let [a, b, c, ..] = rng.next_u64().to_le_bytes();
    [a, b, c]
}

/// Clients of all links; some share the DUID of another one and have other associations.
pub(crate) fn make_clients(scenario: &Scenario, rng: &mut SplitMix) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for number in 0..scenario.clients {
        let [a, b, c, d] = number.to_be_bytes();
        let mut duid = vec![0, 3, 0, 1, 2, 0, a, b, c, d];
        if rng.below(20) == 0 {
            duid.resize(130, 7);
        }
        let mut iaid = 1;
        if rng.below(12) == 0
            && let Some(other) = clients.get(rng.below(clients.len().max(1) as u64) as usize)
        {
            duid.clone_from(&other.duid);
            // Nobody else with that DUID has these.
            iaid = 10 * (number + 1);
        }
        let mut associations = Vec::new();
        for (kind, chances) in [(IaKind::Na, [15, 75, 90]), (IaKind::Pd, [30, 80, 95])] {
            let drawn = rng.below(100);
            let count = chances.iter().filter(|&&chance| drawn >= chance).count() as u64;
            for nth in 0..count.min(ASSOCIATIONS_MAX) as u32 {
                associations.push(Association {
                    kind,
                    iaid: iaid + nth,
                    held: Vec::new(),
                    wish: None,
                });
            }
        }
        if associations.is_empty() {
            associations.push(Association { kind: IaKind::Na, iaid, held: Vec::new(), wish: None });
        }
        clients.push(Client {
            duid,
            number,
            link: 1 + (number % u32::from(LINKS)) as u8,
            associations,
            state: State::Off,
            xid: [0; 3],
            attempt: 0,
            hops: 0,
            rapid: false,
            is_astray: false,
            asked_at: 0,
            renews_at: 0,
            rebinds_at: 0,
        });
    }
    clients
}
