//! The option sets that count for one client, in the order of their precedence.
//!
//! Host, pool, subnet, shared network, the client's classes, global: the first one that has an option for the client
//! decides about its value. Whether it is sent is decided by all of them: one that says `always-send` makes it sent
//! unasked, one that says `never-send` forbids it, for whatever classes they say so. Kea: `buildCfgOptionList`,
//! `appendRequestedOptions`.

use std::sync::Arc;

use eval::{ClassId, ClassSet};
use libdhcp::{EncodedOption, OptionCodes, OptionSet};

/// The option sets of one client.
#[derive(Clone, Copy, Debug)]
pub struct Scopes<'a> {
    /// Those of its reservation.
    pub host: Option<&'a OptionSet>,
    /// Those of the pool that its address is from.
    pub pool: Option<&'a OptionSet>,
    /// Those of its subnet.
    pub subnet: Option<&'a OptionSet>,
    /// Those of the shared network of the subnet.
    pub network: Option<&'a OptionSet>,
    /// Those of its classes.
    pub classes: ClassScopes<'a>,
    /// Those for all clients.
    pub global: &'a OptionSet,
}

/// The classes of a client, and the option sets that these have.
#[derive(Clone, Copy, Debug)]
pub struct ClassScopes<'a> {
    /// The classes that the client is in.
    pub members: &'a ClassSet,
    /// Those of them whose options count, the first one has precedence.
    pub order: &'a [ClassId],
    /// The options of the classes, by their numbers; a class without a row has none.
    pub options: &'a [Arc<OptionSet>],
}

/// What the scopes say about codes, without their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeCodes {
    /// Codes that have a value in one of the scopes, perhaps not for this client.
    pub configured: OptionCodes,
    /// Those that are sent unasked.
    pub always_send: OptionCodes,
    /// Those that are not sent.
    pub cancelled: OptionCodes,
}

impl<'a> Scopes<'a> {
    /// The option as the most specific scope has it for this client.
    #[must_use]
    #[inline]
    pub fn find(&self, code: u8) -> Option<EncodedOption<'a>> {
        let is_member = self.is_member();
        // Loops of their own for the scopes are faster here than one chain.
        for set in [self.host, self.pool, self.subnet, self.network].into_iter().flatten() {
            if let Some(option) = set.get_for(code, is_member) {
                return Some(option);
            }
        }
        let of_classes = self.class_sets().find_map(|set| set.get_for(code, is_member));
        of_classes.or_else(|| self.global.get_for(code, is_member))
    }

    /// Everything that the scopes have for this client under a code, the most specific one first.
    pub fn each(&self, code: u8) -> impl Iterator<Item = EncodedOption<'a>> + use<'a> {
        let is_member = self.is_member();
        self.sets().flat_map(move |set| set.each_for(code, is_member))
    }

    /// What the scopes say about codes.
    #[must_use]
    #[inline]
    pub fn codes(&self) -> ScopeCodes {
        ScopeCodes::of(self.sets())
    }

    /// Whether there are options of any vendor space.
    #[must_use]
    pub fn has_vendors(&self) -> bool {
        self.sets().any(|set| set.vendors().next().is_some())
    }

    /// The option of a vendor as the most specific scope has it for this client.
    #[must_use]
    pub fn find_of_vendor(&self, enterprise: u32, code: u8) -> Option<EncodedOption<'a>> {
        let is_member = self.is_member();
        self.sets_of_vendor(enterprise).find_map(|set| set.get_for(code, is_member))
    }

    /// What the scopes say about the codes of a vendor.
    #[must_use]
    pub fn codes_of_vendor(&self, enterprise: u32) -> ScopeCodes {
        ScopeCodes::of(self.sets_of_vendor(enterprise))
    }

    #[inline]
    fn sets(&self) -> impl Iterator<Item = &'a OptionSet> + use<'a> {
        let specific = [self.host, self.pool, self.subnet, self.network];
        specific.into_iter().flatten().chain(self.class_sets()).chain([self.global])
    }

    #[inline]
    fn class_sets(&self) -> impl Iterator<Item = &'a OptionSet> + use<'a> {
        let ClassScopes { order, options, .. } = self.classes;
        order.iter().filter_map(|class| options.get(class.0 as usize).map(|set| &**set))
    }

    fn sets_of_vendor(&self, enterprise: u32) -> impl Iterator<Item = &'a OptionSet> + use<'a> {
        self.sets().filter_map(move |set| set.vendor(enterprise))
    }

    #[inline]
    fn is_member(&self) -> impl Fn(u32) -> bool + Copy + use<'a> {
        let members = self.classes.members;
        move |class| members.contains(ClassId(class))
    }
}

