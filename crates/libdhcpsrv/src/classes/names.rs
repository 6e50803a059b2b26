//! Names of classes while a configuration is read: which are defined, and what refers to them.

use std::cell::Cell;
use std::collections::HashSet;

use cc::{Diagnostics, Element, MapReader, Position};
use eval::{ClassId, ClassNames, ClassTable, is_built_in};

use super::audience::{Audience, ClassPolicy};
use super::special;
use crate::config::read::text::quoted;

/// Classes that one scope may name.
const CLASSES_MAX: usize = 256;
/// Unknown names for which a near one is sought, each time among all that are known.
const SUGGESTIONS_MAX: u32 = 20;

/// Knows the classes of the file, and gives numbers to those that other parts of the file name.
#[derive(Debug)]
pub struct ClassReader {
    table: ClassTable,
    /// What is known of the classes, by number.
    known: Vec<Status>,
    /// Whether what is compiled now depends on whether the client is known.
    depends_on_known: bool,
    /// Whether any name goes, as in `template-test`.
    is_lenient: bool,
    /// Whether the file names any class.
    is_used: bool,
    /// Names in options, which may stand before the definitions of their classes.
    mentions: Vec<(Box<str>, Position)>,
    /// Their numbers.
    mentioned: HashSet<ClassId>,
    /// How often a near name has been sought.
    suggestions: Cell<u32>,
}

/// What is known of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Status {
    Defined {
        depends_on_known: bool,
    },
    #[default]
    Named,
}

impl ClassReader {
    /// Starts with the classes that have a meaning of their own.
    pub(crate) fn new() -> Self {
        let mut table = ClassTable::new();
        for (id, name) in special::NAMES {
            let given = table.define(name);
            debug_assert_eq!(given, id, "{name}");
        }
        Self {
            table,
            known: Vec::new(),
            depends_on_known: false,
            is_lenient: false,
            is_used: false,
            mentions: Vec::new(),
            mentioned: HashSet::new(),
            suggestions: Cell::new(0),
        }
    }

    /// Makes a class of the file known; returns nothing if it is defined already.
    pub(super) fn define(&mut self, name: &str, depends_on_known: bool) -> Option<ClassId> {
        let id = self.table.define(name);
        let status = self.status(id);
        let is_new = *status == Status::Named;
        *status = Status::Defined { depends_on_known };
        self.is_used = true;
        is_new.then_some(id)
    }

    /// Lets an expression be compiled; returns what it is and whether it depends on the client being known.
    pub(super) fn compiling<T>(
        &mut self,
        is_lenient: bool,
        compile: impl FnOnce(&mut Self) -> T,
    ) -> (T, bool) {
        (self.is_lenient, self.depends_on_known) = (is_lenient, false);
        let compiled = compile(self);
        (compiled, self.depends_on_known)
    }

