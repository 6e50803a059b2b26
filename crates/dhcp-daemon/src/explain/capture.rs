//! Frames of a capture file: pcap of either byte order and resolution, and pcapng.

use std::io::{self, Read};

use pcap_parser::pcapng::Block;
use pcap_parser::{Linktype, PcapBlockOwned, PcapError, create_reader};

/// Bytes by which a capture is known.
pub(crate) const MAGIC_LEN: usize = 4;
/// How captures begin: pcap with micro- and nanoseconds and its modified form, each in both byte orders; pcapng.
const MAGICS: [[u8; MAGIC_LEN]; 7] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xcd, 0x34],
    [0x34, 0xcd, 0xb2, 0xa1],
    [0x0a, 0x0d, 0x0d, 0x0a],
];
/// Room for the largest frame of any link that carries DHCP, and for what a file has between frames.
const BUFFER_LEN: usize = 1 << 20;

/// Why a capture cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    /// The file ends within a frame.
    #[error("the file ends within frame {number}")]
    Cut {
        /// The frame.
        number: u64,
    },
    /// The file is broken, or larger in a part than is sensible.
    #[error("the file is damaged at frame {number}")]
    Damaged {
        /// The frame.
        number: u64,
    },
    /// The system cannot read the file.
    #[error("the file cannot be read beyond frame {number}")]
    Unreadable {
        /// The frame.
        number: u64,
    },
}

/// One captured frame.
pub(crate) struct Frame<'a> {
    /// Its number in the file, from 1 on, as tools for captures count.
    pub number: u64,
    /// The link that it is from.
    pub link: Linktype,
    /// Its bytes, as many as were captured.
    pub bytes: &'a [u8],
}

/// Whether a file that begins so is a capture.
pub(crate) fn is_capture(begin: &[u8]) -> bool {
    MAGICS.iter().any(|magic| begin.starts_with(magic))
}

/// Reads a capture and hands out one frame after the other; returns how many there were.
///
/// # Errors
/// When the file is damaged; the frames before that have been handed out.
pub(crate) fn read(
    bytes: impl Read + Send,
    mut each: impl FnMut(Frame<'_>),
) -> Result<u64, CaptureError> {
    let mut number = 0;
    let reader = create_reader(BUFFER_LEN, Filling(bytes));
    let mut reader = reader.map_err(|error| failed(&error, 1))?;
    // The links of the interfaces of the section, of which pcap has one.
    let mut links = Vec::new();
    loop {
        let error = match reader.next() {
            Ok((len, block)) => {
                let frame = match &block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        links = vec![header.network];
                        None
                    }
                    PcapBlockOwned::Legacy(frame) => Some((0, frame.data, frame.caplen)),
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                        links.clear();
                        None
                    }
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        links.push(interface.linktype);
                        None
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(frame)) => {
                        Some((frame.if_id as usize, frame.data, frame.caplen))
                    }
                    PcapBlockOwned::NG(Block::SimplePacket(frame)) => {
                        Some((0, frame.data, frame.origlen))
                    }
                    PcapBlockOwned::NG(_) => None,
                };
                if let Some((interface, data, captured)) = frame {
                    number += 1;
                    let link = links.get(interface).copied();
                    let link = link.ok_or(CaptureError::Damaged { number })?;
                    // Behind a frame there may be bytes that fill up the block.
                    let bytes = data.get(..captured as usize).unwrap_or(data);
                    each(Frame { number, link, bytes });
                }
                reader.consume(len);
                continue;
            }
            Err(PcapError::Eof) => return Ok(number),
            Err(PcapError::Incomplete(_)) => None,
            Err(error) => Some(failed(&error, number + 1)),
        };
        if let Some(error) = error {
            return Err(error);
        }
        let before = reader.data().len();
        reader.refill().map_err(|error| failed(&error, number + 1))?;
        if reader.data().len() == before && !reader.reader_exhausted() {
            // There is no room for more.
            return Err(CaptureError::Damaged { number: number + 1 });
        }
    }
}

/// Reads as much as is asked for, while there is as much.
struct Filling<R>(R);

impl<R: Read> Read for Filling<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read(rest) {
                Ok(0) => break,
                Ok(len) => filled += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

fn failed<I>(error: &PcapError<I>, number: u64) -> CaptureError {
    match error {
        PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_) => {
            CaptureError::Cut { number }
        }
        PcapError::ReadError => CaptureError::Unreadable { number },
        _ => CaptureError::Damaged { number },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pcap file; `put` writes numbers in its byte order.
    fn pcap(magic: u32, big: bool, frames: &[&[u8]]) -> Vec<u8> {
        let put32 = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let put16 = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut file = put32(magic).to_vec();
        file.extend(put16(2));
        file.extend(put16(4));
        for number in [0, 0, 65_535, 1] {
            file.extend(put32(number));
        }
        for frame in frames {
            for number in [1_800_000_000, 5, frame.len() as u32, frame.len() as u32] {
                file.extend(put32(number));
            }
            file.extend_from_slice(frame);
        }
        file
    }

    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let mut block = kind.to_le_bytes().to_vec();
        let padding = body.len().next_multiple_of(4) - body.len();
        let len = (12 + body.len() + padding) as u32;
        block.extend(len.to_le_bytes());
        block.extend_from_slice(body);
        block.extend(vec![0xee; padding]);
        block.extend(len.to_le_bytes());
        block
    }

