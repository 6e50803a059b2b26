//! What a world is like: sizes and how often things go wrong.

/// The parameters of a run; rates of disasters are chances in a thousand per simulated second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Number of clients, spread over the links.
    pub clients: u32,
    /// Length of the run in simulated seconds.
    pub seconds: u32,
    /// Workers of the server.
    pub workers: usize,
    /// Addresses of the pools in percent of the clients.
    pub pool_percent: u32,
    /// Packets in a hundred that get lost.
    pub loss_percent: u64,
    /// Packets in a hundred that arrive twice.
    pub duplicate_percent: u64,
    /// Longest way of a packet; different delays reorder packets.
    pub delay_ms_max: u64,
    /// Questions in a hundred that the store answers late.
    pub late_percent: u64,
    /// Servers that share a database; 0 for one with a lease file. With a database a failure of the disk is one of the
    /// database.
    pub servers: usize,
    /// Batches in a hundred under which the connection to the database is lost.
    pub connection_loss_percent: u64,
    /// Times at which strangers take, renew or give back leases in the database.
    pub stranger_rate: u64,
    /// Crashes of the server.
    pub crash_rate: u64,
    /// Orderly restarts of the server.
    pub restart_rate: u64,
    /// Reconfigurations with other pools.
    pub reconfiguration_rate: u64,
    /// Times at which the disk stops taking writes for a while.
    pub disk_failure_rate: u64,
    /// Beginnings of a clean-up of the lease file.
    pub clean_up_rate: u64,
    /// Jumps of the wall clock, forward or back.
    pub clock_jump_rate: u64,
}

impl Scenario {
    /// A network without trouble.
    #[must_use]
    pub const fn calm(clients: u32) -> Self {
        Self {
            clients,
            seconds: 600,
            workers: 2,
            pool_percent: 110,
            loss_percent: 0,
            duplicate_percent: 0,
            delay_ms_max: 20,
            late_percent: 0,
            servers: 0,
            connection_loss_percent: 0,
            stranger_rate: 0,
            crash_rate: 0,
            restart_rate: 0,
            reconfiguration_rate: 0,
            disk_failure_rate: 0,
            clean_up_rate: 0,
            clock_jump_rate: 0,
        }
    }

    /// Everything goes wrong but the clock, so that the clients' own view can be checked as well.
    #[must_use]
    pub const fn rough(clients: u32) -> Self {
        Self {
            pool_percent: 97,
            loss_percent: 5,
            duplicate_percent: 5,
            delay_ms_max: 3000,
            crash_rate: 15,
            restart_rate: 5,
            reconfiguration_rate: 10,
            disk_failure_rate: 10,
            clean_up_rate: 40,
            ..Self::calm(clients)
        }
    }

    /// As [`Scenario::rough`], and the wall clock jumps.
    #[must_use]
    pub const fn jumping(clients: u32) -> Self {
        Self { clock_jump_rate: 15, ..Self::rough(clients) }
    }

    /// As [`Scenario::rough`], over a store that answers half of the questions late.
    #[must_use]
    pub const fn late(clients: u32) -> Self {
        Self { late_percent: 50, ..Self::rough(clients) }
    }

    /// Late answers and jumps of the clock together.
    #[must_use]
    pub const fn late_jumping(clients: u32) -> Self {
        Self { clock_jump_rate: 15, ..Self::late(clients) }
    }

    /// As [`Scenario::late`], and the configuration hardly ever stays as it is.
    #[must_use]
    pub const fn restless(clients: u32) -> Self {
        Self { reconfiguration_rate: 100, clock_jump_rate: 5, ..Self::late(clients) }
    }

    /// One server with a database that is always there: its figures are exact.
    #[must_use]
    pub const fn database(clients: u32) -> Self {
        Self { servers: 1, crash_rate: 10, restart_rate: 10, ..Self::calm(clients) }
    }

    /// Two servers with one database.
    #[must_use]
    pub const fn pair(clients: u32) -> Self {
        Self { servers: 2, ..Self::calm(clients) }
    }

    /// Two servers with one database that holds half of what clients want, so that they fight for whatever becomes free.
    #[must_use]
    pub const fn crowded_pair(clients: u32) -> Self {
        Self {
            servers: 2,
            pool_percent: 50,
            connection_loss_percent: 2,
            stranger_rate: 300,
            crash_rate: 5,
            ..Self::calm(clients)
        }
    }

    /// As [`Scenario::rough`] with two servers and one database, which is away at times and used by strangers as well.
    #[must_use]
    pub const fn rough_pair(clients: u32) -> Self {
        Self {
            servers: 2,
            delay_ms_max: 1500,
            connection_loss_percent: 5,
            stranger_rate: 100,
            clean_up_rate: 0,
            ..Self::rough(clients)
        }
    }

    /// As [`Scenario::rough_pair`], and the wall clock jumps.
    #[must_use]
    pub const fn jumping_pair(clients: u32) -> Self {
        Self { clock_jump_rate: 15, ..Self::rough_pair(clients) }
    }

    /// All kinds with a database with their names, for loops over them.
    #[must_use]
    pub const fn shared(clients: u32) -> [(&'static str, Self); 5] {
        [
            ("database", Self::database(clients)),
            ("pair", Self::pair(clients)),
            ("crowded-pair", Self::crowded_pair(clients)),
            ("rough-pair", Self::rough_pair(clients)),
            ("jumping-pair", Self::jumping_pair(clients)),
        ]
    }

    /// All kinds without a database with their names, for loops over them.
    #[must_use]
    pub const fn all(clients: u32) -> [(&'static str, Self); 6] {
        [
            ("calm", Self::calm(clients)),
            ("rough", Self::rough(clients)),
            ("jumping", Self::jumping(clients)),
            ("late", Self::late(clients)),
            ("late-jumping", Self::late_jumping(clients)),
            ("restless", Self::restless(clients)),
        ]
    }
}
