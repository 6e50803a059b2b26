//! CONFIRM: whether addresses fit the link, without any look at leases.

use libdhcp::v6::MessageType;

use crate::stand::{SMALL, Stand, query};

#[test]
fn addresses_are_judged_by_the_link_alone() {
    let mut stand = Stand::new(SMALL);
    let confirm = |addresses: &[&str]| query(MessageType::Confirm, 1).na(1, addresses);
    let status = |stand: &mut Stand, addresses: &[&str]| stand.answer(&confirm(addresses)).status();
    assert_eq!(status(&mut stand, &["2001:db8:1::77"]), Some(0), "nobody's, but on link");
    assert_eq!(status(&mut stand, &["2001:db8:2::77"]), Some(4));
    assert_eq!(status(&mut stand, &["2001:db8:1::77", "2001:db8:2::77"]), Some(4));
    let two = confirm(&["2001:db8:1::1"]).na(2, &["2001:db8:1::2"]);
    assert_eq!(stand.answer(&two).status(), Some(0));
    assert!(stand.answer(&two).associations().is_empty());
}

#[test]
fn nothing_to_confirm_is_not_answered() {
    let mut stand = Stand::new(SMALL);
    let confirm = query(MessageType::Confirm, 1);
    let reason = "the message names no address to confirm";
    assert_eq!(stand.drop_reason(&confirm), reason);
    assert_eq!(stand.drop_reason(&confirm.clone().na(1, &[])), reason);
    assert_eq!(stand.drop_reason(&confirm.pd(1, &["2001:db8:f000::/56"])), reason);
}

#[test]
fn on_an_unknown_link_nothing_fits() {
    let mut stand = Stand::new(&SMALL.replace("\"lan\"", "\"other\""));
    let confirm = query(MessageType::Confirm, 1).na(1, &["2001:db8:1::77"]);
    assert_eq!(stand.answer(&confirm).status(), Some(4));
}
