//! The run: groups are dealt to a few jobs, each with a pair of servers per family.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::family::Family;

use crate::answer::{Answer, Moment};
use crate::compare::{Difference, compare, summary};
use crate::group::{Ask, Case, Group};
use crate::side::{Side, Who};

/// Groups that run at a time.
const JOBS: usize = 2;

/// What became of a case.
#[derive(Debug)]
pub enum Outcome {
    /// Both were asked; Kea's answers in short, and what differed.
    Compared(String, Vec<Difference>),
    /// A server did not start with the group's configuration, or ended; what it said.
    Failed(String),
}

/// Runs all groups; outcomes in their order, one for each case.
pub fn run(groups: &[Group]) -> Vec<Vec<Outcome>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Vec<Outcome>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                let mut bench = Bench::default();
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let number = groups.iter().position(|other| std::ptr::eq(other, group));
                    let outcomes = bench.run_group(group);
                    let mut done = done.lock().expect("no job panicked");
                    done.push((number.unwrap_or_default(), outcomes));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no job panicked");
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, outcomes)| outcomes).collect()
}

/// The servers of one job, made when they are needed first: Kea and ours.
#[derive(Debug, Default)]
struct Bench {
    v4: Option<[Side; 2]>,
    v6: Option<[Side; 2]>,
}

impl Bench {
    fn run_group(&mut self, group: &Group) -> Vec<Outcome> {
        let place = match group.family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        };
        let sides = place
            .get_or_insert_with(|| [Who::Kea, Who::Ours].map(|who| Side::new(who, group.family)));
        sides.iter_mut().for_each(|side| side.spawn(&group.config));
        for (side, who) in sides.iter_mut().zip(["Kea", "ours"]) {
            if let Err(text) = side.wait_started() {
                let failed =
                    |_| Outcome::Failed(format!("{who} refuses the configuration: {text}"));
                return group.cases.iter().map(failed).collect();
            }
        }
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (number, case) in group.cases.iter().enumerate() {
            let outcome = match outcomes.last() {
                Some(Outcome::Failed(text)) => Outcome::Failed(text.clone()),
                _ => run_case(sides, number as u16, case),
            };
            outcomes.push(outcome);
        }
        if let Ok(folder) = std::env::var("DIFFERENTIAL_DEBUG") {
            for (side, who) in sides.iter().zip(["kea", "ours"]) {
                let name = group.name.replace([' ', '/'], "_");
                let _ = std::fs::write(format!("{folder}/{name}.{who}.log"), side.log());
            }
        }
        outcomes
    }
}

/// The first transaction id of a case; there is room for 16 packets.
fn first_xid(case: u16) -> u32 {
    0x10_0000 + (u32::from(case) << 4)
}

fn run_case(sides: &mut [Side; 2], number: u16, case: &Case) -> Outcome {
    // What each side has answered to each packet; late answers find their place by their xid.
    let mut answers: [Vec<Vec<Answer>>; 2] = Default::default();
    let mut earlier: [Vec<Answer>; 2] = Default::default();
    for (step, ask) in case.asks.iter().enumerate() {
        for (side, earlier) in sides.iter_mut().zip(&earlier) {
            let moment = Moment { case: number, xid: first_xid(number) + step as u32, earlier };
            side.ask(&match ask {
                Ask::V4(ask) => ask.frame(&moment),
                Ask::V6(ask) => ask.frame(&moment),
            });
        }
        for ((side, who), (answers, earlier)) in
            sides.iter_mut().zip(["Kea", "ours"]).zip(answers.iter_mut().zip(&mut earlier))
        {
            answers.push(Vec::new());
            let Some(new) = side.answers() else {
                let log = side.log();
                let tail = log.lines().rev().take(5).collect::<Vec<_>>();
                let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
                return Outcome::Failed(format!("{who} answers no marker any more:\n{tail}"));
            };
            for answer in new {
                let offset = answer.xid().and_then(|xid| xid.checked_sub(first_xid(number)));
                let place = offset.and_then(|offset| answers.get_mut(offset as usize));
                if let Some(place) = place {
                    place.push(answer.clone());
                    earlier.push(answer);
                }
            }
        }
    }
    let [kea, ours] = answers;
    let kinds: Vec<String> = kea.iter().map(|answers| summary(answers.first())).collect();
    let steps = kea.iter().zip(&ours).enumerate();
    let differences =
        steps.flat_map(|(step, (kea, ours))| compare(step + 1, case.is_choice_free, kea, ours));
    Outcome::Compared(kinds.join(", "), differences.collect())
}
