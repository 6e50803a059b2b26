//! How replies come back to the worker that has asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Called when there are replies for a worker. `true` when it is not to wait for more of them: there are many already, or
/// no others will come.
pub type Wake = Box<dyn Fn(bool) + Send + Sync>;

/// Replies that a worker is not to let wait while more may come.
const MANY: usize = 16;

/// Where the replies for one worker gather.
pub(crate) struct Mailbox<R> {
    replies: Mutex<Vec<R>>,
    /// Questions without a reply.
    open: AtomicUsize,
    wake: Wake,
}

impl<R> Mailbox<R> {
    pub(crate) fn new(wake: Wake) -> Arc<Self> {
        Arc::new(Self { replies: Mutex::default(), open: AtomicUsize::new(0), wake })
    }

    /// Says that so many questions are asked, before they are.
    pub(crate) fn expect(&self, questions: usize) {
        self.open.fetch_add(questions, Ordering::Relaxed);
    }

    /// Questions without a reply.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes what has come.
    pub(crate) fn empty_into(&self, into: &mut Vec<R>) {
        into.append(&mut self.replies.lock());
    }
}

/// Puts replies into their mailboxes and wakes each worker once.
pub(crate) fn deliver<R>(replies: impl Iterator<Item = (Arc<Mailbox<R>>, R)>) {
    let mut woken: Vec<(Arc<Mailbox<R>>, usize)> = Vec::new();
    for (mailbox, reply) in replies {
        let mut waiting = mailbox.replies.lock();
        waiting.push(reply);
        let count = waiting.len();
        drop(waiting);
        // A question may be replied to twice after a panic.
        let _ = mailbox
            .open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| open.checked_sub(1));
        match woken.iter_mut().find(|(one, _)| Arc::ptr_eq(one, &mailbox)) {
            Some((_, waiting)) => *waiting = count,
            None => woken.push((mailbox, count)),
        }
    }
    for (mailbox, waiting) in woken {
        (mailbox.wake)(waiting >= MANY || mailbox.open() == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mailbox with questions, and what its worker hears: whether it is not to wait.
    fn mailbox(questions: usize) -> (Arc<Mailbox<usize>>, Arc<Mutex<Vec<bool>>>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        let mailbox = Mailbox::new(Box::new(move |is_urgent| hears.lock().push(is_urgent)));
        mailbox.expect(questions);
        (mailbox, heard)
    }

    fn put(mailbox: &Arc<Mailbox<usize>>, replies: usize) {
        deliver((0..replies).map(|reply| (mailbox.clone(), reply)));
    }

    #[test]
    fn each_worker_is_woken_once_for_all_that_is_its_own() {
        let (first, heard_first) = mailbox(100);
        let (second, heard_second) = mailbox(1);
        let replies = [(&first, 1), (&second, 2), (&first, 3)];
        deliver(replies.into_iter().map(|(mailbox, reply)| (mailbox.clone(), reply)));
        assert_eq!(
            (&heard_first.lock()[..], &heard_second.lock()[..]),
            (&[false][..], &[true][..])
        );
        let mut own = vec![0];
        first.empty_into(&mut own);
        first.empty_into(&mut own);
        assert_eq!(own, [0, 1, 3]);
    }

    #[test]
    fn many_replies_or_the_last_ones_are_not_to_wait() {
        let (mailbox, heard) = mailbox(MANY + 3);
        put(&mailbox, MANY - 1);
        put(&mailbox, 1);
        mailbox.empty_into(&mut Vec::new());
        put(&mailbox, 1);
        assert_eq!(mailbox.open(), 2);
        put(&mailbox, 2);
        assert_eq!(heard.lock()[..], [false, true, false, true]);
        put(&mailbox, 1);
        assert_eq!(mailbox.open(), 0, "one reply too many");
    }
}
