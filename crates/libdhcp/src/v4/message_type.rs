//! Values of option 53.

use std::fmt;

/// Type of a DHCPv4 message; the numbers are those on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MessageType {
    /// Client looks for servers.
    Discover = 1,
    /// Server offers an address.
    Offer = 2,
    /// Client asks for an address or extends its lease.
    Request = 3,
    /// Client found the address in use.
    Decline = 4,
    /// Server grants.
    Ack = 5,
    /// Server refuses.
    Nak = 6,
    /// Client gives its address back.
    Release = 7,
    /// Client with an address asks for parameters.
    Inform = 8,
    /// Server asks a client to renew (RFC 3203).
    ForceRenew = 9,
    /// Query about a lease (RFC 4388).
    LeaseQuery = 10,
    /// Address is not leased (RFC 4388).
    LeaseUnassigned = 11,
    /// Address is unknown to the server (RFC 4388).
    LeaseUnknown = 12,
    /// Address is leased (RFC 4388).
    LeaseActive = 13,
    /// Query about many leases (RFC 6926).
    BulkLeaseQuery = 14,
    /// End of bulk answers (RFC 6926).
    LeaseQueryDone = 15,
    /// Request for live updates (RFC 7724).
    ActiveLeaseQuery = 16,
    /// State of a live query (RFC 7724).
    LeaseQueryStatus = 17,
    /// Switch to TLS (RFC 7724).
    Tls = 18,
}

impl MessageType {
    /// All types in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Discover,
        Self::Offer,
        Self::Request,
        Self::Decline,
        Self::Ack,
        Self::Nak,
        Self::Release,
        Self::Inform,
        Self::ForceRenew,
        Self::LeaseQuery,
        Self::LeaseUnassigned,
        Self::LeaseUnknown,
        Self::LeaseActive,
        Self::BulkLeaseQuery,
        Self::LeaseQueryDone,
        Self::ActiveLeaseQuery,
        Self::LeaseQueryStatus,
        Self::Tls,
    ];

    /// The type with this number, if it has one.
    #[must_use]
    #[inline]
    pub fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value).wrapping_sub(1)).copied()
    }

    /// Name as it appears in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discover => "DHCPDISCOVER",
            Self::Offer => "DHCPOFFER",
            Self::Request => "DHCPREQUEST",
            Self::Decline => "DHCPDECLINE",
            Self::Ack => "DHCPACK",
            Self::Nak => "DHCPNAK",
            Self::Release => "DHCPRELEASE",
            Self::Inform => "DHCPINFORM",
            Self::ForceRenew => "DHCPFORCERENEW",
            Self::LeaseQuery => "DHCPLEASEQUERY",
            Self::LeaseUnassigned => "DHCPLEASEUNASSIGNED",
            Self::LeaseUnknown => "DHCPLEASEUNKNOWN",
            Self::LeaseActive => "DHCPLEASEACTIVE",
            Self::BulkLeaseQuery => "DHCPBULKLEASEQUERY",
            Self::LeaseQueryDone => "DHCPLEASEQUERYDONE",
            Self::ActiveLeaseQuery => "DHCPACTIVELEASEQUERY",
            Self::LeaseQueryStatus => "DHCPLEASEQUERYSTATUS",
            Self::Tls => "DHCPTLS",
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::MessageType;

    #[test]
    fn numbers_round_trip_and_others_are_unknown() {
        for number in 0..=255 {
            match MessageType::from_u8(number) {
                Some(known) => assert_eq!(known as u8, number),
                None => assert!(number == 0 || number > 18),
            }
        }
    }
}
