//! The border to the kernel: every unsafe block of this crate is below this module.
//!
//! Safe wrappers around system calls, memory shared with the kernel ([`ring`]) and the pointer
//! arrays of batched calls ([`batch`]). No policy: what to open, and what to do about an error, is
//! decided outside.
#![allow(unsafe_code)]

pub(crate) mod batch;
pub(crate) mod ring;
pub(crate) mod socket;
