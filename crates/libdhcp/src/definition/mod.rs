//! Option definitions: which code has which name and which form.
//!
//! [`OptionDefinition`] describes one option; the standard ones are constant tables in
//! [`option_defs`], the user's come from `option-def` through
//! [`CustomDefinition`], which makes all checks of the configuration. [`Definitions`] looks both up
//! by space and code or name. Used while configurations are read and in messages, never per packet.

mod custom;
mod data_type;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use custom::{CustomDefinition, CustomShape, DefinitionError};
pub use data_type::DataType;

use crate::{Universe, option_defs};

/// Name of the space of top-level DHCPv4 options.
pub const DHCP4: &str = "dhcp4";
/// Name of the space of top-level DHCPv6 options.
pub const DHCP6: &str = "dhcp6";
/// Space of the sub-options of option 43.
pub const VENDOR_ENCAPSULATED: &str = "vendor-encapsulated-options-space";
/// Space of the sub-options of option 82.
pub const AGENT_OPTIONS: &str = "dhcp-agent-options-space";
/// Space of the sub-options of the NTP server option (56) of DHCPv6.
pub const V6_NTP_SERVER: &str = "v6-ntp-server-suboptions";

/// Name, number and form of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionDefinition {
    /// Number of the option in its space.
    pub code: u16,
    /// Name in configurations.
    pub name: Cow<'static, str>,
    /// Form of the body; of the first level only when it is a record.
    pub data_type: DataType,
    /// True when the value (of a record: its last field) may repeat.
    pub array: bool,
    /// Fields, when the type is a record.
    pub record: Cow<'static, [DataType]>,
    /// Space of the sub-options that follow the value.
    pub encapsulates: Option<Cow<'static, str>>,
    /// Text form that the type alone does not determine.
    pub format: Format,
    /// False when the server computes or echoes the option, so that configuring it makes little
    /// sense.
    pub configurable: bool,
    /// True when the user may define the code anew: Kea 1.1 had no definition of it, or (option 43)
    /// each vendor has its own.
    pub redefinable: bool,
}

/// Forms of text and bytes that the data type alone does not determine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Routes as `prefix/length - router, ...` (RFC 3442).
    ClasslessStaticRoutes,
    /// Domain names that are compressed together (RFC 3397).
    CompressedNames,
    /// Resolvers as `priority, name, addresses, parameters` (RFC 9463).
    EncryptedDns,
    /// As the data type says.
    #[default]
    Plain,
    /// Tuples, or all of them as hexadecimal digits, which is how Kea 1.1 took them.
    Tuples,
}

impl OptionDefinition {
    pub(crate) const fn table_row(code: u16, name: &'static str, data_type: DataType) -> Self {
        Self {
            code,
            name: Cow::Borrowed(name),
            data_type,
            array: false,
            record: Cow::Borrowed(&[]),
            encapsulates: None,
            format: Format::Plain,
            configurable: true,
            redefinable: false,
        }
    }

    pub(crate) const fn array(mut self) -> Self {
        self.array = true;
        self
    }

    pub(crate) const fn served(mut self) -> Self {
        self.configurable = false;
        self
    }

    pub(crate) const fn redefinable(mut self) -> Self {
        self.redefinable = true;
        self
    }

    pub(crate) const fn formatted(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    // `forget` because a constant function can not drop the former value, which owns nothing in a
    // table row.
    pub(crate) const fn of(mut self, fields: &'static [DataType]) -> Self {
        std::mem::forget(std::mem::replace(&mut self.record, Cow::Borrowed(fields)));
        self
    }

    pub(crate) const fn encapsulating(mut self, space: &'static str) -> Self {
        std::mem::forget(self.encapsulates.replace(Cow::Borrowed(space)));
        self
    }
}

/// All definitions a configuration can use: the standard ones of its family and its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definitions {
    universe: Universe,
    custom: BTreeMap<Box<str>, Vec<OptionDefinition>>,
}

impl Definitions {
    /// The standard definitions of a family alone.
    #[must_use]
    pub const fn new(universe: Universe) -> Self {
        Self { universe, custom: BTreeMap::new() }
    }

    /// The family.
    #[must_use]
    pub const fn universe(&self) -> Universe {
        self.universe
    }

    /// Adds a checked definition to its space.
    ///
    /// # Errors
    /// When the code or the name is taken in that space.
    pub fn add(&mut self, custom: CustomDefinition) -> Result<(), DefinitionError> {
        let (space, definition) = custom.into_parts();
        let (code, name) = (definition.code, definition.name.clone());
        let standard = option_defs::by_code(self.universe, &space, code);
        if let Some(standard) = standard.filter(|standard| !standard.redefinable) {
            let name = standard.name.clone();
            return Err(DefinitionError::Standard { space, code, name });
        }
        if self.custom_of(&space).iter().any(|other| other.code == code) {
            return Err(DefinitionError::DuplicateCode { space, code });
        }
        // A name that Kea 1.1 did not know was free for any code.
        let named = self.by_name(&space, &name).filter(|other| !other.redefinable);
        if named.is_some_and(|other| other.code != code) {
            return Err(DefinitionError::DuplicateName { space, name });
        }
        self.custom.entry(space).or_default().push(definition);
        Ok(())
    }

    /// Adds a checked definition to its space in place of those that have its code or its name, standard ones included,
    /// such as that of a client class.
    pub fn supersede(&mut self, custom: CustomDefinition) {
        let (space, definition) = custom.into_parts();
        let of_space = self.custom.entry(space).or_default();
        of_space.retain(|other| other.code != definition.code && other.name != definition.name);
        of_space.push(definition);
    }

    /// The definition with this code; the user's own where a standard one may be replaced.
    #[must_use]
    pub fn by_code(&self, space: &str, code: u16) -> Option<&OptionDefinition> {
        let mut custom = self.custom_of(space).iter();
        custom
            .find(|definition| definition.code == code)
            .or_else(|| option_defs::by_code(self.universe, space, code))
    }

    /// The definition with this name; the user's own where a standard one may be replaced.
    #[must_use]
    pub fn by_name(&self, space: &str, name: &str) -> Option<&OptionDefinition> {
        let mut custom = self.custom_of(space).iter();
        custom
            .find(|definition| definition.name == name)
            .or_else(|| option_defs::by_name(self.universe, space, name))
    }

    /// All definitions of a space: the standard ones, then the user's.
    pub fn of_space(&self, space: &str) -> impl Iterator<Item = &OptionDefinition> {
        option_defs::of_space(self.universe, space).iter().chain(self.custom_of(space))
    }

    /// The user's definitions in a space.
    #[must_use]
    pub fn custom_of(&self, space: &str) -> &[OptionDefinition] {
        self.custom.get(space).map_or(&[], Vec::as_slice)
    }
}

/// The enterprise number N of a space `vendor-N`: decimal, without leading zeros, within 32 bits.
#[must_use]
pub fn vendor_enterprise(space: &str) -> Option<u32> {
    let digits = space.strip_prefix("vendor-")?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = digits == "0" || !digits.starts_with('0');
    if is_number && is_canonical { digits.parse().ok() } else { None }
}

/// True for names of options and spaces: letters, digits, `-` and `_`, the latter two not at the
/// ends.
#[must_use]
pub fn is_valid_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.bytes().all(is_inner) && is_outer(name.bytes().next()) && is_outer(name.bytes().last())
}

#[cfg(test)]
mod tests;
