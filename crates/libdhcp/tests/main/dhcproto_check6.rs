use std::net::Ipv6Addr;

use dhcproto::v6::{
    DhcpOption, IAAddr, IANA, IAPD, IAPrefix, Message as Other, MessageType as OtherType,
    OptionCode, RelayMessage,
};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};
use libdhcp::v6::{
    IaKind, IaTimes, Lifetimes, MessageType, RelayHeader, SpanTable, View, Writer, code,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_the_writer_writes_the_other_reads(
        transaction_id in any::<[u8; 3]>(),
        iaid in any::<u32>(),
        address in any::<u128>(),
        (t1, t2, preferred, valid) in any::<(u32, u32, u32, u32)>(),
        len in 0..=128_u8,
        duid in prop::collection::vec(any::<u8>(), 3..130),
        hop_count in any::<u8>(),
    ) {
        let mut message = Vec::new();
        let address = Ipv6Addr::from(address);
        let lifetimes = Lifetimes { preferred, valid };
        let mut writer =
            Writer::message(&mut message, MessageType::Renew, transaction_id, 1500).unwrap();
        writer.put_option(code::CLIENTID, &duid).unwrap();
        writer.begin_ia(IaKind::Na, iaid, IaTimes { t1, t2 }).unwrap();
        writer.put_ia_address(address, lifetimes).unwrap();
        writer.end_option();
        writer.begin_ia(IaKind::Pd, iaid, IaTimes { t1, t2 }).unwrap();
        writer.put_ia_prefix(address, len, lifetimes).unwrap();
        writer.end_option();
        writer.finish();
        let other = Other::decode(&mut Decoder::new(&message)).unwrap();
        prop_assert_eq!((other.msg_type(), other.xid()), (OtherType::Renew, transaction_id));
        let option = |code: u16| other.opts().get(OptionCode::from(code)).cloned();
        prop_assert_eq!(option(1), Some(DhcpOption::ClientId(duid)));
        let Some(DhcpOption::IANA(ia)) = option(3) else { panic!("no IA_NA") };
        prop_assert_eq!((ia.id, ia.t1, ia.t2), (iaid, t1, t2));
        let Some(DhcpOption::IAAddr(found)) = ia.opts.get(OptionCode::IAAddr) else {
            panic!("no address")
        };
        prop_assert_eq!((found.addr, found.preferred_life, found.valid_life), (address, preferred, valid));
        let Some(DhcpOption::IAPD(ia)) = option(25) else { panic!("no IA_PD") };
        let Some(DhcpOption::IAPrefix(found)) = ia.opts.get(OptionCode::IAPrefix) else {
            panic!("no prefix")
        };
        prop_assert_eq!((found.prefix_ip, found.prefix_len), (address, len));

        let header = RelayHeader {
            message_type: MessageType::RelayForw,
            hop_count,
            link_address: address,
            peer_address: address,
        };
        let mut outer = Vec::new();
        let mut writer = Writer::relay(&mut outer, &header, 1500).unwrap();
        writer.put_option(code::INTERFACE_ID, b"eth0").unwrap();
        writer.finish();
        let relay = RelayMessage::decode(&mut Decoder::new(&outer)).unwrap();
        prop_assert_eq!((relay.msg_type(), relay.hop_count()), (OtherType::RelayForw, hop_count));
        prop_assert_eq!((relay.link_addr(), relay.peer_addr()), (address, address));
        let interface_id = relay.opts().get(OptionCode::InterfaceId);
        prop_assert_eq!(interface_id, Some(&DhcpOption::InterfaceId(b"eth0".to_vec())));
    }

    #[test]
    fn what_the_other_writes_the_view_reads(
        transaction_id in any::<[u8; 3]>(),
        iaid in any::<u32>(),
        address in any::<u128>(),
        (t1, t2, preferred, valid) in any::<(u32, u32, u32, u32)>(),
        prefix_len in 0..=128_u8,
        duid in prop::collection::vec(any::<u8>(), 3..130),
    ) {
        let address = Ipv6Addr::from(address);
        let mut other = Other::new_with_id(OtherType::Solicit, transaction_id);
        let mut in_na = dhcproto::v6::DhcpOptions::new();
        let mut in_pd = in_na.clone();
        in_na.insert(DhcpOption::IAAddr(IAAddr {
            addr: address,
            preferred_life: preferred,
            valid_life: valid,
            opts: dhcproto::v6::DhcpOptions::new(),
        }));
        in_pd.insert(DhcpOption::IAPrefix(IAPrefix {
            preferred_lifetime: preferred,
            valid_lifetime: valid,
            prefix_len,
            prefix_ip: address,
            opts: dhcproto::v6::DhcpOptions::new(),
        }));
        other.opts_mut().insert(DhcpOption::ClientId(duid.clone()));
        other.opts_mut().insert(DhcpOption::RapidCommit);
        other.opts_mut().insert(DhcpOption::ElapsedTime(7));
        other.opts_mut().insert(DhcpOption::IANA(IANA { id: iaid, t1, t2, opts: in_na }));
        other.opts_mut().insert(DhcpOption::IAPD(IAPD { id: iaid, t1, t2, opts: in_pd }));
        let mut bytes = Vec::new();
        other.encode(&mut Encoder::new(&mut bytes)).unwrap();
        let mut spans = SpanTable::new();
        let view = View::parse(&bytes, &mut spans).unwrap();
        prop_assert_eq!(view.message_type(), Some(MessageType::Solicit));
        prop_assert_eq!((view.transaction_id(), view.elapsed_time()), (transaction_id, Ok(Some(7))));
        prop_assert_eq!(view.client_id().unwrap().unwrap().bytes(), &duid[..]);
        prop_assert!(view.rapid_commit());
        for ia in view.ias() {
            let ia = ia.unwrap();
            prop_assert_eq!((ia.iaid, ia.t1, ia.t2), (iaid, t1, t2));
            let addresses = ia.addresses().map(|found| found.map(|found| {
                (found.address, found.preferred, found.valid)
            }));
            let prefixes = ia.prefixes().map(|found| found.map(|found| {
                (found.prefix, found.preferred, found.valid)
            }));
            prop_assert!(ia.prefixes().all(|found| found.unwrap().len == prefix_len));
            let found: Vec<_> = addresses.chain(prefixes).collect();
            prop_assert_eq!(found, [Ok((address, preferred, valid))]);
        }
        prop_assert_eq!(view.ias().count(), 2);
    }
}
