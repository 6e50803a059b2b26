//! Answers, taken apart into named fields so that they can be compared and shown.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use e2e::dhcp::{Dhcp, array, opt};
use e2e::dhcp6::{Options, decode_options, opt6};
use e2e::peer6::Reply6;
use e2e::raw::{Received, Reply, to_hex};

/// What a packet may depend on when it is built.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Number of the case in its group.
    pub case: u16,
    /// The transaction id.
    pub xid: u32,
    /// The answers that the case has got until now.
    pub earlier: &'a [Answer],
}

/// An answer of either family.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Answer {
    V4(Box<Reply>),
    V6(Reply6),
}

impl Received for Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        Reply::read(bytes)
            .map(|reply| Self::V4(Box::new(reply)))
            .or_else(|| Reply6::read(bytes).map(Self::V6))
    }

    fn answers(&self, xid: u32) -> bool {
        self.xid() == Some(xid)
    }
}

/// A field of an answer: its name and its value.
pub type Field = (String, String);

impl Answer {
    /// The transaction id, when it comes from a server.
    pub fn xid(&self) -> Option<u32> {
        match self {
            Self::V4(reply) => (reply.dhcp.op == 2).then_some(reply.dhcp.xid),
            Self::V6(reply) => reply.answers(reply.dhcp.xid).then_some(reply.dhcp.xid),
        }
    }

    /// All fields, sorted by name; options keep their order where the name is the same. With
    /// `choice`, what the server was free to choose is not told, only that it chose.
    pub fn fields(&self, choice: bool) -> Vec<Field> {
        let mut fields = match self {
            Self::V4(reply) => fields4(reply),
            Self::V6(reply) => fields6(reply),
        };
        let given = match self {
            Self::V4(reply) => reply.dhcp.yiaddr.to_string(),
            Self::V6(_) => String::new(),
        };
        for (name, value) in fields.iter_mut().filter(|_| choice) {
            let is_given = match self {
                Self::V4(_) => ["sent to", "yiaddr"].contains(&name.as_str()),
                Self::V6(_) => name.ends_with(" address") || name.ends_with(" prefix"),
            };
            match value.split_once(' ') {
                Some((_, rest)) if is_given => *value = format!("(chosen) {rest}"),
                _ if is_given && given != "0.0.0.0" => *value = value.replace(&given, "(chosen)"),
                _ => {}
            }
        }
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields
    }
}

fn fields4(reply: &Reply) -> Vec<Field> {
    let Reply { dhcp, frame, .. } = reply;
    let mut fields = vec![
        field("sent from", format!("{}:{}", frame.source, frame.source_port)),
        field("sent to", format!("{}:{}", frame.destination, frame.destination_port)),
        field("op", dhcp.op),
        field("htype", dhcp.htype),
        field("hlen", dhcp.hlen),
        field("hops", dhcp.hops),
        field("secs", dhcp.secs),
        field("flags", format!("{:04x}", dhcp.flags)),
        field("ciaddr", dhcp.ciaddr),
        field("yiaddr", dhcp.yiaddr),
        field("siaddr", dhcp.siaddr),
        field("giaddr", dhcp.giaddr),
        field("chaddr", to_hex(&dhcp.chaddr)),
        field("sname", text(&dhcp.sname)),
        field("file", text(&dhcp.file)),
        field("after END", unused(dhcp, &frame.payload)),
    ];
    // Options of the same code are one (RFC 3396 section 7), wherever they were cut.
    let mut options: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for (code, data) in &dhcp.options {
        options.entry(*code).or_default().extend(data);
    }
    for (code, data) in options {
        let value = match code {
            opt::TYPE => dhcp.kind().map_or_else(|| to_hex(&data), |kind| format!("{kind:?}")),
            _ => shown(&data),
        };
        fields.push((format!("option {code:03}"), value));
    }
    fields
}

/// The number of bytes behind the last option.
fn unused(dhcp: &Dhcp, payload: &[u8]) -> String {
    let used: usize = dhcp.options.iter().map(|(_, data)| 2 + data.len()).sum();
    format!("{} bytes", payload.len() as isize - 241 - used as isize)
}

fn fields6(reply: &Reply6) -> Vec<Field> {
    let Reply6 { dhcp, hops, frame } = reply;
    let mut fields = vec![
        field("sent from", format!("[{}]:{}", frame.source, frame.source_port)),
        field("sent to", format!("[{}]:{}", frame.destination, frame.destination_port)),
        field("message", if dhcp.kind == 2 { "Advertise" } else { "Reply" }),
        field("relays", hops.len()),
    ];
    for (number, hop) in hops.iter().enumerate() {
        let head = format!("{} hops {} link {} peer {}", hop.kind, hop.count, hop.link, hop.peer);
        fields.push((format!("relay {number}"), head));
        options6(&mut fields, &format!("relay {number} "), &hop.options);
    }
    options6(&mut fields, "", &dhcp.options);
    fields
}

fn options6(fields: &mut Vec<Field>, place: &str, options: &Options) {
    for (code, data) in options {
        let name = format!("{place}option {code:05}");
        match (*code, association(*code, data)) {
            (_, Some((name, value, inner))) => {
                let name = format!("{place}{name}");
                options6(fields, &format!("{name} "), &inner);
                fields.push((name, value));
            }
            // The text is for people (RFC 8415 section 21.13).
            (opt6::STATUS, _) => {
                fields.push((name, format!("status {}", to_hex(data.get(..2).unwrap_or(data)))))
            }
            _ => fields.push((name, shown(data))),
        }
    }
}

/// Name, value and inner options of an IA, an address or a prefix.
fn association(code: u16, data: &[u8]) -> Option<(String, String, Options)> {
    let number = |at: usize| Some(u32::from_be_bytes(array(data, at)?));
    let address = |at: usize| Some(Ipv6Addr::from(array::<16>(data, at)?));
    let inner = |at: usize| decode_options(data.get(at..)?);
    let (name, value, inner) = match code {
        opt6::IA_NA => (
            format!("IA_NA {}", number(0)?),
            format!("T1 {} T2 {}", number(4)?, number(8)?),
            inner(12)?,
        ),
        opt6::IA_PD => (
            format!("IA_PD {}", number(0)?),
            format!("T1 {} T2 {}", number(4)?, number(8)?),
            inner(12)?,
        ),
        opt6::IA_ADDRESS => (
            "address".to_owned(),
            format!("{} preferred {} valid {}", address(0)?, number(16)?, number(20)?),
            inner(24)?,
        ),
        opt6::IA_PREFIX => (
            "prefix".to_owned(),
            format!(
                "{}/{} preferred {} valid {}",
                address(9)?,
                data.get(8)?,
                number(0)?,
                number(4)?
            ),
            inner(25)?,
        ),
        _ => return None,
    };
    Some((name, value, inner))
}

fn field(name: &str, value: impl ToString) -> Field {
    (name.to_owned(), value.to_string())
}

/// The bytes in hexadecimal, and as text when they look like it.
fn shown(data: &[u8]) -> String {
    let printable = data.iter().all(|byte| (0x20..0x7f).contains(byte));
    match data {
        [] => "(empty)".to_owned(),
        _ if printable => format!("{} '{}'", to_hex(data), String::from_utf8_lossy(data)),
        _ => to_hex(data),
    }
}

/// A field of fixed size: text up to the first 0, and all of it when there is more behind.
fn text(field: &[u8]) -> String {
    let end = field.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    shown(&field[..end])
}
