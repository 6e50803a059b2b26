//! Opening of sockets: which options each kind has, and in which order they are set.
//!
//! A socket gets its filter before it is bound, so that nothing unwanted is queued in between.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, OwnedFd};

use libc::{SO_ATTACH_FILTER, SOL_PACKET, SOL_SOCKET};
use util::link::{InterfaceIndex, LinkAddress};

use super::sockets::{PacketSocket, Receiver, UdpSocket};
use crate::filter;
use crate::interfaces::Ipv4Network;
use crate::plan::{Endpoint, Socket};
use crate::sys::ring::Ring;
use crate::sys::socket;

/// A worker's place among the workers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) index: u16,
    pub(super) count: u16,
}

/// Bytes of receive and send buffers: a burst of some ten thousand queries.
const BUFFER: i32 = 8 << 20;
/// Slots of the rings: many for the first interfaces, few where there are many interfaces.
const RING_FRAMES: [(usize, usize); 2] = [(4, 4096), (32, 256)];
const RING_FRAMES_MIN: usize = 64;
const PACKET_FANOUT_CBPF: u32 = 6;
const PACKET_FANOUT_FLAG_IGNORE_OUTGOING: u32 = 0x4000;
const PACKET_FANOUT_DATA: i32 = 22;
const PACKET_IGNORE_OUTGOING: i32 = 23;

/// Opens the socket of an endpoint; `rings` packet sockets exist already.
pub(super) fn endpoint(
    endpoint: &Endpoint,
    port: u16,
    group: Group,
    rings: usize,
) -> io::Result<Receiver> {
    match &endpoint.socket {
        Socket::Address { address, receives } => {
            probe(&endpoint.name, SocketAddrV4::new(*address, port), group)?;
            let fd = udp(SocketAddrV4::new(*address, port), None, *receives, group)?;
            let (destination, local) = (*address, *address);
            let segments = true;
            let receives = *receives;
            let socket =
                UdpSocket { fd, destination, local, receives, sends: true, segments, drops: 0 };
            Ok(Receiver::Udp(socket))
        }
        Socket::Broadcast { address, local } => {
            let alone = Group { index: 0, count: 1 };
            let to = SocketAddrV4::new(*address, port);
            let fd = udp(to, Some(&endpoint.name), true, alone)?;
            let (destination, local) = (*address, *local);
            let (receives, sends, segments) = (true, false, false);
            Ok(Receiver::Udp(UdpSocket {
                fd,
                destination,
                local,
                receives,
                sends,
                segments,
                drops: 0,
            }))
        }
        Socket::Packet { link_address, addresses } => {
            packet(endpoint.interface, *link_address, addresses, port, group, rings)
                .map(Receiver::Packet)
        }
    }
}

/// Fails when another server has the port, as far as the interface is concerned.
///
/// The socket in use shares its port with sockets of other programs that are restricted to other
/// interfaces (a DHCP server for virtual machines, for instance), which the kernel allows only if
/// it shares with all.
fn probe(interface: &str, address: SocketAddrV4, group: Group) -> io::Result<()> {
    let fd = socket::open(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    if group.count > 1 {
        socket::set_int(fd.as_fd(), SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    socket::attach_program(fd.as_fd(), SOL_SOCKET, SO_ATTACH_FILTER, &filter::nothing())?;
    socket::bind_to_device(fd.as_fd(), interface)?;
    socket::bind_ipv4(fd.as_fd(), address)?;
    // A process that is just being started may hold a copy for a moment; that must not hinder the
    // real socket.
    socket::set_int(fd.as_fd(), SOL_SOCKET, libc::SO_REUSEADDR, 1)
}

fn udp(
    address: SocketAddrV4,
    interface: Option<&str>,
    receives: bool,
    group: Group,
) -> io::Result<OwnedFd> {
    let socket = socket::open(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    let fd = socket.as_fd();
    socket::set_int(fd, SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    socket::set_int(fd, SOL_SOCKET, libc::SO_BROADCAST, 1)?;
    socket::set_buffer(fd, BUFFER, false);
    if group.count > 1 {
        socket::set_int(fd, SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    if receives {
        socket::set_buffer(fd, BUFFER, true);
    } else {
        socket::attach_program(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter::nothing())?;
    }
    if let Some(name) = interface {
        socket::bind_to_device(fd, name)?;
    }
    socket::bind_ipv4(fd, address)?;
    if group.count > 1 && receives {
        let program = filter::select_by_payload(group.count);
        socket::attach_program(fd, SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF, &program)?;
    }
    Ok(socket)
}

fn packet(
    interface: InterfaceIndex,
    link_address: LinkAddress,
    addresses: &[Ipv4Network],
    port: u16,
    group: Group,
    rings: usize,
) -> io::Result<PacketSocket> {
    let socket = socket::open(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
    let fd = socket.as_fd();
    let mut destinations = vec![Ipv4Addr::BROADCAST];
    destinations.extend(addresses.iter().map(|own| own.address));
    destinations.extend(addresses.iter().filter_map(Ipv4Network::broadcast));
    let program = filter::udp_frames(interface.0, port, &destinations);
    socket::attach_program(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program)?;
    // The filter drops outgoing frames too; this spares running it, where the kernel can.
    let _ = socket::set_int(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    let frames = RING_FRAMES.iter().find(|(limit, _)| rings < *limit);
    let frames = frames.map_or(RING_FRAMES_MIN, |(_, frames)| *frames);
    let ring = Ring::attach(fd, frames)?;
    socket::bind_packet(fd, interface.0, libc::ETH_P_IP as u16)?;
    if group.count > 1 {
        join_fanout(&socket, interface, group)?;
    }
    Ok(PacketSocket { ring, fd: socket, link_address, addresses: addresses.to_vec() })
}

/// Joins the group of the workers' packet sockets on an interface.
fn join_fanout(socket: &OwnedFd, interface: InterfaceIndex, group: Group) -> io::Result<()> {
    let fd = socket.as_fd();
    // Groups are numbered for the whole network namespace; all workers must come to the same
    // number.
    let id = (std::process::id().wrapping_mul(257).wrapping_add(interface.0)) & 0xffff;
    let join = |flags: u32| {
        let word = id | (PACKET_FANOUT_CBPF | flags) << 16;
        socket::set_words(fd, SOL_PACKET, libc::PACKET_FANOUT, &[word])
    };
    if let Err(error) = join(PACKET_FANOUT_FLAG_IGNORE_OUTGOING) {
        // Kernels before 6.2 do not know the flag.
        match error.raw_os_error() {
            Some(libc::EINVAL) => join(0)?,
            _ => return Err(error),
        }
    }
    let program = filter::select_by_packet(group.count);
    socket::attach_program(fd, SOL_PACKET, PACKET_FANOUT_DATA, &program)
}

/// Opens the socket that sends frames.
pub(super) fn frames() -> io::Result<OwnedFd> {
    let socket = socket::open(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
    let fd = socket.as_fd();
    socket::set_buffer(fd, BUFFER, false);
    // Without it frames pass the queueing discipline, which works as well.
    let _ = socket::set_int(fd, SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1);
    Ok(socket)
}
