//! `perfdhcp`: loads DHCP servers and measures them.
//!
//! The library is all of the program but sockets, clock and signals, which are `main`'s: [`options`] reads the command
//! line, [`generator`] is the load as a state machine, [`dhcp4`] and [`dhcp6`] are the messages, [`report`], [`json`]
//! and [`plot`] tell what was seen, [`search`] looks for the highest rate a server bears. Command line, report and exit
//! codes are those of Kea's program of the same name; what goes beyond it is described in the manual page.

pub mod dhcp4;
pub mod dhcp6;
pub mod generator;
pub mod histogram;
pub mod holders;
pub mod identity;
pub mod json;
pub mod options;
pub mod owners;
pub mod plot;
pub mod protocol;
pub mod record;
pub mod report;
pub mod search;
pub mod series;
pub mod slots;
pub mod statistics;
pub mod template;

mod cursor;
