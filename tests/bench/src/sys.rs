//! System calls that the standard library does not offer: batches of datagrams, namespaces, affinity, signals.
//!
//! The only file of this crate with `unsafe` code. Every function is safe to call; pointers that are handed to the
//! kernel live on the stack of the function or in its arguments and are not kept.

#![allow(unsafe_code, reason = "recvmmsg, sendmmsg and setns have no safe counterpart")]

use std::fs::File;
use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use socket2::Socket;

/// Datagrams that one system call carries.
pub(crate) const BATCH: usize = 64;

/// Longest message that is sent or received.
const MESSAGE_LEN_MAX: usize = 1024;

/// A message with its length and its peer: where it came from, or goes to.
#[derive(Clone)]
pub(crate) struct Datagram {
    bytes: [u8; MESSAGE_LEN_MAX],
    len: usize,
    peer: SocketAddr,
    /// The address that it is sent from, when the kernel is not to choose.
    source: Option<Ipv6Addr>,
}

impl Datagram {
    /// An empty message without peer.
    pub(crate) fn new() -> Self {
        let peer = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Self { bytes: [0; MESSAGE_LEN_MAX], len: 0, peer, source: None }
    }

    /// Where it came from.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The message.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The message, to be edited in place.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// Replaces message, destination and source.
    pub(crate) fn set(&mut self, message: &[u8], to: SocketAddr, source: Option<Ipv6Addr>) {
        self.bytes[..message.len()].copy_from_slice(message);
        self.len = message.len();
        self.peer = to;
        self.source = source;
    }

    /// Changes the length (what is added keeps its old bytes) and the destination.
    pub(crate) fn readdress(&mut self, len: usize, to: SocketAddr) {
        self.len = len.min(MESSAGE_LEN_MAX);
        self.peer = to;
    }
}

