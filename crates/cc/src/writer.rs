//! Configuration as text again: on one line in Kea's style, `{ "key": 1, "list": [ 1, 2 ] }`, or
//! indented.

use std::fmt::Write;

use crate::element::{Element, Value};

/// The element on one line, in Kea's style.
pub fn write_json(element: &Element) -> String {
    let mut out = String::new();
    write_compact(&element.value, &mut out);
    out
}

/// The element over several lines, indented by four blanks, with a newline at the end.
pub fn write_json_pretty(element: &Element) -> String {
    let mut out = String::new();
    write_pretty(&element.value, 0, &mut out);
    out.push('\n');
    out
}

fn write_compact(value: &Value, out: &mut String) {
    match value {
        Value::List(items) => {
            out.push_str("[ ");
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                write_compact(&item.value, out);
            }
            out.push_str(" ]");
        }
        Value::Map(map) => {
            out.push_str("{ ");
            for (number, entry) in map.entries().iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                write_string(&entry.key, out);
                out.push_str(": ");
                write_compact(&entry.element.value, out);
            }
            out.push_str(" }");
        }
        scalar => write_scalar(scalar, out),
    }
}

fn write_pretty(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::List(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                new_line(number, depth + 1, out);
                write_pretty(&item.value, depth + 1, out);
            }
            new_line(0, depth, out);
            out.push(']');
        }
        Value::Map(map) if map.is_empty() => out.push_str("{}"),
        Value::Map(map) => {
            out.push('{');
            for (number, entry) in map.entries().iter().enumerate() {
                new_line(number, depth + 1, out);
                write_string(&entry.key, out);
                out.push_str(": ");
                write_pretty(&entry.element.value, depth + 1, out);
            }
            new_line(0, depth, out);
            out.push('}');
        }
        scalar => write_scalar(scalar, out),
    }
}

fn new_line(number: usize, depth: usize, out: &mut String) {
    out.push_str(if number == 0 { "\n" } else { ",\n" });
    (0..depth).for_each(|_| out.push_str("    "));
}

fn write_scalar(value: &Value, out: &mut String) {
    let written = match value {
        Value::Bool(on) => write!(out, "{on}"),
        Value::Int(number) => write!(out, "{number}"),
        Value::Real(number) if number.is_finite() => write!(out, "{number:?}"),
        Value::Str(text) => {
            write_string(text, out);
            Ok(())
        }
        Value::Null | Value::Real(_) | Value::Invalid | Value::List(_) | Value::Map(_) => {
            out.write_str("null")
        }
    };
    debug_assert!(written.is_ok(), "a string takes all text");
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}
