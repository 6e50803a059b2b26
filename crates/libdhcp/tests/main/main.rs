//! Robustness of the packet layer: arbitrary bytes, a second implementation, recorded packets.

mod dhcproto_check;
mod dhcproto_check6;
mod fuzz;
mod fuzz6;
mod vectors;
