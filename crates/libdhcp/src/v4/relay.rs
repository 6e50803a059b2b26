//! Sub-options in one-byte code, one-byte length form: option 82, 43 and the blocks of 125.

/// Body of option 82 (RFC 3046).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayAgentInformation<'a> {
    bytes: &'a [u8],
}

impl<'a> RelayAgentInformation<'a> {
    /// Takes the body of the option as it is.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The whole body, as it is echoed to the relay.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// First sub-option with this code.
    #[must_use]
    #[inline]
    pub fn sub_option(&self, code: u8) -> Option<&'a [u8]> {
        self.sub_options().find(|(found, _)| *found == code).map(|(_, body)| body)
    }

    /// All sub-options in order.
    #[must_use]
    #[inline]
    pub const fn sub_options(&self) -> SubOptions<'a> {
        SubOptions::new(self.bytes)
    }
}

/// Iterator over sub-options; it ends at the first one whose length is a lie.
#[derive(Clone, Debug)]
pub struct SubOptions<'a> {
    rest: &'a [u8],
}

impl<'a> SubOptions<'a> {
    /// Iterates over the sub-options in `bytes`. Codes 0 and 255 have no special meaning (RFC 3046
    /// 2.0).
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that were not read; not empty after the end when a length was a lie.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for SubOptions<'a> {
    type Item = (u8, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let [code, len, rest @ ..] = self.rest else { return None };
        let (body, rest) = rest.split_at_checked(usize::from(*len))?;
        self.rest = rest;
        Some((*code, body))
    }
}

#[cfg(test)]
mod tests {
    use super::RelayAgentInformation;

    #[test]
    fn lying_length_ends_the_list() {
        let information = RelayAgentInformation::new(&[1, 2, 9, 9, 5, 4, 1, 2, 3]);
        let mut sub_options = information.sub_options();
        assert_eq!(sub_options.next(), Some((1, &[9, 9][..])));
        assert_eq!(sub_options.next(), None);
        assert_eq!(sub_options.rest().len(), 5);
        assert_eq!(information.sub_option(5), None);
        assert_eq!(RelayAgentInformation::new(&[5]).sub_option(5), None);
        assert_eq!(RelayAgentInformation::new(&[5, 0]).sub_option(5), Some(&[][..]));
    }
}
