//! Creating, configuring and binding sockets; thin and safe wrappers.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libc::{c_int, c_void, socklen_t};

/// Turns the -1 of a system call into the error it stands for.
pub(super) fn check(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Creates a non-blocking socket that is not inherited.
pub(crate) fn open(domain: c_int, kind: c_int, protocol: c_int) -> io::Result<OwnedFd> {
    // SAFETY: socket() takes no pointers.
    let fd =
        unsafe { libc::socket(domain, kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, protocol) };
    check(fd as isize)?;
    // SAFETY: the descriptor was just created and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets an integer option.
pub(crate) fn set_int(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: c_int,
) -> io::Result<()> {
    set_words(fd, level, name, &[value as u32])
}

/// Sets an option whose value is a row of 32-bit words.
pub(crate) fn set_words(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: &[u32],
) -> io::Result<()> {
    let len = size_of_val(value) as socklen_t;
    // SAFETY: the pointer and length describe `value`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast::<c_void>(), len)
    };
    check(result as isize).map(drop)
}

/// Reads an option whose value is a row of 32-bit words; words that the kernel does not fill stay
/// 0.
pub(crate) fn get_words<const N: usize>(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
) -> io::Result<[u32; N]> {
    let mut value = [0u32; N];
    let mut len = size_of_val(&value) as socklen_t;
    // SAFETY: the pointers describe `value` and its length, which outlive the call.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            level,
            name,
            value.as_mut_ptr().cast::<c_void>(),
            &raw mut len,
        )
    };
    check(result as isize).map(|_| value)
}

/// Attaches a classic BPF program by one of the options that take a `sock_fprog`.
pub(crate) fn attach_program(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    program: &[libc::sock_filter],
) -> io::Result<()> {
    let len =
        u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let description = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program during the call and does not write to it.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            name,
            (&raw const description).cast::<c_void>(),
            size_of::<libc::sock_fprog>() as socklen_t,
        )
    };
    check(result as isize).map(drop)
}

/// Restricts a socket to the interface of that name.
pub(crate) fn bind_to_device(fd: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    // SAFETY: the pointer and length describe `name`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            name.as_ptr().cast::<c_void>(),
            name.len() as socklen_t,
        )
    };
    check(result as isize).map(drop)
}

/// The error that waits on the socket, which is cleared by this.
pub(crate) fn take_error(fd: BorrowedFd<'_>) -> Option<io::Error> {
    match get_words::<1>(fd, libc::SOL_SOCKET, libc::SO_ERROR) {
        Ok([0]) => None,
        Ok([code]) => Some(io::Error::from_raw_os_error(code as c_int)),
        Err(error) => Some(error),
    }
}

/// Asks for buffers of `bytes`; without the privilege to exceed it, the system's limit applies.
pub(crate) fn set_buffer(fd: BorrowedFd<'_>, bytes: c_int, receive: bool) {
    let (force, plain) = match receive {
        true => (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF),
        false => (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF),
    };
    if set_int(fd, libc::SOL_SOCKET, force, bytes).is_err() {
        // A small buffer is no reason not to serve.
        let _ = set_int(fd, libc::SOL_SOCKET, plain, bytes);
    }
}

/// Binds any socket to an address structure.
fn bind<T>(fd: BorrowedFd<'_>, address: &T) -> io::Result<()> {
    // SAFETY: `T` is one of the sockaddr structures (private function); pointer and size describe
    // it.
    let result = unsafe {
        libc::bind(
            fd.as_raw_fd(),
            std::ptr::from_ref(address).cast::<libc::sockaddr>(),
            size_of::<T>() as socklen_t,
        )
    };
    check(result as isize).map(drop)
}

/// The kernel's form of an IPv4 address and port.
pub(super) fn sockaddr_in(address: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
        sin_zero: [0; 8],
    }
}

/// The kernel's form of an IPv6 address, port and scope.
pub(super) fn sockaddr_in6(address: SocketAddrV6) -> libc::sockaddr_in6 {
    libc::sockaddr_in6 {
        sin6_family: libc::AF_INET6 as libc::sa_family_t,
        sin6_port: address.port().to_be(),
        sin6_flowinfo: 0,
        sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
        sin6_scope_id: address.scope_id(),
    }
}

