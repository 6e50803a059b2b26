//! The names of all statistics of the servers.
//!
//! Two tables for each protocol: counters of packets, which each worker keeps for itself; figures of subnets and pools,
//! which all share. Names and meaning are Kea's.

use std::fmt::Debug;
use std::hash::Hash;

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
    /// As `subnet[ID].pd-pool[ID].NAME`.
    pub pd_pool: bool,
}

impl Places {
    const fn global(self) -> Self {
        Self { global: true, ..self }
    }

    const fn pool(self) -> Self {
        Self { pool: true, ..self }
    }

    const fn pd_pool(self) -> Self {
        Self { pd_pool: true, ..self }
    }
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

/// A table of statistics: an enum with a variant for each row.
pub trait Table: Copy + Debug + Eq + Hash + Send + Sync + 'static {
    /// All rows, in the order of the enum.
    const ROWS: &'static [Row];
    /// All variants, in the order of the rows.
    const ALL: &'static [Self];
    /// One value for each row.
    type PerRow<T: Debug + Send + Sync>: AsRef<[T]> + AsMut<[T]> + Debug + Send + Sync;

    /// Makes a value for each row.
    fn per_row<T: Debug + Send + Sync>(make: impl FnMut(usize) -> T) -> Self::PerRow<T>;

    /// Returns the place in [`Self::ROWS`].
    fn index(self) -> usize;

    /// Returns the row.
    #[must_use]
    fn row(self) -> &'static Row {
        &Self::ROWS[self.index()]
    }

    /// Finds the row of a name.
    #[must_use]
    fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.row().name == name)
    }
}

