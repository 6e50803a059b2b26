//! Sorted 32-bit keys that are found at a cost which hardly grows with their number.
//!
//! A table by the upper 16 bits leads to the few keys that can matter; those are halved. Addresses of a network cluster
//! below few upper halves, so a lookup touches one line of the table and one or two of the keys.

/// Sorted keys with a table of their upper halves.
#[derive(Debug, Default)]
pub struct Steps {
    keys: Box<[u32]>,
    /// For each upper half, how many keys are below its first value; one more entry at the end.
    table: Box<[u32]>,
}

/// Keys up to which halving alone is as quick as the table.
const TABLE_FROM: usize = 32;

impl Steps {
    /// Takes keys in ascending order; equal ones are allowed.
    #[must_use]
    pub fn new(keys: Vec<u32>) -> Self {
        debug_assert!(keys.is_sorted(), "keys are given in order");
        let mut table = Vec::new();
        if keys.len() > TABLE_FROM {
            let mut below = 0;
            for upper in 0..=u32::from(u16::MAX) {
                while keys.get(below).is_some_and(|&key| key < upper << 16) {
                    below += 1;
                }
                table.push(below as u32);
            }
            table.push(keys.len() as u32);
        }
        Self { keys: keys.into(), table: table.into() }
    }

    /// How many keys are not above `value`.
    #[must_use]
    pub fn up_to(&self, value: u32) -> usize {
        let upper = (value >> 16) as usize;
        let (from, to) = match (self.table.get(upper), self.table.get(upper + 1)) {
            (Some(&from), Some(&to)) => (from as usize, to as usize),
            _ => (0, self.keys.len()),
        };
        let candidates = self.keys.get(from..to).unwrap_or_default();
        from + candidates.partition_point(|&key| key <= value)
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_counting(
            mut keys in proptest::collection::vec(any::<u32>(), 0..80),
            close in proptest::collection::vec(0u32..0x3_0000, 0..80),
            probes in proptest::collection::vec(any::<u32>(), 20),
        ) {
            keys.extend(&close);
            keys.sort_unstable();
            let steps = Steps::new(keys.clone());
            let edges = keys.iter().flat_map(|key| [*key, key.wrapping_sub(1), key.wrapping_add(1)]);
            for value in probes.into_iter().chain(edges) {
                let expected = keys.iter().filter(|&&key| key <= value).count();
                prop_assert_eq!(steps.up_to(value), expected);
            }
        }
    }
}
