//! Prints the reference of the configuration of `kea-dhcp4`, or of `kea-dhcp6` with the argument 6; their
//! places are `doc/configuration.md` and `doc/configuration6.md`.

use libdhcpsrv::{config4, config6};

fn main() {
    let manual = match std::env::args().nth(1).as_deref() {
        Some("6") => config6::keywords::manual(),
        _ => config4::keywords::manual(),
    };
    print!("{manual}");
}
