//! Names of DHCPv4 clients: what is made of the host name that a client gives (option 12), or of none.
//!
//! A name is trimmed, freed of what is not allowed in it (`hostname-char-set`), written in lower case and, when it has
//! no domain, completed (`ddns-qualifying-suffix`). Where `ddns-replace-client-name` says so, or when the client gives
//! the root as its name, one is made from the address (`ddns-generated-prefix`). What is no domain name is disregarded.
//! Nothing is sent to DNS here. Kea: `Dhcpv4Srv::processHostnameOption`, `D2ClientMgr::qualifyName`.

use std::fmt::Write;
use std::net::Ipv4Addr;

use arrayvec::ArrayVec;
use eval::Pattern;

use crate::lease::HOSTNAME_LEN_MAX;

/// Longest label of a domain name.
const LABEL_LEN_MAX: usize = 63;

/// Room for a host name.
pub type NameBuffer = ArrayVec<u8, HOSTNAME_LEN_MAX>;

/// `ddns-replace-client-name`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplaceClientName {
    /// Each client gets a name.
    Always,
    /// Clients keep the names that they give.
    #[default]
    Never,
    /// A client without a name gets one.
    WhenNotPresent,
    /// A client with a name gets another one.
    WhenPresent,
}

/// Replaces what an expression matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanitizer {
    pattern: Pattern,
    replacement: Box<[u8]>,
}

impl Sanitizer {
    /// Compiles the expression, of which each match is replaced.
    ///
    /// # Errors
    /// A text that says what is wrong with the expression.
    pub fn new(char_set: &str, replacement: &str) -> Result<Self, String> {
        let replacement = replacement.as_bytes().into();
        Ok(Self { pattern: Pattern::new(char_set)?, replacement })
    }

    /// Appends the name with all matches replaced; false when there is no room.
    fn scrub(&self, name: &[u8], out: &mut NameBuffer) -> bool {
        let mut rest = name;
        while let Some((&first, behind)) = rest.split_first() {
            let matched = self.pattern.longest(rest).filter(|&len| len > 0);
            let is_written = match matched {
                Some(_) => out.try_extend_from_slice(&self.replacement),
                None => out.try_extend_from_slice(&[first]),
            };
            if is_written.is_err() {
                return false;
            }
            rest = matched.map_or(behind, |len| rest.get(len..).unwrap_or_default());
        }
        true
    }
}

/// How clients are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameRules {
    /// When a client gets a name.
    pub replace: ReplaceClientName,
    /// What names that are made begin with.
    pub generated_prefix: Box<str>,
    /// The domain of names that have none; empty for none.
    pub qualifying_suffix: Box<str>,
    /// What is replaced in names that clients give.
    pub sanitizer: Option<Sanitizer>,
}

/// What a client is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By the name in the buffer.
    Given,
    /// By a name that is made from its address.
    Generated,
    /// It has no name.
    Nothing,
}

impl NameRules {
    /// Names a client that gives this name, if any; a name goes to the buffer, which is empty.
    pub fn of_client(&self, given: Option<&[u8]>, out: &mut NameBuffer) -> Naming {
        use ReplaceClientName::{Always, Never, WhenNotPresent, WhenPresent};
        let Some(given) = given else {
            return match self.replace {
                Always | WhenNotPresent => Naming::Generated,
                Never | WhenPresent => Naming::Nothing,
            };
        };
        let end = given.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let name = given.get(..end).unwrap_or_default().trim_ascii();
        if name != b"." && labels(name) == 0 {
            return Naming::Nothing;
        }
        if name == b"." || matches!(self.replace, Always | WhenPresent) {
            return Naming::Generated;
        }
        let is_written = match &self.sanitizer {
            Some(sanitizer) => sanitizer.scrub(name, out),
            None => out.try_extend_from_slice(name).is_ok(),
        };
        let count = labels(out);
        let is_named = is_written && count > 0 && (count > 1 || self.qualify(out));
        out.make_ascii_lowercase();
        if is_named { Naming::Given } else { Naming::Nothing }
    }

    /// Names a client by its reservation; the name goes to the buffer, which is empty.
    pub fn of_host(&self, reserved: &[u8], out: &mut NameBuffer) -> Naming {
        let is_named = out.try_extend_from_slice(reserved).is_ok() && self.qualify(out);
        out.make_ascii_lowercase();
        if is_named { Naming::Given } else { Naming::Nothing }
    }

