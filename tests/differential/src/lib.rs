//! Differential test: Debian's Kea and ours get the same configuration and the same packets, and
//! every answer must be the same, byte for byte, the order of options aside.
//!
//! A [`group::Group`] is a configuration with the cases that it serves; a case is a name and the
//! packets of its exchange ([`ask4::Ask4`], [`ask6::Ask6`]). Both servers run in namespaces of
//! their own with equal addresses and identifiers, start without leases, and hear each packet at
//! the same time. Behind each packet goes a marker that both surely answer: what has not been
//! answered when the marker is, will not be, and silence is a result like any other.
//!
//! Not compared: the order of options, where long ones are cut, link-layer addresses, texts
//! of status codes, and what the kernel fills in. Where
//! ours is right to differ, the case says in which field and why ([`group::Case::differs`]); an
//! accepted difference that does not show is reported, too.

pub mod answer;
pub mod ask4;
pub mod ask6;
pub mod compare;
pub mod config;
pub mod group;
pub mod report;
pub mod run;
pub mod side;

/// The names that the tables use.
pub mod prelude {
    pub use crate::ask4::{Ask4, decline, discover, inform, release, request};
    pub use crate::ask6::{
        Ask6, confirm, decline6, information_request, rebind, release6, renew, request6, solicit,
    };
    pub use crate::group::{Case, Group, case};
    pub use e2e::dhcp::{Dhcp, Kind, opt};
    pub use e2e::dhcp6::{Dhcp6, Hop, Kind6, encode_options, opt6, status};
    pub use e2e::family::Family;
}
