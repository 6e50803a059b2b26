//! From `client-classes` of a file to [`Class`]es.

use std::collections::HashSet;
use std::sync::Arc;

use cc::{Diagnostics, MapReader};
use eval::{Compiler, ExprError};
use libdhcp::OptionSetForm;
use libdhcp::definition::{DHCP4, Definitions};
use libdhcp::v4::code;

use super::names::ClassReader;
use super::values::ValueNames;
use super::{Class, ClassTest, Template, special};
use crate::config::keywords::refuse_unsupported;
use crate::config::read::maps;
use crate::config::read::network::LifetimeKeywords;
use crate::config::read::options::{OptionScopes, add_definition};
use crate::config::read::text::quoted;
use crate::config::{Lifetime, OptionRules, Server};
use crate::hosts::BootFields;

/// What classes of one server alone have.
#[derive(Debug, Default)]
pub(crate) struct OwnFields {
    pub(crate) preferred_lifetime: Option<Lifetime>,
    pub(crate) offer_lifetime: Option<u32>,
    pub(crate) boot: Option<Box<BootFields>>,
}

/// Reads what classes of one server alone have.
pub(crate) type ReadOwn = fn(&MapReader<'_>, &mut Diagnostics) -> OwnFields;

/// Reads `client-classes` of the global scope; to be done before anything that names classes is read.
pub(crate) fn read_classes<S: OptionSetForm>(
    global: &MapReader<'_>,
    server: &'static Server,
    read_own: ReadOwn,
    options: &mut OptionScopes<S>,
    diagnostics: &mut Diagnostics,
) -> Vec<Class<S>> {
    let mut classes = Vec::new();
    for item in maps(global, server.class.name) {
        let Some(reader) = MapReader::new(item, server.class, diagnostics) else { continue };
        refuse_unsupported(&reader, diagnostics);
        let own = read_own(&reader, diagnostics);
        let definitions =
            read_class_definitions(&reader, &server.options, &options.definitions, diagnostics);
        // The test comes before the class is known: it cannot ask for membership in its own class.
        let test = read_test(&reader, &options.definitions, &mut options.classes, diagnostics);
        let set = match definitions {
            Some(definitions) => options.read_with(definitions, &reader, diagnostics),
            None => options.read(&reader, diagnostics),
        };
        classes.extend(read_class(&reader, own, test, set, &mut options.classes, diagnostics));
    }
    classes
}

/// Reads `option-def` of a class: the definitions that hold for its options, or nothing when it has none of its own.
pub(crate) fn read_class_definitions(
    reader: &MapReader<'_>,
    rules: &OptionRules,
    outer: &Definitions,
    diagnostics: &mut Diagnostics,
) -> Option<Definitions> {
    let table = rules.definition;
    reader.scope().keyword(table.name)?;
    let mut definitions: Option<Definitions> = None;
    let mut codes = HashSet::new();
    for item in maps(reader, table.name) {
        let Some(entry) = MapReader::new(item, table, diagnostics) else { continue };
        let space = entry.str_or_default("space").unwrap_or_default();
        let Some(code) = entry.int("code") else { continue };
        if space != DHCP4 || !is_private(code) {
            let message = format!("a class cannot define option {code} of space {}", quoted(space));
            let hint =
                "it can define 43 and 224 to 254 of 'dhcp4'; the global scope can define all";
            diagnostics.error_with_hint(entry.position_of("code"), message, hint);
        } else if codes.insert(code) {
            let definitions = definitions.get_or_insert_with(|| outer.clone());
            add_definition(&entry, diagnostics, |definition| {
                definitions.supersede(definition);
                Ok(())
            });
        } else {
            let message = format!("the class defines option {code} already");
            diagnostics.error(entry.position_of("code"), message);
        }
    }
    definitions
}

/// Whether it is up to the client's class what an option of DHCPv4 is.
fn is_private(code: i64) -> bool {
    code == i64::from(code::VENDOR_ENCAPSULATED_OPTIONS) || (224..=254).contains(&code)
}

fn read_class<S: OptionSetForm>(
    reader: &MapReader<'_>,
    own: OwnFields,
    (test, depends_on_known): (Option<ClassTest>, bool),
    options: Arc<S>,
    names: &mut ClassReader,
    diagnostics: &mut Diagnostics,
) -> Option<Class<S>> {
    let name = reader.str("name").unwrap_or_default();
    if reader.str("name").is_some_and(str::is_empty) {
        diagnostics.error(reader.position_of("name"), "a class has no name");
    }
    let is_additional = reader.bool_or_default(ADDITIONAL).unwrap_or(false);
    check_special(reader, name, is_additional, diagnostics);
    let OwnFields { preferred_lifetime, offer_lifetime, boot } = own;
    let valid_lifetime = LifetimeKeywords::VALID.read_alone(reader, diagnostics);
    let has_times = valid_lifetime.is_some() || preferred_lifetime.is_some();
    if is_additional && (has_times || offer_lifetime.is_some()) {
        let message = format!("the lifetimes of class {} have no effect", quoted(name));
        let hint = "classes of an additional list are evaluated once the lease is made";
        diagnostics.warning_with_hint(reader.position(), message, hint);
    }
    if name.is_empty() {
        return None;
    }
    let Some(id) = names.define(name, depends_on_known) else {
        let message = format!("class {} is defined already", quoted(name));
        let hint = "a class has one definition; join them, or give one another name";
        diagnostics.error_with_hint(reader.position_of("name"), message, hint);
        return None;
    };
    Some(Class {
        id,
        name: name.into(),
        test,
        is_additional,
        depends_on_known,
        options,
        valid_lifetime,
        preferred_lifetime,
        offer_lifetime,
        boot,
    })
}

const ADDITIONAL: &str = "only-in-additional-list";

/// Reads `test` or `template-test`; says also whether it depends on the client being known.
fn read_test(
    reader: &MapReader<'_>,
    definitions: &Definitions,
    names: &mut ClassReader,
    diagnostics: &mut Diagnostics,
) -> (Option<ClassTest>, bool) {
    let name = reader.str("name").unwrap_or_default();
    let (test, template) = (reader.str("test"), reader.str("template-test"));
    if test.is_some() && template.is_some() {
        let message = "'test' and 'template-test' cannot be given both";
        let hint = "make two classes, the test of one with member() of the other";
        diagnostics.error_with_hint(reader.position_of("template-test"), message, hint);
    }
    let mut report = |keyword: &str, error: ExprError| {
        let message = format!("'{keyword}' of class {}: {error}", quoted(name));
        diagnostics.error(reader.position_of(keyword), message);
    };
    if let Some(text) = template {
        let (compiled, depends_on_known) = names.compiling(true, |classes| {
            Compiler { definitions, classes }
                .value(text)
                .map_err(|error| report("template-test", error))
        });
        let template =
            compiled.ok().map(|expression| Template { expression, spawned: ValueNames::default() });
        return (template.map(ClassTest::Template), depends_on_known);
    }
    let Some(text) = test else { return (None, false) };
    let (compiled, depends_on_known) = names.compiling(false, |classes| {
        Compiler { definitions, classes }.condition(text).map_err(|error| report("test", error))
    });
    (compiled.ok().map(ClassTest::Condition), depends_on_known)
}

/// Checks what cannot be said of classes that have a meaning of their own.
fn check_special(
    reader: &MapReader<'_>,
    name: &str,
    is_additional: bool,
    diagnostics: &mut Diagnostics,
) {
    let id = special::NAMES.iter().find(|(_, special)| *special == name).map(|(id, _)| *id);
    let is_entered = id.is_some_and(|id| id <= special::BOOTP);
    let test = ["test", "template-test"].into_iter().find(|test| reader.is_written(test));
    if let Some(test) = test.filter(|_| is_entered) {
        let message = format!("class {} is built in, it has no '{test}'", quoted(name));
        let hint = "leave it out, or give the class another name";
        diagnostics.error_with_hint(reader.position_of(test), message, hint);
    }
    if is_additional && (is_entered || matches!(id, Some(special::DROP | special::REJECT))) {
        let message = format!("class {} cannot be in an additional list alone", quoted(name));
        let hint = format!("leave '{ADDITIONAL}' out");
        diagnostics.error_with_hint(reader.position_of(ADDITIONAL), message, hint);
    }
}
