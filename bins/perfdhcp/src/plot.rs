//! A picture of a run: rate and drops above, latency on a logarithmic scale below, over time.
//!
//! Plain SVG without scripts and fonts of its own. Colours are told apart in grey, too.

use std::fmt::Write;

use crate::series::{Point, Series};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 20.0;
/// Top and height of the two panels.
const PANELS: [(f64, f64); 2] = [(50.0, 200.0), (310.0, 230.0)];
const HEIGHT: f64 = 600.0;

/// One line of a panel: name, colour, value of a point.
type Line = (&'static str, &'static str, fn(&Point, f64) -> f64);

const RATES: [Line; 3] = [
    ("begun/s", "#999999", |point, step_s| point.begun as f64 / step_s),
    ("completed/s", "#1f77b4", |point, step_s| point.completed as f64 / step_s),
    ("dropped/s", "#d62728", |point, step_s| point.dropped as f64 / step_s),
];
const LATENCIES: [Line; 3] = [
    ("max", "#cccccc", |point, _| point.max_ns as f64 / 1e6),
    ("p99", "#ff7f0e", |point, _| point.p99_ns as f64 / 1e6),
    ("p50", "#1f77b4", |point, _| point.p50_ns as f64 / 1e6),
];

/// The picture; `title` is shown above it.
#[must_use]
pub fn svg(series: &Series, title: &str) -> String {
    let step_s = series.step_ns() as f64 / 1e9;
    let points = series.points();
    let seconds = (points.len() as f64 * step_s).max(step_s);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"24\" \
         font-size=\"15\">{}</text>\n",
        escape(title)
    );
    let [rates, latencies] = PANELS;
    let top = RATES.iter().flat_map(|(.., value)| points.iter().map(|point| value(point, step_s)));
    let top = nice(top.fold(1.0, f64::max));
    let linear = move |value: f64| value / top;
    let ticks: Vec<f64> = (0..=4).map(|n| top * f64::from(n) / 4.0).collect();
    panel(&mut svg, rates, "exchanges per second", &ticks, &linear);
    lines(&mut svg, rates, &RATES, points, step_s, &linear);
    let all =
        LATENCIES.iter().flat_map(|(.., value)| points.iter().map(|point| value(point, step_s)));
    let (low, high) = all
        .filter(|value| *value > 0.0)
        .fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) =
        if high == 0.0 { (-2, 2) } else { (floor(low.log10()), floor(high.log10()) + 1) };
    let logarithmic = move |value: f64| {
        (value.max(1e-9).log10() - f64::from(low)) / f64::from((high - low).max(1))
    };
    let ticks: Vec<f64> = (low..=high).map(|power| 10f64.powi(power)).collect();
    panel(&mut svg, latencies, "whole exchange, ms", &ticks, &logarithmic);
    lines(&mut svg, latencies, &LATENCIES, points, step_s, &logarithmic);
    let bottom = latencies.0 + latencies.1 + 20.0;
    for n in 0..=6 {
        let x = LEFT + (WIDTH - LEFT - RIGHT) * f64::from(n) / 6.0;
        let label = seconds * f64::from(n) / 6.0;
        _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{bottom}\" text-anchor=\"middle\">{label:.1} s</text>"
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(
    svg: &mut String,
    (top, height): (f64, f64),
    title: &str,
    ticks: &[f64],
    place: &dyn Fn(f64) -> f64,
) {
    let (right, bottom) = (WIDTH - RIGHT, top + height);
    _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\" fill=\"#444444\">{title}</text>", top - 8.0);
    for tick in ticks {
        let y = bottom - place(*tick).clamp(0.0, 1.0) * height;
        _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#e5e5e5\"/>\n<text x=\"{}\" \
             y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            crate::report::general(*tick)
        );
    }
}

fn lines(
    svg: &mut String,
    (top, height): (f64, f64),
    lines: &[Line],
    points: &[Point],
    step_s: f64,
    place: &dyn Fn(f64) -> f64,
) {
    for (at, (name, colour, value)) in lines.iter().enumerate() {
        let mut path = String::new();
        for (n, point) in points.iter().enumerate() {
            let share = (n as f64 + 0.5) / points.len() as f64;
            let x = LEFT + (WIDTH - LEFT - RIGHT) * share;
            let y = top + height - place(value(point, step_s)).clamp(0.0, 1.0) * height;
            _ = write!(path, "{x:.1},{y:.1} ");
        }
        let legend = WIDTH - RIGHT - 90.0 * (lines.len() - at) as f64;
        _ = writeln!(
            svg,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n<text \
             x=\"{legend}\" y=\"{}\" fill=\"{colour}\">{name}</text>",
            top - 8.0
        );
    }
}

/// The next of 1, 2, 5, 10, 20 ... above a value.
fn nice(value: f64) -> f64 {
    let power = 10f64.powi(floor(value.log10()));
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= value)
        .unwrap_or(value)
}

fn floor(value: f64) -> i32 {
    value.floor().clamp(-9.0, 12.0) as i32
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{nice, svg};
    use crate::series::{STEP_NS, Series};

    #[test]
    fn picture_has_a_line_for_every_figure() {
        let mut series = Series::new(0);
        for n in 1..100 {
            series.record(n * 10_000);
            series.sample(n * STEP_NS, [n * 100, n * 99, n]);
        }
        let picture = svg(&series, "a <b> & c");
        assert_eq!(picture.matches("<polyline").count(), 6);
        assert!(picture.contains("a &lt;b&gt; &amp; c") && picture.ends_with("</svg>\n"));
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
    }

    #[test]
    fn picture_of_nothing_is_a_picture() {
        let picture = svg(&Series::new(0), "nothing");
        assert!(picture.contains("</svg>") && !picture.contains("NaN"));
    }

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!([1.0, 1.5, 4.2, 99.0, 100_001.0].map(nice), [1.0, 2.0, 5.0, 100.0, 200_000.0]);
    }
}
