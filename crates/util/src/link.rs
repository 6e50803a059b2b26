//! Datagrams and where they come from or go to.
//!
//! `netio` fills [`Inbound`] and sends what an [`Outbox`] holds; the servers do the opposite. Neither side knows
//! the other. All buffers are reused: in steady state nothing here allocates.

use std::net::{IpAddr, SocketAddr};

/// Number of an interface as the kernel counts them; never 0 for a real interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceIndex(pub u32);

/// A link-layer (Ethernet) address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkAddress(pub [u8; 6]);

/// One received UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'a> {
    /// The UDP payload.
    pub payload: &'a [u8],
    /// The interface that the datagram came in on.
    pub interface: InterfaceIndex,
    /// Sender's address and port.
    pub source: SocketAddr,
    /// Destination address of the IP header: one of ours, a broadcast or a multicast address.
    pub destination: IpAddr,
    /// Our own address on the socket or interface that received it: the server identifier and the source of
    /// the answer when the destination is not a unicast address.
    pub local: IpAddr,
    /// Link-layer source, known when the datagram came through a packet socket.
    pub link_source: Option<LinkAddress>,
}

/// How a reply finds its way on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The kernel routes and resolves it like any datagram. When there is no route, and `fallback` is known,
    /// it is sent as a frame to that link address (the one the query came from).
    Routed {
        /// Link-layer source of the query.
        fallback: Option<LinkAddress>,
    },
    /// As a frame to this link address: the client does not own the IP destination yet.
    Link(LinkAddress),
    /// As a broadcast on the interface.
    Broadcast,
}

/// One datagram to send; its payload lies in the [`Outbox`] that holds it.
#[derive(Clone, Copy, Debug)]
pub struct Outbound {
    /// Start of the payload in the arena.
    pub start: u32,
    /// Length of the payload in bytes.
    pub len: u32,
    /// Interface to send on (for [`Delivery::Routed`] it is a hint only).
    pub interface: InterfaceIndex,
    /// Source address; the source port is the server's.
    pub source: IpAddr,
    /// Destination address and port.
    pub destination: SocketAddr,
    /// Link-layer treatment.
    pub delivery: Delivery,
    /// Value that the sender hands back for its statistics (the message type, for instance).
    pub tag: u32,
    /// Journal position that must be durable before this leaves; 0 when nothing is waited for.
    pub hold: u64,
    /// Whether it must not leave in one run with others: whoever receives it may read frames instead of datagrams.
    pub alone: bool,
}

/// Replies of one worker, payloads in one arena, in the order of their making.
///
/// Entries with `hold` > 0 wait for the journal; as one worker's positions only grow, they become ready in order.
#[derive(Debug, Default)]
pub struct Outbox {
    arena: Vec<u8>,
    entries: Vec<Outbound>,
}

impl Outbox {
    /// Reserves room for `datagrams` of `size` bytes each.
    #[must_use]
    pub fn with_capacity(datagrams: usize, size: usize) -> Self {
        Self { arena: Vec::with_capacity(datagrams * size), entries: Vec::with_capacity(datagrams) }
    }

    /// Gives the arena to a writer that appends one payload and returns its description; `write` returns `None`
    /// to take the payload back.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Option<Outbound>) {
        let start = self.arena.len();
        match write(&mut self.arena) {
            Some(mut entry) if self.arena.len() > start => {
                entry.start = start as u32;
                entry.len = (self.arena.len() - start) as u32;
                self.entries.push(entry);
            }
            _ => self.arena.truncate(start),
        }
    }

    /// Appends a copy of `payload`.
    pub fn push(&mut self, payload: &[u8], entry: Outbound) {
        self.push_with(|arena| {
            arena.extend_from_slice(payload);
            Some(entry)
        });
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Outbound] {
        &self.entries
    }

    /// Payload of an entry of this outbox; empty when the entry is of another one.
    #[must_use]
    pub fn payload(&self, entry: &Outbound) -> &[u8] {
        let start = entry.start as usize;
        self.arena.get(start..start + entry.len as usize).unwrap_or_default()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of payload held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
    }

    /// Number of leading entries whose `hold` is at most `committed`.
    #[must_use]
    pub fn ready(&self, committed: u64) -> usize {
        self.entries.iter().take_while(|entry| entry.hold <= committed).count()
    }

    /// Drops the first `count` entries and moves the rest to the front.
    pub fn discard_front(&mut self, count: usize) {
        if count >= self.entries.len() {
            self.clear();
            return;
        }
        let cut = self.entries[count].start;
        self.entries.drain(..count);
        self.arena.drain(..cut as usize);
        for entry in &mut self.entries {
            entry.start -= cut;
        }
    }
}

/// Replies of one worker.
#[derive(Debug, Default)]
pub struct Replies {
    /// They can leave at once.
    pub ready: Outbox,
    /// They wait for the journal, oldest first.
    pub held: Outbox,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn entry(hold: u64) -> Outbound {
        Outbound {
            start: 0,
            len: 0,
            interface: InterfaceIndex(1),
            source: Ipv4Addr::UNSPECIFIED.into(),
            destination: SocketAddr::from(([192, 0, 2, 1], 67)),
            delivery: Delivery::Broadcast,
            tag: 0,
            hold,
            alone: false,
        }
    }

    #[test]
    fn payloads_stay_with_their_entries_when_the_front_is_discarded() {
        let mut outbox = Outbox::with_capacity(4, 16);
        outbox.push(b"one", entry(1));
        outbox.push(b"three", entry(2));
        outbox.push(b"x", entry(9));
        assert_eq!(outbox.ready(2), 2);
        outbox.discard_front(1);
        let payloads: Vec<_> = outbox.entries().iter().map(|e| outbox.payload(e)).collect();
        assert_eq!(payloads, [b"three".as_slice(), b"x"]);
        outbox.discard_front(5);
        assert!(outbox.is_empty() && outbox.bytes() == 0);
    }

    #[test]
    fn a_writer_that_gives_up_leaves_nothing_behind() {
        let mut outbox = Outbox::default();
        outbox.push_with(|arena| {
            arena.extend_from_slice(b"half");
            None
        });
        assert!(outbox.is_empty() && outbox.bytes() == 0);
    }
}
