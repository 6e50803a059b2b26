//! Where an option lies: the way through options inside options, resolved with the definitions.
//!
//! How the options inside an option begin and are encoded is known from its definition, so it is
//! decided when the configuration is read: fields of fixed size are skipped. An option without such
//! a definition has no options inside, as in Kea. Occurrences of a sub-option of DHCPv4 are joined,
//! of DHCPv6 the first one counts.

use std::fmt;
use std::ops::Range;

use libdhcp::Universe;
use libdhcp::definition::{AGENT_OPTIONS, DataType, Definitions, OptionDefinition};
use libdhcp::v4::{self, SubOptions};
use libdhcp::v6::{self, Options};

use crate::ast::{Root, Source};
use crate::bytes::trimmed;
use crate::context::PacketContext;
use crate::program::EvalError;
use crate::scratch::{Cursor, Scratch, Slice};

/// The way to one option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    start: Start,
    /// Number that the outermost option must begin with; 0 for any.
    enterprise: Option<u32>,
    steps: Box<[Step]>,
    /// True when the innermost option is a string, whose NULs at the end do not count.
    is_string: bool,
    source: Source,
    universe: Universe,
}

/// The outermost option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Message(u16),
    Relay { level: i8, code: u16 },
}

/// From an option to one inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Inside {
        form: Form,
        code: u16,
    },
    /// The definition knows of no options inside.
    Nowhere,
}

/// Where the options inside an option begin and how they are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    skip: usize,
    layout: Layout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// One byte each for code and length; whether 0 and 255 are padding and end (option 43).
    V4 {
        has_pad: bool,
        has_end: bool,
    },
    /// The same behind a byte with the length of all of them (option 125).
    V4Block,
    V6,
}

impl Path {
    /// Finds the way to an option.
    pub(crate) fn new(source: &Source, definitions: &Definitions) -> Self {
        let universe = definitions.universe();
        let top = universe.top_space();
        let vendor_code = universe.vendor_options_code();
        let (outer, level, enterprise) = match source.root {
            Root::Message => (None, None, None),
            Root::Relay4 => (Some(u16::from(v4::code::RELAY_AGENT_INFORMATION)), None, None),
            Root::Relay6(level) => (None, Some(level), None),
            Root::Vendor(enterprise) => (Some(vendor_code), None, Some(enterprise)),
        };
        let mut codes = outer.into_iter().chain(source.codes.iter().copied());
        let mut code = codes.next().unwrap_or_default();
        let start = match level {
            None => Start::Message(code),
            Some(level) => Start::Relay { level, code },
        };
        let mut space = Some(top.to_owned());
        let mut steps = Vec::new();
        for inner in codes {
            let inside = space
                .as_deref()
                .and_then(|space| inside(definitions, space, code, enterprise.unwrap_or_default()));
            space = match inside {
                None => {
                    steps.push(Step::Nowhere);
                    None
                }
                Some((form, inner_space)) => {
                    steps.push(Step::Inside { form, code: inner });
                    Some(inner_space)
                }
            };
            code = inner;
        }
        let innermost = space.as_deref().and_then(|space| definitions.by_code(space, code));
        let is_string =
            innermost.is_some_and(|found| found.data_type == DataType::String && !found.array);
        let source = source.clone();
        Self { start, enterprise, steps: steps.into(), is_string, source, universe }
    }

    /// Code of the outermost option, when it is one of the client's message.
    pub(crate) fn message_code(&self) -> Option<u16> {
        if let Start::Message(code) = self.start { Some(code) } else { None }
    }

    /// The wanted enterprise of vendor options, 0 for any.
    pub(crate) fn enterprise(&self) -> Option<u32> {
        self.enterprise
    }

    /// The code and whether it is a string, when the path is a single option of the message.
    pub(crate) fn as_single(&self) -> Option<(u16, bool)> {
        let is_single = self.steps.is_empty() && self.enterprise.is_none();
        self.message_code().filter(|_| is_single).map(|code| (code, self.is_string))
    }

    /// Whether the option is a string, of which the text is the body.
    pub(crate) fn is_string(&self) -> bool {
        self.is_string
    }

