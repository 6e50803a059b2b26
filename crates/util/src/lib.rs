//! Small shared parts that every crate may use: time and randomness as arguments, packet metadata, the queue of
//! unwritten journal rows, hexadecimal and CSV text, bitmaps.
//!
//! Nothing here touches the operating system and nothing here knows DHCP: the binaries read clocks and sockets
//! and pass the results in as values, so that a whole server runs under virtual time in a test.

pub mod bitmap;
pub mod csv;
pub mod entropy;
pub mod hex;
pub mod journal;
pub mod line_table;
pub mod link;
pub mod now;
pub mod number;
pub mod sparse_bitmap;
pub mod steps;

pub use entropy::{Entropy, SplitMix};
pub use now::Now;
