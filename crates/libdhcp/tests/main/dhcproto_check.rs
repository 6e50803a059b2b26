use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, Message as Other, MessageType as OtherType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};
use libdhcp::HardwareAddress;
use libdhcp::v4::{Builder, MessageType, SpanTable, View};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_the_builder_writes_the_other_reads(
        xid in any::<u32>(),
        address in any::<u32>(),
        mac in any::<[u8; 6]>(),
        lifetime in any::<u32>(),
        name in "[a-z]{1,60}", wanted in prop::collection::vec(1..=254_u8, 1..60),
    ) {
        let mut buffer = [0; 1500];
        let client = HardwareAddress::ethernet(mac);
        let mut builder = Builder::request(&mut buffer, MessageType::Request, xid, client).unwrap();
        builder.set_ciaddr(Ipv4Addr::from(address));
        builder.set_broadcast(true);
        builder.option_u32(51, lifetime).unwrap();
        builder.option(12, name.as_bytes()).unwrap();
        builder.option_addr(50, Ipv4Addr::from(address)).unwrap();
        builder.option(55, &wanted).unwrap();
        let len = builder.finish();
        let other = Other::decode(&mut Decoder::new(&buffer[..len])).unwrap();
        prop_assert_eq!((other.xid(), other.chaddr()), (xid, &mac[..]));
        prop_assert_eq!(other.ciaddr(), Ipv4Addr::from(address));
        prop_assert!(other.flags().broadcast());
        prop_assert_eq!(other.opts().msg_type(), Some(OtherType::Request));
        let option = |code: u8| other.opts().get(OptionCode::from(code)).cloned();
        prop_assert_eq!(option(51), Some(DhcpOption::AddressLeaseTime(lifetime)));
        prop_assert_eq!(option(12), Some(DhcpOption::Hostname(name)));
        prop_assert_eq!(option(50), Some(DhcpOption::RequestedIpAddress(Ipv4Addr::from(address))));
        let codes = wanted.iter().map(|code| OptionCode::from(*code)).collect();
        prop_assert_eq!(option(55), Some(DhcpOption::ParameterRequestList(codes)));
    }

    #[test]
    fn what_the_other_writes_the_view_reads(
        xid in any::<u32>(), address in any::<u32>(), mac in any::<[u8; 6]>(),
        id in prop::collection::vec(any::<u8>(), 2..255),
        long in prop::collection::vec(any::<u8>(), 1..800),
    ) {
        let address = Ipv4Addr::from(address);
        let mut other = Other::default();
        other.set_xid(xid).set_chaddr(&mac).set_giaddr(address);
        other.opts_mut().insert(DhcpOption::MessageType(OtherType::Discover));
        other.opts_mut().insert(DhcpOption::ClientIdentifier(id.clone()));
        other.opts_mut().insert(DhcpOption::ServerIdentifier(address));
        other.opts_mut().insert(DhcpOption::VendorExtensions(long.clone()));
        let mut bytes = Vec::new();
        other.encode(&mut Encoder::new(&mut bytes)).unwrap();
        let mut spans = SpanTable::new();
        let view = View::parse(&bytes, &mut spans).unwrap();
        prop_assert_eq!((view.xid(), view.giaddr(), view.chaddr()), (xid, address, &mac[..]));
        prop_assert_eq!(view.message_type(), Ok(Some(MessageType::Discover)));
        prop_assert_eq!(view.server_identifier(), Ok(Some(address)));
        prop_assert_eq!(view.client_identifier().unwrap().unwrap().bytes(), &id[..]);
        prop_assert_eq!(view.option(43), Some(&long[..]));
    }
}