    /// A pcapng file with two interfaces, whose frames are told by interface and bytes.
    fn pcapng(frames: &[(u32, &[u8])]) -> Vec<u8> {
        let mut header = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
        header.extend([1, 0, 0, 0]);
        header.extend([0xff; 8]);
        let mut file = block(0x0a0d_0d0a, &header);
        for link in [1_u16, 113] {
            let mut interface = link.to_le_bytes().to_vec();
            interface.extend([0, 0, 0xff, 0xff, 0, 0]);
            file.extend(block(1, &interface));
        }
        for (interface, bytes) in frames {
            let mut frame = interface.to_le_bytes().to_vec();
            for number in [0, 0, bytes.len() as u32, bytes.len() as u32] {
                frame.extend(number.to_le_bytes());
            }
            frame.extend_from_slice(bytes);
            file.extend(block(6, &frame));
        }
        file
    }

    type Read = (u64, i32, Vec<u8>);

    fn frames(file: &[u8]) -> (Vec<Read>, Result<u64, String>) {
        let mut frames = Vec::new();
        let result = read(std::io::Cursor::new(file.to_vec()), |frame| {
            frames.push((frame.number, frame.link.0, frame.bytes.to_vec()));
        });
        (frames, result.map_err(|error| error.to_string()))
    }

    #[test]
    fn every_kind_of_capture_is_read() {
        let expected = vec![(1, 1, b"one".to_vec()), (2, 1, b"three".to_vec())];
        for (magic, big) in
            [(0xa1b2_c3d4, false), (0xa1b2_c3d4, true), (0xa1b2_3c4d, false), (0xa1b2_3c4d, true)]
        {
            let file = pcap(magic, big, &[b"one", b"three"]);
            assert!(is_capture(&file));
            assert_eq!(frames(&file), (expected.clone(), Ok(2)), "{magic:x} {big}");
        }
        let file = pcapng(&[(0, b"one"), (1, b"three")]);
        assert!(is_capture(&file));
        let expected = vec![(1, 1, b"one".to_vec()), (2, 113, b"three".to_vec())];
        assert_eq!(frames(&file), (expected, Ok(2)), "bytes that fill up are left out");
    }

    /// Hands out a byte at a time.
    struct Slow(std::io::Cursor<Vec<u8>>);

    impl std::io::Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let one = into.len().min(1);
            self.0.read(&mut into[..one])
        }
    }

    #[test]
    fn captures_may_come_in_small_pieces() {
        for file in [pcap(0xa1b2_c3d4, false, &[b"one", b"three"]), pcapng(&[(0, b"x"), (0, b"y")])]
        {
            let mut count = 0;
            let slow = Slow(std::io::Cursor::new(file));
            assert_eq!(read(slow, |_| count += 1).ok(), Some(2));
            assert_eq!(count, 2);
        }
    }

    #[test]
    fn empty_captures_have_no_frames() {
        assert_eq!(frames(&pcap(0xa1b2_c3d4, false, &[])), (vec![], Ok(0)));
        assert_eq!(frames(&pcapng(&[])), (vec![], Ok(0)));
    }

    #[test]
    fn damage_is_told_after_the_frames_before_it() {
        let file = pcap(0xa1b2_c3d4, false, &[b"one", b"three"]);
        let (read, result) = frames(&file[..file.len() - 1]);
        assert_eq!((read.len(), result), (1, Err("the file ends within frame 2".to_owned())));
        let (read, result) = frames(&pcapng(&[(0, b"one"), (7, b"x")]));
        assert_eq!((read.len(), result), (1, Err("the file is damaged at frame 2".to_owned())));
        for len in (0..file.len()).step_by(5) {
            let _ = frames(&file[..len]);
        }
        let file = pcapng(&[(0, b"one")]);
        for at in (0..file.len()).step_by(3) {
            let mut broken = file.clone();
            broken[at] ^= 0xff;
            let _ = frames(&broken);
        }
    }

    #[test]
    fn a_frame_may_be_longer_than_one_reading() {
        let long = vec![7; 300_000];
        let (read, result) = frames(&pcap(0xa1b2_c3d4, false, &[&long, b"x", &long]));
        assert_eq!((read.len(), result), (3, Ok(3)));
        assert_eq!(read[2].2, long);
    }
}
