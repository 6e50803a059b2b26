//! Options in two-byte code, two-byte length form: inside IAs, vendor options and what a relay
//! supplies.

/// Iterator over the options in a piece of a message; it ends at the first one whose length is a
/// lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    /// Iterates over the options in `bytes`.
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that were not read; not empty after the end when a length was a lie.
    #[must_use]
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Body of the first of the options that were not read whose code this is.
    #[must_use]
    #[inline]
    pub fn option(self, code: u16) -> Option<&'a [u8]> {
        self.into_iter().find(|(found, _)| *found == code).map(|(_, body)| body)
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (&[a, b, c, d], rest) = self.rest.split_first_chunk()?;
        let (body, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
        self.rest = rest;
        Some((u16::from_be_bytes([a, b]), body))
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn lying_length_ends_the_list() {
        let mut options = Options::new(&[0, 1, 0, 2, 9, 9, 0, 5, 0, 4, 1, 2, 3]);
        assert_eq!(options.option(5), None);
        assert_eq!(options.next(), Some((1, &[9, 9][..])));
        assert_eq!(options.next(), None);
        assert_eq!(options.rest().len(), 7);
        assert_eq!(Options::new(&[0, 5, 0]).option(5), None);
        assert_eq!(Options::new(&[0, 5, 0, 0]).option(5), Some(&[][..]));
    }
}