/// The kernel's form of a packet socket's address.
pub(super) fn sockaddr_ll(interface: u32, protocol: u16) -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: protocol.to_be(),
        sll_ifindex: interface as c_int,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0; 8],
    }
}

/// Binds to an address and port.
pub(crate) fn bind_ip(fd: BorrowedFd<'_>, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(address) => bind(fd, &sockaddr_in(address)),
        SocketAddr::V6(address) => bind(fd, &sockaddr_in6(address)),
    }
}

/// Makes the interface a member of a multicast group, as long as the socket is open.
pub(crate) fn join(fd: BorrowedFd<'_>, group: Ipv6Addr, interface: u32) -> io::Result<()> {
    set_membership(fd, libc::IPV6_ADD_MEMBERSHIP, group, interface)
}

/// Ends the membership that [`join`] made, also while copies of the socket are open elsewhere.
pub(crate) fn leave(fd: BorrowedFd<'_>, group: Ipv6Addr, interface: u32) -> io::Result<()> {
    set_membership(fd, libc::IPV6_DROP_MEMBERSHIP, group, interface)
}

fn set_membership(
    fd: BorrowedFd<'_>,
    name: c_int,
    group: Ipv6Addr,
    interface: u32,
) -> io::Result<()> {
    // struct ipv6_mreq: the group's 16 bytes, the interface's number.
    let mut request = [interface; 5];
    for (word, bytes) in request.iter_mut().zip(group.octets().chunks_exact(4)) {
        *word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    set_words(fd, libc::IPPROTO_IPV6, name, &request)
}

/// Binds a packet socket to an interface and an EtherType, which starts reception.
pub(crate) fn bind_packet(fd: BorrowedFd<'_>, interface: u32, protocol: u16) -> io::Result<()> {
    bind(fd, &sockaddr_ll(interface, protocol))
}

/// Interface that a packet socket is bound to; -1 when that interface was deleted.
pub(crate) fn packet_interface(fd: BorrowedFd<'_>) -> io::Result<i32> {
    let mut address = sockaddr_ll(0, 0);
    let mut len = size_of_val(&address) as socklen_t;
    // SAFETY: the pointers describe `address` and its length; the kernel writes no more than that.
    let result = unsafe {
        libc::getsockname(fd.as_raw_fd(), (&raw mut address).cast::<libc::sockaddr>(), &raw mut len)
    };
    check(result as isize).map(|_| address.sll_ifindex)
}

/// Binds a netlink socket to multicast groups.
pub(crate) fn bind_netlink(fd: BorrowedFd<'_>, groups: u32) -> io::Result<()> {
    // SAFETY: all bytes zero is a valid sockaddr_nl.
    let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    address.nl_groups = groups;
    bind(fd, &address)
}

/// Sends bytes on a connected or netlink socket.
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length describe `bytes`, which outlives the call.
    check(unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast::<c_void>(), bytes.len(), 0) })
}

/// Receives one message; the number returned is its full length, also when `buffer` is shorter.
pub(crate) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length describe `buffer`, which outlives the call.
    check(unsafe {
        libc::recv(
            fd.as_raw_fd(),
            buffer.as_mut_ptr().cast::<c_void>(),
            buffer.len(),
            libc::MSG_TRUNC,
        )
    })
}

/// Waits until the socket is readable or writable, or the time is over; false then. Exact to the nanosecond, as far as
/// the timers of the thread allow.
pub(crate) fn wait(fd: BorrowedFd<'_>, events: i16, time: Duration) -> bool {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    let time = libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: libc::c_long::from(time.subsec_nanos()),
    };
    // SAFETY: the pointers describe one pollfd and one time, which outlive the call; no signal mask.
    unsafe { libc::ppoll(&raw mut poll, 1, &raw const time, std::ptr::null()) > 0 }
}

/// Sets how far the kernel may put off the timers of the calling thread.
pub(crate) fn set_timer_slack(slack: Duration) {
    let nanoseconds = libc::c_ulong::from(slack.subsec_nanos().max(1));
    // SAFETY: a plain call about the calling thread; a refusal leaves the slack as it is.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0) };
}
