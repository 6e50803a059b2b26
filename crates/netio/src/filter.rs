//! Classic BPF programs, run by the kernel: which frames reach us, and which worker a client
//! belongs to.
//!
//! Pure data; nothing here talks to the kernel. Loads beyond the end of a frame end a program with
//! 0, which is "drop" for a filter and "worker 0" for a selector.

use std::net::Ipv4Addr;

use libc::sock_filter;
use libc::{BPF_A, BPF_ABS, BPF_ALU, BPF_B, BPF_H, BPF_IND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP};
use libc::{BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_LEN, BPF_MISC, BPF_MOD, BPF_MSH, BPF_MUL};
use libc::{BPF_RET, BPF_RSH, BPF_SUB, BPF_TAX, BPF_W, BPF_X};
use libc::{SKF_AD_IFINDEX, SKF_AD_OFF, SKF_AD_PKTTYPE, SKF_AD_VLAN_TAG_PRESENT, SKF_NET_OFF};

use crate::plan::Family;

/// A program of the kernel's packet filter machine.
pub(crate) type Program = Vec<sock_filter>;

/// Most addresses that one filter compares with; further ones of an interface are not served.
pub(crate) const ADDRESSES_MAX: usize = 1000;

const DROP: u32 = 0;
const ACCEPT: u32 = 0x4_0000;
const PACKET_OTHERHOST: u32 = libc::PACKET_OTHERHOST as u32;

/// Offset of the last four bytes of an Ethernet client's address (`chaddr`) in a DHCPv4 message.
const CHADDR_TAIL: u32 = 28 + 2;

/// A filter that drops everything.
pub(crate) fn nothing() -> Program {
    vec![ret(DROP)]
}

/// Frames of `interface` with an untagged UDP datagram to `port` of one of `destinations`.
///
/// The interface is compared because a packet socket on the parent of a VLAN interface is also
/// shown the VLAN's frames, with the tag already taken off. First fragments pass, to be counted;
/// later ones do not.
pub(crate) fn udp_frames(interface: u32, port: u16, destinations: &[Ipv4Addr]) -> Program {
    let mut program = vec![
        load_metadata(SKF_AD_VLAN_TAG_PRESENT),
        unless(BPF_JEQ, 0),
        ret(DROP),
        load_metadata(SKF_AD_IFINDEX),
        unless(BPF_JEQ, interface),
        ret(DROP),
        load_metadata(SKF_AD_PKTTYPE),
        when(BPF_JGE, PACKET_OTHERHOST),
        ret(DROP),
        load(BPF_H, 12),
        unless(BPF_JEQ, libc::ETH_P_IP as u32),
        ret(DROP),
        load(BPF_B, 23),
        unless(BPF_JEQ, libc::IPPROTO_UDP as u32),
        ret(DROP),
        load(BPF_H, 20),
        when(BPF_JSET, 0x1fff),
        ret(DROP),
        instruction(BPF_LDX | BPF_B | BPF_MSH, 14),
        instruction(BPF_LD | BPF_H | BPF_IND, 14 + 2),
        unless(BPF_JEQ, u32::from(port)),
        ret(DROP),
        load(BPF_W, 30),
    ];
    for address in destinations.iter().take(ADDRESSES_MAX) {
        program.push(when(BPF_JEQ, u32::from(*address)));
        program.push(ret(ACCEPT));
    }
    program.push(ret(DROP));
    program
}

/// Picks one of `workers` for the payload of a UDP datagram; for a reuseport group.
pub(crate) fn select_by_payload(family: Family, workers: u16) -> Program {
    let mut program = match family {
        Family::V4 => vec![load(BPF_W, CHADDR_TAIL)],
        Family::V6 => load_client6(0),
    };
    program.extend(spread(workers));
    program.push(instruction(BPF_RET | BPF_A, 0));
    program
}

/// Picks one of `workers` for an IPv4 packet (the kernel runs it from the network header on); for a
/// fanout group.
pub(crate) fn select_by_packet(workers: u16) -> Program {
    let mut program = vec![
        instruction(BPF_LDX | BPF_B | BPF_MSH, 0),
        instruction(BPF_LD | BPF_W | BPF_IND, 8 + CHADDR_TAIL),
    ];
    program.extend(spread(workers));
    program.push(instruction(BPF_RET | BPF_A, 0));
    program
}

