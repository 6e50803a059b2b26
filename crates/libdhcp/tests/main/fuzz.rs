use libdhcp::OptionCodes;
use libdhcp::data::{Universe, format_option, validate};
use libdhcp::option_defs;
use libdhcp::v4::{
    Builder, MAGIC_COOKIE, Message, MessageType, OPTIONS_OFFSET, SpanTable, SubOptions,
    VendorBlocks, View,
};

/// Calls everything a server may call on a received packet.
fn use_everything(view: &View<'_>) {
    let _ = (view.op(), view.htype(), view.hlen(), view.raw_hlen(), view.hops(), view.xid());
    let _ = (view.secs(), view.flags(), view.ciaddr(), view.yiaddr(), view.siaddr());
    let _ = (view.chaddr(), view.hardware_address(), view.sname(), view.file());
    let _ = (view.message_type(), view.requested_address(), view.server_identifier());
    let _ = (view.parameter_request_list(), view.link_selection(), view.subnet_selection());
    let _ = (view.lease_time(), view.max_message_size(), view.host_name(), view.client_fqdn());
    let _ = (view.vendor_class_identifier(), view.user_class(), view.label().to_string());
    if let Ok(Some(client_id)) = view.client_identifier() {
        let _ = (client_id.duid(), client_id.iaid(), client_id.to_string());
    }
    for code in 0..=255 {
        let body = view.option(code);
        assert_eq!(body.is_some(), view.has_option(code));
        let definition = option_defs::by_code(Universe::V4, "dhcp4", u16::from(code));
        if let Some(body) = body {
            let _ = format_option(definition, body, Universe::V4);
            let _ = definition.map(|definition| validate(definition, body, Universe::V4));
            let _ = SubOptions::new(body).count();
            let _ = VendorBlocks::new(body).map(|block| block.sub_options().count()).sum::<usize>();
        }
    }
}

/// Every fragment must turn up, and joining must lose nothing.
fn check_joining(view: &View<'_>) {
    let seen: OptionCodes = view.fragments().map(|(code, _)| code).collect();
    assert_eq!(seen, view.option_codes());
    for code in seen {
        let of_code = || view.fragments().filter(|(found, _)| *found == code);
        let joined: Vec<u8> = of_code().flat_map(|(_, body)| body.iter().copied()).collect();
        assert_eq!(view.option(code), Some(joined.as_slice()));
        assert_eq!(view.first_fragment(code), of_code().next().map(|(_, body)| body));
    }
}

/// A packet that was taken over and written must read the same.
fn check_rewriting(view: &View<'_>) {
    let message = Message::from(view);
    let bytes = message.to_bytes().expect("a view has no option with a reserved code");
    let mut spans = SpanTable::new();
    match View::parse(&bytes, &mut spans) {
        // Option 52 may have been the only one.
        Err(_) => assert_eq!(message.options().count(), 0),
        Ok(again) => assert_eq!(Message::from(&again), message),
    }
}

fn check(bytes: &[u8], spans: &mut SpanTable) {
    if let Ok(view) = View::parse(bytes, spans) {
        use_everything(&view);
        check_joining(&view);
        check_rewriting(&view);
        let mut buffer = [0; 1500];
        let mut builder = Builder::reply(&mut buffer, &view).expect("the buffer is large enough");
        for (code, body) in view.fragments() {
            let _ = builder.option(code, body);
        }
        let len = builder.finish();
        assert!(len <= buffer.len());
    }
}

#[test]
fn arbitrary_bytes_never_panic() {
    let mut spans = SpanTable::new();
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| check(bytes, &mut spans));
}

#[test]
fn arbitrary_options_never_panic() {
    let mut spans = SpanTable::new();
    bolero::check!().with_iterations(20_000).with_max_len(1200).for_each(|bytes: &[u8]| {
        // A valid start, then the input as header fields and options.
        let (fields, options) = bytes.split_at(bytes.len().min(60));
        let mut packet = vec![0; OPTIONS_OFFSET];
        packet[44..44 + fields.len()].copy_from_slice(fields);
        packet[108..108 + fields.len()].copy_from_slice(fields);
        packet[0] = 1;
        packet[2] = bytes.first().copied().unwrap_or(6);
        packet[236..].copy_from_slice(&MAGIC_COOKIE);
        packet.extend_from_slice(&[52, 1, 1 + bytes.len() as u8 % 3]);
        packet.extend_from_slice(options);
        check(&packet, &mut spans);
        // The same without overload.
        packet.drain(OPTIONS_OFFSET..OPTIONS_OFFSET + 3);
        check(&packet, &mut spans);
    });
}

#[test]
fn every_cut_and_every_changed_byte_of_a_packet_is_harmless() {
    let client = libdhcp::HardwareAddress::ethernet([2, 0, 0, 0, 0, 1]);
    let mut buffer = [0; 700];
    let mut builder =
        Builder::request(&mut buffer, MessageType::Request, 1, client).expect("large enough");
    for (code, body) in [(61, &[1, 2, 3][..]), (52, &[3]), (43, &[7; 300]), (82, &[1, 1, 1])] {
        builder.option(code, body).expect("large enough");
    }
    let len = builder.finish();
    let mut spans = SpanTable::new();
    for cut in 0..=len {
        check(&buffer[..cut], &mut spans);
    }
    for at in 0..len {
        for value in [0, 1, 2, 52, 127, 254, 255] {
            let before = std::mem::replace(&mut buffer[at], value);
            check(&buffer[..len], &mut spans);
            buffer[at] = before;
        }
    }
}
