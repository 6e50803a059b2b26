//! Typed access to the options of a [`View`].
//!
//! Each accessor judges its option at the moment of use: `Ok(None)` when it does not occur, `Err`
//! with an explanation when its body is wrong. Where an option occurs more often than it may, the
//! first one counts; [`View::count`] tells how many there are.

use crate::v6::ia::Ias;
use crate::v6::label::ClientLabel;
use crate::v6::vendor::{self, VendorClass, VendorOptions};
use crate::v6::{View, code};
use crate::{Duid, DuidError, HardwareAddress};

impl<'a> View<'a> {
    /// Option 1.
    ///
    /// # Errors
    /// When it is no valid DUID.
    #[inline]
    pub fn client_id(&self) -> Result<Option<Duid<'a>>, DuidError> {
        self.option(code::CLIENTID).map(Duid::new).transpose()
    }

    /// Option 2.
    ///
    /// # Errors
    /// When it is no valid DUID.
    #[inline]
    pub fn server_id(&self) -> Result<Option<Duid<'a>>, DuidError> {
        self.option(code::SERVERID).map(Duid::new).transpose()
    }

    /// Codes in option 6, none when it does not occur; a single byte at its end does not count.
    #[must_use]
    #[inline]
    pub fn requested_options(&self) -> RequestedOptions<'a> {
        RequestedOptions::new(self.option(code::ORO).unwrap_or_default())
    }

    /// Option 8, in hundredths of seconds.
    ///
    /// # Errors
    /// When it is not two bytes.
    #[inline]
    pub fn elapsed_time(&self) -> Result<Option<u16>, OptionError> {
        Ok(self.fixed_option(code::ELAPSED_TIME, "2")?.map(u16::from_be_bytes))
    }

    /// True when option 14 occurs, whatever it holds.
    #[must_use]
    #[inline]
    pub fn rapid_commit(&self) -> bool {
        self.has_option(code::RAPID_COMMIT)
    }

    /// Option 13: number of the code, and text.
    ///
    /// # Errors
    /// When it has fewer than two bytes.
    pub fn status(&self) -> Result<Option<(u16, &'a [u8])>, OptionError> {
        match self.option(code::STATUS_CODE) {
            None => Ok(None),
            Some([high, low, text @ ..]) => Ok(Some((u16::from_be_bytes([*high, *low]), text))),
            Some(short) => Err(OptionError::Length {
                code: code::STATUS_CODE,
                expected: "at least 2",
                found: short.len(),
            }),
        }
    }

    /// Option 39: flags and the name in wire form.
    ///
    /// # Errors
    /// When it has no byte at all.
    pub fn client_fqdn(&self) -> Result<Option<(u8, &'a [u8])>, OptionError> {
        match self.option(code::CLIENT_FQDN) {
            None => Ok(None),
            Some([flags, name @ ..]) => Ok(Some((*flags, name))),
            Some(empty) => Err(OptionError::Length {
                code: code::CLIENT_FQDN,
                expected: "at least 1",
                found: empty.len(),
            }),
        }
    }

    /// The identity associations in their order, at most [`Ias::MAX`].
    #[must_use]
    #[inline]
    pub fn ias(&self) -> Ias<'a> {
        Ias::new(self.all_options())
    }

    /// All instances of option 17.
    #[inline]
    pub fn vendor_options(&self) -> impl Iterator<Item = VendorOptions<'a>> + use<'a> {
        vendor::vendor_options(self.all_options())
    }

    /// All instances of option 16.
    #[inline]
    pub fn vendor_classes(&self) -> impl Iterator<Item = VendorClass<'a>> + use<'a> {
        vendor::vendor_classes(self.all_options())
    }

    /// The client as log messages name it; its hardware address is not in the message itself.
    #[must_use]
    pub fn label(&self, hardware_address: Option<HardwareAddress>) -> ClientLabel<'a> {
        ClientLabel {
            duid: self.option(code::CLIENTID),
            hardware_address,
            transaction_id: self.transaction_id(),
        }
    }

    #[inline]
    fn fixed_option<const N: usize>(
        &self,
        code: u16,
        expected: &'static str,
    ) -> Result<Option<[u8; N]>, OptionError> {
        match self.option(code).map(|body| (body.try_into(), body.len())) {
            None => Ok(None),
            Some((Ok(array), _)) => Ok(Some(array)),
            Some((Err(_), found)) => Err(OptionError::Length { code, expected, found }),
        }
    }
}

/// Iterator over the codes that an option request lists.
#[derive(Clone, Debug)]
pub struct RequestedOptions<'a>(std::slice::Iter<'a, [u8; 2]>);

impl<'a> RequestedOptions<'a> {
    /// Iterates over the codes in `bytes`, such as the option request of a vendor; a single byte at
    /// the end does not count.
    #[must_use]
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.as_chunks().0.iter())
    }
}

impl Iterator for RequestedOptions<'_> {
    type Item = u16;

    #[inline]
    fn next(&mut self) -> Option<u16> {
        self.0.next().map(|code| u16::from_be_bytes(*code))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for RequestedOptions<'_> {}

/// What is wrong with the body of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Wrong number of bytes.
    #[error("option {code} has {found} bytes, expected {expected}")]
    Length {
        /// Number of the option.
        code: u16,
        /// What would be right.
        expected: &'static str,
        /// Length in the packet.
        found: usize,
    },
}
