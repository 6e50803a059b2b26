//! Follows the kernel's notifications about links and addresses.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::{InterfaceTable, netlink};
use crate::sys::socket;

/// A subscription to changes of links and addresses.
///
/// Register its descriptor for reading (level-triggered), and call [`Monitor::drain`] when it is
/// readable.
#[derive(Debug)]
pub struct Monitor {
    socket: OwnedFd,
    buffer: Vec<u8>,
    /// A dump failed, so the table is not to be trusted until one succeeds.
    is_stale: bool,
}

/// Room for notifications that wait; when it is exceeded, the table is read anew.
const RECEIVE_BUFFER: i32 = 1 << 20;
/// Buffers read in one call, so that an endless stream of changes cannot hold the caller for ever.
const READS_MAX: usize = 20_000;

impl Monitor {
    /// Subscribes, then reads the table: whatever changes afterwards is notified.
    ///
    /// # Errors
    /// When the kernel refuses the socket or the dump.
    pub fn open() -> io::Result<(Self, InterfaceTable)> {
        let fd = socket::open(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
        socket::set_buffer(fd.as_fd(), RECEIVE_BUFFER, true);
        let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR;
        socket::bind_netlink(fd.as_fd(), groups as u32)?;
        let monitor = Self { socket: fd, buffer: vec![0; netlink::BUFFER], is_stale: false };
        Ok((monitor, InterfaceTable::read()?))
    }

    /// Enters all waiting notifications into `table`; true when something changed.
    ///
    /// # Errors
    /// When the socket or a necessary dump fails; the next call tries the dump again.
    pub fn drain(&mut self, table: &mut InterfaceTable) -> io::Result<bool> {
        let mut is_changed = false;
        let mut is_empty = false;
        for _ in 0..READS_MAX {
            match socket::receive(self.socket.as_fd(), &mut self.buffer) {
                Ok(len) => match self.buffer.get(..len) {
                    Some(bytes) => {
                        netlink::for_each_change(bytes, None, &mut |change| {
                            is_changed |= table.apply(change);
                        });
                    }
                    None => self.is_stale = true,
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    is_empty = true;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => self.is_stale = true,
                Err(error) => return Err(error),
            }
        }
        // After an overrun the queue holds what is older than what was lost: all of it must be gone
        // before the table is read, or else it would be applied on top.
        if self.is_stale && is_empty {
            let fresh = InterfaceTable::read()?;
            self.is_stale = false;
            is_changed |= fresh != *table;
            *table = fresh;
        }
        Ok(is_changed)
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
