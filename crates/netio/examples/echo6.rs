//! A DHCPv6 server that only answers: the cost of this crate and the kernel below one.
//!
//! `echo6 INTERFACE[,INTERFACE/ADDRESS] [GATHER_US]` makes an ADVERTISE or REPLY from each SOLICIT or
//! REQUEST, direct or through one relay, with an address that is a function of the client's DUID. It
//! keeps nothing. It waits `GATHER_US` (100) after a datagram came, so that several are received and
//! sent together, and prints counts to standard error when it is interrupted.

use netio::{Family, InterfaceSpec, Plan};
use util::link::{Delivery, Inbound, Outbound, Outbox};

mod echo;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [interfaces, ..] = arguments.as_slice() else {
        return Err("usage: echo6 INTERFACE[,INTERFACE/ADDRESS] [GATHER_US]".into());
    };
    let gather = arguments.get(1).map_or(Ok(100), |text| text.parse())?;
    let specs = interfaces.split(',').map(|text| InterfaceSpec::parse(text, Family::V6));
    let plan = Plan::new6(specs.collect::<Result<_, _>>()?, 547)?;
    Ok(echo::serve(plan, gather, answer)?)
}

const SOLICIT: u8 = 1;
const ADVERTISE: u8 = 2;
const REQUEST: u8 = 3;
const REPLY: u8 = 7;
const RELAY_FORWARD: u8 = 12;
const RELAY_REPLY: u8 = 13;
const CLIENT_ID: u8 = 1;
const IA_NA: u8 = 3;
const RELAY_MESSAGE: u8 = 9;

/// Writes the reply of a query.
fn answer(inbound: &Inbound<'_>, outbox: &mut Outbox) {
    outbox.push_with(|arena| {
        match inbound.payload.split_at_checked(34) {
            Some((header, options)) if header[0] == RELAY_FORWARD => {
                arena.push(RELAY_REPLY);
                arena.extend_from_slice(&header[1..]);
                arena.extend_from_slice(&[0, RELAY_MESSAGE, 0, 0]);
                let start = arena.len();
                reply(option(options, RELAY_MESSAGE)?, arena)?;
                let len = arena.len() - start;
                arena[start - 2..start].copy_from_slice(&(len as u16).to_be_bytes());
            }
            _ => reply(inbound.payload, arena)?,
        }
        Some(Outbound {
            start: 0,
            len: 0,
            interface: inbound.interface,
            source: inbound.local,
            destination: inbound.source,
            delivery: Delivery::Routed { fallback: None },
            tag: 0,
            hold: 0,
            alone: false,
        })
    });
}

/// Appends the reply of a client's message.
fn reply(query: &[u8], arena: &mut Vec<u8>) -> Option<()> {
    let (header, options) = query.split_at_checked(4)?;
    let kind = match header[0] {
        SOLICIT => ADVERTISE,
        REQUEST => REPLY,
        _ => return None,
    };
    let duid = option(options, CLIENT_ID).filter(|duid| (6..=128).contains(&duid.len()))?;
    let iaid = option(options, IA_NA)?.first_chunk::<4>()?;
    arena.extend_from_slice(&[kind, header[1], header[2], header[3]]);
    arena.extend_from_slice(&[0, CLIENT_ID, 0, duid.len() as u8]);
    arena.extend_from_slice(duid);
    arena.extend_from_slice(&[0, 2, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
    arena.extend_from_slice(&[0, IA_NA, 0, 40]);
    arena.extend_from_slice(iaid);
    arena.extend_from_slice(&[0, 0, 7, 8, 0, 0, 11, 64, 0, 5, 0, 24, 0xfd, 0, 1, 0]);
    arena.extend_from_slice(&[0; 6]);
    arena.extend_from_slice(&duid[duid.len() - 6..]);
    arena.extend_from_slice(&[0, 0, 14, 16, 0, 0, 28, 32]);
    Some(())
}

/// The contents of the first option of a code below 256.
fn option(mut options: &[u8], code: u8) -> Option<&[u8]> {
    loop {
        let (&[high, low, a, b], rest) = options.split_first_chunk()?;
        let (contents, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([a, b])))?;
        if (high, low) == (0, code) {
            return Some(contents);
        }
        options = rest;
    }
}
