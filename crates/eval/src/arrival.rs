//! What expressions can ask of a packet of either family beside its bytes.

use util::link::Inbound;

use crate::classes::ClassSet;
use crate::context::FieldValue;

/// How a packet arrived, and the classes that it is in.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The datagram.
    pub inbound: &'a Inbound<'a>,
    /// Name of the interface that it arrived on.
    pub interface: &'a str,
    /// The classes that it is in so far.
    pub classes: &'a ClassSet,
}

impl<'a> Arrival<'a> {
    pub(crate) fn source(&self) -> FieldValue<'a> {
        FieldValue::Address(self.inbound.source.ip())
    }

    pub(crate) fn destination(&self) -> FieldValue<'a> {
        FieldValue::Address(self.inbound.destination)
    }

    pub(crate) fn interface(&self) -> FieldValue<'a> {
        FieldValue::Bytes(self.interface.as_bytes())
    }
}
