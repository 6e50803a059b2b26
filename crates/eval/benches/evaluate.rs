//! Time and allocations of evaluating tests for one packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use divan::{AllocProfiler, Bencher, black_box};
use eval::{
    Arrival, Candidates, ClassSet, ClassTable, Compiler, Condition, Dispatch, Packet4, Packet6,
    Scratch,
};
use libdhcp::definition::Definitions;
use libdhcp::v4::{Builder, MessageType, SpanTable, View, code};
use libdhcp::{HardwareAddress, Universe, v6};
use util::link::{Inbound, InterfaceIndex};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// A relayed DISCOVER as a phone sends it.
fn discover() -> Vec<u8> {
    let client = HardwareAddress::ethernet([2, 0, 0, 1, 2, 3]);
    let mut buffer = vec![0; 320];
    let mut builder = Builder::request(&mut buffer, MessageType::Discover, 7, client).unwrap();
    builder.set_giaddr(Ipv4Addr::new(10, 0, 0, 1));
    builder.option(code::VENDOR_CLASS_IDENTIFIER, b"abcd-phone-7").unwrap();
    builder.option(code::HOST_NAME, b"phone").unwrap();
    builder.option(code::CLIENT_IDENTIFIER, &[1, 2, 0, 0, 1, 2, 3]).unwrap();
    builder.option(code::PARAMETER_REQUEST_LIST, &[1, 28, 2, 3, 15, 6, 12]).unwrap();
    builder.option(code::USER_CLASS, b"phones").unwrap();
    builder.option(code::CLIENT_SYSTEM, &[0, 7]).unwrap();
    builder.option(code::RELAY_AGENT_INFORMATION, b"\x01\x04eth1\x02\x04abcd").unwrap();
    let _ = builder.finish();
    buffer
}

/// How it arrives.
fn inbound(bytes: &[u8]) -> Inbound<'_> {
    Inbound {
        payload: bytes,
        interface: InterfaceIndex(2),
        source: SocketAddr::from(([10, 0, 0, 1], 67)),
        destination: IpAddr::from([10, 0, 0, 2]),
        local: IpAddr::from([10, 0, 0, 2]),
        link_source: None,
    }
}

/// Compiles the tests and measures one packet passing through all of them.
fn measure(bencher: Bencher<'_, '_>, tests: impl Iterator<Item = String>) {
    let definitions = Definitions::new(Universe::V4);
    let mut table = ClassTable::new();
    for number in 0..100 {
        table.define(&format!("class{number}"));
    }
    let mut compiler = Compiler { definitions: &definitions, classes: &mut table };
    let tests: Vec<Condition> = tests.map(|text| compiler.condition(&text).unwrap()).collect();
    let bytes = discover();
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    let inbound = inbound(&bytes);
    let mut classes = ClassSet::with_capacity(table.len());
    let mut scratch = Scratch::new();
    bencher.bench_local(|| {
        classes.clear();
        for (number, test) in tests.iter().enumerate() {
            let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
            let packet = Packet4 { view: black_box(&view), arrival };
            if test.evaluate(&packet, &mut scratch) == Ok(true) {
                classes.insert(eval::ClassId(number as u32));
            }
        }
        classes.contains(eval::ClassId(0))
    });
}

/// Measures one packet of DHCPv6 for which the tests that may be true are found and evaluated.
fn measure_dispatch6(bencher: Bencher<'_, '_>, tests: impl Iterator<Item = String>) {
    let definitions = Definitions::new(Universe::V6);
    let mut table = ClassTable::new();
    for number in 0..100 {
        table.define(&format!("class-{number}"));
    }
    let mut compiler = Compiler { definitions: &definitions, classes: &mut table };
    let tests: Vec<Condition> = tests.map(|text| compiler.condition(&text).unwrap()).collect();
    let dispatch = Dispatch::new(tests.iter().map(Some));
    let bytes = relayed_solicit();
    let mut spans = v6::SpanTable::new();
    let view = v6::View::parse(&bytes, &mut spans).unwrap();
    let inbound = inbound(&bytes);
    let mut classes = ClassSet::with_capacity(table.len());
    let (mut scratch, mut candidates) = (Scratch::new(), Candidates::new());
    bencher.bench_local(|| {
        classes.clear();
        let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
        let packet = Packet6 { view: black_box(&view), arrival };
        dispatch.find(&packet, &mut scratch, &mut candidates);
        for number in candidates.iter() {
            let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
            let packet = Packet6 { view: black_box(&view), arrival };
            if tests[number].evaluate(&packet, &mut scratch) == Ok(true) {
                classes.insert(eval::ClassId(number as u32));
            }
        }
        classes.contains(eval::ClassId(0))
    });
}

