use super::{
    Added, EncodedOption, OptionFlags, OptionSet, OptionSet6, OptionSetBuilder, OptionSetError,
    OptionSetForm,
};
use crate::Universe;
use crate::definition::{CustomDefinition, CustomShape, Definitions};

fn builder<S: OptionSetForm>(values: &[(&str, u16, &[u8])]) -> OptionSetBuilder<S> {
    let mut builder = OptionSetBuilder::new();
    for (space, code, body) in values {
        builder.add(space, *code, body.to_vec(), OptionFlags::default()).unwrap();
    }
    builder
}

/// Compiles options with the standard definitions.
fn built<S: OptionSetForm>(values: &[(&str, u16, &[u8])]) -> S {
    builder(values).build(&Definitions::new(S::UNIVERSE)).unwrap()
}

fn tlv6(set: &OptionSet6, code: u16) -> Option<&[u8]> {
    set.get(code).map(|option| option.tlv())
}

fn tlv(set: &OptionSet, code: u8) -> Option<&[u8]> {
    set.get(code).map(|option: EncodedOption<'_>| option.tlv())
}

#[test]
fn options_are_found_and_sorted_and_the_first_wins() {
    let mut builder = builder(&[("dhcp4", 200, &[1]), ("dhcp4", 3, &[2]), ("dhcp4", 3, &[9])]);
    let always = OptionFlags { always_send: true, never_send: false };
    builder.add("dhcp4", 64, vec![], always).unwrap();
    let set: OptionSet = builder.build(&Definitions::new(Universe::V4)).unwrap();
    assert_eq!(set.iter().map(|option| option.code()).collect::<Vec<_>>(), [3, 64, 200]);
    assert_eq!(tlv(&set, 3), Some(&[3, 1, 2][..]));
    assert_eq!(tlv(&set, 64), Some(&[64, 0][..]));
    assert_eq!((tlv(&set, 4), set.len()), (None, 3));
    assert_eq!(set.always_send_codes().iter().collect::<Vec<_>>(), [64]);
}

#[test]
fn sub_options_follow_their_option() {
    let set: OptionSet = built(&[
        ("dhcp4", 43, &[]),
        ("vendor-encapsulated-options-space", 2, &[7]),
        ("vendor-encapsulated-options-space", 1, &[8, 9]),
        ("dhcp4", 125, &[0, 0, 0x11, 0x8b]),
        ("vendor-4491", 2, &[10, 0, 0, 1]),
        ("vendor-9", 1, &[1]),
    ]);
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
    let chain = builder::<OptionSet>(&[("dhcp4", 224, &[]), ("a", 224, &[]), ("b", 1, &[5])]);
    let set = chain.build(&definitions).unwrap();
    assert_eq!(tlv(&set, 224), Some(&[224, 5, 224, 3, 1, 1, 5][..]));
    let circle = builder::<OptionSet>(&[("dhcp4", 224, &[]), ("a", 224, &[]), ("b", 224, &[])]);
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

#[test]
fn v6_options_are_found_and_sorted_and_the_first_wins() {
    let mut builder = builder::<OptionSet6>(&[("dhcp6", 4000, &[1]), ("dhcp6", 23, &[2; 16])]);
    let always = OptionFlags { always_send: true, never_send: false };
    let never = OptionFlags { always_send: false, never_send: true };
    builder.add("dhcp6", 23, vec![3], OptionFlags::default()).unwrap();
    builder.add("dhcp6", 7, vec![255], always).unwrap();
    builder.add("dhcp6", 87, vec![], never).unwrap();
    let set: OptionSet6 = builder.build(&Definitions::new(Universe::V6)).unwrap();
    assert_eq!(set.codes().collect::<Vec<_>>(), [7, 23, 87, 4000]);
    assert!(set.iter().map(|option| option.code()).eq(set.codes()));
    assert_eq!(tlv6(&set, 7), Some(&[0, 7, 0, 1, 255][..]));
    assert_eq!(set.get(23).unwrap().body(), [2; 16]);
    assert_eq!((tlv6(&set, 87), set.get(87).unwrap().body()), (Some(&[0, 87, 0, 0][..]), &[][..]));
    assert_eq!(tlv6(&set, 4000), Some(&[0x0f, 0xa0, 0, 1, 1][..]));
    // 24 is not in the filter; 4000 + 64 and 7 + 64 are.
    for absent in [0, 24, 4064, 71, 65535] {
        assert!(!set.contains(absent) && set.get(absent).is_none(), "{absent}");
    }
    assert_eq!(set.always_send_codes(), [7]);
    assert!(set.get(87).unwrap().never_send() && !set.get(23).unwrap().never_send());
    assert_eq!((set.len(), set.is_empty(), OptionSet6::default().is_empty()), (4, false, true));
}

#[test]
fn v6_sub_options_follow_their_option() {
    let set: OptionSet6 = built(&[
        ("dhcp6", 17, &[0, 0, 0x11, 0x8b]),
        ("vendor-4491", 33, b"cfg"),
        ("vendor-4491", 1026, &[1]),
        ("vendor-opts-space", 1, &[9]),
        ("vendor-9", 1, &[1]),
        ("dhcp6", 94, &[]),
        ("s46-cont-mape-options", 89, &[7; 9]),
        ("s46-rule-options", 93, &[6, 8, 1, 0]),
        ("dhcp6", 56, &[]),
        ("v6-ntp-server-suboptions", 1, &[5; 16]),
    ]);
    let vendor = [&[0, 17, 0, 16, 0, 0, 0x11, 0x8b, 0, 33, 0, 3][..], b"cfg", &[4, 2, 0, 1, 1]];
    assert_eq!(tlv6(&set, 17), Some(&vendor.concat()[..]));
    let rule = [&[0, 94, 0, 21, 0, 89, 0, 17][..], &[7; 9], &[0, 93, 0, 4, 6, 8, 1, 0]].concat();
    assert_eq!(tlv6(&set, 94), Some(&rule[..]));
    assert_eq!(set.get(56).unwrap().body(), [&[0, 1, 0, 16][..], &[5; 16]].concat());
    assert_eq!(set.vendors().collect::<Vec<_>>(), [9, 4491]);
    let vendor = set.vendor(4491).unwrap();
    assert_eq!((tlv6(vendor, 1026), vendor.len()), (Some(&[4, 2, 0, 1, 1][..]), 2));
    assert!(set.vendor(1).is_none());
    // Without options of the enterprise those of the general space follow.
    let set: OptionSet6 = built(&[("dhcp6", 17, &[0, 0, 0, 8]), ("vendor-opts-space", 1, &[9])]);
    assert_eq!(set.get(17).unwrap().body(), [0, 0, 0, 8, 0, 1, 0, 1, 9]);
}

#[test]
fn long_v6_sets_are_found_as_short_ones_are() {
    assert_eq!((size_of::<OptionSet6>(), align_of::<OptionSet6>()), (128, 64));
    for count in [1_u16, 2, 5, 8, 9, 10, 100, 1000] {
        let mut builder = OptionSetBuilder::<OptionSet6>::new();
        let codes = (1..=count).map(|code| code * 65);
        for code in codes.clone() {
            let body = code.to_be_bytes()[..1].to_vec();
            builder.add("dhcp6", code, body, OptionFlags::default()).unwrap();
        }
        let set: OptionSet6 = builder.build(&Definitions::new(Universe::V6)).unwrap();
        assert!(set.codes().eq(codes.clone()) && set.iter().count() == usize::from(count));
        for code in codes {
            assert_eq!(set.get(code).unwrap().body(), [(code >> 8) as u8]);
            assert!(!set.contains(code + 64));
        }
    }
}

#[test]
fn v6_limits_hold_on_both_sides() {
    let mut builder = OptionSetBuilder::<OptionSet6>::new();
    let flags = OptionFlags::default();
    assert!(builder.add("dhcp6", 1, vec![0; 65535], flags).is_ok());
    assert!(builder.add("dhcp6", 2, vec![0; 65536], flags).is_err());
    assert!(builder.add("own", 0, vec![0; 65535], flags).is_ok());
    assert!(builder.add("own", 1, vec![0; 65536], flags).is_err());
    let error = builder.add("dhcp6", 0, vec![], flags).unwrap_err();
    assert_eq!(error.to_string(), "option code 0 of space 'dhcp6' is not between 1 and 65535");
    assert!(builder.add("dhcp6", 65535, vec![], flags).is_ok());
    builder.add("dhcp6", 17, vec![0; 4], flags).unwrap();
    builder.add("vendor-0", 1, vec![0; 65535 - 8], flags).unwrap();
    let definitions = Definitions::new(Universe::V6);
    assert_eq!(builder.build(&definitions).unwrap().get(17).unwrap().body().len(), 65535);
    builder.add("vendor-0", 2, vec![], flags).unwrap();
    let error = builder.build(&definitions).unwrap_err();
    assert!(matches!(
        error,
        OptionSetError::TooLong { code: 17, len_max: 65535, found: 65539, .. }
    ));
}

const NO_FLAGS: OptionFlags = OptionFlags { always_send: false, never_send: false };
const ALWAYS: OptionFlags = OptionFlags { always_send: true, never_send: false };
const NEVER: OptionFlags = OptionFlags { always_send: false, never_send: true };

#[test]
fn entries_for_classes_come_first_and_those_for_all_are_the_rest() {
    let mut builder = OptionSetBuilder::<OptionSet>::new();
    let mut add = |code, value, flags, classes: &[u32]| {
        builder.add_for("dhcp4", code, vec![value], flags, classes).unwrap()
    };
    assert_eq!(add(15, 1, NO_FLAGS, &[7]), Added::Used);
    assert_eq!(add(15, 2, NO_FLAGS, &[]), Added::Used);
    assert_eq!(add(15, 3, NO_FLAGS, &[]), Added::Hidden);
    assert_eq!(add(15, 4, NEVER, &[8, 70]), Added::Used);
    assert_eq!(add(16, 5, ALWAYS, &[8]), Added::Used);
    let set: OptionSet = builder.build(&Definitions::new(Universe::V4)).unwrap();
    let value = |code, classes: &[u32]| {
        set.get_for(code, |class| classes.contains(&class)).map(|option| option.tlv()[2])
    };
    assert_eq!([&[][..], &[1], &[7], &[8], &[70], &[70, 7]].map(|of| value(15, of)), {
        [2, 2, 1, 4, 4, 1].map(Some)
    });
    assert_eq!((value(16, &[]), value(16, &[8]), value(17, &[8])), (None, Some(5), None));
    // Flags count whoever the entry is for.
    assert_eq!(set.codes().iter().collect::<Vec<_>>(), [15, 16]);
    assert_eq!(set.always_send_codes().iter().collect::<Vec<_>>(), [16]);
    assert_eq!(set.never_send_codes().iter().collect::<Vec<_>>(), [15]);
    assert_eq!((set.len(), set.is_empty()), (1, false));
}

#[test]
fn v6_entries_for_classes_come_first() {
    let mut builder = OptionSetBuilder::<OptionSet6>::new();
    builder.add_for("dhcp6", 2000, vec![1], ALWAYS, &[3]).unwrap();
    builder.add_for("dhcp6", 2000, vec![2], NEVER, &[4]).unwrap();
    builder.add_for("vendor-9", 5, vec![3], ALWAYS, &[3]).unwrap();
    let set: OptionSet6 = builder.build(&Definitions::new(Universe::V6)).unwrap();
    let value =
        |of: u32| set.get_for(2000, |class| class == of).map(|option| option.body().to_vec());
    assert_eq!([2, 3, 4].map(value), [None, Some(vec![1]), Some(vec![2])]);
    assert_eq!((set.always_send_codes(), set.never_send_codes()), (&[2000][..], &[2000][..]));
    let vendor = set.vendor(9).unwrap();
    assert!(vendor.get(5).is_none() && vendor.get_for(5, |class| class == 3).is_some());
    assert_eq!((vendor.always_send_codes(), set.is_empty()), (&[5][..], false));
}

#[test]
fn options_with_enterprise_numbers_occur_once_for_each() {
    let mut builder = builder::<OptionSet>(&[
        ("dhcp4", 124, &[0, 0, 0, 1, 1, b'a']),
        ("dhcp4", 124, &[0, 0, 0, 2, 1, b'b']),
        ("dhcp4", 125, &[0, 0, 0, 9]),
    ]);
    let again = builder.add("dhcp4", 124, vec![0, 0, 0, 1, 1, b'c'], NO_FLAGS);
    assert_eq!(again, Ok(Added::Hidden));
    builder.add_for("dhcp4", 124, vec![0, 0, 0, 3, 1, b'd'], NO_FLAGS, &[5]).unwrap();
    let set: OptionSet = builder.build(&Definitions::new(Universe::V4)).unwrap();
    let values = |of: u32| {
        set.each_for(124, |class| class == of).map(|option| option.tlv()[7]).collect::<Vec<_>>()
    };
    assert_eq!((values(5), values(6)), (b"dab".to_vec(), b"ab".to_vec()));
    // Without options of the enterprise there is nothing behind the number but the length.
    assert_eq!(tlv(&set, 125), Some(&[125, 5, 0, 0, 0, 9, 0][..]));
    let set: OptionSet6 =
        built(&[("dhcp6", 17, &[0, 0, 0, 9]), ("dhcp6", 17, &[0, 0, 0, 8]), ("dhcp6", 7, &[1])]);
    let bodies: Vec<_> = set.each_for(17, |_| false).map(|option| option.body()[3]).collect();
    assert_eq!(bodies, [9, 8]);
    for (code, body) in [(124, &[0, 0, 0, 9][..]), (124, b"text"), (125, &[0, 0, 0, 9, 2, 1])] {
        let error = builder.add("dhcp4", code, body.to_vec(), NO_FLAGS).unwrap_err();
        assert_eq!(error, OptionSetError::Enterprise { code });
    }
}

//= RFC 5908 section 4
#[test]
fn ntp_servers_are_as_many_as_configured() {
    let set: OptionSet6 = built(&[
        ("dhcp6", 56, &[]),
        ("v6-ntp-server-suboptions", 1, &[5; 16]),
        ("v6-ntp-server-suboptions", 3, &[1, b'a', 0]),
        ("v6-ntp-server-suboptions", 1, &[6; 16]),
    ]);
    let expected =
        [&[0, 1, 0, 16][..], &[5; 16], &[0, 1, 0, 16], &[6; 16], &[0, 3, 0, 3, 1, b'a', 0]];
    assert_eq!(set.get(56).unwrap().body(), expected.concat());
}
