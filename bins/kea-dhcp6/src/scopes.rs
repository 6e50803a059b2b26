//! The option sets that count for one client, in the order of their precedence.
//!
//! Host, pool, subnet, shared network, the client's classes, global: the first one that has an option for the client
//! decides about its value. Whether it is sent is decided by all of them: one that says `always-send` makes it sent
//! unasked, one that says `never-send` forbids it, for whatever classes they say so. Kea: `buildCfgOptionList`,
//! `appendRequestedOptions`.

use eval::ClassId;
use libdhcp::{EncodedOption6, OptionSet6};
use libdhcpsrv::classes::{Classes, Membership};

/// The option sets of one client.
#[derive(Clone, Copy, Debug)]
pub struct Scopes<'a> {
    /// Those of its reservation.
    pub host: Option<&'a OptionSet6>,
    /// Those of the pools that its addresses and prefixes are from, in the order of these.
    pub pools: &'a [&'a OptionSet6],
    /// Those of its subnet.
    pub subnet: Option<&'a OptionSet6>,
    /// Those of the shared network of the subnet.
    pub network: Option<&'a OptionSet6>,
    /// Those of its classes.
    pub classes: ClassScopes<'a>,
    /// Those for all clients.
    pub global: &'a OptionSet6,
}

/// Which scope an option set is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The reservation.
    Host,
    /// A pool, by its place in [`Scopes::pools`].
    Pool(usize),
    /// The subnet.
    Subnet,
    /// The shared network.
    Network,
    /// The class of this name.
    Class(&'a str),
    /// All clients.
    Global,
}

/// The classes of a client, with those of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct ClassScopes<'a> {
    /// The classes of the configuration, which have options.
    pub classes: &'a Classes<OptionSet6>,
    /// The classes that the client is in; of those the first one has precedence.
    pub membership: &'a Membership,
}

