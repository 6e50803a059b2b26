//! The tree of a configuration: values, where they were written, and maps that keep the order of
//! the file.
//!
//! Elements are kept small (40 bytes) because a configuration may hold a million of them. Maps are
//! searched one by one while small and through a sorted index of entry numbers when large, so no
//! input makes lookup slow.

use std::cmp::Ordering;

use crate::position::Position;

/// A value and where it was written.
///
/// Two elements are equal when their values are; positions do not count.
#[derive(Clone, Debug)]
pub struct Element {
    /// The value.
    pub value: Value,
    /// Where the value begins.
    pub position: Position,
}

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent.
    Int(i64),
    /// Any other number.
    Real(f64),
    /// A string.
    Str(Box<str>),
    /// A list.
    List(Vec<Element>),
    /// A map.
    Map(Box<Map>),
    /// Something unreadable whose error was reported already; readers treat it as absent.
    Invalid,
}

/// A map in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: Vec<Entry>,
    /// Entry numbers sorted by key; empty while the map is small.
    sorted: Vec<u32>,
}

/// A key of a map with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Box<str>,
    /// Where the key was written.
    pub key_position: Position,
    /// The value.
    pub element: Element,
}

impl Element {
    /// An element that was written in a file.
    pub fn new(value: Value, position: Position) -> Self {
        Self { value, position }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self.value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The number, integer or not.
    pub fn as_real(&self) -> Option<f64> {
        match self.value {
            Value::Int(number) => Some(number as f64),
            Value::Real(number) => Some(number),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(on) => Some(on),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[Element]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Says whether it is `[]`, `{}`, `""`, `false` or `null`.
    pub fn is_blank(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Bool(on) => !on,
            Value::Str(text) => text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Map(map) => map.is_empty(),
            Value::Int(_) | Value::Real(_) | Value::Invalid => false,
        }
    }
}

impl Value {
    /// What it is, for messages: `a string`, `an integer`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Real(_) => "a number with a fraction",
            Self::Str(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Invalid => "an unreadable value",
        }
    }
}

impl Map {
    /// Up to this many entries are searched one by one.
    const SMALL_MAX: usize = 16;

    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a map of entries in their order and returns the repeated ones, each with the position
    /// of the first of its name; the first is kept.
    pub(crate) fn from_entries(entries: Vec<Entry>) -> (Self, Vec<(Entry, Position)>) {
        let mut map = Self { entries, sorted: Vec::new() };
        let repeated = map.repeated();
        if repeated.is_empty() {
            map.index();
            return (map, Vec::new());
        }
        let mut repeated = repeated.into_iter().peekable();
        let mut removed = Vec::new();
        let all = std::mem::take(&mut map.entries);
        for (number, entry) in all.into_iter().enumerate() {
            match repeated.next_if(|(repeat, _)| *repeat == number) {
                Some((_, first)) => removed.push((entry, first)),
                None => map.entries.push(entry),
            }
        }
        map.index();
        (map, removed)
    }

    /// Sets a key, in place when it exists already, else at the end; returns the map for chaining.
    pub fn with(mut self, key: &str, element: impl Into<Element>) -> Self {
        self.set(key, element);
        self
    }

    /// Sets a key, in place when it exists already, else at the end.
    pub fn set(&mut self, key: &str, element: impl Into<Element>) {
        let element = element.into();
        if let Some(number) = self.find(key) {
            self.entries[number].element = element;
            return;
        }
        let number = self.entries.len() as u32;
        self.entries.push(Entry { key: key.into(), key_position: element.position, element });
        if self.sorted.is_empty() {
            self.index();
        } else if let Err(slot) = self.search(key) {
            self.sorted.insert(slot, number);
        }
    }

    /// Takes a key out and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Element> {
        let removed = self.entries.remove(self.find(key)?);
        self.sorted.clear();
        self.index();
        Some(removed.element)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Element> {
        self.entry(key).map(|entry| &entry.element)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Element> {
        let number = self.find(key)?;
        self.entries.get_mut(number).map(|entry| &mut entry.element)
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.find(key).and_then(|number| self.entries.get(number))
    }

    /// All entries in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn find(&self, key: &str) -> Option<usize> {
        if self.sorted.is_empty() {
            return self.entries.iter().position(|entry| &*entry.key == key);
        }
        self.search(key).ok().map(|slot| self.sorted[slot] as usize)
    }

    /// The slot of a key in the sorted index, or where it would be.
    fn search(&self, key: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|number| (*self.entries[*number as usize].key).cmp(key))
    }

    fn index(&mut self) {
        if self.entries.len() > Self::SMALL_MAX {
            self.sorted = self.order();
        }
    }

    /// Entry numbers by key, then by number.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.entries.len() as u32).collect();
        order.sort_unstable_by(|a, b| match self.key(*a).cmp(self.key(*b)) {
            Ordering::Equal => a.cmp(b),
            different => different,
        });
        order
    }

    fn key(&self, number: u32) -> &str {
        &self.entries[number as usize].key
    }

    /// Numbers of the entries whose key was there before, ascending, with the position of the
    /// first.
    fn repeated(&self) -> Vec<(usize, Position)> {
        let mut repeated = Vec::new();
        if self.entries.len() <= Self::SMALL_MAX {
            for (number, entry) in self.entries.iter().enumerate().skip(1) {
                let before = &self.entries[..number];
                if let Some(first) = before.iter().find(|first| first.key == entry.key) {
                    repeated.push((number, first.key_position));
                }
            }
            return repeated;
        }
        let order = self.order();
        for same in order.chunk_by(|a, b| self.key(*a) == self.key(*b)) {
            let first = self.entries[same[0] as usize].key_position;
            repeated.extend(same[1..].iter().map(|number| (*number as usize, first)));
        }
        repeated.sort_unstable_by_key(|(number, _)| *number);
        repeated
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Maps are equal when they have the same keys with equal values, in any order.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.entries.iter().all(|entry| other.get(&entry.key) == Some(&entry.element))
    }
}

impl<T: Into<Value>> From<T> for Element {
    fn from(value: T) -> Self {
        Self { value: value.into(), position: Position::NONE }
    }
}

macro_rules! value_from {
    ($($from:ty => $name:ident $make:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($name: $from) -> Self {
                $make
            }
        })*
    };
}

value_from! {
    bool => on Self::Bool(on);
    i64 => number Self::Int(number);
    i32 => number Self::Int(number.into());
    u32 => number Self::Int(number.into());
    u16 => number Self::Int(number.into());
    u8 => number Self::Int(number.into());
    u64 => number Self::Int(i64::try_from(number).unwrap_or(i64::MAX));
    usize => number Self::Int(i64::try_from(number).unwrap_or(i64::MAX));
    f64 => number Self::Real(number);
    &str => text Self::Str(text.into());
    String => text Self::Str(text.into());
    Box<str> => text Self::Str(text);
    Map => map Self::Map(Box::new(map));
    Vec<Element> => items Self::List(items);
    Vec<Value> => items Self::List(items.into_iter().map(Element::from).collect());
}
