//! The option sets that count for one client, in the order of their precedence.
//!
//! Host, pool, subnet, shared network, the client's classes, global: the first one that has an option for the client
//! decides about its value. Whether it is sent is decided by all of them: one that says `always-send` makes it sent
//! unasked, one that says `never-send` forbids it, for whatever classes they say so. Kea: `buildCfgOptionList`,
//! `appendRequestedOptions`.

use eval::ClassId;
use libdhcp::{EncodedOption, OptionCodes, OptionSet};
use libdhcpsrv::classes::{Classes, Membership};

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

/// Which scope an option set is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The reservation.
    Host,
    /// The pool.
    Pool,
    /// The subnet.
    Subnet,
    /// The shared network.
    Network,
    /// The class of this name.
    Class(&'a str),
    /// All clients.
    Global,
}

/// The classes of a client, and the option sets that these have.
#[derive(Clone, Copy, Debug)]
pub struct ClassScopes<'a> {
    /// Those that the client is in; the one that it got into first has precedence.
    pub membership: &'a Membership,
    /// What the configuration says about them.
    pub classes: &'a Classes<OptionSet>,
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
    /// Whether there are options of any vendor space.
    pub has_vendors: bool,
}

impl<'a> Scopes<'a> {
    /// The option as the most specific scope has it for this client.
    #[must_use]
    #[inline]
    pub fn find(&self, code: u8) -> Option<EncodedOption<'a>> {
        let is_member = self.is_member();
        let of = |set: Option<&'a OptionSet>| set?.get_for(code, is_member);
        // One after the other is faster here than a chain.
        of(self.host)
            .or_else(|| of(self.pool))
            .or_else(|| of(self.subnet))
            .or_else(|| of(self.network))
            .or_else(|| self.class_sets().find_map(|set| set.get_for(code, is_member)))
            .or_else(|| self.global.get_for(code, is_member))
    }

    /// Everything that the scopes have for this client under a code, the most specific one first.
    pub fn each(&self, code: u8) -> impl Iterator<Item = EncodedOption<'a>> + use<'a> {
        let is_member = self.is_member();
        self.sets().flat_map(move |set| set.each_for(code, is_member))
    }

    /// The scope that [`Scopes::find`] finds the option in.
    #[must_use]
    pub fn scope_of(&self, code: u8) -> Option<Scope<'a>> {
        let is_member = self.is_member();
        let mut all = self.all();
        all.find(|(_, set)| set.get_for(code, is_member).is_some()).map(|(scope, _)| scope)
    }

    /// The scope that cancels an option.
    #[must_use]
    pub fn scope_that_cancels(&self, code: u8) -> Option<Scope<'a>> {
        let mut all = self.all();
        all.find(|(_, set)| set.never_send_codes().contains(code)).map(|(scope, _)| scope)
    }

    /// What the scopes say about codes.
    #[must_use]
    #[inline]
    pub fn codes(&self) -> ScopeCodes {
        ScopeCodes::of(self.sets())
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
        let ClassScopes { membership, classes } = self.classes;
        classes.of(membership).map(|class| &*class.options)
    }

    /// The sets in the same order, with their scopes; for what is told to people.
    fn all(&self) -> impl Iterator<Item = (Scope<'a>, &'a OptionSet)> + use<'a> {
        let ClassScopes { membership, classes } = self.classes;
        let specific = [
            (Scope::Host, self.host),
            (Scope::Pool, self.pool),
            (Scope::Subnet, self.subnet),
            (Scope::Network, self.network),
        ];
        let specific = specific.into_iter().filter_map(|(scope, set)| Some((scope, set?)));
        let classes = classes.of(membership);
        let classes = classes.map(|class| (Scope::Class(&class.name), &*class.options));
        specific.chain(classes).chain([(Scope::Global, self.global)])
    }

    fn sets_of_vendor(&self, enterprise: u32) -> impl Iterator<Item = &'a OptionSet> + use<'a> {
        self.sets().filter_map(move |set| set.vendor(enterprise))
    }

    #[inline]
    fn is_member(&self) -> impl Fn(u32) -> bool + Copy + use<'a> {
        let members = self.classes.membership.set();
        move |class| members.contains(ClassId(class))
    }
}

impl ScopeCodes {
    #[inline]
    fn of<'a>(sets: impl Iterator<Item = &'a OptionSet>) -> Self {
        let mut codes = Self::default();
        sets.for_each(|set| {
            codes.configured = codes.configured.union(set.codes());
            if !set.is_plain() {
                codes.always_send = codes.always_send.union(set.always_send_codes());
                codes.cancelled = codes.cancelled.union(set.never_send_codes());
                codes.has_vendors |= set.vendors().next().is_some();
            }
        });
        codes
    }
}

#[cfg(test)]
mod tests {
    use cc::{Diagnostics, Document, NoIncludes};
    use eval::{Field, FieldValue, PacketContext};
    use kea_log::RateLimiter;
    use libdhcp::definition::Definitions;
    use libdhcp::{OptionFlags, OptionSet, OptionSetBuilder, Universe};
    use libdhcpsrv::classes::{Membership, Query};
    use libdhcpsrv::config4::read;
    use util::Now;

