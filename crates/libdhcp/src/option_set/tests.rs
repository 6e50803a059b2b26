use super::{EncodedOption, OptionFlags, OptionSet, OptionSetBuilder, OptionSetError};
use crate::Universe;
use crate::definition::{CustomDefinition, CustomShape, Definitions};

fn builder(values: &[(&str, u16, &[u8])]) -> OptionSetBuilder {
    let mut builder = OptionSetBuilder::new();
    for (space, code, body) in values {
        builder.add(space, *code, body.to_vec(), OptionFlags::default()).unwrap();
    }
    builder
}

fn tlv(set: &OptionSet, code: u8) -> Option<&[u8]> {
    set.get(code).map(|option: EncodedOption<'_>| option.tlv())
}

#[test]
fn options_are_found_and_sorted_and_the_first_wins() {
    let mut builder = builder(&[("dhcp4", 200, &[1]), ("dhcp4", 3, &[2]), ("dhcp4", 3, &[9])]);
    let always = OptionFlags { always_send: true, never_send: false };
    builder.add("dhcp4", 64, vec![], always).unwrap();
    let set = builder.build(&Definitions::new(Universe::V4)).unwrap();
    assert_eq!(set.iter().map(|option| option.code()).collect::<Vec<_>>(), [3, 64, 200]);
    assert_eq!(tlv(&set, 3), Some(&[3, 1, 2][..]));
    assert_eq!(tlv(&set, 64), Some(&[64, 0][..]));
    assert_eq!((tlv(&set, 4), set.len()), (None, 3));
    assert_eq!(set.always_send_codes().iter().collect::<Vec<_>>(), [64]);
}

#[test]
fn sub_options_follow_their_option() {
    let set = builder(&[
        ("dhcp4", 43, &[]),
        ("vendor-encapsulated-options-space", 2, &[7]),
        ("vendor-encapsulated-options-space", 1, &[8, 9]),
        ("dhcp4", 125, &[0, 0, 0x11, 0x8b]),
        ("vendor-4491", 2, &[10, 0, 0, 1]),
        ("vendor-9", 1, &[1]),
    ])
    .build(&Definitions::new(Universe::V4))
    .unwrap();
    assert_eq!(tlv(&set, 43), Some(&[43, 7, 1, 2, 8, 9, 2, 1, 7][..]));
    let expected = [125, 11, 0, 0, 0x11, 0x8b, 6, 2, 4, 10, 0, 0, 1];
    assert_eq!(tlv(&set, 125), Some(&expected[..]));
    assert_eq!(set.vendors().collect::<Vec<_>>(), [9, 4491]);
    assert_eq!(tlv(set.vendor(9).unwrap(), 1), Some(&[1, 1, 1][..]));
    assert!(set.vendor(1).is_none());
}

#[test]
fn long_sets_are_found_as_short_ones_are() {
    assert_eq!((size_of::<OptionSet>(), align_of::<OptionSet>()), (128, 64));
    for body_len in (0..80).chain([254, 255, 256, 4096]) {
        let mut builder = OptionSetBuilder::new();
        let codes = [1, 63, 64, 254];
        let flags = |code| OptionFlags { always_send: code == 63, never_send: code == 254 };
        for code in codes {
            let body = vec![code as u8; if code == 64 { body_len } else { 1 }];
            builder.add("dhcp4", code, body, flags(code)).unwrap();
        }
        let set: OptionSet = builder.build(&Definitions::new(Universe::V4)).unwrap();
        for code in codes {
            let option = set.get(code as u8).unwrap();
            let body = option.body().flatten().copied().collect::<Vec<_>>();
            let len = if code == 64 { body_len } else { 1 };
            assert_eq!(body, vec![code as u8; len], "{code} {body_len}");
            assert_eq!(option.code(), code as u8);
            assert_eq!(option.always_send(), code == 63);
            assert_eq!(option.never_send(), code == 254);
        }
        assert_eq!((set.iter().count(), set.clone() == set), (4, true));
    }
}

#[test]
fn spaces_in_a_circle_are_refused() {
    let mut definitions = Definitions::new(Universe::V4);
    for (space, inner) in [("dhcp4", "a"), ("a", "b"), ("b", "a")] {
        let shape = CustomShape { encapsulates: inner, ..CustomShape::default() };
        let custom = CustomDefinition::new(space, 224, "own", "empty", shape).unwrap();
        definitions.add(custom).unwrap();
    }
    let chain = builder(&[("dhcp4", 224, &[]), ("a", 224, &[]), ("b", 1, &[5])]);
    let set = chain.build(&definitions).unwrap();
    assert_eq!(tlv(&set, 224), Some(&[224, 5, 224, 3, 1, 1, 5][..]));
    let circle = builder(&[("dhcp4", 224, &[]), ("a", 224, &[]), ("b", 224, &[])]);
    assert!(matches!(circle.build(&definitions), Err(OptionSetError::TooDeep { .. })));
}

#[test]
fn limits_hold_on_both_sides() {
    let mut builder = OptionSetBuilder::<OptionSet>::new();
    let flags = OptionFlags::default();
    assert!(builder.add("dhcp4", 1, vec![0; 4096], flags).is_ok());
    assert!(builder.add("dhcp4", 2, vec![0; 4097], flags).is_err());
    assert!(builder.add("own", 1, vec![0; 255], flags).is_ok());
    assert!(builder.add("own", 2, vec![0; 256], flags).is_err());
    for code in [0, 255, 256] {
        let error = builder.add("dhcp4", code, vec![], flags).unwrap_err();
        assert!(matches!(error, OptionSetError::Code { found, .. } if found == code));
    }
    assert!(builder.add("dhcp4", 254, vec![], flags).is_ok());
    builder.add("dhcp4", 125, vec![0; 4], flags).unwrap();
    builder.add("vendor-0", 1, vec![0; 255], flags).unwrap();
    let error = builder.build(&Definitions::new(Universe::V4)).unwrap_err();
    assert!(matches!(error, OptionSetError::TooLong { code: 125, len_max: 255, found: 257, .. }));
}
