//! The report of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::compare::unexplained;
use crate::group::{Case, Group};
use crate::run::Outcome;

/// Cases that must have run for a full run to pass.
pub const CASES_MIN: usize = 300;

/// Numbers and texts of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Cases that ran.
    pub cases: usize,
    /// Cases in which everything was the same.
    pub equal: usize,
    /// Cases with accepted differences only.
    pub accepted: usize,
    /// Cases with others.
    pub unexplained: usize,
    /// The report for people.
    pub text: String,
}

impl Report {
    /// Judges the outcomes of all groups.
    pub fn new(groups: &[Group], outcomes: &[Vec<Outcome>]) -> Self {
        let mut report = Self::default();
        let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (group, outcomes) in groups.iter().zip(outcomes) {
            let mut failure = None;
            for (case, outcome) in group.cases.iter().zip(outcomes) {
                report.cases += 1;
                let (open, text) = judge(case, outcome);
                match (open, text.is_empty()) {
                    (true, _) => report.unexplained += 1,
                    (false, true) => report.equal += 1,
                    (false, false) => report.accepted += 1,
                }
                if open && failure.as_ref() != Some(&text) {
                    let _ = write!(report.text, "\n{} / {}\n{text}", group.name, case.name);
                } else if open {
                    let _ = writeln!(report.text, "  the same in: {}", case.name);
                }
                if !open {
                    let fields = case.accepted.iter().map(|one| (one.field, one.why));
                    fields.for_each(|reason| *reasons.entry(reason).or_default() += 1);
                }
                failure = Some(text);
            }
        }
        report.text.push_str("\naccepted differences:\n");
        for ((field, why), count) in reasons {
            let _ = writeln!(report.text, "  {count:4} x {field}: {why}");
        }
        let Self { cases, equal, accepted, unexplained, .. } = report;
        let _ = writeln!(
            report.text,
            "\n{cases} cases: {equal} equal, {accepted} with accepted differences, \
             {unexplained} with unexplained ones"
        );
        report
    }
}

/// One line per case: its name and how Kea answered.
pub fn answers(groups: &[Group], outcomes: &[Vec<Outcome>]) -> String {
    let mut text = String::new();
    for (group, outcomes) in groups.iter().zip(outcomes) {
        for (case, outcome) in group.cases.iter().zip(outcomes) {
            let kinds = match outcome {
                Outcome::Compared(kinds, _) => kinds.as_str(),
                Outcome::Failed(_) => "failed",
            };
            let _ = writeln!(text, "{} / {}: {kinds}", group.name, case.name);
        }
    }
    text
}

/// Whether a case has unexplained differences, and what differs.
fn judge(case: &Case, outcome: &Outcome) -> (bool, String) {
    let differences = match outcome {
        Outcome::Failed(text) => return (true, format!("  {}\n", text.replace('\n', "\n  "))),
        Outcome::Compared(_, differences) => differences,
    };
    let (open, stale) = unexplained(differences, &case.accepted);
    let mut text = String::new();
    for one in differences {
        let mark = if open.contains(&one) { '!' } else { ' ' };
        let value = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
        let (kea, ours) = shortened(&value(&one.kea), &value(&one.ours));
        let head = format!("{mark} packet {} {}", one.step, one.field);
        let _ = if kea.len() < 40 {
            writeln!(text, "  {head:32} Kea {kea:40} ours {ours}")
        } else {
            writeln!(text, "  {head:32} Kea  {kea}\n  {:32} ours {ours}", "")
        };
    }
    for one in &stale {
        let _ =
            writeln!(text, "  ! nothing differs in {}, which is accepted: {}", one.field, one.why);
    }
    (!open.is_empty() || !stale.is_empty(), text)
}

/// Leaves out what long values have in common at their beginning and much of what follows.
fn shortened(a: &str, b: &str) -> (String, String) {
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let skip = if a.len().max(b.len()) > 160 { common.saturating_sub(20) } else { 0 };
    let part = |text: &str| {
        let tail: String = text.chars().skip(skip).take(160).collect();
        let before = if skip > 0 { format!("[{skip} characters].. ") } else { String::new() };
        let after = if skip + tail.len() < text.len() { ".." } else { "" };
        format!("{before}{tail}{after}")
    };
    (part(a), part(b))
}
