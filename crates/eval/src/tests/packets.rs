//! Real packets as expressions see them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use libdhcp::definition::Definitions;
use libdhcp::{HardwareAddress, Universe, v4, v6};
use util::link::{Inbound, InterfaceIndex};

use crate::{
    Arrival, ClassSet, ClassTable, Compiler, Field, FieldValue, Packet4, Packet6, PacketContext,
    Scratch,
};

fn inbound(
    payload: &[u8],
    source: impl Into<IpAddr>,
    destination: impl Into<IpAddr>,
) -> Inbound<'_> {
    let destination = destination.into();
    Inbound {
        payload,
        interface: InterfaceIndex(2),
        source: SocketAddr::new(source.into(), 68),
        destination,
        local: destination,
        link_source: None,
    }
}

/// Evaluates tests that must all be true.
fn all_hold(universe: Universe, tests: &[&str], packet: &dyn PacketContext) {
    let definitions = Definitions::new(universe);
    let mut table = ClassTable::new();
    let mut compiler = Compiler { definitions: &definitions, classes: &mut table };
    let mut scratch = Scratch::new();
    for text in tests {
        let condition = compiler.condition(text).unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(condition.evaluate(packet, &mut scratch), Ok(true), "{text}");
    }
}

#[test]
fn packets_of_dhcpv4_show_header_options_and_arrival() {
    let client = HardwareAddress::ethernet([2, 0, 0, 1, 2, 3]);
    let mut buffer = [0; 400];
    let mut builder =
        v4::Builder::request(&mut buffer, v4::MessageType::Discover, 0x0102_0304, client).unwrap();
    builder.set_giaddr(Ipv4Addr::new(10, 0, 0, 1));
    builder.option(v4::code::VENDOR_CLASS_IDENTIFIER, b"MSFT 5.0\0").unwrap();
    builder.option(v4::code::RELAY_AGENT_INFORMATION, b"\x01\x04eth1\x02\x02ab").unwrap();
    let len = builder.finish();
    let bytes = &buffer[..len];
    let mut spans = v4::SpanTable::new();
    let view = v4::View::parse(bytes, &mut spans).unwrap();
    let inbound = inbound(bytes, [10, 0, 0, 1], [10, 0, 0, 2]);
    let classes = ClassSet::default();
    let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
    let packet = Packet4 { view: &view, arrival };
    all_hold(
        Universe::V4,
        &[
            "pkt.iface == 'eth0'",
            "pkt.src == 10.0.0.1 and pkt.dst == 10.0.0.2",
            // Header without cookie, options 53, 60 and 82.
            "uint32totext(pkt.len) == '262'",
            "pkt4.mac == 0x020000010203",
            "pkt4.hlen == 6 and pkt4.htype == 1",
            "pkt4.giaddr == 10.0.0.1",
            "pkt4.ciaddr == 0.0.0.0 and pkt4.yiaddr == 0.0.0.0 and pkt4.siaddr == 0.0.0.0",
            "pkt4.msgtype == 1 and pkt4.transid == 0x01020304",
            "option[60].hex == 'MSFT 5.0' and substring(option[60].hex, 0, 4) == 'MSFT'",
            "relay4[1].hex == 'eth1' and relay4[2].exists and not relay4[3].exists",
            "not option[0].exists and not option[255].exists",
        ],
        &packet,
    );
    assert_eq!(packet.field(Field::RelayPeer(0)), FieldValue::Absent);
    assert_eq!((packet.relay_option(0, 1), packet.option(256)), (None, None));
}

#[test]
fn packets_of_dhcpv6_show_relays_options_and_arrival() {
    let option = |code: u8, body: &[u8]| [&[0, code, 0, body.len() as u8], body].concat();
    let client_id = option(1, &[0, 3, 0, 1, 2, 0, 0, 1, 2, 3]);
    let message = [&[1, 7, 8, 9][..], &client_id, &option(14, &[])].concat();
    let relayed = |low: u8, id: &[u8], inner: &[u8]| {
        let mut header = vec![12, 0];
        header.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, low]);
        header.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, low]);
        [header, option(18, id), option(9, inner)].concat()
    };
    let inner = relayed(1, b"inner", &message);
    let bytes = relayed(2, b"outer", &inner);
    let mut spans = v6::SpanTable::new();
    let view = v6::View::parse(&bytes, &mut spans).unwrap();
    let source: IpAddr = "fe80::1".parse().unwrap();
    let destination: IpAddr = "ff02::1:2".parse().unwrap();
    let inbound = inbound(&bytes, source, destination);
    let classes = ClassSet::default();
    let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
    let packet = Packet6 { view: &view, arrival };
    let len = format!("uint32totext(pkt.len) == '{}'", bytes.len());
    all_hold(
        Universe::V6,
        &[
            "pkt.iface == 'eth0' and pkt.src == fe80::1 and pkt.dst == ff02::1:2",
            &len,
            "pkt6.msgtype == 1 and pkt6.transid == 0x00070809",
            "option[1].hex == 0x00030001020000010203 and option[rapid-commit].exists",
            "relay6[0].option[18].hex == 'outer' and relay6[1].option[18].hex == 'inner'",
            "relay6[-1].option[18].hex == 'inner' and relay6[-2].option[18].hex == 'outer'",
            "relay6[0].linkaddr == 2001:db8::2 and relay6[0].peeraddr == fe80::2",
            "relay6[-1].linkaddr == 2001:db8::1 and relay6[-1].peeraddr == fe80::1",
            "relay6[2].linkaddr == '' and relay6[-3].peeraddr == ''",
            "not relay6[0].option[9].exists and not relay6[2].option[18].exists",
        ],
        &packet,
    );
    for field in [Field::Mac, Field::Ciaddr, Field::Hlen] {
        assert_eq!(packet.field(field), FieldValue::Absent);
    }
}
