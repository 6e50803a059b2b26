//! Definitions of the user (`option-def`) and the checks they must pass.
//!
//! The rules are those of Kea 3: a code without standard definition may be defined in any space, an
//! array may have fields, but nothing may follow a field that takes all bytes that are left.

use std::borrow::Cow;

use super::{DHCP4, DHCP6, DataType, Format, OptionDefinition, is_valid_name};

/// A definition that passed all checks, with the space it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomDefinition {
    space: Box<str>,
    definition: OptionDefinition,
}

impl CustomDefinition {
    /// Checks the members of an `option-def`; `record_types` is the comma separated list,
    /// `encapsulates` is empty for none.
    ///
    /// # Errors
    /// Says which member is wrong and what it should be.
    pub fn new(
        space: &str,
        code: i64,
        name: &str,
        data_type: &str,
        shape: CustomShape<'_>,
    ) -> Result<Self, DefinitionError> {
        if !is_valid_name(name) {
            return Err(DefinitionError::Name { found: name.into() });
        }
        if !is_valid_name(space) {
            return Err(DefinitionError::Space { found: space.into() });
        }
        let code = valid_code(space, code)?;
        let data_type: DataType = data_type
            .parse()
            .ok()
            .filter(|data_type| *data_type != DataType::Internal)
            .ok_or_else(|| DefinitionError::UnknownType { found: data_type.into() })?;
        let record = valid_record(data_type, shape)?;
        let last = record.last().copied().unwrap_or(data_type);
        if shape.array && (last.takes_rest() || last == DataType::Empty) {
            return Err(DefinitionError::ArrayOf { data_type: last });
        }
        let encapsulates = valid_encapsulation(space, shape)?;
        let definition = OptionDefinition {
            code,
            name: Cow::Owned(name.into()),
            data_type,
            array: shape.array,
            record: Cow::Owned(record),
            encapsulates,
            format: Format::Plain,
            configurable: true,
            redefinable: false,
        };
        Ok(Self { space: space.into(), definition })
    }

    /// The space it belongs to.
    #[must_use]
    pub fn space(&self) -> &str {
        &self.space
    }

    /// The definition.
    #[must_use]
    pub fn definition(&self) -> &OptionDefinition {
        &self.definition
    }

    pub(super) fn into_parts(self) -> (Box<str>, OptionDefinition) {
        (self.space, self.definition)
    }
}

/// Members of an `option-def` that have defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CustomShape<'a> {
    /// `array`.
    pub array: bool,
    /// `record-types`, comma separated; empty for none.
    pub record_types: &'a str,
    /// `encapsulate`; empty for none.
    pub encapsulates: &'a str,
}

fn valid_code(space: &str, code: i64) -> Result<u16, DefinitionError> {
    let (code_min, code_max) = match space {
        DHCP4 => (1, 254),
        DHCP6 => (1, 65535),
        _ => (0, 65535),
    };
    u16::try_from(code)
        .ok()
        .filter(|code| (code_min..=code_max).contains(code))
        .ok_or(DefinitionError::Code { found: code, code_min, code_max })
}

fn valid_record(
    data_type: DataType,
    shape: CustomShape<'_>,
) -> Result<Vec<DataType>, DefinitionError> {
    let mut fields = Vec::new();
    for text in shape.record_types.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let field = text.parse().ok();
        fields.push(field.ok_or_else(|| DefinitionError::UnknownType { found: text.into() })?);
    }
    if data_type != DataType::Record {
        return if fields.is_empty() {
            Ok(fields)
        } else {
            Err(DefinitionError::FieldsWithoutRecord { data_type })
        };
    }
    if fields.len() < 2 {
        return Err(DefinitionError::TooFewFields { found: fields.len() });
    }
    let inner = fields.split_last().map(|(_, inner)| inner).unwrap_or_default();
    let unfit = |field: &&DataType| {
        matches!(field, DataType::Empty | DataType::Internal | DataType::Record)
    };
    if let Some(&data_type) = fields.iter().find(unfit) {
        return Err(DefinitionError::FieldType { data_type });
    }
    if let Some(&data_type) = inner.iter().find(|field| field.takes_rest()) {
        return Err(DefinitionError::NotLast { data_type });
    }
    Ok(fields)
}

fn valid_encapsulation(
    space: &str,
    shape: CustomShape<'_>,
) -> Result<Option<Cow<'static, str>>, DefinitionError> {
    match shape.encapsulates {
        "" => Ok(None),
        inner if !is_valid_name(inner) => Err(DefinitionError::Space { found: inner.into() }),
        inner if inner == space => Err(DefinitionError::EncapsulatesItself { space: space.into() }),
        _ if shape.array => Err(DefinitionError::ArrayEncapsulates),
        inner => Ok(Some(Cow::Owned(inner.into()))),
    }
}

const NAME_RULE: &str = "expected letters, digits, '-' and '_', the last two not at the ends";

/// The reason why an `option-def` is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// An array that has sub-options.
    #[error("an option that is an array can not encapsulate an option space")]
    ArrayEncapsulates,
    /// An array of values without an end.
    #[error("an array of {data_type} values is not possible")]
    ArrayOf {
        /// Type of the values.
        data_type: DataType,
    },
    /// The code is outside its range.
    #[error("option code {found} is out of range, expected {code_min} to {code_max}")]
    Code {
        /// The code.
        found: i64,
        /// Smallest code of the space.
        code_min: u16,
        /// Largest code of the space.
        code_max: u16,
    },
    /// The code is taken.
    #[error("option code {code} is already defined in space '{space}'")]
    DuplicateCode {
        /// Option space.
        space: Box<str>,
        /// The code.
        code: u16,
    },
    /// The name is taken.
    #[error("option name '{name}' is already defined in space '{space}'")]
    DuplicateName {
        /// Option space.
        space: Box<str>,
        /// The name.
        name: Cow<'static, str>,
    },
    /// Sub-options from the space the option itself is in.
    #[error("an option of space '{space}' can not encapsulate that space")]
    EncapsulatesItself {
        /// Option space.
        space: Box<str>,
    },
    /// A field of a type that fields can not have.
    #[error("{data_type} is not possible as a field of a record")]
    FieldType {
        /// Type of the field.
        data_type: DataType,
    },
    /// `record-types` with another type.
    #[error("'record-types' is for type record, found type {data_type}")]
    FieldsWithoutRecord {
        /// Type of the option.
        data_type: DataType,
    },
    /// The name has wrong characters.
    #[error("invalid option name '{found}', {NAME_RULE}")]
    Name {
        /// The name.
        found: Box<str>,
    },
    /// Fields behind one that takes all bytes.
    #[error("{data_type} is only possible as the last field of a record")]
    NotLast {
        /// Type of the field.
        data_type: DataType,
    },
    /// The space has wrong characters.
    #[error("invalid option space name '{found}', {NAME_RULE}")]
    Space {
        /// The space.
        found: Box<str>,
    },
    /// The code has a standard definition.
    #[error("option {code} of space '{space}' is the standard '{name}', it can not be redefined")]
    Standard {
        /// Option space.
        space: Box<str>,
        /// The code.
        code: u16,
        /// Its standard name.
        name: Cow<'static, str>,
    },
    /// A record needs fields.
    #[error("a record needs at least 2 fields in 'record-types', found {found}")]
    TooFewFields {
        /// Number of fields.
        found: usize,
    },
    /// The type does not exist.
    #[error("unknown option data type '{found}'")]
    UnknownType {
        /// The text.
        found: Box<str>,
    },
}
