//! Columns of the tables of leases, and their values as arrays: one parameter of a statement holds a column of the whole
//! batch.

use std::net::{IpAddr, Ipv6Addr};

use database::DbError;
use libdhcpsrv::lease::{INFINITE, LeaseState};

use crate::value::{Text, Time};
use crate::{Parameter, schema};

/// A column and what statements do with it. In the pieces of SQL, `l` is the table and `w` what was asked for.
pub(crate) struct Column<L> {
    /// Its name.
    pub name: &'static str,
    /// How its values travel.
    pub kind: Kind,
    /// Its value in a lease.
    pub value: fn(&L) -> Value<'_>,
    /// What is stored, where it is not the value itself (`w.NAME`).
    pub stored: Option<&'static str>,
    /// Whether the table's value is the one of the lease (`w.old_NAME`), absent and empty being the same; none where it
    /// does not matter. Never a plain equation of two columns: a plan could be built on it.
    pub same: Option<&'static str>,
    /// The types that it may have.
    pub types: &'static [&'static str],
    /// Whether tables can be without it.
    pub is_optional: bool,
}

const INTS: &[&str] = &["int2", "int4", "int8"];
const TEXTS: &[&str] = &["varchar", "text"];
const TIMES: &[&str] = &["timestamptz"];

impl<L> Column<L> {
    const fn new(
        name: &'static str,
        kind: Kind,
        types: &'static [&'static str],
        value: fn(&L) -> Value<'_>,
    ) -> Self {
        Self { name, kind, value, stored: None, same: None, types, is_optional: false }
    }

    /// A truth.
    pub(crate) const fn flag(name: &'static str, value: fn(&L) -> Value<'_>) -> Self {
        Self::new(name, Kind::Bool, &["bool"], value)
    }

    /// Bytes.
    pub(crate) const fn bytes(name: &'static str, value: fn(&L) -> Value<'_>) -> Self {
        Self::new(name, Kind::Bytes, &["bytea"], value)
    }

    /// A number.
    pub(crate) const fn int(name: &'static str, value: fn(&L) -> Value<'_>) -> Self {
        Self::new(name, Kind::Int, INTS, value)
    }

    /// A text.
    pub(crate) const fn text(name: &'static str, value: fn(&L) -> Value<'_>) -> Self {
        Self::new(name, Kind::Text, TEXTS, value)
    }

    /// A moment.
    pub(crate) const fn time(name: &'static str, value: fn(&L) -> Value<'_>) -> Self {
        Self::new(name, Kind::Time, TIMES, value)
    }

    /// The column, with the condition under which it is unchanged.
    pub(crate) const fn same(self, same: &'static str) -> Self {
        Self { same: Some(same), ..self }
    }

    /// The column, with what is stored.
    pub(crate) const fn stored(self, stored: &'static str) -> Self {
        Self { stored: Some(stored), ..self }
    }

    /// The column, which tables can be without.
    pub(crate) const fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }
}

/// Chooses the columns that a table has, and lists what is to be read: NULL where it has none.
pub(crate) fn present<L>(
    table: &schema::Table,
    all: Vec<Column<L>>,
) -> Result<(Vec<Column<L>>, String), DbError> {
    let (mut present, mut selected) = (Vec::new(), Vec::new());
    for column in all {
        if column.is_optional && !table.has(column.name) {
            selected.push(format!("NULL AS {}", column.name));
            continue;
        }
        table.need(column.name, column.types)?;
        selected.push(format!("l.{}", column.name));
        present.push(column);
    }
    Ok((present, selected.join(", ")))
}

/// Whether a lease ends when it did; parts of a second are somebody else's. Not as a range, which an index would serve.
pub(crate) const SAME_SECOND: &str = "date_trunc('second', l.expire) = w.old_expire";

/// When a lifetime ends, as the tables tell it: of an endless one, when it began.
pub(crate) fn expire(cltt: i64, valid_lifetime: u32) -> i64 {
    match valid_lifetime {
        INFINITE => cltt,
        seconds => cltt.saturating_add(seconds.into()),
    }
}

/// How values travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Bytes,
    Inet,
    Int,
    Text,
    Time,
}

impl Kind {
    /// The type of an array of them.
    pub(crate) fn array(self) -> &'static str {
        match self {
            Self::Bool => "bool[]",
            Self::Bytes => "bytea[]",
            Self::Inet => "inet[]",
            Self::Int => "int8[]",
            Self::Text => "text[]",
            Self::Time => "timestamptz[]",
        }
    }
}

/// A value of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Bytes(&'a [u8]),
    /// An IAID, which most tables keep with a sign.
    Iaid(u32),
    Int(i64),
    /// An address of DHCPv6: a text or an `inet`, as the table has it.
    Ipv6(Ipv6Addr),
    State(LeaseState),
    Text(&'a [u8]),
    Time(i64),
}

