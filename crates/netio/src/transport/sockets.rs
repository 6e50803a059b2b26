//! The open sockets of a transport, found by token, address or interface.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use util::link::{InterfaceIndex, LinkAddress};

use super::SocketToken;
use crate::interfaces::Ipv4Network;
use crate::plan::{Endpoint, Socket, scope_of};
use crate::sys::ring::Ring;
use crate::sys::socket;

/// A packet socket with its ring.
#[derive(Debug)]
pub(super) struct PacketSocket {
    /// Before the descriptor, so that the mapping ends first.
    pub(super) ring: Ring,
    pub(super) fd: OwnedFd,
    pub(super) link_address: LinkAddress,
    pub(super) addresses: Vec<Ipv4Network>,
}

/// A UDP socket.
#[derive(Debug)]
pub(super) struct UdpSocket {
    pub(super) fd: OwnedFd,
    /// The address bound to.
    pub(super) destination: IpAddr,
    /// Our own address.
    pub(super) local: IpAddr,
    /// Our own address for senders beyond the link.
    pub(super) local_far: IpAddr,
    /// For a multicast group, a packet socket whose end is that of the interface's membership.
    pub(super) sentinel: Option<OwnedFd>,
    /// Whether it receives.
    pub(super) receives: bool,
    /// Whether replies are sent through it.
    pub(super) sends: bool,
    /// Whether the kernel cuts runs sent through it.
    pub(super) segments: bool,
    /// Whether what the kernel counts as drops was lost; else its filter drops most of it.
    pub(super) counts_drops: bool,
    /// The kernel's count of drops at the last look.
    pub(super) drops: u32,
}

impl UdpSocket {
    /// A socket bound to an address of our own.
    pub(super) fn new(fd: OwnedFd, address: IpAddr) -> Self {
        Self {
            fd,
            destination: address,
            local: address,
            local_far: address,
            sentinel: None,
            receives: true,
            sends: true,
            segments: true,
            counts_drops: true,
            drops: 0,
        }
    }

    /// Makes it one bound to an address of many, which cannot be sent from.
    pub(super) fn for_group(self, local: IpAddr, local_far: IpAddr) -> Self {
        Self { local, local_far, sends: false, segments: false, ..self }
    }

    /// The address to answer a sender from.
    pub(super) fn local_for(&self, sender: &SocketAddr) -> IpAddr {
        match sender {
            SocketAddr::V6(sender) if !sender.ip().is_unicast_link_local() => self.local_far,
            _ => self.local,
        }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// An open socket of either kind.
#[derive(Debug)]
pub(super) enum Receiver {
    Packet(PacketSocket),
    Udp(UdpSocket),
}

impl Receiver {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Packet(socket) => socket.fd.as_fd(),
            Self::Udp(socket) => socket.fd.as_fd(),
        }
    }

    /// Whether its interface still exists for it: one that was deleted and made again under the same
    /// number does not come back to a packet socket, nor to a multicast group.
    pub(super) fn is_attached(&self, interface: InterfaceIndex) -> bool {
        let witness = match self {
            Self::Packet(packet) => Some(&packet.fd),
            Self::Udp(udp) => udp.sentinel.as_ref(),
        };
        witness.is_none_or(|fd| {
            socket::packet_interface(fd.as_fd()).is_ok_and(|index| index as u32 == interface.0)
        })
    }

    /// Takes over what may differ between an endpoint and one with the same socket.
    pub(super) fn adopt(&mut self, socket: &Socket) {
        if let (Self::Udp(udp), Socket::Multicast { local, local_far, .. }) = (self, socket) {
            udp.local = IpAddr::V6(*local);
            udp.local_far = IpAddr::V6(*local_far);
        }
    }

    fn is_watched(&self) -> bool {
        match self {
            Self::Packet(_) => true,
            Self::Udp(socket) => socket.receives,
        }
    }
}

#[derive(Debug)]
struct Slot {
    token: SocketToken,
    endpoint: Endpoint,
    receiver: Receiver,
}

/// All open sockets. Slots are numbered; a slot may be used again, a token never.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    slots: Vec<Option<Slot>>,
    generation: usize,
    next_of_round: usize,
    /// Slots of sending UDP sockets by address and scope, sorted.
    by_address: Vec<((IpAddr, u32), usize)>,
    /// Slots of sending UDP sockets by interface, sorted; the first one answers for the interface.
    by_interface: Vec<(InterfaceIndex, usize)>,
    /// Slots of packet sockets by interface, sorted.
    packets: Vec<(InterfaceIndex, usize)>,
    /// The socket that sends frames.
    pub(super) frames: Option<OwnedFd>,
}

/// Bits of a token that hold the slot; the rest is the generation.
const SLOT_BITS: u32 = 20;

impl Sockets {
    /// Takes in an open socket; its name and descriptor to be watched.
    pub(super) fn insert(
        &mut self,
        endpoint: Endpoint,
        receiver: Receiver,
    ) -> (SocketToken, Option<RawFd>) {
        let free = self.slots.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.generation += 1;
        let token = SocketToken(self.generation << SLOT_BITS | at);
        let watch = receiver.is_watched().then(|| receiver.fd().as_raw_fd());
        self.slots[at] = Some(Slot { token, endpoint, receiver });
        (token, watch)
    }

    /// Closes a socket.
    pub(super) fn close(&mut self, slot: usize) -> Option<(SocketToken, Endpoint)> {
        let Slot { token, endpoint, receiver } = self.slots.get_mut(slot)?.take()?;
        if let Socket::Multicast { group, .. } = endpoint.socket {
            // A process that is just being started may hold a copy for a moment, whose end would take
            // a successor's membership along. A failure says that the interface is gone.
            let _ = socket::leave(receiver.fd(), group, endpoint.interface.0);
        }
        Some((token, endpoint))
    }

