use libdhcp::data::{format_option, validate};
use libdhcp::v6::{
    Ia, IaKind, IaTimes, Lifetimes, MalformedError, MessageType, Options, Relay, RelayHeader,
    SpanTable, Tuples, View, Writer, code,
};
use libdhcp::{Universe, option_defs};

/// Calls everything a server may call on a received message.
fn use_everything(view: &View<'_>) {
    let _ = (view.raw_message_type(), view.message_type(), view.transaction_id());
    let _ = (view.client_id(), view.server_id(), view.elapsed_time(), view.rapid_commit());
    let _ = (view.status(), view.client_fqdn(), view.requested_options().count());
    let _ = (view.truncated_at(), view.label(None).to_string());
    if let Ok(Some(duid)) = view.client_id() {
        let _ = (duid.hardware_address(), duid.time_s(), duid.enterprise(), duid.to_string());
    }
    view.ias().flatten().for_each(|ia| use_association(&ia));
    let _ = view.vendor_options().map(|vendor| vendor.options.count()).sum::<usize>();
    let _ = view.vendor_classes().map(|class| class.tuples().count()).sum::<usize>();
    view.relays().for_each(|relay| use_relay(&relay));
    for (code, body) in view.all_options() {
        assert!(view.option(code).is_some() && view.has_option(code));
        assert_eq!(view.option(code), view.options(code).next());
        assert_eq!(view.count(code), view.options(code).count());
        let definition = option_defs::by_code(Universe::V6, "dhcp6", code);
        let _ = format_option(definition, body, Universe::V6);
        let _ = definition.map(|definition| validate(definition, body, Universe::V6));
        let _ = (Options::new(body).count(), Tuples::new(body).count());
    }
}

fn use_association(ia: &Ia<'_>) {
    let _ = (ia.status(), ia.options.count());
    assert!(ia.addresses().flatten().all(|address| address.options.count() <= 65535 / 4));
    for prefix in ia.prefixes().flatten() {
        assert!(prefix.len <= 128);
        if let Some((_, len)) = prefix.excluded_prefix() {
            assert!(prefix.len < len && len <= 128);
        }
    }
}

fn use_relay(relay: &Relay<'_>) {
    let _ = (relay.hop_count(), relay.link_address(), relay.peer_address());
    let _ = (relay.interface_id(), relay.remote_id(), relay.subscriber_id());
    let _ = (relay.client_link_layer_address(), relay.supplied_options().count());
    let _ = (relay.source_port(), relay.vendor_options().count());
    assert!(relay.option(code::RELAY_MSG).is_some(), "the message inside is an option");
}

/// An answer to the message must be read by the relays, and carry what they need.
fn check_answer(view: &View<'_>, out: &mut Vec<u8>) {
    out.clear();
    let Ok(mut writer) = Writer::reply(out, view, MessageType::Reply, 1500) else {
        assert!(out.is_empty());
        return;
    };
    for (code, body) in view.all_options() {
        let _ = writer.put_option(code, body);
    }
    let _ = writer.begin_ia(IaKind::Na, 1, IaTimes::default());
    let _ = writer.put_ia_address(std::net::Ipv6Addr::LOCALHOST, Lifetimes::default());
    let range = writer.finish();
    assert!(range.len() <= 1500);
    let mut spans = SpanTable::new();
    let reply = View::parse_reply(&out[range], &mut spans).expect("what is written is well formed");
    assert_eq!(reply.transaction_id(), view.transaction_id());
    assert!(!reply.is_truncated() && reply.relay_count() == view.relay_count());
    for (to, from) in reply.relays().zip(view.relays()) {
        assert_eq!(to.hop_count(), from.hop_count());
        assert_eq!(
            (to.peer_address(), to.link_address()),
            (from.peer_address(), from.link_address())
        );
        assert_eq!(
            (to.interface_id(), to.source_port()),
            (from.interface_id(), from.source_port())
        );
    }
}

fn check(bytes: &[u8], spans: &mut SpanTable, out: &mut Vec<u8>) {
    if let Ok(view) = View::parse_reply(bytes, spans) {
        use_everything(&view);
    }
    if let Ok(view) = View::parse(bytes, spans) {
        use_everything(&view);
        check_answer(&view, out);
    }
}

