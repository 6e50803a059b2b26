//! The clients whose queries are explained in the log: `explain-clients`.

/// Hardware addresses, client identifiers and DUIDs of the clients whose queries are explained in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExplainedClients(Box<[Box<[u8]>]>);

impl ExplainedClients {
    /// Takes identifiers of any kind.
    #[must_use]
    pub fn new(identifiers: impl Into<Box<[Box<[u8]>]>>) -> Self {
        Self(identifiers.into())
    }

    /// Whether there is none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is this.
    #[must_use]
    pub fn contains(&self, identifier: &[u8]) -> bool {
        self.0.iter().any(|known| **known == *identifier)
    }
}
