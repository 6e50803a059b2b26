//! Claims that hold for both servers, written once.
//!
//! A claim is a function of the family; the table [`claims`] makes a test of it where it stands.

use std::net::IpAddr;

use e2e::leases::{HEADER_1_1, HEADER6_1_1, Row, wall_clock};
use e2e::prelude::*;

pub(crate) mod configuration;
pub(crate) mod crash;
pub(crate) mod daemon;
pub(crate) mod durability;
pub(crate) mod hosts;
pub(crate) mod interfaces;
pub(crate) mod lease_file;
pub(crate) mod lfc;
pub(crate) mod life_cycle;
pub(crate) mod load;

/// Makes a test of each named claim of a module for a family.
macro_rules! claims {
    ($family:ident, $module:ident: $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                crate::main::both::$module::$name(e2e::family::Family::$family);
            }
        )*
    };
}
pub(crate) use claims;

/// An address of the standard pool by its number, 0 to 99.
pub(crate) fn address(family: Family, number: u8) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(192, 0, 2, 100 + number).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x100 + u16::from(number)).into(),
    }
}

/// The standard subnet with a pool of the addresses `first` to `last`.
pub(crate) fn subnet(family: Family, first: u8, last: u8) -> String {
    let pool = format!("{} - {}", address(family, first), address(family, last));
    match family {
        Family::V4 => pool_subnet(1, "192.0.2.0/24", &pool, ""),
        Family::V6 => pool_subnet6(1, "2001:db8:1::/64", &pool, ""),
    }
}

/// The header of a lease file of 1.1.
pub(crate) fn header_1_1(family: Family) -> &'static str {
    match family {
        Family::V4 => HEADER_1_1,
        Family::V6 => HEADER6_1_1,
    }
}

/// The columns of today that a header of 1.1 lacks, and their values in a row.
pub(crate) fn columns_of_today(family: Family) -> (&'static str, &'static str) {
    match family {
        Family::V4 => (",user_context,pool_id", ",,0"),
        Family::V6 => (",user_context,hwtype,hwaddr_source,pool_id", ",,1,2,0"),
    }
}

/// A row of the 1.1 form without its end: the client with that hardware address holds an address
/// for an hour from now, or has not held it since `lifetime` is 0.
pub(crate) fn row_1_1(address: IpAddr, mac: [u8; 6], lifetime: u32) -> String {
    row_until(address, mac, lifetime, wall_clock() + 3600)
}

/// As [`row_1_1`] with the end of the lease in seconds since the epoch.
pub(crate) fn row_until(address: IpAddr, mac: [u8; 6], lifetime: u32, expire: u64) -> String {
    let mac = e2e::net::mac_text(mac);
    match address {
        IpAddr::V4(_) => format!("{address},{mac},,{lifetime},{expire},1,0,0,,0"),
        IpAddr::V6(_) => {
            let duid = format!("00:03:00:01:{mac}");
            format!("{address},{duid},{lifetime},{expire},1,{lifetime},0,1,128,0,0,,,0")
        }
    }
}

/// The hardware address of a client by its number, as [`EitherPeer::become_client`] counts.
pub(crate) fn client_mac(number: u8) -> [u8; 6] {
    [2, 0, 0, 0, 1, number]
}

/// The holder of a lease: hardware address or DUID, which ends with the hardware address.
pub(crate) fn holder(family: Family, row: &Row) -> &str {
    match family {
        Family::V4 => &row["hwaddr"],
        Family::V6 => &row["duid"],
    }
}

/// The lease files of the server that a test starts.
pub(crate) fn lease_files(net: &Net) -> LeaseFiles {
    LeaseFiles::new(&net.path().join(format!("leases{}.csv", net.family.digit())))
}

/// The relay that the clients of a load are behind; the client's interface gets its address.
pub(crate) fn as_relay(net: &Net) -> IpAddr {
    let (address, length): (IpAddr, u8) = match net.family {
        Family::V4 => (Ipv4Addr::new(192, 0, 2, 2).into(), 24),
        Family::V6 => (Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2).into(), 64),
    };
    net.client.address("cli0", &format!("{address}/{length}"));
    address
}

/// A configuration with room for millions of clients, behind the relay or beside it.
pub(crate) fn roomy(net: &Net) -> Config {
    let config = Config::of(net.family, net.path());
    match net.family {
        Family::V4 => {
            let by_relay = "\"relay\": { \"ip-addresses\": [ \"192.0.2.2\" ] },";
            let pool = "192.1.0.0 - 192.127.255.255";
            config.subnets(vec![pool_subnet(1, "192.0.0.0/9", pool, by_relay)])
        }
        Family::V6 => {
            let prefixes = pd_pool("2001:db9::/32", 64);
            let pool = "2001:db8:1::1:0:0/96";
            let unicast = format!("srv0/{}", e2e::net::SERVER6);
            let config = config.interfaces(&["srv0", &unicast]);
            config.subnets(vec![pool_subnet6(1, "2001:db8:1::/64", pool, &prefixes)])
        }
    }
}
