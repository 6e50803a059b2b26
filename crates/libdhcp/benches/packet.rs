//! Time and allocations of reading a query and writing its reply.

use std::net::Ipv4Addr;

use divan::{AllocProfiler, Bencher, black_box};
use libdhcp::definition::Definitions;
use libdhcp::v4::{Builder, MessageType, OptionSink, SpanTable, View, Weight, code};
use libdhcp::{HardwareAddress, OptionFlags, OptionSet, OptionSetBuilder, Universe};

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
