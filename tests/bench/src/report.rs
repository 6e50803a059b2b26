//! Tables of medians with ranges, and factors against Kea or against the first row of the same server.

use crate::spec::{Family, Kind, Spec};
use crate::suites::Table;
use crate::trial::{Run, Trial};

/// All repetitions of one row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) spec: Spec,
    pub(crate) trials: Vec<Trial>,
    pub(crate) problems: Vec<String>,
}

impl Row {
    /// Median of a figure; 0 when no repetition succeeded.
    fn median(&self, of: impl Fn(&Trial) -> f64) -> f64 {
        median(&mut self.trials.iter().map(of).collect::<Vec<_>>())
    }

    /// Median with the range behind it.
    fn range(&self, of: impl Fn(&Trial) -> f64, digits: usize) -> String {
        range(self.trials.iter().map(of).collect(), digits)
    }
}

/// Median with the range behind it.
fn range(mut values: Vec<f64>, digits: usize) -> String {
    let middle = median(&mut values);
    match values.as_slice() {
        [] => "-".to_owned(),
        [_] => format!("{middle:.digits$}"),
        [low, .., high] => format!("{middle:.digits$} [{low:.digits$}-{high:.digits$}]"),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        len if len % 2 == 1 => values[len / 2],
        len => (values[len / 2 - 1] + values[len / 2]) / 2.0,
    }
}

/// Prints one table with what follows from it.
pub(crate) fn print(table: &Table, rows: &[Row]) {
    println!("\n### {}\n", table.title);
    if table.databases {
        print_databases(rows);
        print_problems(rows);
        return;
    }
    let reference = if table.flat { "first row" } else { "Kea" };
    let is_v6 = |row: &Row| row.spec.family == Family::V6;
    let [offer, ack] = match rows.iter().all(is_v6) {
        false => ["OFFER", "ACK"],
        true => ["ADVERTISE", "REPLY"],
    };
    println!(
        "| row | n | saturated /s | rate / {reference} | server CPU ms per 1000 | CPU / {reference} \
         | {offer} us p50 / p90 / p99 / p99.9 | {ack} us p50 / p90 / p99 / p99.9 | lost % | ready s \
         | RSS MiB ready / end | generator us |"
    );
    println!("|{}", "---|".repeat(12));
    for row in rows {
        println!(
            "{}",
            line(row, base(table, rows, row), |trial| Some(&trial.main), &row.spec.text)
        );
    }
    for row in rows.iter().filter(|row| row.spec.renew) {
        let renewals = |trial| renewal(trial);
        let name = format!("{} (renewals)", row.spec.text);
        println!("{}", line(row, base(table, rows, row), renewals, &name));
    }
    print_problems(rows);
    if table.flat {
        derived(rows);
    }
}

fn print_problems(rows: &[Row]) {
    for row in rows {
        for problem in &row.problems {
            println!("\n**{}: {problem}**", row.spec);
        }
    }
}

/// The table of servers with databases: what an exchange costs both, and factors against Kea with the same database.
fn print_databases(rows: &[Row]) {
    let is_v6 = |row: &Row| row.spec.family == Family::V6;
    let ack = if rows.iter().all(is_v6) { "REPLY" } else { "ACK" };
    println!(
        "| row | n | saturated /s | rate / Kea | server CPU us | database CPU us | both us | both / Kea \
         | {ack} ms p50 / p99, saturated | {ack} ms p50 / p99 at half the rate | lost %, saturated / half \
         | RSS MiB | generator us |"
    );
    println!("|{}", "---|".repeat(13));
    for row in rows {
        println!("{}", database_line(rows, row, main, half, &row.spec.text));
    }
    for row in rows.iter().filter(|row| row.spec.renew) {
        let name = format!("{} (renewals)", row.spec.text);
        println!("{}", database_line(rows, row, renewal, |_| None, &name));
    }
}

/// `run` picks what the line is about; latencies at half the rate belong to the exchanges of new clients.
fn database_line(
    rows: &[Row],
    row: &Row,
    run: fn(&Trial) -> Option<&Run>,
    half: fn(&Trial) -> Option<&Run>,
    name: &str,
) -> String {
    let values = |row: &Row, run: fn(&Trial) -> Option<&Run>, of: fn(&Run) -> f64| {
        row.trials.iter().filter_map(run).map(of).collect::<Vec<f64>>()
    };
    let figure = |row: &Row, of: fn(&Run) -> f64| median(&mut values(row, run, of));
    let both = |run: &Run| run.cpu_us + run.database_us;
    let base = rows.iter().find(|other| {
        (other.spec.kind, other.spec.family) == (Kind::Kea, row.spec.family)
            && other.spec.database == row.spec.database
            && !other.trials.is_empty()
    });
    let factor = |of: fn(&Run) -> f64| match base.map(|base| figure(base, of)) {
        Some(reference) if reference > 0.0 => format!("{:.2}", figure(row, of) / reference),
        _ => "-".to_owned(),
    };
    let latency = |run| {
        let one = |of| match median(&mut values(row, run, of)) {
            _ if row.trials.iter().filter_map(run).count() == 0 => "-".to_owned(),
            us => format!("{:.1}", us / 1000.0),
        };
        format!("{} / {}", one(|run| run.ack_us[0]), one(|run| run.ack_us[2]))
    };
    let lost = |run| match median(&mut values(row, run, lost_percent)) {
        _ if row.trials.iter().filter_map(run).count() == 0 => "-".to_owned(),
        percent => format!("{percent:.2}"),
    };
    format!(
        "| `{name}` | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} / {} | {:.1} | {:.1} |",
        row.trials.len(),
        range(values(row, run, |run| run.rate), 0),
        factor(|run| run.rate),
        range(values(row, run, |run| run.cpu_us), 1),
        range(values(row, run, |run| run.database_us), 0),
        range(values(row, run, both), 0),
        factor(both),
        latency(run),
        latency(half),
        lost(run),
        lost(half),
        row.median(|trial| trial.end_mib),
        figure(row, |run| run.generator_us),
    )
}