/// DHCPv6 messages (as the kernel shows them to a UDP socket's filter, from the UDP header on) that
/// [`select_by_payload`] would give to `worker`; for sockets of which each is given every datagram.
pub(crate) fn share_of(worker: u16, workers: u16) -> Program {
    let mut program = load_client6(8);
    program.extend(spread(workers));
    program.extend([unless(BPF_JEQ, u32::from(worker)), ret(DROP), ret(ACCEPT)]);
    program
}

/// Loads a word that tells DHCPv6 clients apart, from a message that begins at `start`.
///
/// Relayed (RFC 8415 section 9): the end of the outermost peer address, which is the client's when
/// there is one relay. Direct: the end of the DUID when it is the first option, or else of the
/// source address, which also stands for messages too short to look into. No load is beyond the end
/// of the message, as that would be the end of the program.
fn load_client6(start: u32) -> Program {
    const RELAY_HEADER: u32 = 34;
    const RELAY_FORWARD: u32 = 12;
    const CLIENT_ID: u32 = 1;
    const DUID: u32 = 4 + 4;
    let peer_tail = start + RELAY_HEADER - 4;
    let length = instruction(BPF_LD | BPF_W | BPF_LEN, 0);
    // The numbers of instructions that the jumps pass over lead to the two ends.
    vec![
        length,
        sock_filter { jf: 12, ..instruction(BPF_JMP | BPF_JGE | BPF_K, start + RELAY_HEADER) },
        load(BPF_B, start),
        sock_filter { jt: 12, ..instruction(BPF_JMP | BPF_JEQ | BPF_K, RELAY_FORWARD) },
        load(BPF_H, start + 4),
        sock_filter { jf: 8, ..instruction(BPF_JMP | BPF_JEQ | BPF_K, CLIENT_ID) },
        load(BPF_H, start + 6),
        sock_filter { jf: 6, ..instruction(BPF_JMP | BPF_JGE | BPF_K, 4) },
        instruction(BPF_MISC | BPF_TAX, 0),
        length,
        instruction(BPF_ALU | BPF_SUB | BPF_K, start + DUID),
        sock_filter { jf: 2, ..instruction(BPF_JMP | BPF_JGE | BPF_X, 0) },
        instruction(BPF_LD | BPF_W | BPF_IND, start + DUID - 4),
        skip(3),
        // The source address of the IPv6 header ends there.
        load(BPF_W, (SKF_NET_OFF + 8 + 12) as u32),
        skip(1),
        load(BPF_W, peer_tail),
    ]
}

/// Mixes the loaded word, so that addresses in steps of any width use all workers.
fn spread(workers: u16) -> [sock_filter; 3] {
    [
        instruction(BPF_ALU | BPF_MUL | BPF_K, 0x9e37_79b1),
        instruction(BPF_ALU | BPF_RSH | BPF_K, 16),
        instruction(BPF_ALU | BPF_MOD | BPF_K, u32::from(workers.max(1))),
    ]
}

fn instruction(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn load(size: u32, offset: u32) -> sock_filter {
    instruction(BPF_LD | size | BPF_ABS, offset)
}

fn load_metadata(field: i32) -> sock_filter {
    load(BPF_W, (SKF_AD_OFF + field) as u32)
}

/// Passes over `count` instructions.
fn skip(count: u32) -> sock_filter {
    instruction(BPF_JMP | BPF_JA, count)
}

fn ret(value: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, value)
}

/// Runs the next instruction only if the comparison holds.
fn when(comparison: u32, k: u32) -> sock_filter {
    sock_filter { jf: 1, ..instruction(BPF_JMP | comparison | BPF_K, k) }
}

/// Runs the next instruction only if the comparison does not hold.
fn unless(comparison: u32, k: u32) -> sock_filter {
    sock_filter { jt: 1, ..instruction(BPF_JMP | comparison | BPF_K, k) }
}
