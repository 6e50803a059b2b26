//! Gathering and compiling options, for both families.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::{OptionFlags, OptionSetForm, Vendors};
use crate::definition::{Definitions, vendor_enterprise};
use crate::{OptionSet, Universe};

/// Gathers the options of one scope and compiles them to a set of the family's form.
#[derive(Clone, Debug)]
pub struct OptionSetBuilder<S = OptionSet> {
    spaces: BTreeMap<Box<str>, BTreeMap<u16, Value>>,
    form: PhantomData<S>,
}

#[derive(Clone, Debug)]
struct Value {
    body: Vec<u8>,
    flags: OptionFlags,
}

/// An option with everything that belongs to it, as it is sent.
#[derive(Clone, Debug)]
pub struct CompiledOption {
    pub(super) code: u16,
    pub(super) flags: OptionFlags,
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

    /// Adds an option to a space; the first of several with one code stays.
    ///
    /// # Errors
    /// When the code can not be sent (see [`Universe::sendable_codes`]), or the body is too long.
    pub fn add(
        &mut self,
        space: &str,
        code: u16,
        body: Vec<u8>,
        flags: OptionFlags,
    ) -> Result<(), OptionSetError> {
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
        let options = self.spaces.entry(space.into()).or_default();
        options.entry(code).or_insert(Value { body, flags });
        Ok(())
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
        for (&code, value) in self.spaces.get(space).into_iter().flatten() {
            let body = self.whole_body(space, code, value, definitions, 0)?;
            let mut tlv = Vec::new();
            S::UNIVERSE.append_option(&mut tlv, code, &body);
            compiled.push(CompiledOption { code, flags: value.flags, tlv });
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
        let Some((inner, options)) = self.inner_space(space, code, value, definitions) else {
            return Ok(body);
        };
        if depth == DEPTH_MAX {
            return Err(OptionSetError::TooDeep { space: space.into(), code });
        }
        let mut sub_options = Vec::new();
        for (&sub_code, sub_value) in options {
            let sub_body = self.whole_body(inner, sub_code, sub_value, definitions, depth + 1)?;
            S::UNIVERSE.append_option(&mut sub_options, sub_code, &sub_body);
        }
        // In DHCPv4 a length byte follows the enterprise number (RFC 3925 section 4).
        let has_block_len = is_vendor && S::UNIVERSE == Universe::V4;
        let len_max = match (depth, has_block_len) {
            (0, false) => Self::BODY_LEN_MAX,
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
    ) -> Option<(&str, &BTreeMap<u16, Value>)> {
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