/// What the server and its tables can hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abilities {
    /// Texts beyond ASCII.
    pub has_unicode: bool,
    /// The numbers that states are stored with: those of [`LeaseState`], or the nearest ones that the tables know.
    pub states: [i64; 5],
    /// Whether tables know that a lease is registered.
    pub has_registered: bool,
    /// Whether there is room for an IAID without a sign.
    pub has_wide_iaid: bool,
}

impl Abilities {
    /// A state as it is read back.
    pub(crate) fn state(&self, state: LeaseState) -> LeaseState {
        let number = self.states.get(state as usize).and_then(|number| u64::try_from(*number).ok());
        number.and_then(LeaseState::from_number).unwrap_or(state)
    }

    /// A text as it is read back.
    pub(crate) fn text(&self, bytes: &[u8]) -> Vec<u8> {
        let mut read = Vec::with_capacity(bytes.len());
        Text { bytes, has_unicode: self.has_unicode }.write(|byte| read.push(byte));
        read
    }

    /// An IAID as it is stored.
    pub(crate) fn iaid(&self, iaid: u32) -> i64 {
        if self.has_wide_iaid { iaid.into() } else { iaid.cast_signed().into() }
    }
}

/// A column of a batch.
#[derive(Debug)]
pub(crate) enum Array<'a> {
    Bool(Vec<bool>),
    Bytes(Vec<&'a [u8]>),
    Index(Vec<i32>),
    Inet(Vec<IpAddr>),
    Int(Vec<i64>),
    OwnText(Vec<String>),
    Text(Vec<Text<'a>>),
    Time(Vec<Time>),
}

impl<'a> Array<'a> {
    /// Gathers values, all of which are of one kind.
    pub(crate) fn gather(
        kind: Kind,
        abilities: &Abilities,
        values: impl ExactSizeIterator<Item = Value<'a>>,
    ) -> Self {
        let room = values.len();
        let mut array = match kind {
            Kind::Bool => Self::Bool(Vec::with_capacity(room)),
            Kind::Bytes => Self::Bytes(Vec::with_capacity(room)),
            Kind::Inet => Self::Inet(Vec::with_capacity(room)),
            Kind::Int => Self::Int(Vec::with_capacity(room)),
            Kind::Text => Self::Text(Vec::with_capacity(room)),
            Kind::Time => Self::Time(Vec::with_capacity(room)),
        };
        for value in values {
            array.push(abilities, value);
        }
        array
    }

    fn push(&mut self, abilities: &Abilities, value: Value<'a>) {
        match (&mut *self, value) {
            (Self::Bool(all), Value::Bool(value)) => all.push(value),
            (Self::Bytes(all), Value::Bytes(value)) => all.push(value),
            (Self::Int(all), Value::Int(value)) => all.push(value),
            (Self::Int(all), Value::Iaid(iaid)) => all.push(abilities.iaid(iaid)),
            (Self::Int(all), Value::State(state)) => {
                all.push(abilities.states.get(state as usize).copied().unwrap_or_default());
            }
            (Self::Inet(all), Value::Ipv6(value)) => all.push(value.into()),
            (Self::OwnText(all), Value::Ipv6(value)) => all.push(address_text(value)),
            (Self::Text(all), Value::Text(bytes)) => {
                all.push(Text { bytes, has_unicode: abilities.has_unicode });
            }
            (Self::Time(all), Value::Time(value)) => all.push(Time(value)),
            (Self::Text(all), Value::Ipv6(_)) if all.is_empty() => {
                *self = Self::OwnText(Vec::with_capacity(all.capacity()));
                self.push(abilities, value);
            }
            (array, value) => debug_assert!(false, "{value:?} is none of {array:?}"),
        }
    }

    /// The array as a parameter.
    pub(crate) fn parameter(&self) -> Parameter<'_> {
        match self {
            Self::Bool(all) => all,
            Self::Bytes(all) => all,
            Self::Index(all) => all,
            Self::Inet(all) => all,
            Self::Int(all) => all,
            Self::OwnText(all) => all,
            Self::Text(all) => all,
            Self::Time(all) => all,
        }
    }
}

/// An address as the tables have it that keep texts: as `inet_ntop` writes it, which shows the last four bytes in dotted
/// form where all others are 0.
pub(crate) fn address_text(address: Ipv6Addr) -> String {
    match address.to_ipv4() {
        Some(last) if address.segments()[5] == 0 && address.segments()[6] != 0 => {
            format!("::{last}")
        }
        _ => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_system_does() {
        for text in ["::", "::1", "::1.2.3.4", "::ffff:1.2.3.4", "2001:db8::1", "fe80::1:0:0:1"] {
            assert_eq!(address_text(text.parse().unwrap()), text);
        }
        assert_eq!(address_text("2001:DB8:0:0:1:0:0:1".parse().unwrap()), "2001:db8::1:0:0:1");
        assert_eq!(address_text("1:0:2:3:4:5:6:7".parse().unwrap()), "1:0:2:3:4:5:6:7");
    }
}
