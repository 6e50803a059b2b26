//! The null server: turns queries into replies without state, to show what the path itself costs.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};

use crate::net::SERVER;
use crate::sys::{self, BATCH, Datagram};
use crate::wire;

/// Serves until it is killed.
pub(crate) fn serve() -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    sys::force_buffers(&socket, 8 << 20)?;
    socket.set_broadcast(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 67).into())?;
    let mut messages = vec![Datagram::new(); BATCH];
    loop {
        let count = sys::receive_batch(&socket, &mut messages, true)?;
        for message in &mut messages[..count] {
            // What is no query is sent to the discard port instead of being taken out of the batch.
            let nowhere = (0, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9));
            let (len, to) = wire::echo(message.bytes_mut(), SERVER).unwrap_or(nowhere);
            message.readdress(len, to);
        }
        let mut sent = 0;
        while sent < count {
            sent += sys::send_batch(&socket, &mut messages[sent..count]).unwrap_or(1);
        }
    }
}
