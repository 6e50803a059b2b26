//! The clients' own view: who believes that he may use which addresses and prefixes.

use crate::spans::{Span, Spans};

/// A client's use of something.
#[derive(Clone, Copy, Debug)]
struct Use {
    client: usize,
    until: u64,
}

/// All that is in use.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    by_span: Spans<Vec<Use>>,
}

impl Uses {
    /// A client uses something from now on until then. `may_share` says whether it may with another client.
    pub(crate) fn begin(
        &mut self,
        client: usize,
        span: Span,
        (now, until): (u64, u64),
        mut may_share: impl FnMut(usize) -> bool,
    ) {
        for (other, users) in self.by_span.overlapping(span) {
            let mut others = users.iter().filter(|user| user.client != client && user.until > now);
            if let Some(user) = others.find(|user| !may_share(user.client)) {
                panic!("client {client} uses {span} while client {} uses {other}", user.client);
            }
        }
        let users = self.by_span.entry(span);
        users.retain(|user| user.client != client && user.until > now);
        users.push(Use { client, until });
    }

    /// Nobody may count on something for longer than until then, whatever clients believe.
    pub(crate) fn cut(&mut self, span: Span, until: u64) {
        for user in self.by_span.entry(span) {
            user.until = user.until.min(until);
        }
    }

    /// Nobody may count on something any more, whatever clients believe.
    pub(crate) fn end_all(&mut self, span: Span) {
        self.by_span.entry(span).clear();
    }

    /// Who uses what at a time, and until when.
    pub(crate) fn all(&self, now: u64) -> impl Iterator<Item = (usize, Span, u64)> {
        let of = move |(span, users): (Span, &Vec<Use>)| {
            let users: Vec<_> = users.iter().filter(|user| user.until > now).copied().collect();
            users.into_iter().map(move |user| (user.client, span, user.until))
        };
        self.by_span.iter().flat_map(of)
    }

    /// A client does not use something any more.
    pub(crate) fn end(&mut self, client: usize, span: Span) {
        self.by_span.entry(span).retain(|user| user.client != client);
    }
}