    /// The innermost option's body.
    pub(crate) fn find<'p, C: PacketContext + ?Sized>(
        &self,
        context: &'p C,
        scratch: &mut Scratch,
    ) -> Result<Option<Slice<'p>>, EvalError> {
        let body = match self.start {
            Start::Message(code) => context.option(code),
            Start::Relay { level, code } => context.relay_option(level, code),
        };
        let Some(body) = body.filter(|body| self.is_of_vendor(body)) else { return Ok(None) };
        let mut found = Slice::Lent(body);
        for step in &self.steps {
            let Step::Inside { form, code } = *step else { return Ok(None) };
            match form.find(found, code, scratch)? {
                None => return Ok(None),
                Some(inner) => found = inner,
            }
        }
        if !self.is_string {
            return Ok(Some(found));
        }
        let len = trimmed(scratch.bytes(found)).len();
        Ok((len > 0).then(|| found.part(0..len)))
    }

    fn is_of_vendor(&self, body: &[u8]) -> bool {
        match (self.enterprise, body.first_chunk()) {
            (None, _) | (Some(0), Some(_)) => true,
            (Some(wanted), Some(found)) => u32::from_be_bytes(*found) == wanted,
            (Some(_), None) => false,
        }
    }

    /// The text form of a body that was found: of a string the string itself, otherwise the
    /// description that Kea gives of options.
    pub(crate) fn text<'p>(
        &self,
        body: Slice<'p>,
        scratch: &mut Scratch,
    ) -> Result<Slice<'p>, EvalError> {
        if self.is_string {
            return Ok(body);
        }
        let code = self.source.codes.last().copied().unwrap_or_default();
        let width = if self.universe == Universe::V4 { 3 } else { 5 };
        scratch.make(|earlier, out| {
            let bytes = body.bytes(earlier);
            out.push(b"type=")?;
            push_number(out, code.into(), width)?;
            out.push(b", len=")?;
            push_number(out, bytes.len(), width)?;
            out.push(b": ")?;
            crate::bytes::hex_text(bytes, b":", |part| out.push(part).map_err(|_| fmt::Error))
                .map_err(|_| EvalError::NoRoom)?;
            match bytes {
                [] => out.push(b"''"),
                bytes if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) => {
                    out.push(b" '")?;
                    out.push(bytes)?;
                    out.push(b"'")
                }
                _ => Ok(()),
            }
        })
    }
}

/// As in the expression, without the form at its end.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut codes = self.source.codes.iter();
        match self.source.root {
            Root::Message => {}
            Root::Relay4 => {
                let first = codes.next().copied().unwrap_or_default();
                write!(f, "relay4[{first}]")?;
            }
            Root::Relay6(level) => write!(f, "relay6[{level}]")?,
            Root::Vendor(0) => f.write_str("vendor[*]")?,
            Root::Vendor(enterprise) => write!(f, "vendor[{enterprise}]")?,
        }
        for (index, code) in codes.enumerate() {
            let is_first = index == 0 && self.source.root == Root::Message;
            write!(f, "{}option[{code}]", if is_first { "" } else { "." })?;
        }
        Ok(())
    }
}

/// Writes a number in decimal digits, at least `width`.
fn push_number(out: &mut Cursor<'_>, number: usize, width: usize) -> Result<(), EvalError> {
    let mut digits = [b'0'; 20];
    let (mut at, mut rest) = (digits.len(), number);
    while rest > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.push(&digits[at..])
}

/// Where the options inside option `code` of `space` lie, and their space.
fn inside(
    definitions: &Definitions,
    space: &str,
    code: u16,
    enterprise: u32,
) -> Option<(Form, String)> {
    let universe = definitions.universe();
    let plain = match universe {
        Universe::V4 => Layout::V4 { has_pad: false, has_end: false },
        Universe::V6 => Layout::V6,
    };
    let is_top = space == universe.top_space();
    if is_top && code == universe.vendor_options_code() {
        let layout = if universe == Universe::V4 { Layout::V4Block } else { Layout::V6 };
        return Some((Form { skip: 4, layout }, format!("vendor-{enterprise}")));
    }
    if is_top && universe == Universe::V4 && code == u16::from(v4::code::RELAY_AGENT_INFORMATION) {
        return Some((Form { skip: 0, layout: plain }, AGENT_OPTIONS.to_owned()));
    }
    let ia_fields = match code {
        _ if !is_top || universe == Universe::V4 => None,
        v6::code::IA_NA | v6::code::IA_PD => Some(12),
        v6::code::IA_TA => Some(4),
        v6::code::IAADDR => Some(24),
        v6::code::IAPREFIX => Some(25),
        _ => None,
    };
    if let Some(skip) = ia_fields {
        return Some((Form { skip, layout: Layout::V6 }, space.to_owned()));
    }
    let definition = definitions.by_code(space, code)?;
    let inner = definition.encapsulates.as_deref()?;
    let is_padded = is_top && u16::from(v4::code::VENDOR_ENCAPSULATED_OPTIONS) == code;
    let layout = match plain {
        Layout::V4 { .. } if is_padded => Layout::V4 {
            has_pad: definitions.by_code(inner, 0).is_none(),
            has_end: definitions.by_code(inner, 255).is_none(),
        },
        other => other,
    };
    Some((Form { skip: fields_len(definition)?, layout }, inner.to_owned()))
}