/// A SOLICIT through a relay that names its port.
fn relayed_solicit() -> Vec<u8> {
    let mut message = vec![1, 0, 0, 7];
    let mut option = |code: u16, body: &[u8]| {
        message.extend(code.to_be_bytes());
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(body);
    };
    option(v6::code::CLIENTID, &[0, 3, 0, 1, 2, 0, 0, 1, 2, 3]);
    option(v6::code::ELAPSED_TIME, &[0, 0]);
    option(v6::code::ORO, &[0, 23, 0, 24, 0, 31]);
    option(v6::code::IA_NA, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut packet = vec![12, 0];
    packet.extend(Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 7).octets());
    packet.extend(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).octets());
    packet.extend([0, 18, 0, 7]);
    packet.extend(b"port 14");
    packet.extend([0, 9, 0, message.len() as u8]);
    packet.extend(message);
    packet
}

/// Measures one packet for which the tests that may be true are found and evaluated.
fn measure_dispatch(bencher: Bencher<'_, '_>, tests: impl Iterator<Item = String>) {
    let definitions = Definitions::new(Universe::V4);
    let mut table = ClassTable::new();
    for number in 0..100 {
        table.define(&format!("class{number}"));
    }
    let mut compiler = Compiler { definitions: &definitions, classes: &mut table };
    let tests: Vec<Condition> = tests.map(|text| compiler.condition(&text).unwrap()).collect();
    let dispatch = Dispatch::new(tests.iter().map(Some));
    let bytes = discover();
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    let inbound = inbound(&bytes);
    let mut classes = ClassSet::with_capacity(table.len());
    let (mut scratch, mut candidates) = (Scratch::new(), Candidates::new());
    bencher.bench_local(|| {
        classes.clear();
        let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
        let packet = Packet4 { view: black_box(&view), arrival };
        dispatch.find(&packet, &mut scratch, &mut candidates);
        for number in candidates.iter() {
            let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
            let packet = Packet4 { view: black_box(&view), arrival };
            if tests[number].evaluate(&packet, &mut scratch) == Ok(true) {
                classes.insert(eval::ClassId(number as u32));
            }
        }
        classes.contains(eval::ClassId(0))
    });
}

/// The constants of five keys: what the client says of itself, as kinds of clients differ.
fn different_tests() -> impl Iterator<Item = String> {
    (0..100).map(|number| match number % 5 {
        0 => format!("substring(option[60].hex,0,{}) == 'abcd-phone-{}'", 12, number / 5),
        1 => format!("option[61].hex == 0x0102000001{number:04}"),
        2 => format!("option[77].hex == 'phones{number}' or option[77].hex == 'tables{number}'"),
        3 => format!("option[93].hex == 0x{number:04x} and option[60].exists"),
        _ => format!("pkt4.mac == 0x0200000102{number:02}"),
    })
}

#[divan::bench]
fn hundred_different_tests(bencher: Bencher<'_, '_>) {
    measure(bencher, different_tests());
}

#[divan::bench]
fn hundred_different_tests_dispatched(bencher: Bencher<'_, '_>) {
    measure_dispatch(bencher, different_tests());
}

/// The tests of the load that servers are compared under; one is true.
#[divan::bench]
fn hundred_tests_of_the_load_dispatched(bencher: Bencher<'_, '_>) {
    let test = |number| match number % 5 {
        _ if number == 0 => "option[60].text == 'abcd-phone-7'".to_owned(),
        0 => format!("option[60].text == 'vendor {number}'"),
        1 => format!("substring(option[60].hex, 0, 9) == 'MSFT {number:04}'"),
        2 => format!("pkt4.mac == 0x0600{number:08x}"),
        3 => format!("option[93].hex == 0x{number:04x} or option[77].hex == 'iPXE {number}'"),
        _ => format!("relay4[1].hex == 'port {number}' and not member('class0')"),
    };
    measure_dispatch(bencher, (0..100).map(test));
}

