//! The comparison of what both servers answered.

use std::collections::BTreeMap;

use crate::answer::{Answer, Field};
use crate::group::Accepted;

/// A field that is not the same on both sides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// Number of the packet within its case, from 1.
    pub step: usize,
    /// Name of the field.
    pub field: String,
    /// What Kea says; `None` when it has no such field.
    pub kea: Option<String>,
    /// What ours says.
    pub ours: Option<String>,
}

/// Compares the answers to one packet, with `choice` except for the addresses given. Of a silent
/// and an answering server only the kind of the answer is reported.
pub fn compare(step: usize, choice: bool, kea: &[Answer], ours: &[Answer]) -> Vec<Difference> {
    let (Some(first), Some(second)) = (kea.first(), ours.first()) else {
        let (kea, ours) = (kind(kea.first()), kind(ours.first()));
        return if kea == ours { Vec::new() } else { vec![whole(step, kea, ours)] };
    };
    if kea.len() != ours.len() {
        let count = |answers: &[Answer]| format!("{} answers", answers.len());
        return vec![whole(step, count(kea), count(ours))];
    }
    let (kea, ours) = (by_name(first.fields(choice)), by_name(second.fields(choice)));
    let names: Vec<_> =
        kea.keys().chain(ours.keys().filter(|name| !kea.contains_key(*name))).collect();
    let differs = |name: &&&String| kea.get(**name) != ours.get(**name);
    let difference = |name: &String| Difference {
        step,
        field: name.clone(),
        kea: kea.get(name).map(|values| values.join(" | ")),
        ours: ours.get(name).map(|values| values.join(" | ")),
    };
    names.iter().filter(differs).map(|name| difference(name)).collect()
}

fn by_name(fields: Vec<Field>) -> BTreeMap<String, Vec<String>> {
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in fields {
        map.entry(name).or_default().push(value);
    }
    map
}

fn whole(step: usize, kea: String, ours: String) -> Difference {
    Difference { step, field: "answer".to_owned(), kea: Some(kea), ours: Some(ours) }
}

/// The kind of an answer, or that there is none.
pub fn kind(answer: Option<&Answer>) -> String {
    match answer {
        None => "silence".to_owned(),
        Some(Answer::V4(reply)) => {
            reply.dhcp.kind().map_or("?".to_owned(), |kind| format!("{kind:?}"))
        }
        Some(Answer::V6(reply)) if reply.dhcp.kind == 2 => "Advertise".to_owned(),
        Some(Answer::V6(_)) => "Reply".to_owned(),
    }
}

/// An answer in short: its kind, what is given, and the codes of its options.
pub fn summary(answer: Option<&Answer>) -> String {
    let codes = match answer {
        None => Vec::new(),
        Some(Answer::V4(reply)) => {
            let codes = reply.dhcp.options.iter().map(|(code, _)| code.to_string());
            std::iter::once(reply.dhcp.yiaddr.to_string()).chain(codes).collect()
        }
        Some(Answer::V6(reply)) => {
            reply.dhcp.options.iter().map(|(code, _)| code.to_string()).collect()
        }
    };
    format!("{} {}", kind(answer), codes.join(" "))
}

/// Sets apart the differences that are not accepted and the acceptances for which nothing differs.
pub fn unexplained<'a>(
    differences: &'a [Difference],
    accepted: &'a [Accepted],
) -> (Vec<&'a Difference>, Vec<&'a Accepted>) {
    let covers =
        |accepted: &Accepted, difference: &Difference| difference.field.starts_with(accepted.field);
    let open = differences.iter().filter(|one| !accepted.iter().any(|other| covers(other, one)));
    let stale = accepted.iter().filter(|one| !differences.iter().any(|other| covers(one, other)));
    (open.collect(), stale.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2e::dhcp::{Dhcp, Kind, opt};
    use e2e::frame::Frame;
    use e2e::raw::Reply;

    fn offer(options: &[(u8, &[u8])]) -> Vec<Answer> {
        let mut dhcp = Dhcp::query(Kind::Offer, [2, 0, 0, 0, 0, 1]);
        (dhcp.op, dhcp.xid) = (2, 7);
        dhcp.options.extend(options.iter().map(|(code, data)| (*code, data.to_vec())));
        let frame = Frame::broadcast([2, 0, 0, 0, 0, 2], dhcp.encode());
        vec![Answer::V4(Box::new(Reply { dhcp, frame, checksums_hold: true }))]
    }

    fn fields(differences: &[Difference]) -> Vec<&str> {
        differences.iter().map(|one| one.field.as_str()).collect()
    }

    #[test]
    fn order_and_cuts_of_options_make_no_difference() {
        let one = offer(&[(opt::DNS, &[1, 2, 3, 4]), (opt::HOSTNAME, b"name")]);
        let other =
            offer(&[(opt::HOSTNAME, b"na"), (opt::DNS, &[1, 2, 3, 4]), (opt::HOSTNAME, b"me")]);
        assert_eq!(compare(1, false, &one, &other), []);
    }

    #[test]
    fn values_missing_options_and_silence_make_one() {
        let one = offer(&[(opt::DNS, &[1, 2, 3, 4])]);
        let other = offer(&[(opt::DNS, &[1, 2, 3, 5]), (opt::HOSTNAME, b"name")]);
        let differences = compare(1, false, &one, &other);
        assert_eq!(fields(&differences), ["option 006", "option 012"]);
        assert_eq!(fields(&compare(1, false, &one, &[])), ["answer"]);
        assert_eq!(compare(1, false, &[], &[]), []);
    }

    #[test]
    fn acceptances_cover_fields_and_must_be_needed() {
        let differences = compare(1, false, &offer(&[]), &offer(&[(opt::HOSTNAME, b"name")]));
        let accepted = |field| [Accepted { field, why: "a reason" }];
        let (open, stale) = (accepted("option 012"), accepted("option 006"));
        assert_eq!(unexplained(&differences, &open).0.len(), 0);
        let (open, stale) = unexplained(&differences, &stale);
        assert_eq!((open.len(), stale.len()), (1, 1));
    }
}
