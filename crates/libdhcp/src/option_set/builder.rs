//! Gathering and compiling options, for both families.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::{OptionFlags, OptionSetForm, Vendors};
use crate::definition::{Definitions, V6_NTP_SERVER, vendor_enterprise};
use crate::v4::VendorBlocks;
use crate::{OptionSet, Universe};

/// Gathers the options of one scope and compiles them to a set of the family's form.
#[derive(Clone, Debug)]
pub struct OptionSetBuilder<S = OptionSet> {
    spaces: BTreeMap<Box<str>, Options>,
    form: PhantomData<S>,
}

/// The options of a space by code, those of one code as configured.
type Options = BTreeMap<u16, Vec<Value>>;

#[derive(Clone, Debug)]
struct Value {
    body: Vec<u8>,
    flags: OptionFlags,
    classes: Box<[u32]>,
}

/// What became of an option that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It has no effect, because there is one with this code for all clients already.
    Hidden,
    /// It counts.
    Used,
}

/// An option with everything that belongs to it, as it is sent.
#[derive(Clone, Debug)]
pub struct CompiledOption {
    pub(super) code: u16,
    pub(super) flags: OptionFlags,
    pub(super) classes: Box<[u32]>,
    pub(super) tlv: Vec<u8>,
}

/// How deep spaces may lie in each other.
const DEPTH_MAX: usize = 8;

impl<S: OptionSetForm> OptionSetBuilder<S> {
    /// Bytes that the body of one option may have.
    pub const BODY_LEN_MAX: usize = S::UNIVERSE.body_len_max();
    /// How deep spaces may lie in each other.
    pub const DEPTH_MAX: usize = DEPTH_MAX;

    /// A builder without options.
    #[must_use]
    pub fn new() -> Self {
        Self { spaces: BTreeMap::new(), form: PhantomData }
    }

    /// Adds an option for all clients to a space.
    ///
    /// # Errors
    /// When the code can not be sent (see [`Universe::sendable_codes`]), or the body is too long.
    pub fn add(
        &mut self,
        space: &str,
        code: u16,
        body: Vec<u8>,
        flags: OptionFlags,
    ) -> Result<Added, OptionSetError> {
        self.add_for(space, code, body, flags, &[])
    }

    /// Adds an option to a space, for clients that are in one of `classes`, or for all if there are
    /// none.
    ///
    /// A client gets the first one that is for a class of its, else the first one for all clients.
    /// Options that carry an enterprise number can occur once for each of these, sub-options of the
    /// NTP server option of DHCPv6 (RFC 5908) any number of times.
    ///
    /// # Errors
    /// When the code can not be sent (see [`Universe::sendable_codes`]), or the body is too long.
    pub fn add_for(
        &mut self,
        space: &str,
        code: u16,
        body: Vec<u8>,
        flags: OptionFlags,
        classes: &[u32],
    ) -> Result<Added, OptionSetError> {
        let codes = S::UNIVERSE.sendable_codes(space);
        if !codes.contains(&code) {
            let (code_min, code_max) = codes.into_inner();
            return Err(OptionSetError::Code {
                space: space.into(),
                found: code,
                code_min,
                code_max,
            });
        }
        let is_top = space == S::UNIVERSE.top_space();
        let len_max = if is_top { Self::BODY_LEN_MAX } else { S::UNIVERSE.sub_body_len_max() };
        if body.len() > len_max {
            let found = body.len();
            return Err(OptionSetError::TooLong { space: space.into(), code, len_max, found });
        }
        let is_by_enterprise = is_top && S::UNIVERSE.enterprise_codes().contains(&code);
        if is_by_enterprise && !flags.never_send && !names_enterprise(S::UNIVERSE, code, &body) {
            return Err(OptionSetError::Enterprise { code });
        }
        let is_alike = |other: &Value| {
            other.classes.is_empty()
                && (!is_by_enterprise || other.body.get(..4) == body.get(..4))
                && !is_repeatable(space)
        };
        let options = self.spaces.entry(space.into()).or_default();
        let values = options.entry(code).or_default();
        if classes.is_empty() && values.iter().any(is_alike) {
            return Ok(Added::Hidden);
        }
        values.push(Value { body, flags, classes: classes.into() });
        Ok(Added::Used)
    }

    /// Compiles the top-level options, with sub-options attached to the options whose definitions
    /// encapsulate a space, and the vendor spaces.
    ///
    /// # Errors
    /// When an option becomes too long with its sub-options, or spaces lie in each other too deep.
    pub fn build(&self, definitions: &Definitions) -> Result<S, OptionSetError> {
        debug_assert_eq!(definitions.universe(), S::UNIVERSE);
        let mut vendors = Vec::new();
        for space in self.spaces.keys() {
            if let Some(enterprise) = vendor_enterprise(space) {
                let options = self.compile(space, definitions)?;
                vendors.push((enterprise, S::assemble(&options, Vendors::default())));
            }
        }
        let options = self.compile(S::UNIVERSE.top_space(), definitions)?;
        Ok(S::assemble(&options, Vendors::new(vendors)))
    }

