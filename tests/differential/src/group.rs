//! What is compared: groups of cases that share a configuration.

use e2e::family::Family;

use crate::ask4::Ask4;
use crate::ask6::Ask6;

/// A packet of either family.
#[derive(Debug)]
pub enum Ask {
    /// For `kea-dhcp4`.
    V4(Ask4),
    /// For `kea-dhcp6`.
    V6(Ask6),
}

impl From<Ask4> for Ask {
    fn from(ask: Ask4) -> Self {
        Self::V4(ask)
    }
}

impl From<Ask6> for Ask {
    fn from(ask: Ask6) -> Self {
        Self::V6(ask)
    }
}

/// A difference that is right.
#[derive(Debug)]
pub struct Accepted {
    /// The field that differs, by the beginning of its name in the report (`option 61`).
    pub field: &'static str,
    /// Why ours is right: a section of an RFC, or what newer Kea does.
    pub why: &'static str,
}

/// An exchange.
#[derive(Debug)]
pub struct Case {
    /// What it is about, unique within its group.
    pub name: String,
    /// The packets, in order.
    pub asks: Vec<Ask>,
    /// What may differ; has to differ, for an acceptance must not outlive its reason.
    pub accepted: Vec<Accepted>,
    /// Whether the server may choose any address or prefix; which one is not compared.
    pub is_choice_free: bool,
}

/// A case without packets.
pub fn case(name: impl Into<String>) -> Case {
    Case { name: name.into(), asks: Vec::new(), accepted: Vec::new(), is_choice_free: false }
}

impl Case {
    /// Sends one more packet.
    #[must_use]
    pub fn send(mut self, ask: impl Into<Ask>) -> Self {
        self.asks.push(ask.into());
        self
    }

    /// Sends through a relay what would be broadcast.
    #[must_use]
    pub fn relayed(mut self, giaddr: &str) -> Self {
        let relayed = |ask| match ask {
            Ask::V4(ask) => Ask::V4(ask.relayed(giaddr)),
            Ask::V6(ask) => Ask::V6(ask),
        };
        self.asks = self.asks.into_iter().map(relayed).collect();
        self
    }

    /// Lets the server choose any address or prefix.
    #[must_use]
    pub fn any(mut self) -> Self {
        self.is_choice_free = true;
        self
    }

    /// Accepts that a field differs.
    #[must_use]
    pub fn differs(mut self, field: &'static str, why: &'static str) -> Self {
        self.accepted.push(Accepted { field, why });
        self
    }
}

/// Cases that share a configuration.
#[derive(Debug)]
pub struct Group {
    /// What it is about, unique.
    pub name: String,
    /// Which server is asked.
    pub family: Family,
    /// Members of `Dhcp4` or `Dhcp6`, as JSON text without the braces; they take the place of those
    /// of the base configuration ([`crate::config`]).
    pub config: String,
    /// The cases; they share the servers' leases, so each has clients of its own.
    pub cases: Vec<Case>,
}

impl Group {
    /// A group of DHCPv4.
    pub fn v4(name: impl Into<String>, config: impl Into<String>, cases: Vec<Case>) -> Self {
        Self { name: name.into(), family: Family::V4, config: config.into(), cases }
    }

    /// A group of DHCPv6.
    pub fn v6(name: impl Into<String>, config: impl Into<String>, cases: Vec<Case>) -> Self {
        Self { name: name.into(), family: Family::V6, config: config.into(), cases }
    }

    /// Accepts that a field differs in every case.
    #[must_use]
    pub fn differs(mut self, field: &'static str, why: &'static str) -> Self {
        self.cases = self.cases.into_iter().map(|case| case.differs(field, why)).collect();
        self
    }
}
