//! From what subnets name (a relay, an interface, the identifier of one) to the subnets that name it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use super::SubnetIndex;

/// Subnets by something that they name, in the order of the file. Nearly always one subnet names it; further ones come
/// into question for clients that the first does not serve.
#[derive(Debug)]
pub struct SubnetsBy<K> {
    first: HashMap<K, SubnetIndex>,
    further: HashMap<K, Vec<SubnetIndex>>,
}

impl<K: Eq + Hash + Clone> SubnetsBy<K> {
    /// Adds a subnet behind those that name the same.
    pub(crate) fn add(&mut self, key: K, subnet: SubnetIndex) {
        match self.first.get(&key) {
            None => {
                self.first.insert(key, subnet);
            }
            Some(_) => self.further.entry(key).or_default().push(subnet),
        }
    }

    /// The first subnet that names the key and serves the client.
    #[must_use]
    #[inline]
    pub fn find<Q>(&self, key: &Q, serves: impl Fn(SubnetIndex) -> bool) -> Option<SubnetIndex>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let first = *self.first.get(key)?;
        if serves(first) {
            return Some(first);
        }
        let mut further = self.further.get(key).into_iter().flatten().copied();
        further.find(|subnet| serves(*subnet))
    }

    /// The first subnet that names the key, whomever it serves.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<SubnetIndex>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.find(key, |_| true)
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether no subnet names anything.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

impl<K> Default for SubnetsBy<K> {
    fn default() -> Self {
        Self { first: HashMap::new(), further: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_subnet_that_serves_is_found() {
        let mut by = SubnetsBy::<Box<str>>::default();
        for (name, number) in [("lan", 2), ("wan", 3), ("lan", 5), ("lan", 7)] {
            by.add(name.into(), SubnetIndex(number));
        }
        assert_eq!((by.len(), by.get("lan"), by.get("dmz")), (2, Some(SubnetIndex(2)), None));
        assert_eq!(by.find("lan", |subnet| subnet.0 > 2), Some(SubnetIndex(5)));
        assert_eq!(by.find("lan", |subnet| subnet.0 > 5), Some(SubnetIndex(7)));
        assert_eq!(by.find("wan", |subnet| subnet.0 > 5), None);
    }
}
