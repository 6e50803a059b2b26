//! The names of all statistics of a DHCPv4 server.
//!
//! Three tables: counters of packets and of allocation outcomes, which each worker keeps for itself; figures of
//! subnets and pools, which all share. Names and meaning are Kea's.

/// What a statistic's value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Counts events; only a reset makes it smaller.
    Counter,
    /// States how many there are now.
    Gauge,
}

/// Where a statistic exists besides its main place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// As `NAME`, for the whole server.
    pub global: bool,
    /// As `subnet[ID].NAME`.
    pub subnet: bool,
    /// As `subnet[ID].pool[ID].NAME`.
    pub pool: bool,
}

/// One row of a table of statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Name without its subnet and pool.
    pub name: &'static str,
    /// What the value does.
    pub kind: Kind,
    /// Where it exists.
    pub places: Places,
    /// What it says, for users.
    pub description: &'static str,
}

const GLOBAL: Places = Places { global: true, subnet: false, pool: false };
const GLOBAL_SUBNET: Places = Places { global: true, subnet: true, pool: false };
const SUBNET_POOL: Places = Places { global: false, subnet: true, pool: true };
const EVERYWHERE: Places = Places { global: true, subnet: true, pool: true };

macro_rules! rows {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($variant:ident = $text:literal, $kind:ident, $places:ident, $description:literal;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`: ", $description)] $variant,)*
        }

        impl $name {
            /// All rows, in the order of the enum.
            pub const ROWS: &[Row] = &[
                $(Row {
                    name: $text,
                    kind: Kind::$kind,
                    places: $places,
                    description: $description,
                },)*
            ];
            /// All variants, in the order of the rows.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// How many rows there are.
            pub const COUNT: usize = Self::ROWS.len();

            /// Returns the place in [`Self::ROWS`].
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }

            /// Returns the row.
            #[must_use]
            pub const fn row(self) -> &'static Row {
                &Self::ROWS[self as usize]
            }

            /// Finds the row of a name.
            #[must_use]
            pub fn find(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.row().name == name)
            }
        }
    };
}

rows! {
    /// Counters of a worker: packets and drop reasons of the whole server.
    Packet4 {
        Received = "pkt4-received", Counter, GLOBAL,
            "datagrams received";
        DiscoverReceived = "pkt4-discover-received", Counter, GLOBAL,
            "DHCPDISCOVER messages received";
        OfferReceived = "pkt4-offer-received", Counter, GLOBAL,
            "DHCPOFFER messages received; only servers should send them";
        RequestReceived = "pkt4-request-received", Counter, GLOBAL,
            "DHCPREQUEST messages received";
        AckReceived = "pkt4-ack-received", Counter, GLOBAL,
            "DHCPACK messages received; only servers should send them";
        NakReceived = "pkt4-nak-received", Counter, GLOBAL,
            "DHCPNAK messages received; only servers should send them";
        ReleaseReceived = "pkt4-release-received", Counter, GLOBAL,
            "DHCPRELEASE messages received";
        DeclineReceived = "pkt4-decline-received", Counter, GLOBAL,
            "DHCPDECLINE messages received";
        InformReceived = "pkt4-inform-received", Counter, GLOBAL,
            "DHCPINFORM messages received";
        UnknownReceived = "pkt4-unknown-received", Counter, GLOBAL,
            "messages received with no message type or an unknown one";
        LeaseQueryReceived = "pkt4-lease-query-received", Counter, GLOBAL,
            "DHCPLEASEQUERY messages received";
        Sent = "pkt4-sent", Counter, GLOBAL,
            "datagrams sent";
        OfferSent = "pkt4-offer-sent", Counter, GLOBAL,
            "DHCPOFFER messages sent";
        AckSent = "pkt4-ack-sent", Counter, GLOBAL,
            "DHCPACK messages sent";
        NakSent = "pkt4-nak-sent", Counter, GLOBAL,
            "DHCPNAK messages sent";
        LeaseQueryActiveSent = "pkt4-lease-query-response-active-sent", Counter, GLOBAL,
            "DHCPLEASEACTIVE messages sent";
        LeaseQueryUnassignedSent = "pkt4-lease-query-response-unassigned-sent", Counter, GLOBAL,
            "DHCPLEASEUNASSIGNED messages sent";
        LeaseQueryUnknownSent = "pkt4-lease-query-response-unknown-sent", Counter, GLOBAL,
            "DHCPLEASEUNKNOWN messages sent";
        ParseFailed = "pkt4-parse-failed", Counter, GLOBAL,
            "datagrams that could not be parsed; they are also dropped";
        ReceiveDrop = "pkt4-receive-drop", Counter, GLOBAL,
            "datagrams dropped for any reason";
        AdminFiltered = "pkt4-admin-filtered", Counter, GLOBAL,
            "queries dropped because the administrator wants so (class DROP)";
        Duplicate = "pkt4-duplicate", Counter, GLOBAL,
            "queries dropped because one of the same client is in progress";
        LimitExceeded = "pkt4-limit-exceeded", Counter, GLOBAL,
            "queries dropped because a rate limit was exceeded";
        NotForUs = "pkt4-not-for-us", Counter, GLOBAL,
            "queries dropped because they are meant for another server or no subnet fits";
        ProcessingFailed = "pkt4-processing-failed", Counter, GLOBAL,
            "queries dropped because their processing failed";
        QueueFull = "pkt4-queue-full", Counter, GLOBAL,
            "queries dropped because a queue was full";
        RfcViolation = "pkt4-rfc-violation", Counter, GLOBAL,
            "queries dropped because they break a rule of the standards";
        ServiceDisabled = "pkt4-service-disabled", Counter, GLOBAL,
            "queries dropped because the service is switched off";
    }
}

rows! {
    /// Figures of a subnet that workers share; those that are global too are summed over all subnets.
    Lease4 {
        TotalAddresses = "total-addresses", Gauge, SUBNET_POOL,
            "addresses in the pools";
        AssignedAddresses = "assigned-addresses", Gauge, SUBNET_POOL,
            "addresses that are leased to clients or declined";
        CumulativeAssignedAddresses = "cumulative-assigned-addresses", Counter, EVERYWHERE,
            "leases granted to new clients since the start";
        DeclinedAddresses = "declined-addresses", Gauge, EVERYWHERE,
            "addresses that are declined at present";
        ReclaimedDeclinedAddresses = "reclaimed-declined-addresses", Counter, EVERYWHERE,
            "declined addresses that have been recovered";
        ReclaimedLeases = "reclaimed-leases", Counter, EVERYWHERE,
            "expired leases that have been reclaimed";
        LeaseReuses = "v4-lease-reuses", Counter, GLOBAL_SUBNET,
            "leases given again from the cache without being extended";
        ReservationConflicts = "v4-reservation-conflicts", Counter, GLOBAL_SUBNET,
            "reserved addresses that were found in use by another client";
        AllocationFail = "v4-allocation-fail", Counter, GLOBAL_SUBNET,
            "clients for whom no address was found";
        AllocationFailSharedNetwork = "v4-allocation-fail-shared-network", Counter, GLOBAL_SUBNET,
            "clients for whom no address was found in a shared network";
        AllocationFailSubnet = "v4-allocation-fail-subnet", Counter, GLOBAL_SUBNET,
            "clients for whom no address was found in a subnet of its own";
        AllocationFailNoPools = "v4-allocation-fail-no-pools", Counter, GLOBAL_SUBNET,
            "clients for whom no address was found because there are no pools";
        AllocationFailClasses = "v4-allocation-fail-classes", Counter, GLOBAL_SUBNET,
            "clients for whom no address was found, and who belong to classes";
    }
}

#[cfg(test)]
mod tests {
    use super::{Lease4, Packet4};
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_found() {
        let mut seen = HashSet::new();
        for row in Packet4::ROWS.iter().chain(Lease4::ROWS) {
            assert!(seen.insert(row.name), "{}", row.name);
            assert!(!row.description.is_empty());
        }
        assert_eq!(Packet4::find("pkt4-nak-sent"), Some(Packet4::NakSent));
        assert_eq!(Lease4::find("pkt4-nak-sent"), None);
        assert_eq!(Lease4::ReclaimedLeases.row().name, "reclaimed-leases");
    }

    #[test]
    fn places_fit_their_tables() {
        assert!(Packet4::ROWS.iter().all(|row| row.places.global && !row.places.subnet));
        assert!(Lease4::ROWS.iter().all(|row| row.places.subnet));
    }
}
