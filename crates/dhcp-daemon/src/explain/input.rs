//! What is to be explained: a capture, a file of digits, digits on the command line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::capture;

/// Largest file of digits.
const TEXT_BYTES_MAX: u64 = 4 << 20;
/// How a file begins that `gzip` has compressed.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What an argument of `--explain` stands for.
pub(crate) enum Input {
    /// A file of captured frames, from its beginning on.
    Capture {
        /// Its name.
        name: String,
        /// Its bytes.
        bytes: Box<dyn Read + Send>,
    },
    /// A packet.
    Packet(Vec<u8>),
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// A compressed capture.
    #[error(
        "{name} is compressed; decompress it first, for instance with 'gzip -dc {name} | ... --explain -'"
    )]
    Compressed {
        /// The file.
        name: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {name}: {source}")]
    Io {
        /// The file.
        name: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A file that is neither a capture nor text.
    #[error("{name} is neither a pcap or pcapng file nor hexadecimal digits: {reason}")]
    File {
        /// The file.
        name: String,
        /// What is wrong with it as text.
        reason: HexError,
    },
    /// An argument that is neither a file nor digits.
    #[error("'{argument}' is no file, and no packet in hexadecimal digits either: {reason}")]
    Argument {
        /// The argument, shortened.
        argument: String,
        /// What is wrong with it as text.
        reason: HexError,
    },
}

/// Why text is no packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HexError {
    /// Something else than a digit.
    #[error("found '{}' in line {line}", found.escape_default())]
    Digit {
        /// The character.
        found: char,
        /// Its line, from 1 on.
        line: usize,
    },
    /// Nothing.
    #[error("there are no digits")]
    Empty,
    /// A group of digits that does not come out even.
    #[error("'{group}' in line {line} has an odd number of digits")]
    Odd {
        /// The group, shortened.
        group: String,
        /// Its line, from 1 on.
        line: usize,
    },
}

/// Finds out what an argument stands for; `-` is the standard input.
pub(crate) fn open(argument: &str) -> Result<Input, InputError> {
    if argument == "-" {
        return read("the standard input", Box::new(io::stdin()));
    }
    match File::open(argument) {
        Ok(file) => read(argument, Box::new(file)),
        Err(source) => match parse_hex(argument) {
            Ok(packet) => Ok(Input::Packet(packet)),
            // What looks like a path is one.
            Err(_) if source.kind() != io::ErrorKind::NotFound || is_path(argument) => {
                Err(InputError::Io { name: argument.to_owned(), source })
            }
            Err(reason) => Err(InputError::Argument { argument: shortened(argument), reason }),
        },
    }
}

fn is_path(argument: &str) -> bool {
    let path = Path::new(argument);
    argument.contains('/') || path.extension().is_some_and(|ending| !ending.is_empty())
}

fn read(name: &str, mut bytes: Box<dyn Read + Send>) -> Result<Input, InputError> {
    let io_error = |source| InputError::Io { name: name.to_owned(), source };
    let mut begin = Vec::new();
    bytes.by_ref().take(capture::MAGIC_LEN as u64).read_to_end(&mut begin).map_err(io_error)?;
    if capture::is_capture(&begin) {
        let bytes = Box::new(io::Cursor::new(begin).chain(bytes));
        return Ok(Input::Capture { name: name.to_owned(), bytes });
    }
    if begin.starts_with(&GZIP) {
        return Err(InputError::Compressed { name: name.to_owned() });
    }
    bytes.take(TEXT_BYTES_MAX).read_to_end(&mut begin).map_err(io_error)?;
    let text = String::from_utf8_lossy(&begin);
    let packet = parse_hex(&text);
    packet.map(Input::Packet).map_err(|reason| InputError::File { name: name.to_owned(), reason })
}

