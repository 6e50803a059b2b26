//! Opening of sockets: which options each kind has, and in which order they are set.
//!
//! A socket gets its filter before it is bound, so that nothing unwanted is queued in between.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};

use libc::{IPPROTO_IPV6, SO_ATTACH_FILTER, SOL_PACKET, SOL_SOCKET};
use util::link::{InterfaceIndex, LinkAddress};

use super::sockets::{PacketSocket, Receiver, UdpSocket};
use crate::filter::{self, Program};
use crate::interfaces::Ipv4Network;
use crate::plan::{Endpoint, Family, Socket, scope_of};
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
/// Name of the interface on which nobody but this host speaks.
const LOOPBACK: &str = "lo";
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
    let at = |address| match address {
        IpAddr::V4(_) => SocketAddr::new(address, port),
        IpAddr::V6(own) => {
            SocketAddrV6::new(own, port, 0, scope_of(address, endpoint.interface)).into()
        }
    };
    let alone = Group { index: 0, count: 1 };
    match &endpoint.socket {
        Socket::Address { address, receives } => {
            probe(&endpoint.name, at(*address), group)?;
            let filter = (!receives).then(filter::nothing);
            let fd = udp(at(*address), None, filter, group)?;
            if address.is_ipv6() && scope_of(*address, endpoint.interface) == 0 {
                // It may come in on any interface.
                socket::set_int(fd.as_fd(), IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
            }
            let socket = UdpSocket::new(fd, *address);
            Ok(Receiver::Udp(UdpSocket { receives: *receives, ..socket }))
        }
        Socket::Broadcast { address, local } => {
            let address = IpAddr::V4(*address);
            let fd = udp(at(address), Some(&endpoint.name), None, alone)?;
            Ok(Receiver::Udp(
                UdpSocket::new(fd, address).for_group((*local).into(), (*local).into()),
            ))
        }
        Socket::Multicast { group: address, local, local_far } => {
            // The kernel gives a datagram to the sockets of all workers.
            let filter = (group.count > 1).then(|| filter::share_of(group.index, group.count));
            let counts_drops = filter.is_none();
            let fd = udp(at(IpAddr::V6(*address)), None, filter, alone)?;
            socket::join(fd.as_fd(), *address, endpoint.interface.0)?;
            let sentinel = sentinel(endpoint.interface).ok();
            let socket = UdpSocket::new(fd, IpAddr::V6(*address));
            let socket = socket.for_group((*local).into(), (*local_far).into());
            Ok(Receiver::Udp(UdpSocket { sentinel, counts_drops, ..socket }))
        }
        Socket::Packet { link_address, addresses } => {
            packet(endpoint.interface, *link_address, addresses, port, group, rings)
                .map(Receiver::Packet)
        }
    }
}

/// A packet socket that receives nothing and tells when its interface was deleted.
fn sentinel(interface: InterfaceIndex) -> io::Result<OwnedFd> {
    let socket = socket::open(libc::AF_PACKET, libc::SOCK_DGRAM, 0)?;
    socket::bind_packet(socket.as_fd(), interface.0, 0)?;
    Ok(socket)
}

/// Fails when another server has the port, as far as the interface is concerned.
///
/// The socket in use shares its port with sockets of other programs that are restricted to other
/// interfaces (a DHCP server for virtual machines, for instance), which the kernel allows only if
/// it shares with all.
fn probe(interface: &str, address: SocketAddr, group: Group) -> io::Result<()> {
    let socket = datagrams(address)?;
    let fd = socket.as_fd();
    if group.count > 1 {
        socket::set_int(fd, SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    socket::attach_program(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter::nothing())?;
    socket::bind_to_device(fd, interface)?;
    socket::bind_ip(fd, address)?;
    // A process that is just being started may hold a copy for a moment; that must neither hinder
    // the real socket nor, bound more narrowly, be given what is meant for it.
    socket::set_int(fd, SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    let _ = socket::bind_to_device(fd, LOOPBACK);
    Ok(())
}

/// A UDP socket of the address's family, and of no other.
fn datagrams(address: SocketAddr) -> io::Result<OwnedFd> {
    if address.is_ipv4() {
        return socket::open(libc::AF_INET, libc::SOCK_DGRAM, 0);
    }
    let socket = socket::open(libc::AF_INET6, libc::SOCK_DGRAM, 0)?;
    socket::set_int(socket.as_fd(), IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
    Ok(socket)
}

fn udp(
    address: SocketAddr,
    interface: Option<&str>,
    filter: Option<Program>,
    group: Group,
) -> io::Result<OwnedFd> {
    let socket = datagrams(address)?;
    let fd = socket.as_fd();
    socket::set_int(fd, SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    socket::set_int(fd, SOL_SOCKET, libc::SO_BROADCAST, 1)?;
    socket::set_buffer(fd, BUFFER, false);
    socket::set_buffer(fd, BUFFER, true);
    if group.count > 1 {
        socket::set_int(fd, SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    let is_filtered = filter.is_some();
    if let Some(program) = filter {
        socket::attach_program(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program)?;
    }
    if let Some(name) = interface {
        socket::bind_to_device(fd, name)?;
    }
    socket::bind_ip(fd, address)?;
    if group.count > 1 && !is_filtered {
        let family = if address.is_ipv4() { Family::V4 } else { Family::V6 };
        let program = filter::select_by_payload(family, group.count);
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
