use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::TRANSACTION;
use crate::v6::{
    Ia, IaKind, IaTimes, Lifetimes, MessageType, RelayHeader, SpanTable, View, Writer, code,
};

/// An address, or a prefix where it has a length.
type Item = (u128, u8, u32, u32);

#[derive(Clone, Debug, PartialEq)]
struct Association {
    kind: IaKind,
    iaid: u32,
    t1: u32,
    t2: u32,
    items: Vec<Item>,
}

type Bodies = Vec<(u16, Vec<u8>)>;

fn any_association() -> impl Strategy<Value = Association> {
    let kind = prop::sample::select(vec![IaKind::Na, IaKind::Ta, IaKind::Pd]);
    let items =
        prop::collection::vec((any::<u128>(), 0..=128_u8, any::<u32>(), any::<u32>()), 0..4);
    (kind, any::<u32>(), any::<u32>(), any::<u32>(), items).prop_map(
        |(kind, iaid, t1, t2, mut items)| {
            if kind != IaKind::Pd {
                items.iter_mut().for_each(|item| item.1 = 0);
            }
            let (t1, t2) = if kind == IaKind::Ta { (0, 0) } else { (t1, t2) };
            Association { kind, iaid, t1, t2, items }
        },
    )
}

fn any_bodies() -> impl Strategy<Value = Bodies> {
    let body = prop::collection::vec(any::<u8>(), 0..40);
    // Codes that neither the message inside nor associations have.
    prop::collection::vec((prop_oneof![27..64_u16, 100..65535_u16], body), 0..6)
}

fn write_association(writer: &mut Writer<'_>, association: &Association) {
    let Association { kind, iaid, t1, t2, items } = association;
    writer.begin_ia(*kind, *iaid, IaTimes { t1: *t1, t2: *t2 }).unwrap();
    for &(address, len, preferred, valid) in items {
        let (address, lifetimes) = (Ipv6Addr::from(address), Lifetimes { preferred, valid });
        match kind {
            IaKind::Pd => writer.put_ia_prefix(address, len, lifetimes).unwrap(),
            _ => writer.put_ia_address(address, lifetimes).unwrap(),
        }
    }
    writer.end_option();
}

fn read_association(ia: &Ia<'_>) -> Association {
    let addresses = ia.addresses().map(|address| {
        let address = address.unwrap();
        (u128::from(address.address), 0, address.preferred, address.valid)
    });
    let prefixes = ia.prefixes().map(|prefix| {
        let prefix = prefix.unwrap();
        (u128::from(prefix.prefix), prefix.len, prefix.preferred, prefix.valid)
    });
    let items = addresses.chain(prefixes).collect();
    Association { kind: ia.kind, iaid: ia.iaid, t1: ia.t1, t2: ia.t2, items }
}

fn owned<'a>(options: impl Iterator<Item = (u16, &'a [u8])>) -> Bodies {
    options.map(|(code, body)| (code, body.to_vec())).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        associations in prop::collection::vec(any_association(), 0..5),
        bodies in any_bodies(),
        relays in prop::collection::vec((any::<u8>(), any::<u128>(), any::<u128>(), any_bodies()), 0..4),
    ) {
        let mut datagram = Vec::new();
        let mut writer =
            Writer::message(&mut datagram, MessageType::Request, TRANSACTION, 65000).unwrap();
        bodies.iter().for_each(|(code, body)| writer.put_option(*code, body).unwrap());
        associations.iter().for_each(|association| write_association(&mut writer, association));
        writer.finish();
        // The first relay of the list is the outermost.
        for (hop_count, link, peer, options) in relays.iter().rev() {
            let header = RelayHeader {
                message_type: MessageType::RelayForw,
                hop_count: *hop_count,
                link_address: Ipv6Addr::from(*link),
                peer_address: Ipv6Addr::from(*peer),
            };
            let mut outer = Vec::new();
            let mut writer = Writer::relay(&mut outer, &header, 65000).unwrap();
            options.iter().for_each(|(code, body)| writer.put_option(*code, body).unwrap());
            writer.put_option(code::RELAY_MSG, &datagram).unwrap();
            writer.finish();
            datagram = outer;
        }

        let mut spans = SpanTable::new();
        let view = View::parse(&datagram, &mut spans).unwrap();
        prop_assert_eq!(view.message_type(), Some(MessageType::Request));
        prop_assert_eq!(view.transaction_id(), TRANSACTION);
        let is_ia = |code: u16| IaKind::from_code(code).is_some();
        prop_assert_eq!(owned(view.all_options().filter(|(code, _)| !is_ia(*code))), bodies);
        let read = view.ias().map(|ia| read_association(&ia.unwrap()));
        prop_assert_eq!(read.collect::<Vec<_>>(), associations);
        let read = view.relays().map(|relay| {
            let options = relay.all_options().filter(|(code, _)| *code != code::RELAY_MSG);
            let (link, peer) = (relay.link_address(), relay.peer_address());
            (relay.hop_count(), u128::from(link), u128::from(peer), owned(options))
        });
        prop_assert_eq!(read.collect::<Vec<_>>(), relays);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut spans = SpanTable::new();
        let _ = View::parse(&bytes, &mut spans).map(|view| view.ias().count());
    }
}
