//! The DHCPv6 daemon: the server of the library in the daemon that all servers share.

mod daemon;

use std::process::ExitCode;

fn main() -> ExitCode {
    dhcp_daemon::run::<daemon::Dhcp6>()
}
