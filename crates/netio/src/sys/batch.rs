//! Many datagrams per system call: recvmmsg, and sendmmsg with segmentation.
//!
//! The arrays that the kernel reads are made once and reused. They hold pointers between calls, but
//! no pointer is used that was not written for the call at hand; [`Sending`] ties the bytes to be
//! sent to its own lifetime.

use std::io;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use libc::{c_void, cmsghdr, iovec, mmsghdr, msghdr, socklen_t};

use super::socket::{check, sockaddr_in, sockaddr_in6, sockaddr_ll};

/// Most datagrams in one call.
pub(crate) const MESSAGES_MAX: usize = 64;

/// Room for one received datagram. Buffers lie 65 cache lines apart, so that they do not share
/// cache sets.
const BUFFER: usize = 4160;

const EMPTY_IOVEC: iovec = iovec { iov_base: ptr::null_mut(), iov_len: 0 };

/// One datagram that [`ReceiveBatch::receive`] got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) source: SocketAddr,
    /// The interface that it came in on, where the socket was asked to tell.
    pub(crate) interface: Option<u32>,
    pub(crate) is_truncated: bool,
}

/// Buffers and arrays for recvmmsg.
pub(crate) struct ReceiveBatch {
    buffers: Box<[u8]>,
    sources: Box<[Name]>,
    controls: Box<[Control]>,
    vectors: Box<[iovec]>,
    messages: Box<[mmsghdr]>,
}

// SAFETY: the pointers in the arrays point into the boxes of the same value, which move with it.
unsafe impl Send for ReceiveBatch {}

impl ReceiveBatch {
    pub(crate) fn new() -> Self {
        let mut batch = Self {
            buffers: vec![0; BUFFER * MESSAGES_MAX].into_boxed_slice(),
            sources: vec![Name::unset(); MESSAGES_MAX].into_boxed_slice(),
            controls: vec![Control([0; CONTROL]); MESSAGES_MAX].into_boxed_slice(),
            vectors: vec![EMPTY_IOVEC; MESSAGES_MAX].into_boxed_slice(),
            messages: vec![empty_message(); MESSAGES_MAX].into_boxed_slice(),
        };
        let buffers = batch.buffers.as_mut_ptr();
        let sources = batch.sources.as_mut_ptr();
        let controls = batch.controls.as_mut_ptr();
        let vectors = batch.vectors.as_mut_ptr();
        for (at, message) in batch.messages.iter_mut().enumerate() {
            // SAFETY: `at` is less than MESSAGES_MAX, the length of all arrays. The boxes are never
            // reallocated.
            unsafe {
                vectors.add(at).write(iovec {
                    iov_base: buffers.add(at * BUFFER).cast::<c_void>(),
                    iov_len: BUFFER,
                });
                message.msg_hdr.msg_iov = vectors.add(at);
                message.msg_hdr.msg_iovlen = 1;
                message.msg_hdr.msg_name = sources.add(at).cast::<c_void>();
                message.msg_hdr.msg_control = controls.add(at).cast::<c_void>();
            }
            make_room(message);
        }
        batch
    }

    /// Receives what waits, `max` datagrams at most; the number of them. [`Self::each`] has them.
    pub(crate) fn receive(&mut self, fd: BorrowedFd<'_>, max: usize) -> io::Result<usize> {
        let max = max.min(MESSAGES_MAX);
        // SAFETY: every pointer in `messages` is into the arrays of `self`, with the lengths that
        // they have there; `max` is at most the number of messages.
        let result = unsafe {
            libc::recvmmsg(
                fd.as_raw_fd(),
                self.messages.as_mut_ptr(),
                max as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        check(result as isize)
    }

    /// The payloads of the first `count` datagrams received last.
    pub(crate) fn payloads(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        let buffers = self.buffers.chunks_exact(BUFFER).zip(self.messages.iter());
        buffers
            .take(count)
            .map(|(buffer, message)| buffer.get(..message.msg_len as usize).unwrap_or(buffer))
    }

    /// Hands the first `count` datagrams received last to `take`, and makes room for the next ones.
    pub(crate) fn each(&mut self, count: usize, mut take: impl FnMut(Received<'_>)) {
        let buffers = self.buffers.chunks_exact(BUFFER);
        let names = self.sources.iter().zip(self.controls.iter());
        for ((message, buffer), (source, control)) in
            self.messages.iter_mut().zip(buffers).zip(names).take(count)
        {
            let interface = control.packet_interface(message.msg_hdr.msg_controllen as _);
            make_room(message);
            take(Received {
                payload: buffer.get(..message.msg_len as usize).unwrap_or(buffer),
                source: source.address(),
                interface,
                is_truncated: message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            });
        }
    }
}

/// Makes the lengths that the kernel has written stand for the next call.
fn make_room(message: &mut mmsghdr) {
    message.msg_hdr.msg_namelen = size_of::<Name>() as socklen_t;
    message.msg_hdr.msg_controllen = CONTROL as _;
}

impl std::fmt::Debug for ReceiveBatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ReceiveBatch")
    }
}

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// To an address; on a certain interface if one is given (for IPv6, the scope does that).
    Udp { to: SocketAddr, interface: Option<u32> },
    /// As a frame on an interface.
    Frame { interface: u32 },
}

