//! What hosts are known by.

use std::ops::RangeInclusive;

use arrayvec::ArrayVec;

/// Kinds of identifiers, numbered as in host databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum IdentifierKind {
    /// The hardware address, without its type.
    HwAddress = 0,
    /// The DUID; of a DHCPv4 client the one in its client identifier (RFC 4361).
    Duid = 1,
    /// What the relay says of the circuit (option 82.1).
    CircuitId = 2,
    /// The client identifier (option 61), whole.
    ClientId = 3,
    /// Computed by a hook library; no client has one without it.
    FlexId = 4,
}

impl IdentifierKind {
    /// All of them, by number.
    pub const ALL: [Self; 5] =
        [Self::HwAddress, Self::Duid, Self::CircuitId, Self::ClientId, Self::FlexId];

    /// The keyword in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HwAddress => "hw-address",
            Self::Duid => "duid",
            Self::CircuitId => "circuit-id",
            Self::ClientId => "client-id",
            Self::FlexId => "flex-id",
        }
    }

    /// The kind with this keyword.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How many bytes an identifier can have.
    #[must_use]
    pub const fn len_range(self) -> RangeInclusive<usize> {
        match self {
            Self::HwAddress => 1..=20,
            Self::Duid => 1..=130,
            Self::CircuitId | Self::FlexId => 1..=255,
            Self::ClientId => 2..=255,
        }
    }
}

impl std::fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSet(u8);

impl KindSet {
    /// All kinds.
    pub const ALL: Self = Self(0x1f);

    /// Adds a kind.
    pub const fn insert(&mut self, kind: IdentifierKind) {
        self.0 |= 1 << kind as u8;
    }

    /// Whether the kind is in the set.
    #[must_use]
    pub const fn contains(self, kind: IdentifierKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One identifier of a host or a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier<'a> {
    /// What it is.
    pub kind: IdentifierKind,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// The identifiers of one client in the order in which its host is looked for.
pub type IdentifierList<'a> = ArrayVec<Identifier<'a>, { IdentifierKind::ALL.len() }>;

/// `host-reservation-identifiers`: kinds in the order in which they are tried, `auto` resolved.
pub type IdentifierOrder = ArrayVec<IdentifierKind, { IdentifierKind::ALL.len() }>;