    fn compile(
        &self,
        space: &str,
        definitions: &Definitions,
    ) -> Result<Vec<CompiledOption>, OptionSetError> {
        let mut compiled = Vec::new();
        for (&code, values) in self.spaces.get(space).into_iter().flatten() {
            for value in values {
                let body = self.whole_body(space, code, value, definitions, 0)?;
                let mut tlv = Vec::new();
                S::UNIVERSE.append_option(&mut tlv, code, &body);
                let (flags, classes) = (value.flags, value.classes.clone());
                compiled.push(CompiledOption { code, flags, classes, tlv });
            }
        }
        Ok(compiled)
    }

    /// Body of an option followed by its sub-options.
    fn whole_body(
        &self,
        space: &str,
        code: u16,
        value: &Value,
        definitions: &Definitions,
        depth: usize,
    ) -> Result<Vec<u8>, OptionSetError> {
        let mut body = value.body.clone();
        let is_vendor =
            space == S::UNIVERSE.top_space() && code == S::UNIVERSE.vendor_options_code();
        // In DHCPv4 a length byte follows the enterprise number (RFC 3925 section 4).
        let has_block_len = is_vendor && body.len() == 4 && S::UNIVERSE == Universe::V4;
        let mut sub_options = Vec::new();
        if let Some((inner, options)) = self.inner_space(space, code, value, definitions) {
            if depth == DEPTH_MAX {
                return Err(OptionSetError::TooDeep { space: space.into(), code });
            }
            for (&sub_code, values) in options {
                let count = if is_repeatable(inner) { values.len() } else { 1 };
                let is_sent = |value: &&Value| !(is_vendor && value.flags.never_send);
                for value in values.iter().take(count).filter(is_sent) {
                    let sub_body =
                        self.whole_body(inner, sub_code, value, definitions, depth + 1)?;
                    S::UNIVERSE.append_option(&mut sub_options, sub_code, &sub_body);
                }
            }
        }
        let is_top = space == S::UNIVERSE.top_space() && depth == 0;
        let len_max = match (is_top, has_block_len) {
            (true, false) => Self::BODY_LEN_MAX,
            _ => S::UNIVERSE.sub_body_len_max(),
        };
        let found = if has_block_len { sub_options.len() } else { body.len() + sub_options.len() };
        if found > len_max {
            return Err(OptionSetError::TooLong { space: space.into(), code, len_max, found });
        }
        if has_block_len {
            body.push(found as u8);
        }
        body.append(&mut sub_options);
        Ok(body)
    }

    /// The space whose options follow the value of an option, when it has any.
    fn inner_space(
        &self,
        space: &str,
        code: u16,
        value: &Value,
        definitions: &Definitions,
    ) -> Option<(&str, &Options)> {
        let options_of = |inner: &str| {
            self.spaces.get_key_value(inner).map(|(inner, options)| (&**inner, options))
        };
        let is_vendor =
            space == S::UNIVERSE.top_space() && code == S::UNIVERSE.vendor_options_code();
        let enterprise = <[u8; 4]>::try_from(value.body.as_slice()).ok().map(u32::from_be_bytes);
        let of_vendor = enterprise
            .filter(|_| is_vendor)
            .and_then(|number| options_of(&format!("vendor-{number}")));
        of_vendor.or_else(|| options_of(definitions.by_code(space, code)?.encapsulates.as_deref()?))
    }
}

/// Whether a vendor class or vendor options begin with an enterprise number and have their form.
fn names_enterprise(universe: Universe, code: u16, body: &[u8]) -> bool {
    match (universe, body) {
        (_, []) => false,
        (Universe::V4, [_, _, _, _]) => code == universe.vendor_options_code(),
        (Universe::V4, _) => {
            let mut blocks = VendorBlocks::new(body);
            blocks.by_ref().for_each(drop);
            blocks.rest().is_empty()
        }
        (Universe::V6, _) => body.len() >= 4,
    }
}

/// Whether options of a space can occur several times.
fn is_repeatable(space: &str) -> bool {
    space == V6_NTP_SERVER
}

impl<S: OptionSetForm> Default for OptionSetBuilder<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// The reason why options can not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionSetError {
    /// The code can not be sent.
    #[error("option code {found} of space '{space}' is not between {code_min} and {code_max}")]
    Code {
        /// Option space.
        space: Box<str>,
        /// The code.
        found: u16,
        /// Smallest code of the space.
        code_min: u16,
        /// Largest code of the space.
        code_max: u16,
    },
    /// A vendor class or vendor options without the form that these have.
    #[error("option {code} must hold an enterprise number and data with its length")]
    Enterprise {
        /// Number of the option.
        code: u16,
    },
    /// Spaces lie in each other too deep, possibly in a circle.
    #[error("option {code} of space '{space}' encapsulates more than {DEPTH_MAX} levels")]
    TooDeep {
        /// Option space.
        space: Box<str>,
        /// Number of the option.
        code: u16,
    },
    /// The body does not fit on the wire.
    #[error("option {code} of space '{space}' has {found} bytes, expected at most {len_max}")]
    TooLong {
        /// Option space.
        space: Box<str>,
        /// Number of the option.
        code: u16,
        /// Most bytes it may have.
        len_max: usize,
        /// Bytes it has.
        found: usize,
    },
}
