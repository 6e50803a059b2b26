//! `option-def` and `option-data`: definitions, and the options of a scope as wire bytes.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::sync::Arc;

use cc::{Diagnostics, MapReader, Position, closest};
use libdhcp::data::{DataError, csv_surplus, encode_csv, encode_hex, validate};
use libdhcp::definition::{
    CustomDefinition, CustomShape, DataType, DefinitionError, Definitions, OptionDefinition,
    is_valid_name, vendor_enterprise,
};
use libdhcp::{Added, OptionFlags, OptionSetBuilder, OptionSetForm, Universe};

use super::maps;
use super::text::quoted;
use crate::classes::ClassReader;
use crate::config::OptionRules;

/// Reads `option-def` of the global scope.
pub(crate) fn read_definitions(
    global: &MapReader<'_>,
    rules: &OptionRules,
    diagnostics: &mut Diagnostics,
) -> Definitions {
    let mut definitions = Definitions::new(rules.universe);
    for item in maps(global, "option-def") {
        let Some(reader) = MapReader::new(item, rules.definition, diagnostics) else { continue };
        add_definition(&reader, diagnostics, |definition| definitions.add(definition));
    }
    definitions
}

/// Reads an entry of `option-def` and adds it to others.
pub(crate) fn add_definition(
    reader: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
    add: impl FnOnce(CustomDefinition) -> Result<(), DefinitionError>,
) {
    let text = |name| reader.str_or_default(name).unwrap_or_default();
    let required = (reader.str("name"), reader.int("code"), reader.str("type"));
    let (Some(name), Some(code), Some(data_type)) = required else { return };
    let shape = CustomShape {
        array: reader.bool("array").unwrap_or(false),
        record_types: text("record-types"),
        encapsulates: text("encapsulate"),
    };
    let space = text("space");
    let added = CustomDefinition::new(space, code, name, data_type, shape).and_then(add);
    if let Err(error) = added {
        report_definition(reader, name, &error, diagnostics);
    }
}

fn report_definition(
    reader: &MapReader<'_>,
    name: &str,
    error: &DefinitionError,
    diagnostics: &mut Diagnostics,
) {
    let message = format!("option definition {}: {error}", quoted(name));
    let DefinitionError::UnknownType { found } = error else {
        diagnostics.error(reader.position(), message);
        return;
    };
    let types = DataType::ALL.iter().map(|data_type| data_type.name());
    let hint = match closest(found, types.clone()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("the types are {}", types.collect::<Vec<_>>().join(", ")),
    };
    diagnostics.error_with_hint(reader.position(), message, hint);
}

/// Turns `option-data` into option sets; equal sets are shared.
#[derive(Debug)]
pub(crate) struct OptionScopes<S> {
    rules: &'static OptionRules,
    /// The definitions of the file.
    pub(crate) definitions: Definitions,
    /// Gives all classes of the file their numbers.
    pub(crate) classes: ClassReader,
    empty: Arc<S>,
    known: HashMap<u64, Vec<Arc<S>>>,
}

/// An option of the file that has been understood.
struct Entry<'a> {
    space: &'a str,
    code: u16,
    body: Vec<u8>,
    flags: OptionFlags,
    classes: Vec<u32>,
}

impl<S: OptionSetForm> OptionScopes<S> {
    /// Starts with the definitions of the file.
    pub(crate) fn new(rules: &'static OptionRules, definitions: Definitions) -> Self {
        let (classes, empty) = (ClassReader::new(), Arc::default());
        Self { rules, definitions, classes, empty, known: HashMap::new() }
    }

