//! Robustness of the packet layer: arbitrary bytes, a second implementation, recorded packets.

mod dhcproto_check;
mod fuzz;
mod vectors;
