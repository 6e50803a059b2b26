//! What a trace says.

use libdhcp::Universe::{self, V4, V6};

use super::{Facts, condition, value};
use crate::{EvalError, Scratch, Step, TextTrace, Trace};

/// Message ids and texts of an evaluation, one step per line.
struct WithIds(String);

impl Trace for WithIds {
    fn step(&mut self, step: &Step<'_>) {
        self.0.push_str(step.message().id);
        self.0.push(' ');
        step.render(&"client", &mut self.0);
        self.0.push('\n');
    }
}

fn traced(universe: Universe, text: &str, packet: &Facts) -> String {
    let mut trace = WithIds(format!("{text}\n"));
    let mut scratch = Scratch::new();
    let result: Result<String, EvalError> = match condition(universe, text) {
        Ok(test) => test.evaluate_traced(packet, &mut scratch, &mut trace).map(|it| it.to_string()),
        Err(_) => value(universe, text)
            .unwrap()
            .evaluate_traced(packet, &mut scratch, &mut trace)
            .map(|bytes| bytes.escape_ascii().to_string()),
    };
    match result {
        Ok(result) => format!("{}= {result}\n\n", trace.0),
        Err(error) => format!("{}failed: {error}\n\n", trace.0),
    }
}

#[test]
fn every_operation_is_reported() {
    let packet = Facts::default()
        .with(60, b"docsis3.0")
        .with(61, &[0xff])
        .with(124, b"\0\0\x11\x8b\x03abc")
        .with(125, b"\0\0\x11\x8b\x03\x01\x01x");
    let mut report = String::new();
    for text in [
        "substring(option[60].hex, 0, 6) == 'docsis'",
        "substring(option[60].hex, 9, all) == substring(option[1].hex, 0, 1)",
        "option[60].exists and not option[60].text == 'x' or member('foo')",
        "option[60].exists sand option[1].exists sor relay4[1].exists",
        "option[60].exists or option[61].exists",
        "match('docsis.*', option[60].hex)",
        "ifelse(option[60].exists, 0x01, 1.2.3.4) + sifelse(option[1].exists, 'a', 'b')",
        "ifelse(option[1].exists, 0x01, addrtotext(1.2.3.4)) + int8totext(option[61].hex)",
        "split(option[60].hex, '.', 2) + split('', '.', 1) + split('x', '', 1) + split('x', '.', 9)",
        "lcase('A') + ucase('a') + hexstring(pkt4.mac, ':') + uint32totext(pkt4.msgtype)",
        "int16totext('ab') + int32totext(1) + uint8totext('a') + uint16totext('ab')",
        "pkt.iface + pkt4.giaddr",
        "vendor[4491].exists and vendor-class[4491].exists",
        "vendor[9].exists or vendor-class[9].exists",
        "vendor[4491].option[1].hex + vendor[9].option[1].hex + vendor.enterprise",
        "vendor-class[4491].data + vendor-class[*].data[1] + vendor-class.enterprise",
        "int16totext(option[61].hex)",
    ] {
        report.push_str(&traced(V4, text, &packet));
    }
    for text in ["vendor[9].option[1].exists", "vendor-class[*].exists", "vendor.enterprise"] {
        report.push_str(&traced(V4, text, &Facts::default()));
    }
    let text = "relay6[0].linkaddr + relay6[-1].peeraddr + pkt6.transid";
    report.push_str(&traced(V6, text, &Facts::default()));
    insta::assert_snapshot!(report);
}

#[test]
fn steps_are_collected_as_lines() {
    let mut trace = TextTrace { label: "class1".to_owned(), ..TextTrace::default() };
    let test = condition(V4, "'a\n' == 'b'").err();
    assert!(test.is_some());
    let test = condition(V4, "option[60].hex == 'b'").unwrap();
    let packet = Facts::default().with(60, b"a\n");
    assert_eq!(test.evaluate_traced(&packet, &mut Scratch::new(), &mut trace), Ok(false));
    assert_eq!(
        trace.text,
        "class1: option[60] has the value 0x610A\n\
         class1: string 'b'\n\
         class1: 0x610A equal to 0x62 is false\n"
    );
}

#[test]
fn tables_of_this_crate_are_well_named() {
    assert!(kea_log::misnamed(&[crate::messages::MESSAGES]).is_empty());
}
