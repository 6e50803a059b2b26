//! What happened in a run, in numbers.

use std::fmt;

/// Counts of one run; equal for equal seeds and scenarios.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Datagrams that reached the server.
    pub received: u64,
    /// Datagrams that the network lost.
    pub lost: u64,
    /// Datagrams that the network delivered twice.
    pub duplicated: u64,
    /// OFFERs and ADVERTISEs that left the server.
    pub offers: u64,
    /// ACKs and REPLYs with a lease that left the server.
    pub acks: u64,
    /// ACKs and REPLYs without a lease that left the server.
    pub informs: u64,
    /// NAKs that left the server.
    pub naks: u64,
    /// Prefixes in REPLYs that left the server.
    pub prefixes: u64,
    /// Associations that were answered by an error.
    pub refused: u64,
    /// Addresses and prefixes that clients were told not to use any longer.
    pub withdrawn: u64,
    /// Replies thrown away because storage failed.
    pub discarded: u64,
    /// Times a client became bound.
    pub bound: u64,
    /// Leases extended by renewing; in DHCPv4 also by rebinding.
    pub renewals: u64,
    /// Clients bound by REBIND.
    pub rebinds: u64,
    /// Clients bound by SOLICIT with rapid commit.
    pub rapid: u64,
    /// Clients that went to another link.
    pub moves: u64,
    /// Leases confirmed after a client's reboot.
    pub reboots: u64,
    /// RELEASEs sent.
    pub releases: u64,
    /// DECLINEs sent.
    pub declines: u64,
    /// Crashes of the server.
    pub crashes: u64,
    /// Orderly restarts of the server.
    pub restarts: u64,
    /// Reconfigurations.
    pub reconfigurations: u64,
    /// Jumps of the wall clock.
    pub clock_jumps: u64,
    /// Times the disk failed.
    pub disk_failures: u64,
    /// Clean-ups of the lease file that came to their end.
    pub clean_ups: u64,
    /// Bytes of torn rows that crashes left.
    pub torn_bytes: u64,
    /// Questions answered late.
    pub late_answers: u64,
    /// Requests to a database that were carried out once more because the connection was lost.
    pub lost_requests: u64,
    /// Exchanges that ended because the database gave no answer.
    pub unanswered: u64,
    /// Acts of strangers in a database.
    pub strangers: u64,
    /// Times all marks of the pools were made anew.
    pub renewed_marks: u64,
    /// Times the figures of a server with a database were compared with a recount.
    pub recounts: u64,
    /// Most checks on end in which a pool seemed full to a server though it was not.
    pub leaks_max: u64,
    /// Most exchanges that waited at once.
    pub parked_max: u64,
    /// Leases reclaimed.
    pub reclaimed: u64,
    /// Reclaimed leases removed.
    pub flushed: u64,
    /// Acknowledged leases that were looked for, and found, after a crash.
    pub recovered: u64,
    /// Complete checks of counters and pools.
    pub checks: u64,
    /// Leases in the store at the end.
    pub leases: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = [
            ("received", self.received),
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("offers", self.offers),
            ("acks", self.acks),
            ("informs", self.informs),
            ("naks", self.naks),
            ("prefixes", self.prefixes),
            ("refused", self.refused),
            ("withdrawn", self.withdrawn),
            ("discarded", self.discarded),
            ("bound", self.bound),
            ("renewals", self.renewals),
            ("rebinds", self.rebinds),
            ("rapid", self.rapid),
            ("moves", self.moves),
            ("reboots", self.reboots),
            ("releases", self.releases),
            ("declines", self.declines),
            ("crashes", self.crashes),
            ("restarts", self.restarts),
            ("reconfigurations", self.reconfigurations),
            ("clock-jumps", self.clock_jumps),
            ("disk-failures", self.disk_failures),
            ("clean-ups", self.clean_ups),
            ("torn-bytes", self.torn_bytes),
            ("late-answers", self.late_answers),
            ("lost-requests", self.lost_requests),
            ("unanswered", self.unanswered),
            ("strangers", self.strangers),
            ("renewed-marks", self.renewed_marks),
            ("recounts", self.recounts),
            ("leaks-max", self.leaks_max),
            ("parked-max", self.parked_max),
            ("reclaimed", self.reclaimed),
            ("flushed", self.flushed),
            ("recovered", self.recovered),
            ("checks", self.checks),
            ("leases", self.leases),
        ];
        for (nth, (name, value)) in figures.iter().filter(|(_, value)| *value > 0).enumerate() {
            let gap = if nth == 0 { "" } else { " " };
            write!(f, "{gap}{name} {value}")?;
        }
        Ok(())
    }
}

impl std::ops::AddAssign<&Self> for Report {
    fn add_assign(&mut self, other: &Self) {
        let Self { received, lost, duplicated, offers, acks, informs, naks, .. } = self;
        *received += other.received;
        *lost += other.lost;
        *duplicated += other.duplicated;
        *offers += other.offers;
        *acks += other.acks;
        *informs += other.informs;
        *naks += other.naks;
        let Self { prefixes, refused, withdrawn, rebinds, rapid, moves, .. } = self;
        *prefixes += other.prefixes;
        *refused += other.refused;
        *withdrawn += other.withdrawn;
        *rebinds += other.rebinds;
        *rapid += other.rapid;
        *moves += other.moves;
        let Self { discarded, bound, renewals, reboots, releases, declines, crashes, .. } = self;
        *discarded += other.discarded;
        *bound += other.bound;
        *renewals += other.renewals;
        *reboots += other.reboots;
        *releases += other.releases;
        *declines += other.declines;
        *crashes += other.crashes;
        let Self { restarts, reconfigurations, clock_jumps, disk_failures, clean_ups, .. } = self;
        *restarts += other.restarts;
        *reconfigurations += other.reconfigurations;
        *clock_jumps += other.clock_jumps;
        *disk_failures += other.disk_failures;
        *clean_ups += other.clean_ups;
        let Self { torn_bytes, late_answers, parked_max, reclaimed, flushed, .. } = self;
        *torn_bytes += other.torn_bytes;
        *late_answers += other.late_answers;
        *parked_max = other.parked_max.max(*parked_max);
        *reclaimed += other.reclaimed;
        *flushed += other.flushed;
        let Self { lost_requests, unanswered, strangers, .. } = self;
        *lost_requests += other.lost_requests;
        *unanswered += other.unanswered;
        *strangers += other.strangers;
        let Self { renewed_marks, recounts, leaks_max, .. } = self;
        *renewed_marks += other.renewed_marks;
        *recounts += other.recounts;
        *leaks_max = other.leaks_max.max(*leaks_max);
        let Self { recovered, checks, leases, .. } = self;
        *recovered += other.recovered;
        *checks += other.checks;
        *leases += other.leases;
    }
}