    use super::{ClassId, ClassScopes, Scope, Scopes};

    /// A packet without anything in it.
    struct Nothing;

    impl PacketContext for Nothing {
        fn option(&self, _: u16) -> Option<&[u8]> {
            None
        }

        fn each_code(&self, _: &mut dyn FnMut(u16)) {}

        fn relay_option(&self, _: i8, _: u16) -> Option<&[u8]> {
            None
        }

        fn field(&self, _: Field) -> FieldValue<'_> {
            FieldValue::Absent
        }

        fn is_member(&self, _: ClassId) -> bool {
            false
        }
    }

    /// Classes with options of one byte; the first two of them have 3 and 6, and 3, 4, and 5 for members of the last.
    const CLASSES: &str = r#"{ "Dhcp4": {
        "option-def": [ { "name": "x3", "code": 203, "type": "uint8" }, { "name": "x4", "code": 204, "type": "uint8" },
            { "name": "x5", "code": 205, "type": "uint8" }, { "name": "x6", "code": 206, "type": "uint8" } ],
        "client-classes": [
            { "name": "other", "option-data": [ { "name": "x3", "data": "71" }, { "name": "x6", "data": "71" } ] },
            { "name": "first", "option-data": [ { "name": "x3", "data": "70" }, { "name": "x4", "data": "70" },
                { "name": "x5", "data": "170", "always-send": true, "client-classes": [ "six" ] } ] },
            { "name": "none" }, { "name": "five" }, { "name": "six" } ] } }"#;

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
        let mut diagnostics = Diagnostics::new();
        let document = Document::parse(CLASSES, "test", &mut NoIncludes, &mut diagnostics);
        let config = document.and_then(|document| read(&document, 1, &mut diagnostics));
        let config = config.unwrap_or_else(|| panic!("{}", diagnostics.render()));
        let id = |name| config.classes.table().find(name).expect("the class exists");
        let five = id("five");
        let of_value = |code: u16| set(&[("dhcp4", 200 + code, code as u8, &[])]);
        let [host, pool, network] = [1, 2, 4].map(of_value);
        let subnet =
            set(&[("dhcp4", 201, 3, &[]), ("dhcp4", 202, 3, &[]), ("dhcp4", 203, 3, &[five.0])]);
        let global =
            set(&[("dhcp4", 206, 8, &[]), ("dhcp4", 207, 208, &[99]), ("vendor-9", 1, 8, &[])]);
        let member_of = |names: &[&'static str]| {
            let mut membership = Membership::new();
            let limiter = &RateLimiter::new(1, 1);
            let now = Now::from_secs(1);
            let query =
                Query { packet: &Nothing, label: &"client", explanation: None, limiter, now };
            membership.before_host(&config.classes, &query);
            names.iter().for_each(|name| membership.enter(id(name)));
            membership
        };
        let [few, all] =
            [&["first", "none", "other"][..], &["first", "other", "five", "six"]].map(member_of);
        let scopes = |membership| Scopes {
            host: Some(&host),
            pool: Some(&pool),
            subnet: Some(&subnet),
            network: Some(&network),
            classes: ClassScopes { membership, classes: &config.classes },
            global: &global,
        };
        let value = |scopes: &Scopes<'_>, code| scopes.find(code).map(|option| option.tlv()[2]);
        {
            let scopes = scopes(&few);
            let values = [1, 2, 3, 4, 5, 6, 7, 8].map(|code| value(&scopes, 200 + code));
            let expected = [Some(1), Some(2), Some(70), Some(4), None, Some(71), None, None];
            assert_eq!(values, expected);
            let origins = [1, 2, 3, 4, 5, 6, 7].map(|code| scopes.scope_of(200 + code));
            let class = |name| Some(Scope::Class(name));
            let expected = [
                Some(Scope::Host),
                Some(Scope::Pool),
                class("first"),
                Some(Scope::Network),
                None,
                class("other"),
                None,
            ];
            assert_eq!(origins, expected, "what is told is what is done");
            assert_eq!(scopes.scope_that_cancels(207), Some(Scope::Global));
            let of_three: Vec<_> = scopes.each(203).map(|option| option.tlv()[2]).collect();
            assert_eq!(of_three, [70, 71]);
            let codes = scopes.codes();
            let configured: Vec<_> = codes.configured.iter().collect();
            assert_eq!(configured, [201, 202, 203, 204, 205, 206, 207]);
            // Whoever an entry is for, its flags count.
            assert_eq!(codes.always_send.iter().collect::<Vec<_>>(), [205, 207]);
            assert_eq!(codes.cancelled.iter().collect::<Vec<_>>(), [207]);
            assert!(codes.has_vendors);
            assert_eq!(scopes.find_of_vendor(9, 1).map(|option| option.tlv()[2]), Some(8));
            let is_there = |enterprise, code| scopes.find_of_vendor(enterprise, code).is_some();
            assert!(!is_there(8, 1) && !is_there(9, 2));
        }
        let scopes = scopes(&all);
        assert_eq!((value(&scopes, 203), value(&scopes, 205)), (Some(3), Some(170)));
        assert_eq!(scopes.scope_of(203), Some(Scope::Subnet));
    }
}
