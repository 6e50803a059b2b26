//! Bytes and options of packets, as explanations show them.

use std::fmt::{self, Display, Write};

use libdhcp::data::format_option;
use libdhcp::definition::{DHCP4, DHCP6, DataType, Definitions, OptionDefinition};
use libdhcp::{ColonHex, Universe};

/// Longest value that is shown whole; of a longer one the beginning and the length are.
const SHOWN_MAX: usize = 400;

/// Most names of a list that are shown.
const NAMES_MAX: usize = 200;

/// Bytes as text in quotes where they are text, else as digits.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.get(..SHOWN_MAX).unwrap_or(self.0);
        let is_text = !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        match std::str::from_utf8(bytes) {
            _ if bytes.is_empty() => f.write_str("(empty)"),
            Ok(text) if is_text => write!(f, "'{text}'"),
            _ => ColonHex(bytes).fmt(f),
        }?;
        if bytes.len() < self.0.len() {
            write!(f, " ... ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

/// Name and code of an option: `routers (3)`.
#[derive(Clone, Copy, Debug)]
pub struct OptionName<'a> {
    /// The definitions of the configuration.
    pub definitions: &'a Definitions,
    /// The code at the top level.
    pub code: u16,
}

impl OptionName<'_> {
    fn definition(&self) -> Option<&OptionDefinition> {
        let space = match self.definitions.universe() {
            Universe::V4 => DHCP4,
            Universe::V6 => DHCP6,
        };
        self.definitions.by_code(space, self.code)
    }
}

impl Display for OptionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.definition() {
            Some(definition) => write!(f, "{} ({})", definition.name, self.code),
            None => write!(f, "option {}", self.code),
        }
    }
}

/// Names of several options: `subnet-mask (1), routers (3)`.
#[derive(Clone, Debug)]
pub struct OptionNames<'a, I> {
    /// The definitions of the configuration.
    pub definitions: &'a Definitions,
    /// The codes.
    pub codes: I,
}

impl<I: Iterator<Item = u16> + Clone> Display for OptionNames<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, code) in self.codes.clone().enumerate() {
            let between = match number {
                0 => "",
                NAMES_MAX => return f.write_str(", ..."),
                _ => ", ",
            };
            write!(f, "{between}{}", OptionName { definitions: self.definitions, code })?;
        }
        Ok(())
    }
}

/// The body of an option in the form that configurations have.
#[derive(Clone, Copy, Debug)]
pub struct OptionValue<'a> {
    /// Which option.
    pub name: OptionName<'a>,
    /// Its body.
    pub body: &'a [u8],
}

impl Display for OptionValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OptionValue { name, body } = self;
        let definition = name.definition();
        let is_raw = definition.is_none_or(|definition| {
            matches!(definition.data_type, DataType::Binary | DataType::Empty | DataType::Internal)
                && definition.format == Default::default()
        });
        if is_raw {
            return Bytes(body).fmt(f);
        }
        let text = format_option(definition, body, name.definitions.universe());
        let mut shown = text.chars();
        for character in shown.by_ref().take(SHOWN_MAX) {
            match character {
                '\t' => f.write_str("\\t")?,
                character => f.write_char(character)?,
            }
        }
        if shown.next().is_some() {
            write!(f, " ... ({} bytes)", body.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_configurations_have_them() {
        let definitions = &Definitions::new(Universe::V4);
        let shown = |code, body| {
            let name = OptionName { definitions, code };
            format!("{name}: {}", OptionValue { name, body })
        };
        let routers = shown(3, &[192, 0, 2, 1, 192, 0, 2, 2]);
        assert_eq!(routers, "routers (3): 192.0.2.1, 192.0.2.2");
        assert_eq!(shown(12, b"a\tb\n"), "host-name (12): a\\tb\n", "a tab begins no column");
        assert_eq!(shown(61, &[1, 2, 3]), "dhcp-client-identifier (61): 01:02:03");
        assert_eq!(shown(230, b"plain text"), "option 230: 'plain text'");
        assert_eq!(shown(3, &[1]), "routers (3): 01", "not of its form");
        assert_eq!(shown(230, b""), "option 230: (empty)");
        let long = shown(12, &[b'x'; SHOWN_MAX + 1]);
        assert!(long.ends_with("xxx ... (401 bytes)"), "{long}");
        assert!(shown(230, &[0; 500]).ends_with(":00 ... (500 bytes)"));
    }
}