    /// Reads the options of a scope that has definitions of its own.
    pub(crate) fn read_with(
        &mut self,
        definitions: Definitions,
        scope: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Arc<S> {
        let outer = std::mem::replace(&mut self.definitions, definitions);
        let options = self.read(scope, diagnostics);
        self.definitions = outer;
        options
    }

    /// Reads the options of one scope.
    pub(crate) fn read(&mut self, scope: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Arc<S> {
        let mut items = maps(scope, "option-data").peekable();
        if items.peek().is_none() {
            return Arc::clone(&self.empty);
        }
        let mut builder = OptionSetBuilder::<S>::new();
        for item in items {
            let Some(reader) = MapReader::new(item, self.rules.data, diagnostics) else { continue };
            let Some(entry) = self.read_entry(&reader, diagnostics) else { continue };
            let Entry { space, code, body, flags, classes } = entry;
            match builder.add_for(space, code, body, flags, &classes) {
                Ok(Added::Used) => {}
                Ok(Added::Hidden) => {
                    let message = format!("option {code} of space '{space}' is given twice");
                    let hint = "the first one for all clients counts, this one is not used";
                    diagnostics.warning_with_hint(item.position, message, hint);
                }
                Err(error) => diagnostics.error(item.position, error.to_string()),
            }
        }
        match builder.build(&self.definitions) {
            Ok(set) => self.shared(set),
            Err(error) => {
                let position = scope.position_of("option-data");
                diagnostics.error(position, error.to_string());
                Arc::clone(&self.empty)
            }
        }
    }

    /// The set itself, or an equal one that exists.
    fn shared(&mut self, set: S) -> Arc<S> {
        if set.is_empty() {
            return Arc::clone(&self.empty);
        }
        let mut hasher = DefaultHasher::new();
        set.hash(&mut hasher);
        let alike = self.known.entry(hasher.finish()).or_default();
        if let Some(equal) = alike.iter().find(|known| ***known == set) {
            return Arc::clone(equal);
        }
        let set = Arc::new(set);
        alike.push(Arc::clone(&set));
        set
    }

    fn read_entry<'a>(
        &mut self,
        reader: &MapReader<'a>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Entry<'a>> {
        let rules = self.rules;
        let space = read_space(rules, reader, diagnostics)?;
        let (code, definition) = self.read_code(space, reader, diagnostics)?;
        let is_on = |name| reader.bool(name).unwrap_or(false);
        let flags =
            OptionFlags { always_send: is_on("always-send"), never_send: is_on("never-send") };
        // What is never sent needs no value. Other spaces go as a whole, whatever the flags are.
        let is_single = space == rules.universe.top_space() || vendor_enterprise(space).is_some();
        let body = if is_single && flags.never_send && !reader.is_written("data") {
            Vec::new()
        } else {
            read_body(space, code, definition, rules.universe, reader, diagnostics)?
        };
        let is_top = space == rules.universe.top_space();
        let own = rules.servers_own.iter().find(|(own, _)| is_top && *own == code);
        if let Some((_, hint)) = own {
            let message = format!("option {code} is up to the server, this value is not sent");
            diagnostics.warning_with_hint(reader.position(), message, *hint);
        }
        let classes = self.read_classes(space, reader, diagnostics);
        Some(Entry { space, code, body, flags, classes })
    }

    /// The classes whose clients an option is for; none when it is for all.
    fn read_classes(
        &mut self,
        space: &str,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<u32> {
        let names = reader.items("client-classes");
        let is_sub_option =
            space != self.rules.universe.top_space() && vendor_enterprise(space).is_none();
        if is_sub_option && !names.is_empty() {
            let position = reader.position_of("client-classes");
            let message = format!("'client-classes' has no effect in space '{space}'");
            let hint = "give it for the option that encapsulates this one";
            diagnostics.warning_with_hint(position, message, hint);
        }
        let names = names.iter().filter_map(|item| Some((item.as_str()?.trim(), item.position)));
        let named = names.filter(|(name, _)| !name.is_empty());
        named.map(|(name, position)| self.classes.mention(name, position).0).collect()
    }

    /// The code of an option, by `code`, by `name`, or by both if they agree.
    fn read_code(
        &self,
        space: &str,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<(u16, Option<&OptionDefinition>)> {
        let name = read_name(reader, diagnostics);
        let code = read_number(self.rules.universe, space, reader, diagnostics);
        let failed = |keyword, value: bool| reader.is_written(keyword) && !value;
        if failed("name", name.is_some()) || failed("code", code.is_some()) {
            return None;
        }
        let Some(code) = code else {
            let Some(name) = name else {
                let message = "'name' or 'code' is missing in 'option-data'";
                diagnostics.error(reader.position(), message);
                return None;
            };
            let definition = self.definitions.by_name(space, name);
            if definition.is_none() {
                self.report_unknown(space, name, reader.position_of("name"), diagnostics);
            }
            return definition.map(|definition| (definition.code, Some(definition)));
        };
        let definition = self.definitions.by_code(space, code);
        if let (Some(name), Some(definition)) = (name, definition)
            && *definition.name != *name
        {
            let message = format!("option {code} of space '{space}' is not named {}", quoted(name));
            let hint = format!("it is '{}'", definition.name);
            diagnostics.error_with_hint(reader.position_of("name"), message, hint);
            return None;
        }
        Some((code, definition))
    }

    fn report_unknown(
        &self,
        space: &str,
        name: &str,
        position: Position,
        diagnostics: &mut Diagnostics,
    ) {
        let message =
            format!("there is no definition of option {} in space {}", quoted(name), quoted(space));
        let all = self.definitions.of_space(space);
        let hint = match closest(name, all.map(|definition| &*definition.name)) {
            Some(near) => format!("did you mean '{near}'?"),
            None => "define it in 'option-def' or give its 'code'".into(),
        };
        diagnostics.error_with_hint(position, message, hint);
    }
}

fn read_space<'a>(
    rules: &OptionRules,
    reader: &MapReader<'a>,
    diagnostics: &mut Diagnostics,
) -> Option<&'a str> {
    let failed = reader.is_written("space") && reader.str("space").is_none();
    let space = reader.str_or_default("space").filter(|_| !failed)?;
    let message = if space == rules.foreign_space {
        format!("option space '{space}' is for {}", rules.foreign)
    } else if is_valid_name(space) {
        return Some(space);
    } else {
        format!("{} is not a name of an option space", quoted(space))
    };
    let hint = format!("top-level options are in space '{}'", rules.universe.top_space());
    diagnostics.error_with_hint(reader.position_of("space"), message, hint);
    None
}

fn read_name<'a>(reader: &MapReader<'a>, diagnostics: &mut Diagnostics) -> Option<&'a str> {
    let name = reader.str("name")?;
    if is_valid_name(name) {
        return Some(name);
    }
    let message = format!("{} is not a name of an option", quoted(name));
    let hint = "letters, digits, '-' and '_' are expected";
    diagnostics.error_with_hint(reader.position_of("name"), message, hint);
    None
}

