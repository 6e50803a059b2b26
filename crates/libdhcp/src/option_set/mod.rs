//! The options of one scope of the configuration, encoded once and immutable.
//!
//! [`OptionSetBuilder`] gathers options of any spaces, attaches sub-options to the options that
//! encapsulate a space and compiles the result, the same way for both families. What comes out is
//! an [`OptionSet`] for DHCPv4 or an [`OptionSet6`] for DHCPv6: options sorted by code in one byte
//! string, codes and lengths included, so that sending one is a single copy. Ten thousand subnets
//! have a set each, and every cache line of it is a miss: a set is two lines, and its options lie
//! within them if they take no more than some seventy bytes. Values of vendor spaces (`vendor-N`) are
//! sets of their own behind it, together with the entries that are for certain client classes only.
//! Classes are numbers here; the caller says which of them a client is in.

mod builder;
mod content;
mod set4;
mod set6;

use std::fmt::Debug;
use std::hash::Hash;

pub use builder::{Added, CompiledOption, OptionSetBuilder, OptionSetError};
pub use content::Vendors;
pub use set4::OptionSet;
pub use set6::OptionSet6;

use crate::Universe;

/// A family's form of the compiled options of a scope; [`OptionSet`] and [`OptionSet6`] have it.
pub trait OptionSetForm: Clone + Debug + Default + Eq + Hash {
    /// The family.
    const UNIVERSE: Universe;

    /// Makes a set of options that ascend by code (those of one code as configured), and of the
    /// vendor spaces.
    fn assemble(options: &[CompiledOption], vendors: Vendors<Self>) -> Self;

    /// True when there is no option and no vendor space.
    fn is_empty(&self) -> bool;
}

/// How an option is treated beyond its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OptionFlags {
    /// Sent even when the client does not ask for it, with the value of the most specific scope.
    pub always_send: bool,
    /// The option is not sent, whatever other scopes say.
    pub never_send: bool,
}

/// A configured option, ready to be sent. Codes have one byte in DHCPv4, two in DHCPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedOption<'a, C = u8> {
    code: C,
    flags: OptionFlags,
    tlv: &'a [u8],
}

/// A configured DHCPv6 option, ready to be sent.
pub type EncodedOption6<'a> = EncodedOption<'a, u16>;

impl<'a, C: Copy> EncodedOption<'a, C> {
    /// Number of the option.
    #[must_use]
    #[inline]
    pub const fn code(&self) -> C {
        self.code
    }

    /// Code, length and body; several times when the body of a DHCPv4 option is long.
    #[must_use]
    #[inline]
    pub const fn tlv(&self) -> &'a [u8] {
        self.tlv
    }

    /// True when it is sent even if the client does not ask for it.
    #[must_use]
    #[inline]
    pub const fn always_send(&self) -> bool {
        self.flags.always_send
    }

    /// True when the option is not sent, whatever other scopes say.
    #[must_use]
    #[inline]
    pub const fn never_send(&self) -> bool {
        self.flags.never_send
    }
}

impl<'a> EncodedOption<'a> {
    /// Body without codes and lengths, as one piece after the other.
    pub fn body(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.tlv.chunks(257).filter_map(|fragment| fragment.get(2..))
    }
}

impl<'a> EncodedOption6<'a> {
    /// Body without code and length.
    #[must_use]
    #[inline]
    pub fn body(&self) -> &'a [u8] {
        self.tlv.get(4..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
