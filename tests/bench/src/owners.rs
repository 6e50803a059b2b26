//! Who holds which address: finds an address that two clients were given.

/// Pages of 65,536 addresses, made when first touched; an entry is the client's number plus one.
pub(crate) struct Owners {
    pages: Vec<Option<Box<[u64]>>>,
}

impl Owners {
    /// Nobody holds anything.
    pub(crate) fn new() -> Self {
        Self { pages: vec![None; 1 << 16] }
    }

    /// Notes that `client` holds `address`; returns another client that holds it as well.
    pub(crate) fn claim(&mut self, address: u32, client: u64) -> Option<u64> {
        let entry = self.entry(address);
        let before = std::mem::replace(entry, client + 1);
        (before != 0 && before != client + 1).then(|| before - 1)
    }

    /// Notes that `address` is free.
    pub(crate) fn give_back(&mut self, address: u32) {
        *self.entry(address) = 0;
    }

    fn entry(&mut self, address: u32) -> &mut u64 {
        let page = &mut self.pages[(address >> 16) as usize];
        let page = page.get_or_insert_with(|| vec![0; 1 << 16].into_boxed_slice());
        &mut page[(address & 0xffff) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Owners;

    #[test]
    fn second_owner_is_reported() {
        let mut owners = Owners::new();
        assert_eq!(owners.claim(0x0a00_0001, 0), None);
        assert_eq!(owners.claim(0x0a00_0001, 0), None, "the owner may come again");
        assert_eq!(owners.claim(0x0a00_0001, 9), Some(0));
        owners.give_back(0x0a00_0001);
        assert_eq!(owners.claim(0x0a00_0001, 3), None);
    }
}
