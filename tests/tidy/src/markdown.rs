//! Tables in Markdown.

/// A table: cells of the heading and of each row, trimmed, without the ticks of code.
#[derive(Clone, Debug)]
pub struct Table {
    /// The heading.
    pub heading: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The column of a heading.
    #[must_use]
    pub fn column(&self, heading: &str) -> Option<usize> {
        self.heading.iter().position(|cell| cell == heading)
    }
}

/// The first table after the line that begins with `title`.
#[must_use]
pub fn table_after(document: &str, title: &str) -> Option<Table> {
    let lines = document.lines().skip_while(|line| !line.starts_with(title));
    let mut lines =
        lines.skip_while(|line| !line.starts_with('|')).take_while(|l| l.starts_with('|'));
    let heading = cells(lines.next()?);
    let rows = lines.skip(1).map(cells).collect();
    Some(Table { heading, rows })
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().replace('`', "")).collect()
}

#[cfg(test)]
mod tests {
    use super::table_after;

    #[test]
    fn table_is_found_below_its_title() {
        let text = "# A\n| no | no |\n|---|---|\n\n## B\ntext\n\n| | `x` |\n|---|---|\n| y | |\n| z | x |\nend";
        let table = table_after(text, "## B").expect("a table");
        assert_eq!(table.heading, ["", "x"]);
        assert_eq!(table.rows, [["y", ""], ["z", "x"]]);
        assert_eq!(table.column("x"), Some(1));
        assert!(table_after(text, "## C").is_none());
    }
}