const SUBNET: Places = Places { global: false, subnet: true, pool: false, pd_pool: false };
const GLOBAL: Places = Places { global: true, subnet: false, pool: false, pd_pool: false };
const GLOBAL_SUBNET: Places = SUBNET.global();
const SUBNET_POOL: Places = SUBNET.pool();
const SUBNET_PD_POOL: Places = SUBNET.pd_pool();
const GLOBAL_PD_POOL: Places = SUBNET_PD_POOL.global();
const EVERYWHERE: Places = SUBNET_POOL.global();
const EVERY_POOL: Places = EVERYWHERE.pd_pool();

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
            /// How many rows there are.
            pub const COUNT: usize = <Self as Table>::ROWS.len();
        }

        impl Table for $name {
            const ROWS: &'static [Row] = &[
                $(Row {
                    name: $text,
                    kind: Kind::$kind,
                    places: $places,
                    description: $description,
                },)*
            ];
            const ALL: &'static [Self] = &[$(Self::$variant,)*];
            type PerRow<T: Debug + Send + Sync> = [T; $name::COUNT];

            fn per_row<T: Debug + Send + Sync>(make: impl FnMut(usize) -> T) -> Self::PerRow<T> {
                std::array::from_fn(make)
            }

            #[inline]
            fn index(self) -> usize {
                self as usize
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

rows! {
    /// Counters of a worker of the DHCPv6 server: packets and drop reasons of the whole server.
    Packet6 {
        Received = "pkt6-received", Counter, GLOBAL,
            "datagrams received";
        SolicitReceived = "pkt6-solicit-received", Counter, GLOBAL,
            "SOLICIT messages received";
        AdvertiseReceived = "pkt6-advertise-received", Counter, GLOBAL,
            "ADVERTISE messages received; only servers should send them";
        RequestReceived = "pkt6-request-received", Counter, GLOBAL,
            "REQUEST messages received";
        ConfirmReceived = "pkt6-confirm-received", Counter, GLOBAL,
            "CONFIRM messages received";
        RenewReceived = "pkt6-renew-received", Counter, GLOBAL,
            "RENEW messages received";
        RebindReceived = "pkt6-rebind-received", Counter, GLOBAL,
            "REBIND messages received";
        ReplyReceived = "pkt6-reply-received", Counter, GLOBAL,
            "REPLY messages received; only servers should send them";
        ReleaseReceived = "pkt6-release-received", Counter, GLOBAL,
            "RELEASE messages received";
        DeclineReceived = "pkt6-decline-received", Counter, GLOBAL,
            "DECLINE messages received";
        ReconfigureReceived = "pkt6-reconfigure-received", Counter, GLOBAL,
            "RECONFIGURE messages received; only servers should send them";
        InfrequestReceived = "pkt6-infrequest-received", Counter, GLOBAL,
            "INFORMATION-REQUEST messages received";
        LeaseQueryReceived = "pkt6-lease-query-received", Counter, GLOBAL,
            "LEASEQUERY messages received";
        Dhcpv4QueryReceived = "pkt6-dhcpv4-query-received", Counter, GLOBAL,
            "DHCPV4-QUERY messages received";
        Dhcpv4ResponseReceived = "pkt6-dhcpv4-response-received", Counter, GLOBAL,
            "DHCPV4-RESPONSE messages received";
        AddrRegInformReceived = "pkt6-addr-reg-inform-received", Counter, GLOBAL,
            "ADDR-REG-INFORM messages received";
        UnknownReceived = "pkt6-unknown-received", Counter, GLOBAL,
            "messages of an unknown type received";
        Sent = "pkt6-sent", Counter, GLOBAL,
            "datagrams sent";
        AdvertiseSent = "pkt6-advertise-sent", Counter, GLOBAL,
            "ADVERTISE messages sent";
        ReplySent = "pkt6-reply-sent", Counter, GLOBAL,
            "REPLY messages sent";
        LeaseQueryReplySent = "pkt6-lease-query-reply-sent", Counter, GLOBAL,
            "LEASEQUERY-REPLY messages sent";
        Dhcpv4ResponseSent = "pkt6-dhcpv4-response-sent", Counter, GLOBAL,
            "DHCPV4-RESPONSE messages sent";
        AddrRegReplySent = "pkt6-addr-reg-reply-sent", Counter, GLOBAL,
            "ADDR-REG-REPLY messages sent";
        ParseFailed = "pkt6-parse-failed", Counter, GLOBAL,
            "datagrams that could not be parsed; they are also dropped";
        ReceiveDrop = "pkt6-receive-drop", Counter, GLOBAL,
            "datagrams dropped for any reason";
        AdminFiltered = "pkt6-admin-filtered", Counter, GLOBAL,
            "queries dropped because the administrator wants so (class DROP)";
        Duplicate = "pkt6-duplicate", Counter, GLOBAL,
            "queries dropped because one of the same client is in progress";
        LimitExceeded = "pkt6-limit-exceeded", Counter, GLOBAL,
            "queries dropped because a rate limit was exceeded";
        NotForUs = "pkt6-not-for-us", Counter, GLOBAL,
            "queries dropped because they are meant for another server or no subnet fits";
        ProcessingFailed = "pkt6-processing-failed", Counter, GLOBAL,
            "queries dropped because their processing failed";
        QueueFull = "pkt6-queue-full", Counter, GLOBAL,
            "queries dropped because a queue was full";
        RfcViolation = "pkt6-rfc-violation", Counter, GLOBAL,
            "queries dropped because they break a rule of the standards";
        ServiceDisabled = "pkt6-service-disabled", Counter, GLOBAL,
            "queries dropped because the service is switched off";
    }
}

rows! {
    /// Figures of a subnet for DHCPv6 that workers share; those that are global too are summed over all subnets.
    Lease6 {
        TotalNas = "total-nas", Gauge, SUBNET_POOL,
            "addresses in the pools";
        AssignedNas = "assigned-nas", Gauge, SUBNET_POOL,
            "addresses that are leased to clients or declined";
        CumulativeAssignedNas = "cumulative-assigned-nas", Counter, EVERYWHERE,
            "addresses granted to new clients since the start";
        TotalPds = "total-pds", Gauge, SUBNET_PD_POOL,
            "prefixes in the pools";
        AssignedPds = "assigned-pds", Gauge, SUBNET_PD_POOL,
            "prefixes that are delegated to clients";
        CumulativeAssignedPds = "cumulative-assigned-pds", Counter, GLOBAL_PD_POOL,
            "prefixes delegated to new clients since the start";
        DeclinedAddresses = "declined-addresses", Gauge, EVERYWHERE,
            "addresses that are declined at present";
        ReclaimedDeclinedAddresses = "reclaimed-declined-addresses", Counter, EVERYWHERE,
            "declined addresses that have been recovered";
        ReclaimedLeases = "reclaimed-leases", Counter, EVERY_POOL,
            "expired leases that have been reclaimed";
        NaReuses = "v6-ia-na-lease-reuses", Counter, GLOBAL_SUBNET,
            "addresses given again from the cache without being extended";
        PdReuses = "v6-ia-pd-lease-reuses", Counter, GLOBAL_SUBNET,
            "prefixes given again from the cache without being extended";
        AllocationFail = "v6-allocation-fail", Counter, GLOBAL_SUBNET,
            "associations for which nothing was found";
        AllocationFailSharedNetwork = "v6-allocation-fail-shared-network", Counter, GLOBAL_SUBNET,
            "associations for which nothing was found in a shared network";
        AllocationFailSubnet = "v6-allocation-fail-subnet", Counter, GLOBAL_SUBNET,
            "associations for which nothing was found in a subnet of its own";
        AllocationFailNoPools = "v6-allocation-fail-no-pools", Counter, GLOBAL_SUBNET,
            "associations for which nothing was found because there are no pools";
        AllocationFailClasses = "v6-allocation-fail-classes", Counter, GLOBAL_SUBNET,
            "associations of clients in classes for which nothing was found";
    }
}

#[cfg(test)]
mod tests {
    use super::{Lease4, Lease6, Packet4, Packet6, Row, Table};
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_found() {
        for (packets, leases) in [(Packet4::ROWS, Lease4::ROWS), (Packet6::ROWS, Lease6::ROWS)] {
            let mut seen = HashSet::new();
            for row in packets.iter().chain(leases) {
                assert!(seen.insert(row.name), "{}", row.name);
                assert!(!row.description.is_empty());
            }
        }
        assert_eq!(Packet4::find("pkt4-nak-sent"), Some(Packet4::NakSent));
        assert_eq!(Lease4::find("pkt4-nak-sent"), None);
        assert_eq!(Lease4::ReclaimedLeases.row().name, "reclaimed-leases");
    }

    #[test]
    fn places_fit_their_tables() {
        let is_global = |row: &Row| row.places.global && !row.places.subnet;
        assert!(Packet4::ROWS.iter().chain(Packet6::ROWS).all(is_global));
        assert!(Lease4::ROWS.iter().chain(Lease6::ROWS).all(|row| row.places.subnet));
        assert!(Lease4::ROWS.iter().all(|row| !row.places.pd_pool));
    }
}
