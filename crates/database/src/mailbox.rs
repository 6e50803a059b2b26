//! How replies come back to the worker that has asked.

use std::sync::Arc;

use parking_lot::Mutex;

/// Called when there are replies for a worker, with their number: whoever sleeps for a moment wakes for many, not for
/// a few.
pub type Wake = Box<dyn Fn(usize) + Send + Sync>;

/// Where the replies for one worker gather.
pub(crate) struct Mailbox<R> {
    replies: Mutex<Vec<R>>,
    wake: Wake,
}

impl<R> Mailbox<R> {
    pub(crate) fn new(wake: Wake) -> Arc<Self> {
        Arc::new(Self { replies: Mutex::default(), wake })
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
        mailbox.replies.lock().push(reply);
        match woken.iter_mut().find(|(one, _)| Arc::ptr_eq(one, &mailbox)) {
            Some((_, count)) => *count += 1,
            None => woken.push((mailbox, 1)),
        }
    }
    for (mailbox, count) in woken {
        (mailbox.wake)(count);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_worker_is_woken_once_for_all_that_is_its_own() {
        let calls = Arc::new([const { AtomicUsize::new(0) }; 2]);
        let boxes = [0, 1].map(|worker: usize| {
            let calls = calls.clone();
            // Ten thousand a call, and one for each reply.
            Mailbox::new(Box::new(move |count| {
                calls[worker].fetch_add(10_000 + count, Ordering::Relaxed);
            }))
        });
        deliver(
            [(0, 'a'), (1, 'b'), (0, 'c')]
                .map(|(to, reply)| (boxes[to].clone(), reply))
                .into_iter(),
        );
        assert_eq!(
            [0, 1].map(|worker: usize| calls[worker].load(Ordering::Relaxed)),
            [10_002, 10_001]
        );
        let mut own = vec!['z'];
        boxes[0].empty_into(&mut own);
        assert_eq!(own, ['z', 'a', 'c']);
        boxes[0].empty_into(&mut own);
        assert_eq!(own.len(), 3);
    }
}
