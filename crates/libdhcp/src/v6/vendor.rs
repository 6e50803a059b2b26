//! Options that belong to vendors: vendor class (16) and vendor options (17).

use crate::v6::{OptionSpans, Options, code};

/// One instance of option 17.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorOptions<'a> {
    /// Number of the enterprise whose options these are.
    pub enterprise: u32,
    /// Its options.
    pub options: Options<'a>,
}

/// One instance of option 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorClass<'a> {
    /// Number of the enterprise.
    pub enterprise: u32,
    /// The tuples as bytes.
    pub data: &'a [u8],
}

impl<'a> VendorClass<'a> {
    /// The tuples of the class.
    #[must_use]
    pub const fn tuples(&self) -> Tuples<'a> {
        Tuples::new(self.data)
    }
}

/// Iterator over tuples of a two-byte length and as many bytes, as options 15 and 16 hold them; it
/// ends at the first one whose length is a lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuples<'a> {
    rest: &'a [u8],
}

impl<'a> Tuples<'a> {
    /// Iterates over the tuples in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Tuples<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.rest.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        self.rest = rest;
        Some(data)
    }
}

/// The instances of option 17 among some options; those too short for their number are left out.
#[inline]
pub(super) fn vendor_options<'a>(
    options: OptionSpans<'a>,
) -> impl Iterator<Item = VendorOptions<'a>> + use<'a> {
    of_enterprises(options, code::VENDOR_OPTS)
        .map(|(enterprise, bytes)| VendorOptions { enterprise, options: Options::new(bytes) })
}

/// The instances of option 16 among some options; those too short for their number are left out.
#[inline]
pub(super) fn vendor_classes<'a>(
    options: OptionSpans<'a>,
) -> impl Iterator<Item = VendorClass<'a>> + use<'a> {
    of_enterprises(options, code::VENDOR_CLASS)
        .map(|(enterprise, data)| VendorClass { enterprise, data })
}

fn of_enterprises<'a>(
    options: OptionSpans<'a>,
    code: u16,
) -> impl Iterator<Item = (u32, &'a [u8])> + use<'a> {
    let bodies = options.filter(move |(found, _)| *found == code).map(|(_, body)| body);
    bodies.filter_map(|body| {
        let (enterprise, rest) = body.split_first_chunk()?;
        Some((u32::from_be_bytes(*enterprise), rest))
    })
}
