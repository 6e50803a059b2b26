//! Messages of the kernel's routing socket (rtnetlink, RFC 3549): requests for dumps and parsing of
//! answers.
//!
//! Only what the interface table needs: RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR. Numbers
//! are in the machine's byte order. Every read is checked; a message that is too short for its kind
//! is skipped.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use util::link::{InterfaceIndex, LinkAddress};

use super::{Interface, InterfaceTable, Ipv4Network, Ipv6Network};
use crate::sys::socket;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A link exists with these properties (without addresses).
    Link(Interface),
    /// A link is gone.
    LinkGone(InterfaceIndex),
    /// A link has this IPv4 address.
    Ipv4(InterfaceIndex, Ipv4Network),
    /// A link has this IPv4 address no more.
    Ipv4Gone(InterfaceIndex, Ipv4Network),
    /// A link has this IPv6 address.
    Ipv6(InterfaceIndex, Ipv6Network),
    /// A link has this IPv6 address no more.
    Ipv6Gone(InterfaceIndex, Ipv6Network),
}

/// What one buffer of messages ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// More may follow.
    Open,
    /// The dump is complete.
    Done,
    /// The dump is complete or not, but a change came in between: what was read may not fit
    /// together.
    Disturbed,
    /// The kernel refused, with this error number.
    Refused(i32),
}

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 0x01;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;
const HEADER: usize = 16;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const IFA_F_DADFAILED: u32 = 0x08;
const IFA_F_TENTATIVE: u32 = 0x40;
const RT_SCOPE_LINK: u8 = 253;

/// Largest answer that is read at once; the kernel uses at most 32 KiB.
pub(super) const BUFFER: usize = 1 << 16;
const DUMP_ATTEMPTS: usize = 10;
const DUMP_WAIT: Duration = Duration::from_secs(2);

/// Reads the whole table.
pub(super) fn dump() -> io::Result<InterfaceTable> {
    let fd = socket::open(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    let mut buffer = vec![0; BUFFER];
    let mut sequence = 0;
    for _ in 0..DUMP_ATTEMPTS {
        let mut table = InterfaceTable::default();
        sequence += 2;
        if dump_one(&fd, libc::RTM_GETLINK, sequence, &mut buffer, &mut table)?
            && dump_one(&fd, libc::RTM_GETADDR, sequence + 1, &mut buffer, &mut table)?
        {
            return Ok(table);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::ResourceBusy,
        "the interfaces keep changing while they are read",
    ))
}

/// Reads one dump into the table; false when a change came in between.
fn dump_one(
    fd: &OwnedFd,
    request: u16,
    sequence: u32,
    buffer: &mut [u8],
    table: &mut InterfaceTable,
) -> io::Result<bool> {
    let mut message = Vec::with_capacity(HEADER + 16);
    message.extend_from_slice(&(HEADER as u32 + 16).to_ne_bytes());
    message.extend_from_slice(&request.to_ne_bytes());
    message.extend_from_slice(&(NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    message.extend_from_slice(&sequence.to_ne_bytes());
    message.extend_from_slice(&[0; 4 + 16]);
    socket::send(fd.as_fd(), &message)?;
    let mut is_consistent = true;
    loop {
        let len = match socket::receive(fd.as_fd(), buffer) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if socket::wait(fd.as_fd(), libc::POLLIN, DUMP_WAIT) {
                    continue;
                }
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..len).ok_or(io::ErrorKind::InvalidData)?;
        let ending = for_each_change(bytes, Some(sequence), &mut |change| {
            table.apply(change);
        });
        match ending {
            Ending::Open => {}
            Ending::Done => return Ok(is_consistent),
            Ending::Disturbed => is_consistent = false,
            Ending::Refused(code) => return Err(io::Error::from_raw_os_error(code)),
        }
        // A disturbed dump is read to its end, so that the next one starts clean.
        if ending == Ending::Disturbed && ends_dump(bytes) {
            return Ok(false);
        }
    }
}

/// Whether the last message of the buffer closes a dump.
fn ends_dump(bytes: &[u8]) -> bool {
    messages(bytes).any(|message| message.kind == NLMSG_DONE)
}

/// Calls `take` for each change in a buffer of messages; with `sequence`, for answers to that
/// request only.
pub(super) fn for_each_change(
    bytes: &[u8],
    sequence: Option<u32>,
    take: &mut impl FnMut(Change),
) -> Ending {
    let mut ending = Ending::Open;
    for message in messages(bytes) {
        if sequence.is_some_and(|sequence| sequence != message.sequence) {
            continue;
        }
        if message.flags & NLM_F_DUMP_INTR != 0 {
            ending = Ending::Disturbed;
        }
        match message.kind {
            NLMSG_DONE if ending == Ending::Open => ending = Ending::Done,
            NLMSG_ERROR => match i32_at(message.body, 0) {
                Some(0) | None => {}
                Some(code) => return Ending::Refused(code.saturating_neg()),
            },
            kind => {
                if let Some(change) = change(kind, message.body) {
                    take(change);
                }
            }
        }
    }
    ending
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The messages of a buffer, up to the first one whose length cannot be true.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let len = u32_at(bytes, 0)? as usize;
        let message = Message {
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            sequence: u32_at(bytes, 8)?,
            body: bytes.get(HEADER..len)?,
        };
        bytes = bytes.get(align(len)..).unwrap_or_default();
        Some(message)
    })
}

