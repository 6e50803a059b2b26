//! Writing a message into a buffer of fixed size, front to back.
//!
//! What does not fit is noted and makes [`Cursor::finish`] fail; nothing panics.

/// Writes front to back.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    buffer: &'a mut [u8],
    len: usize,
    is_full: bool,
}

impl<'a> Cursor<'a> {
    /// Begins at the front of a buffer.
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0, is_full: false }
    }

    /// Appends bytes.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.is_full = true,
        }
    }

    /// Appends zeros.
    #[inline]
    pub(crate) fn put_zeros(&mut self, count: usize) {
        match self.buffer.get_mut(self.len..self.len + count) {
            Some(room) => {
                room.fill(0);
                self.len += count;
            }
            None => self.is_full = true,
        }
    }

    /// Overwrites bytes written before; false when they were not.
    #[inline]
    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) -> bool {
        let written = self.buffer.get_mut(..self.len);
        match written.and_then(|written| written.get_mut(at..at + bytes.len())) {
            Some(room) => {
                room.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }

    /// Length of the message; `None` when something did not fit.
    pub(crate) fn finish(self) -> Option<usize> {
        (!self.is_full).then_some(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn what_does_not_fit_fails_at_the_end() {
        let mut buffer = [9; 4];
        let mut cursor = Cursor::new(&mut buffer);
        cursor.put(&[1, 2]);
        cursor.put_zeros(2);
        assert!(cursor.patch(1, &[7]) && !cursor.patch(3, &[7, 7]));
        assert_eq!(cursor.finish(), Some(4));
        assert_eq!(buffer, [1, 7, 0, 0]);
        let mut cursor = Cursor::new(&mut buffer);
        cursor.put(&[1; 5]);
        assert_eq!(cursor.finish(), None);
    }
}
