//! Keyword tables and rows that both servers have.
//!
//! Reading, checking, `config-get` and the manual are driven by these rows. A key that is accepted
//! without doing anything says so in its description, which then begins with "No effect". Keys of
//! which only some values can be honoured today are listed again in [`RESTRICTIONS`]. What is
//! derived from several keys or refers to other parts of the file is checked by the readers.
//!
//! A table of one server is made of groups of rows, of which this module holds those that are the
//! same in both; `rows!` puts them together.

pub mod classes;
pub(crate) mod databases;
pub(crate) mod global;
pub(crate) mod hosts;
mod logging;
mod manual;
pub(crate) mod network;
mod options;
mod parts;
mod restrictions;

use cc::Keyword;

pub use databases::{HOSTS_DATABASE, LEASE_DATABASE};
pub use logging::{LOGGER, LOGGING, OUTPUT};
pub(crate) use logging::{OLD_LOGGER, OLD_OUTPUT};
pub use manual::manual;
pub(crate) use options::{option_data, option_def};
pub use parts::{DHCP_DDNS, EXPIRED_LEASES, MULTI_THREADING, RELAY, SANITY_CHECKS};
pub(crate) use parts::{INTERFACES_FOLLOWED, LENIENT};
pub(crate) use restrictions::refuse_unsupported;
pub use restrictions::{RESTRICTIONS, Restriction};

/// Number of rows of all groups together.
pub(crate) const fn count(groups: &[&[Keyword]]) -> usize {
    let (mut count, mut group) = (0, 0);
    while group < groups.len() {
        count += groups[group].len();
        group += 1;
    }
    count
}

/// The rows of all groups, one after the other. `N` is their number.
pub(crate) const fn join<const N: usize>(groups: &[&[Keyword]]) -> [Keyword; N] {
    let mut rows = [cc::COMMENT; N];
    let (mut count, mut group) = (0, 0);
    while group < groups.len() {
        let mut row = 0;
        while row < groups[group].len() {
            rows[count] = groups[group][row];
            (count, row) = (count + 1, row + 1);
        }
        group += 1;
    }
    rows
}

/// The rows of a table, made of groups.
macro_rules! rows {
    ($($group:expr),* $(,)?) => {{
        const GROUPS: &[&[cc::Keyword]] = &[$(&$group),*];
        const ROWS: [cc::Keyword; $crate::config::keywords::count(GROUPS)] =
            $crate::config::keywords::join(GROUPS);
        &ROWS
    }};
}
pub(crate) use rows;
