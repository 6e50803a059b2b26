//! Why a query is not answered, in words for the operator, as a log message and as a counter.

use kea_log::Message;
use libdhcpsrv::lease::CommitError;
use stats::Packet6;

use crate::messages;

/// Why a query is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The DUID of the client or the server is shorter or longer than RFC 8415 allows.
    BadDuid,
    /// Another packet of the client is in progress.
    Busy,
    /// It is in class `DROP`.
    DropClass,
    /// It is in class `DROP` by its global reservation, before a subnet is selected.
    DropClassEarly,
    /// It is in class `DROP` now that its reservation is known.
    DropClassKnown,
    /// The server identifier names another server.
    ForeignServer,
    /// A defect of this server: processing panicked.
    Internal,
    /// An identity association is broken.
    Malformed,
    /// No client identifier where one is needed.
    NoClientId,
    /// No server identifier where one is needed.
    NoServerId,
    /// REBIND with prefixes of a client for which no subnet is configured: another server may know it.
    NoSubnet,
    /// A lease could not be stored.
    NotStored(CommitError),
    /// CONFIRM without any address.
    NothingToConfirm,
    /// Too many exchanges wait.
    QueueFull,
    /// More than one client identifier.
    SeveralClientIds,
    /// More than one server identifier.
    SeveralServerIds,
    /// The lease database has not answered.
    Unanswered,
    /// A server identifier where RFC 8415 forbids it.
    UnexpectedServerId,
    /// Sent to a unicast address though the type is for everybody.
    Unicast,
    /// A type that is not in use.
    UnknownMessageType,
    /// A type that clients do not send to servers.
    UnsupportedMessageType,
}

impl DropReason {
    /// Kea's own message for the case.
    #[must_use]
    pub fn message(&self) -> &'static Message {
        match self {
            Self::Malformed => &messages::DHCP6_PACKET_DROP_PARSE_FAIL,
            Self::DropClass => &messages::DHCP6_PACKET_DROP_DROP_CLASS,
            Self::DropClassEarly => &messages::DHCP6_PACKET_DROP_DROP_CLASS_EARLY,
            Self::DropClassKnown => &messages::DHCP6_PACKET_DROP_DROP_CLASS2,
            Self::ForeignServer => &messages::DHCP6_PACKET_DROP_SERVERID_MISMATCH,
            Self::Unicast => &messages::DHCP6_PACKET_DROP_UNICAST,
            Self::BadDuid
            | Self::NoClientId
            | Self::NoServerId
            | Self::SeveralClientIds
            | Self::SeveralServerIds
            | Self::UnexpectedServerId => &messages::DHCP6_REQUIRED_OPTIONS_CHECK_FAIL,
            Self::UnknownMessageType | Self::UnsupportedMessageType => {
                &messages::DHCP6_UNKNOWN_MSG_RECEIVED
            }
            Self::Busy => &messages::DHCP6_PACKET_DROP_DUPLICATE,
            Self::Internal
            | Self::NoSubnet
            | Self::NotStored(_)
            | Self::NothingToConfirm
            | Self::QueueFull
            | Self::Unanswered => &messages::DHCP6_PACKET_PROCESS_FAIL,
        }
    }

    /// The detailed counter beside `pkt6-receive-drop`.
    #[must_use]
    pub fn counter(&self) -> Packet6 {
        match self {
            Self::DropClass | Self::DropClassEarly | Self::DropClassKnown => Packet6::AdminFiltered,
            Self::ForeignServer | Self::NoSubnet => Packet6::NotForUs,
            Self::Busy => Packet6::Duplicate,
            Self::QueueFull => Packet6::QueueFull,
            Self::NotStored(_) | Self::Unanswered | Self::Internal => Packet6::ProcessingFailed,
            _ => Packet6::RfcViolation,
        }
    }
}

impl std::fmt::Display for DropReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BadDuid => "a DUID must have 3 to 130 bytes",
            Self::Busy => "another packet of the client is in progress",
            Self::DropClass | Self::DropClassEarly | Self::DropClassKnown => {
                "the client is in class DROP"
            }
            Self::ForeignServer => "the server identifier (option 2) names another server",
            Self::Internal => "processing failed; this is a defect of the server",
            Self::Malformed => "an identity association is malformed",
            Self::NoClientId => "the message has no client identifier (option 1)",
            Self::NoServerId => "the message has no server identifier (option 2)",
            Self::NoSubnet => "no subnet is configured for the client's link",
            Self::NotStored(CommitError::Conflict) => "other clients took every address tried",
            Self::NotStored(_) => "the lease could not be stored",
            Self::NothingToConfirm => "the message names no address to confirm",
            Self::QueueFull => "too many packets wait for an answer of the lease store",
            Self::Unanswered => "the lease database has not answered",
            Self::SeveralClientIds => "the message has more than one client identifier (option 1)",
            Self::SeveralServerIds => "the message has more than one server identifier (option 2)",
            Self::UnexpectedServerId => "the message must not have a server identifier (option 2)",
            Self::Unicast => "the message must be sent to a multicast address",
            Self::UnknownMessageType => "the message type is not known",
            Self::UnsupportedMessageType => "the message type is not for servers",
        })
    }
}
