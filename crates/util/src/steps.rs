//! Sorted keys that are found at a cost which hardly grows with their number.
//!
//! The distance from the lowest key to the highest is cut into 65,536 steps at most; a table of them leads to the few
//! keys that can matter, and those are halved. Addresses of a network cluster, so a lookup touches one line of the
//! table and one or two of the keys.

use crate::number::AddressNumber;

/// Sorted keys with a table of the steps from the lowest to the highest.
#[derive(Debug, Default)]
pub struct Steps<A = u32> {
    keys: Box<[A]>,
    /// For each step, how many keys are below it; one more entry at the end.
    table: Box<[u32]>,
    /// The lowest key.
    base: A,
    /// Bits of a distance that lie within a step.
    shift: u32,
}

/// Keys up to which halving alone is as quick as the table.
const TABLE_FROM: usize = 32;
/// Bits of the number of a step.
const STEP_BITS: u32 = 16;

impl<A: AddressNumber> Steps<A> {
    /// Takes keys in ascending order; equal ones are allowed.
    #[must_use]
    pub fn new(keys: Vec<A>) -> Self {
        debug_assert!(keys.is_sorted(), "keys are given in order");
        let (Some(&base), Some(&last)) = (keys.first(), keys.last()) else {
            return Self::default();
        };
        let width = A::BITS - last.minus(base).leading_zeros();
        let shift = width.saturating_sub(STEP_BITS);
        let mut table = Vec::new();
        if keys.len() > TABLE_FROM {
            let step = |key: A| key.minus(base).without_low(shift).low64();
            let mut below = 0;
            for number in 0..=step(last) {
                while keys.get(below).is_some_and(|&key| step(key) < number) {
                    below += 1;
                }
                table.push(below as u32);
            }
            table.push(keys.len() as u32);
        }
        Self { keys: keys.into(), table: table.into(), base, shift }
    }

    /// How many keys are not above `value`.
    #[must_use]
    pub fn up_to(&self, value: A) -> usize {
        if value < self.base {
            return 0;
        }
        let (from, to) = if self.table.is_empty() {
            (0, self.keys.len())
        } else {
            let step = value.minus(self.base).without_low(self.shift).low64();
            let step = usize::try_from(step).unwrap_or(usize::MAX);
            match (self.table.get(step), self.table.get(step.saturating_add(1))) {
                (Some(&from), Some(&to)) => (from as usize, to as usize),
                // Above the last step.
                _ => return self.keys.len(),
            }
        };
        let candidates = self.keys.get(from..to).unwrap_or_default();
        from + candidates.partition_point(|&key| key <= value)
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;
    use crate::number::AddressNumber;
    use proptest::prelude::*;

    fn check<A: AddressNumber>(mut keys: Vec<A>, probes: Vec<A>) -> Result<(), TestCaseError> {
        keys.sort_unstable();
        let steps = Steps::new(keys.clone());
        let one = A::from_u128(1);
        let edges = keys.iter().flat_map(|key| [*key, key.minus(one), key.plus(one)]);
        for value in probes.into_iter().chain(edges).chain([A::MAX, A::default()]) {
            let expected = keys.iter().filter(|&&key| key <= value).count();
            prop_assert_eq!(steps.up_to(value), expected);
        }
        Ok(())
    }

    #[test]
    fn equal_keys_are_one_step() {
        let steps = Steps::new(vec![7_u128; 50]);
        assert_eq!([6, 7, 8, u128::MAX].map(|value| steps.up_to(value)), [0, 50, 50, 50]);
        assert_eq!(Steps::<u32>::new(Vec::new()).up_to(7), 0);
    }

    proptest! {
        #[test]
        fn agrees_with_counting(
            mut keys in proptest::collection::vec(any::<u32>(), 0..80),
            close in proptest::collection::vec(0u32..0x3_0000, 0..80),
            probes in proptest::collection::vec(any::<u32>(), 20),
        ) {
            keys.extend(&close);
            check(keys, probes)?;
        }

        #[test]
        fn wide_keys_agree_with_counting(
            mut keys in proptest::collection::vec(any::<u128>(), 0..3),
            close in proptest::collection::vec(0u128..0x3_0000, 0..80),
            shift in 0u32..110,
            probes in proptest::collection::vec(any::<u128>(), 20),
        ) {
            keys.extend(close.iter().map(|key| 0x2001_0db8 << 96 | key << shift));
            check(keys, probes)?;
        }
    }
}
