//! The null server: turns queries into replies without state, to show what the path itself costs.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use crate::net::{self, ALL_SERVERS, SERVER, SERVER_IF, SERVER_PORT};
use crate::spec::Family;
use crate::sys::{self, BATCH, Datagram};
use crate::wire;

/// Serves until it is killed.
pub(crate) fn serve(family: Family) -> io::Result<()> {
    let socket = net::udp_socket(family, SERVER_PORT[family as usize], |socket| {
        sys::force_buffers(socket, 8 << 20)?;
        if family == Family::V6 {
            socket.join_multicast_v6(&ALL_SERVERS, interface_index()?)?;
        }
        Ok(())
    })?;
    let mut messages = vec![Datagram::new(); BATCH];
    loop {
        let count = sys::receive_batch(&socket, &mut messages, true)?;
        for message in &mut messages[..count] {
            echo(family, message);
        }
        let mut sent = 0;
        while sent < count {
            sent += sys::send_batch(&socket, &mut messages[sent..count]).unwrap_or(1);
        }
    }
}

/// Turns a query into its reply. What is no query is sent to the discard port instead of being taken out of the batch.
fn echo(family: Family, message: &mut Datagram) {
    let from = message.peer();
    match family {
        Family::V4 => {
            let nowhere = (0, SocketAddr::from((Ipv4Addr::LOCALHOST, 9)));
            let echoed = wire::v4::echo(message.bytes_mut(), SERVER);
            let (len, to) = echoed.map_or(nowhere, |(len, to)| (len, to.into()));
            message.readdress(len, to);
        }
        Family::V6 => match wire::v6::echo(message.bytes()) {
            Some(reply) => message.set(reply.bytes(), from, None),
            None => message.readdress(0, SocketAddr::new(from.ip(), 9)),
        },
    }
}

/// Number of the server's interface in this namespace.
fn interface_index() -> io::Result<u32> {
    let text = fs::read_to_string(format!("/sys/class/net/{SERVER_IF}/ifindex"))?;
    text.trim().parse().map_err(io::Error::other)
}