impl ScopeCodes {
    #[inline]
    fn of<'a>(sets: impl Iterator<Item = &'a OptionSet>) -> Self {
        sets.fold(Self::default(), |codes, set| Self {
            configured: codes.configured.union(set.codes()),
            always_send: codes.always_send.union(set.always_send_codes()),
            cancelled: codes.cancelled.union(set.never_send_codes()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use eval::{ClassId, ClassSet};
    use libdhcp::definition::Definitions;
    use libdhcp::{OptionFlags, OptionSet, OptionSetBuilder, Universe};

    use super::{ClassScopes, Scopes};

    /// Options of one byte: space, code, value, classes; those above 100 are always, those above 200 never sent.
    fn set(options: &[(&str, u16, u8, &[u32])]) -> OptionSet {
        let mut builder = OptionSetBuilder::<OptionSet>::new();
        for (space, code, value, classes) in options {
            let flags = OptionFlags { always_send: *value > 100, never_send: *value > 200 };
            builder.add_for(space, *code, vec![*value], flags, classes).expect("it is short");
        }
        builder.build(&Definitions::new(Universe::V4)).expect("nothing is encapsulated")
    }

    #[test]
    fn the_first_scope_that_has_a_value_for_the_client_wins() {
        let [host, pool, network] =
            [1, 2, 4].map(|value| set(&[("dhcp4", value, value.min(9) as u8, &[])]));
        let subnet = set(&[("dhcp4", 1, 3, &[]), ("dhcp4", 2, 3, &[]), ("dhcp4", 3, 3, &[5])]);
        let of_class =
            set(&[("dhcp4", 3, 70, &[]), ("dhcp4", 4, 70, &[]), ("dhcp4", 5, 170, &[6])]);
        let of_other = set(&[("dhcp4", 3, 71, &[]), ("dhcp4", 6, 71, &[])]);
        let classes = [Arc::new(of_other), Arc::new(OptionSet::default()), Arc::new(of_class)];
        let global = set(&[("dhcp4", 6, 8, &[]), ("dhcp4", 7, 208, &[9]), ("vendor-9", 1, 8, &[])]);
        let mut members = ClassSet::with_capacity(10);
        members.insert(ClassId(2));
        let mut scopes = Scopes {
            host: Some(&host),
            pool: Some(&pool),
            subnet: Some(&subnet),
            network: Some(&network),
            classes: ClassScopes {
                members: &members,
                order: &[ClassId(2), ClassId(7), ClassId(0)],
                options: &classes,
            },
            global: &global,
        };
        let value = |scopes: &Scopes<'_>, code| scopes.find(code).map(|option| option.tlv()[2]);
        let values = |scopes: &Scopes<'_>| [1, 2, 3, 4, 5, 6, 7, 8].map(|code| value(scopes, code));
        let expected = [Some(1), Some(2), Some(70), Some(4), None, Some(71), None, None];
        assert_eq!(values(&scopes), expected);
        let of_three: Vec<_> = scopes.each(3).map(|option| option.tlv()[2]).collect();
        assert_eq!(of_three, [70, 71]);
        let codes = scopes.codes();
        assert_eq!(codes.configured.iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
        // Whoever an entry is for, its flags count.
        assert_eq!(codes.always_send.iter().collect::<Vec<_>>(), [5, 7]);
        assert_eq!(codes.cancelled.iter().collect::<Vec<_>>(), [7]);
        assert!(scopes.has_vendors());
        assert_eq!(scopes.find_of_vendor(9, 1).map(|option| option.tlv()[2]), Some(8));
        assert!(scopes.find_of_vendor(8, 1).is_none() && scopes.find_of_vendor(9, 2).is_none());
        let mut members = members.clone();
        assert!([5, 6].map(ClassId).iter().all(|class| members.insert(*class)));
        scopes.classes.members = &members;
        assert_eq!((value(&scopes, 3), value(&scopes, 5)), (Some(3), Some(170)));
    }
}