/// Bytes of control data of one message.
const CONTROL: usize = 64;

/// Control data of one message, aligned as its headers ask for.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

#[derive(Clone, Copy)]
#[repr(C)]
union Name {
    ipv4: libc::sockaddr_in,
    ipv6: libc::sockaddr_in6,
    link: libc::sockaddr_ll,
}

impl Name {
    fn unset() -> Self {
        Self { ipv6: sockaddr_in6(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0)) }
    }

    /// The address that the kernel wrote.
    fn address(&self) -> SocketAddr {
        // SAFETY: all bytes were written when the value was made (`ipv6` is the longest of all),
        // and any bytes are a valid sockaddr_in or sockaddr_in6; both begin with the family.
        unsafe {
            if i32::from(self.ipv4.sin_family) == libc::AF_INET {
                let address = Ipv4Addr::from(self.ipv4.sin_addr.s_addr.to_ne_bytes());
                return SocketAddrV4::new(address, u16::from_be(self.ipv4.sin_port)).into();
            }
            let address = Ipv6Addr::from(self.ipv6.sin6_addr.s6_addr);
            let (port, scope) = (u16::from_be(self.ipv6.sin6_port), self.ipv6.sin6_scope_id);
            SocketAddrV6::new(address, port, 0, scope).into()
        }
    }
}

// `Name::address` relies on it.
const _: () = assert!(size_of::<Name>() == size_of::<libc::sockaddr_in6>());

/// Arrays for sendmmsg.
pub(crate) struct SendBatch {
    names: Box<[Name]>,
    controls: Box<[Control]>,
    vectors: Box<[iovec]>,
    messages: Box<[mmsghdr]>,
}

// SAFETY: the pointers in the arrays are written anew for each call; none is used across a move.
unsafe impl Send for SendBatch {}

/// Most pieces of memory of all messages of one call.
const PARTS_MAX: usize = 2 * MESSAGES_MAX;

impl SendBatch {
    pub(crate) fn new() -> Self {
        Self {
            names: vec![Name::unset(); MESSAGES_MAX].into_boxed_slice(),
            controls: vec![Control([0; CONTROL]); MESSAGES_MAX].into_boxed_slice(),
            vectors: vec![EMPTY_IOVEC; PARTS_MAX].into_boxed_slice(),
            messages: vec![empty_message(); MESSAGES_MAX].into_boxed_slice(),
        }
    }

    /// Begins a batch; the bytes of its messages must live as long as it does.
    pub(crate) fn begin<'d>(&mut self) -> Sending<'_, 'd> {
        Sending { batch: self, messages: 0, parts: 0, bytes: PhantomData }
    }
}

impl std::fmt::Debug for SendBatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SendBatch")
    }
}

/// A batch that is being put together.
pub(crate) struct Sending<'b, 'd> {
    batch: &'b mut SendBatch,
    messages: usize,
    parts: usize,
    bytes: PhantomData<&'d [u8]>,
}

