//! The tokens of the expression language and the table of its fixed words.

use std::fmt;
use std::net::IpAddr;

use crate::error::clipped;

/// One token of an expression; texts are those of the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    /// An IPv4 or IPv6 address.
    Address(IpAddr),
    /// The end of the expression.
    End,
    /// The digits after `0x`.
    Hex(&'t str),
    /// Decimal digits, perhaps with a sign.
    Integer(i64),
    /// What stands before a closing bracket and begins with a letter.
    OptionName(&'t str),
    /// The text between two quotes.
    Text(&'t str),
    /// A keyword or a symbol.
    Word(Word),
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address {address}"),
            Self::End => f.write_str("the end"),
            Self::Hex(digits) => write!(f, "0x{}", clipped(digits)),
            Self::Integer(number) => write!(f, "{number}"),
            Self::OptionName(name) => write!(f, "'{}'", clipped(name)),
            Self::Text(text) => write!(f, "string '{}'", clipped(text)),
            Self::Word(word) => write!(f, "'{}'", word.text()),
        }
    }
}

/// Keywords and symbols, which the lexer does not tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    AddrToText,
    All,
    And,
    Ciaddr,
    CloseBracket,
    CloseParenthesis,
    Comma,
    Concat,
    Data,
    Dot,
    Dst,
    Enterprise,
    Equal,
    Exists,
    Giaddr,
    Hex,
    Hexstring,
    Hlen,
    Htype,
    Iface,
    IfElse,
    Int16ToText,
    Int32ToText,
    Int8ToText,
    Known,
    Lcase,
    Len,
    Linkaddr,
    Mac,
    Match,
    Member,
    Msgtype,
    Not,
    OpenBracket,
    OpenParenthesis,
    Option,
    Or,
    Peeraddr,
    Pkt,
    Pkt4,
    Pkt6,
    Plus,
    Relay4,
    Relay6,
    Sand,
    Siaddr,
    SifElse,
    Sor,
    Split,
    Src,
    Star,
    Substring,
    Text,
    Transid,
    Ucase,
    Uint16ToText,
    Uint32ToText,
    Uint8ToText,
    Unknown,
    Vendor,
    VendorClass,
    Yiaddr,
}

impl Word {
    /// How the word is written.
    pub(crate) fn text(self) -> &'static str {
        WORDS.iter().find(|(word, _)| *word == self).map_or("", |(_, text)| text)
    }

    /// The longest word that `rest` begins with.
    pub(crate) fn at_start(rest: &[u8]) -> Option<(Self, usize)> {
        WORDS
            .iter()
            .filter(|(_, text)| rest.starts_with(text.as_bytes()))
            .max_by_key(|(_, text)| text.len())
            .map(|(word, text)| (*word, text.len()))
    }

    /// The keyword that is nearest to an unknown word.
    pub(crate) fn nearest(unknown: &str) -> Option<&'static str> {
        cc::closest(unknown, WORDS.iter().map(|(_, text)| *text).filter(|text| text.len() > 1))
    }
}

const WORDS: [(Word, &str); 62] = [
    (Word::AddrToText, "addrtotext"),
    (Word::All, "all"),
    (Word::And, "and"),
    (Word::Ciaddr, "ciaddr"),
    (Word::CloseBracket, "]"),
    (Word::CloseParenthesis, ")"),
    (Word::Comma, ","),
    (Word::Concat, "concat"),
    (Word::Data, "data"),
    (Word::Dot, "."),
    (Word::Dst, "dst"),
    (Word::Enterprise, "enterprise"),
    (Word::Equal, "=="),
    (Word::Exists, "exists"),
    (Word::Giaddr, "giaddr"),
    (Word::Hex, "hex"),
    (Word::Hexstring, "hexstring"),
    (Word::Hlen, "hlen"),
    (Word::Htype, "htype"),
    (Word::Iface, "iface"),
    (Word::IfElse, "ifelse"),
    (Word::Int16ToText, "int16totext"),
    (Word::Int32ToText, "int32totext"),
    (Word::Int8ToText, "int8totext"),
    (Word::Known, "known"),
    (Word::Lcase, "lcase"),
    (Word::Len, "len"),
    (Word::Linkaddr, "linkaddr"),
    (Word::Mac, "mac"),
    (Word::Match, "match"),
    (Word::Member, "member"),
    (Word::Msgtype, "msgtype"),
    (Word::Not, "not"),
    (Word::OpenBracket, "["),
    (Word::OpenParenthesis, "("),
    (Word::Option, "option"),
    (Word::Or, "or"),
    (Word::Peeraddr, "peeraddr"),
    (Word::Pkt, "pkt"),
    (Word::Pkt4, "pkt4"),
    (Word::Pkt6, "pkt6"),
    (Word::Plus, "+"),
    (Word::Relay4, "relay4"),
    (Word::Relay6, "relay6"),
    (Word::Sand, "sand"),
    (Word::Siaddr, "siaddr"),
    (Word::SifElse, "sifelse"),
    (Word::Sor, "sor"),
    (Word::Split, "split"),
    (Word::Src, "src"),
    (Word::Star, "*"),
    (Word::Substring, "substring"),
    (Word::Text, "text"),
    (Word::Transid, "transid"),
    (Word::Ucase, "ucase"),
    (Word::Uint16ToText, "uint16totext"),
    (Word::Uint32ToText, "uint32totext"),
    (Word::Uint8ToText, "uint8totext"),
    (Word::Unknown, "unknown"),
    (Word::Vendor, "vendor"),
    (Word::VendorClass, "vendor-class"),
    (Word::Yiaddr, "yiaddr"),
];
