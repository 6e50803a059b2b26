//! Tests of the packet layer, with the helpers they share.

mod ia;
mod properties;
mod view;
mod writer;

use super::{MessageType, RelayHeader, SpanTable, View, Writer, code};

const TRANSACTION: [u8; 3] = [0x1a, 0x2b, 0x3c];

/// An option in wire form.
fn option(code: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap();
    [&code.to_be_bytes()[..], &len.to_be_bytes(), body].concat()
}

/// A message of a client followed by raw options.
fn message(message_type: MessageType, options: &[u8]) -> Vec<u8> {
    let [a, b, c] = TRANSACTION;
    [&[message_type as u8, a, b, c], options].concat()
}

/// A RELAY-FORW of the given hop count around a message; `options` lie before it.
fn relayed(hop_count: u8, options: &[u8], inner: &[u8]) -> Vec<u8> {
    let header = relay_header(hop_count);
    let mut out = Vec::new();
    let mut writer = Writer::relay(&mut out, &header, Writer::LEN_MAX).unwrap();
    let options = super::Options::new(options);
    options.for_each(|(code, body)| writer.put_option(code, body).unwrap());
    writer.put_option(code::RELAY_MSG, inner).unwrap();
    writer.finish();
    out
}

fn relay_header(hop_count: u8) -> RelayHeader {
    RelayHeader {
        message_type: MessageType::RelayForw,
        hop_count,
        link_address: [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(hop_count)].into(),
        peer_address: [0xfe80, 0, 0, 0, 0, 0, 0, u16::from(hop_count)].into(),
    }
}

/// A message with so many relays around it.
fn deep(relays: usize, inner: &[u8]) -> Vec<u8> {
    (0..relays).fold(inner.to_vec(), |inner, hop| relayed(hop as u8, &[], &inner))
}

/// Looks at a datagram.
fn with_view<R>(bytes: &[u8], look: impl FnOnce(&View<'_>) -> R) -> R {
    let mut spans = SpanTable::new();
    look(&View::parse(bytes, &mut spans).unwrap())
}
