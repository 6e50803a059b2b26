//! Options that belong to vendors by enterprise number: vendor class (124) and vendor options (125).
//!
//! Both hold blocks of an enterprise number, a length byte and as many bytes (RFC 3925); one option
//! can carry blocks of several enterprises.

use crate::v4::{SubOptions, View, code};

/// What one enterprise has in option 124 or 125.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorBlock<'a> {
    /// Number of the enterprise.
    pub enterprise: u32,
    /// Class data (124) or sub-options (125).
    pub data: &'a [u8],
}

impl<'a> VendorBlock<'a> {
    /// The data as sub-options.
    #[must_use]
    pub const fn sub_options(&self) -> SubOptions<'a> {
        SubOptions::new(self.data)
    }
}

/// Iterator over the blocks of option 124 or 125; it ends at the first one whose length is a lie.
#[derive(Clone, Debug)]
pub struct VendorBlocks<'a> {
    rest: &'a [u8],
}

impl<'a> VendorBlocks<'a> {
    /// Iterates over the blocks in the body of an option.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that were not read; not empty after the end when a length was a lie.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for VendorBlocks<'a> {
    type Item = VendorBlock<'a>;

    #[inline]
    fn next(&mut self) -> Option<VendorBlock<'a>> {
        let (enterprise, rest) = self.rest.split_first_chunk()?;
        let (len, rest) = rest.split_first()?;
        let (data, rest) = rest.split_at_checked(usize::from(*len))?;
        self.rest = rest;
        Some(VendorBlock { enterprise: u32::from_be_bytes(*enterprise), data })
    }
}

impl<'a> View<'a> {
    /// The blocks of option 124.
    #[must_use]
    #[inline]
    pub fn vendor_classes(&self) -> VendorBlocks<'a> {
        VendorBlocks::new(self.option(code::VIVCO_SUBOPTIONS).unwrap_or_default())
    }

    /// The blocks of option 125.
    #[must_use]
    #[inline]
    pub fn vendor_options(&self) -> VendorBlocks<'a> {
        VendorBlocks::new(self.option(code::VIVSO_SUBOPTIONS).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::{VendorBlock, VendorBlocks};

    #[test]
    fn blocks_of_several_enterprises_are_told_apart() {
        let bytes = [0, 0, 0, 9, 3, 1, 1, 7, 0, 0, 0x11, 0x8b, 0, 0, 0, 0, 1, 4, 1];
        let mut blocks = VendorBlocks::new(&bytes);
        let first = blocks.next().unwrap();
        assert_eq!(first, VendorBlock { enterprise: 9, data: &[1, 1, 7] });
        assert_eq!(first.sub_options().next(), Some((1, &[7][..])));
        assert_eq!(blocks.next(), Some(VendorBlock { enterprise: 4491, data: &[] }));
        // The last one is cut off.
        assert_eq!((blocks.next(), blocks.rest().len()), (None, 6));
    }
}