    /// Makes the indexes anew, after insertions and closings.
    pub(super) fn index(&mut self) {
        self.by_address.clear();
        self.by_interface.clear();
        self.packets.clear();
        for (at, slot) in self.slots.iter().enumerate() {
            match slot {
                Some(Slot { receiver: Receiver::Udp(socket), endpoint, .. }) if socket.sends => {
                    let scope = scope_of(socket.local, endpoint.interface);
                    self.by_address.push(((socket.local, scope), at));
                    self.by_interface.push((endpoint.interface, at));
                }
                Some(Slot { receiver: Receiver::Packet(_), endpoint, .. }) => {
                    self.packets.push((endpoint.interface, at));
                }
                _ => {}
            }
        }
        self.by_address.sort_unstable();
        self.by_interface.sort_unstable();
        self.packets.sort_unstable();
    }

    /// The occupied slots with what they are for.
    pub(super) fn occupied(
        &mut self,
    ) -> impl Iterator<Item = (usize, &mut Endpoint, &mut Receiver)> {
        self.slots.iter_mut().enumerate().filter_map(|(at, slot)| {
            let slot = slot.as_mut()?;
            Some((at, &mut slot.endpoint, &mut slot.receiver))
        })
    }

    pub(super) fn endpoints(&self) -> impl Iterator<Item = (SocketToken, &Endpoint)> + '_ {
        self.slots.iter().flatten().map(|slot| (slot.token, &slot.endpoint))
    }

    pub(super) fn watched(&self) -> impl Iterator<Item = (SocketToken, RawFd)> + '_ {
        let watched = self.slots.iter().flatten().filter(|slot| slot.receiver.is_watched());
        watched.map(|slot| (slot.token, slot.receiver.fd().as_raw_fd()))
    }

    /// Number of packet sockets.
    pub(super) fn rings(&self) -> usize {
        let is_ring = |slot: &&Slot| matches!(slot.receiver, Receiver::Packet(_));
        self.slots.iter().flatten().filter(is_ring).count()
    }

    pub(super) fn slot_of(&self, token: SocketToken) -> Option<usize> {
        let at = token.0 & ((1 << SLOT_BITS) - 1);
        (self.slots.get(at)?.as_ref()?.token == token).then_some(at)
    }

    /// The receiving socket of a slot and its interface.
    pub(super) fn receiver(&mut self, slot: usize) -> Option<(InterfaceIndex, &mut Receiver)> {
        let slot = self.slots.get_mut(slot)?.as_mut()?;
        slot.receiver.is_watched().then_some((slot.endpoint.interface, &mut slot.receiver))
    }

    /// All slot numbers, beginning with another one each time.
    pub(super) fn round(&mut self) -> impl Iterator<Item = usize> + use<> {
        let len = self.slots.len();
        let start = self.next_of_round;
        self.next_of_round = if start + 1 < len { start + 1 } else { 0 };
        (start..len).chain(0..start.min(len))
    }

    /// The error that waits on a socket.
    pub(super) fn take_error(&self, slot: usize) -> Option<io::Error> {
        socket::take_error(self.slots.get(slot)?.as_ref()?.receiver.fd())
    }

    /// Datagrams that the kernel dropped on a socket since the last call.
    pub(super) fn new_drops(&mut self, slot: usize) -> u32 {
        /// Place of the count of drops in the kernel's answer to SO_MEMINFO.
        const DROPS: usize = 8;
        match self.slots.get_mut(slot).and_then(Option::as_mut).map(|slot| &mut slot.receiver) {
            Some(Receiver::Packet(packet)) => {
                // struct tpacket_stats: packets, drops; both are set to zero by reading.
                let fd = packet.fd.as_fd();
                let words = socket::get_words::<2>(fd, libc::SOL_PACKET, libc::PACKET_STATISTICS);
                words.map_or(0, |[_, drops]| drops)
            }
            Some(Receiver::Udp(udp)) if udp.counts_drops => {
                let words =
                    socket::get_words::<9>(udp.fd.as_fd(), libc::SOL_SOCKET, libc::SO_MEMINFO);
                let drops = words.map_or(udp.drops, |words| words[DROPS]);
                let before = std::mem::replace(&mut udp.drops, drops);
                drops.wrapping_sub(before)
            }
            Some(Receiver::Udp(_)) | None => 0,
        }
    }

    /// The slot of the UDP socket that sends from an address, or, when that is unspecified, from an
    /// interface.
    pub(super) fn sender(&self, source: IpAddr, interface: InterfaceIndex) -> Option<usize> {
        if source.is_unspecified() {
            let at = self.by_interface.partition_point(|(index, _)| *index < interface);
            return self.by_interface.get(at).filter(|(index, _)| *index == interface).map(|e| e.1);
        }
        let key = (source, scope_of(source, interface));
        let at = self.by_address.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.by_address.get(at).map(|(_, slot)| *slot)
    }

    /// The UDP socket of a slot.
    pub(super) fn udp(&mut self, slot: usize) -> Option<&mut UdpSocket> {
        match &mut self.slots.get_mut(slot)?.as_mut()?.receiver {
            Receiver::Udp(socket) => Some(socket),
            Receiver::Packet(_) => None,
        }
    }

    /// The packet socket of an interface.
    pub(super) fn packet(&self, interface: InterfaceIndex) -> Option<&PacketSocket> {
        let at = self.packets.binary_search_by_key(&interface, |(index, _)| *index).ok()?;
        let (_, slot) = self.packets.get(at)?;
        match &self.slots.get(*slot)?.as_ref()?.receiver {
            Receiver::Packet(socket) => Some(socket),
            Receiver::Udp(_) => None,
        }
    }
}
