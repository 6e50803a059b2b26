use std::net::{IpAddr, SocketAddr};

use eval::{
    Arrival, ClassId, ClassSet, ClassTable, Compiler, Packet4, Packet6, PacketContext, Scratch,
    TextTrace,
};
use libdhcp::Universe;
use libdhcp::definition::Definitions;
use libdhcp::{v4, v6};
use util::link::{Inbound, InterfaceIndex};

/// Values that read everything that a packet of either family may have.
const BOTH: [&str; 17] = [
    "option[60].hex",
    "option[60].text + option[1].text",
    "substring(option[61].hex, -4, -2) + substring(option[12].hex, 1, all)",
    "vendor.enterprise + vendor-class.enterprise",
    "vendor[*].option[1].hex + vendor[4491].option[2].text",
    "vendor-class[*].data + vendor-class[*].data[1] + vendor-class[4491].data[255]",
    "pkt.iface + pkt.src + pkt.dst + pkt.len",
    "hexstring(option[1].hex, ':') + lcase(option[2].hex) + ucase(option[3].hex)",
    "split(option[12].hex, '.\0', 2) + split(option[1].hex, option[2].hex, -1)",
    "addrtotext(option[50].hex) + addrtotext(substring(option[1].hex, 0, 4))",
    "int8totext(option[52].hex) + int16totext(option[57].hex) + int32totext(option[51].hex)",
    "uint8totext(option[53].hex) + uint16totext(option[8].hex) + uint32totext(option[58].hex)",
    "ifelse(match('[a-z]*', option[12].hex), option[12].hex, option[81].hex)",
    "ifelse(vendor[*].exists and vendor-class[*].exists or option[43].exists, 'a', 'b')",
    "ifelse(vendor[9].option[1].exists sand not option[82].exists sor member('foo'), 'a', 'b')",
    "sifelse(option[1].hex == option[2].hex, option[1].hex, option[2].hex)",
    "option[43].option[1].hex + option[82].option[1].hex + option[125].option[1].text",
];
/// What only DHCPv4 has.
const V4: [&str; 4] = [
    "relay4[1].hex + relay4[2].text",
    "pkt4.mac + pkt4.hlen + pkt4.htype + pkt4.ciaddr + pkt4.giaddr + pkt4.yiaddr + pkt4.siaddr",
    "pkt4.msgtype + pkt4.transid",
    "option[122].option[3].hex + option[124].option[1].hex",
];
/// What only DHCPv6 has.
const V6: [&str; 4] = [
    "relay6[0].option[18].hex + relay6[-1].option[37].text + relay6[31].option[9].hex",
    "relay6[0].linkaddr + relay6[-32].peeraddr + relay6[1].peeraddr",
    "pkt6.msgtype + pkt6.transid",
    "option[3].option[5].option[13].hex + option[25].option[26].hex + option[17].option[1].hex",
];

/// Evaluates everything in both ways, which must agree.
fn evaluate_all(universe: Universe, texts: &[&str], packet: &dyn PacketContext) {
    let definitions = Definitions::new(universe);
    let mut table = ClassTable::new();
    table.define("foo");
    let mut compiler = Compiler { definitions: &definitions, classes: &mut table };
    let mut scratch = Scratch::new();
    for text in texts {
        let value = compiler.value(text).expect("the expression is correct");
        let fast = value.evaluate(packet, &mut scratch).map(<[u8]>::to_vec);
        let mut trace = TextTrace::default();
        let plain = value.evaluate_traced(packet, &mut scratch, &mut trace).map(<[u8]>::to_vec);
        assert_eq!(plain, fast, "{text}");
        let test = compiler.condition(&format!("{text} == 'x'")).expect("it is correct too");
        let expected = fast.map(|bytes| bytes == b"x");
        assert_eq!(test.evaluate(packet, &mut scratch), expected, "{text}");
    }
}

fn inbound(payload: &[u8], address: IpAddr) -> Inbound<'_> {
    Inbound {
        payload,
        interface: InterfaceIndex(2),
        source: SocketAddr::new(address, 68),
        destination: address,
        local: address,
        link_source: None,
    }
}

fn check4(bytes: &[u8], spans: &mut v4::SpanTable) {
    let Ok(view) = v4::View::parse(bytes, spans) else { return };
    let inbound = inbound(bytes, IpAddr::from([10, 0, 0, 1]));
    let mut classes = ClassSet::with_capacity(1);
    assert!(classes.insert(ClassId(0)));
    let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
    let packet = Packet4 { view: &view, arrival };
    evaluate_all(Universe::V4, &[&BOTH[..], &V4].concat(), &packet);
}

fn check6(bytes: &[u8], spans: &mut v6::SpanTable) {
    let Ok(view) = v6::View::parse(bytes, spans) else { return };
    let inbound = inbound(bytes, IpAddr::from([0; 16]));
    let classes = ClassSet::default();
    let arrival = Arrival { inbound: &inbound, interface: "eth0", classes: &classes };
    let packet = Packet6 { view: &view, arrival };
    evaluate_all(Universe::V6, &[&BOTH[..], &V6].concat(), &packet);
}

#[test]
fn arbitrary_texts_never_panic() {
    let definitions = [Universe::V4, Universe::V6].map(Definitions::new);
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        for definitions in &definitions {
            let mut table = ClassTable::new();
            let mut compiler = Compiler { definitions, classes: &mut table };
            if let Err(error) = compiler.condition(&text) {
                assert!(!format!("{error:#}").is_empty());
            }
            if let Err(error) = compiler.value(&text) {
                assert!(error.offset() <= text.len() && !error.caret().is_empty());
            }
        }
    });
}

#[test]
fn arbitrary_packets_of_dhcpv4_never_panic() {
    let mut spans = v4::SpanTable::new();
    bolero::check!().with_iterations(300).with_max_len(600).for_each(|bytes: &[u8]| {
        let mut packet = vec![0; v4::OPTIONS_OFFSET];
        packet[0] = 1;
        packet[2] = bytes.first().copied().unwrap_or(6);
        packet[236..].copy_from_slice(&v4::MAGIC_COOKIE);
        packet.extend_from_slice(&[53, 1, 1]);
        // Half of the input as options of their own, the rest inside those that have an inside.
        let (options, inner) = bytes.split_at(bytes.len() / 2);
        for (code, body) in [60, 43, 82, 125, 124, 122].into_iter().zip(inner.chunks(40)) {
            packet.extend_from_slice(&[code, body.len() as u8]);
            packet.extend_from_slice(body);
        }
        packet.extend_from_slice(options);
        check4(&packet, &mut spans);
    });
}

#[test]
fn arbitrary_packets_of_dhcpv6_never_panic() {
    let mut spans = v6::SpanTable::new();
    bolero::check!().with_iterations(300).with_max_len(600).for_each(|bytes: &[u8]| {
        let (options, inner) = bytes.split_at(bytes.len() / 2);
        let mut message = vec![1, 0, 0, 1];
        for (code, body) in [3, 25, 17, 16, 1, 37].into_iter().zip(inner.chunks(40)) {
            message.extend_from_slice(&[0, code, 0, body.len() as u8]);
            message.extend_from_slice(body);
        }
        message.extend_from_slice(options);
        check6(&message, &mut spans);
        // The same from a relay.
        let mut relayed = vec![12, 0];
        relayed.extend_from_slice(&[7; 32]);
        relayed.extend_from_slice(&[0, 18, 0, 2, 1, 2, 0, 9]);
        relayed.extend_from_slice(&(message.len() as u16).to_be_bytes());
        relayed.extend_from_slice(&message);
        check6(&relayed, &mut spans);
    });
}
