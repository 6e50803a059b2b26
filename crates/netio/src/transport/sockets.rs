//! The open sockets of a transport, found by token, address or interface.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use util::link::{InterfaceIndex, LinkAddress};

use super::SocketToken;
use crate::interfaces::Ipv4Network;
use crate::plan::Endpoint;
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
    pub(super) destination: Ipv4Addr,
    /// Our own address.
    pub(super) local: Ipv4Addr,
    /// Whether it receives.
    pub(super) receives: bool,
    /// Whether replies are sent through it.
    pub(super) sends: bool,
    /// Whether the kernel cuts runs sent through it.
    pub(super) segments: bool,
    /// The kernel's count of drops at the last look.
    pub(super) drops: u32,
}

impl UdpSocket {
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
    /// Slots of sending UDP sockets by address, sorted.
    by_address: Vec<(Ipv4Addr, usize)>,
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
        self.slots.get_mut(slot)?.take().map(|slot| (slot.token, slot.endpoint))
    }

    /// Makes the indexes anew, after insertions and closings.
    pub(super) fn index(&mut self) {
        self.by_address.clear();
        self.by_interface.clear();
        self.packets.clear();
        for (at, slot) in self.slots.iter().enumerate() {
            match slot {
                Some(Slot { receiver: Receiver::Udp(socket), endpoint, .. }) if socket.sends => {
                    self.by_address.push((socket.local, at));
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
    pub(super) fn occupied(&mut self) -> impl Iterator<Item = (usize, &mut Endpoint, &Receiver)> {
        self.slots.iter_mut().enumerate().filter_map(|(at, slot)| {
            let slot = slot.as_mut()?;
            Some((at, &mut slot.endpoint, &slot.receiver))
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
            Some(Receiver::Udp(udp)) => {
                let words =
                    socket::get_words::<9>(udp.fd.as_fd(), libc::SOL_SOCKET, libc::SO_MEMINFO);
                let drops = words.map_or(udp.drops, |words| words[DROPS]);
                let before = std::mem::replace(&mut udp.drops, drops);
                drops.wrapping_sub(before)
            }
            None => 0,
        }
    }

    /// The slot of the UDP socket that sends from an address, or, when that is unspecified, from an
    /// interface.
    pub(super) fn sender(&self, source: Ipv4Addr, interface: InterfaceIndex) -> Option<usize> {
        if source.is_unspecified() {
            let at = self.by_interface.partition_point(|(index, _)| *index < interface);
            return self.by_interface.get(at).filter(|(index, _)| *index == interface).map(|e| e.1);
        }
        let at = self.by_address.binary_search_by_key(&source, |(address, _)| *address).ok()?;
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