    /// Whether the file defines a class.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        let id = self.table.find(name);
        let status = id.and_then(|id| self.known.get(id.0 as usize));
        status.is_some_and(|status| *status != Status::Named)
    }

    /// All names.
    pub(super) fn into_table(self) -> ClassTable {
        self.table
    }

    /// Whether the file names any class.
    pub(super) fn is_used(&self) -> bool {
        self.is_used
    }

    /// Gives a number to a class that an option is for, perhaps before the class is defined.
    pub(crate) fn mention(&mut self, name: &str, position: Position) -> ClassId {
        self.is_used = true;
        let class = self.table.mention(name);
        if self.mentioned.insert(class) {
            self.mentions.push((name.into(), position));
        }
        class
    }

    /// Warns of classes that options are for and that are not defined; to be done when all classes are.
    pub(crate) fn check_mentions(&mut self, diagnostics: &mut Diagnostics) {
        for (name, position) in std::mem::take(&mut self.mentions) {
            self.resolve_member(&name, position, diagnostics);
        }
    }

    /// Reads what a subnet, pool or shared network says about classes; nothing when it says nothing. Its table must
    /// have the rows [`POLICY`](crate::config::keywords::classes::POLICY).
    pub fn read_policy(
        &mut self,
        scope: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Box<ClassPolicy>> {
        let old = scope.element("client-class").filter(|element| !element.is_blank());
        let audience = match old {
            Some(element) => std::slice::from_ref(element),
            None => scope.items("client-classes"),
        };
        let audience = self.read_list("client-classes", audience, diagnostics);
        let name = "evaluate-additional-classes";
        let additional = self.read_list(name, scope.items(name), diagnostics);
        let policy = ClassPolicy { audience: Audience::new(audience), additional };
        (policy != ClassPolicy::default()).then(|| Box::new(policy))
    }

    /// Gives a number to a class that a reservation puts its client into; it need not be defined.
    pub(crate) fn resolve_reserved(
        &mut self,
        name: &str,
        position: Position,
        diagnostics: &mut Diagnostics,
    ) -> ClassId {
        if !self.exists(name)
            && let Some(near) = self.nearest(name)
        {
            let message = format!("class {} is not defined", quoted(name));
            diagnostics.warning_with_hint(position, message, format!("did you mean '{near}'?"));
        }
        self.is_used = true;
        self.table.define(name)
    }

    /// Gives a number to a class whose members a scope is about; it need not be defined.
    fn resolve_member(
        &mut self,
        name: &str,
        position: Position,
        diagnostics: &mut Diagnostics,
    ) -> ClassId {
        if !self.exists(name) {
            let message = format!("class {} is not defined", quoted(name));
            let hint = match self.nearest(name) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "no client is in it unless a reservation or hook library says so".into(),
            };
            diagnostics.warning_with_hint(position, message, hint);
        }
        self.is_used = true;
        self.table.define(name)
    }

    /// Whether clients can be in a class by what is known so far.
    fn exists(&self, name: &str) -> bool {
        self.is_defined(name) || is_built_in(name) || name.starts_with(special::SPAWNED)
    }

    /// Reads a list of names.
    fn read_list(
        &mut self,
        keyword: &str,
        items: &[Element],
        diagnostics: &mut Diagnostics,
    ) -> Box<[ClassId]> {
        let mut classes = Vec::new();
        for item in items {
            if classes.len() == CLASSES_MAX {
                let message = format!("'{keyword}' has at most {CLASSES_MAX} classes");
                diagnostics.error_with_hint(item.position, message, "join some of them into one");
                break;
            }
            let name = item.as_str().unwrap_or_default();
            if name.is_empty() {
                diagnostics.error(item.position, "a class has no name");
                continue;
            }
            let class = self.resolve_member(name, item.position, diagnostics);
            if classes.contains(&class) {
                let message = format!("class {} is given twice", quoted(name));
                diagnostics.warning(item.position, message);
            } else {
                classes.push(class);
            }
        }
        classes.into()
    }

    fn status(&mut self, id: ClassId) -> &mut Status {
        let number = id.0 as usize;
        if self.known.len() <= number {
            self.known.resize(number + 1, Status::default());
        }
        &mut self.known[number]
    }
}

impl ClassNames for ClassReader {
    fn resolve(&mut self, name: &str) -> Option<ClassId> {
        let id = if is_built_in(name) || self.is_lenient || self.is_defined(name) {
            self.table.define(name)
        } else {
            return None;
        };
        let is_known = [special::KNOWN, special::UNKNOWN].contains(&id);
        // Kea looks no further than the name itself in `template-test`.
        let is_indirect =
            !self.is_lenient && *self.status(id) == Status::Defined { depends_on_known: true };
        self.depends_on_known |= is_known || is_indirect;
        Some(id)
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let number = self.suggestions.get();
        if number == SUGGESTIONS_MAX {
            return None;
        }
        self.suggestions.set(number + 1);
        let table = &self.table;
        let ids = (0..table.len() as u32).map(ClassId);
        let names =
            ids.map(|id| table.name(id)).filter(|name| self.is_defined(name) || is_built_in(name));
        cc::closest(name, names).map(str::to_owned)
    }
}