/// Reads digits: with or without blanks, colons and commas between them, and `0x` before them. Lines that begin with `#`
/// are comments. A lone digit is a byte.
pub(crate) fn parse_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with('#') {
            continue;
        }
        let is_between = |character: char| character.is_whitespace() || ":,;".contains(character);
        for group in text.split(is_between).filter(|group| !group.is_empty()) {
            let digits = group.strip_prefix("0x").or(group.strip_prefix("0X")).unwrap_or(group);
            push_group(digits, line, &mut bytes)?;
        }
    }
    if bytes.is_empty() { Err(HexError::Empty) } else { Ok(bytes) }
}

fn push_group(digits: &str, line: usize, bytes: &mut Vec<u8>) -> Result<(), HexError> {
    let digit = |found: char| {
        found.to_digit(16).map(|digit| digit as u8).ok_or(HexError::Digit { found, line })
    };
    let nibbles = digits.chars().map(digit).collect::<Result<Vec<u8>, _>>()?;
    match nibbles.as_slice() {
        [byte] => bytes.push(*byte),
        nibbles if nibbles.len() % 2 == 0 => {
            let (pairs, _) = nibbles.as_chunks();
            bytes.extend(pairs.iter().map(|[high, low]| high << 4 | low));
        }
        _ => return Err(HexError::Odd { group: shortened(digits), line }),
    }
    Ok(())
}

/// The beginning of a text, for a message.
fn shortened(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn digits_are_read_in_every_usual_form() {
        for text in ["010203", "01 02 03", "01:02:03", "0x010203", "0x01, 0x02, 0x03", "1:2:3"] {
            assert_eq!(parse_hex(text), Ok(vec![1, 2, 3]), "{text}");
        }
        assert_eq!(parse_hex("# a comment\n0102 \n\n 03\n"), Ok(vec![1, 2, 3]));
        assert_eq!(parse_hex("aB Cd"), Ok(vec![0xab, 0xcd]));
    }

    #[test]
    fn other_text_is_refused_with_the_place() {
        let error = |text| parse_hex(text).unwrap_err().to_string();
        assert_eq!(error("01\n0z"), "found 'z' in line 2");
        assert_eq!(error("01 020"), "'020' in line 1 has an odd number of digits");
        assert_eq!(error(" "), "there are no digits");
        assert_eq!(error("0x"), "there are no digits");
    }

    fn error_of(argument: &str) -> String {
        match open(argument) {
            Ok(_) => panic!("{argument} is accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn argument_is_a_file_or_digits() {
        assert!(matches!(open("0102"), Ok(Input::Packet(packet)) if packet == [1, 2]));
        assert_eq!(
            error_of("hello"),
            "'hello' is no file, and no packet in hexadecimal digits either: found 'h' in line 1"
        );
        let missing = error_of("/nowhere/x.pcap");
        assert!(missing.starts_with("cannot read /nowhere/x.pcap: "), "{missing}");
        assert!(error_of("x.pcap").starts_with("cannot read x.pcap: "));
    }

    #[test]
    fn files_are_told_apart_by_their_beginning() {
        let file = |content: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content).unwrap();
            file
        };
        let open = |file: &tempfile::NamedTempFile| open(file.path().to_str().unwrap());
        assert!(matches!(open(&file(b"01 02\n")), Ok(Input::Packet(packet)) if packet == [1, 2]));
        let capture = file(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        let Ok(Input::Capture { mut bytes, .. }) = open(&capture) else { panic!("no capture") };
        let mut whole = Vec::new();
        bytes.read_to_end(&mut whole).unwrap();
        assert_eq!(whole.len(), 8, "nothing is lost by looking");
        let compressed = file(&[0x1f, 0x8b, 8, 0]);
        assert!(matches!(open(&compressed), Err(InputError::Compressed { .. })));
        let Err(error) = open(&file(b"\0\x01\x02garbage")) else { panic!("garbage is accepted") };
        assert!(error.to_string().contains("is neither a pcap or pcapng file nor"), "{error}");
        assert!(matches!(open(&file(b"")), Err(InputError::File { reason: HexError::Empty, .. })));
    }
}
