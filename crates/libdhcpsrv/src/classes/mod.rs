//! Client classes: what the configuration says about them, and which of them a query is in.
//!
//! [`Classes`] is the compiled list of `client-classes` with the names of all classes that the file mentions; a class has
//! a test and what its members get. A worker's [`Membership`] finds the classes of one query, in stages: those that do
//! not depend on the client's reservation, those that do, those that a pool or subnet asks for once an address is
//! chosen. Subnets, pools and shared networks say by a [`ClassPolicy`] whom they serve.
//!
//! Not here: the language of tests (crate `eval`), and what is done with members; servers read options and times of
//! the classes through [`Classes::of`].
//!
//! Cost: what [`eval::Dispatch`] takes to find the tests that may be true, and the evaluation of those. Kea:
//! `ClientClassDictionary`, `Pkt::addClass`, `evaluateClasses`.

mod audience;
mod evidence;
mod family;
mod membership;
mod names;
mod read;
#[cfg(test)]
mod tests;
mod values;

pub use audience::{Audience, ClassPolicy};
pub use membership::{Membership, Query};
pub use names::ClassReader;
pub(crate) use read::{OwnFields, read_class_definitions, read_classes};

use std::fmt;
use std::sync::Arc;

use eval::{ClassId, ClassSet, ClassTable, Condition, Dispatch, ValueExpression};
use libdhcp::{OptionSetForm, Universe};

use self::values::ValueNames;
use crate::config::Lifetime;
use crate::explain::List;
use crate::hosts::BootFields;

/// Classes with a meaning of their own; they have the same numbers in all configurations.
pub mod special {
    use eval::ClassId;

    /// Every client is in `ALL`.
    pub const EVERYBODY: ClassId = ClassId(0);
    /// `KNOWN`: clients with a reservation.
    pub const KNOWN: ClassId = ClassId(1);
    /// `UNKNOWN`: clients without one.
    pub const UNKNOWN: ClassId = ClassId(2);
    /// `BOOTP`: clients that speak no DHCP.
    pub const BOOTP: ClassId = ClassId(3);
    /// `DROP`: queries that are not answered.
    pub const DROP: ClassId = ClassId(4);
    /// `REJECT`: clients that are refused leases.
    pub const REJECT: ClassId = ClassId(5);
    /// `SKIP_DDNS`: clients whose names are not entered into the DNS.
    pub const SKIP_DDNS: ClassId = ClassId(6);

    /// All of them with their names, by number.
    pub(super) const NAMES: [(ClassId, &str); 7] = [
        (EVERYBODY, "ALL"),
        (KNOWN, "KNOWN"),
        (UNKNOWN, "UNKNOWN"),
        (BOOTP, "BOOTP"),
        (DROP, "DROP"),
        (REJECT, "REJECT"),
        (SKIP_DDNS, "SKIP_DDNS"),
    ];
    /// Beginning of the names of classes that `template-test` makes.
    pub(super) const SPAWNED: &str = "SPAWN_";
    /// Beginning of the names of classes that follow from the vendor class option.
    pub(super) const VENDOR: &str = "VENDOR_CLASS_";
}

/// A class that the file defines, with options of one family.
#[derive(Clone, Debug)]
pub struct Class<S> {
    /// Its number.
    pub id: ClassId,
    /// Its name.
    pub name: Box<str>,
    /// How a query gets into it; without a test it is put into it by other means.
    pub test: Option<ClassTest>,
    /// `only-in-additional-list`: it is evaluated only where a pool, subnet or network asks for it.
    pub is_additional: bool,
    /// Whether its test looks, itself or through other classes, at whether the client is known.
    pub depends_on_known: bool,
    /// Options of its members.
    pub options: Arc<S>,
    /// `valid-lifetime` and its limits.
    pub(crate) valid_lifetime: Option<Lifetime>,
    /// `preferred-lifetime` and its limits, in DHCPv6.
    pub(crate) preferred_lifetime: Option<Lifetime>,
    /// `offer-lifetime` in seconds, in DHCPv4.
    pub offer_lifetime: Option<u32>,
    /// Fields of the DHCPv4 header.
    pub boot: Option<Box<BootFields>>,
}

impl<S: OptionSetForm> Class<S> {
    /// Whether members get anything by it.
    fn gives(&self) -> bool {
        let has_times = [self.valid_lifetime, self.preferred_lifetime].iter().any(Option::is_some);
        !self.options.is_empty()
            || has_times
            || self.offer_lifetime.is_some()
            || self.boot.is_some()
    }
}

/// How a query gets into a class.
#[derive(Clone, Debug)]
pub enum ClassTest {
    /// `test`: when the expression is true.
    Condition(Condition),
    /// `template-test`: when the expression yields something, and then also into a class named after that.
    Template(Template),
}

/// A `template-test`, and the classes `SPAWN_<name>_<value>` that the configuration mentions.
#[derive(Clone, Debug)]
pub struct Template {
    /// The expression.
    pub expression: ValueExpression,
    spawned: ValueNames,
}