/// A datagram with relays from the first bytes of the input and the others as options of the
/// message inside.
fn with_relays(bytes: &[u8]) -> Vec<u8> {
    let (control, options) = bytes.split_at(bytes.len().min(8));
    let mut datagram = [&[control.first().copied().unwrap_or(1), 0, 0, 1], options].concat();
    for (hop_count, fill) in control.iter().enumerate() {
        let header = RelayHeader {
            message_type: MessageType::RelayForw,
            hop_count: hop_count as u8,
            link_address: [*fill; 16].into(),
            peer_address: [0xfe; 16].into(),
        };
        let mut outer = Vec::new();
        let mut writer = Writer::relay(&mut outer, &header, 65000).expect("the header fits");
        let extra = options.get(..usize::from(*fill)).unwrap_or_default();
        writer.put_option(u16::from(*fill), extra).expect("the option fits");
        writer.put_option(code::RELAY_MSG, &datagram).expect("the message fits");
        writer.finish();
        datagram = outer;
    }
    datagram
}

#[test]
fn arbitrary_bytes_never_panic() {
    let (mut spans, mut out) = (SpanTable::new(), Vec::new());
    let mut run = |bytes: &[u8]| check(bytes, &mut spans, &mut out);
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| run(bytes));
}

#[test]
fn arbitrary_options_behind_relays_never_panic() {
    let (mut spans, mut out) = (SpanTable::new(), Vec::new());
    bolero::check!().with_iterations(20_000).with_max_len(1200).for_each(|bytes: &[u8]| {
        let mut datagram = with_relays(bytes);
        check(&datagram, &mut spans, &mut out);
        // The same with a length that lies somewhere.
        let at = bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>() % datagram.len();
        datagram[at] = datagram[at].wrapping_add(1);
        check(&datagram, &mut spans, &mut out);
    });
}

#[test]
fn every_cut_and_every_changed_byte_of_a_packet_is_harmless() {
    let (mut spans, mut out, mut inner) = (SpanTable::new(), Vec::new(), Vec::new());
    let mut writer =
        Writer::message(&mut inner, MessageType::Renew, [1, 2, 3], 1500).expect("large enough");
    let lifetimes = Lifetimes::default();
    let written = writer
        .put_option(code::CLIENTID, &[0, 3, 0, 1, 2, 0, 0, 1, 2, 3])
        .and_then(|()| writer.begin_ia(IaKind::Na, 1, IaTimes::default()))
        .and_then(|()| writer.put_ia_address(std::net::Ipv6Addr::LOCALHOST, lifetimes))
        .map(|()| writer.end_option())
        .and_then(|()| writer.begin_ia(IaKind::Pd, 2, IaTimes::default()))
        .and_then(|()| writer.begin_ia_prefix([0x20; 16].into(), 48, lifetimes))
        .and_then(|()| writer.put_excluded_prefix(48, [0x20; 16].into(), 64));
    assert_eq!(written, Ok(()));
    writer.finish();
    let mut datagram = with_relays(&[5, 0]);
    let tail = datagram.len() - 4;
    datagram.truncate(tail);
    datagram.extend_from_slice(&inner);
    // The two lengths around the message grow with it.
    let grown = inner.len() - 4;
    for at in [34 + 4 + 2, 34 + 4 + 4 + 34 + 4 + 2] {
        let len = usize::from(u16::from_be_bytes([datagram[at], datagram[at + 1]])) + grown;
        datagram[at..at + 2].copy_from_slice(&(len as u16).to_be_bytes());
    }
    assert!(View::parse(&datagram, &mut spans).is_ok_and(|view| view.ias().count() == 2));
    for cut in 0..datagram.len() {
        let error = View::parse(&datagram[..cut], &mut spans).map(|_| ());
        assert!(error.is_err(), "a relay message that is cut off is refused");
        assert_ne!(error, Err(MalformedError::TooManyRelays));
        check(&datagram[..cut], &mut spans, &mut out);
    }
    for cut in 0..inner.len() {
        check(&inner[..cut], &mut spans, &mut out);
    }
    for at in 0..datagram.len() {
        for value in [0, 1, 2, 9, 12, 13, 52, 127, 254, 255] {
            let before = std::mem::replace(&mut datagram[at], value);
            check(&datagram, &mut spans, &mut out);
            datagram[at] = before;
        }
    }
}