    /// The name that is made from an address. One that is too long is not completed.
    pub fn generate(&self, address: Ipv4Addr, out: &mut NameBuffer) {
        out.clear();
        let [a, b, c, d] = address.octets();
        let written = write!(Room(out), "{}-{a}-{b}-{c}-{d}", self.generated_prefix);
        if written.is_ok() {
            self.qualify(out);
        }
    }

    /// Completes a name; false when there is no room.
    fn qualify(&self, name: &mut NameBuffer) -> bool {
        let suffix = self.qualifying_suffix.trim_end_matches('.').as_bytes();
        if name.last() == Some(&b'.') {
            name.pop();
            return true;
        }
        let has_suffix = name
            .strip_suffix(suffix)
            .is_some_and(|host| host.is_empty() || host.last() == Some(&b'.'));
        if suffix.is_empty() || has_suffix {
            return true;
        }
        name.try_push(b'.').is_ok() && name.try_extend_from_slice(suffix).is_ok()
    }
}

/// A buffer to write text into.
struct Room<'a>(&'a mut NameBuffer);

impl std::fmt::Write for Room<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.try_extend_from_slice(text.as_bytes()).map_err(|_| std::fmt::Error)
    }
}

/// Number of labels of a name, a final dot apart; 0 when it is no domain name.
fn labels(name: &[u8]) -> usize {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let mut labels = name.split(|&byte| byte == b'.');
    let is_good = labels.all(|label| (1..=LABEL_LEN_MAX).contains(&label.len()));
    if is_good { 1 + name.iter().filter(|&&byte| byte == b'.').count() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> NameRules {
        NameRules {
            replace: ReplaceClientName::Never,
            generated_prefix: "myhost".into(),
            qualifying_suffix: "example.org.".into(),
            sanitizer: Some(Sanitizer::new("[^A-Za-z0-9.-]", "x").unwrap()),
        }
    }

    fn name(rules: &NameRules, given: Option<&str>) -> String {
        let mut out = NameBuffer::new();
        match rules.of_client(given.map(str::as_bytes), &mut out) {
            Naming::Given => String::from_utf8(out.to_vec()).unwrap(),
            Naming::Generated => "generated".into(),
            Naming::Nothing => "nothing".into(),
        }
    }

    #[test]
    fn names_are_cleaned_and_completed() {
        for (given, expected) in [
            ("Printer", "printer.example.org"),
            ("my_printer!", "myxprinterx.example.org"),
            (" printer \0", "printer.example.org"),
            ("printer.lab", "printer.lab"),
            ("printer.", "printer"),
            ("a.b.", "a.b."),
            ("example.org", "example.org"),
            ("", "nothing"),
            (".", "generated"),
            ("a..b", "nothing"),
            (".a", "nothing"),
        ] {
            assert_eq!(name(&rules(), Some(given)), expected, "{given:?}");
        }
        let long = "a".repeat(64);
        assert_eq!(name(&rules(), Some(&long)), "nothing");
        let near = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(60)].join(".");
        assert_eq!(name(&rules(), Some(&near)), near);
        let nothing_left =
            NameRules { sanitizer: Some(Sanitizer::new(".", "").unwrap()), ..rules() };
        assert_eq!(name(&nothing_left, Some("abc")), "nothing");
        let plain = NameRules { sanitizer: None, qualifying_suffix: "".into(), ..rules() };
        assert_eq!(name(&plain, Some("My_Printer")), "my_printer");
    }

    #[test]
    fn names_are_replaced_where_that_is_wished() {
        use ReplaceClientName::{Always, Never, WhenNotPresent, WhenPresent};
        let both = |replace| {
            let rules = NameRules { replace, ..rules() };
            [name(&rules, Some("a.b")), name(&rules, None)]
        };
        assert_eq!(both(Always), ["generated", "generated"]);
        assert_eq!(both(Never), ["a.b", "nothing"]);
        assert_eq!(both(WhenNotPresent), ["a.b", "generated"]);
        assert_eq!(both(WhenPresent), ["generated", "nothing"]);
    }

    #[test]
    fn generated_and_reserved_names_are_completed() {
        let mut out = NameBuffer::new();
        rules().generate(Ipv4Addr::new(192, 0, 2, 7), &mut out);
        assert_eq!(&*out, b"myhost-192-0-2-7.example.org");
        out.clear();
        assert_eq!(rules().of_host(b"Boss", &mut out), Naming::Given);
        assert_eq!(&*out, b"boss.example.org");
        out.clear();
        assert_eq!(rules().of_host(b"boss.barexample.org", &mut out), Naming::Given);
        assert_eq!(&*out, b"boss.barexample.org.example.org");
    }
}
