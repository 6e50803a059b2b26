//! Notes as text: topics in a column at the left, values below each other, long lines broken.

use std::fmt::Write;

use super::{Note, Topic};

/// How a page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of a line; a word that is longer is not broken.
    pub width: usize,
    /// Whether topics are emphasised as terminals understand it.
    pub is_emphasised: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, is_emphasised: false }
    }
}

/// Columns of the topics.
const GUTTER: usize = 13;
/// Columns of a detail before its text.
const INDENT: usize = 2;
/// Columns between two columns of a table.
const GAP: usize = 2;
/// Widest column that others are aligned behind.
const COLUMN_MAX: usize = 44;
/// Least room for what is broken into lines.
const ROOM_MIN: usize = 24;

/// The notes by their topics.
pub(super) fn page(notes: &[Note], style: Style) -> String {
    let mut page = String::new();
    let room = style.width.saturating_sub(GUTTER).max(ROOM_MIN);
    for topic in Topic::ALL {
        let lines = of_topic(notes, topic, room);
        let heading = if style.is_emphasised { "\x1b[1m" } else { "" };
        let end = if style.is_emphasised { "\x1b[0m" } else { "" };
        for (number, line) in lines.iter().enumerate() {
            let name = if number == 0 { topic.name() } else { "" };
            // The marks of emphasis take no room.
            let blank = " ".repeat(GUTTER.saturating_sub(name.len()));
            match number {
                0 => _ = writeln!(page, "{heading}{name}{end}{blank}{line}"),
                _ => _ = writeln!(page, "{blank}{line}"),
            }
        }
        if !lines.is_empty() {
            page.push('\n');
        }
    }
    page.pop();
    page
}

/// The notes as lines that stand for themselves.
pub(super) fn lines(notes: &[Note]) -> Vec<String> {
    let of = |topic: Topic| {
        let lines = of_topic(notes, topic, usize::MAX);
        lines.into_iter().map(move |line| format!("{}: {line}", topic.name()))
    };
    Topic::ALL.into_iter().flat_map(of).collect()
}

/// A note, taken apart.
struct Row {
    depth: usize,
    cells: Vec<String>,
}

impl Row {
    fn new(text: &str) -> Self {
        let mut text = text;
        let mut depth = 0;
        while let Some(rest) = text.strip_prefix("  ") {
            (text, depth) = (rest, depth + 1);
        }
        Self { depth, cells: text.split('\t').map(plain).collect() }
    }

    /// Whether the columns of two rows are the same.
    fn is_like(&self, other: &Self) -> bool {
        (self.depth, self.cells.len()) == (other.depth, other.cells.len())
    }
}

/// Text that no terminal takes for a command.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => plain.push(character),
            character => plain.extend(character.escape_default()),
        }
    }
    plain
}

fn of_topic(notes: &[Note], topic: Topic, room: usize) -> Vec<String> {
    let notes = notes.iter().filter(|note| note.topic == topic);
    let rows: Vec<Row> = notes.map(|note| Row::new(&note.text)).collect();
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let widths = widths(&rows, at);
        write_row(row, &widths, room, &mut lines);
    }
    lines
}

/// The widths of the columns of a row but the last one: of all rows like it that it stands among, details left out.
fn widths(rows: &[Row], at: usize) -> Vec<usize> {
    let Some(row) = rows.get(at) else { return Vec::new() };
    let belongs = |other: &&Row| other.depth > row.depth || other.is_like(row);
    let (before, after) = rows.split_at(at);
    let before = before.iter().rev().take_while(belongs);
    let table = before.chain(after.iter().take_while(belongs)).filter(|other| other.is_like(row));
    let mut widths = vec![0; row.cells.len().saturating_sub(1)];
    for other in table {
        for (width, cell) in widths.iter_mut().zip(&other.cells) {
            if cell.len() <= COLUMN_MAX {
                *width = cell.len().max(*width);
            }
        }
    }
    widths
}

fn write_row(row: &Row, widths: &[usize], room: usize, lines: &mut Vec<String>) {
    let mut line = " ".repeat(row.depth * INDENT);
    let Some((last, cells)) = row.cells.split_last() else { return };
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(line, "{cell:width$}{:GAP$}", "");
    }
    let start = line.len();
    // A deep column would break its text into crumbs.
    let is_narrow = room.saturating_sub(start) < ROOM_MIN;
    let hanging = if is_narrow { (row.depth + 1) * INDENT } else { start };
    let mut is_begin = true;
    for word in last.split_inclusive(' ') {
        if !is_begin && line.len() + word.trim_end().len() > room {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(hanging);
        }
        is_begin = false;
        line.push_str(word);
    }
    lines.push(line.trim_end().to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(texts: &[(Topic, &str)]) -> Vec<Note> {
        texts.iter().map(|(topic, text)| Note { topic: *topic, text: (*text).into() }).collect()
    }

    #[test]
    fn topics_are_in_order_and_columns_below_each_other() {
        let notes = notes(&[
            (Topic::Answer, "none"),
            (Topic::Classes, "gold\ttrue\tmember('x')"),
            (Topic::Classes, "  because"),
            (Topic::Classes, "silver-class\tfalse\t"),
            (Topic::Query, "DHCPDISCOVER"),
        ]);
        assert_eq!(
            page(&notes, Style::default()),
            "Query        DHCPDISCOVER\n\
             \n\
             Classes      gold          true   member('x')\n\
             \x20              because\n\
             \x20            silver-class  false\n\
             \n\
             Answer       none\n"
        );
        assert_eq!(
            lines(&notes),
            [
                "Query: DHCPDISCOVER",
                "Classes: gold          true   member('x')",
                "Classes:   because",
                "Classes: silver-class  false",
                "Answer: none"
            ]
        );
        let emphasised = page(&notes, Style { is_emphasised: true, ..Style::default() });
        assert!(emphasised.starts_with("\x1b[1mQuery\x1b[0m        DHCP"), "{emphasised}");
    }

    #[test]
    fn long_lines_are_broken_below_their_beginning() {
        let notes = notes(&[(Topic::Query, "name\tone two three four five six seven eight")]);
        let style = Style { width: 44, is_emphasised: false };
        assert_eq!(
            page(&notes, style),
            "Query        name  one two three four five\n\
             \x20                  six seven eight\n"
        );
        let deep = Style { width: 20, is_emphasised: false };
        assert!(page(&notes, deep).lines().count() > 1);
    }

    #[test]
    fn nothing_but_plain_text_is_shown() {
        let notes = notes(&[(Topic::Query, "a\x1b[2Jb\n\u{e4}")]);
        assert_eq!(lines(&notes), ["Query: a\\u{1b}[2Jb\\n\\u{e4}"]);
    }

    #[test]
    fn no_notes_make_an_empty_page() {
        assert_eq!(page(&[], Style::default()), "");
    }
}