/// The same of DHCPv6; two are true.
#[divan::bench]
fn hundred_tests_of_the_load_dispatched6(bencher: Bencher<'_, '_>) {
    let test = |number| match number % 5 {
        _ if number == 0 => "substring(option[1].hex, 0, 4) == 0x00030001".to_owned(),
        0 => format!("option[1].hex == 0x000300010600{number:08x}"),
        1 => format!("substring(option[1].hex, 0, 2) == 0x{:04x}", number + 10),
        2 => format!("relay6[0].linkaddr == fd00:9::{number:x}"),
        3 => format!("option[15].exists and option[15].hex == 'user {number}'"),
        _ => format!("relay6[0].option[18].hex == 'port {number}' and not member('class-0')"),
    };
    measure_dispatch6(bencher, (0..100).map(test));
}

/// Tests of what relays and vendors say, in forms that have to be computed.
#[divan::bench]
fn hundred_tests_of_relays_dispatched6(bencher: Bencher<'_, '_>) {
    let test = |number| match number % 4 {
        0 => format!("relay6[0].option[18].text == 'port{number}'"),
        1 => format!("option[16].exists and vendor-class.enterprise == {number}"),
        2 => format!("substring(relay6[-1].option[18].hex, 5, all) == '{number}'"),
        _ => {
            format!("relay6[0].linkaddr == fd00::{number} or relay6[0].peeraddr == fd00::{number}")
        }
    };
    measure_dispatch6(bencher, (0..100).map(test));
}

#[divan::bench]
fn hundred_typical_tests_dispatched(bencher: Bencher<'_, '_>) {
    measure_dispatch(bencher, typical_tests());
}

#[divan::bench]
fn hundred_existences_dispatched(bencher: Bencher<'_, '_>) {
    measure_dispatch(bencher, (0..100).map(|n| format!("option[{}].exists", 100 + n)));
}

/// Half of them look at a part of option 60, the others at all kinds of things.
fn typical_tests() -> impl Iterator<Item = String> {
    (0..100).map(|number| match number % 10 {
        0..5 => format!("substring(option[60].hex,0,4) == 'ab{:02}'", number),
        5 => "option[82].exists".to_owned(),
        6 => format!("option[61].hex == 0x0102000001{number:04}"),
        7 => format!("member('class{}') and option[60].exists", number - 2),
        8 => "pkt4.mac == 0x020000010203".to_owned(),
        _ => "pkt4.giaddr == 10.0.0.1 and not option[81].exists".to_owned(),
    })
}

#[divan::bench]
fn hundred_typical_tests(bencher: Bencher<'_, '_>) {
    measure(bencher, typical_tests());
}

#[divan::bench]
fn hundred_slices_of_an_option(bencher: Bencher<'_, '_>) {
    measure(bencher, (0..100).map(|n| format!("substring(option[60].hex,0,4) == 'ab{n:02}'")));
}

#[divan::bench]
fn hundred_existences(bencher: Bencher<'_, '_>) {
    measure(bencher, (0..100).map(|n| format!("option[{}].exists", 100 + n)));
}

#[divan::bench]
fn hundred_memberships_with_and(bencher: Bencher<'_, '_>) {
    measure(bencher, (0..100).map(|n| format!("member('class{n}') and option[60].exists")));
}

#[divan::bench]
fn hundred_relay_sub_options(bencher: Bencher<'_, '_>) {
    measure(bencher, (0..100).map(|n| format!("relay4[2].hex == 'abc{n}'")));
}

#[divan::bench]
fn hundred_hexstrings(bencher: Bencher<'_, '_>) {
    let text = |n| format!("hexstring(pkt4.mac, ':') == '02:00:00:00:00:{n:02}'");
    measure(bencher, (0..100).map(text));
}

#[divan::bench]
fn hundred_regular_expressions(bencher: Bencher<'_, '_>) {
    measure(bencher, (0..100).map(|n| format!("match('abcd-[a-z]+-{n}', option[60].hex)")));
}

#[divan::bench]
fn compile_a_typical_test(bencher: Bencher<'_, '_>) {
    let definitions = Definitions::new(Universe::V4);
    let mut table = ClassTable::new();
    let mut compiler = Compiler { definitions: &definitions, classes: &mut table };
    let text = "substring(option[vendor-class-identifier].hex,0,4) == 'abcd' and member('KNOWN')";
    bencher.bench_local(|| compiler.condition(black_box(text)).is_ok());
}
