use std::net::Ipv6Addr;

use super::{message, option, with_view};
use crate::v6::{
    IaAddresses, IaError, IaKind, IaPrefixes, Ias, MessageType, encode_excluded_prefix,
};

fn address(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// Lifetimes 100 and 200.
const LIFETIMES: [u8; 8] = [0, 0, 0, 100, 0, 0, 0, 200];

fn ia_address(last: u8) -> Vec<u8> {
    let octets = address(&format!("2001:db8::{last:x}")).octets();
    option(5, &[&octets[..], &LIFETIMES].concat())
}

fn ia_prefix(text: &str, len: u8, options: &[u8]) -> Vec<u8> {
    option(26, &[&LIFETIMES, &[len][..], &address(text).octets(), options].concat())
}

fn ia(code: u16, iaid: u8, options: &[u8]) -> Vec<u8> {
    let fixed = [0, 0, 0, iaid, 0, 0, 0, 10, 0, 0, 0, 20];
    let fixed = if code == 4 { &fixed[..4] } else { &fixed[..] };
    option(code, &[fixed, options].concat())
}

#[test]
fn associations_come_in_the_order_of_the_message() {
    let status = option(13, &[0, 3, b'x']);
    let options = [
        ia(3, 1, &[ia_address(1), ia_address(2), status].concat()),
        option(6, &[]),
        ia(25, 1, &ia_prefix("2001:db8:1::", 56, &[])),
        ia(4, 2, &ia_address(3)),
        ia(3, 4, &[]),
    ];
    with_view(&message(MessageType::Request, &options.concat()), |view| {
        let ias: Vec<_> = view.ias().map(Result::unwrap).collect();
        let heads = ias.iter().map(|ia| (ia.kind, ia.iaid, ia.t1, ia.t2));
        let (na, ta, pd) = (IaKind::Na, IaKind::Ta, IaKind::Pd);
        let expected = [(na, 1, 10, 20), (pd, 1, 10, 20), (ta, 2, 0, 0), (na, 4, 10, 20)];
        assert_eq!(heads.collect::<Vec<_>>(), expected);
        let first: Vec<_> = ias[0].addresses().map(Result::unwrap).collect();
        let lifetimes = (first[0].preferred, first[0].valid);
        assert_eq!((first[0].address, lifetimes), (address("2001:db8::1"), (100, 200)));
        assert_eq!((first.len(), ias[0].status()), (2, Some((3, &b"x"[..]))));
        let prefix = ias[1].prefixes().next().unwrap().unwrap();
        assert_eq!((prefix.prefix, prefix.len), (address("2001:db8:1::"), 56));
        assert_eq!((prefix.preferred, prefix.valid), (100, 200));
        assert_eq!(ias[2].addresses().count(), 1);
        assert_eq!((ias[3].addresses().count(), ias[3].status()), (0, None));
    });
}

#[test]
fn options_in_the_wrong_association_are_passed_over() {
    let both = [ia_address(1), ia_prefix("2001:db8:1::", 56, &[]), ia(3, 9, &[])].concat();
    let bytes = [ia(3, 1, &both), ia(25, 1, &both), ia(4, 1, &both), both].concat();
    with_view(&message(MessageType::Request, &bytes), |view| {
        let counts = view.ias().map(|ia| {
            let ia = ia.unwrap();
            (ia.addresses().count(), ia.prefixes().count())
        });
        // The last one lies at the top level, where an address alone is nothing.
        assert_eq!(counts.collect::<Vec<_>>(), [(1, 0), (0, 1), (1, 0), (0, 0)]);
    });
}

#[test]
fn cut_off_associations_are_errors_of_their_own() {
    for (code, expected) in [(3, 12), (4, 4), (25, 12)] {
        for found in 0..=expected {
            let options = [option(code, &vec![0; found]), ia(3, 7, &[])].concat();
            with_view(&message(MessageType::Request, &options), |view| {
                let mut ias = view.ias();
                let error =
                    (found < expected).then_some(IaError::TooShort { code, expected, found });
                assert_eq!(ias.next().unwrap().err(), error);
                assert_eq!(ias.next().unwrap().unwrap().iaid, 7);
                assert!(ias.next().is_none());
            });
        }
    }
}

#[test]
fn cut_off_addresses_and_impossible_prefixes_are_errors_of_their_own() {
    let bad = [option(5, &[0; 23]), ia_address(1), option(5, &[0; 24])].concat();
    let prefixes = [
        option(26, &[0; 24]),
        ia_prefix("2001:db8:1::", 129, &[]),
        ia_prefix("2001:db8:1::", 255, &[]),
        ia_prefix("2001:db8:1::1", 128, &[]),
        ia_prefix("::", 0, &[]),
    ];
    let options = [ia(3, 1, &bad), ia(25, 1, &prefixes.concat())].concat();
    with_view(&message(MessageType::Request, &options), |view| {
        let ias: Vec<_> = view.ias().map(Result::unwrap).collect();
        let mut addresses = ias[0].addresses();
        let error = IaError::TooShort { code: 5, expected: 24, found: 23 };
        assert_eq!(addresses.next(), Some(Err(error)));
        assert_eq!(addresses.next().unwrap().unwrap().address, address("2001:db8::1"));
        assert_eq!(addresses.next().unwrap().unwrap().address, address("::"));
        let found: Vec<_> = ias[1].prefixes().collect();
        assert_eq!(found[0], Err(IaError::TooShort { code: 26, expected: 25, found: 24 }));
        assert_eq!(found[1], Err(IaError::PrefixLength { found: 129 }));
        assert_eq!(found[2], Err(IaError::PrefixLength { found: 255 }));
        assert_eq!(found[3].unwrap().len, 128);
        assert_eq!((found[4].unwrap().prefix, found[4].unwrap().len), (address("::"), 0));
    });
}

#[test]
fn lengths_that_lie_inside_associations_end_their_lists() {
    let mut options = ia(3, 1, &[ia_address(1), ia_address(2)].concat());
    // The second address claims one byte more than the association has.
    let len_at = options.len() - 24 - 1;
    options[len_at] += 1;
    with_view(&message(MessageType::Request, &options), |view| {
        let ia = view.ias().next().unwrap().unwrap();
        assert_eq!(ia.addresses().count(), 1);
    });
}

#[test]
fn numbers_of_items_have_limits() {
    let count = |items: usize, item: &[u8]| {
        let options = [ia(3, 1, &item.repeat(items)), ia(25, 1, &item.repeat(items))].concat();
        with_view(&message(MessageType::Request, &options), |view| {
            let ias: Vec<_> = view.ias().map(Result::unwrap).collect();
            (ias[0].addresses().count(), ias[1].prefixes().count())
        })
    };
    let prefix = ia_prefix("2001:db8::", 64, &[]);
    assert_eq!(count(IaAddresses::MAX, &ia_address(1)).0, IaAddresses::MAX);
    assert_eq!(count(IaAddresses::MAX + 1, &ia_address(1)).0, IaAddresses::MAX);
    assert_eq!(count(IaPrefixes::MAX, &prefix).1, IaPrefixes::MAX);
    assert_eq!(count(IaPrefixes::MAX + 1, &prefix).1, IaPrefixes::MAX);
    for ias in [Ias::MAX - 1, Ias::MAX, Ias::MAX + 1] {
        let bytes = message(MessageType::Request, &ia(3, 1, &[]).repeat(ias));
        with_view(&bytes, |view| assert_eq!(view.ias().count(), ias.min(Ias::MAX)));
    }
}

#[test]
fn excluded_prefix_is_read() {
    let exclude = |outer: u8, body: &[u8]| {
        let options = ia(25, 1, &ia_prefix("2001:db8:1:ff00::", outer, &option(67, body)));
        with_view(&message(MessageType::Request, &options), |view| {
            let ia = view.ias().next().unwrap().unwrap();
            ia.prefixes().next().unwrap().unwrap().excluded_prefix()
        })
    };
    // RFC 6603 section 4.2: 8 bits behind a /56, and 4 bits that are padded.
    assert_eq!(exclude(56, &[64, 0x2a]), Some((address("2001:db8:1:ff2a::"), 64)));
    assert_eq!(exclude(56, &[60, 0xaf]), Some((address("2001:db8:1:ffa0::"), 60)));
    assert_eq!(exclude(0, &[1, 0x80]), Some((address("8000::"), 1)));
    let whole = [&[128][..], &[0xff; 16]].concat();
    assert_eq!(exclude(0, &whole).map(|(_, len)| len), Some(128));
    for body in [&[][..], &[56], &[55, 0], &[64], &[64, 0, 0], &[129; 11], &[255; 26]] {
        assert_eq!(exclude(56, body), None, "{body:?}");
    }
}

#[test]
fn excluded_prefix_is_written_as_it_is_read() {
    let encode = |outer, text, len| encode_excluded_prefix(outer, address(text), len);
    let bytes = |(body, used): ([u8; 17], usize)| body[..used].to_vec();
    assert_eq!(encode(56, "2001:db8:1:ff2a::", 64).map(bytes), Some(vec![64, 0x2a]));
    assert_eq!(encode(56, "2001:db8:1:ffa0::", 60).map(bytes), Some(vec![60, 0xa0]));
    assert_eq!(encode(0, "ffff::", 128).map(|(_, used)| used), Some(17));
    for (outer, len) in [(56, 56), (57, 56), (128, 128), (0, 0), (0, 129), (255, 255)] {
        assert!(encode(outer, "2001:db8::", len).is_none(), "{outer} {len}");
    }
}
