//! Whom a subnet, pool or shared network serves, and which classes it lets be evaluated late.

use eval::{ClassId, ClassSet};

/// Whom a scope serves: clients that are in any of some classes; everybody when there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience(Box<[ClassId]>);

impl Audience {
    /// The clients of these classes.
    #[must_use]
    pub fn new(classes: impl Into<Box<[ClassId]>>) -> Self {
        Self(classes.into())
    }

    /// Whether a client in these classes is served.
    #[must_use]
    #[inline]
    pub fn admits(&self, classes: &ClassSet) -> bool {
        self.0.is_empty() || self.0.iter().any(|class| classes.contains(*class))
    }

    /// Whether everybody is served.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        self.0.is_empty()
    }

    /// The classes, in the order of the file; none for everybody.
    #[must_use]
    pub fn classes(&self) -> &[ClassId] {
        &self.0
    }
}

/// What a subnet, pool or shared network says about classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassPolicy {
    /// `client-classes`: whom it serves.
    pub audience: Audience,
    /// `evaluate-additional-classes`: classes that are evaluated once an address is chosen here, in the order of the
    /// file.
    pub additional: Box<[ClassId]>,
}

impl ClassPolicy {
    /// Whether a client in these classes is served by a scope with this policy, which may have none.
    #[must_use]
    #[inline]
    pub fn admits(policy: Option<&Self>, classes: &ClassSet) -> bool {
        policy.is_none_or(|policy| policy.audience.admits(classes))
    }

    /// The classes that a scope with this policy, which may have none, lets be evaluated late.
    #[must_use]
    #[inline]
    pub fn additional(policy: Option<&Self>) -> &[ClassId] {
        policy.map_or(&[], |policy| &policy.additional)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_class_of_the_audience_is_enough() {
        let mut set = ClassSet::with_capacity(10);
        let (one, other) = (ClassId(3), ClassId(7));
        let audience = Audience::new([one, other]);
        let policy = ClassPolicy { audience: audience.clone(), additional: [other].into() };
        assert!(!audience.is_everybody());
        assert!(!audience.admits(&set));
        assert!(!ClassPolicy::admits(Some(&policy), &set));
        assert!(Audience::default().admits(&set) && Audience::default().is_everybody());
        assert!(ClassPolicy::admits(None, &set));
        set.insert(other);
        assert!(audience.admits(&set));
        assert!(ClassPolicy::admits(Some(&policy), &set));
        assert_eq!(ClassPolicy::additional(Some(&policy)), [other]);
        assert_eq!(ClassPolicy::additional(None), []);
    }
}
