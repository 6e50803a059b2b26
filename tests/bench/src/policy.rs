//! Host reservations and client classes of the configurations.
//!
//! Every eighth client has a reservation of an address outside the pool, and of nothing that makes its answers longer than
//! those of others: answers of one length leave together, and what that is worth is not what reservations cost. The tests of classes look at
//! what queries hold, and compare it with values that differ from class to class; one class has every client.

use serde_json::{Value, json};

use crate::spec::{Family, Spec, address_text};
use crate::wire::mac;

/// Clients between two that have a reservation.
const STEP: u64 = 8;
/// First reserved address: of 10.0.0.0/8 and of fd00:1::/64, before the pools.
const FIRST: [u128; 2] = [0x0a01_0000, 0xfd00_0001 << 96 | 1 << 32];

/// The reserved clients: hardware address, or DUID of DHCPv6, and address.
pub(crate) fn reserved(spec: &Spec) -> impl Iterator<Item = (Vec<u8>, u128)> {
    let (prefix, first): (&[u8], _) = match spec.family {
        Family::V4 => (&[], FIRST[0]),
        Family::V6 => (&[0, 3, 0, 1], FIRST[1]),
    };
    let host = move |number: u32| {
        let identifier = [prefix, &mac(u64::from(number) * STEP)].concat();
        (identifier, first + u128::from(number))
    };
    (0..spec.hosts).map(host)
}

/// `reservations` of the subnet.
pub(crate) fn hosts(spec: &Spec) -> Value {
    let host = |(identifier, address): (Vec<u8>, u128)| {
        let bytes: Vec<String> = identifier.iter().map(|byte| format!("{byte:02x}")).collect();
        let (identifier, address) = (bytes.join(":"), address_text(spec.family, address));
        match spec.family {
            Family::V4 => json!({ "hw-address": identifier, "ip-address": address }),
            Family::V6 => json!({ "duid": identifier, "ip-addresses": [address] }),
        }
    };
    reserved(spec).map(host).collect()
}

/// `client-classes`.
pub(crate) fn classes(spec: &Spec) -> Value {
    let class = |number: u32| {
        let (test, option) = match spec.family {
            Family::V4 => (test4(number), json!({ "name": "ntp-servers", "data": "10.0.0.123" })),
            Family::V6 => (test6(number), json!({ "name": "sntp-servers", "data": "fd00:1::123" })),
        };
        json!({ "name": format!("class-{number}"), "test": test, "option-data": [option] })
    };
    (0..spec.classes).map(class).collect()
}

fn test4(number: u32) -> String {
    match number % 5 {
        _ if number == 0 => "option[60].text == 'bench 1.0'".into(),
        0 => format!("option[60].text == 'vendor {number}'"),
        1 => format!("substring(option[60].hex, 0, 9) == 'MSFT {number:04}'"),
        2 => format!("pkt4.mac == 0x0600{number:08x}"),
        3 => format!("option[93].hex == 0x{number:04x} or option[77].hex == 'iPXE {number}'"),
        _ => format!("relay4[1].hex == 'port {number}' and not member('class-0')"),
    }
}

fn test6(number: u32) -> String {
    match number % 5 {
        _ if number == 0 => "substring(option[1].hex, 0, 4) == 0x00030001".into(),
        0 => format!("option[1].hex == 0x000300010600{number:08x}"),
        1 => format!("substring(option[1].hex, 0, 2) == 0x{:04x}", number + 10),
        2 => format!("relay6[0].linkaddr == fd00:9::{number:x}"),
        3 => format!("option[15].exists and option[15].hex == 'user {number}'"),
        _ => format!("relay6[0].option[18].hex == 'port {number}' and not member('class-0')"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_classes_are_as_many_as_asked_for() {
        for server in ["ours", "ours6"] {
            let row = format!("{server}:hosts=20,classes=10");
            let spec = Spec::parse(&row, &Spec::plain()).expect("a row");
            assert_eq!(hosts(&spec).as_array().map(Vec::len), Some(20));
            assert_eq!(classes(&spec).as_array().map(Vec::len), Some(10));
        }
    }
}
