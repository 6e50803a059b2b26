//! Messages that wait to be sent: a batch of fixed size, reused.

use crate::protocol::MESSAGE_LEN_MAX;

/// Most messages of a batch.
pub const BATCH: usize = 64;

/// A batch of messages.
#[derive(Debug)]
pub struct Outgoing {
    bytes: Box<[u8]>,
    lens: Vec<usize>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}

impl Outgoing {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        let bytes = vec![0; BATCH * MESSAGE_LEN_MAX].into_boxed_slice();
        Self { bytes, lens: Vec::with_capacity(BATCH) }
    }

    /// Adds the message that `write` puts into the buffer it is given; false when it writes none, or there is no room.
    pub fn push_with(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        let start = self.lens.len() * MESSAGE_LEN_MAX;
        let Some(buffer) = self.bytes.get_mut(start..start + MESSAGE_LEN_MAX) else { return false };
        match write(buffer) {
            Some(len) if len <= MESSAGE_LEN_MAX => {
                self.lens.push(len);
                true
            }
            _ => false,
        }
    }

    /// The messages.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let buffers = self.bytes.chunks_exact(MESSAGE_LEN_MAX);
        buffers.zip(&self.lens).map(|(buffer, len)| buffer.get(..*len).unwrap_or_default())
    }

    /// Number of messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lens.len()
    }

    /// Whether there is no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lens.is_empty()
    }

    /// Messages that there is still room for.
    #[must_use]
    pub fn room(&self) -> usize {
        BATCH - self.lens.len()
    }

    /// Empties the batch.
    pub fn clear(&mut self) {
        self.lens.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH, Outgoing};

    #[test]
    fn batch_holds_its_number_of_messages_and_no_more() {
        let mut out = Outgoing::new();
        let push = |out: &mut Outgoing, byte: u8| {
            out.push_with(|buffer| {
                buffer[..2].fill(byte);
                Some(2)
            })
        };
        for n in 0..BATCH {
            assert!(push(&mut out, n as u8));
        }
        assert!(!push(&mut out, 0) && out.room() == 0);
        assert_eq!(out.messages().nth(3), Some([3, 3].as_slice()));
        out.clear();
        assert!(!out.push_with(|_| None) && out.is_empty());
    }
}