/// Exchanges that had no good end.
fn lost_percent(run: &Run) -> f64 {
    100.0 * (run.lost + run.naks) as f64 / (run.completed + run.lost + run.naks).max(1) as f64
}

fn main(trial: &Trial) -> Option<&Run> {
    Some(&trial.main)
}

fn renewal(trial: &Trial) -> Option<&Run> {
    trial.renew.as_ref()
}

fn half(trial: &Trial) -> Option<&Run> {
    trial.half.as_ref()
}

/// The row that factors are relative to.
fn base<'a>(table: &Table, rows: &'a [Row], row: &Row) -> Option<&'a Row> {
    let serves = |other: &&Row| {
        let wanted = match table.flat {
            true => other.spec.server() == row.spec.server(),
            false => {
                let (family, kind) = (row.spec.family, Kind::Kea);
                (other.spec.family, other.spec.kind) == (family, kind)
            }
        };
        wanted && !other.trials.is_empty()
    };
    rows.iter().find(serves)
}

fn line<'a>(
    row: &'a Row,
    base: Option<&'a Row>,
    run: impl Fn(&'a Trial) -> Option<&'a Run> + Copy + 'a,
    name: &str,
) -> String {
    let of = |row: &'a Row, figure: fn(&Run) -> f64| {
        median(&mut row.trials.iter().filter_map(run).map(figure).collect::<Vec<_>>())
    };
    let factor = |figure: fn(&Run) -> f64| match base.map(|base| of(base, figure)) {
        Some(reference) if reference > 0.0 => format!("{:.2}", of(row, figure) / reference),
        _ => "-".to_owned(),
    };
    let range = |figure: fn(&Run) -> f64, digits: usize| {
        range(row.trials.iter().filter_map(run).map(figure).collect(), digits)
    };
    let latency = |pick: fn(&Run, usize) -> f64| {
        let one = |at| {
            let values = row.trials.iter().filter_map(run).map(|run| pick(run, at));
            format!("{:.0}", median(&mut values.collect::<Vec<_>>()))
        };
        [0, 1, 2, 3].map(one).join(" / ")
    };
    format!(
        "| `{name}` | {} | {} | {} | {} | {} | {} | {} | {:.2} | {} | {:.1} / {:.1} | {:.1} |",
        row.trials.len(),
        range(|run| run.rate, 0),
        factor(|run| run.rate),
        range(|run| run.cpu_us, 1),
        factor(|run| run.cpu_us),
        latency(|run, at| run.offer_us[at]),
        latency(|run, at| run.ack_us[at]),
        of(row, lost_percent),
        row.range(|trial| trial.ready_s, 2),
        row.median(|trial| trial.ready_mib),
        row.median(|trial| trial.end_mib),
        of(row, |run| run.generator_us),
    )
}

/// Start-up time and memory per lease or subnet: what the largest row of a server adds to its first.
fn derived(rows: &[Row]) {
    println!();
    let mut servers: Vec<_> = rows.iter().map(|row| row.spec.server()).collect();
    servers.dedup();
    for server in servers {
        let mut same =
            rows.iter().filter(|row| row.spec.server() == server && !row.trials.is_empty());
        let Some(first) = same.next() else { continue };
        for row in same {
            let ready = row.median(|trial| trial.ready_s) - first.median(|trial| trial.ready_s);
            let mib = row.median(|trial| trial.ready_mib) - first.median(|trial| trial.ready_mib);
            let leases = row.median(|trial| trial.held as f64) - first.median(|t| t.held as f64);
            let subnets = f64::from(row.spec.subnets) - f64::from(first.spec.subnets);
            let (count, what) = if leases > 0.0 { (leases, "lease") } else { (subnets, "subnet") };
            if count > 0.0 {
                println!(
                    "- `{}`: {count:.0} {what}s more than `{}`: {ready:+.2} s at the start, \
                     {:.0} bytes of memory per {what}",
                    row.spec,
                    first.spec,
                    mib * 1_048_576.0 / count
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians_of_odd_even_and_none() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&mut []), 0.0);
    }
}
