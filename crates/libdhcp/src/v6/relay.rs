//! The relay messages around a client's message (RFC 8415 section 9).

use std::net::Ipv6Addr;

use crate::HardwareAddress;
use crate::v6::spans::{OptionSpans, Span, SpanTable};
use crate::v6::vendor::{VendorOptions, vendor_options};
use crate::v6::{Options, RELAY_HEADER_LEN, code};

/// One relay message of a datagram: what its header says and the options the relay added.
#[derive(Clone, Copy, Debug)]
pub struct Relay<'a> {
    header: &'a [u8; RELAY_HEADER_LEN],
    packet: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Relay<'a> {
    #[inline]
    pub(super) fn new(packet: &'a [u8], spans: &'a SpanTable, index: usize) -> Option<Self> {
        let (at, spans) = spans.relay(index)?;
        let header = packet.get(at..)?.first_chunk()?;
        Some(Self { header, packet, spans })
    }

    /// Number of relays between this one and the client.
    #[must_use]
    #[inline]
    pub fn hop_count(&self) -> u8 {
        self.header[1]
    }

    /// Address that says on which link the client is; `::` when the relay does not know.
    #[must_use]
    #[inline]
    pub fn link_address(&self) -> Ipv6Addr {
        self.address::<2>()
    }

    /// Address that the message came to the relay from.
    #[must_use]
    #[inline]
    pub fn peer_address(&self) -> Ipv6Addr {
        self.address::<18>()
    }

    /// Body of the relay's first option with this code.
    #[must_use]
    #[inline]
    pub fn option(&self, code: u16) -> Option<&'a [u8]> {
        self.all_options().first(code)
    }

    /// All options of the relay in their order, the message inside among them.
    #[must_use]
    #[inline]
    pub fn all_options(&self) -> OptionSpans<'a> {
        OptionSpans::new(self.packet, self.spans)
    }

    /// Option 18 as it is.
    #[must_use]
    #[inline]
    pub fn interface_id(&self) -> Option<&'a [u8]> {
        self.option(code::INTERFACE_ID)
    }

    /// Option 37: enterprise number and identifier; `None` also when it is too short.
    #[must_use]
    pub fn remote_id(&self) -> Option<(u32, &'a [u8])> {
        let (enterprise, id) = self.option(code::REMOTE_ID)?.split_first_chunk()?;
        Some((u32::from_be_bytes(*enterprise), id))
    }

    /// Option 38 as it is.
    #[must_use]
    #[inline]
    pub fn subscriber_id(&self) -> Option<&'a [u8]> {
        self.option(code::SUBSCRIBER_ID)
    }

    /// Option 79: the client's link-layer address as the relay saw it; `None` also when there is no
    /// address in it, or a longer one than any link layer has.
    #[must_use]
    pub fn client_link_layer_address(&self) -> Option<HardwareAddress> {
        let (htype, address) = self.option(code::CLIENT_LINKLAYER_ADDR)?.split_first_chunk()?;
        let address = HardwareAddress::new(u16::from_be_bytes(*htype), address);
        address.filter(|address| !address.is_empty())
    }

    /// Option 66: the options that the relay supplies for the client; none when it does not occur.
    #[must_use]
    #[inline]
    pub fn supplied_options(&self) -> Options<'a> {
        Options::new(self.option(code::RSOO).unwrap_or_default())
    }

    /// Option 135: the UDP port that answers go to; `None` also when it is not two bytes.
    #[must_use]
    #[inline]
    pub fn source_port(&self) -> Option<u16> {
        let port = self.option(code::RELAY_SOURCE_PORT)?;
        port.try_into().ok().map(u16::from_be_bytes)
    }

    /// All instances of option 17.
    #[inline]
    pub fn vendor_options(&self) -> impl Iterator<Item = VendorOptions<'a>> + use<'a> {
        vendor_options(self.all_options())
    }

    #[inline(always)]
    fn address<const AT: usize>(&self) -> Ipv6Addr {
        const { assert!(AT + 16 <= RELAY_HEADER_LEN) };
        let octets: [u8; 16] = std::array::from_fn(|index| self.header[AT + index]);
        Ipv6Addr::from(octets)
    }
}

/// Iterator over the relay messages of a datagram, outermost first; from the back it begins with the
/// relay nearest the client.
#[derive(Clone, Debug)]
pub struct Relays<'a> {
    packet: &'a [u8],
    spans: &'a SpanTable,
    left: std::ops::Range<usize>,
}

impl<'a> Relays<'a> {
    #[inline]
    pub(super) fn new(packet: &'a [u8], spans: &'a SpanTable) -> Self {
        Self { packet, spans, left: 0..spans.relay_count() }
    }
}

impl<'a> Iterator for Relays<'a> {
    type Item = Relay<'a>;

    #[inline]
    fn next(&mut self) -> Option<Relay<'a>> {
        Relay::new(self.packet, self.spans, self.left.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl DoubleEndedIterator for Relays<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        Relay::new(self.packet, self.spans, self.left.next_back()?)
    }
}

impl ExactSizeIterator for Relays<'_> {}
