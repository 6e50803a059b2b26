//! Making the open sockets agree with the plan and the interfaces.

use std::net::IpAddr;

use super::sockets::Receiver;
use super::{Event, Transport, open};
use crate::interfaces::InterfaceTable;
use crate::plan::{Endpoint, Socket, desired, scope_of};

impl Transport {
    /// Opens what is missing and closes what is not wanted any more; the failure of one socket
    /// concerns no other.
    ///
    /// UDP sockets of addresses come first: an address whose port another server owns is not served
    /// by a packet or multicast socket either. Packet sockets are replaced by opening before closing,
    /// so that a change of addresses loses nothing; multicast sockets stay open when addresses change,
    /// and the end of one would take its successor's membership along.
    pub fn reconcile(&mut self, table: &InterfaceTable) -> Vec<Event> {
        let mut events = Vec::new();
        let mut wanted = desired(table, &self.plan);
        if self.group.index > 0 {
            wanted.retain(|endpoint| !matches!(endpoint.socket, Socket::Broadcast { .. }));
        }
        let (mut dependents, others): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|endpoint| endpoint.socket.is_dependent());
        let told = std::mem::take(&mut self.failed);

        self.close_stale(&others, |socket| !socket.is_dependent(), &mut events);
        self.open_missing(&others, &told, &mut events);
        self.keep_owned_addresses(&mut dependents);
        self.close_stale(&dependents, Socket::is_multicast, &mut events);
        self.open_missing(&dependents, &told, &mut events);
        self.close_stale(&dependents, Socket::is_packet, &mut events);

        self.sockets.index();
        events
    }

    /// Closes those of `kind` that are not among the wanted ones, or whose interface was taken from
    /// under them.
    fn close_stale(
        &mut self,
        wanted: &[Endpoint],
        kind: impl Fn(&Socket) -> bool,
        events: &mut Vec<Event>,
    ) {
        let mut stale = Vec::new();
        for (slot, endpoint, receiver) in self.sockets.occupied() {
            if !kind(&endpoint.socket) {
                continue;
            }
            match wanted.iter().find(|wanted| wanted.is_same_socket(endpoint)) {
                Some(wanted) if receiver.is_attached(endpoint.interface) => {
                    endpoint.clone_from(wanted);
                    receiver.adopt(&wanted.socket);
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
                have.is_same_socket(endpoint) && receiver.is_attached(have.interface)
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

    /// Takes addresses without a UDP socket from the dependent endpoints, and endpoints without
    /// addresses from the list.
    fn keep_owned_addresses(&mut self, dependents: &mut Vec<Endpoint>) {
        let owned: Vec<(IpAddr, u32)> = self
            .sockets
            .occupied()
            .filter_map(|(_, endpoint, _)| match endpoint.socket {
                Socket::Address { address, .. } => {
                    Some((address, scope_of(address, endpoint.interface)))
                }
                _ => None,
            })
            .collect();
        dependents.retain_mut(|endpoint| {
            let interface = endpoint.interface;
            let is_owned = |address| owned.contains(&(address, scope_of(address, interface)));
            match &mut endpoint.socket {
                Socket::Packet { addresses, .. } => {
                    addresses.retain(|own| is_owned(IpAddr::V4(own.address)));
                    !addresses.is_empty()
                }
                Socket::Multicast { local, local_far, .. } => {
                    if !is_owned(IpAddr::V6(*local_far)) {
                        *local_far = *local;
                    }
                    is_owned(IpAddr::V6(*local))
                }
                Socket::Address { .. } | Socket::Broadcast { .. } => true,
            }
        });
    }
}
