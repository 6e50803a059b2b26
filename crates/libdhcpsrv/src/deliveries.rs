//! Whether answers arrive behind their relays, and what follows for the way in which they are sent.
//!
//! Equal answers to one relay leave as one run, which the system takes apart as late as it can. Between virtual
//! interfaces (containers, namespaces, machines on one host) that is in the relay's own UDP socket. A relay that reads
//! frames instead, as ISC's for DHCPv4 does, sees one frame that is too long, and all answers in it are lost. Nothing
//! tells such a relay from others but that its clients ask again for what has been answered. So each worker remembers
//! its last answers: when a good part of those through one relay are asked for again, answers to it go out one by one
//! for a while. The worst that a lossy link can do to a good relay is that its answers cost more.
//!
//! Two tables of fixed size, found by hash; a newer entry may push an older one out, which costs nothing but memory of
//! it. About 10 ns per packet.

/// Answers that are remembered; a power of two.
const ANSWERS: usize = 1 << 13;
/// Relays that are told apart; a power of two.
const RELAYS: usize = 1 << 10;
/// Seconds within which a client that got no answer asks again.
const REPEAT_S: u16 = 16;
/// Repetitions from which on a relay is doubted, and their share of the answers: one in so many.
const REPEATS_MIN: u32 = 4;
const REPEATS_SHARE: u32 = 8;
/// Answers after which the past counts half.
const ANSWERS_COUNTED: u32 = 256;
/// Seconds for which answers to a doubted relay go out one by one.
const ALONE_S: u32 = 600;

/// A query on its way through a relay: hashes of its identity (client, transaction, type) and of the relay's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Hash of what makes a repetition of the query equal to it.
    pub query: u64,
    /// Hash of the relay's address.
    pub relay: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Relay {
    hash: u64,
    answered: u32,
    repeated: u32,
    alone_until: u32,
}

/// The answers that one worker has sent through relays lately.
#[derive(Debug)]
pub struct Deliveries {
    /// A hash in the upper 48 bits, a second in the lower 16.
    answers: Box<[u64]>,
    relays: Box<[Relay]>,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self { answers: vec![0; ANSWERS].into(), relays: vec![Relay::default(); RELAYS].into() }
    }
}

impl Deliveries {
    /// Notes that a query has come; `second` is monotonic.
    pub fn asked(&mut self, passage: Passage, second: u32) {
        let answer = self.answers[passage.query as usize & (ANSWERS - 1)];
        let is_same = answer != 0 && answer >> 16 == passage.query >> 16;
        if !is_same || (second as u16).wrapping_sub(answer as u16) > REPEAT_S {
            return;
        }
        let relay = self.relay(passage.relay);
        relay.repeated += 1;
        let is_doubted = relay.repeated >= REPEATS_MIN
            && relay.repeated.saturating_mul(REPEATS_SHARE) >= relay.answered;
        if is_doubted {
            relay.alone_until = second.saturating_add(ALONE_S);
            (relay.answered, relay.repeated) = (0, 0);
        }
    }

    /// Notes that a query is being answered, and tells whether the answer must be sent by itself.
    pub fn answered(&mut self, passage: Passage, second: u32) -> bool {
        let place = &mut self.answers[passage.query as usize & (ANSWERS - 1)];
        *place = passage.query & !0xffff | u64::from(second as u16);
        let relay = self.relay(passage.relay);
        relay.answered += 1;
        if relay.answered >= ANSWERS_COUNTED {
            relay.answered /= 2;
            relay.repeated /= 2;
        }
        second < relay.alone_until
    }

    fn relay(&mut self, hash: u64) -> &mut Relay {
        let relay = &mut self.relays[hash as usize & (RELAYS - 1)];
        if relay.hash != hash {
            *relay = Relay { hash, ..Relay::default() };
        }
        relay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(query: u64, relay: u64) -> Passage {
        Passage { query: (query + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), relay }
    }

    #[test]
    fn a_relay_whose_answers_are_asked_for_again_gets_them_one_by_one() {
        let mut deliveries = Deliveries::default();
        for query in 0..8 {
            assert!(!deliveries.answered(passage(query, 7), 100));
            assert!(!deliveries.answered(passage(100 + query, 9), 100));
        }
        for query in 0..4 {
            deliveries.asked(passage(query, 7), 103);
        }
        assert!(deliveries.answered(passage(50, 7), 103));
        assert!(!deliveries.answered(passage(51, 9), 103), "another relay");
        assert!(deliveries.answered(passage(52, 7), 702));
        assert!(!deliveries.answered(passage(53, 7), 703), "after a while it is tried again");
    }

    #[test]
    fn few_repetitions_among_many_answers_are_losses_of_the_link() {
        let mut deliveries = Deliveries::default();
        let mut second = 0;
        for query in 0..5000 {
            second = 10 + query as u32 / 100;
            assert!(!deliveries.answered(passage(query, 7), second));
            if query % 20 == 19 {
                deliveries.asked(passage(query - 10, 7), second);
            }
        }
        assert!(!deliveries.answered(passage(6000, 7), second));
    }

    #[test]
    fn new_queries_and_late_ones_count_for_nothing() {
        let mut deliveries = Deliveries::default();
        for query in 0..100 {
            deliveries.asked(passage(query, 7), 50);
            assert!(!deliveries.answered(passage(query, 7), 50));
        }
        for query in 0..100 {
            deliveries.asked(passage(query, 7), 50 + u32::from(REPEAT_S) + 1);
        }
        assert!(!deliveries.answered(passage(200, 7), 70));
    }
}
