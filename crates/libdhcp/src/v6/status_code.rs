//! Values of the status code option (13).

use std::fmt;

/// Outcome of what a client asked for; the numbers are those on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum StatusCode {
    /// Done.
    Success = 0,
    /// Failed for a reason that has no number.
    UnspecFail = 1,
    /// No address for the IA.
    NoAddrsAvail = 2,
    /// The server has no such binding.
    NoBinding = 3,
    /// The addresses do not fit the client's link.
    NotOnLink = 4,
    /// The client must use the multicast address.
    UseMulticast = 5,
    /// No prefix for the IA.
    NoPrefixAvail = 6,
    /// The type of the lease query is unknown (RFC 5007).
    UnknownQueryType = 7,
    /// The lease query is malformed (RFC 5007).
    MalformedQuery = 8,
    /// The server does not serve the link (RFC 5007).
    NotConfigured = 9,
    /// The requestor may not ask (RFC 5007).
    NotAllowed = 10,
}

impl StatusCode {
    /// All codes in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Success,
        Self::UnspecFail,
        Self::NoAddrsAvail,
        Self::NoBinding,
        Self::NotOnLink,
        Self::UseMulticast,
        Self::NoPrefixAvail,
        Self::UnknownQueryType,
        Self::MalformedQuery,
        Self::NotConfigured,
        Self::NotAllowed,
    ];

    /// The code with this number, if it has one.
    #[must_use]
    pub fn from_u16(value: u16) -> Option<Self> {
        Self::ALL.get(usize::from(value)).copied()
    }

    /// Name as RFC 8415 writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::UnspecFail => "UnspecFail",
            Self::NoAddrsAvail => "NoAddrsAvail",
            Self::NoBinding => "NoBinding",
            Self::NotOnLink => "NotOnLink",
            Self::UseMulticast => "UseMulticast",
            Self::NoPrefixAvail => "NoPrefixAvail",
            Self::UnknownQueryType => "UnknownQueryType",
            Self::MalformedQuery => "MalformedQuery",
            Self::NotConfigured => "NotConfigured",
            Self::NotAllowed => "NotAllowed",
        }
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::StatusCode;

    #[test]
    fn numbers_round_trip_and_others_are_unknown() {
        for number in 0..=300 {
            match StatusCode::from_u16(number) {
                Some(known) => assert_eq!(known as u16, number),
                None => assert!(number > 10),
            }
        }
    }
}
