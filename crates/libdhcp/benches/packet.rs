//! Time and allocations of reading a query and writing its reply.

use std::net::{Ipv4Addr, Ipv6Addr};

use divan::{AllocProfiler, Bencher, black_box};
use libdhcp::definition::Definitions;
use libdhcp::v4::{Builder, MessageType, OptionSink, SpanTable, View, Weight, code};
use libdhcp::v6;
use libdhcp::{HardwareAddress, OptionFlags, OptionSet, OptionSet6, OptionSetBuilder, Universe};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// A relayed REQUEST of 300 bytes as dhclient sends it.
fn request() -> Vec<u8> {
    let client = HardwareAddress::ethernet([2, 0, 0, 1, 2, 3]);
    let mut buffer = vec![0; 300];
    let mut builder = Builder::request(&mut buffer, MessageType::Request, 7, client).unwrap();
    builder.set_giaddr(Ipv4Addr::new(10, 0, 0, 1));
    builder.option_addr(code::SERVER_IDENTIFIER, Ipv4Addr::new(10, 0, 0, 2)).unwrap();
    builder.option_addr(code::REQUESTED_ADDRESS, Ipv4Addr::new(10, 0, 0, 99)).unwrap();
    builder.option(code::HOST_NAME, b"host").unwrap();
    builder.option(code::CLIENT_IDENTIFIER, &[1, 2, 0, 0, 1, 2, 3]).unwrap();
    let wanted = [1, 28, 2, 3, 15, 6, 12];
    builder.option(code::PARAMETER_REQUEST_LIST, &wanted).unwrap();
    builder.option(code::RELAY_AGENT_INFORMATION, &[1, 4, 9, 9, 9, 9]).unwrap();
    let _ = builder.finish();
    buffer
}

fn subnet_options() -> OptionSet {
    let mut builder = OptionSetBuilder::new();
    for (code, body) in [
        (3, &[10, 0, 0, 1][..]),
        (6, &[10, 0, 0, 3, 10, 0, 0, 4]),
        (15, b"example.org"),
        (28, &[10, 0, 255, 255]),
    ] {
        builder.add("dhcp4", code, body.to_vec(), OptionFlags::default()).unwrap();
    }
    builder.build(&Definitions::new(Universe::V4)).unwrap()
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let bytes = request();
    let mut spans = SpanTable::new();
    bencher.bench_local(|| View::parse(black_box(&bytes), &mut spans).unwrap().option_codes());
}

#[divan::bench]
fn parse_and_typed_access(bencher: Bencher<'_, '_>) {
    let bytes = request();
    let mut spans = SpanTable::new();
    bencher.bench_local(|| {
        let view = View::parse(black_box(&bytes), &mut spans).unwrap();
        let read = (
            view.message_type(),
            view.server_identifier(),
            view.requested_address(),
            view.client_identifier(),
            view.hardware_address(),
            view.link_selection(),
            view.parameter_request_list(),
        );
        let _ = black_box(read);
    });
}

#[divan::bench]
fn build_reply(bencher: Bencher<'_, '_>) {
    let bytes = request();
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    let options = subnet_options();
    let mut buffer = [0; 1472];
    bencher.bench_local(|| {
        let mut sink = OptionSink::new();
        collect(&mut sink, &view, &options);
        write(&mut sink, &view, &mut buffer)
    });
}

#[divan::bench]
fn build_reply_collect(bencher: Bencher<'_, '_>) {
    let bytes = request();
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    let options = subnet_options();
    bencher.bench_local(|| {
        let mut sink = OptionSink::new();
        collect(&mut sink, &view, &options);
        black_box(&sink).encoded_len()
    });
}

#[inline(always)]
fn collect<'o>(sink: &mut OptionSink<'o>, view: &View<'o>, options: &'o OptionSet) {
    sink.add_u8(code::MESSAGE_TYPE, MessageType::Ack as u8);
    sink.add_addr(code::SERVER_IDENTIFIER, Ipv4Addr::new(10, 0, 0, 2));
    sink.add_u32(code::LEASE_TIME, 3600);
    sink.add_u32(code::RENEWAL_TIME, 900);
    sink.add_u32(code::REBINDING_TIME, 1800);
    sink.add_u32(code::SUBNET_MASK, 0xffff_0000);
    for code in [code::CLIENT_IDENTIFIER, code::RELAY_AGENT_INFORMATION] {
        if let Some(body) = view.option(code) {
            sink.add_bytes(code, body, Weight::Essential);
        }
    }
    for wanted in black_box(view.parameter_request_list()) {
        if let Some(option) = options.get(*wanted) {
            sink.add_encoded(option);
        }
    }
}

#[inline(always)]
fn write(sink: &mut OptionSink<'_>, view: &View<'_>, buffer: &mut [u8]) -> usize {
    let mut builder = Builder::reply(buffer, view).unwrap();
    builder.set_yiaddr(Ipv4Addr::new(10, 0, 0, 99));
    builder.write(sink).unwrap();
    builder.finish()
}

