//! Message templates of the user (`-T`): the bytes of a file, and the offsets at which they are filled in.
//!
//! A file holds hexadecimal digits and white space. What is filled in, and its offset:
//!
//! | Offset | DHCPv4 | DHCPv6 |
//! |---|---|---|
//! | `-X` | transaction id, 4 bytes | 3 bytes |
//! | `-O` | *end* of the client's hardware address | *end* of its DUID; as many bytes as the number of clients asks for |
//! | `-E` | seconds, 2 bytes | elapsed-time option, with its header |
//! | `-S` | server identifier option, with its header | the same |
//! | `-I` | requested address option, with its header | option IA_NA as the server sent it, with its header |
//!
//! The last three belong to the second template; 0 turns the time off.

/// Longest file of a template.
pub const FILE_LEN_MAX: usize = 64 * 1024;

/// Where a template is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    /// Transaction id.
    pub xid: usize,
    /// Last byte of the client's identity.
    pub random: usize,
    /// Time; `None`: left as it is.
    pub elapsed: Option<usize>,
    /// Server identifier.
    pub server_id: usize,
    /// Address.
    pub address: usize,
}

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The message.
    pub bytes: Vec<u8>,
    /// Where it is filled in.
    pub offsets: Offsets,
}

/// Why a file is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There are no digits in it.
    #[error("the template file is empty")]
    Empty,
    /// A character that is neither a digit nor white space.
    #[error("the character {found:?} at offset {at} is no hexadecimal digit")]
    NotHexadecimal {
        /// The byte.
        found: char,
        /// Its offset.
        at: usize,
    },
    /// An odd number of digits.
    #[error("the number of hexadecimal digits is odd")]
    Odd,
    /// An offset that lies outside of the message.
    #[error("{what} at offset {at} does not fit into a template of {len} bytes")]
    Outside {
        /// What is filled in there.
        what: &'static str,
        /// The offset.
        at: usize,
        /// Length of the template.
        len: usize,
    },
    /// Longer than a message can be.
    #[error("a message has at most {max} bytes, the template has {found}")]
    TooLong {
        /// Bytes of the template.
        found: usize,
        /// Most bytes.
        max: usize,
    },
}

/// Reads the text of a template file.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse(text: &[u8]) -> Result<Vec<u8>, TemplateError> {
    let mut digits = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match util::hex::digit(*byte) {
            Some(digit) => digits.push(digit),
            None if byte.is_ascii_whitespace() => {}
            None => {
                return Err(TemplateError::NotHexadecimal { found: char::from(*byte), at });
            }
        }
    }
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(TemplateError::Odd);
    }
    if pairs.is_empty() {
        return Err(TemplateError::Empty);
    }
    let max = crate::protocol::MESSAGE_LEN_MAX;
    if pairs.len() > max {
        return Err(TemplateError::TooLong { found: pairs.len(), max });
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

impl Template {
    /// Checks that fields of the given lengths fit: what, offset, bytes.
    ///
    /// # Errors
    /// Names the first field that does not fit.
    pub fn check(&self, fields: &[(&'static str, usize, usize)]) -> Result<(), TemplateError> {
        let len = self.bytes.len();
        let outside = fields.iter().find(|(_, at, count)| at.saturating_add(*count) > len);
        match outside {
            Some((what, at, _)) => Err(TemplateError::Outside { what, at: *at, len }),
            None => Ok(()),
        }
    }
}

/// Bytes that numbers of so many clients need: 1 for up to 255, 2 for up to 65,535, and so on.
#[must_use]
pub fn random_len(clients: u32) -> usize {
    (1..4).find(|len| u64::from(clients) < 1 << (8 * len)).unwrap_or(4)
}

#[cfg(test)]
mod tests {
    use super::{TemplateError, parse, random_len};
    use proptest::prelude::*;

    #[test]
    fn spaces_do_not_count() {
        assert_eq!(parse(b"12B4"), Ok(vec![0x12, 0xb4]));
        assert_eq!(parse(b" 1 2\tb 4\n\n"), Ok(vec![0x12, 0xb4]));
    }

    #[test]
    fn bad_files_are_explained() {
        assert_eq!(parse(b" \n"), Err(TemplateError::Empty));
        assert_eq!(parse(b"123"), Err(TemplateError::Odd));
        assert_eq!(parse(b"12 0x"), Err(TemplateError::NotHexadecimal { found: 'x', at: 4 }));
        let long = "00".repeat(crate::protocol::MESSAGE_LEN_MAX + 1);
        assert!(matches!(parse(long.as_bytes()), Err(TemplateError::TooLong { .. })));
        assert!(parse(&long.as_bytes()[2..]).is_ok());
    }

    #[test]
    fn number_of_clients_decides_how_many_bytes_differ() {
        let lens = [1, 255, 256, 65_535, 65_536, 1 << 24, u32::MAX].map(random_len);
        assert_eq!(lens, [1, 1, 2, 2, 3, 4, 4]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&text);
        }

        #[test]
        fn bytes_are_read_back(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
            let text: String = bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
            prop_assert_eq!(parse(text.as_bytes()), Ok(bytes));
        }
    }
}
