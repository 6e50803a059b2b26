//! Leases and lists, as explanations show them.

use std::fmt::{self, Display};

use crate::lease::{INFINITE, LeaseState, Ownership};

/// What is stored for an address or prefix, from the point of view of a client.
#[derive(Clone, Copy, Debug)]
pub struct LeaseText {
    /// Whose it is.
    pub owner: Ownership,
    /// Its state.
    pub state: LeaseState,
    /// Client's last transaction time, seconds since the epoch.
    pub cltt: i64,
    /// Seconds from `cltt` on.
    pub valid_lifetime: u32,
    /// The time, seconds since the epoch.
    pub now_s: i64,
}

impl Display for LeaseText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.cltt.saturating_add(self.valid_lifetime.into()).saturating_sub(self.now_s);
        let whom = match self.owner {
            Ownership::Mine => "this client",
            Ownership::SameClient => "another association of this client",
            Ownership::Other => "another client",
        };
        match self.state {
            LeaseState::Declined if left > 0 => {
                write!(f, "declined, kept back for {left} s more")
            }
            LeaseState::Declined => f.write_str("declined, its probation is over"),
            LeaseState::ExpiredReclaimed => write!(f, "free; was leased to {whom}"),
            LeaseState::Released => write!(f, "free; {whom} has released it"),
            LeaseState::Default | LeaseState::Registered => {
                if self.valid_lifetime == INFINITE {
                    write!(f, "leased to {whom} for ever")
                } else if left > 0 {
                    write!(f, "leased to {whom}, {left} s left")
                } else {
                    write!(f, "lease of {whom}, expired {} s ago", -left)
                }
            }
        }
    }
}

/// Seconds of a lease time.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub u32);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            INFINITE => f.write_str("infinite"),
            seconds => write!(f, "{seconds} s"),
        }
    }
}

/// Things with something between them.
#[derive(Clone, Debug)]
pub struct List<'s, I>(pub I, pub &'s str);

impl<T: Display, I: Iterator<Item = T> + Clone> Display for List<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, thing) in self.0.clone().enumerate() {
            write!(f, "{}{thing}", if number == 0 { "" } else { self.1 })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_told_by_owner_state_and_time() {
        let text = |owner, state, cltt, valid_lifetime| {
            LeaseText { owner, state, cltt, valid_lifetime, now_s: 1000 }.to_string()
        };
        use LeaseState::{Declined, Default, ExpiredReclaimed, Released};
        use Ownership::{Mine, Other, SameClient};
        assert_eq!(text(Mine, Default, 900, 300), "leased to this client, 200 s left");
        assert_eq!(text(Other, Default, 900, 100), "lease of another client, expired 0 s ago");
        assert_eq!(text(Other, Default, 1, INFINITE), "leased to another client for ever");
        assert_eq!(
            text(SameClient, Default, 1000, 5),
            "leased to another association of this client, 5 s left"
        );
        assert_eq!(text(Other, Declined, 900, 300), "declined, kept back for 200 s more");
        assert_eq!(text(Other, Declined, 1, 3), "declined, its probation is over");
        assert_eq!(text(Mine, ExpiredReclaimed, 1, 3), "free; was leased to this client");
        assert_eq!(text(Mine, Released, 1, 3), "free; this client has released it");
        assert_eq!(List([1, 2, 3].iter(), ", ").to_string(), "1, 2, 3");
    }
}
