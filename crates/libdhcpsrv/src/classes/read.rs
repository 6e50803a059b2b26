//! From `client-classes` of a file to [`Class`]es.

use cc::{Diagnostics, MapReader};
use eval::{Compiler, ExprError};
use libdhcp::OptionSetForm;
use libdhcp::definition::Definitions;

use super::names::ClassReader;
use super::values::ValueNames;
use super::{Class, ClassTest, Template, special};
use crate::config::keywords::refuse_unsupported;
use crate::config::read::maps;
use crate::config::read::network::LifetimeKeywords;
use crate::config::read::options::OptionScopes;
use crate::config::read::text::quoted;
use crate::config::{Lifetime, Server};
use crate::hosts::BootFields;

/// What classes of one server alone have.
#[derive(Debug, Default)]
pub(crate) struct OwnFields {
    /// Definitions of options that replace those of the global scope.
    pub(crate) definitions: Option<Definitions>,
    pub(crate) preferred_lifetime: Option<Lifetime>,
    pub(crate) offer_lifetime: Option<u32>,
    pub(crate) boot: Option<Box<BootFields>>,
}

/// Reads what classes of one server alone have; the definitions are those of the global scope.
pub(crate) type ReadOwn = fn(&MapReader<'_>, &Definitions, &mut Diagnostics) -> OwnFields;

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
        let own = read_own(&reader, &options.definitions, diagnostics);
        classes.extend(read_class(&reader, own, options, diagnostics));
    }
    classes
}

fn read_class<S: OptionSetForm>(
    reader: &MapReader<'_>,
    own: OwnFields,
    options: &mut OptionScopes<S>,
    diagnostics: &mut Diagnostics,
) -> Option<Class<S>> {
    let name = reader.str("name").unwrap_or_default();
    if reader.str("name").is_some_and(str::is_empty) {
        diagnostics.error(reader.position_of("name"), "a class has no name");
    }
    // Before the class itself is known: a test cannot ask for membership in its own class.
    let OptionScopes { definitions, classes: names, .. } = &mut *options;
    let (test, depends_on_known) = read_test(reader, name, definitions, names, diagnostics);
    let is_additional = reader.bool_or_default(ADDITIONAL).unwrap_or(false);
    check_special(reader, name, is_additional, diagnostics);
    let OwnFields { definitions, preferred_lifetime, offer_lifetime, boot } = own;
    let valid_lifetime = LifetimeKeywords::VALID.read(reader, diagnostics);
    let has_times = valid_lifetime.is_some() || preferred_lifetime.is_some();
    if is_additional && (has_times || offer_lifetime.is_some()) {
        let message = format!("the lifetimes of class {} have no effect", quoted(name));
        let hint = "classes of an additional list are evaluated once the lease is made";
        diagnostics.warning_with_hint(reader.position(), message, hint);
    }
    let set = match definitions {
        Some(definitions) => options.read_with(definitions, reader, diagnostics),
        None => options.read(reader, diagnostics),
    };
    if name.is_empty() {
        return None;
    }
    let Some(id) = options.classes.define(name, depends_on_known) else {
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
        options: set,
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
    name: &str,
    definitions: &Definitions,
    names: &mut ClassReader,
    diagnostics: &mut Diagnostics,
) -> (Option<ClassTest>, bool) {
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
    // Kea 1.1 took an empty text for no test.
    let Some(text) = test.filter(|text| !text.is_empty()) else { return (None, false) };
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