#[divan::bench]
fn option_lookup(bencher: Bencher<'_, '_>) {
    let options = subnet_options();
    bencher.bench_local(|| options.get(black_box(15)).map(|option| option.tlv().len()));
}

const ADDRESS6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x99);

/// A REQUEST for an address and a prefix, relayed twice.
fn request6() -> Vec<u8> {
    let mut message = Vec::new();
    let id = [1, 2, 3];
    let mut writer = v6::Writer::message(&mut message, v6::MessageType::Request, id, 1500).unwrap();
    writer.put_option(v6::code::CLIENTID, &[0, 1, 0, 1, 9, 9, 9, 9, 2, 0, 0, 1, 2, 3]).unwrap();
    writer.put_option(v6::code::SERVERID, &[0, 3, 0, 1, 2, 0, 0, 9, 9, 9]).unwrap();
    writer.put_u16(v6::code::ELAPSED_TIME, 0).unwrap();
    writer.put_option(v6::code::ORO, &[0, 23, 0, 24, 0, 31, 0, 56, 0, 82]).unwrap();
    put_associations(&mut writer);
    writer.finish();
    for hop_count in 0..2 {
        let header = v6::RelayHeader {
            message_type: v6::MessageType::RelayForw,
            hop_count,
            link_address: ADDRESS6,
            peer_address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
        };
        let mut outer = Vec::new();
        let mut writer = v6::Writer::relay(&mut outer, &header, 1500).unwrap();
        writer.put_option(v6::code::INTERFACE_ID, b"ge-0/0/1.100").unwrap();
        writer.put_option(v6::code::RELAY_MSG, &message).unwrap();
        writer.finish();
        message = outer;
    }
    message
}

#[inline(always)]
fn put_associations(writer: &mut v6::Writer<'_>) {
    let times = v6::IaTimes { t1: 900, t2: 1800 };
    let lifetimes = v6::Lifetimes { preferred: 3600, valid: 7200 };
    writer.begin_ia(v6::IaKind::Na, 1, times).unwrap();
    writer.put_ia_address(ADDRESS6, lifetimes).unwrap();
    writer.end_option();
    writer.begin_ia(v6::IaKind::Pd, 1, times).unwrap();
    writer.put_ia_prefix(ADDRESS6, 56, lifetimes).unwrap();
    writer.end_option();
}

fn subnet_options6() -> OptionSet6 {
    let mut builder = OptionSetBuilder::new();
    for (code, body) in
        [(23, vec![1; 32]), (24, b"\x07example\x03org\x00".to_vec()), (82, vec![0; 4])]
    {
        builder.add("dhcp6", code, body, OptionFlags::default()).unwrap();
    }
    builder.build(&Definitions::new(Universe::V6)).unwrap()
}

#[divan::bench]
fn v6_parse(bencher: Bencher<'_, '_>) {
    let bytes = request6();
    let mut spans = v6::SpanTable::new();
    bencher
        .bench_local(|| v6::View::parse(black_box(&bytes), &mut spans).unwrap().transaction_id());
}

#[divan::bench]
fn v6_parse_and_typed_access(bencher: Bencher<'_, '_>) {
    let bytes = request6();
    let mut spans = v6::SpanTable::new();
    bencher.bench_local(|| {
        let view = v6::View::parse(black_box(&bytes), &mut spans).unwrap();
        let relay = view.nearest_client_relay().unwrap();
        let read = (
            (view.message_type(), view.count(v6::code::CLIENTID), view.count(v6::code::SERVERID)),
            (view.client_id().is_ok(), view.server_id().is_ok(), view.rapid_commit()),
            (relay.link_address(), relay.interface_id(), relay.client_link_layer_address()),
        );
        let _ = black_box(read);
        for ia in view.ias().flatten() {
            let _ = black_box((ia.iaid, ia.addresses().next(), ia.prefixes().next()));
        }
    });
}

#[divan::bench]
fn v6_write_reply(bencher: Bencher<'_, '_>) {
    let bytes = request6();
    let mut spans = v6::SpanTable::new();
    let view = v6::View::parse(&bytes, &mut spans).unwrap();
    let options = subnet_options6();
    let mut arena = Vec::with_capacity(1500);
    bencher.bench_local(|| {
        arena.clear();
        let mut writer =
            v6::Writer::reply(&mut arena, &view, v6::MessageType::Reply, 1500).unwrap();
        for code in [v6::code::CLIENTID, v6::code::SERVERID] {
            writer.put_option(code, view.option(code).unwrap()).unwrap();
        }
        put_associations(&mut writer);
        for wanted in black_box(view.requested_options()) {
            if let Some(option) = options.get(wanted)
                && !writer.contains(wanted)
            {
                writer.put_encoded(option).unwrap();
            }
        }
        writer.finish()
    });
}

#[divan::bench]
fn v6_option_lookup(bencher: Bencher<'_, '_>) {
    let options = subnet_options6();
    bencher.bench_local(|| options.get(black_box(24)).map(|option| option.tlv().len()));
}
