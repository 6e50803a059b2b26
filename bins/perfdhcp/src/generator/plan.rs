//! What a run does: how exchanges begin, what they consist of, when it ends.

/// Nanoseconds of a second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// Most exchanges in progress of a closed loop.
pub const WINDOW_MAX: u32 = 65_536;
/// Most exchanges in progress at all: memory of a few hundred MB. What does not fit is counted, or waits.
const SLOTS_MAX: usize = 1 << 22;
/// Most first messages of a run with a preload in one go.
pub const PRELOAD_MAX: u64 = 1 << 20;

/// How exchanges begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// By the clock, whatever the server does.
    Open {
        /// Exchanges per second.
        rate: f64,
        /// How they are spread.
        spacing: Spacing,
    },
    /// The next as soon as one has ended, as fast as the server can.
    Closed {
        /// Exchanges in progress.
        window: u32,
    },
    /// Every client once and all at the same moment; messages are sent again until they are answered.
    Avalanche,
}

/// How the exchanges of an open load are spread in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// At equal distances.
    Even,
    /// As those of an independent crowd (Poisson).
    Poisson,
}

/// What an exchange consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// DISCOVER to ACK, SOLICIT to REPLY.
    Four,
    /// The first half only; with rapid commit it ends with a REPLY.
    Two {
        /// A grant, not an offer, is the answer.
        rapid_commit: bool,
    },
}

/// How many drops end a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DropsMax {
    /// That many.
    Count(u64),
    /// More than this share (0 to 1) of those that were decided, once that are ten.
    Share(f64),
}

/// When a run ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// After so many messages of the first and of the second exchange.
    pub requests: [Option<u64>; 2],
    /// After so many drops of the first and of the second exchange.
    pub drops: [Option<DropsMax>; 2],
    /// After this time.
    pub period_ns: Option<u64>,
    /// How long answers are waited for after the last exchange has begun; `None`: until all are decided.
    pub exit_wait_ns: Option<u64>,
}

/// A time during which clients pretend to have waited for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Begin, from the start of the run.
    pub after_ns: u64,
    /// Length.
    pub for_ns: u64,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How exchanges begin.
    pub load: Load,
    /// What they consist of.
    pub steps: Steps,
    /// Renewals per second.
    pub renew_rate: f64,
    /// Releases per second.
    pub release_rate: f64,
    /// Number of clients.
    pub clients: u32,
    /// Whether the client of each exchange is drawn at random instead of taken in turn.
    pub random_clients: bool,
    /// Number of the first client.
    pub first_client: u32,
    /// How long the answers to the first and to the later messages may take.
    pub patience_ns: [u64; 2],
    /// First messages sent at once before all others; they are not counted.
    pub preload: u64,
    /// Most overdue exchanges begun before answers are looked at again.
    pub burst: u32,
    /// Whether addresses are checked to be of one client only.
    pub check_unique: bool,
    /// Whether grants that are completed are kept for renewals and releases.
    pub keep_holders: bool,
    /// Whether the server of the first answer is the only one that is asked.
    pub one_server: bool,
    /// Whether the times of exchanges are kept for the report (`-x t`).
    pub keep_times: bool,
    /// Whether leases are kept for the report (`-x l`).
    pub keep_leases: bool,
    /// See [`Waiting`].
    pub waiting: Option<Waiting>,
    /// When the run ends.
    pub limits: Limits,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

impl Plan {
    /// Four-way exchanges at a rate, of ever new clients, without an end.
    #[must_use]
    pub fn open(rate: f64) -> Self {
        Self::new(Load::Open { rate, spacing: Spacing::Even })
    }

    /// Four-way exchanges of ever new clients, without an end.
    #[must_use]
    pub fn new(load: Load) -> Self {
        Self {
            load,
            steps: Steps::Four,
            renew_rate: 0.0,
            release_rate: 0.0,
            clients: u32::MAX,
            random_clients: false,
            first_client: 0,
            patience_ns: [SECOND_NS; 2],
            preload: 0,
            burst: 64,
            check_unique: false,
            keep_holders: false,
            one_server: false,
            keep_times: false,
            keep_leases: false,
            waiting: None,
            limits: Limits::default(),
            seed: 0,
        }
    }

    /// Slots that the run can need at most, if nothing at all is answered.
    #[must_use]
    pub fn slots(&self) -> usize {
        let both_ns: u64 = self.patience_ns.iter().sum();
        // Timers run off one or two ticks late.
        let patience_s = both_ns as f64 / 1e9 + 0.05;
        let by_clock = (self.renew_rate + self.release_rate) * patience_s;
        let first = match self.load {
            Load::Open { rate, .. } => rate * patience_s,
            Load::Closed { window } => f64::from(window),
            Load::Avalanche => f64::from(self.clients),
        };
        let slots = ((first + by_clock) * 1.1) as usize;
        slots.min(SLOTS_MAX) + 64 + self.preload.min(PRELOAD_MAX) as usize
    }
}