/// The attributes of a message, up to the first one whose length cannot be true.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(u16_at(bytes, 0)?);
        let attribute = (u16_at(bytes, 2)?, bytes.get(4..len)?);
        bytes = bytes.get(align(len)..).unwrap_or_default();
        Some(attribute)
    })
}

fn change(kind: u16, body: &[u8]) -> Option<Change> {
    match kind {
        libc::RTM_NEWLINK => link(body).map(Change::Link),
        libc::RTM_DELLINK => link(body).map(|link| Change::LinkGone(link.index)),
        libc::RTM_NEWADDR => address(body, true),
        libc::RTM_DELADDR => address(body, false),
        _ => None,
    }
}

/// `struct ifinfomsg` and its attributes. Messages of other families than "unspecified" are about
/// the ports of bridges: the end of such a port is not the end of the interface.
fn link(body: &[u8]) -> Option<Interface> {
    let family = *body.first()?;
    if i32::from(family) != libc::AF_UNSPEC {
        return None;
    }
    let flags = u32_at(body, 8)?;
    let mut link = Interface {
        index: InterfaceIndex(u32_at(body, 4)?),
        name: String::new(),
        is_up: flags & libc::IFF_UP as u32 != 0,
        is_running: flags & libc::IFF_RUNNING as u32 != 0,
        is_loopback: flags & libc::IFF_LOOPBACK as u32 != 0,
        is_ethernet: u16_at(body, 2)? == libc::ARPHRD_ETHER,
        link_address: None,
        ipv4: Vec::new(),
        ipv6: Vec::new(),
    };
    for (kind, value) in attributes(body.get(16..)?) {
        match kind {
            IFLA_IFNAME => {
                let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
                link.name = String::from_utf8_lossy(text).into_owned();
            }
            IFLA_ADDRESS => link.link_address = value.try_into().ok().map(LinkAddress),
            _ => {}
        }
    }
    Some(link)
}

/// `struct ifaddrmsg` and its attributes. On point-to-point links IFA_ADDRESS is the peer and
/// IFA_LOCAL ours.
fn address(body: &[u8], is_new: bool) -> Option<Change> {
    let [family, prefix_len, short_flags, scope] = *body.first_chunk::<4>()?;
    let index = InterfaceIndex(u32_at(body, 4)?);
    let mut flags = u32::from(short_flags);
    let (mut local, mut address) = (None, None);
    for (kind, value) in attributes(body.get(8..)?) {
        match kind {
            IFA_LOCAL => local = Some(value),
            IFA_ADDRESS => address = Some(value),
            IFA_FLAGS => flags = u32_at(value, 0)?,
            _ => {}
        }
    }
    let bytes = local.or(address)?;
    if i32::from(family) == libc::AF_INET {
        let address = Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?);
        let network = Ipv4Network { address, prefix_len };
        return Some(if is_new {
            Change::Ipv4(index, network)
        } else {
            Change::Ipv4Gone(index, network)
        });
    }
    let network = Ipv6Network {
        address: Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?),
        prefix_len,
        is_link_local: scope == RT_SCOPE_LINK,
        is_tentative: flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED) != 0,
    };
    Some(if is_new { Change::Ipv6(index, network) } else { Change::Ipv6Gone(index, network) })
}

fn align(len: usize) -> usize {
    len.saturating_add(3) & !3
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}
