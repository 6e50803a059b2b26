//! A server that only answers: the cost of this crate and the kernel below a DHCP server.
//!
//! `echo4 raw|udp INTERFACE [GATHER_US]` makes an OFFER or ACK of 300 bytes from each DISCOVER or
//! REQUEST, with an address that is a function of the client's. It keeps nothing. It waits
//! `GATHER_US` (100) after a datagram came, so that several are received and sent together, and
//! prints counts to standard error when it is interrupted.

use std::net::{IpAddr, SocketAddr};

use netio::{Family, InterfaceSpec, Plan, SocketKind};
use util::link::{Delivery, Inbound, Outbound, Outbox};

mod echo;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (kind, interface) = match arguments.as_slice() {
        [kind, interface, ..] if kind == "raw" => (SocketKind::Raw, interface),
        [kind, interface, ..] if kind == "udp" => (SocketKind::Udp, interface),
        _ => return Err("usage: echo4 raw|udp INTERFACE [GATHER_US]".into()),
    };
    let gather = arguments.get(2).map_or(Ok(100), |text| text.parse())?;
    let plan = Plan::new4(vec![InterfaceSpec::parse(interface, Family::V4)?], kind, 67)?;
    Ok(echo::serve(plan, gather, answer)?)
}

/// Writes the reply of a relayed query.
fn answer(inbound: &Inbound<'_>, outbox: &mut Outbox) {
    let query = inbound.payload;
    let (Some(&[code, _, kind]), IpAddr::V4(local)) = (query.get(240..243), inbound.local) else {
        return;
    };
    if query.len() > 300 || code != 53 || kind != 1 && kind != 3 {
        return;
    }
    let mut giaddr = [0; 4];
    giaddr.copy_from_slice(&query[24..28]);
    outbox.push_with(|arena| {
        let start = arena.len();
        arena.extend_from_slice(&query[..240]);
        arena[start] = 2;
        arena[start + 16] = 10;
        arena.copy_within(start + 31..start + 34, start + 17);
        let kind = if kind == 1 { 2 } else { 5 };
        arena.extend_from_slice(&[53, 1, kind, 54, 4]);
        arena.extend_from_slice(&local.octets());
        arena.extend_from_slice(&[51, 4, 0, 0, 14, 16, 1, 4, 255, 0, 0, 0, 255]);
        arena.resize(start + 300, 0);
        Some(Outbound {
            start: 0,
            len: 0,
            interface: inbound.interface,
            source: IpAddr::V4(local),
            destination: SocketAddr::from((giaddr, 67)),
            delivery: Delivery::Routed { fallback: inbound.link_source },
            tag: 0,
            hold: 0,
            alone: false,
        })
    });
}
