//! Making the open sockets agree with the plan and the interfaces.

use std::net::Ipv4Addr;

use super::sockets::Receiver;
use super::{Event, Transport, open};
use crate::interfaces::InterfaceTable;
use crate::plan::{Endpoint, Socket, desired};
use crate::sys::socket;
use std::os::fd::AsFd;

impl Transport {
    /// Opens what is missing and closes what is not wanted any more; the failure of one socket
    /// concerns no other.
    ///
    /// UDP sockets come first: an address whose port another server owns is not served by a packet
    /// socket either. Packet sockets are replaced by opening before closing, so that a change of
    /// addresses loses nothing.
    pub fn reconcile(&mut self, table: &InterfaceTable) -> Vec<Event> {
        let mut events = Vec::new();
        let mut wanted = desired(table, &self.plan);
        if self.group.index > 0 {
            wanted.retain(|endpoint| !matches!(endpoint.socket, Socket::Broadcast { .. }));
        }
        let is_packet = |endpoint: &Endpoint| matches!(endpoint.socket, Socket::Packet { .. });
        let (mut packets, others): (Vec<_>, Vec<_>) = wanted.into_iter().partition(is_packet);
        let told = std::mem::take(&mut self.failed);

        self.close_stale(&others, false, &mut events);
        self.open_missing(&others, &told, &mut events);
        self.keep_owned_addresses(&mut packets);
        self.open_missing(&packets, &told, &mut events);
        self.close_stale(&packets, true, &mut events);

        self.sockets.index();
        events
    }

    /// Closes sockets that are not among the wanted ones, or whose interface was taken from under
    /// them.
    fn close_stale(&mut self, wanted: &[Endpoint], packets: bool, events: &mut Vec<Event>) {
        let mut stale = Vec::new();
        for (slot, endpoint, receiver) in self.sockets.occupied() {
            if matches!(receiver, Receiver::Packet(_)) != packets {
                continue;
            }
            match wanted.iter().find(|wanted| wanted.is_same_socket(endpoint)) {
                Some(wanted) if is_attached(endpoint, receiver) => {
                    endpoint.name.clone_from(&wanted.name);
                }
                _ => stale.push(slot),
            }
        }
        for slot in stale {
            if let Some((token, endpoint)) = self.sockets.close(slot) {
                events.push(Event::Closed { token, endpoint });
            }
        }
    }

    /// Opens wanted sockets that are not open.
    fn open_missing(
        &mut self,
        wanted: &[Endpoint],
        told: &[(Endpoint, Option<i32>)],
        events: &mut Vec<Event>,
    ) {
        for endpoint in wanted {
            let mut open = self.sockets.occupied();
            if open.any(|(_, have, receiver)| {
                have.is_same_socket(endpoint) && is_attached(have, receiver)
            }) {
                continue;
            }
            drop(open);
            match self.open(endpoint) {
                Ok(receiver) => {
                    let (token, watch) = self.sockets.insert(endpoint.clone(), receiver);
                    events.push(Event::Opened { token, watch, endpoint: endpoint.clone() });
                }
                Err(reason) => {
                    let failure = (endpoint.clone(), reason.raw_os_error());
                    if !told.contains(&failure) {
                        events.push(Event::Failed { endpoint: endpoint.clone(), reason });
                    }
                    self.failed.push(failure);
                }
            }
        }
    }

    fn open(&mut self, endpoint: &Endpoint) -> std::io::Result<Receiver> {
        if self.sockets.frames.is_none() && matches!(endpoint.socket, Socket::Packet { .. }) {
            self.sockets.frames = Some(open::frames()?);
        }
        open::endpoint(endpoint, self.plan.port(), self.group, self.sockets.rings())
    }

    /// Takes addresses without a UDP socket from the packet endpoints, and endpoints without
    /// addresses from the list.
    fn keep_owned_addresses(&mut self, packets: &mut Vec<Endpoint>) {
        let owned: Vec<Ipv4Addr> = self
            .sockets
            .occupied()
            .filter_map(|(_, endpoint, _)| match endpoint.socket {
                Socket::Address { address, .. } => Some(address),
                _ => None,
            })
            .collect();
        packets.retain_mut(|endpoint| match &mut endpoint.socket {
            Socket::Packet { addresses, .. } => {
                addresses.retain(|own| owned.contains(&own.address));
                !addresses.is_empty()
            }
            _ => true,
        });
    }
}

/// Whether the interface that a packet socket was bound to still exists: one that was deleted and
/// made again under the same number does not come back to it.
fn is_attached(endpoint: &Endpoint, receiver: &Receiver) -> bool {
    match receiver {
        Receiver::Packet(packet) => socket::packet_interface(packet.fd.as_fd())
            .is_ok_and(|index| index as u32 == endpoint.interface.0),
        Receiver::Udp(_) => true,
    }
}