/// The classes of a configuration.
#[derive(Debug)]
pub struct Classes<S> {
    universe: Universe,
    table: ClassTable,
    /// Those that the file defines, in its order.
    defined: Box<[Class<S>]>,
    /// By number: place among those that are defined.
    places: Box<[Option<u32>]>,
    /// Those that give their members something.
    giving: ClassSet,
    vendor: ValueNames,
    is_used: bool,
    /// Those whose tests do not depend on the client being known.
    early: Stage,
    /// Those whose tests do.
    late: Stage,
}

/// Classes that are evaluated together.
#[derive(Debug, Default)]
struct Stage {
    /// Places among those that are defined, ascending.
    places: Box<[u32]>,
    dispatch: Dispatch,
}

impl Stage {
    fn new<S>(defined: &[Class<S>], depends_on_known: bool) -> Self {
        let is_meant = |class: &Class<S>| {
            !class.is_additional
                && class.test.is_some()
                && class.depends_on_known == depends_on_known
        };
        let members = || defined.iter().zip(0..).filter(|(class, _)| is_meant(class));
        let dispatch = Dispatch::new(members().map(|(class, _)| match &class.test {
            Some(ClassTest::Condition(condition)) => Some(condition),
            _ => None,
        }));
        Self { places: members().map(|(_, place)| place).collect(), dispatch }
    }
}

/// Lifetimes that the classes of a client give; absent ones are those of its subnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassTimes {
    pub(crate) valid: Option<Lifetime>,
    pub(crate) preferred: Option<Lifetime>,
}

impl<S: OptionSetForm> Classes<S> {
    /// Takes the classes of the file and all names that it mentions.
    pub(crate) fn new(universe: Universe, names: ClassReader, mut defined: Vec<Class<S>>) -> Self {
        let is_used = names.is_used();
        let table = names.into_table();
        for class in &mut defined {
            if let Some(ClassTest::Template(template)) = &mut class.test {
                let prefix = format!("{}{}_", special::SPAWNED, class.name);
                template.spawned = ValueNames::new(&table, &prefix);
            }
        }
        let mut places = vec![None; table.len()].into_boxed_slice();
        for (class, place) in defined.iter().zip(0..) {
            if let Some(room) = places.get_mut(class.id.0 as usize) {
                *room = Some(place);
            }
        }
        let mut giving = ClassSet::with_capacity(table.len());
        for class in defined.iter().filter(|class| class.gives()) {
            giving.insert(class.id);
        }
        let vendor = ValueNames::new(&table, special::VENDOR);
        let (early, late) = (Stage::new(&defined, false), Stage::new(&defined, true));
        let defined = defined.into();
        Self { universe, table, defined, places, giving, vendor, is_used, early, late }
    }

    /// Whether the file defines or mentions any class; if not, those of a query need not be found.
    #[must_use]
    #[inline]
    pub fn is_used(&self) -> bool {
        self.is_used
    }

    /// Names of all classes that the file mentions.
    #[must_use]
    pub fn table(&self) -> &ClassTable {
        &self.table
    }

    /// The class with this number, if the file defines it.
    #[must_use]
    pub fn get(&self, id: ClassId) -> Option<&Class<S>> {
        let place = self.places.get(id.0 as usize).copied().flatten()?;
        self.defined.get(place as usize)
    }

    /// The classes that the file defines, in its order.
    pub fn iter(&self) -> impl Iterator<Item = &Class<S>> {
        self.defined.iter()
    }

    /// The classes of a query that give their members something, in the order in which it got into them: of what
    /// several give, the first one counts.
    #[inline]
    pub fn of<'a>(&'a self, membership: &'a Membership) -> impl Iterator<Item = &'a Class<S>> {
        let entered = membership.entered().iter();
        entered.filter(|id| self.giving.contains(**id)).filter_map(|id| self.get(*id))
    }

    /// Why a scope with this policy does not serve a client that it does not admit.
    pub fn refusal(&self, policy: Option<&ClassPolicy>) -> impl fmt::Display {
        let classes = policy.map_or(&[][..], |policy| policy.audience.classes());
        let names = classes.iter().map(|id| self.table.name(*id));
        format!("it serves clients of class {} only", List(names, " or "))
    }

    /// The lifetimes that the classes of a query give: each is that of the first class that has one.
    #[must_use]
    pub fn times(&self, membership: &Membership) -> ClassTimes {
        let of = |time: fn(&Class<S>) -> Option<Lifetime>| self.of(membership).find_map(time);
        ClassTimes {
            valid: of(|class| class.valid_lifetime),
            preferred: of(|class| class.preferred_lifetime),
        }
    }
}

impl<S: OptionSetForm> Default for Classes<S> {
    fn default() -> Self {
        Self::new(Universe::V4, ClassReader::new(), Vec::new())
    }
}