/// Bytes of the fields before the options inside; `None` when their number is not fixed.
fn fields_len(definition: &OptionDefinition) -> Option<usize> {
    let len = |data_type: &DataType| match data_type {
        DataType::Empty => Some(0),
        DataType::Boolean | DataType::Int8 | DataType::Uint8 => Some(1),
        DataType::Int16 | DataType::Uint16 => Some(2),
        DataType::Psid => Some(3),
        DataType::Int32 | DataType::Ipv4Address | DataType::Uint32 => Some(4),
        DataType::Ipv6Address => Some(16),
        DataType::Binary
        | DataType::Fqdn
        | DataType::Internal
        | DataType::Ipv6Prefix
        | DataType::Record
        | DataType::String
        | DataType::Tuple => None,
    };
    match definition.data_type {
        DataType::Record => definition.record.iter().map(len).sum(),
        other => len(&other),
    }
}

impl Form {
    /// Body of an option inside `body`.
    fn find<'p>(
        self,
        body: Slice<'p>,
        code: u16,
        scratch: &mut Scratch,
    ) -> Result<Option<Slice<'p>>, EvalError> {
        let bytes = scratch.bytes(body);
        let Some(range) = self.range(bytes) else { return Ok(None) };
        let options = body.part(range.clone());
        let bytes = bytes.get(range).unwrap_or_default();
        let (has_pad, has_end) = match self.layout {
            Layout::V4 { has_pad, has_end } => (has_pad, has_end),
            Layout::V4Block => (false, false),
            Layout::V6 => return Ok(find6(bytes, code).map(|found| options.part(found))),
        };
        let mut found = occurrences4(bytes, code, has_pad, has_end);
        let Some(first) = found.next() else { return Ok(None) };
        let is_only = found.next().is_none();
        drop(found);
        if is_only {
            return Ok(Some(options.part(first)));
        }
        let joined = scratch.make(|earlier, out| {
            let bytes = options.bytes(earlier);
            occurrences4(bytes, code, has_pad, has_end)
                .try_for_each(|range| out.push(bytes.get(range).unwrap_or_default()))
        })?;
        Ok(Some(joined))
    }

    /// Where the options lie in the body.
    fn range(self, body: &[u8]) -> Option<Range<usize>> {
        let rest = body.get(self.skip..)?;
        match (self.layout, rest) {
            (Layout::V4Block, [len, block @ ..]) => {
                let start = self.skip + 1;
                Some(start..start + block.len().min(usize::from(*len)))
            }
            (Layout::V4Block, []) => None,
            _ => Some(self.skip..body.len()),
        }
    }
}

/// Bodies of the sub-options with a code, as ranges.
fn occurrences4(
    bytes: &[u8],
    code: u16,
    has_pad: bool,
    has_end: bool,
) -> impl Iterator<Item = Range<usize>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            match rest.first()? {
                0 if has_pad => {
                    rest = rest.get(1..)?;
                    continue;
                }
                255 if has_end => return None,
                _ => {}
            }
            let mut sub_options = SubOptions::new(rest);
            let (found, body) = sub_options.next()?;
            rest = sub_options.rest();
            if u16::from(found) == code {
                let end = bytes.len() - rest.len();
                return Some(end - body.len()..end);
            }
        }
    })
}

/// Body of the first option with a code, as a range.
fn find6(bytes: &[u8], code: u16) -> Option<Range<usize>> {
    let mut options = Options::new(bytes);
    loop {
        let (found, body) = options.next()?;
        if found == code {
            let end = bytes.len() - options.rest().len();
            return Some(end - body.len()..end);
        }
    }
}