impl<'a> Scopes<'a> {
    /// The option as the most specific scope has it for this client.
    #[must_use]
    #[inline]
    pub fn find(&self, code: u16) -> Option<EncodedOption6<'a>> {
        let is_member = self.is_member();
        self.sets().find_map(|set| set.get_for(code, is_member))
    }

    /// Everything that the scopes have for this client under a code, the most specific one first.
    pub fn each(&self, code: u16) -> impl Iterator<Item = EncodedOption6<'a>> + use<'a> {
        let is_member = self.is_member();
        self.sets().flat_map(move |set| set.each_for(code, is_member))
    }

    /// The scope that [`Scopes::find`] finds the option in.
    #[must_use]
    pub fn scope_of(&self, code: u16) -> Option<Scope<'a>> {
        let is_member = self.is_member();
        let mut all = self.all();
        all.find(|(_, set)| set.get_for(code, is_member).is_some()).map(|(scope, _)| scope)
    }

    /// The scope that cancels an option.
    #[must_use]
    pub fn scope_that_cancels(&self, code: u16) -> Option<Scope<'a>> {
        let mut all = self.all();
        all.find(|(_, set)| set.never_send_codes().contains(&code)).map(|(scope, _)| scope)
    }

    /// Whether a scope has the option for clients of any classes.
    #[must_use]
    pub fn has_for_others(&self, code: u16) -> bool {
        self.sets().any(|set| set.each_for(code, |_| true).next().is_some())
    }

    /// Codes that are sent unasked, repeatedly if several scopes say so.
    pub fn always_send(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.sets().flat_map(|set| set.always_send_codes().iter().copied())
    }

    /// Whether one of the scopes forbids sending the option.
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self, code: u16) -> bool {
        self.sets().any(|set| set.is_never_sent(code))
    }

    /// Whether there are options of any vendor space.
    #[must_use]
    pub fn has_vendors(&self) -> bool {
        self.sets().any(|set| set.vendors().next().is_some())
    }

    /// Whether there are options of a vendor.
    #[must_use]
    pub fn has_vendor(&self, enterprise: u32) -> bool {
        self.sets_of_vendor(enterprise).next().is_some()
    }

    /// The option of a vendor as the most specific scope has it for this client.
    #[must_use]
    pub fn find_of_vendor(&self, enterprise: u32, code: u16) -> Option<EncodedOption6<'a>> {
        let is_member = self.is_member();
        self.sets_of_vendor(enterprise).find_map(|set| set.get_for(code, is_member))
    }

    /// Codes of a vendor that are sent unasked, repeatedly if several scopes say so.
    pub fn always_send_of_vendor(&self, enterprise: u32) -> impl Iterator<Item = u16> + use<'a> {
        self.sets_of_vendor(enterprise).flat_map(|set| set.always_send_codes().iter().copied())
    }

    /// Whether one of the scopes forbids sending the option of a vendor.
    #[must_use]
    pub fn is_cancelled_of_vendor(&self, enterprise: u32, code: u16) -> bool {
        self.sets_of_vendor(enterprise).any(|set| set.is_never_sent(code))
    }

    #[inline]
    fn sets(&self) -> impl Iterator<Item = &'a OptionSet6> + use<'a> {
        let ClassScopes { classes, membership } = self.classes;
        let pools = self.pools.iter().copied();
        let classes = classes.of(membership).map(|class| &*class.options);
        let of_place = self.subnet.into_iter().chain(self.network);
        self.host.into_iter().chain(pools).chain(of_place).chain(classes).chain([self.global])
    }

    /// The sets in the same order, with their scopes; for what is told to people.
    fn all(&self) -> impl Iterator<Item = (Scope<'a>, &'a OptionSet6)> + use<'a> {
        let ClassScopes { classes, membership } = self.classes;
        let host = self.host.map(|set| (Scope::Host, set));
        let pools = self.pools.iter().enumerate().map(|(nth, set)| (Scope::Pool(nth), *set));
        let subnet = self.subnet.map(|set| (Scope::Subnet, set));
        let network = self.network.map(|set| (Scope::Network, set));
        let classes = classes.of(membership);
        let classes = classes.map(|class| (Scope::Class(&class.name), &*class.options));
        let of_place = subnet.into_iter().chain(network);
        let specific = host.into_iter().chain(pools).chain(of_place);
        specific.chain(classes).chain([(Scope::Global, self.global)])
    }

    fn sets_of_vendor(&self, enterprise: u32) -> impl Iterator<Item = &'a OptionSet6> + use<'a> {
        self.sets().filter_map(move |set| set.vendor(enterprise))
    }

    #[inline]
    fn is_member(&self) -> impl Fn(u32) -> bool + Copy + use<'a> {
        let members = self.classes.membership.set();
        move |class| members.contains(ClassId(class))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use cc::{Diagnostics, Document, NoIncludes};
    use eval::{Arrival, ClassId, ClassSet, Packet6};
    use kea_log::RateLimiter;
    use libdhcp::definition::Definitions;
    use libdhcp::v6::{SpanTable, View};
    use libdhcp::{OptionFlags, OptionSet6, OptionSetBuilder, Universe};
    use libdhcpsrv::classes::{Classes, Membership, Query};
    use libdhcpsrv::config6::read;
    use util::Now;
    use util::link::{Inbound, InterfaceIndex};

    use super::{ClassScopes, Scope, Scopes};

    /// A class that everybody is in, with three options of one byte, 70; and the classes of a query.
    fn everybody() -> (Classes<OptionSet6>, Membership) {
        let data = [303, 304, 305]
            .map(|code| format!(r#"{{ "code": {code}, "csv-format": false, "data": "46" }}"#));
        let text = format!(
            r#"{{ "Dhcp6": {{ "client-classes": [ {{ "name": "all", "test": "member('ALL')",
                "option-data": [ {} ] }} ] }} }}"#,
            data.join(", ")
        );
        let mut diagnostics = Diagnostics::new();
        let document = Document::parse(&text, "test", &mut NoIncludes, &mut diagnostics);
        let config = document.and_then(|document| read(&document, 1, &mut diagnostics));
        let classes = config.expect("it is correct").classes;
        let payload = [1, 0, 0, 1];
        let mut spans = SpanTable::default();
        let view = View::parse(&payload, &mut spans).expect("it is a SOLICIT");
        let inbound = Inbound {
            payload: &payload,
            interface: InterfaceIndex(1),
            source: (Ipv6Addr::LOCALHOST, 546).into(),
            destination: Ipv6Addr::LOCALHOST.into(),
            local: Ipv6Addr::LOCALHOST.into(),
            link_source: None,
        };
        let arrival = Arrival { inbound: &inbound, interface: "", classes: ClassSet::empty() };
        let packet = Packet6 { view: &view, arrival };
        let mut membership = Membership::new();
        let (limiter, now) = (&RateLimiter::new(1, 1), Now::from_secs(1));
        let query = Query { packet: &packet, label: &"somebody", explanation: None, limiter, now };
        membership.before_host(&classes, &query);
        (classes, membership)
    }

    /// Options of one byte: space, code, value, classes; those above 100 are always, those above 200 never sent.
    fn set(options: &[(&str, u16, u8, &[u32])]) -> OptionSet6 {
        let mut builder = OptionSetBuilder::<OptionSet6>::new();
        for (space, code, value, classes) in options {
            let flags = OptionFlags { always_send: *value > 100, never_send: *value > 200 };
            builder.add_for(space, *code, vec![*value], flags, classes).expect("it is short");
        }
        builder.build(&Definitions::new(Universe::V6)).expect("nothing is encapsulated")
    }

    #[test]
    fn the_first_scope_that_has_a_value_for_the_client_wins() {
        let [host, first_pool, second_pool] = [300, 301, 302].map(|code| {
            set(&[
                ("dhcp6", code, (code - 299) as u8, &[]),
                ("dhcp6", 310, (code - 299) as u8, &[]),
            ])
        });
        let subnet =
            set(&[("dhcp6", 301, 4, &[]), ("dhcp6", 303, 4, &[5]), ("dhcp6", 310, 4, &[])]);
        let network = set(&[("dhcp6", 304, 5, &[]), ("dhcp6", 305, 205, &[])]);
        let (classes, membership) = everybody();
        let global =
            set(&[("vendor-9", 1, 8, &[]), ("vendor-9", 2, 108, &[6]), ("dhcp6", 306, 108, &[])]);
        let scopes = Scopes {
            host: Some(&host),
            pools: &[&first_pool, &second_pool],
            subnet: Some(&subnet),
            network: Some(&network),
            classes: ClassScopes { classes: &classes, membership: &membership },
            global: &global,
        };
        let value = |scopes: &Scopes<'_>, code| scopes.find(code).map(|option| option.body()[0]);
        let values = [300, 301, 302, 303, 304, 305, 306, 307].map(|code| value(&scopes, code));
        let expected = [Some(1), Some(2), Some(3), Some(70), Some(5), Some(205), Some(108), None];
        assert_eq!(values, expected);
        let places = [300, 301, 302, 304, 305, 306, 307].map(|code| scopes.scope_of(code));
        let expected = [
            Some(Scope::Host),
            Some(Scope::Pool(0)),
            Some(Scope::Pool(1)),
            Some(Scope::Network),
            Some(Scope::Network),
            Some(Scope::Global),
            None,
        ];
        assert_eq!(places, expected, "what is told is what is done");
        assert!(matches!(scopes.scope_of(303), Some(Scope::Class(_))));
        assert_eq!(scopes.scope_that_cancels(305), Some(Scope::Network));
        assert!(scopes.has_for_others(303) && !scopes.has_for_others(307));
        let all: Vec<_> = scopes.each(310).map(|option| option.body()[0]).collect();
        assert_eq!(all, [1, 2, 3, 4]);
        assert_eq!(scopes.always_send().collect::<Vec<_>>(), [305, 306]);
        assert!(scopes.is_cancelled(305) && !scopes.is_cancelled(304) && scopes.has_vendors());
        assert_eq!(scopes.always_send_of_vendor(9).collect::<Vec<_>>(), [2]);
        assert!(scopes.find_of_vendor(9, 2).is_none() && !scopes.is_cancelled_of_vendor(9, 2));
        let mut membership = everybody().1;
        membership.enter(ClassId(5));
        let classes = ClassScopes { classes: &classes, membership: &membership };
        let scopes = Scopes { classes, ..scopes };
        assert_eq!(value(&scopes, 303), Some(4));
    }
}
