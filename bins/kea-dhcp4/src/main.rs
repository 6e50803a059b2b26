//! The DHCPv4 daemon: the server of the library in the daemon that all servers share.

mod daemon;

use std::process::ExitCode;

fn main() -> ExitCode {
    dhcp_daemon::run::<daemon::Dhcp4>()
}