fn read_number(
    universe: Universe,
    space: &str,
    reader: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<u16> {
    let code = reader.int("code")?;
    let codes = universe.sendable_codes(space);
    let (min, max) = (codes.start(), codes.end());
    match u16::try_from(code).ok().filter(|code| codes.contains(code)) {
        Some(code) => Some(code),
        None => {
            let message = format!("'code' must be from {min} to {max}, found {code}");
            diagnostics.error(reader.position_of("code"), message);
            None
        }
    }
}

/// The value of an option as bytes, without its sub-options.
fn read_body(
    space: &str,
    code: u16,
    definition: Option<&OptionDefinition>,
    universe: Universe,
    reader: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<u8>> {
    if ["data", "csv-format"]
        .iter()
        .any(|name| reader.is_written(name) && reader.element(name).is_none())
    {
        return None;
    }
    let data = reader.str("data").unwrap_or_default();
    let position = reader.position_of("data");
    if !data.is_empty() && data.trim().is_empty() {
        let message = format!("data of option {code} of space '{space}' is blank");
        diagnostics.error_with_hint(position, message, "write a value, or \"\" for none");
        return None;
    }
    let is_csv = reader.bool("csv-format").unwrap_or(definition.is_some());
    let definition = match definition {
        Some(definition) if is_csv => definition,
        None if is_csv => {
            let message =
                format!("option {code} of space '{space}' has no definition for 'csv-format'");
            let hint = "define it in 'option-def' or give hexadecimal digits";
            let position = reader.position_of("csv-format");
            diagnostics.error_with_hint(position, message, hint);
            return None;
        }
        _ => {
            let body = hex_body(space, code, data, position, diagnostics)?;
            let checked = definition.map(|definition| validate(definition, &body, universe));
            if let Some(Err(error)) = checked {
                report_mismatch(space, code, &error, position, diagnostics);
                return None;
            }
            return Some(body);
        }
    };
    let surplus = csv_surplus(definition, data);
    if surplus > 0 {
        let message = format!("the last {surplus} of the values of option {code} are not used");
        let hint = format!("'{}' takes fewer; write '\\\\,' for a comma in text", definition.name);
        diagnostics.warning_with_hint(position, message, hint);
    }
    let body = encode_csv(definition, data, universe);
    match body.and_then(|body| validate(definition, &body, universe).map(|()| body)) {
        Ok(body) => Some(body),
        Err(error) => {
            report_mismatch(space, code, &error, position, diagnostics);
            None
        }
    }
}

fn report_mismatch(
    space: &str,
    code: u16,
    error: &DataError,
    position: Position,
    diagnostics: &mut Diagnostics,
) {
    let mut message = String::from("option data does not match option definition");
    message.push_str(&format!(" (space: {space}, code: {code}): {error}"));
    diagnostics.error(position, message);
}

fn hex_body(
    space: &str,
    code: u16,
    data: &str,
    position: Position,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<u8>> {
    match encode_hex(data) {
        Ok(body) => Some(body),
        Err(error) => {
            let message = format!("data of option {code} of space '{space}': {error}");
            let hint = "without 'csv-format' it is hexadecimal digits or text in single quotes";
            diagnostics.error_with_hint(position, message, hint);
            None
        }
    }
}