impl<'d> Sending<'_, 'd> {
    /// Adds a message. With `segment`, the kernel cuts it into datagrams of that length. False when
    /// the batch is full; the message is not added then.
    pub(crate) fn push(
        &mut self,
        target: Target,
        segment: Option<u16>,
        parts: impl Iterator<Item = &'d [u8]>,
    ) -> bool {
        let (at, first) = (self.messages, self.parts);
        if at >= MESSAGES_MAX {
            return false;
        }
        let mut end = first;
        for part in parts {
            if end > first
                && let Some(last) = self.batch.vectors.get_mut(end - 1)
            {
                // Neighbours in memory are one piece to the kernel.
                if last.iov_base.cast::<u8>().wrapping_add(last.iov_len).cast_const()
                    == part.as_ptr()
                {
                    last.iov_len += part.len();
                    continue;
                }
            }
            let Some(vector) = self.batch.vectors.get_mut(end) else { return false };
            *vector =
                iovec { iov_base: part.as_ptr().cast_mut().cast::<c_void>(), iov_len: part.len() };
            end += 1;
        }
        self.parts = end;
        self.messages = at + 1;
        let name_len = self.batch.set_name(at, target);
        let control_len = self.batch.set_control(at, target, segment);
        let header = &mut self.batch.messages[at].msg_hdr;
        header.msg_namelen = name_len;
        header.msg_controllen = control_len as _;
        header.msg_iovlen = (end - first) as _;
        true
    }

    /// Sends; the number of messages that the kernel took, from the first one on. An error is the
    /// first one's.
    pub(crate) fn send(self, fd: BorrowedFd<'_>) -> io::Result<usize> {
        let batch = self.batch;
        let names = batch.names.as_mut_ptr();
        let controls = batch.controls.as_mut_ptr();
        let vectors = batch.vectors.as_mut_ptr();
        let mut part = 0;
        for (at, message) in batch.messages.iter_mut().take(self.messages).enumerate() {
            let header = &mut message.msg_hdr;
            // SAFETY: `at` is less than MESSAGES_MAX, the length of names and controls. The parts
            // of all messages follow one another in `vectors`, `self.parts` of them at most.
            unsafe {
                header.msg_name = names.add(at).cast::<c_void>();
                header.msg_control = match header.msg_controllen {
                    0 => ptr::null_mut(),
                    _ => controls.add(at).cast::<c_void>(),
                };
                header.msg_iov = vectors.add(part);
            }
            part += header.msg_iovlen;
        }
        debug_assert!(part == self.parts);
        if self.messages == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: all pointers were set just now, to arrays that live in `batch` and to bytes that
        // live for 'd, which outlives `self`; the kernel only reads them.
        check(unsafe {
            libc::sendmmsg(
                fd.as_raw_fd(),
                batch.messages.as_mut_ptr(),
                self.messages as libc::c_uint,
                libc::MSG_DONTWAIT,
            )
        } as isize)
    }
}

impl SendBatch {
    fn set_name(&mut self, at: usize, target: Target) -> socklen_t {
        let (name, len) = match target {
            Target::Udp { to: SocketAddr::V4(to), .. } => {
                (Name { ipv4: sockaddr_in(to) }, size_of::<libc::sockaddr_in>())
            }
            Target::Udp { to: SocketAddr::V6(to), .. } => {
                (Name { ipv6: sockaddr_in6(to) }, size_of::<libc::sockaddr_in6>())
            }
            Target::Frame { interface } => {
                let link = sockaddr_ll(interface, libc::ETH_P_IP as u16);
                (Name { link }, size_of::<libc::sockaddr_ll>())
            }
        };
        self.names[at] = name;
        len as socklen_t
    }

    fn set_control(&mut self, at: usize, target: Target, segment: Option<u16>) -> usize {
        let control = &mut self.controls[at];
        let mut used = 0;
        if let Some(segment) = segment {
            used = control.append(used, libc::SOL_UDP, libc::UDP_SEGMENT, &segment.to_ne_bytes());
        }
        if let Target::Udp { to: SocketAddr::V4(_), interface: Some(interface) } = target {
            let mut info = [0; size_of::<libc::in_pktinfo>()];
            let index = interface.to_ne_bytes();
            info[..index.len()].copy_from_slice(&index);
            used = control.append(used, libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
        }
        used
    }
}

impl Control {
    /// Appends one control message behind `used` bytes; the number of bytes used then.
    fn append(&mut self, used: usize, level: i32, kind: i32, data: &[u8]) -> usize {
        let header = size_of::<cmsghdr>();
        let len = header + data.len();
        let end = used + len.next_multiple_of(align_of::<usize>());
        let Some(space) = self.0.get_mut(used..end) else { return used };
        // Layout of cmsghdr on Linux: length (size_t), level, type, data.
        let (length, rest) = space.split_at_mut(size_of::<usize>());
        length.copy_from_slice(&len.to_ne_bytes());
        rest[0..4].copy_from_slice(&level.to_ne_bytes());
        rest[4..8].copy_from_slice(&kind.to_ne_bytes());
        rest[8..8 + data.len()].copy_from_slice(data);
        end
    }

    /// The interface in the first control message of `len` bytes, if that tells one.
    fn packet_interface(&self, len: usize) -> Option<u32> {
        // struct in6_pktinfo behind the header: our address (16 bytes), the interface's number.
        const INTERFACE: usize = size_of::<cmsghdr>() + 16;
        let bytes = self.0.get(..len)?;
        let word = |at: usize| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        let interface = word(INTERFACE)?;
        let (level, kind) = (word(size_of::<usize>())?, word(size_of::<usize>() + 4)?);
        let is_told = level == libc::IPPROTO_IPV6 as u32 && kind == libc::IPV6_PKTINFO as u32;
        is_told.then_some(interface)
    }
}

fn empty_message() -> mmsghdr {
    // SAFETY: all bytes zero (null pointers, no lengths) is a valid mmsghdr.
    let msg_hdr: msghdr = unsafe { std::mem::zeroed() };
    mmsghdr { msg_hdr, msg_len: 0 }
}
