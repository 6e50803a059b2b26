//! The program beside databases: those that it makes itself, and those of Debian's Kea.

mod dumps;
mod interop;
mod schemas;
mod support;
mod transfers;
