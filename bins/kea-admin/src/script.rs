//! A script for MySQL's client, divided into statements.
//!
//! What the client does and the server does not: statements end at a delimiter that `DELIMITER` lines change, comments
//! and backslashes at the ends of lines are left out. Quotes and comments may contain the delimiter.

/// Divides a script into its statements.
pub(crate) fn statements(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut delimiter = ";".to_owned();
    let mut statement = String::new();
    let mut rest = script;
    let mut at_line_start = true;
    while let Some(next) = rest.chars().next() {
        let line_end = rest.find('\n').unwrap_or(rest.len());
        let line = &rest[..line_end];
        if at_line_start && let Some(new) = line.trim_start().strip_prefix("DELIMITER ") {
            new.trim().clone_into(&mut delimiter);
            rest = &rest[line_end..];
            at_line_start = false;
            continue;
        }
        if rest.starts_with("-- ") || rest.starts_with("--\n") || next == '#' {
            rest = &rest[line_end..];
            continue;
        }
        if rest.starts_with("/*") && !rest.starts_with("/*!") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            rest = &rest[end..];
            continue;
        }
        // A backslash at the end of a line stands for nothing.
        if rest.starts_with("\\\n") {
            rest = &rest[1..];
            continue;
        }
        if !delimiter.is_empty() && rest.starts_with(&delimiter) {
            push(&mut found, &mut statement);
            rest = &rest[delimiter.len()..];
            continue;
        }
        let len =
            if matches!(next, '\'' | '"' | '`') { quoted_len(rest, next) } else { next.len_utf8() };
        let (part, behind) = rest.split_at(len);
        statement.push_str(part);
        rest = behind;
        at_line_start = part.ends_with('\n');
    }
    push(&mut found, &mut statement);
    found
}

fn push(found: &mut Vec<String>, statement: &mut String) {
    let text = statement.trim();
    if !text.is_empty() {
        found.push(text.to_owned());
    }
    statement.clear();
}

/// Length of a quoted text with its quotes; doubled quotes are two texts, which comes to the same.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if quote != '`' => is_escaped = true,
            _ if character == quote => return at + character.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_where_the_client_would_end_them() {
        let script = "-- a; b\nCREATE TABLE t (a INT, -- no; end\n b INT);\nINSERT INTO t VALUES (';', \"a\\\";\");\n\
                      # c;\n/* d; */ SELECT \\\n1;\n\nDELIMITER $$\nCREATE PROCEDURE p()\nBEGIN\n  SELECT 'x''$$';\nEND$$\n\
                      DELIMITER ;\nSELECT 2";
        let found = statements(script);
        assert_eq!(found.len(), 5, "{found:#?}");
        assert!(found[0].starts_with("CREATE TABLE t (a INT, \n b INT)"));
        assert_eq!(found[1], "INSERT INTO t VALUES (';', \"a\\\";\")");
        assert_eq!(found[2], "SELECT \n1");
        assert_eq!(found[3], "CREATE PROCEDURE p()\nBEGIN\n  SELECT 'x''$$';\nEND");
        assert_eq!(found[4], "SELECT 2");
    }

    #[test]
    fn unfinished_scripts_are_one_statement_more() {
        assert_eq!(statements("SELECT 'a;\n"), ["SELECT 'a;"]);
        assert_eq!(statements(" /* a"), Vec::<String>::new());
        assert_eq!(statements(""), Vec::<String>::new());
    }
}
