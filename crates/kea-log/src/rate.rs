//! A brake on messages that every packet of a storm would repeat.
//!
//! Each message id has a token bucket, kept as one number: the time at which the bucket would be full again. One
//! comparison decides, one compare-and-swap takes a token, so that workers share a limiter without a lock. Time is
//! an argument. The caller learns how many messages were held back since the last one that passed.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::message::Message;

/// Distinct message ids that one limiter tells apart; further ones share the last bucket.
pub const RATE_LIMITED_IDS_MAX: usize = 32;

/// Token buckets, one per message id.
#[derive(Debug)]
pub struct RateLimiter {
    burst_ns: u64,
    interval_ns: u64,
    buckets: [Bucket; RATE_LIMITED_IDS_MAX],
}

#[derive(Debug)]
struct Bucket {
    /// The message that owns the bucket; null while it is free.
    owner: AtomicPtr<Message>,
    /// Monotonic time at which the bucket is full.
    full_at_ns: AtomicU64,
    suppressed: AtomicU64,
}

impl Bucket {
    const fn new() -> Self {
        Self {
            owner: AtomicPtr::new(std::ptr::null_mut()),
            full_at_ns: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }
}

impl RateLimiter {
    /// Allows `burst` messages of one id at once (at least one) and then one per `interval_ns`.
    #[must_use]
    pub const fn new(burst: u32, interval_ns: u64) -> Self {
        let burst = if burst == 0 { 1 } else { burst as u64 };
        Self {
            burst_ns: interval_ns.saturating_mul(burst),
            interval_ns,
            buckets: [const { Bucket::new() }; RATE_LIMITED_IDS_MAX],
        }
    }

    /// Asks whether the message may be written at the monotonic time `now_ns`. If so, returns how many of its kind
    /// were refused since the last time.
    pub fn admit(&self, message: &'static Message, now_ns: u64) -> Option<u64> {
        let bucket = self.bucket(message)?;
        let taken =
            bucket.full_at_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
                // A bucket cannot be emptier than empty: if it seems so, the clock has started anew.
                let waiting = full_at.saturating_sub(now_ns);
                let waiting = if waiting > self.burst_ns { 0 } else { waiting };
                let after = waiting.saturating_add(self.interval_ns);
                (after <= self.burst_ns).then(|| now_ns.saturating_add(after))
            });
        if taken.is_ok() {
            Some(bucket.suppressed.swap(0, Ordering::Relaxed))
        } else {
            bucket.suppressed.fetch_add(1, Ordering::Relaxed);
            None
        }
    }

    fn bucket(&self, message: &'static Message) -> Option<&Bucket> {
        let wanted = std::ptr::from_ref(message).cast_mut();
        let owned = self.buckets.iter().find(|bucket| {
            let owner = bucket.owner.load(Ordering::Relaxed);
            owner == wanted
                || owner.is_null()
                    && match bucket.owner.compare_exchange(
                        owner,
                        wanted,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    ) {
                        Ok(_) => true,
                        Err(other) => other == wanted,
                    }
        });
        owned.or(self.buckets.last())
    }
}

#[cfg(test)]
mod tests {
    use super::{RATE_LIMITED_IDS_MAX, RateLimiter};
    use crate::{Message, Severity};

    crate::messages! {
        TEST_STORM = (Info, "storm");
        TEST_OTHER = (Info, "other");
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn burst_passes_then_one_per_interval() {
        let limiter = RateLimiter::new(3, SECOND);
        let now = 50 * SECOND;
        for _ in 0..3 {
            assert_eq!(limiter.admit(&TEST_STORM, now), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(limiter.admit(&TEST_STORM, now + SECOND / 2), None);
        }
        assert_eq!(limiter.admit(&TEST_STORM, now + SECOND), Some(7));
        assert_eq!(limiter.admit(&TEST_STORM, now + SECOND), None);
    }

    #[test]
    fn ids_do_not_disturb_each_other() {
        let limiter = RateLimiter::new(1, SECOND);
        assert_eq!(limiter.admit(&TEST_STORM, 0), Some(0));
        assert_eq!(limiter.admit(&TEST_STORM, 0), None);
        assert_eq!(limiter.admit(&TEST_OTHER, 0), Some(0));
    }

    #[test]
    fn idle_bucket_holds_no_more_than_the_burst() {
        let limiter = RateLimiter::new(2, SECOND);
        assert_eq!(limiter.admit(&TEST_STORM, 0), Some(0));
        let later = 1000 * SECOND;
        let passed = (0..10).filter(|_| limiter.admit(&TEST_STORM, later).is_some()).count();
        assert_eq!(passed, 2);
    }

    #[test]
    fn clock_that_starts_anew_does_not_silence() {
        let limiter = RateLimiter::new(1, SECOND);
        assert_eq!(limiter.admit(&TEST_STORM, 1000 * SECOND), Some(0));
        assert_eq!(limiter.admit(&TEST_STORM, 0), Some(0));
    }

    #[test]
    fn more_ids_than_buckets_share_the_last() {
        let limiter = RateLimiter::new(1, SECOND);
        let messages: Vec<&'static Message> = (0..=RATE_LIMITED_IDS_MAX)
            .map(|_| {
                let message =
                    Message { id: "X", severity: Severity::Info, debug_level: 0, text: "" };
                &*Box::leak(Box::new(message))
            })
            .collect();
        let passed = messages.iter().filter(|message| limiter.admit(message, 0).is_some()).count();
        assert_eq!(passed, RATE_LIMITED_IDS_MAX);
    }
}
