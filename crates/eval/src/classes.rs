//! Names of client classes and which of them a packet is in.
//!
//! Expressions refer to classes by number, so that `member('x')` costs one look at a bit. Numbers
//! are given by a [`ClassTable`] while the configuration is read; a [`ClassSet`] belongs to a
//! worker and says which classes its packet is in.

use std::collections::HashMap;

/// Number of a class in the [`ClassTable`] of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// Answers the question of an expression whether a class may be referred to.
pub trait ClassNames {
    /// Number of the class, when an expression at this place of the configuration may refer to it.
    fn resolve(&mut self, name: &str) -> Option<ClassId>;

    /// A class whose name is near enough to an undefined one to be meant.
    fn nearest(&self, name: &str) -> Option<String>;
}

/// The classes of a configuration: those defined so far, and the built-in ones that it refers to.
#[derive(Clone, Debug, Default)]
pub struct ClassTable {
    by_name: HashMap<Box<str>, ClassId>,
    names: Vec<Box<str>>,
    /// Whether expressions can refer to each class.
    is_defined: Vec<bool>,
}

impl ClassTable {
    /// A table without classes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a class known, from which on expressions can refer to it; returns its number, which is
    /// the same when the name is known already.
    pub fn define(&mut self, name: &str) -> ClassId {
        let id = self.mention(name);
        if let Some(is_defined) = self.is_defined.get_mut(id.0 as usize) {
            *is_defined = true;
        }
        id
    }

    /// Number of a class that is named outside of expressions, perhaps before it is defined.
    pub fn mention(&mut self, name: &str) -> ClassId {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let id = ClassId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.into());
        self.is_defined.push(false);
        self.by_name.insert(name.into(), id);
        id
    }

    /// Number of a class, if it was defined, referred to or mentioned.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ClassId> {
        self.by_name.get(name).copied()
    }

    /// Name of a class of this table; empty for a number of another one.
    #[must_use]
    pub fn name(&self, id: ClassId) -> &str {
        self.names.get(id.0 as usize).map_or("", |name| name)
    }

    /// Number of classes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Says whether there is no class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl ClassNames for ClassTable {
    fn resolve(&mut self, name: &str) -> Option<ClassId> {
        if is_built_in(name) {
            return Some(self.define(name));
        }
        let is_defined = |id: &ClassId| self.is_defined.get(id.0 as usize).copied();
        self.find(name).filter(|id| is_defined(id).unwrap_or(false))
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let known = self.names.iter().zip(&self.is_defined);
        let defined = known.filter(|(_, is_defined)| **is_defined).map(|(name, _)| &**name);
        let names = defined.chain(BUILT_IN);
        cc::closest(name, names).map(str::to_owned)
    }
}

/// The classes that one packet is in; reused from packet to packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassSet {
    words: Vec<u64>,
}

impl ClassSet {
    /// An empty set with room for the classes of a table that has `classes` of them.
    #[must_use]
    pub fn with_capacity(classes: usize) -> Self {
        Self { words: vec![0; classes.div_ceil(64)] }
    }

    /// A set that stays empty.
    #[must_use]
    pub fn empty() -> &'static Self {
        static EMPTY: ClassSet = ClassSet { words: Vec::new() };
        &EMPTY
    }

    /// Number of classes that there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.words.len() * 64
    }

    /// Puts the packet into a class; returns false when the set has no room for its number.
    pub fn insert(&mut self, class: ClassId) -> bool {
        let word = self.words.get_mut(class.0 as usize / 64);
        word.is_some_and(|word| {
            *word |= 1 << (class.0 % 64);
            true
        })
    }

    /// Takes the packet out of a class.
    pub fn remove(&mut self, class: ClassId) {
        if let Some(word) = self.words.get_mut(class.0 as usize / 64) {
            *word &= !(1 << (class.0 % 64));
        }
    }

    /// Takes the packet out of all classes.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Says whether the packet is in a class.
    #[must_use]
    #[inline]
    pub fn contains(&self, class: ClassId) -> bool {
        self.words.get(class.0 as usize / 64).is_some_and(|word| word >> (class.0 % 64) & 1 == 1)
    }
}

/// Says whether a class exists without being defined: `ALL`, `KNOWN`, `UNKNOWN`, `BOOTP`, and what
/// begins with `VENDOR_CLASS_`, `HA_`, `AFTER_` or `EXTERNAL_`.
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    let is_prefixed =
        |prefix: &&str| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    BUILT_IN.contains(&name) || BUILT_IN_PREFIXES.iter().any(is_prefixed)
}

const BUILT_IN: [&str; 4] = ["ALL", "KNOWN", "UNKNOWN", "BOOTP"];
const BUILT_IN_PREFIXES: [&str; 4] = ["VENDOR_CLASS_", "HA_", "AFTER_", "EXTERNAL_"];

#[cfg(test)]
mod tests {
    use super::{ClassNames, ClassTable};

    #[test]
    fn a_mentioned_class_has_a_number_that_expressions_see_once_it_is_defined() {
        let mut table = ClassTable::new();
        let id = table.mention("later");
        assert_eq!((table.resolve("later"), table.nearest("latex")), (None, None));
        assert_eq!((table.define("later"), table.resolve("later")), (id, Some(id)));
        assert_eq!((table.nearest("latex").as_deref(), table.name(id)), (Some("later"), "later"));
    }
}
