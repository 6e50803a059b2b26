//! Addresses as numbers: what 32-bit and 128-bit ones have in common.
//!
//! Ranges, tables and free lists of both families are written over [`AddressNumber`], so that each exists once. It is
//! arithmetic and nothing else: no text, no network order.

use std::fmt::Debug;
use std::hash::Hash;

/// An unsigned number as wide as an address.
pub trait AddressNumber: Copy + Debug + Default + Ord + Hash + Send + Sync + 'static {
    /// Bits of an address.
    const BITS: u32;
    /// The highest address.
    const MAX: Self;

    /// The lower 64 bits.
    fn low64(self) -> u64;

    /// A number of this width; higher bits are lost.
    fn from_u128(value: u128) -> Self;

    /// Leading bits that are 0.
    fn leading_zeros(self) -> u32;

    /// The difference, around the end.
    #[must_use]
    fn minus(self, other: Self) -> Self;

    /// The sum, around the end.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// The number without its lowest bits; 0 when all are dropped.
    #[must_use]
    fn without_low(self, bits: u32) -> Self;

    /// The whole value.
    fn to_u128(self) -> u128;
}

macro_rules! address_number {
    ($number:ty) => {
        impl AddressNumber for $number {
            const BITS: u32 = <$number>::BITS;
            const MAX: Self = <$number>::MAX;

            #[inline]
            fn low64(self) -> u64 {
                self as u64
            }

            #[inline]
            fn from_u128(value: u128) -> Self {
                value as Self
            }

            #[inline]
            fn leading_zeros(self) -> u32 {
                self.leading_zeros()
            }

            #[inline]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline]
            fn without_low(self, bits: u32) -> Self {
                self.checked_shr(bits).unwrap_or(0)
            }

            #[inline]
            fn to_u128(self) -> u128 {
                self as u128
            }
        }
    };
}

address_number!(u32);
address_number!(u128);

#[cfg(test)]
mod tests {
    use super::AddressNumber;

    #[test]
    fn nothing_overflows() {
        assert_eq!((0_u32.minus(1), u32::MAX.plus(1)), (u32::MAX, 0));
        assert_eq!((0_u128.minus(1), u128::MAX.plus(1)), (u128::MAX, 0));
        assert_eq!((7_u32.without_low(32), 7_u128.without_low(128)), (0, 0));
        assert_eq!((u32::from_u128(1 << 32 | 7), u128::MAX.low64()), (7, u64::MAX));
    }
}
