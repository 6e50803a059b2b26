//! First byte of a DHCPv6 message.

use std::fmt;

/// Type of a DHCPv6 message; the numbers are those on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MessageType {
    /// Client looks for servers.
    Solicit = 1,
    /// Server offers.
    Advertise = 2,
    /// Client asks for addresses and prefixes.
    Request = 3,
    /// Client asks whether its addresses fit its link.
    Confirm = 4,
    /// Client extends what the server of its leases gave.
    Renew = 5,
    /// Client extends, whichever server answers.
    Rebind = 6,
    /// Server answers.
    Reply = 7,
    /// Client gives back.
    Release = 8,
    /// Client found addresses in use.
    Decline = 9,
    /// Server asks a client to renew.
    Reconfigure = 10,
    /// Client asks for options alone.
    InformationRequest = 11,
    /// Relay passes on a message towards the servers.
    RelayForw = 12,
    /// Server's answer by way of a relay.
    RelayRepl = 13,
    /// Query about a lease (RFC 5007).
    LeaseQuery = 14,
    /// Answer to it (RFC 5007).
    LeaseQueryReply = 15,
    /// End of bulk answers (RFC 5460).
    LeaseQueryDone = 16,
    /// One of many answers (RFC 5460).
    LeaseQueryData = 17,
    /// DHCPv4 message of a client (RFC 7341).
    DhcpV4Query = 20,
    /// DHCPv4 message for a client (RFC 7341).
    DhcpV4Response = 21,
    /// Client tells an address it made itself (RFC 9686).
    AddrRegInform = 36,
    /// Server has noted it (RFC 9686).
    AddrRegReply = 37,
}

impl MessageType {
    /// All types in the order of their numbers.
    pub const ALL: [Self; 21] = [
        Self::Solicit,
        Self::Advertise,
        Self::Request,
        Self::Confirm,
        Self::Renew,
        Self::Rebind,
        Self::Reply,
        Self::Release,
        Self::Decline,
        Self::Reconfigure,
        Self::InformationRequest,
        Self::RelayForw,
        Self::RelayRepl,
        Self::LeaseQuery,
        Self::LeaseQueryReply,
        Self::LeaseQueryDone,
        Self::LeaseQueryData,
        Self::DhcpV4Query,
        Self::DhcpV4Response,
        Self::AddrRegInform,
        Self::AddrRegReply,
    ];

    /// The type with this number, if it has one.
    #[must_use]
    #[inline]
    pub fn from_u8(value: u8) -> Option<Self> {
        let index = match value {
            1..=17 => value - 1,
            20 | 21 => value - 3,
            36 | 37 => value - 17,
            _ => return None,
        };
        Self::ALL.get(usize::from(index)).copied()
    }

    /// Name as it appears in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solicit => "SOLICIT",
            Self::Advertise => "ADVERTISE",
            Self::Request => "REQUEST",
            Self::Confirm => "CONFIRM",
            Self::Renew => "RENEW",
            Self::Rebind => "REBIND",
            Self::Reply => "REPLY",
            Self::Release => "RELEASE",
            Self::Decline => "DECLINE",
            Self::Reconfigure => "RECONFIGURE",
            Self::InformationRequest => "INFORMATION_REQUEST",
            Self::RelayForw => "RELAY_FORWARD",
            Self::RelayRepl => "RELAY_REPLY",
            Self::LeaseQuery => "LEASEQUERY",
            Self::LeaseQueryReply => "LEASEQUERY_REPLY",
            Self::LeaseQueryDone => "LEASEQUERY_DONE",
            Self::LeaseQueryData => "LEASEQUERY_DATA",
            Self::DhcpV4Query => "DHCPV4_QUERY",
            Self::DhcpV4Response => "DHCPV4_RESPONSE",
            Self::AddrRegInform => "ADDR_REG_INFORM",
            Self::AddrRegReply => "ADDR_REG_REPLY",
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
        let known = (0..=255).filter_map(|number| {
            let found = MessageType::from_u8(number)?;
            assert_eq!(found as u8, number);
            Some(found)
        });
        assert_eq!(known.collect::<Vec<_>>(), MessageType::ALL);
    }
}