/// An address of either family as the kernel takes it.
#[derive(Clone, Copy)]
#[repr(C)]
union Name {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl Name {
    /// The address, with its length.
    fn of(peer: SocketAddr) -> (Self, libc::socklen_t) {
        let mut name: Self = zeroed();
        match peer {
            SocketAddr::V4(peer) => {
                let mut v4: libc::sockaddr_in = zeroed();
                v4.sin_family = libc::AF_INET as libc::sa_family_t;
                v4.sin_port = peer.port().to_be();
                v4.sin_addr.s_addr = u32::from(*peer.ip()).to_be();
                name.v4 = v4;
                (name, size_of::<libc::sockaddr_in>() as libc::socklen_t)
            }
            SocketAddr::V6(peer) => {
                let mut v6: libc::sockaddr_in6 = zeroed();
                v6.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                v6.sin6_port = peer.port().to_be();
                v6.sin6_addr.s6_addr = peer.ip().octets();
                v6.sin6_scope_id = peer.scope_id();
                name.v6 = v6;
                (name, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
            }
        }
    }

    /// The address that the kernel has written.
    fn read(&self) -> SocketAddr {
        // SAFETY: both forms begin with the family and consist of numbers, for which all values are valid.
        let (v4, v6) = unsafe { (self.v4, self.v6) };
        if i32::from(v4.sin_family) == libc::AF_INET6 {
            let address = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            return SocketAddrV6::new(address, port, 0, v6.sin6_scope_id).into();
        }
        let address = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
        SocketAddrV4::new(address, u16::from_be(v4.sin_port)).into()
    }
}

/// Tells the kernel which address a datagram is sent from.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct SourceControl {
    header: libc::cmsghdr,
    info: libc::in6_pktinfo,
}

impl SourceControl {
    fn of(source: Ipv6Addr) -> Self {
        let mut control: Self = zeroed();
        control.header.cmsg_level = libc::IPPROTO_IPV6;
        control.header.cmsg_type = libc::IPV6_PKTINFO;
        control.header.cmsg_len = size_of::<libc::cmsghdr>() + size_of::<libc::in6_pktinfo>();
        control.info.ipi6_addr.s6_addr = source.octets();
        control
    }
}

/// Sends up to [`BATCH`] messages and returns how many the kernel took.
pub(crate) fn send_batch(socket: &Socket, messages: &mut [Datagram]) -> io::Result<usize> {
    let count = messages.len().min(BATCH);
    let mut names: [Name; BATCH] = zeroed();
    let mut controls: [SourceControl; BATCH] = zeroed();
    let mut parts: [libc::iovec; BATCH] = zeroed();
    let mut headers: [libc::mmsghdr; BATCH] = zeroed();
    for at in 0..count {
        let message = &mut messages[at];
        let name_len;
        (names[at], name_len) = Name::of(message.peer);
        if let Some(source) = message.source {
            controls[at] = SourceControl::of(source);
            headers[at].msg_hdr.msg_control = (&raw mut controls[at]).cast();
            headers[at].msg_hdr.msg_controllen = size_of::<SourceControl>();
        }
        parts[at].iov_base = message.bytes.as_mut_ptr().cast();
        parts[at].iov_len = message.len;
        headers[at].msg_hdr.msg_name = (&raw mut names[at]).cast();
        headers[at].msg_hdr.msg_namelen = name_len;
        headers[at].msg_hdr.msg_iov = &raw mut parts[at];
        headers[at].msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: the first `count` headers point to names, controls, parts and buffers that outlive the call.
    let sent = unsafe {
        libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count as libc::c_uint, 0)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Receives up to [`BATCH`] messages; with `wait` it sleeps until there is one. Returns how many came.
pub(crate) fn receive_batch(
    socket: &Socket,
    messages: &mut [Datagram],
    wait: bool,
) -> io::Result<usize> {
    let count = messages.len().min(BATCH);
    let mut names: [Name; BATCH] = zeroed();
    let mut parts: [libc::iovec; BATCH] = zeroed();
    let mut headers: [libc::mmsghdr; BATCH] = zeroed();
    for at in 0..count {
        headers[at].msg_hdr.msg_name = (&raw mut names[at]).cast();
        headers[at].msg_hdr.msg_namelen = size_of::<Name>() as libc::socklen_t;
        parts[at].iov_base = messages[at].bytes.as_mut_ptr().cast();
        parts[at].iov_len = MESSAGE_LEN_MAX;
        headers[at].msg_hdr.msg_iov = &raw mut parts[at];
        headers[at].msg_hdr.msg_iovlen = 1;
    }
    let flags = if wait { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
    // SAFETY: the first `count` headers point to names, parts and buffers of `MESSAGE_LEN_MAX` bytes that outlive the
    // call.
    let received = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            count as libc::c_uint,
            flags,
            std::ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for ((message, header), name) in messages.iter_mut().zip(&headers).zip(&names).take(received) {
        message.len = (header.msg_len as usize).min(MESSAGE_LEN_MAX);
        message.peer = name.read();
        message.source = None;
    }
    Ok(received)
}

/// Sleeps until the socket can be read or the time is over.
pub(crate) fn wait_readable(socket: &Socket, limit: Duration) {
    let mut entry = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let time = libc::timespec {
        tv_sec: limit.as_secs() as libc::time_t,
        tv_nsec: libc::c_long::from(limit.subsec_nanos()),
    };
    // SAFETY: one entry and one time on the stack, no signal mask.
    unsafe { libc::ppoll(&raw mut entry, 1, &raw const time, std::ptr::null()) };
}

/// Sets the buffers of a socket beyond the limit for ordinary users, so that what is lost is lost by the server.
pub(crate) fn force_buffers(socket: &Socket, size: usize) -> io::Result<()> {
    let value = size as libc::c_int;
    for option in [libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE] {
        // SAFETY: the value is on the stack and of the length that is given.
        check(unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const value).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        })?;
    }
    Ok(())
}

/// Moves the calling thread into a network namespace.
pub(crate) fn enter_namespace(namespace: &File) -> io::Result<()> {
    // SAFETY: a plain call with an open descriptor.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

/// Binds the calling thread to one CPU.
pub(crate) fn pin_thread(cpu: usize) -> io::Result<()> {
    let mut set: libc::cpu_set_t = zeroed();
    // SAFETY: CPU_SET ignores numbers beyond the set; the set is on the stack.
    check(unsafe {
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
    })
}

/// Starts a session of its own (a scheduling group of its own) and lets timers of this thread be exact.
pub(crate) fn own_session() {
    // SAFETY: plain calls; a failure (already a group leader) changes nothing.
    unsafe {
        libc::setsid();
        libc::prctl(libc::PR_SET_TIMERSLACK, 1000 as libc::c_ulong, 0, 0, 0);
    }
}

/// Changes the nice value of this thread and of what it starts.
pub(crate) fn set_nice(value: i32) {
    // SAFETY: a plain call; without the right to raise the priority it changes nothing.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, value) };
}

/// Makes the kernel kill the child when this process ends.
pub(crate) fn die_with_parent(command: &mut Command) -> &mut Command {
    // SAFETY: prctl is safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0, 0, 0))
        })
    }
}

/// CPU time of all children that have been waited for.
pub(crate) fn children_cpu() -> Duration {
    let mut usage = mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the structure is on the stack; zero bytes are a valid one, should the call fail.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Sends a signal to a child.
pub(crate) fn signal(pid: u32, number: i32) {
    // SAFETY: a plain call; the child has not been waited for, so the number is still its own.
    unsafe { libc::kill(pid as libc::pid_t, number) };
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// All-zero value of one of the C structures above.
fn zeroed<T: Copy>() -> T {
    // SAFETY: used only for socket addresses, control messages, iovec, mmsghdr, arrays of them and cpu_set_t, for which
    // zero bytes (null pointers, zero lengths, empty sets) are valid values.
    unsafe { mem::zeroed() }
}
